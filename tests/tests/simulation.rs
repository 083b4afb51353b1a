//! The fixed set of the simulator's seeds, and the proof that it bites: each rule of the guarantee broken in turn is noticed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use recado_tests::simulation::{Mutation, Setup, explain, run};

/// Seeds that every run of the tests goes through. `make sim` goes through more.
const SEEDS: u64 = 200;

/// And those in which something happens that is rare: a subscriber stands still for longer than it is told how far topics are.
const RARE_SEEDS: [u64; 2] = [901, 1745];

fn fixed_set() -> impl Iterator<Item = u64> {
    (0..SEEDS).chain(RARE_SEEDS)
}

/// Runs `judge` on numbers from 0 on, on all processors, and gives back what it found worth telling, in order.
fn on_all_processors<T: Send>(count: u64, judge: impl Fn(u64) -> Option<T> + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut found = thread::scope(|scope| {
        let work = || {
            let mut found = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return found;
                }
                found.extend(judge(number).map(|told| (number, told)));
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a failed run is told, not panicked about"))
            .collect::<Vec<_>>()
    });
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, told)| told).collect()
}

#[test]
fn whatever_goes_wrong_everything_acknowledged_arrives_once_and_in_order() {
    let seeds: Vec<u64> = fixed_set().collect();
    let failed = on_all_processors(seeds.len() as u64, |index| {
        let seed = seeds[usize::try_from(index).expect("below their number")];
        let setup = Setup::of_seed(seed);
        run(setup.clone()).violation.map(|_| explain(&setup))
    });
    assert!(failed.is_empty(), "{} of {} seeds fail:\n\n{}", failed.len(), seeds.len(), failed.join("\n\n"));
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    let differing = on_all_processors(12, |seed| {
        let setup = Setup::of_seed(1_000 + seed).traced();
        let (first, second) = (run(setup.clone()), run(setup.clone()));
        assert!(first.steps > 100, "{setup}: hardly anything happened");
        let same = (first.hash, first.steps, first.requests) == (second.hash, second.steps, second.requests);
        (!same).then(|| setup.to_string())
    });
    assert!(differing.is_empty(), "not determined by the seed: {differing:#?}");
}

#[test]
fn each_broken_rule_is_noticed_by_a_seed_of_the_fixed_set() {
    let count = Mutation::ALL.len() as u64;
    let table = on_all_processors(count, |index| {
        let mutation = Mutation::ALL[usize::try_from(index).expect("below their number")];
        let found = fixed_set().find_map(|seed| {
            let violation = run(Setup::of_seed(seed).mutated(mutation)).violation?;
            Some((seed, violation))
        });
        Some((mutation, found))
    });
    for (mutation, found) in &table {
        match found {
            Some((seed, violation)) => {
                println!("{mutation:<48} seed {seed:>3}: {} ({})", violation.rule, violation.seen)
            }
            None => println!("{mutation:<48} never noticed"),
        }
    }
    let missed: Vec<_> =
        table.iter().filter(|(_, found)| found.is_none()).map(|(it, _)| it.to_string()).collect();
    assert!(missed.is_empty(), "nobody notices when {missed:?}");
}
