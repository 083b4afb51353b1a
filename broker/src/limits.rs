//! Every bound of the broker, in one place: what it is, and what happens at it. [`Limits`] has those that a user can set.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Bytes of memory that one read can fill. Publishers share the buffer: what a publisher keeps of its own is only the
/// message that it has not finished.
pub const CHUNK_BYTES: usize = 256 * KIB;

/// Bytes of memory that one read can fill when a chunk is shared by so many subscribers that each gets little of it: then a system
/// call for each costs more than the longer way through the caches.
pub const WIDE_CHUNK_BYTES: usize = MIB;

/// Mean bytes of a subscriber's share of [`CHUNK_BYTES`] below which wide chunks are read.
pub const WIDE_SHARE_BYTES: usize = 4 * KIB;

/// Slices of a share up to this many bytes are gathered in one buffer before they are written.
pub const GATHER_SLICE_BYTES: usize = 2 * KIB;

/// Bytes gathered for one write.
pub const GATHER_BYTES: usize = 64 * KIB;

/// A message that has passed half a chunk without its end is collected in a buffer of its own, which grows by this at least.
pub const LARGE_READ_BYTES: usize = 64 * KIB;

/// Room beyond what an unfinished message needs that its buffer may keep from before.
pub const REST_SPARE_BYTES: usize = 4 * KIB;

/// Buffers kept for the next read. They are handed back before the next is taken, so that few are ever needed.
pub const CHUNKS_FREE_MAX: usize = 4;

/// Buffers kept of those that come back when the last subscriber's slice of them is written.
pub const CHUNKS_BACK_MAX: usize = 16;

/// Bytes fetched by one read from a subscriber; longer runs of subscriptions take several turns.
pub const SUBSCRIBER_READ_BYTES: usize = 4 * KIB;

/// Runs of messages for subscribers that are noted before they are written: a chunk whose messages go to ever different, large
/// sets is delivered in several steps.
pub const SHARES_MAX: usize = 256 * KIB;

/// Bytes that the system takes for a subscriber beyond what it has sent: what waits, waits in our queue, where it is counted, and
/// one who reads slowly is seen to read.
pub const UNSENT_BYTES_MAX: u32 = 512 << 10;

/// Slices handed to one vectored write.
pub const WRITE_SLICES_MAX: usize = 64;

/// Bytes that one subscriber's queue may write in a turn before others have theirs.
pub const WRITE_TURN_BYTES: usize = MIB;

/// Bytes read from one publisher before others have their turn.
pub const TURN_BYTES: usize = 32 * KIB;

/// Reads from one publisher before others have their turn.
pub const TURN_READS: usize = 8;

/// A subscriber's share of a chunk is kept as slices of the chunk when it is at least this part of it; less is copied, so
/// that a few bytes never keep a whole chunk in memory.
pub const PINNED_SHARE: usize = 4;

/// Bytes that a subscriber must be behind before a publisher waits for it.
pub const HOLD_BYTES: usize = 512 * KIB;

/// What a subscriber's mark may fall to when all queues together hold too much, so that it still takes bursts.
pub const CROWDED_QUEUE_BYTES_MIN: usize = 64 * KIB;

/// A subscriber is behind when it has this part of its mark in its queue, if that is less than [`HOLD_BYTES`]: publishers
/// wait before anything is lost, however low the mark is.
pub const HOLD_MARK_PART: usize = 4;

/// Bytes that a publisher must have left in subscribers' queues since it last waited before it waits again: who sends
/// little never waits for anybody.
pub const HOLD_DEBT_BYTES: usize = 64 * KIB;

/// Milliseconds that a publisher waits for a subscriber that takes nothing at all. The system's own buffers hide what a slow one
/// takes: room is reported when a third of them is free, which are megabytes.
pub const HOLD_STALLED_MS: u64 = 1_000;

/// Of the time, this part may be spent waiting for subscribers that then turn out to take nothing; a publisher's patience is what is left
/// of it, [`HOLD_STALLED_MS`] at most. Without this bound, one subscriber after the other could connect, stall, and hold everybody up.
pub const HOLD_VAIN_PART: u32 = 10;

/// Milliseconds of patience that a subscriber has in any case, once it is proven.
pub const HOLD_PROVEN_MS: u64 = 50;

/// Milliseconds since it first caught up after it was behind, from which on a subscriber is proven: so who connects, stalls and connects
/// again soon finds no patience.
pub const HOLD_PROVEN_AFTER_MS: u64 = 5_000;

/// Milliseconds after which a waiting publisher looks again, if nothing happened before.
pub const HOLD_STEP_MS: u64 = 25;

/// Milliseconds over which it is judged who holds the others up.
pub const HOLD_WINDOW_MS: u64 = 250;

/// Milliseconds of a window that a subscriber may be waited for, unless the others are waited for about as long.
pub const HOLD_WINDOW_WAIT_MS: u64 = 25;

/// In a window that is longer because waits were far between: the part of it that a subscriber may be waited for.
pub const HOLD_WINDOW_PART: u32 = 10;

/// A subscriber holds the others up when it was waited for this many times as long as they were on average.
pub const HOLD_SHARE: u32 = 4;

/// Milliseconds for which nobody waits for a subscriber that stalled or held the others up; doubled each time.
pub const PROBATION_FIRST_MS: u64 = 2_500;

/// Milliseconds that the doubling ends at.
pub const PROBATION_MAX_MS: u64 = 60_000;

/// Bytes of commands waiting for a subscriber's turn beyond which its PINGs stay unanswered.
pub const SUBSCRIBER_COMMAND_BYTES_MAX: usize = 4 * KIB;

/// Bytes of subscriptions and answers made ready for a publisher at a time; the rest is made when they are written.
pub const PUBLISHER_OUTPUT_BYTES: usize = 16 * KIB;

/// Bytes of changed subscriptions that wait for one publisher, bookkeeping included. One that reads none of them is
/// disconnected beyond this: it could not be told the truth any more.
pub const PUBLISHER_PENDING_BYTES_MAX: usize = 64 * MIB;

/// The same for all publishers together, divided by the number of workers; beyond this each may have [`PUBLISHER_PENDING_BYTES_MIN`] only.
pub const PUBLISHERS_PENDING_BYTES_MAX: usize = 256 * MIB;

/// What any publisher may have waiting; one that reads is always far below.
pub const PUBLISHER_PENDING_BYTES_MIN: usize = MIB;

/// Bookkeeping of a subscription, charged beside its topic's bytes.
pub const SUBSCRIPTION_BYTES: usize = 160;

/// Of the bound on all subscriptions, this part may be passed while those of closed connections end.
pub const LEAVING_PART: usize = 4;

/// Last values looked at for a subscriber's subscriptions after which others have their turn, and no subscriber is read for a while.
pub const GREETING_TURN: usize = 4_096;

/// That is this many times as long as the looking took: so looks take a quarter of the time, unless one takes longer than a third of a second.
pub const GREETING_PAUSES: u32 = 3;

/// Milliseconds of it at most.
pub const GREETING_PAUSE_MAX_MS: u64 = 1_000;

/// Bookkeeping of a topic's last value, charged beside its bytes.
pub const LAST_VALUE_BYTES: usize = 160;

/// Bytes for the newest messages of all topics, where they are kept and nothing else is said.
pub const LAST_VALUE_SIZE: usize = 64 * MIB;

/// Bytes of a welcome message.
pub const WELCOME_BYTES_MAX: usize = 64 * KIB;

/// Subscriptions of a vanished subscriber that are ended in one turn before others have theirs.
pub const FORGET_TURN: usize = 256;

/// Subscribers in the remembered answers of which topic goes to whom; then they are found anew.
pub const REMEMBERED_SUBSCRIBERS_MAX: usize = MIB;

/// Shares of a publisher's chunks that wait for a worker, the one that it works at included; then the publisher is not read until there is
/// room. Enough that neither of two threads waits for the other's turn.
pub const LANE_CHUNKS_MAX: usize = 4;

/// Bytes that wait for workers, of all publishers together; beyond this a publisher is not read until the workers have done with what
/// they have of it.
pub const LANES_BYTES_MAX: usize = 64 * MIB;

/// Changed topics that wait to be learnt by a worker; beyond this the others read no more subscriptions until it has had its turn.
pub const TOPIC_CHANGES_MAX: usize = 1_024;

/// Workers at most.
pub const WORKERS_MAX: usize = 64;

/// Workers, where nothing else is said, for a machine of so many cores.
///
/// One is enough to pass on what a few cores can send and receive, costs least for a message, and is quickest when there is little to do: so it
/// is one up to three cores. With more, half of them, since publishers and subscribers need the others; at most eight, since the one worker that
/// reads a publisher is what bounds that publisher. `docs/decisions/0005-workers.md` has the figures.
pub fn workers_for(cores: usize) -> usize {
    if cores <= 3 { 1 } else { (cores / 2).min(8) }
}

/// Bytes of a message from a subscriber, unless a topic may be longer; more ends its connection.
pub const SUBSCRIBER_MESSAGE_BYTES_MAX: usize = 16 * KIB;

/// Frames of a message from a subscriber, each perhaps a subscription; a message of more ends its connection.
pub const SUBSCRIBER_FRAMES_MAX: usize = 1_024;

/// Milliseconds at the end for a subscriber that has been written everything to close its side. Whoever takes longer gets all that
/// the system holds for it still, unless it sends something meanwhile.
pub const PART_MS: u64 = 250;

/// Milliseconds between two looks at the connections' heartbeats.
pub const HEARTBEAT_TURN_MS: u64 = 500;

/// Milliseconds between two log lines of one kind.
pub const LOG_INTERVAL_MS: u64 = 1_000;

/// Connections of those who ask for the status; one more is closed at once.
pub const STATUS_CONNECTIONS_MAX: usize = 64;

/// Handshakes under way where the status is asked for, an eighth of them from one address; further connections wait.
pub const STATUS_HANDSHAKES_MAX: usize = 32;

/// Bytes of a request for the status, with its envelope; a larger one ends the connection.
pub const STATUS_REQUEST_BYTES_MAX: usize = KIB;

/// Frames of a request for the status, with its envelope; one of more ends the connection.
pub const STATUS_REQUEST_FRAMES_MAX: usize = 16;

/// Requests for the status that wait, of all who ask; no more are read until they are answered.
pub const STATUS_REQUESTS_MAX: usize = 64;

/// Requests for the status that are answered in a turn, all with the same figures; then other tasks have theirs.
pub const STATUS_TURN_REQUESTS: usize = 16;

/// Answers that wait for one who asks and does not read; further ones are dropped.
pub const STATUS_ANSWERS_MAX: usize = 16;

/// Keys of those who ask for the status of a secured broker that wait for a server to say that they may; one more is disconnected.
pub const STATUS_STRANGERS_MAX: usize = 16;

/// Bytes of a topic that a server is asked about: a longer one is refused without asking.
pub const ASKED_TOPIC_BYTES_MAX: usize = 256;

/// Bytes of a user's name in an answer; an answer with a longer one is ignored.
pub const USER_BYTES_MAX: usize = 256;

/// Questions that a secured broker's servers are asked at a time, about all keys and topics, divided by the number of workers. At the
/// bound the one is forgotten that nobody has needed for longest; if all are needed, who wants one more is disconnected.
pub const QUESTIONS_MAX: usize = 256 * KIB;

/// Topics that are asked about for one key, at each worker; a connection that wants one more is disconnected.
pub const QUESTIONS_PER_KEY_MAX: usize = 8 * KIB;

/// Questions that stay asked though nobody needs them, as the answer was yes, divided by the number of workers; beyond it the longest of
/// them is forgotten.
pub const LINGERING_MAX: usize = 16 * KIB;

/// Milliseconds for which they do.
pub const LINGERING_MS: u64 = 30_000;

/// Of the handshakes that may be under way, this part may wait for a server to say whose key it is; then newcomers with keys that are not
/// known are refused, and those with known ones still come in.
pub const WAITERS_PART: usize = 2;

/// Milliseconds that a subscription waits for its answer and holds back those of its connection that came after it; then it counts as
/// refused, until the answer comes.
pub const ANSWER_WAIT_MS: u64 = 3_000;

/// Subscriptions that are refused because no answer came, and questions that are forgotten, between two looks at the heartbeats.
pub const GATE_TURN: usize = 4 * KIB;

/// Plain listeners of a secured broker. One more is refused at the start.
pub const PLAIN_LISTENERS_MAX: usize = 16;

/// All plain listeners together may have this part of a side's handshakes under way, which is an address's share: so they leave
/// [`WAITERS_PART`] of them to others while no server answers.
pub const PLAIN_HANDSHAKES_PART: usize = recado_zmtp::limits::HANDSHAKES_ADDRESS_SHARE;

const MESSAGE_BYTES_MAX: usize = 16 * MIB;
const MESSAGE_FRAMES_MAX: usize = 1_024;
const INBOUND_BYTES_MAX: usize = 256 * MIB;
const TOPIC_BYTES_MAX: usize = 4 * KIB;
const SUBSCRIPTIONS_MAX: usize = 100_000;
const SUBSCRIPTION_BYTES_TOTAL_MAX: usize = 256 * MIB;
const QUEUE_MESSAGES_MAX: u64 = 1_000_000;
const QUEUE_BYTES_MAX: usize = 16 * MIB;
const QUEUE_BYTES_TOTAL_MAX: usize = 1024 * MIB;
const CONNECTIONS_MAX: usize = 16_384;
const CONNECTIONS_PER_ADDRESS_MAX: usize = CONNECTIONS_MAX / 4 * 3;
/// A user may have 32 keys, and about three programs on each of these devices.
const CONNECTIONS_PER_USER_MAX: usize = 100;
const HEARTBEAT_INTERVAL_MS: u64 = 15_000;
const HEARTBEAT_TIMEOUT_MS: u64 = 15_000;
const LINGER_MS: u64 = 1_000;
const FIGURES_INTERVAL_MS: u64 = 60_000;

const _: () = assert!(
    LARGE_READ_BYTES <= CHUNK_BYTES / 2,
    "a large read is not larger than what makes a message large"
);
const _: () = assert!(CHUNK_BYTES <= WIDE_CHUNK_BYTES);
const _: () = assert!(GATHER_SLICE_BYTES <= GATHER_BYTES);
const _: () = assert!(SUBSCRIBER_READ_BYTES <= CHUNK_BYTES, "subscribers are read with the same buffer");
const _: () =
    assert!(QUEUE_BYTES_MAX >= 2 * HOLD_BYTES + WIDE_CHUNK_BYTES, "publishers wait before a queue is full");
const _: () = assert!(QUEUE_BYTES_MAX >= MESSAGE_BYTES_MAX, "a queue takes the largest message");
const _: () = assert!(QUEUE_BYTES_TOTAL_MAX > QUEUE_BYTES_MAX);
const _: () =
    assert!(INBOUND_BYTES_MAX >= 2 * MESSAGE_BYTES_MAX, "one large message does not exclude another");
const _: () = assert!(HOLD_WINDOW_WAIT_MS < HOLD_WINDOW_MS);
const _: () =
    assert!(PROBATION_FIRST_MS >= 10 * HOLD_WINDOW_MS, "a staller costs the others a tenth at most");
const _: () = assert!(PUBLISHER_PENDING_BYTES_MIN < PUBLISHER_PENDING_BYTES_MAX);
const _: () = assert!(PUBLISHER_PENDING_BYTES_MAX < PUBLISHERS_PENDING_BYTES_MAX);
const _: () = assert!(REMEMBERED_SUBSCRIBERS_MAX > CONNECTIONS_MAX, "one set of all subscribers fits");
const _: () = assert!(STATUS_TURN_REQUESTS <= STATUS_REQUESTS_MAX);
const _: () = assert!(PUBLISHER_OUTPUT_BYTES >= 2 * TOPIC_BYTES_MAX);
const _: () = assert!(QUESTIONS_PER_KEY_MAX * 16 <= QUESTIONS_MAX, "a few keys do not ask for all");
const _: () = assert!(LINGERING_MAX < QUESTIONS_MAX);
const _: () = assert!(PLAIN_HANDSHAKES_PART > WAITERS_PART);
const _: () = assert!(ASKED_TOPIC_BYTES_MAX <= TOPIC_BYTES_MAX);

/// What the gate of a secured broker may remember, at one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// Questions asked at a time, see [`QUESTIONS_MAX`].
    pub questions_max: usize,
    /// Of these, topics for one key, see [`QUESTIONS_PER_KEY_MAX`].
    pub questions_per_key_max: usize,
    /// Of these, those that nobody needs, see [`LINGERING_MAX`].
    pub lingering_max: usize,
    /// Who may wait for an answer, see [`WAITERS_PART`].
    pub waiters_max: usize,
}

impl GateLimits {
    /// Those of a worker with these limits.
    pub fn of_worker(limits: &Limits) -> GateLimits {
        let share = |total: usize| (total / limits.workers.max(1)).max(1);
        GateLimits {
            questions_max: share(QUESTIONS_MAX),
            questions_per_key_max: QUESTIONS_PER_KEY_MAX.min(share(QUESTIONS_MAX) / 2),
            lingering_max: share(LINGERING_MAX),
            waiters_max: share(limits.handshakes_max / WAITERS_PART),
        }
    }
}

/// The bounds that a user can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads that forward. Connections are spread over them; bounds for all connections together are divided by their number, see
    /// [`Limits::of_worker`].
    pub workers: usize,
    /// Bytes of a message, headers of its frames not counted. A larger one is refused when its header is read, before any
    /// memory is taken for it: its publisher is disconnected.
    pub message_bytes_max: usize,
    /// Frames of a message; a message of more ends the publisher's connection.
    pub message_frames_max: usize,
    /// Bytes of unfinished messages of all connections together. Beyond it, of the connections that hold half an even share or more,
    /// the one is closed that has kept its message unfinished for longest.
    pub inbound_bytes_max: usize,
    /// Bytes of a subscription's topic; a longer one ends the subscriber's connection.
    pub topic_bytes_max: usize,
    /// Subscriptions of one connection; one more ends it.
    pub subscriptions_max: usize,
    /// Bytes of all subscriptions of all connections: topics and [`SUBSCRIPTION_BYTES`] each. Beyond it the connection that has
    /// most of them is closed; until its subscriptions have ended, others may pass the bound by [`LEAVING_PART`] of it.
    pub subscription_bytes_total_max: usize,
    /// Messages waiting for one subscriber: at this mark the newest are dropped until half are left.
    ///
    /// libzmq's mark is 1,000. Here a single read holds thousands of small messages, and memory follows bytes, not messages; so
    /// this mark is high, and bytes decide.
    pub queue_messages_max: u64,
    /// Bytes waiting for one subscriber, counted as the memory that they keep in use; at this mark the newest messages are
    /// dropped until half are left. An empty queue takes one message of any size.
    pub queue_bytes_max: usize,
    /// Bytes of memory that wait for all subscribers, a chunk that several share counted once. Beyond this each subscriber's mark
    /// is an even share of half of it, [`CROWDED_QUEUE_BYTES_MIN`] at least: those who hold more get nothing new, the others
    /// go on.
    pub queue_bytes_total_max: usize,
    /// What happens to a subscriber at its mark.
    pub slow_subscriber: SlowSubscriber,
    /// Publishers wait for subscribers that are behind; otherwise who is slow loses at its mark, as with libzmq.
    pub publishers_wait: bool,
    /// Bytes for the newest message of each topic, topics and [`LAST_VALUE_BYTES`] each included; the topics that had none for longest
    /// are forgotten first. Without it none are kept.
    pub last_value_bytes_max: Option<usize>,
    /// Connections, handshakes included; one more is accepted and closed at once.
    pub connections_max: usize,
    /// Connections from one address, so that no machine can have all; one more is accepted and closed at once. For IPv6 a network of 64
    /// bits is one address. Those over `ipc` have no address, and their file's permissions instead. Where security is on, publishers are
    /// not counted: only servers are let in there.
    pub connections_per_address_max: usize,
    /// Subscribers' connections of one user, where security is on, from wherever they come; one more is refused in its handshake, in such a
    /// way that it comes again by itself.
    pub connections_per_user_max: usize,
    /// Handshakes under way, on each of the two sides; one more is closed at once.
    pub handshakes_max: usize,
    /// A longer handshake is closed.
    pub handshake_timeout: Duration,
    /// Between PINGs to a peer that announced ZMTP 3.1; none without.
    pub heartbeat_interval: Option<Duration>,
    /// A peer that sends nothing for so long after a PING is disconnected.
    pub heartbeat_timeout: Duration,
    /// At the end, how long queues may take to be written; what is left then is dropped and counted.
    pub linger: Duration,
    /// Between two log lines with all figures, if they have changed; none without.
    pub figures_interval: Option<Duration>,
}

impl Limits {
    /// The bounds of one worker: it has an even share of what all connections together may hold, so that no worker asks another on the way of
    /// a message.
    ///
    /// A share is not less than one message of the largest size, or what one subscriber may be behind. With last values, each worker keeps
    /// those of all topics in its share. Each worker also knows the topics of the others' subscriptions, so that the memory for subscriptions
    /// may be as many times [`Limits::subscription_bytes_total_max`] as there are workers.
    pub fn of_worker(&self) -> Limits {
        let share = |total: usize| total / self.workers.max(1);
        Limits {
            inbound_bytes_max: share(self.inbound_bytes_max).max(self.message_bytes_max),
            subscription_bytes_total_max: share(self.subscription_bytes_total_max),
            queue_bytes_total_max: share(self.queue_bytes_total_max).max(HOLD_BYTES),
            last_value_bytes_max: self.last_value_bytes_max.map(share),
            ..self.clone()
        }
    }
}

/// What happens to a subscriber whose queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SlowSubscriber {
    /// The newest messages are dropped and counted, as libzmq does.
    #[default]
    Drop,
    /// It is disconnected: it will notice, and can ask for what it missed.
    Disconnect,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            workers: workers_for(available_parallelism().map_or(1, NonZero::get)),
            message_bytes_max: MESSAGE_BYTES_MAX,
            message_frames_max: MESSAGE_FRAMES_MAX,
            inbound_bytes_max: INBOUND_BYTES_MAX,
            topic_bytes_max: TOPIC_BYTES_MAX,
            subscriptions_max: SUBSCRIPTIONS_MAX,
            subscription_bytes_total_max: SUBSCRIPTION_BYTES_TOTAL_MAX,
            queue_messages_max: QUEUE_MESSAGES_MAX,
            queue_bytes_max: QUEUE_BYTES_MAX,
            queue_bytes_total_max: QUEUE_BYTES_TOTAL_MAX,
            slow_subscriber: SlowSubscriber::Drop,
            publishers_wait: true,
            last_value_bytes_max: None,
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            connections_per_user_max: CONNECTIONS_PER_USER_MAX,
            handshakes_max: recado_zmtp::limits::HANDSHAKES_MAX,
            handshake_timeout: Duration::from_millis(recado_zmtp::limits::HANDSHAKE_TIMEOUT_MS),
            heartbeat_interval: Some(Duration::from_millis(HEARTBEAT_INTERVAL_MS)),
            heartbeat_timeout: Duration::from_millis(HEARTBEAT_TIMEOUT_MS),
            linger: Duration::from_millis(LINGER_MS),
            figures_interval: Some(Duration::from_millis(FIGURES_INTERVAL_MS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, workers_for};

    #[test]
    fn few_cores_get_one_worker_and_more_get_half_as_many() {
        let cores = [1, 2, 3, 4, 5, 6, 8, 12, 16, 17, 64, 256];
        assert_eq!(cores.map(workers_for), [1, 1, 1, 2, 2, 3, 4, 6, 8, 8, 8, 8]);
    }

    #[test]
    fn workers_share_what_all_connections_may_hold_and_nothing_else() {
        let all = Limits { last_value_bytes_max: Some(4000), ..Limits::default() };
        assert_eq!(Limits { workers: 1, ..all.clone() }.of_worker(), Limits { workers: 1, ..all.clone() });
        let one = Limits { workers: 4, ..all.clone() }.of_worker();
        let expected = Limits {
            workers: 4,
            inbound_bytes_max: all.inbound_bytes_max / 4,
            subscription_bytes_total_max: all.subscription_bytes_total_max / 4,
            queue_bytes_total_max: all.queue_bytes_total_max / 4,
            last_value_bytes_max: Some(1000),
            ..all.clone()
        };
        assert_eq!(one, expected);
        let large = Limits { workers: 64, message_bytes_max: 100 << 20, ..all };
        assert_eq!(large.of_worker().inbound_bytes_max, 100 << 20, "a message of the largest size fits");
    }
}
