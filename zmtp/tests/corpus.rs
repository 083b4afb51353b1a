//! The fuzz targets' bodies over the committed corpus, and over mutations of it.

use std::fs;
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use recado_zmtp::fuzz;

/// Mutations of the corpus for each target: what a second or two allows in a build for tests.
const MUTATIONS: u64 = 20_000;

#[test]
fn traffic_in_any_bytes() {
    run("stream", fuzz::stream);
}

#[test]
fn a_handshake_in_any_bytes() {
    run("handshake", fuzz::handshake);
}

#[test]
fn a_command_in_any_bytes() {
    run("command", fuzz::command);
}

#[test]
fn curve_in_any_bytes() {
    run_so_often("curve", fuzz::curve, MUTATIONS / 20);
}

fn run(target: &str, body: fn(&[u8])) {
    run_so_often(target, body, MUTATIONS);
}

/// Fewer where each takes long.
fn run_so_often(target: &str, body: fn(&[u8]), mutations: u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("the corpus is committed")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let corpus: Vec<_> = paths.iter().map(|path| fs::read(path).expect("readable")).collect();
    for (path, data) in paths.iter().zip(&corpus) {
        let _told = TellOnPanic(format!("with {}", path.display()));
        body(data);
    }
    for seed in 0..mutations {
        let data = mutated(&corpus, seed);
        let _told = TellOnPanic(format!("with the {target} mutation of seed {seed}: {data:?}"));
        body(&data);
    }
}

/// Says what was at work when a property did not hold.
struct TellOnPanic(String);

impl Drop for TellOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// One of the corpus with a few bytes changed, inserted, taken out or repeated, or joined with another.
fn mutated(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut data = corpus[random.random_range(0..corpus.len())].clone();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=data.len());
        match random.random_range(0..5) {
            0 if at < data.len() => data[at] = random.random(),
            1 if at < data.len() => data[at] ^= 1 << random.random_range(0..8),
            2 => data.truncate(at),
            3 => data.insert(at, [0, 1, 2, 4, 0x7F, 0xFF][random.random_range(0..6)]),
            _ => {
                let other = &corpus[random.random_range(0..corpus.len())];
                data.extend_from_slice(&other[random.random_range(0..=other.len())..]);
            }
        }
    }
    data
}
