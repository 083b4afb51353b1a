//! Who answers at an endpoint: a Recado server or broker, something else, or nobody.

use std::time::Duration;

use recado_proto::{Ref, Reply, ReplyBody, Request, RequestBody, Timestamp, UserName};
use recado_zmtp::codec::{HandshakeConfig, SocketType};
use recado_zmtp::curve::Security;
use recado_zmtp::transport::{EstablishError, Stream, establish};
use recado_zmtp::{Dealer, Endpoint, Framing, Message};
use tokio::time::{Instant, timeout_at};

use crate::keys::distrust;
use crate::session::{half_sentence, request_options};

/// What was found at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// What was looked for.
    Recado,
    /// What was looked for, which takes no further connection with this key for now.
    Full {
        /// How it said so, as a half sentence.
        reason: String,
    },
    /// Something else has the address.
    Other {
        /// What it did instead, as a half sentence.
        reason: String,
    },
    /// Nothing has the address, or nothing that can be reached.
    Nobody {
        /// Why, as a half sentence.
        reason: String,
    },
}

impl Presence {
    /// Whether what was looked for is there.
    pub fn is_recado(&self) -> bool {
        matches!(self, Presence::Recado | Presence::Full { .. })
    }
}

/// Looks for a server, which has to answer the request `channels` within the time.
pub async fn probe(server: &Endpoint, security: &Security, limit: Duration) -> Presence {
    probe_time(server, security, limit).await.map_or_else(|absence| absence, |_| Presence::Recado)
}

/// Looks for a server likewise, and says what its clock showed when it answered.
pub async fn probe_time(
    server: &Endpoint,
    security: &Security,
    limit: Duration,
) -> Result<Timestamp, Presence> {
    let reply = probe_with(RequestBody::Channels, server, security, limit).await?;
    match reply.body {
        ReplyBody::Channels(_) | ReplyBody::Refused { .. } | ReplyBody::Later { .. } => Ok(reply.timestamp),
        _ => Err(answers_otherwise()),
    }
}

/// Looks for a secured server likewise, and says whose the key is that one comes with, or why it is nobody's there.
pub async fn probe_user(
    server: &Endpoint,
    security: &Security,
    limit: Duration,
) -> Result<(Timestamp, Result<UserName, String>), Presence> {
    let reply = probe_with(RequestBody::Keys { of: None }, server, security, limit).await?;
    let whose = match reply.body {
        ReplyBody::Keys(keys) => {
            keys.into_iter().next().map(|entry| entry.user).ok_or_else(answers_otherwise)
        }
        ReplyBody::Refused { description, .. } | ReplyBody::Later { description, .. } => {
            return Ok((reply.timestamp, Err(description)));
        }
        _ => Err(answers_otherwise()),
    };
    whose.map(|user| (reply.timestamp, Ok(user)))
}

fn answers_otherwise() -> Presence {
    Presence::Other { reason: "it answers something else than was asked".to_owned() }
}

async fn probe_with(
    body: RequestBody,
    server: &Endpoint,
    security: &Security,
    limit: Duration,
) -> Result<Reply, Presence> {
    let deadline = Instant::now() + limit;
    shake_hands(server, security, SocketType::Dealer, deadline).await?;
    match timeout_at(deadline, ask(body, server, security)).await {
        Ok(answer) => answer.map_err(|reason| Presence::Other { reason }),
        Err(_) => Err(Presence::Other { reason: "it speaks ZeroMQ but does not answer requests".to_owned() }),
    }
}

/// Looks for a broker at the endpoint for subscribers. Any program that publishes with ZeroMQ passes for one: they cannot be
/// told apart from outside.
pub async fn probe_broker(broker: &Endpoint, security: &Security, limit: Duration) -> Presence {
    match shake_hands(broker, security, SocketType::Sub, Instant::now() + limit).await {
        Ok(()) => Presence::Recado,
        Err(absence) => absence,
    }
}

async fn shake_hands(
    endpoint: &Endpoint,
    security: &Security,
    as_type: SocketType,
    deadline: Instant,
) -> Result<(), Presence> {
    let stream = match timeout_at(deadline, Stream::connect(endpoint)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Presence::Nobody { reason: half_sentence(&error.to_string()) }),
        Err(_) => return Err(Presence::Nobody { reason: "the address does not answer".to_owned() }),
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let config = HandshakeConfig { security: security.clone(), ..HandshakeConfig::new(as_type) };
    match establish(stream, config, left).await {
        Ok(_) => Ok(()),
        // It has proved its own key before it saw this one.
        Err(error @ EstablishError::NotNow) => {
            Err(Presence::Full { reason: half_sentence(&error.to_string()) })
        }
        // As if it were not there: it is not there for us.
        Err(error @ EstablishError::Unheard) => {
            Err(Presence::Nobody { reason: half_sentence(&error.to_string()) })
        }
        Err(error) => match distrust(endpoint, security).await {
            Some(found) => Err(Presence::Other { reason: found.brief().to_owned() }),
            None => Err(Presence::Other { reason: half_sentence(&error.to_string()) }),
        },
    }
}

/// An error is what came instead of an answer.
async fn ask(body: RequestBody, server: &Endpoint, security: &Security) -> Result<Reply, String> {
    const REFERENCE: u64 = 1;
    let mut dealer =
        Dealer::connect(std::slice::from_ref(server), Framing::Delimited, request_options(security));
    let request = Request {
        timestamp: Some(Timestamp::now()),
        reference: Some(Ref::from_number(REFERENCE)),
        ..Request::from(body)
    };
    let lost = || "it closed the connection".to_owned();
    dealer.send(Message::single(request.encode())).await.map_err(|_| lost())?;
    let answer = dealer.recv().await.ok_or_else(lost)?;
    let [frame] = answer.frames() else { return Err("it answers in another form".to_owned()) };
    Reply::decode(frame, Timestamp::now()).map_err(|error| format!("it answers in another form: {error}"))
}
