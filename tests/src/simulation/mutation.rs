//! The rules that can be broken on purpose, to see that the simulator notices. Each is broken from outside: what goes into a part or
//! comes out of it is changed, swallowed or done at another time; the parts know nothing of it.

use std::fmt;

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// The receiver never asks for what is missing.
    GapsIgnored,
    /// The receiver delivers a publication before what stands before it.
    HeldDelivered,
    /// The receiver delivers what it has delivered before.
    RepeatsDelivered,
    /// The receiver does not hear beacons.
    TailsIgnored,
    /// The server publishes no beacons.
    NoBeacon,
    /// The receiver never asks when it hears nothing.
    SilenceBorne,
    /// The receiver asks for no barrier, and takes its subscriptions for live.
    NoBarrier,
    /// The receiver takes every epoch for the first.
    EpochIgnored,
    /// A client that resumes begins with what comes next, not at its place.
    PlaceForgotten,
    /// The client does not raise its clock to what it hears.
    ClientClockIgnored,
    /// The sender repeats a message under a new `id`.
    RepeatedUnderNewId,
    /// The sender does not repeat what was not answered.
    NeverRepeated,
    /// The server answers before it has committed.
    AnswersBeforeCommit,
    /// The server publishes before it has committed.
    PublishesBeforeCommit,
    /// A server that starts neither publishes nor tells of what it may not have published before.
    NotPublishedAgain,
    /// The server stores a repeated message again.
    RepeatStoredAgain,
    /// The server answers a repeat with another place.
    RepeatAnsweredElsewhere,
    /// A page of history lacks one of its messages.
    PageWithHole,
    /// The server does not raise its clock to what it is sent.
    ServerClockIgnored,
    /// The server takes whoever edits or deletes a message for its author.
    StrangersObeyed,
    /// A client takes acts in the order in which they arrive.
    ActsAsTheyArrive,
    /// A client passes over deletions.
    DeletionsPassedOver,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::GapsIgnored,
        Self::HeldDelivered,
        Self::RepeatsDelivered,
        Self::TailsIgnored,
        Self::NoBeacon,
        Self::SilenceBorne,
        Self::NoBarrier,
        Self::EpochIgnored,
        Self::PlaceForgotten,
        Self::ClientClockIgnored,
        Self::RepeatedUnderNewId,
        Self::NeverRepeated,
        Self::AnswersBeforeCommit,
        Self::PublishesBeforeCommit,
        Self::NotPublishedAgain,
        Self::RepeatStoredAgain,
        Self::RepeatAnsweredElsewhere,
        Self::PageWithHole,
        Self::ServerClockIgnored,
        Self::StrangersObeyed,
        Self::ActsAsTheyArrive,
        Self::DeletionsPassedOver,
    ];
}

impl Mutation {
    /// Whether nobody asks when nothing is heard. What other rules miss is found that way within a minute, so that to see them broken this
    /// one is broken with them.
    pub(super) fn bears_silence(self) -> bool {
        matches!(self, Self::SilenceBorne | Self::TailsIgnored | Self::NoBeacon | Self::NotPublishedAgain)
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::GapsIgnored => "the receiver ignores gaps",
            Self::HeldDelivered => "the receiver delivers before a gap is closed",
            Self::RepeatsDelivered => "the receiver does not drop repeats",
            Self::TailsIgnored => "the receiver does not fetch tails",
            Self::NoBeacon => "the server publishes no heads",
            Self::SilenceBorne => "the receiver bears any silence",
            Self::NoBarrier => "the receiver ignores the barrier",
            Self::EpochIgnored => "the receiver ignores the epoch",
            Self::PlaceForgotten => "a client resumes at the end",
            Self::ClientClockIgnored => "the client does not raise its clock",
            Self::RepeatedUnderNewId => "the sender repeats under a new id",
            Self::NeverRepeated => "the sender does not repeat",
            Self::AnswersBeforeCommit => "the server answers before the commit",
            Self::PublishesBeforeCommit => "the server publishes before the commit",
            Self::NotPublishedAgain => "the server does not publish again after a start",
            Self::RepeatStoredAgain => "the server stores a repeat again",
            Self::RepeatAnsweredElsewhere => "the server gives a repeat another place",
            Self::PageWithHole => "a page of history has a hole",
            Self::ServerClockIgnored => "the server does not raise its clock",
            Self::StrangersObeyed => "the server obeys strangers",
            Self::ActsAsTheyArrive => "acts count as they arrive",
            Self::DeletionsPassedOver => "a client passes over deletions",
        })
    }
}
