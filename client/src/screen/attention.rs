//! When something that was said is worth a sound or a notification, and what is said then. Values in, decisions out: it reads no clock
//! and writes nowhere.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use recado_proto::{ChannelName, UserName};
use thiserror::Error;

use crate::chat::item::{Message, Place};
use crate::chat::mentions::folded;
use crate::limits;
use crate::view::text::{fitted, one_line};
use crate::view::wording::{self, Language};

pub use crate::chat::item::Level;

/// What one wants to be told of a conversation, as `#geral=all`, `@bob=none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelSetting {
    place: Place,
    level: Level,
}

/// When one does not want to be told of anything: from one time of day to another, over midnight if the first is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
}

/// Why a wish cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WishError {
    /// It is no conversation with a level.
    #[error("write #CHANNEL=LEVEL or @USER=LEVEL; levels are all, mentions and none")]
    NoLevel,
    /// There can be no such name.
    #[error("{0}")]
    NoName(String),
    /// It is no span of a day.
    #[error("write FROM-TO, as in 22:00-07:30")]
    NoHours,
}

/// All that one wishes.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Nothing makes a sound or a notification.
    pub do_not_disturb: bool,
    /// When it is so by itself.
    pub quiet_hours: Option<QuietHours>,
    /// Words that count as one's name does.
    pub keywords: Vec<String>,
    /// What else than usual one wants to be told of a conversation; of several the last holds.
    pub levels: Vec<LevelSetting>,
}

/// What one is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// The rules, and when they were last followed.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    do_not_disturb: bool,
    quiet_hours: Option<QuietHours>,
    keywords: Vec<String>,
    levels: BTreeMap<Place, Level>,
    /// As they were at the start.
    wished: BTreeMap<Place, Level>,
    zone: TimeZone,
    alerted_ms: Option<i64>,
}

impl Attention {
    /// The zone that times are told in.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(crate) fn new(wishes: &Wishes, zone: TimeZone) -> Self {
        let keywords = wishes.keywords.iter().take(limits::KEYWORDS_MAX);
        let levels: BTreeMap<Place, Level> =
            wishes.levels.iter().map(|setting| (setting.place.clone(), setting.level)).collect();
        Self {
            do_not_disturb: wishes.do_not_disturb,
            quiet_hours: wishes.quiet_hours,
            keywords: keywords.map(|word| folded(word.trim())).filter(|word| !word.is_empty()).collect(),
            wished: levels.clone(),
            levels,
            zone,
            alerted_ms: None,
        }
    }

    /// Words that count as one's name does, as they are looked for.
    pub(crate) fn keywords(&self) -> &[String] {
        &self.keywords
    }

    /// What to say of a message of another that one does not look at; none if it is to make no sound. What was said while one was
    /// away is counted and not announced, so that a return is silent.
    pub(crate) fn decide(
        &mut self,
        message: &Message,
        is_mentioned: bool,
        language: Language,
        now_ms: i64,
    ) -> Option<Alert> {
        let usual = match message.place {
            Place::Channel(_) => Level::Mentions,
            Place::Direct(_) => Level::All,
        };
        let is_wanted = match self.levels.get(&message.place).copied().unwrap_or(usual) {
            Level::All => true,
            Level::Mentions => is_mentioned,
            Level::None => false,
        };
        if !is_wanted || message.own || message.earlier || self.is_quiet(now_ms) {
            return None;
        }
        let pause = i64::try_from(limits::ALERT_PAUSE.as_millis()).unwrap_or(i64::MAX);
        // A clock that was set back ends the pause.
        if self.alerted_ms.is_some_and(|last| (last..last.saturating_add(pause)).contains(&now_ms)) {
            return None;
        }
        self.alerted_ms = Some(now_ms);
        let shown = |text: &str| fitted(&one_line(text), limits::ALERT_COLUMNS_MAX).into_owned();
        Some(Alert {
            title: shown(&wording::alert(language, message.author.as_str(), &message.place)),
            body: shown(&message.text),
        })
    }

    /// What one is told of a conversation from now on; none: as it was wished at the start, or else as is usual.
    pub(crate) fn set_level(&mut self, place: &Place, level: Option<Level>) {
        match level.or_else(|| self.wished.get(place).copied()) {
            Some(level) => self.levels.insert(place.clone(), level),
            None => self.levels.remove(place),
        };
    }

    /// Nothing makes a sound or a notification from now on, or again what is wished.
    pub(crate) fn set_do_not_disturb(&mut self, is_on: bool) {
        self.do_not_disturb = is_on;
    }

    fn is_quiet(&self, now_ms: i64) -> bool {
        let time = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = self.zone.to_datetime(time).time();
        self.do_not_disturb || self.quiet_hours.is_some_and(|hours| hours.has(time))
    }
}

impl QuietHours {
    fn has(self, time: Time) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

impl FromStr for QuietHours {
    type Err = WishError;

    fn from_str(text: &str) -> Result<Self, WishError> {
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| WishError::NoHours);
        let (from, to) = text.split_once('-').ok_or(WishError::NoHours)?;
        Ok(Self { from: time(from)?, to: time(to)? })
    }
}

impl FromStr for LevelSetting {
    type Err = WishError;

    fn from_str(text: &str) -> Result<Self, WishError> {
        let (name, level) = text.rsplit_once('=').ok_or(WishError::NoLevel)?;
        let level = Level::parse(level.trim()).ok_or(WishError::NoLevel)?;
        let name = name.trim();
        let place = if let Some(channel) = name.strip_prefix('#') {
            Place::Channel(ChannelName::parse(channel).map_err(|error| WishError::NoName(error.to_string()))?)
        } else if let Some(user) = name.strip_prefix('@') {
            Place::Direct(UserName::parse(user).map_err(|error| WishError::NoName(error.to_string()))?)
        } else {
            return Err(WishError::NoLevel);
        };
        Ok(Self { place, level })
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use recado_proto::{ChannelName, Manner, UserName};

    use super::{Attention, Level, Wishes};
    use crate::chat::item::{Message, Place};
    use crate::view::wording::Language;

    const NOON_MS: i64 = 12 * 3_600_000;
    const HOUR_MS: i64 = 3_600_000;

    fn said(place: &str, text: &str) -> Message {
        let place = match place.strip_prefix('#') {
            Some(channel) => Place::Channel(ChannelName::parse(channel).unwrap()),
            None => Place::Direct(UserName::parse(place).unwrap()),
        };
        Message {
            place,
            author: UserName::parse("bob").unwrap(),
            text: text.to_owned(),
            time_ms: 0,
            id: None,
            seq: None,
            epoch: None,
            earlier: false,
            own: false,
            current: false,
            manner: Manner::default(),
            quoted: None,
            edited: false,
            acts: Vec::new(),
        }
    }

    fn attention(wishes: Wishes) -> Attention {
        Attention::new(&wishes, TimeZone::UTC)
    }

    fn wishes(levels: &[&str]) -> Wishes {
        Wishes { levels: levels.iter().map(|level| level.parse().unwrap()).collect(), ..Wishes::default() }
    }

    #[track_caller]
    fn check(wishes: &Wishes, place: &str, is_mentioned: bool, at_ms: i64, expect: bool) {
        let alert =
            attention(wishes.clone()).decide(&said(place, "hello"), is_mentioned, Language::English, at_ms);
        assert_eq!(alert.is_some(), expect);
    }

    #[test]
    fn mentions_and_direct_messages_are_announced() {
        check(&wishes(&[]), "#geral", true, NOON_MS, true);
        check(&wishes(&[]), "#geral", false, NOON_MS, false);
        check(&wishes(&[]), "bob", true, NOON_MS, true);
    }

    #[test]
    fn each_conversation_has_a_level_of_its_own() {
        let wishes = wishes(&["#geral=none", "#geral=all", "#noise=none", "@bob=none", "#a=b=mentions"]);
        check(&wishes, "#geral", false, NOON_MS, true);
        check(&wishes, "#noise", true, NOON_MS, false);
        check(&wishes, "bob", true, NOON_MS, false);
        check(&wishes, "#a=b", true, NOON_MS, true);
        for wrong in ["geral=all", "#geral", "#geral=loud", "#=all", ""] {
            assert!(wrong.parse::<super::LevelSetting>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_said_in_the_chat_holds_until_it_is_taken_back() {
        let mut attention = attention(wishes(&["#geral=all"]));
        let mut is_told = |level: Option<Option<Level>>, dnd: Option<bool>| {
            let message = said("#geral", "hello");
            level.into_iter().for_each(|level| attention.set_level(&message.place, level));
            dnd.into_iter().for_each(|is_on| attention.set_do_not_disturb(is_on));
            attention.alerted_ms = None;
            attention.decide(&message, false, Language::English, NOON_MS).is_some()
        };
        assert!(is_told(None, None));
        assert!(!is_told(Some(Some(Level::None)), None));
        assert!(is_told(Some(Some(Level::All)), None));
        assert!(!is_told(None, Some(true)));
        assert!(is_told(None, Some(false)));
        assert!(!is_told(Some(Some(Level::Mentions)), None));
        assert!(is_told(Some(None), None), "as it was wished at the start");
    }

    #[test]
    fn quiet_hours_run_over_midnight() {
        let quiet = |hours: &str| Wishes { quiet_hours: Some(hours.parse().unwrap()), ..Wishes::default() };
        for (hours, hour, expect) in [
            ("22:00-07:30", 23, false),
            ("22:00-07:30", 7, false),
            ("22:00-07:30", 8, true),
            ("09:00-17:00", 12, false),
            ("09:00-17:00", 17, true),
            ("12:00-12:00", 12, true),
        ] {
            check(&quiet(hours), "bob", true, hour * HOUR_MS, expect);
        }
        for wrong in ["22:00", "22-7", "25:00-07:00", "-", "22:00-07:00-08:00"] {
            assert!(wrong.parse::<super::QuietHours>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_disturbs_who_does_not_want_it() {
        check(&Wishes { do_not_disturb: true, ..Wishes::default() }, "bob", true, NOON_MS, false);
    }

    #[test]
    fn what_was_said_while_one_was_away_is_silent() {
        let mut earlier = said("bob", "hello");
        earlier.earlier = true;
        assert_eq!(attention(wishes(&[])).decide(&earlier, true, Language::English, NOON_MS), None);
    }

    #[test]
    fn many_at_once_are_announced_once() {
        let mut attention = attention(wishes(&[]));
        let mut announced =
            |at_ms| attention.decide(&said("bob", "hello"), true, Language::English, at_ms).is_some();
        assert_eq!(
            [0, 1, 1_999, 2_000, 2_001].map(|after| announced(NOON_MS + after)),
            [true, false, false, true, false]
        );
        assert!(announced(NOON_MS - HOUR_MS), "the clock was set back");
    }

    #[test]
    fn what_is_announced_is_harmless_and_short() {
        let hostile = format!("\x1b]0;x\x07\u{9c}\n{}", "y".repeat(10_000));
        let alert = attention(wishes(&[]))
            .decide(&said("#geral", &hostile), true, Language::English, NOON_MS)
            .unwrap();
        assert_eq!(alert.title, "bob in #geral");
        assert!(alert.body.starts_with("␛]0;x␇<U+009C>␊yyy"), "{}", alert.body);
        assert!(alert.body.len() < 300 && !alert.body.contains(char::is_control));
    }

    #[test]
    fn keywords_are_looked_for_as_names_are() {
        let keywords = ["Deploy", " ", "São"].map(str::to_owned).to_vec();
        let attention = attention(Wishes { keywords, ..Wishes::default() });
        assert_eq!(attention.keywords(), ["deploy", "são"]);
    }
}
