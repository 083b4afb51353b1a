//! The task of one endpoint that a socket connects to: connects, runs the connection, and connects again, for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::hub::{Hub, Shared};
use super::session::{self, Side};
use crate::codec::HandshakeError;
use crate::endpoint::Endpoint;
use crate::event::SocketEventKind;
use crate::limits;
use crate::transport::{Backoff, EstablishError, Established, Stream, establish};

/// Keeps the endpoint connected until the socket closes.
pub(crate) async fn run<H: Hub>(endpoint: Endpoint, shared: Arc<Shared<H>>) {
    let options = &shared.options;
    let mut backoff = Backoff::new(options.reconnect_first, options.reconnect_max, rand::random());
    loop {
        let attempt = tokio::select! {
            () = shared.closing.cancelled() => return,
            attempt = attempt(&endpoint, &shared) => attempt,
        };
        let delay = match attempt {
            Ok(established) => {
                let began = Instant::now();
                session::run(&shared, &endpoint, established, Side::Connecting).await;
                // A peer that takes connections only to close them must not be asked again and again at once.
                if began.elapsed() >= Duration::from_millis(limits::RECONNECT_STABLE_MS) {
                    backoff.reset();
                }
                backoff.next_delay()
            }
            Err(failure) => {
                let (error, retry_in, is_refusal) = match failure {
                    Failure::Passing(error) => (error, backoff.next_delay(), false),
                    Failure::Refusal(error) => {
                        (error, backoff.next_delay_up_to(options.reconnect_refused_max), true)
                    }
                };
                let failed = SocketEventKind::ConnectFailed { error, retry_in, is_refusal };
                shared.tell(&endpoint, None, failed);
                retry_in
            }
        };
        tokio::select! {
            () = shared.closing.cancelled() => return,
            () = sleep(delay) => {}
        }
    }
}

/// Why an attempt failed, for people to read.
enum Failure {
    /// The next one may be better.
    Passing(String),
    /// Our key is not welcome.
    Refusal(String),
}

async fn attempt<H: Hub>(endpoint: &Endpoint, shared: &Shared<H>) -> Result<Established, Failure> {
    let began = Instant::now();
    let limit = shared.options.handshake_timeout;
    let stream = match timeout(limit, Stream::connect(endpoint)).await {
        Ok(connected) => connected.map_err(|error| Failure::Passing(error.to_string()))?,
        Err(_) => return Err(Failure::Passing("no answer".to_owned())),
    };
    let rest = limit.saturating_sub(began.elapsed());
    let established = establish(stream, shared.options.handshake(H::SOCKET_TYPE), rest).await;
    established.map_err(|error| match error {
        EstablishError::Handshake(HandshakeError::KeyRefusedByPeer) => Failure::Refusal(error.to_string()),
        // What listens closes so whom it has counted too often.
        EstablishError::Unheard => {
            Failure::Passing("the peer closed the connection at once; it may have too many".to_owned())
        }
        error => Failure::Passing(error.to_string()),
    })
}
