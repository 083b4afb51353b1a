//! Finding messages by their words: an index in a file of its own beside the store, which follows the log (docs/decisions/0009).
//!
//! It says nothing that the store does not say, and nothing is believed that only it says: what it names is read from the store
//! and looked at before it is an answer. So whoever edits, deletes or may not see a message is right at once, however far the
//! index is behind. A file that is missing, damaged, of another store or of another layout is made anew.

mod file;
mod indexer;
mod scope;
mod searcher;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use recado_proto::Epoch;

use super::super::{SearchError, SearchParts, StoreError};
use super::SharedView;
use super::reader::SqliteReader;
use indexer::SqliteIndexer;
use searcher::SqliteSearcher;

/// What both sides tell each other.
#[derive(Debug, Default)]
struct Shared {
    /// Raised whenever the file is opened or made: a connection of before looks at another file. 0: there is none yet.
    generation: AtomicU64,
    /// Whoever reads the file could not.
    is_damaged: AtomicBool,
}

impl Shared {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

/// Both sides, for a thread each, of the store at `path`. Neither does anything before it is asked.
pub(super) fn beside(path: &Path, view: &Arc<SharedView>, epoch: Epoch) -> Result<SearchParts, StoreError> {
    let shared = Arc::new(Shared::default());
    let file = file::path_of(path);
    let reader = || SqliteReader::beside(path, Arc::clone(view), epoch);
    let indexer = SqliteIndexer::new(reader()?, file.clone(), Arc::clone(&shared));
    let searcher = SqliteSearcher::new(reader()?, file, shared);
    Ok(SearchParts { indexer: Box::new(indexer), searcher: Box::new(searcher) })
}

fn index_error(path: &Path, why: impl ToString) -> SearchError {
    SearchError::Index { path: path.to_path_buf(), why: why.to_string() }
}
