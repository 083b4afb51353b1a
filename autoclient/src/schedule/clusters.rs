//! When people talk: in conversations. A cluster process of Neyman and Scott (1958).
//!
//! Conversations begin at random (a Poisson process). Each has two to five people, is in one channel or between two of them directly, and
//! runs to eight messages on average, of which each follows the one before after two seconds on average (exponentially distributed). So the rate holds on
//! average, and messages come in bursts: few conversations at a time make long silences and sudden talk, many a steady noise.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use rand::{RngExt, rngs::Xoshiro256PlusPlus};

use super::{Shape, To};

/// Messages of a conversation on average; their number is geometrically distributed.
const MESSAGES_MEAN: f64 = 8.0;

/// Seconds from one message of a conversation to the next, on average.
const GAP_MEAN_S: f64 = 2.0;

/// How long before the beginning conversations began that are still going on then: three of a hundred are longer than this.
const WARM_UP_S: f64 = 60.0;

/// The people of a conversation are so many at most.
const PEOPLE_MAX: usize = 5;

/// An endless cluster process of messages.
#[derive(Debug)]
pub(super) struct Clusters {
    /// Conversations that begin in a second.
    starts_a_second: f64,
    next_start_s: f64,
    /// When each conversation goes on.
    turns: BinaryHeap<Reverse<(Duration, usize)>>,
    talks: Vec<Talk>,
    free: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Talk {
    people: [usize; PEOPLE_MAX],
    people_count: usize,
    /// In a channel, or else between the first two.
    channel: Option<usize>,
}

impl Clusters {
    /// So many messages a second on average.
    pub(super) fn new(rate: f64) -> Clusters {
        Clusters {
            starts_a_second: rate / MESSAGES_MEAN,
            next_start_s: 0.0,
            turns: BinaryHeap::new(),
            talks: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The next message: when, who, where.
    pub(super) fn next(&mut self, shape: &Shape, random: &mut Xoshiro256PlusPlus) -> (Duration, usize, To) {
        loop {
            let start = Duration::from_secs_f64(self.next_start_s);
            if self.turns.peek().is_none_or(|Reverse((at, _))| start <= *at) {
                self.begin(start, shape, random);
                self.next_start_s += exponential(random, 1.0 / self.starts_a_second);
                continue;
            }
            let Some(Reverse((at, talk))) = self.turns.pop() else { continue };
            let said = self.say(talk, random);
            if random.random::<f64>() < 1.0 / MESSAGES_MEAN {
                self.free.push(talk);
            } else {
                let gap = Duration::from_secs_f64(exponential(random, GAP_MEAN_S));
                self.turns.push(Reverse((at + gap, talk)));
            }
            // The beginning finds conversations under way.
            if let Some(due) = at.checked_sub(Duration::from_secs_f64(WARM_UP_S)) {
                return (due, said.0, said.1);
            }
        }
    }

    fn begin(&mut self, at: Duration, shape: &Shape, random: &mut Xoshiro256PlusPlus) {
        let is_direct = shape.receivers > 1 && random.random::<f64>() < shape.direct;
        let mut people = [0; PEOPLE_MAX];
        let people_count = if is_direct { 2 } else { random.random_range(2..=PEOPLE_MAX).min(shape.users) };
        if is_direct {
            people[0] = random.random_range(0..shape.receivers);
            people[1] = other_than(people[0], shape.receivers, random);
        } else {
            people[..people_count].iter_mut().for_each(|user| *user = random.random_range(0..shape.users));
        }
        let channel = (!is_direct).then(|| random.random_range(0..shape.channels));
        let talk = Talk { people, people_count, channel };
        let index = match self.free.pop() {
            Some(index) => {
                self.talks[index] = talk;
                index
            }
            None => {
                self.talks.push(talk);
                self.talks.len() - 1
            }
        };
        self.turns.push(Reverse((at, index)));
    }

    fn say(&self, talk: usize, random: &mut Xoshiro256PlusPlus) -> (usize, To) {
        let Talk { people, people_count, channel } = self.talks[talk];
        match channel {
            Some(channel) => (people[random.random_range(0..people_count)], To::Channel(channel)),
            None => {
                let speaker = random.random_range(0..2);
                (people[speaker], To::User(people[1 - speaker]))
            }
        }
    }
}

/// Somebody among the first `users` who is not this one; there are two at least.
pub(super) fn other_than(user: usize, users: usize, random: &mut Xoshiro256PlusPlus) -> usize {
    if user >= users {
        return random.random_range(0..users);
    }
    let other = random.random_range(0..users - 1);
    if other >= user { other + 1 } else { other }
}

fn exponential(random: &mut Xoshiro256PlusPlus, mean: f64) -> f64 {
    -mean * (1.0 - random.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use crate::{schedule::Pace, size::Size};

    use super::*;

    fn shape(rate: f64) -> Shape {
        Shape {
            seed: 7,
            users: 100,
            channels: 10,
            pace: Pace::Clusters(rate),
            size: Size::Phrase,
            direct: 0.25,
            receivers: 50,
        }
    }

    fn messages(rate: f64, count: usize) -> Vec<(Duration, usize, To)> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let (mut clusters, shape) = (Clusters::new(rate), shape(rate));
        (0..count).map(|_| clusters.next(&shape, &mut random)).collect()
    }

    #[test]
    fn the_rate_holds_on_average_from_the_beginning_on() {
        let messages = messages(200.0, 20_000);
        assert!(messages.is_sorted_by_key(|(due, ..)| *due));
        for seconds in [10.0, 90.0] {
            let count = messages.iter().filter(|(due, ..)| due.as_secs_f64() < seconds).count() as f64;
            assert!((0.85..1.15).contains(&(count / (200.0 * seconds))), "{count} in {seconds} s");
        }
    }

    #[test]
    fn people_talk_in_bursts() {
        // One conversation in four seconds. Counts of five seconds of an even process would vary by their mean.
        let mut counts = [0.0; 400];
        for (due, ..) in messages(2.0, 8_000) {
            if let Some(count) = counts.get_mut(due.as_secs() as usize / 5) {
                *count += 1.0;
            }
        }
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / 400.0;
        assert!(variance > 2.0 * mean, "variance {variance}, mean {mean}");
    }

    #[test]
    fn the_share_of_direct_messages_holds_and_they_go_to_other_receivers() {
        let messages = messages(200.0, 20_000);
        let direct = messages.iter().filter(|(_, _, to)| matches!(to, To::User(_))).count() as f64;
        assert!((0.22..0.28).contains(&(direct / 20_000.0)), "{direct}");
        assert!(messages.iter().all(|(_, user, to)| match to {
            To::User(to) => to != user && *to < 50,
            To::Channel(channel) => *channel < 10,
        }));
    }
}
