//! Where `recado join` has joined, as whom and with which key, in a file, so that all programs go there from then on. A profile belongs to its key
//! file: programs go by the one in our data folder, or, where a key file is named, by the one beside that.

use std::path::{Path, PathBuf};

use recado_proto::UserName;
use recado_zmtp::Endpoint;
use thiserror::Error;

use super::private::{self, FileError};
use crate::{limits, paths};

/// Where one has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The server.
    pub server: Endpoint,
    /// The broker.
    pub broker: Endpoint,
    /// Who one is there.
    pub user: UserName,
    /// With which key file; the usual one if it is not said.
    pub device_key: Option<PathBuf>,
}

/// The profiles of this machine's user.
#[derive(Clone, Debug)]
pub struct Profiles {
    folder: PathBuf,
}

/// What is known of where to go with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file that says it.
    pub path: PathBuf,
    /// What it says.
    pub profile: Profile,
    /// Whether it was joined with this very key: otherwise it says where to go, and not who one is there.
    pub is_own: bool,
}

impl Profiles {
    /// Those in our folder among the user's data; none if the user has no home.
    pub fn of_user() -> Option<Self> {
        paths::data_folder().map(Self::in_folder)
    }

    /// Those in this folder.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The profile that programs go by where no key file is named.
    pub fn usual(&self) -> Result<Option<Profile>, ProfileError> {
        Profile::load(&self.usual_path())
    }

    /// Where to go with the key file that is named, or with none named.
    pub fn find(&self, key: Option<&Path>) -> Result<Option<Found>, ProfileError> {
        let Some(key) = key.map(whole) else {
            let usual = self.usual()?;
            return Ok(usual.map(|profile| Found { path: self.usual_path(), profile, is_own: true }));
        };
        let beside = beside(&key);
        if let Some(profile) = Profile::load(&beside)? {
            return Ok(Some(Found { path: beside, profile, is_own: true }));
        }
        let is_own = |profile: &Profile| self.key_of(profile) == key;
        let usual = self.usual()?;
        Ok(usual.map(|profile| Found { is_own: is_own(&profile), path: self.usual_path(), profile }))
    }

    /// The key file that one comes with: the one that is named, or else the one of the usual profile, or else the usual one.
    pub fn key(&self, named: Option<&Path>) -> PathBuf {
        // What is damaged names none.
        let usual = || self.usual().ok().flatten().map(|profile| self.key_of(&profile));
        named.map(whole).or_else(usual).unwrap_or_else(|| self.folder.join(paths::DEVICE_KEY))
    }

    /// Where the profile of a key file is kept: among the user's data if it is the usual profile's, or if there is no usual one, or if that is the same
    /// user's at the same server; otherwise beside the key.
    pub fn place(&self, key: &Path, server: &Endpoint, user: &UserName) -> PathBuf {
        match self.usual() {
            Ok(Some(usual))
                if self.key_of(&usual) != key && (usual.server != *server || usual.user != *user) =>
            {
                beside(key)
            }
            Ok(_) | Err(_) => self.usual_path(),
        }
    }

    /// Keeps where one has joined with this key file.
    pub fn save(&self, key: &Path, mut profile: Profile) -> Result<PathBuf, ProfileError> {
        let path = self.place(key, &profile.server, &profile.user);
        profile.device_key = (key != self.folder.join(paths::DEVICE_KEY)).then(|| key.to_owned());
        profile.save(&path)?;
        if self.is_usual(&path) {
            // A key file has one profile.
            Profile::remove(&beside(key))?;
        }
        Ok(path)
    }

    /// Whether this is the file of the usual profile.
    pub fn is_usual(&self, path: &Path) -> bool {
        path == self.usual_path()
    }

    fn usual_path(&self) -> PathBuf {
        self.folder.join(paths::JOINED)
    }

    fn key_of(&self, profile: &Profile) -> PathBuf {
        profile.device_key.clone().unwrap_or_else(|| self.folder.join(paths::DEVICE_KEY))
    }
}

/// From the root on, so that it is the same file from every folder.
fn whole(path: &Path) -> PathBuf {
    // Without a current folder there is nothing better.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn beside(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(paths::JOINED);
    key.with_file_name(name)
}

/// Why that cannot be read or kept.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// The file cannot be read or written, or is not private.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not say it.
    #[error("{} is damaged: {reason}; `recado leave --keep` removes it, and then join anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, as a half sentence.
        reason: String,
    },
}

impl Profile {
    /// Reads the file; none if there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, ProfileError> {
        let Some(text) = private::read(path, limits::PROFILE_BYTES_MAX)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|reason| ProfileError::Damaged { path: path.to_owned(), reason })
    }

    /// Writes the file, in the place of what it had.
    pub fn save(&self, path: &Path) -> Result<(), ProfileError> {
        Ok(private::replace(path, &self.render())?)
    }

    /// Removes the file. False if there is none.
    pub fn remove(path: &Path) -> Result<bool, ProfileError> {
        Ok(private::remove(path)?)
    }

    fn render(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let key =
            self.device_key.as_ref().map(|key| format!("device-key = {}\n", quoted(&key.to_string_lossy())));
        // First, so that a file that is cut short never says another key than it did.
        format!(
            "# Written by `recado join`; `recado leave` removes it.\n{}server = {}\nbroker = {}\nuser = {}\n",
            key.unwrap_or_default(),
            quoted(&self.server.to_string()),
            quoted(&self.broker.to_string()),
            quoted(self.user.as_str())
        )
    }
}

fn parse(text: &str) -> Result<Profile, String> {
    let table: toml::Table = text.parse().map_err(|_| "it is not TOML".to_owned())?;
    let value = |key: &str| {
        table.get(key).and_then(toml::Value::as_str).ok_or_else(|| format!("`{key}` is missing or no text"))
    };
    let endpoint = |key: &str| value(key)?.parse::<Endpoint>().map_err(|error| format!("`{key}`: {error}"));
    let device_key = match table.get("device-key") {
        Some(path) => Some(PathBuf::from(path.as_str().ok_or("`device-key` is no text")?)),
        None => None,
    };
    Ok(Profile {
        device_key,
        server: endpoint("server")?,
        broker: endpoint("broker")?,
        user: UserName::parse(value("user")?).map_err(|error| format!("`user`: {error}"))?,
    })
}

#[cfg(test)]
mod tests {
    use recado_proto::UserName;

    use super::super::testing::Folder;
    use super::{Profile, ProfileError, Profiles, parse};

    fn profile(user: &str) -> Profile {
        Profile {
            server: "tcp://a:1".parse().unwrap(),
            broker: "tcp://[::1]:2".parse().unwrap(),
            user: UserName::parse(user).unwrap(),
            device_key: None,
        }
    }

    #[test]
    fn a_profile_belongs_to_its_key_file() {
        let folder = Folder::new();
        let profiles = Profiles::in_folder(folder.path().to_owned());
        let [usual, ci, new] = ["device.key", "ci.key", "new.key"].map(|name| folder.path().join(name));
        let found = |key: Option<&std::path::PathBuf>| {
            let found = profiles.find(key.map(|key| key.as_path())).unwrap()?;
            Some((found.profile.user.as_str().to_owned(), found.is_own))
        };
        assert_eq!((found(None), profiles.key(None)), (None, usual.clone()));
        profiles.save(&usual, profile("bia")).unwrap();
        let path = profiles.save(&ci, profile("ci")).unwrap();
        assert!(!profiles.is_usual(&path));
        assert_eq!(found(None), Some(("bia".to_owned(), true)), "another user's key takes nothing over");
        assert_eq!(found(Some(&usual)), Some(("bia".to_owned(), true)));
        assert_eq!(found(Some(&ci)), Some(("ci".to_owned(), true)));
        // A key that has joined nowhere: where to go is known, and not who one is.
        assert_eq!(found(Some(&new)), Some(("bia".to_owned(), false)));
        assert!(profiles.is_usual(&profiles.save(&new, profile("bia")).unwrap()));
        assert_eq!(profiles.key(None), new, "the same user has a new key");
        assert_eq!(found(Some(&new)), Some(("bia".to_owned(), true)));
        assert_eq!(found(Some(&usual)), Some(("bia".to_owned(), false)));
        assert_eq!(profiles.usual().unwrap().unwrap().device_key, Some(new));
    }

    #[test]
    fn the_first_key_that_joins_is_the_one_to_go_by_wherever_it_is() {
        let folder = Folder::new();
        let profiles = Profiles::in_folder(folder.path().join("recado"));
        let key = folder.path().join("ci.key");
        assert!(profiles.is_usual(&profiles.save(&key, profile("ci")).unwrap()));
        assert_eq!(profiles.key(None), key);
        assert_eq!(profiles.key(Some(std::path::Path::new("x.key"))), std::path::absolute("x.key").unwrap());
    }

    #[test]
    fn what_was_saved_is_loaded_until_it_is_removed() {
        let folder = Folder::new();
        let path = folder.path().join("recado/joined.toml");
        assert!(Profile::load(&path).unwrap().is_none());
        for user in ["ana", "José \"Zé\" da Silva", "日本"] {
            profile(user).save(&path).unwrap();
            assert_eq!(Profile::load(&path).unwrap(), Some(profile(user)));
        }
        assert!(Profile::remove(&path).unwrap());
        assert!(!Profile::remove(&path).unwrap());
    }

    #[test]
    fn every_file_that_is_cut_short_is_refused_with_what_is_missing() {
        let text = Profile { device_key: Some("/srv/ci.key".into()), ..profile("ana") }.render();
        assert_eq!(parse(&text).unwrap().device_key, Some("/srv/ci.key".into()));
        for end in (0..text.len() - 1).filter(|end| text.is_char_boundary(*end)) {
            assert!(parse(&text[..end]).is_err(), "{}", &text[..end]);
        }
        assert_eq!(parse("server = 1"), Err("`server` is missing or no text".to_owned()));
        let folder = Folder::new();
        let path = folder.path().join("joined.toml");
        super::private::replace(&path, "server = \"nonsense\"").unwrap();
        let error = Profile::load(&path).unwrap_err();
        assert!(
            matches!(error, ProfileError::Damaged { .. }) && error.to_string().contains("recado leave"),
            "{error}"
        );
    }
}
