//! What befalls whom in a round, all of it from the seed. Knows nothing of processes.

use std::{fmt, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::proxy::Losses;

/// Who is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Server,
    Broker,
}

/// A line between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// From the server to the broker.
    Publications,
    /// From the broker to those who listen.
    Subscriptions,
    /// Between clients and the server.
    Requests,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Blow {
    /// SIGKILL, and a new process after so long.
    Kill(Vec<Victim>, Duration),
    /// SIGSTOP, and SIGCONT after so long.
    Stop(Vec<Victim>, Duration),
    /// A process is stopped for so long and then killed: what lies in its buffers goes with it.
    StopAndKill(Victim, Duration),
    /// All connections end at once, and come back.
    Cut(Vec<Wire>),
    /// Nothing moves on the wires for so long; then it goes on.
    Stall(Vec<Wire>, Duration),
    /// Nothing moves on the wires for so long; then the connections end.
    StallAndCut(Vec<Wire>, Duration),
    /// Connections end and are refused for so long.
    Refuse(Vec<Wire>, Duration),
}

/// A round's blows, and what is lost by chance all the while.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) before: Duration,
    /// Everybody falls silent when the first blow falls, so that nothing follows what it destroys.
    pub(super) silence: bool,
    pub(super) blows: Vec<Blow>,
    pub(super) losses: Losses,
    pub(super) after: Duration,
}

impl Fault {
    pub(super) fn of_round(seed: u64, round: u64) -> Fault {
        let mut random = StdRng::seed_from_u64(seed ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let count = if random.random_bool(0.2) { 2 } else { 1 };
        let share = if random.random_bool(0.5) { random.random_range(0.0..0.05) } else { 0.0 };
        Fault {
            before: millis(&mut random, 50..400),
            silence: random.random(),
            blows: (0..count).map(|_| blow(&mut random)).collect(),
            losses: Losses { publications: share, heads: share, replies: share },
            after: millis(&mut random, 50..400),
        }
    }
}

fn blow(random: &mut StdRng) -> Blow {
    // Now and then for so long that heartbeats give a connection up.
    if random.random_ratio(1, 60) {
        return Blow::Stop(victims(random), millis(random, 16_000..18_000));
    }
    match random.random_range(0..12) {
        0..4 => Blow::Kill(victims(random), millis(random, 0..600)),
        4..6 => Blow::Stop(victims(random), millis(random, 20..1_500)),
        6 => {
            let victim = *[Victim::Server, Victim::Broker].choose(random).expect("there are two");
            Blow::StopAndKill(victim, millis(random, 20..600))
        }
        7..9 => Blow::Cut(wires(random)),
        9 => Blow::Stall(wires(random), millis(random, 20..1_000)),
        10 => Blow::StallAndCut(wires(random), millis(random, 20..1_000)),
        _ => Blow::Refuse(wires(random), millis(random, 20..1_000)),
    }
}

fn victims(random: &mut StdRng) -> Vec<Victim> {
    match random.random_range(0..3) {
        0 => vec![Victim::Server],
        1 => vec![Victim::Broker],
        _ => vec![Victim::Server, Victim::Broker],
    }
}

fn wires(random: &mut StdRng) -> Vec<Wire> {
    let all = [Wire::Publications, Wire::Subscriptions, Wire::Requests];
    let count = random.random_range(1..=all.len());
    all.sample(random, count).copied().collect()
}

fn millis(random: &mut StdRng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(range))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.silence {
            f.write_str("in silence ")?;
        }
        for (number, blow) in self.blows.iter().enumerate() {
            write!(f, "{}{blow}", if number > 0 { ", then " } else { "" })?;
        }
        if self.losses.publications > 0.0 {
            write!(f, ", {:.1} % lost", self.losses.publications * 100.0)?;
        }
        Ok(())
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Blow::Kill(victims, down) => write!(f, "{} killed for {down:?}", list(victims)),
            Blow::Stop(victims, time) => write!(f, "{} stopped for {time:?}", list(victims)),
            Blow::StopAndKill(victim, time) => write!(f, "{victim:?} stopped for {time:?} and killed"),
            Blow::Cut(wires) => write!(f, "{} cut", list(wires)),
            Blow::Stall(wires, time) => write!(f, "{} stalled for {time:?}", list(wires)),
            Blow::StallAndCut(wires, time) => write!(f, "{} stalled for {time:?} and cut", list(wires)),
            Blow::Refuse(wires, time) => write!(f, "{} refused for {time:?}", list(wires)),
        }
    }
}

fn list<T: fmt::Debug>(names: &[T]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::{Blow, Fault};

    #[test]
    fn the_same_seed_strikes_the_same() {
        let rounds = |seed| (1..50).map(|round| Fault::of_round(seed, round)).collect::<Vec<_>>();
        assert_eq!(rounds(7), rounds(7));
        assert_ne!(rounds(7), rounds(8));
    }

    #[test]
    fn every_kind_of_blow_falls() {
        let blows: Vec<_> = (1..200).flat_map(|round| Fault::of_round(1, round).blows).collect();
        let falls = |kind: fn(&Blow) -> bool| assert!(blows.iter().any(kind), "{blows:?}");
        falls(|blow| matches!(blow, Blow::Kill(victims, _) if victims.len() == 2));
        falls(|blow| matches!(blow, Blow::Kill(victims, _) if victims.len() == 1));
        falls(|blow| matches!(blow, Blow::Stop(..)));
        falls(|blow| matches!(blow, Blow::StopAndKill(..)));
        falls(|blow| matches!(blow, Blow::Cut(..)));
        falls(|blow| matches!(blow, Blow::Stall(..)));
        falls(|blow| matches!(blow, Blow::StallAndCut(..)));
        falls(|blow| matches!(blow, Blow::Refuse(..)));
    }
}
