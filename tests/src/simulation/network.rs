//! Connections: each delivers in order, with a delay that changes; across connections there is no order. A connection that is cut
//! loses the end of what is under way, and each of its ends learns of it in its own time. Knows nothing of what it carries.

use std::collections::{BTreeMap, VecDeque};

use recado_zmtp::Message;

use super::random::Random;
use super::time::{MILLISECOND, Micros};

/// A connection, never used again once it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u64);

/// Who talks to whom, whether or not it is connected now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Link {
    /// A client's requests.
    Requests { client: usize },
    /// A client's subscriptions at a broker.
    Subscriptions { client: usize, broker: usize },
    /// The server's publications to a broker.
    Feed { broker: usize },
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Dialer,
    Acceptor,
}

impl End {
    pub(super) const fn other(self) -> Self {
        match self {
            End::Dialer => End::Acceptor,
            End::Acceptor => End::Dialer,
        }
    }
}

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// A request, a reply or a publication.
    Message(Message),
    /// A subscription begins or ends.
    Subscription { topic: String, wanted: bool },
}

#[derive(Debug, Default)]
struct Direction {
    under_way: VecDeque<Payload>,
    last_arrival: Micros,
}

#[derive(Debug)]
struct Connection {
    link: Link,
    /// What is sent now arrives nowhere.
    cut: bool,
    dialer_open: bool,
    acceptor_open: bool,
    /// By the end that receives.
    to_dialer: Direction,
    to_acceptor: Direction,
}

impl Connection {
    fn towards(&mut self, end: End) -> &mut Direction {
        match end {
            End::Dialer => &mut self.to_dialer,
            End::Acceptor => &mut self.to_acceptor,
        }
    }

    fn is_open(&self, end: End) -> bool {
        match end {
            End::Dialer => self.dialer_open,
            End::Acceptor => self.acceptor_open,
        }
    }
}

/// All connections and the condition of the links.
#[derive(Debug)]
pub(super) struct Network {
    random: Random,
    connections: BTreeMap<ConnectionId, Connection>,
    current: BTreeMap<Link, ConnectionId>,
    blocked_until: BTreeMap<Link, Micros>,
    stalled_until: BTreeMap<Link, Micros>,
    next: u64,
    /// The usual delay is up to so much.
    delay_max: Micros,
}

/// A connection was cut: what the world has to schedule.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) connection: ConnectionId,
    /// When each end that was open learns it.
    pub(super) notices: Vec<(End, Micros)>,
    /// What was on its way to the acceptor and is gone.
    pub(super) lost_to_acceptor: usize,
}

impl Network {
    pub(super) fn new(random: Random, delay_max: Micros) -> Self {
        Self {
            random,
            connections: BTreeMap::new(),
            current: BTreeMap::new(),
            blocked_until: BTreeMap::new(),
            stalled_until: BTreeMap::new(),
            next: 1,
            delay_max,
        }
    }

    /// A new connection, whose ends are both open.
    pub(super) fn connect(&mut self, link: Link) -> ConnectionId {
        let id = ConnectionId(self.next);
        self.next += 1;
        let connection = Connection {
            link,
            cut: false,
            dialer_open: true,
            acceptor_open: true,
            to_dialer: Direction::default(),
            to_acceptor: Direction::default(),
        };
        self.connections.insert(id, connection);
        self.current.insert(link, id);
        id
    }

    /// The connection that the dialer believes in.
    pub(super) fn current(&self, link: Link) -> Option<ConnectionId> {
        self.current.get(&link).copied()
    }

    pub(super) fn link(&self, id: ConnectionId) -> Option<Link> {
        self.connections.get(&id).map(|connection| connection.link)
    }

    pub(super) fn is_open(&self, id: ConnectionId, end: End) -> bool {
        self.connections.get(&id).is_some_and(|connection| connection.is_open(end))
    }

    /// How much is on its way to this end.
    pub(super) fn under_way(&mut self, id: ConnectionId, end: End) -> usize {
        self.connections.get_mut(&id).map_or(0, |connection| connection.towards(end).under_way.len())
    }

    /// When what is sent now, from the other end, arrives at `end`; never, if the connection was cut.
    pub(super) fn send(
        &mut self,
        id: ConnectionId,
        end: End,
        payload: Payload,
        now: Micros,
    ) -> Option<Micros> {
        let connection = self.connections.get_mut(&id)?;
        if connection.cut || !connection.is_open(end.other()) {
            return None;
        }
        let delay = match self.random.below(100) {
            0..90 => 50 + self.random.below(self.delay_max),
            90..99 => 50 + self.random.below(10 * self.delay_max),
            _ => self.random.below(400 * MILLISECOND),
        };
        let stalled = self.stalled_until.get(&connection.link).copied().unwrap_or(0);
        let direction = connection.towards(end);
        let arrival = (now + delay).max(direction.last_arrival + 1).max(stalled);
        direction.last_arrival = arrival;
        direction.under_way.push_back(payload);
        Some(arrival)
    }

    /// What arrives now, if anybody is there to read it.
    pub(super) fn arrive(&mut self, id: ConnectionId, end: End) -> Option<Payload> {
        let connection = self.connections.get_mut(&id)?;
        let payload = connection.towards(end).under_way.pop_front()?;
        connection.is_open(end).then_some(payload)
    }

    /// Cuts the link's connection, if there is one.
    pub(super) fn cut(&mut self, link: Link, now: Micros) -> Option<Cut> {
        let id = self.current(link)?;
        self.cut_connection(id, now)
    }

    pub(super) fn cut_connection(&mut self, id: ConnectionId, now: Micros) -> Option<Cut> {
        let connection = self.connections.get_mut(&id).filter(|connection| !connection.cut)?;
        connection.cut = true;
        let mut notices = Vec::new();
        let mut lost_to_acceptor = 0;
        for end in [End::Dialer, End::Acceptor] {
            let open = connection.is_open(end);
            let direction = connection.towards(end);
            let kept = self.random.index(direction.under_way.len() + 1);
            if end == End::Acceptor {
                lost_to_acceptor = direction.under_way.len() - kept;
            }
            // What does arrive arrives before the end is noticed.
            direction.under_way.truncate(kept);
            let notice = match self.random.below(4) {
                0 | 1 => self.random.below(5 * MILLISECOND),
                2 => self.random.below(500 * MILLISECOND),
                _ => self.random.below(6_000 * MILLISECOND),
            };
            let last = if kept > 0 { direction.last_arrival } else { now };
            if open {
                notices.push((end, last.max(now) + 1 + notice));
            }
        }
        Some(Cut { connection: id, notices, lost_to_acceptor })
    }

    /// One end is closed: by whoever has it, or because it learnt of a cut. True if it was open.
    pub(super) fn close_end(&mut self, id: ConnectionId, end: End) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        let open = match end {
            End::Dialer => &mut connection.dialer_open,
            End::Acceptor => &mut connection.acceptor_open,
        };
        let was_open = std::mem::replace(open, false);
        let link = connection.link;
        if end == End::Dialer && self.current.get(&link) == Some(&id) {
            self.current.remove(&link);
        }
        if !self.is_open(id, End::Dialer) && !self.is_open(id, End::Acceptor) {
            self.connections.remove(&id);
        }
        was_open
    }

    /// The dialer does not use it any more, but hears what it brings.
    pub(super) fn release(&mut self, id: ConnectionId) {
        self.current.retain(|_, current| *current != id);
    }

    /// All connections of which somebody has this end open, of links that `of` chooses.
    pub(super) fn open_ends(&self, end: End, of: impl Fn(Link) -> bool) -> Vec<ConnectionId> {
        let open = self.connections.iter().filter(|(_, it)| it.is_open(end) && of(it.link));
        open.map(|(id, _)| *id).collect()
    }

    /// Nobody connects over this link until then.
    pub(super) fn block(&mut self, link: Link, until: Micros) {
        let blocked = self.blocked_until.entry(link).or_default();
        *blocked = until.max(*blocked);
    }

    pub(super) fn is_blocked(&self, link: Link, now: Micros) -> bool {
        self.blocked_until.get(&link).is_some_and(|until| *until > now)
    }

    /// What is sent over this link from now on arrives no earlier than that.
    pub(super) fn stall(&mut self, link: Link, until: Micros) {
        self.stalled_until.insert(link, until);
    }

    /// All is well from now on.
    pub(super) fn heal(&mut self) {
        self.blocked_until.clear();
        self.stalled_until.clear();
    }
}
