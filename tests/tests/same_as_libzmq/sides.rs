//! What is compared: brokers, ours and libzmq's, alone or in a row, each behind two endpoints.

use std::cell::Cell;

use recado_tests::{
    parts::{ANY_PORT, folder, listening},
    peers::{Forwarder, Library, Peer},
    process::{Process, Run},
};
use tempfile::TempDir;

/// One broker, or several in a row, running.
pub(crate) struct Side {
    pub(crate) name: String,
    /// Where publishers connect.
    pub(crate) publishers: String,
    /// Where subscribers connect.
    pub(crate) subscribers: String,
    stages: Cell<u32>,
    ours: Vec<Process>,
    libzmqs: Vec<Forwarder>,
    folder: TempDir,
}

impl Side {
    /// Our program. No PINGs: they tell of time, and this is about order.
    pub(crate) fn ours(options: &[&str]) -> Side {
        let folder = folder();
        let mut arguments = vec!["broker", "--log-format", "json", "--broker-heartbeat", "0s"];
        arguments.extend(["--publishers", ANY_PORT, "--subscribers", ANY_PORT]);
        arguments.extend(options);
        let process = Run::recado(folder.path(), arguments).start();
        Side {
            name: "ours".to_owned(),
            publishers: listening(&process, "publishers"),
            subscribers: listening(&process, "subscribers"),
            stages: Cell::new(0),
            ours: vec![process],
            libzmqs: Vec::new(),
            folder,
        }
    }

    /// `zmq_proxy` between an XSUB and an XPUB of libzmq.
    pub(crate) fn libzmq() -> Side {
        let folder = folder();
        let proxy = Peer::start(Library::Pyzmq, folder.path()).forward(None, None);
        Side {
            name: "libzmq".to_owned(),
            publishers: proxy.xsub.clone(),
            subscribers: proxy.xpub.clone(),
            stages: Cell::new(0),
            ours: Vec::new(),
            libzmqs: vec![proxy],
            folder,
        }
    }

    /// Puts a broker of libzmq's behind this one: subscribers connect to the new one.
    pub(crate) fn then_libzmq(mut self) -> Side {
        let proxy = Peer::start(Library::Pyzmq, self.folder.path()).forward(Some(&self.subscribers), None);
        self.subscribers = proxy.xpub.clone();
        self.libzmqs.push(proxy);
        self.name += " > libzmq";
        self
    }

    /// Puts another behind this one, with a broker of libzmq's between them that connects to both.
    pub(crate) fn then(mut self, below: Side) -> Side {
        let link = Peer::start(Library::Pyzmq, self.folder.path())
            .forward(Some(&self.subscribers), Some(&below.publishers));
        self.name = format!("{} > libzmq > {}", self.name, below.name);
        self.subscribers = below.subscribers;
        self.ours.extend(below.ours);
        self.libzmqs.extend(below.libzmqs);
        self.libzmqs.push(link);
        self
    }

    /// A number for one run on this side, so that nothing of an earlier one is mistaken for it.
    pub(crate) fn next_stage(&self) -> u32 {
        self.stages.set(self.stages.get() + 1);
        self.stages.get()
    }
}
