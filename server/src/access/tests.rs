//! What the rules say, told as what is done one after the other.

mod administration;
mod channels;
mod joining;
mod names;
mod plain;
mod property;
mod questions;

use std::collections::BTreeMap;

use recado_proto::{ChannelName, DeviceKey, JoinCode, Looks, Role, UserName};

use super::{Access, AccessAct, AccessChange, AccessEvent, Actor, Administration, CodeHash, Names, author};
use crate::store::{NameOf, Refusal};

/// A system, its clock, and the names of the chat beside it.
#[derive(Clone, Default)]
struct World {
    access: Access,
    names: BTreeMap<String, NameOf>,
    looks: Looks,
    now_ms: u64,
    events: Vec<AccessEvent>,
}

impl World {
    /// With the administrator `ana`, whose key is 1, and the member `bob`, whose key is 2.
    fn new() -> Self {
        let mut world = World { now_ms: 1_700_000_000_000, ..World::default() };
        world.ok(&Actor::System, AccessAct::FirstAdministrator { code: code(200) });
        world.ok(&Actor::Key(key(1)), join(1, Some(200), Some("ana")));
        world.member("bob", 2);
        world
    }

    fn member(&mut self, name: &str, number: u8) {
        self.user(name, number, Role::Member);
    }

    fn user(&mut self, name: &str, number: u8, role: Role) {
        self.ok(&by("ana"), invite(Some(name), role, 150));
        self.ok(&Actor::Key(key(number)), join(number, Some(150), None));
    }

    fn channel(&mut self, owner: &str, name: &str, private: bool) {
        self.ok(&by(owner), AccessAct::ChannelMade { channel: channel(name), private });
    }

    fn judge(&self, actor: &Actor, act: &AccessAct) -> Result<Vec<AccessChange>, Refusal> {
        self.access.judge(actor, act, self, self.now_ms)
    }

    /// There is one of this name.
    fn named(&mut self, name: &str, of: NameOf) {
        self.names.insert(name.to_owned(), of);
        self.looks.add(name);
    }

    /// Does it, as a store would.
    fn attempt(&mut self, actor: &Actor, act: &AccessAct) -> Result<usize, Refusal> {
        let changes = self.judge(actor, act)?;
        let count = changes.len();
        let author = author(actor, &changes);
        for change in changes {
            match &change {
                AccessChange::Joined { user, .. } => self.named(user.as_str(), NameOf::User),
                AccessChange::ChannelMade { channel, .. } => self.named(channel.as_str(), NameOf::Channel),
                _ => {}
            }
            let n = self.access.last_event() + 1;
            let event = AccessEvent { n, time_ms: self.now_ms, by: author.clone(), change };
            self.access.apply(&event);
            self.events.push(event);
        }
        Ok(count)
    }

    /// How many changes it makes.
    #[track_caller]
    fn ok(&mut self, actor: &Actor, act: AccessAct) -> usize {
        match self.attempt(actor, &act) {
            Ok(count) => count,
            Err(refusal) => panic!("{act:?} by {actor:?}: {refusal:?}"),
        }
    }

    /// It is refused with this code, and changes nothing.
    #[track_caller]
    fn refused(&self, actor: &Actor, act: AccessAct, expect: &str) -> String {
        match self.judge(actor, &act) {
            Ok(changes) => panic!("{act:?} by {actor:?} would change {changes:?}"),
            Err(refusal) => {
                assert_eq!(refusal.code.as_str(), expect, "{act:?} by {actor:?}: {}", refusal.description);
                refusal.description
            }
        }
    }

    fn user_of(&self, number: u8) -> Option<&str> {
        self.access.user_of(&key(number), self.now_ms).map(UserName::as_str)
    }

    fn later(&mut self, seconds: u64) {
        self.now_ms += seconds * 1000;
    }
}

impl Names for World {
    fn name_of(&self, name: &str) -> NameOf {
        self.names.get(name).copied().unwrap_or(NameOf::Nobody)
    }

    fn has_like(&self, name: &str) -> bool {
        self.looks.has_like(name)
    }
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn key(number: u8) -> DeviceKey {
    DeviceKey::from_bytes([number; 32])
}

fn code(number: u8) -> CodeHash {
    CodeHash::of(&JoinCode::from_random([number; 10]))
}

fn by(name: &str) -> Actor {
    Actor::User(user(name))
}

fn join(number: u8, with: Option<u8>, wanted: Option<&str>) -> AccessAct {
    AccessAct::Join { key: key(number), code: with.map(code), user: wanted.map(user), device: None }
}

fn invite(of: Option<&str>, role: Role, number: u8) -> AccessAct {
    let of = of.map(user);
    AccessAct::Admin(Administration::Invite { of, role, seconds: None, code: code(number) })
}

fn device(of: Option<&str>, number: u8) -> AccessAct {
    AccessAct::Admin(Administration::Device { of: of.map(user), seconds: None, code: code(number) })
}

fn add_key(of: &str, number: u8) -> AccessAct {
    AccessAct::Admin(Administration::AddKey { of: user(of), key: key(number), device: None })
}

fn revoke(number: u8) -> AccessAct {
    AccessAct::Admin(Administration::RevokeKey { key: key(number) })
}

fn role(of: &str, role: Role) -> AccessAct {
    AccessAct::Admin(Administration::Role { of: user(of), role })
}

fn ban(of: &str) -> AccessAct {
    AccessAct::Admin(Administration::Ban { of: user(of) })
}

fn unban(of: &str) -> AccessAct {
    AccessAct::Admin(Administration::Unban { of: user(of) })
}

fn mute(of: &str, place: Option<&str>, seconds: Option<u64>) -> AccessAct {
    AccessAct::Admin(Administration::Mute { of: user(of), channel: place.map(channel), seconds })
}

fn unmute(of: &str, place: Option<&str>) -> AccessAct {
    AccessAct::Admin(Administration::Unmute { of: user(of), channel: place.map(channel) })
}

fn make_private(name: &str) -> AccessAct {
    AccessAct::Admin(Administration::Private { channel: channel(name) })
}

fn make_public(name: &str) -> AccessAct {
    AccessAct::Admin(Administration::Public { channel: channel(name) })
}

fn add(name: &str, of: &str) -> AccessAct {
    AccessAct::Admin(Administration::Add { channel: channel(name), of: user(of) })
}

fn remove(name: &str, of: &str) -> AccessAct {
    AccessAct::Admin(Administration::Remove { channel: channel(name), of: user(of) })
}
