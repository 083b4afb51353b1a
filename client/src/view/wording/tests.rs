//! Both languages side by side: every text is there, in its own words, and fits where it is to stand.

use jiff::civil::date;
use recado_proto::{ActKind, ChannelName, Code, Members, MessageId, NameError, Role, UserName};
use recado_zmtp::codec::HandshakeError;
use recado_zmtp::curve::KeyPair;
use recado_zmtp::transport::EstablishError;

use crate::chat::command::{COMMANDS, CommandError, CommandSpec, Governing};
use crate::chat::draft::{Aim, Purpose};
use crate::chat::item::{ActShown, Attempt, Failure, FailureCode, Level, Notice, Place, TopicSet};
use crate::chat::reason::{Hint, Reason, Unreadable};
use crate::keys::Distrust;
use crate::screen::Keys;
use crate::session::RequestError;
use crate::view::text::columns;

use super::{Hosted, HostedParts, Language};

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn user() -> UserName {
    UserName::parse("ana").unwrap()
}

fn geral() -> Place {
    Place::Channel(channel("geral"))
}

fn bia() -> Place {
    Place::Direct(UserName::parse("bia").unwrap())
}

fn spec(name: &str) -> &'static CommandSpec {
    CommandSpec::find(name).unwrap()
}

fn notices() -> Vec<Notice> {
    let of = || channel("geral");
    let reason = || "connection refused".to_owned();
    let many = (0..20).map(|number| channel(&format!("c{number}"))).collect::<Vec<_>>();
    let welcome = |channels: &[ChannelName], joining: Option<ChannelName>, is_first| Notice::Welcome {
        user: user(),
        channels: channels.to_vec(),
        joining,
        is_first,
    };
    let mut notices = vec![
        welcome(&[], Some(of()), true),
        welcome(&[], None, true),
        welcome(&[of()], Some(of()), false),
        welcome(&many, None, false),
        Notice::Joined { channel: of(), empty: false },
        Notice::Joined { channel: of(), empty: true },
        Notice::Switched { channel: of() },
        Notice::Talking { user: user() },
        Notice::TalkingNoMore { user: user(), current: None },
        Notice::TalkingNoMore { user: user(), current: Some(of()) },
        Notice::Left { channel: of(), current: None },
        Notice::Left { channel: of(), current: Some(channel("tech")) },
        Notice::Created { channel: of() },
        Notice::Alerting { place: geral(), level: Some(Level::All) },
        Notice::Alerting { place: geral(), level: Some(Level::Mentions) },
        Notice::Alerting { place: geral(), level: Some(Level::None) },
        Notice::Alerting { place: bia(), level: None },
        Notice::Disturbing { is_on: true },
        Notice::Disturbing { is_on: false },
        Notice::Attending { is_away: true },
        Notice::Attending { is_away: false },
        Notice::ServerLost { reason: reason() },
        Notice::BrokerLost { reason: reason() },
        Notice::BrokerBack,
        Notice::Missing { place: geral(), first: 3, last: 3 },
        Notice::Missing { place: bia(), first: 3, last: 9 },
        Notice::EpochChanged { place: geral() },
        Notice::Malformed { topic: "geral".to_owned(), reason: "!".to_owned() },
        Notice::KeptDamaged { copy: "/tmp/x".to_owned() },
        Notice::KeptElsewhere,
        Notice::KeepsNothing { reason: "permission denied".to_owned() },
        Notice::Away { channel: None, count: 1, shown: 1 },
        Notice::Away { channel: Some(of()), count: 2, shown: 1 },
        Notice::Away { channel: Some(of()), count: 2_000, shown: 200 },
        Notice::HowToQuit,
    ];
    for lines in [1, 2] {
        notices.push(Notice::Kept { lines });
        notices.push(Notice::KeptBefore { lines });
        notices.push(Notice::KeptForLater { lines });
    }
    notices.extend([0, 1, 2].map(|kept| Notice::ServerBack { kept }));
    notices.extend(governed());
    notices.extend(distrust().map(|found| Notice::Distrusted(Box::new(found))));
    notices
}

fn governed() -> Vec<Notice> {
    let eva = || UserName::parse("eva").unwrap();
    let here = |what| Notice::Governed { what, channel: Some(channel("geral")) };
    let mut governed = vec![
        here(Governing::Invite(eva())),
        here(Governing::Kick(eva())),
        here(Governing::Silence { of: eva(), lasting: None }),
        here(Governing::Unsilence(eva())),
        here(Governing::Private),
        here(Governing::Public),
        Notice::Governed { what: Governing::Ban(eva()), channel: None },
    ];
    let role = |role| Notice::Governed { what: Governing::Role { of: eva(), role }, channel: None };
    governed.extend(Role::ALL.map(role));
    governed
}

fn distrust() -> [Distrust; 3] {
    let key = || KeyPair::from_secret("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs".parse().unwrap()).public();
    let (known, found) = (key(), key());
    let endpoint = || "tcp://a:1".parse().unwrap();
    [
        Distrust::Changed { endpoint: endpoint(), known, found },
        Distrust::Opened { endpoint: endpoint(), known },
        Distrust::Secured { endpoint: endpoint(), found },
    ]
}

fn acts() -> Vec<ActShown> {
    let kinds = [
        (ActKind::Edit, "42"),
        (ActKind::Delete, ""),
        (ActKind::React, "👍"),
        (ActKind::Unreact, "👍"),
        (ActKind::Topic, "42"),
        (ActKind::Topic, ""),
    ];
    let act = |(place, (kind, text)): (Place, (ActKind, &str))| ActShown {
        place,
        author: user(),
        kind,
        target: None,
        text: text.to_owned(),
        time_ms: 0,
        id: None,
        seq: None,
        epoch: None,
        own: false,
    };
    let places = [geral(), bia()].into_iter();
    places.flat_map(|place| kinds.map(|kind| (place.clone(), kind))).map(act).collect()
}

fn attempts() -> Vec<Attempt> {
    let send = |to, ambiguous| Attempt::Send { to, text: String::new(), id: None, ambiguous };
    vec![
        send(None, false),
        send(Some(geral()), false),
        send(Some(bia()), true),
        Attempt::Join(channel("geral")),
        Attempt::Leave(None),
        Attempt::Create(channel("geral")),
        Attempt::Users,
        Attempt::Channels,
        Attempt::History,
        Attempt::Older(geral()),
        Attempt::Act,
        Attempt::Govern,
        Attempt::Line,
    ]
}

fn reasons() -> Vec<Reason> {
    let mut reasons = vec![
        Reason::Unreadable(Unreadable::TooLong),
        Reason::Unreadable(Unreadable::NoText),
        Reason::InNoChannel,
        Reason::InNoConversation,
        Reason::PresenceIsOff,
        Reason::NotInThisChannel,
        Reason::NotIn(channel("geral")),
        Reason::OnlyChannels,
        Reason::NoSuchEmoji(":x:".to_owned()),
        Reason::NobodyWrote,
        Reason::NeedsTerminal,
        Reason::NotSoFarBack(9),
        Reason::NothingShown,
        Reason::OutboxFull(9),
        Reason::NoSuchChannel(channel("geral")),
        Reason::NoAnswer,
        Reason::NoServer,
        Reason::LineBefore,
    ];
    let errors = [
        RequestError::Malformed { reason: "!".to_owned() },
        RequestError::Distrusted(Box::new(distrust()[0].clone())),
        RequestError::NotLoggedIn,
        RequestError::Busy,
        RequestError::TooManyTopics,
        RequestError::Closed,
    ];
    let unanswered = [0, 1, 2].map(|attempts| RequestError::Unanswered { attempts });
    let refused =
        Code::ALL.map(|code| RequestError::Refused { code, description: "it is refused".to_owned() });
    reasons.extend(errors.into_iter().chain(unanswered).chain(refused).map(Reason::Request));
    let names = [
        NameError::Empty,
        NameError::TooLong { bytes: 999 },
        NameError::ControlCharacter,
        NameError::Reserved,
    ];
    let commands = [
        CommandError::Unknown { name: "x".to_owned(), nearest: None },
        CommandError::Unknown { name: "jion".to_owned(), nearest: Some("join") },
        CommandError::Incomplete(spec("msg")),
        CommandError::TooMuch(spec("users")),
        CommandError::TooMuch(spec("delete")),
        CommandError::Number,
        CommandError::Back,
        CommandError::Quote,
        CommandError::When { error: crate::when::parse("soon").unwrap_err() },
    ];
    let names = names.map(|error| CommandError::Name { error });
    reasons.extend(commands.into_iter().chain(names).map(Reason::Command));
    reasons
}

fn hints() -> Vec<Hint> {
    let of = || channel("geral");
    vec![
        Hint::JoinThere,
        Hint::Join(of()),
        Hint::JoinOne,
        Hint::Create(of()),
        Hint::NearestChannel { nearest: "geral".to_owned(), named: channel("gerla") },
        Hint::NearestUser("bia".to_owned()),
        Hint::NearestOfUsers("bia".to_owned()),
        Hint::ListUsers,
        Hint::WriteToSomebody,
        Hint::DirectHistory,
        Hint::EmojiNames,
        Hint::Numbers,
    ]
}

fn failures() -> Vec<Failure> {
    let failure = |what, reason, hint| Failure { what, code: FailureCode::Session, reason, hint };
    let mut failures: Vec<Failure> =
        attempts().into_iter().map(|what| failure(what, Reason::NoAnswer, None)).collect();
    failures.extend(reasons().into_iter().map(|reason| failure(Attempt::Act, reason, None)));
    failures.extend(hints().into_iter().map(|hint| failure(Attempt::Line, Reason::NothingShown, Some(hint))));
    failures
}

fn labels(language: Language) -> Vec<String> {
    let names = |count: usize| vec!["ana".to_owned(); count];
    let about = TopicSet { author: user(), time_ms: 0, text: "42".to_owned() };
    let mut labels = vec![
        super::alert(language, "bia", &geral()),
        super::to_you(language, "bia"),
        super::from_you(language, "bia"),
        super::backlog(language, None),
        super::backlog(language, Some(&channel("geral"))),
        super::history(language, &bia(), 7),
        super::topic(language, &channel("geral"), None),
        super::topic(language, &channel("geral"), Some(&about)),
        super::history_end(language).to_owned(),
        super::you_are_here(language).to_owned(),
        super::joined(language).to_owned(),
        super::unread_divider(language).to_owned(),
        super::unread_elsewhere(language, 1),
        super::unread_elsewhere(language, 1_234),
        super::deleted(language).to_owned(),
        super::edited(language).to_owned(),
        super::people(language).to_owned(),
        super::send_so_many_lines(language, 12),
        super::fetching_older(language).to_owned(),
        super::scrolled_back(language).to_owned(),
        super::connection(language, true, false).to_owned(),
        super::connection(language, false, true).to_owned(),
        super::connection(language, true, true).to_owned(),
        super::switcher(language).to_owned(),
        super::left_unsent(language, true).to_owned(),
        super::left_unsent(language, false).to_owned(),
        super::aim_hint(language).to_owned(),
        super::chosen_hint(language).to_owned(),
        super::really_delete(language).to_owned(),
        super::not_your_own(language).to_owned(),
        super::answers_nothing_here(language).to_owned(),
        super::copied(language).to_owned(),
        super::device(language, "recado://a:1/k/c"),
        super::members(language, &channel("geral"), &Members::default()),
        super::members(
            language,
            &channel("geral"),
            &Members { members: vec![user()], private: true, owner: None },
        ),
        super::your_name(language, None),
        super::your_name(language, Some("ana")),
        super::too_long(language, 70_000),
        super::busy(language).to_owned(),
        super::no_server(language, &"tcp://127.0.0.1:5555".parse().unwrap(), "connection refused"),
        super::still_trying(language).to_owned(),
        super::too_fast(language, 1),
        super::too_fast(language, 2),
        super::keys_title(language).to_owned(),
        super::keys_hint(language, Some("F1"), Some("Alt+A"), Some("Ctrl+K")),
    ];
    for (purpose, author) in [
        (Purpose::Answer, None),
        (Purpose::Answer, Some(user())),
        (Purpose::Edit, None),
        (Purpose::React, None),
    ] {
        let target = MessageId::from_bytes([1; 16]);
        labels.push(super::aim(language, &Aim { purpose, target, author, before: String::new() }));
    }
    labels.extend([0, 1, 2].map(|count| super::history(language, &geral(), count)));
    labels.extend([0, 1, 2].map(|count| super::users(language, &names(count))));
    labels.extend([0, 1, 2].map(|count| super::channels(language, &names(count))));
    for parts in [HostedParts::Both, HostedParts::Server, HostedParts::Broker] {
        labels.extend([false, true].map(|is_secured| super::hosted(language, Hosted { parts, is_secured })));
    }
    labels.push(super::founded(language, &user()));
    labels.extend((1..=12).map(|month| super::day(language, date(2026, month, 1))));
    labels.extend((8..=14).map(|day| super::day(language, date(2026, 3, day))));
    labels
}

fn keys(language: Language) -> Vec<String> {
    Keys::default().shown(language).into_iter().map(|(_, summary)| summary.to_owned()).collect()
}

fn help(language: Language) -> Vec<String> {
    let (before, commands, after) = super::help(language);
    let mut help = vec![before.to_owned(), after.to_owned()];
    help.extend(commands.into_iter().map(|(_, summary)| summary.to_owned()));
    help.extend(COMMANDS.iter().map(|spec| super::help_on(language, spec)));
    help
}

/// Every text of the chat, in the same order for each language.
fn texts(language: Language) -> Vec<String> {
    let mut texts = labels(language);
    texts.extend(notices().iter().map(|notice| super::notice(language, notice)));
    texts.extend(acts().iter().map(|act| super::act(language, act)));
    texts.extend(failures().iter().map(|failure| super::failure(language, failure)));
    texts.extend(help(language));
    texts.extend(keys(language));
    texts
}

/// What one says in no other way in the other language.
const ALIKE: &[&str] = &[];

/// Words that no sentence in Portuguese has.
const ENGLISH: &[&str] = &[
    "about", "above", "all", "an", "and", "are", "back", "be", "been", "before", "below", "by", "can",
    "cannot", "channel", "channels", "here", "is", "it", "its", "kept", "line", "lines", "message",
    "messages", "more", "name", "new", "nobody", "not", "of", "one", "or", "sent", "server", "that", "the",
    "there", "this", "to", "typed", "unread", "user", "users", "was", "were", "what", "with", "you", "your",
];

#[test]
fn every_text_is_there_in_both_languages_and_in_words_of_its_own() {
    let [english, portuguese] = Language::ALL.map(texts);
    assert_eq!(english.len(), portuguese.len());
    for (english, portuguese) in english.iter().zip(&portuguese) {
        assert!(!english.trim().is_empty() && !portuguese.trim().is_empty(), "{english:?} {portuguese:?}");
        assert!(english != portuguese || ALIKE.contains(&english.as_str()), "{english:?} in both");
    }
}

#[test]
fn nothing_english_is_left_in_portuguese() {
    for text in texts(Language::Portuguese) {
        // Names of commands, of channels and of users are no words.
        let words = text.split(|letter: char| letter.is_whitespace() || ",.:;!?()[]`".contains(letter));
        let left: Vec<&str> = words.filter(|word| ENGLISH.contains(&word.to_lowercase().as_str())).collect();
        assert!(left.is_empty(), "{left:?} in {text:?}");
    }
}

#[test]
fn no_english_text_has_a_letter_that_english_lacks() {
    for text in texts(Language::English) {
        assert!(!text.chars().any(|letter| "áéíóúâêôãõàç".contains(letter)), "{text:?}");
    }
}

#[test]
fn no_text_has_a_gap_or_an_end_that_dangles() {
    for language in Language::ALL {
        for text in texts(language) {
            assert!(!text.contains(" ,") && !text.contains(" .") && !text.contains("  ;"), "{text:?}");
            assert!(!text.ends_with("..") && !text.ends_with(", "), "{text:?}");
        }
    }
}

#[test]
fn the_first_start_explains_itself_in_five_lines_and_later_ones_are_short() {
    for language in Language::ALL {
        for notice in notices() {
            let Notice::Welcome { is_first, .. } = notice else { continue };
            let text = super::notice(language, &notice);
            assert_eq!(text.lines().count(), if is_first { 5 } else { 2 }, "{text}");
            if is_first {
                assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
            }
        }
    }
}

/// The messages' part of a terminal of 80 columns.
const PART_COLUMNS: usize = 63;

#[test]
fn the_list_of_keys_fits_beside_the_conversations_on_80_columns() {
    for language in Language::ALL {
        let shown = Keys::default().shown(language);
        let widest = shown.iter().map(|(keys, _)| columns(keys)).max().unwrap() + 2;
        for (keys, summary) in &shown {
            assert!(widest + columns(summary) <= PART_COLUMNS, "{keys} {summary}");
        }
        assert!(columns(super::keys_title(language)) <= PART_COLUMNS);
        assert!(columns(&Keys::default().hint(language)) <= 60);
    }
}

#[test]
fn the_help_fits_on_wide_terminals_and_what_stands_in_one_row_fits_there() {
    for language in Language::ALL {
        let (before, commands, after) = super::help(language);
        let widest = commands.iter().map(|(usage, _)| columns(usage)).max().unwrap();
        for (usage, summary) in &commands {
            assert!(2 + widest + 2 + columns(summary) <= 110, "{usage} {summary}");
        }
        assert!(before.lines().chain(after.lines()).all(|line| columns(line) < 120));
        let labels = [
            super::send_so_many_lines(language, 9_999),
            super::chosen_hint(language).to_owned(),
            super::really_delete(language).to_owned(),
            super::fetching_older(language).to_owned(),
            super::scrolled_back(language).to_owned(),
        ];
        for label in labels {
            assert!(columns(&label) + 4 <= PART_COLUMNS, "{label}");
        }
        assert!(columns(super::connection(language, true, true)) < 60);
    }
}

#[test]
fn the_mark_between_thousands_is_that_of_the_language() {
    assert_eq!(Language::English.grouped(1_234_567), "1,234,567");
    assert_eq!(Language::Portuguese.grouped(1_234_567), "1.234.567");
    assert_eq!(Language::Portuguese.grouped(999), "999");
}

#[test]
fn days_are_written_as_in_each_language() {
    let check = |day, english: &str, portuguese: &str| {
        assert_eq!(super::day(Language::English, day), english);
        assert_eq!(super::day(Language::Portuguese, day), portuguese);
    };
    check(date(2026, 3, 14), "Saturday, 14 March 2026", "sábado, 14 de março de 2026");
    check(date(2026, 12, 1), "Tuesday, 1 December 2026", "terça-feira, 1º de dezembro de 2026");
}

/// On a terminal, with these variables in the environment.
#[track_caller]
fn check_locale(variables: &[(&str, &str)], expect: Language) {
    let variable =
        |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
    assert_eq!(Language::decide(None, true, variable), expect, "{variables:?}");
    assert_eq!(Language::decide(None, false, variable), Language::English, "a script: {variables:?}");
    for wanted in Language::ALL {
        assert_eq!(Language::decide(Some(wanted), true, variable), wanted);
        assert_eq!(Language::decide(Some(wanted), false, variable), wanted);
    }
}

#[test]
fn the_language_is_the_one_asked_for_or_the_locales() {
    let (english, portuguese) = (Language::English, Language::Portuguese);
    check_locale(&[], english);
    check_locale(&[("LANG", "pt_BR.UTF-8")], portuguese);
    check_locale(&[("LANG", "pt_PT@euro")], portuguese);
    check_locale(&[("LANG", "pt")], portuguese);
    check_locale(&[("LANG", "PT-br")], portuguese);
    check_locale(&[("LANG", "en_US.UTF-8")], english);
    check_locale(&[("LANG", "de_DE.UTF-8")], english);
    check_locale(&[("LANG", "ptx_XX")], english);
    check_locale(&[("LANG", "C")], english);
    check_locale(&[("LANG", "pt_BR.UTF-8"), ("LC_ALL", "C")], english);
    check_locale(&[("LANG", "pt_BR.UTF-8"), ("LC_ALL", "")], portuguese);
    check_locale(&[("LANG", "C"), ("LC_MESSAGES", "pt_BR.UTF-8")], portuguese);
    check_locale(&[("LC_ALL", "pt_BR.UTF-8"), ("LC_MESSAGES", "C"), ("LANG", "C")], portuguese);
    check_locale(&[("LC_TIME", "pt_BR.UTF-8"), ("LANGUAGE", "pt")], english);
}

#[test]
fn why_a_connection_was_refused_has_words_in_portuguese() {
    let reasons = [
        EstablishError::NotNow.to_string(),
        EstablishError::from(HandshakeError::KeyRefusedByPeer).to_string(),
        "the peer closed the connection at once; it may have too many".to_owned(),
    ];
    for reason in reasons {
        assert_eq!(super::notices::circumstance(Language::English, &reason), reason);
        assert_ne!(super::notices::circumstance(Language::Portuguese, &reason), reason);
    }
}
