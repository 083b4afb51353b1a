//! A broker without sockets, threads and clocks: its hub, turned by hand, and connections that have so much room. Messages go
//! in at one end and come out at the other, as far as subscriptions, queues and room allow. The simulator of `tests/` drives it.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use recado_zmtp::Message;
use recado_zmtp::codec::{FrameHeader, Frames, Item, MessageLimits, MessageSplitter, Subscription};

use crate::chunk::{Chunk, Messages};
use crate::counters::Counters;
use crate::delivery::{FlushEnd, Leftovers, Outside, Rest, Written};
use crate::hub::{Hub, PublisherId, SubscriptionError};
use crate::limits::Limits;
use crate::neighbours::WorkerId;
use crate::trie::SubscriberId;

/// The hub and its connections.
#[derive(Debug)]
pub struct Forwarder {
    hub: Hub,
    counters: Arc<Counters>,
    publishers: BTreeMap<u64, PublisherId>,
    lines: BTreeMap<u64, Line>,
    left: Leftovers,
    chunks: u64,
}

/// A subscriber's connection.
#[derive(Debug)]
struct Line {
    id: SubscriberId,
    /// Bytes that its kernel takes before the peer reads any.
    room: usize,
    /// What the kernel holds.
    kernel: Vec<u8>,
    /// What the peer has read of it, down to the last whole message.
    read: Vec<u8>,
    splitter: MessageSplitter,
}

struct Around<'a> {
    lines: &'a mut BTreeMap<u64, Line>,
}

impl Outside for Around<'_> {
    fn command(&mut self, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, _: WorkerId, _: Messages) {
        unreachable!("there is one worker")
    }

    fn write(&mut self, id: SubscriberId, slices: &[IoSlice<'_>]) -> Written {
        match self.lines.values_mut().find(|line| line.id == id) {
            Some(line) => line.write(slices),
            None => Written::Broken,
        }
    }
}

impl Line {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> Written {
        let mut left = self.room.saturating_sub(self.kernel.len());
        if left == 0 {
            return Written::Blocked;
        }
        let mut count = 0;
        for slice in slices {
            let part = left.min(slice.len());
            self.kernel.extend_from_slice(&slice[..part]);
            (left, count) = (left - part, count + part);
        }
        Written::Bytes(count)
    }
}

impl Forwarder {
    /// A broker that has just started.
    pub fn new(limits: Limits) -> Self {
        let counters = Arc::new(Counters::default());
        let hub = Hub::new(limits, Arc::clone(&counters));
        let (publishers, lines) = (BTreeMap::new(), BTreeMap::new());
        Self { hub, counters, publishers, lines, left: Leftovers::default(), chunks: 0 }
    }

    /// A publisher connected.
    pub fn publisher_came(&mut self, connection: u64) {
        self.publishers.insert(connection, self.hub.add_publisher());
    }

    /// A subscriber connected, whose kernel takes `room` bytes before it reads any.
    pub fn subscriber_came(&mut self, connection: u64, room: usize) {
        let splitter = MessageSplitter::new(MessageLimits::default());
        let line =
            Line { id: self.hub.add_subscriber(), room, kernel: Vec::new(), read: Vec::new(), splitter };
        self.lines.insert(connection, line);
    }

    /// A connection ended.
    pub fn left(&mut self, connection: u64) {
        if let Some(id) = self.publishers.remove(&connection) {
            self.hub.publisher_left(id);
        }
        if let Some(line) = self.lines.remove(&connection) {
            self.hub.subscriber_left(line.id);
            while !self.hub.forget_subscriber(line.id) {}
        }
    }

    /// A subscriber subscribes to a topic, or cancels it.
    ///
    /// # Errors
    ///
    /// As the hub refuses it; then the connection is to end.
    pub fn subscription(
        &mut self,
        connection: u64,
        topic: &[u8],
        wanted: bool,
    ) -> Result<(), SubscriptionError> {
        let Some(line) = self.lines.get(&connection) else { return Ok(()) };
        let subscription = match wanted {
            true => Subscription::Subscribe(topic),
            false => Subscription::Cancel(topic),
        };
        self.hub.apply(line.id, subscription)
    }

    /// A publisher's messages arrived in one read. Those that find no room, and no room in the queue, are gone.
    ///
    /// # Panics
    ///
    /// If the hub takes a whole message for something else.
    pub fn forward(&mut self, messages: &[Message], now: Instant) {
        let mut wire = BytesMut::new();
        for message in messages {
            let last = message.frames().len() - 1;
            for (index, frame) in message.frames().iter().enumerate() {
                FrameHeader::message(index < last, frame.len()).encode(&mut wire);
                wire.extend_from_slice(frame);
            }
        }
        let mut splitter = MessageSplitter::new(MessageLimits::default());
        while !wire.is_empty() {
            self.chunks += 1;
            let used = wire.len();
            let mut chunk = Chunk::new(self.chunks, wire.clone(), used, self.hub.loans().clone());
            let mut around = Around { lines: &mut self.lines };
            let accepted = self.hub.forward(&mut splitter, &mut chunk, now, &mut self.left, &mut around);
            assert!(matches!(accepted.rest, Rest::Unfinished | Rest::More), "{:?}", accepted.rest);
            let _ = wire.split_to(accepted.consumed);
        }
        // Nobody waits here: whoever is slow loses what the queue does not take.
        self.left = Leftovers::default();
    }

    /// What a subscriber's kernel has taken since this was last asked; the peer has read it, so that there is room again.
    pub fn taken(&mut self, connection: u64) -> Vec<Message> {
        let Some(line) = self.lines.get_mut(&connection) else { return Vec::new() };
        line.read.append(&mut line.kernel);
        let mut whole = Vec::new();
        while let Ok(Some(item)) = line.splitter.next_item(&line.read) {
            let Item::Message(span) = item else { continue };
            let frames = Frames::new(&line.read[span.range]).map(|frame| Bytes::copy_from_slice(frame.body));
            whole.push(Message::new(frames.collect()));
        }
        let read = line.splitter.release();
        line.read.drain(..read);
        whole
    }

    /// Writes on from a subscriber's queue. Whether something is left there.
    pub fn flush(&mut self, connection: u64) -> bool {
        let Some(line) = self.lines.get_mut(&connection) else { return false };
        let id = line.id;
        loop {
            match self.hub.flush(id, |slices| line.write(slices)).end {
                FlushEnd::TurnOver => {}
                FlushEnd::Empty | FlushEnd::Broken => return false,
                FlushEnd::Blocked => return true,
            }
        }
    }

    /// Messages that slow subscribers lost so far.
    pub fn dropped(&self) -> u64 {
        self.counters.figures().dropped_slow
    }
}
