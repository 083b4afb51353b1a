//! The sockets.
#![expect(dead_code, unused_variables, clippy::unimplemented, reason = "the surface; bodies follow")]

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::{BindError, Closed, Endpoint, Message, PeerId, SendError, SocketEvent, SocketOptions};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Raw,
    Delimited,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketStats {
    pub connections: u64,
    pub refused: u64,
    pub broken: u64,
    pub dropped: u64,
    pub lost: u64,
}

#[derive(Debug)]
pub struct Router(());
impl Router {
    pub async fn bind(endpoint: &Endpoint, options: SocketOptions) -> Result<Self, BindError> {
        unimplemented!()
    }
    pub fn local_endpoint(&self) -> &Endpoint {
        unimplemented!()
    }
    pub async fn recv(&mut self) -> Option<(PeerId, Message)> {
        unimplemented!()
    }
    pub async fn recv_many(&mut self, into: &mut Vec<(PeerId, Message)>, max: usize) -> usize {
        unimplemented!()
    }
    pub fn send(&self, peer: PeerId, message: Message) -> Result<(), SendError> {
        unimplemented!()
    }
    pub fn stop_receiving(&mut self) {
        unimplemented!()
    }
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        unimplemented!()
    }
    pub fn stats(&self) -> SocketStats {
        unimplemented!()
    }
    pub async fn close(self) {
        unimplemented!()
    }
}

#[derive(Debug)]
pub struct Dealer(());
impl Dealer {
    pub fn connect(endpoints: &[Endpoint], framing: Framing, options: SocketOptions) -> Self {
        unimplemented!()
    }
    pub async fn send(&self, message: Message) -> Result<(), Closed> {
        unimplemented!()
    }
    pub async fn recv(&mut self) -> Option<Message> {
        unimplemented!()
    }
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        unimplemented!()
    }
    pub fn stats(&self) -> SocketStats {
        unimplemented!()
    }
    pub async fn close(self) {
        unimplemented!()
    }
}

#[derive(Debug)]
pub struct Publisher(());
impl Publisher {
    pub async fn bind(endpoint: &Endpoint, options: SocketOptions) -> Result<Self, BindError> {
        unimplemented!()
    }
    pub fn connect(endpoints: &[Endpoint], options: SocketOptions) -> Self {
        unimplemented!()
    }
    pub fn local_endpoint(&self) -> Option<&Endpoint> {
        unimplemented!()
    }
    pub fn try_send(&self, message: &Message) -> usize {
        unimplemented!()
    }
    pub async fn send(&self, message: Message) -> Result<(), Closed> {
        unimplemented!()
    }
    pub async fn flush(&self) {
        unimplemented!()
    }
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        unimplemented!()
    }
    pub fn stats(&self) -> SocketStats {
        unimplemented!()
    }
    pub async fn close(self) {
        unimplemented!()
    }
}

#[derive(Debug)]
pub struct Subscriber(());
impl Subscriber {
    pub async fn bind(endpoint: &Endpoint, options: SocketOptions) -> Result<Self, BindError> {
        unimplemented!()
    }
    pub fn connect(endpoints: &[Endpoint], options: SocketOptions) -> Self {
        unimplemented!()
    }
    pub fn local_endpoint(&self) -> Option<&Endpoint> {
        unimplemented!()
    }
    pub fn subscribe(&self, topic: impl Into<Bytes>) {
        unimplemented!()
    }
    pub fn unsubscribe(&self, topic: &[u8]) {
        unimplemented!()
    }
    pub async fn recv(&mut self) -> Option<Message> {
        unimplemented!()
    }
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        unimplemented!()
    }
    pub fn stats(&self) -> SocketStats {
        unimplemented!()
    }
    pub async fn close(self) {
        unimplemented!()
    }
}
