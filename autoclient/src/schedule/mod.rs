//! Who says what, where and when: an endless, seeded plan. The same seed and shape give the same plan.
//!
//! The plan is open: a message's time does not depend on how fast earlier ones were answered. Knows no socket and no clock;
//! times count from the start.

mod clusters;
mod plan;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, collections::BinaryHeap, ops::RangeInclusive, time::Duration};

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus, seq::IndexedRandom};

use crate::{limits::BURST_MESSAGES, size::Size, tag::tag_bytes};

use self::clusters::{Clusters, other_than};

pub use plan::{Phase, Plan};

/// What is said, when nobody says what.
const PHRASES: &[&str] = &[
    "good morning, everyone",
    "has anybody seen the latest numbers?",
    "coffee in five minutes",
    "the build is green again",
    "who is on call tonight?",
    "lunch?",
    "I left you a note about it",
    "let us talk about this tomorrow",
    "that was quick",
    "can somebody review my change?",
    "works on my machine",
    "see you on Monday",
];

/// The shape of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Where all randomness comes from.
    pub seed: u64,
    /// How many users talk; at least one.
    pub users: usize,
    /// How many channels they talk in; at least one.
    pub channels: usize,
    /// When they talk.
    pub pace: Pace,
    /// How long each message is.
    pub size: Size,
    /// The share of messages that go to another user directly, from 0 to 1. Alone among themselves nobody has whom to write to.
    pub direct: f64,
    /// How many users receive such: the first ones.
    pub receivers: usize,
}

/// When users talk.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Each user says ten messages in a channel chosen at random, one after the other's answer, then pauses for a random time in this range, for ever.
    Bursts(RangeInclusive<Duration>),
    /// So many messages a second in all, evenly spaced, the users in turn, each ten in a channel chosen at random.
    Rate(f64),
    /// So many messages a second in all on average, in conversations; see `clusters`.
    Clusters(f64),
}

impl Pace {
    /// Whether messages leave without waiting for the answers to earlier ones.
    pub fn is_open(&self) -> bool {
        !matches!(self, Pace::Bursts(_))
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// To a channel: below [`Shape::channels`].
    Channel(usize),
    /// To another user: below [`Shape::receivers`].
    User(usize),
}

/// One message of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it is due, from the start.
    pub due: Duration,
    /// Its place in the plan: 0, 1, 2, …
    pub number: u64,
    /// Who says it: below [`Shape::users`].
    pub user: usize,
    /// Where.
    pub to: To,
    /// What is said, before the tag that ends each text.
    pub body: String,
    /// Whether it leaves without waiting for the answers to earlier ones.
    pub is_open: bool,
}

/// A plan of one shape: an iterator that never ends. Steps come in order of `due`.
#[derive(Debug)]
pub struct Schedule {
    shape: Shape,
    turns: Turns,
    first: u64,
    number: u64,
}

#[derive(Debug)]
enum Turns {
    /// Who is next, when they pause on their own.
    Bursts {
        speakers: Vec<Speaker>,
        next: BinaryHeap<Reverse<(Duration, usize)>>,
    },
    Rate {
        speakers: Vec<Speaker>,
    },
    Clusters {
        clusters: Clusters,
        random: Xoshiro256PlusPlus,
    },
}

/// A user's own randomness, so that what one says does not depend on how many others there are.
#[derive(Debug)]
struct Speaker {
    random: Xoshiro256PlusPlus,
    channel: usize,
    left_in_burst: u32,
}

impl Schedule {
    /// The plan of this shape, its messages numbered from `number` on.
    pub fn new(shape: Shape, number: u64) -> Schedule {
        let speakers = || {
            let speaker = |user| {
                let own = shape.seed.wrapping_add((user as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                Speaker { random: Xoshiro256PlusPlus::seed_from_u64(own), channel: 0, left_in_burst: 0 }
            };
            (0..shape.users).map(speaker).collect()
        };
        let turns = match &shape.pace {
            Pace::Bursts(pause) => {
                let first = |user| Reverse((stagger(user, shape.users, pause), user));
                Turns::Bursts { speakers: speakers(), next: (0..shape.users).map(first).collect() }
            }
            Pace::Rate(_) => Turns::Rate { speakers: speakers() },
            Pace::Clusters(rate) => Turns::Clusters {
                clusters: Clusters::new(*rate),
                random: Xoshiro256PlusPlus::seed_from_u64(shape.seed),
            },
        };
        Schedule { shape, turns, first: number, number }
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let Schedule { shape, turns, first, number } = self;
        let is_open = shape.pace.is_open();
        let (due, user, to, body) = match turns {
            Turns::Bursts { speakers, next } => {
                let Reverse((due, user)) =
                    next.pop().expect("there is a user, and each comes back after a turn");
                let speaker = &mut speakers[user];
                let to = speaker.choose(user, shape);
                let body = say(&mut speaker.random, *number, &shape.size);
                let after = match &shape.pace {
                    Pace::Bursts(pause) if speaker.left_in_burst == 0 => {
                        random_pause(&mut speaker.random, pause)
                    }
                    Pace::Bursts(_) | Pace::Rate(_) | Pace::Clusters(_) => Duration::ZERO,
                };
                next.push(Reverse((due + after, user)));
                (due, user, to, body)
            }
            Turns::Rate { speakers } => {
                let Pace::Rate(rate) = shape.pace else { return None };
                let user = usize::try_from(*number % shape.users as u64).expect("below a usize");
                let speaker = &mut speakers[user];
                let to = speaker.choose(user, shape);
                let body = say(&mut speaker.random, *number, &shape.size);
                (Duration::from_secs_f64((*number - *first) as f64 / rate), user, to, body)
            }
            Turns::Clusters { clusters, random } => {
                let (due, user, to) = clusters.next(shape, random);
                let body = say(random, *number, &shape.size);
                (due, user, to, body)
            }
        };
        let step = Step { due, number: *number, user, to, body, is_open };
        *number += 1;
        Some(step)
    }
}

impl Speaker {
    /// Where the next message goes.
    fn choose(&mut self, user: usize, shape: &Shape) -> To {
        if self.left_in_burst == 0 {
            self.left_in_burst = BURST_MESSAGES;
            self.channel = self.random.random_range(0..shape.channels);
        }
        self.left_in_burst -= 1;
        let is_direct =
            shape.direct > 0.0 && shape.receivers > 1 && self.random.random::<f64>() < shape.direct;
        if is_direct {
            To::User(other_than(user, shape.receivers, &mut self.random))
        } else {
            To::Channel(self.channel)
        }
    }
}

/// The first user begins at once; the others spread over one pause, so that they do not all speak in the same instant.
fn stagger(user: usize, users: usize, pause: &RangeInclusive<Duration>) -> Duration {
    pause.end().mul_f64(user as f64 / users as f64)
}

fn random_pause(random: &mut Xoshiro256PlusPlus, pause: &RangeInclusive<Duration>) -> Duration {
    let span = pause.end().saturating_sub(*pause.start());
    *pause.start() + span.mul_f64(random.random())
}

fn say(random: &mut Xoshiro256PlusPlus, number: u64, size: &Size) -> String {
    let phrase = PHRASES.choose(random).copied().unwrap_or_default();
    let Some(bytes) = size.sample(random) else { return format!("{phrase} ") };
    let body_bytes = bytes.saturating_sub(tag_bytes(number));
    let mut body = String::with_capacity(bytes);
    body.extend(phrase.chars().take(body_bytes));
    while body.len() + 1 < body_bytes {
        let word = random.next_u64();
        let letters = word.to_le_bytes().map(|byte| char::from(b'a' + byte % 26));
        body.extend(letters.into_iter().take(body_bytes - 1 - body.len()));
    }
    if body.len() < body_bytes {
        body.push(' ');
    }
    body
}
