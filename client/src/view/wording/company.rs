//! Who is here, who came and went, who is typing.

use recado_proto::{Here, Presence, UserName};

use super::language::Language;
use super::name;

/// Those who are online, and below those who are away.
pub(crate) fn who(language: Language, here: &[Here]) -> String {
    let named = |state| {
        let here = here.iter().filter(move |here| here.state == state);
        here.map(|here| name(here.user.as_str())).collect::<Vec<_>>().join(", ")
    };
    let (online, away) = (named(Presence::Online), named(Presence::Away));
    let (here_are, away_are, nobody) = match language {
        Language::English => ("here", "away", "Nobody is here."),
        Language::Portuguese => ("presentes", "ausentes", "Não há ninguém."),
    };
    match (online.is_empty(), away.is_empty()) {
        (true, true) => nobody.to_owned(),
        (false, true) => format!("{here_are}: {online}"),
        (true, false) => format!("{away_are}: {away}"),
        (false, false) => format!("{here_are}: {online}\n{away_are}: {away}"),
    }
}

/// Who is typing.
pub(crate) fn typing(language: Language, users: &[&UserName]) -> String {
    let named = |user: &UserName| name(user.as_str()).into_owned();
    match (language, users) {
        (Language::English | Language::Portuguese, []) => String::new(),
        (Language::English, [user]) => format!("{} is typing", named(user)),
        (Language::Portuguese, [user]) => format!("{} está digitando", named(user)),
        (Language::English, [one, other]) => format!("{} and {} are typing", named(one), named(other)),
        (Language::Portuguese, [one, other]) => format!("{} e {} estão digitando", named(one), named(other)),
        (Language::English, [one, others @ ..]) => {
            format!("{} and {} others are typing", named(one), others.len())
        }
        (Language::Portuguese, [one, others @ ..]) => {
            format!("{} e mais {} estão digitando", named(one), others.len())
        }
    }
}

/// Who came and who went, in one line.
pub(crate) fn comings(came: &[&UserName], went: &[&UserName]) -> String {
    let named =
        |users: &[&UserName]| users.iter().map(|user| name(user.as_str())).collect::<Vec<_>>().join(", ");
    match (came, went) {
        (came, []) => format!("+ {}", named(came)),
        ([], went) => format!("- {}", named(went)),
        (came, went) => format!("+ {}; - {}", named(came), named(went)),
    }
}

/// Whether somebody is here, as one character beside a name.
pub(crate) fn presence(state: Option<Presence>) -> &'static str {
    match state {
        Some(Presence::Online) => "●",
        Some(Presence::Away) => "○",
        Some(Presence::Offline) | None => " ",
    }
}
