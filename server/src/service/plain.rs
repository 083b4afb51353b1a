//! Plain listeners at the start: each has a user as whom it lets in, and a key that stands in for whoever reaches it.

use recado_proto::UserName;
use recado_zmtp::curve::{KeyPair, PublicKey};
use recado_zmtp::{Endpoint, Router, curve::Security};
use tracing::{info, warn};

use super::doors::device_key;
use super::{ServerError, unix_ms};
use crate::access::{AccessAct, Actor};
use crate::config::PlainBot;
use crate::limits::PLAIN_CONNECTIONS_MAX;
use crate::store::{Change, Outcome, Store};

/// A listener that is to be opened.
pub(super) struct PlainListener {
    user: UserName,
    key: PublicKey,
    requests: Endpoint,
}

/// Has each user be there, with the listener's key; a new one is a bot. Those whose key was revoked stay shut, and a server is not kept
/// from starting by that.
///
/// # Errors
///
/// There cannot be such a user, or an administrator would be let in, or the store failed.
pub(super) fn let_in(
    store: &mut impl Store,
    keys: &KeyPair,
    bots: Vec<PlainBot>,
) -> Result<Vec<PlainListener>, ServerError> {
    let mut listeners = Vec::with_capacity(bots.len());
    for PlainBot { user, requests } in bots {
        let key = keys.stand_in(user.as_str());
        if store.access().read().is_revoked(&device_key(&key)) {
            warn!(
                %user, %key,
                "the key of this user's plain listener was revoked, which holds for good: the listener stays shut; \
                 leave the option out, or give it another name"
            );
            continue;
        }
        let acts = [
            AccessAct::UserMade { user: user.clone(), role: recado_proto::Role::Bot },
            AccessAct::PlainListener { user: user.clone(), key: device_key(&key) },
        ];
        let changes = acts.map(|act| Change::Access { actor: Actor::System, act });
        for outcome in store.commit(changes.into(), unix_ms())?.outcomes {
            if let Outcome::Refused(refusal) = outcome {
                return Err(ServerError::Plain { user, why: refusal.description });
            }
        }
        if store.access().read().is_banned(&user) {
            warn!(%user, "this user is banned: the plain listener lets in nobody until that ends");
        }
        listeners.extend(requests.map(|requests| PlainListener { user, key, requests }));
    }
    Ok(listeners)
}

/// Listens, and says so of each.
pub(super) async fn listen(router: &mut Router, listeners: Vec<PlainListener>) -> Result<(), ServerError> {
    for PlainListener { user, key, requests } in listeners {
        let endpoint = router.listen_too(&requests, Security::NullAs(key), PLAIN_CONNECTIONS_MAX).await?;
        info!(socket = "plain requests", %endpoint, %user, %key, "listening: whoever reaches this is this user");
    }
    Ok(())
}
