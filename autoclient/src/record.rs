//! What a run measured, as plain data: from here come the report's files, and here they are read back to.
//!
//! It knows nothing of sockets, clocks or files. Whoever drives a run keeps a [`Recorder`] and makes a [`Record`] at its end.

mod latency;
mod machine;
mod packed;
mod timeline;

use serde::{Deserialize, Serialize};

pub use latency::{Latencies, LatencyKind, Way, new_histogram};
pub use machine::Machine;
pub use packed::{PackError, Packed, Window};
pub use timeline::{Recorder, Second, SecondCounts, Windows};

/// All that a run measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The program's version.
    pub version: String,
    /// When the run began, in Unix milliseconds.
    pub started_ms: u64,
    /// How long messages were planned for, ramp included, in seconds.
    pub load_s: f64,
    /// How long the run took, with its drain and the reading back of history, in seconds.
    pub elapsed_s: f64,
    /// The machine of the load client.
    pub machine: Machine,
    /// The settings in force, in the order in which they are shown.
    pub settings: Vec<Setting>,
    /// The command line that plays the same load again.
    pub replay: String,
    /// What the run came to.
    pub verdict: Verdict,
    /// The conditions of `--fail-if` with what was measured.
    pub conditions: Vec<Condition>,
    /// The sums of the audit; its name is empty.
    pub total: AuditRow,
    /// The latencies of the whole run.
    pub latency: Latencies,
    /// The audit for each publisher: deliveries are those of its messages, at all subscribers.
    pub publishers: Vec<AuditRow>,
    /// The audit for each channel, and for direct messages as one: deliveries are those of its messages, at all subscribers.
    pub channels: Vec<AuditRow>,
    /// The audit for each subscriber, from `expected` on: deliveries are those at this subscriber alone.
    pub subscribers: Vec<AuditRow>,
    /// One row a second; in long runs a row holds several seconds.
    pub seconds: Vec<Second>,
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The option's name, as `rate`.
    pub name: String,
    /// Its value as it is written on a command line or shown, as `200/s`.
    pub value: String,
    /// Whether two runs that differ in this can still be compared: seeds, names of users and addresses may differ, rates may not.
    #[serde(default)]
    pub is_incidental: bool,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// In one word.
    pub outcome: Outcome,
    /// The whole last line, with its `PASS: `, `FAIL: ` or `INVALID: `.
    pub line: String,
    /// Why it is not a pass, a sentence each; none if it is.
    pub reasons: Vec<String>,
    /// The first messages that went wrong, a line each.
    pub first: Vec<String>,
}

/// What a run came to, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything acknowledged is stored and was delivered, and no condition of `--fail-if` holds.
    Pass,
    /// Something is missing, or a condition of `--fail-if` holds.
    Fail,
    /// The load client itself was the bottleneck, so that its figures say nothing of what it measured.
    Invalid,
}

/// A condition of `--fail-if` and what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The condition, as `p99>20ms`.
    pub condition: String,
    /// What was measured, as `12.4ms`.
    pub measured: String,
    /// Whether the condition holds, so that the run failed.
    pub holds: bool,
}

/// A row of the audit. What does not apply to what the row is about is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// The publisher's, channel's or subscriber's name.
    pub name: String,
    /// Messages that were to be sent.
    pub attempted: u64,
    /// Messages that the server answered OK.
    pub acknowledged: u64,
    /// Messages that were sent and never answered: they may be stored or not.
    pub ambiguous: u64,
    /// Messages that the server refused.
    pub refused: u64,
    /// Messages that never left.
    pub unsent: u64,
    /// Acknowledged messages found in history at the end.
    pub stored: u64,
    /// Deliveries that acknowledged messages owed: one for each subscriber of each message.
    pub expected: u64,
    /// Deliveries of those as publications.
    pub delivered_live: u64,
    /// Deliveries of those that the receiver fetched from history.
    pub delivered_by_repair: u64,
    /// Deliveries owed that never came.
    pub lost: u64,
    /// Deliveries of a message that had been delivered there before.
    pub repeated: u64,
    /// Deliveries behind a later one of the same topic.
    pub out_of_order: u64,
    /// Deliveries of messages that nobody sent.
    pub unknown: u64,
    /// Deliveries whose checksum was wrong.
    pub corrupt: u64,
}

impl AuditRow {
    /// An empty row of this name.
    pub fn named(name: impl Into<String>) -> AuditRow {
        AuditRow { name: name.into(), ..AuditRow::default() }
    }

    /// Whether a delivery in this row fails a run.
    pub fn is_bad(&self) -> bool {
        let AuditRow { lost, repeated, out_of_order, unknown, corrupt, .. } = self;
        [lost, repeated, out_of_order, unknown, corrupt].into_iter().any(|count| *count > 0)
    }
}
