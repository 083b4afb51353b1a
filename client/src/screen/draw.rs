//! The model as cells. It reads no clock and writes nowhere, and only sanitised text comes into a cell.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::chat::item::{Message, Place};
use crate::view::colour::Role;
use crate::view::text::{columns, fitted, one_line};
use crate::view::times::Times;
use crate::view::wording::{self, Language};

use super::keys::Keys;
use super::log::Older;
use super::model::{Model, Overlay, is_topic};
use super::scroll;
use super::theme::{Colours, Part};

/// Narrower than this there is no list of conversations.
const LIST_FROM_COLUMNS: u16 = 60;
/// Wider than this there is a list of people, too.
const PEOPLE_FROM_COLUMNS: u16 = 110;
const PEOPLE_COLUMNS: u16 = 20;
const COMPOSER_ROWS_MAX: u16 = 8;

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Areas {
    list: Rect,
    people: Rect,
    title: Rect,
    pub(crate) messages: Rect,
    border: Rect,
    composer: Rect,
    status: Rect,
}

/// How messages look.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) colours: Colours,
    pub(crate) zone: TimeZone,
    pub(crate) keys: Keys,
    pub(crate) times: Times,
    /// In Unix milliseconds, for [`Times::Relative`].
    pub(crate) now_ms: i64,
}

impl Areas {
    pub(crate) fn of(area: Rect, model: &Model) -> Self {
        let list = match area.width {
            0..LIST_FROM_COLUMNS => 0,
            width => (width / 5).clamp(16, 28),
        };
        let people = if area.width >= PEOPLE_FROM_COLUMNS { PEOPLE_COLUMNS } else { 0 };
        let above_status = area.height.saturating_sub(1);
        let main = Rect {
            x: area.x + list + u16::from(list > 0),
            width: area.width - list - u16::from(list > 0) - people - u16::from(people > 0),
            height: above_status,
            ..area
        };
        let rows_max = COMPOSER_ROWS_MAX.min(above_status / 3).max(1);
        let typed = model.composer.view(composer_columns(model, main.width), rows_max.into()).rows.len();
        let composer = u16::try_from(typed).unwrap_or(rows_max).min(above_status);
        let title = above_status.saturating_sub(composer).min(1);
        let border = above_status.saturating_sub(composer + title).min(1);
        let messages = above_status.saturating_sub(composer + title + border);
        let row = |y, height| Rect { y: area.y + y, height, ..main };
        Self {
            list: Rect { width: list, height: above_status, ..area },
            people: Rect { x: area.x + area.width - people, width: people, height: above_status, ..area },
            title: row(0, title),
            messages: row(title, messages),
            border: row(title + messages, border),
            composer: row(title + messages + border, composer),
            status: Rect { y: area.y + above_status, height: area.height - above_status, ..area },
        }
    }
}

impl Areas {
    /// The conversation whose name is drawn there.
    pub(crate) fn conversation_at(&self, model: &Model, at: Position) -> Option<Place> {
        if self.list.contains(at) {
            let index = first_listed(self.list, model) + usize::from(at.y - self.list.y);
            return model.conversations().nth(index).map(|(place, _)| place.clone());
        }
        let row = self.people.contains(at).then(|| usize::from(at.y - self.people.y))?;
        let people = model.people();
        let (user, _) = people.get(row.checked_sub(1)?)?;
        (Some(*user) != model.user.as_ref()).then(|| Place::Direct((*user).clone()))
    }
}

/// Draws all of it. The cursor's place, if it is to be seen.
pub(crate) fn draw(buffer: &mut Buffer, model: &Model, look: &Look) -> Option<Position> {
    let areas = Areas::of(buffer.area, model);
    let colours = look.colours;
    buffer.set_style(buffer.area, colours.ground());
    let painted = |part| colours.style(part);
    draw_list(buffer, areas.list, model, colours);
    for x in [areas.list.right(), areas.people.x.saturating_sub(1)] {
        if (x == areas.list.right() && areas.list.width > 0)
            || (x != areas.list.right() && areas.people.width > 0)
        {
            for y in areas.list.y..areas.status.y {
                buffer.set_string(x, y, "│", painted(Part::Border));
            }
        }
    }
    draw_people(buffer, areas.people, model, colours);
    draw_title(buffer, areas.title, model, colours);
    draw_messages(buffer, areas.messages, model, look);
    draw_border(buffer, areas.border, model, colours);
    draw_status(buffer, areas.status, model, look);
    match &model.overlay {
        Overlay::None | Overlay::Question { .. } | Overlay::Delete { .. } => {}
        Overlay::Keys { first } => draw_keys(buffer, areas.messages, *first, model.language, look),
        Overlay::Mentions { mentions, chosen } => {
            draw_mentions(buffer, areas.messages, mentions, *chosen, model.language, look);
        }
        Overlay::Switcher { query, chosen } => {
            return Some(draw_switcher(buffer, areas.messages, model, query, *chosen, colours));
        }
    }
    draw_composer(buffer, areas.composer, model, colours)
}

/// The first conversation that the list has room for: the one where one is is seen.
fn first_listed(area: Rect, model: &Model) -> usize {
    let current = model.conversations().position(|(place, _)| Some(place) == model.current()).unwrap_or(0);
    (current + 1).saturating_sub(area.height.into())
}

fn draw_list(buffer: &mut Buffer, area: Rect, model: &Model, colours: Colours) {
    if area.is_empty() {
        return;
    }
    let rows: Vec<_> = model.conversations().collect();
    let first = first_listed(area, model);
    for ((place, log), y) in rows.iter().skip(first).zip(area.y..area.bottom()) {
        let is_current = Some(*place) == model.current();
        let part = match (is_current, log.mentions > 0, log.unread > 0) {
            (true, _, _) => Part::Current,
            (false, true, _) => Part::Mentioned,
            (false, false, true) => Part::Unread,
            (false, false, false) => Part::Text,
        };
        let style = colours.style(part);
        let count = match (log.unread, log.mentions) {
            (0, _) => String::new(),
            (unread, 0) => format!(" {unread}"),
            // A conversation with one person speaks to one by its nature.
            (unread, _) if is_topic(place) => format!(" {unread}@"),
            (unread, _) => format!(" {unread}"),
        };
        let room = usize::from(area.width).saturating_sub(columns(&count));
        let mark = match place {
            Place::Direct(user) => wording::presence(model.presence(user)),
            Place::Channel(_) if model.is_private(place) => wording::PRIVATE,
            Place::Channel(_) => " ",
        };
        let name = fitted(&name_of(place), room.saturating_sub(2)).into_owned();
        let name = format!("{name} {mark}");
        let gap = room.saturating_sub(columns(&name));
        buffer.set_stringn(area.x, y, format!("{name}{:gap$}{count}", ""), area.width.into(), style);
    }
}

fn draw_people(buffer: &mut Buffer, area: Rect, model: &Model, colours: Colours) {
    if area.is_empty() {
        return;
    }
    buffer.set_stringn(
        area.x,
        area.y,
        wording::people(model.language),
        area.width.into(),
        colours.style(Part::Title),
    );
    for ((user, state), y) in model.people().into_iter().zip(area.y + 1..area.bottom()) {
        let name = format!("{} {}", wording::presence(state), wording::name(user.as_str()));
        let style = colours.style(Part::Line(Role::Name(user.as_str())));
        buffer.set_stringn(area.x, y, fitted(&name, area.width.into()), area.width.into(), style);
    }
}

fn draw_title(buffer: &mut Buffer, area: Rect, model: &Model, colours: Colours) {
    if area.is_empty() {
        return;
    }
    let mut title = model.current().map_or_else(|| "Recado".to_owned(), name_of);
    if model.current().is_some_and(|place| model.is_private(place)) {
        title = format!("{title} {}", wording::private(model.language));
    }
    if let Some(topic) = model.log().topic() {
        title = format!("{title}  {}", one_line(topic));
    }
    buffer.set_stringn(area.x, area.y, title, area.width.into(), colours.style(Part::Title));
    let unread = model.unread();
    if unread > 0 {
        let text = wording::unread_elsewhere(model.language, unread);
        let x = area.right().saturating_sub(u16::try_from(columns(&text)).unwrap_or(area.width));
        buffer.set_stringn(x.max(area.x), area.y, text, area.width.into(), colours.style(Part::Unread));
    }
}

fn draw_messages(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let entries = look.entries(model, area.width);
    let lines = scroll::visible(model.log(), area.height.into(), &entries);
    // What is new stands next to where one types.
    let top = area.bottom() - u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
    for (line, y) in lines.iter().zip(top..) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

fn draw_border(buffer: &mut Buffer, area: Rect, model: &Model, colours: Colours) {
    if area.is_empty() {
        return;
    }
    let style = colours.style(Part::Border);
    buffer.set_stringn(area.x, area.y, "─".repeat(area.width.into()), area.width.into(), style);
    let text = match (&model.overlay, &model.completing) {
        (Overlay::Question { lines }, _) => wording::send_so_many_lines(model.language, *lines),
        (Overlay::Delete { .. }, _) => wording::really_delete(model.language).to_owned(),
        (_, _) if model.is_choosing() => wording::chosen_hint(model.language).to_owned(),
        (_, None) if model.aim.is_some() => wording::aim_hint(model.language).to_owned(),
        (_, Some(completing)) => completing.shown(area.width.saturating_sub(4).into()),
        (_, None) if model.log().anchor().is_some() => match model.log().older {
            Older::Asked => wording::fetching_older(model.language).to_owned(),
            Older::Unknown | Older::Nothing => wording::scrolled_back(model.language).to_owned(),
        },
        (_, None) => return draw_company(buffer, area, model, colours),
    };
    let width = usize::from(area.width).saturating_sub(4);
    buffer.set_stringn(
        area.x + 2,
        area.y,
        format!(" {} ", fitted(&text, width)),
        width + 2,
        colours.style(Part::Unread),
    );
}

/// Who is typing, or who came and went: in one line, however many they are.
fn draw_company(buffer: &mut Buffer, area: Rect, model: &Model, colours: Colours) {
    let (came, went) = model.comings_here();
    let text = match model.typing_here() {
        typing if !typing.is_empty() => wording::typing(model.language, &typing),
        _ if came.is_empty() && went.is_empty() => return,
        _ => wording::comings(&came, &went),
    };
    let width = usize::from(area.width).saturating_sub(4);
    let text = format!(" {} ", fitted(&text, width));
    buffer.set_stringn(area.x + 2, area.y, text, width + 2, colours.style(Part::Border));
}

fn draw_composer(buffer: &mut Buffer, area: Rect, model: &Model, colours: Colours) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let prompt = prompt(model);
    let indent = u16::try_from(columns(&prompt)).unwrap_or(0).min(area.width.saturating_sub(2));
    buffer.set_stringn(area.x, area.y, &prompt, indent.into(), colours.style(Part::Line(Role::OwnName)));
    let view = model.composer.view(composer_columns(model, area.width), area.height.into());
    for (row, y) in view.rows.iter().zip(area.y..area.bottom()) {
        buffer.set_stringn(area.x + indent, y, row, (area.width - indent).into(), Style::new());
    }
    let column = u16::try_from(view.cursor.1).unwrap_or(u16::MAX);
    let x = area.x.saturating_add(indent).saturating_add(column).min(area.right() - 1);
    Some(Position { x, y: (area.y + u16::try_from(view.cursor.0).unwrap_or(0)).min(area.bottom() - 1) })
}

fn draw_status(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    if area.is_empty() {
        return;
    }
    let colours = look.colours;
    let style = colours.style(Part::Status);
    buffer.set_style(area, style);
    let user = model.user.as_ref().map(|user| wording::name(user.as_str()).into_owned()).unwrap_or_default();
    let (x, _) = buffer.set_stringn(area.x, area.y, format!(" {user} "), area.width.into(), style);
    let alarm = match (model.distrusted, model.not_admitted) {
        (true, _) => wording::other_server(model.language),
        (false, true) => wording::not_admitted_here(model.language),
        (false, false) => wording::connection(model.language, model.server_away, model.broker_away),
    };
    let rest = usize::from(area.right() - x);
    let (x, _) = buffer.set_stringn(x, area.y, alarm, rest, colours.style(Part::Alarm));
    let hint = look.keys.hint(model.language);
    let wide = u16::try_from(columns(&hint)).unwrap_or(u16::MAX);
    if let Some(at) = area.right().checked_sub(wide.saturating_add(1)).filter(|at| *at > x) {
        buffer.set_stringn(at, area.y, hint, wide.into(), style);
    }
}

fn draw_keys(buffer: &mut Buffer, area: Rect, first: usize, language: Language, look: &Look) {
    let (colours, shown) = (look.colours, look.keys.shown(language));
    let keys_width = shown.iter().map(|(keys, _)| columns(keys)).max().unwrap_or(0) + 2;
    let summary_width = shown.iter().map(|(_, summary)| columns(summary)).max().unwrap_or(0) + 2;
    let side_by_side = (usize::from(area.width) / (keys_width + summary_width)).max(1);
    let count = shown.len();
    let height = count.div_ceil(side_by_side).min(usize::from(area.height).saturating_sub(1));
    let over = clear(buffer, area, height + 1, colours);
    buffer.set_stringn(
        over.x,
        over.y,
        wording::keys_title(language),
        over.width.into(),
        colours.style(Part::Title),
    );
    let first = first.min(count.saturating_sub(height * side_by_side));
    for (index, (keys, summary)) in shown.iter().skip(first).take(height * side_by_side).enumerate() {
        let (column, row) = (index / height.max(1), index % height.max(1));
        let x = over.x + u16::try_from(column * (keys_width + summary_width)).unwrap_or(over.width);
        let y = over.y + 1 + u16::try_from(row).unwrap_or(0);
        let room = usize::from(over.right().saturating_sub(x));
        buffer.set_stringn(x, y, keys, room, colours.style(Part::Line(Role::Command)));
        if room > keys_width {
            let after = x + u16::try_from(keys_width).unwrap_or(0);
            buffer.set_stringn(after, y, summary, room - keys_width, Style::new());
        }
    }
}

fn draw_switcher(
    buffer: &mut Buffer,
    area: Rect,
    model: &Model,
    query: &str,
    chosen: usize,
    colours: Colours,
) -> Position {
    let offered = model.offered(query);
    let height = (offered.len() + 1).min(12).min(area.height.into());
    let over = clear(buffer, area, height, colours);
    let prompt = format!("{} {query}", wording::switcher(model.language));
    let (x, y) = buffer.set_stringn(over.x, over.y, &prompt, over.width.into(), colours.style(Part::Title));
    let rows = height.saturating_sub(1);
    let first = (chosen + 1).saturating_sub(rows.max(1));
    for (index, place) in offered.iter().enumerate().skip(first).take(rows) {
        let part = if index == chosen { Part::Current } else { Part::Text };
        let y = over.y + 1 + u16::try_from(index - first).unwrap_or(0);
        let name = fitted(&name_of(place), over.width.into()).into_owned();
        buffer.set_stringn(over.x, y, format!(" {name} "), over.width.into(), colours.style(part));
    }
    Position { x: x.min(over.right().saturating_sub(1)), y }
}

/// One row for each, the latest below.
fn draw_mentions(
    buffer: &mut Buffer,
    area: Rect,
    mentions: &[Message],
    chosen: usize,
    language: Language,
    look: &Look,
) {
    let height = (mentions.len() + 1).min(area.height.into());
    let over = clear(buffer, area, height, look.colours);
    let title = look.colours.style(Part::Title);
    buffer.set_stringn(over.x, over.y, wording::mentions_title(language), over.width.into(), title);
    let rows = height.saturating_sub(1);
    let first = (chosen + 1).saturating_sub(rows.max(1)).min(mentions.len().saturating_sub(rows));
    for ((index, mention), y) in mentions.iter().enumerate().skip(first).take(rows).zip(over.y + 1..) {
        let time = Timestamp::from_millisecond(mention.time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = look.zone.to_datetime(time).strftime("%m-%d %H:%M");
        let (place, author) = (name_of(&mention.place), wording::name(mention.author.as_str()));
        let row = format!(" {time} {place} {author}: {} ", one_line(&mention.text));
        let part = if index == chosen { Part::Current } else { Part::Text };
        buffer.set_stringn(
            over.x,
            y,
            fitted(&row, over.width.into()),
            over.width.into(),
            look.colours.style(part),
        );
    }
}

/// Makes room at the lower edge.
fn clear(buffer: &mut Buffer, area: Rect, height: usize, colours: Colours) -> Rect {
    let height = u16::try_from(height).unwrap_or(area.height).min(area.height);
    let over = Rect { y: area.bottom() - height, height, ..area };
    for y in over.y..over.bottom() {
        buffer.set_stringn(over.x, y, " ".repeat(over.width.into()), over.width.into(), colours.ground());
    }
    over
}

fn prompt(model: &Model) -> String {
    match (&model.question, &model.aim) {
        (Some(question), _) => question.clone(),
        (None, Some(aim)) => wording::aim(model.language, aim),
        (None, None) => "> ".to_owned(),
    }
}

fn composer_columns(model: &Model, width: u16) -> usize {
    usize::from(width).saturating_sub(columns(&prompt(model))).max(2)
}

/// `#geral`, `@bob`.
pub(crate) fn name_of(place: &Place) -> String {
    match place {
        Place::Channel(channel) => wording::channel(channel),
        Place::Direct(user) => format!("@{}", wording::name(user.as_str())),
    }
}
