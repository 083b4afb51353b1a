//! A publisher's connection: reads chunks of messages and hands them on, writing to subscribers as far as they have room; tells
//! it of the subscriptions.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use recado_zmtp::codec::{Command, MessageSplitter, Version};
use recado_zmtp::transport::Stream;
use tokio::io::Interest;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::chunk::{Chunk, Messages};
use crate::delivery::{Leftovers, Outside, Rest, Written};
use crate::hub::PublisherId;
use crate::limits::{
    CHUNK_BYTES, HOLD_DEBT_BYTES, HOLD_STEP_MS, LARGE_READ_BYTES, PUBLISHER_OUTPUT_BYTES, REST_SPARE_BYTES,
    TURN_BYTES, TURN_READS, WIDE_CHUNK_BYTES, WIDE_SHARE_BYTES,
};
use crate::neighbours::WorkerId;
use crate::shell::end::End;
use crate::shell::lanes::Lanes;
use crate::shell::shared::{Peer, Shared, Word};
use crate::trie::SubscriberId;

/// What the hub needs of us while it forwards.
struct Around<'a> {
    shared: &'a Shared,
    peer: &'a Peer,
    output: &'a mut BytesMut,
    lanes: &'a mut Lanes,
    end: Option<End>,
}

impl Outside for Around<'_> {
    fn command(&mut self, body: &[u8]) -> ControlFlow<()> {
        let end = match Command::decode(body) {
            Ok(Command::Ping { ttl, context }) => {
                self.peer.pinged(ttl);
                put_command(self.output, &Command::Pong { context });
                return ControlFlow::Continue(());
            }
            Ok(
                Command::Ready(_)
                | Command::Subscribe(_)
                | Command::Cancel(_)
                | Command::Pong { .. }
                | Command::Unknown { .. },
            ) => return ControlFlow::Continue(()),
            Ok(Command::Error(_)) => End::Left,
            Err(error) => error.into(),
        };
        self.end = Some(end);
        ControlFlow::Break(())
    }

    fn hand_over(&mut self, worker: WorkerId, messages: Messages) {
        self.lanes.send(self.shared, worker, messages);
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        self.shared.write(id, slices)
    }
}

/// Makes a command ready, unless much waits already: a peer that does not read gets no answers.
fn put_command(output: &mut BytesMut, command: &Command<'_>) {
    if output.len() <= PUBLISHER_OUTPUT_BYTES {
        command.encode(output);
    }
}

struct Reader {
    id: PublisherId,
    version: Version,
    stream: Stream,
    peer: Rc<Peer>,
    splitter: MessageSplitter,
    /// The beginning of a message that is not whole yet.
    rest: BytesMut,
    /// Commands to be written.
    output: BytesMut,
    left: Leftovers,
    lanes: Lanes,
    /// Bytes left in queues since it last waited.
    debt: usize,
    /// What the next read may fill.
    chunk_bytes: usize,
    /// Read since others last had their turn.
    turn_bytes: usize,
    turn_reads: usize,
}

pub(super) async fn serve_publisher(
    shared: &Rc<Shared>,
    stream: Stream,
    peer: Rc<Peer>,
    version: Version,
    read_ahead: BytesMut,
) {
    let address = stream.peer();
    let _feeding = shared.workers.feed(&shared.stop);
    let mut reader = Reader {
        id: shared.add_publisher(Rc::clone(&peer)),
        version,
        stream,
        peer,
        splitter: MessageSplitter::new(shared.message_limits()),
        rest: BytesMut::new(),
        output: BytesMut::new(),
        left: Leftovers::default(),
        lanes: Lanes::default(),
        debt: 0,
        chunk_bytes: CHUNK_BYTES,
        turn_bytes: 0,
        turn_reads: 0,
    };
    let chunk = shared.chunks.borrow_mut().copy(&read_ahead);
    let end = match reader.hand_on(shared, chunk).await {
        Ok(()) => reader.serve(shared).await,
        Err(end) => end,
    };
    shared.ended(&end, address);
    shared.publisher_left(reader.id);
    let Reader { lanes, stream, .. } = reader;
    drop(stream);
    lanes.finish().await;
}

impl Reader {
    async fn serve(&mut self, shared: &Shared) -> End {
        match self.forward(shared).await {
            Err(end) => end,
            Ok(never) => match never {},
        }
    }

    async fn forward(&mut self, shared: &Shared) -> Result<Infallible, End> {
        loop {
            self.heed(shared)?;
            self.tell(shared)?;
            let interest = match self.output.is_empty() && !self.stream.has_unsent() {
                true => Interest::READABLE,
                false => Interest::READABLE | Interest::WRITABLE,
            };
            let ready = tokio::select! {
                biased;
                () = self.peer.wake.notified() => continue,
                ready = self.stream.ready(interest) => ready.map_err(|_| End::Left)?,
            };
            if (ready.is_readable() || ready.is_read_closed())
                && let Some(chunk) = self.read(shared)?
            {
                let used = chunk.bytes().len();
                self.hand_on(shared, chunk).await?;
                self.adapt(used);
                self.clear_lanes(shared).await?;
                if self.debt >= HOLD_DEBT_BYTES && !self.left.to_wait_for.is_empty() {
                    self.wait(shared).await?;
                }
                self.left.to_wait_for.clear();
                if self.turn_bytes >= TURN_BYTES || self.turn_reads >= TURN_READS {
                    (self.turn_bytes, self.turn_reads) = (0, 0);
                    yield_now().await;
                }
            }
        }
    }

    /// Does what others left word for.
    fn heed(&mut self, shared: &Shared) -> Result<(), End> {
        if shared.is_closing() {
            return Err(End::Stopped);
        }
        match self.peer.word.take() {
            Word::Nothing => {}
            Word::Ping(ttl) => put_command(&mut self.output, &Command::Ping { ttl, context: b"" }),
            Word::Close(end) => return Err(end),
        }
        if shared.hub.borrow().is_publisher_deaf(self.id) { Err(End::Deaf) } else { Ok(()) }
    }

    /// Writes commands, as far as there is room.
    fn tell(&mut self, shared: &Shared) -> Result<(), End> {
        shared.catch_up();
        match self.stream.try_flush() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err(End::Left),
        }
        loop {
            let mut hub = shared.hub.borrow_mut();
            let told = hub.tell_publisher(self.id, self.version, &mut self.output, PUBLISHER_OUTPUT_BYTES);
            while !self.output.is_empty() {
                match self.stream.try_write(&self.output) {
                    Ok(count) => self.output.advance(count),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Err(_) => return Err(End::Left),
                }
            }
            if told {
                return Ok(());
            }
        }
    }

    /// Reads what is there, behind what is not whole yet. None if nothing is.
    fn read(&mut self, shared: &Shared) -> Result<Option<Chunk>, End> {
        let held = self.rest.len();
        let mut chunks = shared.chunks.borrow_mut();
        let large = held > CHUNK_BYTES / 2;
        let mut buffer = if large { std::mem::take(&mut self.rest) } else { chunks.take(self.chunk_bytes) };
        let read = if large {
            // Into room that was never written: to fill it first would cost more than the message.
            if buffer.capacity() - held < LARGE_READ_BYTES {
                buffer.reserve(LARGE_READ_BYTES.max(held / 2));
            }
            self.stream.try_read_buf(&mut buffer)
        } else {
            buffer[..held].copy_from_slice(&self.rest);
            self.stream.try_read(&mut buffer[held..])
        };
        let count = match read {
            Ok(0) => return Err(End::Left),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if large {
                    self.rest = buffer;
                } else {
                    chunks.give_back(buffer);
                }
                drop(chunks);
                return self.hold(shared).map(|()| None);
            }
            Err(error) => return Err(End::of_stream(&error)),
        };
        self.peer.heard();
        self.turn_bytes += count;
        self.turn_reads += 1;
        Ok(Some(chunks.chunk(buffer, held + count)))
    }

    /// Reads more at a time where a chunk of `used` bytes gave each subscriber little.
    fn adapt(&mut self, used: usize) {
        let (shares, share_bytes) = self.lanes.reach();
        let share_bytes = (self.left.share_bytes + share_bytes) / (self.left.shares + shares).max(1);
        let narrow = share_bytes * CHUNK_BYTES / used >= WIDE_SHARE_BYTES;
        self.chunk_bytes = if narrow { CHUNK_BYTES } else { WIDE_CHUNK_BYTES };
        (self.left.shares, self.left.share_bytes) = (0, 0);
    }

    /// Hands the chunk's whole messages on, and keeps the rest. Where that is long, others have their turn in between.
    async fn hand_on(&mut self, shared: &Shared, mut chunk: Chunk) -> Result<(), End> {
        loop {
            let now = Instant::now();
            // Whoever was answered after subscribing at another worker gets what comes now.
            shared.catch_up();
            let Reader { splitter, output, peer, left, lanes, .. } = self;
            let mut around = Around { shared, peer, output, lanes, end: None };
            let accepted = shared.hub.borrow_mut().forward(splitter, &mut chunk, now, left, &mut around);
            let end = around.end;
            self.debt += shared.settle(&mut self.left);
            match accepted.rest {
                Rest::Unfinished => return self.keep_rest(shared, chunk, accepted.consumed, now),
                Rest::More => {
                    let rest = shared.chunks.borrow_mut().copy(&chunk.bytes()[accepted.consumed..]);
                    shared.chunks.borrow_mut().give_back_chunk(std::mem::replace(&mut chunk, rest));
                    yield_now().await;
                    match self.before_more(shared).await {
                        // What was read is forwarded, whatever ends meanwhile.
                        Ok(()) | Err(End::Stopped) => {}
                        Err(end) => return Err(end),
                    }
                }
                Rest::Faulty(error) => return Err(error.into()),
                Rest::Stopped => return Err(end.expect("it stopped because of an end")),
            }
        }
    }

    fn keep_rest(&mut self, shared: &Shared, chunk: Chunk, consumed: usize, now: Instant) -> Result<(), End> {
        let rest = &chunk.bytes()[consumed..];
        let held = rest.len();
        if rest.len() > CHUNK_BYTES / 2 && consumed == 0 {
            // Copied for each read, a large message would cost its square.
            match chunk.into_own() {
                Ok(memory) => self.rest = memory,
                Err(chunk) => self.rest = BytesMut::from(chunk.bytes()),
            }
        } else {
            if self.rest.capacity() > rest.len() + REST_SPARE_BYTES || rest.is_empty() {
                // What it may hold is counted by what it has to hold.
                self.rest = BytesMut::new();
            }
            self.rest.clear();
            self.rest.extend_from_slice(rest);
            shared.chunks.borrow_mut().give_back_chunk(chunk);
        }
        shared.holds_inbound(&self.peer, held + self.stream.held_bytes(), consumed > 0, now)
    }

    /// Nothing could be read, but something sealed may have come that cannot be opened before its end is there.
    fn hold(&self, shared: &Shared) -> Result<(), End> {
        let sealed = self.stream.held_bytes();
        if sealed == 0 {
            return Ok(());
        }
        self.peer.heard();
        shared.holds_inbound(&self.peer, self.rest.len() + sealed, false, Instant::now())
    }

    /// Between two parts of a long chunk.
    async fn before_more(&mut self, shared: &Shared) -> Result<(), End> {
        self.heed(shared)?;
        self.clear_lanes(shared).await
    }

    /// Waits until other workers have room for what they are to be handed.
    async fn clear_lanes(&mut self, shared: &Shared) -> Result<(), End> {
        while let Some(need) = self.lanes.need(shared) {
            tokio::select! {
                biased;
                () = self.peer.wake.notified() => {
                    self.heed(shared)?;
                    self.tell(shared)?;
                }
                place = timeout(Duration::from_millis(HOLD_STEP_MS), need.met()) => {
                    if let Ok(place) = place {
                        self.lanes.go_on(place);
                    }
                }
            }
            // What it says meanwhile waits unread.
            self.peer.heard();
        }
        Ok(())
    }

    /// Waits for subscribers that are behind, as far as the rules allow.
    async fn wait(&mut self, shared: &Shared) -> Result<(), End> {
        self.debt = 0;
        let mut since = Instant::now();
        shared.hub.borrow_mut().wait_begins(since);
        let mut waiting_for = std::mem::take(&mut self.left.to_wait_for);
        loop {
            let mut relief = pin!(shared.relief.notified());
            relief.as_mut().enable();
            let now = Instant::now();
            shared.hub.borrow_mut().waited(&mut waiting_for, since, now);
            // What it says meanwhile waits unread.
            self.peer.heard();
            since = now;
            if waiting_for.is_empty() {
                self.left.to_wait_for = waiting_for;
                return Ok(());
            }
            tokio::select! {
                biased;
                () = self.peer.wake.notified() => {
                    self.heed(shared)?;
                    self.tell(shared)?;
                }
                _ = timeout(Duration::from_millis(HOLD_STEP_MS), relief) => {}
            }
        }
    }
}
