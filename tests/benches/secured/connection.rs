//! The client's end of a connection with CURVE, over a plain socket. What goes over it is sealed and opened here, so that it can be sealed
//! before a clock starts and opened after it stops.

use std::{
    io::{ErrorKind, IoSlice, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use recado_zmtp::{
    codec::{FrameHeader, Handshake, HandshakeConfig, HandshakeError, Progress, SocketType},
    curve::{Channel, KeyPair, PublicKey, Security},
};

const READ_BYTES: usize = 64 * 1024;

/// Where a greeting says its minor version. With 3.0 there are subscriptions as messages and no PINGs, which nobody would answer.
const GREETING_MINOR_AT: usize = 11;

/// A handshake whose beginning, greeting and HELLO, is made before there is a connection.
pub(crate) struct Opening {
    handshake: Handshake,
    /// What is to be sent first.
    pub(crate) first: Bytes,
}

impl Opening {
    /// Of somebody with these keys to a server with that key.
    pub(crate) fn new(
        socket_type: SocketType,
        keys: &KeyPair,
        server: PublicKey,
    ) -> Result<Opening, HandshakeError> {
        let security = Security::CurveClient { keys: keys.clone(), server };
        let mut handshake = Handshake::new(HandshakeConfig { security, ..HandshakeConfig::new(socket_type) });
        handshake.compute()?;
        let mut first = handshake.take_outgoing().to_vec();
        first[GREETING_MINOR_AT] = 0;
        Ok(Opening { handshake, first: first.into() })
    }

    /// Takes what came and says what to answer, and whether it is done.
    pub(crate) fn go_on(&mut self, inbound: &mut BytesMut) -> Result<(Bytes, bool), HandshakeError> {
        let mut progress = self.handshake.input(inbound)?;
        while progress == Progress::Compute {
            self.handshake.compute()?;
            progress = self.handshake.input(inbound)?;
        }
        Ok((self.handshake.take_outgoing(), matches!(progress, Progress::Done(_))))
    }

    /// What seals the connection, once the handshake is done.
    pub(crate) fn channel(mut self) -> Option<Channel> {
        self.handshake.take_channel()
    }
}

/// A connection whose handshake is done.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) channel: Channel,
    inbound: BytesMut,
}

impl Connection {
    /// Shakes hands.
    pub(crate) fn open(
        mut stream: TcpStream,
        socket_type: SocketType,
        keys: &KeyPair,
        server: PublicKey,
    ) -> anyhow::Result<Connection> {
        let mut opening = Opening::new(socket_type, keys, server)?;
        stream.write_all(&opening.first)?;
        let mut inbound = BytesMut::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = stream.read(&mut buffer).context("a handshake is not answered")?;
            ensure!(count > 0, "the connection was closed within the handshake");
            inbound.extend_from_slice(&buffer[..count]);
            let (answer, done) = opening.go_on(&mut inbound)?;
            stream.write_all(&answer)?;
            if done {
                let channel = opening.channel().context("a connection without security")?;
                return Ok(Connection { stream, channel, inbound });
            }
        }
    }

    /// Seals whole frames and writes them.
    pub(crate) fn send(&mut self, frames: &[u8]) -> anyhow::Result<()> {
        let mut sealed = BytesMut::new();
        seal(&mut self.channel, frames, &mut sealed)?;
        Ok(self.stream.write_all(&sealed)?)
    }

    /// Waits this long at most for something to come, and opens it.
    pub(crate) fn receive(
        &mut self,
        wait: Duration,
        take: impl FnMut(FrameHeader, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.stream.set_read_timeout(Some(wait))?;
        let mut buffer = vec![0; READ_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the connection was closed"),
            Ok(count) => self.inbound.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        open(&mut self.channel, &mut self.inbound, take)
    }
}

/// Appends whole frames, sealed.
pub(crate) fn seal(channel: &mut Channel, frames: &[u8], out: &mut BytesMut) -> anyhow::Result<()> {
    let taken = channel.sealer.seal(&[IoSlice::new(frames)], out, usize::MAX)?;
    ensure!(taken == frames.len(), "not all was sealed");
    Ok(())
}

/// Opens the whole frames in front and takes them away.
pub(crate) fn open(
    channel: &mut Channel,
    inbound: &mut BytesMut,
    mut take: impl FnMut(FrameHeader, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while let Some(plain) = channel.opener.open(inbound)? {
        let frame = &inbound[plain.clone()];
        let header = FrameHeader::decode(frame)?.context("a frame without its header was opened")?;
        take(header, &frame[header.header_len..])?;
        inbound.advance(plain.end);
    }
    Ok(())
}

/// A message's frames as they are before they are sealed.
pub(crate) fn message(frames: &[&[u8]]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for (place, frame) in (1..).zip(frames) {
        FrameHeader::message(place < frames.len(), frame.len()).encode(&mut bytes);
        bytes.extend_from_slice(frame);
    }
    bytes.to_vec()
}
