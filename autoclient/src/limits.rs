//! All bounds of the automated client.

use std::time::Duration;

use recado_proto::limits::MESSAGE_BYTES_MAX;

/// The most users that one process simulates: each has its own connections.
pub const USERS_MAX: usize = 1_000;

/// The most channels that are talked in.
pub const CHANNELS_MAX: usize = 1_000;

/// The highest rate that can be asked for, messages a second in all.
pub const RATE_MAX: f64 = 1_000_000.0;

/// The smallest message: it must have room for the number that tells it from the others.
pub const TEXT_BYTES_MIN: usize = 24;

/// The largest message: what the protocol allows.
pub const TEXT_BYTES_MAX: usize = MESSAGE_BYTES_MAX;

/// How many messages a user says in one channel before choosing another.
pub const BURST_MESSAGES: u32 = 10;

/// The most users that listen too. Everybody hears everything, so that more would only multiply the work.
pub const LISTENERS_MAX: usize = 16;

/// How many messages the books hold that are not settled. When there are more the oldest is judged by what is known of it.
pub const UNSETTLED_MAX: usize = 500_000;

/// How many lost messages are kept to be named in the report.
pub const LOST_NAMED_MAX: usize = 10;

/// How long the end waits for answers that are still under way.
pub const ANSWERS_WAIT: Duration = Duration::from_secs(8);

/// How long the end waits for messages that were acknowledged and not yet heard, counted from the last one heard.
pub const STRAGGLERS_WAIT: Duration = Duration::from_secs(8);

/// How long the end waits for connections to close.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// How often a line of progress is written where there is no terminal.
pub const PROGRESS_LINE_INTERVAL: Duration = Duration::from_secs(10);

/// How often the line of progress is drawn anew on a terminal.
pub const PROGRESS_DRAW_INTERVAL: Duration = Duration::from_millis(250);

/// How many messages that are due may wait because earlier ones of the same user are unanswered; then the plan waits.
pub const LATE_MESSAGES_MAX: usize = 10_000;

/// How many messages one connection has under way at most, when a rate is asked for; below what a session allows.
pub const UNDER_WAY_MAX: usize = 256;

/// How many events of all listeners may wait to be counted; then the listeners wait, and after them the broker drops.
pub const EVENTS_MAX: usize = 4_096;

/// The longest latency that is told from longer ones, in microseconds: an hour.
pub const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Significant digits that latencies are kept with.
pub const LATENCY_DIGITS: u8 = 3;

/// How many rows the timeline of a run has at most, each a second until there are more; then two become one.
pub const SECONDS_MAX: usize = 7_200;

const _: () = assert!(SECONDS_MAX >= 4, "rows are merged in pairs");
const _: () = assert!(TEXT_BYTES_MIN < TEXT_BYTES_MAX);
const _: () = assert!(LISTENERS_MAX <= u32::BITS as usize, "the audit keeps a bit for each listener");
const _: () =
    assert!(CHANNELS_MAX < recado_client::limits::TOPICS_MAX, "a session follows them all, and its user");
const _: () = assert!(UNDER_WAY_MAX < recado_client::limits::REQUESTS_MAX, "repairs need requests too");
