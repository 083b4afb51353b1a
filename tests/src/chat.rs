//! A plain chat client on our sockets, for tests that look at the system from outside: one request at a time, and a listener.
//!
//! It repairs nothing by itself, so that a test sees what really came.

use std::time::Duration;

use recado_proto::{
    ChannelName, HistoryOf, HistoryRequest, Manner, MessageId, Place, Publication, PublicationBody, Range,
    Ref, Reply, ReplyBody, Request, RequestBody, Timestamp, UserName,
};
use recado_zmtp::{Dealer, Endpoint, Framing, Message, Publisher, SocketOptions, Subscriber};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::limits::{ANSWER_WAIT, PATIENCE, SOUNDING_WAIT};

/// Sends requests to a server and reads their answers.
pub struct Requester {
    dealer: Dealer,
    asked: u64,
}

/// What the server said of a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The message's own number.
    pub id: MessageId,
    /// Its place in its topic.
    pub seq: u64,
}

impl Requester {
    /// Connects to a server, in the background.
    ///
    /// # Panics
    /// The endpoint is none.
    pub fn connect(endpoint: &str) -> Requester {
        Requester::of(Dealer::connect(&[parse(endpoint)], Framing::Delimited, SocketOptions::default()))
    }

    /// Asks over this socket, which puts delimiters.
    pub fn of(dealer: Dealer) -> Requester {
        Requester { dealer, asked: 0 }
    }

    /// Asks until there is an answer, which is how a client lives through a server's restart: the same request again, every
    /// [`ANSWER_WAIT`].
    ///
    /// # Panics
    /// There is none within the tests' patience.
    pub async fn ask(&mut self, body: RequestBody) -> ReplyBody {
        let asking = async {
            loop {
                if let Some(reply) = self.ask_once(body.clone(), ANSWER_WAIT).await {
                    return reply.body;
                }
            }
        };
        timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("no answer to {body:?}"))
    }

    /// Asks once; none if no answer comes in this time.
    pub async fn ask_once(&mut self, body: RequestBody, wait: Duration) -> Option<Reply> {
        self.asked += 1;
        let reference = Ref::from_number(self.asked);
        let request = Request { reference: Some(reference.clone()), ..Request::from(body) };
        let exchange = async {
            self.dealer.send(Message::single(request.encode())).await.expect("the socket is open");
            loop {
                let message = self.dealer.recv().await.expect("the socket is open");
                let reply =
                    Reply::decode(&message.frames()[0], Timestamp::now()).expect("a server writes replies");
                // An answer to an earlier try may come late.
                if reply.reference.as_ref() == Some(&reference) {
                    return reply;
                }
            }
        };
        timeout(wait, exchange).await.ok()
    }

    /// Logs in.
    ///
    /// # Panics
    /// Refused.
    pub async fn login(&mut self, name: &str) {
        let reply = self.ask(RequestBody::Login { user: user(name), password: None }).await;
        assert_eq!(reply, ReplyBody::Accepted);
    }

    /// Creates a channel, as often as it has to be asked for.
    ///
    /// # Panics
    /// Refused.
    pub async fn create(&mut self, name: &str) {
        let id = Some(MessageId::new_v7());
        let reply =
            self.ask(RequestBody::Channel { channel: channel(name), id, user: None, private: false }).await;
        assert_eq!(reply, ReplyBody::Accepted);
    }

    /// Publishes in a channel, under an identifier of its own.
    ///
    /// # Panics
    /// Refused.
    pub async fn publish(&mut self, from: &str, to: &str, text: &str) -> Stored {
        let id = MessageId::new_v7();
        let body = RequestBody::Publish {
            user: user(from),
            channel: channel(to),
            message: text.to_owned(),
            id: Some(id),
            manner: Manner::default(),
        };
        stored(self.ask(body).await)
    }

    /// All messages of a channel, oldest first.
    ///
    /// # Panics
    /// Refused.
    pub async fn channel_history(&mut self, asker: &str, name: &str) -> Vec<Publication> {
        self.history(asker, &HistoryOf::Channel(channel(name))).await
    }

    /// All messages that were sent to somebody, oldest first.
    ///
    /// # Panics
    /// Refused.
    pub async fn received_history(&mut self, asker: &str) -> Vec<Publication> {
        self.history(asker, &HistoryOf::Received).await
    }

    async fn history(&mut self, asker: &str, of: &HistoryOf) -> Vec<Publication> {
        let mut all: Vec<Publication> = Vec::new();
        loop {
            let after = all.last().and_then(|last| last.seq).unwrap_or(0);
            let request = HistoryRequest {
                user: user(asker),
                of: of.clone(),
                range: Range::After(Place::Seq(after)),
                limit: 1_000,
                acts: false,
            };
            match self.ask(RequestBody::History(request)).await {
                ReplyBody::History(page) if page.messages.is_empty() => return all,
                ReplyBody::History(page) => all.extend(page.messages),
                other => panic!("no history of {of:?}: {other:?}"),
            }
        }
    }
}

/// Hears publications as a broker hands them out. It reads all the time, so that no queue before it fills while a test does other things.
pub struct Listener {
    heard: UnboundedReceiver<Message>,
    first_topic: String,
}

impl Listener {
    /// Connects to a broker, in the background, for these topics and all that begin with them.
    ///
    /// # Panics
    /// The endpoint is none.
    pub fn connect(endpoint: &str, topics: &[&str]) -> Listener {
        let mut subscriber = Subscriber::connect(&[parse(endpoint)], SocketOptions::default());
        topics.iter().for_each(|topic| subscriber.subscribe(topic.as_bytes().to_vec()));
        // Bounded by what the test publishes.
        let (sender, heard) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = subscriber.recv().await {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Listener { heard, first_topic: topics.first().copied().unwrap_or_default().to_owned() }
    }

    /// The next publication.
    ///
    /// # Panics
    /// None comes within the tests' patience, or it is none of ours.
    pub async fn next(&mut self) -> Publication {
        self.next_within(PATIENCE).await.expect("a publication comes")
    }

    /// The next publication, if one comes in this time.
    ///
    /// # Panics
    /// It is none of ours.
    pub async fn next_within(&mut self, wait: Duration) -> Option<Publication> {
        let message = timeout(wait, self.heard.recv()).await.ok()?.expect("the socket is open");
        let [topic, payload] = message.frames() else { panic!("a publication has two frames: {message:?}") };
        Some(Publication::decode(topic, payload, Timestamp::now()).expect("a server writes publications"))
    }

    /// Has messages sent to a topic until one of them is heard: from then on the subscription is in force. Says how many it took.
    ///
    /// # Panics
    /// None is heard within the tests' patience.
    pub async fn wait_until_live(
        &mut self,
        requester: &mut Requester,
        body: impl Fn(MessageId) -> RequestBody,
    ) -> usize {
        let sounding = async {
            for count in 1.. {
                let sent = stored(requester.ask(body(MessageId::new_v7())).await);
                while let Some(heard) = self.next_within(SOUNDING_WAIT).await {
                    if heard.id == Some(sent.id) {
                        return count;
                    }
                }
            }
            unreachable!("it goes on for ever")
        };
        timeout(PATIENCE, sounding).await.expect("a subscription comes into force")
    }

    /// Publishes into the broker itself until one of it is heard: from then on the first topic's subscription is in force.
    ///
    /// # Panics
    /// None is heard within the tests' patience.
    pub async fn wait_until_subscribed(&mut self, publishers: &str) {
        let publisher = Publisher::connect(&[parse(publishers)], SocketOptions::default());
        let mut payload = Vec::new();
        let sounding = Publication {
            topic: self.first_topic.clone(),
            body: PublicationBody::Channel { user: user("sounding") },
            message: "do you hear me?".to_owned(),
            timestamp: Timestamp::now(),
            clock: None,
            id: None,
            seq: None,
            epoch: None,
            time_ms: None,
            kind: None,
            manner: Manner::default(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        };
        sounding.encode_payload(&mut payload);
        let message = Message::new(vec![self.first_topic.clone().into(), payload.into()]);
        let hearing = async {
            loop {
                publisher.try_send(&message);
                if self.next_within(SOUNDING_WAIT).await.is_some() {
                    return;
                }
            }
        };
        timeout(PATIENCE, hearing).await.expect("a subscription comes into force");
    }
}

/// What the server stored.
///
/// # Panics
/// The reply says something else.
pub fn stored(reply: ReplyBody) -> Stored {
    match reply {
        ReplyBody::Stored { id: Some(id), seq: Some(seq), .. } => Stored { id, seq },
        other => panic!("not stored: {other:?}"),
    }
}

/// A user's name.
///
/// # Panics
/// It is none.
pub fn user(name: &str) -> UserName {
    UserName::parse(name).expect("tests use good names")
}

/// A channel's name.
///
/// # Panics
/// It is none.
pub fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).expect("tests use good names")
}

pub(crate) fn parse(endpoint: &str) -> Endpoint {
    endpoint.parse().unwrap_or_else(|error| panic!("{endpoint}: {error}"))
}
