//! The command line of `recado autoclient`, as clap reads it. What it comes to is [`crate::Config`].

use std::path::PathBuf;

use recado_client::{Endpoint, keys::DeviceArgs};
use recado_proto::UserName;

use crate::options::Options;

/// What `recado autoclient` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Server to send requests to; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_SERVER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5555"
    )]
    pub server: Vec<Endpoint>,

    /// Broker to listen at; may be given more than once
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "RECADO_BROKER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5558"
    )]
    pub broker: Vec<Endpoint>,

    /// Name of the user; with --users the beginning of their names [default: a random one]
    #[arg(long, value_name = "NAME", env = "RECADO_USER", value_parser = UserName::parse)]
    pub user: Option<UserName>,

    /// With which key it comes to a secured server, as the one user whose key it is.
    #[command(flatten)]
    pub device: DeviceArgs,

    /// A load in a file: the options below as keys, and phases one after the other as `[[phase]]`; the command line wins
    #[arg(long, value_name = "FILE.toml", env = "RECADO_SCENARIO")]
    pub scenario: Option<PathBuf>,

    /// What makes the load.
    #[command(flatten)]
    pub options: Options,
}
