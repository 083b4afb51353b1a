//! The side that reads: asks the index, adds what it does not have yet, looks at the messages themselves and ranks them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use recado_proto::limits::{HISTORY_BYTES_MAX, SEARCH_LIMIT_MAX};
use recado_proto::{ActKind, ChannelName, Code, Found, Publication, SearchPage, SearchRequest};
use rusqlite::{Connection, ErrorCode, params};

use super::super::super::directory::{NameId, Record};
use super::super::super::history::Room;
use super::super::super::types::{Position, Refusal, StoredMessage};
use super::super::super::words::{Breadth, Query, Sight};
use super::super::super::{SearchError, Searcher};
use super::super::reader::SqliteReader;
use super::scope::Scope;
use super::{Shared, file, index_error};
use crate::limits::{SEARCH_RANKED_BYTES_MAX, SEARCH_RANKED_MAX, SEARCH_UNINDEXED_ROWS_MAX, SPAN_ROWS};

pub(super) struct SqliteSearcher {
    reader: SqliteReader,
    file: PathBuf,
    shared: Arc<Shared>,
    /// Of the generation of the file that it was opened in.
    index: Option<(Connection, u64)>,
}

/// What the index says.
#[derive(Debug, Default)]
struct Hits {
    /// How far it goes.
    through: Position,
    positions: BTreeSet<Position>,
    partial: bool,
}

/// What one question to the index brought.
struct Asked {
    positions: BTreeSet<Position>,
    end: End,
}

/// Why there were no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// There are no more.
    All,
    /// As many as are looked at.
    Limit,
    /// The time was over.
    Time,
}

/// A message with what speaks for it.
struct Ranked {
    score: f64,
    position: Position,
    message: Publication,
    sight: Sight,
}

/// Instructions of SQLite's machine between two looks at the clock: some hundredths of a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 500;
/// What being new speaks for a message, and the age at which half of that is gone.
const NEWNESS: f64 = 0.75;
const HALF_AGE_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

impl SqliteSearcher {
    pub(super) fn new(reader: SqliteReader, file: PathBuf, shared: Arc<Shared>) -> Self {
        Self { reader, file, shared, index: None }
    }

    /// Asks the index, if there is one by now.
    fn ask_index(&mut self, query: &Query, scope: &Scope, until: Instant) -> Result<Hits, SearchError> {
        let generation = self.shared.generation();
        if generation == 0 {
            return Ok(Hits::default());
        }
        let wrap = |error: rusqlite::Error| index_error(&self.file, error);
        let index = self.index.take().filter(|(_, of)| *of == generation);
        let (connection, _) = match index {
            Some(index) => index,
            None => (file::open_to_read(&self.file).map_err(wrap)?, generation),
        };
        let hits = self.hits(&connection, query, scope, until).map_err(wrap)?;
        self.index = Some((connection, generation));
        Ok(hits)
    }

    fn hits(
        &self,
        connection: &Connection,
        query: &Query,
        scope: &Scope,
        until: Instant,
    ) -> rusqlite::Result<Hits> {
        let transaction = connection.unchecked_transaction()?;
        let Some(through) = file::through(connection, self.reader.epoch())? else {
            return Ok(Hits::default());
        };
        let mut hits = Hits { through, ..Hits::default() };
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() >= until))?;
        let asked = gather(query, |breadth| asked(connection, query, breadth, scope));
        connection.progress_handler(0, None::<fn() -> bool>)?;
        (hits.positions, hits.partial) = asked?;
        transaction.finish()?;
        Ok(hits)
    }

    /// Adds messages that came, or were edited, after the index's end; how many rows were left out because they are too many.
    fn add_unindexed(&self, hits: &mut Hits) -> Result<u64, SearchError> {
        let behind = self.reader.through().0.saturating_sub(hits.through.0);
        if behind > SEARCH_UNINDEXED_ROWS_MAX as u64 {
            return Ok(behind);
        }
        for record in self.reader.records(hits.through, SEARCH_UNINDEXED_ROWS_MAX)?.found {
            let Record::Message { message, .. } = record else { continue };
            match (message.act, &message.manner.target) {
                (None, _) => drop(hits.positions.insert(message.position)),
                (Some(ActKind::Edit), Some(target)) => {
                    let target = self.reader.find(target)?;
                    hits.positions.extend(target.map(|(_, _, target)| target.position));
                }
                (Some(_), _) => {}
            }
        }
        Ok(0)
    }

    /// Looks at what was found, newest first.
    fn rank(
        &self,
        query: &Query,
        scope: &Scope,
        sees: &dyn Fn(&ChannelName) -> bool,
        hits: &mut Hits,
        until: Instant,
    ) -> Result<Vec<Ranked>, SearchError> {
        let mut ranked: Vec<Ranked> = Vec::new();
        let mut bytes = 0;
        for (looked_at, position) in hits.positions.iter().rev().enumerate() {
            if bytes > SEARCH_RANKED_BYTES_MAX || ranked.len() == SEARCH_RANKED_MAX {
                break;
            }
            if looked_at >= SEARCH_LIMIT_MAX as usize && Instant::now() >= until {
                hits.partial = true;
                break;
            }
            let Some((topic, sender, message)) = self.reader.message_if_at(*position)? else { continue };
            bytes += message.text.len();
            ranked.extend(self.judge(query, scope, sees, (topic, sender, &message))?);
        }
        let newest = ranked.iter().filter_map(|ranked| ranked.message.time_ms).max().unwrap_or(0);
        for ranked in &mut ranked {
            let age_ms = newest.saturating_sub(ranked.message.time_ms.unwrap_or(0)) as f64;
            ranked.score += NEWNESS / (1.0 + age_ms / HALF_AGE_MS);
        }
        ranked
            .sort_by(|one, other| other.score.total_cmp(&one.score).then(other.position.cmp(&one.position)));
        Ok(ranked)
    }

    /// The message as it is by now, if it is one to be found.
    fn judge(
        &self,
        query: &Query,
        scope: &Scope,
        sees: &dyn Fn(&ChannelName) -> bool,
        (topic, sender, message): (NameId, NameId, &StoredMessage),
    ) -> Result<Option<Ranked>, SearchError> {
        if message.act.is_some() || !scope.admits(topic, sender, message, sees) {
            return Ok(None);
        }
        let position = message.position;
        let message = self.reader.as_it_is(message, false)?;
        if message.deleted {
            return Ok(None);
        }
        let sight = query.look(&message.message);
        Ok(sight.map(|sight| Ranked { score: sight.score, position, message, sight }))
    }
}

impl Searcher for SqliteSearcher {
    fn search(
        &mut self,
        request: &SearchRequest,
        sees: &dyn Fn(&ChannelName) -> bool,
        (index_until, until): (Instant, Instant),
    ) -> Result<Result<SearchPage, Refusal>, SearchError> {
        let query = match Query::parse(&request.words) {
            Ok(query) => query,
            Err(error) => return Ok(Err(Refusal::new(Code::BadRequest, error.to_string()))),
        };
        let scope = match self.reader.with_directory(|directory| Scope::of(request, directory)) {
            Ok(scope) => scope,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut hits = self.ask_index(&query, &scope, index_until).inspect_err(|error| match error {
            SearchError::Index { .. } => self.shared.is_damaged.store(true, Ordering::SeqCst),
            SearchError::Store(_) => {}
        })?;
        let behind = self.add_unindexed(&mut hits)?;
        let ranked = self.rank(&query, &scope, sees, &mut hits, until)?;
        let mut room = Room::new(HISTORY_BYTES_MAX);
        let found = ranked.into_iter().take(request.limit as usize).map_while(|ranked| {
            let snippet = ranked.sight.snippet(&ranked.message.message);
            room.take(&ranked.message).then_some(Found { message: ranked.message, snippet })
        });
        let found = found.collect();
        Ok(Ok(SearchPage { found, epoch: Some(self.reader.epoch()), partial: hits.partial, behind }))
    }
}

/// The newest positions that match, and whether there may be more of them for want of time.
///
/// What begins with a long beginning is gathered before the first answer comes: of a frequent one there would be none in time. So
/// those with the very word come first; then, from a list that the index has, those that begin nearly so, which are all if they
/// are not too many; and only then those that are meant.
fn gather(
    query: &Query,
    mut ask: impl FnMut(Breadth) -> rusqlite::Result<Asked>,
) -> rusqlite::Result<(BTreeSet<Position>, bool)> {
    if query.is_of_one_breadth() {
        let Asked { positions, end } = ask(Breadth::Whole)?;
        return Ok((positions, end == End::Time));
    }
    let mut exact = ask(Breadth::Exact)?;
    if exact.end != End::All {
        return Ok((exact.positions, exact.end == End::Time));
    }
    let wide = ask(Breadth::Wide)?;
    exact.positions.extend(wide.positions);
    if wide.end != End::Limit {
        return Ok((exact.positions, wide.end == End::Time));
    }
    let whole = ask(Breadth::Whole)?;
    if whole.end != End::Time {
        return Ok((whole.positions, false));
    }
    exact.positions.extend(whole.positions);
    Ok((exact.positions, true))
}

/// Asks for the newest positions that match in this breadth.
fn asked(connection: &Connection, query: &Query, breadth: Breadth, scope: &Scope) -> rusqlite::Result<Asked> {
    let question = format!("{{text}} : ({}) AND {{place}} : ({})", query.in_index(breadth), scope.in_index());
    let mut positions = BTreeSet::new();
    let end = match newest(connection, &question, scope, &mut positions) {
        Ok(()) if positions.len() < SEARCH_RANKED_MAX => End::All,
        Ok(()) => End::Limit,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => End::Time,
        Err(error) => return Err(error),
    };
    Ok(Asked { positions, end })
}

/// Puts the newest positions that match into `found`; those that it has when it fails do match.
fn newest(
    connection: &Connection,
    question: &str,
    scope: &Scope,
    found: &mut BTreeSet<Position>,
) -> rusqlite::Result<()> {
    const NEWEST: &str = "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2";
    const NEWEST_OF_TIMES: &str = "SELECT words.rowid FROM words CROSS JOIN times ON times.position = words.rowid \
        WHERE words MATCH ?1 AND words.rowid BETWEEN ?3 AND ?4 AND times.time_ms BETWEEN ?5 AND ?6 \
        ORDER BY words.rowid DESC LIMIT ?2";
    let limit = SEARCH_RANKED_MAX as u64;
    let mut statement;
    let mut rows = if scope.has_times() {
        // Times rise with positions but for imports, so they lie between some spans.
        let most = i64::MAX.unsigned_abs();
        let (from, to) = (scope.after_ms.min(most), scope.before_ms.saturating_sub(1).min(most));
        let Some((first, last)) = spans(connection, from, to)? else { return Ok(()) };
        statement = connection.prepare_cached(NEWEST_OF_TIMES)?;
        statement.query(params![
            question,
            limit,
            first * SPAN_ROWS,
            last * SPAN_ROWS + (SPAN_ROWS - 1),
            from,
            to
        ])?
    } else {
        statement = connection.prepare_cached(NEWEST)?;
        statement.query(params![question, limit])?
    };
    while let Some(row) = rows.next()? {
        found.insert(Position(row.get(0)?));
    }
    Ok(())
}

/// The first and the last span in which there may be messages of these times.
fn spans(connection: &Connection, from: u64, to: u64) -> rusqlite::Result<Option<(u64, u64)>> {
    let mut statement = connection
        .prepare_cached("SELECT min(span), max(span) FROM spans WHERE newest_ms >= ?1 AND oldest_ms <= ?2")?;
    let (first, last): (Option<u64>, Option<u64>) =
        statement.query_row([from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(first.zip(last))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Asked, End, gather};
    use crate::store::Position;
    use crate::store::words::{Breadth, Query};

    /// What each breadth brings, in the order in which they are asked; what is gathered, and whether it may not be all.
    #[track_caller]
    fn check(words: &str, answers: &[(Breadth, u64, End)], positions: &[u64], partial: bool) {
        let mut answers = answers.iter();
        let gathered = gather(&Query::parse(words).unwrap(), |asked| {
            let (breadth, position, end) = *answers.next().expect("it is asked for");
            assert_eq!(asked, breadth);
            Ok(Asked { positions: BTreeSet::from([Position(position)]), end })
        });
        let positions = positions.iter().map(|position| Position(*position)).collect();
        assert_eq!(gathered.unwrap(), (positions, partial), "{words}");
        assert_eq!(answers.next(), None, "it is asked for no longer");
    }

    #[test]
    fn short_beginnings_and_whole_words_are_asked_for_at_once() {
        for words in ["ola", "mundo ola", "\"mundo\""] {
            check(words, &[(Breadth::Whole, 1, End::All)], &[1], false);
            check(words, &[(Breadth::Whole, 1, End::Limit)], &[1], false);
            check(words, &[(Breadth::Whole, 1, End::Time)], &[1], true);
        }
    }

    #[test]
    fn of_a_long_beginning_what_takes_long_is_asked_last_and_only_if_it_must_be() {
        let check =
            |answers: &[(Breadth, u64, End)], positions, partial| check("mundo", answers, positions, partial);
        let (exact, wide) = ((Breadth::Exact, 1, End::All), (Breadth::Wide, 2, End::Limit));
        check(&[(Breadth::Exact, 1, End::Limit)], &[1], false);
        check(&[(Breadth::Exact, 1, End::Time)], &[1], true);
        check(&[exact, (Breadth::Wide, 2, End::All)], &[1, 2], false);
        check(&[exact, (Breadth::Wide, 2, End::Time)], &[1, 2], true);
        check(&[exact, wide, (Breadth::Whole, 3, End::All)], &[3], false);
        check(&[exact, wide, (Breadth::Whole, 3, End::Limit)], &[3], false);
        check(&[exact, wide, (Breadth::Whole, 3, End::Time)], &[1, 2, 3], true);
    }
}
