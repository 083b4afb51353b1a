//! Which names match loosely what was typed, the best first.

use crate::chat::item::Place;
use crate::limits;

/// The places whose names have the query's letters in this order, the best first. Each comes with whether it has something that was
/// not read and whether it is open: of equals these come first.
pub(crate) fn best(query: &str, places: impl Iterator<Item = (Place, bool, bool)>) -> Vec<Place> {
    let query: Vec<char> = query.trim_start_matches(['#', '@']).to_lowercase().chars().collect();
    let mut found: Vec<_> = places
        .filter_map(|(place, unread, open)| {
            let name = match &place {
                Place::Channel(channel) => channel.as_str().to_lowercase(),
                Place::Direct(user) => user.as_str().to_lowercase(),
            };
            let score = score(&query, &name)?;
            Some((std::cmp::Reverse((score, unread, open)), name, place))
        })
        .collect();
    found.sort();
    found.into_iter().take(limits::CANDIDATES_MAX).map(|(_, _, place)| place).collect()
}

/// None if it does not match. Letters at the beginning of the name or of a word, and letters side by side, count more; so does a name
/// of which little is left out.
fn score(query: &[char], name: &str) -> Option<i64> {
    let letters: Vec<char> = name.chars().collect();
    let mut score = 0;
    let mut from = 0;
    let mut last = None;
    for wanted in query {
        let at = from + letters[from..].iter().position(|letter| letter == wanted)?;
        let begins_word = at == 0 || !letters[at - 1].is_alphanumeric();
        let follows = last.is_some_and(|last| last + 1 == at);
        score +=
            1 + if follows { 8 } else { 0 } + if begins_word { 6 } else { 0 } + if at == 0 { 4 } else { 0 };
        (last, from) = (Some(at), at + 1);
    }
    let left_out = i64::try_from(letters.len() - query.len()).unwrap_or(i64::MAX);
    Some(if query.is_empty() { 0 } else { score * 100 - left_out })
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, UserName};

    use super::best;
    use crate::chat::item::Place;

    fn check(query: &str, names: &[&str], expect: &[&str]) {
        let places = names.iter().map(|name| {
            let place = match name.strip_prefix('@') {
                Some(user) => Place::Direct(UserName::parse(user).unwrap()),
                None => Place::Channel(ChannelName::parse(name).unwrap()),
            };
            (place, name.ends_with('!'), false)
        });
        let found: Vec<String> = best(query, places)
            .iter()
            .map(|place| match place {
                Place::Channel(channel) => channel.to_string(),
                Place::Direct(user) => format!("@{user}"),
            })
            .collect();
        assert_eq!(found, expect, "{query}");
    }

    #[test]
    fn names_match_loosely_and_the_best_comes_first() {
        let names = ["geral", "general talk", "engine", "tech", "@gerd", "@bob"];
        check("ger", &names, &["@gerd", "geral", "general talk"]);
        check("gt", &names, &["general talk"]);
        check("eng", &names, &["engine"]);
        check("#TE", &names, &["tech"]);
        check("xyz", &names, &[]);
    }

    #[test]
    fn without_a_query_what_was_not_read_comes_first() {
        check("", &["a", "b!", "@c"], &["b!", "a", "@c"]);
    }
}
