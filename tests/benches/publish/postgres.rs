//! PostgreSQL with one row for each insert, each its own transaction, driven by pgbench with a prepared statement. It runs as a
//! user without rights, in a temporary folder, on a socket in that folder.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use recado_tests::accounting::cpu_seconds_with_children;
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::{Figures, wire::TEXT_BYTES};

const PORT: &str = "5432";
const TABLE: &str = "CREATE TABLE messages (position bigserial PRIMARY KEY, topic text NOT NULL, author text NOT NULL, body text NOT NULL)";

/// Where its programs lie.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    pgbench: PathBuf,
    /// What it says of its version.
    pub(crate) version: String,
}

impl Programs {
    /// The newest that is installed, or what to do.
    pub(crate) fn find() -> Result<Programs, String> {
        const MISSING: &str = "on Debian, as root, apt-get install postgresql postgresql-contrib";
        let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
            .unwrap_or_default();
        folders.retain(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file());
        folders.sort_by_key(|folder| {
            let version = folder.parent().and_then(Path::file_name).unwrap_or_default();
            version.to_string_lossy().parse::<u32>().unwrap_or(0)
        });
        let folder = folders.pop().ok_or_else(|| format!("postgres is missing: {MISSING}"))?;
        let pgbench = folder.join("pgbench");
        if !pgbench.is_file() {
            return Err(format!("pgbench is missing: {MISSING}"));
        }
        let version = Command::new(folder.join("postgres")).arg("--version").output();
        let version = version.map_err(|error| format!("postgres does not start: {error}"))?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        Ok(Programs { folder, pgbench, version })
    }
}

/// A running PostgreSQL, ended when it is dropped.
pub(crate) struct Postgres {
    programs: Programs,
    child: Child,
    /// Whom it runs as, if not as us.
    user: Option<(u32, u32)>,
    folder: TempDir,
}

impl Postgres {
    /// Starts one, with its default settings: every commit waits for its sync.
    pub(crate) fn start(programs: &Programs) -> anyhow::Result<Postgres> {
        let folder = TempDir::with_prefix("recado-bench-postgres-")?;
        let user = unprivileged()?;
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        let made = run_as(user, &programs.folder.join("initdb"), folder.path())
            .args(["--auth", "trust", "--username", "bench", "--no-sync", "--encoding", "UTF8", "--pgdata"])
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let child = run_as(user, &programs.folder.join("postgres"), folder.path())
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=100", "-c", &format!("port={PORT}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let postgres = Postgres { programs: programs.clone(), child, user, folder };
        let patience = Instant::now() + Duration::from_secs(20);
        while let Err(error) = postgres.sql("SELECT 1") {
            ensure!(Instant::now() < patience, "postgres does not answer: {error:#}");
            thread::sleep(Duration::from_millis(50));
        }
        postgres.sql(TABLE)?;
        let statement = format!(
            "INSERT INTO messages (topic, author, body) VALUES ('bench', 'bench', '{}');\n",
            "x".repeat(TEXT_BYTES)
        );
        fs::write(postgres.folder.path().join("publish.sql"), statement)?;
        Ok(postgres)
    }

    fn sql(&self, statement: &str) -> anyhow::Result<()> {
        let output = self
            .client(&self.programs.folder.join("psql"))
            .args(["-d", "postgres", "-X", "-q", "-c", statement])
            .output()?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn client(&self, program: &Path) -> Command {
        let mut command = run_as(self.user, program, self.folder.path());
        command.arg("-h").arg(self.folder.path()).args(["-p", PORT, "-U", "bench"]);
        command
    }

    /// So many clients, each with one insert under way.
    pub(crate) fn load(&self, clients: usize, seconds: f64) -> anyhow::Result<Figures> {
        let log = self.folder.path().join("latency");
        let before = cpu_seconds_with_children(self.child.id())?;
        let output = self
            .client(&self.programs.pgbench)
            .args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", "1"])
            .args(["-T", &format!("{:.0}", seconds.ceil()), "-l", "--log-prefix"])
            .arg(&log)
            .arg("-f")
            .arg(self.folder.path().join("publish.sql"))
            .arg("postgres")
            .output()?;
        ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let rate: f64 = text
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
            .with_context(|| format!("pgbench says no rate: {text}"))?;
        let mut latencies = self.take_latencies()?;
        latencies.sort_unstable();
        // Its processes for the connections end with pgbench, a moment later.
        thread::sleep(Duration::from_millis(200));
        let cpu = cpu_seconds_with_children(self.child.id())? - before;
        let cpu_us = cpu * 1e6 / latencies.len() as f64;
        Figures::of(rate, &latencies, cpu_us)
    }

    /// The logs' third word is each transaction's time in microseconds.
    fn take_latencies(&self) -> anyhow::Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        for entry in fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("latency.")) {
                continue;
            }
            for line in fs::read_to_string(&path)?.lines() {
                let word = line.split(' ').nth(2).context("a short line in pgbench's log")?;
                latencies.push(Duration::from_micros(word.parse()?));
            }
            fs::remove_file(path)?;
        }
        ensure!(!latencies.is_empty(), "pgbench logged nothing");
        Ok(latencies)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT ends it without waiting for anybody; it may have ended by itself.
        let id = Pid::from_raw(self.child.id().cast_signed());
        let _ = kill(id, Signal::SIGINT);
        let _ = self.child.wait();
    }
}

/// PostgreSQL refuses to run as root: the numbers of whom it runs as then, and of that one's group.
fn unprivileged() -> anyhow::Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    for name in ["postgres", "nobody"] {
        let mut fields = users.lines().map(|line| line.split(':'));
        if let Some(mut fields) = fields.find(|fields| fields.clone().next() == Some(name)) {
            let mut number = |at| -> anyhow::Result<u32> {
                let field: &str = fields.nth(at).context("a short line in /etc/passwd")?;
                Ok(field.parse()?)
            };
            return Ok(Some((number(2)?, number(0)?)));
        }
    }
    bail!("there is no user postgres or nobody to run PostgreSQL as")
}

fn run_as(user: Option<(u32, u32)>, program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}
