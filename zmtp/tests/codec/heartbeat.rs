//! Heartbeats by a clock of the tests' own.

use std::time::{Duration, Instant};

use recado_zmtp::codec::{Beat, Heartbeat, Version};

const INTERVAL: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn heartbeat(minor: u8) -> (Heartbeat, Instant) {
    let start = Instant::now();
    (Heartbeat::new(Some(INTERVAL), TIMEOUT, Version { major: 3, minor }, start), start)
}

#[test]
fn a_ping_each_interval_that_promises_the_next() {
    let (mut heartbeat, start) = heartbeat(1);
    assert_eq!(heartbeat.deadline(), Some(start + seconds(5)));
    assert_eq!(heartbeat.poll(start + seconds(4)), Beat::Quiet);
    assert_eq!(heartbeat.poll(start + seconds(5)), Beat::Ping(seconds(15)));
    heartbeat.heard();
    assert_eq!(heartbeat.poll(start + seconds(5)), Beat::Quiet);
    assert_eq!(heartbeat.deadline(), Some(start + seconds(10)));
    assert_eq!(heartbeat.poll(start + seconds(10)), Beat::Ping(seconds(15)));
}

#[test]
fn silence_after_a_ping_is_death_and_any_byte_is_life() {
    let (mut heartbeat, start) = heartbeat(1);
    assert_eq!(heartbeat.poll(start + seconds(5)), Beat::Ping(seconds(15)));
    assert_eq!(heartbeat.poll(start + seconds(10)), Beat::Ping(seconds(15)));
    assert_eq!(heartbeat.deadline(), Some(start + seconds(15)));
    let mut heard = heartbeat.clone();
    assert_eq!(heartbeat.poll(start + seconds(15)), Beat::Dead);
    heard.heard();
    assert_eq!(heard.poll(start + seconds(15)), Beat::Ping(seconds(15)));
}

#[test]
fn a_peer_of_version_3_0_is_not_pinged_but_its_ttl_is_honoured() {
    let (mut heartbeat, start) = heartbeat(0);
    assert_eq!(heartbeat.deadline(), None);
    assert_eq!(heartbeat.poll(start + seconds(1000)), Beat::Quiet);
    heartbeat.ping_received(seconds(2), start);
    assert_eq!(heartbeat.deadline(), Some(start + seconds(2)));
    assert_eq!(heartbeat.poll(start + seconds(1)), Beat::Quiet);
    assert_eq!(heartbeat.poll(start + seconds(2)), Beat::Dead);
}

#[test]
fn a_promise_is_over_with_the_next_byte_and_zero_is_none() {
    let (mut heartbeat, start) = heartbeat(0);
    heartbeat.ping_received(seconds(2), start);
    heartbeat.heard();
    assert_eq!(heartbeat.deadline(), None);
    heartbeat.ping_received(Duration::ZERO, start);
    assert_eq!(heartbeat.deadline(), None);
}

#[test]
fn without_an_interval_nothing_is_sent() {
    let start = Instant::now();
    for interval in [None, Some(Duration::ZERO)] {
        let mut heartbeat = Heartbeat::new(interval, TIMEOUT, Version::OURS, start);
        assert_eq!(heartbeat.deadline(), None);
        assert_eq!(heartbeat.poll(start + seconds(1000)), Beat::Quiet);
    }
}

#[test]
fn a_peer_that_reads_nothing_is_not_expected_to_answer_but_its_promise_holds() {
    let (mut heartbeat, start) = heartbeat(1);
    assert_eq!(heartbeat.poll(start + seconds(5)), Beat::Ping(seconds(15)));
    heartbeat.unanswerable();
    assert_eq!(heartbeat.poll(start + seconds(15)), Beat::Ping(seconds(15)));
    heartbeat.ping_received(seconds(3), start + seconds(15));
    heartbeat.unanswerable();
    assert_eq!(heartbeat.poll(start + seconds(18)), Beat::Dead);
}
