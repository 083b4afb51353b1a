//! What the whole screen shows for what happened and what was done, and the rules behind it. Pictures are compared with the files in
//! `snapshots/`: `RECADO_ACCEPT=1` writes them, and whoever accepts one looks at it.

mod choosing;
mod company;
mod drafts;
mod finding;
mod mentions;
mod pictures;
mod reading;
mod rules;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use recado_proto::{ChannelName, Epoch, Manner, MessageId, UserName};

use super::draw::{self, Areas, Look};
use super::keys::Keys;
use super::model::{Model, Request};
use super::scroll;
use super::theme::Colours;
use crate::chat::Whereabouts;
use crate::chat::complete::KnownNames;
use crate::chat::item::{Item, Message, Notice, Place};
use crate::view::colour::{Palette, Theme};
use crate::view::times::Times;
use crate::view::wording::Language;

/// 2026-03-14 09:26:53 UTC.
const NOW_MS: i64 = 1_773_480_413_000;

/// A screen, and who uses it.
struct Screen {
    model: Model,
    look: Look,
    area: Rect,
    requests: Vec<Request>,
}

impl Screen {
    fn new(columns: u16, rows: u16) -> Self {
        let now = Timestamp::from_millisecond(NOW_MS).unwrap().to_zoned(TimeZone::UTC);
        Self::at(&now, columns, rows)
    }

    fn at(now: &Zoned, columns: u16, rows: u16) -> Self {
        let colours = Colours::new(Palette::Plain, Theme::default());
        let look = Look {
            colours,
            zone: now.time_zone().clone(),
            keys: Keys::default(),
            times: Times::Clock,
            now_ms: NOW_MS,
        };
        Self {
            model: Model::new(Language::English, now),
            look,
            area: Rect::new(0, 0, columns, rows),
            requests: Vec::new(),
        }
    }

    /// `ana`, who is in `geral` and knows a few.
    fn of_ana(columns: u16, rows: u16) -> Self {
        Self::of_ana_in(Language::English, columns, rows)
    }

    fn of_ana_in(language: Language, columns: u16, rows: u16) -> Self {
        let now = Timestamp::from_millisecond(NOW_MS).unwrap().to_zoned(TimeZone::UTC);
        let mut screen = Self { model: Model::new(language, &now), ..Self::at(&now, columns, rows) };
        screen.notice(Notice::Welcome {
            user: user("ana"),
            channels: vec![channel("geral"), channel("tech")],
            joining: Some(channel("geral")),
            is_first: true,
        });
        screen.notice(Notice::Joined { channel: channel("geral"), empty: false, passing: false });
        let mut known = KnownNames::default();
        known.set_channels(["geral", "tech", "lunch"].map(channel).into_iter());
        known.set_users(["ana", "bia", "caio", "davi"].map(user).into_iter());
        screen.model.know(known);
        screen.requests.clear();
        screen
    }

    fn show(&mut self, item: &Item) {
        self.model.show(item, NOW_MS);
        self.collect();
    }

    fn notice(&mut self, notice: Notice) {
        self.show(&Item::Notice(notice));
    }

    fn joined(&mut self, name: &str) {
        self.notice(Notice::Joined { channel: channel(name), empty: false, passing: false });
    }

    /// Somebody says something: the message's number is its place.
    fn said(&mut self, place: &Place, author: &str, seq: u64, text: &str) {
        self.show(&Item::Message(message(place, author, seq, text)));
    }

    fn did(&mut self, act: impl FnOnce(&mut Model)) {
        act(&mut self.model);
        self.collect();
    }

    fn typed(&mut self, text: &str) {
        assert!(self.model.composer.insert(text));
    }

    fn enter(&mut self) {
        self.did(|model| model.submit(false, NOW_MS));
    }

    fn back(&mut self, rows: usize) {
        let area = Areas::of(self.area, &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        if scroll::back(self.model.log_mut(), rows, area.height.into(), &entries) {
            self.model.want_older();
        }
        self.collect();
    }

    fn scroll_to_top(&mut self) {
        let area = Areas::of(self.area, &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        scroll::top(self.model.log_mut(), area.height.into(), &entries);
        self.did(Model::want_older);
    }

    fn on(&mut self, rows: usize) {
        let area = Areas::of(self.area, &self.model).messages;
        let entries = self.look.entries(&self.model, area.width);
        scroll::on(self.model.log_mut(), rows, &entries);
        self.did(Model::fetch_latest);
    }

    /// The chat took all that was handed on.
    fn ready(&mut self, place: Option<Place>, taken: u64) {
        self.model.ready(&Whereabouts { user: user("ana"), place }, taken);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(request) = self.model.next_request() {
            if request != Request::Bell {
                self.model.handed_on();
            }
            self.requests.push(request);
        }
    }

    fn asked(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
    }

    fn buffer(&self) -> (Buffer, Option<(u16, u16)>) {
        let mut buffer = Buffer::empty(self.area);
        let cursor = draw::draw(&mut buffer, &self.model, &self.look);
        (buffer, cursor.map(|at| (at.x, at.y)))
    }

    /// The cells' text row by row, and where the cursor is.
    fn picture(&self) -> String {
        let (buffer, cursor) = self.buffer();
        let mut picture = String::new();
        for y in 0..self.area.height {
            let mut row = String::new();
            let mut hidden = 0;
            for x in 0..self.area.width {
                let symbol = buffer[(x, y)].symbol();
                // What is wide covers the cell behind it.
                if hidden == 0 {
                    row.push_str(symbol);
                    hidden = unicode_width::UnicodeWidthStr::width(symbol).max(1);
                }
                hidden -= 1;
            }
            picture.push_str(row.trim_end());
            picture.push('\n');
        }
        match cursor {
            Some((x, y)) => picture + &format!("cursor: column {x}, row {y}\n"),
            None => picture + "no cursor\n",
        }
    }

    /// Rows of the messages of which every cell is reversed.
    fn reversed_rows(&self) -> Vec<String> {
        let area = Areas::of(self.area, &self.model).messages;
        let (buffer, _) = self.buffer();
        let is_reversed = |at: (u16, u16)| buffer[at].modifier.contains(Modifier::REVERSED);
        let rows = (area.top()..area.bottom()).map(|y| (area.left()..area.right()).map(move |x| (x, y)));
        let reversed = rows.filter(|row| row.clone().all(is_reversed));
        reversed.map(|row| row.map(|at| buffer[at].symbol()).collect()).collect()
    }

    /// The rows of the messages alone.
    fn messages(&self) -> Vec<String> {
        let area = Areas::of(self.area, &self.model).messages;
        let (buffer, _) = self.buffer();
        let row = |y| (area.left()..area.right()).map(move |x| (x, y));
        let text = |y| row(y).map(|at| buffer[at].symbol()).collect::<String>().trim_end().to_owned();
        (area.top()..area.bottom()).map(text).collect()
    }
}

/// A screen with `geral` and `tech`, where one is in `geral`.
fn two_channels() -> Screen {
    let mut screen = Screen::of_ana(80, 24);
    screen.joined("tech");
    screen.did(|model| model.go(geral()));
    screen.asked();
    screen
}

/// How many are unread, and how many of them are mentions.
fn counts(screen: &Screen, place: &Place) -> (usize, usize) {
    let log = screen.model.conversations().find(|(of, _)| *of == place);
    log.map(|(_, log)| (log.unread, log.mentions)).expect("the conversation is there")
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn geral() -> Place {
    Place::Channel(channel("geral"))
}

fn tech() -> Place {
    Place::Channel(channel("tech"))
}

fn with(name: &str) -> Place {
    Place::Direct(user(name))
}

fn epoch() -> Epoch {
    Epoch::new(1).unwrap()
}

fn id(place: &Place, author: &str, seq: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seq.to_be_bytes());
    bytes[8] = u8::from(matches!(place, Place::Direct(_)));
    bytes[9] = u8::from(*place == tech());
    bytes[10] = author.as_bytes()[0];
    MessageId::from_bytes(bytes)
}

/// A second after the one before.
fn message(place: &Place, author: &str, seq: u64, text: &str) -> Message {
    Message {
        place: place.clone(),
        author: user(author),
        text: text.to_owned(),
        time_ms: NOW_MS + i64::try_from(seq).unwrap() * 1_000,
        id: Some(id(place, author, seq)),
        seq: Some(seq),
        epoch: Some(epoch()),
        earlier: false,
        own: author == "ana",
        current: false,
        manner: Manner::default(),
        quoted: None,
        edited: false,
        acts: Vec::new(),
    }
}

/// An own one that has no answer yet.
fn pending(place: &Place, number: u64, text: &str) -> Message {
    Message { seq: None, epoch: None, ..message(place, "ana", number, text) }
}
