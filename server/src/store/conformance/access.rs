//! Who may do what.

use recado_proto::{DeviceKey, JoinCode, Role};

use super::{Fixture, channel, commit, create, login, one, publish, refused, user};
use crate::access::{AccessAct, AccessEvent, Actor, Administration, CodeHash, Done, Owner};
use crate::store::{Change, NameOf, Outcome, Store};

fn code(number: u8) -> CodeHash {
    CodeHash::of(&JoinCode::from_random([number; 10]))
}

fn key(number: u8) -> DeviceKey {
    DeviceKey::from_bytes([number; 32])
}

fn first_administrator(number: u8) -> Change {
    Change::Access { actor: Actor::System, act: AccessAct::FirstAdministrator { code: code(number) } }
}

/// With the key of this number.
fn join(number: u8, with: u8, wanted: &str) -> Change {
    let key = key(number);
    let act = AccessAct::Join { key, code: Some(code(with)), user: Some(user(wanted)), device: None };
    Change::Access { actor: Actor::Key(key), act }
}

fn admin(by: &str, act: Administration) -> Change {
    Change::Access { actor: Actor::User(user(by)), act: AccessAct::Admin(act) }
}

fn invite(by: &str, number: u8) -> Change {
    let code = code(number);
    admin(by, Administration::Invite { of: None, role: Role::Member, seconds: None, code })
}

fn create_owned(by: &str, name: &str, private: bool) -> Change {
    let owner = Some(Owner { user: user(by), private });
    Change::CreateChannel { channel: channel(name), timestamp: None, id: None, owner }
}

fn joined(name: &str, role: Role) -> Outcome {
    Outcome::Access(Done { user: Some((user(name), role)) })
}

const DONE: Outcome = Outcome::Access(Done { user: None });

/// A store with the administrator `ana`, whose key is 1, and the member `bob`, whose key is 2.
fn with_ana_and_bob<F: Fixture>(fixture: &F) -> Box<dyn Store> {
    let mut store = fixture.open();
    let turn = vec![first_administrator(1), join(1, 1, "ana"), invite("ana", 2), join(2, 2, "bob")];
    let outcomes = commit(store.as_mut(), turn).outcomes;
    let expect = [DONE, joined("ana", Role::Administrator), DONE, joined("bob", Role::Member)];
    assert_eq!(outcomes, expect);
    store
}

fn events(store: &dyn Store) -> Vec<AccessEvent> {
    store.reader().unwrap().access_events(0, 1000).unwrap()
}

pub(in crate::store) fn what_happened_is_kept_and_adds_up_to_the_same<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    commit(store.as_mut(), vec![create_owned("bob", "segredo", true)]);
    let (access, before) = (store.access().read().clone(), events(store.as_ref()));
    assert!(before.iter().map(|event| event.n).eq(1..=before.len() as u64));
    drop(store);
    let store = fixture.open();
    assert!(*store.access().read() == access, "after a kill");
    store.close().unwrap();
    let mut store = fixture.open();
    assert!(*store.access().read() == access, "after a close");
    assert_eq!(events(store.as_ref()), before);
    assert_eq!(one(store.as_mut(), invite("ana", 3)), DONE);
    assert_eq!(store.access().version(), before.len() as u64 + 1);
    let mut reader = store.reader().unwrap();
    assert_eq!(reader.access_events(2, 2).unwrap(), before[2..4]);
    assert_eq!(reader.access_events(u64::MAX, 2).unwrap(), []);
}

pub(in crate::store) fn whoever_joins_is_a_user<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    let reader = store.reader().unwrap();
    assert_eq!((reader.name_of("ana"), reader.name_of("bob")), (NameOf::User, NameOf::User));
    // Names of channels are nobody's to take, and names of users from open days are theirs.
    commit(store.as_mut(), vec![create("geral"), login("cid"), invite("ana", 3)]);
    assert_eq!(refused(one(store.as_mut(), join(3, 3, "geral"))), "name_taken");
    assert_eq!(refused(one(store.as_mut(), join(3, 3, "cid"))), "name_taken");
    assert_eq!(one(store.as_mut(), join(3, 3, "dora")), joined("dora", Role::Member));
    assert_eq!(store.reader().unwrap().name_of("dora"), NameOf::User);
}

pub(in crate::store) fn a_code_is_good_once_in_a_turn_too<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    let turn = vec![invite("ana", 3), join(3, 3, "cid"), join(4, 3, "dora"), join(3, 3, "cid")];
    let outcomes = commit(store.as_mut(), turn).outcomes;
    assert_eq!(outcomes[1], joined("cid", Role::Member));
    assert_eq!(refused(outcomes[2].clone()), "bad_code");
    assert_eq!(outcomes[3], joined("cid", Role::Member));
    assert_eq!(store.reader().unwrap().name_of("dora"), NameOf::Nobody);
}

pub(in crate::store) fn channels_have_owners<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    let turn = vec![create_owned("bob", "segredo", true), create_owned("ana", "geral", false)];
    assert_eq!(commit(store.as_mut(), turn).outcomes, [Outcome::Accepted, Outcome::Accepted]);
    let access = store.access();
    assert_eq!(access.read().members(&channel("segredo")).members, [user("bob")]);
    assert!(!access.read().may_read(&user("ana"), &channel("segredo")));
    assert_eq!(access.read().members(&channel("geral")).owner, Some(user("ana")));
    assert_eq!(refused(one(store.as_mut(), create_owned("ana", "segredo", false))), "name_taken");
    assert_eq!(refused(one(store.as_mut(), create_owned("ana", "bob", false))), "name_taken");
    assert_eq!(refused(one(store.as_mut(), create_owned("nobody", "tech", false))), "forbidden");
    assert_eq!(store.reader().unwrap().name_of("tech"), NameOf::Nobody);
    // The members' messages go there as ever.
    assert!(matches!(one(store.as_mut(), publish("bob", "segredo", "oi", None)), Outcome::Stored(_)));
}

pub(in crate::store) fn names_that_look_alike_are_not_both_let_in_in_a_turn_either<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    commit(store.as_mut(), vec![invite("ana", 3), invite("ana", 4)]);
    let turn = vec![
        join(3, 3, "lana"),
        join(4, 4, "Iana"),
        create_owned("bob", "1ana", false),
        create_owned("bob", "Geral", true),
        create_owned("ana", "geral", false),
        // What was refused is nobody's, and keeps nothing from others.
        join(4, 4, "eva"),
    ];
    let outcomes = commit(store.as_mut(), turn).outcomes;
    assert_eq!((&outcomes[0], &outcomes[3]), (&joined("lana", Role::Member), &Outcome::Accepted));
    for index in [1, 2, 4] {
        assert_eq!(refused(outcomes[index].clone()), "name_taken");
    }
    assert_eq!(outcomes[5], joined("eva", Role::Member));
    drop(store);
    let mut store = fixture.open();
    assert_eq!(
        refused(one(store.as_mut(), create_owned("bob", "GERAL", false))),
        "name_taken",
        "after a kill"
    );
    store.close().unwrap();
    let mut store = fixture.open();
    assert_eq!(
        refused(one(store.as_mut(), create_owned("bob", "EVA", false))),
        "name_taken",
        "after a close"
    );
    assert_eq!(one(store.as_mut(), create_owned("bob", "tech", false)), Outcome::Accepted);
}

pub(in crate::store) fn names_of_an_open_system_stay_and_are_compared_with<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let turn = vec![login("lana"), login("Iana"), create("Geral"), create("geral"), create("bob-")];
    assert_eq!(commit(store.as_mut(), turn).outcomes, vec![Outcome::Accepted; 5]);
    store.close().unwrap();
    let mut store = with_ana_and_bob(&fixture);
    for name in ["1ana", "LANA", "GERAL", "gera1"] {
        assert_eq!(refused(one(store.as_mut(), create_owned("bob", name, false))), "name_taken", "{name}");
    }
    let add_key = Administration::AddKey { of: user("Iana"), key: key(3), device: None };
    assert_eq!(one(store.as_mut(), admin("ana", add_key)), DONE);
    assert!(matches!(one(store.as_mut(), publish("Iana", "geral", "oi", None)), Outcome::Stored(_)));
    // Open again, nothing is compared.
    assert_eq!(one(store.as_mut(), create("GERAL")), Outcome::Accepted);
}

pub(in crate::store) fn what_is_refused_leaves_no_event<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    let (version, last) = (store.access().version(), store.last_position());
    let turn = vec![
        admin("bob", Administration::Ban { of: user("ana") }),
        admin("ana", Administration::Ban { of: user("ana") }),
        admin("nobody", Administration::RevokeKey { key: key(1) }),
        join(9, 9, "eva"),
        // What is so already is no event either.
        admin("ana", Administration::Unban { of: user("bob") }),
    ];
    let outcomes = commit(store.as_mut(), turn).outcomes;
    let codes: Vec<_> = outcomes[..4].iter().cloned().map(refused).collect();
    assert_eq!(codes, ["forbidden", "forbidden", "forbidden", "bad_code"]);
    assert_eq!(outcomes[4], DONE);
    assert_eq!((store.access().version(), store.last_position()), (version, last));
    assert_eq!(events(store.as_ref()).len() as u64, version);
}

pub(in crate::store) fn what_is_shared_is_durable_and_says_that_it_changed<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    let access = store.access();
    let mut changes = access.changes();
    assert_eq!(access.read().user_of(&key(2), 0), Some(&user("bob")));
    assert!(!changes.has_changed().unwrap());
    commit(store.as_mut(), vec![publish("bob", "nowhere", "oi", None), login("bob")]);
    assert!(!changes.has_changed().unwrap(), "nothing of access changed");
    let committed = commit(store.as_mut(), vec![admin("ana", Administration::RevokeKey { key: key(2) })]);
    assert_eq!((committed.outcomes, committed.messages.len()), (vec![DONE], 0));
    assert!(changes.has_changed().unwrap());
    assert_eq!(*changes.borrow_and_update(), access.version());
    assert_eq!(access.read().user_of(&key(2), 0), None);
    drop(store);
    assert_eq!(fixture.open().access().read().user_of(&key(2), 0), None);
}

pub(in crate::store) fn times_of_events_never_go_back<F: Fixture>() {
    let fixture = F::new();
    let mut store = with_ana_and_bob(&fixture);
    store.commit(vec![invite("ana", 3)], 1_900_000_000_000).unwrap();
    drop(store);
    // The clock is behind: the invitation is as old as it was.
    let mut store = fixture.open();
    store.commit(vec![invite("ana", 4)], 5).unwrap();
    let times: Vec<_> = events(store.as_ref()).iter().map(|event| event.time_ms).collect();
    assert_eq!(times.last(), Some(&1_900_000_000_000));
    assert!(times.is_sorted(), "{times:?}");
}
