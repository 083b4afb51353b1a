//! The user's own editor on what is being typed: a file that nobody else can read, the program, and what comes of it. It knows neither
//! the full screen nor the line.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use recado_proto::MessageId;
use thiserror::Error;

use crate::limits;

/// A text that is being written with another program.
#[derive(Debug)]
pub(crate) struct Writing {
    editor: String,
    folder: PathBuf,
    file: PathBuf,
    /// The file stays where it is.
    is_left: bool,
}

/// Why nothing comes of it.
#[derive(Debug, Error)]
pub(crate) enum WritingError {
    /// There is no place for the file.
    #[error("no file can be made for the editor: {0}")]
    NoFile(io::Error),
    /// It could not begin, or nobody knows how it ended.
    #[error("the editor cannot be started: {0}")]
    NotStarted(io::Error),
    /// There is no such program.
    #[error("there is no editor `{0}`; VISUAL or EDITOR says which one is yours")]
    Missing(String),
    /// It says that it failed.
    #[error("the editor `{editor}` failed ({status}); what you typed is as it was")]
    Failed {
        /// Which one.
        editor: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// What it left cannot be read.
    #[error("what the editor left cannot be read: {reason}; it is in {}", file.display())]
    Unreadable {
        /// Why.
        reason: String,
        /// Where it is.
        file: PathBuf,
    },
}

/// What means something to a shell.
const FOR_A_SHELL: &[char] =
    &['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=', '%', '{'];

/// Who has the terminal.
#[derive(Clone, Copy, Debug)]
enum Has {
    We,
    Another,
    /// We again, since then.
    WeSince(Instant),
}

static HAS: Mutex<Has> = Mutex::new(Has::We);

/// Whether another program has the terminal, or had it a moment ago, so that Ctrl-C there meant that one: what a key sends to all of
/// them may be heard late.
pub fn is_terminal_lent() -> bool {
    match *HAS.lock().unwrap_or_else(PoisonError::into_inner) {
        Has::We => false,
        Has::Another => true,
        Has::WeSince(back) => back.elapsed() < limits::HEARD_LATE_MAX,
    }
}

/// The terminal goes to another program, or comes back.
pub(crate) fn lend_terminal(is_lent: bool) {
    let has = if is_lent { Has::Another } else { Has::WeSince(Instant::now()) };
    *HAS.lock().unwrap_or_else(PoisonError::into_inner) = has;
}

impl Writing {
    /// Writes the text where the editor finds it.
    pub(crate) fn begin(text: &str) -> Result<Self, WritingError> {
        let variable = |name| env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
        Self::begin_in(&env::temp_dir(), editor, text).map_err(WritingError::NoFile)
    }

    fn begin_in(place: &Path, editor: String, text: &str) -> io::Result<Self> {
        let folder = place.join(format!("recado-{}", MessageId::new_v7()));
        // It fails where somebody else has made it.
        DirBuilder::new().mode(0o700).create(&folder)?;
        let file = folder.join("message.txt");
        let writing = Self { editor, folder, file, is_left: false };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&writing.file)?;
        file.write_all(text.as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(writing)
    }

    /// The program, which may have been named with arguments.
    pub(crate) fn command(&self) -> Command {
        let mut words = self.editor.split_whitespace();
        let mut command = match words.next() {
            Some(program) if !self.editor.contains(FOR_A_SHELL) => {
                let mut command = Command::new(program);
                command.args(words);
                command
            }
            Some(_) | None => {
                let mut command = Command::new("sh");
                // Ctrl+C is the editor's, and not that of the shell that waits for it.
                command.arg("-c").arg(format!("trap : INT; {} \"$@\"", self.editor)).arg("sh");
                command
            }
        };
        command.arg(&self.file);
        command
    }

    /// The program begins.
    pub(crate) fn start(&self) -> Result<Child, WritingError> {
        self.command().spawn().map_err(|error| not_started(error, self.editor.clone()))
    }

    /// What was written. What cannot be taken stays in its file.
    pub(crate) fn end(mut self, ended: io::Result<ExitStatus>) -> Result<String, WritingError> {
        let editor = std::mem::take(&mut self.editor);
        let status = match ended {
            Ok(status) => status,
            Err(error) => return Err(not_started(error, editor)),
        };
        // What a shell says of a program that is not there, or is none.
        if let Some(126 | 127) = status.code() {
            return Err(WritingError::Missing(editor));
        }
        if !status.success() {
            return Err(WritingError::Failed { editor, status });
        }
        self.written().map_err(|reason| {
            self.is_left = self.file.exists();
            WritingError::Unreadable { reason, file: self.file.clone() }
        })
    }

    /// What is written so far, without the line feed that ends it.
    pub(crate) fn written(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        let read = File::open(&self.file)
            .and_then(|file| file.take(limits::COMPOSED_BYTES_MAX as u64 + 2).read_to_end(&mut bytes));
        read.map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        if text.len() > limits::COMPOSED_BYTES_MAX {
            return Err(format!("it has more than {} bytes", limits::COMPOSED_BYTES_MAX));
        }
        Ok(text.to_owned())
    }
}

/// Why a program did not begin.
fn not_started(error: io::Error, editor: String) -> WritingError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => WritingError::Missing(editor),
        _ => WritingError::NotStarted(error),
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_left
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            tracing::debug!(%error, folder = %self.folder.display(), "what was written is still there");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Writing, WritingError};
    use crate::limits;

    /// What comes of a text with this editor.
    fn written(editor: &str, text: &str) -> Result<String, WritingError> {
        let writing = Writing::begin_in(&env::temp_dir(), editor.to_owned(), text).unwrap();
        let ended = writing.command().status();
        writing.end(ended)
    }

    #[test]
    fn the_editor_gets_the_text_and_gives_another_one_back() {
        assert_eq!(written("sed -i s/one/two/", "one\nline").unwrap(), "two\nline");
        assert_eq!(written("true", "").unwrap(), "");
        assert_eq!(written("printf 'a b\\n\\n' >", "x").unwrap(), "a b\n");
    }

    #[test]
    fn nobody_else_can_read_it_and_nothing_stays_behind() {
        let writing = Writing::begin_in(&env::temp_dir(), "true".to_owned(), "secret").unwrap();
        let folder = writing.folder.clone();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&writing.folder), mode(&writing.file)), (0o700, 0o600));
        drop(writing);
        assert!(!folder.exists());
    }

    #[test]
    fn an_editor_that_fails_or_is_not_there_changes_nothing() {
        assert!(matches!(written("false", "x"), Err(WritingError::Failed { .. })));
        let missing = written("/no/such/editor --wait 2>/dev/null", "x").unwrap_err();
        assert!(missing.to_string().starts_with("there is no editor `/no/such/editor --wait"), "{missing}");
        let missing = written("/no/such/editor --wait", "x").unwrap_err();
        assert!(missing.to_string().starts_with("there is no editor `/no/such/editor --wait`"), "{missing}");
    }

    #[test]
    fn what_cannot_be_taken_is_not_lost() {
        let too_long = format!("head -c {} /dev/zero >", limits::COMPOSED_BYTES_MAX + 1);
        for editor in ["printf '\\377' >", &too_long] {
            match written(editor, "x") {
                Err(WritingError::Unreadable { file, .. }) => {
                    assert!(file.exists());
                    fs::remove_dir_all(file.parent().unwrap()).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(written("rm", "x"), Err(WritingError::Unreadable { .. })));
    }
}
