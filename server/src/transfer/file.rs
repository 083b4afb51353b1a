//! The file that is read twice, or written whole or not at all; or standard input and output.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use super::{TransferError, file_error, is_standard};

/// What is imported.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    file: File,
}

impl Source {
    /// Opens it; what cannot be read twice is copied into a temporary file first.
    pub(super) fn open(path: &Path) -> Result<Self, TransferError> {
        let fail = |error| file_error(path, error);
        if is_standard(path) {
            let name = "standard input".to_owned();
            let file = spool(io::stdin().lock())
                .map_err(|error| TransferError::File { file: name.clone(), error })?;
            return Ok(Self { name, file });
        }
        let mut file = File::open(path).map_err(fail)?;
        let kind = file.metadata().map_err(fail)?.file_type();
        if kind.is_dir() {
            return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if !kind.is_file() {
            file = spool(file).map_err(fail)?;
        }
        Ok(Self { name: path.display().to_string(), file })
    }

    /// Reads it from its beginning.
    pub(super) fn reader(&mut self) -> Result<impl Read, TransferError> {
        self.start().map_err(|error| TransferError::File { file: self.name.clone(), error })?;
        Ok(BufReader::with_capacity(64 * 1024, &self.file))
    }

    /// Editors on some systems put a byte order mark before the text.
    fn start(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut mark = Vec::with_capacity(3);
        (&self.file).take(3).read_to_end(&mut mark)?;
        if mark != b"\xef\xbb\xbf" {
            self.file.seek(SeekFrom::Start(0))?;
        }
        Ok(())
    }
}

/// A copy that is gone with its handle.
fn spool(mut source: impl Read) -> io::Result<File> {
    let path = env::temp_dir().join(format!("recado-import-{}", process::id()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    io::copy(&mut source, &mut file)?;
    Ok(file)
}

/// What is exported to. A file only gets its name when it is whole.
pub(super) enum Target {
    Standard(BufWriter<io::Stdout>),
    File { file: BufWriter<File>, new: PathBuf, path: PathBuf },
}

impl Target {
    pub(super) fn open(path: &Path) -> Result<Self, TransferError> {
        if is_standard(path) {
            return Ok(Target::Standard(BufWriter::new(io::stdout())));
        }
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}.new", process::id()));
        let new = PathBuf::from(new);
        let file = create(&new).map_err(|error| file_error(path, error))?;
        Ok(Target::File { file: BufWriter::with_capacity(64 * 1024, file), new, path: path.to_path_buf() })
    }

    pub(super) fn name(&self) -> String {
        match self {
            Target::Standard(_) => "standard output".to_owned(),
            Target::File { path, .. } => path.display().to_string(),
        }
    }

    /// Makes what was written durable, under its name.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Target::Standard(out) => out.flush(),
            Target::File { file, new, path } => {
                file.flush()?;
                file.get_ref().sync_all()?;
                fs::rename(new, path)
            }
        }
    }
}

/// A new file for this user alone, in the place of what an export left that was killed.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Standard(out) => out.write(bytes),
            Target::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Standard(out) => out.flush(),
            Target::File { file, .. } => file.flush(),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Target::File { new, .. } = self {
            // After `finish` there is none of this name any more.
            let _ = fs::remove_file(new);
        }
    }
}
