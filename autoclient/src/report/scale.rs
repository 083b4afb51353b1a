//! Axes: where a value stands between the ends of a chart, and which values are marked.

use super::text;

/// An axis with its marks.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    scale: Scale,
    /// Its marks, from its beginning on.
    pub(crate) ticks: Vec<Tick>,
}

/// A marked value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Where it stands: 0 is the axis' beginning, 1 its end.
    pub(crate) place: f64,
    /// The value for people.
    pub(crate) label: String,
    /// Whether it can be left out where there is little room.
    pub(crate) is_minor: bool,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Linear { from: f64, to: f64 },
    Logarithmic { from: f64, to: f64 },
}

/// From this ratio of the largest to the smallest on, latencies are on a logarithmic scale.
const LOGARITHMIC_FROM: f64 = 25.0;

/// How many marks an axis has, more or less.
const MARKS: f64 = 5.0;

impl Axis {
    /// Whether equal distances are equal ratios.
    pub(crate) fn is_logarithmic(&self) -> bool {
        matches!(self.scale, Scale::Logarithmic { .. })
    }

    /// Where a value stands, from 0 to 1; what is beyond an end stands at that end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear { from, to } => (value - from) / (to - from),
            Scale::Logarithmic { from, to } => (value.max(from) / from).ln() / (to / from).ln(),
        };
        place.clamp(0.0, 1.0)
    }

    /// From 0 to at least this many of something.
    pub(crate) fn of_counts(most: f64) -> Axis {
        // A line along the upper edge looks like a part of the frame.
        let most = most.max(1.0) * 1.02;
        Axis::linear(most, step_of_ten(most / MARKS), text::number)
    }

    /// From 0 to the end of a run, in seconds.
    pub(crate) fn of_time(end_s: f64) -> Axis {
        const STEPS: [f64; 17] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
            21_600.0, 43_200.0, 86_400.0,
        ];
        let end_s = end_s.max(1.0);
        let step =
            STEPS.into_iter().find(|step| end_s / step <= 8.0).unwrap_or_else(|| step_of_ten(end_s / 8.0));
        let scale = Scale::Linear { from: 0.0, to: end_s };
        let count = (end_s / step).floor() as usize;
        let marks = (0..=count).map(|mark| mark as f64 * step);
        Axis::marked(scale, marks.enumerate().map(|(place, s)| (s, text::seconds(s), place % 2 == 1)))
    }

    /// Latencies between these two, in microseconds; logarithmic if they are far apart.
    pub(crate) fn of_latency(least_us: f64, most_us: f64) -> Axis {
        let (least_us, most_us) = (least_us.max(1.0), most_us.max(2.0));
        if most_us / least_us < LOGARITHMIC_FROM {
            return Axis::linear(most_us, step_of_ten(most_us / MARKS), text::micros);
        }
        let from = 10_f64.powf(least_us.log10().floor());
        let end_us = step_of_ten(most_us * 1.02);
        let scale = Scale::Logarithmic { from, to: end_us };
        let decades = (most_us / from).log10().ceil() as i32;
        let marks = (0..=decades)
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| (from * 10_f64.powi(decade) * digit, digit)));
        let is_shown = |digit: f64| digit == 1.0 || decades <= 3;
        Axis::marked(
            scale,
            marks
                .filter(|&(us, digit)| is_shown(digit) && us <= end_us * 1.001)
                .map(|(us, digit)| (us, text::micros(us), digit != 1.0)),
        )
    }

    /// Quantiles by the logarithm of what is above them, as far as this many values say something. Takes `1 / (1 - quantile)`.
    pub(crate) fn of_quantiles(count: u64) -> Axis {
        let to = (count as f64).max(100.0);
        let nines = to.log10().floor() as i32;
        let marks = [(1.0, "0 %".to_owned(), false), (2.0, "50 %".to_owned(), true)].into_iter().chain(
            (1..=nines).map(|nines| {
                let decimals = usize::try_from(nines - 2).unwrap_or(0);
                let above = 10_f64.powi(nines);
                (above, format!("{:.decimals$} %", 100.0 - 100.0 / above), false)
            }),
        );
        Axis::marked(Scale::Logarithmic { from: 1.0, to }, marks)
    }

    fn linear(most: f64, step: f64, label: impl Fn(f64) -> String) -> Axis {
        let count = (most / step - 1e-9).ceil().max(1.0);
        let scale = Scale::Linear { from: 0.0, to: count * step };
        Axis::marked(
            scale,
            (0..=count as usize).map(|mark| (mark as f64 * step, label(mark as f64 * step), false)),
        )
    }

    fn marked(scale: Scale, marks: impl IntoIterator<Item = (f64, String, bool)>) -> Axis {
        let mut axis = Axis { scale, ticks: Vec::new() };
        axis.ticks = marks
            .into_iter()
            .map(|(value, label, is_minor)| Tick { place: axis.place(value), label, is_minor })
            .collect();
        axis
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below this.
fn step_of_ten(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|&step| step >= at_least * 0.999_999)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn counts_begin_at_nothing_and_end_beyond_the_most() {
        let axis = Axis::of_counts(230.0);
        assert_eq!(labels(&axis), ["0", "50", "100", "150", "200", "250"]);
        assert_eq!((axis.place(0.0), axis.place(125.0), axis.place(999.0)), (0.0, 0.5, 1.0));
        assert_eq!(labels(&Axis::of_counts(0.0)).first(), Some(&"0"));
    }

    #[test]
    fn time_is_marked_in_steps_of_a_clock() {
        assert_eq!(labels(&Axis::of_time(30.0)), ["0 s", "5 s", "10 s", "15 s", "20 s", "25 s", "30 s"]);
        assert_eq!(labels(&Axis::of_time(3_600.0)).last(), Some(&"1 h"));
        assert!(Axis::of_time(1e7).ticks.len() < 10);
    }

    #[test]
    fn latencies_far_apart_are_logarithmic() {
        let axis = Axis::of_latency(450.0, 38_000.0);
        assert_eq!(
            labels(&axis),
            ["100 µs", "200 µs", "500 µs", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms"]
        );
        assert!(
            (axis.place(1_000.0) - axis.place(100.0) - (axis.place(10_000.0) - axis.place(1_000.0))).abs()
                < 1e-9
        );
        assert_eq!(axis.place(0.0), 0.0);
        assert_eq!(labels(&Axis::of_latency(400.0, 1_900.0)), ["0 µs", "500 µs", "1 ms", "1.5 ms", "2 ms"]);
    }

    #[test]
    fn quantiles_go_as_far_as_there_are_values() {
        assert_eq!(labels(&Axis::of_quantiles(20_000)), ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert_eq!(labels(&Axis::of_quantiles(3)), ["0 %", "50 %", "90 %", "99 %"]);
    }
}
