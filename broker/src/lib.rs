//! Recado's broker: publishers connect to its XSUB side, subscribers to its XPUB side, and it forwards what subscribers asked
//! for. It never alters a message and never reads past a message's first frame; it knows nothing of chat.
//!
//! [`hub`], [`delivery`], [`neighbours`], [`gate`], [`trie`], [`queue`], [`upstream`], [`chunk`] and [`limits`] are sans-I/O; the rest is the
//! thin shell that runs them on tokio, in threads of its own: one, or several workers with connections spread over them.
//!
//! # How a chunk of bytes travels
//!
//! 1. A publisher's task reads what is there, up to [`limits::CHUNK_BYTES`], into a buffer that all publishers share; only the
//!    message that it has not finished is its own (`shell/publisher.rs`).
//! 2. [`hub::Hub::forward`] walks the messages (`walk.rs`). For the first of a run of one topic it asks the [`trie`] how far the
//!    topic is known there, and the memory of matches (`matches.rs`) for the set of subscribers; those behind it that begin with the
//!    same bytes are compared, not parsed. A run of messages for one set becomes one link in the list of each of its subscribers:
//!    their shares of the chunk (`share.rs`).
//! 3. Each share is written at once, from where it lies in the chunk, without a copy or an allocation. So a quiet message leaves
//!    in the same turn in which it came, and no timer ever delays one.
//! 4. What a subscriber's kernel has no room for goes to its [`queue`]: as a slice that shares the chunk, or as a copy if it is a
//!    small part of it. Its own task writes it when there is room (`shell/subscriber.rs`).
//! 5. The publisher's task lets others have their turn; if it left much in queues it first waits for those who are behind, as
//!    far as the rules of `pace.rs` allow. Then it reads again.
//!
//! # Several workers
//!
//! Each worker has a hub of its own, which knows the other workers as subscribers to what their subscribers want. Before it writes
//! its own subscribers' shares, it hands the other workers theirs: slices of the chunk, or copies of what is little. Those come
//! along a lane, which holds [`limits::LANE_CHUNKS_MAX`] of them, and are forwarded as in the steps above, but to nobody else's subscribers.
//! While a lane is full, its publisher is not read.
//!
//! # A secured broker
//!
//! The [`gate`] has servers asked who a subscriber is and what it may hear. A question is a topic that the hub subscribes to on the gate's
//! behalf (`guarded.rs`), an answer a message on it: so it comes at its place among the messages, and what stands behind a revocation is
//! not delivered to whom it is about. Each worker has a gate for its own subscribers, since only so answers come to it in order with
//! what they are about.
//!
//! # Who waits, and who loses
//!
//! A subscriber with less than [`limits::HOLD_BYTES`] in its queue keeps up. Publishers wait for one who has more, so that a crowd
//! that is slower than a publisher slows the publisher down and loses nothing. They do not wait for one who takes nothing for
//! [`limits::HOLD_STALLED_MS`], nor for one who alone holds the others up; such a one is left to itself, for longer each time, and at
//! its mark ([`Limits::queue_bytes_max`]) loses the newest messages until half is left. Who sends little never waits for
//! anybody.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod admission;
mod args;
mod broker;
pub mod chunk;
mod config;
mod counters;
pub mod delivery;
#[doc(hidden)]
pub mod fuzz;
pub mod gate;
mod guarded;
pub mod hub;
mod inbound;
mod last_values;
pub mod limits;
mod matches;
pub mod neighbours;
mod pace;
pub mod queue;
mod share;
mod shell;
#[doc(hidden)]
pub mod simulation;
mod slab;
mod status;
pub mod trie;
pub mod units;
pub mod upstream;
mod walk;

pub use args::{Args, Options, SlowSubscriberArg};
pub use broker::{BindError, Broker, RunError};
pub use config::{Config, ConfigError};
pub use counters::{Counters, Figures};
pub use limits::{Limits, SlowSubscriber};
