//! What somebody wants to find, from what they wrote. Whatever that is, it becomes words and phrases, or a sentence that
//! says why not; nothing of it reaches an index in another form than quoted.

use recado_proto::limits::SEARCH_TERMS_MAX;
use thiserror::Error;

use super::token::each_word;

/// Terms, all of which a text must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Query {
    pub(super) terms: Vec<Term>,
}

/// Words that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) words: Vec<String>,
    /// The last word may go on.
    pub(super) is_prefix: bool,
}

/// How words that may go on are asked for. The index has lists of all words that begin with up to [`INDEXED_BEGINNING_CHARS`] the
/// same; for a longer beginning it gathers the lists of all words before the first answer comes, and those of frequent ones are long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Breadth {
    /// Longer beginnings only as whole words: less than what is meant.
    Exact,
    /// Of longer beginnings as much as there are lists of: more than what is meant.
    Wide,
    /// What is meant.
    Whole,
}

/// Beginnings of words, in characters, up to which the index has lists: as its table says.
const INDEXED_BEGINNING_CHARS: usize = 3;

/// Why there is nothing to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in crate::store) enum QueryError {
    /// Nothing but white space and punctuation, or not even that.
    #[error("`words` has no word to search for")]
    NoWord,
    /// Too many terms.
    #[error("`words` has more than {SEARCH_TERMS_MAX} words and phrases")]
    TooMany,
}

impl Query {
    /// Reads words as people write them.
    pub(in crate::store) fn parse(words: &str) -> Result<Self, QueryError> {
        let mut terms: Vec<Term> = Vec::new();
        let mut last_is_quoted = false;
        for (part, is_quoted) in parts(words) {
            let mut term = Term::default();
            each_word(part, |word, _| term.words.push(word.to_owned()));
            if term.words.is_empty() {
                continue;
            }
            if terms.len() == SEARCH_TERMS_MAX {
                return Err(QueryError::TooMany);
            }
            term.is_prefix = !is_quoted && part.ends_with('*');
            last_is_quoted = is_quoted;
            terms.push(term);
        }
        let last = terms.last_mut().ok_or(QueryError::NoWord)?;
        last.is_prefix |= !last_is_quoted;
        Ok(Self { terms })
    }

    /// The question in the index's own language (FTS5). Words have nothing in them that would have to be escaped.
    pub(in crate::store) fn in_index(&self, breadth: Breadth) -> String {
        let mut out = String::new();
        for term in &self.terms {
            if !out.is_empty() {
                out.push_str(" AND ");
            }
            let mut words = term.words.join(" ");
            let beyond = term.beyond_indexed().unwrap_or_default();
            let may_go_on = match breadth {
                Breadth::Exact => term.is_prefix && beyond.is_empty(),
                Breadth::Wide => {
                    words.truncate(words.len() - beyond.len());
                    term.is_prefix
                }
                Breadth::Whole => term.is_prefix,
            };
            out.push('"');
            out.push_str(&words);
            out.push('"');
            if may_go_on {
                out.push('*');
            }
        }
        out
    }

    /// Whether each breadth is the same question.
    pub(in crate::store) fn is_of_one_breadth(&self) -> bool {
        self.terms.iter().all(|term| term.beyond_indexed().is_none())
    }
}

impl Term {
    /// Of a word that may go on, what is beyond the beginning that the index has a list of.
    fn beyond_indexed(&self) -> Option<&str> {
        let last = self.words.last().filter(|_| self.is_prefix)?;
        last.char_indices().nth(INDEXED_BEGINNING_CHARS).map(|(at, _)| &last[at..])
    }
}

/// What stands between white space, or between quotes. The last quote need not be closed.
fn parts(words: &str) -> impl Iterator<Item = (&str, bool)> {
    let quoted = words.split('"').enumerate().map(|(index, part)| (part, index % 2 == 1));
    quoted.flat_map(|(part, is_quoted)| {
        let whole = is_quoted.then_some(part);
        let split = (!is_quoted).then(|| part.split_whitespace());
        whole.into_iter().chain(split.into_iter().flatten()).map(move |part| (part, is_quoted))
    })
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::seq::IndexedRandom;
    use rand::{RngExt, SeedableRng};
    use recado_proto::limits::SEARCH_TERMS_MAX;
    use rusqlite::Connection;

    use super::{Breadth, Query, QueryError};

    fn check(words: &str, expect: &str) {
        assert_eq!(
            Query::parse(words).map(|query| query.in_index(Breadth::Whole)),
            Ok(expect.to_owned()),
            "{words:?}"
        );
    }

    #[test]
    fn the_last_word_and_those_with_a_star_may_go_on() {
        check("Olá", r#""ola"*"#);
        check("tudo bem", r#""tudo" AND "bem"*"#);
        check("tu* bem", r#""tu"* AND "bem"*"#);
        check("foo-bar baz?", r#""foo bar" AND "baz"*"#);
        check("tudo !!!", r#""tudo"*"#);
    }

    #[test]
    fn a_long_beginning_is_asked_for_as_a_word_and_as_far_as_there_are_lists() {
        let check = |words: &str, expect: Option<[&str; 2]>| {
            let query = Query::parse(words).unwrap();
            let asked = [Breadth::Exact, Breadth::Wide].map(|breadth| query.in_index(breadth));
            let whole = query.in_index(Breadth::Whole);
            assert_eq!(query.is_of_one_breadth(), expect.is_none(), "{words}");
            assert_eq!(
                asked,
                expect.map_or([whole.clone(), whole], |asked| asked.map(str::to_owned)),
                "{words}"
            );
        };
        check("ola", None);
        check("mundo ola", None);
        check("\"mundo\"", None);
        check("ol* mundo", Some([r#""ol"* AND "mundo""#, r#""ol"* AND "mun"*"#]));
        check("bom-mundo", Some([r#""bom mundo""#, r#""bom mun"*"#]));
        check("ação mund* x", Some([r#""acao" AND "mund" AND "x"*"#, r#""acao" AND "mun"* AND "x"*"#]));
        check("ялта", Some([r#""ялта""#, r#""ялт"*"#]));
    }

    #[test]
    fn what_is_quoted_is_exact() {
        check(r#""tudo bem""#, r#""tudo bem""#);
        check(r#"x "Tudo, bem" y"#, r#""x" AND "tudo bem" AND "y"*"#);
        check(r#"x "tudo bem"#, r#""x" AND "tudo bem""#);
        check(r#""tudo*""#, r#""tudo""#);
        check(r#"a"b"c"#, r#""a" AND "b" AND "c"*"#);
    }

    #[test]
    fn what_means_something_to_the_index_is_only_words() {
        check("a OR b NOT c", r#""a" AND "or" AND "b" AND "not" AND "c"*"#);
        check("place:c12 ^x NEAR(a b, 3)", r#""place c12" AND "x" AND "near a" AND "b" AND "3"*"#);
        check(
            "{text} : -x + y'; DROP TABLE words--",
            r#""text" AND "x" AND "y" AND "drop" AND "table" AND "words"*"#,
        );
    }

    #[test]
    fn without_a_word_there_is_a_sentence() {
        for nothing in ["", "   ", "\"\"", "\"", "***", "?!", "\u{0}\u{2}", "-- \" ' \" ;", "\u{301}"] {
            assert_eq!(Query::parse(nothing), Err(QueryError::NoWord), "{nothing:?}");
        }
        let words = |count: usize| vec!["x"; count].join(" ");
        assert!(Query::parse(&words(SEARCH_TERMS_MAX)).is_ok());
        assert_eq!(Query::parse(&words(SEARCH_TERMS_MAX + 1)), Err(QueryError::TooMany));
    }

    #[test]
    fn whatever_is_written_the_index_understands_the_question() {
        let index = Connection::open_in_memory().unwrap();
        index
            .execute_batch("CREATE VIRTUAL TABLE words USING fts5(text, place, content='', tokenize='ascii')")
            .unwrap();
        let pieces = [
            "a", "b", "\"", "'", "*", "(", ")", "{", "}", ":", "^", "-", "+", " ", "AND ", "OR ", "NOT ",
            "NEAR", "\0", "é", "東", "🎉", "\u{2}", "\u{301}", "\u{fdfa}", ";", "--", "place", "text", "\\",
            "%", ",", "\u{200d}", "ﬁ",
        ];
        for seed in 0..2_000 {
            let mut random = StdRng::seed_from_u64(seed);
            let words: String =
                (0..random.random_range(0..40)).map(|_| *pieces.choose(&mut random).unwrap()).collect();
            if let Ok(query) = Query::parse(&words) {
                for breadth in [Breadth::Exact, Breadth::Wide, Breadth::Whole] {
                    let text = query.in_index(breadth);
                    let question = format!("{{text}} : ({text}) AND {{place}} : (\"c\" OR \"d1\")");
                    let found: rusqlite::Result<i64> = index.query_row(
                        "SELECT count(*) FROM words WHERE words MATCH ?1",
                        [&question],
                        |row| row.get(0),
                    );
                    assert_eq!(found, Ok(0), "seed {seed}: {words:?} became {question}");
                }
            }
        }
    }
}
