//! Whether any server, or any broker, is connected, and when to say so. It has no sockets and no clock.

use std::collections::BTreeSet;
use std::time::Instant;

use recado_zmtp::{Endpoint, SocketEvent, SocketEventKind};

use crate::limits;

/// What changed for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkChange {
    /// No connection has been there for longer than a moment: worth saying.
    Lost {
        /// Why, as a half sentence.
        reason: String,
    },
    /// After [`LinkChange::Lost`], a connection is there again: worth saying.
    Back,
}

/// The connections of one socket, to one or more endpoints that serve alike.
#[derive(Debug)]
pub(crate) struct Links {
    connected: BTreeSet<Endpoint>,
    /// When to say that there is none; none once it was said, or while there is one.
    say_lost_at: Option<Instant>,
    /// Why there is none, as it was said last; none if nothing was said.
    said: Option<String>,
    reason: String,
}

impl Links {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            connected: BTreeSet::new(),
            say_lost_at: Some(now + limits::CONNECT_PATIENCE),
            said: None,
            reason: "nobody answers".to_owned(),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        !self.connected.is_empty()
    }

    /// A socket said something about one of its connections.
    pub(crate) fn on_event(&mut self, event: SocketEvent, now: Instant) -> Option<LinkChange> {
        match event.kind {
            SocketEventKind::Connected { .. } => return self.on_connected(event.endpoint),
            SocketEventKind::Disconnected { reason, .. } => {
                self.on_disconnected(&event.endpoint, half_sentence(&reason), now);
            }
            SocketEventKind::ConnectFailed { error, is_refusal, .. } => {
                self.on_disconnected(&event.endpoint, half_sentence(&error), now);
                if is_refusal {
                    return self.on_refused();
                }
            }
            // These happen to sockets that listen.
            SocketEventKind::Accepted { .. }
            | SocketEventKind::Refused { .. }
            | SocketEventKind::AcceptFailed { .. } => {}
        }
        None
    }

    /// A connection is up. Something to say only if its absence was said.
    fn on_connected(&mut self, endpoint: Endpoint) -> Option<LinkChange> {
        self.connected.insert(endpoint);
        self.say_lost_at = None;
        self.said.take().map(|_| LinkChange::Back)
    }

    /// A connection is down, or could not be made.
    fn on_disconnected(&mut self, endpoint: &Endpoint, reason: String, now: Instant) {
        let was_last = self.connected.remove(endpoint) && self.connected.is_empty();
        self.reason = reason;
        if was_last {
            self.say_lost_at = Some(now + limits::LOST_PATIENCE);
        }
    }

    /// Our key is not welcome: worth saying also if it was said before that there is no connection, for another reason.
    fn on_refused(&mut self) -> Option<LinkChange> {
        let is_news = self.said.as_ref().is_some_and(|said| *said != self.reason);
        is_news.then(|| self.say_lost())
    }

    fn say_lost(&mut self) -> LinkChange {
        self.said = Some(self.reason.clone());
        LinkChange::Lost { reason: self.reason.clone() }
    }

    /// A connection that looks well does not answer, and is replaced.
    pub(crate) fn on_replaced(&mut self, endpoint: &Endpoint, now: Instant) {
        self.on_disconnected(endpoint, "it does not answer".to_owned(), now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.say_lost_at
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) -> Option<LinkChange> {
        if self.say_lost_at.is_none_or(|at| at > now) {
            return None;
        }
        self.say_lost_at = None;
        Some(self.say_lost())
    }
}

/// The system's words begin with a capital and end with a number that helps nobody.
pub(crate) fn half_sentence(reason: &str) -> String {
    let reason = reason.split(" (os error").next().unwrap_or(reason);
    let mut characters = reason.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => "nobody answers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use recado_zmtp::{Endpoint, SocketEvent, SocketEventKind};

    use crate::limits;

    use super::{LinkChange, Links, half_sentence};

    fn endpoint(port: u16) -> Endpoint {
        format!("tcp://127.0.0.1:{port}").parse().unwrap()
    }

    fn lost(reason: &str) -> Option<LinkChange> {
        Some(LinkChange::Lost { reason: reason.to_owned() })
    }

    #[test]
    fn a_start_in_good_order_says_nothing() {
        let start = Instant::now();
        let mut links = Links::new(start);
        assert_eq!(links.on_connected(endpoint(1)), None);
        assert_eq!(links.poll_timeout(), None);
        assert_eq!(links.on_timeout(start + limits::CONNECT_PATIENCE), None);
    }

    #[test]
    fn loss_and_return_are_said_once_each() {
        let start = Instant::now();
        let mut links = Links::new(start);
        links.on_disconnected(&endpoint(1), "connection refused".to_owned().to_owned(), start);
        let later = start + limits::CONNECT_PATIENCE;
        assert_eq!(links.on_timeout(later), lost("connection refused"));
        links.on_disconnected(&endpoint(1), "connection refused".to_owned().to_owned(), later);
        assert_eq!(links.poll_timeout(), None);
        assert_eq!(links.on_connected(endpoint(1)), Some(LinkChange::Back));
        assert_eq!(links.on_connected(endpoint(2)), None);
    }

    #[test]
    fn a_connection_that_comes_back_within_a_moment_is_not_spoken_of() {
        let start = Instant::now();
        let mut links = Links::new(start);
        links.on_connected(endpoint(1));
        links.on_disconnected(&endpoint(1), "reset".to_owned(), start);
        assert!(!links.is_connected());
        assert_eq!(links.on_connected(endpoint(1)), None);
        assert_eq!(links.on_timeout(start + limits::LOST_PATIENCE), None);
    }

    #[test]
    fn while_one_of_several_is_there_nothing_is_lost() {
        let start = Instant::now();
        let mut links = Links::new(start);
        links.on_connected(endpoint(1));
        links.on_connected(endpoint(2));
        links.on_disconnected(&endpoint(1), "reset".to_owned(), start);
        assert!(links.is_connected());
        assert_eq!(links.poll_timeout(), None);
        links.on_disconnected(&endpoint(2), "reset".to_owned(), start);
        assert_eq!(links.on_timeout(start + limits::LOST_PATIENCE), lost("reset"));
    }

    #[test]
    fn a_refusal_is_said_once_also_if_another_reason_was_said_before() {
        let start = Instant::now();
        let mut links = Links::new(start);
        let failed = |links: &mut Links, error: &str, is_refusal| {
            let (error, retry_in) = (error.to_owned(), Duration::ZERO);
            let kind = SocketEventKind::ConnectFailed { error, retry_in, is_refusal };
            links.on_event(SocketEvent { endpoint: endpoint(1), address: None, kind }, start)
        };
        assert_eq!(failed(&mut links, "not admitted", true), None, "perhaps it is a moment's matter");
        assert_eq!(failed(&mut links, "reset", false), None);
        let said = start + limits::CONNECT_PATIENCE;
        assert_eq!(links.on_timeout(said), lost("reset"));
        assert_eq!(failed(&mut links, "no route", false), None);
        assert_eq!(failed(&mut links, "not admitted", true), lost("not admitted"));
        assert_eq!(failed(&mut links, "no route", false), None);
        assert_eq!(failed(&mut links, "not admitted", true), None);
        assert_eq!(links.on_connected(endpoint(1)), Some(LinkChange::Back));
    }

    #[test]
    fn the_systems_words_become_half_a_sentence() {
        assert_eq!(half_sentence("Connection refused (os error 111)"), "connection refused");
        assert_eq!(half_sentence("no route"), "no route");
        assert_eq!(half_sentence(""), "nobody answers");
    }
}
