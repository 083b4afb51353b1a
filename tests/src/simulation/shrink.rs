//! Makes a failing run smaller, one kind of misfortune at a time, and tells of it.

use std::fmt::Write;

use super::{Setup, run};

/// The smallest run found that breaks the same rule: kinds of faults left out, then the end of the load.
pub fn shrink(setup: &Setup) -> Setup {
    let Some(rule) = run(setup.clone()).violation.map(|violation| violation.rule) else {
        return setup.clone();
    };
    let fails = |setup: &Setup| run(setup.clone()).violation.is_some_and(|violation| violation.rule == rule);
    let mut smallest = setup.clone();
    for class in setup.faults.iter() {
        let mut smaller = smallest.clone();
        smaller.faults.remove(class);
        if fails(&smaller) {
            smallest = smaller;
        }
    }
    while smallest.messages > 1 {
        let smaller = Setup { messages: smallest.messages / 2, ..smallest.clone() };
        if !fails(&smaller) {
            break;
        }
        smallest = smaller;
    }
    smallest
}

/// For people: what failed, in how small a run, and what happened in it.
pub fn explain(setup: &Setup) -> String {
    let small = shrink(setup);
    let outcome = run(small.clone().traced());
    let mut text = String::new();
    match &outcome.violation {
        Some(violation) => {
            let about = violation.topic.as_deref().map_or(String::new(), |topic| format!(" ({topic})"));
            let _ = writeln!(text, "{setup}\nfails as well with: {small}");
            let _ = writeln!(text, "broken at {} µs: {}{about}", violation.at_us, violation.rule);
            let _ = writeln!(text, "seen: {}", violation.seen);
            let _ = writeln!(text, "what happened there:\n{}", outcome.trace);
            let _ = write!(text, "again: make sim SEED={}", setup.seed);
        }
        None => {
            let _ =
                write!(text, "{setup}\nholds when it is run again: something is not determined by the seed");
        }
    }
    text
}
