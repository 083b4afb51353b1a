//! What two runs are compared in, and what can be said of each difference.

use std::collections::BTreeSet;

use super::spread::{Blocks, Figures, middle};
use crate::{
    record::{LatencyKind, Outcome, PackError, Record, Setting},
    report::text::{count, micros, number},
};

/// The percentiles that are compared, beside the longest.
pub(super) const QUANTILES: [(f64, &str); 4] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")];

/// Seeds of the draws from the two runs.
const SEEDS: (u64, u64) = (1, 2);

/// Two runs side by side.
#[derive(Debug)]
pub struct Comparison {
    /// Why their figures cannot be held against each other; none if they can.
    pub obstacles: Vec<Difference>,
    /// What else differs between them.
    pub differences: Vec<Difference>,
    /// Their figures.
    pub rows: Vec<Row>,
}

/// Something that is not the same in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub name: String,
    /// In the first run.
    pub before: String,
    /// In the second run.
    pub after: String,
}

/// A figure of both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Its unit, and what is better.
    pub unit: Unit,
    /// In the first run; none if nothing was measured.
    pub before: Option<f64>,
    /// In the second run.
    pub after: Option<f64>,
    /// Where the change would fall by chance within the runs. None if too little was measured.
    pub spread: Option<Spread>,
    /// What can be said.
    pub judgement: Judgement,
}

/// Where a change would fall, from and to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// As shares of the first figure: -0.1 is a tenth less.
    Shares(f64, f64),
    /// As the second figure less the first, where the first may be 0.
    Differences(f64, f64),
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A rate; more is better.
    PerSecond,
    /// A time in microseconds; less is better.
    Micros,
    /// How often something went wrong; less is better, and no chance excuses more.
    Faults,
}

/// What can be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The same, or so close that chance within the runs explains it.
    Same,
    /// Better, beyond chance within the runs.
    Better,
    /// Worse, beyond chance within the runs.
    Worse,
    /// Too little was measured to say.
    Unknown,
}

impl Row {
    /// By what share the second figure differs from the first; none if the first is 0.
    pub fn change(&self) -> Option<f64> {
        let (before, after) = (self.before?, self.after?);
        (before != 0.0).then(|| (after - before) / before)
    }

    /// Whether the second run is worse by more than this share, beyond chance; faults count from the first.
    pub fn is_worse_by(&self, share: f64) -> bool {
        self.judgement == Judgement::Worse
            && match self.unit {
                Unit::Faults => true,
                Unit::PerSecond | Unit::Micros => self.change().is_none_or(|change| change.abs() > share),
            }
    }
}

impl Unit {
    /// A figure of this unit, for people.
    pub fn show(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => "–".to_owned(),
            (Unit::PerSecond, Some(value)) => format!("{}/s", number(value)),
            (Unit::Micros, Some(value)) => micros(value),
            (Unit::Faults, Some(value)) => count(value as u64),
        }
    }

    fn judge(self, before: Option<f64>, after: Option<f64>, spread: Option<Spread>) -> Judgement {
        let (Some(before), Some(after)) = (before, after) else { return Judgement::Unknown };
        let is_more_worse = match self {
            Unit::PerSecond => false,
            Unit::Micros | Unit::Faults => true,
        };
        let (low, high) = match (self, spread) {
            (Unit::Faults, _) => (after - before, after - before),
            (_, Some(Spread::Shares(low, high) | Spread::Differences(low, high))) => (low, high),
            (_, None) if before == after => (0.0, 0.0),
            (_, None) => return Judgement::Unknown,
        };
        match (low > 0.0, high < 0.0) {
            (true, _) if is_more_worse => Judgement::Worse,
            (true, _) => Judgement::Better,
            (_, true) if is_more_worse => Judgement::Better,
            (_, true) => Judgement::Worse,
            (false, false) => Judgement::Same,
        }
    }
}

impl Comparison {
    /// Compares two runs, the second against the first.
    ///
    /// # Errors
    /// If a histogram of a timeline is broken.
    pub fn of(before: &Record, after: &Record) -> Result<Comparison, PackError> {
        let (obstacles, mut differences) = settings(before, after);
        let mut obstacles = obstacles;
        for (name, run) in [("A", before), ("B", after)] {
            if run.verdict.outcome == Outcome::Invalid {
                obstacles.push(Difference {
                    name: format!("{name} is INVALID: its load client was the bottleneck"),
                    before: String::new(),
                    after: String::new(),
                });
            }
        }
        differences.extend(machines(before, after));
        Ok(Comparison { obstacles, differences, rows: rows(before, after)? })
    }

    /// Why the second run is worse by more than this share, or cannot be judged; none if it is not.
    pub fn complaints(&self, before: &Record, after: &Record, share: f64) -> Vec<String> {
        let mut complaints = Vec::new();
        if !self.obstacles.is_empty() {
            complaints.push("the two runs cannot be compared".to_owned());
        }
        if before.verdict.outcome == Outcome::Pass && after.verdict.outcome != Outcome::Pass {
            complaints.push("B did not pass, and A did".to_owned());
        }
        complaints.extend(self.rows.iter().filter(|row| row.is_worse_by(share)).map(|row| {
            format!("{}: {} was {}", row.name, row.unit.show(row.after), row.unit.show(row.before))
        }));
        complaints
    }
}

/// Settings that must be the same and are not, then those that need not be.
fn settings(before: &Record, after: &Record) -> (Vec<Difference>, Vec<Difference>) {
    fn find<'a>(record: &'a Record, name: &str) -> Option<&'a Setting> {
        record.settings.iter().find(|setting| setting.name == name)
    }
    let shown = |setting: Option<&Setting>| setting.map_or("–".to_owned(), |setting| setting.value.clone());
    let mut seen = BTreeSet::new();
    let (mut obstacles, mut others) = (Vec::new(), Vec::new());
    for Setting { name, .. } in before.settings.iter().chain(&after.settings) {
        let (one, other) = (find(before, name), find(after, name));
        if !seen.insert(name) || one.map(|one| &one.value) == other.map(|other| &other.value) {
            continue;
        }
        let difference = Difference { name: name.clone(), before: shown(one), after: shown(other) };
        match [one, other].into_iter().flatten().all(|setting| setting.is_incidental) {
            true => others.push(difference),
            false => obstacles.push(difference),
        }
    }
    (obstacles, others)
}

fn machines(before: &Record, after: &Record) -> Vec<Difference> {
    let facts = |record: &Record| {
        [
            ("recado", record.version.clone()),
            ("cores", count(record.machine.cores)),
            ("kernel", record.machine.kernel.clone()),
            ("processor", record.machine.processor.clone().unwrap_or_default()),
        ]
    };
    facts(before)
        .into_iter()
        .zip(facts(after))
        .filter(|(before, after)| before != after)
        .map(|((name, before), (_, after))| Difference { name: name.to_owned(), before, after })
        .collect()
}

fn rows(before: &Record, after: &Record) -> Result<Vec<Row>, PackError> {
    let quantiles = QUANTILES.map(|(quantile, _)| quantile);
    let draws = match (Blocks::of(before)?, Blocks::of(after)?) {
        (Some(before), Some(after)) => {
            before.draws(&quantiles, SEEDS.0).into_iter().zip(after.draws(&quantiles, SEEDS.1)).collect()
        }
        _ => Vec::new(),
    };
    let row = |name: String, unit: Unit, before: Option<f64>, after: Option<f64>, spread| Row {
        judgement: unit.judge(before, after, spread),
        name,
        unit,
        before,
        after,
        spread,
    };
    let spread = |figure: &dyn Fn(&Figures) -> Option<f64>| {
        let pairs = || {
            draws.iter().map(|(before, after): &(Figures, Figures)| Some((figure(before)?, figure(after)?)))
        };
        match pairs().flatten().any(|(before, _)| before == 0.0) {
            true => middle(pairs().map(|pair| pair.map(|(before, after)| after - before)))
                .map(|(low, high)| Spread::Differences(low, high)),
            false => middle(pairs().map(|pair| pair.map(|(before, after)| after / before - 1.0)))
                .map(|(low, high)| Spread::Shares(low, high)),
        }
    };
    let rate = |what: u64, record: &Record| Some(what as f64 / record.load_s.max(0.001));
    let delivered = |record: &Record| record.total.delivered_live + record.total.delivered_by_repair;

    let mut rows = vec![
        row(
            "acknowledged".to_owned(),
            Unit::PerSecond,
            rate(before.total.acknowledged, before),
            rate(after.total.acknowledged, after),
            spread(&|figures| Some(figures.acknowledged)),
        ),
        row(
            "delivered".to_owned(),
            Unit::PerSecond,
            rate(delivered(before), before),
            rate(delivered(after), after),
            spread(&|figures| Some(figures.delivered)),
        ),
    ];
    let faults = |record: &Record| {
        let total = &record.total;
        [
            ("lost", total.lost),
            ("repeated", total.repeated),
            ("out of order", total.out_of_order),
            ("unknown", total.unknown),
            ("corrupt", total.corrupt),
            ("refused", total.refused),
            ("ambiguous", total.ambiguous),
            ("unsent", total.unsent),
        ]
    };
    for ((name, before), (_, after)) in faults(before).into_iter().zip(faults(after)) {
        if name == "lost" || before + after > 0 {
            rows.push(row(name.to_owned(), Unit::Faults, Some(before as f64), Some(after as f64), None));
        }
    }
    for kind in LatencyKind::ALL {
        let (before, after) = (before.latency.of(kind), after.latency.of(kind));
        for (place, (quantile, name)) in QUANTILES.into_iter().enumerate() {
            let at = |histogram: &hdrhistogram::Histogram<u64>| {
                (histogram.len() as f64 * (1.0 - quantile) >= 1.0 - 1e-9)
                    .then(|| histogram.value_at_quantile(quantile) as f64)
            };
            let spread = spread(&|figures| figures.quantiles.get(&(kind, place)).copied());
            rows.push(row(format!("{}, {name}", kind.title()), Unit::Micros, at(before), at(after), spread));
        }
        let longest = |histogram: &hdrhistogram::Histogram<u64>| {
            (!histogram.is_empty()).then(|| histogram.max() as f64)
        };
        // The one longest of a run has no spread that could be known from that run.
        rows.push(row(format!("{}, max", kind.title()), Unit::Micros, longest(before), longest(after), None));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn find<'a>(comparison: &'a Comparison, name: &str) -> &'a Row {
        comparison.rows.iter().find(|row| row.name == name).unwrap()
    }

    #[test]
    fn a_run_is_as_good_as_itself() {
        let record = sample::record();
        let comparison = Comparison::of(&record, &record).unwrap();
        assert_eq!((comparison.obstacles.len(), comparison.differences.len()), (0, 0));
        assert!(
            comparison
                .rows
                .iter()
                .all(|row| row.judgement != Judgement::Worse && row.judgement != Judgement::Better)
        );
        assert_eq!(comparison.complaints(&record, &record, 0.0), Vec::<String>::new());
    }

    #[test]
    fn a_slower_run_is_worse_beyond_chance_and_the_other_way_round_better() {
        let (quick, slow) = (sample::record_of(60, 1.0), sample::record_of(60, 1.3));
        let worse = Comparison::of(&quick, &slow).unwrap();
        let row = find(&worse, "Request to acknowledgement, p50");
        assert_eq!(row.judgement, Judgement::Worse);
        assert!((row.change().unwrap() - 0.3).abs() < 0.02, "{row:?}");
        assert!(row.is_worse_by(0.25) && !row.is_worse_by(0.35));
        assert!(
            worse.complaints(&quick, &slow, 0.25).iter().any(|line| line.starts_with("End to end, p50: "))
        );
        assert_eq!(worse.complaints(&quick, &slow, 0.5), Vec::<String>::new());
        let better = Comparison::of(&slow, &quick).unwrap();
        assert_eq!(find(&better, "Request to acknowledgement, p50").judgement, Judgement::Better);
        assert_eq!(find(&better, "Acknowledgement to delivery, p50").judgement, Judgement::Same);
    }

    #[test]
    fn of_the_longest_and_of_short_runs_nothing_is_said() {
        let (one, other) = (sample::record_of(5, 1.0), sample::record_of(5, 2.0));
        let comparison = Comparison::of(&one, &other).unwrap();
        assert_eq!(find(&comparison, "End to end, p50").judgement, Judgement::Unknown);
        let (one, other) = (sample::record_of(60, 1.0), sample::record_of(60, 2.0));
        let comparison = Comparison::of(&one, &other).unwrap();
        assert_eq!(find(&comparison, "Request to acknowledgement, max").judgement, Judgement::Unknown);
    }

    #[test]
    fn a_latency_that_was_nothing_is_compared_by_its_difference() {
        let mut before = sample::record_of(60, 1.0);
        let after = sample::record_of(60, 1.0);
        let mut nothing = crate::record::new_histogram();
        nothing.saturating_record_n(0, 100);
        for second in &mut before.seconds {
            second.latency.delivery = crate::record::Window::of(&nothing);
        }
        before.latency.delivery = nothing;
        let comparison = Comparison::of(&before, &after).unwrap();
        let row = find(&comparison, "Acknowledgement to delivery, p50");
        assert!(matches!(row.spread, Some(Spread::Differences(low, _)) if low > 100.0), "{row:?}");
        assert_eq!((row.judgement, row.change()), (Judgement::Worse, None));
        assert!(row.is_worse_by(0.5));
    }

    #[test]
    fn one_more_lost_is_worse_whatever_chance_says() {
        let before = sample::record();
        let mut after = sample::record();
        after.total.lost = 1;
        after.verdict.outcome = Outcome::Fail;
        let comparison = Comparison::of(&before, &after).unwrap();
        assert_eq!(find(&comparison, "lost").judgement, Judgement::Worse);
        assert_eq!(
            comparison.complaints(&before, &after, 9.0),
            ["B did not pass, and A did", "lost: 1 was 0"]
        );
    }

    #[test]
    fn another_rate_is_an_obstacle_and_another_seed_is_not() {
        let before = sample::record();
        let mut after = sample::record();
        after.settings[1].value = "99/s".to_owned();
        after.settings[4].value = "8".to_owned();
        after.settings.remove(2);
        after.machine.cores = 64;
        let comparison = Comparison::of(&before, &after).unwrap();
        let names = |list: &[Difference]| list.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&comparison.obstacles), ["rate", "size"]);
        assert_eq!(names(&comparison.differences), ["seed", "cores"]);
        assert_eq!(comparison.complaints(&before, &after, 9.0), ["the two runs cannot be compared"]);
        after.verdict.outcome = Outcome::Invalid;
        assert_eq!(Comparison::of(&before, &after).unwrap().obstacles.len(), 3);
    }
}
