//! The part of a log that fits on the screen, and moving it. What is far away costs nothing: only rows near what one looks at are made.

use ratatui::text::Line;

use super::log::{Anchor, Log};

/// How an entry looks, as rows; never none.
pub(crate) trait Rows {
    fn rows(&self, log: &Log, entry: usize) -> Vec<Line<'static>>;
}

/// The rows that are shown in so many, from the top. Fewer if there are no more.
pub(crate) fn visible(log: &Log, height: usize, look: &impl Rows) -> Vec<Line<'static>> {
    let Some(at) = log.anchor().or_else(|| end(log, look)) else { return Vec::new() };
    let shown = up_to(log, at, height, look);
    let missing = height.saturating_sub(shown.len());
    if missing == 0 || log.anchor().is_none() {
        return shown;
    }
    // The window has grown, and there is nothing above to fill it.
    match forward(log, at, missing, look).or_else(|| end(log, look)) {
        Some(at) => up_to(log, at, height, look),
        None => shown,
    }
}

/// So many rows, the last of which is this one.
fn up_to(log: &Log, mut at: Anchor, height: usize, look: &impl Rows) -> Vec<Line<'static>> {
    let mut shown = Vec::new();
    loop {
        let rows = look.rows(log, at.entry);
        let until = (at.row + 1).min(rows.len());
        shown.extend(rows.into_iter().take(until).rev());
        if shown.len() >= height || at.entry == 0 {
            break;
        }
        at = Anchor { entry: at.entry - 1, row: usize::MAX - 1 };
    }
    shown.truncate(height);
    shown.reverse();
    shown
}

/// Moves so many rows back. True if what lies before the first entry will soon be wanted.
pub(crate) fn back(log: &mut Log, rows: usize, height: usize, look: &impl Rows) -> bool {
    let Some(at) = log.anchor().or_else(|| end(log, look)) else { return true };
    let (top, above) = moved_back(log, at, rows, look);
    // The first row of all stays at the upper edge.
    let (_, room) = moved_back(log, top, height.saturating_sub(1), look);
    let missing = height.saturating_sub(1).saturating_sub(room);
    let to = forward(log, top, missing, look);
    let is_at_top = above < rows || missing > 0;
    log.look_at(to);
    is_at_top || moved_back(log, top, 2 * height, look).1 < 2 * height
}

/// Goes to the first row of all, past everything between.
pub(crate) fn top(log: &mut Log, height: usize, look: &impl Rows) {
    if log.len() > 0 {
        let to = forward(log, Anchor { entry: 0, row: 0 }, height.saturating_sub(1), look);
        log.look_at(to);
    }
}

/// Moves so many rows on; at the end one stays there.
pub(crate) fn on(log: &mut Log, rows: usize, look: &impl Rows) {
    if let Some(at) = log.anchor() {
        let to = forward(log, at, rows, look);
        log.look_at(to);
    }
}

/// Moves as little as there is need for an entry to be seen, its first row above all. What one looks at stays there as more comes.
pub(crate) fn show(log: &mut Log, entry: usize, height: usize, look: &impl Rows) {
    let Some(at) = log.anchor().or_else(|| end(log, look)) else { return };
    let at = within(log, at, look);
    let last = Anchor { entry, row: look.rows(log, entry).len().min(height.max(1)) - 1 };
    let (top, _) = moved_back(log, at, height.saturating_sub(1), look);
    let to = if (last.entry, last.row) > (at.entry, at.row) {
        last
    } else if (entry, 0) < (top.entry, top.row) {
        forward(log, Anchor { entry, row: 0 }, height.saturating_sub(1), look).unwrap_or(at)
    } else {
        at
    };
    log.look_at(Some(to));
}

/// The last row of all.
fn end(log: &Log, look: &impl Rows) -> Option<Anchor> {
    let entry = log.len().checked_sub(1)?;
    Some(Anchor { entry, row: look.rows(log, entry).len() - 1 })
}

/// An entry has fewer rows once the window is wider.
fn within(log: &Log, at: Anchor, look: &impl Rows) -> Anchor {
    Anchor { row: at.row.min(look.rows(log, at.entry).len() - 1), ..at }
}

/// So many rows further back, and how many there were.
fn moved_back(log: &Log, from: Anchor, rows: usize, look: &impl Rows) -> (Anchor, usize) {
    let (mut at, mut left) = (within(log, from, look), rows);
    while left > 0 {
        if at.row > 0 {
            let step = left.min(at.row);
            at.row -= step;
            left -= step;
        } else if at.entry > 0 {
            at.entry -= 1;
            at.row = look.rows(log, at.entry).len() - 1;
            left -= 1;
        } else {
            break;
        }
    }
    (at, rows - left)
}

/// So many rows further on; none at the end.
fn forward(log: &Log, from: Anchor, rows: usize, look: &impl Rows) -> Option<Anchor> {
    let (mut at, mut left) = (within(log, from, look), rows);
    loop {
        let last = look.rows(log, at.entry).len() - 1;
        let is_last_entry = at.entry + 1 >= log.len();
        if is_last_entry && at.row + left >= last {
            return None;
        }
        if at.row + left <= last {
            at.row += left;
            return Some(at);
        }
        left -= last - at.row + 1;
        at = Anchor { entry: at.entry + 1, row: 0 };
    }
}

#[cfg(test)]
mod tests {
    use ratatui::text::Line;

    use super::{Rows, back, on, show, top, visible};
    use crate::screen::log::{Anchor, Entry, Log, What};

    /// Entry 0 has one row, entry 1 two, entry 2 three, and again.
    struct Look;

    impl Rows for Look {
        fn rows(&self, _: &Log, entry: usize) -> Vec<Line<'static>> {
            (0..=entry % 3).map(|row| Line::from(format!("{entry}.{row}"))).collect()
        }
    }

    fn log(entries: usize) -> Log {
        let mut log = Log::default();
        (0..entries).for_each(|_| log.append(Entry { time_ms: 0, what: What::Notice(String::new()) }));
        log
    }

    fn check(log: &Log, height: usize, expect: &str) {
        let rows: Vec<String> = visible(log, height, &Look).iter().map(Line::to_string).collect();
        assert_eq!(rows.join(" "), expect);
    }

    #[test]
    fn the_end_is_shown_first_and_rows_go_by_one_by_one() {
        let mut log = log(4);
        check(&log, 3, "2.1 2.2 3.0");
        back(&mut log, 1, 3, &Look);
        check(&log, 3, "2.0 2.1 2.2");
        back(&mut log, 1, 3, &Look);
        check(&log, 3, "1.1 2.0 2.1");
        on(&mut log, 1, &Look);
        check(&log, 3, "2.0 2.1 2.2");
        on(&mut log, 9, &Look);
        assert_eq!(log.anchor(), None);
        check(&log, 3, "2.1 2.2 3.0");
    }

    #[test]
    fn the_first_row_of_all_stays_at_the_upper_edge() {
        let mut log = log(4);
        assert!(back(&mut log, 100, 3, &Look));
        check(&log, 3, "0.0 1.0 1.1");
        let before = log.anchor();
        log.look_at(None);
        top(&mut log, 3, &Look);
        assert_eq!(log.anchor(), before);
        on(&mut log, 2, &Look);
        check(&log, 3, "1.1 2.0 2.1");
    }

    #[test]
    fn a_window_that_grows_is_filled_from_below_where_nothing_is_above() {
        let mut log = log(4);
        back(&mut log, 100, 2, &Look);
        check(&log, 2, "0.0 1.0");
        check(&log, 5, "0.0 1.0 1.1 2.0 2.1");
        check(&log, 9, "0.0 1.0 1.1 2.0 2.1 2.2 3.0");
    }

    #[test]
    fn an_entry_comes_into_sight_by_the_shortest_way() {
        let mut log = log(8);
        show(&mut log, 7, 4, &Look);
        check(&log, 4, "5.2 6.0 7.0 7.1");
        show(&mut log, 4, 4, &Look);
        check(&log, 4, "4.0 4.1 5.0 5.1");
        show(&mut log, 5, 4, &Look);
        check(&log, 4, "4.1 5.0 5.1 5.2");
        show(&mut log, 4, 4, &Look);
        check(&log, 4, "4.0 4.1 5.0 5.1");
        show(&mut log, 5, 2, &Look);
        check(&log, 2, "5.0 5.1");
        show(&mut log, 0, 4, &Look);
        check(&log, 4, "0.0 1.0 1.1 2.0");
    }

    #[test]
    fn what_fits_is_shown_whole_and_cannot_be_moved() {
        let mut log = log(2);
        check(&log, 9, "0.0 1.0 1.1");
        back(&mut log, 1, 9, &Look);
        check(&log, 9, "0.0 1.0 1.1");
        check(&Log::default(), 9, "");
    }

    #[test]
    fn whoever_looks_at_a_row_that_is_gone_looks_at_the_last_one() {
        let mut log = log(4);
        log.look_at(Some(Anchor { entry: 1, row: 9 }));
        check(&log, 3, "0.0 1.0 1.1");
        on(&mut log, 1, &Look);
        check(&log, 3, "1.0 1.1 2.0");
        log.look_at(Some(Anchor { entry: 2, row: 9 }));
        back(&mut log, 1, 3, &Look);
        check(&log, 3, "1.1 2.0 2.1");
    }

    #[test]
    fn every_way_back_and_on_ends_where_it_began() {
        for rows in 1..40 {
            let mut log = log(30);
            back(&mut log, 20, 5, &Look);
            let before = log.anchor();
            back(&mut log, rows.min(30), 5, &Look);
            on(&mut log, rows.min(30), &Look);
            assert_eq!(log.anchor(), before, "{rows}");
        }
    }
}
