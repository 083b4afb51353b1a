//! How a topic begins, and how it is left.

use recado_proto::{Epoch, HistoryPage, MessageId, Publication};

use crate::limits;

use super::{Bench, Start, after, channel, each, in_epoch, message, page, tech};

#[test]
fn joining_shows_the_backlog_then_what_came_meanwhile() {
    let mut bench = Bench::joining(Start::Latest(3));
    assert!(!bench.receiver.join(tech(), Start::Latest(3), bench.now), "it is followed already");
    bench.live(11);
    bench.live(10);
    bench.quiet();
    bench.page(page(8..=10, 1, 10));
    bench.expect(&["backlog 8", "backlog 9", "backlog 10", "live 11"]);
    bench.barrier(&[("tech", 11)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(12);
    bench.expect(&["live 12"]);
    bench.idle();
}

#[test]
fn joining_without_a_backlog_still_delivers_what_came_meanwhile() {
    let mut bench = Bench::joining(Start::Latest(0));
    bench.live(9);
    bench.page(page([10], 1, 10));
    bench.expect(&["live 9", "repair 10"]);
    bench.barrier(&[("tech", 10)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(10);
    bench.live(11);
    bench.expect(&["live 11"]);
}

#[test]
fn an_empty_topic_begins_with_its_first_message() {
    let mut bench = Bench::joined_at(0);
    bench.live(1);
    bench.live(2);
    bench.expect(&["live 1", "live 2"]);
}

#[test]
fn what_was_published_while_the_subscription_travelled_is_fetched() {
    // The page was read before 6 was sent, and the subscription was live only after it.
    let mut bench = Bench::joining(Start::Latest(0));
    bench.page(page([5], 1, 5));
    bench.barrier(&[("tech", 6)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.expect(&["repair 6"]);
    bench.idle();

    // The same, and the barrier overtakes the page.
    let mut bench = Bench::joining(Start::Latest(0));
    bench.barrier(&[("tech", 6)]);
    bench.expect(&["unsubscribe sync"]);
    bench.page(page([5], 1, 5));
    bench.expect(&["joined tech"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
}

#[test]
fn a_topic_that_nobody_has_written_to_or_that_has_no_head_is_joined_too() {
    for heads in [&[("tech", 0)][..], &[]] {
        let mut bench = Bench::joining(Start::Latest(0));
        bench.page(page([], 1, 0));
        bench.barrier(heads);
        bench.expect(&["unsubscribe sync", "joined tech"]);
        bench.live(1);
        bench.expect(&["live 1"]);
        bench.idle();
    }
}

#[test]
fn going_on_after_a_place_delivers_everything_since_once_and_in_order() {
    let mut bench = Bench::joining(after(3));
    bench.live(8);
    bench.page(page(4..=7, 1, 7));
    bench.expect(&["backlog 4", "backlog 5", "backlog 6", "backlog 7", "live 8"]);
    bench.barrier(&[("tech", 8)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(7);
    bench.live(9);
    bench.expect(&["live 9"]);
    bench.idle();
}

#[test]
fn a_long_absence_takes_several_pages_and_is_joined_after_the_last() {
    let mut bench = Bench::joining(after(0));
    bench.barrier(&[("tech", 700)]);
    bench.expect(&["unsubscribe sync"]);
    bench.page(page(1..=500, 1, 700));
    let mut expect = each("backlog", 1..=500);
    expect.push("fetch tech after 500".to_owned());
    assert_eq!(bench.actions(), expect);
    bench.live(702);
    bench.page(page(501..=701, 1, 701));
    let mut expect = each("backlog", 501..=700);
    expect.extend(["repair 701", "live 702", "joined tech"].map(str::to_owned));
    assert_eq!(bench.actions(), expect);
    bench.idle();
}

#[test]
fn what_was_dropped_from_history_during_an_absence_is_said_to_be_missing() {
    let mut bench = Bench::joining(after(3));
    bench.page(page(6..=7, 6, 7));
    bench.expect(&["missing tech 4 to 5", "backlog 6", "backlog 7"]);

    let mut bench = Bench::joining(after(3));
    bench.page(page([], 8, 7));
    bench.expect(&["missing tech 4 to 7"]);
    bench.barrier(&[("tech", 7)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(8);
    bench.expect(&["live 8"]);
}

#[test]
fn nothing_came_during_an_absence() {
    let mut bench = Bench::joining(after(3));
    bench.page(page([], 1, 3));
    bench.barrier(&[("tech", 3)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(3);
    bench.live(4);
    bench.expect(&["live 4"]);
}

#[test]
fn a_place_beyond_the_last_is_not_waited_for() {
    let mut bench = Bench::joining(after(9));
    bench.page(page([], 1, 3));
    bench.barrier(&[("tech", 3)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(4);
    bench.expect(&["live 4"]);
}

#[test]
fn from_the_beginning_everything_that_is_kept_comes() {
    let mut bench = Bench::joining(Start::Beginning);
    bench.page(page(1..=3, 1, 3));
    bench.expect(&["backlog 1", "backlog 2", "backlog 3"]);
    bench.barrier(&[("tech", 4)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.live(4);
    bench.expect(&["live 4"]);

    let mut bench = Bench::joining(Start::Beginning);
    bench.page(page([], 1, 0));
    bench.barrier(&[("tech", 0)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
}

#[test]
fn another_epoch_after_an_absence_is_said_and_begins_with_the_latest() {
    let mut bench = Bench::joining(after(50));
    let epoch = Epoch::new(8).unwrap();
    bench.page(HistoryPage { epoch: Some(epoch), ..page([], 1, 40) });
    bench.expect(&["epoch tech 8", &format!("fetch tech after {}", 40 - limits::BACKLOG_MESSAGES)]);
    bench.publish(in_epoch(8, 41));
    let latest = (21..=40).map(|seq| in_epoch(8, seq)).collect();
    bench.page(HistoryPage { messages: latest, epoch: Some(epoch), ..page([], 1, 40) });
    let backlog = (21..=40).map(|seq| format!("backlog {seq}"));
    let expected: Vec<_> = backlog.chain(["live 41".to_owned()]).collect();
    bench.expect(&expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn another_epoch_after_an_absence_keeps_nothing_back_of_what_came_since() {
    let mut bench = Bench::joining(after(3));
    let epoch = Epoch::new(8).unwrap();
    let since = || (4..=60).map(|seq| in_epoch(8, seq)).collect();
    bench.page(HistoryPage { messages: since(), epoch: Some(epoch), ..page([], 1, 60) });
    bench.expect(&["epoch tech 8", "fetch tech after 3"]);
    bench.page(HistoryPage { messages: since(), epoch: Some(epoch), ..page([], 1, 60) });
    let backlog: Vec<_> = (4..=60).map(|seq| format!("backlog {seq}")).collect();
    bench.expect(&backlog.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn without_history_messages_are_delivered_as_they_come() {
    let mut bench = Bench::joining(Start::Latest(5));
    bench.live(9);
    bench.fail(true);
    bench.expect(&["joined tech", "live 9"]);
    bench.live(12);
    bench.live(12);
    bench.expect(&["live 12"]);

    let mut bench = Bench::new();
    assert!(bench.receiver.join_unrepaired(tech()));
    bench.live(9);
    bench.live(9);
    bench.live(11);
    bench.beacon(15);
    bench.expect(&["subscribe tech", "subscribe _acts.tech", "joined tech", "live 9", "live 11"]);
    bench.idle();
    bench.receiver.on_broker_change(bench.now);
    bench.quiet();
    assert!(bench.receiver.leave(&tech()));
    bench.expect(&["unsubscribe tech", "unsubscribe _acts.tech"]);
}

#[test]
fn a_message_without_a_place_is_delivered_once_if_it_has_an_id() {
    let mut bench = Bench::joined_at(5);
    let plain = |id| Publication { seq: None, epoch: None, id, message: "plain".to_owned(), ..message(1) };
    bench.publish(plain(None));
    bench.publish(plain(None));
    bench.publish(plain(Some(MessageId::from_bytes([1; 16]))));
    bench.publish(plain(Some(MessageId::from_bytes([1; 16]))));
    bench.expect(&["live plain", "live plain", "live plain"]);
}

#[test]
fn what_was_left_is_forgotten() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    assert!(bench.receiver.leave(&tech()));
    assert!(!bench.receiver.leave(&tech()));
    bench.page(page([6], 1, 7));
    bench.live(8);
    bench.expect(&["unsubscribe tech", "unsubscribe _acts.tech", "unsubscribe _heads.tech"]);
    assert!(!bench.receiver.follows(&tech()));
    bench.idle();

    // While it is being joined, and another with it.
    let mut bench = Bench::joining(Start::Latest(0));
    assert!(bench.receiver.leave(&tech()));
    bench.expect(&[
        "unsubscribe tech",
        "unsubscribe _acts.tech",
        "unsubscribe _heads.tech",
        "unsubscribe sync",
    ]);
    bench.barrier(&[("tech", 5)]);
    bench.page(page([5], 1, 5));
    bench.quiet();
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
}

#[test]
fn who_leaves_knows_where_to_go_on_which_is_behind_what_was_delivered() {
    let bench = Bench::joining(Start::Latest(0));
    assert_eq!(bench.receiver.place(&tech()), None, "it is not joined yet");
    let mut bench = Bench::joined_at(5);
    bench.live(6);
    bench.live(8);
    bench.expect(&["live 6"]);
    let place = bench.receiver.place(&tech()).map(|(epoch, seq)| Start::After { epoch, seq });
    assert_eq!(place, Some(after(6)));
    assert!(bench.receiver.leave(&tech()));
    assert_eq!(bench.receiver.place(&tech()), None);
}
