//! Asking a listener how it takes connections, before anything is known of it.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::error::AskError;
use super::stream::Stream;
use crate::codec::{Command, FrameHeader, GREETING_BYTES, Greeting, GreetingError, Mechanism};
use crate::curve::{PublicKey, key_invited_with};
use crate::endpoint::Endpoint;
use crate::limits;

/// How a listener takes connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Without security.
    Open,
    /// With CURVE, and this is its key, or so it says: whoever is between could say so, too.
    Secured(PublicKey),
    /// With this mechanism, and it tells nobody its key.
    Other(String),
}

/// Bytes asked of the kernel at a time: a greeting and an ERROR fit.
const READ_BYTES: usize = 512;

/// How a listener takes connections: greets it without security, and hears what it says to that.
pub async fn ask_key(endpoint: &Endpoint, limit: Duration) -> Result<Asked, AskError> {
    timeout(limit, ask(endpoint)).await.map_err(|_| AskError::TimedOut)?
}

async fn ask(endpoint: &Endpoint) -> Result<Asked, AskError> {
    let mut stream = Stream::connect(endpoint).await?;
    stream.write_all(&Greeting::ours(Mechanism::Null, false).encode()).await?;
    let mut bytes = BytesMut::new();
    let greeting = loop {
        match Greeting::decode(&bytes) {
            Ok(Some(greeting)) => break greeting,
            Ok(None) => {}
            Err(GreetingError::UnknownMechanism(name)) => return Ok(Asked::Other(name)),
            Err(error) => return Err(error.into()),
        }
        if !more(&mut stream, &mut bytes).await? {
            return Err(AskError::Closed);
        }
    };
    let other = Asked::Other(greeting.mechanism.as_str().to_owned());
    match greeting.mechanism {
        Mechanism::Null => return Ok(Asked::Open),
        Mechanism::Curve => bytes.advance(GREETING_BYTES),
    }
    loop {
        match told(&bytes) {
            Told::Key(key) => return Ok(Asked::Secured(key)),
            Told::Nothing => return Ok(other),
            Told::Unfinished => {}
        }
        // However the connection ends: it has not told.
        if !more(&mut stream, &mut bytes).await.unwrap_or(false) {
            return Ok(other);
        }
    }
}

async fn more(stream: &mut Stream, bytes: &mut BytesMut) -> Result<bool, AskError> {
    bytes.reserve(READ_BYTES);
    Ok(stream.read_buf(bytes).await? > 0)
}

/// What stands behind the greeting.
enum Told {
    Key(PublicKey),
    Nothing,
    Unfinished,
}

fn told(bytes: &[u8]) -> Told {
    let header = match FrameHeader::decode(bytes) {
        Ok(Some(header)) if header.command && header.body_len <= limits::HANDSHAKE_COMMAND_BYTES_MAX => {
            header
        }
        Ok(None) => return Told::Unfinished,
        Ok(Some(_)) | Err(_) => return Told::Nothing,
    };
    let Some(body) = bytes[header.header_len..].get(..header.body_len) else { return Told::Unfinished };
    match Command::decode(body) {
        Ok(Command::Error(reason)) => key_invited_with(reason).map_or(Told::Nothing, Told::Key),
        Ok(
            Command::Ready(_)
            | Command::Subscribe(_)
            | Command::Cancel(_)
            | Command::Ping { .. }
            | Command::Pong { .. }
            | Command::Unknown { .. },
        )
        | Err(_) => Told::Nothing,
    }
}
