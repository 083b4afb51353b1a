//! Finds where a span of history begins, reading it backwards page by page. It holds one page at most and asks nobody itself.

use recado_proto::{MessageId, Place as Position, Publication};

use super::shared::time_ms;

/// Which messages are wanted: the last ones, of those in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// At most so many, the last ones; all if there is no number.
    pub(crate) count: Option<u64>,
    /// Not before this, in Unix milliseconds.
    pub(crate) since_ms: Option<i64>,
    /// Before this, in Unix milliseconds.
    pub(crate) before_ms: Option<i64>,
}

/// The search for the first message of a span.
#[derive(Debug)]
pub(crate) struct Search {
    span: Span,
    found: u64,
    last: Option<MessageId>,
    /// The first message found so far, from which to go on if the page before it has none of the span.
    oldest: Option<Publication>,
}

/// What a page means for the search.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Ask for the page before this place.
    Back(Position),
    /// The span begins in this page: these are its first messages, and the next ones follow the last of them.
    Begins(Vec<Publication>),
}

impl Search {
    pub(crate) fn new(span: Span) -> Self {
        Self { span, found: 0, last: None, oldest: None }
    }

    /// The last message of the span, once a message of the span was seen; what is written later is not in it.
    pub(crate) fn last(&self) -> Option<MessageId> {
        self.last
    }

    /// The next page, oldest first; the first one is the latest.
    pub(crate) fn on_page(&mut self, mut page: Vec<Publication>) -> Step {
        let mut end = page.len();
        let mut begin = page.len();
        let mut over = page.is_empty();
        for (at, publication) in page.iter().enumerate().rev() {
            let time = time_ms(publication);
            // Nothing is left of it to be wanted; it only has a place.
            if publication.deleted {
                continue;
            }
            if self.found == 0 && self.span.before_ms.is_some_and(|before| time >= before) {
                end = at;
                begin = at;
                continue;
            }
            if self.span.since_ms.is_some_and(|since| time < since)
                || self.span.count.is_some_and(|count| self.found >= count)
            {
                over = true;
                break;
            }
            if self.found == 0 {
                self.last = publication.id;
            }
            self.found += 1;
            begin = at;
        }
        match page.first().and_then(position) {
            Some(before) if !over => {
                if begin < end {
                    self.oldest = page.into_iter().nth(begin);
                }
                Step::Back(before)
            }
            Some(_) | None => {
                page.truncate(end);
                let wanted = page.split_off(begin);
                match self.oldest.take() {
                    Some(oldest) if wanted.is_empty() => Step::Begins(vec![oldest]),
                    Some(_) | None => Step::Begins(wanted),
                }
            }
        }
    }
}

/// Where a message stands.
pub(crate) fn position(publication: &Publication) -> Option<Position> {
    publication.id.map(Position::Id).or(publication.seq.map(Position::Seq))
}

#[cfg(test)]
mod tests {
    use recado_proto::{
        Manner, MessageId, Place as Position, Publication, PublicationBody, Timestamp, UserName,
    };

    use super::{Search, Span, Step};

    /// Message `n` of the channel, sent in second `n`.
    fn publication(n: u8) -> Publication {
        Publication {
            topic: "geral".to_owned(),
            body: PublicationBody::Channel { user: UserName::parse("ana").unwrap() },
            message: n.to_string(),
            timestamp: Timestamp::from_seconds(i64::from(n)),
            clock: None,
            id: Some(id(n)),
            seq: Some(u64::from(n)),
            epoch: None,
            time_ms: Some(u64::from(n) * 1_000),
            kind: None,
            manner: Manner::default(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }
    }

    fn id(n: u8) -> MessageId {
        MessageId::from_bytes([n; 16])
    }

    /// Searches messages 1 to 9 in pages of 3: which are the first of the span, and which is its last?
    fn check(count: Option<u64>, since: Option<i64>, before: Option<i64>, first: &[u8], last: Option<u8>) {
        let span = Span { count, since_ms: since.map(|s| s * 1_000), before_ms: before.map(|s| s * 1_000) };
        let mut search = Search::new(span);
        let mut end = 10;
        let begins = loop {
            let page = (1..end).rev().take(3).map(publication).rev().collect();
            match search.on_page(page) {
                Step::Back(Position::Id(before)) => end = before.as_bytes()[0],
                Step::Back(Position::Seq(_)) => panic!("each has an id"),
                Step::Begins(messages) => break messages,
            }
        };
        let expect: Vec<Publication> = first.iter().map(|n| publication(*n)).collect();
        assert_eq!((begins, search.last()), (expect, last.map(id)), "{span:?}");
    }

    #[test]
    fn a_span_begins_where_its_number_or_its_time_does() {
        check(Some(2), None, None, &[8, 9], Some(9));
        check(Some(4), None, None, &[6], Some(9));
        check(Some(3), None, None, &[7], Some(9));
        check(None, None, None, &[1], Some(9));
        check(Some(100), None, None, &[1], Some(9));
        check(None, Some(5), None, &[5, 6], Some(9));
        check(None, Some(7), None, &[7], Some(9));
    }

    #[test]
    fn a_span_ends_before_its_time() {
        check(Some(2), None, Some(6), &[4], Some(5));
        check(None, Some(5), Some(9), &[5, 6], Some(8));
        check(None, Some(2), Some(3), &[2], Some(2));
    }

    #[test]
    fn what_was_deleted_is_not_counted() {
        let deleted = |n| Publication { deleted: true, ..publication(n) };
        let mut search = Search::new(Span { count: Some(2), since_ms: None, before_ms: None });
        let latest = vec![publication(4), deleted(5), publication(6), deleted(7)];
        assert_eq!(search.on_page(latest.clone()), Step::Back(Position::Id(id(4))));
        assert_eq!(search.on_page(vec![publication(2), deleted(3)]), Step::Begins(vec![publication(4)]));
        assert_eq!(search.last(), Some(id(6)));
    }

    #[test]
    fn a_span_may_be_empty() {
        check(Some(0), None, None, &[], None);
        check(None, Some(10), None, &[], None);
        check(None, None, Some(1), &[], None);
    }
}
