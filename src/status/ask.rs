//! One question to a broker, and its answer or why there is none. Keeps the connection for the next one.

use std::time::Duration;

use recado_zmtp::curve::Security;
use recado_zmtp::{Dealer, Endpoint, Framing, Message, SocketEvent, SocketEventKind, SocketOptions};
use thiserror::Error;
use tokio::{sync::broadcast, time};

use super::report::{Report, ReportError};

/// A broker's answer has two or three thousand bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum AskError {
    /// Nothing could be connected to, or nothing that is asked.
    #[error(
        "no broker tells its status at {endpoint}: {reason}\n\
         To start one that does: recado up --status {endpoint}. To ask another: recado status --status ENDPOINT"
    )]
    Unreachable { endpoint: Endpoint, reason: String },
    /// Something is there and says nothing.
    #[error(
        "{endpoint} has not answered within {waited:?}: is it what a broker was given as its --status? \
         It may take longer with --timeout"
    )]
    Silent { endpoint: Endpoint, waited: Duration },
    /// The connection ended before the answer came.
    #[error("{endpoint} closed the connection without an answer: {reason}")]
    Hung { endpoint: Endpoint, reason: String },
    /// The answer is not a status.
    #[error("something answers at {endpoint}, but {error}")]
    NotAStatus { endpoint: Endpoint, error: ReportError },
}

impl AskError {
    /// In a few words, for a line that is shown as long as it is so.
    pub(super) fn brief(&self) -> String {
        match self {
            AskError::Unreachable { reason, .. } => reason.clone(),
            AskError::Silent { waited, .. } => format!("no answer within {waited:?}"),
            AskError::Hung { .. } => "the connection ended".to_owned(),
            AskError::NotAStatus { error, .. } => error.to_string(),
        }
    }
}

/// Asks one broker.
pub(super) struct Asker {
    endpoint: Endpoint,
    security: Security,
    timeout: Duration,
    /// Made anew after a failure, so that no late answer is taken for that to the next question.
    dealer: Option<Dealer>,
}

impl Asker {
    pub(super) fn new(endpoint: Endpoint, security: Security, timeout: Duration) -> Asker {
        Asker { endpoint, security, timeout, dealer: None }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks and waits for the answer. Must be called in a tokio runtime; dropped before it is done, the connection goes too.
    pub(super) async fn ask(&mut self) -> Result<Report, AskError> {
        let endpoint = &self.endpoint;
        let mut dealer = self.dealer.take().unwrap_or_else(|| connect(endpoint, &self.security));
        let mut events = dealer.events();
        let answer = tokio::select! {
            answer = exchange(&mut dealer) => answer,
            error = failure(&mut events, endpoint) => return Err(error),
            () = time::sleep(self.timeout) => {
                return Err(AskError::Silent { endpoint: endpoint.clone(), waited: self.timeout });
            }
        };
        let report = match answer.frames() {
            [body] => Report::read(body),
            _ => Err(ReportError::Other),
        };
        let report = report.map_err(|error| AskError::NotAStatus { endpoint: endpoint.clone(), error })?;
        self.dealer = Some(dealer);
        Ok(report)
    }
}

fn connect(endpoint: &Endpoint, security: &Security) -> Dealer {
    let options = SocketOptions {
        security: security.clone(),
        message_bytes_max: ANSWER_BYTES_MAX,
        ..SocketOptions::default()
    };
    Dealer::connect(std::slice::from_ref(endpoint), Framing::Delimited, options)
}

async fn exchange(dealer: &mut Dealer) -> Message {
    dealer.send(Message::single("status")).await.expect("only a closed socket does not send");
    dealer.recv().await.expect("a socket that is there receives")
}

/// The first event that makes waiting pointless.
async fn failure(events: &mut broadcast::Receiver<SocketEvent>, endpoint: &Endpoint) -> AskError {
    let endpoint = endpoint.clone();
    loop {
        match events.recv().await.map(|event| event.kind) {
            Ok(SocketEventKind::ConnectFailed { error, .. }) => {
                return AskError::Unreachable { endpoint, reason: half_sentence(&error) };
            }
            Ok(SocketEventKind::Disconnected { reason, .. }) => {
                return AskError::Hung { endpoint, reason: half_sentence(&reason) };
            }
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// A system's message as it stands within a sentence: `Connection refused (os error 111)` is `connection refused`.
fn half_sentence(reason: &str) -> String {
    let reason = reason.split(" (os error").next().unwrap_or(reason);
    let mut characters = reason.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use recado_zmtp::curve::Security;
    use recado_zmtp::{Message, Router, SocketOptions};

    use super::{Asker, half_sentence};

    const STATUS: &str = r#"{"format": 1, "version": "9", "uptime_s": 1, "publishers": "p", "subscribers": "s", "figures": {"novel": 7}}"#;

    /// Asks twice something that answers with these frames behind the delimiter; what the answers come to.
    async fn ask_twice(answer: &[&'static str]) -> [Result<u64, String>; 2] {
        let endpoint = "tcp://127.0.0.1:*".parse().unwrap();
        let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
        let mut asker = Asker::new(router.local_endpoint().clone(), Security::Null, Duration::from_secs(60));
        let mut results = Vec::new();
        for _ in 0..2 {
            let ((), report) = tokio::join!(
                async {
                    let (peer, request) = router.recv().await.unwrap();
                    assert_eq!(request.frames(), ["", "status"]);
                    let frames = [""].iter().chain(answer).map(|frame| frame.as_bytes().into()).collect();
                    router.send(peer, Message::new(frames)).unwrap();
                },
                asker.ask()
            );
            results.push(report.map(|report| report.figure("novel")).map_err(|error| error.to_string()));
        }
        results.try_into().unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_taken_and_the_next_question_asked() {
        assert_eq!(ask_twice(&[STATUS]).await, [Ok(7), Ok(7)]);
    }

    #[tokio::test]
    async fn what_is_no_status_is_said_and_may_be_one_the_next_time() {
        for answer in [&["oi"][..], &[STATUS, STATUS]] {
            for error in ask_twice(answer).await.map(Result::unwrap_err) {
                assert!(error.ends_with("but it is not a broker telling its status"), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_the_answer_is_said() {
        let endpoint = "tcp://127.0.0.1:*".parse().unwrap();
        let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
        let endpoint = router.local_endpoint().clone();
        let mut asker = Asker::new(endpoint.clone(), Security::Null, Duration::from_secs(60));
        let (_, answer) = tokio::join!(
            async {
                router.recv().await.unwrap();
                drop(router);
            },
            asker.ask()
        );
        let error = answer.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{endpoint} closed the connection without an answer")), "{error}");
        let error = asker.ask().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("no broker tells its status at {endpoint}: ")), "{error}");
    }

    #[test]
    fn a_systems_message_fits_into_a_sentence() {
        assert_eq!(half_sentence("Connection refused (os error 111)"), "connection refused");
        assert_eq!(half_sentence(""), "");
    }
}
