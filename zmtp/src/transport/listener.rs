//! Listening on an endpoint.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::error::{BindError, BindFault};
use super::stream::Stream;
use crate::endpoint::{Endpoint, Host};
use crate::limits;

/// A socket that listens. Dropping it closes it; an `ipc` one removes its file, unless another has taken its place.
#[derive(Debug)]
pub struct Listener {
    inner: Inner,
    endpoint: Endpoint,
    /// Removed when dropped.
    _file: Option<SocketFile>,
}

/// The owner reads and writes, nobody else does.
const PRIVATE_MODE: u32 = 0o600;

#[derive(Debug)]
enum Inner {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Listener {
    /// Listens. A name's addresses are tried in turn. A socket file that nobody listens on any longer is replaced.
    ///
    /// Must be called in a tokio runtime.
    pub async fn bind(endpoint: &Endpoint) -> Result<Self, BindError> {
        let bound = match endpoint {
            Endpoint::Tcp { host, port } => bind_tcp(host, *port).await,
            Endpoint::Ipc(path) => bind_ipc(path, endpoint, |path| UnixListener::bind(path)),
        };
        bound.map_err(|fault| BindError { endpoint: endpoint.clone(), fault })
    }

    /// As [`bind`](Self::bind); and an `ipc` socket's file is its owner's alone (mode 0600), from before anybody can connect.
    pub async fn bind_private(endpoint: &Endpoint) -> Result<Self, BindError> {
        match endpoint {
            Endpoint::Tcp { .. } => Self::bind(endpoint).await,
            Endpoint::Ipc(path) => bind_ipc(path, endpoint, bind_unix_private)
                .map_err(|fault| BindError { endpoint: endpoint.clone(), fault }),
        }
    }

    /// Where it listens, with the port the system chose if it was to choose.
    pub fn local_endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Waits for a connection. Cancel safe.
    ///
    /// Errors are the system's and pass (too many open files, say): wait a moment and go on.
    pub async fn accept(&self) -> io::Result<Stream> {
        match &self.inner {
            Inner::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Stream::from_tcp(stream, peer))
            }
            Inner::Ipc(listener) => Ok(Stream::from_unix(listener.accept().await?.0)),
        }
    }
}

async fn bind_tcp(host: &Host, port: u16) -> Result<Listener, BindFault> {
    let listener = match host {
        // Dual stack where the machine has IPv6, else IPv4 alone.
        Host::Any => listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port), true).or_else(|error| {
            if error.kind() == io::ErrorKind::AddrInUse {
                return Err(error);
            }
            listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), false)
        }),
        Host::Ip(address) => listen(SocketAddr::new(*address, port), false),
        Host::Name(name) => {
            let addresses = tokio::net::lookup_host((name.as_str(), port)).await;
            let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            let mut bound = None;
            for address in addresses.map_err(BindFault::UnknownName)? {
                match listen(address, false) {
                    Ok(listener) => {
                        bound = Some(listener);
                        break;
                    }
                    Err(error) => last = error,
                }
            }
            bound.ok_or(last)
        }
    };
    let listener = listener.map_err(tcp_fault)?;
    let local = listener.local_addr().map_err(BindFault::Other)?;
    let endpoint = Endpoint::Tcp { host: host.clone(), port: local.port() };
    Ok(Listener { inner: Inner::Tcp(listener), endpoint, _file: None })
}

fn listen(address: SocketAddr, dual_stack: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Lets a restarted program listen while connections of its last run are still dying.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual_stack)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog())?;
    TcpListener::from_std(socket.into())
}

fn backlog() -> i32 {
    i32::try_from(limits::LISTEN_BACKLOG).unwrap_or(i32::MAX)
}

fn tcp_fault(error: io::Error) -> BindFault {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindFault::PortInUse,
        io::ErrorKind::PermissionDenied => BindFault::PortForbidden,
        io::ErrorKind::AddrNotAvailable => BindFault::NotOurs,
        _ => BindFault::Other(error),
    }
}

fn bind_ipc(
    path: &Path,
    endpoint: &Endpoint,
    bind: impl Fn(&Path) -> io::Result<UnixListener>,
) -> Result<Listener, BindFault> {
    let listener = match bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            // The folder is locked meanwhile, so that of two programs that find the same stale file only one replaces it.
            let _folder = remove_stale(path)?;
            bind(path).map_err(ipc_fault)?
        }
        bound => bound.map_err(ipc_fault)?,
    };
    let file = SocketFile::at(path).map_err(ipc_fault)?;
    Ok(Listener { inner: Inner::Ipc(listener), endpoint: endpoint.clone(), _file: Some(file) })
}

/// Nobody can connect to a socket that does not listen yet: by then its file has its mode.
fn bind_unix_private(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(PRIVATE_MODE))?;
    socket.listen(backlog())?;
    UnixListener::from_std(socket.into())
}

/// Removes a file that nobody listens on any longer. The folder is locked for as long as what this gives is kept.
fn remove_stale(path: &Path) -> Result<File, BindFault> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let lock = File::open(folder).map_err(ipc_fault)?;
    lock.try_lock().map_err(|_| BindFault::PathInUse)?;
    if !fs::symlink_metadata(path).map_err(ipc_fault)?.file_type().is_socket() {
        return Err(BindFault::NotASocket);
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(BindFault::PathForbidden);
        }
        // Connected, or its backlog is full: somebody listens.
        _ => return Err(BindFault::PathInUse),
    }
    fs::remove_file(path).map_err(ipc_fault)?;
    Ok(lock)
}

fn ipc_fault(error: io::Error) -> BindFault {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindFault::PathInUse,
        io::ErrorKind::PermissionDenied => BindFault::PathForbidden,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => BindFault::NoFolder,
        _ => BindFault::Other(error),
    }
}

/// A socket's file, removed with the listener.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device_and_inode: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), device_and_inode: device_and_inode(path)? })
    }
}

fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if device_and_inode(&self.path).is_ok_and(|found| found == self.device_and_inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
