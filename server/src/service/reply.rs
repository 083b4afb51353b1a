//! From outcomes to replies, and from replies to frames.

use bytes::Bytes;
use recado_proto::{Code, Epoch, Ref, Reply, ReplyBody, Service, ServiceName, Timestamp};
use recado_zmtp::{Message, PeerId};

use super::clock::Clock;
use super::envelope::Envelope;
use super::recent::Batch;
use crate::access::Done;
use crate::store::{Outcome, Refusal};

/// Where a reply goes, and what it must repeat of its request.
#[derive(Debug)]
pub(super) struct ReplyTo {
    pub(super) peer: PeerId,
    pub(super) envelope: Envelope,
    pub(super) service: ServiceName,
    pub(super) reference: Option<Ref>,
    /// Of the request, for the bounds on what is under way.
    pub(super) bytes: usize,
    /// What is answered where there would only be an OK: a code that was made, who one is.
    pub(super) accepted: Option<Box<ReplyBody>>,
}

/// Replies that are ready to be sent, and what their requests weighed.
#[derive(Debug)]
pub(super) struct Replies {
    pub(super) messages: Vec<(PeerId, Message)>,
    pub(super) bytes: usize,
    /// What the same turn publishes. It comes along, so that the desk is woken once.
    pub(super) publications: Option<Batch>,
    /// What the same turn tells whoever listens, and nobody keeps.
    pub(super) notices: Vec<Message>,
    /// Whose attempts to get in have failed.
    pub(super) failed: Vec<PeerId>,
    /// Memory for the reply at hand.
    encoded: Vec<u8>,
}

impl Replies {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            messages: Vec::with_capacity(count),
            bytes: 0,
            publications: None,
            notices: Vec::new(),
            failed: Vec::new(),
            encoded: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, to: ReplyTo, body: ReplyBody, timestamp: Timestamp, clock: &Clock) {
        let ReplyTo { peer, envelope, service, reference, bytes, accepted } = to;
        let body = match (body, accepted) {
            (ReplyBody::Accepted, Some(accepted)) => *accepted,
            // A login by password makes the key the user's, as joining does.
            (ReplyBody::Joined { user, role }, _) if service == ServiceName::Known(Service::Login) => {
                ReplyBody::LoggedIn { user, role }
            }
            (body, Some(_) | None) => body,
        };
        if let ReplyBody::Refused { code: Code::BadCode | Code::BadPassword, .. } = body {
            self.failed.push(peer);
        }
        let reply = Reply { service, body, timestamp, clock: Some(clock.tick()), reference };
        self.encoded.clear();
        reply.encode_to(&mut self.encoded);
        // Bytes of its own, and no more: replies of one turn go to many, and one who takes none must not keep them all.
        self.messages.push((peer, envelope.seal(Bytes::copy_from_slice(&self.encoded))));
        self.bytes += bytes;
    }
}

/// The answer to a change.
pub(super) fn from_outcome(outcome: Outcome, epoch: Epoch) -> ReplyBody {
    match outcome {
        Outcome::Accepted | Outcome::Marked | Outcome::Access(Done { user: None }) => ReplyBody::Accepted,
        Outcome::Access(Done { user: Some((user, role)) }) => ReplyBody::Joined { user, role },
        Outcome::Stored(receipt) | Outcome::Repeated(receipt) => {
            ReplyBody::Stored { id: Some(receipt.id), seq: Some(receipt.seq), epoch: Some(epoch) }
        }
        Outcome::Refused(refusal) => refused(refusal),
    }
}

/// The answer to what was not done.
pub(super) fn refused(Refusal { code, description }: Refusal) -> ReplyBody {
    ReplyBody::Refused { code, description }
}

/// Why what only a secured system does is refused.
pub(super) fn not_secured() -> Refusal {
    let why = "this system is open: nobody is asked who they are; start it with --secure";
    Refusal::new(Code::NotSecured, why)
}

/// The answer to what failed through no fault of the client's.
pub(super) fn internal() -> ReplyBody {
    refused(Refusal::new(Code::Internal, "the server could not read its store; its log says why"))
}
