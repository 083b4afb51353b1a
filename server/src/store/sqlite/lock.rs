//! The file beside a store that one server holds locked for as long as it runs. It also says how far the store had come, so
//! that a store which was replaced by an older copy, or lost its end, is noticed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

use recado_proto::Epoch;

use super::super::StoreError;
use super::super::types::Position;
use super::open::{PRIVATE, beside};

/// A store's lock, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct StoreLock {
    file: File,
    /// What the last holder left.
    pub(super) witness: Option<Witness>,
}

/// How far a store had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) epoch: Epoch,
    pub(super) last: Position,
}

impl StoreLock {
    /// Takes the lock of the store at `path`, or says who has it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock_path = beside(path, "-lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE)
            .open(&lock_path)
            .map_err(|error| StoreError::from_io(&lock_path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let by = holder(&mut file).map_or_else(String::new, |id| format!(" (process {id})"));
                return Err(StoreError::Locked { path: path.to_path_buf(), by });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::from_io(&lock_path, &error)),
        }
        let witness = parse(&read(&mut file)).1;
        Ok(Self { file, witness })
    }

    /// Notes how far the store has come. It need not be durable: it only has to outlive a copied or restored store.
    pub(super) fn note(&mut self, witness: Witness) -> std::io::Result<()> {
        // Padded, so that a shorter text never leaves the end of a longer one.
        let text = format!(
            "process {:<10}\nepoch {:<16}\nlast {:<20}\n",
            process::id(),
            witness.epoch,
            witness.last
        );
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())
    }
}

/// The process that noted itself last.
pub(super) fn holder(file: &mut File) -> Option<u32> {
    parse(&read(file)).0
}

fn read(file: &mut File) -> String {
    let mut text = String::new();
    // What cannot be read says nothing; the lock itself holds all the same.
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(256).read_to_string(&mut text));
    text
}

fn parse(text: &str) -> (Option<u32>, Option<Witness>) {
    let number = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    let process = number("process ").and_then(|id| u32::try_from(id).ok());
    let witness = number("epoch ").and_then(|epoch| Epoch::new(epoch).ok()).zip(number("last "));
    (process, witness.map(|(epoch, last)| Witness { epoch, last: Position(last) }))
}
