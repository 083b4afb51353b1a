//! A peer of bare bytes: says what it likes, shows what it got.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use recado_zmtp::{Endpoint, Host};

use super::soon;

pub(crate) struct RawPeer(TcpStream);

pub(crate) fn greeting(minor: u8) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..16].copy_from_slice(b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL");
    bytes[11] = minor;
    bytes
}

pub(crate) fn ready(socket_type: &str) -> Vec<u8> {
    let length = u8::try_from(socket_type.len()).unwrap();
    let body = [b"\x05READY\x0BSocket-Type\0\0\0", &[length][..], socket_type.as_bytes()].concat();
    frame(4, &body)
}

pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[flags, length], body].concat(),
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

pub(crate) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[&[u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat())
}

impl RawPeer {
    /// Connects and says nothing.
    pub(crate) async fn connect(endpoint: &Endpoint) -> Self {
        Self::connect_from([127, 0, 0, 1].into(), endpoint).await
    }

    /// The same, from another of this machine's addresses.
    pub(crate) async fn connect_from(source: IpAddr, endpoint: &Endpoint) -> Self {
        let Endpoint::Tcp { host: Host::Ip(address), port } = endpoint else {
            panic!("not an address: {endpoint}")
        };
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((source, 0).into()).unwrap();
        Self(socket.connect((*address, *port).into()).await.unwrap())
    }

    /// Connects and shakes hands as a peer of version 3.`minor`.
    pub(crate) async fn shaken(endpoint: &Endpoint, socket_type: &str, minor: u8) -> Self {
        let mut peer = Self::connect(endpoint).await;
        peer.shake_hands(socket_type, minor).await;
        peer
    }

    /// Waits for a connection.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        Self(soon(listener.accept()).await.unwrap().0)
    }

    pub(crate) async fn shake_hands(&mut self, socket_type: &str, minor: u8) {
        self.send(&greeting(minor)).await;
        assert_eq!(self.take(64).await, greeting(1));
        self.send(&ready(socket_type)).await;
        let (flags, body) = self.take_frame().await;
        assert!(flags == 4 && body.starts_with(b"\x05READY"));
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
    }

    /// Sends what the other side takes before it closes; whether it took all.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        soon(self.0.write_all(bytes)).await.is_ok()
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        soon(self.0.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    pub(crate) async fn take_frame(&mut self) -> (u8, Vec<u8>) {
        let flags = self.take(1).await[0];
        let length = if flags & 2 == 0 {
            usize::from(self.take(1).await[0])
        } else {
            usize::try_from(u64::from_be_bytes(self.take(8).await.try_into().unwrap())).unwrap()
        };
        (flags, self.take(length).await)
    }

    /// All frames of the next message, without commands.
    pub(crate) async fn take_message(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let (flags, body) = self.take_frame().await;
            if flags & 4 == 0 {
                frames.push(body);
                if flags & 1 == 0 {
                    return frames;
                }
            }
        }
    }

    /// Reads to the connection's end, however it ends; what came before it.
    pub(crate) async fn take_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = soon(self.0.read_to_end(&mut bytes)).await;
        bytes
    }
}
