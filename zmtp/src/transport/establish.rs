//! The handshake over a stream, within a time limit.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::address::PeerAddress;
use super::arithmetic::ARITHMETIC;
use super::error::EstablishError;
use super::stream::Stream;
use crate::codec::{Handshake, HandshakeConfig, HandshakeError, Peer, Progress, Welcome};
use crate::curve::{Channel, PublicKey};

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Established {
    /// The connection.
    pub stream: Stream,
    /// Who is at its other end.
    pub peer: Peer,
    /// Bytes that came behind the handshake: the first of the traffic. None where the stream is secured: it opens them itself.
    pub read_ahead: BytesMut,
}

/// Bytes asked of the kernel at a time: a greeting and a READY fit.
const READ_BYTES: usize = 512;

/// Shakes hands, or closes the stream. The greeting goes out at once, whole. Every key is welcome.
///
/// What CURVE's server has to compute is done on a thread of its own, of which the process has one.
pub async fn establish(
    stream: Stream,
    config: HandshakeConfig,
    limit: Duration,
) -> Result<Established, EstablishError> {
    establish_admitting(stream, config, limit, async |_, _| Welcome::Yes).await
}

/// As [`establish`]; where this side is CURVE's server, `admits` is asked whether the key is welcome that the peer has proved to have,
/// or counts as having. The time that it takes is the handshake's. Who is not welcome is told as [`Handshake::admit`] says.
pub async fn establish_admitting(
    mut stream: Stream,
    config: HandshakeConfig,
    limit: Duration,
    admits: impl AsyncFnOnce(PublicKey, PeerAddress) -> Welcome,
) -> Result<Established, EstablishError> {
    let mut read_ahead = BytesMut::new();
    let shaken = timeout(limit, shake_hands(&mut stream, config, &mut read_ahead, admits)).await;
    let (peer, channel) = shaken.map_err(|_| EstablishError::TimedOut)??;
    if let Some(channel) = channel {
        stream.secure(channel, std::mem::take(&mut read_ahead));
    }
    Ok(Established { stream, peer, read_ahead })
}

async fn shake_hands(
    stream: &mut Stream,
    config: HandshakeConfig,
    buffer: &mut BytesMut,
    admits: impl AsyncFnOnce(PublicKey, PeerAddress) -> Welcome,
) -> Result<(Peer, Option<Channel>), EstablishError> {
    let mut handshake = Handshake::new(config);
    let mut admits = Some(admits);
    loop {
        // An empty buffer needs no look: the greeting goes out before anything has come.
        let mut progress = if buffer.is_empty() { Ok(Progress::NeedMore) } else { handshake.input(buffer) };
        let outcome = loop {
            progress = match progress {
                Ok(Progress::NeedMore) => break Ok(None),
                Ok(Progress::Done(peer)) => break Ok(Some(peer)),
                Err(error) => break Err(error),
                Ok(Progress::Compute) => {
                    let (back, computed) = compute(handshake).await?;
                    handshake = back;
                    let may_go_on = computed == Ok(Progress::NeedMore) && !buffer.is_empty();
                    if may_go_on { handshake.input(buffer) } else { computed }
                }
                Ok(Progress::Admit(key)) => {
                    let welcome = match admits.take() {
                        Some(admits) => admits(key, stream.peer()).await,
                        None => Welcome::No,
                    };
                    handshake.admit(welcome)
                }
            };
        };
        let written = stream.write_all(&handshake.take_outgoing()).await;
        if let Some(peer) = outcome? {
            written?;
            return Ok((peer, handshake.take_channel()));
        }
        written.map_err(|error| broken(&handshake, error))?;
        buffer.reserve(READ_BYTES);
        if stream.read_buf(buffer).await.map_err(|error| broken(&handshake, error))? == 0 {
            return Err(closed(&handshake));
        }
    }
}

/// Who writes to a peer that closes sees no end, but that the connection breaks.
fn broken(handshake: &Handshake, error: io::Error) -> EstablishError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => closed(handshake),
        _ => error.into(),
    }
}

/// What it means that the peer closes the connection here.
fn closed(handshake: &Handshake) -> EstablishError {
    if handshake.has_shown_key() {
        EstablishError::NotNow
    } else if handshake.has_heard() {
        EstablishError::Closed
    } else {
        EstablishError::Unheard
    }
}

/// A client has chosen its server and its time, and computes at once; a server's part is for whoever comes.
async fn compute(
    mut handshake: Handshake,
) -> Result<(Handshake, Result<Progress, HandshakeError>), EstablishError> {
    if handshake.is_server() {
        let away = move || {
            let computed = handshake.compute();
            (handshake, computed)
        };
        return Ok(ARITHMETIC.run(away).await?);
    }
    let computed = handshake.compute();
    Ok((handshake, computed))
}
