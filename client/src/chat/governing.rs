//! What comes of the commands of members and administrators.

use recado_proto::{ChannelName, Members};

use super::command::Governing;
use super::item::{Attempt, FailureCode, Item, Notice, Place};
use super::reason::{Hint, Reason};
use super::{Ask, Chat, Effect};
use crate::session::RequestError;

impl Chat {
    pub(super) fn govern(&mut self, what: Governing) {
        let what = what.meaning(|user| self.known.meant_user(user));
        let channel = if what.is_of_channel() { self.channel_here() } else { None };
        match what.act(channel.clone()) {
            Some(act) => self.ask(Ask::Govern { what, channel, act }),
            None => self.fail_without_channel(),
        }
    }

    pub(super) fn list_members(&mut self) {
        match self.channel_here() {
            Some(channel) => self.ask(Ask::Members { channel, asked: true }),
            None => self.fail_without_channel(),
        }
    }

    pub(super) fn on_governed(
        &mut self,
        what: Governing,
        channel: Option<ChannelName>,
        result: Result<(), RequestError>,
    ) {
        self.waiting = self.waiting.saturating_sub(1);
        match result {
            Ok(()) => {
                let shows_members = what == Governing::Private;
                let changes_privacy = shows_members || what == Governing::Public;
                self.notice(Notice::Governed { what, channel: channel.clone() });
                match channel {
                    // Nobody is to be left out unawares.
                    Some(channel) if shows_members => self.ask(Ask::Members { channel, asked: true }),
                    Some(channel) if changes_privacy => self.ask_privacy(channel),
                    Some(_) | None => {}
                }
            }
            Err(error) => self.fail_request(Attempt::Govern, &error, None),
        }
    }

    /// Asks whether the channel is private, to show it so.
    pub(super) fn ask_privacy(&mut self, channel: ChannelName) {
        if self.secured && !self.unattended {
            self.effects.push_back(Effect::Ask(Ask::Members { channel, asked: false }));
        }
    }

    pub(super) fn on_members(
        &mut self,
        channel: ChannelName,
        asked: bool,
        result: Result<Members, RequestError>,
    ) {
        if asked {
            self.waiting = self.waiting.saturating_sub(1);
        }
        match result {
            Ok(members) => self.show(Item::Members { channel, members, asked }),
            Err(error) if !asked => tracing::debug!(%error, "whether a channel is private is not known"),
            Err(error) => self.fail_request(Attempt::Govern, &error, None),
        }
    }

    pub(super) fn on_device(&mut self, result: Result<String, RequestError>) {
        self.waiting = self.waiting.saturating_sub(1);
        match result {
            Ok(link) => self.show(Item::Device { link }),
            Err(error) => self.fail_request(Attempt::Govern, &error, None),
        }
    }

    /// The channel where one is; none in a conversation with one person.
    fn channel_here(&self) -> Option<ChannelName> {
        match self.current_place() {
            Some(Place::Channel(channel)) => Some(channel),
            Some(Place::Direct(_)) | None => None,
        }
    }

    fn fail_without_channel(&mut self) {
        let hint = Some(Hint::JoinOne);
        self.fail(Attempt::Govern, FailureCode::NoChannel, Reason::InNoChannel, hint);
    }
}
