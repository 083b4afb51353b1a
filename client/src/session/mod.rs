//! A session with the chat: requests to a server, publications from a broker, both through connections that come back by
//! themselves. It knows nothing of terminals.

mod config;
mod driver;
mod error;
mod event;
mod heard;
mod links;
mod membership;
mod requests;
mod servers;
mod suspicion;

use std::sync::{Arc, Mutex, PoisonError};

use recado_proto::{
    Act, ActIn, ChannelName, Code, Device, Here, HistoryOf, HistoryPage, HistoryRequest, Manner, MessageId,
    Presence, Range, ReadMark, ReplyBody, RequestBody, SearchPage, SearchRequest, TypingIn, UserName,
    limits as wire_limits,
};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::Security;
use tokio::sync::{mpsc, oneshot};

use crate::limits;
use crate::receiver::{Start, Topic};

use self::driver::{Call, Driver};

pub(crate) use links::{half_sentence, is_key_refused};
pub(crate) use membership::device_key;

pub use config::SessionConfig;
pub(crate) use config::request_options;
pub use error::{ConnectError, RequestError, SendOutcome};
pub use event::SessionEvent;
pub use heard::Hearing;
pub use requests::{ConnectionId, GivenUp, Patience, Requests, Sending};

/// A handle on one session; clones speak for the same user over the same connections. The session ends when
/// [`Session::close`] is called or the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Session {
    calls: mpsc::Sender<Call>,
    user: SharedUser,
    reach: Arc<Reach>,
}

/// Where others reach what this session is with.
#[derive(Debug)]
struct Reach {
    server: Endpoint,
    broker: Option<Endpoint>,
    security: Security,
}

/// The events of one session, in order; the queue is bounded, see [`limits::EVENTS_MAX`].
#[derive(Debug)]
pub struct SessionEvents {
    events: mpsc::Receiver<SessionEvent>,
}

pub(crate) type SharedUser = Arc<Mutex<Option<UserName>>>;

impl Session {
    /// Begins a session in the background of the current tokio runtime; it connects when it can, and again whenever it
    /// must. Requests wait for the connection as long as they are patient. Dropping the events is allowed.
    pub fn connect(config: SessionConfig) -> Result<(Self, SessionEvents), ConnectError> {
        if config.servers.is_empty() {
            return Err(ConnectError::NoServer);
        }
        let (calls, call_receiver) = mpsc::channel(limits::CALLS_MAX);
        let (event_sender, events) = mpsc::channel(config.events_max.max(1));
        let user: SharedUser = Arc::new(Mutex::new(config.user.clone()));
        let reach = Arc::new(Reach {
            server: config.servers[0].clone(),
            broker: config.brokers.first().cloned(),
            security: config.security.clone(),
        });
        let driver = Driver::new(config, Arc::clone(&user), call_receiver, event_sender);
        // One task owns the sockets and all state, so that nothing needs a lock; it ends with the last handle.
        tokio::spawn(driver.run());
        Ok((Self { calls, user, reach }, SessionEvents { events }))
    }

    /// Who speaks, once it is known.
    pub fn user(&self) -> Option<UserName> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs in, then follows what is sent to this user directly. A user that exists already is simply back.
    pub async fn login(&self, user: &UserName) -> Result<(), RequestError> {
        self.login_with_backlog(user, 0).await
    }

    /// As [`Session::login`], the last `backlog` direct messages to this user first.
    pub async fn login_with_backlog(&self, user: &UserName, backlog: u32) -> Result<(), RequestError> {
        self.login_from(user, Start::Latest(backlog)).await
    }

    /// As [`Session::login`], the direct messages to this user that `start` names first.
    pub async fn login_from(&self, user: &UserName, start: Start) -> Result<(), RequestError> {
        self.log_in(user).await?;
        let before = self.user.lock().unwrap_or_else(PoisonError::into_inner).replace(user.clone());
        if let Some(before) = before.filter(|before| before != user) {
            self.unfollow(Topic::Direct(before)).await?;
        }
        self.follow(Topic::Direct(user.clone()), start).await
    }

    /// Logs in without following what is sent to this user directly: for who only sends, or reads what was said before.
    pub async fn introduce(&self, user: &UserName) -> Result<(), RequestError> {
        self.log_in(user).await?;
        self.user.lock().unwrap_or_else(PoisonError::into_inner).replace(user.clone());
        Ok(())
    }

    /// Logs another user in beside the one who speaks, and follows what is sent to it directly: many simulated users can share one session.
    pub async fn login_beside(&self, user: &UserName) -> Result<(), RequestError> {
        self.log_in(user).await?;
        self.follow(Topic::Direct(user.clone()), Start::Latest(0)).await
    }

    /// All users, in the server's order.
    pub async fn users(&self) -> Result<Vec<UserName>, RequestError> {
        match self.request(RequestBody::Users).await? {
            ReplyBody::Users(users) => Ok(users),
            other => Err(misfit(&other)),
        }
    }

    /// All channels, in the server's order.
    pub async fn channels(&self) -> Result<Vec<ChannelName>, RequestError> {
        match self.request(RequestBody::Channels).await? {
            ReplyBody::Channels(channels) => Ok(channels),
            other => Err(misfit(&other)),
        }
    }

    /// Creates a channel; refused with [`Code::NameTaken`] if it exists, but not because an earlier attempt of this very call did
    /// create it and its answer was lost.
    pub async fn create_channel(&self, channel: &ChannelName) -> Result<(), RequestError> {
        self.create_channel_as(channel, false).await
    }

    /// As [`Session::create_channel`], a private one if that is wanted, which only secured systems have.
    pub async fn create_channel_as(&self, channel: &ChannelName, private: bool) -> Result<(), RequestError> {
        let id = Some(MessageId::new_v7());
        self.accepted(RequestBody::Channel { channel: channel.clone(), id, user: None, private }).await
    }

    /// Sends a message to a channel under a new `id`, again under the same one while no answer comes.
    pub async fn publish(&self, channel: &ChannelName, text: impl Into<String>) -> SendOutcome {
        self.publish_with_id(channel, text, MessageId::new_v7()).await
    }

    /// As [`Session::publish`], under an `id` that may have been used for the same message before.
    pub async fn publish_with_id(
        &self,
        channel: &ChannelName,
        text: impl Into<String>,
        id: MessageId,
    ) -> SendOutcome {
        self.publish_in_manner(channel, text, id, Manner::default()).await
    }

    /// As [`Session::publish_with_id`], in the name of another user: many senders can share one session's connections.
    pub async fn publish_as(
        &self,
        user: &UserName,
        channel: &ChannelName,
        text: impl Into<String>,
        id: MessageId,
    ) -> SendOutcome {
        let message = text.into();
        let body = RequestBody::Publish {
            user: user.clone(),
            channel: channel.clone(),
            message,
            id: Some(id),
            manner: Manner::default(),
        };
        self.send(id, body).await
    }

    /// As [`Session::publish_with_id`], for a message that says more of itself than its text: what it replies to, or its style.
    pub async fn publish_in_manner(
        &self,
        channel: &ChannelName,
        text: impl Into<String>,
        id: MessageId,
        manner: Manner,
    ) -> SendOutcome {
        let Some(user) = self.user() else {
            return SendOutcome::Failed { id, error: RequestError::NotLoggedIn };
        };
        let (channel, message) = (channel.clone(), text.into());
        self.send(id, RequestBody::Publish { user, channel, message, id: Some(id), manner }).await
    }

    /// Sends a message to a user under a new `id`, again under the same one while no answer comes.
    pub async fn message(&self, to: &UserName, text: impl Into<String>) -> SendOutcome {
        self.message_with_id(to, text, MessageId::new_v7()).await
    }

    /// As [`Session::message`], under an `id` that may have been used for the same message before.
    pub async fn message_with_id(
        &self,
        to: &UserName,
        text: impl Into<String>,
        id: MessageId,
    ) -> SendOutcome {
        self.message_in_manner(to, text, id, Manner::default()).await
    }

    /// As [`Session::message_with_id`], in the name of another user.
    pub async fn message_as(
        &self,
        from: &UserName,
        to: &UserName,
        text: impl Into<String>,
        id: MessageId,
    ) -> SendOutcome {
        let message = text.into();
        let body = RequestBody::Message {
            src: from.clone(),
            dst: to.clone(),
            message,
            id: Some(id),
            manner: Manner::default(),
        };
        self.send(id, body).await
    }

    /// As [`Session::message_with_id`], for a message that says more of itself than its text: what it replies to, or its style.
    pub async fn message_in_manner(
        &self,
        to: &UserName,
        text: impl Into<String>,
        id: MessageId,
        manner: Manner,
    ) -> SendOutcome {
        let Some(src) = self.user() else {
            return SendOutcome::Failed { id, error: RequestError::NotLoggedIn };
        };
        let (dst, message) = (to.clone(), text.into());
        self.send(id, RequestBody::Message { src, dst, message, id: Some(id), manner }).await
    }

    /// Does something to a message, or to a channel, under a new `id`, again under the same one while no answer comes.
    pub async fn act(&self, within: ActIn, act: Act) -> SendOutcome {
        self.act_with_id(within, act, MessageId::new_v7()).await
    }

    /// As [`Session::act`], under an `id` that may have been used for the same act before.
    pub async fn act_with_id(&self, within: ActIn, act: Act, id: MessageId) -> SendOutcome {
        let Some(user) = self.user() else {
            return SendOutcome::Failed { id, error: RequestError::NotLoggedIn };
        };
        self.send(id, RequestBody::Act { user, within, act, id: Some(id) }).await
    }

    /// A part of what was sent before, oldest first; acts are counted and given as well, and each message has those on it.
    pub async fn history_with_acts(
        &self,
        of: HistoryOf,
        range: Range,
        limit: u32,
    ) -> Result<HistoryPage, RequestError> {
        let user = self.user().ok_or(RequestError::NotLoggedIn)?;
        self.page(HistoryRequest { user, of, range, limit, acts: true }).await
    }

    /// A part of what was sent before, oldest first, with the texts as they are by now.
    pub async fn history(
        &self,
        of: HistoryOf,
        range: Range,
        limit: u32,
    ) -> Result<HistoryPage, RequestError> {
        let user = self.user().ok_or(RequestError::NotLoggedIn)?;
        self.history_as(&user, of, range, limit).await
    }

    /// As [`Session::history`], asked by another user.
    pub async fn history_as(
        &self,
        user: &UserName,
        of: HistoryOf,
        range: Range,
        limit: u32,
    ) -> Result<HistoryPage, RequestError> {
        self.page(HistoryRequest { user: user.clone(), of, range, limit, acts: false }).await
    }

    async fn page(&self, request: HistoryRequest) -> Result<HistoryPage, RequestError> {
        match self.request(RequestBody::History(request)).await? {
            ReplyBody::History(page) => Ok(page),
            other => Err(misfit(&other)),
        }
    }

    /// Messages with these words, best first: in channels, and in conversations of the user who asks.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchPage, RequestError> {
        match self.request(RequestBody::Search(request)).await? {
            ReplyBody::Found(page) => Ok(page),
            other => Err(misfit(&other)),
        }
    }

    /// Has the server remember how far `user` has read, for all devices of this user and nobody else. It is durable once this
    /// returns. A mark never goes back within an epoch; one of another epoch is refused with [`Code::BadPlace`].
    pub async fn mark(&self, user: &UserName, mark: ReadMark) -> Result<(), RequestError> {
        self.accepted(RequestBody::Mark { user: user.clone(), mark }).await
    }

    /// How far `user` has read, on whichever device.
    pub async fn marks(&self, user: &UserName) -> Result<Vec<ReadMark>, RequestError> {
        match self.request(RequestBody::Marks { user: user.clone() }).await? {
            ReplyBody::Marks(marks) => Ok(marks),
            other => Err(misfit(&other)),
        }
    }

    /// Tells of each of `user`'s read marks that moves from now on with [`SessionEvent::Marked`]. What is missed on its way is not
    /// repaired: ask [`Session::marks`] after this, and again after [`SessionEvent::BrokerBack`]. Fails with
    /// [`RequestError::TooManyTopics`] if [`limits::HEARINGS_MAX`] things are told already.
    pub async fn hear_marks(&self, user: &UserName) -> Result<(), RequestError> {
        self.hear(Hearing::Marks(user.clone())).await
    }

    /// Tells of something from now on, as [`Hearing`] says; none of it is repaired or promised. Fails with
    /// [`RequestError::TooManyTopics`] if [`limits::HEARINGS_MAX`] things are heard already.
    pub async fn hear(&self, hearing: Hearing) -> Result<(), RequestError> {
        let (reply, taken) = oneshot::channel();
        self.calls.send(Call::Hear { hearing, reply }).await.map_err(|_| RequestError::Closed)?;
        taken.await.map_err(|_| RequestError::Closed)?
    }

    /// Tells of it no longer.
    pub async fn ignore(&self, hearing: Hearing) -> Result<(), RequestError> {
        self.calls.send(Call::Ignore { hearing }).await.map_err(|_| RequestError::Closed)
    }

    /// Says how much `user` is here on a device, and where the user is typing just now. It is believed for a little more than a minute.
    pub async fn here(
        &self,
        user: &UserName,
        device: &Device,
        state: Presence,
        typing: Option<TypingIn>,
    ) -> Result<(), RequestError> {
        let (user, device) = (user.clone(), Some(device.clone()));
        self.accepted(RequestBody::Here { user, state, device, typing }).await
    }

    /// Who is online or away, by name. To hear of changes, [`Session::hear`] of [`Hearing::Here`] first, and ask again after
    /// [`SessionEvent::BrokerBack`] and [`SessionEvent::ServerBack`].
    pub async fn who(&self) -> Result<Vec<Here>, RequestError> {
        match self.request(RequestBody::Who).await? {
            ReplyBody::Here(here) => Ok(here),
            other => Err(misfit(&other)),
        }
    }

    /// Tells of `user`'s read marks no longer.
    pub async fn ignore_marks(&self, user: &UserName) -> Result<(), RequestError> {
        self.ignore(Hearing::Marks(user.clone())).await
    }

    /// Follows a channel from now on, its last `backlog` messages first. Returns once it is joined. What is lost on
    /// its way later is fetched from history, unless repair is switched off. Refused with [`Code::NoSuchChannel`] if there is none.
    pub async fn subscribe_channel(&self, channel: &ChannelName, backlog: u32) -> Result<(), RequestError> {
        self.subscribe_channel_from(channel, Start::Latest(backlog)).await
    }

    /// As [`Session::subscribe_channel`], beginning where `start` says.
    pub async fn subscribe_channel_from(
        &self,
        channel: &ChannelName,
        start: Start,
    ) -> Result<(), RequestError> {
        self.follow(Topic::Channel(channel.clone()), start).await
    }

    /// Stops following a channel. Nothing happens if it was not followed.
    pub async fn unsubscribe(&self, channel: &ChannelName) -> Result<(), RequestError> {
        self.unfollow(Topic::Channel(channel.clone())).await
    }

    /// Stops following a channel, and says where to go on later with [`Session::subscribe_channel_from`], so that nothing is missed meanwhile. Without a
    /// place to go on from (it is not joined, or nothing is repaired) it stays as it is.
    pub async fn leave_channel(&self, channel: &ChannelName) -> Result<Option<Start>, RequestError> {
        let (reply, left) = oneshot::channel();
        let topic = Topic::Channel(channel.clone());
        self.calls.send(Call::Leave { topic, reply }).await.map_err(|_| RequestError::Closed)?;
        let place = left.await.map_err(|_| RequestError::Closed)?;
        Ok(place.map(|(epoch, seq)| Start::After { epoch, seq }))
    }

    /// Ends the session for all handles. What is under way is answered with [`RequestError::Closed`].
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        if self.calls.send(Call::Close { done }).await.is_ok() {
            // An error here means that the session ended meanwhile, which is what was asked for.
            let _ = closed.await;
        }
    }

    async fn follow(&self, topic: Topic, start: Start) -> Result<(), RequestError> {
        let (reply, joined) = oneshot::channel();
        self.calls.send(Call::Follow { topic, start, reply }).await.map_err(|_| RequestError::Closed)?;
        joined.await.map_err(|_| RequestError::Closed)?
    }

    async fn unfollow(&self, topic: Topic) -> Result<(), RequestError> {
        self.calls.send(Call::Unfollow { topic }).await.map_err(|_| RequestError::Closed)
    }

    async fn request(&self, body: RequestBody) -> Result<ReplyBody, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(Call::Request { body, reply }).await.map_err(|_| RequestError::Closed)?;
        answer.await.map_err(|_| RequestError::Closed)?
    }

    async fn log_in(&self, user: &UserName) -> Result<(), RequestError> {
        match self.request(RequestBody::Login { user: user.clone(), password: None }).await? {
            // A secured server says who it was that logged in, and refuses anybody else's name.
            ReplyBody::Accepted | ReplyBody::LoggedIn { .. } | ReplyBody::Joined { .. } => Ok(()),
            other => Err(misfit(&other)),
        }
    }

    async fn accepted(&self, body: RequestBody) -> Result<(), RequestError> {
        match self.request(body).await? {
            ReplyBody::Accepted => Ok(()),
            other => Err(misfit(&other)),
        }
    }

    async fn send(&self, id: MessageId, body: RequestBody) -> SendOutcome {
        if let RequestBody::Publish { message, .. }
        | RequestBody::Message { message, .. }
        | RequestBody::Act { act: Act::Edit { text: message, .. }, .. } = &body
            && message.len() > wire_limits::MESSAGE_BYTES_MAX
        {
            let description = format!(
                "a message has at most {} bytes, this one has {}",
                wire_limits::MESSAGE_BYTES_MAX,
                message.len()
            );
            return SendOutcome::Refused { id, code: Code::TooLarge, description };
        }
        match self.request(body).await {
            Ok(ReplyBody::Stored { seq, epoch, .. }) => SendOutcome::Acknowledged { id, seq, epoch },
            Ok(other) => SendOutcome::Failed { id, error: misfit(&other) },
            Err(RequestError::Refused { code, description }) => {
                SendOutcome::Refused { id, code, description }
            }
            Err(RequestError::Unanswered { attempts }) => SendOutcome::Unanswered { id, attempts },
            Err(error) => SendOutcome::Failed { id, error },
        }
    }
}

impl SessionEvents {
    /// The next event, waiting for it; none once the session has ended.
    pub async fn recv(&mut self) -> Option<SessionEvent> {
        self.events.recv().await
    }
}

fn misfit(body: &ReplyBody) -> RequestError {
    let kind = match body {
        ReplyBody::Accepted => "a mere acceptance",
        ReplyBody::Users(_) => "a list of users",
        ReplyBody::Channels(_) => "a list of channels",
        ReplyBody::Stored { .. } => "a message's place",
        ReplyBody::History(_) => "a page of history",
        ReplyBody::Found(_) => "a list of what was found",
        ReplyBody::Marks(_) => "a list of read marks",
        ReplyBody::Here(_) => "a list of who is here",
        ReplyBody::Refused { .. } | ReplyBody::Later { .. } => "a refusal",
        ReplyBody::Synced => "an answer to `sync`",
        ReplyBody::LoggedIn { .. } => "a login",
        ReplyBody::Joined { .. } => "an answer to `join`",
        ReplyBody::Code(_) => "a code to join with",
        ReplyBody::Keys(_) => "a list of keys",
        ReplyBody::Members(_) => "a list of members",
        ReplyBody::Audit(_) => "a list of what was done",
    };
    RequestError::Malformed { reason: format!("it is {kind}") }
}
