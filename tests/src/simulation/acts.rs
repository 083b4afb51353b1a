//! Acts: what clients do to messages, what the store's order makes of a message, and what a client that heard it all shows.

use std::collections::{BTreeMap, BTreeSet};

use recado_client::Topic;
use recado_client::chat::fold::{Acts, MessageState, act_of};
use recado_proto::limits::CHANNEL_TOPIC_BYTES_MAX;
use recado_proto::{
    Act, ActKind, ChannelName, HistoryOf, HistoryPage, HistoryRequest, Manner, MessageId, Place, Publication,
    Range, RequestBody, Style, UserName,
};

use super::client::Owner;
use super::ledger::{Rule, Sent};
use super::mutation::Mutation;
use super::world::World;

/// Of so many messages before, one is acted on.
const LATELY: usize = 8;

/// How often somebody who sends also scrolls back.
const LOOKS_PER_MILLE: u64 = 200;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum What {
    Message(Manner),
    Act {
        act: Act,
        /// It is not this client's to do.
        forbidden: bool,
    },
}

impl What {
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, What::Act { forbidden: true, .. })
    }

    fn form(&self) -> (Option<ActKind>, Manner) {
        match self {
            What::Message(manner) => (None, *manner),
            What::Act { act, .. } => (Some(act.kind()), Manner { target: act.target(), style: None }),
        }
    }
}

impl Sent {
    /// Whether this is what was sent, in the store.
    pub(super) fn is_stored_as(&self, publication: &Publication) -> bool {
        self.is_of_form(publication) && self.text == publication.message
    }

    /// Whether this is what was sent, as somebody is given it: by then its text may be another one, or withdrawn.
    pub(super) fn is_given_as(&self, publication: &Publication) -> bool {
        let is_revised = publication.edited || publication.deleted;
        let is_withdrawn = publication.kind == Some(ActKind::Edit) && publication.message.is_empty();
        self.is_of_form(publication) && (self.text == publication.message || is_revised || is_withdrawn)
    }

    fn is_of_form(&self, publication: &Publication) -> bool {
        self.topic == publication.topic && self.what.form() == (publication.kind, publication.manner)
    }
}

/// What a client has heard in one topic, as its owner sees it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    messages: BTreeMap<MessageId, (String, Acts)>,
    /// Only a broken rule counts them.
    arrived: u64,
}

impl Heard {
    fn take(&mut self, publication: &Publication, broken: Option<Mutation>) {
        let Some(id) = publication.id else { return };
        let acts = match act_of(publication) {
            Some((target, act)) => vec![(target, act)],
            None if publication.kind.is_some() => return,
            None => {
                self.messages.entry(id).or_insert_with(|| (publication.message.clone(), Acts::default()));
                publication.acts.iter().map(|act| (id, act.clone())).collect()
            }
        };
        for (target, mut act) in acts {
            // What is older than what was asked for is not there to be changed.
            let Some((_, known)) = self.messages.get_mut(&target) else { continue };
            if broken == Some(Mutation::DeletionsPassedOver) && act.kind == ActKind::Delete {
                continue;
            }
            if broken == Some(Mutation::ActsAsTheyArrive) {
                self.arrived += 1;
                (act.time_ms, act.seq) = (0, self.arrived);
            }
            known.add(act);
        }
    }
}

/// A message in the store with all acts on it, in the order of commits.
struct Truth<'a> {
    message: &'a Publication,
    acts: Vec<&'a Publication>,
}

impl<'a> Truth<'a> {
    /// Of each message.
    fn of(stored: &'a [Publication]) -> BTreeMap<MessageId, Truth<'a>> {
        let mut truths = BTreeMap::<MessageId, Truth<'a>>::new();
        for publication in stored {
            let id = publication.id.expect("the store gives every message an id");
            match (publication.kind, publication.manner.target) {
                (None, _) => drop(truths.insert(id, Truth { message: publication, acts: Vec::new() })),
                (Some(_), Some(target)) => {
                    if let Some(truth) = truths.get_mut(&target) {
                        truth.acts.push(publication);
                    }
                }
                (Some(_), None) => {}
            }
        }
        truths
    }

    /// What those acts make of it that count.
    fn state(&self, counts: impl Fn(&MessageId) -> bool) -> MessageState {
        let mut state = MessageState { text: self.message.message.clone(), ..MessageState::default() };
        for act in self.acts.iter().filter(|act| act.id.as_ref().is_some_and(&counts)) {
            match act.kind.expect("it is an act") {
                ActKind::Edit => (state.text, state.edited) = (act.message.clone(), true),
                ActKind::Delete => {
                    return MessageState { edited: state.edited, deleted: true, ..MessageState::default() };
                }
                ActKind::React => {
                    let of_emoji = state.reactions.entry(act.message.clone()).or_default();
                    of_emoji.insert(act.sender().clone());
                }
                ActKind::Unreact => {
                    if let Some(of_emoji) = state.reactions.get_mut(&act.message) {
                        of_emoji.remove(act.sender());
                    }
                }
                ActKind::Topic => {}
            }
        }
        state.reactions.retain(|_, users| !users.is_empty());
        state
    }
}

impl World {
    /// What a client sends, and the text that goes with it.
    pub(super) fn choose(&mut self, client: usize, topic: &str, text: String) -> (What, String) {
        let draw = self.acting.below(16);
        let is_channel = !topic.starts_with("user");
        let emoji = self.acting.pick(&["👍", "🎉"]).to_owned();
        let own = |sent: &Sent| sent.client == client;
        let act = match draw {
            0 if is_channel && text.len() <= CHANNEL_TOPIC_BYTES_MAX => {
                Some((Act::Topic { text: text.clone() }, false))
            }
            1 => {
                let target = self.lately(client, topic, |_| true);
                return (What::Message(Manner { target, style: None }), text);
            }
            2 => return (What::Message(Manner { target: None, style: Some(Style::Me) }), text),
            3 | 4 => {
                let target = self.lately(client, topic, own);
                target.map(|target| (Act::Edit { target, text: text.clone() }, false))
            }
            5 => {
                let target = self.lately(client, topic, |sent| !own(sent));
                let deletes = self.acting.chance(500);
                target.map(|target| match deletes {
                    true => (Act::Delete { target }, true),
                    false => (Act::Edit { target, text: text.clone() }, true),
                })
            }
            6 | 7 => self.lately(client, topic, |_| true).map(|target| (Act::React { target, emoji }, false)),
            8 => self.lately(client, topic, |_| true).map(|target| (Act::Unreact { target, emoji }, false)),
            9 => self.lately(client, topic, own).map(|target| (Act::Delete { target }, false)),
            _ => None,
        };
        match act {
            Some((act, forbidden)) => {
                let text = act.message().to_owned();
                (What::Act { act, forbidden }, text)
            }
            None => (What::Message(Manner::default()), text),
        }
    }

    /// One of the latest messages between those who can act on it, which the store had acknowledged.
    fn lately(&mut self, client: usize, topic: &str, suits: impl Fn(&Sent) -> bool) -> Option<MessageId> {
        let epoch = self.ledger.epoch()?;
        let own = self.clients[client].name.to_string();
        let is_between = |sent: &&Sent| {
            let direct = topic.starts_with("user");
            let theirs = sent.topic == own && self.clients[sent.client].name.as_str() == topic;
            if direct { theirs || sent.topic == topic && sent.client == client } else { sent.topic == topic }
        };
        let found = self.ledger.sent.iter().rev().filter(is_between).filter(|sent| {
            let is_stored = sent.acknowledged.is_some_and(|(of, _)| of == epoch);
            matches!(sent.what, What::Message(_)) && is_stored && suits(sent)
        });
        let found: Vec<MessageId> = found.take(LATELY).map(|sent| sent.id).collect();
        if found.is_empty() { None } else { Some(self.acting.pick(&found)) }
    }

    /// The owner of a client scrolls back, and gets a page of what it has heard, which may have changed again before it comes.
    pub(super) fn look_now_and_then(&mut self, client: usize, topic: usize) {
        let topic = if topic < self.plan.channels { topic } else { self.plan.channels + client };
        let topic = self.topic_of(&self.topic_name(topic));
        if !self.acting.chance(LOOKS_PER_MILLE) || !self.clients[client].wishes.contains_key(&topic) {
            return;
        }
        let of = match &topic {
            Topic::Channel(channel) => HistoryOf::Channel(channel.clone()),
            Topic::Direct(_) => HistoryOf::Received,
        };
        let (user, limit) = (self.clients[client].name.clone(), 50);
        let body = RequestBody::History(HistoryRequest { user, of, range: Range::Latest, limit, acts: true });
        self.ask(client, body, Owner::Look { topic });
        self.perform(client);
    }

    /// The page came. What it says is taken up when the next one comes, or at the end, as if it had been long on its way.
    pub(super) fn looked(&mut self, client: usize, topic: Topic, page: HistoryPage) {
        let former = self.clients[client].page.replace((topic, page));
        self.take_up_page(client, former);
    }

    fn take_up_page(&mut self, client: usize, page: Option<(Topic, HistoryPage)>) {
        let (broken, epoch) = (self.setup.mutation, self.ledger.epoch());
        let Some((topic, page)) = page.filter(|(_, page)| page.epoch == epoch) else { return };
        let Some(wish) = self.clients[client].wishes.get_mut(&topic) else { return };
        for message in &page.messages {
            // Of what it has not heard it need not hear how it changes.
            if message.id.is_some_and(|id| wish.heard.messages.contains_key(&id)) {
                wish.heard.take(message, broken);
            }
        }
    }

    /// The owner of a client is shown something.
    pub(super) fn take_up(&mut self, client: usize, topic: &Topic, publication: &Publication) {
        let broken = self.setup.mutation;
        if let Some(wish) = self.clients[client].wishes.get_mut(topic) {
            wish.heard.take(publication, broken);
        }
    }

    /// Everybody sees each message as it is by now, in the store and at every client.
    pub(super) fn judge_acts(&mut self) {
        let stored = self.stored();
        let truths = Truth::of(&stored);
        self.judge_history(&truths);
        let at = self.now;
        for client in 0..self.clients.len() {
            let page = self.clients[client].page.take();
            self.take_up_page(client, page);
            for (topic, wish) in &self.clients[client].wishes {
                if self.ledger.followings[wish.following].restarted {
                    continue;
                }
                for (id, (text, acts)) in &wish.heard.messages {
                    let Some(truth) = truths.get(id) else { continue };
                    let seen = unlike(truth, topic.as_str(), text, acts);
                    if let Some(seen) = seen {
                        let seen = format!("client {client}, {}: {seen}", self.ledger.name(Some(*id)));
                        return self.ledger.broken(at, Rule::AsItIs, Some(topic.as_str()), seen);
                    }
                }
            }
        }
    }

    fn judge_history(&mut self, truths: &BTreeMap<MessageId, Truth<'_>>) {
        let (at, clients) = (self.now, self.clients.len());
        let channels: BTreeSet<ChannelName> =
            self.channels_made.iter().map(|number| self.channel(*number)).collect();
        let someone = self.clients[0].name.clone();
        let of_channels = channels.into_iter().map(|channel| (someone.clone(), HistoryOf::Channel(channel)));
        let of_users = (0..clients).filter(|number| self.clients[*number].is_known);
        let of_users = of_users.map(|number| (self.clients[number].name.clone(), HistoryOf::Received));
        let all: Vec<(UserName, HistoryOf)> = of_channels.chain(of_users).collect();
        for (user, of) in all {
            let mut after = 0;
            loop {
                let range = Range::After(Place::Seq(after));
                let request =
                    HistoryRequest { user: user.clone(), of: of.clone(), range, limit: 100, acts: true };
                let page = self.server.history(&request);
                let Some(last) = page.last().and_then(|message| message.seq) else { break };
                after = last;
                for message in page.iter().filter(|message| message.kind.is_none()) {
                    let truth =
                        message.id.and_then(|id| truths.get(&id)).expect("history has what is stored");
                    let state = truth.state(|_| true);
                    let acts: Acts = message.acts.iter().cloned().collect();
                    let is_so = (message.message == state.text && message.edited == state.edited)
                        && message.deleted == state.deleted
                        && acts.fold(&message.message) == state;
                    if !is_so {
                        let seen = format!(
                            "{}: history gives {message:?} for {state:?}",
                            self.ledger.name(message.id)
                        );
                        return self.ledger.broken(at, Rule::AsItIs, Some(&message.topic), seen);
                    }
                }
            }
        }
    }
}

/// In what a client's state of a message is another one than the store's. Of a conversation it hears in its own topic only what
/// others do; what it does itself it knows.
fn unlike(truth: &Truth<'_>, topic: &str, text: &str, acts: &Acts) -> Option<String> {
    let known: BTreeSet<MessageId> = acts.iter().map(|act| act.id).collect();
    let missed =
        truth.acts.iter().find(|act| act.topic == topic && act.id.is_none_or(|id| !known.contains(&id)));
    if let Some(missed) = missed {
        return Some(format!("does not know of {:?}", missed.kind));
    }
    let (shown, due) = (acts.fold(text), truth.state(|id| known.contains(id)));
    (shown != due).then(|| format!("shows {shown:?} instead of {due:?}"))
}
