//! What `keys`, `members` and `audit` list.

use super::{DeviceKey, DeviceLabel};
use crate::name::{ChannelName, UserName};
use crate::wire::{Items, MapWriter, Value};

/// A key of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// The key.
    pub key: DeviceKey,
    /// Whose it is.
    pub user: UserName,
    /// What its user calls the device.
    pub device: Option<DeviceLabel>,
    /// When it became the user's, in Unix milliseconds.
    pub since_ms: u64,
    /// When it ends, in Unix milliseconds, if it is one's by a password.
    pub expires_ms: Option<u64>,
}

/// Who is in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// By name; empty for a public channel, in which everybody is.
    pub members: Vec<UserName>,
    /// Only members know of the channel.
    pub private: bool,
    /// Whoever created it.
    pub owner: Option<UserName>,
}

/// What was done to users, keys and channels, as one who looks after them reads it later. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: 1, 2, 3, …
    pub n: u64,
    /// When, in Unix milliseconds.
    pub time_ms: u64,
    /// Who did it; the system itself if nobody.
    pub by: Option<UserName>,
    /// What was done: a word of the protocol's table, or of a newer version's.
    pub act: String,
    /// To whom.
    pub of: Option<UserName>,
    /// In which channel.
    pub channel: Option<ChannelName>,
    /// With which key.
    pub key: Option<DeviceKey>,
    /// More of it, for people: a role, a device's label, until when.
    pub detail: Option<String>,
}

impl KeyEntry {
    pub(crate) fn encode(&self, map: &mut MapWriter<'_>) {
        map.key("key").text(&self.key.to_string());
        map.key("user").text(self.user.as_str());
        if let Some(device) = &self.device {
            map.key("device").text(device.as_str());
        }
        map.key("since_ms").unsigned(self.since_ms);
        if let Some(expires_ms) = self.expires_ms {
            map.key("expires_ms").unsigned(expires_ms);
        }
    }

    /// None for a map that says not enough.
    pub(crate) fn decode(items: Items<'_>) -> Option<Self> {
        let (mut key, mut user, mut device, mut since_ms, mut expires_ms) = (None, None, None, None, None);
        for (name, value) in items.pairs() {
            match name {
                b"key" => key = DeviceKey::from_wire(value),
                b"user" => user = name_of_user(value),
                b"device" => device = value.as_text().and_then(|label| DeviceLabel::parse(label).ok()),
                b"since_ms" => since_ms = value.as_unsigned(),
                b"expires_ms" => expires_ms = value.as_unsigned(),
                _ => {}
            }
        }
        Some(Self { key: key?, user: user?, device, since_ms: since_ms?, expires_ms })
    }
}

impl AuditEntry {
    pub(crate) fn encode(&self, map: &mut MapWriter<'_>) {
        map.key("n").unsigned(self.n);
        map.key("time_ms").unsigned(self.time_ms);
        if let Some(by) = &self.by {
            map.key("by").text(by.as_str());
        }
        map.key("act").text(&self.act);
        if let Some(of) = &self.of {
            map.key("of").text(of.as_str());
        }
        if let Some(channel) = &self.channel {
            map.key("channel").text(channel.as_str());
        }
        if let Some(key) = &self.key {
            map.key("key").text(&key.to_string());
        }
        if let Some(detail) = &self.detail {
            map.key("detail").text(detail);
        }
    }

    /// None for a map that says not enough.
    pub(crate) fn decode(items: Items<'_>) -> Option<Self> {
        let (mut n, mut time_ms, mut by, mut act) = (None, None, None, None);
        let (mut of, mut channel, mut key, mut detail) = (None, None, None, None);
        for (name, value) in items.pairs() {
            match name {
                b"n" => n = value.as_unsigned(),
                b"time_ms" => time_ms = value.as_unsigned(),
                b"by" => by = name_of_user(value),
                b"act" => act = value.as_text(),
                b"of" => of = name_of_user(value),
                b"channel" => channel = value.as_text().and_then(|name| ChannelName::parse(name).ok()),
                b"key" => key = DeviceKey::from_wire(value),
                b"detail" => detail = value.as_text(),
                _ => {}
            }
        }
        Some(Self {
            n: n?,
            time_ms: time_ms?,
            by,
            act: act?.to_owned(),
            of,
            channel,
            key,
            detail: detail.map(str::to_owned),
        })
    }
}

fn name_of_user(value: Value<'_>) -> Option<UserName> {
    UserName::parse(value.as_text()?).ok()
}
