//! Histograms as text: HdrHistogram's own compressed form (V2, deflate) in base64, as its interval logs have it.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer, V2DeflateSerializer},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::new_histogram;

/// A histogram as text. Of the same type as [`new_histogram`] makes when it was made by [`Packed::of`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(String);

/// A histogram of one second, with what is asked of it most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// How many latencies it holds.
    pub count: u64,
    /// The latency in microseconds that half of them do not exceed.
    pub p50_us: u64,
    /// The latency in microseconds that 99 % of them do not exceed.
    pub p99_us: u64,
    /// The longest in microseconds.
    pub max_us: u64,
    /// All of them.
    pub histogram: Packed,
}

/// Why a text is no histogram of latencies.
#[derive(Debug, Error)]
pub enum PackError {
    /// It is not base64.
    #[error("not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Its bytes are no histogram in the form V2 with deflate.
    #[error("not a compressed HdrHistogram of version 2 ({0:?})")]
    Form(hdrhistogram::serialization::DeserializeError),
    /// A histogram with other bounds cannot be added to ours.
    #[error(
        "a histogram of {digits} digits up to {high} µs instead of {expected_digits} up to {expected_high}"
    )]
    Bounds {
        /// Its significant digits.
        digits: u8,
        /// Its largest value.
        high: u64,
        /// The significant digits that are expected.
        expected_digits: u8,
        /// The largest value that is expected.
        expected_high: u64,
    },
}

impl Packed {
    /// Packs a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Packed {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .expect("a histogram of 64-bit counts below 2^63 goes into memory");
        Packed(STANDARD.encode(bytes))
    }

    /// The text: base64 of HdrHistogram's compressed form, version 2.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Unpacks it.
    ///
    /// # Errors
    /// If the text was not made by [`Packed::of`] from a histogram as [`new_histogram`] makes it.
    pub fn histogram(&self) -> Result<Histogram<u64>, PackError> {
        let bytes = STANDARD.decode(&self.0)?;
        let histogram: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(PackError::Form)?;
        let expected = new_histogram();
        if (histogram.sigfig(), histogram.high(), histogram.low())
            != (expected.sigfig(), expected.high(), expected.low())
        {
            return Err(PackError::Bounds {
                digits: histogram.sigfig(),
                high: histogram.high(),
                expected_digits: expected.sigfig(),
                expected_high: expected.high(),
            });
        }
        Ok(histogram)
    }
}

impl Window {
    /// The window of these latencies.
    pub fn of(histogram: &Histogram<u64>) -> Window {
        Window {
            count: histogram.len(),
            p50_us: histogram.value_at_quantile(0.5),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
            histogram: Packed::of(histogram),
        }
    }
}

/// A whole run's histogram as a map: what people and programs ask of it most, and all of it.
pub(super) mod whole {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{Deserialize, Histogram, Packed, Serialize};

    #[derive(Serialize)]
    struct Written {
        count: u64,
        mean_us: f64,
        p50_us: u64,
        p90_us: u64,
        p99_us: u64,
        p99_9_us: u64,
        p99_99_us: u64,
        max_us: u64,
        histogram: Packed,
    }

    #[derive(Deserialize)]
    struct Read {
        histogram: Packed,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        histogram: &Histogram<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let written = Written {
            count: histogram.len(),
            mean_us: histogram.mean(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            p99_9_us: histogram.value_at_quantile(0.999),
            p99_99_us: histogram.value_at_quantile(0.9999),
            max_us: histogram.max(),
            histogram: Packed::of(histogram),
        };
        written.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Histogram<u64>, D::Error> {
        Read::deserialize(deserializer)?.histogram.histogram().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Latencies;

    #[test]
    fn a_packed_histogram_comes_back_whole() {
        let mut histogram = new_histogram();
        (0..5_000).for_each(|value| histogram.saturating_record(value * value));
        assert_eq!(Packed::of(&histogram).histogram().unwrap(), histogram);
        assert_eq!(Packed::of(&new_histogram()).histogram().unwrap(), new_histogram());
    }

    #[test]
    fn what_is_no_histogram_of_ours_is_an_error() {
        let cases = [
            (Packed("%".to_owned()), "not base64"),
            (Packed(STANDARD.encode([1, 2, 3])), "not a compressed HdrHistogram"),
            (Packed::of(&Histogram::new_with_bounds(1, 1_000, 2).unwrap()), "a histogram of 2 digits"),
        ];
        for (packed, message) in cases {
            let error = packed.histogram().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_run_s_latencies_are_written_with_percentiles_and_read_from_the_histogram() {
        let mut latencies = Latencies::default();
        (1..=1_000).for_each(|us| latencies.acknowledged(us));
        let json = serde_json::to_value(&latencies).unwrap();
        assert_eq!(json["acknowledgement"]["p99_us"], 990);
        assert_eq!(json["acknowledgement"]["count"], 1_000);
        assert_eq!(serde_json::from_value::<Latencies>(json).unwrap(), latencies);
    }
}
