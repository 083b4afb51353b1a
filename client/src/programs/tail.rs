//! `recado tail`: what is said in channels, as it is said, each message once and in its order. What is lost on its way is fetched from history.

use std::pin::pin;

use jiff::Timestamp;
use recado_proto::{ChannelName, HistoryOf, Publication, Range, UserName, limits as wire_limits};
use recado_zmtp::Endpoint;
use tokio_util::sync::CancellationToken;

use crate::chat::item::{ActShown, Item, Notice, Place};
use crate::config::ConfigError;
use crate::entry::{Entry, is_meant, refused, unanswered};
use crate::error::Error;
use crate::limits;
use crate::receiver::{Start, Topic, Via};
use crate::session::{RequestError, Session, SessionEvent, SessionEvents};
use crate::view::plain::Stream;
use crate::view::text::one_line;

use super::shared::{Printer, ProgramError, ServerArgs, message, time_ms};
use super::span::{Search, Span, Step};
use super::target::channel;
use crate::when::{self, When};

/// What `recado tail` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// Channels to follow
    #[arg(value_name = "CHANNEL", required_unless_present = "direct", value_parser = channel)]
    channels: Vec<ChannelName>,

    /// Follow what is sent to you directly, too
    #[arg(long)]
    direct: bool,

    /// Begin with what was said since then: 1h ago, a date, or a time
    #[arg(long, value_name = "WHEN", conflicts_with = "direct", value_parser = when::parse)]
    since: Option<When>,

    /// Begin with the last N messages of each channel [default: 10 without --since, otherwise all]
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,

    #[command(flatten)]
    server: ServerArgs,

    /// Broker to receive messages from; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_BROKER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5558"
    )]
    broker: Vec<Endpoint>,

    /// Print one JSON object a line, as `recado client --json` does
    #[arg(long, env = "RECADO_JSON")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  recado tail geral --user ana
  recado tail geral builds -n 0 --user ana
  recado tail builds --since 1h --json --user ana | jq -r --unbuffered .text
  recado tail --direct -n 0 --json --user bot

Each message is printed once, in the order of its channel, also when server or
broker go away and come back: that is said on standard error. It ends, with
exit code 0, when it is interrupted or nobody reads any more.";

/// Which channels, from where on, and who asks.
#[derive(Clone, Debug)]
pub struct TailConfig {
    entry: Entry,
    channels: Vec<ChannelName>,
    direct: bool,
    since: Option<When>,
    count: Option<u64>,
    json: bool,
}

impl TryFrom<TailArgs> for TailConfig {
    type Error = ProgramError;

    fn try_from(args: TailArgs) -> Result<Self, ProgramError> {
        let TailArgs { channels, direct, since, count, server, broker, json } = args;
        if broker.is_empty() {
            return Err(ConfigError::NoBroker.into());
        }
        let entry = server.entry(broker)?;
        let usual = since.is_none().then_some(limits::TAIL_MESSAGES);
        Ok(Self { entry, channels, direct, since, count: count.or(usual), json })
    }
}

/// Prints messages as they come, until nobody reads any more or `shutdown` is cancelled.
///
/// # Errors
/// A channel cannot be followed, the server does not let the user in, or standard output failed.
pub async fn run(mut config: TailConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let (session, events) = tokio::select! {
        begun = config.entry.connect_as_somebody() => begun?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let mut printer = Printer::new(config.json, config.entry.named.as_ref())?;
    let followed = tokio::select! {
        followed = follow(&config, &session, events, &mut printer) => followed,
        () = shutdown.cancelled() => Ok(()),
    };
    let written = tokio::select! {
        written = printer.finish() => written,
        // Whoever does not read holds up the end no longer.
        () = tokio::time::sleep(limits::QUIT_PATIENCE), if shutdown.is_cancelled() => Ok(()),
    };
    followed.and(written)
}

/// Ends when nobody reads any more.
async fn follow(
    config: &TailConfig,
    session: &Session,
    mut events: SessionEvents,
    printer: &mut Printer,
) -> Result<(), Error> {
    let mut begin = pin!(begin(config, session));
    let mut has_begun = false;
    loop {
        let event = tokio::select! {
            begun = &mut begin, if !has_begun => {
                begun?;
                has_begun = true;
                continue;
            }
            event = events.recv() => event,
            () = printer.closed() => return Ok(()),
        };
        // The session's task ends only when it is told to.
        let Some(event) = event else { return Ok(()) };
        if let Some(item) = shown(event, session.user().as_ref())
            && !show(printer, &item).await?
        {
            return Ok(());
        }
    }
}

async fn show(printer: &mut Printer, item: &Item) -> Result<bool, Error> {
    if printer.is_json() {
        return printer.show_on(stream(item), item).await;
    }
    match item {
        // The chat's own words for it speak of lines that are kept.
        Item::Notice(Notice::ServerLost { reason }) => {
            let line = format!("* The server is away: {}.", one_line(reason));
            printer.write(Stream::Aside, line).await
        }
        item => printer.show(item).await,
    }
}

/// What is said in the channels, or what is missing there, is what was asked for.
fn stream(item: &Item) -> Stream {
    let is_asked_for = matches!(
        item,
        Item::Message(_) | Item::Act(_) | Item::Notice(Notice::Missing { .. } | Notice::EpochChanged { .. })
    );
    if is_asked_for { Stream::Output } else { Stream::Aside }
}

/// Follows all channels. Whoever follows waits for a server to come, however long it takes; that none is there the session's events say.
async fn begin(config: &TailConfig, session: &Session) -> Result<(), Error> {
    loop {
        match introduce(config, session).await {
            Ok(()) => break,
            Err(Error::Request(error @ RequestError::Unanswered { .. })) => {
                let error = unanswered(error, &config.entry.session).await;
                if matches!(error, Error::NotAServer { .. } | Error::Distrusted(_)) {
                    return Err(error);
                }
            }
            Err(Error::Request(error)) => return Err(Error::Login(error)),
            Err(error) => return Err(error),
        }
    }
    let now_ms = Timestamp::now().as_millisecond();
    let span = Span {
        count: config.count,
        since_ms: config.since.as_ref().map(|since| since.as_ms(now_ms)),
        before_ms: None,
    };
    for channel in &config.channels {
        loop {
            match follow_channel(session, channel, span).await {
                Ok(()) => break,
                Err(error) if error.is_passing() => {}
                Err(error) => return Err(Error::Request(error)),
            }
        }
    }
    Ok(())
}

/// Makes the server know who follows, and with `--direct` follows what is sent to that user.
async fn introduce(config: &TailConfig, session: &Session) -> Result<(), Error> {
    let (named, servers) = (config.entry.named.as_ref(), config.entry.session.servers.as_slice());
    let user = match (config.entry.is_secured(), named) {
        (true, named) => is_meant(named, session.identify().await.map_err(|error| refused(error, servers))?)?,
        (false, Some(named)) => named.clone(),
        (false, None) => return Err(Error::Nobody),
    };
    match (config.direct, config.entry.is_secured()) {
        (true, _) => session.login_from(&user, direct_start(config.count)).await,
        (false, false) => session.introduce(&user).await,
        (false, true) => Ok(()),
    }
    .map_err(|error| refused(error, servers))
}

/// The last of what was sent to the user directly, as far as one page reaches.
fn direct_start(count: Option<u64>) -> Start {
    let count = count.unwrap_or(limits::TAIL_MESSAGES).min(wire_limits::HISTORY_LIMIT_MAX.into());
    Start::Latest(u32::try_from(count).unwrap_or(wire_limits::HISTORY_LIMIT_MAX))
}

async fn follow_channel(session: &Session, channel: &ChannelName, span: Span) -> Result<(), RequestError> {
    let mut search = Search::new(span);
    let mut range = Range::Latest;
    let mut latest = None;
    let first = loop {
        let of = HistoryOf::Channel(channel.clone());
        let page = session.history(of, range, wire_limits::HISTORY_LIMIT_MAX).await?.messages;
        if range == Range::Latest {
            latest = page.last().cloned();
        }
        match search.on_page(page) {
            Step::Back(before) => range = Range::Before(before),
            Step::Begins(messages) => break messages.into_iter().next(),
        }
    };
    session.subscribe_channel_from(channel, start(first.as_ref(), latest.as_ref())).await
}

/// Where to begin, if this is the first message that is wanted and that the latest of all.
fn start(first: Option<&Publication>, latest: Option<&Publication>) -> Start {
    let place = |message: &Publication| message.epoch.zip(message.seq);
    match (first, latest) {
        (Some(first), _) => match place(first) {
            Some((epoch, seq)) => Start::After { epoch, seq: seq.saturating_sub(1) },
            None => Start::Latest(0),
        },
        (None, Some(latest)) => match place(latest) {
            Some((epoch, seq)) => Start::After { epoch, seq },
            None => Start::Latest(0),
        },
        (None, None) => Start::Beginning,
    }
}

/// What is shown of an event.
fn shown(event: SessionEvent, user: Option<&UserName>) -> Option<Item> {
    let notice = match event {
        SessionEvent::Publication { topic, publication, via } => {
            // Nothing is followed before it is known who follows.
            return said(place(topic), publication, via, user?);
        }
        SessionEvent::Joined { .. }
        | SessionEvent::Marked { .. }
        | SessionEvent::Sent { .. }
        | SessionEvent::Here(_)
        | SessionEvent::Typing { .. } => return None,
        SessionEvent::Missing { topic, first, last } => Notice::Missing { place: place(topic), first, last },
        SessionEvent::EpochChanged { topic, .. } => Notice::EpochChanged { place: place(topic) },
        SessionEvent::ServerLost { reason } => Notice::ServerLost { reason },
        SessionEvent::ServerBack => Notice::ServerBack { kept: 0 },
        SessionEvent::Distrusted(found) => Notice::Distrusted(found),
        SessionEvent::BrokerLost { reason } => Notice::BrokerLost { reason },
        SessionEvent::NotAdmitted => Notice::NotAdmitted,
        SessionEvent::BrokerBack => Notice::BrokerBack,
        SessionEvent::Malformed { topic, reason } => Notice::Malformed { topic, reason },
    };
    Some(Item::Notice(notice))
}

fn said(place: Place, publication: Publication, via: Via, user: &UserName) -> Option<Item> {
    // What comes to the user alone is between the user and whoever sent it.
    let place = match place {
        Place::Direct(_) => Place::Direct(publication.sender().clone()),
        Place::Channel(channel) => Place::Channel(channel),
    };
    let earlier = via == Via::Backlog;
    let Some(kind) = publication.kind else {
        return (!publication.deleted).then(|| message(place, publication, user, earlier));
    };
    // What is told of the past has taken up its acts already.
    (!earlier).then(|| {
        Item::Act(ActShown {
            place,
            author: publication.sender().clone(),
            kind,
            target: publication.manner.target,
            time_ms: time_ms(&publication),
            own: publication.sender() == user,
            text: publication.message,
            id: publication.id,
            seq: publication.seq,
            epoch: publication.epoch,
        })
    })
}

fn place(topic: Topic) -> Place {
    match topic {
        Topic::Channel(channel) => Place::Channel(channel),
        Topic::Direct(user) => Place::Direct(user),
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{
        ActKind, ChannelName, Epoch, Manner, MessageId, Publication, PublicationBody, Timestamp, UserName,
    };

    use crate::chat::item::{Item, Notice, Place};
    use crate::receiver::{Start, Topic, Via};
    use crate::session::SessionEvent;
    use crate::view::plain::Stream;

    use super::{direct_start, shown, start, stream};

    fn user() -> UserName {
        UserName::parse("ana").unwrap()
    }

    fn topic() -> Topic {
        Topic::Channel(ChannelName::parse("geral").unwrap())
    }

    fn publication(seq: u64) -> Publication {
        Publication {
            topic: "geral".to_owned(),
            body: PublicationBody::Channel { user: user() },
            message: "hi".to_owned(),
            timestamp: Timestamp::from_seconds(1),
            clock: None,
            id: Some(MessageId::from_bytes([1; 16])),
            seq: Some(seq),
            epoch: Some(Epoch::new(7).unwrap()),
            time_ms: Some(1_000),
            kind: None,
            manner: Manner::default(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }
    }

    fn said(publication: Publication, via: Via) -> Option<Item> {
        shown(SessionEvent::Publication { topic: topic(), publication, via }, Some(&user()))
    }

    #[test]
    fn it_begins_right_before_what_is_wanted_or_right_after_all() {
        let after = |seq| Start::After { epoch: Epoch::new(7).unwrap(), seq };
        assert_eq!(start(Some(&publication(3)), Some(&publication(9))), after(2));
        assert_eq!(start(None, Some(&publication(9))), after(9));
        assert_eq!(start(None, None), Start::Beginning);
        let placeless = Publication { seq: None, ..publication(1) };
        assert_eq!(start(Some(&placeless), Some(&placeless)), Start::Latest(0));
    }

    #[test]
    fn messages_are_shown_as_they_are_by_now_and_acts_as_they_happen() {
        let edit = || Publication { kind: Some(ActKind::Edit), ..publication(1) };
        assert!(matches!(said(publication(1), Via::Live), Some(Item::Message(shown)) if !shown.earlier));
        assert!(matches!(said(publication(1), Via::Backlog), Some(Item::Message(shown)) if shown.earlier));
        assert!(matches!(said(edit(), Via::Live), Some(Item::Act(shown)) if shown.kind == ActKind::Edit));
        assert!(matches!(said(edit(), Via::Repair), Some(Item::Act(_))));
        assert_eq!(said(edit(), Via::Backlog), None);
        assert_eq!(said(Publication { deleted: true, ..publication(1) }, Via::Repair), None);
    }

    #[test]
    fn what_is_sent_to_one_directly_is_between_two() {
        let bob = UserName::parse("bob").unwrap();
        let direct = Publication {
            topic: "ana".to_owned(),
            body: PublicationBody::Direct { from: bob.clone() },
            ..publication(1)
        };
        let via = Via::Live;
        let event = SessionEvent::Publication { topic: Topic::Direct(user()), publication: direct, via };
        let place = match shown(event, Some(&user())) {
            Some(Item::Message(message)) => message.place,
            other => panic!("{other:?}"),
        };
        assert_eq!(place, Place::Direct(bob));
        assert_eq!(direct_start(Some(7)), Start::Latest(7));
        assert_eq!(direct_start(Some(u64::MAX)), Start::Latest(1_000));
    }

    #[test]
    fn what_is_missing_is_told_where_it_is_missed() {
        let stream_of = |event| shown(event, Some(&user())).map(|item| stream(&item));
        let missing = SessionEvent::Missing { topic: topic(), first: 1, last: 2 };
        assert_eq!(stream_of(missing), Some(Stream::Output));
        assert_eq!(stream_of(SessionEvent::BrokerBack), Some(Stream::Aside));
        assert_eq!(shown(SessionEvent::ServerBack, None), Some(Item::Notice(Notice::ServerBack { kept: 0 })));
    }
}
