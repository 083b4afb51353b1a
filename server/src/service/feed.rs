//! Publications to one broker: a cursor over the committed log (docs/decisions/0003). While the broker is away or slow the
//! feed waits, and nothing else does; what it has not handed over lies in the store.

use std::sync::Arc;

use recado_proto::Epoch;
use recado_zmtp::{Closed, Message, Publisher};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::recent::{Next, Recent, encode};
use crate::limits::{CATCH_UP_MESSAGES_MAX, PUBLISHED_MARK_INTERVAL};
use crate::store::{Position, Reader, StoreError};

/// How far the furthest feed has come, for the stored mark.
#[derive(Debug)]
pub(super) struct Published(watch::Sender<Position>);

impl Published {
    pub(super) fn new(through: Position) -> Self {
        Self(watch::Sender::new(through))
    }

    pub(super) fn through(&self) -> Position {
        *self.0.borrow()
    }

    /// Waits until some feed has come so far.
    pub(super) async fn reach(&self, through: Position) {
        // The sender is `self`, so it does not end while we wait.
        let _ = self.0.subscribe().wait_for(|published| *published >= through).await;
    }

    fn advance(&self, through: Position) {
        self.0.send_if_modified(|published| {
            let further = through > *published;
            *published = through.max(*published);
            further
        });
    }
}

/// One broker's feed.
pub(super) struct Feed {
    publisher: Publisher,
    recent: Arc<Recent>,
    committed: watch::Receiver<Position>,
    published: Arc<Published>,
    /// Away while a blocking thread reads with it.
    reader: Option<Box<dyn Reader>>,
    epoch: Epoch,
    /// All up to here was given to the socket.
    cursor: Position,
    /// All up to here was written to the connection.
    written: Position,
    written_at: Instant,
    /// Whether any of what lies between both was a publication.
    some_sent: bool,
    lost_before: u64,
}

/// Why a feed ends.
#[derive(Debug)]
pub(super) enum FeedEnd {
    /// Its socket was closed.
    Closed,
    /// The store cannot be read.
    Store(StoreError),
}

impl From<Closed> for FeedEnd {
    fn from(_: Closed) -> Self {
        FeedEnd::Closed
    }
}

impl Feed {
    /// A feed that begins after `cursor`.
    pub(super) fn new(
        publisher: Publisher,
        recent: Arc<Recent>,
        published: Arc<Published>,
        reader: Box<dyn Reader>,
        epoch: Epoch,
    ) -> Self {
        let cursor = published.through();
        let committed = recent.watch();
        let written_at = Instant::now();
        Self {
            publisher,
            recent,
            committed,
            published,
            reader: Some(reader),
            epoch,
            cursor,
            written: cursor,
            written_at,
            some_sent: false,
            lost_before: 0,
        }
    }

    /// Publishes until its socket is closed, or the store fails.
    pub(super) async fn run(mut self) -> FeedEnd {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), FeedEnd> {
        match self.recent.next(self.cursor) {
            Next::Batch(batch) => {
                let from = batch.publications.partition_point(|(position, _)| *position <= self.cursor);
                for (position, message) in &batch.publications[from..] {
                    self.publisher.send(message.clone()).await?;
                    tracing::trace!(%position, "published");
                }
                self.cursor = batch.through;
            }
            Next::InStore => self.catch_up().await?,
            Next::Nothing => {
                self.confirm().await;
                // Having gone back it has something to send, whether or not more is committed.
                if self.cursor >= self.recent.committed() && self.committed.changed().await.is_err() {
                    return Err(FeedEnd::Closed);
                }
                return Ok(());
            }
        }
        if self.written_at.elapsed() >= PUBLISHED_MARK_INTERVAL {
            self.confirm().await;
        }
        Ok(())
    }

    /// Publishes a piece that is only in the store.
    async fn catch_up(&mut self) -> Result<(), FeedEnd> {
        for (position, message) in self.read().await? {
            self.publisher.send(message).await?;
            tracing::trace!(%position, "published");
            self.cursor = self.cursor.max(position);
        }
        Ok(())
    }

    /// The next piece of the log, encoded; the cursor moves past what is not published.
    async fn read(&mut self) -> Result<Vec<(Position, Message)>, FeedEnd> {
        let (cursor, epoch) = (self.cursor, self.epoch);
        let mut reader = self.reader.take().expect("a feed reads one piece at a time");
        let read = spawn_blocking(move || {
            let scan = reader.publications(cursor, CATCH_UP_MESSAGES_MAX);
            (reader, scan)
        });
        let Ok((reader, scan)) = read.await else { return Err(FeedEnd::Closed) };
        self.reader = Some(reader);
        let scan = scan.map_err(FeedEnd::Store)?;
        let mut messages = encode(&scan.found, epoch);
        match messages.last_mut() {
            // Rows after the last message are no publications: done with it, done with them.
            Some((position, _)) => *position = scan.through,
            None => self.cursor = scan.through,
        }
        Ok(messages)
    }

    /// Waits until all that was given to the socket is written, and moves the mark; or goes back, if a connection that
    /// broke took some of it along.
    async fn confirm(&mut self) {
        if self.written < self.cursor {
            if self.all_written().await {
                self.written = self.cursor;
                self.published.advance(self.written);
            } else {
                self.cursor = self.written;
            }
            self.some_sent = false;
        }
        self.written_at = Instant::now();
    }

    async fn all_written(&mut self) -> bool {
        if !self.some_sent {
            return true;
        }
        self.publisher.flush().await;
        let stats = self.publisher.stats();
        let lost_none = stats.lost == self.lost_before;
        self.lost_before = stats.lost;
        // A connection that just ended may not have counted yet what it lost.
        lost_none && stats.connections > 0
    }
}
