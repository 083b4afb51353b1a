//! What the books prove at the end, and the line that says it.

use std::fmt::Write;

use crate::{
    limits::NAMED_MAX,
    record::{AuditRow, Outcome},
    units::{grouped, latency},
};

use super::Audit;

/// What the verdict depends on beside the books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Why what is stored could not be read back whole, if so.
    pub unread: Option<String>,
    /// How the load client itself was the bottleneck, if so.
    pub bottleneck: Option<String>,
    /// The conditions of `--fail-if` that hold, with what was measured.
    pub conditions: Vec<String>,
}

/// The closed books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// In one word.
    pub outcome: Outcome,
    /// The last line of output.
    pub line: String,
    /// Why it is no pass, a sentence each.
    pub reasons: Vec<String>,
    /// The first messages that went wrong, a line each.
    pub first: Vec<String>,
    /// The sums.
    pub total: AuditRow,
    /// A row for each publisher.
    pub publishers: Vec<AuditRow>,
    /// A row for each channel, and one for all direct messages if there were any.
    pub channels: Vec<AuditRow>,
    /// A row for each subscriber.
    pub subscribers: Vec<AuditRow>,
}

impl Audit {
    /// No more answers are waited for: what has none is ambiguous.
    pub fn end_answers(&mut self) {
        let unanswered: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, entry)| entry.acknowledged.is_none())
            .map(|(number, _)| *number)
            .collect();
        unanswered.into_iter().for_each(|number| self.ambiguous(number));
    }

    /// No more deliveries are waited for: what is still owed is lost.
    pub fn end_deliveries(&mut self) {
        let count = |row: &mut AuditRow| {
            row.lost = row.expected.saturating_sub(row.delivered_live + row.delivered_by_repair);
        };
        count(&mut self.total);
        self.publishers.iter_mut().for_each(count);
        self.subscribers.iter_mut().for_each(count);
        self.topics.iter_mut().for_each(|topic| count(&mut topic.row));
        let lost: Vec<_> =
            self.open.iter().map(|(number, entry)| (*number, *entry)).take(NAMED_MAX).collect();
        for (number, entry) in lost {
            let missed = self.topics[entry.topic as usize].subscribers & !(entry.live | entry.repaired);
            let names: Vec<&str> =
                super::bits(missed).map(|bit| self.subscribers[bit].name.as_str()).collect();
            let (seq, acknowledged_us) = entry.acknowledged.unwrap_or_default();
            let everybody = self.topics[entry.topic as usize].subscribers.count_ones();
            let what = format!(
                "was acknowledged and not heard by {} (due from {} at {:.3} s, acknowledged {} later, heard by {} of {everybody})",
                names.join(", "),
                self.publishers[entry.publisher as usize].name,
                entry.intended_us as f64 / 1e6,
                latency(acknowledged_us.saturating_sub(entry.intended_us)),
                everybody - missed.count_ones(),
            );
            self.name(entry.topic as usize, seq, number, &what);
        }
    }

    /// Closes the books, after [`Audit::end_answers`], the reading back of all topics where that is possible, and
    /// [`Audit::end_deliveries`].
    pub fn close(self, circumstances: Circumstances) -> Findings {
        let failures = self.failures(&circumstances);
        let (outcome, reasons) = if !failures.is_empty() {
            (Outcome::Fail, failures.into_iter().chain(circumstances.bottleneck.clone()).collect())
        } else if let Some(bottleneck) = &circumstances.bottleneck {
            (Outcome::Invalid, vec![bottleneck.clone()])
        } else if !circumstances.conditions.is_empty() {
            (Outcome::Fail, circumstances.conditions.clone())
        } else {
            (Outcome::Pass, Vec::new())
        };
        let line = self.line(outcome, circumstances.unread.is_none(), &reasons);
        let (direct, channels): (Vec<_>, Vec<_>) = self.topics.into_iter().partition(|topic| topic.is_direct);
        let mut channels: Vec<AuditRow> = channels.into_iter().map(|topic| topic.row).collect();
        if !direct.is_empty() {
            let mut all = AuditRow::named("direct messages");
            direct.iter().for_each(|topic| add(&mut all, &topic.row));
            channels.push(all);
        }
        Findings {
            outcome,
            line,
            reasons,
            first: self.first,
            total: self.total,
            publishers: self.publishers,
            channels,
            subscribers: self.subscribers,
        }
    }

    fn failures(&self, circumstances: &Circumstances) -> Vec<String> {
        let total = &self.total;
        let counted = [
            (total.lost, "deliveries of acknowledged messages are lost"),
            (total.repeated, "deliveries are repeated"),
            (total.out_of_order, "deliveries are out of order"),
            (total.unknown, "deliveries are of messages that nobody sent"),
            (total.corrupt, "deliveries are altered"),
            (self.missing(circumstances), "acknowledged messages are not stored"),
            (self.stored.surplus, "messages are stored that should not be"),
            (self.stored.altered, "messages are not stored as they were sent"),
            (self.stored.heard_otherwise, "stretches of places were heard otherwise than they are stored"),
        ];
        let mut failures: Vec<String> = counted
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", grouped(count)))
            .collect();
        if total.acknowledged == 0 && total.attempted > 0 {
            failures.push("nothing was acknowledged".to_owned());
        }
        if total.acknowledged > 0
            && let Some(reason) = &circumstances.unread
        {
            failures.push(format!("what is stored is not proven: {reason}"));
        }
        failures
    }

    fn missing(&self, circumstances: &Circumstances) -> u64 {
        match circumstances.unread {
            Some(_) => 0,
            None => self.total.acknowledged.saturating_sub(self.total.stored),
        }
    }

    fn line(&self, outcome: Outcome, is_read: bool, reasons: &[String]) -> String {
        let word = match outcome {
            Outcome::Pass => "PASS",
            Outcome::Fail => "FAIL",
            Outcome::Invalid => "INVALID",
        };
        let AuditRow { acknowledged, stored, expected, lost, repeated, delivered_by_repair, .. } = self.total;
        let mut line = format!("{word}: {} acknowledged", grouped(acknowledged));
        let is_same = stored == acknowledged;
        // Writing to a string cannot fail.
        let _ = match (is_read || acknowledged == 0, is_same) {
            (true, true) => write!(line, " = {} stored", grouped(stored)),
            (true, false) => write!(line, ", {} stored", grouped(stored)),
            (false, _) => write!(line, ", what is stored not read"),
        };
        let _ = write!(
            line,
            "; {} of {} delivered ({} by repair); {} lost, {} repeated",
            grouped(expected.saturating_sub(lost)),
            grouped(expected),
            grouped(delivered_by_repair),
            grouped(lost),
            grouped(repeated)
        );
        let total = &self.total;
        for (count, what) in [
            (total.ambiguous, "ambiguous"),
            (total.refused, "refused"),
            (total.unsent, "unsent"),
            (total.out_of_order, "out of order"),
            (total.unknown, "unknown"),
            (total.corrupt, "corrupt"),
            (self.stored.surplus, "stored in surplus"),
            (self.stored.altered, "stored altered"),
        ] {
            if count > 0 {
                let _ = write!(line, ", {} {what}", grouped(count));
            }
        }
        // The figures above say the rest.
        let said: Vec<&str> = reasons
            .iter()
            .map(String::as_str)
            .filter(|reason| !reason.starts_with(char::is_numeric))
            .collect();
        if !said.is_empty() {
            let _ = write!(line, "; {}", said.join("; "));
        }
        line
    }

    /// Messages of others that were heard, and ambiguous ones that are stored: nobody's fault, and worth a line.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.foreign > 0 {
            remarks.push(format!("{} deliveries were of other people's messages", grouped(self.foreign)));
        }
        if self.stored.ambiguous > 0 {
            remarks.push(format!("{} ambiguous messages are stored", grouped(self.stored.ambiguous)));
        }
        if self.forgotten > 0 {
            remarks.push(format!(
                "{} messages were heard too late for their times to count",
                grouped(self.forgotten)
            ));
        }
        for topic in &self.recounted {
            remarks.push(format!("the places of {topic} were counted anew: the store was restored"));
        }
        remarks
    }
}

fn add(sum: &mut AuditRow, row: &AuditRow) {
    sum.attempted += row.attempted;
    sum.acknowledged += row.acknowledged;
    sum.ambiguous += row.ambiguous;
    sum.refused += row.refused;
    sum.unsent += row.unsent;
    sum.stored += row.stored;
    sum.expected += row.expected;
    sum.delivered_live += row.delivered_live;
    sum.delivered_by_repair += row.delivered_by_repair;
    sum.lost += row.lost;
    sum.repeated += row.repeated;
    sum.out_of_order += row.out_of_order;
    sum.unknown += row.unknown;
    sum.corrupt += row.corrupt;
}
