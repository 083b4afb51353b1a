//! How keys become users'.

use recado_proto::{Registration, Role};

use super::{World, add_key, ban, by, code, device, invite, join, key, revoke, role, user};
use crate::access::{AccessAct, Actor, Administration, PasswordHash};
use crate::limits::{
    CODE_SECONDS_MAX, CODES_MAX, CODES_PER_MEMBER_MAX, DEVICE_CODE_SECONDS_DEFAULT,
    INVITATION_SECONDS_DEFAULT, KEYS_EVER_PER_USER_MAX, KEYS_PER_USER_MAX, SESSION_SECONDS_MAX,
    SESSIONS_PER_USER_MAX,
};
use crate::store::NameOf;

fn registration(value: Registration) -> AccessAct {
    AccessAct::Admin(Administration::Registration(value))
}

fn password(text: &str) -> AccessAct {
    AccessAct::Admin(Administration::Password(PasswordHash::from_phc(text)))
}

fn session(number: u8, of: &str, hash: &str, until_ms: u64) -> AccessAct {
    let password = PasswordHash::from_phc(hash);
    AccessAct::Session { key: key(number), user: user(of), password, until_ms }
}

#[test]
fn the_first_administrator_joins_once() {
    let mut world = World { now_ms: 5_000, ..World::default() };
    assert!(!world.access.has_administrator());
    world.refused(&Actor::Key(key(1)), AccessAct::FirstAdministrator { code: code(1) }, "forbidden");
    world.refused(&by("ana"), AccessAct::FirstAdministrator { code: code(1) }, "forbidden");
    world.ok(&Actor::System, AccessAct::FirstAdministrator { code: code(1) });
    // The next start shows another code, and the earlier one is good no more.
    world.ok(&Actor::System, AccessAct::FirstAdministrator { code: code(2) });
    world.refused(&Actor::Key(key(1)), join(1, Some(1), Some("ana")), "bad_code");
    world.refused(&Actor::Key(key(1)), join(1, Some(2), None), "bad_request");
    // The name may be one's from when the system was open.
    world.named("ana", NameOf::User);
    world.ok(&Actor::Key(key(1)), join(1, Some(2), Some("ana")));
    assert_eq!(
        (world.user_of(1), world.access.role_of(&user("ana"))),
        (Some("ana"), Some(Role::Administrator))
    );
    assert!(world.access.has_administrator());
    world.refused(&Actor::System, AccessAct::FirstAdministrator { code: code(3) }, "forbidden");
    // Later ones take no names from then, whoever made their invitations.
    world.named("old", NameOf::User);
    world.ok(&Actor::System, invite(None, Role::Administrator, 4));
    world.refused(&Actor::Key(key(4)), join(4, Some(4), Some("old")), "name_taken");
    world.ok(&Actor::Key(key(4)), join(4, Some(4), Some("new")));
    world.refused(&Actor::Key(key(2)), join(2, Some(2), Some("bob")), "bad_code");
    let by_ana = world.events.iter().filter(|event| event.by == Some(user("ana")));
    assert_eq!(by_ana.count(), 3, "the code is spent, the user joins, the key is the user's");
}

#[test]
fn a_code_is_good_once_and_for_a_while_and_all_that_are_not_look_the_same() {
    let mut world = World::new();
    world.ok(&by("ana"), invite(None, Role::Member, 1));
    let wrong = world.refused(&Actor::Key(key(3)), join(3, Some(9), Some("cid")), "bad_code");
    world.ok(&Actor::Key(key(3)), join(3, Some(1), Some("cid")));
    let used = world.refused(&Actor::Key(key(4)), join(4, Some(1), Some("dora")), "bad_code");
    world.ok(&by("ana"), invite(None, Role::Member, 2));
    world.later(INVITATION_SECONDS_DEFAULT);
    let expired = world.refused(&Actor::Key(key(4)), join(4, Some(2), Some("dora")), "bad_code");
    let missing = world.refused(&Actor::Key(key(4)), join(4, None, Some("dora")), "bad_code");
    assert!([&used, &expired, &missing].into_iter().all(|words| *words == wrong));
}

#[test]
fn an_invitation_for_a_name_gives_that_name_only() {
    let mut world = World::new();
    world.named("old", NameOf::User);
    world.named("geral", NameOf::Channel);
    world.ok(&by("ana"), invite(Some("cid"), Role::Bot, 1));
    world.refused(&Actor::Key(key(3)), join(3, Some(1), Some("dora")), "bad_request");
    world.ok(&Actor::Key(key(3)), join(3, Some(1), Some("cid")));
    assert_eq!(world.access.role_of(&user("cid")), Some(Role::Bot));
    // Names of users here and of channels are taken, with the same words.
    let taken = [world.refused(&by("ana"), invite(Some("bob"), Role::Member, 2), "name_taken")];
    let channel = world.refused(&by("ana"), invite(Some("geral"), Role::Member, 2), "name_taken");
    assert_eq!(channel, taken[0].replace("bob", "geral"));
    // One from when the system was open is somebody's: it takes an invitation for it.
    world.ok(&by("ana"), invite(None, Role::Member, 3));
    world.refused(&Actor::Key(key(4)), join(4, Some(3), Some("old")), "name_taken");
    world.ok(&by("ana"), invite(Some("old"), Role::Member, 4));
    world.ok(&Actor::Key(key(4)), join(4, Some(4), None));
    assert_eq!(world.user_of(4), Some("old"));
    // The name was taken while the invitation was on its way.
    world.ok(&by("ana"), invite(Some("dora"), Role::Member, 5));
    world.ok(&by("ana"), invite(Some("dora"), Role::Member, 6));
    world.ok(&Actor::Key(key(5)), join(5, Some(5), None));
    world.refused(&Actor::Key(key(6)), join(6, Some(6), None), "name_taken");
}

#[test]
fn who_may_register_is_for_administrators_to_say() {
    let mut world = World::new();
    world.refused(&by("bob"), registration(Registration::Open), "forbidden");
    world.ok(&by("ana"), invite(None, Role::Member, 1));
    assert_eq!(world.ok(&by("ana"), registration(Registration::Closed)), 1);
    assert_eq!(world.ok(&by("ana"), registration(Registration::Closed)), 0);
    world.refused(&Actor::Key(key(3)), join(3, Some(1), Some("cid")), "bad_code");
    world.refused(&by("ana"), invite(None, Role::Member, 2), "forbidden");
    // Devices still join.
    world.ok(&by("bob"), device(None, 3));
    world.ok(&Actor::Key(key(3)), join(3, Some(3), None));
    assert_eq!(world.user_of(3), Some("bob"));
    world.ok(&by("ana"), registration(Registration::Open));
    world.refused(&Actor::Key(key(4)), join(4, None, None), "bad_request");
    world.refused(&Actor::Key(key(4)), join(4, None, Some("bob")), "name_taken");
    world.ok(&Actor::Key(key(4)), join(4, None, Some("cid")));
    assert_eq!(world.access.role_of(&user("cid")), Some(Role::Member));
    world.refused(&Actor::Key(key(5)), join(5, Some(9), Some("dora")), "bad_code");
}

#[test]
fn only_administrators_invite() {
    let mut world = World::new();
    world.user("robo", 3, Role::Bot);
    for name in ["bob", "robo", "nobody"] {
        world.refused(&by(name), invite(None, Role::Member, 1), "forbidden");
    }
    world.refused(&Actor::Key(key(9)), invite(None, Role::Member, 1), "forbidden");
    assert_eq!(world.ok(&Actor::System, invite(None, Role::Administrator, 1)), 1);
}

#[test]
fn a_further_device_joins_by_a_code_of_its_user() {
    let mut world = World::new();
    world.user("robo", 3, Role::Bot);
    world.ok(&by("bob"), device(None, 1));
    world.refused(&Actor::Key(key(4)), join(4, Some(1), Some("ana")), "bad_request");
    world.ok(&Actor::Key(key(4)), join(4, Some(1), Some("bob")));
    assert_eq!(world.user_of(4), Some("bob"));
    world.ok(&by("bob"), device(Some("bob"), 2));
    world.later(DEVICE_CODE_SECONDS_DEFAULT);
    world.refused(&Actor::Key(key(5)), join(5, Some(2), None), "bad_code");
    // Whether there is such another user is not said.
    for of in ["ana", "nobody"] {
        world.refused(&by("bob"), device(Some(of), 3), "forbidden");
    }
    world.refused(&by("robo"), device(None, 3), "forbidden");
    world.ok(&by("ana"), device(Some("robo"), 3));
    world.ok(&Actor::Key(key(6)), join(6, Some(3), None));
    assert_eq!(world.user_of(6), Some("robo"));
    world.refused(&by("ana"), device(Some("nobody"), 4), "no_such_user");
    world.refused(&Actor::System, device(None, 4), "bad_request");
}

#[test]
fn codes_are_bounded_in_number_and_time() {
    let mut world = World::new();
    for number in 0..CODES_PER_MEMBER_MAX as u8 {
        world.ok(&by("bob"), device(None, number));
    }
    world.refused(&by("bob"), device(None, 100), "busy");
    world.later(DEVICE_CODE_SECONDS_DEFAULT);
    world.ok(&by("bob"), device(None, 100));
    for seconds in [0, CODE_SECONDS_MAX + 1, u64::MAX] {
        let invite =
            Administration::Invite { of: None, role: Role::Member, seconds: Some(seconds), code: code(101) };
        world.refused(&by("ana"), AccessAct::Admin(invite), "bad_request");
    }
    for number in 1..CODES_MAX as u64 {
        let mut bytes = [9; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let code = crate::access::CodeHash::from_bytes(bytes);
        let invite = Administration::Invite { of: None, role: Role::Member, seconds: None, code };
        world.ok(&by("ana"), AccessAct::Admin(invite));
    }
    world.refused(&by("ana"), invite(None, Role::Member, 102), "busy");
}

#[test]
fn joining_again_is_answered_again() {
    let mut world = World::new();
    let before = world.access.clone();
    assert_eq!(world.ok(&Actor::Key(key(2)), join(2, Some(150), Some("bob"))), 0);
    assert_eq!(world.ok(&by("bob"), join(2, Some(77), None)), 0);
    assert_eq!(world.access, before);
    world.refused(&by("bob"), join(2, Some(150), Some("cid")), "key_taken");
    // Nobody joins with the key of another connection.
    world.ok(&by("bob"), device(None, 1));
    world.refused(&by("bob"), join(3, Some(1), None), "forbidden");
    world.refused(&Actor::Key(key(4)), join(3, Some(1), None), "forbidden");
    world.refused(&Actor::System, join(3, Some(1), None), "forbidden");
}

#[test]
fn a_revoked_key_never_comes_back() {
    let mut world = World::new();
    world.ok(&by("bob"), add_key("bob", 3));
    world.ok(&by("bob"), revoke(3));
    assert_eq!(world.user_of(3), None);
    world.ok(&by("bob"), device(None, 1));
    world.refused(&Actor::Key(key(3)), join(3, Some(1), None), "key_taken");
    world.refused(&by("bob"), add_key("bob", 3), "key_taken");
    world.refused(&by("ana"), add_key("ana", 3), "key_taken");
    world.ok(&by("bob"), password("hash"));
    let until_ms = world.now_ms + 1;
    world.refused(&Actor::Key(key(3)), session(3, "bob", "hash", until_ms), "key_taken");
}

#[test]
fn an_administrator_makes_a_member_by_giving_a_new_name_a_key() {
    let mut world = World::new();
    world.refused(&by("bob"), add_key("carla", 3), "forbidden");
    assert_eq!(world.ok(&by("ana"), add_key("carla", 3)), 2);
    assert_eq!(world.user_of(3), Some("carla"));
    assert_eq!(world.access.role_of(&user("carla")), Some(Role::Member));
    world.refused(&by("ana"), add_key("dora", 3), "key_taken");
    assert_eq!(world.access.role_of(&user("dora")), None);
}

#[test]
fn a_key_is_one_users() {
    let mut world = World::new();
    world.refused(&by("bob"), add_key("bob", 1), "key_taken");
    world.refused(&by("ana"), add_key("ana", 2), "key_taken");
    assert_eq!(world.ok(&by("bob"), add_key("bob", 2)), 0);
    // Keys of others are for administrators.
    world.refused(&by("bob"), add_key("ana", 3), "forbidden");
    world.refused(&by("bob"), add_key("nobody", 3), "forbidden");
    world.ok(&by("ana"), add_key("bob", 3));
    assert_eq!(world.user_of(3), Some("bob"));
    // With a key an administrator makes a user of a name, too.
    world.named("geral", NameOf::Channel);
    world.refused(&by("ana"), add_key("geral", 4), "name_taken");
    world.refused(&by("ana"), add_key("nova", 2), "key_taken");
    assert_eq!(world.ok(&by("ana"), add_key("nova", 4)), 2);
    assert_eq!((world.user_of(4), world.access.role_of(&user("nova"))), (Some("nova"), Some(Role::Member)));
    let keys = world.access.keys(&user("bob"), world.now_ms);
    assert_eq!(keys.iter().map(|entry| entry.key).collect::<Vec<_>>(), [key(2), key(3)]);
}

#[test]
fn keys_are_revoked_by_their_users_and_by_administrators() {
    let mut world = World::new();
    world.user("robo", 3, Role::Bot);
    let others = world.refused(&by("bob"), revoke(1), "no_such_key");
    let nobodys = world.refused(&by("bob"), revoke(9), "no_such_key");
    assert_eq!(others.replace(&key(1).to_string(), ""), nobodys.replace(&key(9).to_string(), ""));
    world.refused(&by("ana"), revoke(9), "no_such_key");
    world.ok(&by("ana"), revoke(2));
    assert_eq!(world.user_of(2), None);
    world.ok(&by("robo"), revoke(3));
    world.refused(&by("ana"), revoke(3), "no_such_key");
}

#[test]
fn keys_are_bounded() {
    let mut world = World::new();
    let many = |number: usize| {
        let mut bytes = [0xaa; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        recado_proto::DeviceKey::from_bytes(bytes)
    };
    let add = |number| {
        AccessAct::Admin(Administration::AddKey { of: user("bob"), key: many(number), device: None })
    };
    let revoke = |number| AccessAct::Admin(Administration::RevokeKey { key: many(number) });
    for number in 1..KEYS_PER_USER_MAX {
        world.ok(&by("bob"), add(number));
    }
    world.refused(&by("bob"), add(0), "busy");
    world.ok(&by("bob"), device(None, 1));
    world.refused(&Actor::Key(key(7)), join(7, Some(1), None), "busy");
    for number in KEYS_PER_USER_MAX..KEYS_EVER_PER_USER_MAX {
        world.ok(&by("bob"), revoke(number - 1));
        world.ok(&by("bob"), add(number));
    }
    world.ok(&by("bob"), revoke(KEYS_EVER_PER_USER_MAX - 1));
    world.refused(&by("bob"), add(KEYS_EVER_PER_USER_MAX), "busy");
}

#[test]
fn a_password_makes_a_key_ones_own_for_a_while() {
    let mut world = World::new();
    let until_ms = world.now_ms + 60_000;
    let no_password = world.refused(&Actor::Key(key(3)), session(3, "bob", "hash", until_ms), "bad_password");
    world.ok(&by("bob"), password("hash"));
    assert_eq!(world.access.password_of(&user("bob")), Some(&PasswordHash::from_phc("hash")));
    let other = world.refused(&Actor::Key(key(3)), session(3, "bob", "other", until_ms), "bad_password");
    let nobody = world.refused(&Actor::Key(key(3)), session(3, "nobody", "hash", until_ms), "bad_password");
    assert_eq!((&other, &nobody), (&no_password, &no_password));
    world.ok(&Actor::Key(key(3)), session(3, "bob", "hash", until_ms));
    assert_eq!(world.user_of(3), Some("bob"));
    assert_eq!(world.access.keys(&user("bob"), world.now_ms)[1].expires_ms, Some(until_ms));
    assert_eq!(world.access.next_end_ms(world.now_ms), Some(until_ms));
    assert_eq!(world.ok(&by("bob"), session(3, "bob", "hash", until_ms)), 0);
    assert_eq!(world.ok(&by("bob"), session(3, "bob", "hash", until_ms + 1)), 1);
    world.refused(&by("ana"), session(3, "ana", "hash", until_ms), "forbidden");
    world.later(61);
    assert_eq!((world.user_of(3), world.access.next_end_ms(world.now_ms)), (None, None));
    assert_eq!(world.access.keys(&user("bob"), world.now_ms).len(), 1);
    // Then the key is free, for another user too.
    world.ok(&by("ana"), password("hers"));
    world.ok(&Actor::Key(key(3)), session(3, "ana", "hers", world.now_ms + 1));
    assert_eq!(world.user_of(3), Some("ana"));
}

#[test]
fn sessions_end_with_their_password_and_with_a_ban() {
    let mut world = World::new();
    world.ok(&by("bob"), password("hash"));
    let until_ms = world.now_ms + 60_000;
    world.ok(&Actor::Key(key(3)), session(3, "bob", "hash", until_ms));
    world.ok(&by("bob"), password("changed"));
    assert_eq!((world.user_of(3), world.user_of(2)), (None, Some("bob")));
    world.ok(&Actor::Key(key(3)), session(3, "bob", "changed", until_ms));
    world.ok(&by("ana"), ban("bob"));
    assert_eq!((world.user_of(3), world.access.password_of(&user("bob"))), (None, None));
    world.refused(&Actor::Key(key(4)), session(4, "bob", "changed", until_ms), "bad_password");
    world.ok(&by("ana"), super::unban("bob"));
    assert_eq!((world.user_of(3), world.user_of(2)), (None, Some("bob")));
    world.refused(&Actor::System, password("x"), "bad_request");
}

#[test]
fn sessions_are_bounded() {
    let mut world = World::new();
    world.ok(&by("bob"), password("hash"));
    let end = world.now_ms + 1_000_000;
    world.refused(&Actor::Key(key(3)), session(3, "bob", "hash", world.now_ms), "bad_request");
    world.ok(&Actor::Key(key(3)), session(3, "bob", "hash", u64::MAX));
    let last = world.now_ms + SESSION_SECONDS_MAX * 1000;
    assert_eq!(world.access.next_end_ms(world.now_ms), Some(last));
    world.ok(&by("bob"), revoke(3));
    for number in 0..SESSIONS_PER_USER_MAX as u8 {
        world.ok(&Actor::Key(key(10 + number)), session(10 + number, "bob", "hash", end + u64::from(number)));
    }
    world.ok(&Actor::Key(key(9)), session(9, "bob", "hash", end + 1000));
    assert_eq!((world.user_of(9), world.user_of(10), world.user_of(11)), (Some("bob"), None, Some("bob")));
    // A session that is ended on purpose leaves the key free for the password.
    world.ok(&by("bob"), revoke(9));
    assert_eq!(world.user_of(9), None);
    world.ok(&Actor::Key(key(9)), session(9, "bob", "hash", end));
    assert_eq!(world.user_of(9), Some("bob"));
}

#[test]
fn codes_end_with_the_right_to_give_them() {
    let mut world = World::new();
    world.user("cid", 3, Role::Administrator);
    world.ok(&by("cid"), invite(None, Role::Administrator, 1));
    world.ok(&by("cid"), device(None, 2));
    world.ok(&by("cid"), device(Some("bob"), 3));
    world.ok(&by("ana"), role("cid", Role::Member));
    world.refused(&Actor::Key(key(5)), join(5, Some(1), Some("dora")), "bad_code");
    world.refused(&Actor::Key(key(5)), join(5, Some(3), None), "bad_code");
    world.ok(&by("ana"), device(Some("cid"), 4));
    world.ok(&by("ana"), ban("cid"));
    for number in [2, 4] {
        world.refused(&Actor::Key(key(5)), join(5, Some(number), None), "bad_code");
    }
}

#[test]
fn the_program_makes_users_for_listeners_that_speak_for_them() {
    let mut world = World::new();
    let made = |name, role| AccessAct::UserMade { user: user(name), role };
    world.refused(&by("ana"), made("robo", Role::Bot), "forbidden");
    assert_eq!(world.ok(&Actor::System, made("robo", Role::Bot)), 1);
    assert_eq!(world.ok(&Actor::System, made("robo", Role::Member)), 0);
    assert_eq!(world.access.role_of(&user("robo")), Some(Role::Bot));
    world.named("geral", NameOf::Channel);
    world.refused(&Actor::System, made("geral", Role::Bot), "name_taken");
}
