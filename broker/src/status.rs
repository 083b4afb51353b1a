//! What the broker tells of itself: the figures in its log, and the answer to whoever asks for its status. It runs beside the
//! broker's thread and only reads the counters, so that no question delays a message. `docs/PROTOCOL.md` has the exchange.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::{BindError, Endpoint, Message, PeerId, Router, SocketEventKind, SocketOptions};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info};

use crate::counters::{Counters, Figures};
use crate::limits::{
    Limits, STATUS_ANSWERS_MAX, STATUS_CONNECTIONS_MAX, STATUS_HANDSHAKES_MAX, STATUS_REQUEST_BYTES_MAX,
    STATUS_REQUEST_FRAMES_MAX, STATUS_REQUESTS_MAX, STATUS_STRANGERS_MAX, STATUS_TURN_REQUESTS,
    SlowSubscriber,
};
use crate::shell::Workers;

/// Raised when a reply would be misunderstood by who knows only the one before; further keys are no reason.
const FORMAT: u32 = 1;

/// The one request.
const STATUS: &[u8] = b"status";

/// What servers of a secured broker are asked about whoever asks for its status: they say yes for administrators.
const TOPIC: &[u8] = b"_status";

/// Answers those who ask for the status.
#[derive(Debug)]
pub(crate) struct Service {
    router: Router,
    counters: Arc<Counters>,
    began: Instant,
    publishers: String,
    subscribers: String,
    limits: Limits,
    door: Option<Door>,
}

/// Who may ask, in a secured broker: whoever has the installation's keys, and whom servers say so of.
#[derive(Debug)]
struct Door {
    own: PublicKey,
    workers: Arc<Workers>,
    /// Questions under way.
    asked: JoinSet<(PeerId, Option<Message>, bool)>,
}

impl Service {
    /// Listens.
    pub(crate) async fn bind(
        endpoint: &Endpoint,
        publishers: &Endpoint,
        subscribers: &Endpoint,
        limits: Limits,
        counters: Arc<Counters>,
        keys: Option<(&KeyPair, Arc<Workers>)>,
    ) -> Result<Service, BindError> {
        let security = keys.as_ref().map(|(keys, _)| Security::CurveServer((*keys).clone()));
        let options = SocketOptions {
            security: security.unwrap_or_default(),
            connections_max: STATUS_CONNECTIONS_MAX,
            handshakes_max: STATUS_HANDSHAKES_MAX,
            message_bytes_max: STATUS_REQUEST_BYTES_MAX,
            message_frames_max: STATUS_REQUEST_FRAMES_MAX,
            receive_queue_messages_max: STATUS_REQUESTS_MAX,
            send_queue_messages_max: STATUS_ANSWERS_MAX,
            ..SocketOptions::default()
        };
        let router = Router::bind(endpoint, options).await?;
        let (publishers, subscribers) = (publishers.to_string(), subscribers.to_string());
        let door = keys.map(|(keys, workers)| Door { own: keys.public(), workers, asked: JoinSet::new() });
        Ok(Service { router, counters, began: Instant::now(), publishers, subscribers, limits, door })
    }

    /// Where it listens, with the real port.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.router.local_endpoint()
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(mut self) -> Infallible {
        info!(socket = "status", endpoint = %self.endpoint(), "listening");
        self.began = Instant::now();
        let mut requests = Vec::with_capacity(STATUS_TURN_REQUESTS);
        let mut events = self.router.events();
        loop {
            let Service { router, door, .. } = &mut self;
            tokio::select! {
                count = router.recv_many(&mut requests, STATUS_TURN_REQUESTS) => {
                    if count == 0 {
                        // Nobody stops the socket; if somebody did, there would be nothing to answer.
                        return pending().await;
                    }
                    let status = self.status();
                    for (peer, request) in requests.drain(..) {
                        self.hear(peer, request, &status);
                    }
                    yield_now().await;
                }
                event = events.recv(), if door.is_some() => match event.map(|event| event.kind) {
                    // Strangers do not keep a place that they do not use.
                    Ok(SocketEventKind::Accepted { peer, .. }) => self.examine(peer, None),
                    Ok(
                        SocketEventKind::Connected { .. }
                        | SocketEventKind::Disconnected { .. }
                        | SocketEventKind::ConnectFailed { .. }
                        | SocketEventKind::Refused { .. }
                        | SocketEventKind::AcceptFailed { .. },
                    )
                    | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return pending().await,
                },
                Some(answered) = answered(door) => self.examined(answered),
            }
        }
    }

    fn hear(&mut self, peer: PeerId, request: Message, status: &Bytes) {
        if self.door.is_some() {
            self.examine(peer, Some(request));
        } else {
            self.answer(peer, request, status);
        }
    }

    /// Finds out whether a peer may ask, and answers its request then, if there is one.
    fn examine(&mut self, peer: PeerId, request: Option<Message>) {
        let (Some(door), Some(info)) = (&mut self.door, self.router.peer(peer)) else { return };
        match info.key {
            Some(key) if key == door.own => self.examined((peer, request, true)),
            Some(key) if door.asked.len() < STATUS_STRANGERS_MAX => {
                let answer = door.workers.ask(key, TOPIC);
                door.asked.spawn(async move { (peer, request, answer.await.unwrap_or(false)) });
            }
            Some(_) | None => self.examined((peer, request, false)),
        }
    }

    fn examined(&self, (peer, request, granted): (PeerId, Option<Message>, bool)) {
        match request {
            _ if !granted => {
                self.counters.keys_refused.add(1);
                self.router.disconnect(peer);
            }
            Some(request) => self.answer(peer, request, &self.status()),
            None => {}
        }
    }

    fn status(&self) -> Bytes {
        let limits = &self.limits;
        encode(&Status {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: self.began.elapsed().as_millis() as f64 / 1e3,
            publishers: &self.publishers,
            subscribers: &self.subscribers,
            limits: StatusLimits {
                message_bytes_max: limits.message_bytes_max,
                message_frames_max: limits.message_frames_max,
                inbound_bytes_max: limits.inbound_bytes_max,
                topic_bytes_max: limits.topic_bytes_max,
                subscriptions_max: limits.subscriptions_max,
                subscription_bytes_total_max: limits.subscription_bytes_total_max,
                queue_messages_max: limits.queue_messages_max,
                queue_bytes_max: limits.queue_bytes_max,
                queue_bytes_total_max: limits.queue_bytes_total_max,
                slow_subscriber: limits.slow_subscriber,
                connections_max: limits.connections_max,
                handshakes_max: limits.handshakes_max,
                last_value_bytes_max: limits.last_value_bytes_max,
                connections_per_address_max: limits.connections_per_address_max,
                connections_per_user_max: limits.connections_per_user_max,
            },
            figures: self.counters.figures(),
        })
    }

    fn answer(&self, peer: PeerId, request: Message, status: &Bytes) {
        let Some((mut frames, request)) = open(request) else {
            debug!(%peer, "a request for the status is not one frame; ignored");
            return;
        };
        let answer = match request {
            Some(request) if request == STATUS => status.clone(),
            Some(_) => refusal("unknown request; the only one is: status"),
            None => refusal("a request is one frame"),
        };
        frames.push(answer);
        if let Err(error) = self.router.send(peer, Message::new(frames)) {
            debug!(%peer, %error, "an answer to a request for the status is dropped");
        }
    }
}

/// The envelope that the answer has to have as well, and the request, if it is one frame. `None` if there is no telling what
/// is what.
fn open(message: Message) -> Option<(Vec<Bytes>, Option<Bytes>)> {
    let mut envelope = message.into_frames();
    let body = match envelope.iter().position(Bytes::is_empty) {
        // A DEALER that sends bare requests.
        None if envelope.len() == 1 => std::mem::take(&mut envelope),
        None => return None,
        Some(delimiter) => envelope.split_off(delimiter + 1),
    };
    Some((envelope, <[Bytes; 1]>::try_from(body).ok().map(|[request]| request)))
}

/// The next of the questions under way that is answered; never if there is none.
async fn answered(door: &mut Option<Door>) -> Option<(PeerId, Option<Message>, bool)> {
    let Some(door) = door else { return pending().await };
    match door.asked.join_next().await {
        Some(answered) => answered.ok(),
        None => pending().await,
    }
}

#[derive(Serialize)]
struct Status<'a> {
    format: u32,
    version: &'static str,
    uptime_s: f64,
    publishers: &'a str,
    subscribers: &'a str,
    limits: StatusLimits,
    figures: Figures,
}

#[derive(Serialize)]
struct StatusLimits {
    message_bytes_max: usize,
    message_frames_max: usize,
    inbound_bytes_max: usize,
    topic_bytes_max: usize,
    subscriptions_max: usize,
    subscription_bytes_total_max: usize,
    queue_messages_max: u64,
    queue_bytes_max: usize,
    queue_bytes_total_max: usize,
    slow_subscriber: SlowSubscriber,
    connections_max: usize,
    connections_per_address_max: usize,
    connections_per_user_max: usize,
    handshakes_max: usize,
    last_value_bytes_max: Option<usize>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    format: u32,
    error: &'a str,
}

fn refusal(error: &str) -> Bytes {
    encode(&Refusal { format: FORMAT, error })
}

fn encode(reply: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(reply).expect("structs of numbers and text can be written as JSON"))
}

/// Writes a log line with the figures at each interval, if they have changed since the last one.
pub(crate) async fn log_figures(counters: &Counters, every: Option<Duration>) -> Infallible {
    let Some(every) = every else { return pending().await };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut news = News::default();
    loop {
        ticks.tick().await;
        if let Some(figures) = news.since_last(counters.figures()) {
            figures.log("figures");
        }
    }
}

/// The figures that were told last; all zero at the beginning, which is no news.
#[derive(Default)]
struct News(Figures);

impl News {
    fn since_last(&mut self, figures: Figures) -> Option<Figures> {
        (std::mem::replace(&mut self.0, figures) != figures).then_some(figures)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use recado_zmtp::Message;

    use super::{Figures, News, open};

    fn message(frames: &[&'static str]) -> Message {
        Message::new(frames.iter().map(|frame| Bytes::from_static(frame.as_bytes())).collect())
    }

    fn check(frames: &[&'static str], envelope: &[&'static str], request: Option<&'static str>) {
        let (found, body) = open(message(frames)).unwrap();
        assert_eq!(found, envelope, "{frames:?}");
        assert_eq!(body.as_deref(), request.map(str::as_bytes), "{frames:?}");
    }

    #[test]
    fn a_request_is_one_frame_with_or_without_an_envelope() {
        check(&["status"], &[], Some("status"));
        check(&["", "status"], &[""], Some("status"));
        check(&["proxy", "", "status"], &["proxy", ""], Some("status"));
        check(&["", ""], &[""], Some(""));
    }

    #[test]
    fn what_is_no_request_keeps_its_envelope_if_it_has_one() {
        check(&[""], &[""], None);
        check(&["", "one", "two"], &[""], None);
        check(&["proxy", ""], &["proxy", ""], None);
        assert_eq!(open(message(&["one", "two"])), None);
    }

    #[test]
    fn figures_that_have_not_changed_are_no_news() {
        let mut news = News::default();
        let some = Figures { messages_in: 1, ..Figures::default() };
        assert_eq!(news.since_last(Figures::default()), None);
        assert_eq!(news.since_last(some), Some(some));
        assert_eq!(news.since_last(some), None);
        assert_eq!(news.since_last(Figures::default()), Some(Figures::default()));
    }
}
