//! What is said and recorded at the end of a run.

use std::time::Duration;

use recado_client::Endpoint;

use crate::{
    audit::{self, Audit},
    conditions::Measured,
    config::Config,
    lag::{Effort, Lag},
    output::say,
    record::{Machine, Record, Recorder, Setting, Verdict},
    run::who,
    schedule::Pace,
    stage::Stage,
    units::{grouped, latency, shown},
};

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// Why what is stored could not be read back whole, if so.
    pub(crate) unread: Option<String>,
    /// How many cores the load client used while it talked.
    pub(crate) cpu_cores: f64,
    /// The share of that time in which its main thread was busy.
    pub(crate) busy: f64,
    /// By how much the plan was behind when its time was over.
    pub(crate) behind: Duration,
}

/// A plan that is less behind is not worth a word.
const BEHIND_TOLD: Duration = Duration::from_secs(1);

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
    circumstances: Ending,
    (recorder, lag): (Recorder, Lag),
    machine: Machine,
    times: Times,
) -> Record {
    let mut remarks = audit.remarks();
    if circumstances.behind >= BEHIND_TOLD {
        remarks.push(format!(
            "the server did not keep up: the plan was {:.1} s behind when its time was over",
            circumstances.behind.as_secs_f64()
        ));
    }
    let (latencies, seconds) = recorder.finish();
    let bottleneck = lag.bottleneck(Effort {
        load: times.load,
        cpu_cores: circumstances.cpu_cores,
        cores: machine.cores,
        busy: circumstances.busy,
    });
    remarks.extend(bottleneck.clone().filter(|_| config.untimed));
    let conditions = config.fail_if.judge(Measured {
        latency: &latencies,
        total: audit.total(),
        load_s: times.load.as_secs_f64(),
        lag_us: lag.percentile_us(99.0),
        cpu_cores: circumstances.cpu_cores,
    });
    let reasons = conditions.iter().filter(|one| one.holds);
    let circumstances = audit::Circumstances {
        unread: circumstances.unread,
        bottleneck: bottleneck.filter(|_| !config.untimed),
        conditions: reasons.map(|one| format!("{}: it is {}", one.condition, one.measured)).collect(),
    };
    let findings = audit.close(circumstances);
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
        say(format_args!("the same load again: {}", config.replay));
    }
    say(format_args!("{}", findings.line));
    Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ms: stage.run.started_ms(),
        load_s: times.load.as_secs_f64(),
        elapsed_s: times.elapsed.as_secs_f64(),
        machine,
        settings: settings(config, stage),
        replay: config.replay.clone(),
        verdict: Verdict {
            outcome: findings.outcome,
            line: findings.line,
            reasons: findings.reasons,
            first: findings.first,
        },
        conditions,
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
    set("channels", stage.channels.to_string(), false);
    set("connections", stage.sessions.len().to_string(), false);
    set("listeners", stage.listeners.to_string(), false);
    set("slow", config.slow.to_string(), false);
    if let Some(churn) = config.churn {
        set("churn", shown(churn), false);
    }
    for phase in &config.phases {
        let of = |name: &str| match &config.phases[..] {
            [_] => name.to_owned(),
            _ => format!("{name} ({})", phase.name),
        };
        match &phase.pace {
            Pace::Bursts(pause) => {
                set(&of("pause"), format!("{}..{}", shown(*pause.start()), shown(*pause.end())), false);
            }
            Pace::Rate(rate) => set(&of("rate"), format!("{rate}/s, evenly"), false),
            Pace::Clusters(rate) => set(&of("rate"), format!("{rate:.2}/s, in conversations"), false),
        }
        set(&of("size"), phase.size.to_string(), false);
        if phase.direct > 0.0 {
            set(&of("direct"), format!("{}%", phase.direct * 100.0), false);
        }
        if let Some(duration) = phase.duration {
            set(&of("duration"), shown(duration), false);
        }
        if let Some(messages) = phase.messages {
            set(&of("messages"), messages.to_string(), false);
        }
        if !phase.ramp.is_zero() {
            set(&of("ramp"), shown(phase.ramp), false);
        }
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
