//! Users whom a plain listener lets in.

use recado_proto::{AdminAct, Password, RequestBody, Role};

use super::{World, add_key, ban, by, join, key, revoke, role, unban, user};
use crate::access::{AccessAct, Actor};

fn made(name: &str) -> AccessAct {
    AccessAct::UserMade { user: user(name), role: Role::Bot }
}

fn plain(name: &str, number: u8) -> AccessAct {
    AccessAct::PlainListener { user: user(name), key: key(number) }
}

/// With the bot `ci`, as whom a plain listener lets in; key 9 stands in for that.
fn world() -> World {
    let mut world = World::new();
    world.ok(&Actor::System, made("ci"));
    assert_eq!(world.ok(&Actor::System, plain("ci", 9)), 1);
    world
}

#[test]
fn only_the_program_itself_lets_in_who_has_no_key() {
    let mut world = World::new();
    world.refused(&Actor::System, plain("ci", 9), "no_such_user");
    world.ok(&Actor::System, made("ci"));
    for actor in [by("ana"), by("ci"), Actor::Key(key(9))] {
        world.refused(&actor, plain("ci", 9), "forbidden");
    }
    world.ok(&Actor::System, plain("ci", 9));
    assert_eq!(world.ok(&Actor::System, plain("ci", 9)), 0, "at the next start it is so already");
    assert_eq!(world.user_of(9), Some("ci"));
}

#[test]
fn the_key_of_a_plain_listener_stands_among_the_users_keys_and_in_the_log() {
    let world = world();
    let keys = world.access.keys(&user("ci"), world.now_ms);
    let listed: Vec<_> = keys.iter().map(|it| (it.key, it.device.as_ref().unwrap().as_str())).collect();
    assert_eq!(listed, [(key(9), "plain listener")]);
    let entry = world.events.last().unwrap().to_audit_entry();
    assert_eq!((entry.act.as_str(), entry.of, entry.by), ("plain_listener", Some(user("ci")), None));
    assert_eq!(entry.key, Some(key(9)));
}

#[test]
fn nobody_is_administrator_whom_a_plain_listener_lets_in() {
    let mut world = world();
    let why = world.refused(&Actor::System, plain("ana", 8), "forbidden");
    assert!(why.contains("ana is an administrator"), "{why}");
    let why = world.refused(&by("ana"), role("ci", Role::Administrator), "forbidden");
    assert!(why.contains(&format!("revoke the key {}", key(9))), "{why}");
    assert_eq!(world.ok(&by("ana"), role("ci", Role::Member)), 1);
    assert_eq!(world.ok(&by("ana"), revoke(9)), 1);
    world.ok(&by("ana"), role("ci", Role::Administrator));
}

#[test]
fn a_ban_and_a_revocation_shut_a_plain_listener() {
    let mut world = world();
    world.ok(&by("ana"), ban("ci"));
    assert_eq!(world.user_of(9), None);
    assert_eq!(world.ok(&Actor::System, plain("ci", 9)), 0, "a start does not lift a ban");
    assert_eq!(world.user_of(9), None);
    world.ok(&by("ana"), unban("ci"));
    assert_eq!(world.user_of(9), Some("ci"));

    world.ok(&by("ana"), revoke(9));
    assert!(world.access.is_revoked(&key(9)));
    world.refused(&Actor::System, plain("ci", 9), "key_taken");
    world.refused(&by("ana"), add_key("bob", 9), "key_taken");
    world.refused(&Actor::Key(key(9)), join(9, None, Some("dora")), "bad_code");
    assert_eq!(world.user_of(9), None);
}

#[test]
fn a_key_that_stands_in_is_no_device_and_a_devices_key_does_not_stand_in() {
    let mut world = world();
    world.ok(&by("ana"), add_key("ci", 8));
    world.refused(&Actor::System, plain("ci", 8), "key_taken");
    world.refused(&Actor::System, plain("bob", 9), "key_taken");
    world.refused(&by("bob"), add_key("bob", 9), "key_taken");
    assert_eq!(world.ok(&by("ana"), add_key("ci", 9)), 0);
    assert!(world.access.stands_in(&key(9)) && !world.access.stands_in(&key(8)));
}

#[test]
fn nothing_that_outlasts_it_is_done_through_a_plain_listener() {
    let mut world = world();
    world.ok(&by("ana"), role("ci", Role::Member));
    world.ok(&by("ana"), add_key("ci", 8));
    let password = AdminAct::Password(Password::parse("correct horse").unwrap());
    for act in [
        AdminAct::Device { of: None, seconds: None, code: () },
        AdminAct::AddKey { of: user("ci"), key: key(7), device: None },
        AdminAct::RevokeKey { key: key(8) },
        password,
    ] {
        let request = RequestBody::Admin { user: None, act };
        let refusal = world.access.check_plain(&key(9), &request).unwrap_err();
        assert_eq!(refusal.code.as_str(), "forbidden");
        assert!(world.access.check_plain(&key(8), &request).is_ok(), "a device of the same user's may");
    }
    assert!(world.access.check_plain(&key(9), &RequestBody::Keys { of: None }).is_ok());
}
