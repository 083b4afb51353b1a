//! What a chat begins with of what was kept, and where it goes on keeping.

use std::io;
use std::path::Path;

use recado_proto::UserName;
use recado_zmtp::Endpoint;

use crate::chat::item::Notice;
use crate::paths;
use crate::receiver::{Start, Topic};
use crate::session::half_sentence;

use super::Kept;
use super::file::{KeptFile, Opened, name_for};
use super::keeper::Keeper;

/// What was kept for a user.
#[derive(Debug)]
pub(crate) struct Keeping {
    /// Where more goes; none if nothing can be kept.
    pub(crate) keeper: Option<Keeper>,
    /// What was kept.
    pub(crate) kept: Kept,
    /// What the user is to know about it.
    pub(crate) notices: Vec<Notice>,
}

impl Keeping {
    /// Nothing was kept, and nothing will be.
    pub(crate) fn nothing() -> Self {
        Self { keeper: None, kept: Kept::default(), notices: Vec::new() }
    }

    /// Opens what was kept for this user at these servers.
    pub(crate) fn open(user: &UserName, servers: &[Endpoint]) -> Self {
        let Some(folder) = paths::state_folder() else {
            return Self::failed("there is no home folder".to_owned());
        };
        Self::open_in(&folder, &name_for(user, servers))
            .unwrap_or_else(|error| Self::failed(half_sentence(&error.to_string())))
    }

    fn open_in(folder: &Path, name: &str) -> io::Result<Self> {
        let Some(Opened { file, kept, damaged }) = KeptFile::open(folder, name)? else {
            return Ok(Self { notices: vec![Notice::KeptElsewhere], ..Self::nothing() });
        };
        let copy = damaged.map(|copy| copy.display().to_string());
        let notices = copy.map(|copy| Notice::KeptDamaged { copy }).into_iter().collect();
        Ok(Self { keeper: Some(Keeper::spawn(file)?), kept, notices })
    }

    fn failed(reason: String) -> Self {
        Self { notices: vec![Notice::KeepsNothing { reason }], ..Self::nothing() }
    }

    /// Where this user's direct messages begin: after what was shown last, or with the last few for somebody who is new here.
    pub(crate) fn direct_start(&self, user: &UserName, backlog: u32) -> Start {
        match self.kept.places.get(&Topic::Direct(user.clone())) {
            Some((epoch, seq)) => Start::After { epoch: *epoch, seq: *seq },
            // Nobody had written then: all that there is came since.
            None if self.kept.was_here => Start::Beginning,
            None => Start::Latest(backlog),
        }
    }
}
