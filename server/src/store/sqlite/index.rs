//! The index behind the log: names with their topics' last `seq`, positions by topic and by conversation, positions by
//! `id`. Written in large batches with a mark of how far it goes; it says nothing that the log does not say.
//!
//! Positions of a topic lie in blocks of [`TOPIC_BLOCK`], so that a batch costs a row for each topic, not for each message,
//! and a place is found by division. A conversation's lie in blocks of [`CONVERSATION_BLOCK`] with the first one as key.

use std::collections::BTreeMap;

use recado_proto::{ActKind, MessageId};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::acts::ActsSoFar;
use super::super::directory::{Directory, Misfit, Name, NameId, Record};
use super::super::history::Keep;
use super::super::tail::Pair;
use super::super::types::{Position, Route};
use super::log::{kind_number, parse_name};

const TOPIC_BLOCK: u64 = 128;
const CONVERSATION_BLOCK: usize = 64;
const POSITION_BYTES: usize = 8;

const OF_TOPIC: &str = "SELECT key, positions FROM by_topic WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
const OF_TOPIC_FALLING: &str =
    "SELECT key, positions FROM by_topic WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC";

const OF_PAIR_FROM: &str =
    "SELECT ifnull(max(first), 0) FROM by_conversation WHERE low = ?1 AND high = ?2 AND first <= ?3";
const OF_PAIR_RISING: &str = "SELECT positions FROM by_conversation WHERE low = ?1 AND high = ?2 AND first >= ?3 \
    AND first < ?4 ORDER BY first";
const OF_PAIR_FALLING: &str = "SELECT positions FROM by_conversation WHERE low = ?1 AND high = ?2 AND first >= ?3 \
    AND first < ?4 ORDER BY first DESC";
const ACTS: &str = "SELECT position FROM acts WHERE target = ?1 AND position < ?2 ORDER BY position";

const LAST_ACT: &str =
    "SELECT position FROM acts WHERE target = ?1 AND position < ?2 ORDER BY position DESC LIMIT 1";

const COUNT_ACTS: &str = "SELECT count(*), ifnull(max(kind = ?2), 0) FROM acts WHERE target = ?1";

/// Set in the position of an act, so that pages of messages pass over it without a look at the log.
const ACT_BIT: u64 = 1 << 63;

const OF_ID: &str = "SELECT position FROM by_id WHERE id = ?1";

/// All that history asks of the index.
#[cfg(test)]
pub(super) const LOOKS: [&str; 9] = [
    OF_TOPIC,
    OF_TOPIC_FALLING,
    OF_PAIR_FROM,
    OF_PAIR_RISING,
    OF_PAIR_FALLING,
    ACTS,
    LAST_ACT,
    COUNT_ACTS,
    OF_ID,
];

/// Why the index cannot be read or written.
#[derive(Debug)]
pub(super) enum IndexError {
    Sqlite(rusqlite::Error),
    Misfit(Misfit),
}

impl From<rusqlite::Error> for IndexError {
    fn from(error: rusqlite::Error) -> Self {
        IndexError::Sqlite(error)
    }
}

impl From<Misfit> for IndexError {
    fn from(misfit: Misfit) -> Self {
        IndexError::Misfit(misfit)
    }
}

/// Takes up `records`, which follow what is indexed already.
pub(super) fn write(connection: &Connection, records: &[Record]) -> Result<(), IndexError> {
    let mut topics: BTreeMap<NameId, TopicBatch> = BTreeMap::new();
    let mut pairs: BTreeMap<Pair, Vec<Listed>> = BTreeMap::new();
    let mut add_act = connection.prepare_cached("INSERT INTO acts VALUES (?1, ?2, ?3)")?;
    let mut ids: Vec<(MessageId, Position)> = Vec::new();
    let mut add_name = connection.prepare_cached("INSERT INTO names VALUES (?1, ?2, ?3, 0)")?;
    for record in records {
        match record {
            Record::Named { id, name: Name::User(user), .. } => {
                add_name.execute(params![id.number(), KIND_USER, user.as_str()])?;
            }
            Record::Named { position, id, name: Name::Channel(channel), given, .. } => {
                add_name.execute(params![id.number(), KIND_CHANNEL, channel.as_str()])?;
                ids.extend(given.map(|given| (given, *position)));
            }
            Record::Login { .. } => {}
            Record::Message { topic, sender, message } => {
                let first_seq = message.seq;
                let batch =
                    topics.entry(*topic).or_insert_with(|| TopicBatch { first_seq, positions: Vec::new() });
                let listed = Listed { position: message.position, is_act: message.act.is_some() };
                batch.positions.push(listed);
                if let Some(kind) = message.act {
                    let target = act_key(*topic, message.manner.target.as_ref());
                    add_act.execute(params![target, message.position.0, kind_number(kind)])?;
                }
                if matches!(message.route, Route::Direct { .. }) {
                    pairs.entry(Pair::of(*topic, *sender)).or_default().push(listed);
                }
                ids.push((message.id, message.position));
            }
        }
    }
    for (topic, batch) in &topics {
        write_topic(connection, *topic, batch)?;
    }
    for (pair, positions) in &pairs {
        write_pair(connection, *pair, positions)?;
    }
    // In the key's order neighbours share pages.
    ids.sort_unstable();
    let mut add_id = connection.prepare_cached("INSERT INTO by_id VALUES (?1, ?2)")?;
    for (id, position) in &ids {
        add_id.execute(params![id.as_bytes(), position.0])?;
    }
    Ok(())
}

const KIND_USER: i64 = 1;
const KIND_CHANNEL: i64 = 2;

struct TopicBatch {
    first_seq: u64,
    positions: Vec<Listed>,
}

/// The place of an entry in the log, and whether it is an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) position: Position,
    pub(super) is_act: bool,
}

/// What an act is found by: the message that it is about; of a channel's topic the channel, which is shorter than any message's `id`.
fn act_key(topic: NameId, target: Option<&MessageId>) -> Vec<u8> {
    match target {
        Some(target) => target.as_bytes().to_vec(),
        None => topic.number().to_be_bytes().to_vec(),
    }
}

fn topic_key(topic: NameId, block: u64) -> i64 {
    // 2^32 blocks of a topic are more messages than positions in a file.
    (i64::from(topic.number()) << 32) | block.cast_signed()
}

fn write_topic(connection: &Connection, topic: NameId, batch: &TopicBatch) -> Result<(), IndexError> {
    let mut read = connection.prepare_cached("SELECT positions FROM by_topic WHERE key = ?1")?;
    let mut write = connection.prepare_cached("INSERT OR REPLACE INTO by_topic VALUES (?1, ?2)")?;
    let mut rest = batch.positions.as_slice();
    let mut index = batch.first_seq - 1;
    while !rest.is_empty() {
        let key = topic_key(topic, index / TOPIC_BLOCK);
        let filled = (index % TOPIC_BLOCK) as usize;
        let mut block: Vec<u8> = match filled {
            0 => Vec::new(),
            _ => read.query_row([key], |row| row.get(0)).optional()?.unwrap_or_default(),
        };
        if block.len() != filled * POSITION_BYTES {
            return Err(Misfit("the index of a topic has a gap").into());
        }
        let (now, later) = rest.split_at(rest.len().min(TOPIC_BLOCK as usize - filled));
        append_positions(&mut block, now);
        write.execute(params![key, block])?;
        index += now.len() as u64;
        rest = later;
    }
    let last_seq = batch.first_seq + batch.positions.len() as u64 - 1;
    connection
        .prepare_cached("UPDATE names SET last_seq = ?2 WHERE id = ?1")?
        .execute(params![topic.number(), last_seq])?;
    Ok(())
}

fn write_pair(connection: &Connection, pair: Pair, positions: &[Listed]) -> Result<(), IndexError> {
    const LAST: &str = "SELECT first, positions FROM by_conversation WHERE low = ?1 AND high = ?2 \
        ORDER BY first DESC LIMIT 1";
    let (low, high) = (pair.low.number(), pair.high.number());
    let last: Option<(u64, Vec<u8>)> = connection
        .prepare_cached(LAST)?
        .query_row([low, high], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut write =
        connection.prepare_cached("INSERT OR REPLACE INTO by_conversation VALUES (?1, ?2, ?3, ?4)")?;
    let mut rest = positions;
    if let Some((first, mut block)) = last {
        let room = CONVERSATION_BLOCK.saturating_sub(block.len() / POSITION_BYTES);
        let (now, later) = rest.split_at(rest.len().min(room));
        if !now.is_empty() {
            append_positions(&mut block, now);
            write.execute(params![low, high, first, block])?;
        }
        rest = later;
    }
    for chunk in rest.chunks(CONVERSATION_BLOCK) {
        let mut block = Vec::with_capacity(chunk.len() * POSITION_BYTES);
        append_positions(&mut block, chunk);
        write.execute(params![low, high, chunk[0].position.0, block])?;
    }
    Ok(())
}

fn append_positions(block: &mut Vec<u8>, positions: &[Listed]) {
    for Listed { position, is_act } in positions {
        let flag = if *is_act { ACT_BIT } else { 0 };
        block.extend_from_slice(&(position.0 | flag).to_be_bytes());
    }
}

fn read_positions(block: &[u8]) -> Result<Vec<Listed>, IndexError> {
    let (positions, rest) = block.as_chunks::<POSITION_BYTES>();
    if !rest.is_empty() {
        return Err(Misfit("a torn block of positions").into());
    }
    let listed = |bytes: &[u8; POSITION_BYTES]| {
        let number = u64::from_be_bytes(*bytes);
        Listed { position: Position(number & !ACT_BIT), is_act: number & ACT_BIT != 0 }
    };
    Ok(positions.iter().map(listed).collect())
}

/// Adds the stored names to an empty directory.
pub(super) fn load_names(connection: &Connection, directory: &mut Directory) -> Result<(), IndexError> {
    let mut statement = connection.prepare("SELECT id, kind, name, last_seq FROM names ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = NameId::new(row.get(0)?).ok_or(Misfit("a name without a number"))?;
        let kind: i64 = row.get(1)?;
        let name = parse_name(kind == KIND_USER, row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?;
        directory.add(id, name, row.get(3)?)?;
    }
    Ok(())
}

/// Positions of a topic's entries from `first` to `last`, all of which are indexed.
pub(super) fn of_topic(
    connection: &Connection,
    topic: NameId,
    first: u64,
    last: u64,
) -> Result<Vec<Position>, IndexError> {
    if first > last {
        return Ok(Vec::new());
    }
    let (first, last) = (first - 1, last - 1);
    let from_block = first / TOPIC_BLOCK;
    let mut statement = connection.prepare_cached(OF_TOPIC)?;
    let mut rows = statement.query([topic_key(topic, from_block), topic_key(topic, last / TOPIC_BLOCK)])?;
    let mut positions = Vec::new();
    while let Some(row) = rows.next()? {
        positions.extend(read_positions(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?);
    }
    let start = (first - from_block * TOPIC_BLOCK) as usize;
    let end = (last - from_block * TOPIC_BLOCK) as usize;
    match positions.get(start..=end) {
        Some(found) => Ok(found.iter().map(|listed| listed.position).collect()),
        None => Err(Misfit("the index of a topic is short").into()),
    }
}

/// Positions of the first or last `limit` messages among a topic's entries from `first` to `last`, all of which are indexed; acts are
/// passed over, a block at a time.
pub(super) fn messages_of_topic(
    connection: &Connection,
    topic: NameId,
    (first, last): (u64, u64),
    keep: Keep,
    limit: usize,
) -> Result<Vec<Position>, IndexError> {
    if first > last || limit == 0 {
        return Ok(Vec::new());
    }
    let (first, last) = (first - 1, last - 1);
    let mut statement = connection.prepare_cached(match keep {
        Keep::Oldest => OF_TOPIC,
        Keep::Newest => OF_TOPIC_FALLING,
    })?;
    let mut rows =
        statement.query([topic_key(topic, first / TOPIC_BLOCK), topic_key(topic, last / TOPIC_BLOCK)])?;
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(row) = rows.next()? else { break };
        let key: i64 = row.get(0)?;
        let begins = (key.cast_unsigned() & u64::from(u32::MAX)) * TOPIC_BLOCK;
        let block = read_positions(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let block = block.into_iter().zip(begins..);
        let mut block: Vec<_> = block
            .filter(|(listed, index)| !listed.is_act && (first..=last).contains(index))
            .map(|(listed, _)| listed.position)
            .collect();
        if keep == Keep::Newest {
            block.reverse();
        }
        found.extend(block);
    }
    found.truncate(limit);
    if keep == Keep::Newest {
        found.reverse();
    }
    Ok(found)
}

/// Indexed positions of the acts on a message before a position, in the order of commits.
pub(super) fn acts_on(
    connection: &Connection,
    target: &MessageId,
    before: Position,
) -> rusqlite::Result<Vec<Position>> {
    let mut statement = connection.prepare_cached(ACTS)?;
    let rows = statement.query_map(params![target.as_bytes(), before.0], |row| row.get(0).map(Position))?;
    rows.collect()
}

/// Where the last indexed act that gave a channel its topic is, before a position.
pub(super) fn channel_topic(
    connection: &Connection,
    channel: NameId,
    before: Position,
) -> rusqlite::Result<Option<Position>> {
    let mut statement = connection.prepare_cached(LAST_ACT)?;
    let found = statement.query_row(params![act_key(channel, None), before.0], |row| row.get(0));
    found.optional().map(|found| found.map(Position))
}

/// How many indexed acts there are on a message, and whether it is deleted.
pub(super) fn acts_so_far(connection: &Connection, target: &MessageId) -> rusqlite::Result<ActsSoFar> {
    let mut statement = connection.prepare_cached(COUNT_ACTS)?;
    let deletion = kind_number(ActKind::Delete);
    statement.query_row(params![target.as_bytes(), deletion], |row| {
        Ok(ActsSoFar { count: row.get(0)?, deleted: row.get(1)? })
    })
}

/// Indexed positions of a conversation strictly between two positions: the first or last `limit`, in rising order.
pub(super) fn of_pair(
    connection: &Connection,
    pair: Pair,
    (after, before): (Position, Position),
    keep: Keep,
    limit: usize,
    with_acts: bool,
) -> Result<Vec<Position>, IndexError> {
    let (low, high) = (pair.low.number(), pair.high.number());
    let (after, before) = (after.0.min(i64::MAX as u64), before.0.min(i64::MAX as u64));
    // The block that begins at or before `after` may hold what follows it.
    let from: u64 =
        connection.prepare_cached(OF_PAIR_FROM)?.query_row(params![low, high, after], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(match keep {
        Keep::Oldest => OF_PAIR_RISING,
        Keep::Newest => OF_PAIR_FALLING,
    })?;
    let mut rows = statement.query(params![low, high, from, before])?;
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(row) = rows.next()? else { break };
        let mut block = read_positions(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        block.retain(|Listed { position, is_act }| {
            position.0 > after && position.0 < before && (with_acts || !is_act)
        });
        if keep == Keep::Newest {
            block.reverse();
        }
        found.extend(block.into_iter().map(|listed| listed.position));
    }
    found.truncate(limit);
    if keep == Keep::Newest {
        found.reverse();
    }
    Ok(found)
}

/// Where the message with this `id` is, or the channel that was created under it, if it is indexed.
pub(super) fn of_id(connection: &Connection, id: &MessageId) -> rusqlite::Result<Option<Position>> {
    let mut statement = connection.prepare_cached(OF_ID)?;
    statement.query_row([id.as_bytes()], |row| row.get(0)).optional().map(|found| found.map(Position))
}
