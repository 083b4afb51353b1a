//! `recado history`: what was said before, oldest first, however much it is; it holds one page at a time.

use jiff::Timestamp;
use recado_proto::{HistoryPage, Publication, Range, UserName, limits as wire_limits};
use tokio_util::sync::CancellationToken;

use crate::entry::{Entry, unanswered};
use crate::error::Error;
use crate::session::Session;

use super::shared::{Printer, ProgramError, ServerArgs, message, printing, time_ms};
use super::span::{Search, Span, Step, position};
use super::target::Target;
use crate::when::{self, When};

/// What `recado history` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    /// Channel whose messages are wanted, or @USER for those between you and that user
    #[arg(value_name = "CHANNEL|@USER")]
    of: Target,

    /// Not before this: 1h ago, a date, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    since: Option<When>,

    /// Before this: 1h ago, a date, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    before: Option<When>,

    /// The last N of them [default: 50 without --since, otherwise all]
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,

    #[command(flatten)]
    server: ServerArgs,

    /// Print one JSON object a line, as `recado client --json` does
    #[arg(long, env = "RECADO_JSON")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  recado history geral --user ana
  recado history geral -n 1000 --json --user ana | jq -r .text
  recado history @bob --since 2026-01-01 --before 2026-02-01 --user ana
  recado history geral --since 24h --user ana | grep release";

/// Whose messages, which of them, and who asks.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    entry: Entry,
    of: Target,
    since: Option<When>,
    before: Option<When>,
    count: Option<u64>,
    json: bool,
}

impl TryFrom<HistoryArgs> for HistoryConfig {
    type Error = ProgramError;

    fn try_from(args: HistoryArgs) -> Result<Self, ProgramError> {
        let entry = args.server.entry(Vec::new())?;
        let usual = args.since.is_none().then_some(u64::from(wire_limits::HISTORY_LIMIT_DEFAULT));
        let HistoryArgs { of, since, before, count, json, .. } = args;
        Ok(Self { entry, of, since, before, count: count.or(usual), json })
    }
}

/// Prints the messages, oldest first, until all are printed or nobody reads any more.
///
/// # Errors
/// The server did not answer or refused, standard output failed, or `shutdown` was cancelled.
pub async fn run(config: HistoryConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let (entry, json) = (config.entry.clone(), config.json);
    printing(entry, json, shutdown, async |session, user, printer| {
        print_all(&config, session, user, printer).await
    })
    .await
}

async fn print_all(
    config: &HistoryConfig,
    session: &Session,
    user: &UserName,
    printer: &mut Printer,
) -> Result<(), Error> {
    let now_ms = Timestamp::now().as_millisecond();
    let span = Span {
        count: config.count,
        since_ms: config.since.as_ref().map(|since| since.as_ms(now_ms)),
        before_ms: config.before.as_ref().map(|before| before.as_ms(now_ms)),
    };
    let mut search = Search::new(span);
    let mut range = Range::Latest;
    let mut messages = loop {
        match search.on_page(page(config, session, range).await?.messages) {
            Step::Back(before) => range = Range::Before(before),
            Step::Begins(messages) => break messages,
        }
    };
    while let Some(next) = messages.last().and_then(position) {
        for publication in messages {
            let is_last = publication.id.is_some() && publication.id == search.last();
            if is_after(&publication, &span) {
                return Ok(());
            }
            let is_read = publication.deleted || show(config, user, printer, publication).await?;
            if is_last || !is_read {
                return Ok(());
            }
        }
        messages = page(config, session, Range::After(next)).await?.messages;
    }
    Ok(())
}

fn is_after(publication: &Publication, span: &Span) -> bool {
    span.before_ms.is_some_and(|before| time_ms(publication) >= before)
}

async fn show(
    config: &HistoryConfig,
    user: &UserName,
    printer: &mut Printer,
    publication: Publication,
) -> Result<bool, Error> {
    printer.show(&message(config.of.0.clone(), publication, user, true)).await
}

async fn page(config: &HistoryConfig, session: &Session, range: Range) -> Result<HistoryPage, Error> {
    match session.history(config.of.history(), range, wire_limits::HISTORY_LIMIT_MAX).await {
        Ok(page) => Ok(page),
        Err(error) => Err(unanswered(error, &config.entry.session).await),
    }
}
