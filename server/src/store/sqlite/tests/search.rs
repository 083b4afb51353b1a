//! The file of the index for search: made anew whenever it is not what it should be, and nobody else's file.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use recado_proto::{ChannelName, Manner, SearchRequest, UserName};
use rusqlite::Connection;

use super::SqliteFixture;
use crate::store::conformance::Fixture;
use crate::store::{Change, Destination, NewMessage, Position, SearchError, SearchParts};

fn path(fixture: &SqliteFixture) -> PathBuf {
    fixture.folder.path().join("recado.db-search")
}

/// A store with two messages that are indexed; it was closed.
fn indexed() -> SqliteFixture {
    let fixture = SqliteFixture::new();
    let mut store = fixture.open();
    let geral = ChannelName::parse("geral").unwrap();
    let say = |text: &str| {
        Change::Send(NewMessage {
            from: UserName::parse("ana").unwrap(),
            to: Destination::Channel(geral.clone()),
            text: text.to_owned(),
            id: None,
            timestamp: None,
            clock: 0,
            imported: None,
            manner: Manner::default(),
        })
    };
    let create = Change::CreateChannel { channel: geral.clone(), timestamp: None, id: None, owner: None };
    store.commit(vec![create, say("word one"), say("word two")], 1_700_000_000_000).unwrap();
    let mut parts = store.search().unwrap().unwrap();
    assert_eq!(parts.indexer.follow(100).unwrap(), store.last_position());
    drop(parts);
    store.close().unwrap();
    fixture
}

fn count(parts: &mut SearchParts) -> Result<usize, SearchError> {
    let request = SearchRequest {
        user: UserName::parse("ana").unwrap(),
        words: "word".to_owned(),
        from: None,
        within: None,
        after: None,
        before: None,
        limit: 100,
    };
    let late = Instant::now() + Duration::from_secs(3600);
    Ok(parts.searcher.search(&request, &|_| true, (late, late))?.unwrap().found.len())
}

/// Opens the store again: the index goes so far before it follows, and serves all the same.
#[track_caller]
fn check_reopened(fixture: &SqliteFixture, through: u64) {
    let store = fixture.open();
    let mut parts = store.search().unwrap().unwrap();
    assert_eq!(count(&mut parts).unwrap(), 2);
    assert_eq!(parts.indexer.follow(0).unwrap(), Position(through));
    assert_eq!(count(&mut parts).unwrap(), 2);
    assert_eq!(parts.indexer.follow(100).unwrap(), store.last_position());
    assert_eq!(count(&mut parts).unwrap(), 2);
}

#[test]
fn a_stopped_server_leaves_the_index_in_one_file_and_the_next_one_goes_on() {
    let fixture = indexed();
    let last = fixture.open().last_position();
    let names: Vec<_> =
        fs::read_dir(fixture.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let beside_index =
        names.iter().filter(|name| name.to_string_lossy().starts_with("recado.db-search")).count();
    assert_eq!(beside_index, 1, "{names:?}");
    check_reopened(&fixture, last.0);
}

#[test]
fn an_index_that_is_gone_or_damaged_is_made_anew() {
    let fixture = indexed();
    fs::remove_file(path(&fixture)).unwrap();
    check_reopened(&fixture, 0);
    fs::write(path(&fixture), b"").unwrap();
    check_reopened(&fixture, 0);
    fs::write(path(&fixture), "dear diary\n".repeat(1000)).unwrap();
    check_reopened(&fixture, 0);
    let mut bytes = fs::read(path(&fixture)).unwrap();
    bytes[100..4096].fill(0xaa);
    fs::write(path(&fixture), bytes).unwrap();
    check_reopened(&fixture, 0);
}

#[test]
fn an_index_of_another_layout_or_of_another_store_is_made_anew() {
    for change in [
        "PRAGMA user_version = 99",
        "UPDATE mark SET epoch = epoch + 1",
        "UPDATE mark SET through = 1000000",
        "DELETE FROM mark",
        "DROP TABLE mark",
    ] {
        let fixture = indexed();
        Connection::open(path(&fixture)).unwrap().execute_batch(change).unwrap();
        check_reopened(&fixture, 0);
    }
}

#[test]
fn damage_that_shows_later_is_answered_with_an_error_and_mended() {
    let fixture = indexed();
    let store = fixture.open();
    let mut parts = store.search().unwrap().unwrap();
    parts.indexer.follow(100).unwrap();
    Connection::open(path(&fixture))
        .unwrap()
        .execute_batch("UPDATE words_data SET block = x'ffffffffffffffffffffffff'")
        .unwrap();
    assert!(matches!(count(&mut parts), Err(SearchError::Index { .. })));
    assert_eq!(parts.indexer.follow(100).unwrap(), store.last_position());
    assert_eq!(count(&mut parts).unwrap(), 2);
}

#[test]
fn another_programs_file_is_left_alone() {
    let fixture = indexed();
    fs::remove_file(path(&fixture)).unwrap();
    Connection::open(path(&fixture))
        .unwrap()
        .execute_batch("PRAGMA application_id = 7; CREATE TABLE diary (x)")
        .unwrap();
    let store = fixture.open();
    let mut parts = store.search().unwrap().unwrap();
    for _ in 0..2 {
        assert!(matches!(parts.indexer.follow(100), Err(SearchError::Index { .. })));
    }
    assert_eq!(count(&mut parts).unwrap(), 2, "what is not indexed is read");
    drop(parts);
    let diary: i64 = Connection::open(path(&fixture))
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'diary'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(diary, 1);
}
