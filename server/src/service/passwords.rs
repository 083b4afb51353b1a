//! The thread that checks and hashes passwords, which takes long on purpose: one after the other, so that many at once cost the
//! others nothing but its own time.

use std::sync::Arc;

use recado_proto::{Code, DeviceKey, Password, ReplyBody, Timestamp, UserName};
use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;
use super::queue::{Queue, Taken};
use super::reply::{Replies, ReplyTo, refused};
use super::turns::unix_ms;
use super::writer::Write;
use crate::access::{AccessAct, Actor, Administration, password};
use crate::limits::SESSION_SECONDS;
use crate::store::{Change, Refusal, SharedAccess};

/// A request with a password in it.
#[derive(Debug)]
pub(super) struct PasswordWork {
    pub(super) what: ToDo,
    pub(super) user: UserName,
    pub(super) password: Password,
    pub(super) reply_to: ReplyTo,
}

/// What the password is for.
#[derive(Debug)]
pub(super) enum ToDo {
    /// To be known by this key for a while.
    LogIn(DeviceKey),
    /// To be the user's from now on.
    Set,
}

/// What the thread works with.
pub(super) struct Passwords {
    pub(super) waiting: Arc<Queue<PasswordWork>>,
    pub(super) writes: Arc<Queue<Write>>,
    pub(super) replies: UnboundedSender<Replies>,
    pub(super) clock: Arc<Clock>,
    pub(super) access: Arc<SharedAccess>,
}

impl Passwords {
    /// Works until the queue is closed and empty.
    pub(super) fn run(self) {
        let mut works = Vec::with_capacity(1);
        while self.waiting.take(&mut works, 1, None) == Taken::Work {
            for PasswordWork { what, user, password, reply_to } in works.drain(..) {
                match self.change(what, &user, &password) {
                    Ok(change) => {
                        self.writes.push_all(&mut vec![Write { change, reply_to }]);
                        self.writes.release();
                    }
                    Err(refusal) => self.answer(reply_to, refused(refusal)),
                }
            }
        }
    }

    fn change(&self, what: ToDo, user: &UserName, password: &Password) -> Result<Change, Refusal> {
        match what {
            ToDo::LogIn(key) => {
                // An unknown user, and one without a password, take as long as a wrong one.
                let kept = self.access.read().password_of(user).cloned();
                let is_right = password::verify(password, kept.as_ref());
                let Some(kept) = kept.filter(|_| is_right) else { return Err(wrong()) };
                let until_ms = unix_ms() + SESSION_SECONDS * 1000;
                let act = AccessAct::Session { key, user: user.clone(), password: kept, until_ms };
                Ok(Change::Access { actor: Actor::Key(key), act })
            }
            ToDo::Set => {
                let hash = password::hash(password, rand::random());
                let act = AccessAct::Admin(Administration::Password(hash));
                Ok(Change::Access { actor: Actor::User(user.clone()), act })
            }
        }
    }

    fn answer(&self, reply_to: ReplyTo, body: ReplyBody) {
        let mut replies = Replies::with_capacity(1);
        replies.push(reply_to, body, Timestamp::now(), &self.clock);
        // Nobody listens any more only when the server ends.
        let _ = self.replies.send(replies);
    }
}

/// One sentence for a wrong password, a user who has none, and one who does not exist.
fn wrong() -> Refusal {
    Refusal::new(Code::BadPassword, "no user of this name has this password")
}
