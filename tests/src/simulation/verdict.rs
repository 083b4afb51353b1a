//! What must hold at the end, when all has been well for long enough.

use std::collections::BTreeSet;
use std::time::Instant;

use super::ledger::Rule;
use super::network::Link;
use super::time::{Micros, SECOND};
use super::world::World;

/// Nobody asks for anything during the last so much.
const QUIET: Micros = 40 * SECOND;

impl World {
    pub(super) fn judge(&mut self) {
        self.judge_store();
        self.judge_answers();
        self.judge_deliveries();
        self.judge_acts();
        self.judge_rest();
    }

    /// Every `seq` is there once, and so is every message.
    fn judge_store(&mut self) {
        let at = self.now;
        let stored = self.stored();
        let epoch = self.ledger.epoch().expect("the server has started");
        let mut ids = BTreeSet::new();
        let mut next = std::collections::BTreeMap::<&str, u64>::new();
        for publication in &stored {
            let topic = publication.topic.as_str();
            let seq = next.entry(topic).or_insert(1);
            let id = publication.id.expect("the store gives every message an id");
            if publication.seq != Some(*seq) || publication.epoch != Some(epoch) || !ids.insert(id) {
                let seen = format!(
                    "{} at place {:?}, where {seq} was due",
                    self.ledger.name(Some(id)),
                    publication.seq
                );
                self.ledger.broken(at, Rule::Stored, Some(topic), seen);
            }
            *seq += 1;
        }
    }

    /// Everything was answered, and what was answered is where the answer says.
    fn judge_answers(&mut self) {
        let at = self.now;
        let epoch = self.ledger.epoch().expect("the server has started");
        for index in 0..self.ledger.sent.len() {
            let sent = &self.ledger.sent[index];
            let topic = sent.topic.clone();
            match sent.acknowledged {
                None if sent.refused => {}
                None => {
                    let seen = format!("message {index} of client {} was never answered OK", sent.client);
                    self.ledger.broken(at, Rule::Answered, Some(&topic), seen);
                }
                Some((of, seq)) if of == epoch => {
                    if self.ledger.at(epoch, &topic, seq) != Some(sent.id) {
                        let seen = format!("message {index} was answered OK, and is not in the store");
                        self.ledger.broken(at, Rule::AnsweredPlace, Some(&topic), seen);
                    }
                }
                // A store that was replaced by an older copy may have lost it; who follows is told.
                Some(_) => {}
            }
        }
    }

    /// Everybody has everything.
    fn judge_deliveries(&mut self) {
        let at = self.now;
        for client in 0..self.clients.len() {
            let followed: Vec<_> = self.clients[client].wishes.values().map(|wish| wish.following).collect();
            for following in followed {
                let it = &self.ledger.followings[following];
                let topic = it.topic.clone();
                let seen = match self.ledger.lacks(following) {
                    Some((begin, head)) => {
                        format!("client {client} has nothing of the places {begin} to {head}")
                    }
                    None if it.owed.is_none() => format!("client {client} never joined"),
                    None => continue,
                };
                self.ledger.broken(at, Rule::Delivered, Some(&topic), seen);
            }
        }
    }

    /// Nobody waits for anything, and nothing is held.
    fn judge_rest(&mut self) {
        let at = self.now;
        if let Some((client, due)) = self.waiting() {
            let connected = self.network.current(Link::Requests { client }).is_some();
            let seen = format!(
                "client {client} still waits for something in {:?}; connected: {connected}",
                due.saturating_duration_since(self.base.instant(at))
            );
            self.ledger.broken(at, Rule::Settled, None, seen);
        }
        if self.last_asked_at + QUIET > at {
            let seen = format!("somebody asked {} s before the end", (at - self.last_asked_at) / SECOND);
            self.ledger.broken(at, Rule::Settled, None, seen);
        }
    }
    /// A client that waits for an answer or for something that is missing, and until when.
    pub(super) fn waiting(&self) -> Option<(usize, Instant)> {
        self.clients.iter().enumerate().find_map(|(index, client)| {
            let session = client.session.as_ref()?;
            let due = session.requests.poll_timeout().or(session.receiver.waits_until())?;
            Some((index, due))
        })
    }
}
