use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::{LANE_CHUNKS_MAX, LANES_BYTES_MAX, LaneEnd, Lanes, Messages, Need, Shared, WorkerId};
use crate::config::Config;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::shell::workers::{Errand, Workers};

const FAR: WorkerId = WorkerId(1);

fn shared() -> Rc<Shared> {
    let any: recado_zmtp::Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let config = Config::new(any.clone(), any, false, Limits { workers: 2, ..Limits::default() }).unwrap();
    let counters = Counters::of_workers(2);
    let workers = Arc::new(Workers::new(&counters, config.limits()));
    let stop = CancellationToken::new();
    Rc::new(Shared::new(&config, WorkerId(0), Arc::clone(&counters[0]), workers, stop))
}

fn messages(number: u8) -> Messages {
    Messages { bytes: Bytes::copy_from_slice(&[0, 1, number]), held_bytes: 1000 }
}

fn far_end(shared: &Shared) -> LaneEnd {
    match shared.workers.take_errands(FAR).pop() {
        Some(Errand::Lane(end)) => end,
        other => panic!("no lane: {other:?}"),
    }
}

/// Whether it is met now; if so, uses it.
async fn go_on(lanes: &mut Lanes, need: Need) -> bool {
    let mut met: Pin<Box<dyn Future<Output = _>>> = Box::pin(need.met());
    let place = std::future::poll_fn(|cx| Poll::Ready(met.as_mut().poll(cx))).await;
    match place {
        Poll::Ready(place) => {
            lanes.go_on(place);
            true
        }
        Poll::Pending => false,
    }
}

#[tokio::test]
async fn a_lane_takes_a_few_and_the_rest_waits_for_room_in_its_order() {
    let (shared, mut lanes) = (shared(), Lanes::default());
    let count = LANE_CHUNKS_MAX as u8 + 3;
    for number in 0..count {
        assert_eq!(lanes.need(&shared).is_some(), usize::from(number) > LANE_CHUNKS_MAX);
        lanes.send(&shared, FAR, messages(number));
    }
    assert_eq!(shared.workers.lanes_bytes(), 1000 * usize::from(count));
    let mut end = far_end(&shared);
    for number in 0..count {
        let need = lanes.need(&shared);
        let shipment = end.receiver.recv().await.unwrap();
        assert_eq!(shipment.messages.bytes[2], number);
        if let Some(need) = need {
            assert!(!go_on(&mut lanes, need).await, "what was received is not done with");
            drop(shipment);
            let need = lanes.need(&shared).unwrap();
            assert!(go_on(&mut lanes, need).await);
        }
    }
    assert!(lanes.need(&shared).is_none());
    assert_eq!(shared.workers.lanes_bytes(), 0);
    drop(lanes);
    assert!(end.receiver.recv().await.is_none());
}

#[tokio::test]
async fn where_too_much_is_under_way_each_publisher_has_one_thing_under_way() {
    let (shared, mut lanes) = (shared(), Lanes::default());
    let others = shared.workers.weigh(LANES_BYTES_MAX + 1);
    assert!(lanes.need(&shared).is_none(), "it has nothing under way");
    lanes.send(&shared, FAR, messages(0));
    let need = lanes.need(&shared).unwrap();
    assert!(!go_on(&mut lanes, need).await);
    let mut end = far_end(&shared);
    drop(end.receiver.recv().await);
    assert!(lanes.need(&shared).is_none());
    lanes.send(&shared, FAR, messages(1));
    drop(others);
    assert!(lanes.need(&shared).is_none(), "there is room again");
}

#[tokio::test]
async fn what_waits_is_sent_when_the_publisher_has_gone_and_lost_when_the_worker_has() {
    let (shared, mut lanes) = (shared(), Lanes::default());
    for number in 0..2 * LANE_CHUNKS_MAX as u8 {
        lanes.send(&shared, FAR, messages(number));
    }
    let mut end = far_end(&shared);
    let receiving = async {
        let mut received = 0;
        while end.receiver.recv().await.is_some() {
            received += 1;
        }
        received
    };
    let (received, ()) = tokio::join!(receiving, lanes.finish());
    assert_eq!(received, 2 * LANE_CHUNKS_MAX);
    shared.workers.close_inbox(FAR);
    let mut lanes = Lanes::default();
    for number in 0..2 * LANE_CHUNKS_MAX as u8 {
        lanes.send(&shared, FAR, messages(number));
    }
    assert!(lanes.need(&shared).is_none(), "nobody waits for a worker that has ended");
    assert_eq!(shared.workers.lanes_bytes(), 0);
}
