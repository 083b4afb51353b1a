//! What the receiver holds and asks at most.

use std::time::Duration;

use recado_proto::{HEADS_PREFIX, Publication};

use crate::limits;

use super::{Action, Bench, Start, channel, message, page};

#[test]
fn at_most_so_many_publications_are_held_and_the_furthest_go_first() {
    let mut bench = Bench::joined_at(0);
    for seq in 3..=limits::HELD_MAX as u64 + 12 {
        bench.live(seq);
    }
    bench.quiet();
    assert_eq!(bench.receiver.counts().overflowed, 10);
    bench.live(2);
    bench.live(1);
    assert_eq!(bench.receiver.counts().overflowed, 11);
    let delivered = bench.actions();
    assert_eq!(delivered.len(), limits::HELD_MAX + 1);
    assert_eq!(delivered.last(), Some(&format!("live {}", limits::HELD_MAX + 1)));
    // What had no room is known to be there.
    bench.wait();
    bench.expect(&[&format!("fetch tech after {}", limits::HELD_MAX + 1)]);
}

#[test]
fn all_topics_together_hold_so_many_bytes() {
    let mut bench = Bench::new();
    let names: Vec<String> = (0..20).map(|index| format!("c{index}")).collect();
    for name in &names {
        bench.receiver.join(channel(name), Start::Latest(0), bench.now);
        while !bench.tickets_after_actions().is_empty() {
            bench.page(page([], 1, 0));
        }
    }
    let text = "x".repeat(60_000);
    for name in &names {
        for seq in 2..=100 {
            bench.publish(Publication { topic: name.clone(), message: text.clone(), ..message(seq) });
        }
    }
    let held = 20 * 99 - bench.receiver.counts().overflowed;
    let bytes = held * 60_000;
    assert!(bytes <= limits::HELD_BYTES_MAX as u64, "{bytes}");
    assert!(bytes > limits::HELD_BYTES_MAX as u64 * 9 / 10, "{bytes}");
    for name in &names {
        bench.receiver.leave(&channel(name));
    }
    bench.actions();
    bench.receiver.join(channel("c0"), Start::Latest(0), bench.now);
    bench.actions();
    bench.page(page([], 1, 0));
    let before = bench.receiver.counts().overflowed;
    bench.publish(Publication { topic: "c0".to_owned(), message: text.clone(), ..message(5) });
    assert_eq!(bench.receiver.counts().overflowed, before, "what was left holds nothing");
}

impl Bench {
    fn tickets_after_actions(&mut self) -> &[super::Ticket] {
        self.actions();
        &self.tickets
    }
}

#[test]
fn few_questions_are_under_way_at_once() {
    let mut bench = Bench::new();
    for index in 0..2 * limits::REPAIRS_MAX {
        bench.receiver.join(channel(&format!("c{index}")), Start::Latest(0), bench.now);
    }
    let fetches = bench.actions().iter().filter(|action| action.starts_with("fetch")).count();
    assert_eq!(fetches, limits::REPAIRS_MAX);
    bench.idle();
    bench.page(page([], 0, 0));
    bench.expect(&["fetch c4 latest 1"]);
}

#[test]
fn in_the_long_run_so_many_questions_are_asked_in_a_second() {
    let mut bench = Bench::new();
    let topics = 200;
    for index in 0..topics {
        bench.receiver.join(channel(&format!("c{index}")), Start::Latest(0), bench.now);
        while !bench.tickets_after_actions().is_empty() {
            bench.page(page([], 1, 0));
        }
    }
    let began = bench.now;
    let mut asked = 0;
    // Somebody claims on all topics that there is more, as fast as may be.
    while bench.now - began < Duration::from_secs(10) {
        for index in 0..topics {
            let name = format!("c{index}");
            let topic = format!("{HEADS_PREFIX}{name}");
            let topic = recado_proto::SystemTopic::parse(&topic).unwrap();
            bench.system(topic, &[(name.as_str(), 1_000)], super::EPOCH);
        }
        bench.now = bench.receiver.poll_timeout().unwrap().max(bench.now);
        bench.receiver.on_timeout(bench.now);
        while !bench.tickets_after_actions().is_empty() {
            asked += 1;
            bench.page(page([], 1, 0));
        }
    }
    let most = limits::FETCHES_BURST + 10 * limits::FETCHES_PER_SECOND + limits::REPAIRS_MAX as u32;
    assert!(asked <= most, "{asked} of {most}");
    assert!(asked > limits::FETCHES_BURST, "{asked}");
}

#[test]
fn at_most_so_many_topics_are_followed() {
    let mut bench = Bench::new();
    for index in 0..limits::TOPICS_MAX {
        assert!(bench.receiver.join(channel(&format!("c{index}")), Start::Latest(0), bench.now));
    }
    assert!(!bench.receiver.join(channel("more"), Start::Latest(0), bench.now));
    bench.actions();
    bench.receiver.on_broker_change(bench.now);
    let mut asked = Vec::new();
    while let Some(action) = bench.receiver.next_action() {
        if let Action::Sync { topics, .. } = action {
            asked.push(topics.len());
        }
    }
    assert_eq!(asked, [limits::TOPICS_MAX], "one question for all");
}
