//! Every bound of the chat's messages. `docs/PROTOCOL.md` repeats them, and a test compares the two.

/// The text of one message, in bytes of UTF-8. A longer one is refused with `too_large`.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The emoji of a reaction, in bytes of UTF-8: the longest sequences of one take as many. An empty or longer one is refused with
/// `bad_request`.
pub const EMOJI_BYTES_MAX: usize = 32;

/// A channel's topic, in bytes of UTF-8. A longer one is refused with `too_large`.
pub const CHANNEL_TOPIC_BYTES_MAX: usize = 400;

/// Acts on one message. A further one is refused with `busy`, but for a deletion, which always passes; so a page of history
/// can hold a message with all of them.
pub const ACTS_PER_MESSAGE_MAX: usize = 256;

/// One request's frame. A longer one is refused unread with `too_large`, so that decoding cannot be made slow.
/// Well above [`MESSAGE_BYTES_MAX`], so that a text that is too long still gets an answer that says so.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// The second frame of a publication that the server sends: the longest text, or the heads of as many topics as one question
/// may name, with room for the other keys.
pub const PUBLICATION_BYTES_MAX: usize = 80 * 1024;

/// A reply's frame. The longest are the lists of a store full of users and channels, and pages of history.
pub const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A user's or a channel's name, in bytes of UTF-8, once trimmed. A longer one is refused with `bad_name`.
pub const NAME_BYTES_MAX: usize = 64;

/// Accents and other marks on one letter of a new name where security is on, counted in decomposed form. A name with more is refused
/// with `bad_name`.
pub const NAME_MARKS_MAX: usize = 4;

/// A service's name that a refusal still echoes. Of a longer one the reply says only that it is unknown.
pub const SERVICE_BYTES_MAX: usize = 64;

/// Topics that one `sync` request may ask for. One with more is refused with `bad_request`.
pub const SYNC_TOPICS_MAX: usize = 1024;

/// The one-time topic of a `sync` request, in bytes of UTF-8. A longer one is refused with `bad_request`.
pub const SYNC_TOPIC_BYTES_MAX: usize = 64;

/// The value of `ref`, as encoded. A longer one is refused with `bad_request`, and not echoed.
pub const REF_BYTES_MAX: usize = 256;

/// A `timestamp` given as text. A longer one counts as absent.
pub const TIMESTAMP_TEXT_BYTES_MAX: usize = 64;

/// How many messages a `history` reply holds when the request does not say.
pub const HISTORY_LIMIT_DEFAULT: u32 = 50;

/// How many messages a `history` reply holds at most. A larger `limit` counts as this.
pub const HISTORY_LIMIT_MAX: u32 = 1000;

/// The messages of one `history` reply, as encoded and in all. A page ends before the message that would pass it, yet
/// holds one message at least; who wants more asks on from there.
pub const HISTORY_BYTES_MAX: usize = 1024 * 1024;

/// The words of a `search` request, in bytes of UTF-8. Longer ones are refused with `too_large`.
pub const SEARCH_WORDS_BYTES_MAX: usize = 512;

/// Words and phrases of a `search` request. One with more is refused with `bad_request`.
pub const SEARCH_TERMS_MAX: usize = 16;

/// How many messages a `search` reply holds when the request does not say.
pub const SEARCH_LIMIT_DEFAULT: u32 = 20;

/// How many messages a `search` reply holds at most. A larger `limit` counts as this. All of them together take no more than
/// [`HISTORY_BYTES_MAX`], though there is one at least.
pub const SEARCH_LIMIT_MAX: u32 = 100;

/// The `snippet` of a message that was found, in characters, marks not counted.
pub const SNIPPET_CHARS_MAX: usize = 160;

/// Read marks that one user may have. One more is refused with `busy`; those that there are can still be moved.
pub const READ_MARKS_MAX: usize = 4096;

/// What a device calls itself in `here`, in bytes of UTF-8. An empty or longer one is refused with `bad_request`.
pub const DEVICE_BYTES_MAX: usize = 32;

/// What a user calls a device among the user's keys, in bytes of UTF-8. An empty or longer label is refused with `bad_request`.
pub const DEVICE_LABEL_BYTES_MAX: usize = 64;

/// A password at least, in bytes of UTF-8. A shorter one is refused with `bad_request`.
pub const PASSWORD_BYTES_MIN: usize = 8;

/// A password at most, in bytes of UTF-8. A longer one is refused with `bad_request`.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Members that a `members` reply lists at most: no private channel has more.
pub const MEMBERS_LISTED_MAX: usize = 10_000;

/// How many events an `audit` reply holds when the request does not say.
pub const AUDIT_LIMIT_DEFAULT: u32 = 50;

/// How many events an `audit` reply holds at most. A larger `limit` counts as this.
pub const AUDIT_LIMIT_MAX: u32 = 1000;

/// Users of whom a server knows that they are here. One more is refused with `busy`, or is not seen.
pub const USERS_HERE_MAX: usize = 16 * 1024;

/// The largest number that `clock` and `epoch` may hold: JavaScript's exact integers end there.
/// A larger one counts as absent.
pub const COUNTER_MAX: u64 = (1 << 53) - 1;

/// A received `clock` above this is not believed: nobody has counted so far, and who claims it would stop the clocks of all
/// at [`COUNTER_MAX`].
pub const CLOCK_RECEIVED_MAX: u64 = COUNTER_MAX / 2;

const _: () = assert!(MESSAGE_BYTES_MAX + 4 * NAME_BYTES_MAX + REF_BYTES_MAX + 1024 < REQUEST_BYTES_MAX);
const _: () = assert!(MESSAGE_BYTES_MAX + 1024 <= PUBLICATION_BYTES_MAX);
// A name takes two bytes more, and a number nine at most.
const _: () = assert!(SYNC_TOPICS_MAX * (NAME_BYTES_MAX + 11) + 1024 <= PUBLICATION_BYTES_MAX);
const _: () =
    assert!(SYNC_TOPICS_MAX * (NAME_BYTES_MAX + 2) + SYNC_TOPIC_BYTES_MAX + 1024 < REQUEST_BYTES_MAX);
const _: () = assert!(PUBLICATION_BYTES_MAX + NAME_BYTES_MAX + 64 < HISTORY_BYTES_MAX);
const _: () = assert!(HISTORY_BYTES_MAX + 1024 < REPLY_BYTES_MAX);
// A message with its last edit, and the acts on it.
const _: () = assert!(
    2 * MESSAGE_BYTES_MAX + (ACTS_PER_MESSAGE_MAX + 1) * (NAME_BYTES_MAX + EMOJI_BYTES_MAX + 96) + 1024
        < HISTORY_BYTES_MAX
);
const _: () = assert!(CHANNEL_TOPIC_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(READ_MARKS_MAX * (NAME_BYTES_MAX + 64) + 1024 < REPLY_BYTES_MAX);
const _: () = assert!(USERS_HERE_MAX * (NAME_BYTES_MAX + 32) + 1024 < REPLY_BYTES_MAX);
const _: () = assert!(MEMBERS_LISTED_MAX * (NAME_BYTES_MAX + 2) + 1024 < REPLY_BYTES_MAX);
const _: () = assert!(AUDIT_LIMIT_MAX as usize * (8 * NAME_BYTES_MAX + 256) + 1024 < REPLY_BYTES_MAX);
const _: () = assert!(PASSWORD_BYTES_MIN <= PASSWORD_BYTES_MAX && AUDIT_LIMIT_DEFAULT <= AUDIT_LIMIT_MAX);
const _: () = assert!(HISTORY_LIMIT_DEFAULT <= HISTORY_LIMIT_MAX);
const _: () = assert!(SEARCH_LIMIT_DEFAULT <= SEARCH_LIMIT_MAX);
// A snippet of characters of four bytes, each of them marked.
const _: () =
    assert!(HISTORY_BYTES_MAX + SEARCH_LIMIT_MAX as usize * 6 * SNIPPET_CHARS_MAX + 1024 < REPLY_BYTES_MAX);
