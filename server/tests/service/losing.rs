//! A broker's connection that breaks with publications under way.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Buf, BytesMut};
use recado_proto::{Publication, ReplyBody, Timestamp};
use recado_zmtp::codec::{
    Frames, Handshake, HandshakeConfig, Item, MessageLimits, MessageSplitter, Progress, SocketType,
};
use recado_zmtp::{Endpoint, Framing, Host};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::helpers::{PATIENCE, Running, TestStore, create, hear, listen_at, publish};

/// A subscriber of bare bytes, which reads only when it is told to.
struct Stalled {
    stream: TcpStream,
    read: BytesMut,
}

impl Stalled {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut peer = Self { stream, read: BytesMut::new() };
        let mut handshake = Handshake::new(HandshakeConfig::new(SocketType::Sub));
        loop {
            peer.stream.write_all(&handshake.take_outgoing()).await.unwrap();
            if let Progress::Done(_) = handshake.input(&mut peer.read).unwrap() {
                break;
            }
            timeout(PATIENCE, peer.stream.read_buf(&mut peer.read)).await.unwrap().unwrap();
        }
        peer
    }

    /// Ends its side of the connection, and then takes all whole messages that were under way.
    async fn end(mut self) -> BTreeSet<u64> {
        self.stream.shutdown().await.unwrap();
        // The other side may end it hard, having more to write.
        while let Ok(1..) = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await.unwrap() {}
        let mut splitter = MessageSplitter::new(MessageLimits::default());
        let mut seqs = BTreeSet::new();
        while let Some(item) = splitter.next_item(&self.read).unwrap() {
            let Item::Message(span) = item else { continue };
            let frames: Vec<_> = Frames::new(&self.read[span.range]).map(|frame| frame.body).collect();
            if let Ok(publication) = Publication::decode(frames[0], frames[1], Timestamp::now()) {
                seqs.insert(publication.seq.unwrap());
            }
            let taken = splitter.release();
            self.read.advance(taken);
        }
        seqs
    }
}

#[tokio::test]
async fn what_waited_for_a_connection_that_broke_goes_out_on_the_next_one() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!("bound to IPv4") };
    let endpoint = Endpoint::Tcp { host: Host::Ip((*address.ip()).into()), port: address.port() };
    let store = TestStore::new();
    let server = Running::start(&store, std::slice::from_ref(&endpoint)).await;
    let broker = Stalled::accept(&listener).await;
    drop(listener);
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    // More than the system takes for a connection, so that the last ones wait in the server's queue.
    let text = "x".repeat(60_000);
    let count = 500;
    for _ in 0..count {
        let reply = peer.ask(publish("ana", "geral", &text, None)).await;
        assert!(matches!(reply.body, ReplyBody::Stored { .. }));
    }
    let mut heard = broker.end().await;
    assert!(!heard.contains(&count), "the broker was to break with messages under way");
    let (mut broker, _) = listen_at(&endpoint).await;
    while heard.len() < count as usize {
        heard.insert(hear(&mut broker).await.seq.unwrap());
    }
    server.stop().await;
}
