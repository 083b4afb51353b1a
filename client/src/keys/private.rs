//! Files for their owner's eyes alone: made private, written aside and renamed, and never read when others could have read them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a private file cannot be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The system refuses.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was to be done: `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it, or write to it.
    #[error("{} may be read by others; make it yours alone: chmod 600 {}", path.display(), quoted(path))]
    Shared {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than such a file ever is.
    #[error("{} has more than {bytes_max} bytes: it is something else", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that it may have.
        bytes_max: u64,
    },
    /// It is not text.
    #[error("{} is not UTF-8 text: it is damaged, or something else", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
    },
}

impl FileError {
    /// There is no such file, where there has to be one.
    pub(super) fn missing(path: &Path) -> Self {
        FileError::io("read", path)(io::ErrorKind::NotFound.into())
    }

    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        move |source| FileError::Io { what, path: path.to_owned(), source }
    }
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+,@".contains(character);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// Reads a text; none if there is no such file. It is refused if its group or others may read or write it.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Option<String>, FileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::io("read", path)(error)),
    };
    let mode = file.metadata().map_err(FileError::io("read", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(FileError::Shared { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(FileError::io("read", path))?;
    if bytes.len() as u64 > bytes_max {
        return Err(FileError::TooLong { path: path.to_owned(), bytes_max });
    }
    String::from_utf8(bytes).map(Some).map_err(|_| FileError::NoText { path: path.to_owned() })
}

/// Makes the file with this text. False if there is one already, which stays as it is.
pub(super) fn make(path: &Path, text: &str) -> Result<bool, FileError> {
    let aside = write_aside(path, text)?;
    // A link fails where a name is taken; a rename would replace what another process has just made.
    let linked = fs::hard_link(&aside, path);
    // It has its own name by now, or is of no use.
    let _ = fs::remove_file(&aside);
    match linked {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(FileError::io("write", path)(error)),
    }
}

/// Puts this text in the place of whatever the file has, all or nothing.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    let aside = write_aside(path, text)?;
    fs::rename(&aside, path).map_err(FileError::io("write", path))?;
    sync_folder(path)
}

/// Gives the file another name in its folder.
pub(super) fn rename(path: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(path, to).map_err(FileError::io("write", to))?;
    sync_folder(to)
}

/// Removes the file. False if there is none.
pub(super) fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::io("write", path)(error)),
    }
}

fn write_aside(path: &Path, text: &str) -> Result<PathBuf, FileError> {
    let write = || FileError::io("write", path);
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(write())?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}", rand::random::<u64>()));
    let aside = folder.join(name);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(write())?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(write())?;
    Ok(aside)
}

fn sync_folder(path: &Path) -> Result<(), FileError> {
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(FileError::io("write", path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::super::testing::Folder;
    use super::{FileError, make, quoted, read, remove, replace};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_and_its_folder_are_private_from_the_beginning() {
        let folder = Folder::new();
        let path = folder.path().join("recado/device.key");
        assert!(make(&path, "one").unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        replace(&path, "two").unwrap();
        assert_eq!((mode(&path), read(&path, 9).unwrap().as_deref()), (0o600, Some("two")));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let folder = Folder::new();
        let path = folder.path().join("a");
        assert!(make(&path, "one").unwrap());
        assert!(!make(&path, "two").unwrap());
        assert_eq!(read(&path, 9).unwrap().as_deref(), Some("one"));
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
        assert_eq!(read(&path, 9).unwrap(), None);
    }

    #[test]
    fn what_others_may_read_is_refused_with_what_to_do() {
        let folder = Folder::new();
        let path = folder.path().join("a");
        make(&path, "one").unwrap();
        for shared in [0o640, 0o604, 0o620, 0o602, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(shared)).unwrap();
            let error = read(&path, 9).unwrap_err();
            assert!(matches!(error, FileError::Shared { .. }), "{shared:o}");
            assert!(error.to_string().ends_with(&format!("chmod 600 {}", path.display())), "{error}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_text_is_refused() {
        let folder = Folder::new();
        let path = folder.path().join("a");
        make(&path, "0123456789").unwrap();
        assert!(matches!(read(&path, 9), Err(FileError::TooLong { .. })));
        assert!(read(&path, 10).is_ok());
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read(&path, 9), Err(FileError::NoText { .. })));
    }

    #[test]
    fn a_path_is_shown_as_a_shell_takes_it() {
        assert_eq!(quoted(Path::new("/home/ana/a.key")), "/home/ana/a.key");
        assert_eq!(quoted(Path::new("/home/a na/it's")), r"'/home/a na/it'\''s'");
    }
}
