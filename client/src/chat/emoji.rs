//! Emoji by the names that people write for them, as `:tada:`.

/// What is meant by what was written in place of an emoji: itself, or the emoji that is called so. None if nothing is.
pub(crate) fn meant(written: &str) -> Option<&str> {
    match name(written) {
        Some(name) => emojis::get_by_shortcode(name).map(emojis::Emoji::as_str),
        None => Some(written),
    }
}

/// The names that begin so, each with its emoji, the shortest first.
pub(crate) fn beginning(typed: &str) -> Vec<(&'static str, &'static str)> {
    let typed = typed.to_ascii_lowercase();
    let all = emojis::iter().flat_map(|emoji| emoji.shortcodes().map(move |name| (name, emoji.as_str())));
    let mut found: Vec<_> = all.filter(|(name, _)| name.starts_with(&typed)).collect();
    found.sort_by_key(|(name, _)| (name.len(), *name));
    found
}

/// What stands between two colons, if nothing else is there.
fn name(written: &str) -> Option<&str> {
    let name = written.strip_prefix(':')?.strip_suffix(':')?;
    let is_of_name =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '+' | '-');
    (!name.is_empty() && name.chars().all(is_of_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{beginning, meant};

    #[test]
    fn names_between_colons_mean_their_emoji_and_all_else_itself() {
        for (written, expect) in [
            (":tada:", Some("🎉")),
            (":+1:", Some("👍")),
            (":-1:", Some("👎")),
            (":no_such_thing:", None),
            ("👍", Some("👍")),
            (":)", Some(":)")),
            ("::", Some("::")),
            (":", Some(":")),
            (":a b:", Some(":a b:")),
        ] {
            assert_eq!(meant(written), expect, "{written}");
        }
    }

    #[test]
    fn the_shortest_name_comes_first() {
        assert_eq!(beginning("smi").first(), Some(&("smile", "😄")));
        assert_eq!(beginning("TAD").first(), Some(&("tada", "🎉")));
        assert!(beginning("xyzzy").is_empty());
    }
}
