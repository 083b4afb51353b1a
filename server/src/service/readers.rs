//! The threads that answer what only reads: `history`, `users`, `channels`, `marks`. They wait for no turn. `search` has one of its own.

use std::sync::Arc;

use recado_proto::{HistoryRequest, ReplyBody, Timestamp, UserName};
use tokio::sync::mpsc::UnboundedSender;
use tracing::error;

use super::clock::Clock;
use super::queue::{Queue, Taken};
use super::reply::{Replies, ReplyTo, internal, refused};
use crate::access::AccessEvent;
use crate::store::{Reader, SharedAccess, StoreError};

/// What is to be read.
#[derive(Debug)]
pub(super) enum Query {
    Users,
    Channels,
    History(HistoryRequest),
    Marks(UserName),
    Audit { after: u64, limit: u32 },
}

/// A request that changes nothing.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) query: Query,
    /// Who asks, where security is on: what that one may not see is not there.
    pub(super) viewer: Option<UserName>,
    pub(super) reply_to: ReplyTo,
}

/// Answers until the queue is closed and empty.
pub(super) fn run(
    mut reader: Box<dyn Reader>,
    queue: &Queue<Read>,
    replies: &UnboundedSender<Replies>,
    clock: &Arc<Clock>,
    access: &SharedAccess,
) {
    let mut reads = Vec::with_capacity(1);
    while queue.take(&mut reads, 1, None) == Taken::Work {
        for Read { query, viewer, reply_to } in reads.drain(..) {
            let body = answer(reader.as_mut(), &query, viewer.as_ref(), access).unwrap_or_else(|failure| {
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
pub(super) fn answer(
    reader: &mut dyn Reader,
    query: &Query,
    viewer: Option<&UserName>,
    access: &SharedAccess,
) -> Result<ReplyBody, StoreError> {
    Ok(match query {
        Query::Users => ReplyBody::Users(reader.users()?),
        Query::Channels => {
            let mut channels = reader.channels()?;
            if let Some(viewer) = viewer {
                let access = access.read();
                channels.retain(|channel| access.may_read(viewer, channel));
            }
            ReplyBody::Channels(channels)
        }
        Query::Audit { after, limit } => {
            let events = reader.access_events(*after, *limit as usize)?;
            ReplyBody::Audit(events.iter().map(AccessEvent::to_audit_entry).collect())
        }
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
