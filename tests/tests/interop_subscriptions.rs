//! Both forms of subscription, byte for byte as RFC 37 (ZMTP 3.1: commands) and RFC 23 (ZMTP 3.0: messages) have them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use recado_tests::{
    chat::{Listener, Requester},
    limits::{PATIENCE, SOUNDING_WAIT},
    parts::{Recado, folder},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How a subscription is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `SUBSCRIBE` and `CANCEL`.
    Command,
    /// A message that begins with 1 or 0.
    Message,
}

/// The text of messages that only find out whether a subscription is in force.
const SOUNDING: &str = "sounding";
const MORE: u8 = 0x01;
const COMMAND: u8 = 0x04;

/// What of a publication matters here.
struct Heard {
    topic: String,
    sounding: bool,
}

/// One end of a connection, without any library.
struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    /// Connects as a socket of this type that speaks ZMTP 3.`minor`.
    async fn connect(endpoint: &str, socket_type: &str, minor: u8) -> Wire {
        let stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).await.unwrap();
        let mut wire = Wire { stream, received: Vec::new() };
        let mut greeting = [&b"\xff\0\0\0\0\0\0\0\0\x7f\x03"[..], &[minor], b"NULL"].concat();
        greeting.resize(64, 0);
        wire.stream.write_all(&greeting).await.unwrap();
        let length = [0, 0, 0, u8::try_from(socket_type.len()).unwrap()];
        let ready = [b"\x05READY\x0bSocket-Type", &length[..], socket_type.as_bytes()].concat();
        wire.write_frame(COMMAND, &ready).await;
        timeout(PATIENCE, wire.stream.read_exact(&mut [0; 64])).await.unwrap().unwrap();
        let (flags, body) = wire.read_frame().await;
        assert_eq!((flags, &body[..6]), (COMMAND, &b"\x05READY"[..]));
        wire
    }

    async fn subscribe(&mut self, form: Form, topic: &str) {
        match form {
            Form::Command => self.write_frame(COMMAND, &[b"\x09SUBSCRIBE", topic.as_bytes()].concat()).await,
            Form::Message => self.write_frame(0, &[b"\x01", topic.as_bytes()].concat()).await,
        }
    }

    async fn cancel(&mut self, form: Form, topic: &str) {
        match form {
            Form::Command => self.write_frame(COMMAND, &[b"\x06CANCEL", topic.as_bytes()].concat()).await,
            Form::Message => self.write_frame(0, &[b"\x00", topic.as_bytes()].concat()).await,
        }
    }

    /// The next publication, if one comes in this time.
    async fn next_within(&mut self, wait: Duration) -> Option<Heard> {
        let reading = async {
            loop {
                let (flags, body) = self.read_frame().await;
                if flags == MORE {
                    let (flags, payload) = self.read_frame().await;
                    assert_eq!(flags, 0, "a publication has two frames");
                    assert_eq!(payload[0] & 0xf0, 0x80, "the second is a map");
                    let sounding = payload.windows(SOUNDING.len()).any(|part| part == SOUNDING.as_bytes());
                    return Heard { topic: String::from_utf8(body).unwrap(), sounding };
                }
                assert_eq!((flags, &body[..5]), (COMMAND, &b"\x04PING"[..]));
            }
        };
        timeout(wait, reading).await.ok()
    }

    /// The topic of the next publication that is no sounding.
    async fn next_topic(&mut self) -> String {
        loop {
            let heard = self.next_within(PATIENCE).await.expect("what was published is heard");
            if !heard.sounding {
                return heard.topic;
            }
        }
    }

    /// The next frame's flags and body. What was read before the caller gave up is kept.
    async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            if let [flags, length, rest @ ..] = &self.received[..]
                && rest.len() >= usize::from(*length)
            {
                assert_eq!(flags & 0x02, 0, "no frame here is long");
                let (flags, body) = (*flags, rest[..usize::from(*length)].to_vec());
                self.received.drain(..2 + body.len());
                return (flags, body);
            }
            assert_ne!(
                self.stream.read_buf(&mut self.received).await.unwrap(),
                0,
                "the connection was closed"
            );
        }
    }

    async fn write_frame(&mut self, flags: u8, body: &[u8]) {
        let frame = [&[flags, u8::try_from(body.len()).unwrap()], body].concat();
        self.stream.write_all(&frame).await.unwrap();
    }
}

/// Publishes to a channel until that is heard: all that was subscribed or cancelled before is in force by then.
async fn wait_until_live(wire: &mut Wire, requester: &mut Requester, topic: &str) {
    let hearing = async {
        loop {
            requester.publish("ana", topic, SOUNDING).await;
            if wire.next_within(SOUNDING_WAIT).await.is_some_and(|heard| heard.topic == topic) {
                break;
            }
        }
    };
    timeout(PATIENCE, hearing).await.expect("the subscription comes into force");
}

#[tokio::test]
async fn both_forms_subscribe_and_cancel_whatever_version_was_announced() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut requester = Requester::connect(&recado.requests);
    for channel in ["one", "two", "three"] {
        requester.create(channel).await;
    }
    for (minor, form) in [(0, Form::Message), (1, Form::Command), (1, Form::Message), (0, Form::Command)] {
        let mut wire = Wire::connect(&recado.subscribers, "SUB", minor).await;
        // Twice, and cancelled once: a peer's subscriptions are a set.
        wire.subscribe(form, "one").await;
        wire.subscribe(form, "one").await;
        wire.subscribe(form, "two").await;
        wait_until_live(&mut wire, &mut requester, "two").await;
        for topic in ["three", "one", "two"] {
            requester.publish("ana", topic, "oi").await;
        }
        assert_eq!(wire.next_topic().await, "one", "3.{minor} {form:?}");
        assert_eq!(wire.next_topic().await, "two", "3.{minor} {form:?}");

        wire.cancel(form, "one").await;
        wire.subscribe(form, "three").await;
        wait_until_live(&mut wire, &mut requester, "three").await;
        for topic in ["one", "two", "three"] {
            requester.publish("ana", topic, "oi").await;
        }
        assert_eq!(wire.next_topic().await, "two", "3.{minor} {form:?}");
        assert_eq!(wire.next_topic().await, "three", "3.{minor} {form:?}");
    }
}

#[tokio::test]
async fn publishers_are_told_of_subscriptions_in_the_form_of_their_version() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let mut listener = Listener::connect(&recado.subscribers, &["geral"]);
    listener.wait_until_subscribed(&recado.publishers).await;
    for (minor, expect) in [(0, (0, b"\x01geral".to_vec())), (1, (COMMAND, b"\x09SUBSCRIBEgeral".to_vec()))] {
        let mut wire = Wire::connect(&recado.publishers, "PUB", minor).await;
        let told =
            timeout(PATIENCE, wire.read_frame()).await.expect("a publisher that comes later is told, too");
        assert_eq!(told, expect, "3.{minor}");
    }
}
