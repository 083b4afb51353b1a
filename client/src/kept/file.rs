//! The file: appended to, rewritten beside and renamed when it has grown or is damaged, private, and locked while a client has it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use recado_proto::UserName;
use recado_zmtp::Endpoint;

use crate::limits;

use super::record::checksum;
use super::{Kept, Record};

/// What is kept for one user at the same servers, open and locked.
#[derive(Debug)]
pub(crate) struct KeptFile {
    path: PathBuf,
    file: File,
    /// Held for as long as the client runs; the file itself may be replaced.
    _lock: File,
    kept: Kept,
    bytes: u64,
    /// It is rewritten when it is longer than this.
    bytes_max: u64,
}

/// The file as it was found.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file.
    pub(crate) file: KeptFile,
    /// What it says.
    pub(crate) kept: Kept,
    /// It was damaged, and this is a copy of how it was found.
    pub(crate) damaged: Option<PathBuf>,
}

/// The file's name in our folder: of the user, as far as that makes a file's name, and of the servers in any order.
pub(crate) fn name_for(user: &UserName, servers: &[Endpoint]) -> String {
    let mut servers: Vec<String> = servers.iter().map(Endpoint::to_string).collect();
    servers.sort();
    servers.dedup();
    let whole = format!("{user}\n{}", servers.join("\n"));
    let plain: String = user
        .as_str()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
        .collect();
    format!("chat-{plain}-{:016x}", checksum(whole.as_bytes()))
}

impl KeptFile {
    /// Opens what is kept under this name in the folder, both of which are made if they are not there. None if another
    /// client of the same user has it.
    pub(crate) fn open(folder: &Path, name: &str) -> io::Result<Option<Opened>> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let lock =
            private().write(true).create(true).truncate(false).open(folder.join(format!("{name}.lock")))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let path = folder.join(name);
        let mut file = private().read(true).append(true).create(true).open(&path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(limits::KEPT_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        let (kept, lines) = Kept::read(&bytes);
        let is_whole = lines == 0 && file.metadata()?.len() == bytes.len() as u64;
        let damaged = if is_whole { None } else { Some(set_aside(&path)?) };
        let mut file = Self {
            path,
            file,
            _lock: lock,
            kept: kept.clone(),
            bytes: bytes.len() as u64,
            bytes_max: limits::KEPT_COMPACT_BYTES,
        };
        if !is_whole || file.bytes == 0 || file.bytes > file.bytes_max {
            file.rewrite()?;
        }
        Ok(Some(Opened { file, kept, damaged }))
    }

    /// Writes down what happened; with `durable` it is on the disk when this returns.
    pub(crate) fn append(&mut self, records: &[Record], durable: bool) -> io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            record.encode(&mut lines);
            self.kept.apply(record.clone());
        }
        self.bytes += lines.len() as u64;
        if self.bytes > self.bytes_max {
            return self.rewrite();
        }
        let written = self.file.write_all(&lines);
        let written = written.and_then(|()| if durable { self.file.sync_data() } else { Ok(()) });
        if written.is_err() {
            // What follows must not stand behind half a line.
            self.bytes_max = 0;
        }
        written
    }

    /// Puts the shortest file that says the same in its place, all or nothing.
    fn rewrite(&mut self) -> io::Result<()> {
        let bytes = self.kept.write();
        let beside = self.path.with_extension("new");
        let mut file = private().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.file = private().append(true).open(&self.path)?;
        self.bytes = bytes.len() as u64;
        self.bytes_max = limits::KEPT_COMPACT_BYTES.max(4 * self.bytes);
        Ok(())
    }
}

/// Nobody else may read what somebody writes to others.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Copies a damaged file beside itself, under a name that is free.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=limits::DAMAGED_COPIES_MAX {
        let copy = path.with_extension(format!("damaged-{number}"));
        match private().write(true).create_new(true).open(&copy) {
            Ok(mut target) => {
                io::copy(&mut File::open(path)?, &mut target)?;
                target.sync_all()?;
                return Ok(copy);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{} damaged copies of it are there already", limits::DAMAGED_COPIES_MAX)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use recado_proto::{ChannelName, MessageId, UserName};

    use super::{Kept, KeptFile, Opened, Record, name_for};
    use crate::chat::item::Place;
    use crate::kept::Unsent;
    use crate::limits;

    /// A folder of its own in the system's, gone with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("recado-kept-{}", MessageId::new_v7())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // It may not have been made.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn open(folder: &Path) -> (KeptFile, Kept, Option<PathBuf>) {
        let Opened { file, kept, damaged } = KeptFile::open(folder, "chat").unwrap().unwrap();
        (file, kept, damaged)
    }

    fn unsent(number: u64) -> Record {
        Record::Unsent(Unsent {
            id: MessageId::from_bytes(u128::from(number).to_be_bytes()),
            to: Place::Channel(ChannelName::parse("geral").unwrap()),
            text: "x".repeat(1_000),
            manner: recado_proto::Manner::default(),
        })
    }

    fn answered(number: u64) -> Record {
        Record::Answered(MessageId::from_bytes(u128::from(number).to_be_bytes()))
    }

    #[test]
    fn what_was_appended_is_there_next_time() {
        let folder = Folder::new();
        let (mut file, kept, damaged) = open(&folder.0);
        assert_eq!((kept, damaged), (Kept::default(), None));
        file.append(&[unsent(1), unsent(2)], true).unwrap();
        file.append(&[answered(1)], false).unwrap();
        drop(file);
        let (_file, kept, damaged) = open(&folder.0);
        assert_eq!((kept.unsent.len(), damaged), (1, None));
        assert!(kept.was_here);
    }

    #[test]
    fn nobody_else_may_read_it() {
        let folder = Folder::new();
        let (_file, ..) = open(&folder.0);
        for entry in fs::read_dir(&folder.0).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
        assert_eq!(fs::metadata(&folder.0).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_second_client_does_not_get_it_until_the_first_has_ended() {
        let folder = Folder::new();
        let (file, ..) = open(&folder.0);
        assert!(KeptFile::open(&folder.0, "chat").unwrap().is_none());
        assert!(KeptFile::open(&folder.0, "other").unwrap().is_some());
        drop(file);
        open(&folder.0);
    }

    #[test]
    fn what_is_damaged_is_set_aside_as_it_was_and_the_rest_is_kept() {
        let folder = Folder::new();
        let (mut file, ..) = open(&folder.0);
        file.append(&[unsent(1), unsent(2)], true).unwrap();
        drop(file);
        let path = folder.0.join("chat");
        let whole = fs::read(&path).unwrap();
        for number in 1..=2 {
            fs::write(&path, &whole[..whole.len() - 7]).unwrap();
            let (mut file, kept, damaged) = open(&folder.0);
            let damaged = damaged.unwrap();
            assert!(damaged.ends_with(format!("chat.damaged-{number}")), "{damaged:?}");
            assert_eq!(fs::read(&damaged).unwrap(), whole[..whole.len() - 7]);
            assert_eq!(kept.unsent.len(), 1);
            file.append(&[unsent(3)], true).unwrap();
            drop(file);
            let (_file, kept, damaged) = open(&folder.0);
            assert_eq!((kept.unsent.len(), damaged), (2, None));
        }
    }

    #[test]
    fn it_stays_short_however_much_passes_through_it() {
        let folder = Folder::new();
        let (mut file, ..) = open(&folder.0);
        file.append(&[unsent(0)], true).unwrap();
        for number in 1..=3 * limits::KEPT_COMPACT_BYTES / 1_000 {
            file.append(&[unsent(number)], false).unwrap();
            file.append(&[answered(number)], false).unwrap();
            assert!(fs::metadata(folder.0.join("chat")).unwrap().len() <= limits::KEPT_COMPACT_BYTES);
        }
        drop(file);
        let (_file, kept, damaged) = open(&folder.0);
        assert_eq!((kept.unsent.len(), damaged), (1, None));
    }

    #[test]
    fn users_and_servers_have_files_of_their_own() {
        let [ana, odd, other_odd] = ["ana", "../a/na", ".._a_na"].map(|name| UserName::parse(name).unwrap());
        let [one, two] = ["tcp://127.0.0.1:1", "tcp://127.0.0.1:2"].map(|text| text.parse().unwrap());
        let names = [
            name_for(&ana, &[]),
            name_for(&ana, std::slice::from_ref(&one)),
            name_for(&odd, std::slice::from_ref(&one)),
            name_for(&other_odd, std::slice::from_ref(&one)),
            name_for(&ana, &[one.clone(), two.clone()]),
        ];
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{names:?}");
            assert!(!name.contains(['/', '.']), "{name}");
        }
        assert_eq!(names[4], name_for(&ana, &[two, one]));
    }
}
