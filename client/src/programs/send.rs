//! `recado send`: messages from a command line or from standard input. It says that a message is sent when the server has it, and no sooner.

use std::io::{self, Read};
use std::thread;

use recado_proto::{Manner, MessageId, Style, limits as wire_limits};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::chat::item::{Attempt, Failure, FailureCode, Item, Place};
use crate::chat::reason::Reason;
use crate::engine::Input;
use crate::entry::Entry;
use crate::error::Error;
use crate::lines::read_lines;
use crate::session::{RequestError, SendOutcome, Session};
use crate::view::plain::Stream;
use crate::view::wording::{self, Language};

use super::shared::{Printer, ProgramError, ServerArgs};
use super::target::Target;

/// What `recado send` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SendArgs {
    /// Channel to send to, or @USER
    #[arg(value_name = "CHANNEL|@USER")]
    to: Target,

    /// Text of the message; several words are one text
    #[arg(
        value_name = "TEXT",
        conflicts_with = "stdin",
        required_unless_present = "stdin",
        allow_negative_numbers = true
    )]
    text: Vec<String>,

    /// Send what stands on standard input, without its last line feed
    #[arg(long)]
    stdin: bool,

    /// Each line of standard input is a message of its own; empty ones are passed over
    #[arg(long, requires = "stdin", conflicts_with = "text")]
    lines: bool,

    /// The message's own number, a UUID: what is repeated under the same one is stored once
    #[arg(long, value_name = "UUID")]
    id: Option<MessageId>,

    /// The message answers the one of this number
    #[arg(long, value_name = "UUID")]
    reply_to: Option<MessageId>,

    /// The message says what you do, as /me does in the chat
    #[arg(long)]
    me: bool,

    #[command(flatten)]
    server: ServerArgs,

    /// Print one JSON object a line, as `recado client --json` does
    #[arg(long, env = "RECADO_JSON")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  recado send geral the build is green --user ci
  recado send @ana 'lunch?' --user bob
  recado send geral --me deploys version 7 --user ci
  make 2>&1 | tail -n 20 | recado send builds --stdin --user ci
  recado send geral --stdin --lines --user ci < notes.txt
  id=$(uuidgen)
  until recado send geral 'once, however often' --user ci --id $id; do sleep 5; done
  recado send --user ci -- geral -x and other words with a dash

Each message that the server has is told as `OK UUID`. The first that was not
sent ends it: what it was stands on standard error, and the exit code is 1.
With --lines and --id the n-th line goes under the number that is n-1 above,
so that the same input may be sent again under the same --id.";

/// Longest message.
const TEXT_BYTES_MAX: usize = wire_limits::MESSAGE_BYTES_MAX;

/// What is sent, where to, and as whom.
#[derive(Clone, Debug)]
pub struct SendConfig {
    entry: Entry,
    to: Place,
    what: What,
    id: MessageId,
    manner: Manner,
    json: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Text(String),
    Input,
    Lines,
}

impl TryFrom<SendArgs> for SendConfig {
    type Error = ProgramError;

    fn try_from(args: SendArgs) -> Result<Self, ProgramError> {
        let entry = args.server.entry(Vec::new())?;
        let what = match (args.stdin, args.lines) {
            (true, true) => What::Lines,
            (true, false) => What::Input,
            (false, _) => What::Text(args.text.join(" ")),
        };
        if what == What::Text(String::new()) {
            return Err(ProgramError::NoText);
        }
        let id = args.id.unwrap_or_else(MessageId::new_v7);
        let manner = Manner { target: args.reply_to, style: args.me.then_some(Style::Me) };
        Ok(Self { entry, to: args.to.0, what, id, manner, json: args.json })
    }
}

/// Sends it, in order, until all is sent, one is not, or `shutdown` is cancelled.
///
/// # Errors
/// The first message that was not sent, after it was told; or the server did not let the user in.
pub async fn run(mut config: SendConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let (session, _events) = tokio::select! {
        begun = config.entry.connect_as_somebody() => begun?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    let mut printer = Printer::new(config.json, config.entry.named.as_ref())?;
    let sent = tokio::select! {
        sent = send_all(&config, &session, &mut printer) => sent,
        () = shutdown.cancelled() => Err(Error::Interrupted),
    };
    // That the answers cannot be written does not keep the messages from being sent.
    drop(printer.finish().await);
    sent
}

async fn send_all(config: &SendConfig, session: &Session, printer: &mut Printer) -> Result<(), Error> {
    match &config.what {
        What::Text(text) => {
            config.entry.introduce(session).await?;
            send(config, session, printer, text.clone(), config.id).await
        }
        What::Input => {
            let text = whole_input().await?;
            config.entry.introduce(session).await?;
            send(config, session, printer, text, config.id).await
        }
        What::Lines => {
            config.entry.introduce(session).await?;
            send_lines(config, session, printer).await
        }
    }
}

async fn send_lines(config: &SendConfig, session: &Session, printer: &mut Printer) -> Result<(), Error> {
    let mut input = read_lines(io::stdin()).map_err(Error::Terminal)?;
    let mut number = 0;
    loop {
        match input.recv().await.unwrap_or(Input::End) {
            Input::Line { text, .. } => {
                if !text.is_empty() {
                    let sent = send(config, session, printer, text, nth(config.id, number)).await;
                    sent.map_err(|_| Error::LineNotSent { number: number + 1, id: config.id })?;
                }
            }
            Input::Unreadable(why) => {
                let reason = wording::unreadable(Language::English, why);
                return Err(Error::Input { reason: format!("line {}: {reason}", number + 1) });
            }
            Input::End | Input::Interrupt => return Ok(()),
            // Lines alone come from standard input.
            Input::LineAt { .. }
            | Input::OnMessage { .. }
            | Input::Go(_)
            | Input::Older { .. }
            | Input::Around { .. }
            | Input::Draft(..) => continue,
        }
        number += 1;
    }
}

/// The number of the message that stands so many lines below the first.
fn nth(first: MessageId, below: u64) -> MessageId {
    let number = u128::from_be_bytes(*first.as_bytes()).wrapping_add(u128::from(below));
    MessageId::from_bytes(number.to_be_bytes())
}

/// All of standard input as one text, without the line feed that ends it.
async fn whole_input() -> Result<String, Error> {
    let (reply, read) = oneshot::channel();
    // A thread of its own, because reading standard input cannot be cancelled; it ends with the process at the latest.
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let mut bytes = Vec::new();
            // Room for a line feed, and for one byte too many.
            let read = io::stdin().take(TEXT_BYTES_MAX as u64 + 2).read_to_end(&mut bytes);
            // Nobody waits if the program was interrupted.
            let _ = reply.send(read.map(|_| bytes));
        })
        .map_err(Error::Terminal)?;
    let bytes = read
        .await
        .map_err(|_| Error::Terminal(io::ErrorKind::BrokenPipe.into()))?
        .map_err(Error::Terminal)?;
    one_text(bytes).map_err(|reason| Error::Input { reason })
}

fn one_text(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("a message has at most {TEXT_BYTES_MAX} bytes"));
    }
    Ok(text.to_owned())
}

async fn send(
    config: &SendConfig,
    session: &Session,
    printer: &mut Printer,
    text: String,
    id: MessageId,
) -> Result<(), Error> {
    let outcome = match &config.to {
        Place::Channel(channel) => session.publish_in_manner(channel, text.clone(), id, config.manner).await,
        Place::Direct(user) => session.message_in_manner(user, text.clone(), id, config.manner).await,
    };
    let (code, reason, ambiguous) = match outcome {
        SendOutcome::Acknowledged { id, seq, epoch } => {
            // That nobody reads the answer does not keep the message from being sent.
            match printer.is_json() {
                true => printer.show(&Item::Sent { to: config.to.clone(), id, seq, epoch }).await?,
                false => printer.write(Stream::Output, format!("OK {id}")).await?,
            };
            return Ok(());
        }
        SendOutcome::Refused { code, description, .. } => {
            (FailureCode::Server(code.clone()), RequestError::Refused { code, description }, false)
        }
        SendOutcome::Unanswered { attempts, .. } => {
            (FailureCode::Unanswered, RequestError::Unanswered { attempts }, attempts > 0)
        }
        SendOutcome::Failed { error, .. } => (FailureCode::Session, error, false),
    };
    let reason = Reason::Request(reason);
    let what = Attempt::Send { to: Some(config.to.clone()), text: text.clone(), id: Some(id), ambiguous };
    let failure = Failure { what, code, reason, hint: None };
    if printer.is_json() {
        printer.show(&Item::Failure(failure)).await?;
    } else {
        printer
            .write(Stream::Aside, format!("! {}\n{text}", wording::failure(Language::English, &failure)))
            .await?;
    }
    Err(Error::NotSent { id, ambiguous })
}

#[cfg(test)]
mod tests {
    use recado_proto::MessageId;

    use super::{TEXT_BYTES_MAX, nth, one_text};

    #[test]
    fn lines_have_numbers_one_after_another_from_the_first() {
        let first = MessageId::from_bytes([255; 16]);
        assert_eq!(nth(first, 0), first);
        assert_eq!(nth(first, 1), MessageId::from_bytes([0; 16]));
    }

    #[test]
    fn the_whole_input_is_one_text_without_its_last_line_feed() {
        assert_eq!(one_text(b"a\n\nb\n".to_vec()).as_deref(), Ok("a\n\nb"));
        assert_eq!(one_text(b"a\n\n".to_vec()).as_deref(), Ok("a\n"));
        assert_eq!(
            one_text([&vec![b'x'; TEXT_BYTES_MAX][..], b"\n"].concat()).map(|text| text.len()),
            Ok(TEXT_BYTES_MAX)
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [&b""[..], b"\n", b"\xff", &vec![b'x'; TEXT_BYTES_MAX + 1]] {
            assert!(one_text(bytes.to_vec()).is_err());
        }
    }
}
