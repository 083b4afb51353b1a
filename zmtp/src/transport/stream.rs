//! A connected stream, TCP or Unix-domain.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{self, IpAddr, Shutdown, SocketAddr};
use std::os::unix;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::{TcpStream, UnixStream};

use super::error::ConnectError;
use crate::endpoint::{Endpoint, Host};
use crate::limits;

/// A connected stream.
///
/// The `try_` methods and [`ready`](Self::ready) take `&self`: who wants a reader and a writer task shares it in an
/// `Arc`. Through [`AsyncRead`] and [`AsyncWrite`] a read or write that was not filled is known to leave nothing more
/// to do, which saves the system call that would say so.
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    peer: PeerAddress,
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// A connected stream that belongs to no runtime: on its way from one to another. Dropping it closes it.
#[derive(Debug)]
pub struct DetachedStream {
    inner: DetachedInner,
    peer: PeerAddress,
}

#[derive(Debug)]
enum DetachedInner {
    Tcp(net::TcpStream),
    Ipc(unix::net::UnixStream),
}

/// Where a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerAddress {
    /// Its address and port; IPv4 as such, even on a socket that listens for both.
    Tcp(SocketAddr),
    /// On this machine, over a Unix-domain socket.
    Ipc,
}

impl PeerAddress {
    /// The machine, `None` for this one over `ipc`.
    pub fn host(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Ipc => None,
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Ipc => f.write_str("ipc"),
        }
    }
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
        Self { inner: Inner::Tcp(stream), peer: PeerAddress::Tcp(peer) }
    }

    pub(super) fn from_unix(stream: UnixStream) -> Self {
        Self { inner: Inner::Ipc(stream), peer: PeerAddress::Ipc }
    }

    /// The peer's address.
    pub fn peer(&self) -> PeerAddress {
        self.peer
    }

    /// Takes the stream out of its runtime, so that another thread's runtime can go on with it. Nothing is lost: what has come and
    /// was not read is read there.
    pub fn detach(self) -> io::Result<DetachedStream> {
        let inner = match self.inner {
            Inner::Tcp(stream) => DetachedInner::Tcp(stream.into_std()?),
            Inner::Ipc(stream) => DetachedInner::Ipc(stream.into_std()?),
        };
        Ok(DetachedStream { inner, peer: self.peer })
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

    /// Says that nothing more will be written; what was written is still delivered.
    pub fn shutdown_write(&self) -> io::Result<()> {
        match &self.inner {
            Inner::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            Inner::Ipc(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
        }
    }

    /// Waits until the stream is readable or writable.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match &self.inner {
            Inner::Tcp(stream) => stream.ready(interest).await,
            Inner::Ipc(stream) => stream.ready(interest).await,
        }
    }

    /// Whether there may be something to read; if not, the task is woken once there may.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.inner {
            Inner::Tcp(stream) => stream.poll_read_ready(cx),
            Inner::Ipc(stream) => stream.poll_read_ready(cx),
        }
    }

    /// Reads what is there; `WouldBlock` if nothing is, 0 at the end.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.inner {
            Inner::Tcp(stream) => stream.try_read(buffer),
            Inner::Ipc(stream) => stream.try_read(buffer),
        }
    }

    /// Reads what is there into the buffer's spare capacity.
    pub fn try_read_buf(&self, buffer: &mut impl bytes::BufMut) -> io::Result<usize> {
        match &self.inner {
            Inner::Tcp(stream) => stream.try_read_buf(buffer),
            Inner::Ipc(stream) => stream.try_read_buf(buffer),
        }
    }

    /// Writes what the kernel takes; `WouldBlock` if nothing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.inner {
            Inner::Tcp(stream) => stream.try_write(bytes),
            Inner::Ipc(stream) => stream.try_write(bytes),
        }
    }

    /// Writes what the kernel takes of several slices in one call.
    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.inner {
            Inner::Tcp(stream) => stream.try_write_vectored(slices),
            Inner::Ipc(stream) => stream.try_write_vectored(slices),
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
        Ok(Stream { inner, peer: self.peer })
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
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Inner::Ipc(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Inner::Ipc(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Inner::Ipc(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Inner::Ipc(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
