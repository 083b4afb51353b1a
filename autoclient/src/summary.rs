//! What is said and recorded at the end of a run.

use std::time::Duration;

use recado_client::Endpoint;

use crate::{
    audit::{Audit, Circumstances},
    config::Config,
    lag::Lag,
    output::{latency, say},
    record::{Machine, Record, Recorder, Setting, Verdict},
    run::who,
    schedule::Pace,
    stage::Stage,
    units::grouped,
};

/// How long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) load: Duration,
    pub(crate) elapsed: Duration,
}

/// Closes the books, says what came of the run, its last line the verdict, and gives the record of it.
pub(crate) fn conclude(
    config: &Config,
    stage: &Stage,
    audit: Audit,
    circumstances: Circumstances,
    (recorder, lag): (Recorder, Lag),
    machine: Machine,
    times: Times,
) -> Record {
    let remarks = audit.remarks();
    let findings = audit.close(circumstances);
    let (latencies, seconds) = recorder.finish();
    let replay = replay(config);
    say(format_args!(
        "{} messages in {:.1} s by {}",
        grouped(findings.total.attempted),
        times.load.as_secs_f64(),
        who(&config.users)
    ));
    say(format_args!(
        "sent {} later than intended at p99 by the load client's doing",
        latency(lag.percentile_us(99.0))
    ));
    for (histogram, what) in [
        (&latencies.acknowledgement, "acknowledged after"),
        (&latencies.delivery, "delivered after that"),
        (&latencies.end_to_end, "delivered after"),
    ] {
        if !histogram.is_empty() {
            let at = |percentile| latency(histogram.value_at_percentile(percentile));
            say(format_args!(
                "{what}: p50 {}, p99 {}, p99.9 {}, max {}",
                at(50.0),
                at(99.0),
                at(99.9),
                latency(histogram.max())
            ));
        }
    }
    remarks.iter().for_each(|remark| say(format_args!("{remark}")));
    findings.first.iter().for_each(|line| say(format_args!("{line}")));
    if !findings.reasons.is_empty() {
        say(format_args!("the same load again: {replay}"));
    }
    say(format_args!("{}", findings.line));
    Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ms: stage.run.started_ms(),
        load_s: times.load.as_secs_f64(),
        elapsed_s: times.elapsed.as_secs_f64(),
        machine,
        settings: settings(config, stage),
        replay,
        verdict: Verdict {
            outcome: findings.outcome,
            line: findings.line,
            reasons: findings.reasons,
            first: findings.first,
        },
        conditions: Vec::new(),
        total: findings.total,
        latency: latencies,
        publishers: findings.publishers,
        channels: findings.channels,
        subscribers: findings.subscribers,
        seconds,
    }
}

fn settings(config: &Config, stage: &Stage) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut set = |name: &str, value: String, is_incidental: bool| {
        settings.push(Setting { name: name.to_owned(), value, is_incidental });
    };
    set("server", endpoints(&config.servers), true);
    set("broker", endpoints(&config.brokers), true);
    set("users", config.users.len().to_string(), false);
    set("channels", stage.targets.len().to_string(), false);
    set("connections", stage.sessions.len().to_string(), false);
    set("listeners", stage.channel_subscribers.to_string(), false);
    match &config.pace {
        Pace::Bursts(pause) => set("pause", format!("{:?}..{:?}", pause.start(), pause.end()), false),
        Pace::Rate(rate) => set("rate", format!("{rate}"), false),
    }
    if let Some(bytes) = config.text_bytes {
        set("size", bytes.to_string(), false);
    }
    if let Some(duration) = config.duration {
        set("duration", format!("{duration:?}"), false);
    }
    if let Some(messages) = config.messages {
        set("messages", messages.to_string(), false);
    }
    if !config.repair {
        set("no-repair", "true".to_owned(), false);
    }
    set("seed", config.seed.to_string(), true);
    settings
}

fn endpoints(endpoints: &[Endpoint]) -> String {
    endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The command line that plays the same load again.
fn replay(config: &Config) -> String {
    format!("recado autoclient {}--seed {}", config.given, config.seed)
}
