//! Whatever is done in whatever order, some things hold.

use recado_proto::{Registration, Role};

use super::{
    World, add, add_key, ban, by, channel, code, device, invite, join, key, make_private, make_public, mute,
    remove, revoke, role, unban, unmute, user,
};
use crate::access::{Access, AccessAct, Actor, Administration, PasswordHash};
use crate::store::conformance::random::Random;

const USERS: [&str; 6] = ["ana", "bob", "cid", "dora", "eva", "nobody"];
const CHANNELS: [&str; 3] = ["geral", "segredo", "tech"];
const ROLES: [Role; 3] = Role::ALL;
const SECONDS: [Option<u64>; 3] = [None, Some(1), Some(100)];
/// The number behind the last key that is used.
const KEYS: usize = 60;

fn act(world: &World, random: &mut Random) -> AccessAct {
    let of = *random.pick(&USERS);
    let place = *random.pick(&CHANNELS);
    let number = random.below(KEYS) as u8;
    let seconds = *random.pick(&SECONDS);
    let wanted = (random.below(2) == 0).then_some(of);
    match random.below(24) {
        0..=2 => join(number, Some(random.below(8) as u8), wanted),
        3 => join(number, None, wanted),
        4 => invite(wanted, *random.pick(&ROLES), random.below(8) as u8),
        5 => device(wanted, random.below(8) as u8),
        6 => add_key(of, number),
        7 => revoke(number),
        8 => role(of, *random.pick(&ROLES)),
        9 => ban(of),
        10 | 11 => unban(of),
        12 => mute(of, (random.below(2) == 0).then_some(place), seconds),
        13 => unmute(of, None),
        14 => make_private(place),
        15 => make_public(place),
        16 => add(place, of),
        17 => remove(place, of),
        18 => AccessAct::Admin(Administration::Registration(*random.pick(&Registration::ALL))),
        19 => AccessAct::Admin(Administration::Password(PasswordHash::from_phc("hash"))),
        20 => AccessAct::Session {
            key: key(number),
            user: user(of),
            password: PasswordHash::from_phc("hash"),
            until_ms: world.now_ms + 1000 * (1 + random.below(50) as u64),
        },
        21 => AccessAct::UserMade { user: user(of), role: *random.pick(&ROLES) },
        22 => AccessAct::PlainListener { user: user(of), key: key(number) },
        _ => AccessAct::ChannelMade { channel: channel(place), private: random.below(2) == 0 },
    }
}

fn actor(act: &AccessAct, random: &mut Random) -> Actor {
    match act {
        AccessAct::Join { key, .. } | AccessAct::Session { key, .. } => Actor::Key(*key),
        AccessAct::PlainListener { .. } | AccessAct::UserMade { .. } if random.below(4) > 0 => Actor::System,
        _ if random.below(12) == 0 => Actor::System,
        _ if random.below(2) == 0 => by("ana"),
        _ => by(USERS[random.below(USERS.len())]),
    }
}

fn check(world: &World, revoked: &[u8], step: &str) {
    let access = &world.access;
    assert!(access.has_administrator(), "{step}");
    let entries = USERS.map(|name| access.keys(&user(name), world.now_ms)).concat();
    for number in 0..KEYS as u8 {
        let of: Vec<_> = entries.iter().filter(|entry| entry.key == key(number)).collect();
        assert!(of.len() <= 1, "{step}: key {number} is {of:?}'s");
        if let Some(user) = world.user_of(number) {
            assert!(of.iter().any(|entry| entry.user.as_str() == user), "{step}");
            assert!(!access.is_banned(&super::user(user)), "{step}");
        }
        assert!(
            !revoked.contains(&number) || world.user_of(number).is_none(),
            "{step}: key {number} came back"
        );
    }
    let members = CHANNELS.map(|name| access.members(&channel(name)));
    assert_eq!(access.memberships, members.iter().map(|it| it.members.len()).sum::<usize>(), "{step}");
    for (name, members) in CHANNELS.iter().zip(&members) {
        assert!(members.private || members.members.is_empty(), "{step}");
        for who in USERS.map(user) {
            let may = access.may_read(&who, &channel(name));
            assert!(!may || !members.private || members.members.contains(&who), "{step}: {who} reads {name}");
        }
    }
    let plain = access.keys.values().filter(|key| key.stands_in);
    assert!(plain.clone().all(|key| !access.administrators.contains(&key.user)), "{step}");
    assert!(plain.clone().all(|key| key.until_ms.is_none()), "{step}");
    let sessions = access.keys.values().filter_map(|key| key.until_ms).count();
    assert_eq!(access.session_ends.len(), sessions, "{step}");
    let with_key = access.accounts.values().map(|account| account.keys.len() + account.sessions.len());
    assert_eq!(with_key.sum::<usize>(), access.keys.len(), "{step}");
    assert!(access.keys.keys().all(|key| !access.revoked.contains(key)), "{step}");
}

#[test]
fn an_administrator_is_left_keys_are_one_users_and_the_state_is_its_events() {
    let mut taken = 0;
    for seed in 0..25 {
        let mut random = Random::new(seed);
        let mut world = World::new();
        let mut revoked = Vec::new();
        for step in 0..400 {
            let act = act(&world, &mut random);
            let actor = actor(&act, &mut random);
            let lasts = |number| {
                let entries = USERS.map(|name| world.access.keys(&user(name), world.now_ms)).concat();
                entries.iter().any(|entry| entry.key == key(number) && entry.expires_ms.is_none())
            };
            let goes = (0..KEYS as u8).find(|number| act == revoke(*number) && lasts(*number));
            let before = world.access.clone();
            match world.attempt(&actor, &act) {
                Ok(_) => revoked.extend(goes),
                Err(_) => assert!(world.access == before, "seed {seed}, step {step}"),
            }
            taken += usize::from(world.access != before);
            check(&world, &revoked, &format!("seed {seed}, step {step}, {act:?} by {actor:?}"));
            world.later(random.below(3) as u64);
        }
        let mut folded = Access::default();
        world.events.iter().for_each(|event| folded.apply(event));
        assert!(folded == world.access, "seed {seed}: the events add up to something else");
        // What is not good yet becomes known by its hash alone.
        assert!(world.access.codes.keys().all(|kept| (0..=255).any(|number| code(number) == *kept)));
    }
    assert!(taken > 1500, "too little happened: {taken} changes");
}
