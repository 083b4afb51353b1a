//! The server's process: the real rules and the real store, turn by turn, and a feed for each broker. When it dies, what was in memory
//! is gone, and what was on disk is found again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use recado_proto::{HEADS_PREFIX, HistoryRequest, Publication, Timestamp};
use recado_server::simulation::{Core, Feed, Taken};
use recado_server::store::Position;
use recado_zmtp::{Message, PeerId};

use super::ledger::Rule;
use super::mutation::Mutation;
use super::network::{ConnectionId, End, Link, Payload};
use super::random::Random;
use super::setup::CrashPoint;
use super::time::{MILLISECOND, Micros, SECOND};
use super::world::{Event, World};

pub(super) struct Server {
    folder: PathBuf,
    generation: u32,
    random: Random,
    pub(super) incarnation: u32,
    pub(super) core: Option<Core>,
    feeds: Vec<Feed>,
    /// Publications that were on their way over a connection that broke, for each feed.
    lost: Vec<u64>,
    feed_scheduled: Vec<bool>,
    turn_under_way: bool,
    last_turn_at: Micros,
    marked_at: Micros,
    /// Up to here the ledger knows of commits.
    noted: Position,
    pub(super) dies_at: Option<(CrashPoint, bool, Micros)>,
    wall_offset_ms: i64,
    /// An older copy, as a backup has it.
    backup: Option<PathBuf>,
    /// Each topic's last place when the process started.
    pub(super) held_at_start: BTreeMap<String, u64>,
    /// A broken rule: what is done before it is durable.
    premature: Option<Premature>,
}

struct Premature {
    /// The files from before.
    files: PathBuf,
    replies: Vec<(PeerId, Message)>,
}

impl Server {
    pub(super) fn new(folder: &Path, random: Random, brokers: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            generation: 0,
            random,
            incarnation: 0,
            core: None,
            feeds: Vec::new(),
            lost: vec![0; brokers],
            feed_scheduled: vec![false; brokers],
            turn_under_way: false,
            last_turn_at: 0,
            marked_at: 0,
            noted: Position(0),
            dies_at: None,
            wall_offset_ms: 0,
            backup: None,
            held_at_start: BTreeMap::new(),
            premature: None,
        }
    }

    /// A page of history, past all connections.
    pub(super) fn history(&mut self, request: &HistoryRequest) -> Vec<Publication> {
        let core = self.core.as_mut().expect("it lives at the end");
        let page = core.history(request).expect("the store can be read");
        page.map(|page| page.messages).expect("it is there")
    }

    fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.sqlite", self.generation))
    }

    /// The files as they are on disk now, under other names.
    fn copy_to(&self, to: &Path) {
        copy(&self.file(), to, &["", "-wal", "-lock"]);
    }
}

/// What stays when a process is gone: the shared memory beside the file does not.
fn copy(from: &Path, to: &Path, endings: &[&str]) {
    for ending in endings {
        let (from, to) = (beside(from, ending), beside(to, ending));
        if from.exists() {
            fs::copy(from, to).expect("the temporary folder has room");
        }
    }
}

fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm", "-lock"] {
        // Not all of them are there.
        let _ = fs::remove_file(beside(path, ending));
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl World {
    pub(super) fn server_starts(&mut self) {
        if self.server.core.is_some() {
            return;
        }
        let mut core = Core::open(&self.server.file()).expect("what a crash leaves can be opened");
        let epoch = core.epoch();
        let holds = core.publications(Position(0)).expect("the store can be read");
        let holds: Vec<_> = holds.iter().map(|(_, message)| decode(message)).collect();
        self.ledger.started(epoch, &holds);
        let now = self.instant();
        let number = self.ledger.epoch_number(epoch);
        self.note(None, format_args!("the server starts with {} messages, in {number}", holds.len()));
        let server = &mut self.server;
        server.noted = core.last_position();
        server.feeds = (0..server.lost.len())
            .map(|_| Feed::new(&mut core, now).expect("the store can be read"))
            .collect();
        server.held_at_start = holds.iter().map(|it| (it.topic.clone(), it.seq.unwrap_or(0))).collect();
        server.core = Some(core);
        server.incarnation += 1;
        (server.turn_under_way, server.premature) = (false, None);
        server.lost.iter_mut().for_each(|lost| *lost = 0);
        server.feed_scheduled.iter_mut().for_each(|scheduled| *scheduled = false);
        for broker in 0..self.brokers.len() {
            self.dial_soon(Link::Feed { broker });
        }
        self.schedule_server(SECOND, |incarnation| Event::Tend { incarnation });
    }

    pub(super) fn server_dies(&mut self, restored: bool, down: Micros) {
        let Some(core) = self.server.core.take() else { return };
        self.note(None, format_args!("the server dies"));
        self.server.incarnation += 1;
        self.server.dies_at = None;
        let former = self.server.file();
        let premature = self.server.premature.take();
        let server = &mut self.server;
        server.generation += 1;
        let new = server.file();
        match &premature {
            Some(premature) => copy(&premature.files, &new, &["", "-wal", "-lock"]),
            None => copy(&former, &new, &["", "-wal", "-lock"]),
        }
        drop(core);
        if let (true, Some(backup)) = (restored, &server.backup) {
            remove(&new);
            copy(backup, &new, &["", "-wal"]);
            // The lock's file stayed where it was.
            copy(&former, &new, &["-lock"]);
            self.note(None, format_args!("its store is replaced by an older copy"));
        }
        remove(&former);
        if let Some(premature) = premature {
            remove(&premature.files);
        }
        for connection in self.network.open_ends(End::Acceptor, |link| matches!(link, Link::Requests { .. }))
        {
            self.drop_end(connection, End::Acceptor);
        }
        for connection in self.network.open_ends(End::Dialer, |link| matches!(link, Link::Feed { .. })) {
            self.drop_end(connection, End::Dialer);
        }
        self.schedule(self.now + down, Event::ServerStarts);
    }

    /// Keeps a copy, as an operator may.
    pub(super) fn server_backup(&mut self) {
        // A copy without the channels and users that somebody works with would be another story.
        let is_set_up = self.clients.iter().all(|client| client.is_known)
            && self.channels_made.len() == self.plan.channels;
        if !is_set_up {
            let soon = self.now + 100 * MILLISECOND;
            return self.schedule(soon, Event::Backup);
        }
        if self.server.core.is_some() {
            let path = self.server.folder.join("backup.sqlite");
            self.server.copy_to(&path);
            self.server.backup = Some(path);
            self.note(None, format_args!("the store is copied aside"));
        }
    }

    pub(super) fn wall_clock(&mut self, offset_ms: i64) {
        self.note(None, format_args!("the server's clock on the wall is {offset_ms} ms off"));
        self.server.wall_offset_ms = offset_ms;
    }

    fn wall_ms(&self) -> u64 {
        let right = 1_700_000_000_000 + self.now / MILLISECOND;
        right.saturating_add_signed(self.server.wall_offset_ms)
    }

    fn schedule_server(&mut self, after: Micros, event: impl FnOnce(u32) -> Event) {
        let event = event(self.server.incarnation);
        self.schedule(self.now + after, event);
    }

    /// A request arrived.
    pub(super) fn server_receives(&mut self, connection: ConnectionId, message: Message) {
        let message = self.altered_request(message);
        let Some(core) = &mut self.server.core else { return };
        match core.take(PeerId::from_number(connection.0), message) {
            Taken::ForTurn => self.turn_soon(),
            Taken::ForReader => {
                let takes = self.server.random.below(2 * MILLISECOND);
                self.schedule_server(takes, |incarnation| Event::Read { incarnation });
            }
            Taken::ForFeeds(peer, reply) => {
                self.reply(peer, reply);
                for broker in 0..self.brokers.len() {
                    self.feed_soon(broker);
                }
            }
            Taken::Refused(peer, reply) => self.reply(peer, reply),
        }
    }

    fn turn_soon(&mut self) {
        if self.server.turn_under_way {
            return;
        }
        self.server.turn_under_way = true;
        if self.has(Mutation::AnswersBeforeCommit) || self.has(Mutation::PublishesBeforeCommit) {
            self.premature_turn();
        }
        let random = &mut self.server.random;
        let takes = if random.chance(50) {
            random.below(200 * MILLISECOND)
        } else {
            100 + random.below(4 * MILLISECOND)
        };
        self.schedule_server(takes, |incarnation| Event::TurnEnds { incarnation });
    }

    pub(super) fn turn_ends(&mut self) {
        self.server.turn_under_way = false;
        let dies_at = self.server.dies_at;
        if let Some((CrashPoint::BeforeCommit, restored, down)) = dies_at {
            return self.server_dies(restored, down);
        }
        let replies = match self.server.premature.take() {
            Some(premature) => {
                remove(&premature.files);
                premature.replies
            }
            None => self.commit(),
        };
        if let Some((CrashPoint::AfterCommit, restored, down)) = dies_at {
            return self.server_dies(restored, down);
        }
        for (peer, reply) in replies {
            self.reply(peer, reply);
        }
        if let Some((CrashPoint::BeforePublishing, restored, down)) = dies_at {
            return self.server_dies(restored, down);
        }
        for broker in 0..self.brokers.len() {
            self.feed_soon(broker);
        }
        if self.server.core.as_ref().is_some_and(Core::has_writes) {
            self.turn_soon();
        }
    }

    /// The turn itself: after it everything is durable.
    fn commit(&mut self) -> Vec<(PeerId, Message)> {
        let now_ms = self.wall_ms();
        let mark = self.now >= self.server.marked_at + 250 * MILLISECOND;
        if mark {
            self.server.marked_at = self.now;
        }
        self.server.last_turn_at = self.now;
        let noted = self.server.noted;
        let core = self.server.core.as_mut().expect("it lives");
        let replies = core.turn(now_ms, mark).expect("the disk works");
        self.server.noted = core.last_position();
        for (_, message) in core.publications(noted).expect("the store can be read") {
            let publication = decode(&message);
            let (name, seq, topic) =
                (self.ledger.name(publication.id), publication.seq, publication.topic.clone());
            self.note(Some(&topic), format_args!("the server commits {name} at place {seq:?} of {topic}"));
            self.ledger.committed(self.now, &publication);
        }
        replies
    }

    /// Broken on purpose: what belongs behind the commit is done before it.
    fn premature_turn(&mut self) {
        let files = self.server.folder.join("before.sqlite");
        self.server.copy_to(&files);
        let replies = self.commit();
        if self.has(Mutation::AnswersBeforeCommit) {
            self.server.premature = Some(Premature { files, replies: Vec::new() });
            for (peer, reply) in replies {
                self.reply(peer, reply);
            }
        } else {
            self.server.premature = Some(Premature { files, replies });
            for broker in 0..self.brokers.len() {
                self.feed_soon(broker);
            }
        }
    }

    fn reply(&mut self, peer: PeerId, reply: Message) {
        let connection = ConnectionId(peer.number());
        let reply = self.altered_reply(reply);
        if self.misfortune(self.plan.drops) {
            return self.note(None, format_args!("a reply is lost"));
        }
        self.send(connection, End::Dialer, Payload::Message(reply));
    }

    pub(super) fn server_reads(&mut self) {
        if let Some((peer, reply)) = self.server.core.as_mut().and_then(Core::read) {
            self.reply(peer, reply);
        }
    }

    pub(super) fn server_tends(&mut self) {
        if self.now >= self.server.last_turn_at + SECOND && !self.server.turn_under_way {
            self.server.core.as_mut().expect("it lives").tend().expect("the disk works");
        }
        self.schedule_server(SECOND, |incarnation| Event::Tend { incarnation });
    }

    pub(super) fn feed_soon(&mut self, broker: usize) {
        let after = 20 + self.server.random.below(MILLISECOND);
        if !std::mem::replace(&mut self.server.feed_scheduled[broker], true) {
            self.schedule_server(after, |incarnation| Event::Feed { broker, incarnation });
        }
    }

    /// A feed hands what comes next to its connection.
    pub(super) fn server_feeds(&mut self, broker: usize) {
        self.server.feed_scheduled[broker] = false;
        let Some(connection) = self.network.current(Link::Feed { broker }) else { return };
        let now = self.instant();
        let server = &mut self.server;
        let core = server.core.as_mut().expect("it lives");
        let (messages, more) = server.feeds[broker].next(core, now).expect("the store can be read");
        for message in messages {
            if self.is_silenced(&message) {
                continue;
            }
            let topic = String::from_utf8_lossy(message.first()).into_owned();
            let about = topic.trim_start_matches(HEADS_PREFIX);
            self.note(Some(about), format_args!("the server publishes to broker {broker} on {topic}"));
            self.send(connection, End::Acceptor, Payload::Message(message));
        }
        if more {
            self.feed_soon(broker);
            let after = self.server.random.below(250 * MILLISECOND);
            self.schedule_server(after, |incarnation| Event::Confirm { broker, incarnation });
        }
        self.beacon_later(broker);
    }

    fn beacon_later(&mut self, broker: usize) {
        let base = self.base;
        if let Some(due) = self.server.feeds[broker].next_due() {
            let due = base.micros(due).max(self.now + 1);
            let incarnation = self.server.incarnation;
            self.schedule(due, Event::Feed { broker, incarnation });
        }
    }

    /// A feed learns what its socket has written.
    pub(super) fn server_confirms(&mut self, broker: usize) {
        let connections = usize::from(self.network.current(Link::Feed { broker }).is_some());
        let server = &mut self.server;
        let core = server.core.as_ref().expect("it lives");
        if !server.feeds[broker].confirm(core, connections, server.lost[broker]) {
            self.feed_soon(broker);
        }
    }

    pub(super) fn feed_connected(&mut self, broker: usize) {
        let now = self.instant();
        self.server.feeds[broker].connected(now);
        self.feed_soon(broker);
        self.schedule_server(MILLISECOND, |incarnation| Event::Confirm { broker, incarnation });
    }

    /// A feed's connection broke with so much on its way; some of it had not left the socket yet, which counts it.
    pub(super) fn feed_lost(&mut self, broker: usize, under_way: usize) {
        let counted = self.server.random.below(under_way as u64 + 1);
        self.server.lost[broker] += counted;
    }

    /// What the store holds at the end.
    pub(super) fn stored(&mut self) -> Vec<Publication> {
        let core = self.server.core.as_mut().expect("it lives at the end");
        let all = core.publications(Position(0)).expect("the store can be read");
        let rule = Rule::Stored;
        if all.len() as u64 > core.last_position().0 {
            self.ledger.broken(self.now, rule, None, "more messages than entries".to_owned());
        }
        all.iter().map(|(_, message)| decode(message)).collect()
    }
}

fn decode(message: &Message) -> Publication {
    let [topic, payload] = message.frames() else { panic!("a publication has two frames") };
    Publication::decode(topic, payload, Timestamp::from_seconds(0)).expect("our server publishes good maps")
}
