//! How SQLite finds what history asks for: by keys, and never by looking through a table.

use rusqlite::Connection;

use super::super::{index, log};
use super::SqliteFixture;
use crate::store::conformance::Fixture;

#[test]
fn history_never_scans() {
    let fixture = SqliteFixture::new();
    fixture.open().close().unwrap();
    let connection = Connection::open(fixture.path()).unwrap();
    for query in index::LOOKS.into_iter().chain([log::READ_AT]) {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let parameters: Vec<i64> = (1..=plan.parameter_count() as i64).collect();
        let steps = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
        let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
        assert!(
            !steps.is_empty() && steps.iter().all(|step| step.starts_with("SEARCH ")),
            "{query}: {steps:?}"
        );
    }
}
