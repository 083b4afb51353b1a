//! Runs the program `recado` and others as processes of their own: output captured, ended with the test.
//!
//! Knows nothing of what the program's parts do.

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    limits::{PATIENCE, SIGNAL_INTERVAL},
    lines::Lines,
};

/// The program under test, which stands beside the tests' own executables.
///
/// # Panics
/// It has not been built.
pub fn recado_path() -> PathBuf {
    let own = std::env::current_exe().expect("a running test has an executable");
    let profile = own.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    let path = profile.join(format!("recado{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing. Build it with: cargo build (or run: make test)", path.display());
    path
}

/// A command to run: arguments, environment, folder.
#[derive(Debug)]
pub struct Run {
    command: Command,
    name: String,
    input: bool,
}

impl Run {
    /// `recado` with these arguments. It works in `folder`, which is also its user's home, and inherits neither `RECADO_…` settings nor a
    /// locale.
    pub fn recado<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Run {
        Run::program(&recado_path(), folder, arguments)
    }

    /// Any program, started likewise.
    pub fn program<A: AsRef<OsStr>>(
        program: &Path,
        folder: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Run {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let mut command = Command::new(program);
        command.args(&arguments).current_dir(folder).env("HOME", folder).env("NO_COLOR", "1");
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            let is_setting = ["RECADO_", "XDG_", "LC_"].iter().any(|prefix| name_text.starts_with(prefix));
            if is_setting || name_text == "RUST_LOG" || name_text == "LANGUAGE" {
                command.env_remove(&name);
            }
        }
        command.env("LANG", "C.UTF-8");
        let shown: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let name =
            format!("{} {}", program.file_name().unwrap_or_default().to_string_lossy(), shown.join(" "));
        Run { command, name, input: false }
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// Lets the test write to its standard input, which otherwise is empty.
    pub fn with_input(mut self) -> Run {
        self.input = true;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// The program cannot be started.
    pub fn start(mut self) -> Process {
        self.command
            .stdin(if self.input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child =
            self.command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", self.name));
        let out = Lines::collect(child.stdout.take().expect("standard output is piped"));
        let err = Lines::collect(child.stderr.take().expect("standard error is piped"));
        let input = child.stdin.take();
        Process { name: self.name, child, input, out, err, ended: None }
    }

    /// Starts it and waits for its end.
    pub fn to_end(self) -> Ended {
        self.start().wait()
    }
}

/// A running process, killed when the test drops it. If the test is failing by then, what the process wrote is shown.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    out: Lines,
    err: Lines,
    ended: Option<ExitStatus>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The lines of its standard output.
    pub out: Vec<String>,
    /// The lines of its standard error.
    pub err: Vec<String>,
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output so far.
    pub fn out(&self) -> &Lines {
        &self.out
    }

    /// Its standard error so far.
    pub fn err(&self) -> &Lines {
        &self.err
    }

    /// Waits for a line of standard output.
    ///
    /// # Panics
    /// It does not come.
    pub fn wait_for_output(&self, what: &str, matches: impl Fn(&str) -> bool) -> String {
        self.expect(what, self.out.wait_from(0, matches)).0
    }

    /// Waits for a line of standard error.
    ///
    /// # Panics
    /// It does not come.
    pub fn wait_for_log(&self, what: &str, matches: impl Fn(&str) -> bool) -> String {
        self.expect(what, self.err.wait_from(0, matches)).0
    }

    /// Waits for a line of standard output after the first `from`; also says where to go on.
    ///
    /// # Panics
    /// It does not come.
    pub fn wait_for_output_from(
        &self,
        from: usize,
        what: &str,
        matches: impl Fn(&str) -> bool,
    ) -> (String, usize) {
        self.expect(what, self.out.wait_from(from, matches))
    }

    fn expect<T>(&self, what: &str, waited: Result<T, String>) -> T {
        waited.unwrap_or_else(|why| panic!("waited for {what} from `{}`, but {why}", self.name))
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    /// It has none, or no longer reads.
    pub fn write_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("started with_input and not yet closed");
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .unwrap_or_else(|error| panic!("`{}` reads no more: {error}", self.name));
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// The process has already been waited for.
    pub fn signal(&self, signal: Signal) {
        assert!(self.ended.is_none(), "`{}` has ended", self.name);
        let pid = i32::try_from(self.child.id()).expect("process ids are small");
        kill(Pid::from_raw(pid), signal).expect("our own child can be signalled");
    }

    /// Ends it as a power cut would (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            self.child.kill().expect("our own child can be killed");
            self.ended = Some(self.child.wait().expect("our own child can be waited for"));
        }
    }

    /// Sends a signal again and again until it ends, as somebody does who has lost patience.
    pub fn signal_until_end(self, signal: Signal) -> Ended {
        while !self.err.wait_for_end(SIGNAL_INTERVAL) {
            self.signal(signal);
        }
        self.wait()
    }

    /// Asks it to finish (SIGTERM) and waits for its end.
    pub fn terminate(self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It goes on beyond the tests' patience.
    pub fn wait(mut self) -> Ended {
        self.close_input();
        assert!(self.err.wait_for_end(PATIENCE), "`{}` does not end", self.name);
        let status = self.child.wait().expect("our own child can be waited for");
        self.ended = Some(status);
        assert!(self.out.wait_for_end(PATIENCE), "`{}` has ended but its output has not", self.name);
        Ended { code: status.code(), out: self.out.all(), err: self.err.all() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // It may just have ended by itself; there is nothing to mend here in either case.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("--- `{}` wrote to standard output:", self.name);
            self.out.all().iter().for_each(|line| eprintln!("{line}"));
            eprintln!("--- and to standard error:");
            self.err.all().iter().for_each(|line| eprintln!("{line}"));
        }
    }
}
