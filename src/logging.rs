//! Where log lines go and in which form. Knows nothing of what is logged.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    sync::Mutex,
};

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt};

/// A log file that has grown beyond this is begun anew when the program starts.
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people: time, level, what happened, its fields.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogTarget {
    /// Standard error.
    Stderr,
    /// `recado/recado.log` in the user's state folder, because a chat has the terminal.
    File,
}

/// Starts logging; `level` counts where `RUST_LOG` is not set.
pub(crate) fn start(format: LogFormat, target: LogTarget, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A line that cannot be written, the terminal being gone, would else be complained of there, which panics.
    let builder = fmt().with_env_filter(filter).log_internal_errors(false);
    match (target, format) {
        (LogTarget::Stderr, LogFormat::Text) => {
            let colours = io::IsTerminal::is_terminal(&io::stderr())
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            builder.with_writer(io::stderr).with_ansi(colours).init();
        }
        (LogTarget::Stderr, LogFormat::Json) => {
            builder.json().flatten_event(true).with_writer(io::stderr).init()
        }
        (LogTarget::File, format) => {
            let file = match log_path().and_then(open) {
                Ok(file) => Mutex::new(file),
                Err(error) => {
                    // A chat without a log is better than none.
                    let _ = writeln!(io::stderr(), "recado: there will be no log: {error}");
                    return;
                }
            };
            match format {
                LogFormat::Text => builder.with_writer(file).with_ansi(false).init(),
                LogFormat::Json => builder.json().flatten_event(true).with_writer(file).init(),
            }
        }
    }
}

/// Where the log of a chat on a terminal is.
fn log_path() -> io::Result<PathBuf> {
    std::env::var_os("XDG_STATE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".local").join("state")))
        .map(|folder| folder.join("recado").join("recado.log"))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no home folder to keep the log in: set XDG_STATE_HOME",
            )
        })
}

fn open(path: PathBuf) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let too_large = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX);
    if too_large {
        fs::rename(&path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
