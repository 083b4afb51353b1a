//! What a broker answers, decoded, and the rates between two answers. Knows nothing of sockets or of how it is shown.

use std::collections::BTreeMap;

use recado_client::view::text::one_line;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// The one format that is understood here.
const FORMAT: u64 = 1;

/// A broker's answer. Figures and limits are kept by name: a newer broker has more of them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Report {
    pub(super) version: String,
    uptime_s: f64,
    pub(super) publishers: String,
    pub(super) subscribers: String,
    #[serde(default)]
    limits: Map<String, Value>,
    pub(super) figures: BTreeMap<String, u64>,
    /// As it came, on one line.
    #[serde(skip)]
    pub(super) line: String,
}

/// Why an answer is no status.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum ReportError {
    /// A later program's.
    #[error("in format {0} of a broker's status, which a newer recado understands")]
    Format(u64),
    /// It said why it does not tell.
    #[error("it refuses: {0}")]
    Refused(String),
    /// Anything else.
    #[error("it is not a broker telling its status")]
    Other,
}

impl Report {
    /// Decodes an answer.
    pub(super) fn read(body: &[u8]) -> Result<Report, ReportError> {
        let text = std::str::from_utf8(body).map_err(|_| ReportError::Other)?;
        let value: Value = serde_json::from_str(text).map_err(|_| ReportError::Other)?;
        let format = value.get("format").and_then(Value::as_u64).ok_or(ReportError::Other)?;
        if let Some(error) = value.get("error").and_then(Value::as_str) {
            return Err(ReportError::Refused(one_line(error).into_owned()));
        }
        if format != FORMAT {
            return Err(ReportError::Format(format));
        }
        let mut report: Report = serde_json::from_value(value).map_err(|_| ReportError::Other)?;
        for text in [&mut report.version, &mut report.publishers, &mut report.subscribers] {
            *text = one_line(text).into_owned();
        }
        // In JSON they only stand between its parts.
        report.line = text.chars().filter(|character| !character.is_control()).collect();
        Ok(report)
    }

    pub(super) fn uptime_s(&self) -> f64 {
        self.uptime_s.max(0.0)
    }

    /// 0 if this broker does not have the figure.
    pub(super) fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or_default()
    }

    pub(super) fn limit(&self, name: &str) -> Option<u64> {
        self.limits.get(name)?.as_u64()
    }

    /// How much a figure has grown in a second since `before`, by the broker's own clock; none if that was another run of
    /// it, or no time ago.
    pub(super) fn rate(&self, before: &Report, name: &str) -> Option<f64> {
        let seconds = self.uptime_s() - before.uptime_s();
        let grown = self.figure(name).checked_sub(before.figure(name))?;
        (seconds > 0.0).then(|| grown as f64 / seconds)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Report, ReportError};

    pub(in super::super) fn report(uptime_s: f64, figures: &[(&str, u64)]) -> Report {
        let figures: std::collections::BTreeMap<_, _> = figures.iter().copied().collect();
        let text = serde_json::json!({
            "format": 1, "version": "0.1.0", "uptime_s": uptime_s,
            "publishers": "tcp://127.0.0.1:5557", "subscribers": "tcp://127.0.0.1:5558",
            "limits": {
                "connections_max": 16384, "queue_bytes_total_max": 1_u64 << 30, "inbound_bytes_max": 256 << 20,
                "subscription_bytes_total_max": 256 << 20, "subscriptions_max": 100_000, "slow_subscriber": "drop",
            },
            "figures": figures,
        });
        Report::read(text.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_answer_is_understood_with_keys_that_are_not_known() {
        let text = b"{\"format\":1,\"new\":[],\"version\":\"9\",\n\"uptime_s\":3,\"publishers\":\"p\",\"subscribers\":\"s\\u001b[2J\",\"figures\":{\"novel\":7}}\n";
        let report = Report::read(text).unwrap();
        assert_eq!((report.figure("novel"), report.figure("messages_in"), report.limit("x")), (7, 0, None));
        assert_eq!(report.subscribers, "s␛[2J", "nothing steers the terminal");
        assert!(report.line.starts_with("{\"format\":1") && report.line.ends_with("}}"), "{}", report.line);
        assert_eq!(report.line.lines().count(), 1);
    }

    #[test]
    fn what_is_no_status_is_named() {
        let check = |text: &[u8], expect: ReportError| assert_eq!(Report::read(text), Err(expect));
        check(b"", ReportError::Other);
        check(b"\x82\xa7service", ReportError::Other);
        check(b"{}", ReportError::Other);
        check(b"[1]", ReportError::Other);
        check(b"{\"format\":1}", ReportError::Other);
        check(b"{\"format\":2}", ReportError::Format(2));
        check(b"{\"format\":1,\"error\":\"not\\n now\"}", ReportError::Refused("not␊ now".to_owned()));
        let deep = "[".repeat(100_000);
        check(deep.as_bytes(), ReportError::Other);
    }

    #[test]
    fn rates_are_by_the_brokers_clock_and_of_one_run_of_it() {
        let first = report(10.0, &[("messages_in", 100)]);
        let later = report(12.0, &[("messages_in", 700)]);
        assert_eq!(later.rate(&first, "messages_in"), Some(300.0));
        assert_eq!(later.rate(&first, "messages_out"), Some(0.0));
        assert_eq!(later.rate(&later, "messages_in"), None);
        assert_eq!(report(1.0, &[("messages_in", 900)]).rate(&first, "messages_in"), None);
        assert_eq!(report(20.0, &[]).rate(&first, "messages_in"), None);
    }
}
