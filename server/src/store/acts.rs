//! What acts make of the message that they are about. Knows nothing of where messages and acts lie.

use std::sync::Arc;

use recado_proto::{ActKind, Code, Epoch, Publication};

use super::types::{Destination, NewAct, Outcome, Receipt, Refusal, Route, StoredMessage};
use recado_proto::limits::ACTS_PER_MESSAGE_MAX;

/// How many acts there are on a message, and whether one of them deleted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ActsSoFar {
    pub(super) count: usize,
    pub(super) deleted: bool,
}

impl ActsSoFar {
    pub(super) fn add(&mut self, kind: ActKind) {
        self.count += 1;
        self.deleted |= kind == ActKind::Delete;
    }
}

/// Whether an act may be done to the message that was found for it.
pub(super) fn judge(act: &NewAct, target: Option<&StoredMessage>, so_far: ActsSoFar) -> Result<(), Refusal> {
    let place = match &act.to {
        Destination::Channel(channel) => format!("in the channel {channel}"),
        Destination::User(user) => format!("between {} and {user}", act.from),
    };
    let none = || Refusal::new(Code::NoSuchMessage, format!("there is no such message {place}"));
    let target = target.filter(|target| target.act.is_none() && is_within(act, target)).ok_or_else(none)?;
    if so_far.deleted {
        return Err(Refusal::new(Code::NoSuchMessage, "the message was deleted"));
    }
    let kind = act.act.kind();
    if matches!(kind, ActKind::Edit | ActKind::Delete) && *target.sender() != act.from {
        let why = format!("only {}, who wrote the message, can edit or delete it", target.sender());
        return Err(Refusal::new(Code::Forbidden, why));
    }
    if so_far.count >= ACTS_PER_MESSAGE_MAX && kind != ActKind::Delete {
        let why =
            format!("there are {ACTS_PER_MESSAGE_MAX} acts on the message, which is as many as there can be");
        return Err(Refusal::new(Code::Busy, why));
    }
    Ok(())
}

fn is_within(act: &NewAct, target: &StoredMessage) -> bool {
    match (&act.to, &target.route) {
        (Destination::Channel(asked), Route::Channel { channel, .. }) => asked == channel,
        (Destination::User(other), Route::Direct { to, from }) => {
            (from == &act.from && to == other) || (from == other && to == &act.from)
        }
        (Destination::Channel(_), Route::Direct { .. }) | (Destination::User(_), Route::Channel { .. }) => {
            false
        }
    }
}

/// The first answer, if this is that act sent again.
pub(super) fn act_again(act: &NewAct, stored: &StoredMessage) -> Option<Outcome> {
    let same_route = match (&stored.route, &act.to) {
        (Route::Channel { channel, .. }, Destination::Channel(to)) => channel == to,
        (Route::Direct { to, .. }, Destination::User(user)) => to == user,
        (Route::Channel { .. }, Destination::User(_)) | (Route::Direct { .. }, Destination::Channel(_)) => {
            false
        }
    };
    let is_same = same_route
        && *stored.sender() == act.from
        && stored.act == Some(act.act.kind())
        && stored.manner.target == act.act.target()
        && (stored.text == act.act.message() || act.imported.is_some() && act.act.kind() == ActKind::Edit);
    is_same.then_some(Outcome::Repeated(Receipt { id: stored.id, seq: stored.seq }))
}

/// Brings acts on one message into the order in which they count. It is that of commits, but for imports, which may bring
/// what is older than what is there.
pub(super) fn in_order(acts: &mut [Arc<StoredMessage>]) {
    acts.sort_by_key(|act| (act.time_ms, act.seq));
}

/// A message as it is by now, with all acts on it in their order. `with_acts`: they are wanted, too.
pub(super) fn revised(
    message: &StoredMessage,
    acts: &[Arc<StoredMessage>],
    with_acts: bool,
    epoch: Epoch,
) -> Publication {
    let mut publication = message.to_publication(epoch);
    let last_edit = acts.iter().rposition(|act| act.act == Some(ActKind::Edit));
    if let Some(last_edit) = last_edit {
        publication.message.clone_from(&acts[last_edit].text);
        publication.edited = true;
    }
    publication.deleted = acts.iter().any(|act| act.act == Some(ActKind::Delete));
    if publication.deleted {
        publication.message.clear();
    }
    if with_acts {
        publication.acts = acts.iter().filter_map(|act| act.to_act_done()).collect();
        for (index, act) in publication.acts.iter_mut().enumerate() {
            if act.kind == ActKind::Edit && (publication.deleted || Some(index) != last_edit) {
                act.message.clear();
            }
        }
    }
    publication
}
