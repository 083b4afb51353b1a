//! How far users have read.

use recado_proto::limits::READ_MARKS_MAX;
use recado_proto::{Epoch, ReadMark, ReadOf};

use super::{Fixture, channel, commit, create, direct, login, one, publish, refused, user};
use crate::store::{Change, Outcome, Store};

fn mark(who: &str, of: ReadOf, seq: u64, epoch: Epoch) -> Change {
    Change::Mark { user: user(who), mark: ReadMark { of, seq, epoch } }
}

fn in_channel(name: &str) -> ReadOf {
    ReadOf::Channel(channel(name))
}

fn marks(store: &dyn Store, who: &str) -> Vec<(ReadOf, u64)> {
    let found = store.reader().unwrap().read_marks(&user(who)).unwrap().unwrap();
    found.into_iter().map(|mark| (mark.of, mark.seq)).collect()
}

pub(in crate::store) fn read_marks_never_go_back<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let store = store.as_mut();
    commit(store, vec![create("a"), login("bob")]);
    commit(store, (0..5).map(|_| publish("ana", "a", "x", None)).collect());
    commit(store, vec![direct("bob", "ana", "x", None)]);
    let epoch = store.epoch();
    let committed = commit(store, [3, 5, 4].map(|seq| mark("ana", in_channel("a"), seq, epoch)).to_vec());
    assert_eq!(committed.outcomes, [Outcome::Marked, Outcome::Marked, Outcome::Accepted]);
    assert_eq!((committed.messages.len(), committed.after), (0, committed.through));
    assert_eq!(one(store, mark("ana", in_channel("a"), 2, epoch)), Outcome::Accepted);
    assert_eq!(one(store, mark("ana", ReadOf::With(user("bob")), 1, epoch)), Outcome::Marked);
    assert_eq!(marks(store, "ana"), [(in_channel("a"), 5), (ReadOf::With(user("bob")), 1)]);
    assert_eq!(marks(store, "bob"), []);
}

pub(in crate::store) fn read_marks_outlive_a_kill_and_a_close<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), publish("ana", "a", "x", None)]);
    let epoch = store.epoch();
    commit(store.as_mut(), vec![mark("ana", in_channel("a"), 1, epoch)]);
    drop(store);
    let store = fixture.open();
    assert_eq!(marks(store.as_ref(), "ana"), [(in_channel("a"), 1)]);
    store.close().unwrap();
    assert_eq!(marks(fixture.open().as_ref(), "ana"), [(in_channel("a"), 1)]);
}

pub(in crate::store) fn a_read_mark_is_at_a_place_that_exists<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let store = store.as_mut();
    commit(store, vec![create("a"), publish("ana", "a", "x", None)]);
    let epoch = store.epoch();
    let other = Epoch::new(epoch.as_u64() ^ 1).unwrap();
    let mut check = |change, code: &str| assert_eq!(refused(one(store, change)), code);
    check(mark("nobody", in_channel("a"), 1, epoch), "no_such_user");
    check(mark("ana", in_channel("b"), 1, epoch), "no_such_channel");
    check(mark("ana", ReadOf::With(user("bob")), 0, epoch), "no_such_user");
    check(mark("ana", in_channel("a"), 2, epoch), "bad_place");
    check(mark("ana", in_channel("a"), 1, other), "bad_place");
    assert_eq!(marks(store, "ana"), []);
    let unknown = store.reader().unwrap().read_marks(&user("nobody")).unwrap();
    assert_eq!(unknown.unwrap_err().code.as_str(), "no_such_user");
}

pub(in crate::store) fn a_user_has_so_many_read_marks<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let store = store.as_mut();
    let names: Vec<_> = (0..=READ_MARKS_MAX).map(|number| format!("c{number}")).collect();
    commit(store, names.iter().map(|name| create(name)).chain([login("ana"), login("bob")]).collect());
    let epoch = store.epoch();
    let all = names.iter().map(|name| mark("ana", in_channel(name), 0, epoch)).collect();
    let outcomes = commit(store, all).outcomes;
    let accepted = outcomes.iter().filter(|outcome| **outcome == Outcome::Marked).count();
    assert_eq!(accepted, READ_MARKS_MAX);
    let last = in_channel(&names[READ_MARKS_MAX]);
    assert_eq!(refused(one(store, mark("ana", last.clone(), 0, epoch))), "busy");
    assert_eq!(one(store, mark("ana", in_channel("c0"), 0, epoch)), Outcome::Accepted);
    assert_eq!(one(store, mark("bob", last, 0, epoch)), Outcome::Marked);
}
