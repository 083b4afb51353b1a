//! Every bound of the server, with what happens at it.

use std::time::Duration;

use recado_proto::limits::{
    HISTORY_BYTES_MAX, MEMBERS_LISTED_MAX, MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX, SYNC_TOPICS_MAX,
};

use crate::quota::{Patience, Rate};

/// Users that a store holds. Whoever would be one more is refused with `busy`. A secured system keeps in memory how each name looks, as
/// it does for channels: in 100 to 300 bytes for most, and never more than 3 KiB. To look at 100,000 of them takes its start about half a
/// second.
pub const USERS_MAX: usize = 100_000;

/// Channels that a store holds. The creation of one more is refused with `busy`.
pub const CHANNELS_MAX: usize = 100_000;

/// Requests that are committed and synced together. What waits beyond it is in the next turn.
pub const TURN_REQUESTS_MAX: usize = 1024;

/// Requests that the desk commits itself instead of handing them to the writer, if nothing else is under way. With more, to
/// read and answer some while others sync is worth the handing over.
pub const TURN_AT_DESK_REQUESTS_MAX: usize = 64;

/// How long the last turn may have taken for the desk to take the next one: for so long nothing is read or answered then.
pub const TURN_AT_DESK_MAX: Duration = Duration::from_millis(1);

/// Requests taken and not answered yet. At the bound the server reads no further ones, and its peers wait.
pub const REQUESTS_UNDER_WAY_MAX: usize = 8 * TURN_REQUESTS_MAX;

/// Bytes of requests taken and not answered yet. At the bound the server reads no further ones, and its peers wait.
pub const REQUESTS_UNDER_WAY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of replies that may wait for one peer, and one reply more. Those beyond it are dropped: who takes none gets none.
pub const REPLIES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Requests taken from the socket at once, before answers get their turn.
pub const REQUESTS_A_READ_MAX: usize = 256;

/// Rounds of reading that may follow each other before the writer takes what they brought, although each brought more.
pub const ROUNDS_UNRELEASED_MAX: u32 = 8;

/// Requests that wait for a reader (`history`, `users`, `channels`). One more is refused with `busy`.
pub const READS_WAITING_MAX: usize = 1024;

/// Threads that answer `history`, `users` and `channels`.
pub const READERS: usize = 2;

/// Messages that are in the log and not yet in its index. The turn that reaches the bound writes the index, too.
pub const TAIL_MESSAGES_MAX: usize = 8 * 1024;

/// Bytes of text of messages that are not yet in the index. The turn that reaches the bound writes the index, too.
pub const TAIL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A server that had nothing to write for so long writes its index, which frees the memory that the tail takes.
pub const IDLE_BEFORE_UPKEEP: Duration = Duration::from_millis(1000);

/// Bytes written since the last checkpoint that start the next one, on a thread of its own.
pub const CHECKPOINT_AFTER_BYTES: u64 = 4 * 1024 * 1024;

/// The write-ahead log's size from which the writer finishes the checkpoint itself, between two turns, so that the file
/// is used again from its beginning. It can be passed by one turn, and while another process reads for long.
pub const WRITE_AHEAD_LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Memory for pages on the writer's connection.
pub const WRITER_CACHE_KIB: u32 = 4 * 1024;

/// Memory for pages on every other connection.
pub const READER_CACHE_KIB: u32 = 512;

/// Requests to search that wait. One more is refused with `busy`.
pub const SEARCHES_WAITING_MAX: usize = 64;

/// How long one search may take. What was found by then is the answer, which says that there may be more.
pub const SEARCH_TIME_MAX: Duration = Duration::from_millis(60);

/// Messages that one search looks at and ranks: the newest ones that match.
pub const SEARCH_RANKED_MAX: usize = 400;

/// The niceness of the threads that search and index, on Linux: where processors are scarce publishing goes first.
pub const SEARCH_NICENESS: i32 = 10;

/// Bytes of text that one search looks at. The messages that are left then, which are older ones, are not found.
pub const SEARCH_RANKED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Rows at the end of the log, not indexed yet, that a search reads for itself. With more of them it leaves them out, and
/// says how many there are.
pub const SEARCH_UNINDEXED_ROWS_MAX: usize = 1024;

/// A word in the index for search, in bytes. Of a longer one so many count.
pub const WORD_BYTES_MAX: usize = 64;

/// Places in one text that are counted and marked for one word of a search.
pub const MATCHES_A_TEXT_MAX: usize = 64;

/// Rows of the log that are indexed for search in one transaction.
pub const INDEXED_AT_ONCE_ROWS_MAX: usize = 512;

/// Rows of the log that share one note of how old they are, by which a search for a time finds where to begin.
pub const SPAN_ROWS: u64 = 1024;

/// How long the index for search waits after it has caught up. A search reads by itself what comes meanwhile.
pub const INDEX_PAUSE: Duration = Duration::from_millis(250);

/// How long the index for search waits after it failed, before it is made anew.
pub const INDEX_RETRY: Duration = Duration::from_secs(30);

/// Entries a second from which on the server counts as busy: then the index for search takes its time.
pub const BUSY_ENTRIES_A_SECOND: u64 = 1000;

/// How many times as long as it worked the index for search rests while the server is busy.
pub const INDEX_REST_FACTOR: u32 = 15;

/// Memory for pages of the index for search, on each of its two connections.
pub const SEARCH_CACHE_KIB: u32 = 8 * 1024;

/// Publications kept encoded for feeds that follow closely. A feed that is further behind reads from the store.
pub const RECENT_PUBLICATIONS_MAX: usize = 16 * 1024;

/// Bytes of publications kept encoded.
pub const RECENT_PUBLICATIONS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a broker that cannot be reached may take to say how it is secured, for the log.
pub const BROKER_KEY_PATIENCE: Duration = Duration::from_secs(3);

/// Publications that a feed which is behind reads from the store at once.
pub const CATCH_UP_MESSAGES_MAX: usize = 256;

/// When a topic's last place is told again: once the topic has been quiet for the first pause, and after each further one.
/// After the last of them whoever is still there has heard it, or never will on this way.
pub const BEACON_PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];

/// Topics that each feed remembers to tell their last places, in about 200 bytes each. With more of them active within the
/// pauses the one that was told most often is forgotten; a receiver that is behind in it notices with its next message.
pub const BEACON_TOPICS_MAX: usize = 16 * 1024;

/// Beacons that a feed publishes before it looks whether there are messages.
pub const BEACONS_AT_ONCE_MAX: usize = 64;

/// Rows at the end of the log among which a feed that starts looks for topics to tell: what an earlier process wrote to a
/// connection and never reached the broker is at most what the system holds for a connection.
pub const RECALLED_ROWS_MAX: u64 = 32 * 1024;

/// How long before the last message of all a message may be for its topic to be told at the start.
pub const RECALLED_BEFORE_END: Duration = Duration::from_secs(60);

/// `sync` questions that wait for a feed. Of more the oldest are dropped: who asked longest ago has asked again.
pub const SYNC_QUESTIONS_WAITING_MAX: usize = 1024;

/// Names in all `sync` questions that wait for a feed, under the same rule.
pub const SYNC_NAMES_WAITING_MAX: usize = 64 * SYNC_TOPICS_MAX;

/// Notices that wait for a feed. Of more the oldest are dropped: nobody is promised them, and who needs to know asks.
pub const NOTICES_WAITING_MAX: usize = 1024;

/// How long what a device says of its user is believed.
pub const HERE_BELIEVED: Duration = Duration::from_secs(75);

/// Devices of one user. Of more the one that was silent longest is forgotten.
pub const DEVICES_PER_USER_MAX: usize = 16;

/// Names of which is remembered that somebody is subscribed to them. Who listens to a further one is not seen by that.
pub const LISTENED_NAMES_MAX: usize = 16 * 1024;

/// How long a user is still here after the last subscription to the name has ended: long enough to connect again.
pub const LISTENING_LINGERS: Duration = Duration::from_secs(5);

/// How often is looked whether a name to which somebody listens has become a user's.
pub const NAMES_LOOKED_UP_EVERY: Duration = Duration::from_secs(2);

/// Changes of who is here that are told at once. More are told after the next pause.
pub const CHANGES_AT_ONCE_MAX: usize = 256;

/// The pause between two tellings of who is here. What comes meanwhile waits, and of each user only the last state is told.
pub const CHANGES_PAUSE: Duration = Duration::from_millis(250);

/// How often is told of one user and one place that the user is typing there. What is said more often is answered and not told.
pub const TYPING_TOLD_EVERY: Duration = Duration::from_secs(2);

/// Users and places of typing that are remembered for that. More at once are not told.
pub const TYPING_PLACES_MAX: usize = 4096;

/// Users to whose sent messages somebody is subscribed, at each broker. To further ones nothing is published.
pub const SENT_LISTENERS_MAX: usize = 16 * 1024;

/// Keys that a user has at a time, not counting sessions. One more is refused with `busy`.
pub const KEYS_PER_USER_MAX: usize = 32;

/// Keys that one user was ever given: those that were revoked are remembered. One more is refused with `busy`.
pub const KEYS_EVER_PER_USER_MAX: usize = 512;

/// Keys in all, with those that were revoked. One more is refused with `busy`.
pub const KEYS_MAX: usize = 1_000_000;

/// Sessions by password that one user has at a time. A further one ends the one that would end first.
pub const SESSIONS_PER_USER_MAX: usize = 16;

/// How long a session by password lasts at most. One that is to be longer ends then.
pub const SESSION_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// Codes to join with that are good at a time. One more is refused with `busy`.
pub const CODES_MAX: usize = 1000;

/// Codes for devices that one user who is no administrator has at a time. One more is refused with `busy`, so that nobody keeps
/// others from having any.
pub const CODES_PER_MEMBER_MAX: usize = 8;

/// How long a code for a device is good if nobody says.
pub const DEVICE_CODE_SECONDS_DEFAULT: u64 = 15 * 60;

/// How long an invitation is good if nobody says.
pub const INVITATION_SECONDS_DEFAULT: u64 = 7 * 24 * 60 * 60;

/// How long a code may be good. A longer time is refused with `bad_request`.
pub const CODE_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// How long a mute with an end may last. A longer one is refused with `bad_request`.
pub const MUTE_SECONDS_MAX: u64 = 10 * 365 * 24 * 60 * 60;

/// Channels in which one user is muted at a time. One more is refused with `busy`: who is muted in so many can be muted
/// everywhere.
pub const MUTES_PER_USER_MAX: usize = 64;

/// Members of one private channel. One more is refused with `busy`.
pub const MEMBERS_MAX: usize = 10_000;

/// Members of all private channels together. One more is refused with `busy`.
pub const MEMBERSHIPS_MAX: usize = 1_000_000;

/// A password's hash as it is kept, in bytes. A longer one in a store is damage.
pub const PASSWORD_HASH_BYTES_MAX: usize = 256;

/// Memory that hashing a password takes: with [`PASSWORD_PASSES`] and one lane the first of the settings that OWASP recommends
/// for argon2id.
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;

/// How often hashing a password goes through that memory.
pub const PASSWORD_PASSES: u32 = 2;

/// Events of access that a start reads at once.
pub const ACCESS_EVENTS_AT_ONCE_MAX: usize = 4 * 1024;

/// Questions that one broker may have open about who may hear what, in about 200 bytes each. One more is not answered.
pub const DOOR_QUESTIONS_MAX: usize = 256 * 1024;

/// Bytes of such a question: a key, and the longest topic that there is.
pub const DOOR_QUESTION_BYTES_MAX: usize = 512;

/// Questions that are looked at before other tasks have their turn.
pub const DOOR_ANSWERS_AT_ONCE_MAX: usize = 1024;

/// Connections of which is remembered whose they are. From so many on those that are gone are looked for with each further one.
pub const CALLERS_REMEMBERED_MAX: usize = 2 * recado_zmtp::limits::CONNECTIONS_MAX;

/// Plain listeners, and users that are let in by those of a broker in the same program. One more is refused at the start.
pub const PLAIN_LISTENERS_MAX: usize = 16;

/// Connections at each of them. One more is closed at once.
pub const PLAIN_CONNECTIONS_MAX: usize = 256;

/// Passwords that wait to be checked or hashed, one after the other. One more is refused with `busy`.
pub const PASSWORDS_WAITING_MAX: usize = 32;

/// How long a login by password holds on the key that it was made with, in seconds.
pub const SESSION_SECONDS: u64 = 30 * 24 * 3600;

/// Connections for requests that a user makes, where security is on. One more is closed in its handshake, to come again. All programs
/// of all devices come back at once after a cut, and a program that is started for each message makes one each time.
pub const USER_CONNECTIONS: Rate = Rate::a_second(10, 200);

/// Connections for requests from an address, where security is on. One more is closed at once, to come again. After a cut all come back at
/// once that may be connected from there, and behind one address there can be a thousand people. A handshake takes a third of a millisecond
/// of a thread that stands back: these take a thirtieth of it.
pub const ADDRESS_CONNECTIONS: Rate = Rate::a_second(100, 4000);

/// Requests of a user, where security is on. One more is refused with `busy`, like all that follows. A client that starts asks for each
/// of its channels.
pub const USER_REQUESTS: Rate = Rate::a_second(200, 2000);

/// Requests from an address, where security is on.
pub const ADDRESS_REQUESTS: Rate = Rate::a_second(2000, 20_000);

/// Messages and acts of a user, where security is on: twice what a busy bot sends, and a log that is pasted line by line.
pub const USER_MESSAGES: Rate = Rate::a_second(100, 1000);

/// Messages and acts from an address, where security is on.
pub const ADDRESS_MESSAGES: Rate = Rate::a_second(1000, 10_000);

/// Bytes of a user's requests, where security is on: messages of the usual length as often as they are allowed, or a few of the longest.
pub const USER_BYTES: Rate = Rate::a_second(2 * 1024 * 1024, 8 * 1024 * 1024);

/// Bytes of requests from an address, where security is on.
pub const ADDRESS_BYTES: Rate = Rate::a_second(16 * 1024 * 1024, 64 * 1024 * 1024);

/// Channels that a user creates, where security is on.
pub const USER_CHANNELS: Rate = Rate::a_day(100);

/// Channels that are created from an address, where security is on.
pub const ADDRESS_CHANNELS: Rate = Rate::a_day(1000);

/// Failed attempts to get in as a user. The longest delay is short, since anybody can cause it for anybody.
pub const USER_ATTEMPTS: Patience = Patience {
    free: 5,
    delay_first: Duration::from_secs(1),
    delay_max: Duration::from_secs(30),
    forgotten_after: Duration::from_secs(10 * 60),
};

/// Failed attempts to get in from an address: after an hour of them about four an hour are left.
pub const ADDRESS_ATTEMPTS: Patience = Patience {
    free: 10,
    delay_first: Duration::from_secs(1),
    delay_max: Duration::from_secs(15 * 60),
    forgotten_after: Duration::from_secs(3600),
};

/// Users, and as many addresses, of whom is remembered what they have used, and as many again of whom attempts are; in about 200 bytes
/// each. For one more that one is forgotten that has least to remember, and may use its burst again.
pub const QUOTA_ENTRIES_MAX: usize = 16 * 1024;

/// How often the mark of what was published is saved at most. A start publishes again what the mark does not cover.
pub const PUBLISHED_MARK_INTERVAL: Duration = Duration::from_millis(250);

/// How long a server that shuts down waits for brokers to take what is left; the rest goes out at the next start.
pub const SHUTDOWN_FEED_WAIT: Duration = Duration::from_secs(2);

/// How far ahead of the Lamport clock its stored bound is. A start after a kill goes on from the bound.
pub const CLOCK_RESERVED: u64 = 1 << 20;

/// Rows that an export or a start reads in one transaction, so that no checkpoint waits for a reader for long.
pub const SCAN_ROWS_MAX: usize = 4 * 1024;

/// Entries of an import that are committed together.
pub const IMPORT_TURN_ENTRIES: usize = 4 * 1024;

/// Problems that an import which is refused lists; it counts the others.
pub const IMPORT_PROBLEMS_LISTED_MAX: usize = 20;

/// How long a statement waits for another process (an export) that holds a lock for a moment.
pub const BUSY_WAIT: Duration = Duration::from_secs(5);

const _: () = assert!(TURN_REQUESTS_MAX <= REQUESTS_UNDER_WAY_MAX);
const _: () = assert!(HISTORY_BYTES_MAX < REPLIES_BYTES_MAX);
const _: () = assert!(READS_WAITING_MAX <= REQUESTS_UNDER_WAY_MAX);
const _: () = assert!(MESSAGE_BYTES_MAX <= TAIL_BYTES_MAX);
const _: () = assert!(CHANGES_AT_ONCE_MAX < NOTICES_WAITING_MAX);
const _: () = assert!(CHECKPOINT_AFTER_BYTES < WRITE_AHEAD_LOG_BYTES_MAX);
const _: () = assert!(KEYS_PER_USER_MAX <= KEYS_EVER_PER_USER_MAX && KEYS_EVER_PER_USER_MAX <= KEYS_MAX);
const _: () = assert!(CODES_PER_MEMBER_MAX < CODES_MAX);
const _: () = assert!(
    DEVICE_CODE_SECONDS_DEFAULT <= CODE_SECONDS_MAX && INVITATION_SECONDS_DEFAULT <= CODE_SECONDS_MAX
);
const _: () = assert!(MEMBERS_MAX <= MEMBERSHIPS_MAX && MEMBERS_MAX <= MEMBERS_LISTED_MAX);
const _: () = assert!(PLAIN_LISTENERS_MAX * PLAIN_CONNECTIONS_MAX <= recado_zmtp::limits::CONNECTIONS_MAX);
const _: () = assert!(USERS_MAX + CHANNELS_MAX < u32::MAX as usize);
const _: () = assert!(REQUEST_BYTES_MAX <= USER_BYTES.burst as usize);
const _: () = assert!(recado_zmtp::limits::CONNECTIONS_PER_ADDRESS_MAX <= ADDRESS_CONNECTIONS.burst as usize);
const _: () =
    assert!(USER_MESSAGES.tokens <= USER_REQUESTS.tokens && USER_MESSAGES.burst <= USER_REQUESTS.burst);
