//! The handshake over a stream, within a time limit.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::error::EstablishError;
use super::stream::Stream;
use crate::codec::{Handshake, HandshakeConfig, Peer, Progress};

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Established {
    /// The connection.
    pub stream: Stream,
    /// Who is at its other end.
    pub peer: Peer,
    /// Bytes that came behind the handshake: the first of the traffic.
    pub read_ahead: BytesMut,
}

/// Bytes asked of the kernel at a time: a greeting and a READY fit.
const READ_BYTES: usize = 512;

/// Shakes hands, or closes the stream. The greeting goes out at once, whole.
pub async fn establish(
    mut stream: Stream,
    config: HandshakeConfig,
    limit: Duration,
) -> Result<Established, EstablishError> {
    let mut read_ahead = BytesMut::new();
    let shaken = timeout(limit, shake_hands(&mut stream, config, &mut read_ahead)).await;
    let peer = shaken.map_err(|_| EstablishError::TimedOut)??;
    Ok(Established { stream, peer, read_ahead })
}

async fn shake_hands(
    stream: &mut Stream,
    config: HandshakeConfig,
    buffer: &mut BytesMut,
) -> Result<Peer, EstablishError> {
    let mut handshake = Handshake::new(config);
    loop {
        // An empty buffer needs no look: the greeting goes out before anything has come.
        let progress = if buffer.is_empty() { Ok(Progress::NeedMore) } else { handshake.input(buffer) };
        let written = stream.write_all(&handshake.take_outgoing()).await;
        match progress? {
            Progress::Done(peer) => {
                written?;
                return Ok(peer);
            }
            Progress::NeedMore => written?,
        }
        buffer.reserve(READ_BYTES);
        if stream.read_buf(buffer).await? == 0 {
            return Err(EstablishError::Closed);
        }
    }
}
