//! A second reader of the wire, as plain as can be, to compare ours with. Shares no code with the codec.

/// What a peer may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) message_bytes: usize,
    pub(super) message_frames: usize,
    pub(super) command_bytes: usize,
}

impl Bounds {
    pub(super) const NONE: Bounds =
        Bounds { message_bytes: usize::MAX, message_frames: usize::MAX, command_bytes: usize::MAX };
}

/// A whole message or a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The bodies of its frames, and its bytes on the wire without commands between them.
    Message { frames: Vec<Vec<u8>>, wire: Vec<u8> },
    /// Its body, and whether a message is under way.
    Command { body: Vec<u8>, within: bool },
}

/// What a command's body means to the broker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
    /// To be answered with this context.
    Ping(Vec<u8>),
    Nothing,
    /// The connection ends.
    End,
}

/// Reads one stream, piece by piece.
#[derive(Debug)]
pub(super) struct Reference {
    bounds: Bounds,
    waiting: Vec<u8>,
    frames: Vec<Vec<u8>>,
    wire: Vec<u8>,
    declared: usize,
    parts: usize,
    faulty: bool,
}

impl Reference {
    pub(super) fn new(bounds: Bounds) -> Reference {
        Reference {
            bounds,
            waiting: Vec::new(),
            frames: Vec::new(),
            wire: Vec::new(),
            declared: 0,
            parts: 0,
            faulty: false,
        }
    }

    /// Something came that is no frame, or passes a bound.
    pub(super) fn is_faulty(&self) -> bool {
        self.faulty
    }

    /// All came in whole messages.
    pub(super) fn is_at_rest(&self) -> bool {
        self.waiting.is_empty() && self.frames.is_empty()
    }

    /// What is whole now.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Unit> {
        self.waiting.extend_from_slice(bytes);
        let mut units = Vec::new();
        while let Some((flags, head, length)) = self.header() {
            let (more, command) = (flags & 1 == 1, flags & 4 == 4);
            let within = !self.frames.is_empty();
            self.faulty = (command && length > self.bounds.command_bytes)
                || ((within || !command)
                    && (self.declared as u128 + length as u128 > self.bounds.message_bytes as u128
                        || self.parts >= self.bounds.message_frames));
            if self.faulty || self.waiting.len() - head < length {
                break;
            }
            let frame: Vec<u8> = self.waiting.drain(..head + length).collect();
            let body = frame[head..].to_vec();
            if within || !command {
                self.declared += length;
                self.parts += 1;
            }
            if command {
                units.push(Unit::Command { body, within });
                continue;
            }
            self.frames.push(body);
            self.wire.extend(frame);
            if !more {
                (self.declared, self.parts) = (0, 0);
                let (frames, wire) = (std::mem::take(&mut self.frames), std::mem::take(&mut self.wire));
                units.push(Unit::Message { frames, wire });
            }
        }
        units
    }

    /// Flags, bytes of the header, bytes of the body.
    fn header(&mut self) -> Option<(u8, usize, usize)> {
        let flags = *self.waiting.first()?;
        self.faulty |= flags > 7 || flags & 5 == 5;
        if self.faulty {
            return None;
        }
        if flags & 2 == 0 {
            return Some((flags, 2, usize::from(*self.waiting.get(1)?)));
        }
        let length = self.waiting.get(1..9)?.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.faulty = length >> 63 == 1;
        (!self.faulty).then_some((flags, 9, length as usize))
    }
}

/// What the command means.
pub(super) fn meaning(body: &[u8]) -> Meaning {
    let Some(&length) = body.first() else { return Meaning::End };
    let length = usize::from(length);
    if length == 0 || body.len() < 1 + length {
        return Meaning::End;
    }
    let data = &body[1 + length..];
    match &body[1..1 + length] {
        b"SUBSCRIBE" => Meaning::Subscribe(data.to_vec()),
        b"CANCEL" => Meaning::Cancel(data.to_vec()),
        b"PING" if (2..=18).contains(&data.len()) => Meaning::Ping(data[2..].to_vec()),
        b"PONG" if data.len() <= 16 => Meaning::Nothing,
        b"PING" | b"PONG" | b"ERROR" => Meaning::End,
        _ => Meaning::Nothing,
    }
}

/// What a message's frame means.
pub(super) fn meaning_of_frame(body: &[u8]) -> Meaning {
    match body.split_first() {
        Some((1, topic)) => Meaning::Subscribe(topic.to_vec()),
        Some((0, topic)) => Meaning::Cancel(topic.to_vec()),
        Some(_) | None => Meaning::Nothing,
    }
}
