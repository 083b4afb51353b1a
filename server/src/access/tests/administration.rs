//! Roles, bans, mutes, and what cannot be done to the last administrator.

use recado_proto::{Act, ActIn, MessageId, RequestBody, Role};

use super::{World, add_key, ban, by, channel, mute, revoke, role, unban, unmute, user};
use crate::access::{AccessAct, Actor, Names};
use crate::limits::{MUTE_SECONDS_MAX, MUTES_PER_USER_MAX};
use crate::store::NameOf;

#[test]
fn only_administrators_look_after_others_and_nobody_else_learns_who_exists() {
    let mut world = World::new();
    world.named("geral", NameOf::Channel);
    world.user("robo", 3, Role::Bot);
    let acts: [fn(&str) -> AccessAct; 6] = [
        |of| role(of, Role::Member),
        ban,
        unban,
        |of| mute(of, None, None),
        |of| mute(of, Some("geral"), Some(5)),
        |of| unmute(of, None),
    ];
    for act in acts {
        for actor in ["bob", "robo"] {
            let exists = world.refused(&by(actor), act("ana"), "forbidden");
            assert_eq!(world.refused(&by(actor), act("nobody"), "forbidden"), exists);
        }
        world.refused(&by("ana"), act("nobody"), "no_such_user");
        world.ok(&by("ana"), act("bob"));
        world.ok(&Actor::System, act("bob"));
        world.ok(&by("ana"), unban("bob"));
    }
}

#[test]
fn the_last_administrator_stays_one() {
    let mut world = World::new();
    for act in [role("ana", Role::Member), ban("ana"), revoke(1)] {
        world.refused(&by("ana"), act.clone(), "forbidden");
        world.refused(&Actor::System, act, "forbidden");
    }
    // A second key may go, and the first one after it was added.
    world.ok(&by("ana"), add_key("ana", 11));
    world.ok(&by("ana"), revoke(1));
    world.refused(&by("ana"), revoke(11), "forbidden");
    // Another administrator without a key does not count, nor does a banned one.
    world.user("cid", 3, Role::Administrator);
    world.ok(&by("cid"), revoke(3));
    world.refused(&by("ana"), ban("ana"), "forbidden");
    world.ok(&by("ana"), add_key("cid", 4));
    world.ok(&by("ana"), ban("cid"));
    world.refused(&by("ana"), role("ana", Role::Bot), "forbidden");
    world.ok(&by("ana"), unban("cid"));
    world.ok(&by("cid"), role("ana", Role::Member));
    world.refused(&by("cid"), role("cid", Role::Member), "forbidden");
    assert!(world.access.has_administrator());
}

#[test]
fn a_banned_user_is_let_in_nowhere() {
    let mut world = World::new();
    assert_eq!(world.ok(&by("ana"), ban("bob")), 1);
    assert_eq!(world.ok(&by("ana"), ban("bob")), 0);
    assert!(world.access.is_banned(&user("bob")));
    assert_eq!((world.user_of(2), world.access.role_of(&user("bob"))), (None, Some(Role::Member)));
    assert!(!world.access.may_read(&user("bob"), &channel("geral")));
    world.refused(&by("bob"), super::device(None, 1), "forbidden");
    let asked = world.access.check(&user("bob"), &RequestBody::Users, &|_| NameOf::Nobody, world.now_ms);
    assert_eq!(asked.unwrap_err().code.as_str(), "forbidden");
    world.ok(&by("ana"), unban("bob"));
    assert_eq!(world.user_of(2), Some("bob"));
}

fn publish(to: &str) -> RequestBody {
    let (message, manner) = ("oi".to_owned(), recado_proto::Manner::default());
    RequestBody::Publish { user: user("bob"), channel: channel(to), message, id: None, manner }
}

fn direct() -> RequestBody {
    let (message, manner) = ("oi".to_owned(), recado_proto::Manner::default());
    RequestBody::Message { src: user("bob"), dst: user("ana"), message, id: None, manner }
}

fn react(within: ActIn) -> RequestBody {
    let act = Act::Delete { target: MessageId::from_bytes([1; 16]) };
    RequestBody::Act { user: user("bob"), within, act, id: None }
}

/// Which of what bob sends passes: to one channel, to another one, to ana.
fn passes(world: &World) -> [bool; 3] {
    let check = |request| {
        world.access.check(&user("bob"), &request, &|name| world.name_of(name), world.now_ms).is_ok()
    };
    let within = |name| ActIn::Channel(channel(name));
    let passes = [publish("geral"), publish("tech"), direct()].map(check);
    let acts = [react(within("geral")), react(within("tech")), react(ActIn::With(user("ana")))].map(check);
    assert_eq!(passes, acts, "acts as messages");
    passes
}

#[test]
fn a_muted_user_sends_nothing_there() {
    let mut world = World::new();
    world.channel("ana", "geral", false);
    world.channel("ana", "tech", false);
    assert_eq!(passes(&world), [true; 3]);
    assert_eq!(world.ok(&by("ana"), mute("bob", Some("geral"), None)), 1);
    assert_eq!(world.ok(&by("ana"), mute("bob", Some("geral"), None)), 0);
    assert_eq!(passes(&world), [false, true, true]);
    world.ok(&by("ana"), mute("bob", None, Some(60)));
    assert_eq!(passes(&world), [false; 3]);
    let create = AccessAct::ChannelMade { channel: channel("new"), private: false };
    world.refused(&by("bob"), create, "forbidden");
    world.later(60);
    assert_eq!(passes(&world), [false, true, true]);
    assert_eq!(world.ok(&by("ana"), unmute("bob", Some("geral"))), 1);
    assert_eq!(world.ok(&by("ana"), unmute("bob", Some("geral"))), 0);
    assert_eq!(passes(&world), [true; 3]);
}

#[test]
fn mutes_are_in_channels_that_exist_and_bounded() {
    let mut world = World::new();
    world.refused(&by("ana"), mute("bob", Some("nowhere"), None), "no_such_channel");
    for seconds in [0, MUTE_SECONDS_MAX + 1, u64::MAX] {
        world.refused(&by("ana"), mute("bob", None, Some(seconds)), "bad_request");
    }
    for number in 0..=MUTES_PER_USER_MAX {
        world.named(&format!("c{number}"), NameOf::Channel);
    }
    for number in 0..MUTES_PER_USER_MAX {
        world.ok(&by("ana"), mute("bob", Some(&format!("c{number}")), Some(9)));
    }
    let last = format!("c{MUTES_PER_USER_MAX}");
    world.refused(&by("ana"), mute("bob", Some(&last), None), "busy");
    world.ok(&by("ana"), mute("bob", None, None));
    world.later(9);
    world.ok(&by("ana"), mute("bob", Some(&last), None));
}
