use std::time::{Duration, Instant};

use super::{
    Elsewhere, HOLD_PROVEN_AFTER_MS, HOLD_PROVEN_MS, HOLD_STALLED_MS, HOLD_STEP_MS, HOLD_WINDOW_MS,
    PROBATION_FIRST_MS, Pace, Standing,
};

/// A world with a clock, in which a publisher waits for subscribers.
struct World {
    pace: Pace,
    all: Vec<Standing>,
    now: Instant,
}

impl World {
    fn new(subscribers: usize) -> World {
        World { pace: Pace::new(), all: vec![Standing::default(); subscribers], now: Instant::now() }
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    /// A chunk for everybody; each of `slow` takes `ms` for it, one after the other, and the publisher waits.
    fn chunk(&mut self, slow: &[(usize, u64)]) {
        for standing in &mut self.all {
            self.pace.reached(standing);
        }
        for &(who, _) in slow {
            self.all[who].queued(true, self.now);
        }
        self.pace.wait_begins(self.now, Elsewhere::default());
        let began = self.now;
        for &(who, ms) in slow {
            if self.all[who].is_waited_for() {
                self.look(who, began, ms);
                self.all[who].progressed(false);
            }
        }
        self.pace.judge(self.now, Elsewhere::default(), self.all.iter_mut());
    }

    /// The publisher waits for it for `ms`, and looks again and again. True when it was found to have stalled.
    fn look(&mut self, who: usize, began: Instant, ms: u64) -> bool {
        let (mut since, mut stalled, end) = (began, false, self.now + Duration::from_millis(ms));
        while self.now < end && !stalled {
            self.now = end.min(self.now + Duration::from_millis(HOLD_STEP_MS));
            stalled = self.pace.waited(&mut self.all[who], since, self.now);
            since = self.now;
        }
        stalled
    }

    fn is_waited_for(&mut self, who: usize) -> bool {
        self.all[who].progressed(false);
        self.all[who].queued(true, self.now);
        self.all[who].is_waited_for()
    }
}

#[test]
fn who_takes_nothing_is_not_waited_for_until_it_kept_up_and_fell_behind_anew() {
    let mut world = World::new(1);
    world.all[0].queued(true, world.now);
    world.pace.wait_begins(world.now, Elsewhere::default());
    let mut waited = 0;
    while world.all[0].is_waited_for() {
        let since = world.now;
        world.pass(10);
        waited += 10;
        world.pace.waited(&mut world.all[0], since, world.now);
    }
    assert_eq!(waited, HOLD_STALLED_MS);
    world.pass(2 * PROBATION_FIRST_MS);
    assert!(!world.all[0].is_waited_for(), "it is behind still");
    assert!(world.is_waited_for(0), "it caught up, and fell behind again after its probation");
}

#[test]
fn a_second_offence_costs_twice_the_probation() {
    let mut world = World::new(1);
    for expected in [PROBATION_FIRST_MS, 2 * PROBATION_FIRST_MS, 4 * PROBATION_FIRST_MS] {
        assert!(world.is_waited_for(0));
        assert!(world.look(0, world.now, HOLD_STALLED_MS));
        world.pass(expected - 1);
        assert!(!world.is_waited_for(0));
        world.pass(1);
    }
}

#[test]
fn who_alone_holds_the_others_up_is_not_waited_for() {
    let mut world = World::new(10);
    for _ in 0..HOLD_WINDOW_MS / 5 {
        world.chunk(&[(3, 5)]);
    }
    assert!(!world.is_waited_for(3));
    assert!((0..10).filter(|&who| who != 3).all(|who| world.is_waited_for(who)));
}

#[test]
fn a_crowd_is_waited_for_however_slow() {
    let mut world = World::new(10);
    let everybody: Vec<_> = (0..10).map(|who| (who, 5)).collect();
    for _ in 0..100 {
        world.chunk(&everybody);
    }
    assert!((0..10).all(|who| world.is_waited_for(who)));
}

#[test]
fn the_only_subscriber_is_waited_for_as_long_as_it_takes_something() {
    let mut world = World::new(1);
    for _ in 0..100 {
        world.chunk(&[(0, HOLD_STALLED_MS - 1)]);
    }
    assert!(world.is_waited_for(0));
}

#[test]
fn waits_that_cost_the_others_little_are_no_offence() {
    let mut world = World::new(10);
    for _ in 0..100 {
        world.chunk(&[(3, 1)]);
        world.pass(20);
    }
    assert!(world.is_waited_for(3));
}

/// When this process had no turn for a long time, nobody has noticed what the subscriber took meanwhile.
#[test]
fn our_own_pauses_are_not_held_against_anybody() {
    let mut world = World::new(1);
    world.all[0].queued(true, world.now);
    world.pace.wait_begins(world.now, Elsewhere::default());
    let since = world.now;
    world.pass(100 * HOLD_STALLED_MS);
    assert!(!world.pace.waited(&mut world.all[0], since, world.now));
}

/// One whose worker has no other subscribers, and who takes a chunk in a quarter of the time. How many were judged to hold the others up.
fn judged_alone(elsewhere: impl Fn(u64) -> Elsewhere) -> u64 {
    let (mut pace, mut standing, mut now) = (Pace::new(), Standing::default(), Instant::now());
    let mut judged = 0;
    for turn in 0..20 {
        pace.reached(&mut standing);
        standing.queued(true, now);
        pace.wait_begins(now, elsewhere(turn));
        let since = now;
        now += Duration::from_millis(HOLD_STEP_MS);
        pace.waited(&mut standing, since, now);
        standing.progressed(false);
        judged += pace.judge(now, elsewhere(turn + 1), std::iter::once(&mut standing));
    }
    judged
}

#[test]
fn those_of_other_workers_are_among_the_others_that_one_may_hold_up() {
    assert_eq!(judged_alone(|_| Elsewhere::default()), 0, "there are no others");
    let waited_for_none = |_| Elsewhere { reached: 3, waited: Duration::ZERO };
    assert!(judged_alone(waited_for_none) > 0);
    let as_slow = |turn| Elsewhere { reached: 3, waited: Duration::from_millis(3 * turn * HOLD_STEP_MS) };
    assert_eq!(judged_alone(as_slow), 0);
}

#[test]
fn what_others_are_shown_is_who_was_reached_and_is_still_there() {
    let mut pace = Pace::new();
    let (mut a, mut b) = (Standing::default(), Standing::default());
    for standing in [&mut a, &mut b, &mut Standing::default()] {
        pace.reached(standing);
    }
    pace.reached(&mut a);
    assert_eq!(pace.ours(), Elsewhere { reached: 3, waited: Duration::ZERO });
    pace.left(&mut b);
    pace.left(&mut b);
    assert_eq!(pace.ours().reached, 2);
}

/// One after the other connects, takes nothing, and leaves before it is found to have stalled.
#[test]
fn who_stalls_and_leaves_uses_up_the_patience_that_all_have_in_common() {
    let mut world = World::new(1);
    let mut held_up = 0;
    for _ in 0..100 {
        world.all[0] = Standing::default();
        world.all[0].queued(true, world.now);
        world.pace.wait_begins(world.now, Elsewhere::default());
        for _ in 0..8 {
            if world.all[0].is_waited_for() {
                let since = world.now;
                world.pass(HOLD_STEP_MS);
                held_up += HOLD_STEP_MS;
                world.pace.waited(&mut world.all[0], since, world.now);
            } else {
                world.pass(HOLD_STEP_MS);
            }
        }
        world.pace.left(&mut world.all[0]);
    }
    let all = 100 * 8 * HOLD_STEP_MS;
    // The steps that found out that there is no patience left are beyond it.
    assert!(held_up <= HOLD_STALLED_MS + all / 10 + 100 * HOLD_STEP_MS, "{held_up} of {all} ms");
}

#[test]
fn who_has_kept_up_for_a_while_has_some_patience_of_its_own() {
    let mut world = World::new(2);
    assert!(world.is_waited_for(1), "it catches up for the first time");
    world.all[1].progressed(false);
    world.all[1].queued(false, world.now);
    assert!(world.is_waited_for(0));
    assert!(world.look(0, world.now, HOLD_STALLED_MS), "another one uses up what all have");
    world.pass(HOLD_PROVEN_AFTER_MS);
    assert!(world.is_waited_for(1));
    assert!(!world.look(1, world.now, HOLD_PROVEN_MS - 1));
    assert!(world.look(1, world.now, HOLD_STEP_MS));
}
