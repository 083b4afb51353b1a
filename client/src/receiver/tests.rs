use std::time::{Duration, Instant};

use recado_proto::{
    ChannelName, Epoch, HistoryPage, MessageId, Place, Publication, PublicationBody, Range, Timestamp,
    UserName,
};

use crate::limits;

use super::{Action, Receiver, Ticket, Topic, Via};

const EPOCH: u64 = 7;

/// A receiver with what it wanted done, written as short lines.
struct Bench {
    receiver: Receiver,
    start: Instant,
    now: Instant,
    tickets: Vec<Ticket>,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        Self { receiver: Receiver::new(), start, now: start, tickets: Vec::new() }
    }

    /// Has joined `tech` while it stood at this place.
    fn joined_at(last_seq: u64) -> Self {
        let mut bench = Self::new();
        bench.receiver.join(tech(), 0, bench.now);
        bench.expect(&["subscribe tech", "fetch tech latest 1"]);
        bench.page(page(last_seq..=last_seq, 1, last_seq));
        bench.expect(&["joined tech"]);
        bench
    }

    fn publish(&mut self, publication: Publication) {
        self.receiver.on_publication(publication, self.now);
    }

    fn live(&mut self, seq: u64) {
        self.publish(message(seq));
    }

    /// Answers the oldest question.
    fn page(&mut self, page: HistoryPage) {
        let ticket = self.tickets.remove(0);
        self.receiver.on_page(ticket, page, self.now);
    }

    fn fail(&mut self, for_good: bool) {
        let ticket = self.tickets.remove(0);
        self.receiver.on_page_failed(ticket, for_good, self.now);
    }

    /// Goes to the next moment at which the receiver wants something; how long after the beginning that is.
    fn wait(&mut self) -> Duration {
        self.now = self.receiver.poll_timeout().unwrap();
        self.receiver.on_timeout(self.now);
        self.now - self.start
    }

    fn expect(&mut self, expect: &[&str]) {
        let mut actions = Vec::new();
        while let Some(action) = self.receiver.next_action() {
            if let Action::Fetch { ticket, .. } = &action {
                self.tickets.push(*ticket);
            }
            actions.push(shown(&action));
        }
        assert_eq!(actions, expect);
    }

    fn quiet(&mut self) {
        self.expect(&[]);
    }
}

fn shown(action: &Action) -> String {
    match action {
        Action::Subscribe(topic) => format!("subscribe {topic}"),
        Action::Unsubscribe(topic) => format!("unsubscribe {topic}"),
        Action::Fetch { topic, range: Range::Latest, limit, .. } => format!("fetch {topic} latest {limit}"),
        Action::Fetch { topic, range: Range::After(Place::Seq(seq)), .. } => {
            format!("fetch {topic} after {seq}")
        }
        Action::Fetch { topic, range, .. } => format!("fetch {topic} {range:?}"),
        Action::Joined(topic) => format!("joined {topic}"),
        Action::Deliver { publication, via, .. } => {
            let via = match via {
                Via::Live => "live",
                Via::Backlog => "backlog",
                Via::Repair => "repair",
            };
            format!("{via} {}", publication.message)
        }
        Action::Missing { topic, first, last } => format!("missing {topic} {first} to {last}"),
        Action::EpochChanged { topic, epoch } => format!("epoch {topic} {epoch}"),
    }
}

fn tech() -> Topic {
    Topic::Channel(ChannelName::parse("tech").unwrap())
}

fn message(seq: u64) -> Publication {
    Publication {
        topic: "tech".to_owned(),
        body: PublicationBody::Channel { user: UserName::parse("ana").unwrap() },
        message: seq.to_string(),
        timestamp: Timestamp::from_seconds(1_700_000_000),
        clock: None,
        id: Some(MessageId::from_bytes(u128::from(seq).to_be_bytes())),
        seq: Some(seq),
        epoch: Some(Epoch::new(EPOCH).unwrap()),
        time_ms: None,
    }
}

fn in_epoch(seq: u64, epoch: u64) -> Publication {
    Publication {
        epoch: Some(Epoch::new(epoch).unwrap()),
        message: format!("{seq} of {epoch}"),
        ..message(seq)
    }
}

fn page(seqs: impl IntoIterator<Item = u64>, first_seq: u64, last_seq: u64) -> HistoryPage {
    HistoryPage {
        messages: seqs.into_iter().filter(|seq| *seq > 0).map(message).collect(),
        first_seq: Some(first_seq),
        last_seq: Some(last_seq),
        epoch: Some(Epoch::new(EPOCH).unwrap()),
    }
}

#[test]
fn joining_shows_the_backlog_then_what_came_meanwhile() {
    let mut bench = Bench::new();
    assert!(bench.receiver.join(tech(), 3, bench.now));
    assert!(!bench.receiver.join(tech(), 3, bench.now), "it is followed already");
    bench.expect(&["subscribe tech", "fetch tech latest 3"]);
    bench.live(11);
    bench.live(10);
    bench.quiet();
    bench.page(page(8..=10, 1, 10));
    bench.expect(&["backlog 8", "backlog 9", "backlog 10", "live 11", "joined tech"]);
    bench.live(12);
    bench.expect(&["live 12"]);
}

#[test]
fn joining_without_a_backlog_still_delivers_what_came_meanwhile() {
    let mut bench = Bench::new();
    bench.receiver.join(tech(), 0, bench.now);
    bench.live(9);
    bench.expect(&["subscribe tech", "fetch tech latest 1"]);
    bench.page(page([10], 1, 10));
    bench.expect(&["live 9", "joined tech"]);
    assert_eq!(bench.wait(), limits::GAP_PATIENCE, "10 is known to be there");
    bench.expect(&["fetch tech after 9"]);
    bench.live(10);
    bench.expect(&["live 10"]);
}

#[test]
fn an_empty_topic_begins_with_its_first_message() {
    let mut bench = Bench::joined_at(0);
    bench.live(1);
    bench.live(2);
    bench.expect(&["live 1", "live 2"]);
}

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
}

#[test]
fn a_gap_is_filled_from_history_after_a_moment_and_in_order() {
    let mut bench = Bench::joined_at(5);
    bench.live(8);
    bench.live(9);
    bench.quiet();
    assert_eq!(bench.wait(), limits::GAP_PATIENCE);
    bench.expect(&["fetch tech after 5"]);
    bench.live(10);
    bench.page(page(6..=9, 1, 9));
    bench.expect(&["repair 6", "repair 7", "live 8", "live 9", "live 10"]);
    assert_eq!(bench.receiver.counts().repaired, 2);
}

#[test]
fn what_comes_late_by_itself_is_not_asked_for() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.live(6);
    bench.expect(&["live 6", "live 7"]);
}

#[test]
fn a_long_gap_takes_several_pages() {
    let mut bench = Bench::joined_at(0);
    bench.live(1_200);
    bench.wait();
    bench.expect(&["fetch tech after 0"]);
    bench.page(page(1..=500, 1, 1_200));
    let delivered: Vec<String> = (1..=500).map(|seq| format!("repair {seq}")).collect();
    let mut expect: Vec<&str> = delivered.iter().map(String::as_str).collect();
    expect.push("fetch tech after 500");
    bench.expect(&expect);
}

#[test]
fn the_tail_is_compared_after_joining_and_after_a_broker_is_back() {
    let mut bench = Bench::joined_at(5);
    assert_eq!(bench.wait(), limits::TAIL_CHECKS[0]);
    bench.expect(&["fetch tech after 5"]);
    bench.page(page([6], 1, 6));
    bench.expect(&["repair 6"]);
    assert_eq!(bench.wait(), limits::TAIL_CHECKS[1]);
    bench.expect(&["fetch tech after 6"]);
    bench.page(page([], 1, 6));
    bench.quiet();
    assert_eq!(bench.receiver.poll_timeout(), None);

    bench.receiver.on_broker_back(bench.now);
    bench.expect(&["fetch tech after 6"]);
    bench.page(page([7], 1, 7));
    bench.expect(&["repair 7"]);
    bench.wait();
    bench.expect(&["fetch tech after 7"]);
}

#[test]
fn what_is_kept_no_more_is_said_to_be_missing() {
    let mut bench = Bench::joined_at(5);
    bench.live(30);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    bench.page(page(20..=30, 20, 30));
    let mut expect = vec!["missing tech 6 to 19".to_owned()];
    expect.extend((20..30).map(|seq| format!("repair {seq}")));
    expect.push("live 30".to_owned());
    let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
    bench.expect(&expect);
}

#[test]
fn a_failed_question_is_asked_again_ever_more_slowly() {
    let mut bench = Bench::joined_at(5);
    bench.live(7);
    bench.wait();
    bench.expect(&["fetch tech after 5"]);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let asked = bench.now;
        bench.fail(false);
        bench.wait();
        pauses.push((bench.now - asked).as_millis());
        bench.expect(&["fetch tech after 5"]);
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses.last(), Some(&limits::REPAIR_RETRY_MAX.as_millis()));

    bench.fail(false);
    bench.receiver.on_server_back(bench.now);
    bench.expect(&["fetch tech after 5"]);
}

#[test]
fn without_history_messages_are_delivered_as_they_come() {
    let mut bench = Bench::new();
    bench.receiver.join(tech(), 5, bench.now);
    bench.live(9);
    bench.expect(&["subscribe tech", "fetch tech latest 5"]);
    bench.fail(true);
    bench.expect(&["joined tech", "live 9"]);
    bench.live(12);
    bench.live(12);
    bench.expect(&["live 12"]);
    assert_eq!(bench.receiver.poll_timeout(), None);

    let mut bench = Bench::new();
    assert!(bench.receiver.join_unrepaired(tech()));
    bench.live(9);
    bench.live(9);
    bench.live(11);
    bench.expect(&["subscribe tech", "joined tech", "live 9", "live 11"]);
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
fn a_new_epoch_begins_anew_and_stragglers_of_the_old_one_are_dropped() {
    let mut bench = Bench::joined_at(50);
    bench.publish(in_epoch(12, 8));
    bench.expect(&["epoch tech 8"]);
    assert_eq!(bench.wait(), Duration::ZERO);
    bench.expect(&["fetch tech latest 1"]);
    bench.live(51);
    bench.publish(in_epoch(13, 8));
    bench.page(HistoryPage { epoch: Some(Epoch::new(8).unwrap()), ..page([], 1, 13) });
    bench.expect(&["live 12 of 8", "live 13 of 8"]);
    bench.live(52);
    bench.quiet();
}

#[test]
fn a_page_of_a_new_epoch_begins_anew() {
    let mut bench = Bench::joined_at(50);
    bench.wait();
    bench.expect(&["fetch tech after 50"]);
    bench.page(HistoryPage { epoch: Some(Epoch::new(8).unwrap()), ..page([], 1, 40) });
    bench.expect(&["epoch tech 8"]);
    bench.publish(in_epoch(41, 8));
    bench.expect(&["live 41 of 8"]);
}

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
    assert_eq!(bench.receiver.poll_timeout(), None);
}

#[test]
fn absurd_places_do_no_harm() {
    let mut bench = Bench::new();
    bench.receiver.join(tech(), 0, bench.now);
    bench.expect(&["subscribe tech", "fetch tech latest 1"]);
    bench.live(0);
    bench.live(1);
    bench.page(page([1_000_000], 1, 1_000_000));
    bench.expect(&["joined tech"]);
    bench.live(0);
    bench.quiet();
    bench.live(u64::MAX);
    bench.expect(&[&format!("live {}", u64::MAX)]);
    bench.live(u64::MAX - 1);
    bench.live(1_000_001);
    bench.expect(&["live 1000001"]);
}

#[test]
fn at_most_so_many_publications_are_held() {
    let mut bench = Bench::joined_at(0);
    for seq in 2..=limits::HELD_MAX as u64 + 10 {
        bench.live(seq);
    }
    bench.quiet();
    assert_eq!(bench.receiver.counts().overflowed, 9);
    bench.live(1);
    assert_eq!(
        bench.receiver.counts().overflowed,
        10,
        "what fills the gap has no room either and comes from history"
    );
}

#[test]
fn few_questions_are_under_way_at_once() {
    let mut bench = Bench::new();
    for index in 0..2 * limits::REPAIRS_MAX {
        bench.receiver.join(Topic::Channel(ChannelName::parse(&format!("c{index}")).unwrap()), 0, bench.now);
    }
    let mut fetches = 0;
    while let Some(action) = bench.receiver.next_action() {
        if let Action::Fetch { ticket, .. } = action {
            bench.tickets.push(ticket);
            fetches += 1;
        }
    }
    assert_eq!(fetches, limits::REPAIRS_MAX);
    assert_eq!(bench.receiver.poll_timeout(), None);
    bench.page(page([], 0, 0));
    bench.expect(&["joined c0", "fetch c4 latest 1"]);
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
    bench.expect(&["unsubscribe tech"]);
    assert!(!bench.receiver.follows(&tech()));
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
    assert_eq!(bench.receiver.poll_timeout(), None);
    bench.receiver.join(Topic::Channel(ChannelName::parse("lab").unwrap()), 0, bench.now);
    bench.expect(&["subscribe lab", "fetch lab latest 1"]);
    bench.receiver.pause(false, bench.now);
    bench.expect(&["fetch tech after 2"]);
}
