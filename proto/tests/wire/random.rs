//! Messages made of a seed, for round trips and for mutations.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use recado_proto::{
    Act, ActDone, ActIn, ActKind, AdminAct, AdminKind, AuditEntry, ChannelName, Code, Device, DeviceKey,
    DeviceLabel, Epoch, Found, Here, HistoryOf, HistoryPage, HistoryRequest, JoinCode, KeyEntry, Manner,
    MarkPublication, Members, MessageId, Password, Place, Presence, Publication, PublicationBody, Range,
    ReadMark, ReadOf, Ref, Registration, Reply, ReplyBody, Request, RequestBody, Role, SearchIn, SearchPage,
    SearchRequest, Service, ServiceName, Style, SyncTopic, SystemPublication, SystemTopic, Timestamp,
    TopicName, TypingIn, UserName,
};

/// A source of messages. The same seed gives the same ones.
pub(crate) struct Messages(StdRng);

impl Messages {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub(crate) fn request(&mut self) -> Request {
        let body = match self.0.random_range(0..19) {
            0 => RequestBody::Login { user: self.user(), password: self.maybe(Self::password) },
            1 => RequestBody::Users,
            2 => RequestBody::Channel {
                channel: self.channel(),
                id: self.maybe(Self::id),
                user: self.maybe(Self::user),
                private: self.0.random(),
            },
            3 => RequestBody::Channels,
            4 => RequestBody::Publish {
                user: self.user(),
                channel: self.channel(),
                message: self.text(300),
                id: self.maybe(Self::id),
                manner: self.manner(),
            },
            5 => RequestBody::Message {
                src: self.user(),
                dst: self.user(),
                message: self.text(2_000),
                id: self.maybe(Self::id),
                manner: self.manner(),
            },
            6 => {
                let mut topics = self.some(40, Self::topic);
                topics.push(self.topic());
                RequestBody::Sync { user: self.maybe(Self::user), topic: self.sync_topic(), topics }
            }
            7 => self.act(),
            8 => RequestBody::Mark { user: self.user(), mark: self.mark() },
            9 => RequestBody::Marks { user: self.user() },
            10 => RequestBody::Search(self.search()),
            11 => RequestBody::Here {
                user: self.user(),
                state: self.presence(),
                device: self.maybe(|messages| Device::from_random(messages.0.random())),
                typing: self.maybe(Self::typing_in),
            },
            12 => RequestBody::Who,
            13 => RequestBody::Join {
                code: self.maybe(Self::code),
                user: self.maybe(Self::user),
                device: self.maybe(Self::label),
            },
            14 => RequestBody::Admin { user: self.maybe(Self::user), act: self.admin() },
            15 => RequestBody::Keys { of: self.maybe(Self::user) },
            16 => RequestBody::Members { channel: self.channel() },
            17 => RequestBody::Audit { after: self.number(), limit: self.0.random_range(0..=1000) },
            _ => RequestBody::History(self.history()),
        };
        Request {
            body,
            timestamp: self.maybe(Self::timestamp),
            clock: self.maybe(Self::counter),
            reference: self.maybe(Self::reference),
        }
    }

    pub(crate) fn reply(&mut self) -> Reply {
        let (service, body) = match self.0.random_range(0..18) {
            0 => (Service::Login, ReplyBody::Accepted),
            11 => (Service::Login, ReplyBody::LoggedIn { user: self.user(), role: self.role() }),
            12 => (Service::Join, ReplyBody::Joined { user: self.user(), role: self.role() }),
            13 => (Service::Admin, ReplyBody::Code(self.code())),
            14 => (Service::Keys, ReplyBody::Keys(self.some(20, Self::key_entry))),
            15 => {
                let (members, private) = (self.some(20, Self::user), self.0.random());
                let owner = self.maybe(Self::user);
                (Service::Members, ReplyBody::Members(Members { members, private, owner }))
            }
            16 => (Service::Audit, ReplyBody::Audit(self.some(20, Self::audit_entry))),
            1 => (Service::Users, ReplyBody::Users(self.some(40, Self::user))),
            2 => (Service::Channels, ReplyBody::Channels(self.some(40, Self::channel))),
            3 => {
                let (id, seq, epoch) =
                    (self.maybe(Self::id), self.maybe(Self::number), self.maybe(Self::epoch));
                (Service::Publish, ReplyBody::Stored { id, seq, epoch })
            }
            4 => {
                let page = HistoryPage {
                    messages: self.some(20, Self::publication_in_history),
                    first_seq: self.maybe(Self::number),
                    last_seq: self.maybe(Self::number),
                    epoch: self.maybe(Self::epoch),
                    topic: self.maybe(Self::act_done),
                };
                (Service::History, ReplyBody::History(page))
            }
            5 => (Service::Sync, ReplyBody::Synced),
            6 => (Service::Mark, ReplyBody::Accepted),
            8 => (Service::Search, ReplyBody::Found(self.page_found())),
            7 => (Service::Marks, ReplyBody::Marks(self.some(20, Self::mark))),
            9 => (Service::Who, ReplyBody::Here(self.some(20, Self::here))),
            10 => {
                let retry_after = Duration::from_millis(self.0.random_range(0..1 << 40));
                (Service::Message, ReplyBody::Later { description: self.text(100), retry_after })
            }
            _ => {
                let service = *Service::ALL.choose(&mut self.0).unwrap();
                let code = Code::ALL.choose(&mut self.0).unwrap().clone();
                (service, ReplyBody::Refused { code, description: self.text(100) })
            }
        };
        let service = match body {
            ReplyBody::Refused { .. } if self.0.random() => ServiceName::Other(self.text(20)),
            _ => service.into(),
        };
        Reply {
            service,
            body,
            timestamp: self.timestamp(),
            clock: self.maybe(Self::counter),
            reference: self.maybe(Self::reference),
        }
    }

    pub(crate) fn publication(&mut self) -> Publication {
        let body = if self.0.random() {
            PublicationBody::Channel { user: self.user() }
        } else {
            PublicationBody::Direct { from: self.user() }
        };
        Publication {
            topic: self.name(),
            body,
            message: self.text(300),
            timestamp: self.timestamp(),
            clock: self.maybe(Self::counter),
            id: self.maybe(Self::id),
            seq: self.maybe(Self::number),
            epoch: self.maybe(Self::epoch),
            time_ms: self.maybe(Self::number),
            kind: self.maybe(Self::act_kind),
            manner: self.manner(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }
    }

    /// With what only the server can say of it.
    fn publication_in_history(&mut self) -> Publication {
        let (edited, deleted) = (self.0.random(), self.0.random());
        Publication { edited, deleted, acts: self.some(5, Self::act_done), ..self.publication() }
    }

    fn act_done(&mut self) -> ActDone {
        ActDone {
            kind: self.act_kind(),
            user: self.user(),
            message: self.text(20),
            id: self.id(),
            seq: self.number(),
            time_ms: self.number(),
        }
    }

    pub(crate) fn mark_publication(&mut self) -> MarkPublication {
        MarkPublication {
            user: self.user(),
            mark: self.mark(),
            timestamp: self.timestamp(),
            clock: self.maybe(Self::counter),
        }
    }

    fn search(&mut self) -> SearchRequest {
        let within = match self.0.random_range(0..3) {
            0 => None,
            1 => Some(SearchIn::Channel(self.channel())),
            _ => Some(SearchIn::With(self.user())),
        };
        SearchRequest {
            user: self.user(),
            words: self.text(100),
            from: self.maybe(Self::user),
            within,
            after: self.maybe(Self::timestamp),
            before: self.maybe(Self::timestamp),
            limit: self.0.random_range(0..=100),
        }
    }

    fn page_found(&mut self) -> SearchPage {
        let found = |messages: &mut Self| {
            let message = Publication { kind: None, ..messages.publication() };
            Found { message, snippet: messages.text(100) }
        };
        SearchPage {
            found: self.some(20, found),
            epoch: self.maybe(Self::epoch),
            partial: self.0.random(),
            behind: self.number(),
        }
    }

    fn manner(&mut self) -> Manner {
        let style = self.0.random::<bool>().then_some(Style::Me);
        Manner { target: self.maybe(Self::id), style }
    }

    fn act_kind(&mut self) -> ActKind {
        *ActKind::ALL.choose(&mut self.0).unwrap()
    }

    fn act(&mut self) -> RequestBody {
        let (target, emoji) = (self.id(), self.name().chars().take(8).collect());
        let act = match self.act_kind() {
            ActKind::Edit => Act::Edit { target, text: self.text(300) },
            ActKind::Delete => Act::Delete { target },
            ActKind::React => Act::React { target, emoji },
            ActKind::Unreact => Act::Unreact { target, emoji },
            ActKind::Topic => Act::Topic { text: self.text(100) },
        };
        let within = match act {
            Act::Topic { .. } => ActIn::Channel(self.channel()),
            _ if self.0.random() => ActIn::Channel(self.channel()),
            _ => ActIn::With(self.user()),
        };
        RequestBody::Act { user: self.user(), within, act, id: self.maybe(Self::id) }
    }

    fn admin(&mut self) -> AdminAct {
        let (of, channel) = (self.user(), self.channel());
        let seconds = self.maybe(|messages| messages.number().max(1));
        match AdminKind::ALL.choose(&mut self.0).unwrap() {
            AdminKind::Invite => {
                AdminAct::Invite { of: self.maybe(Self::user), role: self.role(), seconds, code: () }
            }
            AdminKind::Device => AdminAct::Device { of: self.maybe(Self::user), seconds, code: () },
            AdminKind::AddKey => AdminAct::AddKey { of, key: self.key(), device: self.maybe(Self::label) },
            AdminKind::RevokeKey => AdminAct::RevokeKey { key: self.key() },
            AdminKind::Role => AdminAct::Role { of, role: self.role() },
            AdminKind::Ban => AdminAct::Ban { of },
            AdminKind::Unban => AdminAct::Unban { of },
            AdminKind::Mute => AdminAct::Mute { of, channel: self.maybe(Self::channel), seconds },
            AdminKind::Unmute => AdminAct::Unmute { of, channel: self.maybe(Self::channel) },
            AdminKind::Private => AdminAct::Private { channel },
            AdminKind::Public => AdminAct::Public { channel },
            AdminKind::Add => AdminAct::Add { channel, of },
            AdminKind::Remove => AdminAct::Remove { channel, of },
            AdminKind::Registration => {
                AdminAct::Registration(*Registration::ALL.choose(&mut self.0).unwrap())
            }
            AdminKind::Password => AdminAct::Password(self.password()),
        }
    }

    fn key_entry(&mut self) -> KeyEntry {
        KeyEntry {
            key: self.key(),
            user: self.user(),
            device: self.maybe(Self::label),
            since_ms: self.number(),
            expires_ms: self.maybe(Self::number),
        }
    }

    fn audit_entry(&mut self) -> AuditEntry {
        AuditEntry {
            n: self.number(),
            time_ms: self.number(),
            by: self.maybe(Self::user),
            act: self.text(20),
            of: self.maybe(Self::user),
            channel: self.maybe(Self::channel),
            key: self.maybe(Self::key),
            detail: self.maybe(|messages| messages.text(50)),
        }
    }

    fn key(&mut self) -> DeviceKey {
        DeviceKey::from_bytes(self.0.random())
    }

    fn code(&mut self) -> JoinCode {
        JoinCode::from_random(self.0.random())
    }

    fn role(&mut self) -> Role {
        *Role::ALL.choose(&mut self.0).unwrap()
    }

    fn label(&mut self) -> DeviceLabel {
        DeviceLabel::parse(&self.name()).unwrap()
    }

    fn password(&mut self) -> Password {
        Password::parse(&format!("{}-secret", self.name())).unwrap()
    }

    pub(crate) fn system_publication(&mut self) -> SystemPublication {
        let (topic, heads) = if self.0.random() {
            let heads = self.some(40, |messages| (messages.topic(), messages.number()));
            (SystemTopic::Sync(self.sync_topic()), heads)
        } else {
            let name = self.topic();
            (SystemTopic::Heads(name.clone()), vec![(name, self.number())])
        };
        SystemPublication {
            topic,
            heads,
            epoch: self.epoch(),
            timestamp: self.timestamp(),
            clock: self.maybe(Self::counter),
        }
    }

    /// The same bytes with a few of them changed, removed, repeated or exchanged.
    pub(crate) fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..self.0.random_range(1..4) {
            let at = self.0.random_range(0..=bytes.len());
            let to = self.0.random_range(at..=bytes.len());
            match self.0.random_range(0..4) {
                0 => bytes.insert(at, self.0.random()),
                1 => drop(bytes.drain(at..to)),
                2 => {
                    let again = bytes[at..to].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = self.0.random();
                    }
                }
            }
        }
        bytes
    }

    /// Bytes of which many are beginnings of MessagePack values.
    pub(crate) fn noise(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.0.random_range(0..200)];
        self.0.fill_bytes(&mut bytes);
        for byte in &mut bytes {
            if self.0.random() {
                *byte = self.0.random_range(0x80..=0xdf);
            }
        }
        bytes
    }

    fn presence(&mut self) -> Presence {
        *Presence::ALL.choose(&mut self.0).unwrap()
    }

    fn here(&mut self) -> Here {
        Here { user: self.user(), state: self.presence() }
    }

    fn typing_in(&mut self) -> TypingIn {
        if self.0.random() { TypingIn::Channel(self.channel()) } else { TypingIn::With(self.user()) }
    }

    fn mark(&mut self) -> ReadMark {
        let of = if self.0.random() { ReadOf::Channel(self.channel()) } else { ReadOf::With(self.user()) };
        ReadMark { of, seq: self.number(), epoch: self.epoch() }
    }

    fn history(&mut self) -> HistoryRequest {
        let of = match self.0.random_range(0..3) {
            0 => HistoryOf::Channel(self.channel()),
            1 => HistoryOf::With(self.user()),
            _ => HistoryOf::Received,
        };
        let mut place = || match of {
            HistoryOf::With(_) => Place::Id(self.id()),
            _ if self.0.random() => Place::Id(self.id()),
            _ => Place::Seq(self.number()),
        };
        let (first, last) = (place(), place());
        let range = match self.0.random_range(0..5) {
            0 => Range::Latest,
            1 => Range::Before(first),
            2 => Range::After(first),
            3 => Range::Around(first),
            _ => Range::Between(first, last),
        };
        HistoryRequest {
            user: self.user(),
            of,
            range,
            limit: self.0.random_range(0..=1000),
            acts: self.0.random(),
        }
    }

    fn name(&mut self) -> String {
        let letters = ['a', 'B', '7', '-', 'é', '日', '🦀'];
        (0..self.0.random_range(1..=16)).map(|_| *letters.choose(&mut self.0).unwrap()).collect()
    }

    fn user(&mut self) -> UserName {
        UserName::parse(&self.name()).unwrap()
    }

    fn channel(&mut self) -> ChannelName {
        ChannelName::parse(&self.name()).unwrap()
    }

    fn topic(&mut self) -> TopicName {
        TopicName::parse(&self.name()).unwrap()
    }

    fn sync_topic(&mut self) -> SyncTopic {
        SyncTopic::from_random(self.0.random())
    }

    fn text(&mut self, characters_max: usize) -> String {
        let count = self.0.random_range(0..=characters_max);
        (0..count).map(|_| self.0.random::<char>()).collect()
    }

    fn id(&mut self) -> MessageId {
        MessageId::from_bytes(self.0.random())
    }

    fn timestamp(&mut self) -> Timestamp {
        Timestamp::from_seconds(self.0.random_range(-99_999_999_999..=99_999_999_999))
    }

    fn counter(&mut self) -> u64 {
        self.number() >> 11
    }

    /// Small ones as often as large ones.
    fn number(&mut self) -> u64 {
        self.0.random::<u64>() >> self.0.random_range(0..64)
    }

    fn epoch(&mut self) -> Epoch {
        Epoch::from_random(self.0.random())
    }

    fn reference(&mut self) -> Ref {
        Ref::from_number(self.number())
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.0.random::<bool>().then(|| make(self))
    }

    fn some<T>(&mut self, max: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.0.random_range(0..max)).map(|_| make(self)).collect()
    }
}
