//! A subscriber's connection: reads its subscriptions, and writes what waits for it when there is room. What can be written
//! at once, publishers' tasks write themselves.

use std::io;
use std::rc::Rc;
use std::time::Instant;

use bytes::BytesMut;
use recado_zmtp::codec::{
    Command, CommandError, FrameError, Frames, Item, MessageLimits, MessageSplitter, Subscription,
};
use recado_zmtp::transport::Stream;
use thiserror::Error;
use tokio::io::Interest;
use tokio::task::yield_now;

use crate::delivery::FlushEnd;
use crate::hub::SubscriptionError;
use crate::limits::{
    CHUNK_BYTES, SUBSCRIBER_COMMAND_BYTES_MAX, SUBSCRIBER_FRAMES_MAX, SUBSCRIBER_MESSAGE_BYTES_MAX,
    SUBSCRIBER_READ_BYTES,
};
use crate::shell::shared::{Peer, Shared, SubscriberConnection, Word, write};
use crate::trie::SubscriberId;

/// Why a connection is closed.
#[derive(Debug, Error)]
pub(super) enum End {
    /// The peer closed it, or the line broke.
    #[error("the peer left")]
    Left,
    /// The broker ends.
    #[error("the broker ends")]
    Stopped,
    #[error("the peer fell silent")]
    Silent,
    #[error("the subscriber did not keep up")]
    Slow,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    #[error("all unfinished messages together pass {0} bytes")]
    InboundFull(usize),
    #[error("the publisher does not read the subscriptions that it is told of")]
    Deaf,
}

impl Shared {
    /// Counts why a connection ended, and says so if it is the peer's fault.
    pub(super) fn ended(&self, end: &End, peer: impl std::fmt::Display) {
        match end {
            End::Left | End::Stopped => {}
            End::Silent => self.counters.closed_silent.add(1),
            End::Slow
            | End::Frame(_)
            | End::Command(_)
            | End::Subscription(_)
            | End::InboundFull(_)
            | End::Deaf => {
                self.counters.closed_at_fault.add(1);
                self.faults.say("connection closed", peer, end, Instant::now());
            }
        }
    }
}

struct Reader {
    splitter: MessageSplitter,
    /// The beginning of what is not whole yet.
    rest: Vec<u8>,
    /// Commands queued since the queue was last empty.
    command_bytes: usize,
    commands: BytesMut,
    /// The last write found no more room.
    blocked: bool,
}

pub(super) async fn serve_subscriber(
    shared: &Rc<Shared>,
    stream: Stream,
    peer: Rc<Peer>,
    read_ahead: BytesMut,
) {
    let address = stream.peer();
    let connection = Rc::new(SubscriberConnection { stream, peer });
    let id = shared.add_subscriber(Rc::clone(&connection));
    let mut reader = Reader::new(shared);
    let end = match reader.take(shared, id, &connection, read_ahead) {
        Ok(()) => reader.serve(shared, id, &connection).await,
        Err(end) => end,
    };
    shared.ended(&end, address);
    shared.holds_inbound(reader.rest.len(), 0);
    shared.subscriber_left(id);
    drop(connection);
    while !shared.hub.borrow_mut().forget_subscriber(id) {
        shared.wake_publishers();
        yield_now().await;
    }
    shared.wake_publishers();
}

impl Reader {
    fn new(shared: &Shared) -> Reader {
        let topic_bytes_max = shared.limits.topic_bytes_max;
        let limits = MessageLimits {
            message_bytes_max: (topic_bytes_max + 1).max(SUBSCRIBER_MESSAGE_BYTES_MAX),
            message_frames_max: SUBSCRIBER_FRAMES_MAX,
            command_bytes_max: (topic_bytes_max + 1 + "SUBSCRIBE".len())
                .max(recado_zmtp::limits::COMMAND_BYTES_MAX),
        };
        Reader {
            splitter: MessageSplitter::new(limits),
            rest: Vec::new(),
            command_bytes: 0,
            commands: BytesMut::new(),
            blocked: false,
        }
    }

    async fn serve(&mut self, shared: &Shared, id: SubscriberId, connection: &SubscriberConnection) -> End {
        loop {
            let waits = match self.flush(shared, id, connection) {
                FlushEnd::Empty if shared.is_closing() => return End::Stopped,
                FlushEnd::Empty => false,
                FlushEnd::Blocked => true,
                FlushEnd::TurnOver => {
                    yield_now().await;
                    continue;
                }
                FlushEnd::Broken => return End::Left,
            };
            let interest = if waits { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let ready = tokio::select! {
                biased;
                () = connection.peer.wake.notified() => None,
                ready = connection.stream.ready(interest) => Some(ready),
            };
            match connection.peer.word.take() {
                Word::Nothing => {}
                Word::Ping(ttl) => self.command(shared, id, &Command::Ping { ttl, context: b"" }),
                Word::Silent => return End::Silent,
                Word::Broken => return End::Left,
                Word::Slow => return End::Slow,
            }
            match ready {
                None => {}
                Some(Err(_)) => return End::Left,
                Some(Ok(ready)) if ready.is_readable() || ready.is_read_closed() => {
                    match self.read(shared, id, connection) {
                        Ok(true) => yield_now().await,
                        Ok(false) => {}
                        Err(end) => return end,
                    }
                }
                Some(Ok(_)) => {}
            }
        }
    }

    fn flush(&mut self, shared: &Shared, id: SubscriberId, connection: &SubscriberConnection) -> FlushEnd {
        let mut hub = shared.hub.borrow_mut();
        let (_, waiting) = hub.queued(id);
        if !waiting {
            self.command_bytes = 0;
            return FlushEnd::Empty;
        }
        let flushed = hub.flush(id, |slices| write(&connection.stream, slices));
        if flushed.progressed && self.blocked {
            // It has made room since: it lives, even if our PING waits behind what it has not read.
            connection.peer.heard();
        }
        self.blocked = flushed.end == FlushEnd::Blocked;
        if flushed.caught_up {
            shared.relief.notify_waiters();
        }
        flushed.end
    }

    /// Reads what is there. True when there may be more.
    fn read(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
    ) -> Result<bool, End> {
        let mut buffer = shared.chunks.borrow_mut().take(CHUNK_BYTES);
        let held = self.rest.len();
        // What is held is less than the largest message or command, and that much the limits on topics leave room for.
        let size = held + SUBSCRIBER_READ_BYTES;
        let outcome = if size <= buffer.len() {
            buffer[..held].copy_from_slice(&self.rest);
            match connection.stream.try_read(&mut buffer[held..size]) {
                Ok(0) => Err(End::Left),
                Ok(count) => {
                    connection.peer.heard();
                    let walked = self.walk(shared, id, connection, &buffer[..held + count]);
                    walked.map(|()| count == SUBSCRIBER_READ_BYTES)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                Err(_) => Err(End::Left),
            }
        } else {
            self.read_long(shared, id, connection)
        };
        shared.chunks.borrow_mut().give_back(buffer);
        shared.wake_publishers();
        outcome
    }

    /// For topics so long that they do not fit the shared buffer.
    fn read_long(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
    ) -> Result<bool, End> {
        let mut buffer = std::mem::take(&mut self.rest);
        let held = buffer.len();
        buffer.resize(held + SUBSCRIBER_READ_BYTES, 0);
        let (count, outcome) = match connection.stream.try_read(&mut buffer[held..]) {
            Ok(0) => (0, Err(End::Left)),
            Ok(count) => (count, Ok(count == SUBSCRIBER_READ_BYTES)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (0, Ok(false)),
            Err(_) => (0, Err(End::Left)),
        };
        shared.holds_inbound(held, 0);
        self.walk(shared, id, connection, &buffer[..held + count])?;
        outcome
    }

    /// What came behind the handshake.
    fn take(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
        bytes: BytesMut,
    ) -> Result<(), End> {
        let outcome = self.walk(shared, id, connection, &bytes);
        shared.wake_publishers();
        outcome
    }

    fn walk(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
        bytes: &[u8],
    ) -> Result<(), End> {
        let mut at = 0;
        while let Some(item) = self.splitter.next_item(&bytes[at..])? {
            match item {
                Item::Command(body) => {
                    let command = Command::decode(&bytes[at..][body])?;
                    self.obey(shared, id, connection, &command)?;
                }
                Item::Message(span) => {
                    let mut hub = shared.hub.borrow_mut();
                    for frame in Frames::new(&bytes[at..][span.range]) {
                        match Subscription::of_message_frame(frame.body) {
                            _ if frame.command => {}
                            Some(subscription) => hub.apply(id, subscription)?,
                            None => shared.counters.ignored.add(1),
                        }
                    }
                }
            }
            at += self.splitter.release();
        }
        let before = self.rest.len();
        self.rest.clear();
        self.rest.extend_from_slice(&bytes[at..]);
        if self.rest.is_empty() {
            self.rest = Vec::new();
        }
        if !shared.holds_inbound(before, self.rest.len()) {
            return Err(End::InboundFull(shared.limits.inbound_bytes_max));
        }
        Ok(())
    }

    fn obey(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
        command: &Command<'_>,
    ) -> Result<(), End> {
        match command {
            Command::Subscribe(topic) => shared.hub.borrow_mut().subscribe(id, topic)?,
            Command::Cancel(topic) => shared.hub.borrow_mut().cancel(id, topic),
            Command::Ping { ttl, context } => {
                connection.peer.pinged(*ttl);
                self.command(shared, id, &Command::Pong { context });
            }
            Command::Error(_) => return Err(End::Left),
            Command::Ready(_) | Command::Pong { .. } | Command::Unknown { .. } => {}
        }
        Ok(())
    }

    /// Queues a command, unless many wait already: a peer that does not read gets no answers.
    fn command(&mut self, shared: &Shared, id: SubscriberId, command: &Command<'_>) {
        self.commands.clear();
        command.encode(&mut self.commands);
        if self.command_bytes + self.commands.len() <= SUBSCRIBER_COMMAND_BYTES_MAX {
            self.command_bytes += self.commands.len();
            shared.hub.borrow_mut().queue_command(id, &self.commands);
        }
    }
}
