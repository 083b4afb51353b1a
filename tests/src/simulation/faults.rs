//! What goes wrong, and how all becomes well.

use recado_broker::Limits;
use recado_broker::simulation::Forwarder;

use super::network::{Cut, End, Link};
use super::setup::{CrashPoint, Fault};
use super::time::Micros;
use super::world::{Event, World};

impl World {
    pub(super) fn fault(&mut self, fault: Fault) {
        if self.healed {
            return;
        }
        self.note(None, format_args!("{fault:?}"));
        match fault {
            Fault::CutRequests { client } => self.cut(Link::Requests { client }),
            Fault::CutSubscriptions { client, broker } => self.cut(Link::Subscriptions { client, broker }),
            Fault::CutFeed { broker } => self.cut(Link::Feed { broker }),
            Fault::IsolateFromServer { client, lasts } => self.isolate(Link::Requests { client }, lasts),
            Fault::IsolateFromBroker { client, broker, lasts } => {
                self.isolate(Link::Subscriptions { client, broker }, lasts);
            }
            Fault::IsolateFeed { broker, lasts } => self.isolate(Link::Feed { broker }, lasts),
            Fault::Stall { client, broker, lasts } => {
                let until = (self.now + lasts).min(self.plan.healed_at);
                self.network.stall(Link::Subscriptions { client, broker }, until);
            }
            Fault::CrashServer { when: CrashPoint::Now, restored, down } => self.server_dies(restored, down),
            Fault::CrashServer { when, restored, down } => self.server.dies_at = Some((when, restored, down)),
            Fault::CrashBroker { broker, down } => self.broker_dies(broker, down),
            Fault::CrashClient { client, down } => {
                self.client_dies(client);
                let at = (self.now + down).min(self.plan.healed_at);
                self.schedule(at, Event::ClientStarts { client });
            }
            Fault::Leave { client, topic, resumes, away } => {
                let topics = self.clients[client].wishes.len();
                if topics > 0 {
                    let index = usize::try_from(topic % topics as u64).expect("below a usize");
                    let topic =
                        self.clients[client].wishes.keys().nth(index).expect("there are as many").clone();
                    self.leave(client, &topic, resumes);
                    let number = (0..self.plan.channels + self.plan.clients)
                        .find(|number| self.topic_name(*number) == topic.as_str());
                    let at = (self.now + away).min(self.plan.healed_at);
                    self.schedule(at, Event::ComeBack { client, topic: number.expect("it is one of them") });
                }
            }
            Fault::WallClock { offset_ms } => self.wall_clock(offset_ms),
        }
    }

    /// From now on all is well.
    pub(super) fn heal(&mut self) {
        self.note(None, format_args!("all is well from now on"));
        self.healed = true;
        self.server.dies_at = None;
        self.network.heal();
        self.server_starts();
        for broker in 0..self.brokers.len() {
            self.broker_starts(broker);
        }
        for client in 0..self.clients.len() {
            self.client_starts(client);
        }
    }

    pub(super) fn broker_starts(&mut self, broker: usize) {
        if self.brokers[broker].forwarder.is_none() {
            let limits = Limits { queue_messages_max: self.plan.queue_messages_max, ..Limits::default() };
            self.brokers[broker].forwarder = Some(Forwarder::new(limits));
            self.note(None, format_args!("broker {broker} starts"));
        }
    }

    fn broker_dies(&mut self, broker: usize, down: Micros) {
        if self.brokers[broker].forwarder.take().is_none() {
            return;
        }
        let of_it = |link| match link {
            Link::Subscriptions { broker: of, .. } | Link::Feed { broker: of } => of == broker,
            Link::Requests { .. } => false,
        };
        for connection in self.network.open_ends(End::Acceptor, of_it) {
            self.drop_end(connection, End::Acceptor);
        }
        self.schedule(self.now + down, Event::BrokerStarts { broker });
    }

    fn isolate(&mut self, link: Link, lasts: Micros) {
        self.network.block(link, self.now + lasts);
        self.cut(link);
    }

    fn cut(&mut self, link: Link) {
        let cut = self.network.cut(link, self.now);
        self.tell_of_cut(cut);
    }

    pub(super) fn tell_of_cut(&mut self, cut: Option<Cut>) {
        let Some(Cut { connection, notices, lost_to_acceptor }) = cut else { return };
        if let Some(Link::Feed { broker }) = self.network.link(connection) {
            self.feed_lost(broker, lost_to_acceptor);
        }
        for (end, at) in notices {
            self.schedule(at, Event::Ended { connection, end });
        }
    }
}
