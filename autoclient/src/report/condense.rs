//! A timeline in fewer rows, for charts and tables that people look at.

use crate::record::Second;

/// The timeline in this many rows at most, neighbours made one. Percentiles are those of their histograms together.
///
/// A run ends in the middle of a second. What is left of that second goes to the row before: a rate over a few milliseconds says nothing.
pub(crate) fn condensed(seconds: &[Second], rows_max: usize) -> Vec<Second> {
    let width = seconds.len().div_ceil(rows_max.max(1)).max(1);
    let mut rows: Vec<Second> = seconds.chunks(width).filter_map(Second::together).collect();
    if let [.., before, last] = rows.as_slice()
        && last.duration_s < before.duration_s / 2.0
    {
        let whole = Second::together(&rows[rows.len() - 2..]);
        rows.truncate(rows.len() - 2);
        rows.extend(whole);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn fewer_rows_hold_as_much() {
        let seconds = sample::record().seconds;
        for rows_max in [1, 7, seconds.len(), 1_000] {
            let rows = condensed(&seconds, rows_max);
            assert!(rows.len() <= rows_max.min(seconds.len()) && !rows.is_empty());
            assert_eq!(
                rows.iter().map(|row| row.latency.end_to_end.count).sum::<u64>(),
                seconds.iter().map(|row| row.latency.end_to_end.count).sum::<u64>()
            );
        }
        assert!(condensed(&[], 5).is_empty());
    }

    #[test]
    fn what_is_left_of_a_second_goes_to_the_one_before() {
        let mut seconds = sample::record().seconds;
        let count = seconds.len();
        let last = seconds.last_mut().unwrap();
        (last.duration_s, last.elapsed_s) = (0.004, last.elapsed_s - 0.996);
        let rows = condensed(&seconds, 1_000);
        assert_eq!((rows.len(), rows[count - 2].duration_s), (count - 1, 1.004));
        assert_eq!(rows[count - 2].counts.sent, 100);
    }
}
