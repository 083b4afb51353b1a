//! The word most like another one, for suggestions after a slip of the fingers.

/// The candidate that needs the fewest single-letter changes, swaps included, if it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(WORD_CHARACTERS_MAX).collect();
    let near_enough = match word.len() {
        0 => return None,
        1..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| {
            let letters: Vec<char> = candidate.to_lowercase().chars().take(WORD_CHARACTERS_MAX).collect();
            (distance(&word, &letters), candidate)
        })
        .filter(|(distance, candidate)| *distance <= near_enough && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// The work grows with the square of a word's length.
const WORD_CHARACTERS_MAX: usize = 64;

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn check(word: &str, expect: Option<&str>) {
        assert_eq!(
            nearest(word, ["join", "leave", "channels", "users", "history", "geral"]),
            expect,
            "{word}"
        );
    }

    #[test]
    fn a_slip_of_the_fingers_finds_its_word() {
        check("jion", Some("join"));
        check("lave", Some("leave"));
        check("CHANELS", Some("channels"));
        check("gerla", Some("geral"));
    }

    #[test]
    fn what_is_like_nothing_finds_nothing() {
        check("", None);
        check("q", None);
        check("weather", None);
        check(&"x".repeat(10_000), None);
    }
}
