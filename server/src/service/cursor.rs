//! How far one feed has come in the log, and from where it goes on when a connection took something along. No I/O: the feed
//! says what it gave to its socket, and what the socket has counted.

use crate::store::Position;

/// Two places in the log: up to one all was given to the socket, up to the other it is on its way for sure.
#[derive(Debug)]
pub(super) struct Cursor {
    given: Position,
    written: Position,
    /// Whether any of what lies between both was a publication.
    some_sent: bool,
    lost_before: u64,
}

/// What a socket says once it wrote all that it was given, or lost it with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flushed {
    pub(super) connections: usize,
    /// Everything that was ever lost, with what is no publication.
    pub(super) lost: u64,
}

impl Cursor {
    /// All up to `at` was written before.
    pub(super) fn new(at: Position) -> Self {
        Self { given: at, written: at, some_sent: false, lost_before: 0 }
    }

    /// All up to here was given to the socket, and what comes after it will be.
    pub(super) fn given(&self) -> Position {
        self.given
    }

    /// The publication at `position` was given to the socket.
    pub(super) fn sent(&mut self, position: Position) {
        self.given = self.given.max(position);
        self.some_sent = true;
    }

    /// What follows up to `through` is no publication.
    pub(super) fn passed(&mut self, through: Position) {
        self.given = self.given.max(through);
    }

    /// There is something to confirm.
    pub(super) fn is_ahead(&self) -> bool {
        self.written < self.given
    }

    /// Confirming needs the socket to be flushed.
    pub(super) fn needs_flush(&self) -> bool {
        self.some_sent
    }

    /// Moves on to what was given, or back to what was written, if a connection that broke may have taken some along: what
    /// is given twice costs less than what is lost. Whether it moved on.
    pub(super) fn confirm(&mut self, flushed: Flushed) -> bool {
        let lost_none = flushed.lost == self.lost_before;
        self.lost_before = flushed.lost;
        // A connection that just ended may not have counted yet what it lost.
        let kept = !self.some_sent || (lost_none && flushed.connections > 0);
        self.some_sent = false;
        if kept {
            self.written = self.given;
        } else {
            self.given = self.written;
        }
        kept
    }

    /// What the socket lost while nothing was to be confirmed was no publication of the log's.
    pub(super) fn settle(&mut self, lost: u64) {
        if !self.is_ahead() {
            self.lost_before = lost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Flushed, Position};

    fn sent_from_5_to_7() -> Cursor {
        let mut cursor = Cursor::new(Position(5));
        assert!(!cursor.is_ahead());
        cursor.sent(Position(6));
        cursor.sent(Position(7));
        assert!(cursor.is_ahead() && cursor.needs_flush());
        cursor
    }

    fn check(flushed: Flushed, moved_on: bool, given: u64) {
        let mut cursor = sent_from_5_to_7();
        assert_eq!(cursor.confirm(flushed), moved_on, "{flushed:?}");
        assert_eq!(cursor.given(), Position(given), "{flushed:?}");
        assert!(!cursor.is_ahead(), "{flushed:?}");
    }

    #[test]
    fn what_a_connection_took_along_is_given_again() {
        check(Flushed { connections: 1, lost: 0 }, true, 7);
        check(Flushed { connections: 1, lost: 1 }, false, 5);
        check(Flushed { connections: 0, lost: 0 }, false, 5);
        check(Flushed { connections: 0, lost: 2 }, false, 5);
    }

    #[test]
    fn a_loss_counts_once() {
        let mut cursor = sent_from_5_to_7();
        cursor.confirm(Flushed { connections: 1, lost: 2 });
        cursor.sent(Position(6));
        cursor.sent(Position(7));
        assert!(cursor.confirm(Flushed { connections: 1, lost: 2 }));
        assert_eq!(cursor.given(), Position(7));
    }

    #[test]
    fn what_is_no_publication_needs_no_connection() {
        let mut cursor = Cursor::new(Position(5));
        cursor.passed(Position(9));
        assert!(cursor.is_ahead() && !cursor.needs_flush());
        assert!(cursor.confirm(Flushed { connections: 0, lost: 0 }));
        assert_eq!(cursor.given(), Position(9));
    }

    #[test]
    fn lost_beacons_send_nobody_back() {
        let mut cursor = Cursor::new(Position(5));
        cursor.settle(3);
        cursor.sent(Position(6));
        cursor.settle(4);
        assert!(!cursor.confirm(Flushed { connections: 1, lost: 4 }), "it may have been the publication");
        cursor.settle(9);
        cursor.sent(Position(6));
        assert!(cursor.confirm(Flushed { connections: 1, lost: 9 }));
    }

    #[test]
    fn nothing_moves_it_back_but_a_loss() {
        let mut cursor = sent_from_5_to_7();
        cursor.passed(Position(6));
        cursor.sent(Position(3));
        assert_eq!(cursor.given(), Position(7));
    }
}
