//! Ctrl-C and SIGTERM: the first asks the parts to finish, the second ends the process at once.

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

/// A token that is cancelled by the first SIGINT, SIGTERM or SIGHUP.
///
/// # Errors
/// The system refused a signal handler.
pub(crate) fn shutdown_token() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let first = token.clone();
    // Lives as long as the process: it must hear the second signal while the parts wind down.
    tokio::spawn(async move {
        let mut asked_at: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            match asked_at {
                None => {
                    tracing::info!("finishing what is under way; a second signal ends at once");
                    asked_at = Some(Instant::now());
                    first.cancel();
                }
                Some(at) if at.elapsed() < SAME_REQUEST => {}
                Some(_) => {
                    tracing::warn!("second signal: ending at once");
                    std::process::exit(EXIT_CODE_INTERRUPTED);
                }
            }
        }
    });
    Ok(token)
}
