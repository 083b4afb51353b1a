//! How long messages are: as long as a phrase is, all the same, or of a random length.

use std::{fmt, str::FromStr};

use rand::{Rng, RngExt};

use crate::{
    limits::{TEXT_BYTES_MAX, TEXT_BYTES_MIN},
    units,
};

/// The length of each message in bytes, its tag included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Size {
    /// A phrase's own.
    #[default]
    Phrase,
    /// Always the same.
    Fixed(usize),
    /// Any from the first to the last, each as likely.
    Uniform(usize, usize),
    /// Log-normal (what lengths of real messages are like): half are shorter than `median`, and `sigma` is the deviation of the
    /// logarithm. Cut to what a message may have.
    LogNormal {
        /// In bytes.
        median: usize,
        /// 0 makes all the same; with 1.0 one in six is longer than 2.7 times the median.
        sigma: f64,
    },
}

impl Size {
    /// The length of one message, if it is not a phrase's own.
    pub fn sample(&self, random: &mut impl Rng) -> Option<usize> {
        match *self {
            Size::Phrase => None,
            Size::Fixed(bytes) => Some(bytes),
            Size::Uniform(from, to) => Some(random.random_range(from..=to)),
            Size::LogNormal { median, sigma } => {
                let bytes = median as f64 * (sigma * standard_normal(random)).exp();
                Some((bytes.round() as usize).clamp(TEXT_BYTES_MIN, TEXT_BYTES_MAX))
            }
        }
    }
}

/// By Box and Muller.
fn standard_normal(random: &mut impl Rng) -> f64 {
    let (radius, angle): (f64, f64) = (random.random(), random.random());
    // From 0 (inclusive) to 1 (exclusive) to its mirror, whose logarithm exists.
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let bytes = |text: &str| {
            units::size(text).and_then(|bytes| match bytes {
                TEXT_BYTES_MIN..=TEXT_BYTES_MAX => Ok(bytes),
                _ => Err(format!("a message has from {TEXT_BYTES_MIN} to {TEXT_BYTES_MAX} bytes")),
            })
        };
        if let Some(parameters) = text.trim().strip_prefix("lognormal:") {
            let (median, sigma) =
                parameters.split_once(',').ok_or("write lognormal:MEDIAN,SIGMA, as lognormal:128,1.0")?;
            let sigma = sigma.trim().parse().ok().filter(|sigma| (0.0..=SIGMA_MAX).contains(sigma));
            let sigma =
                sigma.ok_or_else(|| format!("the sigma of a log-normal size is from 0 to {SIGMA_MAX}"))?;
            return Ok(Size::LogNormal { median: bytes(median)?, sigma });
        }
        let Some((from, to)) = text.split_once("..") else { return Ok(Size::Fixed(bytes(text)?)) };
        let (from, to) = (bytes(from)?, bytes(to)?);
        if from > to {
            return Err(format!("{from} bytes are more than {to}"));
        }
        Ok(Size::Uniform(from, to))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Phrase => f.write_str("phrase"),
            Size::Fixed(bytes) => write!(f, "{bytes}"),
            Size::Uniform(from, to) => write!(f, "{from}..{to}"),
            Size::LogNormal { median, sigma } => write!(f, "lognormal:{median},{sigma}"),
        }
    }
}

/// Beyond this nearly all lengths are the smallest or the largest.
const SIGMA_MAX: f64 = 4.0;

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;

    fn samples(size: &str) -> Vec<usize> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let size: Size = size.parse().unwrap();
        (0..10_000).map(|_| size.sample(&mut random).unwrap()).collect()
    }

    #[test]
    fn sizes_are_read_and_written_back() {
        for (text, shown) in
            [("128", "128"), ("64..4KiB", "64..4096"), ("lognormal:1KiB, 1.5", "lognormal:1024,1.5")]
        {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.to_string(), shown);
            assert_eq!(shown.parse(), Ok(size));
        }
    }

    #[test]
    fn what_no_message_can_have_is_refused() {
        for text in [
            "",
            "31",
            "1MiB",
            "64..",
            "100..64",
            "lognormal:128",
            "lognormal:128,-1",
            "lognormal:8,1",
            "normal:1,2",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn uniform_lengths_fill_their_range_and_no_more() {
        let samples = samples("100..109");
        let mut seen = [0; 10];
        samples.iter().for_each(|bytes| seen[bytes - 100] += 1);
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
    }

    #[test]
    fn log_normal_lengths_have_their_median_and_spread() {
        let mut samples = samples("lognormal:1000,1.0");
        samples.sort_unstable();
        assert!((950..1_050).contains(&samples[5_000]), "{}", samples[5_000]);
        // One deviation up: e times the median.
        assert!((2_500..2_950).contains(&samples[8_413]), "{}", samples[8_413]);
    }

    #[test]
    fn a_fixed_length_is_that_and_a_phrase_has_its_own() {
        assert!(samples("128").iter().all(|bytes| *bytes == 128));
        assert_eq!(Size::Phrase.sample(&mut Xoshiro256PlusPlus::seed_from_u64(7)), None);
    }
}
