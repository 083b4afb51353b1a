//! A key pair in a file, as text: comments with `#`, and one line `recado secret key 1 KEY` with the secret key in Z85. Devices and
//! installations have theirs in the same form.

use std::path::{Path, PathBuf};

use recado_zmtp::curve::{KeyPair, PublicKey, SecretKey};
use thiserror::Error;
use zeroize::Zeroizing;

use super::private::{self, FileError};
use crate::{limits, paths};

/// What stands before the key: what it is, and the form's number.
const BEGINS: &str = "recado secret key 1 ";

/// Why there is no key pair.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file cannot be read or written, or is not private.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no key file, or not a whole one.
    #[error(
        "{} holds no key: a line `recado secret key 1 KEY` is expected, once; put a copy of it back, or move it away to get a new key",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// There is no folder for the user's data.
    #[error("there is no HOME and no XDG_DATA_HOME to keep the key in; name a file with {option} FILE")]
    NoDataFolder {
        /// The option that names it.
        option: &'static str,
    },
}

/// The key pair in the file; none if there is no file.
pub fn load_keys(path: &Path) -> Result<Option<KeyPair>, KeyFileError> {
    let Some(text) = private::read(path, limits::KEY_FILE_BYTES_MAX)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let secret = parse(&text).ok_or_else(|| KeyFileError::Damaged { path: path.to_owned() })?;
    Ok(Some(KeyPair::from_secret(secret)))
}

/// The key pair in the file, which is made if there is none, with this comment in it.
pub fn load_or_make_keys(path: &Path, comment: &str) -> Result<KeyPair, KeyFileError> {
    if let Some(keys) = load_keys(path)? {
        return Ok(keys);
    }
    let keys = KeyPair::generate();
    if private::make(path, &render(&keys, comment))? {
        return Ok(keys);
    }
    // Another process was quicker: its key is the one.
    load_keys(path)?.ok_or_else(|| KeyFileError::Damaged { path: path.to_owned() })
}

/// Removes the file.
pub(super) fn forget_keys(path: &Path) -> Result<(), KeyFileError> {
    Ok(private::remove(path).map(drop)?)
}

/// Moves the file aside, since its key is of no use any more; says where to. The next key is a new one.
pub(crate) fn set_keys_aside(path: &Path, key: &PublicKey) -> Result<PathBuf, KeyFileError> {
    let fingerprint = key.fingerprint();
    let first = fingerprint.split(' ').next().unwrap_or_default();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".revoked-{first}"));
    let aside = path.with_file_name(name);
    private::rename(path, &aside)?;
    Ok(aside)
}

/// The first line of a file that only its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<Option<Zeroizing<String>>, FileError> {
    let Some(text) = private::read(path, limits::ANSWER_BYTES_MAX)?.map(Zeroizing::new) else {
        return Err(FileError::missing(path));
    };
    Ok(text.lines().next().map(|line| Zeroizing::new(line.to_owned())))
}

/// Where the key pair of an installation is, broker and servers alike: the file that is named, or `recado/installation.key` among the user's
/// data.
pub fn installation_path(named: Option<&Path>) -> Result<PathBuf, KeyFileError> {
    let usual = || paths::data_folder().map(|folder| folder.join(INSTALLATION));
    let path = named.map(Path::to_owned).or_else(usual);
    path.ok_or(KeyFileError::NoDataFolder { option: "--key" })
}

/// The key pair of an installation, which is made if there is none.
pub fn installation(path: &Path) -> Result<KeyPair, KeyFileError> {
    load_or_make_keys(
        path,
        "The key of this installation of Recado, for its broker and its servers. Whoever has it can pass for them.",
    )
}

const INSTALLATION: &str = "installation.key";

fn render(keys: &KeyPair, comment: &str) -> Zeroizing<String> {
    let secret = keys.secret().to_z85();
    Zeroizing::new(format!("# {comment}\n# Its public key: {}\n{BEGINS}{}\n", keys.public(), *secret))
}

fn parse(text: &str) -> Option<SecretKey> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = lines.next()?.strip_prefix(BEGINS)?.trim_start().parse().ok()?;
    lines.next().is_none().then_some(key)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use recado_zmtp::curve::KeyPair;

    use super::super::testing::Folder;
    use super::{
        KeyFileError, installation, installation_path, load_keys, load_or_make_keys, parse, render,
        set_keys_aside,
    };

    #[test]
    fn a_key_is_made_once_and_is_the_same_ever_after() {
        let folder = Folder::new();
        let path = folder.path().join("recado/device.key");
        assert!(load_keys(&path).unwrap().is_none());
        let made = load_or_make_keys(&path, "a key for tests").unwrap();
        let loaded = load_or_make_keys(&path, "a key for tests").unwrap();
        assert_eq!(loaded.public(), made.public());
        assert!(fs::read_to_string(&path).unwrap().starts_with("# a key for tests\n"));
    }

    #[test]
    fn an_installation_has_its_key_where_it_is_said_to_be() {
        let folder = Folder::new();
        let path = folder.path().join("installation.key");
        assert_eq!(installation_path(Some(&path)).unwrap(), path);
        let made = installation(&path).unwrap();
        assert_eq!(load_keys(&path).unwrap().map(|keys| keys.public()), Some(made.public()));
    }

    #[test]
    fn a_key_that_is_of_no_use_lies_aside_and_the_next_one_is_new() {
        let folder = Folder::new();
        let path = folder.path().join("device.key");
        let former = load_or_make_keys(&path, "a key").unwrap();
        let aside = set_keys_aside(&path, &former.public()).unwrap();
        assert_eq!(load_keys(&aside).unwrap().map(|keys| keys.public()), Some(former.public()));
        assert_ne!(load_or_make_keys(&path, "a key").unwrap().public(), former.public());
    }

    #[test]
    fn every_shorter_file_is_refused_and_so_is_one_with_more_in_it() {
        let text = render(&KeyPair::generate(), "a key");
        for end in 0..text.len() - 1 {
            assert!(parse(&text[..end]).is_none(), "{end}");
        }
        assert!(parse(&text[..text.len() - 1]).is_some(), "the last line feed may be missing");
        assert!(parse(&format!("{}recado secret key 1 x\n", *text)).is_none());
        assert!(parse(&text.replace("key 1", "key 2")).is_none());
    }

    #[test]
    fn a_damaged_file_is_named_and_what_is_in_it_is_not_said() {
        let folder = Folder::new();
        let path = folder.path().join("device.key");
        let keys = load_or_make_keys(&path, "a key").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("recado secret", "secret")).unwrap();
        let error = load_keys(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Damaged { .. }));
        assert!(error.to_string().contains(path.to_str().unwrap()));
        let secret = keys.secret().to_z85();
        assert!(
            !error.to_string().contains(secret.as_str()) && !format!("{error:?}").contains(secret.as_str())
        );
    }
}
