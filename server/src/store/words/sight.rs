//! A text with a question in mind: whether it has all terms, where, and how well it answers.

use std::ops::Range;

use super::query::{Query, Term};
use super::snippet::snippet;
use super::token::each_word;
use crate::limits::MATCHES_A_TEXT_MAX;

/// What a text has of what a question asks.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Sight {
    /// How well it answers: more is better, without regard to its age. Between 0 and 3.
    pub(in crate::store) score: f64,
    /// Where, in bytes of the text: in their order, apart from each other.
    places: Vec<Range<usize>>,
    /// Where the terms stand together most closely.
    focus: usize,
}

/// A term that stands somewhere: the words from `first` to `last`.
#[derive(Clone, Copy, Debug)]
struct Hit {
    term: usize,
    first: usize,
    last: usize,
    is_exact: bool,
}

impl Query {
    /// Looks at a text; none if a term is missing from it.
    pub(in crate::store) fn look(&self, text: &str) -> Option<Sight> {
        let mut folded = String::with_capacity(text.len());
        let mut words: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        each_word(text, |word, place| {
            let from = folded.len();
            folded.push_str(word);
            words.push((from..folded.len(), place));
        });
        let mut hits = Vec::new();
        let mut matched = 0.0;
        for (number, term) in self.terms.iter().enumerate() {
            let before = hits.len();
            hits_of(number, term, |at| words.get(at).map(|(word, _)| &folded[word.clone()]), &mut hits);
            let weight: f64 =
                hits[before..].iter().map(|hit| if hit.is_exact { 1.0 } else { PREFIX_WEIGHT }).sum();
            if weight == 0.0 {
                return None;
            }
            matched += weight / (weight + 1.0);
        }
        hits.sort_by_key(|hit| (hit.first, hit.last));
        let (closest, focus) = closest(&hits, self.terms.len())?;
        let needed: usize = self.terms.iter().map(|term| term.words.len()).sum();
        let spread = closest.saturating_sub(needed) as f64;
        let score = matched / self.terms.len() as f64
            + 1.0 / (1.0 + spread / 4.0)
            + 1.0 / (1.0 + words.len() as f64 / SHORT_TEXT_WORDS);
        let mut places: Vec<Range<usize>> = Vec::with_capacity(hits.len());
        for hit in &hits {
            let place = words[hit.first].1.start..words[hit.last].1.end;
            match places.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => places.push(place),
            }
        }
        Some(Sight { score, places, focus: words[focus].1.start })
    }
}

impl Sight {
    /// The part of the text that is shown, with its matches marked.
    pub(in crate::store) fn snippet(&self, text: &str) -> String {
        snippet(text, &self.places, self.focus)
    }
}

/// What a longer word counts that only begins with what was asked.
const PREFIX_WEIGHT: f64 = 0.5;
/// A text of so many words is neither short nor long.
const SHORT_TEXT_WORDS: f64 = 32.0;

fn hits_of<'a>(number: usize, term: &Term, word_at: impl Fn(usize) -> Option<&'a str>, hits: &mut Vec<Hit>) {
    let Some((last, firsts)) = term.words.split_last() else { return };
    let mut found = 0;
    let mut first = 0;
    while found < MATCHES_A_TEXT_MAX
        && let Some(end) = word_at(first + firsts.len())
    {
        let begins =
            firsts.iter().enumerate().all(|(index, word)| word_at(first + index) == Some(word.as_str()));
        let is_exact = end == last;
        if begins && (is_exact || (term.is_prefix && end.starts_with(last.as_str()))) {
            hits.push(Hit { term: number, first, last: first + firsts.len(), is_exact });
            found += 1;
        }
        first += 1;
    }
}

/// The fewest words among which all `terms` stand, and the first of them. `hits` are in the order of their places.
fn closest(hits: &[Hit], terms: usize) -> Option<(usize, usize)> {
    let mut counts = vec![0_usize; terms];
    let mut missing = terms;
    let mut from = 0;
    let mut best: Option<(usize, usize)> = None;
    for hit in hits {
        missing -= usize::from(counts[hit.term] == 0);
        counts[hit.term] += 1;
        while missing == 0 {
            let begins = hits[from].first;
            let words = hit.last.saturating_sub(begins) + 1;
            if best.is_none_or(|(fewest, _)| words < fewest) {
                best = Some((words, begins));
            }
            counts[hits[from].term] -= 1;
            missing += usize::from(counts[hits[from].term] == 0);
            from += 1;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::query::Query;

    fn query(words: &str) -> Query {
        Query::parse(words).unwrap()
    }

    fn check(words: &str, text: &str, expect: Option<&str>) {
        let query = query(words);
        let shown =
            query.look(text).map(|sight| sight.snippet(text).replace('\u{2}', "[").replace('\u{3}', "]"));
        assert_eq!(shown.as_deref(), expect, "{words:?} in {text:?}");
    }

    #[test]
    fn a_text_must_have_all_terms() {
        check("ola", "Olá, mundo", Some("[Olá], mundo"));
        check("mundo ola", "Olá, mundo", Some("[Olá], [mundo]"));
        check("ola marte", "Olá, mundo", None);
        check("mundo ola", "Olá, mundão", None);
        check("ola", "", None);
    }

    #[test]
    fn phrases_stand_together_and_in_order() {
        check("\"foo bar\"", "bar foo-bar foo", Some("bar [foo-bar] foo"));
        check("\"foo bar\"", "foo x bar", None);
        check("foo-bar", "foo_bars", Some("[foo_bars]"));
        check("\"foo bar\"", "foo bars", None);
        check("東京", "私は東京にいる", Some("私は[東京]にいる"));
    }

    #[test]
    fn a_beginning_is_enough_where_a_word_may_go_on() {
        check("mun", "Olá, mundo", Some("Olá, [mundo]"));
        check("ol* mundo", "Olá, mundo", Some("[Olá], [mundo]"));
        check("ol mundo", "Olá, mundo", None);
    }

    #[test]
    fn matches_that_overlap_are_marked_once() {
        check("\"a b\" \"b c\"", "a b c", Some("[a b c]"));
        check("a a", "a a", Some("[a] [a]"));
    }

    #[test]
    fn what_answers_better_has_a_higher_score() {
        let long = format!("deploy {}", "word ".repeat(100));
        let rising = [
            ("deploy tonight", "deploy a b c d e f g h i j k l m n o p tonight"),
            ("deploy tonight", "deploy it tonight"),
            ("deploy tonight", "deploy tonight"),
        ];
        let scores: Vec<_> =
            rising.iter().map(|(words, text)| query(words).look(text).unwrap().score).collect();
        assert!(scores.is_sorted_by(|one, next| one < next), "{scores:?}");
        let score = |text: &str| query("deploy").look(text).unwrap().score;
        assert!(score(&long) < score("deploy now"), "shorter");
        assert!(score("deployment now") < score("deploy now"), "exact");
        assert!(score("deploy x y z") < score("deploy x deploy z"), "oftener");
    }

    #[test]
    fn a_text_full_of_matches_costs_no_more_than_its_bound() {
        let text = "a ".repeat(30_000);
        let sight = query("a a a").look(&text).unwrap();
        assert!(sight.places.len() <= super::MATCHES_A_TEXT_MAX);
    }
}
