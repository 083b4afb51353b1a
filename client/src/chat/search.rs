//! What is to be searched for, as people write it: `words from:alice in:tech before:2026-01-01`. It knows neither which names
//! exist nor what is found.

use recado_proto::{ChannelName, SearchIn, SearchRequest, Timestamp, UserName};

use crate::when::{self, When};

use super::command::CommandError;
use super::item::Place;

/// What somebody wants to find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The words, quoted ones in their quotes.
    pub words: String,
    /// Who wrote it.
    pub from: Option<UserName>,
    /// Where it was said.
    pub within: Option<Place>,
    /// Not before this.
    pub after: Option<When>,
    /// Before this.
    pub before: Option<When>,
}

/// What may stand before a word, with a colon behind it.
pub(super) const KEYS: [&str; 5] = ["from", "in", "with", "after", "before"];

impl Wanted {
    /// Reads what follows the command; none if there is no word in it. Of a key that comes twice the last one counts.
    pub fn parse(text: &str) -> Result<Option<Self>, CommandError> {
        let mut wanted = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let end = end_of_word(rest)?;
            let (word, after) = rest.split_at(end);
            if !wanted.take_key(word)? {
                if !wanted.words.is_empty() {
                    wanted.words.push(' ');
                }
                wanted.words.push_str(word);
            }
            rest = after.trim_start();
        }
        Ok(Some(wanted)
            .filter(|wanted| wanted.words.contains(char::is_alphanumeric) || !wanted.words.is_ascii()))
    }

    /// As this user asks it.
    pub(crate) fn into_request(self, user: UserName, limit: u32, now_ms: i64) -> SearchRequest {
        let second = |when: When| Timestamp::from_seconds(when.as_ms(now_ms).div_euclid(1_000));
        let within = self.within.map(|within| match within {
            Place::Channel(channel) => SearchIn::Channel(channel),
            Place::Direct(other) => SearchIn::With(other),
        });
        SearchRequest {
            user,
            words: self.words,
            from: self.from,
            within,
            after: self.after.map(second),
            before: self.before.map(second),
            limit,
        }
    }

    /// Whether the word is one of the keys with what it asks for.
    fn take_key(&mut self, word: &str) -> Result<bool, CommandError> {
        let Some((key, value)) = word.split_once(':') else { return Ok(false) };
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if value.is_empty() {
            return Ok(false);
        }
        match key {
            "from" => self.from = Some(UserName::parse(value)?),
            "with" => self.within = Some(Place::Direct(UserName::parse(value)?)),
            "in" => {
                self.within = Some(match value.strip_prefix('@') {
                    Some(user) => Place::Direct(UserName::parse(user)?),
                    None => Place::Channel(ChannelName::parse(value)?),
                });
            }
            "after" => self.after = Some(moment(value)?),
            "before" => self.before = Some(moment(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn moment(value: &str) -> Result<When, CommandError> {
    when::parse(value).map_err(|error| CommandError::When { error })
}

/// Where the word ends with which the text begins. White space within quotes is part of it.
fn end_of_word(text: &str) -> Result<usize, CommandError> {
    let mut is_quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            _ if character.is_whitespace() && !is_quoted => return Ok(at),
            _ => {}
        }
    }
    if is_quoted { Err(CommandError::Quote) } else { Ok(text.len()) }
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use super::Wanted;
    use crate::chat::item::Place;
    use crate::when::When;

    fn check(text: &str, expect: Option<Wanted>) {
        assert_eq!(Wanted::parse(text), Ok(expect), "{text}");
    }

    fn words(words: &str) -> Wanted {
        Wanted { words: words.to_owned(), ..Wanted::default() }
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn in_channel(name: &str) -> Option<Place> {
        Some(Place::Channel(ChannelName::parse(name).unwrap()))
    }

    #[test]
    fn words_are_kept_as_they_were_written() {
        check("release  notes", Some(words("release notes")));
        check(" \"release notes\" dep* ", Some(words("\"release notes\" dep*")));
        check("https://example.org a:b :x", Some(words("https://example.org a:b :x")));
        check("🎉", Some(words("🎉")));
        check("", None);
        check("?! -", None);
        check("from:ana", None);
    }

    #[test]
    fn keys_say_who_and_where_and_when() {
        let all = Wanted {
            from: Some(user("alice")),
            within: in_channel("tech"),
            after: Some(When::Ago(86_400_000)),
            before: Some(When::At(1_000)),
            ..words("the words")
        };
        check("the from:alice in:tech before:1970-01-01T00:00:01Z after:24h words", Some(all));
        let with = |name: &str| Some(Wanted { within: Some(Place::Direct(user(name))), ..words("x") });
        check("x with:bob", with("bob"));
        check("x in:@bob", with("bob"));
        check("in:tech x with:\"José da Silva\"", with("José da Silva"));
        check("x in:\"team chat\"", Some(Wanted { within: in_channel("team chat"), ..words("x") }));
        check("x from: in:", Some(words("x from: in:")));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let refused = |text: &str, part: &str| {
            let error = Wanted::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        refused("x from:_sys", "cannot begin with `_`");
        refused("x before:yesterday", "is no moment");
        refused("\"x", "a quote is not closed");
    }
}
