//! `recado export` and `recado import`: all data to and from a `server_data.json`.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use recado_server::{Progress, Stage, StoreUrl, export, import};

use crate::Failure;

/// How often progress is shown: a terminal's line is redrawn, otherwise a line is added.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// A file, and the store that it is written from or read into.
#[derive(Debug, clap::Args)]
pub(crate) struct TransferArgs {
    /// The server_data.json; `-` is standard output or input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// sqlite:PATH [default: sqlite:recado.db in recado's folder among the user's data]
    #[arg(long, value_name = "URL", env = "RECADO_STORE")]
    store: Option<StoreUrl>,
}

/// Writes everything that is stored to the file.
pub(crate) fn run_export(args: TransferArgs) -> Result<(), Failure> {
    let mut progress = ProgressLine::new();
    let counts = export(&args.store.unwrap_or_default(), &args.file, &mut |at| progress.show(at));
    progress.clear();
    say(&format!("exported {}", counts?));
    Ok(())
}

/// Stores what the file has and the store has not.
pub(crate) fn run_import(args: TransferArgs) -> Result<(), Failure> {
    let mut progress = ProgressLine::new();
    let imported = import(&args.store.unwrap_or_default(), &args.file, &mut |at| progress.show(at));
    progress.clear();
    let imported = imported?;
    say(&format!("imported {}", imported.added));
    say(&format!("there already: {}", imported.present));
    if imported.acts_left_out > 0 {
        say(&format!(
            "left out: {} acts on messages that are not there or were deleted",
            imported.acts_left_out
        ));
    }
    Ok(())
}

/// On standard error: standard output may be the export.
fn say(line: &str) {
    // Who has closed it does not want to know.
    let _ = writeln!(io::stderr(), "{line}");
}

struct ProgressLine {
    on_terminal: bool,
    shown_at: Instant,
    drawn: bool,
}

impl ProgressLine {
    fn new() -> ProgressLine {
        ProgressLine { on_terminal: io::stderr().is_terminal(), shown_at: Instant::now(), drawn: false }
    }

    fn show(&mut self, progress: Progress) {
        let interval = if self.on_terminal { REDRAW_INTERVAL } else { LINE_INTERVAL };
        if self.shown_at.elapsed() < interval {
            return;
        }
        self.shown_at = Instant::now();
        let doing = match progress.stage {
            Stage::Checking => "checking",
            Stage::Importing => "importing",
            Stage::Exporting => "exporting",
        };
        let line = format!("{doing}: {} entries", progress.entries);
        if self.on_terminal {
            self.drawn = true;
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
        } else {
            say(&line);
        }
    }

    fn clear(&self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
