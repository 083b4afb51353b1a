//! What readers see, and when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use recado_proto::{HistoryOf, HistoryRequest, Range, TopicName};

use super::{Fixture, channel, commit, create, direct, login, publish, user};
use crate::store::{Position, Reader};

fn latest(reader: &mut dyn Reader, of: HistoryOf) -> Vec<String> {
    let request = HistoryRequest { user: user("ana"), of, range: Range::Latest, limit: 200, acts: false };
    let page = reader.history(&request).unwrap().unwrap();
    page.messages.into_iter().map(|message| message.message).collect()
}

pub(in crate::store) fn a_reader_sees_what_was_committed<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let mut reader = store.reader().unwrap();
    commit(store.as_mut(), vec![create("a"), login("ana")]);
    assert_eq!(reader.channels().unwrap(), [channel("a")]);
    let mut expect = Vec::new();
    for number in 0..50 {
        let text = number.to_string();
        commit(store.as_mut(), vec![publish("ana", "a", &text, None)]);
        expect.push(text);
        assert_eq!(latest(reader.as_mut(), HistoryOf::Channel(channel("a"))), expect);
        if number % 7 == 0 {
            store.tend().unwrap();
        }
    }
}

pub(in crate::store) fn readers_miss_and_double_nothing_while_the_index_is_written<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), login("ana"), login("bob")]);
    let mut readers = [store.reader().unwrap(), store.reader().unwrap()];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for (index, reader) in readers.iter_mut().enumerate() {
            let done = &done;
            scope.spawn(move || {
                let mut newest = 0;
                while !done.load(Ordering::Relaxed) {
                    let of = if index == 0 {
                        HistoryOf::Channel(channel("a"))
                    } else {
                        HistoryOf::With(user("bob"))
                    };
                    let numbers: Vec<u64> =
                        latest(reader.as_mut(), of).iter().map(|text| text.parse().unwrap()).collect();
                    let Some((first, last)) = numbers.first().zip(numbers.last()) else { continue };
                    assert_eq!(numbers, (*first..=*last).collect::<Vec<_>>());
                    assert!(*last >= newest, "what was there once is there still");
                    assert!(
                        *first == 1 || numbers.len() == 200,
                        "a page is full, or begins at the beginning"
                    );
                    newest = *last;
                }
            });
        }
        for number in 1..=1500_u64 {
            let text = number.to_string();
            commit(store.as_mut(), vec![publish("ana", "a", &text, None), direct("bob", "ana", &text, None)]);
            if number % 5 == 0 {
                store.tend().unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

pub(in crate::store) fn publications_follow_the_commits<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), login("ana")]);
    let mut expect = Vec::new();
    for number in 0..40 {
        let text = number.to_string();
        let change = if number % 2 == 0 {
            publish("ana", "a", &text, None)
        } else {
            direct("ana", "ana", &text, None)
        };
        let committed = commit(store.as_mut(), vec![change, login("ana")]);
        assert_eq!(committed.messages.len(), 1);
        expect.push(text);
    }
    drop(store);
    let store = fixture.open();
    let mut reader = store.reader().unwrap();
    let mut found = Vec::new();
    let mut cursor = Position(0);
    loop {
        let scan = reader.publications(cursor, 7).unwrap();
        found.extend(scan.found.iter().map(|message| message.text.clone()));
        cursor = scan.through;
        if scan.at_end {
            break;
        }
    }
    assert_eq!(found, expect);
    assert_eq!(cursor, store.last_position());
    assert!(reader.publications(cursor, 7).unwrap().found.is_empty());
}

pub(in crate::store) fn heads_are_those_of_any_position<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let mut reader = store.reader().unwrap();
    commit(store.as_mut(), vec![create("a"), create("b"), create("quiet"), login("ana")]);
    let names = ["quiet", "b", "nobody", "ana", "a"].map(|name| TopicName::parse(name).unwrap());
    let mut model = Vec::new();
    let (mut a, mut b, mut ana) = (0, 0, 0);
    let check = |reader: &mut dyn Reader, at: Position, expect: [u64; 3]| {
        let heads = reader.heads(&names, at).unwrap();
        let heads: Vec<_> = heads.iter().map(|(name, seq)| (name.as_str(), *seq)).collect();
        let [a, b, ana] = expect;
        assert_eq!(heads, [("quiet", 0), ("b", b), ("ana", ana), ("a", a)], "at {at}");
    };
    for number in 0..300_u64 {
        let mut changes = vec![publish("ana", "a", "x", None)];
        a += 1;
        if number % 3 == 0 {
            changes.push(publish("ana", "b", "x", None));
            b += 1;
        }
        if number % 100 == 50 {
            changes.push(direct("ana", "ana", "x", None));
            ana += 1;
        }
        changes.push(login("ana"));
        let through = commit(store.as_mut(), changes).through;
        model.push((through, [a, b, ana]));
        check(reader.as_mut(), through, [a, b, ana]);
        // Some of it is indexed, some is not; the last ones never are.
        if number % 64 == 63 {
            store.tend().unwrap();
            check(reader.as_mut(), through, [a, b, ana]);
        }
        if number % 20 == 0 {
            for (at, expect) in &model {
                check(reader.as_mut(), *at, *expect);
            }
        }
    }
    check(reader.as_mut(), Position(0), [0, 0, 0]);
    drop(store);
    let store = fixture.open();
    let mut reader = store.reader().unwrap();
    for (at, expect) in &model {
        check(reader.as_mut(), *at, *expect);
    }
}
