//! What anybody may publish to an open broker.

use crate::limits;

use super::{Bench, Start, forged, page};

#[test]
fn a_place_that_the_server_does_not_know_is_dropped_in_the_end() {
    let mut bench = Bench::joined_at(5);
    bench.live(1_000_000);
    let mut asked = 0;
    while bench.receiver.counts().unfounded == 0 {
        bench.wait();
        bench.expect(&["fetch tech after 5"]);
        bench.page(page([], 1, 5));
        asked += 1;
    }
    assert_eq!(asked, limits::FUTILE_PAGES_MAX + 1);
    bench.live(6);
    bench.expect(&["live 6"]);
    bench.idle();
}

#[test]
fn a_head_far_ahead_skips_nothing_and_is_dropped_in_the_end() {
    let mut bench = Bench::joined_at(5);
    bench.beacon(u64::MAX);
    let mut asked = 0;
    while bench.receiver.waits_until().is_some() {
        bench.wait();
        bench.expect(&["fetch tech after 5"]);
        bench.page(page([], 1, 5));
        asked += 1;
    }
    assert_eq!(asked, limits::FUTILE_PAGES_MAX + 1);
    bench.live(6);
    bench.expect(&["live 6"]);
    // What is true is still found by the same way.
    bench.beacon(7);
    bench.wait();
    bench.expect(&["fetch tech after 6"]);
    bench.page(page([7], 1, 7));
    bench.expect(&["repair 7"]);
    bench.idle();
}

#[test]
fn who_claims_again_and_again_makes_it_ask_ever_more_rarely() {
    let mut bench = Bench::joined_at(5);
    let began = bench.now;
    let mut asked = 0;
    while bench.now - began < std::time::Duration::from_secs(600) {
        bench.beacon(1_000);
        bench.live(2_000);
        bench.publish(super::only_in_epoch(9, 5));
        bench.publish(forged(5));
        bench.wait();
        bench.expect(&["fetch tech after 5"]);
        bench.page(page([], 1, 5));
        asked += 1;
    }
    assert!(asked < 150, "{asked} times in ten minutes");
    assert!(asked > 40, "{asked}: what is true must be found nevertheless");
}

#[test]
fn a_forged_message_does_not_take_the_place_of_what_history_has() {
    let mut bench = Bench::joined_at(5);
    bench.publish(forged(7));
    bench.live(8);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page(6..=8, 1, 8));
    bench.expect(&["repair 6", "repair 7", "live 8"]);
    bench.idle();
}

#[test]
fn of_two_messages_for_one_place_that_is_held_history_says_which() {
    for forged_first in [true, false] {
        let mut bench = Bench::joined_at(5);
        if forged_first {
            bench.publish(forged(7));
            bench.live(7);
        } else {
            bench.live(7);
            bench.publish(forged(7));
        }
        bench.live(6);
        bench.expect(&["live 6"]);
        bench.wait();
        bench.expect(&["fetch tech after 6"]);
        bench.page(page([7], 1, 7));
        bench.expect(&["repair 7"]);
        bench.idle();
    }
}

#[test]
fn a_forged_next_message_is_shown_and_the_true_one_after_it() {
    let mut bench = Bench::joined_at(5);
    bench.publish(forged(6));
    bench.expect(&["live forged 6"]);
    bench.live(6);
    bench.live(7);
    bench.expect(&["live 7"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page(6..=7, 1, 7));
    bench.expect(&["repair 6"]);
    bench.live(6);
    bench.idle();
}

#[test]
fn a_forged_repeat_of_what_was_shown_is_not_shown() {
    let mut bench = Bench::joined_at(5);
    bench.live(6);
    bench.expect(&["live 6"]);
    bench.publish(forged(6));
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.quiet();
    bench.idle();
}

#[test]
fn a_forged_place_far_back_while_joining_loses_nothing() {
    let mut bench = Bench::joining(Start::Latest(2));
    bench.publish(forged(1));
    bench.publish(forged(10));
    bench.live(11);
    bench.page(page(9..=10, 1, 10));
    // Whoever claims an early place gets all that follows it shown, once and in order.
    bench.expect(&["live forged 1", "fetch tech after 1"]);
    bench.page(page(2..=10, 1, 10));
    let mut expect: Vec<String> = (2..=10).map(|seq| format!("backlog {seq}")).collect();
    expect.push("live 11".to_owned());
    assert_eq!(bench.actions(), expect);
    bench.barrier(&[("tech", 11)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.idle();
}

#[test]
fn absurd_places_do_no_harm() {
    let mut bench = Bench::joining(Start::Latest(0));
    bench.live(0);
    bench.live(1);
    bench.page(page([1_000_000], 1, 1_000_000));
    bench.barrier(&[("tech", 1_000_000)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(0);
    bench.quiet();
    bench.live(u64::MAX);
    bench.expect(&[&format!("live {}", u64::MAX)]);
    bench.live(u64::MAX - 1);
    bench.live(1_000_001);
    bench.expect(&["live 1000001"]);
    bench.wait();
    bench.expect(&["fetch tech after 1000001"]);
    bench.page(page([], 1, u64::MAX));
    bench.expect(&[&format!("missing tech 1000002 to {}", u64::MAX - 2), "live 18446744073709551614"]);
}

#[test]
fn a_guessed_barrier_brings_nothing_that_was_not_asked() {
    let mut bench = Bench::joined_at(5);
    let stranger = recado_proto::SyncTopic::from_random(5);
    bench.arrive(stranger, &[("tech", 100), ("lab", 3)]);
    bench.quiet();
    bench.idle();
    assert_eq!(bench.receiver.counts().neighbours, 1);
}
