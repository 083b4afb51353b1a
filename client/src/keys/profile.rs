//! Where `recado join` has joined and as whom, in a file, so that all programs go there from then on.

use std::path::{Path, PathBuf};

use recado_proto::UserName;
use recado_zmtp::Endpoint;
use thiserror::Error;

use super::private::{self, FileError};
use crate::limits;

/// Where one has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The server.
    pub server: Endpoint,
    /// The broker.
    pub broker: Endpoint,
    /// Who one is there.
    pub user: UserName,
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
        format!(
            "# Written by `recado join`; `recado leave` removes it.\nserver = {}\nbroker = {}\nuser = {}\n",
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
    Ok(Profile {
        server: endpoint("server")?,
        broker: endpoint("broker")?,
        user: UserName::parse(value("user")?).map_err(|error| format!("`user`: {error}"))?,
    })
}

#[cfg(test)]
mod tests {
    use recado_proto::UserName;

    use super::super::testing::Folder;
    use super::{Profile, ProfileError, parse};

    fn profile(user: &str) -> Profile {
        Profile {
            server: "tcp://a:1".parse().unwrap(),
            broker: "tcp://[::1]:2".parse().unwrap(),
            user: UserName::parse(user).unwrap(),
        }
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
        let text = profile("ana").render();
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
