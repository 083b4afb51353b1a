//! A connected stream, TCP or Unix-domain, of plain bytes to its owner whether or not they are sealed on the wire.

use std::io::{self, IoSlice};
use std::net::{self, Shutdown, SocketAddr};
use std::os::unix;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::{TcpStream, UnixStream};

use super::address::PeerAddress;
use super::error::ConnectError;
use super::inner::{Inner, polled};
use super::secured::Secured;
use crate::curve::Channel;
use crate::endpoint::{Endpoint, Host};
use crate::limits;

/// A connected stream.
///
/// The `try_` methods and [`ready`](Self::ready) take `&self`: who wants a reader and a writer task shares it in an
/// `Arc`. Through [`AsyncRead`] and [`AsyncWrite`] a read or write that was not filled is known to leave nothing more
/// to do, which saves the system call that would say so.
///
/// After CURVE's handshake it is *secured*: what is written is sealed frame by frame and what is read was opened, and otherwise nothing
/// differs but this. It must be given well-formed frames, in pieces or not. What is written may wait in it, sealed, for room in the kernel:
/// at most [`WRITE_BYTES_MAX`](limits::WRITE_BYTES_MAX) bytes and a frame. As long as [`has_unsent`](Self::has_unsent) says so, it takes
/// nothing more, and its owner is to call [`try_flush`](Self::try_flush) when it is writable, or [`AsyncWrite::poll_flush`]. A read
/// fails with a [`ChannelError`](crate::curve::ChannelError) where the peer, or somebody between, sent what was not sealed as it must be.
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    peer: PeerAddress,
    secured: Option<Box<Secured>>,
}

/// A connected stream that belongs to no runtime: on its way from one to another. Dropping it closes it.
#[derive(Debug)]
pub struct DetachedStream {
    inner: DetachedInner,
    peer: PeerAddress,
    secured: Option<Box<Secured>>,
}

#[derive(Debug)]
enum DetachedInner {
    Tcp(net::TcpStream),
    Ipc(unix::net::UnixStream),
}

impl Stream {
    /// Connects, trying each address of a name in turn. Unbounded in time: put a timeout around it.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, ConnectError> {
        match endpoint {
            Endpoint::Tcp { host: Host::Any, .. } | Endpoint::Tcp { port: 0, .. } => {
                Err(ConnectError::Wildcard)
            }
            Endpoint::Tcp { host: Host::Ip(address), port } => {
                Ok(Self::connect_tcp(SocketAddr::new(*address, *port)).await?)
            }
            Endpoint::Tcp { host: Host::Name(name), port } => {
                let addresses = tokio::net::lookup_host((name.as_str(), *port));
                let addresses = addresses.await.map_err(ConnectError::UnknownName)?;
                let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                for address in addresses {
                    match Self::connect_tcp(address).await {
                        Ok(stream) => return Ok(stream),
                        Err(error) => last = error,
                    }
                }
                Err(last.into())
            }
            Endpoint::Ipc(path) => Ok(Self::from_unix(UnixStream::connect(path).await?)),
        }
    }

    async fn connect_tcp(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::from_tcp(TcpStream::connect(address).await?, address))
    }

    /// Small messages must not wait for acknowledgements; and a peer too old for heartbeats must not be believed alive
    /// for ever. The options fail only on a connection that is gone already, which the first read will say.
    pub(super) fn from_tcp(stream: TcpStream, peer: SocketAddr) -> Self {
        let _ = stream.set_nodelay(true);
        let keepalive = TcpKeepalive::new().with_time(Duration::from_millis(limits::KEEPALIVE_MS));
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Self { inner: Inner::Tcp(stream), peer: PeerAddress::Tcp(peer), secured: None }
    }

    pub(super) fn from_unix(stream: UnixStream) -> Self {
        Self { inner: Inner::Ipc(stream), peer: PeerAddress::Ipc, secured: None }
    }

    /// Seals from here on, and opens what came already.
    pub(super) fn secure(&mut self, channel: Channel, read_ahead: BytesMut) {
        self.secured = Some(Box::new(Secured::new(channel, read_ahead)));
    }

    /// The peer's address.
    pub fn peer(&self) -> PeerAddress {
        self.peer
    }

    /// Whether what goes over the wire is sealed.
    pub fn is_secured(&self) -> bool {
        self.secured.is_some()
    }

    /// Takes the stream out of its runtime, so that another thread's runtime can go on with it. Nothing is lost: what has come and
    /// was not read is read there.
    pub fn detach(self) -> io::Result<DetachedStream> {
        let inner = match self.inner {
            Inner::Tcp(stream) => DetachedInner::Tcp(stream.into_std()?),
            Inner::Ipc(stream) => DetachedInner::Ipc(stream.into_std()?),
        };
        Ok(DetachedStream { inner, peer: self.peer, secured: self.secured })
    }

    /// Has the kernel take no more while it holds this many bytes that it has not sent, and say that there is room when it holds
    /// less than half of them: so a peer that reads slowly is seen to read, and what waits, waits where it is counted.
    /// `TCP_NOTSENT_LOWAT`; a Unix-domain stream has no such setting, and needs none: its buffer is small.
    pub fn limit_unsent(&self, bytes: u32) {
        if let Inner::Tcp(stream) = &self.inner {
            // Where the system has no such setting, its own buffers decide.
            let _ = SockRef::from(stream).set_tcp_notsent_lowat(bytes);
        }
    }

    /// Says that nothing more will be written; what was written is still delivered. [`WouldBlock`](io::ErrorKind::WouldBlock) while
    /// something sealed waits.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.try_flush()?;
        match &self.inner {
            Inner::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            Inner::Ipc(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
        }
    }

    /// Waits until the stream is readable or writable. Where something can be read without the kernel, it is readable at once.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        if interest.is_readable() && self.has_plain() {
            return Ok(Ready::READABLE);
        }
        self.inner.ready(interest).await
    }

    /// Whether there may be something to read; if not, the task is woken once there may.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_plain() { Poll::Ready(Ok(())) } else { self.inner.poll_read_ready(cx) }
    }

    fn has_plain(&self) -> bool {
        self.secured.as_ref().is_some_and(|secured| secured.has_plain())
    }

    /// Reads what is there; `WouldBlock` if nothing is, 0 at the end.
    pub fn try_read(&self, mut buffer: &mut [u8]) -> io::Result<usize> {
        match &self.secured {
            None => self.inner.try_read(buffer),
            Some(secured) => secured.read(&mut buffer, |inbound| self.inner.try_read_buf(inbound)),
        }
    }

    /// Reads what is there into the buffer's spare capacity.
    pub fn try_read_buf(&self, buffer: &mut impl bytes::BufMut) -> io::Result<usize> {
        match &self.secured {
            None => self.inner.try_read_buf(buffer),
            Some(secured) => secured.read(buffer, |inbound| self.inner.try_read_buf(inbound)),
        }
    }

    /// Bytes held here of what has come and was not read: of a frame that cannot be opened before its end is there.
    pub fn held_bytes(&self) -> usize {
        self.secured.as_ref().map_or(0, |secured| secured.held_bytes())
    }

    /// Writes what the kernel takes; `WouldBlock` if nothing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.secured {
            None => self.inner.try_write(bytes),
            Some(secured) => secured.write(&[IoSlice::new(bytes)], |sealed| self.inner.try_write(sealed)),
        }
    }

    /// Writes what the kernel takes of several slices in one call.
    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.secured {
            None => self.inner.try_write_vectored(slices),
            Some(secured) => secured.write(slices, |sealed| self.inner.try_write(sealed)),
        }
    }

    /// Whether something that was written waits here, sealed, until the kernel has room.
    pub fn has_unsent(&self) -> bool {
        self.unsent_bytes() > 0
    }

    /// How many bytes of that there are.
    pub fn unsent_bytes(&self) -> usize {
        self.secured.as_ref().map_or(0, |secured| secured.unsent())
    }

    /// Writes of that what the kernel takes; `WouldBlock` if it does not take all.
    pub fn try_flush(&self) -> io::Result<()> {
        match &self.secured {
            None => Ok(()),
            Some(secured) => secured.flush(|sealed| self.inner.try_write(sealed)),
        }
    }
}

impl DetachedStream {
    /// Gives the stream to the runtime that this is called in. It keeps its options.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O.
    pub fn attach(self) -> io::Result<Stream> {
        let inner = match self.inner {
            DetachedInner::Tcp(stream) => Inner::Tcp(TcpStream::from_std(stream)?),
            DetachedInner::Ipc(stream) => Inner::Ipc(UnixStream::from_std(stream)?),
        };
        Ok(Stream { inner, peer: self.peer, secured: self.secured })
    }

    /// The peer's address.
    pub fn peer(&self) -> PeerAddress {
        self.peer
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, secured, .. } = &mut *self;
        match secured {
            None => inner.poll_read(cx, buf),
            Some(secured) => polled(secured.read(buf, |inbound| inner.read_or_wake(cx, inbound)).map(drop)),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, secured, .. } = self.get_mut();
        match secured {
            None => inner.poll_write(cx, bytes),
            Some(secured) => {
                polled(secured.write(&[IoSlice::new(bytes)], |sealed| inner.write_or_wake(cx, sealed)))
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, secured, .. } = self.get_mut();
        match secured {
            None => inner.poll_write_vectored(cx, slices),
            Some(secured) => polled(secured.write(slices, |sealed| inner.write_or_wake(cx, sealed))),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, secured, .. } = self.get_mut();
        match secured {
            None => Poll::Ready(Ok(())),
            Some(secured) => polled(secured.flush(|sealed| inner.write_or_wake(cx, sealed))),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.inner.poll_shutdown(cx)
    }
}
