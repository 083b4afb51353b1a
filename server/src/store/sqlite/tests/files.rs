//! Files that are not ours, or not as they should be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use recado_proto::limits::MESSAGE_BYTES_MAX;
use recado_proto::{ChannelName, HistoryOf, HistoryRequest, Manner, MessageId, Place, Range, UserName};
use rusqlite::Connection;

use super::SqliteFixture;
use crate::limits::{TAIL_BYTES_MAX, TAIL_MESSAGES_MAX, WRITE_AHEAD_LOG_BYTES_MAX};
use crate::store::conformance::Fixture;
use crate::store::{
    Change, Destination, Marks, NewMessage, Outcome, Position, SqliteReader, SqliteStore, Store, StoreError,
};

fn create() -> Change {
    Change::CreateChannel {
        channel: ChannelName::parse("geral").unwrap(),
        timestamp: None,
        id: None,
        owner: None,
    }
}

fn publish(text: &str) -> Change {
    Change::Send(NewMessage {
        from: UserName::parse("ana").unwrap(),
        to: Destination::Channel(ChannelName::parse("geral").unwrap()),
        text: text.to_owned(),
        id: Some(MessageId::new_v7()),
        timestamp: None,
        clock: 0,
        imported: None,
        manner: Manner::default(),
    })
}

fn texts(store: &dyn Store, after: u64) -> Vec<String> {
    let request = HistoryRequest {
        user: UserName::parse("ana").unwrap(),
        of: HistoryOf::Channel(ChannelName::parse("geral").unwrap()),
        range: Range::After(Place::Seq(after)),
        limit: 1000,
        acts: false,
    };
    let page = store.reader().unwrap().history(&request).unwrap().unwrap();
    page.messages.into_iter().map(|message| message.message).collect()
}

/// What lies in the store's folder.
fn names(path: &Path) -> Vec<String> {
    let folder = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn check_refused(path: &Path, part: &str) {
    let before = names(path);
    let error = SqliteStore::open(path).unwrap_err().to_string();
    assert!(error.contains(part) && error.contains(path.to_str().unwrap()), "{error}");
    assert_eq!(names(path), before, "nothing is left beside a file that is not ours");
}

#[test]
fn files_of_others_are_left_alone() {
    let fixture = SqliteFixture::new();
    let path = fixture.path();
    fs::write(&path, "dear diary\n".repeat(50)).unwrap();
    check_refused(&path, "not a Recado store (it is no SQLite file)");
    fs::write(&path, "x").unwrap();
    check_refused(&path, "not a Recado store");
    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE diary (entry TEXT)").unwrap();
    drop(other);
    check_refused(&path, "of another program");
    assert!(SqliteReader::open(&path).unwrap_err().to_string().contains("of another program"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    check_refused(&path, "directory");
}

#[test]
fn a_newer_layout_is_refused() {
    let fixture = SqliteFixture::new();
    fixture.open().close().unwrap();
    let connection = Connection::open(fixture.path()).unwrap();
    connection.execute_batch("PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(connection);
    check_refused(&fixture.path(), "written by a newer Recado (layout 3, this one knows 2)");
}

#[test]
fn a_store_has_one_server() {
    let fixture = SqliteFixture::new();
    let store = fixture.open();
    let process = std::process::id().to_string();
    let alias = fixture.folder.path().join("alias.db");
    symlink(fixture.path(), &alias).unwrap();
    for path in [fixture.path(), alias] {
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(&error, StoreError::Locked { by, .. } if by.contains(&process)), "{error}");
    }
    drop(store);
    fixture.open().close().unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    // Nobody can make files there, not even root.
    let error = SqliteStore::open(Path::new("/sys/recado.db")).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().contains("/sys/recado.db"), "{error}");
    let error = SqliteStore::open(Path::new("/no/such/folder/recado.db")).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
    assert!(matches!(SqliteReader::open(Path::new("/sys/recado.db")), Err(StoreError::Missing { .. })));
}

#[test]
fn a_full_disk_ends_it_and_loses_nothing_that_was_answered() {
    let fixture = SqliteFixture::new();
    let mut store = SqliteStore::open(&fixture.path()).unwrap();
    store.commit(vec![create()], 1).unwrap();
    store.limit_pages(40);
    let text = "x".repeat(1000);
    let mut answered = 0;
    let error = loop {
        match store.commit(vec![publish(&text), publish(&text)], 1) {
            Ok(committed) => {
                assert!(committed.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Stored(_))));
                answered += 2;
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("is full"));
    let after = store.commit(vec![publish("more")], 1).unwrap_err();
    assert!(after.to_string().contains("an earlier write failed"), "{after}");
    assert!(Box::new(store).close().is_err());
    let mut store = fixture.open();
    assert_eq!(texts(store.as_ref(), 0).len(), answered);
    let next = store.commit(vec![publish("after")], 1).unwrap();
    assert!(matches!(&next.outcomes[0], Outcome::Stored(receipt) if receipt.seq == answered as u64 + 1));
}

#[test]
fn a_damaged_file_is_named_and_nothing_panics() {
    let fixture = SqliteFixture::new();
    let mut store = fixture.open();
    let changes = (0..2000).map(|number| publish(&number.to_string()));
    store.commit(std::iter::once(create()).chain(changes).collect(), 1).unwrap();
    store.close().unwrap();
    let whole = fs::read(fixture.path()).unwrap();
    for step in 1..8 {
        let mut torn = whole.clone();
        let at = step * whole.len() / 8;
        torn[at..].fill(0x55);
        fs::write(fixture.path(), &torn).unwrap();
        let outcome = SqliteStore::open(&fixture.path()).map(|mut store| {
            let committed = store.commit(vec![publish("more")], 1);
            let page = store.reader().unwrap().history(&HistoryRequest {
                user: UserName::parse("ana").unwrap(),
                of: HistoryOf::Channel(ChannelName::parse("geral").unwrap()),
                range: Range::After(Place::Seq(0)),
                limit: 1000,
                acts: false,
            });
            (committed.is_ok(), page.is_ok())
        });
        if let Err(error) = outcome {
            assert!(error.to_string().contains("recado.db"), "{error}");
        }
    }
}

#[test]
fn an_older_copy_gets_a_new_epoch() {
    let fixture = SqliteFixture::new();
    let mut store = fixture.open();
    let epoch = store.epoch();
    store.commit(vec![create(), publish("kept")], 1).unwrap();
    store.close().unwrap();
    let copy = fs::read(fixture.path()).unwrap();
    let mut store = fixture.open();
    let committed = store.commit(vec![publish("lost")], 1).unwrap();
    store.set_marks(Marks { published_through: committed.through, clock: 5 });
    store.close().unwrap();
    fs::write(fixture.path(), &copy).unwrap();
    let mut store = fixture.open();
    assert_ne!(store.epoch(), epoch, "places after the copy's end are given out again");
    let restored = store.epoch();
    assert_eq!(texts(store.as_ref(), 0), ["kept"]);
    store.commit(vec![publish("new")], 1).unwrap();
    drop(store);
    assert_eq!(fixture.open().epoch(), restored);
}

#[test]
fn an_older_copy_is_noticed_though_only_the_last_turn_is_lost_and_the_server_was_killed() {
    let fixture = SqliteFixture::new();
    let mut store = fixture.open();
    let epoch = store.epoch();
    store.commit(vec![create(), publish("kept")], 1).unwrap();
    store.close().unwrap();
    let copy = fs::read(fixture.path()).unwrap();
    let mut store = fixture.open();
    store.commit(vec![publish("answered")], 1).unwrap();
    // Nothing is marked and nothing is closed.
    drop(store);
    fs::write(fixture.path(), &copy).unwrap();
    let store = fixture.open();
    assert_eq!(texts(store.as_ref(), 0), ["kept"]);
    assert_ne!(store.epoch(), epoch, "the next message would stand at the place of the one that is lost");
}

#[test]
fn what_an_interrupted_creation_leaves_does_not_matter() {
    let fixture = SqliteFixture::new();
    for name in ["recado.db-new", "recado.db-new-journal", "recado.db-wal", "recado.db-shm"] {
        fs::write(fixture.folder.path().join(name), "torn").unwrap();
    }
    fs::write(fixture.path(), "").unwrap();
    let mut store = fixture.open();
    store.commit(vec![create(), publish("oi")], 1).unwrap();
    store.close().unwrap();
    assert_eq!(texts(fixture.open().as_ref(), 0), ["oi"]);
    assert_eq!(names(&fixture.path()), ["recado.db", "recado.db-lock"]);
}

#[test]
fn the_tail_in_memory_and_the_write_ahead_log_are_bounded() {
    let fixture = SqliteFixture::new();
    let mut store = SqliteStore::open(&fixture.path()).unwrap();
    store.commit(vec![create()], 1).unwrap();
    for turn in 0..20 {
        let changes = (0..1000).map(|number| publish(&(turn * 1000 + number).to_string()));
        store.commit(changes.collect(), 1).unwrap();
        assert!(store.tail().0 <= TAIL_MESSAGES_MAX + 1000);
    }
    assert_eq!(texts(&store, 12_000), (12_000..13_000).map(|number| number.to_string()).collect::<Vec<_>>());
    let text = "x".repeat(MESSAGE_BYTES_MAX);
    let log = fixture.folder.path().join("recado.db-wal");
    for _ in 0..100 {
        store.commit((0..16).map(|_| publish(&text)).collect(), 1).unwrap();
        assert!(store.tail().1 <= TAIL_BYTES_MAX + 16 * MESSAGE_BYTES_MAX);
        let bytes = fs::metadata(&log).unwrap().len();
        assert!(bytes < 3 * WRITE_AHEAD_LOG_BYTES_MAX, "{bytes}");
    }
    assert_eq!(store.last_position(), Position(2 + 20_000 + 1_600));
}
