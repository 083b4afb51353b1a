//! Where requests come in and replies go out: the one task that owns the ROUTER socket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use recado_proto::{Code, ReplyBody, Timestamp};
use recado_zmtp::curve::PublicKey;
use recado_zmtp::{Message, PeerId, Router};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::ServerError;
use super::callers::{Callers, Guard};
use super::feed::FeedEnd;
use super::reply::{Replies, ReplyTo, refused};
use super::requests::{self, Work};
use super::threads::Threads;
use super::turns::unix_ms;
use super::writer::Write;
use crate::limits::{
    PASSWORDS_WAITING_MAX, READS_WAITING_MAX, REQUESTS_A_READ_MAX, REQUESTS_UNDER_WAY_BYTES_MAX,
    REQUESTS_UNDER_WAY_MAX, ROUNDS_UNRELEASED_MAX, SHUTDOWN_FEED_WAIT, TURN_AT_DESK_REQUESTS_MAX,
};
use crate::quota::SharedQuota;
use crate::store::{Reader, Refusal, StoreError};

/// The socket, and what is under way behind it.
pub(super) struct Desk {
    router: Router,
    replies: UnboundedReceiver<Replies>,
    threads: Threads,
    /// Where security is on.
    gate: Option<Gate>,
    access_changes: watch::Receiver<u64>,
    /// Requests taken and not answered yet.
    under_way: usize,
    under_way_bytes: usize,
    /// Writes that wait for what else is ready to be read: all that is under way, or none.
    gathered: Vec<Write>,
    /// How often other tasks had their turn since the first write that is not released.
    rounds_unreleased: Option<u32>,
}

/// The key at the other end of a connection, and where it comes from.
fn found(router: &Router, peer: PeerId) -> Option<(PublicKey, Option<IpAddr>)> {
    let info = router.peer(peer)?;
    Some((info.key?, info.address.host()))
}

/// What requests are judged by.
struct Gate {
    callers: Callers,
    /// For its names alone, which are in memory.
    names: Box<dyn Reader>,
}

impl Desk {
    /// `names` where security is on.
    pub(super) fn new(
        router: Router,
        replies: UnboundedReceiver<Replies>,
        threads: Threads,
        names: Option<Box<dyn Reader>>,
        quota: Option<SharedQuota>,
    ) -> Self {
        let gathered = Vec::with_capacity(REQUESTS_A_READ_MAX);
        let gate =
            names.map(|names| Gate { callers: Callers::new(Arc::clone(&threads.access), quota), names });
        let access_changes = threads.access.changes();
        Self {
            router,
            replies,
            threads,
            gate,
            access_changes,
            under_way: 0,
            under_way_bytes: 0,
            gathered,
            rounds_unreleased: None,
        }
    }

    /// Serves until `shutdown`, finishes what is under way, and closes everything.
    pub(super) async fn run(mut self, shutdown: &CancellationToken) -> Result<(), ServerError> {
        let served = self.serve(shutdown).await;
        // Replies that are ready are durable whatever happened since: they still go out.
        self.router.close().await;
        served?;
        let committed = self.threads.recent.committed();
        if !self.threads.feeds.is_empty()
            && timeout(SHUTDOWN_FEED_WAIT, self.threads.published.reach(committed)).await.is_err()
        {
            warn!("no broker took the last publications; they go out at the next start");
        }
        self.threads.stop().await
    }

    /// Returns once `shutdown` is cancelled and all that was received is answered, or with what went wrong.
    async fn serve(&mut self, shutdown: &CancellationToken) -> Result<(), ServerError> {
        let mut requests = Vec::with_capacity(REQUESTS_A_READ_MAX);
        let mut stopping = false;
        let mut all_received = false;
        while !all_received || self.under_way > 0 {
            let has_room = self.under_way < REQUESTS_UNDER_WAY_MAX
                && self.under_way_bytes < REQUESTS_UNDER_WAY_BYTES_MAX;
            tokio::select! {
                // Replies come first: their peers wait, and they make room.
                biased;
                Some(replies) = self.replies.recv() => self.send(replies),
                end = &mut self.threads.writer_end => {
                    // Before it is told to, the writer only ends when its store failed.
                    end.map_err(|_| ServerError::Panicked)??;
                    return Err(ServerError::Panicked);
                }
                Some(end) = self.threads.feeds.join_next() => return Err(match end {
                    Ok(FeedEnd::Store(error)) => error.into(),
                    Ok(FeedEnd::Closed) | Err(_) => ServerError::Panicked,
                }),
                Some(_) = self.threads.announcing.join_next() => return Err(ServerError::Panicked),
                () = shutdown.cancelled(), if !stopping => {
                    debug!(under_way = self.under_way, "finishing what is under way");
                    self.router.stop_receiving();
                    stopping = true;
                }
                count = self.router.recv_many(&mut requests, REQUESTS_A_READ_MAX), if has_room && !all_received => {
                    all_received = count == 0;
                    for (peer, message) in requests.drain(..) {
                        self.take(peer, message);
                    }
                    self.hand_over()?;
                }
                Ok(()) = self.access_changes.changed(), if self.gate.is_some() => self.expel(),
                () = yield_now(), if self.rounds_unreleased.is_some() => self.release()?,
            }
        }
        Ok(())
    }

    /// The writer takes them at once if they are as many as the last time; otherwise once all that is ready to be read is
    /// read, which the next round of this task tells. A few that are all that is under way are kept for a turn of our own.
    fn hand_over(&mut self) -> Result<(), StoreError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        if self.gathered.len() > TURN_AT_DESK_REQUESTS_MAX || self.gathered.len() < self.under_way {
            self.threads.writes.push_all(&mut self.gathered);
        }
        let rounds = self.rounds_unreleased.map_or(0, |rounds| rounds + 1);
        self.rounds_unreleased = Some(rounds);
        if rounds >= ROUNDS_UNRELEASED_MAX { self.release() } else { Ok(()) }
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.rounds_unreleased = None;
        if !self.gathered.is_empty() {
            if let Some(replies) = self.threads.turns.take_at_desk(&mut self.gathered) {
                self.send(replies?);
                return Ok(());
            }
            self.threads.writes.push_all(&mut self.gathered);
        }
        self.threads.writes.release();
        Ok(())
    }

    /// Closes the connections of those who are let in no longer.
    fn expel(&mut self) {
        let Some(gate) = &mut self.gate else { return };
        let router = &self.router;
        for peer in gate.callers.expelled(|peer| router.peer(peer).is_some(), unix_ms()) {
            debug!(%peer, "its key is no longer the user's whose it was");
            router.disconnect(peer);
        }
    }

    /// Reads a request and judges it; none of one whose sender is let in no longer.
    fn decode(&mut self, peer: PeerId, message: Message) -> Option<Work> {
        let clock = &self.threads.clock;
        let Some(gate) = &mut self.gate else {
            return Some(requests::decode(peer, message, clock, &Guard::Open));
        };
        let (now_ms, router) = (unix_ms(), &self.router);
        let Ok(caller) = gate.callers.caller(peer, || found(router, peer), now_ms) else {
            router.disconnect(peer);
            return None;
        };
        let names = |name: &str| gate.names.name_of(name);
        let access = gate.callers.access().read();
        let (quota, address) = (gate.callers.quota(), gate.callers.address(peer));
        let guard =
            Guard::Secured { caller: &caller, access: &access, names: &names, now_ms, quota, address };
        Some(requests::decode(peer, message, clock, &guard))
    }

    fn take(&mut self, peer: PeerId, message: Message) {
        let bytes = message.byte_len();
        let Some(work) = self.decode(peer, message) else { return };
        match work {
            Work::Broken(peer, reply) => return self.reply(peer, reply),
            Work::Write(write) => self.gathered.push(write),
            Work::Sync(question, reply_to) => {
                self.threads.ask(question);
                return self.answer(reply_to, ReplyBody::Synced);
            }
            Work::Search(search) => {
                if let Err(refused_to) = self.threads.searches.ask(search) {
                    let (reply_to, refusal) = *refused_to;
                    return self.answer(reply_to, refused(refusal));
                }
            }
            Work::Here(said, reply_to) => {
                let (body, notice) = self.threads.lobby.here(said, Instant::now());
                notice.iter().for_each(|notice| self.threads.tell(notice));
                return self.answer(reply_to, body);
            }
            Work::Answered(body, reply_to) => return self.answer(reply_to, body),
            Work::Password(work) => {
                if let Err(work) = self.threads.passwords.push_within(work, PASSWORDS_WAITING_MAX) {
                    let why = format!("{PASSWORDS_WAITING_MAX} passwords wait to be checked; try again");
                    return self.answer(work.reply_to, refused(Refusal::new(Code::Busy, why)));
                }
            }
            Work::Who(reply_to) => {
                let body = self.threads.lobby.who(Instant::now());
                return self.answer(reply_to, body);
            }
            Work::Read(read) => {
                if let Err(read) = self.threads.reads.push_within(read, READS_WAITING_MAX) {
                    let why = format!("{READS_WAITING_MAX} requests wait to be read; try again");
                    return self.answer(read.reply_to, refused(Refusal::new(Code::Busy, why)));
                }
            }
        }
        self.under_way += 1;
        self.under_way_bytes += bytes;
    }

    /// Answers what no thread has to do with.
    fn answer(&self, to: ReplyTo, body: ReplyBody) {
        let mut replies = Replies::with_capacity(1);
        replies.push(to, body, Timestamp::now(), &self.threads.clock);
        replies.messages.into_iter().for_each(|(peer, reply)| self.reply(peer, reply));
    }

    fn send(&mut self, replies: Replies) {
        self.under_way -= replies.messages.len();
        self.under_way_bytes -= replies.bytes;
        for (peer, reply) in replies.messages {
            self.reply(peer, reply);
        }
        if let Some(publications) = replies.publications {
            self.threads.recent.push(publications);
            self.threads.searches.nudge();
        }
        replies.notices.into_iter().for_each(|notice| self.threads.tell(&notice));
    }

    fn reply(&self, peer: PeerId, reply: Message) {
        if let Err(error) = self.router.send(peer, reply) {
            // What it says holds all the same, and a message repeated under its id is answered again.
            debug!(%peer, %error, "a reply was dropped");
        }
    }
}
