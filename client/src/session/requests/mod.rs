//! Which requests are under way, when each is sent again and when it is given up. It has no sockets and no clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use recado_proto::{RequestBody, Service};

/// How long and how often a request is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the reply to one attempt.
    pub(crate) attempt_timeout: Duration,
    /// How often it is sent at most.
    pub(crate) attempts_max: u32,
    /// Before the second attempt; doubles each time.
    pub(crate) retry_first: Duration,
    /// The longest pause between two attempts.
    pub(crate) retry_max: Duration,
}

impl Patience {
    /// From the start of a request to when it is given up, were no pause shortened by jitter.
    pub(crate) fn in_all(&self) -> Duration {
        let pauses: Duration = (1..self.attempts_max).map(|attempt| self.pause_after(attempt)).sum();
        self.attempt_timeout.saturating_mul(self.attempts_max).saturating_add(pauses)
    }

    fn pause_after(&self, attempts: u32) -> Duration {
        let doubled = self.retry_first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.retry_max)
    }
}

/// A request that was given up; `owner` says who waits for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GivenUp<T> {
    pub(crate) owner: T,
    /// How often it was handed to a connection.
    pub(crate) attempts: u32,
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
    Sent { until: Instant },
    /// Unanswered; sent again then.
    Pausing { until: Instant },
}

/// The requests of one session that are under way. `T` is whoever waits for the answer.
#[derive(Debug)]
pub(crate) struct Requests<T> {
    patience: Patience,
    requests_max: usize,
    entries: BTreeMap<u64, Entry<T>>,
    timers: BTreeSet<(Instant, u64)>,
    to_send: VecDeque<u64>,
    next_reference: u64,
}

impl<T> Requests<T> {
    pub(crate) fn new(patience: Patience, requests_max: usize) -> Self {
        Self {
            patience,
            requests_max,
            entries: BTreeMap::new(),
            timers: BTreeSet::new(),
            to_send: VecDeque::new(),
            next_reference: 1,
        }
    }

    /// A new request, to be sent as soon as may be. Gives the owner back when too many are under way.
    pub(crate) fn start(&mut self, body: RequestBody, owner: T, now: Instant) -> Result<u64, T> {
        if self.entries.len() >= self.requests_max {
            return Err(owner);
        }
        let reference = self.next_reference;
        self.next_reference += 1;
        let give_up_at = now + self.patience.in_all();
        self.timers.insert((give_up_at, reference));
        self.entries.insert(reference, Entry { body, owner, attempts: 0, give_up_at, state: State::Ready });
        self.to_send.push_back(reference);
        Ok(reference)
    }

    /// The request to send next, oldest first; it stays the next until [`Requests::sent`] says that it went.
    pub(crate) fn next_to_send(&mut self) -> Option<(u64, &RequestBody)> {
        while let Some(reference) = self.to_send.front() {
            if self.entries.get(reference).is_some_and(|entry| entry.state == State::Ready) {
                let reference = *reference;
                return self.entries.get(&reference).map(|entry| (reference, &entry.body));
            }
            self.to_send.pop_front();
        }
        None
    }

    /// A connection took the request.
    pub(crate) fn sent(&mut self, reference: u64, now: Instant) {
        if self.to_send.front() == Some(&reference) {
            self.to_send.pop_front();
        }
        let Some(entry) = self.entries.get_mut(&reference) else { return };
        entry.attempts += 1;
        let until = now + self.patience.attempt_timeout;
        entry.state = State::Sent { until };
        self.timers.insert((until, reference));
    }

    /// A reply with this reference came: who waits for it, or none if nobody does any more.
    pub(crate) fn answered(&mut self, reference: u64) -> Option<T> {
        self.remove(reference).map(|entry| entry.owner)
    }

    /// A reply without a reference came: the oldest request to this service that was sent.
    pub(crate) fn answered_in_order(&mut self, service: Service) -> Option<T> {
        let (reference, _) =
            self.entries.iter().find(|(_, entry)| entry.attempts > 0 && entry.body.service() == service)?;
        let reference = *reference;
        self.answered(reference)
    }

    /// The server has no time for this request now. False if it was attempted often enough, so that this is its answer.
    pub(crate) fn ask_later(&mut self, reference: u64, now: Instant, jitter: impl FnOnce() -> f64) -> bool {
        let Some(entry) = self.entries.get_mut(&reference) else { return false };
        let State::Sent { until } = entry.state else { return false };
        if entry.attempts >= self.patience.attempts_max {
            return false;
        }
        self.timers.remove(&(until, reference));
        let until = now + self.patience.pause_after(entry.attempts).mul_f64(1.0 - jitter() / 2.0);
        entry.state = State::Pausing { until };
        self.timers.insert((until, reference));
        true
    }

    /// Sends again at once what waits for its reply or its next attempt: the connection that had it is gone.
    pub(crate) fn send_again(&mut self) {
        for (reference, entry) in &mut self.entries {
            match entry.state {
                State::Ready => continue,
                State::Sent { until } | State::Pausing { until } => self.timers.remove(&(until, *reference)),
            };
            if entry.attempts < self.patience.attempts_max {
                entry.state = State::Ready;
                self.to_send.push_back(*reference);
            }
        }
    }

    /// When [`Requests::on_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Time has passed: what is due is made ready to be sent again, and what has been tried long enough is returned.
    /// `jitter` is drawn anew for each pause, from 0 to 1; the pause is shortened by up to a half.
    pub(crate) fn on_timeout(&mut self, now: Instant, mut jitter: impl FnMut() -> f64) -> Vec<GivenUp<T>> {
        let mut given_up = Vec::new();
        while let Some((at, reference)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            let Some(entry) = self.entries.get_mut(&reference) else { continue };
            if entry.give_up_at <= now {
                given_up.extend(self.give_up(reference));
                continue;
            }
            match entry.state {
                State::Sent { until } if until <= now => {
                    if entry.attempts >= self.patience.attempts_max {
                        given_up.extend(self.give_up(reference));
                        continue;
                    }
                    let pause = self.patience.pause_after(entry.attempts).mul_f64(1.0 - jitter() / 2.0);
                    let until = now + pause;
                    entry.state = State::Pausing { until };
                    self.timers.insert((until, reference));
                }
                State::Pausing { until } if until <= now => {
                    entry.state = State::Ready;
                    self.to_send.push_back(reference);
                }
                State::Ready | State::Sent { .. } | State::Pausing { .. } => {}
            }
        }
        given_up
    }

    /// Everybody who still waits, because the session ends.
    pub(crate) fn give_up_all(&mut self) -> Vec<GivenUp<T>> {
        self.timers.clear();
        self.to_send.clear();
        std::mem::take(&mut self.entries)
            .into_values()
            .map(|entry| GivenUp { owner: entry.owner, attempts: entry.attempts })
            .collect()
    }

    fn give_up(&mut self, reference: u64) -> Option<GivenUp<T>> {
        self.remove(reference).map(|entry| GivenUp { owner: entry.owner, attempts: entry.attempts })
    }

    fn remove(&mut self, reference: u64) -> Option<Entry<T>> {
        let entry = self.entries.remove(&reference)?;
        self.timers.remove(&(entry.give_up_at, reference));
        match entry.state {
            State::Ready => {}
            State::Sent { until } | State::Pausing { until } => {
                self.timers.remove(&(until, reference));
            }
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use recado_proto::RequestBody;

    use super::{GivenUp, Patience, Requests};

    const SECOND: Duration = Duration::from_secs(1);

    fn patience() -> Patience {
        Patience { attempt_timeout: 3 * SECOND, attempts_max: 3, retry_first: SECOND, retry_max: 10 * SECOND }
    }

    /// Sends everything that is ready; the references in order.
    fn send_all(requests: &mut Requests<&'static str>, now: Instant) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some((reference, _)) = requests.next_to_send() {
            requests.sent(reference, now);
            sent.push(reference);
        }
        sent
    }

    #[test]
    fn an_answer_ends_a_request_and_a_second_one_finds_nobody() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 10);
        let first = requests.start(RequestBody::Users, "first", start).unwrap();
        let second = requests.start(RequestBody::Channels, "second", start).unwrap();
        assert_eq!(send_all(&mut requests, start), [first, second]);
        assert_eq!(requests.answered(second), Some("second"));
        assert_eq!(requests.answered(second), None);
        assert_eq!(requests.answered(first), Some("first"));
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn an_unanswered_request_is_sent_again_after_a_pause_that_doubles_then_given_up() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 10);
        let reference = requests.start(RequestBody::Users, "users", start).unwrap();
        assert_eq!(send_all(&mut requests, start), [reference]);
        let mut turns = Vec::new();
        let given_up = loop {
            let now = requests.poll_timeout().unwrap();
            let given_up = requests.on_timeout(now, || 0.0);
            let sent = send_all(&mut requests, now);
            turns.push(((now - start).as_secs(), sent.len()));
            if !given_up.is_empty() {
                break given_up;
            }
        };
        // Timeout at 3, again at 4; timeout at 7, again at 9; timeout at 12: three attempts in all.
        assert_eq!(turns, [(3, 0), (4, 1), (7, 0), (9, 1), (12, 0)]);
        assert_eq!(given_up, [GivenUp { owner: "users", attempts: 3 }]);
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn jitter_shortens_a_pause_by_half_at_most() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 10);
        requests.start(RequestBody::Users, "users", start).unwrap();
        send_all(&mut requests, start);
        requests.on_timeout(start + 3 * SECOND, || 1.0);
        assert_eq!(requests.poll_timeout(), Some(start + 3 * SECOND + SECOND / 2));
    }

    #[test]
    fn what_no_connection_takes_is_given_up_as_never_sent() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 10);
        requests.start(RequestBody::Users, "users", start).unwrap();
        let end = requests.poll_timeout().unwrap();
        assert_eq!(end, start + patience().in_all());
        assert_eq!(requests.on_timeout(end - SECOND, || 0.0), []);
        assert_eq!(requests.on_timeout(end, || 0.0), [GivenUp { owner: "users", attempts: 0 }]);
        assert!(requests.next_to_send().is_none());
    }

    #[test]
    fn a_busy_server_is_asked_again_after_a_pause_and_believed_in_the_end() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 10);
        let reference = requests.start(RequestBody::Users, "users", start).unwrap();
        let mut now = start;
        for pause in [1, 2] {
            send_all(&mut requests, now);
            assert!(requests.ask_later(reference, now, || 0.0));
            now += pause * SECOND;
            assert_eq!(requests.poll_timeout(), Some(now));
            assert_eq!(requests.on_timeout(now, || 0.0), []);
        }
        assert_eq!(send_all(&mut requests, now), [reference]);
        assert!(!requests.ask_later(reference, now, || 0.0));
        assert_eq!(requests.answered(reference), Some("users"));
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn a_new_connection_gets_what_the_lost_one_had() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 10);
        let reference = requests.start(RequestBody::Users, "users", start).unwrap();
        send_all(&mut requests, start);
        requests.send_again();
        assert_eq!(send_all(&mut requests, start + SECOND), [reference]);
        assert_eq!(requests.answered(reference), Some("users"));
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn one_too_many_is_refused() {
        let start = Instant::now();
        let mut requests = Requests::new(patience(), 1);
        requests.start(RequestBody::Users, "first", start).unwrap();
        assert_eq!(requests.start(RequestBody::Users, "second", start), Err("second"));
        assert_eq!(requests.give_up_all(), [GivenUp { owner: "first", attempts: 0 }]);
        assert!(requests.start(RequestBody::Users, "third", start).is_ok());
    }
}
