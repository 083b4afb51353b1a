//! Asking what is secured: with the keys that this machine has, and only servers that are the ones that are known.

use std::{path::Path, time::Duration};

use recado_client::{
    Presence,
    keys::{DeviceArgs, Distrust, Trust, load_keys},
    probe_user,
};
use recado_zmtp::{
    Endpoint,
    curve::{Asked, KeyPair, PublicKey, Security, ask_key},
};

use super::facts::{AskedWith, Welcome};
use crate::status;

/// This machine's keys, as far as they can be used; why not is said of their files.
pub(super) struct Keys {
    device: Option<KeyPair>,
    installation: Option<KeyPair>,
}

impl Keys {
    pub(super) fn load(device: Option<&Path>, installation: Option<&Path>) -> Keys {
        let load = |path: Option<&Path>| load_keys(path?).ok().flatten();
        Keys { device: load(device), installation: load(installation) }
    }

    fn first(&self) -> (AskedWith, KeyPair) {
        let device = self.device.clone().map(|keys| (AskedWith::Device, keys));
        let installation = self.installation.clone().map(|keys| (AskedWith::Installation, keys));
        device.or(installation).unwrap_or_else(|| (AskedWith::Passing, KeyPair::generate()))
    }
}

/// The key that a secured listener says it has.
pub(super) async fn key_of(endpoint: &Endpoint, limit: Duration) -> Option<PublicKey> {
    match ask_key(endpoint, limit).await {
        Ok(Asked::Secured(key)) => Some(key),
        Ok(Asked::Open | Asked::Other(_)) | Err(_) => None,
    }
}

/// What a server's clock shows in Unix seconds, and whom it takes this machine for. `found` is the key that it says it has.
pub(super) async fn server(
    endpoint: &Endpoint,
    found: PublicKey,
    device: &DeviceArgs,
    keys: &Keys,
    limit: Duration,
) -> (Option<i64>, Welcome) {
    // A file of known servers that cannot be read is a point of its own.
    let known = Trust::from(device.clone()).server_key(std::slice::from_ref(endpoint)).ok().flatten();
    if let Some(known) = known.filter(|known| *known != found) {
        let changed = Distrust::Changed { endpoint: endpoint.clone(), known, found };
        return (None, Welcome::Distrusted(Box::new(changed)));
    }
    let (with, keys) = keys.first();
    let security = Security::CurveClient { keys, server: found };
    match probe_user(endpoint, &security, limit).await {
        Ok((time, Ok(user))) => (Some(time.as_seconds()), Welcome::User(with, user.to_string())),
        Ok((time, Err(_))) => (Some(time.as_seconds()), Welcome::Stranger(with)),
        Err(Presence::Recado) => unreachable!("what is there is no reason why it is not"),
        Err(Presence::Full { reason } | Presence::Other { reason } | Presence::Nobody { reason }) => {
            (None, Welcome::Silent(reason))
        }
    }
}

/// The version that a broker tells to one of this machine's keys.
pub(super) async fn broker_version(
    endpoint: &Endpoint,
    found: PublicKey,
    keys: &Keys,
    limit: Duration,
) -> Result<String, String> {
    let mut answer = Err("this machine has no key to ask it with".to_owned());
    for keys in [&keys.device, &keys.installation].into_iter().flatten() {
        let security = Security::CurveClient { keys: keys.clone(), server: found };
        answer = status::version(endpoint, security, limit).await;
        if answer.is_ok() {
            break;
        }
    }
    answer
}
