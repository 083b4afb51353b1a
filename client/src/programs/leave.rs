//! `recado leave`: this device ceases to be a user's.

use std::path::Path;

use recado_proto::AdminAct;
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use tokio_util::sync::CancellationToken;

use super::JoinError;
use super::account::print;
use crate::entry::{is_unknown_key, refused, unanswered};
use crate::error::Error;
use crate::keys::{DeviceArgs, Found, KnownServers, Profile, ProfileError, Profiles, SecurityError, Trust};
use crate::paths;
use crate::session::{RequestError, Session, SessionConfig, device_key};

/// What `recado leave` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct LeaveArgs {
    /// Leave this device's key with the server: it only is not gone to any more
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    key: DeviceArgs,
}

/// Leaves: the server forgets this device, and nothing goes there by itself any more. The server's key stays known, as other key files may have joined
/// there.
///
/// # Errors
/// One has not joined, or the server cannot be told.
pub async fn run_leave(args: LeaveArgs, shutdown: CancellationToken) -> Result<(), Error> {
    let folder = paths::data_folder().ok_or(JoinError::NoDataFolder)?;
    let profiles = Profiles::in_folder(folder.clone());
    let named = args.key.device_key.as_deref();
    let found = match profiles.find(named) {
        // What is damaged says nothing of where one was, and goes all the same.
        Err(ProfileError::Damaged { path, reason }) if args.keep => {
            tracing::warn!(path = %path.display(), reason, "removed");
            Profile::remove(&path).map_err(Error::Profile)?;
            return Ok(());
        }
        found => found.map_err(Error::Profile)?.filter(|found| found.is_own).ok_or(JoinError::NotJoined)?,
    };
    let Found { path, profile, .. } = found;
    let key = profiles.key(named);
    let trust = Trust { device_key: Some(key.clone()), server_key: args.key.server_key };
    let servers = [profile.server.clone()];
    let server_key = if args.keep { None } else { trust.server_key(&servers)? };
    if let Some(server) = server_key {
        let keys = trust.device_keys().map_err(SecurityError::Key)?;
        let told = tokio::select! {
            told = revoke(&profile, keys, server) => told,
            () = shutdown.cancelled() => return Err(Error::Interrupted),
        };
        told.map_err(|error| JoinError::NotTold(Box::new(error)))?;
    }
    Profile::remove(&path).map_err(Error::Profile)?;
    let known = KnownServers::load(&folder.join(paths::KNOWN_SERVERS)).map_err(SecurityError::Known)?;
    let is_known_elsewhere = known.all().iter().any(|known| Some(known.key) != server_key);
    let said = format!("You have left {}, where you were {}.", profile.server, profile.user);
    let key = key_is_gone(&trust, &key, server_key.is_some(), is_known_elsewhere)?;
    print(format!("{said}\n{key}")).await
}

/// What became of the key file. A key that was revoked is of no use there any more; another server may know it, if there is one.
fn key_is_gone(
    trust: &Trust,
    key: &Path,
    is_revoked: bool,
    is_known_elsewhere: bool,
) -> Result<String, Error> {
    let key = key.display();
    Ok(match (is_revoked, is_known_elsewhere) {
        (false, _) => {
            format!("The server was not told, and knows this device's key still; it stays in {key}.")
        }
        (true, true) => format!(
            "The server has forgotten this device. Its key stays in {key}, as other servers are known here; a new one is made when it is needed."
        ),
        (true, false) => {
            trust.forget_device_keys().map_err(SecurityError::Key)?;
            format!("The server has forgotten this device, and its key in {key} is removed.")
        }
    })
}

/// Has the server forget this device. It may have done so before.
async fn revoke(profile: &Profile, keys: KeyPair, server: PublicKey) -> Result<(), Error> {
    let key = device_key(&keys.public());
    let mut config = SessionConfig::new(vec![profile.server.clone()], Vec::new());
    config.security = Security::CurveClient { keys, server };
    let (session, _events) = Session::connect(config.clone())?;
    match session.administer(AdminAct::RevokeKey { key }).await {
        Ok(()) => Ok(()),
        Err(error) if error.code().is_some_and(is_unknown_key) => Ok(()),
        Err(error @ RequestError::Unanswered { .. }) => Err(unanswered(error, &config).await),
        Err(error) => Err(refused(error, &config.servers)),
    }
}
