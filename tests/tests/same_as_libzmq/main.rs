//! Recado's broker and libzmq's own proxy are given the same bytes on raw connections, and what comes out of both is compared:
//! to each subscriber the messages, to each publisher the subscriptions it is told of. docs/libzmq-tests.md says where they
//! differ on purpose.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod differences;
mod random;
mod scenarios;
mod sides;
mod slow;
mod stage;
mod wire;
