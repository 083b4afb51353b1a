use recado_proto::{Manner, MessageId, Publication, PublicationBody, Timestamp, UserName};

use crate::{limits::NAMED_MAX, record::Outcome};

use super::*;

const RUN: Run = Run::new(0xA1B2_C3D4, 1_700_000_000_000);

/// Books of one publisher, `ana`, and one channel, `geral`, with so many subscribers.
struct Books {
    audit: Audit,
    texts: BTreeMap<u64, String>,
}

impl Books {
    fn new(subscribers: usize) -> Books {
        Books::with_room(subscribers, 1_000)
    }

    fn with_room(subscribers: usize, open_max: usize) -> Books {
        let channel =
            TopicCast { name: "geral".into(), is_direct: false, subscribers: (1 << subscribers) - 1 };
        let cast = Cast {
            run: RUN,
            publishers: vec!["ana".into()],
            topics: vec![channel],
            subscribers: (1..=subscribers).map(|number| format!("s{number}")).collect(),
        };
        Books { audit: Audit::with_room(cast, open_max), texts: BTreeMap::new() }
    }

    fn send(&mut self, number: u64) {
        let (text, checksum) = RUN.text("hi ".into(), number, "geral", "ana");
        self.texts.insert(number, text);
        self.audit.attempted(number, 0, 0, checksum, 0);
    }

    /// Sends it and has it acknowledged at a place.
    fn put(&mut self, number: u64, seq: u64) {
        self.send(number);
        self.audit.acknowledged(number, Some(seq), 10);
    }

    fn message(&self, number: u64, seq: u64) -> Publication {
        let text = self.texts.get(&number).cloned();
        Publication {
            topic: "geral".into(),
            body: PublicationBody::Channel { user: UserName::parse("ana").unwrap() },
            message: text.unwrap_or_else(|| RUN.text("hi ".into(), number, "geral", "ana").0),
            timestamp: Timestamp::now(),
            clock: None,
            id: Some(RUN.message_id(number, 0)),
            seq: Some(seq),
            epoch: None,
            time_ms: None,
            kind: None,
            manner: Manner::default(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }
    }

    fn hear(&mut self, subscriber: usize, number: u64, seq: u64) -> Hearing {
        let message = self.message(number, seq);
        self.audit.heard(subscriber, &message, Way::Live, 20)
    }

    /// Ends the run with these messages stored.
    fn close(mut self, stored: &[(u64, u64)]) -> Findings {
        self.audit.end_answers();
        for (number, seq) in stored {
            let message = self.message(*number, *seq);
            self.audit.stored(0, &message);
        }
        self.audit.read_back(0);
        self.audit.end_deliveries();
        self.audit.close(Circumstances::default())
    }
}

fn somebody_elses(books: &Books, seq: u64) -> Publication {
    Publication { message: "lunch?".into(), id: Some(MessageId::new_v7()), ..books.message(0, seq) }
}

#[test]
fn acknowledged_heard_and_stored_in_whatever_order_is_a_pass_that_needs_no_memory() {
    let mut books = Books::new(2);
    books.put(0, 1);
    books.hear(0, 0, 1);
    books.hear(1, 0, 1);
    books.send(1);
    books.hear(0, 1, 2);
    books.hear(1, 1, 2);
    assert_eq!((books.audit.pending(), books.audit.unsettled()), (0, 1));
    books.audit.acknowledged(1, Some(2), 30);
    assert_eq!((books.audit.pending(), books.audit.unsettled()), (0, 0));
    let findings = books.close(&[(0, 1), (1, 2)]);
    assert_eq!(
        findings.line,
        "PASS: 2 acknowledged = 2 stored; 4 of 4 delivered (0 by repair); 0 lost, 0 repeated"
    );
    assert_eq!((findings.outcome, findings.reasons.len()), (Outcome::Pass, 0));
    assert_eq!((findings.subscribers[1].stored, findings.publishers[0].stored), (2, 2));
}

#[test]
fn times_count_from_the_intended_send_time_and_from_the_reply() {
    let mut books = Books::new(1);
    books.send(0);
    assert_eq!(books.audit.acknowledged(0, Some(1), 15), Some(15));
    assert_eq!(books.hear(0, 0, 1), Hearing::First { times_us: Some((5, 20)) });
    books.send(1);
    assert_eq!(books.hear(0, 1, 2), Hearing::First { times_us: Some((0, 20)) });
}

#[test]
fn what_one_subscriber_misses_is_lost_and_named() {
    let mut books = Books::new(2);
    (0..3).for_each(|number| books.put(number, number + 1));
    (0..3).for_each(|number| assert!(matches!(books.hear(0, number, number + 1), Hearing::First { .. })));
    books.hear(1, 0, 1);
    books.hear(1, 2, 3);
    let findings = books.close(&[(0, 1), (1, 2), (2, 3)]);
    assert_eq!(findings.outcome, Outcome::Fail);
    assert_eq!(
        findings.line,
        "FAIL: 3 acknowledged = 3 stored; 5 of 6 delivered (0 by repair); 1 lost, 0 repeated"
    );
    assert_eq!(
        findings.first,
        ["message 1 in geral, place 2: was acknowledged and not heard by s2 \
          (due from ana at 0.000 s, acknowledged 10 us later, heard by 1 of 2)"]
    );
    assert_eq!(findings.subscribers.iter().map(|row| row.lost).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn what_was_forgotten_for_want_of_memory_is_still_counted_and_named_when_it_is_lost() {
    let mut books = Books::with_room(1, 4);
    for number in 0..100 {
        books.put(number, number + 1);
        assert!(books.audit.unsettled() <= 4);
    }
    let stored: Vec<_> = (0..100).map(|number| (number, number + 1)).collect();
    for (number, seq) in stored.iter().filter(|(number, _)| *number != 7) {
        books.hear(0, *number, *seq);
    }
    assert_eq!(books.audit.pending(), 1);
    let findings = books.close(&stored);
    assert_eq!((findings.total.lost, findings.total.delivered_live), (1, 99));
    assert_eq!(findings.first, ["message 7 in geral, place 8: was not heard by 1 of 1 subscribers"]);
}

#[test]
fn what_was_acknowledged_and_is_not_stored_is_named_by_place_and_number() {
    let mut books = Books::new(1);
    for number in 0..3 {
        books.put(number, number + 1);
        books.hear(0, number, number + 1);
    }
    let findings = books.close(&[(0, 1), (2, 3)]);
    assert_eq!(
        findings.line,
        "FAIL: 3 acknowledged, 2 stored; 3 of 3 delivered (0 by repair); 0 lost, 0 repeated"
    );
    assert!(
        findings.first.contains(&"message 1 in geral, place 2: was acknowledged and is not stored".into()),
        "{:?}",
        findings.first
    );
}

#[test]
fn a_missing_end_of_a_topic_is_missed_too() {
    let mut books = Books::new(0);
    let last = 3 * crate::limits::STRETCH_PLACES;
    (0..last).for_each(|number| books.put(number, number + 1));
    let findings = books.close(&[(0, 1)]);
    assert_eq!((findings.total.stored, findings.total.acknowledged), (1, last));
    assert_eq!(findings.first.len(), NAMED_MAX);
}

#[test]
fn stored_twice_or_elsewhere_is_surplus() {
    let mut books = Books::new(0);
    books.put(0, 1);
    books.put(1, 2);
    let findings = books.close(&[(0, 1), (1, 2), (0, 3)]);
    assert_eq!(findings.reasons, ["1 messages are stored that should not be"]);
    assert_eq!(findings.first, ["message 0 in geral, place 3: is stored where it was not acknowledged"]);
}

#[test]
fn a_condensed_stretch_still_shows_that_something_is_missing_and_where() {
    let mut books = Books::new(0);
    (0..10).for_each(|number| books.put(number, number + 1));
    books.audit.topics[0].ledger.condense(0);
    let all: Vec<_> = (0..10).map(|number| (number, number + 1)).collect();
    let findings = books.close(&all[..9]);
    assert_eq!((findings.outcome, findings.total.stored), (Outcome::Fail, 9));
    assert_eq!(
        findings.first,
        ["places 0 to 4095 of geral: 10 acknowledged, 9 stored, and they are not the same"]
    );
    let mut books = Books::new(0);
    (0..10).for_each(|number| books.put(number, number + 1));
    books.audit.topics[0].ledger.condense(0);
    assert_eq!(books.close(&all).outcome, Outcome::Pass);
}

#[test]
fn what_is_heard_has_to_be_what_is_stored() {
    let mut books = Books::new(1);
    for number in 0..2 {
        books.put(number, number + 1);
    }
    // Both are heard and both are stored, but each at the other's place.
    books.hear(0, 1, 1);
    books.hear(0, 0, 2);
    let findings = books.close(&[(0, 1), (1, 2)]);
    assert_eq!(findings.outcome, Outcome::Fail);
    assert!(findings.first[0].contains("subscriber s1 heard other messages than are stored"));
}

#[test]
fn what_was_never_answered_is_ambiguous_stored_or_not() {
    for stored in [&[(0, 1)][..], &[(0, 1), (1, 2)][..]] {
        let mut books = Books::new(1);
        books.put(0, 1);
        books.hear(0, 0, 1);
        books.send(1);
        books.audit.ambiguous(1);
        if stored.len() == 2 {
            books.hear(0, 1, 2);
        }
        let findings = books.close(stored);
        assert_eq!(
            findings.line,
            "PASS: 1 acknowledged = 1 stored; 1 of 1 delivered (0 by repair); 0 lost, 0 repeated, 1 ambiguous"
        );
    }
}

#[test]
fn an_ambiguous_message_is_stored_once_at_most() {
    let mut books = Books::new(0);
    books.put(0, 1);
    books.send(1);
    let findings = books.close(&[(0, 1), (1, 2), (1, 3)]);
    assert_eq!(findings.first, ["message 1 in geral, place 3: is stored once more"]);
    assert_eq!(findings.outcome, Outcome::Fail);
}

#[test]
fn what_was_refused_or_never_left_is_neither_heard_nor_stored() {
    let mut books = Books::new(1);
    books.put(0, 1);
    books.hear(0, 0, 1);
    books.send(1);
    books.audit.refused(1, &Code::TooLarge);
    books.send(2);
    books.audit.unsent(2);
    assert_eq!(books.hear(0, 1, 2), Hearing::Unknown);
    let findings = books.close(&[(0, 1), (2, 3)]);
    let total = &findings.total;
    assert_eq!((total.refused, total.unsent, total.unknown), (1, 1, 1));
    assert_eq!(findings.first[1], "message 2 in geral, place 3: is stored and was never sent");
}

#[test]
fn a_server_without_time_may_have_stored_an_earlier_attempt() {
    let mut books = Books::new(1);
    books.put(0, 1);
    books.hear(0, 0, 1);
    books.send(1);
    books.audit.refused(1, &Code::Busy);
    books.hear(0, 1, 2);
    assert_eq!(books.close(&[(0, 1), (1, 2)]).outcome, Outcome::Pass);
}

#[test]
fn repeats_are_counted_at_once_and_after_everything_is_settled() {
    let mut books = Books::new(1);
    books.send(0);
    books.hear(0, 0, 1);
    assert_eq!(books.hear(0, 0, 1), Hearing::Repeated);
    books.audit.acknowledged(0, Some(1), 10);
    assert_eq!(books.hear(0, 0, 1), Hearing::Repeated);
    let findings = books.close(&[(0, 1)]);
    assert_eq!((findings.total.repeated, findings.outcome), (2, Outcome::Fail));
    assert_eq!(findings.first[0], "message 0 from ana in geral, place 1: came once more at subscriber s1");
}

#[test]
fn a_message_behind_a_later_one_is_out_of_order_and_not_lost() {
    let mut books = Books::new(1);
    (0..3).for_each(|number| books.put(number, number + 1));
    for number in [0, 2, 1] {
        books.hear(0, number, number + 1);
    }
    let findings = books.close(&[(0, 1), (1, 2), (2, 3)]);
    assert_eq!((findings.total.out_of_order, findings.total.lost), (1, 0));
    assert_eq!(findings.outcome, Outcome::Fail);
}

#[test]
fn an_altered_text_is_corrupt_where_it_is_heard_and_where_it_is_stored() {
    let mut books = Books::new(1);
    books.put(0, 1);
    books.texts.get_mut(&0).unwrap().replace_range(0..2, "ho");
    books.hear(0, 0, 1);
    let findings = books.close(&[(0, 1)]);
    assert_eq!((findings.total.corrupt, findings.total.stored), (1, 0));
    assert_eq!(findings.outcome, Outcome::Fail);
}

#[test]
fn other_people_may_talk_in_the_same_channel() {
    let mut books = Books::new(1);
    books.audit.begins_after(0, 10);
    let (before, meanwhile) = (somebody_elses(&books, 9), somebody_elses(&books, 12));
    assert_eq!(books.audit.heard(0, &before, Way::Live, 0), Hearing::Foreign);
    books.put(0, 11);
    books.hear(0, 0, 11);
    assert_eq!(books.audit.heard(0, &meanwhile, Way::Live, 0), Hearing::Foreign);
    books.audit.stored(0, &meanwhile);
    let findings = books.close(&[(0, 11)]);
    assert_eq!((findings.outcome, findings.total.unknown), (Outcome::Pass, 0));
}

#[test]
fn a_repair_counts_as_delivered_and_is_told_apart() {
    let mut books = Books::new(1);
    books.put(0, 1);
    let message = books.message(0, 1);
    books.audit.heard(0, &message, Way::Repair, 20);
    let findings = books.close(&[(0, 1)]);
    assert!(findings.line.contains("1 of 1 delivered (1 by repair)"), "{}", findings.line);
}

#[test]
fn nothing_acknowledged_proves_nothing_and_nothing_tried_is_nothing_wrong() {
    let mut books = Books::new(1);
    books.send(0);
    books.audit.unsent(0);
    let findings = books.close(&[]);
    assert!(findings.line.starts_with("FAIL: 0 acknowledged = 0 stored; 0 of 0"), "{}", findings.line);
    assert!(findings.line.ends_with("1 unsent; nothing was acknowledged"), "{}", findings.line);
    assert_eq!(Books::new(1).close(&[]).outcome, Outcome::Pass);
}

#[test]
fn what_could_not_be_read_back_is_not_proven() {
    let mut books = Books::new(1);
    books.put(0, 1);
    books.hear(0, 0, 1);
    books.audit.end_answers();
    books.audit.end_deliveries();
    let unread = Circumstances { unread: Some("no server".into()), ..Circumstances::default() };
    let findings = books.audit.close(unread);
    assert_eq!(
        findings.line,
        "FAIL: 1 acknowledged, what is stored not read; 1 of 1 delivered (0 by repair); 0 lost, 0 repeated; \
         what is stored is not proven: no server"
    );
}

#[test]
fn a_bottleneck_makes_a_run_invalid_unless_something_is_really_wrong() {
    let circumstances = Circumstances {
        bottleneck: Some("the load client was the bottleneck".into()),
        conditions: vec!["p99 is over 20 ms".into()],
        unread: None,
    };
    let books = |is_heard: bool| {
        let mut books = Books::new(1);
        books.put(0, 1);
        if is_heard {
            books.hear(0, 0, 1);
        }
        books.audit.end_answers();
        let message = books.message(0, 1);
        books.audit.stored(0, &message);
        books.audit.read_back(0);
        books.audit.end_deliveries();
        books.audit
    };
    let invalid = books(true).close(circumstances.clone());
    assert_eq!(invalid.outcome, Outcome::Invalid);
    assert!(invalid.line.starts_with("INVALID: 1 acknowledged"), "{}", invalid.line);
    assert_eq!(books(false).close(circumstances.clone()).outcome, Outcome::Fail);
    let conditions = Circumstances { bottleneck: None, ..circumstances };
    assert!(books(true).close(conditions).line.ends_with("; p99 is over 20 ms"));
}

#[test]
fn as_many_subscribers_as_there_may_be() {
    let mut books = Books::new(CONNECTIONS_MAX - 1);
    books.put(0, 1);
    (0..CONNECTIONS_MAX - 1).for_each(|subscriber| {
        books.hear(subscriber, 0, 1);
    });
    assert_eq!((books.audit.unsettled(), books.audit.pending()), (0, 0));
}
