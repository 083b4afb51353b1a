//! The threads of the full screen: one reads keys, one owns the model and draws it. What they do waits in bounded queues.

mod acting;
mod lending;
mod reader;

use std::fmt::Write as _;
use std::future::pending;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{Timestamp, Zoned};
use ratatui::crossterm::event::Event as TerminalEvent;
use ratatui::crossterm::terminal;
use tokio::sync::{mpsc, oneshot};

use crate::chat::Whereabouts;
use crate::chat::complete::KnownNames;
use crate::chat::draft::Draft;
use crate::chat::item::{Item, Level, Place};
use crate::engine::Input;
use crate::limits;
use crate::view::times::Times;
use crate::view::wording::{self, Language};

use super::attention::Attention;
use super::draw::{self, Look};
use super::guard::Taken;
use super::model::{Model, Overlay, Request};
use super::notifier::Notifier;
use super::{Looked, Manner};

use self::lending::{Lent, ended};
use self::reader::Reader;

/// Something for the thread that draws.
pub(crate) enum Event {
    /// Something to show.
    Item(Box<Item>),
    /// Something to say before there is a chat.
    Announce { text: String, is_wrong: bool },
    /// A question whose answer is a line.
    Ask(String),
    /// The next line may come.
    Ready {
        whereabouts: Whereabouts,
        /// How many inputs were taken in all.
        taken: u64,
    },
    /// Names that one may mean.
    Names(Box<KnownNames>),
    /// Open the editor on what is typed, and this.
    Write(String),
    /// What one wants to be told of these conversations.
    Levels(Vec<(Place, Level)>),
    /// What was typed and not sent the last time.
    Drafts(Vec<(Place, Draft)>),
    /// No key counts any more: what is typed, where that is not what was kept?
    LastWords(oneshot::Sender<Vec<(Place, Draft)>>),
    /// Give the terminal back, and say when that is done.
    Close(oneshot::Sender<()>),
}

/// Whether the terminal is large enough for the full screen to be of use.
pub(crate) fn fits() -> bool {
    terminal::size().is_ok_and(|(columns, rows)| columns >= 30 && rows >= 6)
}

struct Shell {
    taken: Taken,
    reader: Reader,
    /// An editor has the terminal.
    lent: Option<Lent>,
    model: Model,
    look: Look,
    notifier: Notifier,
    input: mpsc::Sender<Input>,
    looked: Arc<Mutex<Looked>>,
    title: String,
    drawn_at: Option<Instant>,
    /// When to keep what is typed.
    save_at: Option<Instant>,
    /// No key counts any more.
    is_ending: bool,
}

/// Whether to go on.
enum Turn {
    On,
    Over(Option<oneshot::Sender<()>>),
}

/// Begins both threads. The queue takes what is to be shown; what is typed comes out.
pub(crate) fn spawn(
    look: Look,
    notifier: Notifier,
    manner: &Manner,
    language: Language,
    now: &Zoned,
    looked: Arc<Mutex<Looked>>,
) -> io::Result<(mpsc::Sender<Event>, mpsc::Receiver<Input>)> {
    let (events, waiting) = mpsc::channel(limits::SCREEN_EVENTS_MAX);
    let (input, inputs) = mpsc::channel(limits::SCREEN_INPUTS_MAX);
    let taken = Taken::take(manner.mouse)?;
    let (reader, keys) = reader::spawn()?;
    let mut shell = Shell {
        taken,
        reader,
        lent: None,
        model: Model::new(language, now),
        look,
        notifier,
        input,
        looked,
        title: String::new(),
        drawn_at: None,
        save_at: None,
        is_ending: false,
    };
    shell.model.attention = Attention::new(&manner.wishes, now.time_zone().clone());
    // A runtime of its own: whoever shuts down the program's does not take it from whoever gives back the terminal.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let queues = Queues { keys, events: waiting };
    thread::Builder::new().name("screen".to_owned()).spawn(move || runtime.block_on(shell.run(queues)))?;
    Ok((events, inputs))
}

/// What waits for the screen.
struct Queues {
    /// Closed when the terminal cannot be read any more.
    keys: mpsc::Receiver<TerminalEvent>,
    events: mpsc::Receiver<Event>,
}

impl Shell {
    /// Until it is told to end, or nobody is left to tell it. A key is taken before what waits to be shown, and drawn at once; what
    /// else changes is drawn when the time for it has come.
    async fn run(mut self, mut queues: Queues) {
        let mut is_drawn = false;
        let mut is_gone = false;
        let ages = self.look.times == Times::Relative;
        loop {
            let frame_at = self.drawn_at.map_or_else(Instant::now, |at| at + limits::FRAME_INTERVAL);
            if !is_drawn && self.lent.is_none() && frame_at <= Instant::now() {
                self.draw();
                is_drawn = true;
            }
            let fades_at = self.fades_at();
            let turn = tokio::select! {
                biased;
                key = queues.keys.recv(), if !is_gone && self.lent.is_none() => {
                    is_gone = key.is_none();
                    self.on_terminal_read(key);
                    if queues.keys.is_empty() {
                        self.perform();
                        self.draw();
                        is_drawn = true;
                        continue;
                    }
                    Turn::On
                }
                event = queues.events.recv() => event.map_or(Turn::Over(None), |event| self.take(event)),
                how = ended(self.lent.as_mut()) => {
                    self.on_written(how);
                    Turn::On
                }
                () = tokio::time::sleep_until(frame_at.into()), if !is_drawn && self.lent.is_none() => continue,
                () = tokio::time::sleep(limits::AGES_REFRESH_INTERVAL), if ages => Turn::On,
                () = until(fades_at) => {
                    self.model.fade(Timestamp::now().as_millisecond());
                    Turn::On
                }
                () = until(self.save_at) => {
                    self.save_at = None;
                    self.model.save_drafts();
                    self.perform();
                    continue;
                }
            };
            self.perform();
            match turn {
                Turn::On => is_drawn = false,
                Turn::Over(done) => return self.end(done),
            }
        }
    }

    fn on_terminal_read(&mut self, key: Option<TerminalEvent>) {
        match key {
            Some(_) if self.is_ending => {}
            Some(event) => {
                self.on_key(event);
                self.save_at = self.save_at.or_else(|| Some(Instant::now() + limits::DRAFT_SAVE_AFTER));
            }
            None => drop(self.hand_on(Input::End)),
        }
    }

    /// Remembers that something was done, and whether it was typing.
    fn on_key(&mut self, event: TerminalEvent) {
        let is_done = match &event {
            TerminalEvent::Key(_) | TerminalEvent::Paste(_) | TerminalEvent::Mouse(_) => true,
            TerminalEvent::FocusGained | TerminalEvent::FocusLost | TerminalEvent::Resize(..) => false,
        };
        let before = self.model.composer.text().to_owned();
        self.on_terminal(event, Timestamp::now().as_millisecond());
        if !is_done {
            return;
        }
        let now = Instant::now();
        let text = self.model.composer.text();
        // What is said, or was taken back, is typed no more.
        let is_sent = text.is_empty() && !before.is_empty();
        let typed = self.model.current().filter(|_| text != before && is_said(text)).cloned();
        let mut looked = self.looked();
        looked.activity.key_at = Some(now);
        if is_sent {
            looked.activity.typed = None;
        } else if let Some(place) = typed {
            looked.activity.typed = Some((place, now));
        }
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        // Nothing can panic while it is locked.
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When something on the screen changes by itself.
    fn fades_at(&self) -> Option<Instant> {
        let left_ms = self.model.fades_at_ms()?.saturating_sub(Timestamp::now().as_millisecond());
        Some(Instant::now() + Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
    }

    fn take(&mut self, event: Event) -> Turn {
        let now_ms = Timestamp::now().as_millisecond();
        match event {
            Event::Item(item) => self.model.show(&item, now_ms),
            Event::Announce { text, is_wrong } => self.model.announce(text, is_wrong, now_ms),
            Event::Ask(question) => self.model.ask(question),
            Event::Ready { whereabouts, taken } => self.model.ready(&whereabouts, taken),
            Event::Names(known) => self.model.know(*known),
            Event::Write(text) => self.write_elsewhere(&text),
            Event::Levels(levels) => {
                levels.iter().for_each(|(place, level)| self.model.attention.set_level(place, Some(*level)));
            }
            Event::Drafts(drafts) => self.model.take_up(drafts),
            Event::LastWords(reply) => {
                self.is_ending = true;
                self.recall_editor();
                // Nobody waits any more if it took too long.
                let _ = reply.send(self.model.unsaved_drafts());
            }
            Event::Close(done) => return Turn::Over(Some(done)),
        }
        Turn::On
    }

    fn on_terminal(&mut self, event: TerminalEvent, now_ms: i64) {
        match event {
            TerminalEvent::Key(key) => {
                if let Some(action) = self.look.keys.action(&key) {
                    self.act(action, now_ms);
                }
            }
            TerminalEvent::Paste(text) => {
                if let Overlay::Switcher { query, chosen } = &mut self.model.overlay {
                    query.extend(text.chars().take(recado_proto::limits::NAME_BYTES_MAX));
                    *chosen = 0;
                } else if !self.model.composer.insert(&text) {
                    self.model.announce(wording::too_long(self.model.language, text.len()), true, now_ms);
                }
            }
            TerminalEvent::FocusGained => self.model.focus(true),
            TerminalEvent::FocusLost => self.model.focus(false),
            TerminalEvent::Mouse(mouse) => self.on_mouse(mouse),
            TerminalEvent::Resize(..) => {}
        }
    }

    /// Does what the model wants.
    fn perform(&mut self) {
        while let Some((place, to)) = self.model.seen() {
            self.looked().seen.insert(place, to);
        }
        if let Some(entry) = self.model.take_arrived() {
            self.look_at(entry);
        }
        while let Some(request) = self.model.next_request() {
            match request {
                Request::Line(line) => {
                    let text = line.clone();
                    let input = match self.model.current().cloned() {
                        Some(place) => Input::LineAt { text, place },
                        None => Input::Line { text, echo: true },
                    };
                    if !self.hand_on(input) {
                        self.model.take_back(line, Timestamp::now().as_millisecond());
                    }
                }
                Request::OnMessage { place, target, what } => {
                    if !self.hand_on(Input::OnMessage { place, target, what: what.clone() }) {
                        self.model.take_back_aimed(target, what, Timestamp::now().as_millisecond());
                    }
                }
                // What another program shows is left alone.
                Request::Copy(_) | Request::Bell | Request::Alert(_) if self.lent.is_some() => {}
                Request::Copy(text) => drop(self.taken.write(&clipboard(&text))),
                // Each line says where it goes in any case.
                Request::Go(place) => drop(self.hand_on(Input::Go(place))),
                Request::Around(of, id) => drop(self.hand_on(Input::Around { of, id })),
                Request::Older(of, before) => {
                    if !self.hand_on(Input::Older { of: of.clone(), before }) {
                        self.model.older_failed(&of);
                    }
                }
                Request::Draft(place, draft) => {
                    if !self.hand_on(Input::Draft(place.clone(), draft)) {
                        self.model.draft_not_taken(&place);
                    }
                }
                Request::Bell => drop(self.taken.write("\x07")),
                Request::Alert(alert) => drop(self.taken.write(&self.notifier.tell(&alert))),
            }
        }
    }

    /// False if too much waits already, or nobody takes it any more because the chat has ended.
    fn hand_on(&mut self, input: Input) -> bool {
        let is_taken = self.input.try_send(input).is_ok();
        if is_taken {
            self.model.handed_on();
        }
        is_taken
    }

    fn draw(&mut self) {
        if self.lent.is_some() {
            return;
        }
        self.look.now_ms = Timestamp::now().as_millisecond();
        let (model, look) = (&self.model, &self.look);
        let drawn = self.taken.terminal.draw(|frame| {
            if let Some(at) = draw::draw(frame.buffer_mut(), model, look) {
                frame.set_cursor_position(at);
            }
        });
        if let Err(error) = drawn {
            tracing::debug!(%error, "the screen cannot be drawn");
        }
        self.drawn_at = Some(Instant::now());
        let mut title = "Recado".to_owned();
        let unread = self.model.unread();
        if unread > 0 {
            let _ = write!(title, " ({unread})");
        }
        if title != self.title {
            // Nothing of what others say is in it.
            drop(self.taken.write(&format!("\x1b]2;{title}\x07")));
            self.title = title;
        }
    }

    fn end(mut self, done: Option<oneshot::Sender<()>>) {
        self.recall_editor();
        self.taken.give_back();
        let rest: Vec<String> = self.model.typed_and_unsent();
        if !rest.is_empty() {
            // Where the terminal is gone nobody reads it.
            let mut output = io::stdout().lock();
            let _ =
                writeln!(output, "{}", wording::left_unsent(self.model.language, self.model.keeps_drafts()));
            rest.iter().for_each(|text| drop(writeln!(output, "{text}")));
        }
        if let Some(done) = done {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// Whether it is something to be said, and no command.
fn is_said(text: &str) -> bool {
    let text = text.trim_start();
    !text.is_empty() && (!text.starts_with('/') || text.starts_with("//"))
}

/// The sequence that makes the terminal put a text into the clipboard (OSC 52).
fn clipboard(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", BASE64.encode(text))
}
