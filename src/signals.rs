//! Ctrl-C and SIGTERM: the first asks the parts to finish, the last ends the process at once.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell reports of a program that ended by Ctrl-C.
pub(crate) const EXIT_CODE_INTERRUPTED: i32 = 130;

/// Signals as close as this are one: `timeout` and process managers signal a process and then its group.
const SAME_REQUEST: Duration = Duration::from_millis(50);

/// A token that is cancelled by the first SIGINT, SIGTERM or SIGHUP; the second one ends the process.
///
/// # Errors
/// The system refused a signal handler.
pub(crate) fn shutdown_token() -> io::Result<CancellationToken> {
    Ok(shutdown_tokens(false)?.0)
}

/// A token that is cancelled by the first SIGINT, SIGTERM or SIGHUP, and one that is cancelled by the second. The process ends at the second one, or at
/// the third if it is patient.
///
/// # Errors
/// The system refused a signal handler.
pub(crate) fn shutdown_tokens(is_patient: bool) -> io::Result<(CancellationToken, CancellationToken)> {
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let tokens = (first.clone(), second.clone());
    // Lives as long as the process: it must hear the later signals while the parts wind down.
    tokio::spawn(async move {
        let mut asked_at: Option<Instant> = None;
        loop {
            tokio::select! {
                // Where an editor has the terminal it is that one's.
                _ = interrupt.recv() => if recado_client::is_terminal_lent() { continue },
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            if asked_at.is_some_and(|at| at.elapsed() < SAME_REQUEST) {
                continue;
            }
            asked_at = Some(Instant::now());
            if !first.is_cancelled() {
                let next = if is_patient {
                    "a second signal waits for less"
                } else {
                    "a second signal ends at once"
                };
                tracing::info!("finishing what is under way; {next}");
                first.cancel();
            } else if is_patient && !second.is_cancelled() {
                tracing::info!("waiting for nothing more; a third signal ends at once");
                second.cancel();
            } else {
                tracing::warn!("another signal: ending at once");
                std::process::exit(EXIT_CODE_INTERRUPTED);
            }
        }
    });
    Ok(tokens)
}
