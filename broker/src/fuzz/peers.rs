//! Publishers and subscribers as the fuzz target `connection` keeps them: what they have sent, what they took, what they are
//! to get. Knows nothing of the order of things.

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::rc::Rc;

use bytes::BytesMut;
use recado_zmtp::codec::{
    Handshake, HandshakeConfig, MessageLimits, MessageSplitter, Progress, SocketType, Version,
};

use super::reference::{Bounds, Reference, Unit};
use crate::delivery::Written;
use crate::hub::PublisherId;
use crate::trie::SubscriberId;

/// A peer's bytes on their way to the broker.
pub(super) struct Line {
    pub(super) wire: Vec<u8>,
    handshake: Option<Handshake>,
    /// Its handshake must succeed.
    sound: bool,
    unread: BytesMut,
}

/// What reading from a line came to.
pub(super) enum Read {
    Shaking,
    Refused,
    /// The handshake is done; these bytes came behind it.
    Established(Version, Vec<u8>),
    Traffic(Vec<u8>),
}

impl Line {
    pub(super) fn new(ours: SocketType, wire: Vec<u8>, sound: bool) -> Line {
        let handshake = Some(Handshake::new(HandshakeConfig::new(ours)));
        Line { wire, handshake, sound, unread: BytesMut::new() }
    }

    /// Reads up to so many bytes.
    pub(super) fn read(&mut self, count: usize) -> Read {
        let bytes: Vec<u8> = self.wire.drain(..count.min(self.wire.len())).collect();
        let Some(handshake) = &mut self.handshake else { return Read::Traffic(bytes) };
        self.unread.extend_from_slice(&bytes);
        match handshake.input(&mut self.unread) {
            // Without security there is neither arithmetic nor a key.
            Ok(Progress::NeedMore | Progress::Compute | Progress::Admit(_)) => Read::Shaking,
            Ok(Progress::Done(peer)) => {
                self.handshake = None;
                Read::Established(peer.version, self.unread.split().to_vec())
            }
            Err(error) => {
                assert!(!self.sound, "a good handshake was refused: {error}");
                Read::Refused
            }
        }
    }
}

/// What follows a handshake: our splitter and the plain reader side by side.
pub(super) struct Traffic {
    pub(super) splitter: MessageSplitter,
    /// The beginning of what is not whole yet.
    pub(super) rest: Vec<u8>,
    pub(super) reference: Reference,
    bounds: Bounds,
}

impl Traffic {
    pub(super) fn new(bounds: Bounds) -> Traffic {
        let limits = MessageLimits {
            message_bytes_max: bounds.message_bytes,
            message_frames_max: bounds.message_frames,
            command_bytes_max: bounds.command_bytes,
        };
        let splitter = MessageSplitter::new(limits);
        Traffic { splitter, rest: Vec::new(), reference: Reference::new(bounds), bounds }
    }

    /// What is held of an unfinished message is no more than a message and a command.
    pub(super) fn check(&self) {
        let Bounds { message_bytes, message_frames, command_bytes } = self.bounds;
        assert!(self.rest.len() <= message_bytes + command_bytes + 9 * (message_frames + 1));
    }
}

pub(super) struct Publisher {
    pub(super) line: Line,
    pub(super) traffic: Traffic,
    /// Once its handshake is done.
    pub(super) id: Option<PublisherId>,
    pub(super) version: Version,
    pub(super) gone: bool,
    /// The hub has named it, and it has not been told all since.
    pub(super) to_tell: bool,
    pub(super) told: Reference,
    /// The topics that it was told of.
    pub(super) known: BTreeSet<Vec<u8>>,
}

/// How far a subscriber is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Here,
    /// Its connection is to end.
    Ending,
    /// It has ended; its subscriptions are being forgotten.
    Left,
    Gone,
}

pub(super) struct Subscriber {
    pub(super) line: Line,
    pub(super) traffic: Traffic,
    /// Once its handshake is done.
    pub(super) id: Option<SubscriberId>,
    pub(super) stage: Stage,
    /// It is to get what it is subscribed to.
    pub(super) wanting: bool,
    /// The hub has named it, and its queue has not been empty since.
    pub(super) to_write: bool,
    pub(super) topics: BTreeSet<Vec<u8>>,
    pub(super) expected: Vec<Rc<[u8]>>,
    /// The bodies of commands queued for it.
    pub(super) commands: Vec<Vec<u8>>,
    /// Commands queued since its queue was last empty, and their bytes.
    pub(super) waiting_commands: (usize, usize),
    pub(super) kernel: Kernel,
}

impl Subscriber {
    pub(super) fn is_subscribed_to(&self, topic: &[u8]) -> bool {
        self.topics.iter().any(|prefix| topic.starts_with(prefix))
    }

    /// It is to get these messages, which wait in its queue.
    pub(super) fn greet(&mut self, messages: Vec<Rc<[u8]>>) {
        if !messages.is_empty() {
            self.to_write = true;
            // What comes now waits behind them, and the marks may be small.
            self.kernel.short = true;
        }
        self.expected.extend(messages);
    }

    /// What it took against what was for it. How many messages it got.
    pub(super) fn check(&self) -> usize {
        let mut reference = Reference::new(Bounds::NONE);
        let (mut expected, mut commands) = (self.expected.iter(), self.commands.iter());
        let mut received = 0;
        for unit in reference.feed(&self.kernel.taken) {
            match unit {
                Unit::Message { wire, .. } => {
                    received += 1;
                    assert!(
                        expected.any(|expected| **expected == *wire),
                        "a message that was not for it, or not in order: {}",
                        wire.escape_ascii()
                    );
                }
                Unit::Command { body, within } => {
                    assert!(!within, "a command within a message");
                    assert_eq!(commands.next(), Some(&body));
                }
            }
        }
        assert!(!reference.is_faulty());
        if self.stage == Stage::Here && self.wanting && !self.kernel.broken {
            assert!(reference.is_at_rest(), "the last message is not whole");
            assert_eq!(commands.next(), None, "a command was lost");
        }
        if !self.kernel.short && !self.kernel.broken {
            assert_eq!(received, self.expected.len(), "it always had room, and lost something");
        }
        received
    }
}

/// A subscriber's end of the connection.
pub(super) struct Kernel {
    pub(super) room: usize,
    /// What it takes at a time.
    pub(super) most: usize,
    pub(super) broken: bool,
    pub(super) closed: bool,
    /// It once took less than it was offered, or something waited for it.
    pub(super) short: bool,
    pub(super) taken: Vec<u8>,
}

impl Kernel {
    pub(super) fn new() -> Kernel {
        Kernel {
            room: usize::MAX,
            most: usize::MAX,
            broken: false,
            closed: false,
            short: false,
            taken: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> Written {
        assert!(!self.closed, "written to after it left");
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        assert!(offered > 0, "an empty write");
        if self.broken {
            return Written::Broken;
        }
        let count = offered.min(self.room).min(self.most);
        self.short |= count < offered;
        if count == 0 {
            return Written::Blocked;
        }
        if self.room != usize::MAX {
            self.room -= count;
        }
        let mut left = count;
        for slice in slices {
            let part = left.min(slice.len());
            self.taken.extend_from_slice(&slice[..part]);
            left -= part;
        }
        Written::Bytes(count)
    }
}
