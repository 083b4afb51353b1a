//! Phases one after the other, each of its own shape, and how a phase begins softly.

use std::{collections::VecDeque, time::Duration};

use super::{Schedule, Shape, Step};

/// A part of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// What it is called.
    pub name: String,
    /// Its load.
    pub shape: Shape,
    /// How long it takes. Without that it takes as long as its messages do.
    pub duration: Option<Duration>,
    /// How many messages it has at most. Without that and a duration it never ends.
    pub messages: Option<u64>,
    /// For so long its rate rises from nothing to the whole, evenly.
    pub ramp: Duration,
}

/// The plan of a whole run: its phases, one after the other.
#[derive(Debug)]
pub struct Plan {
    phases: VecDeque<Phase>,
    current: Option<Current>,
    /// When the current phase, or the next, begins.
    begins: Duration,
    number: u64,
}

#[derive(Debug)]
struct Current {
    phase: Phase,
    schedule: Schedule,
    /// The number of its first message.
    first: u64,
    last_due: Duration,
}

impl Plan {
    /// These phases.
    pub fn new(phases: Vec<Phase>) -> Plan {
        Plan { phases: phases.into(), current: None, begins: Duration::ZERO, number: 0 }
    }

    /// When these phases end, if that is known beforehand.
    pub fn ends_after(phases: &[Phase]) -> Option<Duration> {
        phases.iter().map(|phase| phase.duration.filter(|_| phase.messages.is_none())).sum()
    }

    fn enter_next_phase(&mut self) -> Option<()> {
        let mut phase = self.phases.pop_front()?;
        // The same person does not say the same in each phase.
        phase.shape.seed = phase.shape.seed.wrapping_add(self.number);
        let schedule = Schedule::new(phase.shape.clone(), self.number);
        self.current = Some(Current { phase, schedule, first: self.number, last_due: Duration::ZERO });
        Some(())
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            let Some(current) = &mut self.current else {
                self.enter_next_phase()?;
                continue;
            };
            let Phase { duration, messages, ramp, .. } = &current.phase;
            let has_more = messages.is_none_or(|messages| self.number - current.first < messages);
            let step = if has_more { current.schedule.next() } else { None };
            let due = step.as_ref().map(|step| ramped(step.due, *ramp));
            match (step, due) {
                (Some(step), Some(due)) if duration.is_none_or(|duration| due < duration) => {
                    self.number = step.number + 1;
                    current.last_due = due;
                    return Some(Step { due: self.begins + due, ..step });
                }
                _ => {
                    // With a number of messages it ends when they are said, however long it might have taken.
                    let length = if has_more { *duration } else { None };
                    self.begins += length.unwrap_or(current.last_due);
                    self.current = None;
                }
            }
        }
    }
}

/// When a message is due that would be due at `due` without the ramp. The rate rises evenly for that long, so that after a time t in it t²/2r of the time
/// is made up for.
fn ramped(due: Duration, ramp: Duration) -> Duration {
    if ramp.is_zero() {
        return due;
    }
    if due < ramp / 2 {
        return Duration::from_secs_f64((2.0 * ramp.as_secs_f64() * due.as_secs_f64()).sqrt());
    }
    due + ramp / 2
}

#[cfg(test)]
mod tests {
    use crate::{schedule::Pace, size::Size};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn phase(rate: f64, seconds: u32) -> Phase {
        let shape = Shape {
            seed: 7,
            users: 3,
            channels: 2,
            pace: Pace::Rate(rate),
            size: Size::Phrase,
            direct: 0.0,
            receivers: 0,
        };
        Phase {
            name: "a".into(),
            shape,
            duration: Some(SECOND * seconds),
            messages: None,
            ramp: Duration::ZERO,
        }
    }

    #[test]
    fn phases_follow_one_another_and_numbers_go_on() {
        let phases = vec![phase(10.0, 2), phase(100.0, 1), phase(10.0, 1)];
        assert_eq!(Plan::ends_after(&phases), Some(4 * SECOND));
        let steps: Vec<_> = Plan::new(phases).collect();
        assert_eq!(steps.len(), 20 + 100 + 10);
        assert!((0..).zip(&steps).all(|(number, step)| step.number == number));
        assert!(steps.is_sorted_by_key(|step| step.due));
        let in_third = steps.iter().filter(|step| (2 * SECOND..3 * SECOND).contains(&step.due)).count();
        assert_eq!(in_third, 100);
    }

    #[test]
    fn a_phase_may_have_so_many_messages_instead_and_the_next_begins_behind_its_last() {
        let counted = Phase { duration: None, messages: Some(11), ..phase(10.0, 1) };
        let phases = vec![counted.clone(), phase(10.0, 1)];
        assert_eq!(Plan::ends_after(&phases), None);
        let steps: Vec<_> = Plan::new(phases).collect();
        assert_eq!((steps.len(), steps[10].due, steps[11].due), (21, SECOND, SECOND));
        let none = Phase { messages: Some(0), ..counted };
        assert_eq!(Plan::new(vec![none]).count(), 0);
    }

    #[test]
    fn a_ramp_rises_evenly_and_then_holds() {
        let ramped = Phase { ramp: 10 * SECOND, ..phase(100.0, 20) };
        let steps: Vec<_> = Plan::new(vec![ramped]).collect();
        let count = |second: u32| {
            steps.iter().filter(|step| (second * SECOND..(second + 1) * SECOND).contains(&step.due)).count()
        };
        assert!(count(0).abs_diff(5) <= 1, "{}", count(0));
        assert!(count(5).abs_diff(55) <= 1, "{}", count(5));
        assert!((10..20).all(|second| count(second).abs_diff(100) <= 1));
        assert!(steps.is_sorted_by_key(|step| step.due));
    }

    #[test]
    fn no_two_phases_say_the_same() {
        let steps: Vec<_> = Plan::new(vec![phase(50.0, 1), phase(50.0, 1)]).collect();
        let said = |steps: &[Step]| steps.iter().map(|step| step.body.clone()).collect::<Vec<_>>();
        assert_ne!(said(&steps[..50]), said(&steps[50..]));
    }
}
