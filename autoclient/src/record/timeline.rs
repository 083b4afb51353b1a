//! A run second by second, in bounded memory: when there are too many rows, two neighbours become one.
//!
//! Percentiles of a row that holds several seconds come from their histograms added together; percentiles are never averaged.

use std::{collections::VecDeque, mem};

use serde::{Deserialize, Serialize};

use super::{Latencies, LatencyKind, Way, Window};
use crate::limits::SECONDS_MAX;

/// A row of the timeline: a second of the run, or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// When it ended, in seconds since the run began.
    pub elapsed_s: f64,
    /// How many seconds it holds, as measured.
    pub duration_s: f64,
    /// What was counted in it.
    #[serde(flatten)]
    pub counts: SecondCounts,
    /// The latencies of what was acknowledged and delivered in it.
    pub latency: Windows,
}

/// What is counted in a second, beside latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecondCounts {
    /// Messages whose intended send time was in it.
    pub planned: u64,
    /// Messages that were sent for the first time.
    pub sent: u64,
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// First deliveries, live and by repair.
    pub delivered: u64,
    /// Those of them that came by repair.
    pub delivered_by_repair: u64,
    /// Messages sent and not answered at its end; in a row of several seconds the most at the end of one.
    pub in_flight: u64,
    /// Deliveries owed and not come at its end; in a row of several seconds the most at the end of one.
    pub pending: u64,
    /// Deliveries that were given up in it.
    pub lost: u64,
    /// Processor time of the load client as a share of one core: 1.5 is one and a half cores busy.
    pub cpu_cores: f64,
    /// By how much the schedule was late at worst, in microseconds.
    pub schedule_lag_us: u64,
}

/// The latencies of a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// From the intended send time to the reply.
    pub acknowledgement: Window,
    /// From the reply to the delivery.
    pub delivery: Window,
    /// From the intended send time to the delivery.
    pub end_to_end: Window,
}

impl Windows {
    /// One of them.
    pub fn of(&self, kind: LatencyKind) -> &Window {
        match kind {
            LatencyKind::Acknowledgement => &self.acknowledgement,
            LatencyKind::Delivery => &self.delivery,
            LatencyKind::EndToEnd => &self.end_to_end,
        }
    }
}

impl Second {
    /// Neighbouring rows as one. None of none.
    pub(crate) fn together(rows: &[Second]) -> Option<Second> {
        let (first, last) = (rows.first()?, rows.last()?);
        let duration_s: f64 = rows.iter().map(|row| row.duration_s).sum();
        let mut counts = SecondCounts::default();
        for SecondCounts {
            planned,
            sent,
            acknowledged,
            delivered,
            delivered_by_repair,
            in_flight,
            pending,
            lost,
            cpu_cores: _,
            schedule_lag_us,
        } in rows.iter().map(|row| row.counts)
        {
            counts.planned += planned;
            counts.sent += sent;
            counts.acknowledged += acknowledged;
            counts.delivered += delivered;
            counts.delivered_by_repair += delivered_by_repair;
            counts.in_flight = counts.in_flight.max(in_flight);
            counts.pending = counts.pending.max(pending);
            counts.lost += lost;
            counts.schedule_lag_us = counts.schedule_lag_us.max(schedule_lag_us);
        }
        let cpu_s: f64 = rows.iter().map(|row| row.counts.cpu_cores * row.duration_s).sum();
        counts.cpu_cores = if duration_s > 0.0 { cpu_s / duration_s } else { first.counts.cpu_cores };
        let latency = |kind| sum(rows.iter().map(|row| row.latency.of(kind)));
        Some(Second {
            elapsed_s: last.elapsed_s,
            duration_s,
            counts,
            latency: Windows {
                acknowledgement: latency(LatencyKind::Acknowledgement)?,
                delivery: latency(LatencyKind::Delivery)?,
                end_to_end: latency(LatencyKind::EndToEnd)?,
            },
        })
    }
}

/// The window of the latencies of all of these.
fn sum<'a>(windows: impl Iterator<Item = &'a Window> + Clone) -> Option<Window> {
    let mut filled = windows.clone().filter(|window| window.count > 0);
    let (Some(first), Some(second)) = (filled.next(), filled.next()) else {
        return windows.clone().find(|window| window.count > 0).or(windows.clone().next()).cloned();
    };
    let unpacked = |window: &Window| window.histogram.histogram().expect("a record holds whole histograms");
    let mut sum = unpacked(first);
    for window in [second].into_iter().chain(filled) {
        sum.add(unpacked(window)).expect("all latencies have the same bounds");
    }
    Some(Window::of(&sum))
}

/// Takes what happens in a run, and gives the latencies of the whole and the rows of its timeline.
///
/// At most [`SECONDS_MAX`] rows are kept. Beyond that each new second makes one of the two oldest rows that are still short, so that no second
/// costs more than another; when all are long the next round begins, and new seconds are gathered to that length too.
#[derive(Debug)]
pub struct Recorder {
    total: Latencies,
    current: Latencies,
    long: Vec<Second>,
    short: VecDeque<Second>,
    /// How many seconds a short row holds, and how many the newest has.
    short_seconds: u64,
    newest_seconds: u64,
    rows_max: usize,
    ended_s: f64,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::with_room(SECONDS_MAX)
    }
}

impl Recorder {
    fn with_room(rows_max: usize) -> Recorder {
        Recorder {
            total: Latencies::default(),
            current: Latencies::default(),
            long: Vec::new(),
            short: VecDeque::new(),
            short_seconds: 1,
            newest_seconds: 0,
            rows_max,
            ended_s: 0.0,
        }
    }

    /// Takes the time from a message's intended send time to its reply.
    pub fn acknowledged(&mut self, acknowledgement_us: u64) {
        self.current.acknowledged(acknowledgement_us);
    }

    /// Takes the times of a delivery: since the reply (0 if that came later), and since the intended send time.
    pub fn delivered(&mut self, delivery_us: u64, end_to_end_us: u64, way: Way) {
        self.current.delivered(delivery_us, end_to_end_us, way);
    }

    /// Ends a second, or the last piece of one, this long after the beginning of the run. Gives its row, for whoever shows progress.
    pub fn end_second(&mut self, elapsed_s: f64, counts: SecondCounts) -> Second {
        let second = Second {
            elapsed_s,
            duration_s: (elapsed_s - self.ended_s).max(0.0),
            counts,
            latency: Windows {
                acknowledgement: Window::of(&self.current.acknowledgement),
                delivery: Window::of(&self.current.delivery),
                end_to_end: Window::of(&self.current.end_to_end),
            },
        };
        self.ended_s = elapsed_s;
        self.total.add(&self.current);
        self.current.clear();
        self.push(second.clone());
        second
    }

    /// The latencies of all seconds that have ended.
    pub fn total(&self) -> &Latencies {
        &self.total
    }

    /// The latencies of the whole run, with what no second has ended, and the timeline.
    pub fn finish(mut self) -> (Latencies, Vec<Second>) {
        self.total.add(&self.current);
        self.long.extend(self.short);
        (self.total, self.long)
    }

    fn push(&mut self, second: Second) {
        if self.long.len() + self.short.len() >= self.rows_max {
            if self.short.len() < 2 {
                self.short = mem::take(&mut self.long).into_iter().chain(self.short.drain(..)).collect();
                self.short_seconds *= 2;
            } else if self.newest_seconds >= self.short_seconds
                && let (Some(first), Some(next)) = (self.short.pop_front(), self.short.pop_front())
            {
                self.long.extend(Second::together(&[first, next]));
            }
        }
        if self.newest_seconds < self.short_seconds
            && let Some(newest) = self.short.pop_back()
        {
            self.short.extend(Second::together(&[newest, second]));
            self.newest_seconds += 1;
        } else {
            self.short.push_back(second);
            self.newest_seconds = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows_max: usize, seconds: u64) -> (Latencies, Vec<Second>) {
        let mut recorder = Recorder::with_room(rows_max);
        for second in 1..=seconds {
            recorder.acknowledged(second);
            recorder.delivered(1, second * 10, Way::Live);
            let counts = SecondCounts {
                sent: 2,
                in_flight: second,
                cpu_cores: 0.5,
                schedule_lag_us: second,
                ..SecondCounts::default()
            };
            recorder.end_second(second as f64, counts);
        }
        recorder.finish()
    }

    #[test]
    fn a_short_run_has_a_row_for_each_second() {
        let (latencies, seconds) = run(100, 3);
        assert_eq!(latencies.acknowledgement.len(), 3);
        assert_eq!(seconds.iter().map(|row| row.latency.end_to_end.max_us).collect::<Vec<_>>(), [10, 20, 30]);
        assert!(seconds.iter().all(|row| row.duration_s == 1.0));
    }

    #[test]
    fn however_long_a_run_its_rows_are_few_and_hold_all_of_it() {
        for seconds in (1..30).chain([64, 150]) {
            let (latencies, rows) = run(8, seconds);
            assert!(rows.len() <= 8, "{} rows", rows.len());
            assert_eq!(rows.iter().map(|row| row.counts.sent).sum::<u64>(), 2 * seconds);
            assert_eq!(rows.iter().map(|row| row.duration_s).sum::<f64>(), seconds as f64);
            assert!(rows.is_sorted_by(|a, b| a.elapsed_s < b.elapsed_s));
            let mut sum = crate::record::new_histogram();
            rows.iter()
                .for_each(|row| sum.add(row.latency.end_to_end.histogram.histogram().unwrap()).unwrap());
            assert_eq!(sum, latencies.end_to_end);
        }
    }

    #[test]
    fn a_row_of_several_seconds_has_the_percentiles_of_all_their_latencies() {
        let (_, rows) = run(4, 32);
        let row = &rows[0];
        let values = row.duration_s as u64;
        assert_eq!(rows.iter().map(|row| row.duration_s).collect::<Vec<_>>(), [8.0; 4]);
        assert_eq!(
            (row.latency.acknowledgement.count, row.latency.acknowledgement.p50_us),
            (values, values / 2)
        );
        assert_eq!((row.latency.acknowledgement.max_us, row.counts.in_flight), (values, values));
        assert_eq!((row.counts.schedule_lag_us, row.counts.cpu_cores), (values, 0.5));
    }

    #[test]
    fn what_no_second_ended_is_in_the_whole() {
        let mut recorder = Recorder::default();
        recorder.acknowledged(5);
        assert_eq!(recorder.total().acknowledgement.len(), 0);
        let (latencies, seconds) = recorder.finish();
        assert_eq!((latencies.acknowledgement.len(), seconds.len()), (1, 0));
    }
}
