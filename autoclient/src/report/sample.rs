//! A small run with something of everything, for the tests: nothing of it was measured.

use crate::record::{
    AuditRow, Condition, Machine, Outcome, Record, Recorder, SecondCounts, Setting, Verdict, Way,
};

/// A name that would do harm wherever it is not escaped.
pub(crate) const HOSTILE: &str = "=1</script><script>alert(\"1\")</script>'&\u{202e},;";

/// The run.
pub(crate) fn record() -> Record {
    record_of(30, 1.0)
}

/// A run of this many seconds whose latencies are this many times the usual.
pub(crate) fn record_of(seconds: u64, slower: f64) -> Record {
    let mut recorder = Recorder::default();
    let mut random = 42_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for second in 1..=seconds {
        let slow = if second % 10 == 7 { 8 } else { 1 };
        for _ in 0..50 {
            let reply_us = ((700 + next(600) * slow) as f64 * slower) as u64;
            recorder.acknowledged(reply_us);
            for _ in 0..2 {
                let delivery_us = next(400);
                let way = if next(200) == 0 { Way::Repair } else { Way::Live };
                let repair_us = if way == Way::Repair { 30_000 + next(20_000) } else { 0 };
                recorder.delivered(delivery_us + repair_us, reply_us + delivery_us + repair_us, way);
            }
        }
        let counts = SecondCounts {
            planned: 50,
            sent: 50,
            acknowledged: 50,
            delivered: 100,
            delivered_by_repair: 1,
            in_flight: next(5),
            pending: next(9),
            lost: 0,
            cpu_cores: 0.25,
            schedule_lag_us: 40 + next(100) * slow,
        };
        recorder.end_second(second as f64, counts);
    }
    let (latency, rows) = recorder.finish();
    let sent = 50 * seconds;
    let by_repair = latency.end_to_end_by_repair.len();
    let row = |name: &str, publishers: u64, subscribers: u64| AuditRow {
        name: name.to_owned(),
        attempted: sent / publishers,
        acknowledged: sent / publishers,
        stored: sent / publishers,
        expected: 2 * sent / publishers / subscribers,
        delivered_live: (2 * sent - by_repair) / publishers / subscribers,
        delivered_by_repair: by_repair / publishers / subscribers,
        ..AuditRow::default()
    };
    let setting = |name: &str, value: &str, is_incidental| Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        is_incidental,
    };
    Record {
        version: "0.1.0".to_owned(),
        started_ms: 1_772_366_400_000,
        load_s: seconds as f64,
        elapsed_s: seconds as f64 + 1.5,
        machine: Machine {
            cores: 2,
            processor: Some("A Processor 7".to_owned()),
            memory_bytes: Some(25_165_824_000),
            kernel: "linux 6.1.0".to_owned(),
        },
        settings: vec![
            setting("profile", "moderate", false),
            setting("rate", "50/s", false),
            setting("size", "128 B", false),
            setting("user", HOSTILE, true),
            setting("seed", "7", true),
        ],
        replay: "recado autoclient --profile moderate --rate 50 --seed 7".to_owned(),
        verdict: Verdict {
            outcome: Outcome::Pass,
            line: format!("PASS: {sent} acknowledged = {sent} stored; 0 lost, 0 repeated"),
            reasons: Vec::new(),
            first: Vec::new(),
        },
        conditions: vec![Condition {
            condition: "p99>20s".to_owned(),
            measured: "9.2ms".to_owned(),
            holds: false,
        }],
        total: row("", 1, 1),
        latency,
        publishers: vec![row(HOSTILE, 2, 1), row("bia", 2, 1)],
        channels: vec![row("geral", 1, 1)],
        subscribers: vec![row("ana", 1, 2), row(HOSTILE, 1, 2)],
        seconds: rows,
    }
}
