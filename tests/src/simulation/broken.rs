//! What goes into the server or comes out of it, changed so that one of its rules is broken ([`Mutation`]).

use recado_proto::{
    ActKind, HEADS_PREFIX, Publication, Reply, ReplyBody, Request, RequestBody, SystemPublication, Timestamp,
};
use recado_zmtp::Message;

use super::mutation::Mutation;
use super::world::World;

impl World {
    pub(super) fn altered_request(&mut self, message: Message) -> Message {
        let (stores_again, deaf) =
            (self.has(Mutation::RepeatStoredAgain), self.has(Mutation::ServerClockIgnored));
        let obeys = self.has(Mutation::StrangersObeyed);
        if !stores_again && !deaf && !obeys {
            return message;
        }
        let mut frames = message.into_frames();
        let body = frames.pop().expect("a message has a frame");
        let mut request = Request::decode(&body).expect("our clients send good requests");
        if let RequestBody::Publish { id, .. } | RequestBody::Message { id, .. } | RequestBody::Act { id, .. } =
            &mut request.body
            && stores_again
            && !id.is_none_or(|id| self.seen.insert(id))
        {
            *id = None;
        }
        if deaf {
            request.clock = None;
        }
        if let RequestBody::Act { user, act, .. } = &mut request.body
            && obeys
            && matches!(act.kind(), ActKind::Edit | ActKind::Delete)
            && let Some(author) = act.target().and_then(|target| self.ledger.by_id.get(&target))
        {
            user.clone_from(&self.clients[self.ledger.sent[*author].client].name);
        }
        frames.push(request.encode().into());
        Message::new(frames)
    }

    pub(super) fn altered_reply(&mut self, message: Message) -> Message {
        let (moves, holes) = (self.has(Mutation::RepeatAnsweredElsewhere), self.has(Mutation::PageWithHole));
        if !moves && !holes {
            return message;
        }
        let mut frames = message.into_frames();
        let body = frames.pop().expect("a message has a frame");
        let mut reply =
            Reply::decode(&body, Timestamp::from_seconds(0)).expect("our server sends good replies");
        match &mut reply.body {
            ReplyBody::Stored { id: Some(id), seq: Some(seq), .. } if moves && !self.seen.insert(*id) => {
                *seq += 1
            }
            ReplyBody::History(page) if holes && page.messages.len() > 2 => drop(page.messages.remove(1)),
            _ => {}
        }
        frames.push(reply.encode().into());
        Message::new(frames)
    }

    /// Whether a publication of the server's does not leave it.
    pub(super) fn is_silenced(&self, message: &Message) -> bool {
        let [topic, payload] = message.frames() else { return false };
        let is_beacon = topic.starts_with(HEADS_PREFIX.as_bytes());
        if is_beacon && self.has(Mutation::NoBeacon) {
            return true;
        }
        if !self.has(Mutation::NotPublishedAgain) {
            return false;
        }
        let received = Timestamp::from_seconds(0);
        let place = if is_beacon {
            let heads = SystemPublication::decode(topic, payload, received).map(|it| it.heads);
            heads.ok().and_then(|heads| heads.first().map(|(name, seq)| (name.as_str().to_owned(), *seq)))
        } else {
            let publication = Publication::decode(topic, payload, received).ok();
            publication.and_then(|it| Some((it.topic, it.seq?)))
        };
        place.is_some_and(|(topic, seq)| {
            self.server.held_at_start.get(&topic).is_some_and(|held| seq <= *held)
        })
    }
}
