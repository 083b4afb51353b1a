//! What is kept: users, channels, logins and messages, in one order. The traits here are all that the rest of the server
//! knows of a store; one conformance suite says what every implementation must do.
//!
//! Nothing here knows of sockets, of replies, or of how a request came in.

mod acts;
mod directory;
mod error;
mod history;
mod rules;
mod shared;
mod sqlite;
mod tail;
mod types;
mod words;

#[cfg(test)]
pub(crate) mod conformance;

use std::sync::Arc;
use std::time::Instant;

use recado_proto::{
    ChannelName, Epoch, HistoryPage, HistoryRequest, ReadMark, SearchPage, SearchRequest, TopicName, UserName,
};

use crate::access::AccessEvent;

pub use error::{SearchError, StoreError};
pub use shared::SharedAccess;
pub use sqlite::{Examined, Holder, SqliteReader, SqliteStore, examine};
pub use types::{
    Change, Committed, Destination, Entry, EntryKind, Imported, Marks, NameOf, NewAct, NewMessage, Outcome,
    Position, Receipt, Refusal, Route, Scan, StoredMessage,
};

pub(crate) use rules::{no_such_channel, no_such_user};
pub(crate) use sqlite::kept_and_added_up;

/// A store as the one process that writes to it sees it. Owned by the writer thread.
pub trait Store: Send {
    /// Applies `changes` in their order, all in one transaction, and returns once they are durable.
    ///
    /// `now_ms` is the time in Unix milliseconds; a store never lets its times go back. On an error nothing may be assumed of
    /// what is durable: the process must end, and the next start recovers.
    fn commit(&mut self, changes: Vec<Change>, now_ms: u64) -> Result<Committed, StoreError>;

    /// Who may do what, as far as it is durable: a view that follows the commits.
    fn access(&self) -> Arc<SharedAccess>;

    /// What can be done while nothing waits: writing the index, saving marks.
    fn tend(&mut self) -> Result<(), StoreError>;

    /// The marks as last set.
    fn marks(&self) -> Marks;

    /// New marks. They become durable with the next commit or [`Store::tend`].
    fn set_marks(&mut self, marks: Marks);

    /// The store's generation.
    fn epoch(&self) -> Epoch;

    /// The position of the last entry that is durable.
    fn last_position(&self) -> Position;

    /// A reader for another thread. It sees all that was committed before it is asked.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;

    /// What finds messages by their words; none if a store of this kind has no such thing.
    fn search(&self) -> Result<Option<SearchParts>, StoreError>;

    /// Makes everything durable, marks included, and leaves the store as small and as quick to open as it can be.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// A store as those who only read see it. Each call reads a state of its own, not older than the last commit that was
/// answered.
pub trait Reader: Send {
    /// What a name names, as far as is committed. It is in memory, and costs nothing.
    fn name_of(&self, name: &str) -> NameOf;

    /// All users, by name.
    fn users(&mut self) -> Result<Vec<UserName>, StoreError>;

    /// All channels, by name.
    fn channels(&mut self) -> Result<Vec<ChannelName>, StoreError>;

    /// Messages as a `history` request asks for them, or why not.
    fn history(&mut self, request: &HistoryRequest) -> Result<Result<HistoryPage, Refusal>, StoreError>;

    /// How far a user has read, or why not.
    fn read_marks(&mut self, user: &UserName) -> Result<Result<Vec<ReadMark>, Refusal>, StoreError>;

    /// The last `seq` up to the position `at` in the topics of these names, 0 where there is none. Names that are nobody's
    /// are left out.
    fn heads(&mut self, names: &[TopicName], at: Position) -> Result<Vec<(TopicName, u64)>, StoreError>;

    /// Messages after `after` that are to be published, in the order of commits, `limit` rows at most.
    fn publications(&mut self, after: Position, limit: usize)
    -> Result<Scan<Arc<StoredMessage>>, StoreError>;

    /// What happened about access after the event of number `after`, `limit` events at most.
    fn access_events(&mut self, after: u64, limit: usize) -> Result<Vec<AccessEvent>, StoreError>;

    /// Entries of one kind after `after`, in the order of commits, out of `limit` rows at most.
    fn entries(&mut self, kind: EntryKind, after: Position, limit: usize) -> Result<Scan<Entry>, StoreError>;
}

/// What finds messages by their words: two parts, for a thread each.
pub struct SearchParts {
    /// The part that keeps up with the store.
    pub indexer: Box<dyn Indexer>,
    /// The part that answers.
    pub searcher: Box<dyn Searcher>,
}

/// Follows a store, so that messages are found by their words without reading them all. Its index is no part of what is kept: after
/// an error it is made anew.
pub trait Indexer: Send {
    /// Takes up what comes next, out of `limit` rows of the store's order. All up to the position that is returned is indexed.
    fn follow(&mut self, limit: usize) -> Result<Position, SearchError>;

    /// The position of the last entry that there is.
    fn log_end(&self) -> Position;
}

/// Finds messages by their words. What is found is so by now: as edited, not deleted, and for who asks to see.
pub trait Searcher: Send {
    /// Messages as a `search` request asks for them, or why not; of channels only where `sees` says so. At the first time the index is not asked further, at the second
    /// nothing more is looked at; what was found by then is the answer.
    fn search(
        &mut self,
        request: &SearchRequest,
        sees: &dyn Fn(&ChannelName) -> bool,
        until: (Instant, Instant),
    ) -> Result<Result<SearchPage, Refusal>, SearchError>;
}
