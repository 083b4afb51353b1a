//! Figures of several contenders at one piece of work: the middle of some rounds, how far they lay apart, and the bar they are held to.

use std::fmt;

/// Who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// `recado broker`.
    Recado,
    /// libzmq's `zmq_proxy` with one I/O thread.
    ZmqProxy1,
    /// libzmq's `zmq_proxy` with two I/O threads.
    ZmqProxy2,
    /// nats-server, core NATS.
    NatsServer,
    /// A relay that copies bytes and looks at none of them.
    PlainRelay,
}

impl Contender {
    /// In the order of the page's columns.
    pub const ALL: [Contender; 5] = [
        Contender::Recado,
        Contender::ZmqProxy1,
        Contender::ZmqProxy2,
        Contender::NatsServer,
        Contender::PlainRelay,
    ];

    /// The head of its column.
    pub fn title(self) -> &'static str {
        match self {
            Contender::Recado => "recado",
            Contender::ZmqProxy1 => "zmq_proxy, 1 I/O thread",
            Contender::ZmqProxy2 => "zmq_proxy, 2 I/O threads",
            Contender::NatsServer => "nats-server",
            Contender::PlainRelay => "plain TCP relay",
        }
    }

    fn is_libzmq(self) -> bool {
        match self {
            Contender::ZmqProxy1 | Contender::ZmqProxy2 => true,
            Contender::Recado | Contender::NatsServer | Contender::PlainRelay => false,
        }
    }
}

/// What a line's figures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Messages delivered, or received, in a second. More is better.
    MessagesPerSecond,
    /// Processor time of the relay for each message delivered, in nanoseconds. Less is better.
    CpuNanoseconds,
    /// Handshakes done in a second. More is better.
    HandshakesPerSecond,
    /// Connections that were made in a second. More is better.
    ConnectionsPerSecond,
    /// Processor time of the relay for each handshake, in microseconds. Less is better.
    CpuMicroseconds,
    /// Microseconds between sending and receiving. Less is better.
    Microseconds,
    /// Megabytes of memory. Less is better.
    Megabytes,
    /// Hundredths of one processor core. Less is better.
    PercentOfACore,
    /// A part of a whole. More is better.
    Share,
}

impl Unit {
    /// Whether the larger of two figures is the better one.
    pub fn more_is_better(self) -> bool {
        match self {
            Unit::MessagesPerSecond
            | Unit::HandshakesPerSecond
            | Unit::ConnectionsPerSecond
            | Unit::Share => true,
            Unit::CpuNanoseconds
            | Unit::CpuMicroseconds
            | Unit::Microseconds
            | Unit::Megabytes
            | Unit::PercentOfACore => false,
        }
    }

    /// What stands after a figure where no heading says it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::MessagesPerSecond => "messages/s",
            Unit::CpuNanoseconds => "ns of CPU each",
            Unit::HandshakesPerSecond => "handshakes/s",
            Unit::ConnectionsPerSecond => "connections/s",
            Unit::CpuMicroseconds => "us of CPU each",
            Unit::Microseconds => "us",
            Unit::Megabytes => "MB",
            Unit::PercentOfACore => "of a core",
            Unit::Share => "of the whole",
        }
    }

    /// A figure in this unit, three digits of it at least.
    pub fn show(self, figure: f64) -> String {
        match self {
            Unit::MessagesPerSecond if figure >= 999_500.0 => format!("{} M", digits(figure / 1e6)),
            Unit::MessagesPerSecond if figure >= 999.5 => format!("{} k", digits(figure / 1e3)),
            Unit::MessagesPerSecond
            | Unit::HandshakesPerSecond
            | Unit::ConnectionsPerSecond
            | Unit::CpuNanoseconds
            | Unit::CpuMicroseconds
            | Unit::Microseconds
            | Unit::Megabytes => digits(figure),
            Unit::PercentOfACore => format!("{figure:.2} %"),
            Unit::Share => share(figure),
        }
    }
}

/// A part of a whole. It is never rounded up: what is shown as 1.00 is the whole.
pub fn share(figure: f64) -> String {
    if figure < 1.0 { format!("{:.3}", (figure * 1e3).floor() / 1e3) } else { format!("{figure:.2}") }
}

fn digits(figure: f64) -> String {
    let places = if figure < 9.995 {
        2
    } else if figure < 99.95 {
        1
    } else {
        0
    };
    format!("{figure:.places$}")
}

/// The figures of some rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounds {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// The least part of what was published that arrived in any round, if that was counted.
    pub delivered: Option<f64>,
    /// The most subscribers that were disconnected in any round.
    pub disconnected: usize,
}

impl Rounds {
    /// Sums up rounds; none if there were none. Of an even number the upper of the two in the middle counts.
    pub fn of(figures: &[f64]) -> Option<Rounds> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        Some(Rounds { median: sorted[sorted.len() / 2], least, most, delivered: None, disconnected: 0 })
    }
}

/// One contender's place in a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// It was measured.
    Measured(Rounds),
    /// It should have been measured and was not, for this reason.
    NotMeasured(String),
    /// The work is none for this contender.
    NotMeant,
}

/// What Recado's figure is held to. A bar has its least demand, and perhaps an aim beyond it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// At least so many times the better of libzmq's figures.
    Times {
        /// What must be.
        least: f64,
        /// What is wanted.
        aim: Option<f64>,
        /// What part of the plain relay's figure is wanted.
        aim_of_plain_relay: Option<f64>,
    },
    /// At most this part of the better of libzmq's figures.
    Part {
        /// What must be.
        most: f64,
        /// What is wanted.
        aim: Option<f64>,
    },
    /// At most this much, whatever others reach.
    AtMost {
        /// What must be.
        most: f64,
        /// What is wanted.
        aim: Option<f64>,
    },
    /// At least this much, whatever others reach.
    AtLeast(f64),
}

/// How a figure stands to its bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The aim is reached.
    Aim,
    /// The demand is met.
    Held,
    /// It is not.
    Missed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Aim => "yes, the aim too",
            Verdict::Held => "yes",
            Verdict::Missed => "**no**",
        })
    }
}

/// One line of the page: a piece of work, and what each contender reached at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The work.
    pub title: String,
    /// What is counted.
    pub unit: Unit,
    /// What each contender reached; who is not here has nothing to do with it.
    pub cells: Vec<(Contender, Cell)>,
    /// What Recado is held to.
    pub bar: Option<Bar>,
}

impl Bar {
    /// Whether it is about what others reach.
    pub fn is_relative(self) -> bool {
        match self {
            Bar::Times { .. } | Bar::Part { .. } => true,
            Bar::AtMost { .. } | Bar::AtLeast(_) => false,
        }
    }
}

impl Line {
    /// A contender's cell.
    pub fn cell(&self, contender: Contender) -> &Cell {
        self.cells.iter().find(|(whose, _)| *whose == contender).map_or(&Cell::NotMeant, |(_, cell)| cell)
    }

    /// A contender's figure, if it was measured.
    pub fn figure(&self, contender: Contender) -> Option<f64> {
        match self.cell(contender) {
            Cell::Measured(rounds) => Some(rounds.median),
            Cell::NotMeasured(_) | Cell::NotMeant => None,
        }
    }

    /// The better of libzmq's figures.
    pub fn libzmq(&self) -> Option<f64> {
        let figures = Contender::ALL.into_iter().filter(|contender| contender.is_libzmq());
        let figures = figures.filter_map(|contender| self.figure(contender));
        if self.unit.more_is_better() { figures.reduce(f64::max) } else { figures.reduce(f64::min) }
    }

    /// A contender's figure divided by the better of libzmq's.
    pub fn ratio(&self, contender: Contender) -> Option<f64> {
        let libzmq = self.libzmq().filter(|figure| *figure > 0.0)?;
        Some(self.figure(contender)? / libzmq)
    }

    /// Recado's figure divided by the plain relay's.
    pub fn ratio_to_plain_relay(&self) -> Option<f64> {
        let plain = self.figure(Contender::PlainRelay).filter(|figure| *figure > 0.0)?;
        Some(self.figure(Contender::Recado)? / plain)
    }

    /// How Recado stands to the bar; none if there is no bar, or not all of it was measured.
    pub fn verdict(&self) -> Option<Verdict> {
        let (held, aim) = match self.bar? {
            Bar::Times { least, aim, aim_of_plain_relay } => {
                let ratio = self.ratio(Contender::Recado)?;
                let of_plain_relay = match (aim_of_plain_relay, self.ratio_to_plain_relay()) {
                    (Some(wanted), Some(seen)) => seen >= wanted,
                    (Some(_), None) => false,
                    (None, _) => true,
                };
                (ratio >= least, aim.is_some_and(|aim| ratio >= aim) && of_plain_relay)
            }
            Bar::Part { most, aim } => {
                let ratio = self.ratio(Contender::Recado)?;
                (ratio <= most, aim.is_some_and(|aim| ratio <= aim))
            }
            Bar::AtMost { most, aim } => {
                let figure = self.figure(Contender::Recado)?;
                (figure <= most, aim.is_some_and(|aim| figure <= aim))
            }
            Bar::AtLeast(least) => (self.figure(Contender::Recado)? >= least, false),
        };
        Some(match (held, aim) {
            (false, _) => Verdict::Missed,
            (true, true) => Verdict::Aim,
            (true, false) => Verdict::Held,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(unit: Unit, figures: &[(Contender, f64)], bar: Option<Bar>) -> Line {
        let measured = |figure| Cell::Measured(Rounds::of(&[figure]).expect("there is one"));
        let cells = figures.iter().map(|&(contender, figure)| (contender, measured(figure))).collect();
        Line { title: "work".to_owned(), unit, cells, bar }
    }

    #[test]
    fn rounds_are_summed_up_by_their_middle_and_their_ends() {
        let rounds = Rounds::of(&[30.0, 10.0, 20.0]).expect("there are some");
        assert_eq!((rounds.median, rounds.least, rounds.most), (20.0, 10.0, 30.0));
        assert_eq!(Rounds::of(&[]), None);
    }

    #[test]
    fn the_better_of_libzmqs_figures_is_the_larger_rate_and_the_smaller_latency() {
        use Contender::{Recado, ZmqProxy1, ZmqProxy2};
        let figures = [(Recado, 20.0), (ZmqProxy1, 2.0), (ZmqProxy2, 4.0)];
        assert_eq!(line(Unit::MessagesPerSecond, &figures, None).ratio(Recado), Some(5.0));
        assert_eq!(line(Unit::Microseconds, &figures, None).ratio(Recado), Some(10.0));
    }

    #[test]
    fn a_ratio_needs_both_figures() {
        let alone = line(Unit::MessagesPerSecond, &[(Contender::Recado, 20.0)], None);
        assert_eq!(alone.ratio(Contender::Recado), None);
        let nothing =
            line(Unit::PercentOfACore, &[(Contender::Recado, 0.1), (Contender::ZmqProxy1, 0.0)], None);
        assert_eq!(nothing.ratio(Contender::Recado), None, "nothing is no measure");
    }

    #[test]
    fn verdicts_follow_the_bar() {
        use Contender::{NatsServer, PlainRelay, Recado, ZmqProxy1};
        let times = Bar::Times { least: 6.0, aim: Some(10.0), aim_of_plain_relay: Some(0.9) };
        let part = Bar::Part { most: 0.125, aim: Some(1.0 / 12.0) };
        let rate = Unit::MessagesPerSecond;
        for (unit, figures, bar, verdict) in [
            (rate, vec![(Recado, 59.0), (ZmqProxy1, 10.0)], times, Some(Verdict::Missed)),
            (rate, vec![(Recado, 60.0), (ZmqProxy1, 10.0)], times, Some(Verdict::Held)),
            (rate, vec![(Recado, 100.0), (ZmqProxy1, 10.0)], times, Some(Verdict::Held)),
            (rate, vec![(Recado, 100.0), (ZmqProxy1, 10.0), (PlainRelay, 111.0)], times, Some(Verdict::Aim)),
            (rate, vec![(Recado, 100.0), (ZmqProxy1, 10.0), (PlainRelay, 112.0)], times, Some(Verdict::Held)),
            (rate, vec![(Recado, 100.0), (NatsServer, 10.0)], times, None),
            (Unit::CpuNanoseconds, vec![(Recado, 13.0), (ZmqProxy1, 100.0)], part, Some(Verdict::Missed)),
            (Unit::CpuNanoseconds, vec![(Recado, 12.0), (ZmqProxy1, 100.0)], part, Some(Verdict::Held)),
            (Unit::CpuNanoseconds, vec![(Recado, 8.0), (ZmqProxy1, 100.0)], part, Some(Verdict::Aim)),
            (
                Unit::Megabytes,
                vec![(Recado, 201.0)],
                Bar::AtMost { most: 200.0, aim: Some(100.0) },
                Some(Verdict::Missed),
            ),
            (Unit::Share, vec![(Recado, 0.9)], Bar::AtLeast(0.9), Some(Verdict::Held)),
            (Unit::Share, vec![(ZmqProxy1, 0.9)], Bar::AtLeast(0.9), None),
        ] {
            assert_eq!(line(unit, &figures, Some(bar)).verdict(), verdict, "{figures:?} against {bar:?}");
        }
    }

    #[test]
    fn figures_are_shown_with_three_digits() {
        for (unit, figure, shown) in [
            (Unit::MessagesPerSecond, 31_249_000.0, "31.2 M"),
            (Unit::MessagesPerSecond, 999_600.0, "1.00 M"),
            (Unit::MessagesPerSecond, 431_249.0, "431 k"),
            (Unit::MessagesPerSecond, 12.0, "12.0"),
            (Unit::CpuNanoseconds, 17.04, "17.0"),
            (Unit::Microseconds, 2554.4, "2554"),
            (Unit::PercentOfACore, 0.1, "0.10 %"),
            (Unit::Share, 1.0, "1.00"),
            (Unit::Share, 0.99999, "0.999"),
        ] {
            assert_eq!(unit.show(figure), shown);
        }
    }
}
