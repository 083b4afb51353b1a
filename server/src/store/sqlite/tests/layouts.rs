//! Stores of an earlier layout.

use recado_proto::{ChannelName, HistoryOf, HistoryRequest, MessageId, Range, UserName};
use rusqlite::Connection;

use super::SqliteFixture;
use crate::store::conformance::Fixture;
use crate::store::{
    Change, Destination, EntryKind, NewAct, NewMessage, Outcome, Position, Reader, SqliteReader,
};

/// What a store was before there were acts.
const TO_FIRST_LAYOUT: &str = "ALTER TABLE log DROP COLUMN target; ALTER TABLE log DROP COLUMN form; DROP TABLE acts; \
    PRAGMA user_version = 1;";

fn ana() -> UserName {
    UserName::parse("ana").unwrap()
}

fn geral() -> ChannelName {
    ChannelName::parse("geral").unwrap()
}

/// A store of the first layout with one message that is indexed.
fn first_layout() -> SqliteFixture {
    let fixture = SqliteFixture::new();
    let mut store = fixture.open();
    let message = NewMessage {
        from: ana(),
        to: Destination::Channel(geral()),
        text: "oi".to_owned(),
        id: Some(MessageId::from_bytes([1; 16])),
        timestamp: None,
        manner: recado_proto::Manner::default(),
        clock: 0,
        imported: None,
    };
    let creation = Change::CreateChannel { channel: geral(), timestamp: None, id: None, owner: None };
    store.commit(vec![creation, Change::Send(message)], 1).unwrap();
    store.close().unwrap();
    Connection::open(fixture.path()).unwrap().execute_batch(TO_FIRST_LAYOUT).unwrap();
    fixture
}

#[test]
fn an_earlier_store_is_brought_up_and_takes_acts() {
    let fixture = first_layout();
    let mut store = fixture.open();
    let act = recado_proto::Act::Edit { target: MessageId::from_bytes([1; 16]), text: "olá".to_owned() };
    let to = Destination::Channel(geral());
    let act = NewAct { from: ana(), to, act, id: None, timestamp: None, clock: 0, imported: None };
    let outcomes = store.commit(vec![Change::Act(act)], 2).unwrap().outcomes;
    assert!(matches!(outcomes[0], Outcome::Stored(receipt) if receipt.seq == 2), "{outcomes:?}");
    store.close().unwrap();
    let store = fixture.open();
    let of = HistoryOf::Channel(geral());
    let request = HistoryRequest { user: ana(), of, range: Range::Latest, limit: 9, acts: false };
    let page = store.reader().unwrap().history(&request).unwrap().unwrap();
    assert_eq!(page.messages[0].message, "olá");
}

#[test]
fn a_reader_of_an_earlier_store_leaves_it_as_it_is() {
    let fixture = first_layout();
    let mut reader = SqliteReader::open(&fixture.path()).unwrap();
    assert_eq!(reader.entries(EntryKind::ChannelMessages, Position(0), 9).unwrap().found.len(), 1);
    drop(reader);
    let layout: i64 = Connection::open(fixture.path())
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(layout, 1);
}
