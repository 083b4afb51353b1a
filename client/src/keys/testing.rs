//! A folder for a test.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of its own in the system's, gone with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("recado-keys-{:016x}", rand::random::<u64>()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // There is nothing to mend if somebody else has removed it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
