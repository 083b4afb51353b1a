//! What was lost on its way, between others and at the end.

use recado_proto::{Place, Publication, Range};

use crate::limits;

use super::{Action, Bench, Start, assert_patient, channel, each, message, page};

#[test]
fn repeats_and_neighbours_are_dropped() {
    let mut bench = Bench::joined_at(5);
    bench.live(5);
    bench.live(6);
    bench.live(6);
    bench.publish(Publication { topic: "technology".to_owned(), ..message(6) });
    bench.publish(Publication { topic: "tec".to_owned(), ..message(7) });
    bench.expect(&["live 6"]);
    assert_eq!(bench.receiver.counts().repeats, 2);
    assert_eq!(bench.receiver.counts().neighbours, 2);
    bench.idle();
}

#[test]
fn a_gap_is_filled_from_history_after_a_moment_and_in_order() {
    let mut bench = Bench::joined_at(5);
    bench.live(8);
    bench.live(9);
    bench.live(9);
    bench.quiet();
    assert_patient(bench.wait());
    bench.expect(&["fetch tech after 5"]);
    bench.live(10);
    bench.page(page(6..=9, 1, 9));
    bench.expect(&["repair 6", "repair 7", "live 8", "live 9", "live 10"]);
    assert_eq!(bench.receiver.counts().repaired, 2);
    bench.idle();
}

#[test]
fn two_sessions_that_lost_the_same_do_not_ask_at_the_same_moment() {
    let waits: Vec<_> = (0..20_u64)
        .map(|seed| {
            let mut bench = Bench::new();
            bench.receiver = super::Receiver::new(seed);
            bench.receiver.join(super::tech(), Start::Latest(0), bench.now);
            bench.actions();
            bench.page(page([5], 1, 5));
            bench.barrier(&[("tech", 5)]);
            bench.live(7);
            bench.wait()
        })
        .collect();
    let distinct: std::collections::BTreeSet<_> = waits.iter().collect();
    assert!(distinct.len() > 15, "{waits:?}");
    waits.into_iter().for_each(assert_patient);
}

#[test]
fn what_comes_late_by_itself_is_not_asked_for() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.live(6);
    bench.expect(&["live 6", "live 7"]);
    bench.idle();
    bench.beacon(8);
    bench.live(8);
    bench.expect(&["live 8"]);
    bench.idle();
}

#[test]
fn what_follows_a_gap_is_on_its_way_and_not_fetched() {
    let mut bench = Bench::joined_at(5);
    bench.live(8);
    bench.wait();
    let Some(Action::Fetch { ticket, range, limit, .. }) = bench.receiver.next_action() else { panic!() };
    assert_eq!((range, limit), (Range::After(Place::Seq(5)), 3));
    bench.tickets.push(ticket);
    bench.page(page(6..=8, 1, 20));
    bench.expect(&["repair 6", "repair 7", "live 8"]);
    bench.idle();
    bench.live(9);
    bench.expect(&["live 9"]);
}

#[test]
fn a_long_gap_takes_several_pages() {
    let mut bench = Bench::joined_at(0);
    bench.live(1_200);
    bench.wait();
    bench.expect(&["fetch tech after 0"]);
    bench.page(page(1..=500, 1, 1_200));
    let mut expect = each("repair", 1..=500);
    expect.push("fetch tech after 500".to_owned());
    assert_eq!(bench.actions(), expect);
}

#[test]
fn a_lost_tail_is_shown_by_a_beacon() {
    let mut bench = Bench::joined_at(5);
    bench.beacon(5);
    bench.idle();
    bench.beacon(7);
    bench.quiet();
    assert_patient(bench.wait());
    bench.expect(&["fetch tech after 5"]);
    bench.page(page(6..=7, 1, 7));
    bench.expect(&["repair 6", "repair 7"]);
    bench.beacon(7);
    bench.idle();
}

#[test]
fn a_beacon_in_the_midst_of_a_gap_changes_nothing() {
    let mut bench = Bench::joined_at(5);
    bench.live(8);
    bench.beacon(8);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.beacon(9);
    bench.page(page(6..=8, 1, 8));
    bench.expect(&["repair 6", "repair 7", "live 8"]);
    assert_patient(bench.wait());
    bench.expect(&["fetch tech after 8"]);
    bench.page(page([9], 1, 9));
    bench.expect(&["repair 9"]);
    bench.idle();
}

#[test]
fn what_is_kept_no_more_is_said_to_be_missing() {
    let mut bench = Bench::joined_at(5);
    bench.live(30);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page(20..=30, 20, 30));
    let mut expect = vec!["missing tech 6 to 19".to_owned()];
    expect.extend(each("repair", 20..=29));
    expect.push("live 30".to_owned());
    assert_eq!(bench.actions(), expect);

    // What is held in between was not lost.
    let mut bench = Bench::joined_at(5);
    bench.live(8);
    bench.live(30);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([30], 30, 30));
    bench.expect(&["missing tech 6 to 7", "live 8", "missing tech 9 to 29", "live 30"]);
    bench.idle();
}

#[test]
fn a_tail_that_is_kept_no_more_is_said_to_be_missing() {
    let mut bench = Bench::joined_at(5);
    bench.beacon(9);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([], 10, 9));
    bench.expect(&["missing tech 6 to 9"]);
    bench.idle();
}

#[test]
fn a_failed_question_is_asked_again_ever_more_slowly() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    let mut longest = limits::REPAIR_RETRY_FIRST;
    for _ in 0..9 {
        bench.fail(false);
        let waited = bench.wait();
        assert!(waited >= longest / 2 && waited <= longest, "{waited:?} of {longest:?}");
        longest = (2 * longest).min(limits::REPAIR_RETRY_MAX);
        bench.expect(&["fetch tech after 5"]);
    }
    bench.fail(false);
    bench.receiver.on_server_back(bench.now);
    bench.expect(&["fetch tech after 5"]);
    bench.page(page(6..=7, 1, 7));
    bench.expect(&["repair 6", "live 7"]);
    bench.idle();
}

#[test]
fn what_resolves_itself_while_a_question_fails_is_not_asked_again() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.fail(false);
    bench.live(6);
    bench.expect(&["live 6", "live 7"]);
    bench.idle();
    bench.receiver.on_server_back(bench.now);
    bench.quiet();
}

#[test]
fn while_paused_only_what_a_topic_begins_with_is_asked_for() {
    let mut bench = Bench::joined_at(0);
    bench.live(600);
    bench.wait();
    bench.expect(&["fetch tech after 0"]);
    bench.receiver.pause(true, bench.now);
    bench.page(page(1..=2, 1, 600));
    bench.expect(&["repair 1", "repair 2"]);
    bench.idle();
    bench.receiver.join(channel("lab"), Start::Latest(0), bench.now);
    bench.expect(&[
        "subscribe lab",
        "subscribe _acts.lab",
        "subscribe _heads.lab",
        "subscribe sync",
        "sync lab",
        "fetch lab latest 1",
    ]);
    bench.receiver.pause(false, bench.now);
    bench.expect(&["fetch tech after 2"]);
}
