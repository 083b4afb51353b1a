//! The fuzz target's system: acts are judged and taken up one after the other, as a turn does it.

use recado_proto::{Reply, ReplyBody, Service, ServiceName, Timestamp, UserName};

use super::acts::{self, KEYS, NAMES, channel, code, key, user};
use super::input::Input;
use super::model::Model;
use super::questions::Broker;
use crate::access::{Access, AccessAct, AccessChange, AccessEvent, Actor, author};
use crate::store::{NameOf, kept_and_added_up};

const STEPS_MAX: usize = 400;

pub(super) struct World<'a> {
    input: Input<'a>,
    access: Access,
    model: Model,
    broker: Broker,
    now_ms: u64,
    events: Vec<AccessEvent>,
    /// How many were made.
    codes: usize,
}

impl<'a> World<'a> {
    pub(super) fn run(input: Input<'a>) {
        let mut world = World {
            input,
            access: Access::default(),
            model: Model::default(),
            broker: Broker::new(),
            now_ms: 1_700_000_000_000,
            events: Vec::new(),
            codes: 0,
        };
        world.model.names.insert("velho".to_owned(), NameOf::User);
        world.model.names.insert("antigo".to_owned(), NameOf::Channel);
        if world.input.one_of_two() {
            world.found();
        }
        for _ in 0..STEPS_MAX {
            if world.input.is_empty() {
                break;
            }
            if world.step() {
                world.check();
            }
        }
        world.broker.hear(&world.access, &world.model, world.now_ms, false);
        world.check_kept();
    }

    /// With the administrator `ana`, whose key is 0.
    fn found(&mut self) {
        self.attempt(&Actor::System, &AccessAct::FirstAdministrator { code: code(0) });
        let (key, user) = (key(0), Some(user("ana")));
        let join = AccessAct::Join { key, code: Some(code(0)), user, device: None };
        self.attempt(&Actor::Key(key), &join);
        assert!(self.access.has_administrator());
    }

    /// True if something may have changed about access.
    fn step(&mut self) -> bool {
        match self.input.below(16) {
            0..=3 => {
                self.broker.step(&mut self.input);
                false
            }
            4 | 5 => {
                let in_parts = self.input.one_of_two();
                self.broker.hear(&self.access, &self.model, self.now_ms, in_parts);
                false
            }
            6 => {
                let day_ms = 24 * 60 * 60 * 1000;
                self.now_ms +=
                    self.input.pick(&[1, 2, 999, 1000, 60_000, day_ms, 31 * day_ms, 4000 * day_ms]);
                true
            }
            _ => {
                // Mostly those who are somebody.
                let connection = key(match self.input.byte() {
                    number @ ..192 => number % 4,
                    number => number % KEYS,
                });
                let is_system = self.input.below(16) == 15;
                let act = acts::act(&mut self.input, connection, self.codes, self.now_ms);
                let actor = match self.access.user_of(&connection, self.now_ms) {
                    _ if is_system => Actor::System,
                    Some(user) => Actor::User(user.clone()),
                    None => Actor::Key(connection),
                };
                self.attempt(&actor, &act)
            }
        }
    }

    fn attempt(&mut self, actor: &Actor, act: &AccessAct) -> bool {
        let changes = match self.access.judge(actor, act, &self.model, self.now_ms) {
            Ok(changes) => changes,
            Err(refusal) => {
                assert!(!refusal.description.is_empty(), "a refusal says why");
                return false;
            }
        };
        let had_administrator = self.model.has_administrator();
        self.model.take(actor, act, &changes, self.now_ms);
        let by = author(actor, &changes);
        for change in changes {
            if let AccessChange::CodeMade { .. } = change {
                self.codes += 1;
                by.iter().for_each(|by| self.model.check_codes_of(by, self.now_ms));
            }
            let n = self.access.last_event() + 1;
            let event = AccessEvent { n, time_ms: self.now_ms, by: by.clone(), change };
            self.access.apply(&event);
            self.events.push(event);
        }
        assert!(
            !had_administrator || self.access.has_administrator(),
            "nobody is left: {act:?} by {actor:?}"
        );
        true
    }

    /// The state is the model's, as far as anybody can ask.
    fn check(&self) {
        let (access, model, now_ms) = (&self.access, &self.model, self.now_ms);
        model.check_bounds(now_ms);
        assert_eq!(access.has_administrator(), model.has_administrator());
        let users: Vec<UserName> = NAMES.into_iter().map(user).collect();
        let listed: Vec<_> = users.iter().flat_map(|user| access.keys(user, now_ms)).collect();
        for key in (0..KEYS).map(key) {
            let whose = access.user_of(&key, now_ms);
            assert_eq!(whose, model.whose(&key, now_ms));
            assert!(whose.is_none_or(|user| !access.is_banned(user)), "a banned user is somebody");
            assert!(whose.is_none() || !model.revoked.contains(&key), "a revoked key is somebody's");
            assert!(listed.iter().filter(|entry| entry.key == key).count() <= 1, "two have a key");
        }
        for user in &users {
            let known = model.users.get(user);
            assert_eq!(access.role_of(user), known.map(|it| it.role));
            assert_eq!(access.is_banned(user), known.is_some_and(|it| it.banned));
            assert!(access.password_of(user).is_none() || !access.is_banned(user));
        }
        for channel in NAMES.into_iter().map(channel) {
            let members = model.channels.get(&channel).and_then(|it| it.members.as_ref());
            let told = access.members(&channel);
            assert_eq!(told.private, members.is_some());
            assert!(told.members.iter().eq(members.into_iter().flatten()));
            for user in &users {
                let is_active = model.users.get(user).is_some_and(|it| !it.banned);
                let may = is_active && members.is_none_or(|members| members.contains(user));
                assert_eq!(access.may_read(user, &channel), may, "{user} in {channel}");
            }
        }
    }

    /// The events come back as they were, from a store and, as an audit tells them, from the wire, and add up to the same.
    fn check_kept(self) {
        let (kept, access) = kept_and_added_up(&self.events).expect("they are kept");
        assert_eq!(kept, self.events);
        assert!(access == self.access, "the events add up to something else");
        let entries: Vec<_> = self.events.iter().map(AccessEvent::to_audit_entry).collect();
        let timestamp = Timestamp::from_seconds(1);
        let (service, body) = (ServiceName::Known(Service::Audit), ReplyBody::Audit(entries));
        let reply = Reply { service, body, timestamp, clock: None, reference: None };
        assert_eq!(Reply::decode(&reply.encode(), timestamp).as_ref(), Ok(&reply));
    }
}
