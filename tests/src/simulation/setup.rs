//! What a seed stands for: how many take part, what they do, what goes wrong and when. Drawn once, before anything happens, so that
//! a run with less of it can be made.

use std::collections::BTreeSet;
use std::fmt;

use super::mutation::Mutation;
use super::random::Random;
use super::time::{MILLISECOND, Micros, SECOND};

/// One run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Everything is drawn from it.
    pub seed: u64,
    /// What goes wrong.
    pub faults: BTreeSet<FaultClass>,
    /// How many messages are sent.
    pub messages: usize,
    /// The rule that is broken on purpose.
    pub mutation: Option<Mutation>,
    /// Whether the trace is kept.
    pub traced: bool,
}

/// A kind of misfortune, which can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultClass {
    /// Connections break.
    Cuts,
    /// Somebody cannot be reached for a while.
    Partitions,
    /// Publications and replies vanish while connections hold.
    Drops,
    /// Publications and requests arrive twice.
    Repeats,
    /// A connection carries nothing for a while, and the broker's queue for it runs over.
    Stalls,
    /// The server dies and starts again.
    ServerCrashes,
    /// A broker dies and starts again.
    BrokerCrashes,
    /// A client dies and resumes from the places that it kept.
    ClientRestarts,
    /// A client leaves a topic and joins it again.
    Leaves,
    /// Clocks on walls go forward and back.
    ClockJumps,
    /// The server starts again from an older copy of its store.
    Restores,
}

impl FaultClass {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Cuts,
        Self::Partitions,
        Self::Drops,
        Self::Repeats,
        Self::Stalls,
        Self::ServerCrashes,
        Self::BrokerCrashes,
        Self::ClientRestarts,
        Self::Leaves,
        Self::ClockJumps,
        Self::Restores,
    ];
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cuts => "cuts",
            Self::Partitions => "partitions",
            Self::Drops => "drops",
            Self::Repeats => "repeats",
            Self::Stalls => "stalls",
            Self::ServerCrashes => "server crashes",
            Self::BrokerCrashes => "broker crashes",
            Self::ClientRestarts => "client restarts",
            Self::Leaves => "leaves",
            Self::ClockJumps => "clock jumps",
            Self::Restores => "restores",
        })
    }
}

impl Setup {
    /// What the seed says.
    pub fn of_seed(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5e70);
        let mut faults = BTreeSet::new();
        for class in FaultClass::ALL {
            // What is rare in life is rare here: a restored store makes all else hard to judge.
            let per_mille = if class == FaultClass::Restores { 120 } else { 550 };
            if random.chance(per_mille) {
                faults.insert(class);
            }
        }
        let messages = match random.below(10) {
            0..6 => random.between(5..=40),
            6..9 => random.between(40..=120),
            _ => random.between(120..=300),
        };
        let messages = usize::try_from(messages).expect("a few hundred");
        Self { seed, faults, messages, mutation: None, traced: false }
    }

    /// The same with a rule broken.
    pub fn mutated(self, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..self }
    }

    /// The same with a trace.
    pub fn traced(self) -> Self {
        Self { traced: true, ..self }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.faults.iter().map(ToString::to_string).collect();
        let faults = if faults.is_empty() { "no faults".to_owned() } else { faults.join(", ") };
        write!(f, "seed {}: {} messages, {faults}", self.seed, self.messages)?;
        match self.mutation {
            Some(mutation) => write!(f, "; broken on purpose: {mutation}"),
            None => Ok(()),
        }
    }
}

/// Something that happens to the system at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    CutRequests { client: usize },
    CutSubscriptions { client: usize, broker: usize },
    CutFeed { broker: usize },
    IsolateFromServer { client: usize, lasts: Micros },
    IsolateFromBroker { client: usize, broker: usize, lasts: Micros },
    IsolateFeed { broker: usize, lasts: Micros },
    Stall { client: usize, broker: usize, lasts: Micros },
    CrashServer { when: CrashPoint, restored: bool, down: Micros },
    CrashBroker { broker: usize, down: Micros },
    CrashClient { client: usize, down: Micros },
    Leave { client: usize, topic: u64, resumes: bool, away: Micros },
    WallClock { offset_ms: i64 },
}

/// Where a dying server is in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CrashPoint {
    /// Whatever it does.
    Now,
    /// At the end of the next turn, before the commit.
    BeforeCommit,
    /// Between the commit and the replies.
    AfterCommit,
    /// After the replies, before anything is published.
    BeforePublishing,
}

/// One message to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) at: Micros,
    pub(super) client: usize,
    /// Which of all topics; the clients' own come after the channels.
    pub(super) topic: usize,
    pub(super) padding: usize,
}

/// Everything that was drawn.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) clients: usize,
    pub(super) channels: usize,
    pub(super) brokers: usize,
    pub(super) healed_at: Micros,
    pub(super) delay_max: Micros,
    pub(super) load: Vec<Load>,
    pub(super) faults: Vec<(Micros, Fault)>,
    /// Per mille of what vanishes, or comes twice, until all heals.
    pub(super) drops: u64,
    pub(super) repeats: u64,
    pub(super) odd_timestamps: bool,
    /// Messages that wait in a broker's queue for one subscriber at most.
    pub(super) queue_messages_max: u64,
    /// Messages on their way from a broker to one subscriber at most.
    pub(super) window: usize,
    /// Bytes that a broker's kernel takes for one subscriber.
    pub(super) room: usize,
}

impl Plan {
    pub(super) fn of(setup: &Setup) -> Self {
        let mut random = Random::new(setup.seed);
        let mut shape = random.split();
        let clients = shape.index(4) + 2;
        let channels = shape.index(3) + 1;
        let brokers = if shape.chance(300) { 2 } else { 1 };
        let lasts = shape.pick(&[4, 10, 10, 30, 30, 90, 200]) * SECOND;
        let mut load = Vec::new();
        let mut at = 0;
        let burst = shape.pick(&[0, 300, 800]);
        // Where all fall silent early, nothing that follows shows what was lost, and beacons end before all is well.
        let speaks = if shape.chance(350) { lasts / 4 } else { lasts };
        for _ in 0..setup.messages {
            at = if shape.chance(burst) { at } else { shape.below(speaks) };
            let direct = shape.chance(250);
            let topic = if direct { channels + shape.index(clients) } else { shape.index(channels) };
            let padding = if shape.chance(30) { shape.index(6_000) } else { 0 };
            load.push(Load { at, client: shape.index(clients), topic, padding });
        }
        load.sort_by_key(|load| load.at);
        let mut plan = Self {
            clients,
            channels,
            brokers,
            healed_at: lasts + SECOND,
            delay_max: shape.pick(&[200, 2 * MILLISECOND, 20 * MILLISECOND]),
            load,
            faults: Vec::new(),
            drops: 0,
            repeats: 0,
            odd_timestamps: false,
            queue_messages_max: shape.pick(&[2, 10, 10_000]),
            window: shape.pick(&[2, 50, 1000]),
            room: shape.pick(&[300, 4_000, 1_000_000]),
        };
        for class in FaultClass::ALL {
            // Each draws from its own, so that one left out changes no other.
            let mut own = random.split();
            if setup.faults.contains(&class) {
                plan.draw(class, speaks, &mut own);
            }
            let shuts_out = matches!(class, FaultClass::Partitions | FaultClass::Stalls);
            if shuts_out && setup.faults.contains(&class) && speaks < lasts {
                // Away, or standing still, while the last is said, and until nobody says it again.
                let client = own.index(clients);
                let at = speaks.saturating_sub(own.below(4 * SECOND));
                for broker in 0..brokers {
                    let lasts = own.between(66..=120) * SECOND;
                    let away = match class {
                        FaultClass::Stalls => Fault::Stall { client, broker, lasts },
                        _ => Fault::IsolateFromBroker { client, broker, lasts },
                    };
                    plan.faults.push((at, away));
                }
            }
        }
        plan.faults.sort_by_key(|(at, _)| *at);
        plan
    }

    fn draw(&mut self, class: FaultClass, lasts: Micros, random: &mut Random) {
        let (clients, brokers) = (self.clients, self.brokers);
        let count = 1 + random.below(1 + lasts / SECOND / 4).min(12);
        match class {
            FaultClass::Drops => return self.drops = random.pick(&[5, 30, 150]),
            FaultClass::Repeats => return self.repeats = random.pick(&[20, 150]),
            FaultClass::ClockJumps => self.odd_timestamps = true,
            _ => {}
        }
        let count = if class == FaultClass::Restores { 1 } else { count };
        for _ in 0..count {
            let at = random.below(lasts);
            let (client, broker) = (random.index(clients), random.index(brokers));
            let short = random.between(50..=3_000) * MILLISECOND;
            let long = if random.chance(300) { random.between(5..=120) * SECOND } else { short };
            let fault = match class {
                FaultClass::Cuts => match random.below(3) {
                    0 => Fault::CutRequests { client },
                    1 => Fault::CutSubscriptions { client, broker },
                    _ => Fault::CutFeed { broker },
                },
                FaultClass::Partitions => match random.below(3) {
                    0 => Fault::IsolateFromServer { client, lasts: long },
                    1 => Fault::IsolateFromBroker { client, broker, lasts: long },
                    _ => Fault::IsolateFeed { broker, lasts: long },
                },
                FaultClass::Stalls => Fault::Stall { client, broker, lasts: long },
                FaultClass::ServerCrashes | FaultClass::Restores => {
                    let when = random.pick(&[
                        CrashPoint::Now,
                        CrashPoint::BeforeCommit,
                        CrashPoint::AfterCommit,
                        CrashPoint::BeforePublishing,
                    ]);
                    Fault::CrashServer { when, restored: class == FaultClass::Restores, down: short }
                }
                FaultClass::BrokerCrashes => Fault::CrashBroker { broker, down: short },
                FaultClass::ClientRestarts => Fault::CrashClient { client, down: long },
                FaultClass::Leaves => {
                    Fault::Leave { client, topic: random.next(), resumes: random.chance(500), away: long }
                }
                FaultClass::ClockJumps => {
                    let offset = random.below(4 * 86_400_000).cast_signed() - 2 * 86_400_000;
                    Fault::WallClock { offset_ms: offset }
                }
                FaultClass::Drops | FaultClass::Repeats => unreachable!("they have no moment"),
            };
            self.faults.push((at, fault));
        }
    }
}
