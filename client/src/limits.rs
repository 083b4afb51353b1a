//! Every bound of this crate, each with its unit last in the name and what happens at it.

use std::time::Duration;

/// Requests of one session that may be under way at once; one more is answered [`crate::RequestError::Busy`].
///
/// It stays below the send queue of one connection, so that handing a request to a live connection never waits.
pub const REQUESTS_MAX: usize = 512;

/// Calls of a session's handles that may wait for its task; the caller waits when there are more.
pub const CALLS_MAX: usize = 256;

/// Events that may wait for the owner of a session. When it is full the session stops reading publications, and what the
/// broker then drops is fetched from history once the topic's next message shows the gap.
pub const EVENTS_MAX: usize = 1_024;

/// Events of a session that wait beyond [`EVENTS_MAX`] before words about connections are left out. Publications stop long
/// before.
pub const WAITING_EVENTS_MAX: usize = 8_192;

/// How long one attempt of a request waits for its reply, unless the configuration says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a request is sent in all, unless the configuration says otherwise.
pub const ATTEMPTS_MAX: u32 = 4;

/// Before the second attempt of a request the session waits this long; the pause doubles each time, with jitter of a half.
pub const RETRY_FIRST: Duration = Duration::from_millis(200);

/// The longest pause between two attempts.
pub const RETRY_MAX: Duration = Duration::from_secs(5);

/// A connection that left a request unanswered is replaced, and listened to for so long still, in case the answer comes after all.
pub const LATE_ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Replaced connections of one session that are listened to; of more the oldest is closed.
pub const RETIRED_CONNECTIONS_MAX: usize = 4;

/// When a connection has no room for a request, it is offered again after this.
pub const SEND_AGAIN: Duration = Duration::from_millis(20);

/// A connection that is not there after this long is reported as lost, so that a start in good order says nothing.
pub const CONNECT_PATIENCE: Duration = Duration::from_millis(1_500);

/// A lost connection that is back within this is not spoken of.
pub const LOST_PATIENCE: Duration = Duration::from_millis(700);

/// Topics that one session may follow; one more is refused.
pub const TOPICS_MAX: usize = 1_024;

/// Publications held in one topic while an earlier one is missing. More are dropped, the furthest first: history has them.
pub const HELD_MAX: usize = 1_024;

/// Bytes of memory for publications held in all topics of a session. More are dropped, as above.
pub const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Identifiers remembered in one topic: of the last messages without a place, to know a repeat, and of the last ones with a place,
/// to know what is still there when the epoch has changed or when something else comes at the same place.
pub const RECENT_IDS_MAX: usize = 128;

/// How long a gap or a lost tail may stand before it is asked for, with jitter of a half either way: two brokers deliver the same
/// message at slightly different times, and not all who lost it are to ask at once.
pub const GAP_PATIENCE: Duration = Duration::from_millis(100);

/// From joining a topic the answer to `sync` is waited for so long, once the first page is there; then the topic is announced
/// without it, and it is still asked for.
pub const JOIN_PATIENCE: Duration = Duration::from_secs(1);

/// Before `sync` is asked again because its answer has not arrived; it doubles each time, with jitter of a half.
pub const SYNC_RETRY_FIRST: Duration = Duration::from_millis(300);

/// The longest pause before `sync` is asked again.
pub const SYNC_RETRY_MAX: Duration = Duration::from_secs(10);

/// After so long without anything heard from a broker, less a quarter at random, `sync` is asked for all topics. Beacons are repeated
/// for 63 seconds after a topic fell quiet, which is longer: so whoever stood still for longer than they last asks, and whoever did not hears one.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A server that does not know `sync` is asked for the tail of a topic this long after it was joined or a broker came back, with
/// jitter of a half either way.
pub const UNSYNCED_TAIL_CHECK: Duration = Duration::from_secs(1);

/// Messages asked for at once when a gap is filled; the protocol allows a thousand.
pub const REPAIR_PAGE_MESSAGES: u32 = 500;

/// Requests for missing messages that one session has under way at once.
pub const REPAIRS_MAX: usize = 4;

/// After a failed request for missing messages the receiver waits this long, doubling up to [`REPAIR_RETRY_MAX`].
pub const REPAIR_RETRY_FIRST: Duration = Duration::from_millis(500);

/// The longest wait between two requests for the same missing messages.
pub const REPAIR_RETRY_MAX: Duration = Duration::from_secs(10);

/// Pages in a row that may fail to have what is said to be there, before that is dropped as unfounded.
pub const FUTILE_PAGES_MAX: u32 = 3;

/// How often what is said to be there may prove unfounded until the topic's patience with such claims is at its longest, which is
/// that of [`REPAIR_RETRY_MAX`].
pub const DOUBTS_MAX: u32 = 6;

/// Requests for missing messages that one session may make at once, after a time of quiet.
pub const FETCHES_BURST: u32 = 64;

/// Requests for missing messages that one session may make in a second, in the long run. One more waits. The first page of a topic
/// does not count: nobody else can cause it.
pub const FETCHES_PER_SECOND: u32 = 50;

/// Messages shown when a channel is joined on a terminal.
pub const BACKLOG_MESSAGES: u32 = 20;

/// Messages of each channel that `recado tail` begins with, if nothing is said of it.
pub const TAIL_MESSAGES: u64 = 10;

/// Direct messages shown after logging in on a terminal: what may have come while one was away.
pub const DIRECT_BACKLOG_MESSAGES: u32 = 10;

/// Messages shown by `/history` without a number.
pub const HISTORY_MESSAGES: u32 = 50;

/// Messages that `/search` asks for, and that can be gone to by their numbers.
pub const FOUND_MESSAGES: u32 = 20;

/// Messages fetched around one that one goes to, half of them before it.
pub const AROUND_MESSAGES: u32 = 100;

/// Messages before and after the one that one goes to, where one only reads on.
pub const CONTEXT_MESSAGES: usize = 4;

/// Messages fetched at once for whoever scrolls back.
pub const SCROLL_PAGE_MESSAGES: u32 = 200;

/// Messages of a conversation that can be named by how far back they are; older ones cannot.
pub const NUMBERED_MESSAGES_MAX: usize = 200;

/// Characters of a message that are shown with what answers it.
pub const QUOTED_CHARACTERS_MAX: usize = 40;

/// Lines that wait to be sent, the server being away or slow. One more is refused with a word to the user.
pub const OUTBOX_LINES_MAX: usize = 1_000;

/// Bytes of the texts of those lines. One more is refused likewise.
pub const OUTBOX_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of the file of what is kept between two runs that are read; a longer one counts as damaged.
pub const KEPT_FILE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Bytes after which that file is rewritten without what has become void; or four times what was left the last time.
pub const KEPT_COMPACT_BYTES: u64 = 256 * 1024;

/// Channels that are joined again at the next start; of more the one that was joined longest ago is forgotten.
pub const KEPT_CHANNELS_MAX: usize = 64;

/// Conversations of which it is kept there what one wants to be told; of more the one that changed longest ago is as usual again.
pub const KEPT_LEVELS_MAX: usize = 256;

/// Conversations of which what is typed and not sent is kept there; of more the one that changed longest ago is forgotten.
pub const KEPT_DRAFTS_MAX: usize = 64;

/// Bytes of all these texts; beyond, the one that changed longest ago is forgotten likewise.
pub const KEPT_DRAFTS_BYTES_MAX: usize = 1024 * 1024;

/// What is typed is written down this long after the first key since the last time.
pub const DRAFT_SAVE_AFTER: Duration = Duration::from_secs(2);

/// Things that wait to be written to that file; whoever has more waits.
pub const KEPT_JOBS_MAX: usize = 64;

/// Copies of damaged files that are put aside; with so many the next damaged one is not touched and nothing is kept.
pub const DAMAGED_COPIES_MAX: u32 = 100;

/// Places are written down this long after what was shown first since the last time.
pub const PLACES_SAVE_AFTER: Duration = Duration::from_secs(1);

/// Messages of a channel shown at most on return to it; of more the last ones.
pub const RETURN_MESSAGES_MAX: u64 = 200;

/// Own messages remembered, so that their publications are not shown a second time.
pub const OWN_IDS_MAX: usize = 4_096;

/// Messages that mention one and are remembered; with more the oldest is forgotten.
pub const MENTIONS_MAX: usize = 200;

/// Bytes of their texts in all; with more the oldest is forgotten.
pub const MENTIONS_BYTES_MAX: usize = 1 << 20;

/// Bytes of one line of standard input, its end included; a longer one is an error, and the rest of it is skipped.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Lines that wait between standard input and the session; reading pauses when there are more.
pub const LINES_AHEAD_MAX: usize = 64;

/// Lines that wait to be written to standard output; the session pauses when there are more.
pub const OUTPUT_LINES_MAX: usize = 1_024;

/// Pieces of text that wait to be printed on the terminal. When there are more the oldest are dropped and counted.
pub const SCREEN_LINES_MAX: usize = 10_000;

/// Bytes printed on the terminal at once, above the line that is being typed.
pub const PRINT_BYTES_MAX: usize = 32 * 1024;

/// Zero-width marks that may sit on one character; more are cut off.
pub const MARKS_MAX: usize = 8;

/// Columns that a name may take in the prompt; a longer one is cut.
pub const PROMPT_NAME_COLUMNS_MAX: usize = 20;

/// Columns of a message that could not be sent, as it is given back; the rest of a longer one is cut.
pub const QUOTED_COLUMNS_MAX: usize = 2_000;

/// Bytes of a file with a key pair; a longer one is none.
pub const KEY_FILE_BYTES_MAX: u64 = 4 * 1024;

/// Servers whose keys are remembered; one more is refused with what to do.
pub const KNOWN_SERVERS_MAX: usize = 1_000;

/// Bytes of the file of these keys; a longer one is none.
pub const KNOWN_SERVERS_FILE_BYTES_MAX: u64 = 512 * 1024;

/// Bytes of the file that says where one has joined; a longer one is none.
pub const PROFILE_BYTES_MAX: u64 = 4 * 1024;

/// A server that has not answered whoever joins for so long is said to be waited for.
pub const TRYING_SAID_AFTER: Duration = Duration::from_secs(1);

/// Bytes of an answer to a question before the chat; what is typed beyond is not part of it.
pub const ANSWER_BYTES_MAX: u64 = 4 * 1024;

/// Bytes of a link to join with; a longer text is none.
pub const LINK_BYTES_MAX: usize = 512;

/// How long an invitation is good if it is not said.
pub const INVITATION_LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a link for a further device is good if it is not said.
pub const DEVICE_LINK_LASTS: Duration = Duration::from_secs(15 * 60);

/// How long a server may take to say how it takes connections.
pub const ASK_KEY_PATIENCE: Duration = Duration::from_secs(1);

/// So long after a server that cannot be reached was asked which key it has, it is not asked again.
pub const ASK_KEY_PAUSE: Duration = Duration::from_secs(1);

/// Events of the audit log that are asked for at once.
pub const AUDIT_PAGE_EVENTS: u32 = 500;

/// How long it may take to find out who answers at a server's address, once nobody has answered a request.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of a text that is being typed on the full screen; what is pasted beyond is refused with a word to the user.
pub const COMPOSED_BYTES_MAX: usize = recado_proto::limits::MESSAGE_BYTES_MAX + 1_024;

/// Steps that can be undone in it; the oldest is forgotten.
pub const UNDO_STEPS_MAX: usize = 100;

/// Lines that were sent and can be had back; the oldest is forgotten.
pub const RECALLED_LINES_MAX: usize = 500;

/// Messages of one conversation that the full screen holds. With more the oldest are dropped, and fetched again when one scrolls back.
/// Whoever scrolls back beyond has the latest dropped instead, and fetched again at the end.
pub const LOG_MESSAGES_MAX: usize = 100_000;

/// Messages of a conversation whose edits and reactions the full screen holds; those of more are not shown until it starts again.
pub const ACTED_ON_MAX: usize = 20_000;

/// Messages that are dropped at once when one scrolls back beyond that.
pub const LOG_MESSAGES_DROPPED: usize = 10_000;

/// Messages before those one looks at that are not dropped while there is room for so many more.
pub const LOG_MESSAGES_IN_REACH: usize = 1_000;

/// Bytes of all that the full screen holds, each message counted with [`LOG_ENTRY_BYTES`] beside its text. With more the oldest of
/// the largest conversation are dropped.
pub const LOGS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a message takes beside its text, about.
pub const LOG_ENTRY_BYTES: usize = 256;

/// Conversations that the full screen holds; messages of one more are shown where one is.
pub const CONVERSATIONS_MAX: usize = 2_048;

/// Keys that wait for the full screen; reading the terminal pauses when there are more.
pub const SCREEN_KEYS_MAX: usize = 4_096;

/// Messages and notices that wait for the full screen; the session pauses when there are more.
pub const SCREEN_EVENTS_MAX: usize = 4_096;

/// What the full screen asks for that may wait for the session; one more is refused with a word to the user.
pub const SCREEN_INPUTS_MAX: usize = 64;

/// Between two drawings of the full screen; what a key changes is drawn at once.
pub const FRAME_INTERVAL: Duration = Duration::from_millis(16);

/// Lines of a text above which Enter asks before it is sent.
pub const LINES_WITHOUT_QUESTION_MAX: usize = 10;

/// Lines typed that are kept between sessions.
pub const INPUT_HISTORY_LINES_MAX: usize = 2_000;

/// After a command the next prompt waits this long for its answer, so that the answer stands above it.
pub const SETTLE_MAX: Duration = Duration::from_millis(1_500);

/// Before a message that a busy server refused is sent again.
pub const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// When the chat ends, it waits this long for the answers to what was sent last.
pub const QUIT_PATIENCE: Duration = Duration::from_secs(4);

/// When the program is told to end, its last output, and giving back the terminal, may take so long; what is stuck by then is left.
pub const LAST_OUTPUT_MAX: Duration = Duration::from_millis(500);

/// How often the lists of users and channels for completion are asked for anew.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// From sending oneself the signal to stop until one has surely stopped.
pub const STOP_TAKES_EFFECT: Duration = Duration::from_millis(50);

/// The thread that reads keys may take so long to stand still before an editor gets the terminal; otherwise there is none this time.
pub const HOLD_MAX: Duration = Duration::from_secs(1);

/// So long after an editor gave the terminal back an interrupt counts as one that was meant for it.
pub const HEARD_LATE_MAX: Duration = Duration::from_millis(500);

/// Words that one listens for beside one's name; more are not looked for.
pub const KEYWORDS_MAX: usize = 32;

/// After a notification or a bell the next one comes this much later at the earliest; what is said between is counted, and silent.
pub const ALERT_PAUSE: Duration = Duration::from_secs(2);

/// Columns of a notification's title and of its text, each; the rest is cut off.
pub const ALERT_COLUMNS_MAX: usize = 160;

/// How often it is looked how long ago messages were written, where that is shown.
pub const AGES_REFRESH_INTERVAL: Duration = Duration::from_secs(20);

/// Rows that one notch of the wheel scrolls by.
pub const WHEEL_ROWS: usize = 3;

/// Keys that may be set; more are refused.
pub const KEY_SETTINGS_MAX: usize = 256;

/// Characters of a key's or an action's name that does not exist, as it is given back; the rest is cut off.
pub const KEY_NAME_CHARACTERS_MAX: usize = 40;

/// Users and channels kept for completion, each.
pub const KNOWN_NAMES_MAX: usize = 10_000;

/// Candidates offered at once by completion.
pub const CANDIDATES_MAX: usize = 200;

/// People with whom one talked last and who are in the full screen's list from the start.
pub const DIRECT_LISTED: usize = 10;

/// Conversations of which is known how far they were read; others count as before.
pub const READ_PLACES_MAX: usize = recado_proto::limits::READ_MARKS_MAX;

/// How often the server is told how far was read, if that changed.
pub const MARKS_TELL_INTERVAL: Duration = Duration::from_secs(1);

/// Conversations that the server is told of at the end, at most.
pub const LAST_MARKS_MAX: usize = 64;

/// The end waits so long for the server to have them.
pub const LAST_MARKS_PATIENCE: Duration = Duration::from_millis(300);

/// Messages of others that may be worth a notification once it is known whether they were read elsewhere; of more the newest.
pub const HELD_ALERTS_MAX: usize = 32;

/// Without a key for so long one is away.
pub const AWAY_AFTER: Duration = Duration::from_secs(5 * 60);

/// How often is said that one is here: at random between these, so that not all say it at once. It is believed for 75 seconds.
pub const HERE_SAID_EVERY: [Duration; 2] = [Duration::from_secs(27), Duration::from_secs(33)];

/// How often is said at most that one is typing.
pub const TYPING_SAID_EVERY: Duration = Duration::from_secs(3);

/// How long is shown that somebody is typing, since it was heard last.
pub const TYPING_SHOWN: Duration = Duration::from_secs(6);

/// People of whom is shown that they are typing. More are not shown.
pub const TYPING_SHOWN_MAX: usize = 256;

/// People of one conversation of whom is shown that they came or went. Of more the oldest are not shown any more.
pub const COMINGS_SHOWN_MAX: usize = 16;

/// How long is shown that somebody came or went.
pub const COMINGS_SHOWN: Duration = Duration::from_secs(5 * 60);

/// How long the end waits for the server to hear that one is not here any more.
pub const LAST_HERE_PATIENCE: Duration = Duration::from_millis(300);

/// Things that one session hears of beside messages: who types in each topic that it follows, and a few more. One more is refused.
pub const HEARINGS_MAX: usize = TOPICS_MAX + 64;

const _: () =
    assert!(REPAIR_PAGE_MESSAGES as usize <= HELD_MAX, "a page that fills a gap fits in what is held");
const _: () = assert!(LOG_MESSAGES_IN_REACH + LOG_MESSAGES_DROPPED < LOG_MESSAGES_MAX);
const _: () =
    assert!(LOG_MESSAGES_MAX * (LOG_ENTRY_BYTES + 256) < LOGS_BYTES_MAX, "that many of usual length fit");
const _: () = assert!(2 * COMPOSED_BYTES_MAX <= KEPT_DRAFTS_BYTES_MAX, "what changed last is kept");
const _: () = assert!(TOPICS_MAX <= recado_proto::limits::SYNC_TOPICS_MAX, "one question serves all topics");
const _: () = assert!(REPAIR_PAGE_MESSAGES <= recado_proto::limits::HISTORY_LIMIT_MAX);
const _: () = assert!(WAITING_EVENTS_MAX > REPAIRS_MAX * (REPAIR_PAGE_MESSAGES as usize + HELD_MAX));
const _: () = assert!(
    4 * 6 * (OUTBOX_BYTES_MAX + KEPT_DRAFTS_BYTES_MAX) as u64 + KEPT_COMPACT_BYTES < KEPT_FILE_BYTES_MAX,
    "a file that was not rewritten yet is read, also if each byte takes six"
);
