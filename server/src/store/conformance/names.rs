//! Users, channels and logins.

use recado_proto::{Code, Timestamp};

use super::{Fixture, commit, create, direct, login, one, publish, refused, user};
use crate::store::{Entry, EntryKind, Outcome, Position, Store};

fn users(store: &dyn Store) -> Vec<String> {
    store.reader().unwrap().users().unwrap().iter().map(ToString::to_string).collect()
}

fn channels(store: &dyn Store) -> Vec<String> {
    store.reader().unwrap().channels().unwrap().iter().map(ToString::to_string).collect()
}

pub(in crate::store) fn a_name_is_a_user_or_a_channel<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let store = store.as_mut();
    assert_eq!(one(store, login("ana")), Outcome::Accepted);
    assert_eq!(one(store, create("geral")), Outcome::Accepted);
    assert_eq!(refused(one(store, create("ana"))), Code::NameTaken.as_str());
    assert_eq!(refused(one(store, login("geral"))), Code::NameTaken.as_str());
    assert_eq!(refused(one(store, publish("geral", "geral", "x", None))), Code::NameTaken.as_str());
    assert_eq!(refused(one(store, direct("geral", "ana", "x", None))), Code::NameTaken.as_str());
    assert_eq!(refused(one(store, publish("ana", "ana", "x", None))), Code::NoSuchChannel.as_str());
    assert_eq!(refused(one(store, direct("ana", "geral", "x", None))), Code::NoSuchUser.as_str());
}

pub(in crate::store) fn a_channel_is_created_once<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let outcomes = commit(store.as_mut(), vec![create("b"), create("a"), create("b")]).outcomes;
    assert_eq!(outcomes[..2], [Outcome::Accepted, Outcome::Accepted]);
    assert_eq!(refused(outcomes[2].clone()), Code::NameTaken.as_str());
    assert_eq!(channels(store.as_ref()), ["a", "b"]);
}

pub(in crate::store) fn who_sends_becomes_a_user<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    // All of it in one turn: later changes see what earlier ones did.
    commit(
        store.as_mut(),
        vec![create("geral"), publish("bot", "geral", "oi", None), direct("ana", "bot", "oi", None)],
    );
    assert_eq!(users(store.as_ref()), ["ana", "bot"]);
}

pub(in crate::store) fn what_is_refused_changes_nothing<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let committed = commit(
        store.as_mut(),
        vec![
            publish("ana", "nowhere", "oi", None),
            direct("ana", "nobody", "oi", None),
            direct("ana", "ana", "oi", None),
        ],
    );
    assert_eq!(
        committed.outcomes.into_iter().map(refused).collect::<Vec<_>>(),
        ["no_such_channel", "no_such_user", "no_such_user"]
    );
    assert_eq!((committed.after, committed.through), (Position(0), Position(0)));
    assert!(users(store.as_ref()).is_empty());
}

pub(in crate::store) fn names_outlive_a_kill_and_a_close<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![login("ana"), create("geral")]);
    drop(store);
    let mut store = fixture.open();
    commit(store.as_mut(), vec![login("bob"), create("tech")]);
    store.close().unwrap();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![login("caio")]);
    store.tend().unwrap();
    drop(store);
    let mut store = fixture.open();
    assert_eq!(users(store.as_ref()), ["ana", "bob", "caio"]);
    assert_eq!(channels(store.as_ref()), ["geral", "tech"]);
    assert_eq!(refused(one(store.as_mut(), create("tech"))), Code::NameTaken.as_str());
}

pub(in crate::store) fn every_login_is_recorded<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![login("ana"), login("bob"), login("ana")]);
    let mut reader = store.reader().unwrap();
    let scan = reader.entries(EntryKind::Logins, Position(0), 100).unwrap();
    let of = |name| Entry::Login { user: user(name), timestamp: Timestamp::from_seconds(7) };
    assert_eq!(scan.found, [of("ana"), of("bob"), of("ana")]);
    assert!(scan.at_end);
    let scan = reader.entries(EntryKind::Users, Position(0), 100).unwrap();
    assert_eq!(scan.found, [Entry::User { user: user("ana") }, Entry::User { user: user("bob") }]);
}
