//! The memory of messages that have begun and not ended, of all connections together: a bound, and who has to go beyond it.
//! Knows nothing of sockets; time is an argument.

use std::collections::BTreeMap;
use std::time::Instant;

/// Who holds how much. Connections have numbers of their own, of both sides together.
#[derive(Debug)]
pub(crate) struct Inbound {
    holders: BTreeMap<u32, Holder>,
    held_bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Holder {
    bytes: usize,
    since: Instant,
}

impl Inbound {
    /// Nobody holds anything; all together may hold `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Inbound {
        Inbound { holders: BTreeMap::new(), held_bytes: 0, bytes_max }
    }

    /// Bytes of all unfinished messages.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// A connection holds so many bytes now, of another message than before if `anew`. Who has to be closed, if that is
    /// too much: of those that hold half an even share or more, the one whose message is unfinished for longest. So who sends
    /// large messages and ends them stays, however many others begin one and leave it at that.
    ///
    /// It is asked for anew each time until [`Inbound::hold`] says that it holds nothing.
    pub(crate) fn hold(&mut self, number: u32, bytes: usize, anew: bool, now: Instant) -> Option<u32> {
        if bytes == 0 {
            if let Some(holder) = self.holders.remove(&number) {
                self.held_bytes -= holder.bytes;
            }
            return None;
        }
        let holder = self.holders.entry(number).or_insert(Holder { bytes: 0, since: now });
        self.held_bytes = self.held_bytes - holder.bytes + bytes;
        holder.bytes = bytes;
        if anew {
            holder.since = now;
        }
        if self.held_bytes <= self.bytes_max {
            return None;
        }
        let half_share = self.held_bytes / self.holders.len() / 2;
        let large = self.holders.iter().filter(|(_, holder)| holder.bytes >= half_share);
        large.min_by_key(|(_, holder)| holder.since).map(|(&number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Inbound;

    #[test]
    fn who_leaves_much_unfinished_for_longest_has_to_go() {
        let (mut inbound, start) = (Inbound::new(100), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(inbound.hold(0, 2, true, at(0)), None, "old, but small");
        assert_eq!(inbound.hold(1, 40, true, at(1)), None);
        assert_eq!(inbound.hold(2, 40, true, at(2)), None);
        assert_eq!(inbound.hold(1, 41, true, at(3)), None, "another message");
        assert_eq!(inbound.hold(3, 40, true, at(4)), Some(2));
        assert_eq!(inbound.hold(4, 1, true, at(5)), Some(2), "until it is gone");
        assert_eq!(inbound.hold(2, 0, false, at(5)), None);
        assert_eq!(inbound.held_bytes(), 2 + 41 + 40 + 1);
        for number in [0, 1, 3, 4] {
            assert_eq!(inbound.hold(number, 0, false, at(6)), None);
        }
        assert_eq!((inbound.held_bytes(), inbound.holders.len()), (0, 0));
    }
}
