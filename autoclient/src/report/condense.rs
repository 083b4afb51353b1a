//! A timeline in fewer rows, for charts and tables that people look at.

use crate::record::Second;

/// The timeline in this many rows at most, neighbours made one. Percentiles are those of their histograms together.
pub(crate) fn condensed(seconds: &[Second], rows_max: usize) -> Vec<Second> {
    let width = seconds.len().div_ceil(rows_max.max(1)).max(1);
    seconds.chunks(width).filter_map(|chunk| chunk.iter().cloned().reduce(Second::merged)).collect()
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
}
