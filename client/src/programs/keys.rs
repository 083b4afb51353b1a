//! `recado keys`: the devices that a secured server knows one by.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use recado_proto::{AdminAct, DeviceKey, DeviceLabel, KeyEntry, Password, UserName};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::PublicKey;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::JoinError;
use super::account::{Account, AccountArgs, print, public_key};
use super::admin::span;
use crate::asking;
use crate::config::ConfigError;
use crate::entry::is_unknown_key;
use crate::error::Error;
use crate::keys::{KnownServers, SecurityError, read_secret};
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
        #[arg(long = "for", value_name = "DURATION", value_parser = span)]
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
        /// Do not ask, though it is this device's key, or your last one
        #[arg(short, long)]
        yes: bool,
    },
    /// Set your password, with which `recado join --password` comes in for 30 days from where a link is unhandy
    Password {
        /// Read it from a file that only you may read [default: asked for, or standard input without a terminal]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
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
  recado keys password               asks for it twice, unseen
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
            let act = AdminAct::Device { of, seconds: Some(lasting.as_secs()), code: () };
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
        Some(KeysAction::Revoke { key, yes }) => revoke(account, key, of, yes, shutdown).await,
        Some(KeysAction::Password { file }) => {
            account
                .with_server(shutdown, async |account, session| {
                    let password = new_password(file.as_deref()).await?;
                    match session.administer(AdminAct::Password(password)).await {
                        Ok(()) => {
                            Ok("the password is set; devices that came in by an earlier one are out"
                                .to_owned())
                        }
                        Err(error) => Err(account.failed(error).await),
                    }
                })
                .await
        }
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

/// The password that is to be, from the file, or as it is typed twice without being seen.
async fn new_password(file: Option<&Path>) -> Result<Password, Error> {
    let given = match file {
        Some(file) => read_secret(file).map_err(|error| SecurityError::Key(error.into()))?,
        None => asking::secret("New password: ").await.map_err(Error::Terminal)?,
    };
    let given = given.ok_or(JoinError::NoPassword)?;
    let password = Password::parse(&given).map_err(|_| JoinError::NoPassword)?;
    if file.is_none() && asking::is_somebody_there() {
        let again = asking::secret("Once more: ").await.map_err(Error::Terminal)?;
        if again.is_none_or(|again| *again != *given) {
            return Err(JoinError::NotTheSame.into());
        }
    }
    Ok(password)
}

async fn revoke(
    account: Account,
    wanted: String,
    of: Option<UserName>,
    yes: bool,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    account
        .with_server(shutdown, async |account, session| {
            let listed = match session.keys(of).await {
                Ok(keys) => keys,
                Err(error) => return Err(account.failed(error).await),
            };
            let key = match DeviceKey::parse(&wanted) {
                Ok(key) => key,
                Err(_) => find(&wanted, listed.iter().map(|entry| entry.key)).ok_or(Error::NoSuchKey)?,
            };
            let revoked = Revoked::of(key, account.keys().map(|(_, own)| device_key(&own)), &listed);
            if let Some(consequence) = revoked.consequence().filter(|_| revoked.is_ones_own() && !yes) {
                let question = format!("{consequence}.\nRevoke it (yes or no)? ");
                if !asking::is_somebody_there()
                    || !asking::is_yes(&question).await.map_err(Error::Terminal)?
                {
                    return Err(Error::NotRevoked { consequence });
                }
            }
            match session.administer(AdminAct::RevokeKey { key }).await {
                Ok(()) => Ok(revoked.said()),
                // The server has closed the connection of this very key, and knows nobody by it any more.
                Err(error) if revoked.is_this && error.code().is_some_and(is_unknown_key) => {
                    Ok(revoked.said())
                }
                Err(error) => Err(account.failed(error).await),
            }
        })
        .await
}

/// A key that is to be revoked.
struct Revoked {
    key: DeviceKey,
    /// It is this device's.
    is_this: bool,
    /// Whose last one it is.
    last_of: Option<UserName>,
    /// Its user is who revokes it.
    is_of_same: bool,
}

impl Revoked {
    fn of(key: DeviceKey, own: Option<DeviceKey>, listed: &[KeyEntry]) -> Self {
        let last = listed.first().filter(|entry| listed.len() == 1 && entry.key == key);
        Self {
            key,
            is_this: own == Some(key),
            last_of: last.map(|entry| entry.user.clone()),
            is_of_same: listed.iter().any(|entry| own == Some(entry.key)),
        }
    }

    fn is_ones_own(&self) -> bool {
        self.is_this || (self.last_of.is_some() && self.is_of_same)
    }

    /// What follows from it, if that is much.
    fn consequence(&self) -> Option<String> {
        let last = self.last_of.as_ref().map(|user| {
            format!("it is the last key of {user}, who comes back by a link from an administrator alone (recado keys device --of {user})")
        });
        match (self.is_this, last) {
            (true, Some(last)) => Some(format!("it is this device's own key, and {last}")),
            (true, None) => Some(
                "it is this device's own key; the device comes back by a link from another one of yours (recado keys device)".to_owned(),
            ),
            (false, last) => last,
        }
    }

    fn said(&self) -> String {
        let done = format!("{} is nobody's key any more", public_key(&self.key).fingerprint());
        self.consequence().map_or_else(|| done.clone(), |consequence| format!("{done}; {consequence}"))
    }
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
    let folder = paths::data_folder().ok_or(JoinError::NoDataFolder)?;
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

    use super::{Revoked, as_json, as_text, find, public_key};

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
    fn what_follows_from_revoking_ones_own_or_the_last_key_is_known_before() {
        let own = Some(entry(7).key);
        let revoked = |key: u8, listed: &[KeyEntry]| Revoked::of(entry(key).key, own, listed);
        let another = revoked(8, &[entry(7), entry(8)]);
        assert!(!another.is_ones_own() && another.consequence().is_none());
        let this = revoked(7, &[entry(7), entry(8)]);
        assert!(
            this.is_ones_own()
                && this.consequence().is_some_and(|what| what.contains("another one of yours"))
        );
        let last = revoked(7, &[entry(7)]);
        assert!(
            last.is_ones_own()
                && last.consequence().is_some_and(|what| what.contains("keys device --of ana"))
        );
        let of_eva = revoked(8, &[entry(8)]);
        assert!(!of_eva.is_ones_own() && of_eva.said().contains("last key"));
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
