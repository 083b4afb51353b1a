//! The table of what happened about access, when it is not as it should be.

use recado_proto::{ChannelName, DeviceKey, DeviceLabel, Registration, Role, UserName};
use rusqlite::Connection;

use super::SqliteFixture;
use crate::access::{AccessChange, AccessEvent, CodeHash, Grant, PasswordHash};
use crate::store::conformance::Fixture;
use crate::store::sqlite::access;
use crate::store::{Reader, SqliteReader, SqliteStore, StoreError};

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn every_change() -> Vec<AccessChange> {
    let (ana, geral) = (|| user("ana"), || ChannelName::parse("geral").unwrap());
    let (key, code) = (DeviceKey::from_bytes([7; 32]), CodeHash::from_bytes([9; 32]));
    let invited = |of, role| Grant::Invitation { of, role };
    let made = |grant| AccessChange::CodeMade { code, grant, until_ms: 5 };
    let device = DeviceLabel::parse("laptop").ok();
    let mut changes = vec![
        made(Grant::Device { of: ana() }),
        AccessChange::CodeSpent { code },
        AccessChange::KeyRevoked { user: ana(), key },
        AccessChange::PlainListener { user: ana(), key },
        AccessChange::Banned { user: ana() },
        AccessChange::Unbanned { user: ana() },
        AccessChange::MadePrivate { channel: geral() },
        AccessChange::MadePublic { channel: geral() },
        AccessChange::MemberAdded { channel: geral(), user: ana() },
        AccessChange::MemberRemoved { channel: geral(), user: ana() },
        AccessChange::PasswordSet { user: ana(), hash: PasswordHash::from_phc("$argon2id$x") },
    ];
    for role in Role::ALL {
        changes.extend([made(invited(None, role)), made(invited(Some(ana()), role))]);
        changes.extend([
            AccessChange::Joined { user: ana(), role },
            AccessChange::RoleGiven { user: ana(), role },
        ]);
    }
    for (device, until_ms) in [(None, None), (device.clone(), None), (device, Some(5)), (None, Some(6))] {
        changes.push(AccessChange::KeyAdded { user: ana(), key, device, until_ms });
    }
    for channel in [None, Some(geral())] {
        changes.push(AccessChange::Unmuted { user: ana(), channel: channel.clone() });
        for until_ms in [None, Some(5)] {
            changes.push(AccessChange::Muted { user: ana(), channel: channel.clone(), until_ms });
        }
    }
    for private in [false, true] {
        changes.push(AccessChange::ChannelMade { channel: geral(), owner: ana(), private });
    }
    changes.extend(Registration::ALL.map(AccessChange::RegistrationSet));
    changes
}

fn written() -> (SqliteFixture, Vec<AccessEvent>) {
    let fixture = SqliteFixture::new();
    fixture.open().close().unwrap();
    let numbered = (1..).zip(every_change());
    let by = |n: u64| n.is_multiple_of(2).then(|| user("bob"));
    let events: Vec<_> =
        numbered.map(|(n, change)| AccessEvent { n, time_ms: 3 * n, by: by(n), change }).collect();
    access::append(&Connection::open(fixture.path()).unwrap(), &events).unwrap();
    (fixture, events)
}

#[test]
fn every_change_is_read_as_it_was_written() {
    let (fixture, events) = written();
    let store = SqliteStore::open(&fixture.path()).unwrap();
    assert_eq!(crate::store::Store::access(&store).version(), events.len() as u64);
    let mut reader = SqliteReader::open(&fixture.path()).unwrap();
    assert_eq!(reader.access_events(0, 1000).unwrap(), events);
}

/// What opening says once the table was changed.
fn opened_after(sql: &str) -> String {
    let (fixture, _) = written();
    let changed = Connection::open(fixture.path()).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
    match SqliteStore::open(&fixture.path()) {
        Err(error @ StoreError::Damaged { .. }) => error.to_string(),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn damaged_rows_are_told_and_nothing_is_guessed() {
    for damage in [
        "UPDATE access_events SET act = 'dance' WHERE n = 3",
        "UPDATE access_events SET act = 'role' WHERE n = 3",
        "UPDATE access_events SET user = '_ana' WHERE n = 3",
        "UPDATE access_events SET user = ' ana' WHERE n = 3",
        "UPDATE access_events SET user = NULL WHERE n = 3",
        "UPDATE access_events SET actor = '', act = 'ban' WHERE n = 3",
        "UPDATE access_events SET key = x'00' WHERE n = 3",
    ] {
        let said = opened_after(damage);
        assert!(said.contains("event 3 of access"), "{damage}: {said}");
    }
    let every = |set: &str| format!("UPDATE access_events SET {set}");
    for set in [
        "code = x'01' WHERE code IS NOT NULL",
        "word = 'root' WHERE word IS NOT NULL AND act <> 'password'",
        "label = '' WHERE label IS NOT NULL",
        "until_ms = NULL WHERE act = 'invite'",
        "channel = NULL WHERE act = 'private'",
        "word = printf('%.*c', 300, 'x') WHERE act = 'password'",
    ] {
        let said = opened_after(&every(set));
        assert!(said.contains("of access makes no sense"), "{set}: {said}");
    }
    opened_after("UPDATE access_events SET time_ms = -1 WHERE n = 2");
    let said = opened_after("DELETE FROM access_events WHERE n = 5");
    assert!(said.contains("event 6 of access follows 4"), "{said}");
}

#[test]
fn what_was_said_can_be_read_from_a_store_whose_table_of_access_is_damaged() {
    let (fixture, _) = written();
    let damage = "UPDATE access_events SET act = 'dance' WHERE n = 3";
    Connection::open(fixture.path()).unwrap().execute(damage, []).unwrap();
    let mut reader = SqliteReader::open(&fixture.path()).unwrap();
    assert_eq!(reader.users().unwrap(), []);
    assert_eq!(reader.access_events(0, 2).unwrap().len(), 2);
    assert!(matches!(reader.access_events(2, 1), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_store_of_an_earlier_version_has_nobody() {
    let fixture = SqliteFixture::new();
    fixture.open().close().unwrap();
    let drop_table = || {
        Connection::open(fixture.path()).unwrap().execute_batch("DROP TABLE access_events").unwrap();
    };
    drop_table();
    let mut reader = SqliteReader::open(&fixture.path()).unwrap();
    assert_eq!(reader.access_events(0, 9).unwrap(), []);
    drop(reader);
    let store = fixture.open();
    assert_eq!(store.access().version(), 0);
    assert!(!store.access().read().has_administrator());
}
