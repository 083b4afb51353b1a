//! Channels: whose they are, who is in the private ones.

use recado_proto::{ChannelName, Role, UserName};

use super::administration::changed;
use super::event::AccessChange;
use super::judging::{Acting, Names, bad_request, busy, forbidden};
use super::state::Access;
use crate::limits::{MEMBERS_MAX, MEMBERSHIPS_MAX};
use crate::store::{NameOf, Refusal, no_such_channel};

type Judged = Result<Vec<AccessChange>, Refusal>;

impl Access {
    /// A name that is taken may be that of a channel which is not to be known of. That cannot be hidden: there is one channel
    /// of a name. Whether it is a channel's or a user's is not said, nor whether it is that very name or one that looks like it.
    pub(super) fn judge_channel_made(
        &self,
        acting: Acting<'_>,
        channel: &ChannelName,
        private: bool,
        names: &impl Names,
        now_ms: u64,
    ) -> Judged {
        let owner = acting.user.ok_or_else(|| bad_request("a channel is created by a user"))?;
        if acting.role == Role::Bot {
            return Err(forbidden("bots create no channels"));
        }
        self.must_not_be_muted(owner, None, now_ms)?;
        self.must_be_free(channel.as_str(), names, false)?;
        if private {
            self.must_have_room_for_a_member()?;
        }
        Ok(vec![AccessChange::ChannelMade { channel: channel.clone(), owner: owner.clone(), private }])
    }

    pub(super) fn judge_private(
        &self,
        acting: Acting<'_>,
        channel: &ChannelName,
        names: &impl Names,
    ) -> Judged {
        self.must_look_after(acting, channel, names)?;
        self.must_have_room_for_a_member()?;
        let is_public = !self.is_private(channel.as_str());
        Ok(changed(is_public, || AccessChange::MadePrivate { channel: channel.clone() }))
    }

    pub(super) fn judge_public(
        &self,
        acting: Acting<'_>,
        channel: &ChannelName,
        names: &impl Names,
    ) -> Judged {
        self.must_look_after(acting, channel, names)?;
        let is_private = self.is_private(channel.as_str());
        Ok(changed(is_private, || AccessChange::MadePublic { channel: channel.clone() }))
    }

    pub(super) fn judge_add(
        &self,
        acting: Acting<'_>,
        channel: &ChannelName,
        of: &UserName,
        names: &impl Names,
    ) -> Judged {
        self.must_look_after(acting, channel, names)?;
        self.account(of)?;
        let members = match self.channels.get(channel) {
            Some(known) if known.private => &known.members,
            Some(_) | None => {
                let why = format!("the channel {channel} is public: everybody is in it");
                return Err(bad_request(why));
            }
        };
        if members.contains(of) {
            return Ok(Vec::new());
        }
        if members.len() >= MEMBERS_MAX {
            let why =
                format!("the channel {channel} has {MEMBERS_MAX} members, which is as many as there can be");
            return Err(busy(why));
        }
        self.must_have_room_for_a_member()?;
        Ok(vec![AccessChange::MemberAdded { channel: channel.clone(), user: of.clone() }])
    }

    pub(super) fn judge_remove(
        &self,
        acting: Acting<'_>,
        channel: &ChannelName,
        of: &UserName,
        names: &impl Names,
    ) -> Judged {
        self.must_look_after(acting, channel, names)?;
        self.account(of)?;
        match self.channels.get(channel) {
            Some(known) if known.private => Ok(changed(known.members.contains(of), || {
                AccessChange::MemberRemoved { channel: channel.clone(), user: of.clone() }
            })),
            Some(_) | None => {
                let why = format!("the channel {channel} is public: ban or mute {of}, or make it private");
                Err(bad_request(why))
            }
        }
    }

    /// Its owner or an administrator. To others a private channel does not exist, unless they are in it.
    fn must_look_after(
        &self,
        acting: Acting<'_>,
        channel: &ChannelName,
        names: &impl Names,
    ) -> Result<(), Refusal> {
        let may_know =
            acting.is_administrator() || acting.user.is_some_and(|user| self.may_read(user, channel));
        if names.name_of(channel.as_str()) != NameOf::Channel || !may_know {
            return Err(no_such_channel(channel));
        }
        let owner = self.channels.get(channel).and_then(|known| known.owner.as_ref());
        if acting.is_administrator() || owner.is_some_and(|owner| acting.is(owner)) {
            return Ok(());
        }
        Err(forbidden(format!("only whoever created the channel {channel} or an administrator can do this")))
    }

    fn must_have_room_for_a_member(&self) -> Result<(), Refusal> {
        if self.memberships >= MEMBERSHIPS_MAX {
            let why = format!("private channels have {MEMBERSHIPS_MAX} members in all");
            return Err(busy(format!("{why}, which is as many as there can be")));
        }
        Ok(())
    }
}
