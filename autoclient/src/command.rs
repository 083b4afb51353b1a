//! All of `recado autoclient`: a load with its report, or a comparison of two.

use std::path::PathBuf;

use crate::{
    args::Args,
    compare::CompareArgs,
    report::{Folder, ReportError},
};

/// What `recado autoclient` takes, with what becomes of the run and what else it does.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Command {
    /// Something other than a load.
    #[command(subcommand)]
    pub action: Option<Action>,

    /// The load.
    #[command(flatten)]
    pub load: Args,

    /// What is left of it.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// What it does other than making a load.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Action {
    /// Put two reports side by side, and say what chance explains of their differences
    Compare(CompareArgs),
}

/// Where a run's report goes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ReportArgs {
    /// Write a report to this folder: a page, JSON, CSV and histograms
    #[arg(long, value_name = "DIR", env = "RECADO_REPORT")]
    pub report: Option<PathBuf>,

    /// Replace a report that is in the folder of --report
    #[arg(long, env = "RECADO_FORCE")]
    pub force: bool,
}

impl ReportArgs {
    /// Finds out before the load begins whether its report can be written; none if none is wanted.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn prepare(&self) -> Result<Option<Folder>, ReportError> {
        self.report.as_deref().map(|path| Folder::prepare(path, self.force)).transpose()
    }
}
