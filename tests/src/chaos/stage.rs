//! The processes, the wires between them, and what is done to both.

use std::{fs, path::PathBuf};

use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::{task::block_in_place, time::sleep};

use crate::{
    parts::{Broker, Server, folder},
    process::Process,
    proxy::{Line, Losses, Proxy},
};

use super::plan::{Blow, Fault, Victim, Wire};

/// A broker and a server, each behind proxies.
#[derive(Debug)]
pub(super) struct Stage {
    folder: TempDir,
    broker: Broker,
    server: Server,
    publications: Proxy,
    subscriptions: Proxy,
    requests: Proxy,
    logs: u32,
}

impl Stage {
    pub(super) async fn start(seed: u64) -> Stage {
        let folder = folder();
        let broker = block_in_place(|| Broker::start(folder.path()));
        let publications = Proxy::start(&broker.publishers, seed).await;
        let subscriptions = Proxy::start(&broker.subscribers, seed.wrapping_add(1)).await;
        let server = block_in_place(|| Server::start(folder.path(), publications.endpoint()));
        let requests = Proxy::start(&server.requests, seed.wrapping_add(2)).await;
        Stage { folder, broker, server, publications, subscriptions, requests, logs: 0 }
    }

    /// Where clients ask.
    pub(super) fn server(&self) -> &str {
        self.requests.endpoint()
    }

    /// Where clients listen.
    pub(super) fn broker(&self) -> &str {
        self.subscriptions.endpoint()
    }

    /// One blow after the other, each from its beginning to the healing.
    pub(super) async fn strike(&mut self, fault: &Fault) {
        for blow in &fault.blows {
            self.deal(blow).await;
        }
    }

    async fn deal(&mut self, blow: &Blow) {
        match blow {
            Blow::Kill(victims, down) => {
                victims.iter().for_each(|victim| self.kill(*victim));
                sleep(*down).await;
                victims.iter().for_each(|victim| self.start_again(*victim));
            }
            Blow::Stop(victims, time) => {
                victims.iter().for_each(|victim| self.process(*victim).signal(Signal::SIGSTOP));
                sleep(*time).await;
                victims.iter().for_each(|victim| self.process(*victim).signal(Signal::SIGCONT));
            }
            Blow::StopAndKill(victim, time) => {
                self.process(*victim).signal(Signal::SIGSTOP);
                sleep(*time).await;
                self.kill(*victim);
                self.start_again(*victim);
            }
            Blow::Cut(wires) => self.wires(wires).for_each(Proxy::cut),
            Blow::Stall(wires, time) => {
                self.wires(wires).for_each(|proxy| proxy.set_line(Line::Stalled));
                sleep(*time).await;
                self.wires(wires).for_each(|proxy| proxy.set_line(Line::Open));
            }
            Blow::StallAndCut(wires, time) => {
                self.wires(wires).for_each(|proxy| proxy.set_line(Line::Stalled));
                sleep(*time).await;
                self.wires(wires).for_each(Proxy::cut);
                self.wires(wires).for_each(|proxy| proxy.set_line(Line::Open));
            }
            Blow::Refuse(wires, time) => {
                self.wires(wires).for_each(|proxy| proxy.set_line(Line::Refusing));
                self.wires(wires).for_each(Proxy::cut);
                sleep(*time).await;
                self.wires(wires).for_each(|proxy| proxy.set_line(Line::Open));
            }
        }
    }

    /// What all wires lose by chance from now on.
    pub(super) fn lose(&self, losses: Losses) {
        [&self.publications, &self.subscriptions, &self.requests]
            .into_iter()
            .for_each(|wire| wire.lose(losses));
    }

    fn wires(&self, wires: &[Wire]) -> impl Iterator<Item = &Proxy> {
        wires.iter().map(|wire| match wire {
            Wire::Publications => &self.publications,
            Wire::Subscriptions => &self.subscriptions,
            Wire::Requests => &self.requests,
        })
    }

    fn process(&self, victim: Victim) -> &Process {
        match victim {
            Victim::Server => &self.server.process,
            Victim::Broker => &self.broker.process,
        }
    }

    fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Server => self.server.process.kill(),
            Victim::Broker => self.broker.process.kill(),
        }
        self.note(victim);
    }

    fn start_again(&mut self, victim: Victim) {
        let folder = self.folder.path();
        // The proxies run on other threads meanwhile.
        block_in_place(|| match victim {
            Victim::Server => self.server.restart(folder),
            Victim::Broker => self.broker.restart(folder),
        });
    }

    /// Keeps what a process wrote, for whoever has to look into it.
    fn note(&mut self, victim: Victim) {
        self.logs += 1;
        let path = self.folder.path().join(format!("{:04}-{victim:?}.log", self.logs));
        // Only a help: the judgement does not need it.
        let _ = fs::write(path, self.process(victim).err().all().join("\n"));
    }

    /// The folder, for good, with what the processes wrote last.
    pub(super) fn keep(mut self) -> PathBuf {
        self.note(Victim::Server);
        self.note(Victim::Broker);
        self.server.process.kill();
        self.broker.process.kill();
        self.folder.keep()
    }
}
