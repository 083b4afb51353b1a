//! What a store's file is, as one looks at it from outside: it is not opened as a database, and nothing is left beside it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::super::StoreError;
use super::lock::holder;
use super::open::{beside, check_sqlite, inspect};

/// What was seen of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The layout of its tables; none if the file is not there, or empty: a server makes it.
    pub layout: Option<u32>,
    /// Whether the file may be written to.
    pub is_writable: bool,
    /// Whether nobody but the file's owner may read it, or what lies beside it, or write there.
    pub is_private: bool,
    /// Who has it.
    pub holder: Holder,
    /// The SQLite that this program reads it with.
    pub sqlite: String,
}

/// Which process has a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// None: a server may be started on it.
    Nobody,
    /// A server or an import, with its process id if it noted it.
    Process(Option<u32>),
}

/// Where a SQLite file's header has `user_version`, which is our layout.
const LAYOUT_AT: u64 = 60;

/// Looks at the store's file and at its lock.
pub fn examine(path: &Path) -> Result<Examined, StoreError> {
    check_sqlite()?;
    let wrap = |error| StoreError::from_io(path, &error);
    let layout = if inspect(path)? { Some(layout(path).map_err(wrap)?) } else { None };
    Ok(Examined {
        layout,
        is_writable: layout.is_none() || OpenOptions::new().write(true).open(path).is_ok(),
        is_private: is_private(path),
        holder: held_by(&beside(path, "-lock")),
        sqlite: rusqlite::version().to_owned(),
    })
}

/// Whether neither the file nor what lies beside it is for others. Stores of earlier versions had what the user's mask left.
pub(super) fn is_private(path: &Path) -> bool {
    ["", "-wal", "-shm", "-lock", "-search", "-search-wal", "-search-shm"].into_iter().all(|ending| {
        // What is not there is nobody's.
        fs::metadata(beside(path, ending)).map_or(true, |data| data.permissions().mode() & 0o077 == 0)
    })
}

fn layout(path: &Path) -> std::io::Result<u32> {
    let mut file = File::open(path)?;
    let mut bytes = [0; 4];
    file.seek(SeekFrom::Start(LAYOUT_AT))?;
    file.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

/// A lock that can be shared is nobody's. It is given back at once.
fn held_by(lock: &Path) -> Holder {
    let Ok(mut file) = File::open(lock) else { return Holder::Nobody };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Holder::Process(holder(&mut file)),
        Ok(()) | Err(TryLockError::Error(_)) => Holder::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::super::lock::StoreLock;
    use super::super::open::{create, make_folder};
    use super::{Holder, examine};
    use crate::store::{SqliteStore, Store, StoreError};

    #[test]
    fn a_store_is_told_from_no_store_and_from_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recado.db");
        assert_eq!(examine(&path).unwrap().layout, None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        create(&path).unwrap();
        let found = examine(&path).unwrap();
        assert!(found.layout.is_some_and(|layout| layout >= 2), "{found:?}");
        assert!(found.is_writable);
        assert!(found.sqlite.starts_with("3."));
        let other = folder.path().join("notes.txt");
        fs::write(&other, "x".repeat(200)).unwrap();
        assert!(matches!(examine(&other), Err(StoreError::NotOurs { .. })));
        assert!(examine(folder.path()).is_err());
    }

    #[test]
    fn a_server_that_has_the_store_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recado.db");
        create(&path).unwrap();
        assert_eq!(examine(&path).unwrap().holder, Holder::Nobody);
        let lock = StoreLock::take(&path).unwrap();
        assert!(matches!(examine(&path).unwrap().holder, Holder::Process(_)));
        drop(lock);
        assert_eq!(examine(&path).unwrap().holder, Holder::Nobody);
        StoreLock::take(&path).expect("looking took nothing");
    }

    #[test]
    fn what_belongs_to_a_store_is_its_owners_alone_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/recado/recado.db");
        make_folder(path.parent().unwrap()).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let mut search = store.search().unwrap().expect("there is an index");
        search.indexer.follow(100).unwrap();
        let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap()).collect();
        assert!(files.len() >= 5, "{files:?}");
        for file in &files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert!(examine(&path).unwrap().is_private);
        for file in files.iter().map(|file| file.path()) {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(!examine(&path).unwrap().is_private, "{file:?}");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        drop(search);
    }
}
