//! When a topic counts as joined: the question on a one-time topic, its answer, and what happens without.

use std::time::Duration;

use crate::limits;

use super::{Bench, Start, assert_patient, channel, page};

#[test]
fn a_barrier_that_does_not_arrive_is_asked_for_again_ever_more_slowly_on_the_same_topic() {
    let mut bench = Bench::joined_at(5);
    bench.receiver.on_broker_change(bench.now);
    bench.expect(&["subscribe sync", "sync tech"]);
    let topic = bench.take_sync();
    let mut longest = limits::SYNC_RETRY_FIRST;
    for _ in 0..8 {
        let waited = bench.wait();
        assert!(waited >= longest / 2 && waited <= longest, "{waited:?} of {longest:?}");
        longest = (2 * longest).min(limits::SYNC_RETRY_MAX);
        bench.expect(&["sync tech"]);
        assert_eq!(bench.take_sync(), topic);
    }
    bench.arrive(topic, &[("tech", 5)]);
    bench.expect(&["unsubscribe sync"]);
    bench.idle();
}

#[test]
fn while_the_question_is_with_the_server_it_is_not_asked_again() {
    let mut bench = Bench::joined_at(5);
    bench.receiver.on_broker_change(bench.now);
    bench.expect(&["subscribe sync", "sync tech"]);
    bench.idle();
    let (ticket, _) = bench.syncs.remove(0);
    bench.receiver.on_sync_failed(ticket, false, bench.now);
    bench.wait();
    bench.expect(&["sync tech"]);
}

#[test]
fn a_topic_is_announced_although_its_barrier_does_not_come_and_that_is_asked_for_still() {
    let mut bench = Bench::joining(Start::Latest(0));
    bench.page(page([5], 1, 5));
    bench.quiet();
    bench.idle_until_announced();
    bench.live(6);
    bench.expect(&["live 6"]);
    bench.barrier(&[("tech", 7)]);
    bench.expect(&["unsubscribe sync"]);
    bench.wait();
    bench.expect(&["fetch tech after 6"]);
}

#[test]
fn a_long_silence_ends_with_a_barrier_that_shows_what_was_lost_in_it() {
    let mut bench = Bench::joined_at(5);
    bench.idle();
    let waited = bench.wait();
    assert!(waited >= limits::SILENCE_MAX * 3 / 4 && waited <= limits::SILENCE_MAX, "{waited:?}");
    bench.expect(&["subscribe sync", "sync tech"]);
    bench.barrier(&[("tech", 6)]);
    bench.expect(&["unsubscribe sync"]);
    assert_patient(bench.wait());
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.expect(&["repair 6"]);
    bench.idle();
}

#[test]
fn whatever_is_heard_ends_a_silence_before_anybody_is_asked() {
    let mut bench = Bench::joined_at(5);
    for seq in 6..10 {
        bench.now += limits::SILENCE_MAX * 3 / 4 - Duration::from_millis(1);
        bench.receiver.on_timeout(bench.now);
        bench.live(seq);
        bench.expect(&[&format!("live {seq}")]);
    }
    bench.now += limits::SILENCE_MAX * 3 / 4 - Duration::from_millis(1);
    bench.receiver.on_timeout(bench.now);
    bench.beacon(9);
    bench.quiet();
    assert!(bench.receiver.poll_timeout().unwrap() >= bench.now + limits::SILENCE_MAX * 3 / 4);
}

#[test]
fn a_server_without_sync_is_not_asked_when_it_is_silent() {
    let mut bench = Bench::joined_at(5);
    bench.wait();
    bench.expect(&["subscribe sync", "sync tech"]);
    let (ticket, _) = bench.syncs.remove(0);
    bench.receiver.on_sync_failed(ticket, true, bench.now);
    bench.expect(&["unsubscribe sync"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([], 1, 5));
    bench.quiet();
    assert_eq!(bench.receiver.poll_timeout(), None);
}

impl Bench {
    /// The question stays with the server until the topic is announced without it.
    fn idle_until_announced(&mut self) {
        assert_eq!(self.wait(), limits::JOIN_PATIENCE);
        self.expect(&["joined tech"]);
        self.idle();
    }
}

#[test]
fn a_server_without_barriers_is_asked_for_the_tail_a_moment_later() {
    let mut bench = Bench::joining(Start::Latest(0));
    let (ticket, _) = bench.syncs.remove(0);
    bench.receiver.on_sync_failed(ticket, true, bench.now);
    bench.expect(&["unsubscribe sync"]);
    bench.page(page([5], 1, 5));
    bench.expect(&["joined tech"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.expect(&["repair 6"]);
    bench.idle();

    // Whatever joins later, and a broker's return, do the same without asking.
    bench.receiver.join(channel("lab"), Start::Latest(0), bench.now);
    bench.expect(&["subscribe lab", "subscribe _acts.lab", "subscribe _heads.lab", "fetch lab latest 1"]);
    bench.page(page([], 1, 0));
    bench.expect(&["joined lab"]);
    bench.receiver.leave(&channel("lab"));
    bench.actions();
    bench.receiver.on_broker_change(bench.now);
    bench.quiet();
    bench.wait();
    bench.expect(&["fetch tech after 6"]);
    bench.page(page([], 1, 6));
    bench.idle();

    // Perhaps it is another server now.
    bench.receiver.on_server_back(bench.now);
    bench.receiver.on_broker_change(bench.now);
    bench.expect(&["subscribe sync", "sync tech"]);
}

#[test]
fn a_brokers_return_asks_for_all_topics_at_once_and_fetches_lost_tails() {
    let mut bench = Bench::joined_at(5);
    bench.receiver.join(channel("lab"), Start::Latest(0), bench.now);
    bench.expect(&[
        "subscribe lab",
        "subscribe _acts.lab",
        "subscribe _heads.lab",
        "subscribe sync",
        "sync lab",
        "fetch lab latest 1",
    ]);
    bench.page(page([], 1, 0));
    bench.barrier(&[("lab", 0)]);
    bench.expect(&["unsubscribe sync", "joined lab"]);

    bench.receiver.on_broker_change(bench.now);
    bench.expect(&["subscribe sync", "sync lab tech"]);
    bench.barrier(&[("lab", 0), ("tech", 6)]);
    bench.expect(&["unsubscribe sync"]);
    assert_patient(bench.wait());
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.expect(&["repair 6"]);
    bench.idle();
}

#[test]
fn a_barrier_from_before_the_brokers_return_proves_nothing() {
    let mut bench = Bench::joining(Start::Latest(0));
    bench.page(page([5], 1, 5));
    let (_, before) = bench.syncs.remove(0);
    bench.receiver.on_broker_change(bench.now);
    bench.expect(&["unsubscribe sync", "subscribe sync", "sync tech"]);
    bench.arrive(before, &[("tech", 5)]);
    bench.quiet();
    bench.barrier(&[("tech", 5)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
}

#[test]
fn topics_joined_while_a_question_is_under_way_share_the_next_one() {
    let mut bench = Bench::joining(Start::Latest(0));
    for name in ["a", "b", "c"] {
        bench.receiver.join(channel(name), Start::Latest(0), bench.now);
    }
    let actions = bench.actions();
    assert!(!actions.iter().any(|action| action.starts_with("sync")), "{actions:?}");
    bench.barrier(&[("tech", 5)]);
    bench.expect(&["unsubscribe sync", "subscribe sync", "sync a b c"]);
    bench.barrier(&[("a", 0), ("b", 0), ("c", 0)]);
    bench.expect(&["unsubscribe sync"]);
}

#[test]
fn topics_joined_while_a_barrier_is_lost_are_asked_for_with_it_before_long() {
    let mut bench = Bench::joined_at(5);
    bench.receiver.on_broker_change(bench.now);
    bench.expect(&["subscribe sync", "sync tech"]);
    for _ in 0..6 {
        bench.take_sync();
        bench.wait();
        bench.expect(&["sync tech"]);
    }
    bench.take_sync();
    bench.receiver.join(channel("lab"), Start::Latest(0), bench.now);
    bench.expect(&["subscribe lab", "subscribe _acts.lab", "subscribe _heads.lab", "fetch lab latest 1"]);
    assert!(bench.wait() <= limits::SYNC_RETRY_FIRST);
    bench.expect(&["unsubscribe sync", "subscribe sync", "sync lab tech"]);
}
