//! Headings, marks and questions around what is said.

use jiff::civil::{Date, Weekday};
use recado_proto::ChannelName;

use crate::chat::draft::{Aim, Purpose};
use crate::chat::item::{Place, Quoted, TopicSet};
use crate::limits;
use crate::view::text::{fitted, one_line};

use super::language::Language;
use super::{channel, name};

/// Above a notification: who said something, and where.
pub(crate) fn alert(language: Language, author: &str, of: &Place) -> String {
    let author = name(author);
    match (of, language) {
        (Place::Channel(of), Language::English) => format!("{author} in {}", channel(of)),
        (Place::Channel(of), Language::Portuguese) => format!("{author} em {}", channel(of)),
        (Place::Direct(_), Language::English | Language::Portuguese) => author.into_owned(),
    }
}

/// Who said something to one alone.
pub(crate) fn to_you(language: Language, author: &str) -> String {
    match language {
        Language::English => format!("{} → you", name(author)),
        Language::Portuguese => format!("{} → você", name(author)),
    }
}

/// To whom one said something alone.
pub(crate) fn from_you(language: Language, with: &str) -> String {
    match language {
        Language::English => format!("you → {}", name(with)),
        Language::Portuguese => format!("você → {}", name(with)),
    }
}

/// The heading over a channel's or one's own latest messages.
pub(crate) fn backlog(language: Language, of: Option<&ChannelName>) -> String {
    match (of, language) {
        (Some(of), Language::English) => format!("the latest in {}", channel(of)),
        (Some(of), Language::Portuguese) => format!("as últimas em {}", channel(of)),
        (None, Language::English) => "the latest that was sent to you directly".to_owned(),
        (None, Language::Portuguese) => "as últimas enviadas diretamente a você".to_owned(),
    }
}

/// The heading over earlier messages that were asked for.
pub(crate) fn history(language: Language, of: &Place, count: usize) -> String {
    let of = match (of, language) {
        (Place::Channel(of), Language::English | Language::Portuguese) => channel(of),
        (Place::Direct(user), Language::English) => format!("you and {}", name(user.as_str())),
        (Place::Direct(user), Language::Portuguese) => format!("você e {}", name(user.as_str())),
    };
    match (language, count) {
        (Language::English, 0) => format!("{of}: no messages"),
        (Language::English, 1) => format!("{of}: 1 message"),
        (Language::English, _) => format!("{of}: {count} messages"),
        (Language::Portuguese, 0) => format!("{of}: nenhuma mensagem"),
        (Language::Portuguese, 1) => format!("{of}: 1 mensagem"),
        (Language::Portuguese, _) => format!("{of}: {count} mensagens"),
    }
}

/// Below them.
pub(crate) fn history_end(language: Language) -> &'static str {
    match language {
        Language::English => "end",
        Language::Portuguese => "fim",
    }
}

/// Above the messages that mention one.
pub(crate) fn mentions(language: Language, count: usize) -> String {
    match (language, count) {
        (Language::English, 0) => "nobody has mentioned you in what was heard so far".to_owned(),
        (Language::English, 1) => "1 message that mentions you".to_owned(),
        (Language::English, _) => format!("{count} messages that mention you"),
        (Language::Portuguese, 0) => "ninguém citou você no que se ouviu até agora".to_owned(),
        (Language::Portuguese, 1) => "1 mensagem que cita você".to_owned(),
        (Language::Portuguese, _) => format!("{count} mensagens que citam você"),
    }
}

/// Above the list of them where one goes to one.
pub(crate) fn mentions_title(language: Language) -> &'static str {
    match language {
        Language::English => "Mentions (Up and Down move, Enter goes there, Esc closes)",
        Language::Portuguese => "Citações (setas movem, Enter vai até lá, Esc fecha)",
    }
}

/// All users, whose names come as they are shown.
pub(crate) fn users(language: Language, names: &[String]) -> String {
    let (count, listed) = (names.len(), names.join(", "));
    match (language, count) {
        (Language::English, 0) => "Nobody has logged in yet.".to_owned(),
        (Language::English, 1) => format!("1 user: {listed}"),
        (Language::English, _) => format!("{count} users: {listed}"),
        (Language::Portuguese, 0) => "Ninguém entrou ainda.".to_owned(),
        (Language::Portuguese, 1) => format!("1 usuário: {listed}"),
        (Language::Portuguese, _) => format!("{count} usuários: {listed}"),
    }
}

/// All channels, whose names come as they are shown.
pub(crate) fn channels(language: Language, names: &[String]) -> String {
    let (count, listed) = (names.len(), names.join(", "));
    match (language, count) {
        (Language::English, 0) => "There is no channel yet: /create NAME makes one.".to_owned(),
        (Language::English, 1) => format!("1 channel: {listed}"),
        (Language::English, _) => format!("{count} channels: {listed}"),
        (Language::Portuguese, 0) => "Ainda não há nenhum canal: /create NOME cria um.".to_owned(),
        (Language::Portuguese, 1) => format!("1 canal: {listed}"),
        (Language::Portuguese, _) => format!("{count} canais: {listed}"),
    }
}

/// Behind the channel where plain lines go.
pub(crate) fn you_are_here(language: Language) -> &'static str {
    match language {
        Language::English => "(you are here)",
        Language::Portuguese => "(você está aqui)",
    }
}

/// Behind a channel that is followed.
pub(crate) fn joined(language: Language) -> &'static str {
    match language {
        Language::English => "(joined)",
        Language::Portuguese => "(você participa)",
    }
}

/// What a channel is about.
pub(crate) fn topic(language: Language, of: &ChannelName, set: Option<&TopicSet>) -> String {
    let of = channel(of);
    match (language, set.filter(|set| !set.text.is_empty())) {
        (Language::English, Some(TopicSet { author, text, .. })) => {
            format!("{of} is about: {} (says {})", one_line(text), name(author.as_str()))
        }
        (Language::English, None) => format!("{of} has no topic; /topic TEXT sets one."),
        (Language::Portuguese, Some(TopicSet { author, text, .. })) => {
            format!("{of} trata de: {} (diz {})", one_line(text), name(author.as_str()))
        }
        (Language::Portuguese, None) => format!("{of} não tem tópico; /topic TEXTO define um."),
    }
}

/// How the weeks and the years are called that have gone by since something was said, in a letter or a few.
pub(crate) fn weeks_and_years(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::English => ("w", "y"),
        Language::Portuguese => ("sem", "a"),
    }
}

/// A day, above what was said on it.
pub(crate) fn day(language: Language, day: Date) -> String {
    match language {
        Language::English => day.strftime("%A, %-d %B %Y").to_string(),
        Language::Portuguese => {
            let weekday = match day.weekday() {
                Weekday::Monday => "segunda-feira",
                Weekday::Tuesday => "terça-feira",
                Weekday::Wednesday => "quarta-feira",
                Weekday::Thursday => "quinta-feira",
                Weekday::Friday => "sexta-feira",
                Weekday::Saturday => "sábado",
                Weekday::Sunday => "domingo",
            };
            let months = [
                "janeiro",
                "fevereiro",
                "março",
                "abril",
                "maio",
                "junho",
                "julho",
                "agosto",
                "setembro",
                "outubro",
                "novembro",
                "dezembro",
            ];
            let month = usize::try_from(day.month()).ok().and_then(|month| months.get(month.checked_sub(1)?));
            let month = month.copied().unwrap_or_default();
            let number = match day.day() {
                1 => "1º".to_owned(),
                number => number.to_string(),
            };
            format!("{weekday}, {number} de {month} de {}", day.year())
        }
    }
}

/// Above what was not read.
pub(crate) fn unread_divider(language: Language) -> &'static str {
    match language {
        Language::English => "new",
        Language::Portuguese => "novas",
    }
}

/// Messages that were not read in other conversations.
pub(crate) fn unread_elsewhere(language: Language, count: usize) -> String {
    let shown = language.grouped(count as u64);
    match (language, count) {
        (Language::English, _) => format!("{shown} unread elsewhere"),
        (Language::Portuguese, 1) => "1 não lida em outra conversa".to_owned(),
        (Language::Portuguese, _) => format!("{shown} não lidas em outras conversas"),
    }
}

/// The beginning of a message above what answers it.
pub(crate) fn quoted(quoted: &Quoted) -> String {
    format!("↪ {}: {}", name(quoted.author.as_str()), one_line(&quoted.text))
}

/// In place of a message that was taken back.
pub(crate) fn deleted(language: Language) -> &'static str {
    match language {
        Language::English => "(deleted)",
        Language::Portuguese => "(apagada)",
    }
}

/// Behind a message that has another text by now.
pub(crate) fn edited(language: Language) -> &'static str {
    match language {
        Language::English => "(edited)",
        Language::Portuguese => "(editada)",
    }
}

/// Above the names of people.
pub(crate) fn people(language: Language) -> &'static str {
    match language {
        Language::English => "People",
        Language::Portuguese => "Pessoas",
    }
}

/// Before many lines are sent.
pub(crate) fn send_so_many_lines(language: Language, lines: usize) -> String {
    match language {
        Language::English => format!("send {lines} lines as one message? Enter sends, Esc goes back"),
        Language::Portuguese => format!("enviar {lines} linhas numa só mensagem? Enter envia, Esc volta"),
    }
}

/// While what is further back than all that is here is fetched.
pub(crate) fn fetching_older(language: Language) -> &'static str {
    match language {
        Language::English => "further back; older messages are on their way",
        Language::Portuguese => "mais atrás; as mensagens mais antigas estão a caminho",
    }
}

/// One does not see the latest.
pub(crate) fn scrolled_back(language: Language) -> &'static str {
    match language {
        Language::English => "further back; Esc goes to the latest",
        Language::Portuguese => "mais atrás; Esc vai à mais recente",
    }
}

/// What is not as it should be.
pub(crate) fn connection(language: Language, server_away: bool, broker_away: bool) -> &'static str {
    match (language, server_away, broker_away) {
        (Language::English | Language::Portuguese, false, false) => "",
        (Language::English, true, false) => " server away, lines are kept ",
        (Language::English, false, true) => " broker away, messages come later ",
        (Language::English, true, true) => " server and broker away, lines are kept ",
        (Language::Portuguese, true, false) => " sem servidor, linhas guardadas ",
        (Language::Portuguese, false, true) => " sem broker, mensagens chegam depois ",
        (Language::Portuguese, true, true) => " sem servidor nem broker, linhas guardadas ",
    }
}

/// Beside the name of a channel that only its members know of.
pub(crate) const PRIVATE: &str = "◆";

/// The same in a title.
pub(crate) fn private(language: Language) -> &'static str {
    match language {
        Language::English => "◆ private",
        Language::Portuguese => "◆ privado",
    }
}

/// What answers is not the server that is known.
pub(crate) fn other_server(language: Language) -> &'static str {
    match language {
        Language::English => " THE SERVER'S KEY CHANGED, nothing is sent ",
        Language::Portuguese => " A CHAVE DO SERVIDOR MUDOU, nada é enviado ",
    }
}

/// This device is shut out.
pub(crate) fn not_admitted_here(language: Language) -> &'static str {
    match language {
        Language::English => " this device is no longer admitted here ",
        Language::Portuguese => " este dispositivo não é mais aceito aqui ",
    }
}

/// Before what is typed into the switcher.
pub(crate) fn switcher(language: Language) -> &'static str {
    match language {
        Language::English => "Go to:",
        Language::Portuguese => "Ir a:",
    }
}

/// What was typed and not sent, once the screen is gone.
pub(crate) fn left_unsent(language: Language, is_kept: bool) -> &'static str {
    match (language, is_kept) {
        (Language::English, true) => "Typed and not sent; kept for the next start:",
        (Language::English, false) => "Typed and not sent:",
        (Language::Portuguese, true) => "Digitado e não enviado; guardado para a próxima vez:",
        (Language::Portuguese, false) => "Digitado e não enviado:",
    }
}

/// Before the text that is typed for a message.
pub(crate) fn aim(language: Language, aim: &Aim) -> String {
    let author = aim.author.as_ref().map(|author| name(author.as_str()).into_owned()).unwrap_or_default();
    let author = fitted(&author, limits::PROMPT_NAME_COLUMNS_MAX);
    match (language, aim.purpose) {
        (Language::English, Purpose::Answer) => format!("answer {author}> ").replace(" >", ">"),
        (Language::Portuguese, Purpose::Answer) if author.is_empty() => "responder> ".to_owned(),
        (Language::Portuguese, Purpose::Answer) => format!("responder a {author}> "),
        (Language::English, Purpose::Edit) => "edit> ".to_owned(),
        (Language::Portuguese, Purpose::Edit) => "editar> ".to_owned(),
        (Language::English, Purpose::React) => "react> ".to_owned(),
        (Language::Portuguese, Purpose::React) => "reagir> ".to_owned(),
    }
}

/// While a text is typed for a message.
pub(crate) fn aim_hint(language: Language) -> &'static str {
    match language {
        Language::English => "Enter sends it, Esc goes back",
        Language::Portuguese => "Enter envia, Esc volta",
    }
}

/// Before a message is taken back.
pub(crate) fn really_delete(language: Language) -> &'static str {
    match language {
        Language::English => "delete this message? Enter deletes it, Esc goes back",
        Language::Portuguese => "apagar esta mensagem? Enter apaga, Esc volta",
    }
}

/// What only its author can do.
pub(crate) fn not_your_own(language: Language) -> &'static str {
    match language {
        Language::English => "only what you said yourself can be edited or deleted",
        Language::Portuguese => "só se pode editar ou apagar o que foi dito por você",
    }
}

/// The message that is chosen answers none, or none that is here.
pub(crate) fn answers_nothing_here(language: Language) -> &'static str {
    match language {
        Language::English => "this message answers none that is here",
        Language::Portuguese => "esta mensagem não responde a nenhuma que esteja aqui",
    }
}

/// The message was handed to the terminal for its clipboard.
pub(crate) fn copied(language: Language) -> &'static str {
    match language {
        Language::English => "Copied, if your terminal lets programs do so.",
        Language::Portuguese => "Copiada, se o seu terminal deixar programas fazerem isso.",
    }
}

/// Asks who it is. The suggestion comes as it is shown.
pub(crate) fn your_name(language: Language, suggestion: Option<&str>) -> String {
    let question = match language {
        Language::English => "Your name",
        Language::Portuguese => "Seu nome",
    };
    match suggestion {
        Some(suggestion) => format!("{question} [{suggestion}]: "),
        None => format!("{question}: "),
    }
}
