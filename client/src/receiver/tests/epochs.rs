//! Places that are counted anew, or said to be.

use recado_proto::{Epoch, HistoryPage, Publication, SystemTopic, TopicName};

use super::{Bench, in_epoch, message, only_in_epoch, page};

fn page_in(epoch: u64, messages: Vec<Publication>, last_seq: u64) -> HistoryPage {
    HistoryPage {
        messages,
        first_seq: Some(1),
        last_seq: Some(last_seq),
        epoch: Some(Epoch::new(epoch).unwrap()),
        topic: None,
    }
}

/// Has delivered 48 to 50 in the first epoch.
fn at_fifty() -> Bench {
    let mut bench = Bench::joined_at(47);
    (48..=50).for_each(|seq| bench.live(seq));
    bench.expect(&["live 48", "live 49", "live 50"]);
    bench
}

/// A store that was restored without 50 goes on, and this was published first by it.
fn restored(bench: &mut Bench) {
    bench.publish(only_in_epoch(8, 50));
    bench.quiet();
    bench.wait();
    bench.expect(&["fetch tech after 50"]);
    bench.page(page_in(8, vec![], 50));
    bench.expect(&["epoch tech 8", "subscribe sync", "sync tech", "fetch tech latest 500"]);
}

#[test]
fn history_confirms_a_new_epoch_which_goes_on_where_both_agree() {
    let mut bench = at_fifty();
    restored(&mut bench);
    bench.publish(only_in_epoch(8, 51));
    let kept = (1..=49).map(|seq| in_epoch(8, seq));
    bench.page(page_in(8, kept.chain([only_in_epoch(8, 50)]).collect(), 50));
    bench.expect(&["repair 50 of 8", "live 51 of 8"]);
    // What still comes of the former epoch are repeats.
    bench.live(50);
    bench.live(51);
    bench.live(52);
    bench.quiet();
    let sync = bench.take_sync();
    bench.system(SystemTopic::Sync(sync), &[("tech", 51)], 8);
    bench.expect(&["unsubscribe sync"]);
    bench.publish(only_in_epoch(8, 52));
    bench.expect(&["live 52 of 8"]);
    while bench.receiver.waits_until().is_some() {
        bench.wait();
        bench.expect(&["fetch tech after 52"]);
        bench.page(page_in(8, vec![], 52));
    }
    bench.quiet();
}

#[test]
fn a_message_that_is_sent_again_in_the_new_epoch_is_not_shown_again() {
    let mut bench = at_fifty();
    restored(&mut bench);
    // 50 was lost with the store's tail, and its sender had no answer: it comes again, behind another.
    let again = Publication { seq: Some(51), ..in_epoch(8, 50) };
    let kept = (1..=49).map(|seq| in_epoch(8, seq));
    bench.page(page_in(8, kept.chain([only_in_epoch(8, 50), again]).collect(), 51));
    let actions = bench.actions();
    assert!(!actions.contains(&"repair 50".to_owned()), "{actions:?}");
}

#[test]
fn what_is_new_before_a_message_that_was_sent_again_is_delivered() {
    let mut bench = at_fifty();
    restored(&mut bench);
    let again = Publication { seq: Some(51), ..in_epoch(8, 50) };
    let kept = (1..=49).map(|seq| in_epoch(8, seq));
    bench.page(page_in(8, kept.chain([only_in_epoch(8, 50), again, only_in_epoch(8, 52)]).collect(), 52));
    bench.expect(&["repair 50 of 8", "repair 52 of 8"]);
}

#[test]
fn of_a_new_epoch_in_which_only_a_repeat_is_known_all_that_may_be_new_is_delivered() {
    let mut bench = at_fifty();
    restored(&mut bench);
    // 48 to 50 were lost, and 49 was sent again.
    let again = Publication { seq: Some(50), ..in_epoch(8, 49) };
    let new = [only_in_epoch(8, 48), only_in_epoch(8, 49), again];
    bench.page(page_in(8, (1..=47).map(|seq| in_epoch(8, seq)).chain(new).collect(), 50));
    bench.expect(&["repair 48 of 8", "repair 49 of 8"]);
}

#[test]
fn of_a_new_epoch_in_which_nothing_is_known_all_behind_the_old_place_is_delivered() {
    let mut bench = at_fifty();
    restored(&mut bench);
    bench.publish(only_in_epoch(8, 901));
    bench.page(page_in(8, (401..=900).map(|seq| only_in_epoch(8, seq)).collect(), 900));
    bench.expect(&["fetch tech after 50"]);
    bench.page(page_in(8, (51..=550).map(|seq| only_in_epoch(8, seq)).collect(), 901));
    let mut delivered = bench.actions();
    assert_eq!(delivered.remove(500), "fetch tech after 550");
    assert_eq!(delivered, (51..=550).map(|seq| format!("repair {seq} of 8")).collect::<Vec<_>>());
    bench.page(page_in(8, (551..=901).map(|seq| only_in_epoch(8, seq)).collect(), 901));
    assert_eq!(bench.actions().len(), 351);
}

#[test]
fn of_a_new_epoch_that_is_far_behind_the_latest_are_delivered() {
    let mut bench = at_fifty();
    restored(&mut bench);
    bench.page(page_in(8, (1..=30).map(|seq| only_in_epoch(8, seq)).collect(), 30));
    let latest = 31 - u64::from(crate::limits::BACKLOG_MESSAGES)..=30;
    assert_eq!(bench.actions(), latest.map(|seq| format!("repair {seq} of 8")).collect::<Vec<_>>());
}

#[test]
fn what_shows_that_the_epoch_changed_is_delivered_though_nothing_was_before() {
    let mut bench = Bench::joined_at(50);
    bench.publish(only_in_epoch(8, 51));
    bench.wait();
    bench.expect(&["fetch tech after 50"]);
    bench.page(page_in(8, vec![only_in_epoch(8, 51)], 51));
    bench.expect(&["epoch tech 8", "subscribe sync", "sync tech", "fetch tech latest 500"]);
    bench.page(page_in(8, (1..=51).map(|seq| only_in_epoch(8, seq)).collect(), 51));
    let delivered = bench.actions();
    assert_eq!(delivered.last().map(String::as_str), Some("repair 51 of 8"));
}

#[test]
fn an_epoch_that_only_somebody_claims_changes_nothing() {
    let mut bench = at_fifty();
    for epoch in [6, 8, 9_999] {
        bench.publish(only_in_epoch(epoch, 3));
        bench.live(bench.next_place(epoch));
    }
    let delivered = bench.actions();
    assert_eq!(delivered, ["live 51", "live 52", "live 53"]);
    bench.wait();
    bench.expect(&["fetch tech after 53"]);
    bench.page(page([], 1, 53));
    bench.live(54);
    bench.expect(&["live 54"]);
    assert_eq!(bench.receiver.counts().foreign, 3);
    bench.idle();
}

impl Bench {
    fn next_place(&self, epoch: u64) -> u64 {
        match epoch {
            6 => 51,
            8 => 52,
            _ => 53,
        }
    }
}

#[test]
fn an_epoch_that_only_a_beacon_claims_changes_nothing() {
    let mut bench = at_fifty();
    bench.system(SystemTopic::Heads(TopicName::parse("tech").unwrap()), &[("tech", 1)], 9);
    bench.live(51);
    bench.expect(&["live 51"]);
    bench.wait();
    bench.expect(&["fetch tech after 51"]);
    bench.page(page([], 1, 51));
    bench.idle();
}

#[test]
fn a_claimed_epoch_does_not_drop_what_is_held() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.publish(only_in_epoch(8, 1));
    bench.live(6);
    bench.expect(&["live 6", "live 7"]);
}

#[test]
fn while_joining_a_claimed_epoch_loses_nothing() {
    use super::Start;
    let mut bench = Bench::joining(Start::Latest(0));
    bench.publish(only_in_epoch(9, 3));
    bench.live(6);
    bench.page(page([5], 1, 5));
    bench.barrier(&[("tech", 6)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.expect(&["repair 6"]);
    bench.idle();
}

#[test]
fn what_was_claimed_of_another_epoch_while_joining_is_looked_into_once() {
    let mut bench = Bench::joining(super::Start::Latest(0));
    bench.publish(only_in_epoch(9, 3));
    bench.page(page([5], 1, 5));
    bench.barrier(&[("tech", 5)]);
    bench.expect(&["unsubscribe sync", "joined tech"]);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([], 1, 5));
    bench.beacon(5);
    bench.quiet();
    bench.idle();
}

#[test]
fn a_failed_question_about_an_epoch_is_asked_again() {
    let mut bench = at_fifty();
    bench.publish(only_in_epoch(8, 50));
    bench.wait();
    bench.expect(&["fetch tech after 50"]);
    bench.fail(false);
    bench.wait();
    bench.expect(&["fetch tech after 50"]);
    bench.page(page_in(8, vec![], 50));
    bench.expect(&["epoch tech 8", "subscribe sync", "sync tech", "fetch tech latest 500"]);
    bench.fail(false);
    bench.wait();
    bench.expect(&["fetch tech latest 500"]);
    bench.page(page_in(8, (1..=50).map(message).collect(), 50));
    bench.quiet();
}
