//! Which names new users and channels may have.

use recado_proto::{Registration, Role};

use super::{World, add_key, by, channel, invite, join, key, user};
use crate::access::{AccessAct, Actor, Administration};
use crate::store::NameOf;

/// The second could be taken for the first.
const ALIKE: [(&str, &str); 5] =
    [("lana", "Iana"), ("Iana", "lana"), ("lana", "LANA"), ("coco", "сосо"), ("modem", "rnodern")];

fn created(name: &str, private: bool) -> AccessAct {
    AccessAct::ChannelMade { channel: channel(name), private }
}

/// Every way in which a name comes to be somebody's. The invitation 8 is for any name, and anybody may register.
fn ways(name: &str) -> [(Actor, AccessAct); 7] {
    [
        (by("ana"), invite(Some(name), Role::Member, 9)),
        (Actor::Key(key(9)), join(9, Some(8), Some(name))),
        (Actor::Key(key(9)), join(9, None, Some(name))),
        (by("ana"), add_key(name, 9)),
        (Actor::System, AccessAct::UserMade { user: user(name), role: Role::Bot }),
        (by("bob"), created(name, false)),
        (by("bob"), created(name, true)),
    ]
}

fn open_to_all() -> World {
    let mut world = World::new();
    world.ok(&by("ana"), AccessAct::Admin(Administration::Registration(Registration::Open)));
    world.ok(&by("ana"), invite(None, Role::Member, 8));
    world
}

#[test]
fn a_new_name_that_hides_something_is_refused_and_an_old_one_stays() {
    let mut world = World::new();
    // The first letter is Cyrillic.
    world.refused(&by("ana"), add_key("\u{430}na", 3), "bad_name");
    world.refused(&by("ana"), add_key("bo\u{200b}b", 3), "bad_name");
    world.ok(&by("ana"), add_key("josé", 3));
    world.named("bo\u{200b}b", NameOf::User);
    world.ok(&by("ana"), add_key("bo\u{200b}b", 4));
}

#[test]
fn a_new_name_that_could_be_taken_for_another_ones_is_refused() {
    for (exists, new) in ALIKE {
        let mut with_user = open_to_all();
        with_user.member(exists, 3);
        let mut with_channel = open_to_all();
        with_channel.channel("ana", exists, false);
        let mut with_private = open_to_all();
        with_private.channel("ana", exists, true);
        let mut from_open_days = open_to_all();
        from_open_days.named(exists, NameOf::Channel);
        for world in [with_user, with_channel, with_private, from_open_days] {
            for (actor, act) in ways(new) {
                world.refused(&actor, act, "name_taken");
            }
            for (actor, act) in ways("dora") {
                assert!(world.judge(&actor, &act).is_ok(), "{act:?} beside {exists}");
            }
        }
    }
}

#[test]
fn names_that_are_there_already_go_on_however_they_look() {
    let mut world = World::new();
    for (name, of) in [("Ana", NameOf::User), ("BOB", NameOf::User), ("B0B", NameOf::Channel)] {
        world.named(name, of);
    }
    world.ok(&by("ana"), invite(Some("Ana"), Role::Member, 3));
    world.ok(&Actor::Key(key(3)), join(3, Some(3), None));
    world.ok(&Actor::Key(key(3)), join(3, None, Some("Ana")));
    world.ok(&by("ana"), add_key("BOB", 4));
    world.ok(&by("bob"), add_key("bob", 5));
    assert_eq!(
        (world.user_of(3), world.user_of(4), world.user_of(5)),
        (Some("Ana"), Some("BOB"), Some("bob"))
    );
    world.ok(&by("ana"), super::make_private("B0B"));
    world.ok(&by("ana"), super::add("B0B", "BOB"));
}

#[test]
fn whether_a_name_is_taken_or_looks_like_one_that_is_is_not_said() {
    let mut world = open_to_all();
    world.channel("ana", "geral", false);
    world.channel("ana", "segredo", true);
    let mut said = Vec::new();
    for name in ["geral", "Geral", "segredo", "Segredo", "ana", "Ana"] {
        let asked = [(by("bob"), created(name, true)), (Actor::Key(key(9)), join(9, None, Some(name)))];
        let taken = asked.map(|(actor, act)| world.refused(&actor, act, "name_taken"));
        said.extend(taken.map(|words| words.replace(name, "")));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    // What is wrong with a name by itself says nothing of the others.
    let mixed = "s\u{435}gredo";
    let before = World::new().refused(&by("bob"), created(mixed, false), "bad_name");
    assert_eq!(world.refused(&by("bob"), created(mixed, false), "bad_name"), before);
}
