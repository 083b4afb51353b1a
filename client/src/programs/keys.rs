//! `recado keys`: the devices that a secured server knows one by.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use recado_proto::{AdminAct, DeviceKey, DeviceLabel, KeyEntry, UserName};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::PublicKey;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::account::{Account, AccountArgs, print, public_key};
use crate::config::ConfigError;
use crate::duration;
use crate::error::Error;
use crate::keys::{KnownServers, SecurityError};
use crate::limits;
use crate::paths;
use crate::session::device_key;
use crate::view::text::one_line;

/// What `recado keys` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct KeysArgs {
    /// Whose keys are meant, yours if nobody is named; others' are for administrators
    #[arg(long, global = true, value_name = "NAME", value_parser = UserName::parse)]
    of: Option<UserName>,

    #[command(flatten)]
    account: AccountArgs,

    #[command(subcommand)]
    action: Option<KeysAction>,
}

/// What is done instead of listing them.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum KeysAction {
    /// Show this device's key and fingerprint, and the server's
    Show,
    /// Make a link with which another device of yours joins
    Device {
        /// How long it is good, as 15m or 1h
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
        lasting: Option<Duration>,
    },
    /// Give a user a key that is known already
    Add {
        /// Whose it is
        #[arg(value_name = "NAME", value_parser = UserName::parse)]
        name: UserName,
        /// The public key, as pyzmq writes it
        #[arg(value_name = "KEY", allow_hyphen_values = true)]
        key: DeviceKey,
        /// What the device is called
        #[arg(long = "device", value_name = "LABEL", value_parser = DeviceLabel::parse)]
        label: Option<DeviceLabel>,
    },
    /// Take a key from its user: its connections end at once
    Revoke {
        /// The key, or the beginning of its fingerprint among those listed
        #[arg(value_name = "KEY|FINGERPRINT", allow_hyphen_values = true)]
        key: String,
    },
    /// Forget the key of a server, to trust another one from now on
    Forget {
        /// Where the server is
        #[arg(value_name = "ENDPOINT")]
        endpoint: Endpoint,
    },
}

const EXAMPLES: &str = "\
Examples:
  recado keys                        your devices
  recado keys show                   this one, and the server
  recado keys device                 a link for another one
  recado keys revoke 4f2k            the one whose fingerprint begins so
  recado keys add ci 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID' --device build

People compare fingerprints, programs are given keys. docs/client.md has more.";

/// Which device is meant, and what is done.
#[derive(Clone, Debug)]
pub struct KeysConfig {
    account: Account,
    of: Option<UserName>,
    action: Option<KeysAction>,
}

impl TryFrom<KeysArgs> for KeysConfig {
    type Error = ConfigError;

    fn try_from(args: KeysArgs) -> Result<Self, ConfigError> {
        Ok(Self { account: args.account.try_into()?, of: args.of, action: args.action })
    }
}

/// Does it, and prints what there is to say.
///
/// # Errors
/// The server is open, does not answer, or refuses.
pub async fn run(config: KeysConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let KeysConfig { account, of, action } = config;
    match action {
        None => list(account, of, shutdown).await,
        Some(KeysAction::Show) => show(&account).await,
        Some(KeysAction::Device { lasting }) => {
            let lasting = lasting.unwrap_or(limits::DEVICE_LINK_LASTS);
            let act = AdminAct::Device { of, seconds: Some(lasting.as_secs()) };
            account
                .with_server(shutdown, async |account, session| match session.new_code(act).await {
                    Ok(code) => Ok(account.invitation(code, lasting).await),
                    Err(error) => Err(account.failed(error).await),
                })
                .await
        }
        Some(KeysAction::Add { name, key, label }) => {
            let said = format!("{} is a key of {name}", public_key(&key).fingerprint());
            let act = AdminAct::AddKey { of: name, key, device: label };
            administer(account, act, said, shutdown).await
        }
        Some(KeysAction::Revoke { key }) => revoke(account, key, of, shutdown).await,
        Some(KeysAction::Forget { endpoint }) => forget(endpoint).await,
    }
}

/// Does what the server answers with a mere yes, and says then that it is so.
pub(super) async fn administer(
    account: Account,
    act: AdminAct,
    said: String,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    account
        .with_server(shutdown, async |account, session| match session.administer(act).await {
            Ok(()) if account.json => Ok(json!({ "done": said }).to_string()),
            Ok(()) => Ok(said),
            Err(error) => Err(account.failed(error).await),
        })
        .await
}

async fn list(account: Account, of: Option<UserName>, shutdown: CancellationToken) -> Result<(), Error> {
    account
        .with_server(shutdown, async |account, session| {
            let own = account.keys().map(|(_, own)| device_key(&own));
            let keys = match session.keys(of).await {
                Ok(keys) => keys,
                Err(error) => return Err(account.failed(error).await),
            };
            let line = |entry: &KeyEntry| match account.json {
                true => as_json(entry, own == Some(entry.key)),
                false => as_text(entry, own == Some(entry.key), TimeZone::system()),
            };
            Ok(keys.iter().map(line).collect::<Vec<_>>().join("\n"))
        })
        .await
}

fn as_text(entry: &KeyEntry, is_this: bool, zone: TimeZone) -> String {
    let since = moment(entry.since_ms).to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string();
    let label = entry.device.as_ref().map_or("no name".into(), |label| one_line(label.as_str()));
    let ends =
        entry.expires_ms.map(|ms| moment(ms).to_zoned(zone).strftime(", until %Y-%m-%d %H:%M").to_string());
    let this = if is_this { ", this device" } else { "" };
    let fingerprint = public_key(&entry.key).fingerprint();
    format!("{fingerprint}  {since}  {label}{}{this}", ends.unwrap_or_default())
}

fn as_json(entry: &KeyEntry, is_this: bool) -> String {
    let mut object = json!({
        "user": entry.user.as_str(),
        "key": entry.key.to_string(),
        "fingerprint": public_key(&entry.key).fingerprint(),
        "since": format!("{:.3}", moment(entry.since_ms)),
        "this": is_this,
    });
    if let Some(label) = &entry.device {
        object["device"] = label.as_str().into();
    }
    if let Some(ms) = entry.expires_ms {
        object["expires"] = format!("{:.3}", moment(ms)).into();
    }
    object.to_string()
}

pub(super) fn moment(ms: u64) -> Timestamp {
    i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// What is known on this side: nobody is asked.
async fn show(account: &Account) -> Result<(), Error> {
    let entry = &account.entry;
    let own = entry.trust.device_keys().map_err(SecurityError::Key)?.public();
    let server = entry.trust.server_key(&entry.session.servers)?;
    if account.json {
        let mut object = json!({ "key": own.to_string(), "fingerprint": own.fingerprint() });
        if let Some(server) = server {
            object["server"] = entry.server().to_string().into();
            object["server_key"] = server.to_string().into();
            object["server_fingerprint"] = server.fingerprint().into();
        }
        return print(object.to_string()).await;
    }
    let shown = |what: &str, key: PublicKey| {
        format!("{what}\n  key          {key}\n  fingerprint  {}", key.fingerprint())
    };
    let of_server = match server {
        Some(server) => shown(&format!("{}", entry.server()), server),
        None => format!("{}\n  not known as a secured server", entry.server()),
    };
    print(format!("{}\n{of_server}", shown("this device", own))).await
}

async fn revoke(
    account: Account,
    wanted: String,
    of: Option<UserName>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    account
        .with_server(shutdown, async |account, session| {
            let key = match DeviceKey::parse(&wanted) {
                Ok(key) => key,
                Err(_) => {
                    let listed = match session.keys(of).await {
                        Ok(keys) => keys,
                        Err(error) => return Err(account.failed(error).await),
                    };
                    find(&wanted, listed.iter().map(|entry| entry.key)).ok_or(Error::NoSuchKey)?
                }
            };
            match session.administer(AdminAct::RevokeKey { key }).await {
                Ok(()) => Ok(format!("{} is nobody's key any more", public_key(&key).fingerprint())),
                Err(error) => Err(account.failed(error).await),
            }
        })
        .await
}

/// The one key whose fingerprint begins like this, however it is spaced; none if several do.
fn find(wanted: &str, keys: impl Iterator<Item = DeviceKey>) -> Option<DeviceKey> {
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '-'], "");
    let wanted = plain(wanted);
    let mut found = keys.filter(|key| plain(&public_key(key).fingerprint()).starts_with(&wanted));
    let key = found.next().filter(|_| wanted.len() >= FINGERPRINT_CHARACTERS_LEAST)?;
    found.next().is_none().then_some(key)
}

/// A whole group, so that nobody revokes a key by a slip.
const FINGERPRINT_CHARACTERS_LEAST: usize = 4;

async fn forget(endpoint: Endpoint) -> Result<(), Error> {
    let folder = paths::data_folder().ok_or(super::JoinError::NoDataFolder)?;
    let mut known = KnownServers::load(&folder.join(paths::KNOWN_SERVERS)).map_err(SecurityError::Known)?;
    if !known.forget(&endpoint).map_err(SecurityError::Known)? {
        return Err(Error::NotKnown { endpoint });
    }
    print(format!("{endpoint} is forgotten: its key is asked for when you go there next")).await
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use recado_proto::{DeviceKey, DeviceLabel, KeyEntry, UserName};

    use super::{as_json, as_text, find, public_key};

    fn entry(byte: u8) -> KeyEntry {
        KeyEntry {
            key: DeviceKey::from_bytes([byte; 32]),
            user: UserName::parse("ana").unwrap(),
            device: Some(DeviceLabel::parse("laptop").unwrap()),
            since_ms: 1_770_000_000_000,
            expires_ms: None,
        }
    }

    #[test]
    fn a_key_is_found_by_the_beginning_of_its_fingerprint() {
        let keys: Vec<DeviceKey> = (0..20).map(|byte| entry(byte).key).collect();
        for key in &keys {
            let fingerprint = public_key(key).fingerprint();
            assert_eq!(find(&fingerprint, keys.iter().copied()), Some(*key));
            assert_eq!(find(&fingerprint[..9].to_uppercase(), keys.iter().copied()), Some(*key));
            assert_eq!(find(&fingerprint.replace(' ', "-"), keys.iter().copied()), Some(*key));
        }
        assert_eq!(find("", keys.iter().copied().take(1)), None);
        assert_eq!(find("zzzz zzzz", keys.iter().copied()), None);
        let twice = [keys[0], keys[0]];
        assert_eq!(
            find(&public_key(&keys[0]).fingerprint(), twice.into_iter()),
            None,
            "which of them is unclear"
        );
    }

    #[test]
    fn a_device_is_one_line_that_says_whether_it_is_this_one() {
        let line = as_text(&entry(7), true, TimeZone::UTC);
        let fingerprint = public_key(&entry(7).key).fingerprint();
        assert_eq!(line, format!("{fingerprint}  2026-02-02  laptop, this device"));
        let nameless = KeyEntry { device: None, expires_ms: Some(1_770_003_600_000), ..entry(7) };
        let line = as_text(&nameless, false, TimeZone::UTC);
        assert!(line.ends_with("no name, until 2026-02-02 03:40"), "{line}");
        let object: serde_json::Value = serde_json::from_str(&as_json(&nameless, false)).unwrap();
        assert_eq!((&object["this"], &object["user"]), (&false.into(), &"ana".into()));
        assert_eq!(object["expires"], "2026-02-02T03:40:00.000Z");
    }
}
