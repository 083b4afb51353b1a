//! Tells whoever reads the log that a broker cannot be reached, and why: once for each reason, each time that it is away. Knows nothing
//! of what is published there.

use recado_zmtp::curve::{Asked, PublicKey, ask_key};
use recado_zmtp::{SocketEvent, SocketEventKind};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tracing::{info, warn};

use crate::limits::BROKER_KEY_PATIENCE;

/// Follows what becomes of the connection to one broker, until its socket is gone. `own` is the installation's key, where security is on.
pub(super) async fn watch(mut events: broadcast::Receiver<SocketEvent>, own: Option<PublicKey>) {
    // What was told, as long as the broker is away.
    let mut told: Option<String> = None;
    loop {
        let SocketEvent { endpoint, kind, .. } = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        match kind {
            SocketEventKind::Connected { .. } => {
                if told.take().is_some() {
                    info!(broker = %endpoint, "the broker is there");
                }
            }
            SocketEventKind::ConnectFailed { error, .. } if told.as_ref() != Some(&error) => {
                let asked = ask_key(&endpoint, BROKER_KEY_PATIENCE).await.ok();
                match mismatch(own, asked.as_ref()) {
                    Some(what_to_do) => {
                        warn!(broker = %endpoint, "nothing can be published there: {what_to_do}")
                    }
                    None => {
                        warn!(broker = %endpoint, why = error, "no broker there yet; what is published waits for it")
                    }
                }
                told = Some(error);
            }
            SocketEventKind::ConnectFailed { .. }
            | SocketEventKind::Disconnected { .. }
            | SocketEventKind::Accepted { .. }
            | SocketEventKind::Refused { .. }
            | SocketEventKind::AcceptFailed { .. } => {}
        }
    }
}

/// What is wrong between a server with this key and a broker that answers so, if that is why they do not come together.
fn mismatch(own: Option<PublicKey>, asked: Option<&Asked>) -> Option<&'static str> {
    match (own, asked?) {
        (Some(own), Asked::Secured(key)) if *key != own => Some(
            "the broker has another key than this server; copy one installation.key to both machines, and name it with --key",
        ),
        (Some(_), Asked::Open) => Some(
            "the broker is open and this server secured; start the broker with --secure and the same key file",
        ),
        (None, Asked::Secured(_)) => {
            Some("the broker is secured and this server open; start both with --secure and one key file")
        }
        (Some(_), Asked::Secured(_)) | (None, Asked::Open) | (_, Asked::Other(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use recado_zmtp::curve::{Asked, PublicKey};

    use super::mismatch;

    #[test]
    fn what_keeps_a_server_and_a_broker_apart_is_told_with_what_to_do() {
        let [own, other] = [1, 2].map(|byte| PublicKey::from_bytes([byte; 32]));
        let check = |own: Option<PublicKey>, asked: Option<Asked>, part: Option<&str>| {
            let found = mismatch(own, asked.as_ref());
            assert_eq!(found.is_some(), part.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(part.unwrap_or_default()), "{found:?}");
        };
        check(Some(own), Some(Asked::Secured(other)), Some("--key"));
        check(Some(own), Some(Asked::Open), Some("start the broker with --secure"));
        check(None, Some(Asked::Secured(other)), Some("start both with --secure"));
        check(Some(own), Some(Asked::Secured(own)), None);
        check(None, Some(Asked::Open), None);
        check(Some(own), None, None);
        check(Some(own), Some(Asked::Other("PLAIN".to_owned())), None);
    }
}
