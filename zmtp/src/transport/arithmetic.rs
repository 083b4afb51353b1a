//! The thread that does the arithmetic of CURVE's handshakes. Anybody who reaches a port may have a server multiply, a tenth of a
//! millisecond for each message that costs them nothing: here that takes its turn behind everything else that the process does, one
//! after the other, and no connection's task waits for another's.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;

use tokio::sync::oneshot;

use crate::limits;
use crate::lock::lock;

/// The process's one.
pub(super) static ARITHMETIC: Arithmetic = Arithmetic::new(limits::COMPUTATIONS_WAITING_MAX);

type Work = Box<dyn FnOnce() + Send>;

/// A thread that works off a queue; it begins with the first work, and ends with its owner.
pub(super) struct Arithmetic {
    queue: Mutex<Option<SyncSender<Work>>>,
    waiting_max: usize,
}

/// Why work was not done.
#[derive(Debug)]
pub(super) enum NotDone {
    /// As much waits as may.
    Busy,
    /// The system gives no thread, or it is gone.
    NoThread(io::Error),
}

impl Arithmetic {
    pub(super) const fn new(waiting_max: usize) -> Self {
        Self { queue: Mutex::new(None), waiting_max }
    }

    /// Has the work done, unless nobody waits for it any longer when its turn comes. Cancel safe in that.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (done, outcome) = oneshot::channel();
        let work: Work = Box::new(move || {
            if !done.is_closed() {
                // Who went away meanwhile needs no outcome.
                let _ = done.send(work());
            }
        });
        let queue = self.queue().map_err(NotDone::NoThread)?;
        queue.try_send(work).map_err(|_| NotDone::Busy)?;
        outcome.await.map_err(|_| NotDone::NoThread(io::Error::other("the thread for arithmetic is gone")))
    }

    fn queue(&self) -> io::Result<SyncSender<Work>> {
        let mut queue = lock(&self.queue);
        if let Some(queue) = &*queue {
            return Ok(queue.clone());
        }
        let (sender, receiver) = sync_channel(self.waiting_max);
        Builder::new().name("zmtp-handshakes".to_owned()).spawn(move || work_off(&receiver))?;
        Ok(queue.insert(sender).clone())
    }
}

fn work_off(queue: &Receiver<Work>) {
    stand_back();
    while let Ok(work) = queue.recv() {
        work();
    }
}

/// What this thread does can wait for those who are in. Only Linux counts niceness by thread.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, limits::COMPUTATIONS_NICENESS) {
        tracing::debug!(%error, "handshakes have the priority of messages");
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::{Arithmetic, NotDone};

    /// Begins it.
    fn begin<T>(work: Pin<&mut impl Future<Output = T>>) {
        assert!(work.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[tokio::test]
    async fn work_is_done_in_its_turn_and_what_is_too_much_is_refused() {
        let arithmetic = Arithmetic::new(1);
        let ((begun, has_begun), (go_on, may_go_on)) = (mpsc::channel(), mpsc::channel::<()>());
        let mut held = pin!(arithmetic.run(move || {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            1
        }));
        begin(held.as_mut());
        has_begun.recv().unwrap();
        let mut waiting = pin!(arithmetic.run(|| 2));
        begin(waiting.as_mut());
        assert!(matches!(arithmetic.run(|| 3).await, Err(NotDone::Busy)));
        go_on.send(()).unwrap();
        assert_eq!((held.await.unwrap(), waiting.await.unwrap()), (1, 2));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_longer_is_not_done() {
        let arithmetic = Arithmetic::new(2);
        let ((begun, has_begun), (go_on, may_go_on)) = (mpsc::channel(), mpsc::channel::<()>());
        let mut held = pin!(arithmetic.run(move || {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
        }));
        begin(held.as_mut());
        has_begun.recv().unwrap();
        let (done, was_done) = mpsc::channel();
        {
            let mut abandoned = pin!(arithmetic.run(move || done.send(()).unwrap()));
            begin(abandoned.as_mut());
        }
        go_on.send(()).unwrap();
        held.await.unwrap();
        arithmetic.run(|| ()).await.unwrap();
        assert_eq!(was_done.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }
}
