//! Places and repeated `id`s.

use recado_proto::{Code, HistoryOf, HistoryRequest, MessageId, Place, Range};

use super::{
    Fixture, channel, commit, create, create_under, direct, login, one, publish, random_id, refused,
    repeated, stored, user,
};
use crate::store::{Outcome, Receipt, Store};

pub(in crate::store) fn places_have_no_gaps<F: Fixture>() {
    let fixture = F::new();
    let mut expect = 0;
    for round in 0..6 {
        let mut store = fixture.open();
        if round == 0 {
            commit(store.as_mut(), vec![create("a"), create("b"), login("ana")]);
        }
        for _ in 0..100 {
            expect += 1;
            assert_eq!(stored(store.as_mut(), publish("ana", "a", "x", None)).seq, expect);
            assert_eq!(stored(store.as_mut(), publish("ana", "b", "x", None)).seq, expect);
            assert_eq!(stored(store.as_mut(), direct("ana", "ana", "x", None)).seq, expect);
            assert!(matches!(one(store.as_mut(), publish("ana", "c", "x", None)), Outcome::Refused(_)));
        }
        match round % 3 {
            0 => drop(store),
            1 => store.close().unwrap(),
            _ => store.tend().unwrap(),
        }
    }
}

pub(in crate::store) fn a_repeat_is_stored_once_and_answered_again<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let id = MessageId::new_v7();
    let send = || publish("ana", "a", "oi", Some(id));
    let committed = commit(store.as_mut(), vec![create("a"), send(), send()]);
    let receipt = Receipt { id, seq: 1 };
    assert_eq!(committed.outcomes[1..], [Outcome::Stored(receipt), Outcome::Repeated(receipt)]);
    assert_eq!(committed.messages.len(), 1, "published once");
    let committed = commit(store.as_mut(), vec![send()]);
    assert_eq!(committed.outcomes, [Outcome::Repeated(receipt)]);
    assert!(committed.messages.is_empty());
    assert_eq!(committed.after, committed.through);
}

pub(in crate::store) fn a_repeat_is_known_after_a_kill_and_after_indexing<F: Fixture>() {
    let fixture = F::new();
    let ids = [
        MessageId::new_v7(),
        random_id(9),
        MessageId::from_bytes([0; 16]),
        MessageId::from_bytes([0xff; 16]),
    ];
    let repeat = |store: &mut dyn Store| {
        for (index, id) in ids.into_iter().enumerate() {
            let seq = index as u64 + 1;
            assert_eq!(repeated(store, publish("ana", "a", "oi", Some(id))), Receipt { id, seq });
        }
    };
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a")]);
    for id in ids {
        stored(store.as_mut(), publish("ana", "a", "oi", Some(id)));
    }
    repeat(store.as_mut());
    drop(store);
    let mut store = fixture.open();
    repeat(store.as_mut());
    store.tend().unwrap();
    repeat(store.as_mut());
    store.close().unwrap();
    let mut store = fixture.open();
    repeat(store.as_mut());
    assert_eq!(stored(store.as_mut(), publish("ana", "a", "new", None)).seq, 5);
}

pub(in crate::store) fn an_id_belongs_to_one_message<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let id = Some(MessageId::new_v7());
    commit(store.as_mut(), vec![create("a"), create("b"), login("bob"), publish("ana", "a", "oi", id)]);
    for _ in 0..2 {
        for other in [
            publish("bob", "a", "oi", id),
            publish("ana", "b", "oi", id),
            publish("ana", "a", "hello", id),
            direct("ana", "bob", "oi", id),
        ] {
            assert_eq!(refused(one(store.as_mut(), other)), Code::IdReused.as_str());
        }
        store.tend().unwrap();
    }
}

pub(in crate::store) fn without_an_id_each_is_new<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a")]);
    let first = stored(store.as_mut(), publish("ana", "a", "oi", None));
    let second = stored(store.as_mut(), publish("ana", "a", "oi", None));
    assert_ne!(first.id, second.id);
    assert_eq!((first.seq, second.seq), (1, 2));
    // The store's own id is as good as a sender's.
    assert_eq!(repeated(store.as_mut(), publish("ana", "a", "oi", Some(first.id))), first);
}

pub(in crate::store) fn a_channel_is_created_again_under_its_id<F: Fixture>() {
    let fixture = F::new();
    let (id, other_id) = (Some(MessageId::new_v7()), Some(random_id(9)));
    let check = |store: &mut dyn Store| {
        assert_eq!(one(store, create_under("a", id)), Outcome::Accepted);
        assert_eq!(one(store, create_under("b", other_id)), Outcome::Accepted);
        assert_eq!(refused(one(store, create("a"))), Code::NameTaken.as_str());
        assert_eq!(refused(one(store, create_under("c", id))), Code::IdReused.as_str());
        assert_eq!(refused(one(store, publish("ana", "a", "oi", id))), Code::IdReused.as_str());
        let new_id = Some(MessageId::new_v7());
        assert_eq!(refused(one(store, create_under("a", new_id))), Code::NameTaken.as_str());
        assert_eq!(refused(one(store, create_under("plain", new_id))), Code::NameTaken.as_str());
        // An id that is no message's is no place.
        let range = Range::After(Place::Id(id.unwrap()));
        let of = HistoryOf::Channel(channel("a"));
        let request = HistoryRequest { user: user("ana"), of, range, limit: 10, acts: false };
        let refusal = store.reader().unwrap().history(&request).unwrap().unwrap_err();
        assert_eq!(refusal.code, Code::BadPlace);
    };
    let mut store = fixture.open();
    let changes =
        vec![create("plain"), create_under("a", id), create_under("a", id), create_under("b", other_id)];
    let committed = commit(store.as_mut(), changes);
    assert!(committed.outcomes.iter().all(|outcome| *outcome == Outcome::Accepted));
    assert_eq!(committed.through.0, 3, "one record for each channel");
    check(store.as_mut());
    drop(store);
    let mut store = fixture.open();
    check(store.as_mut());
    store.tend().unwrap();
    check(store.as_mut());
    store.close().unwrap();
    check(fixture.open().as_mut());
    let mut store = fixture.open();
    let message_id = Some(MessageId::new_v7());
    stored(store.as_mut(), publish("ana", "a", "oi", message_id));
    assert_eq!(refused(one(store.as_mut(), create_under("d", message_id))), Code::IdReused.as_str());
}
