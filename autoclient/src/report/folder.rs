//! The folder of a report: found possible before a run, written at once after it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{csv, histograms, json, page};
use crate::{
    limits::REPORT_ROOM_BYTES,
    record::{LatencyKind, Record},
};

/// Where the files are written before they are moved to their places.
const PARTIAL: &str = ".partial";

/// The file that keeps room on the disk, and whose lock says that a run is writing here.
const ROOM: &str = "room";

/// A report's files, `report.json` last: where it is, all are.
pub(super) const FILES: [&str; 8] = [
    "report.html",
    "seconds.csv",
    "audit.csv",
    "acknowledgement.hgrm",
    "delivery.hgrm",
    "end_to_end.hgrm",
    "latency.hlog",
    json::FILE,
];

/// Why a report cannot be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Its path is that of a file.
    #[error("--report {}: this is a file, and a folder is needed", .0.display())]
    NotAFolder(PathBuf),
    /// What is in the folder is not a report's.
    #[error("--report {}: the folder has something in it that is no report ({found}); choose another", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// One of the names that are no report's.
        found: String,
    },
    /// A report is there.
    #[error("--report {}: a report is there already; choose another folder, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// Another process writes its report there.
    #[error("--report {}: another run writes its report there", .0.display())]
    InUse(PathBuf),
    /// The folder cannot be made or written to, or the disk is full.
    #[error("--report: cannot write {}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ReportError {
    /// Whether the command line is at fault: another folder would do.
    pub fn is_usage(&self) -> bool {
        match self {
            ReportError::NotAFolder(_) | ReportError::Occupied { .. } | ReportError::Exists(_) => true,
            ReportError::InUse(_) | ReportError::Io { .. } => false,
        }
    }
}

/// A folder that will take a report. Dropped before it has one, it leaves nothing behind.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    partial: PathBuf,
    is_new: bool,
    _lock: File,
}

impl Folder {
    /// Makes the folder if there is none, and finds out whether a report can be written to it; `force` replaces a report that is there.
    ///
    /// # Errors
    /// If something else is there, or it cannot be written to.
    pub fn prepare(path: &Path, force: bool) -> Result<Folder, ReportError> {
        let io_error = |source| ReportError::Io { path: path.to_owned(), source };
        let is_new = !path.try_exists().map_err(io_error)?;
        if !is_new {
            check(path, force)?;
        }
        let partial = path.join(PARTIAL);
        fs::create_dir_all(&partial).map_err(io_error)?;
        let room = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(partial.join(ROOM))
            .map_err(io_error)?;
        match room.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(ReportError::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(io_error(source)),
        }
        let folder = Folder { path: path.to_owned(), partial, is_new, _lock: room };
        // A disk that is full now is found out now, and the report finds the room that it is given here.
        (&folder._lock)
            .write_all(&vec![0; REPORT_ROOM_BYTES])
            .and_then(|()| folder._lock.sync_all())
            .map_err(io_error)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a run's report.
    ///
    /// # Errors
    /// If it cannot be written: then the folder holds what it held before.
    pub fn write(self, record: &Record) -> Result<(), ReportError> {
        let io_error = |name: &str, source| ReportError::Io { path: self.path.join(name), source };
        self._lock.set_len(0).map_err(|source| io_error(ROOM, source))?;
        for name in FILES {
            self.write_one(name, record).map_err(|source| io_error(name, source))?;
        }
        // Without its `report.json` an older report is none; with it the new one is whole.
        match fs::remove_file(self.path.join(json::FILE)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(json::FILE, source));
            }
            Ok(()) | Err(_) => {}
        }
        for name in FILES {
            fs::rename(self.partial.join(name), self.path.join(name))
                .map_err(|source| io_error(name, source))?;
        }
        Ok(())
    }

    fn write_one(&self, name: &str, record: &Record) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(self.partial.join(name))?);
        match name {
            json::FILE => json::write(record, &mut out)?,
            "seconds.csv" => csv::write_seconds(record, &mut out)?,
            "audit.csv" => csv::write_audit(record, &mut out)?,
            "latency.hlog" => histograms::write_hlog(record, &mut out)?,
            "report.html" => out.write_all(page::html(record).as_bytes())?,
            _ => {
                let kind = LatencyKind::ALL
                    .into_iter()
                    .find(|kind| name.strip_suffix(".hgrm") == Some(kind.key()))
                    .expect("every other file is a distribution");
                histograms::write_hgrm(record.latency.of(kind), &mut out)?;
            }
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be taken away is no report, and the next run writes over it.
        let _ = fs::remove_dir_all(&self.partial);
        if self.is_new {
            // Stays if the report is in it.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Finds out whether what is in a folder may be written over.
fn check(path: &Path, force: bool) -> Result<(), ReportError> {
    if !path.is_dir() {
        return Err(ReportError::NotAFolder(path.to_owned()));
    }
    let io_error = |source| ReportError::Io { path: path.to_owned(), source };
    let mut is_report = false;
    for entry in fs::read_dir(path).map_err(io_error)? {
        let name = entry.map_err(io_error)?.file_name();
        let name = name.to_string_lossy();
        is_report |= name == json::FILE;
        if name != PARTIAL && !FILES.contains(&&*name) {
            return Err(ReportError::Occupied { path: path.to_owned(), found: super::text::plain(&name) });
        }
    }
    match is_report && !force {
        true => Err(ReportError::Exists(path.to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::{read, sample};

    fn names(path: &Path) -> BTreeSet<String> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_report_is_all_its_files_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let record = sample::record();
        Folder::prepare(&path, false).unwrap().write(&record).unwrap();
        assert_eq!(names(&path), FILES.map(ToOwned::to_owned).into());
        assert_eq!(read(&path).unwrap(), record);
    }

    #[test]
    fn a_run_that_ends_without_a_report_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        drop(Folder::prepare(&home.path().join("new"), false).unwrap());
        drop(Folder::prepare(home.path(), false).unwrap());
        assert_eq!(names(home.path()), BTreeSet::new());
    }

    #[test]
    fn a_report_is_replaced_only_by_force_and_only_when_the_new_one_is_whole() {
        let home = tempfile::tempdir().unwrap();
        let mut record = sample::record();
        Folder::prepare(home.path(), false).unwrap().write(&record).unwrap();
        assert!(matches!(Folder::prepare(home.path(), false), Err(ReportError::Exists(_))));
        drop(Folder::prepare(home.path(), true).unwrap());
        assert_eq!(read(home.path()).unwrap(), record);
        record.replay = "another".to_owned();
        Folder::prepare(home.path(), true).unwrap().write(&record).unwrap();
        assert_eq!(read(home.path()).unwrap().replay, "another");
    }

    #[test]
    fn what_is_no_report_is_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(Folder::prepare(home.path(), true), Err(ReportError::Occupied { .. })));
        let file = home.path().join("thesis.txt");
        assert!(matches!(Folder::prepare(&file, true), Err(ReportError::NotAFolder(_))));
        assert!(matches!(Folder::prepare(&file.join("below"), true), Err(ReportError::Io { .. })));
        assert_eq!(names(home.path()), ["thesis.txt".to_owned()].into());
    }

    #[test]
    fn what_a_crash_left_is_no_report_and_in_nobody_s_way() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(PARTIAL)).unwrap();
        fs::write(home.path().join(PARTIAL).join("report.html"), "half").unwrap();
        fs::write(home.path().join("seconds.csv"), "moved before the crash").unwrap();
        assert!(read(home.path()).is_err());
        Folder::prepare(home.path(), false).unwrap().write(&sample::record()).unwrap();
        assert_eq!(names(home.path()), FILES.map(ToOwned::to_owned).into());
    }

    #[test]
    fn two_runs_do_not_write_to_one_folder() {
        let home = tempfile::tempdir().unwrap();
        let first = Folder::prepare(home.path(), false).unwrap();
        assert!(matches!(Folder::prepare(home.path(), false), Err(ReportError::InUse(_))));
        first.write(&sample::record()).unwrap();
        assert!(read(home.path()).is_ok());
    }
}
