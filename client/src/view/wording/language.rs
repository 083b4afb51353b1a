//! Which language people read, and how numbers are written in it.

/// A language that the chat speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English; also for every locale that has no texts of its own.
    #[default]
    #[value(name = "en")]
    English,
    /// Brazilian Portuguese.
    #[value(name = "pt", alias = "pt-br")]
    Portuguese,
}

/// Where a locale is looked for, the strongest first.
const LOCALE_VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

impl Language {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Language; 2] = [Language::English, Language::Portuguese];

    /// What was asked for; or else on a terminal what the locale says. Without a terminal a script reads, which expects the same
    /// everywhere: that is English.
    pub fn decide(
        wanted: Option<Language>,
        is_terminal: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        if let Some(language) = wanted {
            return language;
        }
        if !is_terminal {
            return Language::English;
        }
        let is_set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        match LOCALE_VARIABLES.iter().find_map(is_set) {
            Some(locale) if is_portuguese(&locale) => Language::Portuguese,
            Some(_) | None => Language::English,
        }
    }

    /// A number with a mark between its thousands.
    pub(super) fn grouped(self, number: u64) -> String {
        let mark = match self {
            Language::English => ',',
            Language::Portuguese => '.',
        };
        let digits = number.to_string();
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(mark);
            }
            grouped.push(digit);
        }
        grouped
    }
}

/// `pt_BR.UTF-8`, `pt`, `pt_PT@euro`.
fn is_portuguese(locale: &str) -> bool {
    let language = locale.split(['_', '-', '.', '@']).next().unwrap_or(locale);
    language.eq_ignore_ascii_case("pt")
}

/// A text that never changes, in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    english: &'static str,
    portuguese: &'static str,
}

pub(super) const fn both(english: &'static str, portuguese: &'static str) -> Both {
    Both { english, portuguese }
}

impl Both {
    /// The text in this language.
    pub fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Portuguese => self.portuguese,
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(self) -> bool {
        self.english.is_empty()
    }
}
