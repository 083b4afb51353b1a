//! `report.json`: the record as it is, under the number of its format.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{limits::REPORT_BYTES_MAX, record::Record};

/// The number of the format of `report.json`. It rises when a key changes its meaning or goes; keys may be added without.
pub const FORMAT: u32 = 1;

/// The file's name in a report's folder.
pub(super) const FILE: &str = "report.json";

/// Why a report cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is no such file, or it cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is larger than any report.
    #[error("{} is larger than a report can be ({REPORT_BYTES_MAX} bytes)", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is no report, or a broken one.
    #[error("{} is not a whole report", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// It is JSON without the number of a format.
    #[error("{} is not a report: it has no `format`", path.display())]
    NoFormat {
        /// The file.
        path: PathBuf,
    },
    /// Another version of the program wrote it.
    #[error("{} has format {found}, and this program reads format {FORMAT}: use the version that wrote it", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The number of its format.
        found: u64,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    #[serde(flatten)]
    record: &'a Record,
}

#[derive(Deserialize)]
struct Head {
    format: Option<u64>,
}

/// Writes a record.
pub(crate) fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Written { format: FORMAT, record })?;
    out.write_all(b"\n")
}

/// Reads the record of a report: of its folder, or of its `report.json`.
///
/// # Errors
/// If there is none, it is broken, or it has another format.
pub fn read(path: &Path) -> Result<Record, ReadError> {
    let path = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    let io_error = |source| ReadError::Io { path: path.clone(), source };
    let file = File::open(&path).map_err(io_error)?;
    let mut bytes = Vec::new();
    BufReader::new(file).take(REPORT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > REPORT_BYTES_MAX {
        return Err(ReadError::TooLarge { path });
    }
    let broken = |source| ReadError::Broken { path: path.clone(), source };
    let head: Head = serde_json::from_slice(&bytes).map_err(broken)?;
    match head.format {
        None => Err(ReadError::NoFormat { path }),
        Some(format) if format == u64::from(FORMAT) => serde_json::from_slice(&bytes).map_err(broken),
        Some(found) => Err(ReadError::Format { path, found }),
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, fs};

    use super::*;
    use crate::report::sample;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let record = sample::record();
        write(&record, &mut File::create(&path).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), record);
        assert_eq!(read(folder.path()).unwrap(), record);
    }

    #[test]
    fn keys_that_a_later_program_added_are_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        write(&sample::record(), &mut File::create(&path).unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap().replacen('{', "{\"weather\": \"fine\",", 1);
        fs::write(&path, text).unwrap();
        assert_eq!(read(&path).unwrap(), sample::record());
    }

    #[test]
    fn what_is_no_report_is_told_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let told = || {
            let error = read(&path).unwrap_err();
            match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            }
        };
        assert!(told().starts_with("cannot read"));
        let mut whole = Vec::new();
        serde_json::to_writer(&mut whole, &Written { format: FORMAT, record: &sample::record() }).unwrap();
        let whole = String::from_utf8(whole).unwrap();
        let cases = [
            (String::new(), "is not a whole report: EOF"),
            ("{}".to_owned(), "is not a report: it has no `format`"),
            ("[1, 2]".to_owned(), "is not a whole report"),
            (r#"{"format": 2}"#.to_owned(), "has format 2, and this program reads format 1"),
            (r#"{"format": 1}"#.to_owned(), "is not a whole report: missing field"),
            (whole[..whole.len() / 2].to_owned(), "is not a whole report"),
            (whole.replace("HISTF", "AISTF"), "is not a whole report: not a compressed HdrHistogram"),
        ];
        for (text, message) in cases {
            fs::write(&path, &text).unwrap();
            let error = told();
            assert!(error.contains(message), "{error}");
        }
    }
}
