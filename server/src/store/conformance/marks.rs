//! Marks, times, the epoch, and what sets imported messages apart.

use recado_proto::Timestamp;

use super::{Fixture, commit, create, login, message, publish, stored};
use crate::store::{Change, Destination, Imported, Marks, NewMessage, Position};

pub(in crate::store) fn marks_are_durable_with_a_commit<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    assert_eq!(store.marks(), Marks::default());
    let marks = Marks { published_through: Position(0), clock: 1 << 52 };
    store.set_marks(marks);
    commit(store.as_mut(), vec![create("a")]);
    drop(store);
    let mut store = fixture.open();
    assert_eq!(store.marks(), marks);
    assert_eq!(store.last_position(), Position(1));
    let marks = Marks { published_through: Position(1), clock: 7 };
    store.set_marks(marks);
    store.tend().unwrap();
    drop(store);
    let mut store = fixture.open();
    assert_eq!(store.marks(), marks);
    store.set_marks(Marks { clock: 8, ..marks });
    store.close().unwrap();
    assert_eq!(fixture.open().marks().clock, 8);
}

pub(in crate::store) fn times_never_go_back<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a")]);
    let mut times = Vec::new();
    for now_ms in [1_800_000_000_000, 1_700_000_000_000, 1_800_000_000_005] {
        let committed = store.commit(vec![publish("ana", "a", "x", None)], now_ms).unwrap();
        times.push(committed.messages[0].time_ms);
    }
    drop(store);
    let mut store = fixture.open();
    let committed = store.commit(vec![publish("ana", "a", "x", None)], 5).unwrap();
    times.push(committed.messages[0].time_ms);
    assert_eq!(times, [1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_005, 1_800_000_000_005]);
    assert_eq!(committed.messages[0].timestamp, Timestamp::from_seconds(1_800_000_000));
}

pub(in crate::store) fn the_epoch_stays<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let epoch = store.epoch();
    commit(store.as_mut(), vec![login("ana")]);
    drop(store);
    let store = fixture.open();
    assert_eq!(store.epoch(), epoch);
    store.close().unwrap();
    assert_eq!(fixture.open().epoch(), epoch);
    assert_ne!(F::new().open().epoch(), epoch);
}

pub(in crate::store) fn imported_messages_keep_their_time_and_are_not_published<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a")]);
    let import = Change::Send(NewMessage {
        imported: Some(Imported { time_ms: 12_345, revised: false }),
        timestamp: Some(Timestamp::from_seconds(12)),
        ..message("ana", Destination::Channel(super::channel("a")), "old", None)
    });
    let committed = commit(store.as_mut(), vec![import]);
    assert!(committed.messages.is_empty());
    assert_eq!(stored(store.as_mut(), publish("ana", "a", "new", None)).seq, 2);
    drop(store);
    let store = fixture.open();
    let mut reader = store.reader().unwrap();
    let scan = reader.publications(Position(0), 100).unwrap();
    assert_eq!(scan.found.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["new"]);
    let request = recado_proto::HistoryRequest {
        user: super::user("ana"),
        of: recado_proto::HistoryOf::Channel(super::channel("a")),
        range: recado_proto::Range::Latest,
        limit: 50,
        acts: false,
    };
    let page = reader.history(&request).unwrap().unwrap();
    assert_eq!(page.messages[0].time_ms, Some(12_345));
    assert_eq!(page.messages[0].timestamp, Timestamp::from_seconds(12));
}
