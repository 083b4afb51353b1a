//! What a session tells its owner unasked.

use recado_proto::{Epoch, Here, Publication, ReadMark, TopicName, UserName};

use crate::keys::Distrust;
use crate::receiver::{Topic, Via};

/// Something happened that nobody asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// A message on a followed topic, or an act, which has a `kind`: each once, in the order of their places.
    Publication {
        /// The topic, compared in whole.
        topic: Topic,
        /// The message.
        publication: Publication,
        /// Live, from the backlog or repaired.
        via: Via,
    },
    /// The topic is followed; its backlog came before this.
    Joined {
        /// The topic.
        topic: Topic,
    },
    /// Messages of a topic that are kept nowhere any more; those around them were delivered.
    Missing {
        /// The topic.
        topic: Topic,
        /// The first missing place.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The server counts the topic's places anew: its store was restored, and may lack what had been acknowledged.
    EpochChanged {
        /// The topic.
        topic: Topic,
        /// The new epoch.
        epoch: Epoch,
    },
    /// No server is connected any more, or none since the beginning. Requests wait, for as long as they are patient.
    ServerLost {
        /// Why, as a half sentence for people.
        reason: String,
    },
    /// A server is connected again.
    ServerBack,
    /// What answers where the server should be is another one, or another kind: nothing is sent, and every request is refused with
    /// [`crate::RequestError::Distrusted`] until the one that is meant is there again.
    Distrusted(Box<Distrust>),
    /// The broker does not admit this device's key: it was revoked, or its user banned, or it is nobody's. [`SessionEvent::BrokerBack`] follows
    /// if it does again.
    NotAdmitted,
    /// No broker is connected any more, or none since the beginning. Messages arrive later, from history.
    BrokerLost {
        /// Why, as a half sentence for people.
        reason: String,
    },
    /// A broker is connected again; what was missed is being fetched.
    BrokerBack,
    /// A read mark moved on some device, after [`crate::Session::hear_marks`]. One may be missed, and an owner who is behind is not told.
    Marked {
        /// Whose mark it is.
        user: UserName,
        /// How far is read now.
        mark: ReadMark,
    },
    /// The user that is heard of sent a direct message or a direct act, on this device or another one, after
    /// [`crate::Session::hear`]. One may be missed, and one that came twice is told twice.
    Sent {
        /// Who receives it.
        to: UserName,
        /// As the receiver hears it; its topic is the receiver's.
        publication: Publication,
    },
    /// Somebody came, went or turned away, after [`crate::Session::hear`]. One may be missed.
    Here(Here),
    /// Somebody is typing, after [`crate::Session::hear`].
    Typing {
        /// The channel, or the user who will receive it.
        topic: TopicName,
        /// Who.
        user: UserName,
    },
    /// Something arrived on a followed topic that is no message.
    Malformed {
        /// The topic, made harmless by nobody.
        topic: String,
        /// What was wrong with it.
        reason: String,
    },
}
