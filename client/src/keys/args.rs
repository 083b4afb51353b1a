//! The options that say with which key one comes, and which key the server must have.

use std::path::PathBuf;

use recado_zmtp::curve::PublicKey;

/// This device's key, and the server's.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DeviceArgs {
    /// File with this device's key, for secured servers; made when it is needed first [default: device.key in recado's folder among the user's data]
    #[arg(long, global = true, value_name = "FILE", env = "RECADO_DEVICE_KEY", hide_short_help = true)]
    pub device_key: Option<PathBuf>,

    /// Key that the server must have, as pyzmq writes it; it is not asked for then, nor remembered
    #[arg(long, global = true, value_name = "KEY", env = "RECADO_SERVER_KEY", hide_short_help = true)]
    pub server_key: Option<PublicKey>,
}
