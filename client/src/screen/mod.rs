//! The face that takes the whole screen: conversations beside each other, history as one scrolls, a text of several lines below. The
//! rules are in [`model`], which knows no terminal; a thread of its own draws it and another one reads keys, so that neither waits for
//! the network.

mod attention;
mod body;
mod choice;
mod composer;
mod draw;
mod entries;
mod guard;
mod keys;
mod log;
mod model;
mod notifier;
mod rows;
mod scroll;
mod shell;
mod switcher;
#[cfg(test)]
mod tests;
mod theme;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Zoned;
use tokio::sync::{mpsc, oneshot};

use crate::chat::complete::KnownNames;
use crate::chat::draft::Draft;
use crate::chat::item::{Item, Place};
use crate::chat::{Activity, ReadTo, Reads, Whereabouts};
use crate::engine::{Face, Input, Opening};
use crate::limits;
use crate::view::colour::{Palette, Theme};
use crate::view::prompt::Prompt;
use crate::view::times::Times;
use crate::view::wording::Language;

use self::draw::Look;
use self::notifier::Notifier;
use self::shell::Event;
use self::theme::Colours;

pub use self::attention::{Level, LevelSetting, QuietHours, WishError, Wishes};
pub use self::keys::{KeyError, KeySetting, Keys, KeysError};
pub use self::notifier::NotifyBy;
pub(crate) use self::shell::fits;

/// How the user wants the full screen to be.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Which colours.
    pub theme: Theme,
    /// How it is shown when a message was written.
    pub times: Times,
    /// Clicks and the wheel do something; the terminal selects text only with a key held then.
    pub mouse: bool,
    /// Which key does what.
    pub keys: Keys,
    /// How one is told of what one does not look at.
    pub notify_by: NotifyBy,
    /// What of, and when.
    pub wishes: Wishes,
}

/// A terminal that shows all of the chat.
pub(crate) struct ScreenFace {
    events: mpsc::Sender<Event>,
    input: mpsc::Receiver<Input>,
    /// How many inputs were taken in all.
    taken: u64,
    /// What found no room among the events: it is told before the next input is taken.
    owed_ready: Option<Event>,
    owed_names: Option<Event>,
    owed_write: Option<Event>,
    looked: Arc<Mutex<Looked>>,
}

/// What the thread that draws leaves for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// How far was looked at.
    pub(crate) seen: BTreeMap<Place, ReadTo>,
    /// What was typed, and when.
    pub(crate) activity: Activity,
}

impl ScreenFace {
    /// Takes the terminal on standard input and output, until it is finished or dropped.
    pub(crate) fn new(palette: Palette, manner: &Manner, language: Language) -> io::Result<Self> {
        let now = Zoned::now();
        let colours = Colours::new(palette, manner.theme);
        let look = Look {
            colours,
            zone: now.time_zone().clone(),
            keys: manner.keys.clone(),
            times: manner.times,
            now_ms: now.timestamp().as_millisecond(),
        };
        let notifier = Notifier::new(manner.notify_by);
        let looked = Arc::default();
        let (events, input) = shell::spawn(look, notifier, manner, language, &now, Arc::clone(&looked))?;
        Ok(Self { events, input, taken: 0, owed_ready: None, owed_names: None, owed_write: None, looked })
    }

    /// An error means that the thread has ended: the terminal is gone.
    async fn tell(&self, event: Event) -> io::Result<()> {
        self.events.send(event).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// What need not arrive at once: it is given back when too much waits.
    fn mention(&self, event: Event) -> Option<Event> {
        match self.events.try_send(event) {
            Err(mpsc::error::TrySendError::Full(event)) => Some(event),
            // The thread has ended: whoever waits for it finds out.
            Err(mpsc::error::TrySendError::Closed(_)) | Ok(()) => None,
        }
    }

    /// Cancel safe.
    async fn take_input(&mut self) -> Option<Input> {
        let input = self.input.recv().await;
        self.taken += u64::from(input.is_some());
        input
    }
}

impl Opening for ScreenFace {
    fn reads(&self) -> Reads {
        Reads::WhatIsSeen
    }

    async fn answer(&mut self, question: Prompt) -> Option<String> {
        self.tell(Event::Ask(question.raw)).await.ok()?;
        let Input::Line { text, .. } = self.take_input().await? else { return None };
        Some(text)
    }

    async fn left(&mut self) {
        loop {
            match self.take_input().await {
                None | Some(Input::End | Input::Interrupt) => return,
                // There is no chat yet to which it could go.
                Some(_) => {}
            }
        }
    }

    fn begin(&self) -> io::Result<()> {
        Ok(())
    }

    async fn attend(&mut self, levels: Vec<(Place, Level)>) -> io::Result<()> {
        self.tell(Event::Levels(levels)).await
    }

    async fn take_up(&mut self, drafts: Vec<(Place, Draft)>) -> io::Result<()> {
        self.tell(Event::Drafts(drafts)).await
    }

    fn say(&mut self, text: &str) {
        // There is room: nothing else is said before the chat begins.
        self.mention(Event::Announce { text: text.to_owned(), is_wrong: false });
    }

    fn complain(&mut self, text: &str) {
        self.mention(Event::Announce { text: text.to_owned(), is_wrong: true });
    }
}

impl Face for ScreenFace {
    async fn show(&mut self, item: &Item) -> io::Result<()> {
        self.tell(Event::Item(Box::new(item.clone()))).await
    }

    async fn next(&mut self) -> Input {
        for owed in [&mut self.owed_ready, &mut self.owed_names, &mut self.owed_write] {
            if owed.is_some()
                && let Ok(room) = self.events.reserve().await
                && let Some(event) = owed.take()
            {
                room.send(event);
            }
        }
        self.take_input().await.unwrap_or(Input::End)
    }

    fn ready(&mut self, whereabouts: &Whereabouts) {
        self.owed_ready = self.mention(Event::Ready { whereabouts: whereabouts.clone(), taken: self.taken });
    }

    fn refresh_interval(&self) -> Option<Duration> {
        Some(limits::REFRESH_INTERVAL)
    }

    fn names(&mut self, known: &KnownNames) {
        self.owed_names = self.mention(Event::Names(Box::new(known.clone())));
    }

    fn settle_max(&self) -> Option<Duration> {
        Some(limits::SETTLE_MAX)
    }

    fn lines_ahead_max(&self) -> usize {
        // One more is refused by the chat with a word to the user.
        usize::MAX
    }

    fn write(&mut self, text: String) -> bool {
        self.owed_write = self.mention(Event::Write(text));
        true
    }

    fn seen(&mut self) -> Vec<(Place, ReadTo)> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut looked.seen).into_iter().collect()
    }

    fn activity(&mut self) -> Activity {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).activity.clone()
    }

    async fn last_words(&mut self) -> (Vec<Input>, Vec<(Place, Draft)>) {
        let (reply, typed) = oneshot::channel();
        let asked = self.tell(Event::LastWords(reply)).await.is_ok();
        // An error means that the thread has ended: what it saved before is kept.
        let drafts = if asked { typed.await.unwrap_or_default() } else { Vec::new() };
        // No key is taken any more: these are all.
        let inputs = std::iter::from_fn(|| self.input.try_recv().ok()).collect();
        (inputs, drafts)
    }

    async fn finish(self) {
        let (done, finished) = oneshot::channel();
        if self.tell(Event::Close(done)).await.is_ok() {
            // An error means that the thread has ended already.
            let _ = finished.await;
        }
    }
}
