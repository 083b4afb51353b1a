//! All bounds of the automated client.

use std::{ops::RangeInclusive, time::Duration};

use recado_proto::limits::MESSAGE_BYTES_MAX;

/// The most users that one process simulates.
pub const USERS_MAX: usize = 100_000;

/// The most connections that the simulated users share: the audit keeps a bit for each.
pub const CONNECTIONS_MAX: usize = 64;

/// How many connections the simulated users share, unless it is said.
pub const CONNECTIONS_DEFAULT: usize = 8;

/// How many connections subscribe to the channels, unless it is said. Each hears every message, so that more multiply the work.
pub const LISTENERS_DEFAULT: usize = 4;

/// The most channels that are talked in.
pub const CHANNELS_MAX: usize = 1_000;

/// The most phases of a scenario.
pub const PHASES_MAX: usize = 1_000;

/// How long users pause after ten messages, unless it is said.
pub const PAUSE_DEFAULT: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(10);

/// The most users who receive direct messages: the first ones. Each is a topic to follow and to read back.
pub const RECEIVERS_MAX: usize = 1_000;

/// How many messages a second a slow reader takes, and in how many gulps.
pub const SLOW_MESSAGES: usize = 50;

/// How long a slow reader rests between gulps.
pub const SLOW_PAUSE: Duration = Duration::from_secs(1);

/// How long a subscriber that leaves a channel stays away, at least and at most.
pub const CHURN_AWAY: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(2);

/// Before a subscriber that could not come back tries again.
pub const CHURN_RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The highest rate that can be asked for, messages a second in all.
pub const RATE_MAX: f64 = 1_000_000.0;

/// More messages than this are not told apart: a million a second for eleven days.
pub const MESSAGES_MAX: u64 = 1_000_000_000_000;

/// The smallest message: it must have room for the tag that tells it from the others and shows whether it was altered.
pub const TEXT_BYTES_MIN: usize = 32;

/// The largest message: what the protocol allows.
pub const TEXT_BYTES_MAX: usize = MESSAGE_BYTES_MAX;

/// How many messages a user says in one channel before choosing another.
pub const BURST_MESSAGES: u32 = 10;

/// How many messages the books hold one by one that are not settled. When there are more the oldest answered one is forgotten: its
/// deliveries still count, by their places, and their times do not.
pub const UNSETTLED_MAX: usize = 500_000;

/// How many places of a topic share a digest in the comparison of what was acknowledged, heard and stored.
pub const STRETCH_PLACES: u64 = 4_096;

/// How many acknowledged messages are kept one by one for that comparison, so that what is missing is known by its number. Of older
/// ones the digest is kept, which shows that something is missing in a stretch, and how much.
pub const PLACED_MAX: usize = 1_000_000;

/// How many messages that were refused or never left are remembered, so that none of them is heard or stored after all.
pub const NEVER_STORED_MAX: usize = 100_000;

/// How many messages that went wrong are named in the report.
pub const NAMED_MAX: usize = 10;

/// How long the end waits while nothing arrives that is still owed: answers, deliveries, pages of history.
pub const DRAIN_WAIT: Duration = Duration::from_secs(30);

/// The same without repair, when what does not come at once does not come.
pub const DRAIN_WAIT_UNREPAIRED: Duration = Duration::from_secs(3);

/// How long the end waits for connections to close.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// Messages asked for at once when history is read back.
pub const READ_BACK_PAGE_MESSAGES: u32 = 1_000;

/// Topics that are read back at the same time.
pub const READ_BACK_TOPICS_MAX: usize = 8;

/// How often a page of history is asked for before it is given up, each time with the patience of a session.
pub const READ_BACK_ATTEMPTS_MAX: u32 = 3;

/// How often progress is shown, and a second of the timeline ends.
pub const PROGRESS_LINE_INTERVAL: Duration = Duration::from_secs(1);

/// How many messages that are due may wait because earlier ones are unanswered; then the plan waits, and all that it holds is late by the
/// server's fault.
pub const LATE_MESSAGES_MAX: usize = 10_000;

/// How many messages one connection has under way at most in an open schedule; below what a session allows. Until then no message
/// waits for another's answer.
pub const UNDER_WAY_MAX: usize = 384;

/// How many deliveries of all subscribers may wait to be counted; then the subscribers wait, and after them the broker drops.
pub const EVENTS_MAX: usize = 16_384;

/// Messages that the plan is ahead of whoever sends them.
pub const STEPS_AHEAD_MAX: usize = 64;

/// The shortest sleep between messages: what is due within it leaves together, late by as much at most.
pub const PACE_GRAIN: Duration = Duration::from_micros(250);

/// How often the plan looks whether it is still wanted.
pub const PACE_LOOK: Duration = Duration::from_millis(100);

/// A message that leaves later than intended by more than this, though it waited for no answer, is the generator's fault.
pub const LAG_MAX: Duration = Duration::from_millis(100);

/// When more than this share of all messages are the generator's fault, the run is invalid.
pub const LAG_SHARE_MAX: f64 = 0.05;

/// When the main thread of the load client is busy, or kept from the processor, for more than this share of the time, the run is invalid.
pub const BUSY_SHARE_MAX: f64 = 0.95;

/// A shorter load says nothing of how busy the load client is.
pub const BUSY_JUDGED_AFTER: Duration = Duration::from_secs(2);

/// When the process uses more than this share of the processor time that all cores have, from the beginning of the load to its end, the run
/// is invalid.
pub const CPU_SHARE_MAX: f64 = 0.95;

/// The longest latency that is told from longer ones, in microseconds: an hour.
pub const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Significant digits that latencies are kept with.
pub const LATENCY_DIGITS: u8 = 3;

/// How many rows the timeline of a run has at most, each a second until there are more; then two become one. A row with its histograms takes
/// a few kilobytes: with this many a load client grows little after twenty minutes, and they are more than a chart has points.
pub const SECONDS_MAX: usize = 1_200;

/// How much room a report keeps on its disk while the run lasts, in bytes: what the report of a run of some minutes takes.
pub const REPORT_ROOM_BYTES: usize = 4 << 20;

/// The largest `report.json` that is read, in bytes.
pub const REPORT_BYTES_MAX: u64 = 1 << 30;

/// How many points a line over time has at most in a report's charts; beyond that neighbours become one.
pub const REPORT_POINTS_MAX: usize = 600;

/// How many rows the table of a run over time has at most on a report's page.
pub const REPORT_SECONDS_ROWS_MAX: usize = 60;

/// How many rows each audit table has at most on a report's page; the files have them all.
pub const REPORT_AUDIT_ROWS_MAX: usize = 100;

/// How many blocks a run is cut into at most to learn by how much its figures vary within it.
pub const SPREAD_BLOCKS_MAX: usize = 60;

/// With fewer blocks, each a second at least, nothing is said of how much a run's figures vary.
pub const SPREAD_BLOCKS_MIN: usize = 10;

/// How many times blocks are drawn anew to learn by how much a run's figures vary.
pub const SPREAD_DRAWS: usize = 500;

const _: () = assert!(SECONDS_MAX >= 4, "rows are merged in pairs");
const _: () = assert!(TEXT_BYTES_MIN < TEXT_BYTES_MAX);
const _: () = assert!(CONNECTIONS_MAX <= u64::BITS as usize, "the audit keeps a bit for each");
const _: () = assert!(LISTENERS_DEFAULT <= CONNECTIONS_DEFAULT);
const _: () =
    assert!(PLACED_MAX as u64 > STRETCH_PLACES, "the stretch that is being filled is kept one by one");
const _: () =
    assert!(CHANNELS_MAX < recado_client::limits::TOPICS_MAX, "a session follows them all, and its user");
const _: () =
    assert!(RECEIVERS_MAX < recado_client::limits::TOPICS_MAX, "one connection may be enough for them all");
const _: () = assert!(UNDER_WAY_MAX < recado_client::limits::REQUESTS_MAX, "repairs need requests too");
const _: () = assert!(READ_BACK_PAGE_MESSAGES <= recado_proto::limits::HISTORY_LIMIT_MAX);
