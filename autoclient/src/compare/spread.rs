//! How far a figure of a run would have been elsewhere had its seconds fallen otherwise: a block bootstrap.
//!
//! A run is cut into blocks of consecutive seconds, as many blocks are drawn from it with repetition, and each figure is computed from their
//! histograms added together; many such draws give its spread. Blocks, because neighbouring seconds are alike. It says nothing of what
//! differs between runs but not within one, such as another program beside them.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    limits::{SPREAD_BLOCKS_MAX, SPREAD_BLOCKS_MIN, SPREAD_DRAWS},
    record::{LatencyKind, PackError, Record, Second},
};

/// Values beyond a percentile that it takes to speak of its spread.
const BEYOND_MIN: f64 = 10.0;

/// The middle share of the draws that a spread is: 95 %.
const TAIL: f64 = 0.025;

/// A run cut into blocks.
pub(super) struct Blocks {
    blocks: Vec<Block>,
    values: BTreeMap<LatencyKind, Vec<u64>>,
}

struct Block {
    duration_s: f64,
    acknowledged: u64,
    delivered: u64,
    /// For each latency how often each of the run's values came, by its place among them.
    latencies: BTreeMap<LatencyKind, Vec<(usize, u64)>>,
}

/// The figures of one draw, or of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    /// Acknowledged messages a second.
    pub(super) acknowledged: f64,
    /// Deliveries a second.
    pub(super) delivered: f64,
    /// The quantiles asked for, in microseconds.
    pub(super) quantiles: BTreeMap<(LatencyKind, usize), f64>,
}

impl Blocks {
    /// Cuts a run. None if it is too short for its spread to mean anything.
    ///
    /// # Errors
    /// If a histogram of its timeline is broken.
    pub(super) fn of(record: &Record) -> Result<Option<Blocks>, PackError> {
        let seconds: Vec<&Second> =
            record.seconds.iter().filter(|second| second.counts.planned > 0).collect();
        if seconds.len() < SPREAD_BLOCKS_MIN {
            return Ok(None);
        }
        let count = seconds.len().min(SPREAD_BLOCKS_MAX);
        let mut blocks = Vec::with_capacity(count);
        let mut found: BTreeMap<LatencyKind, BTreeMap<u64, usize>> = BTreeMap::new();
        for place in 0..count {
            let chunk = &seconds[place * seconds.len() / count..(place + 1) * seconds.len() / count];
            let mut block = Block {
                duration_s: chunk.iter().map(|second| second.duration_s).sum(),
                acknowledged: chunk.iter().map(|second| second.counts.acknowledged).sum(),
                delivered: chunk.iter().map(|second| second.counts.delivered).sum(),
                latencies: BTreeMap::new(),
            };
            for kind in LatencyKind::ALL {
                let found = found.entry(kind).or_default();
                let counts = block.latencies.entry(kind).or_default();
                for second in chunk {
                    for step in second.latency.of(kind).histogram.histogram()?.iter_recorded() {
                        let next = found.len();
                        counts.push((
                            *found.entry(step.value_iterated_to()).or_insert(next),
                            step.count_at_value(),
                        ));
                    }
                }
            }
            blocks.push(block);
        }
        let values = found.iter().map(|(&kind, found)| (kind, found.keys().copied().collect())).collect();
        for block in &mut blocks {
            for (kind, counts) in &mut block.latencies {
                let in_order: BTreeMap<usize, usize> =
                    found[kind].values().enumerate().map(|(place, &as_found)| (as_found, place)).collect();
                counts.iter_mut().for_each(|(place, _)| *place = in_order[place]);
            }
        }
        Ok(Some(Blocks { blocks, values }))
    }

    /// The figures of many draws. The same run and seed give the same draws.
    pub(super) fn draws(&self, quantiles: &[f64], seed: u64) -> Vec<Figures> {
        let mut random = StdRng::seed_from_u64(seed);
        (0..SPREAD_DRAWS)
            .map(|_| {
                let drawn: Vec<&Block> = (0..self.blocks.len())
                    .map(|_| &self.blocks[random.random_range(0..self.blocks.len())])
                    .collect();
                self.figures(&drawn, quantiles)
            })
            .collect()
    }

    fn figures(&self, drawn: &[&Block], quantiles: &[f64]) -> Figures {
        let duration_s: f64 = drawn.iter().map(|block| block.duration_s).sum::<f64>().max(0.001);
        let rate = |what: &dyn Fn(&Block) -> u64| {
            drawn.iter().map(|block| what(block)).sum::<u64>() as f64 / duration_s
        };
        let mut figures = Figures {
            acknowledged: rate(&|block| block.acknowledged),
            delivered: rate(&|block| block.delivered),
            quantiles: BTreeMap::new(),
        };
        for (&kind, values) in &self.values {
            let mut sums = vec![0; values.len()];
            for (place, count) in drawn.iter().flat_map(|block| &block.latencies[&kind]) {
                sums[*place] += count;
            }
            let total: u64 = sums.iter().sum();
            for (number, quantile) in quantiles.iter().enumerate() {
                if let Some(us) = quantile_of(values, &sums, total, *quantile) {
                    figures.quantiles.insert((kind, number), us as f64);
                }
            }
        }
        figures
    }
}

/// The smallest value that at least this share does not exceed. None if values beyond it are too few.
fn quantile_of(values: &[u64], counts: &[u64], total: u64, quantile: f64) -> Option<u64> {
    if (total as f64) * (1.0 - quantile) < BEYOND_MIN {
        return None;
    }
    let needed = (total as f64 * quantile).ceil().max(1.0) as u64;
    let mut sum = 0;
    values
        .iter()
        .zip(counts)
        .find(|&(_, count)| {
            sum += count;
            sum >= needed
        })
        .map(|(&value, _)| value)
}

/// The range that the middle 95 % of these lie in. None if one of them is not known.
pub(super) fn middle(differences: impl IntoIterator<Item = Option<f64>>) -> Option<(f64, f64)> {
    let mut differences = differences.into_iter().collect::<Option<Vec<f64>>>()?;
    differences.sort_by(f64::total_cmp);
    let last = differences.len().checked_sub(1)?;
    let at = |share: f64| differences[(last as f64 * share).round() as usize];
    Some((at(TAIL), at(1.0 - TAIL)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_short_run_has_no_spread() {
        assert!(Blocks::of(&sample::record_of(SPREAD_BLOCKS_MIN as u64 - 1, 1.0)).unwrap().is_none());
        assert!(Blocks::of(&sample::record_of(SPREAD_BLOCKS_MIN as u64, 1.0)).unwrap().is_some());
    }

    #[test]
    fn all_blocks_once_are_the_run() {
        for seconds in [10, 37, 120] {
            let record = sample::record_of(seconds, 1.0);
            let blocks = Blocks::of(&record).unwrap().unwrap();
            let all: Vec<&Block> = blocks.blocks.iter().collect();
            let figures = blocks.figures(&all, &[0.5, 0.9]);
            assert_eq!((figures.acknowledged, figures.delivered), (50.0, 100.0));
            for kind in LatencyKind::ALL {
                let histogram = record.latency.of(kind);
                for (number, quantile) in [0.5, 0.9].into_iter().enumerate() {
                    assert_eq!(
                        figures.quantiles[&(kind, number)],
                        histogram.value_at_quantile(quantile) as f64
                    );
                }
            }
        }
    }

    #[test]
    fn the_true_figure_lies_within_the_spread_and_the_rarest_has_none() {
        let record = sample::record_of(60, 1.0);
        let draws = Blocks::of(&record).unwrap().unwrap().draws(&[0.5, 0.999], 1);
        let key = (LatencyKind::Acknowledgement, 0);
        let (low, high) = middle(draws.iter().map(|figures| figures.quantiles.get(&key).copied())).unwrap();
        let p50 = record.latency.acknowledgement.value_at_quantile(0.5) as f64;
        assert!(low < high && low <= p50 && p50 <= high, "{low} {p50} {high}");
        let rarest = (LatencyKind::Acknowledgement, 1);
        assert_eq!(middle(draws.iter().map(|figures| figures.quantiles.get(&rarest).copied())), None);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let blocks = Blocks::of(&sample::record()).unwrap().unwrap();
        assert_eq!(blocks.draws(&[0.5], 7), blocks.draws(&[0.5], 7));
        assert_ne!(blocks.draws(&[0.5], 7), blocks.draws(&[0.5], 8));
    }
}
