//! `recado export` and `recado import`: all data to and from a `server_data.json`.

use std::path::PathBuf;

use recado_server::StoreUrl;

/// A file, and the store that it is written from or read into.
#[derive(Debug, clap::Args)]
pub(crate) struct TransferArgs {
    /// The server_data.json; `-` is standard output or input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// sqlite:PATH [default: sqlite:recado.db in recado's folder among the user's data]
    #[arg(long, value_name = "URL", env = "RECADO_STORE")]
    pub(crate) store: Option<StoreUrl>,
}
