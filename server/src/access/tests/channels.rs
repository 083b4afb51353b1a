//! Private and public channels.

use recado_proto::Role;

use super::{World, add, by, channel, make_private, make_public, remove, user};
use crate::access::{AccessAct, Actor};
use crate::limits::MEMBERS_MAX;

fn members(world: &World, name: &str) -> Vec<String> {
    world.access.members(&channel(name)).members.iter().map(ToString::to_string).collect()
}

#[test]
fn a_private_channel_is_its_members() {
    let mut world = World::new();
    world.member("cid", 3);
    world.channel("bob", "segredo", true);
    assert!(world.access.is_private("segredo"));
    assert_eq!(members(&world, "segredo"), ["bob"]);
    assert_eq!(world.ok(&by("bob"), add("segredo", "cid")), 1);
    assert_eq!(world.ok(&by("bob"), add("segredo", "cid")), 0);
    assert!(world.access.may_read(&user("cid"), &channel("segredo")));
    assert!(!world.access.may_read(&user("ana"), &channel("segredo")));
    assert_eq!(world.ok(&by("bob"), remove("segredo", "cid")), 1);
    assert_eq!(world.ok(&by("bob"), remove("segredo", "cid")), 0);
    assert!(!world.access.may_read(&user("cid"), &channel("segredo")));
    world.refused(&by("bob"), add("segredo", "nobody"), "no_such_user");
}

#[test]
fn nobody_outside_learns_that_a_private_channel_exists() {
    let mut world = World::new();
    world.member("cid", 3);
    world.channel("bob", "segredo", true);
    let acts: [fn(&str) -> AccessAct; 5] = [
        make_private,
        make_public,
        |name| add(name, "cid"),
        |name| remove(name, "bob"),
        |name| add(name, "nobody"),
    ];
    for act in acts {
        let private = world.refused(&by("cid"), act("segredo"), "no_such_channel");
        let none = world.refused(&by("cid"), act("segreda"), "no_such_channel");
        assert_eq!(private.replace("segredo", "segreda"), none);
    }
    // A member knows of it, and yet it is not the member's.
    world.ok(&by("bob"), add("segredo", "cid"));
    for act in acts {
        world.refused(&by("cid"), act("segredo"), "forbidden");
    }
}

#[test]
fn channels_are_looked_after_by_their_owners_and_by_administrators() {
    let mut world = World::new();
    world.member("cid", 3);
    world.channel("bob", "geral", false);
    assert_eq!(world.access.members(&channel("geral")).owner, Some(user("bob")));
    world.refused(&by("cid"), make_private("geral"), "forbidden");
    assert_eq!(world.ok(&by("bob"), make_public("geral")), 0);
    assert_eq!(world.ok(&by("bob"), make_private("geral")), 1);
    assert_eq!(world.ok(&by("bob"), make_private("geral")), 0);
    assert_eq!(members(&world, "geral"), ["bob"]);
    // An administrator looks after it without reading it, unless the log says otherwise.
    world.ok(&by("ana"), add("geral", "cid"));
    assert!(!world.access.may_read(&user("ana"), &channel("geral")));
    world.ok(&by("ana"), add("geral", "ana"));
    assert!(world.access.may_read(&user("ana"), &channel("geral")));
    // Whose it was and who is not in it any more looks after it no more.
    world.ok(&by("ana"), remove("geral", "bob"));
    assert_eq!(world.access.members(&channel("geral")).owner, None);
    world.refused(&by("bob"), make_public("geral"), "no_such_channel");
    world.ok(&by("ana"), make_public("geral"));
    assert!(members(&world, "geral").is_empty());
    assert!(world.access.may_read(&user("bob"), &channel("geral")));
}

#[test]
fn members_are_bounded() {
    let mut world = World::new();
    world.channel("bob", "segredo", true);
    for number in 1..=MEMBERS_MAX {
        let user = user(&format!("u{number}"));
        world.ok(&Actor::System, AccessAct::UserMade { user, role: Role::Member });
    }
    for number in 1..MEMBERS_MAX {
        world.ok(&by("bob"), add("segredo", &format!("u{number}")));
    }
    world.refused(&by("bob"), add("segredo", &format!("u{MEMBERS_MAX}")), "busy");
    world.ok(&by("bob"), remove("segredo", "u1"));
    world.ok(&by("bob"), add("segredo", &format!("u{MEMBERS_MAX}")));
    assert_eq!(members(&world, "segredo").len(), MEMBERS_MAX);
}

#[test]
fn everybody_is_in_a_public_channel() {
    let mut world = World::new();
    world.channel("bob", "geral", false);
    for act in [add("geral", "ana"), remove("geral", "ana")] {
        world.refused(&by("bob"), act, "bad_request");
    }
}

#[test]
fn a_channel_from_an_open_system_is_nobodys() {
    let mut world = World::new();
    world.named("velho", crate::store::NameOf::Channel);
    assert!(world.access.may_read(&user("bob"), &channel("velho")));
    world.refused(&by("bob"), make_private("velho"), "forbidden");
    world.ok(&by("ana"), make_private("velho"));
    assert_eq!(members(&world, "velho"), ["ana"]);
    world.ok(&Actor::System, make_public("velho"));
    world.ok(&Actor::System, make_private("velho"));
    assert!(members(&world, "velho").is_empty());
}

#[test]
fn a_channel_is_created_once_and_whose_the_name_is_is_not_said() {
    let mut world = World::new();
    world.channel("ana", "geral", false);
    world.channel("ana", "segredo", true);
    let words = ["geral", "segredo", "ana"].map(|name| {
        let create = AccessAct::ChannelMade { channel: channel(name), private: true };
        world.refused(&by("bob"), create, "name_taken").replace(name, "")
    });
    assert_eq!(words, [words[0].clone(), words[0].clone(), words[0].clone()]);
}

#[test]
fn bots_create_no_channels() {
    let mut world = World::new();
    world.user("robo", 3, Role::Bot);
    let create = AccessAct::ChannelMade { channel: channel("x"), private: false };
    world.refused(&by("robo"), create.clone(), "forbidden");
    world.refused(&by("nobody"), create.clone(), "forbidden");
    world.refused(&Actor::System, create, "bad_request");
}
