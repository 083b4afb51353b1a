//! The chat's messages on the wire: requests, replies, publications, names, limits, and their MessagePack form.
//!
//! `docs/PROTOCOL.md` says the same for other languages. This crate is strict in what it writes and tolerant in what it
//! reads. It knows nothing of sockets, of waiting, or of where messages are kept: bytes in, values out, and back.
//!
//! No decoder here recurses or builds a tree of values, so neither nesting nor a declared length can cost more than the
//! bytes that are really there.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod access;
mod act;
mod clock;
mod code;
mod epoch;
mod id;
pub mod limits;
mod mark;
mod name;
mod presence;
mod publication;
mod reference;
mod reply;
mod request;
mod sent;
mod service;
mod system;
mod timestamp;
mod wire;

pub use access::{
    AdminAct, AdminKind, AuditEntry, DeviceKey, DeviceKeyError, DeviceLabel, DeviceLabelError, JoinCode,
    JoinCodeError, KeyEntry, Members, Password, PasswordError, Registration, Role,
};
pub use act::{ACTS_PREFIX, Act, ActDone, ActKind, Manner, Style};
pub use clock::LamportClock;
pub use code::Code;
pub use epoch::{Epoch, EpochError};
pub use id::{MessageId, MessageIdError};
pub use mark::{MARKS_PREFIX, MarkPublication, MarkPublicationError, ReadMark, ReadOf};
pub use name::{ChannelName, Lookalike, Looks, NameError, TopicName, UserName, check_distinct, skeleton};
pub use presence::{
    Device, DeviceError, HERE_TOPIC, Here, HerePublication, Presence, PresencePublicationError,
    TYPING_PREFIX, TypingIn, TypingPublication,
};
pub use publication::{Publication, PublicationBody, PublicationError, PublicationRef};
pub use reference::{Ref, RefError};
pub use reply::{Found, HistoryPage, MATCH_BEGINS, MATCH_ENDS, Reply, ReplyBody, ReplyError, SearchPage};
pub use request::{
    ActIn, HistoryOf, HistoryRequest, Place, Range, Request, RequestBody, RequestError, SearchIn,
    SearchRequest,
};
pub use sent::{SENT_PREFIX, SentPublication, SentPublicationError};
pub use service::{Service, ServiceName};
pub use system::{
    HEADS_PREFIX, SYNC_PREFIX, SyncTopic, SyncTopicError, SystemPublication, SystemPublicationError,
    SystemTopic,
};
pub use timestamp::Timestamp;
pub use wire::FormatError;
