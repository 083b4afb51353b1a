//! Why a request cannot be taken, with all that is needed to answer it nevertheless.

use thiserror::Error;

use crate::code::Code;
use crate::reference::Ref;
use crate::reply::{Reply, ReplyBody};
use crate::service::ServiceName;
use crate::timestamp::Timestamp;

/// A refused request. What could be read of its envelope before the fault is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{description}")]
pub struct RequestError {
    /// The service, if its name could be read.
    pub service: Option<ServiceName>,
    /// To be echoed.
    pub reference: Option<Ref>,
    /// The client's Lamport counter.
    pub clock: Option<u64>,
    /// The refusal for programs.
    pub code: Code,
    /// The refusal for people.
    pub description: String,
}

/// A refusal that does not know its envelope yet.
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) description: String,
}

impl Refusal {
    pub(super) fn bad_request(description: impl Into<String>) -> Self {
        Self { code: Code::BadRequest, description: description.into() }
    }
}

impl RequestError {
    /// The reply that says so. Where the service is not known it is addressed to `"erro"`.
    pub fn into_reply(self, timestamp: Timestamp, clock: u64) -> Reply {
        Reply {
            service: self.service.unwrap_or_else(|| ServiceName::Other("erro".to_owned())),
            body: ReplyBody::Refused { code: self.code, description: self.description },
            timestamp,
            clock: Some(clock),
            reference: self.reference,
        }
    }
}
