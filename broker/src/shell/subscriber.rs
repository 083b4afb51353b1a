//! A subscriber's connection: reads its subscriptions, and writes what waits for it when there is room. What can be written
//! at once, publishers' tasks write themselves.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use recado_zmtp::codec::{Command, Frames, Item, MessageLimits, MessageSplitter, Subscription};
use recado_zmtp::curve::PublicKey;
use recado_zmtp::transport::Stream;
use tokio::io::Interest;
use tokio::task::yield_now;
use tokio::time::{sleep_until, timeout};
use tracing::debug;

use crate::delivery::FlushEnd;
use crate::limits::{
    CHUNK_BYTES, GREETING_PAUSE_MAX_MS, GREETING_PAUSES, PART_MS, REST_SPARE_BYTES,
    SUBSCRIBER_COMMAND_BYTES_MAX, SUBSCRIBER_FRAMES_MAX, SUBSCRIBER_MESSAGE_BYTES_MAX, SUBSCRIBER_READ_BYTES,
    UNSENT_BYTES_MAX,
};
use crate::shell::asking::Asking;
use crate::shell::end::End;
use crate::shell::shared::{Peer, Shared, SubscriberConnection, Word, write};
use crate::trie::SubscriberId;

struct Reader {
    splitter: MessageSplitter,
    /// The beginning of what is not whole yet; more, if it is paused.
    rest: Vec<u8>,
    /// Of a message that was whole, those that are still to be heeded.
    frames: VecDeque<Box<[u8]>>,
    /// The frames and the rest were not walked to their end: that goes on at this time.
    paused_until: Option<Instant>,
    /// Commands queued since the queue was last empty.
    command_bytes: usize,
    commands: BytesMut,
}

/// Who has just shaken hands.
pub(super) struct Newcomer {
    pub(super) peer: Rc<Peer>,
    /// What it has proved to have, in a secured broker.
    pub(super) key: Option<PublicKey>,
    /// The question whose key that is.
    pub(super) asking: Option<Asking>,
}

/// What a subscriber may send.
pub(super) fn subscriber_limits(shared: &Shared) -> MessageLimits {
    let topic_bytes_max = shared.limits.topic_bytes_max;
    MessageLimits {
        message_bytes_max: (topic_bytes_max + 1).max(SUBSCRIBER_MESSAGE_BYTES_MAX),
        message_frames_max: SUBSCRIBER_FRAMES_MAX,
        command_bytes_max: (topic_bytes_max + 1 + "SUBSCRIBE".len())
            .max(recado_zmtp::limits::COMMAND_BYTES_MAX),
    }
}

pub(super) async fn serve_subscriber(
    shared: &Rc<Shared>,
    stream: Stream,
    newcomer: Newcomer,
    read_ahead: BytesMut,
) {
    let Newcomer { peer, key, asking } = newcomer;
    let address = stream.peer();
    stream.limit_unsent(UNSENT_BYTES_MAX);
    let connection = Rc::new(SubscriberConnection { stream, peer });
    let id = shared.add_subscriber(Rc::clone(&connection), key);
    if let Some(key) = key {
        let hub = shared.hub.borrow();
        debug!(peer = %address, %key, user = hub.user_of(&key), "a subscriber is let in");
    }
    // The hub holds the question now.
    drop(asking);
    let mut reader = Reader::new(shared);
    let end = match reader.take(shared, id, &connection, read_ahead) {
        Ok(()) => reader.serve(shared, id, &connection).await,
        Err(end) => end,
    };
    shared.ended(&end, address);
    shared.subscriber_left(id);
    if matches!(end, End::Stopped) {
        // Whether it has ended or not, it is left now.
        let _ = timeout(Duration::from_millis(PART_MS), part(&connection.stream)).await;
    }
    drop(connection);
    while !shared.hub.borrow_mut().forget_subscriber(id) {
        shared.subscriptions_changed();
        shared.room_for_changes().await;
        yield_now().await;
    }
    shared.subscriptions_changed();
}

/// Says that no more follows, and waits for the peer's end: a connection closed while something of its peer is unread takes
/// along what the system has yet to deliver.
async fn part(stream: &Stream) {
    // Not a part of each connection's task, for which it would be as long as it lives.
    let mut unread = vec![0; SUBSCRIBER_READ_BYTES];
    if stream.shutdown_write().is_err() {
        return;
    }
    while stream.ready(Interest::READABLE).await.is_ok() {
        match stream.try_read(&mut unread) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Whether all is sent that was sealed, as far as the kernel has room for it now.
fn sent(stream: &Stream) -> FlushEnd {
    match stream.try_flush() {
        Ok(()) => FlushEnd::Empty,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => FlushEnd::Blocked,
        Err(_) => FlushEnd::Broken,
    }
}

impl Reader {
    fn new(shared: &Shared) -> Reader {
        Reader {
            splitter: MessageSplitter::new(subscriber_limits(shared)),
            rest: Vec::new(),
            frames: VecDeque::new(),
            paused_until: None,
            command_bytes: 0,
            commands: BytesMut::new(),
        }
    }

    async fn serve(&mut self, shared: &Shared, id: SubscriberId, connection: &SubscriberConnection) -> End {
        loop {
            let waits = match self.flush(shared, id, connection) {
                FlushEnd::Empty if shared.is_fed_out() => return End::Stopped,
                FlushEnd::Empty => false,
                FlushEnd::Blocked => true,
                FlushEnd::TurnOver => {
                    yield_now().await;
                    if let Word::Close(end) = connection.peer.word.take() {
                        return end;
                    }
                    continue;
                }
                FlushEnd::Broken => return End::Left,
            };
            let paused = self.paused_until;
            let interest = match (waits, paused) {
                (true, None) => Interest::READABLE | Interest::WRITABLE,
                (true, Some(_)) => Interest::WRITABLE,
                (false, _) => Interest::READABLE,
            };
            let ready = tokio::select! {
                biased;
                () = connection.peer.wake.notified() => None,
                () = sleep_until(paused.unwrap_or_else(Instant::now).into()), if paused.is_some() => {
                    self.paused_until = None;
                    if let Err(end) = self.go_on(shared, id, connection) {
                        return end;
                    }
                    None
                }
                ready = connection.stream.ready(interest), if waits || paused.is_none() => Some(ready),
            };
            match connection.peer.word.take() {
                Word::Nothing => {}
                Word::Ping(ttl) => self.command(shared, id, &Command::Ping { ttl, context: b"" }),
                Word::Close(end) => return end,
            }
            match ready {
                None => {}
                Some(Err(_)) => return End::Left,
                Some(Ok(_)) if self.paused_until.is_some() => {}
                Some(Ok(_)) if shared.greetings_from.get() > Instant::now() => {
                    self.paused_until = Some(shared.greetings_from.get());
                }
                Some(Ok(ready)) if ready.is_readable() || ready.is_read_closed() => {
                    shared.room_for_changes().await;
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
        let end = match sent(&connection.stream) {
            FlushEnd::Empty => self.flush_queue(shared, id, connection),
            end @ (FlushEnd::Blocked | FlushEnd::TurnOver | FlushEnd::Broken) => end,
        };
        connection.peer.blocked.set(end == FlushEnd::Blocked);
        end
    }

    fn flush_queue(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
    ) -> FlushEnd {
        let mut hub = shared.hub.borrow_mut();
        let (_, waiting) = hub.queued(id);
        if !waiting {
            self.command_bytes = 0;
            return FlushEnd::Empty;
        }
        let flushed = hub.flush(id, |slices| write(&connection.stream, slices));
        if flushed.caught_up {
            shared.relief.notify_waiters();
        }
        match flushed.end {
            // Of the last that was sealed something may not be sent yet.
            FlushEnd::Empty => sent(&connection.stream),
            end @ (FlushEnd::Blocked | FlushEnd::TurnOver | FlushEnd::Broken) => end,
        }
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.hold(shared, connection).map(|()| false)
                }
                Err(error) => Err(End::of_stream(&error)),
            }
        } else {
            self.read_long(shared, id, connection)
        };
        shared.chunks.borrow_mut().give_back(buffer);
        shared.subscriptions_changed();
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
            Err(error) => (0, Err(End::of_stream(&error))),
        };
        self.walk(shared, id, connection, &buffer[..held + count])?;
        outcome
    }

    /// Walks what a pause has left.
    fn go_on(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
    ) -> Result<(), End> {
        let rest = std::mem::take(&mut self.rest);
        let outcome = self.walk(shared, id, connection, &rest);
        shared.subscriptions_changed();
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
        shared.subscriptions_changed();
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
        let began = Instant::now();
        while self.work_off(shared, id)?
            && let Some(item) = self.splitter.next_item(&bytes[at..])?
        {
            match item {
                Item::Command(body) => {
                    let command = Command::decode(&bytes[at..][body])?;
                    self.obey(shared, id, connection, &command)?;
                }
                Item::Message(span) => {
                    let frames = Frames::new(&bytes[at..][span.range]).filter(|frame| !frame.command);
                    self.frames.extend(frames.map(|frame| Box::from(frame.body)));
                }
            }
            at += self.splitter.release();
        }
        if self.paused_until.is_some() {
            let pause = (began.elapsed() * GREETING_PAUSES).min(Duration::from_millis(GREETING_PAUSE_MAX_MS));
            shared.greetings_from.set(Instant::now() + pause);
            self.paused_until = Some(shared.greetings_from.get());
        }
        let rest = &bytes[at..];
        if self.rest.capacity() > rest.len() + REST_SPARE_BYTES || rest.is_empty() {
            self.rest = Vec::new();
        }
        self.rest.clear();
        self.rest.extend_from_slice(rest);
        let held = self.rest.len() + connection.stream.held_bytes();
        shared.holds_inbound(&connection.peer, held, at > 0, Instant::now())
    }

    /// Nothing could be read, but something sealed may have come that cannot be opened before its end is there.
    fn hold(&self, shared: &Shared, connection: &SubscriberConnection) -> Result<(), End> {
        let sealed = connection.stream.held_bytes();
        if sealed == 0 {
            return Ok(());
        }
        connection.peer.heard();
        shared.holds_inbound(&connection.peer, self.rest.len() + sealed, false, Instant::now())
    }

    /// Does what the frames of a message say. False when others are to have their turn first.
    fn work_off(&mut self, shared: &Shared, id: SubscriberId) -> Result<bool, End> {
        let mut hub = shared.hub.borrow_mut();
        loop {
            if hub.is_greeting_turn_over() {
                self.paused_until = Some(Instant::now());
                return Ok(false);
            }
            let Some(frame) = self.frames.pop_front() else { return Ok(true) };
            match Subscription::of_message_frame(&frame) {
                Some(subscription) => hub.wants(id, subscription)?,
                None => shared.counters.ignored.add(1),
            }
        }
    }

    fn obey(
        &mut self,
        shared: &Shared,
        id: SubscriberId,
        connection: &SubscriberConnection,
        command: &Command<'_>,
    ) -> Result<(), End> {
        match command {
            Command::Subscribe(topic) => {
                shared.hub.borrow_mut().wants(id, Subscription::Subscribe(topic))?;
            }
            Command::Cancel(topic) => shared.hub.borrow_mut().wants(id, Subscription::Cancel(topic))?,
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
