//! The threads that answer what only reads: `history`, `users`, `channels`, `marks`. They wait for no turn. `search` has one of its own.

use std::sync::Arc;

use recado_proto::{HistoryRequest, ReplyBody, Timestamp, UserName};
use tokio::sync::mpsc::UnboundedSender;
use tracing::error;

use super::clock::Clock;
use super::queue::{Queue, Taken};
use super::reply::{Replies, ReplyTo, internal, refused};
use crate::store::{Reader, StoreError};

/// What is to be read.
#[derive(Debug)]
pub(super) enum Query {
    Users,
    Channels,
    History(HistoryRequest),
    Marks(UserName),
}

/// A request that changes nothing.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) query: Query,
    pub(super) reply_to: ReplyTo,
}

/// Answers until the queue is closed and empty.
pub(super) fn run(
    mut reader: Box<dyn Reader>,
    queue: &Queue<Read>,
    replies: &UnboundedSender<Replies>,
    clock: &Arc<Clock>,
) {
    let mut reads = Vec::with_capacity(1);
    while queue.take(&mut reads, 1, None) == Taken::Work {
        for Read { query, reply_to } in reads.drain(..) {
            let body = answer(reader.as_mut(), &query).unwrap_or_else(|failure| {
                error!(%failure, "a request could not be answered");
                internal()
            });
            let mut answers = Replies::with_capacity(1);
            answers.push(reply_to, body, Timestamp::now(), clock);
            // Nobody listens any more only when the server ends.
            let _ = replies.send(answers);
        }
    }
}

/// What is answered to one request.
pub(super) fn answer(reader: &mut dyn Reader, query: &Query) -> Result<ReplyBody, StoreError> {
    Ok(match query {
        Query::Users => ReplyBody::Users(reader.users()?),
        Query::Channels => ReplyBody::Channels(reader.channels()?),
        Query::History(request) => match reader.history(request)? {
            Ok(page) => ReplyBody::History(page),
            Err(refusal) => refused(refusal),
        },
        Query::Marks(user) => match reader.read_marks(user)? {
            Ok(marks) => ReplyBody::Marks(marks),
            Err(refusal) => refused(refusal),
        },
    })
}
