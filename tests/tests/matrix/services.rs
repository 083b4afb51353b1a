//! The rows about services and administrative acts.

use recado_proto::{
    Act, ActIn, AdminAct, Device, DeviceKey, HistoryOf, HistoryRequest, JoinCode, Manner, MessageId,
    Password, Presence, Range, ReadMark, ReadOf, Registration, ReplyBody, RequestBody, Role, SearchRequest,
    SyncTopic, SystemPublication, Timestamp, TypingIn, UserName,
};
use recado_tests::chat::user;
use recado_zmtp::curve::KeyPair;

use crate::world::{Caller, INSIDE, Kind, OUTSIDE, PUBLIC, World, word};

pub(crate) async fn rows(world: &mut World, caller: &mut Caller) -> Vec<(String, &'static str)> {
    let mut trials = Trials { world, caller, rows: Vec::new() };
    trials.names().await;
    trials.messages().await;
    trials.reading().await;
    trials.keys().await;
    trials.administration().await;
    trials.joining().await;
    trials.rows
}

struct Trials<'a> {
    world: &'a mut World,
    caller: &'a mut Caller,
    rows: Vec<(String, &'static str)>,
}

impl Trials<'_> {
    fn says(&mut self, what: &str, is_done: bool) {
        self.rows.push((what.to_owned(), if is_done { "yes" } else { "no" }));
    }

    /// Whether the caller is let do all of these; they must not be answered some one way and some the other.
    async fn all(&mut self, what: &str, bodies: Vec<RequestBody>) {
        let mut done = Vec::new();
        for body in bodies {
            let reply = self.caller.requests.ask(body.clone()).await;
            done.push((!matches!(reply, ReplyBody::Refused { .. } | ReplyBody::Later { .. }), body, reply));
        }
        let first = done[0].0;
        assert!(done.iter().all(|(is_done, ..)| *is_done == first), "{what}: {done:?}");
        self.says(what, first);
    }

    async fn one(&mut self, what: &str, body: RequestBody) {
        self.all(what, vec![body]).await;
    }

    fn me(&self) -> UserName {
        self.caller.name.clone()
    }

    async fn names(&mut self) {
        let (me, carla) = (self.me(), user("carla"));
        let login = |user| RequestBody::Login { user, password: None };
        self.one("`login` as oneself", login(me.clone())).await;
        self.one("`login` as another user", login(carla.clone())).await;
        let here =
            |user| RequestBody::Here { user, state: Presence::Online, device: None::<Device>, typing: None };
        let lists = vec![RequestBody::Users, RequestBody::Channels, RequestBody::Who, here(me.clone())];
        self.all("`users`, `channels`, `who`, `here`", lists).await;
        self.one("`here` as another user", here(carla)).await;
        let typing = Some(TypingIn::Channel(word(OUTSIDE)));
        let body = RequestBody::Here { user: me, state: Presence::Online, device: None, typing };
        self.private("`here`, typing in a private channel, not in it", body).await;
        for (what, private) in [("`channel`, a public one", false), ("`channel`, a private one", true)] {
            let channel = self.world.new_channel();
            self.one(what, RequestBody::Channel { channel, id: None, user: None, private }).await;
        }
    }

    /// A row that has no meaning in an open system, which has no private channels.
    async fn private(&mut self, what: &str, body: RequestBody) {
        if self.caller.kind != Kind::Open {
            self.one(what, body).await;
        }
    }

    /// A row about a channel that the caller is in, which strangers are not.
    async fn inside(&mut self, what: &str, body: RequestBody) {
        if self.caller.kind != Kind::Open && self.caller.kind != Kind::Stranger {
            self.one(what, body).await;
        }
    }

    async fn messages(&mut self) {
        let (me, carla) = (self.me(), user("carla"));
        let publish = |user: &UserName, name: &str| RequestBody::Publish {
            user: user.clone(),
            channel: word(name),
            message: "tried".to_owned(),
            id: Some(MessageId::new_v7()),
            manner: Manner::default(),
        };
        self.one("`publish` to a public channel", publish(&me, PUBLIC)).await;
        self.inside("`publish` to a private channel, in it", publish(&me, INSIDE)).await;
        self.private("`publish` to a private channel, not in it", publish(&me, OUTSIDE)).await;
        self.one("`publish` as another user", publish(&carla, PUBLIC)).await;
        let message = |src: &UserName| RequestBody::Message {
            src: src.clone(),
            dst: user("dora"),
            message: "tried".to_owned(),
            id: Some(MessageId::new_v7()),
            manner: Manner::default(),
        };
        self.one("`message` to a user", message(&me)).await;
        self.one("`message` as another user", message(&carla)).await;

        let mine = publish(&me, PUBLIC);
        let target = match &mine {
            RequestBody::Publish { id, .. } => id.unwrap(),
            other => panic!("{other:?}"),
        };
        self.caller.requests.ask(mine).await;
        let act = |user: &UserName, name: &str, act: Act| RequestBody::Act {
            user: user.clone(),
            within: ActIn::Channel(word(name)),
            act,
            id: Some(MessageId::new_v7()),
        };
        let edit = |target| Act::Edit { target, text: "otherwise".to_owned() };
        self.all(
            "`act` on a message of one's own",
            vec![act(&me, PUBLIC, edit(target)), act(&me, PUBLIC, Act::Delete { target })],
        )
        .await;
        let target = self.world.carlas;
        let others = vec![act(&me, PUBLIC, edit(target)), act(&me, PUBLIC, Act::Delete { target })];
        self.all("`act`, an edit or a deletion of another one's message", others).await;
        let topic = || Act::Topic { text: "matters".to_owned() };
        let react = Act::React { target, emoji: "+".to_owned() };
        let acts = vec![act(&me, PUBLIC, react), act(&me, PUBLIC, topic())];
        self.all("`act`, a reaction or a topic in a public channel", acts).await;
        self.private("`act` in a private channel, not in it", act(&me, OUTSIDE, topic())).await;
        self.one("`act` as another user", act(&carla, PUBLIC, topic())).await;
    }

    async fn reading(&mut self) {
        let (me, carla) = (self.me(), user("carla"));
        let history = |user: &UserName, of| {
            RequestBody::History(HistoryRequest {
                user: user.clone(),
                of,
                range: Range::Latest,
                limit: 10,
                acts: false,
            })
        };
        let of = |name| HistoryOf::Channel(word(name));
        self.one("`history` of a public channel", history(&me, of(PUBLIC))).await;
        self.inside("`history` of a private channel, in it", history(&me, of(INSIDE))).await;
        self.private("`history` of a private channel, not in it", history(&me, of(OUTSIDE))).await;
        let own = vec![history(&me, HistoryOf::Received), history(&me, HistoryOf::With(user("dora")))];
        self.all("`history` of one's own conversations", own).await;
        let others = vec![history(&carla, HistoryOf::Received), history(&carla, of(PUBLIC))];
        self.all("`history` as another user", others).await;

        self.found("`search` finds what is in public channels", "public").await;
        if self.caller.kind != Kind::Open {
            self.found("`search` finds what is in a private channel, not in it", "among few").await;
        }
        self.one("`search` as another user", search(&carla, "public")).await;

        self.head("`sync` tells the head of a public channel", PUBLIC).await;
        if self.caller.kind != Kind::Open {
            self.head("`sync` tells the head of a private channel, not in it", OUTSIDE).await;
        }
        self.head("`sync` tells the head of another user", "dora").await;

        let epoch = match self.world.carla.ask(history(&carla, of(PUBLIC))).await {
            ReplyBody::History(page) => page.epoch.unwrap(),
            other => panic!("{other:?}"),
        };
        let marks = |user: &UserName| {
            let mark = ReadMark { of: ReadOf::Channel(word(PUBLIC)), seq: 1, epoch };
            vec![RequestBody::Mark { user: user.clone(), mark }, RequestBody::Marks { user: user.clone() }]
        };
        self.all("`mark`, `marks` of one's own", marks(&me)).await;
        self.all("`mark`, `marks` as another user", marks(&carla)).await;
    }

    /// The index may be a moment behind: what is to be found is asked for again.
    async fn found(&mut self, what: &str, words: &str) {
        let may_find = words == "public" && self.caller.kind != Kind::Stranger;
        let is_found = loop {
            match self.caller.requests.ask(search(&self.caller.name, words)).await {
                ReplyBody::Found(page) if !page.found.is_empty() => break true,
                ReplyBody::Found(_) if may_find => tokio::task::yield_now().await,
                // Carla finds it by now, so that it is no matter of time.
                ReplyBody::Found(_) if self.carla_finds(words).await => break false,
                ReplyBody::Found(_) => {}
                _ => break false,
            }
        };
        self.says(what, is_found);
    }

    async fn carla_finds(&mut self, words: &str) -> bool {
        let reply = self.world.carla.ask(search(&user("carla"), words)).await;
        matches!(reply, ReplyBody::Found(page) if !page.found.is_empty())
    }

    /// Whether an answer to `sync` has the name in it.
    async fn head(&mut self, what: &str, name: &str) {
        if self.caller.kind == Kind::Stranger {
            let topic = SyncTopic::from_random(rand::random());
            let topics = vec![recado_proto::TopicName::parse(name).unwrap()];
            return self.one(what, RequestBody::Sync { user: None, topic, topics }).await;
        }
        let mut listener = self.world.subscriber(self.caller);
        let topic = SyncTopic::from_random(rand::random());
        listener.subscribe(topic.as_str().to_owned());
        let topics = vec![
            recado_proto::TopicName::parse(name).unwrap(),
            recado_proto::TopicName::parse(self.caller.name.as_str()).unwrap(),
        ];
        let heads = loop {
            let body = RequestBody::Sync { user: None, topic: topic.clone(), topics: topics.clone() };
            assert_eq!(self.caller.requests.ask(body).await, ReplyBody::Synced);
            let wait = tokio::time::timeout(recado_tests::limits::SOUNDING_WAIT, listener.recv());
            if let Ok(Some(message)) = wait.await {
                let [topic, payload] = message.frames() else { panic!("{message:?}") };
                break SystemPublication::decode(topic, payload, Timestamp::now()).unwrap().heads;
            }
        };
        self.says(what, heads.iter().any(|(known, _)| known.as_str() == name));
    }

    async fn keys(&mut self) {
        let keys = |of| RequestBody::Keys { of };
        self.one("`keys` of one's own", keys(None)).await;
        self.one("`keys` of another user", keys(Some(user("carla")))).await;
        let members = |name| RequestBody::Members { channel: word(name) };
        self.one("`members` of a public channel", members(PUBLIC)).await;
        self.inside("`members` of a private channel, in it", members(INSIDE)).await;
        self.private("`members` of a private channel, not in it", members(OUTSIDE)).await;
        self.one("`audit`", RequestBody::Audit { after: 0, limit: 10 }).await;
    }

    async fn administration(&mut self) {
        let me = self.me();
        let admin = |act| RequestBody::Admin { user: None, act };
        let invite = AdminAct::Invite { of: None, role: Role::Member, seconds: None, code: () };
        self.one("`admin` `invite`", admin(invite)).await;
        let add_key = |of: &UserName, keys: &KeyPair| {
            admin(AdminAct::AddKey { of: of.clone(), key: device_key(keys), device: None })
        };
        let device = |of| admin(AdminAct::Device { of, seconds: None, code: () });
        let spare = KeyPair::generate();
        self.all("`admin` `device`, `add_key` for oneself", vec![device(None), add_key(&me, &spare)]).await;
        if self.caller.kind == Kind::Bot {
            // It has one more by an administrator's doing.
            self.world.root.as_mut().unwrap().ask(add_key(&me, &spare)).await;
        }
        let (victim, _) = self.world.victim().await;
        let others = vec![device(Some(victim.clone())), add_key(&victim, &KeyPair::generate())];
        self.all("`admin` `device`, `add_key` for another user", others).await;
        let revoke = |keys: &KeyPair| admin(AdminAct::RevokeKey { key: device_key(keys) });
        self.one("`admin` `revoke_key` of one's own", revoke(&spare)).await;
        let (_, keys) = self.world.victim().await;
        self.one("`admin` `revoke_key` of another user's", revoke(&keys)).await;
        let (of, _) = self.world.victim().await;
        let acts = vec![
            AdminAct::Role { of: of.clone(), role: Role::Bot },
            AdminAct::Mute { of: of.clone(), channel: None, seconds: Some(60) },
            AdminAct::Unmute { of: of.clone(), channel: None },
            AdminAct::Ban { of: of.clone() },
            AdminAct::Unban { of },
        ];
        let acts = acts.into_iter().map(admin).collect();
        self.all("`admin` `role`, `ban`, `unban`, `mute`, `unmute`", acts).await;

        let (of, _) = self.world.victim().await;
        let in_channel = |channel: &recado_proto::ChannelName| -> Vec<RequestBody> {
            let (channel, of) = (channel.clone(), of.clone());
            vec![
                admin(AdminAct::Private { channel: channel.clone() }),
                admin(AdminAct::Add { channel: channel.clone(), of: of.clone() }),
                admin(AdminAct::Remove { channel: channel.clone(), of }),
                admin(AdminAct::Public { channel }),
            ]
        };
        if self.caller.kind != Kind::Bot {
            let channel = self.world.new_channel();
            let make =
                RequestBody::Channel { channel: channel.clone(), id: None, user: None, private: false };
            self.caller.requests.ask(make).await;
            let what = "`admin` `private`, `public`, `add`, `remove` in a channel of one's own";
            self.all(what, in_channel(&channel)).await;
        }
        let channel = self.world.new_channel();
        let make = RequestBody::Channel { channel: channel.clone(), id: None, user: None, private: false };
        self.world.carla.ask(make).await;
        let what = "`admin` `private`, `public`, `add`, `remove` in another one's channel";
        self.all(what, in_channel(&channel)).await;
        let registration = AdminAct::Registration(Registration::Invitation);
        self.one("`admin` `registration`", admin(registration)).await;
        let password = AdminAct::Password(Password::parse("correct horse battery").unwrap());
        self.one("`admin` `password`, one's own", admin(password)).await;
    }

    async fn joining(&mut self) {
        let join = |code: &str| RequestBody::Join {
            code: Some(JoinCode::parse(code).unwrap()),
            user: Some(user("me")),
            device: None,
        };
        self.one("`join` with a bad code", join("0000000000000000")).await;
        let code = match &mut self.world.root {
            None => "0000000000000000".to_owned(),
            Some(root) => {
                let act = AdminAct::Invite { of: None, role: Role::Member, seconds: None, code: () };
                match root.ask(RequestBody::Admin { user: None, act }).await {
                    ReplyBody::Code(code) => code.as_str().to_owned(),
                    other => panic!("{other:?}"),
                }
            }
        };
        self.one("`join` with a good code", join(&code)).await;
    }
}

fn device_key(keys: &KeyPair) -> DeviceKey {
    DeviceKey::from_bytes(*keys.public().as_bytes())
}

fn search(asker: &UserName, words: &str) -> RequestBody {
    RequestBody::Search(SearchRequest {
        user: asker.clone(),
        words: words.to_owned(),
        from: None,
        within: None,
        after: None,
        before: None,
        limit: 10,
    })
}
