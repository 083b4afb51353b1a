//! Walks a chunk's messages, asks the trie about each topic once for a run of it, and notes each subscriber's share. Knows nothing
//! of writing.

use std::ops::{ControlFlow, Range};

use recado_zmtp::codec::{FrameHeader, Frames, Item, MessageSpan, MessageSplitter};

use crate::chunk::Chunk;
use crate::delivery::{Accepted, Rest};
use crate::hub::Hub;
use crate::limits::SHARES_MAX;
use crate::matches::SetId;
use crate::share::Link;
use crate::trie::Found;

/// The run that grows while messages go to the same set.
#[derive(Default)]
struct Run {
    set: Option<SetId>,
    start: usize,
    end: usize,
    messages: u32,
}

/// The newest message of a topic that was met in the chunk and is not yet kept as its last value.
struct Newest {
    topic: Range<usize>,
    message: Range<usize>,
}

/// The last message, as a pattern: one of the same length whose first `compare` bytes are the same has the same frames
/// and the same answer.
struct Pattern {
    start: usize,
    compare: usize,
    len: usize,
}

/// Where a chunk comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A publisher: its messages are counted, and the other workers get their shares.
    Publisher,
    /// Another worker, which has seen to that.
    Neighbour,
}

impl Hub {
    /// Walks the messages of `chunk`, which begins where the splitter stands, and notes who gets which. Commands are given to
    /// `command`; those that stand between the frames of a message are moved out of the message.
    ///
    /// # Panics
    /// With 4 GiB and more, which the limits on chunks and messages exclude.
    pub(crate) fn accept(
        &mut self,
        splitter: &mut MessageSplitter,
        chunk: &mut Chunk,
        origin: Origin,
        mut command: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Accepted {
        let mut bytes = chunk.bytes();
        assert!(u32::try_from(bytes.len()).is_ok(), "a chunk's places fit 32 bits");
        let mut run = Run::default();
        let mut pattern: Option<Pattern> = None;
        let mut newest: Option<Newest> = None;
        let (mut at, mut wanted, mut messages, mut message_bytes) = (0, 0u64, 0u64, 0);
        let rest = loop {
            if self.shares.len() >= SHARES_MAX {
                break Rest::More;
            }
            if let Some(pattern) = &pattern {
                let count = alike(bytes, pattern, at);
                if count > 0 {
                    at += count * pattern.len;
                    message_bytes += count * pattern.len;
                    messages += count as u64;
                    run.end = at;
                    run.messages += count as u32;
                    if let Some(newest) = &mut newest {
                        newest.message = at - pattern.len..at;
                    }
                }
            }
            let item = match splitter.next_item(&bytes[at..]) {
                Ok(Some(item)) => item,
                Ok(None) => break Rest::Unfinished,
                Err(error) => break Rest::Faulty(error),
            };
            let span = match item {
                Item::Command(body) => {
                    let after = command(&bytes[at..][body]);
                    at += splitter.release();
                    pattern = None;
                    match after {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => break Rest::Stopped,
                    }
                }
                Item::Message(span) => span,
            };
            let (message, first) = if span.interleaved {
                let places = move_commands_out(&span, at, chunk.bytes_mut());
                bytes = chunk.bytes();
                places
            } else {
                let place = |range: &Range<usize>| at + range.start..at + range.end;
                (place(&span.range), place(&span.first))
            };
            at += splitter.release();
            messages += 1;
            message_bytes += message.len();
            if self.is_question(&bytes[first.clone()]) {
                // What came before goes out as subscriptions were until here, what follows as they are then.
                wanted += self.end_run(&run, origin);
                (run, pattern) = (Run::default(), None);
                wanted += self.take_answer(bytes, message, first, origin);
                continue;
            }
            let found = self.trie.find(&bytes[first.clone()]);
            let set = self.matches.remembered(&found);
            if set.is_none() || set != run.set || message.start != run.end {
                wanted += self.end_run(&run, origin);
                let set = set.or_else(|| self.matches.set_for(&self.trie, &found));
                run = Run { set, start: message.start, end: message.start, messages: 0 };
            }
            run.end = message.end;
            run.messages += 1;
            if self.last_values.is_some() {
                // With one frame nothing says where the topic ends.
                let next =
                    (span.frames > 1).then(|| Newest { topic: first.clone(), message: message.clone() });
                self.keep_unless_newer(bytes, &newest, &next);
                newest = next;
            }
            pattern = compared_bytes(&span, bytes, &message, &first, &found).map(|compare| Pattern {
                start: message.start,
                compare,
                len: message.len(),
            });
        };
        wanted += self.end_run(&run, origin);
        self.keep_unless_newer(bytes, &newest, &None);
        if origin == Origin::Publisher {
            self.counters.messages_in.add(messages);
            self.counters.bytes_in.add(message_bytes as u64);
            self.counters.unwanted.add(messages - wanted);
        }
        Accepted { consumed: at, rest }
    }

    /// Keeps a topic's last value, unless the next message has the same topic.
    fn keep_unless_newer(&mut self, bytes: &[u8], newest: &Option<Newest>, next: &Option<Newest>) {
        let (Some(values), Some(newest)) = (&mut self.last_values, newest) else { return };
        let topic = &bytes[newest.topic.clone()];
        if next.as_ref().is_none_or(|next| &bytes[next.topic.clone()] != topic) {
            values.keep(topic, &bytes[newest.message.clone()]);
        }
    }

    /// Adds the run to the shares of its subscribers, and says how many of its messages anybody wanted.
    fn end_run(&mut self, run: &Run, origin: Origin) -> u64 {
        let link = Link::new(run.start..run.end, run.messages);
        if self.last_values.is_some() && self.neighbours.reserved() > 0 && run.messages > 0 {
            self.add_to_everything(link, origin);
        }
        let Some(set) = run.set else { return 0 };
        let mut wanting = self.matches.subscribers(set);
        if origin == Origin::Neighbour {
            let first_own = self.neighbours.first_own();
            wanting = &wanting[wanting.partition_point(|&id| id < first_own)..];
        }
        for &id in wanting {
            if let Some(subscriber) = self.subscribers.find_mut(id.0) {
                self.shares.add(id, subscriber, link);
            }
        }
        self.shares.bytes += wanting.len() * (run.end - run.start);
        u64::from(run.messages)
    }

    /// Every worker keeps last values of its own, so that each is handed all messages, wanted or not.
    fn add_to_everything(&mut self, link: Link, origin: Origin) {
        let id = self.neighbours.everything();
        if origin == Origin::Publisher
            && let Some(everything) = self.subscribers.find_mut(id.0)
        {
            self.shares.add(id, everything, link);
        }
    }
}

/// How many messages alike the pattern follow each other at `at`.
#[inline]
fn alike(bytes: &[u8], pattern: &Pattern, at: usize) -> usize {
    let (head, _) = bytes[pattern.start..].split_at(pattern.compare);
    bytes[at..].chunks_exact(pattern.len).take_while(|message| &message[..pattern.compare] == head).count()
}

/// How many first bytes of a message decide its frames and its answer. None where that would be long to compare.
fn compared_bytes(
    span: &MessageSpan,
    bytes: &[u8],
    message: &Range<usize>,
    first: &Range<usize>,
    found: &Found,
) -> Option<usize> {
    let head = first.start - message.start;
    match span.frames {
        // The topic's length stands in the header before it, so that equal bytes are the equal topic.
        1 => Some(head + if found.whole { first.len() } else { found.examined }),
        2 => {
            let last = FrameHeader::decode(&bytes[first.end..message.end]).ok().flatten()?;
            Some(head + first.len() + last.header_len)
        }
        _ => None,
    }
}

/// Moves the commands between a message's frames out of it, to its front, and tells where it and its first frame's body lie then
/// in `bytes`; what the splitter found counts from `at`.
fn move_commands_out(span: &MessageSpan, at: usize, bytes: &mut [u8]) -> (Range<usize>, Range<usize>) {
    let message = at + span.range.start..at + span.range.end;
    let mut kept = Vec::with_capacity(message.len());
    let mut walked = message.start;
    for frame in Frames::new(&bytes[message.clone()]) {
        let end = message.start + frame.range.end;
        if !frame.command {
            kept.extend_from_slice(&bytes[walked..end]);
        }
        walked = end;
    }
    let start = message.end - kept.len();
    bytes[start..message.end].copy_from_slice(&kept);
    let header = FrameHeader::decode(&kept).ok().flatten().expect("the splitter has seen a first frame");
    let first = start + header.header_len..start + header.header_len + header.body_len;
    (start..message.end, first)
}
