//! Who says what, where and when: an endless, seeded plan. The same seed and shape give the same plan.
//!
//! The plan is open: a message's time does not depend on how fast earlier ones were answered. Knows no socket and no clock;
//! times count from the start.

use std::{cmp::Reverse, collections::BinaryHeap, ops::RangeInclusive, time::Duration};

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus, seq::IndexedRandom};

use crate::{limits::BURST_MESSAGES, tag::tag_bytes};

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
    /// How long each message is, in bytes; a phrase of its own length if none.
    pub text_bytes: Option<usize>,
}

/// When users talk. In either case a user chooses a channel at random for every ten messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Each user says ten messages, then pauses for a random time in this range, for ever.
    Bursts(RangeInclusive<Duration>),
    /// So many messages a second in all, evenly spaced, the users in turn.
    Rate(f64),
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
    /// Where: below [`Shape::channels`].
    pub channel: usize,
    /// What is said, before the tag that ends each text.
    pub body: String,
}

/// The plan: an iterator that never ends. Steps come in order of `due`.
#[derive(Debug)]
pub struct Schedule {
    shape: Shape,
    speakers: Vec<Speaker>,
    /// Who is next, when they pause on their own.
    turns: BinaryHeap<Reverse<(Duration, usize)>>,
    number: u64,
}

/// A user's own randomness, so that what one says does not depend on how many others there are.
#[derive(Debug)]
struct Speaker {
    random: Xoshiro256PlusPlus,
    channel: usize,
    left_in_burst: u32,
}

impl Schedule {
    /// The plan of this shape.
    pub fn new(shape: Shape) -> Schedule {
        let speakers = (0..shape.users)
            .map(|user| {
                let own = shape.seed.wrapping_add((user as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                Speaker { random: Xoshiro256PlusPlus::seed_from_u64(own), channel: 0, left_in_burst: 0 }
            })
            .collect();
        let turns = match &shape.pace {
            Pace::Bursts(pause) => {
                (0..shape.users).map(|user| Reverse((stagger(user, shape.users, pause), user))).collect()
            }
            Pace::Rate(_) => BinaryHeap::new(),
        };
        Schedule { shape, speakers, turns, number: 0 }
    }

    /// When the next message is due and who says it.
    fn turn(&mut self) -> (Duration, usize) {
        match &self.shape.pace {
            Pace::Rate(rate) => {
                let user = self.number % self.shape.users as u64;
                (
                    Duration::from_secs_f64(self.number as f64 / rate),
                    usize::try_from(user).expect("below a usize"),
                )
            }
            Pace::Bursts(_) => self.turns.pop().expect("there is a user, and each comes back after a turn").0,
        }
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let (due, user) = self.turn();
        let number = self.number;
        self.number += 1;
        let speaker = &mut self.speakers[user];
        if speaker.left_in_burst == 0 {
            speaker.left_in_burst = BURST_MESSAGES;
            speaker.channel = speaker.random.random_range(0..self.shape.channels);
        }
        speaker.left_in_burst -= 1;
        let body = say(&mut speaker.random, number, self.shape.text_bytes);
        if let Pace::Bursts(pause) = &self.shape.pace {
            let after = if speaker.left_in_burst == 0 {
                random_pause(&mut speaker.random, pause)
            } else {
                Duration::ZERO
            };
            self.turns.push(Reverse((due + after, user)));
        }
        Some(Step { due, number, user, channel: speaker.channel, body })
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

fn say(random: &mut Xoshiro256PlusPlus, number: u64, bytes: Option<usize>) -> String {
    let phrase = PHRASES.choose(random).copied().unwrap_or_default();
    let Some(bytes) = bytes else { return format!("{phrase} ") };
    let body_bytes = bytes.saturating_sub(tag_bytes(number));
    let mut body: String = phrase.chars().take(body_bytes).collect();
    body.reserve_exact(bytes - body.len());
    while body.len() + 1 < body_bytes {
        body.push(char::from(b'a' + (random.next_u32() % 26) as u8));
    }
    if body.len() < body_bytes {
        body.push(' ');
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(pace: Pace) -> Shape {
        Shape { seed: 7, users: 3, channels: 5, pace, text_bytes: None }
    }

    fn bursts() -> Pace {
        Pace::Bursts(Duration::from_secs(5)..=Duration::from_secs(10))
    }

    fn steps(shape: Shape, count: usize) -> Vec<Step> {
        Schedule::new(shape).take(count).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_load_and_another_seed_another() {
        for pace in [bursts(), Pace::Rate(50.0)] {
            assert_eq!(steps(shape(pace.clone()), 500), steps(shape(pace.clone()), 500));
            assert_ne!(steps(shape(pace.clone()), 500), steps(Shape { seed: 8, ..shape(pace) }, 500));
        }
    }

    #[test]
    fn steps_come_in_order_of_time_and_number() {
        for pace in [bursts(), Pace::Rate(50.0)] {
            let steps = steps(shape(pace), 1_000);
            assert!(steps.is_sorted_by_key(|step| step.due));
            assert!((0..).zip(&steps).all(|(number, step)| step.number == number));
        }
    }

    #[test]
    fn a_user_says_ten_messages_in_one_channel_then_pauses_for_a_time_in_the_range() {
        for user in 0..3 {
            let own: Vec<_> =
                Schedule::new(shape(bursts())).filter(|step| step.user == user).take(100).collect();
            for burst in own.chunks(10) {
                assert!(
                    burst.iter().all(|step| step.channel == burst[0].channel && step.due == burst[0].due)
                );
            }
            for pair in own.chunks(10).collect::<Vec<_>>().windows(2) {
                let pause = pair[1][0].due - pair[0][0].due;
                assert!((Duration::from_secs(5)..=Duration::from_secs(10)).contains(&pause), "{pause:?}");
            }
        }
    }

    #[test]
    fn a_rate_is_kept_evenly_and_by_all_users_in_turn() {
        let steps = steps(shape(Pace::Rate(200.0)), 601);
        assert_eq!(steps[600].due, Duration::from_secs(3));
        assert!(steps.windows(2).all(|pair| pair[1].due - pair[0].due <= Duration::from_millis(6)));
        assert!(steps.iter().all(|step| step.user as u64 == step.number % 3));
    }

    #[test]
    fn every_channel_is_used_in_the_end() {
        let mut used = [false; 5];
        steps(shape(bursts()), 1_000).iter().for_each(|step| used[step.channel] = true);
        assert!(used.iter().all(|used| *used));
    }

    #[test]
    fn a_body_leaves_room_for_its_tag_in_the_size_that_was_asked_for() {
        for bytes in [32, 128, 4_096] {
            for step in steps(Shape { text_bytes: Some(bytes), ..shape(Pace::Rate(1.0)) }, 50) {
                assert_eq!(step.body.len() + tag_bytes(step.number), bytes);
            }
        }
    }
}
