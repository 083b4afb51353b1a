//! What the broker has done and holds, readable from any thread while it runs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The running figures. Each is written by one of the broker's threads alone.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub(crate) $name: Counter,)*
            /// Those of the other workers, where these are the first one's.
            others: Vec<Arc<Counters>>,
        }

        /// The figures at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Figures {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Reads all figures, one after the other; the first worker's counters give the sums over all workers.
            pub fn figures(&self) -> Figures {
                let sum = |read: fn(&Counters) -> u64| {
                    // What one worker takes from a figure another may have added to it.
                    self.others.iter().fold(read(self), |sum, other| sum.wrapping_add(read(other)))
                };
                Figures { $($name: sum(|counters| counters.$name.read()),)* }
            }
        }

        impl Figures {
            /// A log line with each figure as a field of its own.
            pub(crate) fn log(&self, message: &str) {
                tracing::info!($($name = self.$name,)* "{message}");
            }
        }

        impl fmt::Display for Figures {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let all = [$((stringify!($name), self.$name),)*];
                for (place, (name, value)) in all.iter().enumerate() {
                    let space = if place == 0 { "" } else { " " };
                    write!(f, "{space}{name}={value}")?;
                }
                Ok(())
            }
        }
    };
}

counters! {
    /// Whole messages that came from publishers.
    messages_in,
    /// Their bytes on the wire.
    bytes_in,
    /// Messages written to subscribers, each counted for each.
    messages_out,
    /// Bytes of messages written to subscribers.
    bytes_out,
    /// Messages sent to subscribers because they came: welcomes and last values.
    greetings,
    /// Messages that no subscriber wanted.
    unwanted,
    /// Messages dropped at a slow subscriber's mark.
    dropped_slow,
    /// Messages that waited for a subscriber whose connection ended.
    dropped_gone,
    /// Frames from subscribers that are neither a subscription nor a command; ignored.
    ignored,
    /// Connections now, handshakes under way included.
    connections,
    /// Publishers connected now.
    publishers,
    /// Subscribers connected now.
    subscribers,
    /// Subscribers that are behind now, with [`HOLD_BYTES`](crate::limits::HOLD_BYTES) in their queue: publishers wait for
    /// them, or leave them to themselves.
    slow_subscribers,
    /// Subscriptions now, each subscriber's counted.
    subscriptions,
    /// Topics with a subscriber now.
    topics,
    /// Bytes of all subscriptions now, bookkeeping included.
    subscription_bytes,
    /// Bytes waiting for subscribers now, as charged to them.
    queued_bytes,
    /// Bytes of unfinished messages held now.
    inbound_bytes,
    /// Times that a publisher was made to wait for subscribers.
    waits,
    /// Times that it was decided not to wait for a subscriber any more, for a while.
    probations,
    /// Connections refused: too many, or a handshake that failed or took too long.
    refused,
    /// Connections closed for what the peer sent, or for a limit that it passed.
    closed_at_fault,
    /// Connections closed because the peer fell silent.
    closed_silent,
    /// Connections closed because their key is no longer a user's.
    expelled,
    /// Questions that are open now, about who may hear what.
    questions,
    /// Handshakes of a secured broker refused because of their key; they count as refused as well.
    keys_refused,
    /// Handshakes of a secured broker refused because their user has as many connections as may be; they count as refused as well.
    users_refused,
    /// Subscriptions to a secured broker that were refused, for now or for good, or were revoked.
    topics_refused,
    /// Messages on the topics of questions that are no answers; ignored.
    answers_ignored,
}

impl Counters {
    /// The counters of so many workers, one at least; the first one's also read the others'.
    pub(crate) fn of_workers(count: usize) -> Vec<Arc<Counters>> {
        let others: Vec<Arc<Counters>> = (1..count).map(|_| Arc::default()).collect();
        let first = Arc::new(Counters { others: others.clone(), ..Counters::default() });
        std::iter::once(first).chain(others).collect()
    }
}

/// One figure.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
