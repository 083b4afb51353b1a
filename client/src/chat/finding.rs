//! Searching, and going to what was found.

use recado_proto::{
    ChannelName, Found, HistoryPage, MessageId, Publication, PublicationBody, SearchPage, SearchRequest,
    UserName,
};

use crate::limits;
use crate::session::RequestError;

use super::item::{Attempt, FailureCode, Item, Message, Place};
use super::reason::{Hint, Reason};
use super::search::Wanted;
use super::{Ask, Chat};

impl Chat {
    /// Looks for what is wanted.
    pub(super) fn search(&mut self, wanted: Wanted, now_ms: i64) {
        let within = wanted.within.map(|within| match within {
            Place::Channel(channel) => Place::Channel(self.known.meant_channel(channel)),
            Place::Direct(user) => Place::Direct(self.known.meant_user(user)),
        });
        let from = wanted.from.map(|user| self.known.meant_user(user));
        let meant = Wanted { from, within, ..wanted };
        self.ask(Ask::Search(meant.into_request(self.user.clone(), limits::FOUND_MESSAGES, now_ms)));
    }

    pub(super) fn on_found(&mut self, request: SearchRequest, result: Result<SearchPage, RequestError>) {
        self.waiting = self.waiting.saturating_sub(1);
        let page = match result {
            Ok(page) => page,
            Err(error) => return self.fail_request(Attempt::Search, &error, None),
        };
        let SearchPage { found, partial, behind, .. } = page;
        self.show(Item::Search { words: request.words, count: found.len(), partial, behind });
        self.found.clear();
        for (index, Found { message, snippet }) in found.into_iter().enumerate() {
            let Some(place) = place_of(&message, &self.user) else { continue };
            let message = Message { current: false, ..self.message(place, message, true) };
            self.found.push(message.clone());
            self.show(Item::Found { number: index + 1, message: Box::new(message), snippet });
        }
    }

    /// Goes to what was found under this number.
    pub(super) fn jump(&mut self, number: usize) {
        let found = number.checked_sub(1).and_then(|index| self.found.get(index));
        match found.and_then(|message| Some((message.place.clone(), message.id?))) {
            Some((of, id)) => self.want_around(of, id),
            None => {
                let reason = Reason::NotAmongFound(self.found.len());
                self.fail(Attempt::Search, FailureCode::NoMessage, reason, Some(Hint::Search));
            }
        }
    }

    /// A message that was found, or that mentions one, is wanted with what is around it; it comes as [`Item::Jump`].
    pub fn want_around(&mut self, of: Place, id: MessageId) {
        self.ask(Ask::Around { of, id });
    }

    pub(super) fn on_around(&mut self, of: Place, id: MessageId, result: Result<HistoryPage, RequestError>) {
        self.waiting = self.waiting.saturating_sub(1);
        let page = match result {
            Ok(page) => page,
            Err(error) => return self.fail_request(Attempt::History, &error, None),
        };
        // What is around a message is told without it.
        let is_target = |message: &&Message| message.id == Some(id);
        let known = self.found.iter().chain(self.mentions.all()).find(is_target);
        let Some(target) = known.cloned() else { return };
        let is_later = |publication: &Publication| {
            publication.time_ms.is_some_and(|time| is_after(time, target.time_ms))
        };
        let later = page.messages.iter().filter(|publication| is_later(publication)).count();
        let before = page.messages.iter().filter_map(|publication| publication.seq).chain(target.seq).min();
        let has_later = later >= limits::AROUND_MESSAGES as usize / 2;
        let said = page.messages.into_iter().filter(|publication| publication.kind.is_none());
        let mut messages: Vec<Message> = said
            .filter(|publication| !publication.deleted)
            .map(|publication| Message { current: true, ..self.message(of.clone(), publication, true) })
            .collect();
        let place = match &of {
            Place::Channel(_) => messages.partition_point(|message| message.seq < target.seq),
            Place::Direct(_) => messages.partition_point(|message| message.time_ms < target.time_ms),
        };
        messages.insert(place, Message { current: true, ..target });
        let first = place.saturating_sub(limits::CONTEXT_MESSAGES);
        let context: Vec<_> =
            messages.iter().skip(first).take(place - first + 1 + limits::CONTEXT_MESSAGES).cloned().collect();
        self.show(Item::Jump { of, id, messages, before, has_later, count: context.len() });
        context.into_iter().for_each(|message| self.show(Item::Context(Box::new(message))));
        self.show(Item::HistoryEnd);
    }
}

fn is_after(time_ms: u64, than_ms: i64) -> bool {
    i64::try_from(time_ms).is_ok_and(|time_ms| time_ms > than_ms)
}

/// Where a message was said, as this user sees it.
pub(crate) fn place_of(publication: &Publication, user: &UserName) -> Option<Place> {
    match &publication.body {
        PublicationBody::Channel { .. } => ChannelName::parse(&publication.topic).ok().map(Place::Channel),
        PublicationBody::Direct { from } if from == user => {
            UserName::parse(&publication.topic).ok().map(Place::Direct)
        }
        PublicationBody::Direct { from } => Some(Place::Direct(from.clone())),
    }
}
