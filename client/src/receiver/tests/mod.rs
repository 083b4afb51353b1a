//! What comes in, and the exact list of what is to be done.

mod barriers;
mod bounds;
mod claims;
mod epochs;
mod gaps;
mod joining;

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use recado_proto::{
    ChannelName, Epoch, HistoryPage, Manner, MessageId, Place, Publication, PublicationBody, Range,
    SyncTopic, SystemPublication, SystemTopic, Timestamp, TopicName, UserName,
};

use crate::limits;

use super::{Action, Receiver, Start, Ticket, Topic, Via};

const EPOCH: u64 = 7;

/// A receiver with what it wanted done, written as short lines.
struct Bench {
    receiver: Receiver,
    now: Instant,
    /// Questions for history, oldest first.
    tickets: Vec<Ticket>,
    /// Questions for barriers, oldest first.
    syncs: Vec<(Ticket, SyncTopic)>,
}

impl Bench {
    fn new() -> Self {
        Self { receiver: Receiver::new(1), now: Instant::now(), tickets: Vec::new(), syncs: Vec::new() }
    }

    /// Joins `tech`, and nothing has been answered.
    fn joining(start: Start) -> Self {
        let mut bench = Self::new();
        assert!(bench.receiver.join(tech(), start, bench.now));
        let fetch = match start {
            Start::Latest(backlog) => format!("fetch tech latest {}", backlog.max(1)),
            Start::Beginning => "fetch tech after 0".to_owned(),
            Start::After { seq, .. } => format!("fetch tech after {seq}"),
        };
        bench.expect(&[
            "subscribe tech",
            "subscribe _acts.tech",
            "subscribe _heads.tech",
            "subscribe sync",
            "sync tech",
            &fetch,
        ]);
        bench
    }

    /// Has joined `tech` while it stood at this place.
    fn joined_at(last_seq: u64) -> Self {
        let mut bench = Self::joining(Start::Latest(0));
        bench.page(page(last_seq..=last_seq, 1, last_seq));
        bench.barrier(&[("tech", last_seq)]);
        bench.expect(&["unsubscribe sync", "joined tech"]);
        bench
    }

    fn publish(&mut self, publication: Publication) {
        self.receiver.on_publication(publication, self.now);
    }

    fn live(&mut self, seq: u64) {
        self.publish(message(seq));
    }

    /// Answers the oldest question for history.
    fn page(&mut self, page: HistoryPage) {
        let ticket = self.tickets.remove(0);
        self.receiver.on_page(ticket, page, self.now);
    }

    fn fail(&mut self, for_good: bool) {
        let ticket = self.tickets.remove(0);
        self.receiver.on_page_failed(ticket, for_good, self.now);
    }

    /// The server takes the oldest question for a barrier, whose answer does not come yet.
    fn take_sync(&mut self) -> SyncTopic {
        let (ticket, topic) = self.syncs.remove(0);
        self.receiver.on_sync_taken(ticket, self.now);
        topic
    }

    /// The oldest question for a barrier is answered.
    fn barrier(&mut self, heads: &[(&str, u64)]) {
        let topic = self.take_sync();
        self.arrive(topic, heads);
    }

    fn arrive(&mut self, topic: SyncTopic, heads: &[(&str, u64)]) {
        self.system(SystemTopic::Sync(topic), heads, EPOCH);
    }

    fn beacon(&mut self, seq: u64) {
        self.system(SystemTopic::Heads(TopicName::parse("tech").unwrap()), &[("tech", seq)], EPOCH);
    }

    fn system(&mut self, topic: SystemTopic, heads: &[(&str, u64)], epoch: u64) {
        let heads = heads.iter().map(|(name, seq)| (TopicName::parse(name).unwrap(), *seq)).collect();
        let epoch = Epoch::new(epoch).unwrap();
        let timestamp = Timestamp::from_seconds(1_700_000_000);
        self.receiver.on_system(SystemPublication { topic, heads, epoch, timestamp, clock: None }, self.now);
    }

    /// Goes to the next moment at which the receiver wants something; how long that takes.
    fn wait(&mut self) -> Duration {
        let due = self.receiver.poll_timeout().unwrap();
        let waited = due - self.now;
        self.now = due;
        self.receiver.on_timeout(due);
        waited
    }

    fn idle(&self) {
        assert_eq!(self.receiver.waits_until(), None);
    }

    fn expect(&mut self, expect: &[&str]) {
        assert_eq!(self.actions(), expect);
    }

    fn actions(&mut self) -> Vec<String> {
        let mut actions = Vec::new();
        while let Some(action) = self.receiver.next_action() {
            match &action {
                Action::Fetch { ticket, .. } => self.tickets.push(*ticket),
                Action::Sync { ticket, on, .. } => self.syncs.push((*ticket, on.clone())),
                Action::Subscribe(_)
                | Action::Unsubscribe(_)
                | Action::Joined(_)
                | Action::Deliver { .. }
                | Action::Missing { .. }
                | Action::EpochChanged { .. } => {}
            }
            actions.push(shown(&action));
        }
        actions
    }

    fn quiet(&mut self) {
        self.expect(&[]);
    }
}

fn shown(action: &Action) -> String {
    let subscription = |topic: &str| match topic.starts_with("_sync.") {
        true => "sync".to_owned(),
        false => topic.to_owned(),
    };
    match action {
        Action::Subscribe(topic) => format!("subscribe {}", subscription(topic)),
        Action::Unsubscribe(topic) => format!("unsubscribe {}", subscription(topic)),
        Action::Sync { topics, .. } => {
            let topics: Vec<&str> = topics.iter().map(TopicName::as_str).collect();
            format!("sync {}", topics.join(" "))
        }
        Action::Fetch { topic, range: Range::Latest, limit, .. } => format!("fetch {topic} latest {limit}"),
        Action::Fetch { topic, range: Range::After(Place::Seq(seq)), .. } => {
            format!("fetch {topic} after {seq}")
        }
        Action::Fetch { topic, range, .. } => format!("fetch {topic} {range:?}"),
        Action::Joined(topic) => format!("joined {topic}"),
        Action::Deliver { publication, via, .. } => {
            let via = match via {
                Via::Live => "live",
                Via::Backlog => "backlog",
                Via::Repair => "repair",
            };
            format!("{via} {}", publication.message)
        }
        Action::Missing { topic, first, last } => format!("missing {topic} {first} to {last}"),
        Action::EpochChanged { topic, epoch } => format!("epoch {topic} {epoch}"),
    }
}

/// `via` before each of the places.
fn each(via: &str, seqs: RangeInclusive<u64>) -> Vec<String> {
    seqs.map(|seq| format!("{via} {seq}")).collect()
}

fn tech() -> Topic {
    channel("tech")
}

fn channel(name: &str) -> Topic {
    Topic::Channel(ChannelName::parse(name).unwrap())
}

fn after(seq: u64) -> Start {
    Start::After { epoch: Epoch::new(EPOCH).unwrap(), seq }
}

fn message(seq: u64) -> Publication {
    Publication {
        topic: "tech".to_owned(),
        body: PublicationBody::Channel { user: UserName::parse("ana").unwrap() },
        message: seq.to_string(),
        timestamp: Timestamp::from_seconds(1_700_000_000),
        clock: None,
        id: Some(MessageId::from_bytes(u128::from(seq).to_be_bytes())),
        seq: Some(seq),
        epoch: Some(Epoch::new(EPOCH).unwrap()),
        time_ms: None,
        kind: None,
        manner: Manner::default(),
        edited: false,
        deleted: false,
        acts: Vec::new(),
    }
}

/// What somebody else publishes straight to the broker, as if it were the server's.
fn forged(seq: u64) -> Publication {
    Publication {
        message: format!("forged {seq}"),
        id: Some(MessageId::from_bytes([0xff; 16])),
        ..message(seq)
    }
}

/// The same message, of another epoch.
fn in_epoch(epoch: u64, seq: u64) -> Publication {
    Publication { epoch: Some(Epoch::new(epoch).unwrap()), ..message(seq) }
}

/// A message that only this epoch has.
fn only_in_epoch(epoch: u64, seq: u64) -> Publication {
    Publication {
        message: format!("{seq} of {epoch}"),
        id: Some(MessageId::from_bytes(u128::from(epoch * 1_000_000 + seq).to_be_bytes())),
        ..in_epoch(epoch, seq)
    }
}

fn page(seqs: impl IntoIterator<Item = u64>, first_seq: u64, last_seq: u64) -> HistoryPage {
    page_of(seqs.into_iter().filter(|seq| *seq > 0).map(message), first_seq, last_seq)
}

fn page_of(messages: impl IntoIterator<Item = Publication>, first_seq: u64, last_seq: u64) -> HistoryPage {
    HistoryPage {
        messages: messages.into_iter().collect(),
        first_seq: Some(first_seq),
        last_seq: Some(last_seq),
        epoch: Some(Epoch::new(EPOCH).unwrap()),
        topic: None,
    }
}

/// Between a half of the patience and one and a half.
#[track_caller]
fn assert_patient(waited: Duration) {
    let patience = limits::GAP_PATIENCE;
    assert!(waited >= patience / 2 && waited <= patience * 3 / 2, "{waited:?}");
}
