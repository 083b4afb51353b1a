//! `make sim`: many seeds on all processors, or one with its trace.

use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use recado_tests::simulation::{Setup, explain, run};

fn main() -> ExitCode {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .filter(|text| !text.is_empty())
            .map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is no number")))
    };
    if let Some(seed) = number("SEED") {
        return one(seed);
    }
    many(number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(1_000))
}

fn one(seed: u64) -> ExitCode {
    let setup = Setup::of_seed(seed);
    let outcome = run(setup.clone().traced());
    print!("{}", outcome.trace);
    if outcome.violation.is_some() {
        println!("{}", explain(&setup));
        return ExitCode::FAILURE;
    }
    println!("{setup}: all rules hold ({} delivered, {} requests)", outcome.delivered, outcome.requests);
    ExitCode::SUCCESS
}

fn many(from: u64, count: u64) -> ExitCode {
    let (next, failed, delivered) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let setup = Setup::of_seed(from + index);
                    let outcome = run(setup.clone());
                    delivered.fetch_add(outcome.delivered, Ordering::Relaxed);
                    if outcome.violation.is_some() {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("{}\n", explain(&setup));
                    }
                }
            });
        }
        scope.spawn(|| {
            let mut told = 0;
            while next.load(Ordering::Relaxed) < count {
                thread::sleep(Duration::from_millis(200));
                let done = next.load(Ordering::Relaxed).min(count);
                if done * 20 / count.max(1) > told {
                    told = done * 20 / count.max(1);
                    eprintln!(
                        "{done} of {count} seeds, {} failed, {:?}",
                        failed.load(Ordering::Relaxed),
                        begun.elapsed()
                    );
                }
            }
        });
    });
    let failed = failed.into_inner();
    let per_second = count as f64 / begun.elapsed().as_secs_f64();
    println!(
        "{count} seeds from {from}, {failed} failed; {} deliveries; {per_second:.1} seeds a second",
        delivered.into_inner()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
