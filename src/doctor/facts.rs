//! What was found out about an installation: values, for the judgement.

use std::{path::PathBuf, time::Duration};

use recado_client::keys::Distrust;
use recado_server::store::Examined;
use recado_zmtp::{Endpoint, curve::PublicKey};

/// Everything that is judged.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) settings: Settings,
    /// The user's number under which this runs.
    pub(super) user: u32,
    /// Our folder among the user's data, and what is known of it. None if there is no place for one.
    pub(super) data_folder: Option<(PathBuf, FileState)>,
    pub(super) secrets: Vec<Secret>,
    pub(super) store: Store,
    pub(super) listeners: Vec<Listener>,
    /// What a secured server says to this machine's keys; none where there is none.
    pub(super) welcome: Option<Welcome>,
    /// The broker's version, where it was asked for; or why it is not known.
    pub(super) broker_version: Option<Result<String, String>>,
    pub(super) clock: Clock,
    /// The hard limit on open files; none if there is none.
    pub(super) open_files_max: Option<u64>,
    pub(super) terminal: Terminal,
}

/// The settings file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Settings {
    /// There is none, which is usual.
    #[default]
    None,
    /// It was read.
    Read(PathBuf),
    /// It cannot be read or meant; the sentence says why.
    Refused(String),
}

/// A file that is nobody else's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) kind: SecretKind,
    pub(super) path: PathBuf,
    pub(super) state: FileState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretKind {
    InstallationKey,
    DeviceKey,
    KnownServers,
}

/// A file or folder as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    Missing,
    Unreadable(String),
    There {
        /// The bits of permission.
        mode: u32,
        owner: u32,
        /// Whether it has the form that it should have.
        has_form: bool,
    },
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) path: PathBuf,
    /// What it is; or the sentence that a server would end with.
    pub(super) file: Result<Examined, String>,
    /// Bytes that this user may still write beside it.
    pub(super) free_bytes: Option<u64>,
}

/// A place where something should listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) socket: Socket,
    pub(super) endpoint: Endpoint,
    pub(super) greeting: Greeting,
    /// The key that a secured one says it has.
    pub(super) key: Option<PublicKey>,
}

/// How a secured server took whoever asked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    /// Not asked: it is not the one that is known there.
    Distrusted(Box<Distrust>),
    /// It says whose the key is.
    User(AskedWith, String),
    /// The key is nobody's.
    Stranger(AskedWith),
    /// It does not answer as a server does.
    Silent(String),
}

/// The key that a secured server was asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedWith {
    Device,
    Installation,
    /// One for this once: there is no other.
    Passing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    Requests,
    Publishers,
    Subscribers,
    Status,
}

/// How it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Not at all, and why.
    Nobody(String),
    /// With something else than ZeroMQ's protocol.
    Other,
    /// As ZeroMQ does, with this security mechanism.
    Mechanism(Mechanism),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Null,
    Curve,
    /// As it calls itself.
    Other(String),
}

/// Times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// This machine's, in Unix seconds.
    pub(super) now_s: i64,
    /// A server's at the same moment, if one told.
    pub(super) server_s: Option<i64>,
    /// How far the clock went while the doctor was at work, and how long that took.
    pub(super) clock_went: Duration,
    pub(super) time_passed: Duration,
}

/// Where the chat would be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terminal {
    pub(super) is_terminal: bool,
    /// `TERM`.
    pub(super) name: Option<String>,
    /// The locale in force.
    pub(super) locale: Option<String>,
    pub(super) has_colours: bool,
}
