//! Reads acts from a fuzz target's input: a few names and keys, so that they meet.

use recado_proto::{AdminAct, ChannelName, DeviceKey, DeviceLabel, JoinCode, Registration, Role, UserName};

use super::input::Input;
use crate::access::{AccessAct, Administration, CodeHash, PasswordHash, Prepared};
use crate::limits::{CODE_SECONDS_MAX, MUTE_SECONDS_MAX};

/// Users, channels and what is neither want the same names. `velho` is a user and `antigo` a channel from open days.
pub(super) const NAMES: [&str; 9] =
    ["ana", "bob", "cid", "dora", "velho", "geral", "segredo", "antigo", "ana.bob"];
pub(super) const KEYS: u8 = 48;
const SECONDS: [Option<u64>; 8] = [
    None,
    Some(0),
    Some(1),
    Some(60),
    Some(CODE_SECONDS_MAX),
    Some(CODE_SECONDS_MAX + 1),
    Some(MUTE_SECONDS_MAX),
    Some(u64::MAX),
];

pub(super) fn key(number: u8) -> DeviceKey {
    DeviceKey::from_bytes([number; 32])
}

pub(super) fn user(name: &str) -> UserName {
    UserName::parse(name).expect("it is a name")
}

pub(super) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).expect("it is a name")
}

pub(super) fn code(number: usize) -> CodeHash {
    CodeHash::of(&JoinCode::from_random(bits(number)))
}

/// An act over the connection of this key. `codes` were made so far.
pub(super) fn act(input: &mut Input<'_>, connection: DeviceKey, codes: usize, now_ms: u64) -> AccessAct {
    match input.below(32) {
        0 => AccessAct::FirstAdministrator { code: code(codes) },
        1..=6 => AccessAct::Join {
            key: own_key(input, connection),
            code: input.one_of_two().then(|| code(codes.saturating_sub(input.below(6)))),
            user: input.one_of_two().then(|| user(input.pick(&NAMES))),
            device: label(input),
        },
        7..=9 => AccessAct::Session {
            key: own_key(input, connection),
            user: user(input.pick(&NAMES)),
            password: password(input),
            until_ms: (now_ms - 1).saturating_add(input.pick(&[0, 1, 2, 1000, 60_000, u64::MAX])),
        },
        10 | 11 => {
            let private = input.one_of_two();
            AccessAct::ChannelMade { channel: channel(input.pick(&NAMES)), private }
        }
        12 => AccessAct::UserMade { user: user(input.pick(&NAMES)), role: input.pick(&Role::ALL) },
        13 => AccessAct::Admin(Administration::Password(password(input))),
        14 => AccessAct::PlainListener { user: user(input.pick(&NAMES)), key: any_key(input) },
        _ => match Prepared::of(admin(input), bits(codes)) {
            Prepared::Plain(act) | Prepared::WithCode(act, _) => AccessAct::Admin(act),
            Prepared::ToHash(_) => unreachable!("passwords are not read here"),
        },
    }
}

/// What one asks of a server, before its secrets are hashed.
fn admin(input: &mut Input<'_>) -> AdminAct {
    let name = input.pick(&NAMES);
    let of = || user(name);
    match input.below(18) {
        0 | 1 => {
            let of = input.one_of_two().then(of);
            let (role, seconds) = (input.pick(&Role::ALL), input.pick(&SECONDS));
            AdminAct::Invite { of, role, seconds, code: () }
        }
        2 | 3 => {
            let of = input.one_of_two().then(of);
            AdminAct::Device { of, seconds: input.pick(&SECONDS), code: () }
        }
        4 | 5 => AdminAct::AddKey { of: of(), key: any_key(input), device: label(input) },
        6 => AdminAct::RevokeKey { key: any_key(input) },
        7 => AdminAct::Role { of: of(), role: input.pick(&Role::ALL) },
        8 => AdminAct::Ban { of: of() },
        9 | 10 => AdminAct::Unban { of: of() },
        11 => AdminAct::Mute { of: of(), channel: place(input), seconds: input.pick(&SECONDS) },
        12 => AdminAct::Unmute { of: of(), channel: place(input) },
        13 => AdminAct::Private { channel: channel(name) },
        14 => AdminAct::Public { channel: channel(name) },
        15 => AdminAct::Add { channel: channel(input.pick(&NAMES)), of: of() },
        16 => AdminAct::Remove { channel: channel(input.pick(&NAMES)), of: of() },
        _ => AdminAct::Registration(input.pick(&Registration::ALL)),
    }
}

fn any_key(input: &mut Input<'_>) -> DeviceKey {
    key(input.byte() % KEYS)
}

/// Mostly that of the connection over which it is said.
fn own_key(input: &mut Input<'_>, connection: DeviceKey) -> DeviceKey {
    if input.below(8) == 7 { any_key(input) } else { connection }
}

fn place(input: &mut Input<'_>) -> Option<ChannelName> {
    input.one_of_two().then(|| channel(input.pick(&NAMES)))
}

fn label(input: &mut Input<'_>) -> Option<DeviceLabel> {
    DeviceLabel::parse(input.pick(&["", "portátil", "until 2038"])).ok()
}

fn password(input: &mut Input<'_>) -> PasswordHash {
    PasswordHash::from_phc(input.pick(&["$argon2id$one", "$argon2id$two"]))
}

fn bits(number: usize) -> [u8; 10] {
    let mut bits = [0; 10];
    bits[2..].copy_from_slice(&(number as u64).to_be_bytes());
    bits
}
