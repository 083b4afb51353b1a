//! The suite of every store, and what is SQLite's alone: other files, locks, full and read-only disks, copies.

mod access;
mod files;
mod layouts;
mod plans;
mod search;

use std::path::PathBuf;

use tempfile::TempDir;

use super::SqliteStore;
use crate::store::Store;
use crate::store::conformance::{Fixture, conformance_tests};

struct SqliteFixture {
    folder: TempDir,
}

impl SqliteFixture {
    fn path(&self) -> PathBuf {
        self.folder.path().join("recado.db")
    }
}

impl Fixture for SqliteFixture {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.path()).unwrap())
    }
}

conformance_tests!(SqliteFixture);
