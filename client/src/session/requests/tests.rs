use std::time::{Duration, Instant};

use recado_proto::{RequestBody, Service};

use super::{ConnectionId, GivenUp, Patience, Requests};

const SECOND: Duration = Duration::from_secs(1);

/// A book with a clock, whose sending is written as `reference on connection`.
struct Bench {
    requests: Requests<&'static str>,
    start: Instant,
    now: Instant,
    connections: u64,
}

fn patience() -> Patience {
    Patience { attempt_timeout: 3 * SECOND, attempts_max: 3, retry_first: SECOND, retry_max: 10 * SECOND }
}

impl Bench {
    fn new(servers: usize) -> Self {
        let start = Instant::now();
        let requests = Requests::new(patience(), servers, 10, 1);
        Self { requests, start, now: start, connections: 0 }
    }

    /// With one server, connected.
    fn connected() -> (Self, ConnectionId) {
        let mut bench = Self::new(1);
        let connection = bench.connect(0);
        (bench, connection)
    }

    fn connect(&mut self, server: usize) -> ConnectionId {
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        self.requests.connected(connection, server);
        connection
    }

    fn start(&mut self, body: RequestBody, owner: &'static str) -> u64 {
        self.requests.start(body, owner, self.now).unwrap()
    }

    /// Sends everything that is ready.
    fn send(&mut self) -> Vec<(u64, ConnectionId)> {
        let mut sent = Vec::new();
        while let Some(sending) = self.requests.next_to_send() {
            let (reference, connection) = (sending.reference, sending.connection);
            self.requests.sent(reference, connection, self.now);
            sent.push((reference, connection));
        }
        sent
    }

    /// Goes to the next moment at which something is due.
    fn wait(&mut self) -> Vec<GivenUp<&'static str>> {
        self.now = self.requests.poll_timeout().unwrap();
        self.requests.on_timeout(self.now)
    }

    fn passed(&self) -> f64 {
        (self.now - self.start).as_secs_f64()
    }
}

#[test]
fn an_answer_ends_a_request_and_a_second_one_finds_nobody() {
    let (mut bench, line) = Bench::connected();
    let first = bench.start(RequestBody::Users, "first");
    let second = bench.start(RequestBody::Channels, "second");
    assert_eq!(bench.send(), [(first, line), (second, line)]);
    assert_eq!(bench.requests.answered(second), Some("second"));
    assert_eq!(bench.requests.answered(second), None);
    assert_eq!(bench.requests.answered(first), Some("first"));
    assert_eq!(bench.requests.poll_timeout(), None);
}

#[test]
fn an_unanswered_request_is_sent_again_on_a_fresh_connection_then_given_up() {
    let (mut bench, first) = Bench::connected();
    let reference = bench.start(RequestBody::Users, "users");
    assert_eq!(bench.send(), [(reference, first)]);
    let mut line = first;
    let mut longest = 1.0;
    for attempt in 1..3 {
        let asked = bench.passed();
        assert_eq!(bench.wait(), []);
        assert_eq!(bench.passed() - asked, 3.0);
        assert_eq!(bench.requests.next_renewal(), Some(line));
        assert_eq!(bench.requests.next_renewal(), None);
        line = bench.connect(0);
        assert_eq!(bench.send(), [], "the pause is kept");
        let paused = bench.passed();
        assert_eq!(bench.wait(), []);
        let pause = bench.passed() - paused;
        assert!(pause >= longest / 2.0 && pause <= longest, "{pause} after attempt {attempt}");
        longest *= 2.0;
        assert_eq!(bench.send(), [(reference, line)]);
    }
    assert_eq!(bench.wait(), [GivenUp { owner: "users", attempts: 3 }]);
    assert_eq!(bench.requests.poll_timeout(), None);
}

#[test]
fn without_a_fresh_connection_nothing_is_sent_again() {
    let (mut bench, line) = Bench::connected();
    bench.start(RequestBody::Users, "users");
    assert_eq!(bench.send().len(), 1);
    bench.wait();
    bench.wait();
    assert_eq!(bench.send(), []);
    assert!(!bench.requests.is_connected());
    assert_eq!(bench.requests.next_renewal(), Some(line));
    let fresh = bench.connect(0);
    assert_eq!(bench.send(), [(1, fresh)]);
}

#[test]
fn a_late_answer_on_the_former_connection_is_taken_by_its_reference() {
    let (mut bench, _) = Bench::connected();
    let reference = bench.start(RequestBody::Users, "users");
    bench.send();
    bench.wait();
    assert_eq!(bench.requests.answered(reference), Some("users"));
    assert_eq!(bench.requests.poll_timeout(), None);
    bench.connect(0);
    assert_eq!(bench.send(), []);
}

#[test]
fn a_plain_servers_late_answer_is_not_taken_for_the_next_ones() {
    let (mut bench, former) = Bench::connected();
    let reference = bench.start(RequestBody::Users, "users");
    bench.send();
    bench.wait();
    let fresh = bench.connect(0);
    bench.wait();
    assert_eq!(bench.send(), [(reference, fresh)]);
    assert_eq!(bench.requests.answered_in_order(former, Service::Users), None);
    assert_eq!(bench.requests.answered_in_order(fresh, Service::Users), Some("users"));

    // Given up at last, its answer comes; the next one asks for another thing of the same service.
    let (mut bench, _) = Bench::connected();
    bench.start(RequestBody::Users, "first");
    bench.send();
    for _ in 0..2 {
        bench.wait();
        bench.connect(0);
        bench.wait();
        bench.send();
    }
    let last = ConnectionId(bench.connections);
    assert_eq!(bench.wait(), [GivenUp { owner: "first", attempts: 3 }]);
    let fresh = bench.connect(0);
    let second = bench.start(RequestBody::Users, "second");
    assert_eq!(bench.send(), [(second, fresh)]);
    assert_eq!(bench.requests.answered_in_order(last, Service::Users), None);
    assert_eq!(bench.requests.answered_in_order(fresh, Service::Users), Some("second"));
}

#[test]
fn a_plain_servers_answers_are_told_apart_by_service_and_order() {
    let (mut bench, line) = Bench::connected();
    for (body, owner) in [
        (RequestBody::Users, "first users"),
        (RequestBody::Channels, "channels"),
        (RequestBody::Users, "second users"),
    ] {
        bench.start(body, owner);
    }
    bench.send();
    assert_eq!(bench.requests.answered_in_order(line, Service::Channels), Some("channels"));
    assert_eq!(bench.requests.answered_in_order(line, Service::Users), Some("first users"));
    assert_eq!(bench.requests.answered_in_order(line, Service::Users), Some("second users"));
    assert_eq!(bench.requests.answered_in_order(line, Service::Users), None);
}

#[test]
fn another_server_gets_what_one_left_unanswered_and_what_follows() {
    let mut bench = Bench::new(3);
    let lines = [0, 1, 2].map(|server| bench.connect(server));
    let first = bench.start(RequestBody::Users, "first");
    let [(_, chosen)] = bench.send()[..] else { panic!() };
    bench.wait();
    assert_eq!(bench.requests.next_renewal(), Some(chosen));
    let fresh = bench.connect(usize::try_from(chosen.0).unwrap() - 1);
    bench.wait();
    let second = bench.start(RequestBody::Users, "second");
    let next = lines[usize::try_from(chosen.0).unwrap() % 3];
    assert_eq!(bench.send(), [(first, next), (second, next)]);
    bench.requests.disconnected(next, bench.now);
    let [(_, third), (_, also_third)] = bench.send()[..] else { panic!() };
    assert_eq!(third, also_third);
    assert!(third != next && third != chosen && third != fresh);
}

#[test]
fn requests_go_to_one_server_while_it_answers_and_sessions_begin_with_different_ones() {
    let mut chosen = Vec::new();
    for seed in 0..20 {
        let mut requests = Requests::new(patience(), 2, 10, seed);
        requests.connected(ConnectionId(1), 0);
        requests.connected(ConnectionId(2), 1);
        let now = Instant::now();
        let lines: Vec<ConnectionId> = (0..5)
            .map(|_| {
                requests.start(RequestBody::Users, "users", now).unwrap();
                let sending = requests.next_to_send().unwrap();
                let (reference, connection) = (sending.reference, sending.connection);
                requests.sent(reference, connection, now);
                connection
            })
            .collect();
        assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
        chosen.push(lines[0]);
    }
    assert!(chosen.contains(&ConnectionId(1)) && chosen.contains(&ConnectionId(2)), "{chosen:?}");
}

#[test]
fn several_requests_left_unanswered_ask_for_one_fresh_connection() {
    let (mut bench, line) = Bench::connected();
    for owner in ["a", "b", "c"] {
        bench.start(RequestBody::Users, owner);
    }
    bench.send();
    bench.wait();
    assert_eq!(bench.requests.next_renewal(), Some(line));
    assert_eq!(bench.requests.next_renewal(), None);
}

#[test]
fn an_ended_connections_requests_go_out_again_at_once_and_in_order() {
    let (mut bench, line) = Bench::connected();
    let references = ["a", "b", "c"].map(|owner| bench.start(RequestBody::Users, owner));
    bench.send();
    assert_eq!(bench.requests.answered(references[1]), Some("b"));
    bench.requests.disconnected(line, bench.now);
    assert_eq!(bench.send(), []);
    let late = bench.start(RequestBody::Users, "d");
    let fresh = bench.connect(0);
    assert_eq!(bench.send(), [(references[0], fresh), (references[2], fresh), (late, fresh)]);
}

#[test]
fn a_request_whose_connection_ends_again_and_again_is_given_up() {
    let mut bench = Bench::new(1);
    bench.start(RequestBody::Users, "users");
    for _ in 0..3 {
        let line = bench.connect(0);
        assert_eq!(bench.send(), [(1, line)]);
        bench.requests.disconnected(line, bench.now);
    }
    assert_eq!(bench.wait(), [GivenUp { owner: "users", attempts: 3 }]);
    assert_eq!(bench.passed(), 0.0);
    assert_eq!(bench.requests.poll_timeout(), None);
}

#[test]
fn what_no_connection_takes_is_given_up_as_never_sent() {
    let mut bench = Bench::new(1);
    bench.start(RequestBody::Users, "users");
    assert_eq!(bench.wait(), [GivenUp { owner: "users", attempts: 0 }]);
    assert_eq!(bench.now - bench.start, patience().in_all());
    bench.connect(0);
    assert_eq!(bench.send(), []);
}

#[test]
fn a_busy_server_is_asked_again_after_a_pause_and_believed_in_the_end() {
    let (mut bench, line) = Bench::connected();
    let reference = bench.start(RequestBody::Users, "users");
    for longest in [1.0, 2.0] {
        assert_eq!(bench.send(), [(reference, line)], "the connection is as good as before");
        assert!(bench.requests.ask_later(reference, Duration::ZERO, bench.now));
        let asked = bench.passed();
        assert_eq!(bench.wait(), []);
        let pause = bench.passed() - asked;
        assert!(pause >= longest / 2.0 && pause <= longest, "{pause}");
    }
    assert_eq!(bench.send(), [(reference, line)]);
    assert!(!bench.requests.ask_later(reference, Duration::ZERO, bench.now));
    assert_eq!(bench.requests.answered(reference), Some("users"));
    assert_eq!(bench.requests.poll_timeout(), None);
}

#[test]
fn a_server_that_says_when_to_come_back_is_not_asked_before() {
    let (mut bench, line) = Bench::connected();
    let reference = bench.start(RequestBody::Users, "users");
    bench.send();
    assert!(bench.requests.ask_later(reference, 5 * SECOND, bench.now));
    assert_eq!(bench.wait(), []);
    assert_eq!(bench.passed(), 5.0, "longer than the pause would have been");
    assert_eq!(bench.send(), [(reference, line)]);
    assert!(bench.requests.ask_later(reference, Duration::from_millis(1), bench.now));
    bench.wait();
    assert!(bench.passed() >= 6.0, "the pause is kept where that is longer");
}

#[test]
fn a_request_that_would_be_given_up_before_it_may_come_back_is_answered_now() {
    let (mut bench, _) = Bench::connected();
    let reference = bench.start(RequestBody::Users, "users");
    bench.send();
    for wait in [patience().in_all(), Duration::MAX] {
        assert!(!bench.requests.ask_later(reference, wait, bench.now));
    }
    assert_eq!(bench.requests.answered(reference), Some("users"));
    assert_eq!(bench.requests.poll_timeout(), None);
}

#[test]
fn one_too_many_is_refused() {
    let start = Instant::now();
    let mut requests = Requests::new(patience(), 1, 1, 1);
    requests.start(RequestBody::Users, "first", start).unwrap();
    assert_eq!(requests.start(RequestBody::Users, "second", start), Err("second"));
    assert_eq!(requests.give_up_all(), [GivenUp { owner: "first", attempts: 0 }]);
    assert!(requests.start(RequestBody::Users, "third", start).is_ok());
}
