//! The sender's book: which requests are under way, on which connection each goes, when it is sent again and when it is given up. It
//! has no sockets, no clock and no chance: times and a seed go in.
//!
//! A request whose answer does not come in time goes out again on a connection that was made afresh, because the one that swallowed
//! it may swallow the repeat as well; and to another server, if there is one. The former connection may still bring the answer.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use recado_proto::{RequestBody, Service};

/// How long and how often a request is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the reply to one attempt.
    pub attempt_timeout: Duration,
    /// How often it is sent at most; at least once.
    pub attempts_max: u32,
    /// Before the second attempt; doubles each time, and up to a half of it is taken off by chance.
    pub retry_first: Duration,
    /// The longest pause between two attempts.
    pub retry_max: Duration,
}

impl Patience {
    /// From the start of a request to when it is given up, were no pause shortened by jitter.
    pub fn in_all(&self) -> Duration {
        let pauses: Duration = (1..self.attempts_max).map(|attempt| self.pause_after(attempt)).sum();
        self.attempt_timeout.saturating_mul(self.attempts_max).saturating_add(pauses)
    }

    fn pause_after(&self, attempts: u32) -> Duration {
        let doubled = self.retry_first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.retry_max)
    }
}

/// Names one connection, from its handshake to its end. Whoever makes connections never gives a number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A request that is to be sent now.
#[derive(Debug, PartialEq, Eq)]
pub struct Sending<'a> {
    /// Its `ref`.
    pub reference: u64,
    /// On which connection.
    pub connection: ConnectionId,
    /// What it asks.
    pub body: &'a RequestBody,
}

/// A request that was given up; `owner` says who waits for it.
#[derive(Debug, PartialEq, Eq)]
pub struct GivenUp<T> {
    /// Whoever waits for the answer.
    pub owner: T,
    /// How often it was handed to a connection; 0 means that no server has it.
    pub attempts: u32,
}

#[derive(Debug)]
struct Entry<T> {
    body: RequestBody,
    owner: T,
    attempts: u32,
    give_up_at: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In `to_send`, until a connection takes it.
    Ready,
    /// Sent; its reply is waited for until then.
    Sent { until: Instant, on: ConnectionId },
    /// Unanswered, or the server was busy; sent again then.
    Pausing { until: Instant },
}

#[derive(Debug)]
struct Connection {
    server: usize,
    /// It left a request unanswered: nothing more is sent on it.
    retired: bool,
    /// What was sent on it and not answered, in order: a plain server's replies say no more than the service.
    sent: VecDeque<(u64, Service)>,
}

/// The requests of one session that are under way. `T` is whoever waits for the answer.
#[derive(Debug)]
pub struct Requests<T> {
    patience: Patience,
    requests_max: usize,
    servers: usize,
    /// The server that requests go to: always the same one while it answers, so that they keep their order.
    preferred: usize,
    connections: BTreeMap<ConnectionId, Connection>,
    renewals: VecDeque<ConnectionId>,
    entries: BTreeMap<u64, Entry<T>>,
    timers: BTreeSet<(Instant, u64)>,
    to_send: BTreeSet<u64>,
    next_reference: u64,
    random: StdRng,
}

impl<T> Requests<T> {
    /// An empty book for so many servers, numbered from 0. The seed says with which it begins, so that many sessions share the load.
    pub fn new(patience: Patience, servers: usize, requests_max: usize, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        Self {
            patience,
            requests_max,
            servers,
            preferred: random.random_range(0..servers.max(1)),
            connections: BTreeMap::new(),
            renewals: VecDeque::new(),
            entries: BTreeMap::new(),
            timers: BTreeSet::new(),
            to_send: BTreeSet::new(),
            next_reference: 1,
            random,
        }
    }

    /// A new request, to be sent as soon as may be. Gives the owner back when too many are under way.
    pub fn start(&mut self, body: RequestBody, owner: T, now: Instant) -> Result<u64, T> {
        if self.entries.len() >= self.requests_max {
            return Err(owner);
        }
        let reference = self.next_reference;
        self.next_reference += 1;
        let give_up_at = now + self.patience.in_all();
        self.timers.insert((give_up_at, reference));
        self.entries.insert(reference, Entry { body, owner, attempts: 0, give_up_at, state: State::Ready });
        self.to_send.insert(reference);
        Ok(reference)
    }

    /// A connection to this server is ready.
    pub fn connected(&mut self, connection: ConnectionId, server: usize) {
        let connection_to = Connection { server, retired: false, sent: VecDeque::new() };
        self.connections.insert(connection, connection_to);
    }

    /// A connection has ended, and no answer comes by it any more. What it had is sent again as soon as may be.
    pub fn disconnected(&mut self, connection: ConnectionId, now: Instant) {
        self.connections.remove(&connection);
        self.renewals.retain(|renewal| *renewal != connection);
        for (reference, entry) in &mut self.entries {
            let State::Sent { until, on } = entry.state else { continue };
            if on != connection {
                continue;
            }
            self.timers.remove(&(until, *reference));
            if entry.attempts < self.patience.attempts_max {
                entry.state = State::Ready;
                self.to_send.insert(*reference);
            } else {
                entry.state = State::Sent { until: now, on };
                self.timers.insert((now, *reference));
            }
        }
    }

    /// Whether there is a connection to send on.
    pub fn is_connected(&self) -> bool {
        self.connections.values().any(|connection| !connection.retired)
    }

    /// The request to send next, oldest first, and on which connection; it stays the next until [`Requests::sent`] says that it went.
    pub fn next_to_send(&mut self) -> Option<Sending<'_>> {
        let reference = *self.to_send.first()?;
        let distance = |connection: &Connection| {
            (connection.server + self.servers - self.preferred % self.servers.max(1)) % self.servers.max(1)
        };
        let usable = self.connections.iter().filter(|(_, connection)| !connection.retired);
        let (connection, chosen) = usable.min_by_key(|(_, connection)| distance(connection))?;
        self.preferred = chosen.server;
        let connection = *connection;
        let entry = self.entries.get(&reference)?;
        Some(Sending { reference, connection, body: &entry.body })
    }

    /// The connection took the request.
    pub fn sent(&mut self, reference: u64, connection: ConnectionId, now: Instant) {
        self.to_send.remove(&reference);
        let Some(entry) = self.entries.get_mut(&reference) else { return };
        entry.attempts += 1;
        let until = now + self.patience.attempt_timeout;
        entry.state = State::Sent { until, on: connection };
        self.timers.insert((until, reference));
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.sent.push_back((reference, entry.body.service()));
        }
    }

    /// A reply with this reference came, on whichever connection: who waits for it, or none if nobody does any more.
    pub fn answered(&mut self, reference: u64) -> Option<T> {
        self.strike_out(reference);
        self.remove(reference).map(|entry| entry.owner)
    }

    /// A reply without a reference came on this connection: it is for the oldest request to this service there. None if nobody waits
    /// for that one any more, or if it has been sent elsewhere since.
    pub fn answered_in_order(&mut self, connection: ConnectionId, service: Service) -> Option<T> {
        let line = self.connections.get_mut(&connection)?;
        let position = line.sent.iter().position(|(_, sent)| *sent == service)?;
        let (reference, _) = line.sent.remove(position)?;
        let waits_here = |entry: &Entry<T>| matches!(entry.state, State::Sent { on, .. } if on == connection);
        if !line.retired && self.entries.get(&reference).is_some_and(waits_here) {
            self.remove(reference).map(|entry| entry.owner)
        } else {
            None
        }
    }

    /// The server does not take this request now, and not before `at_least` has passed. False if this is its answer: if it was attempted
    /// often enough, or would be given up before it may be sent again.
    pub fn ask_later(&mut self, reference: u64, at_least: Duration, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(&reference) else { return false };
        let State::Sent { until, .. } = entry.state else { return false };
        let time_left = entry.give_up_at.saturating_duration_since(now);
        if entry.attempts >= self.patience.attempts_max || at_least >= time_left {
            return false;
        }
        self.timers.remove(&(until, reference));
        let pause = jittered(self.patience.pause_after(entry.attempts), &mut self.random).max(at_least);
        let until = now + pause;
        entry.state = State::Pausing { until };
        self.timers.insert((until, reference));
        self.strike_out(reference);
        true
    }

    /// A connection that left a request unanswered: another is to be made to the same server. Until it ends, answers that come late
    /// on this one are taken.
    pub fn next_renewal(&mut self) -> Option<ConnectionId> {
        self.renewals.pop_front()
    }

    /// When [`Requests::on_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Time has passed: what is due is made ready to be sent again, and what has been tried long enough is returned.
    pub fn on_timeout(&mut self, now: Instant) -> Vec<GivenUp<T>> {
        let mut given_up = Vec::new();
        while let Some((at, reference)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            let Some(entry) = self.entries.get_mut(&reference) else { continue };
            match entry.state {
                State::Sent { until, on } if until <= now => {
                    if entry.attempts < self.patience.attempts_max {
                        let pause = self.patience.pause_after(entry.attempts);
                        let until = now + jittered(pause, &mut self.random);
                        entry.state = State::Pausing { until };
                        self.timers.insert((until, reference));
                    } else {
                        given_up.extend(self.give_up(reference));
                    }
                    self.retire(on);
                }
                State::Pausing { until } if until <= now => {
                    entry.state = State::Ready;
                    self.to_send.insert(reference);
                }
                State::Ready | State::Sent { .. } | State::Pausing { .. } => {}
            }
            if self.entries.get(&reference).is_some_and(|entry| entry.give_up_at <= now) {
                given_up.extend(self.give_up(reference));
            }
        }
        given_up
    }

    /// Everybody who still waits, because the session ends.
    pub fn give_up_all(&mut self) -> Vec<GivenUp<T>> {
        self.timers.clear();
        self.to_send.clear();
        std::mem::take(&mut self.entries)
            .into_values()
            .map(|entry| GivenUp { owner: entry.owner, attempts: entry.attempts })
            .collect()
    }

    /// Sends nothing more on this connection, and goes on with the next server that is connected.
    fn retire(&mut self, connection: ConnectionId) {
        let Some(line) = self.connections.get_mut(&connection).filter(|line| !line.retired) else { return };
        line.retired = true;
        let server = line.server;
        self.renewals.push_back(connection);
        if self.preferred == server {
            self.preferred = (server + 1) % self.servers.max(1);
        }
    }

    fn give_up(&mut self, reference: u64) -> Option<GivenUp<T>> {
        self.remove(reference).map(|entry| GivenUp { owner: entry.owner, attempts: entry.attempts })
    }

    fn remove(&mut self, reference: u64) -> Option<Entry<T>> {
        let entry = self.entries.remove(&reference)?;
        self.timers.remove(&(entry.give_up_at, reference));
        self.to_send.remove(&reference);
        match entry.state {
            State::Ready => {}
            State::Sent { until, .. } | State::Pausing { until } => {
                self.timers.remove(&(until, reference));
            }
        }
        Some(entry)
    }

    /// The request was answered on some connection; it is no longer the oldest on any.
    fn strike_out(&mut self, reference: u64) {
        for connection in self.connections.values_mut() {
            if let Some(position) = connection.sent.iter().position(|(sent, _)| *sent == reference) {
                connection.sent.remove(position);
            }
        }
    }
}

/// From a half of it to the whole.
fn jittered(pause: Duration, random: &mut StdRng) -> Duration {
    pause.mul_f64(1.0 - random.random::<f64>() / 2.0)
}
