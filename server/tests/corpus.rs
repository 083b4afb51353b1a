//! The fuzz target's body over the committed corpus, and over mutations of it.

use std::fs;
use std::path::Path;

use recado_server::fuzz;

/// Mutations of the corpus for it: what a few seconds allow in a build for tests.
const MUTATIONS: u64 = 500;

#[test]
fn acts_about_access_and_questions_in_any_order() {
    run("access", fuzz::access);
}

fn run(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("the corpus is committed")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    assert!(paths.len() > 5, "{} has lost its inputs", folder.display());
    let corpus: Vec<_> = paths.iter().map(|path| fs::read(path).expect("readable")).collect();
    for (path, data) in paths.iter().zip(&corpus) {
        let _told = TellOnPanic(format!("with {}", path.display()));
        body(data);
    }
    for seed in 0..MUTATIONS {
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

/// Numbers that follow from a seed alone (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// One of the corpus with a few bytes changed, inserted, taken out or repeated, or joined with another.
fn mutated(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut data = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(data.len() + 1);
        match random.below(5) {
            0 if at < data.len() => data[at] = random.below(256) as u8,
            1 if at < data.len() => data[at] ^= 1 << random.below(8),
            2 => data.truncate(at),
            3 => data.insert(at, [0, 1, 2, 4, 0x7f, 0xff][random.below(6)]),
            _ => {
                let other = &corpus[random.below(corpus.len())];
                data.extend_from_slice(&other[random.below(other.len() + 1)..]);
            }
        }
    }
    data
}
