//! What happened, and what others did.

use std::borrow::Cow;

use recado_proto::{ActKind, ChannelName, UserName};

use crate::chat::item::{ActShown, Level, Notice, Place};
use crate::session::SessionConfig;
use crate::view::text::one_line;

use super::language::Language;
use super::{channel, distrusted, governed, name, place, secured};

/// What `recado` starts for a chat when nobody provides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostedParts {
    /// A broker and a server.
    Both,
    /// A server.
    Server,
    /// A broker.
    Broker,
}

/// What was started for the chat, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hosted {
    /// What.
    pub parts: HostedParts,
    /// With security on.
    pub is_secured: bool,
}

/// What happened, as one or more lines.
pub(crate) fn notice(language: Language, notice: &Notice) -> String {
    match language {
        Language::English => english(notice),
        Language::Portuguese => portuguese(notice),
    }
}

fn english(notice: &Notice) -> String {
    match notice {
        Notice::Welcome { user, channels, joining, is_first } => {
            welcome(Language::English, user.as_str(), channels, joining.as_ref(), *is_first)
        }
        Notice::Joined { channel: of, empty: false, .. } | Notice::Switched { channel: of } => {
            format!("You are in {}.", channel(of))
        }
        Notice::Joined { channel: of, empty: true, .. } => {
            format!("You are in {}. Nobody has said anything here yet.", channel(of))
        }
        Notice::Talking { user } => {
            format!("What you type goes to {} alone; /leave ends that.", name(user.as_str()))
        }
        Notice::TalkingNoMore { user, current: Some(current) } => {
            format!("You talk no longer with {} and are in {}.", name(user.as_str()), channel(current))
        }
        Notice::TalkingNoMore { user, current: None } => {
            format!(
                "You talk no longer with {} and are in no channel; /join goes to one.",
                name(user.as_str())
            )
        }
        Notice::Left { channel: of, current: Some(current) } => {
            format!("You have left {} and are in {}.", channel(of), channel(current))
        }
        Notice::Left { channel: of, current: None } => {
            format!("You have left {} and are in no channel now; /join goes to one.", channel(of))
        }
        Notice::Alerting { place: of, level } => match level {
            Some(Level::All) => format!("You are told of everything in {}.", place(of)),
            Some(Level::Mentions) => format!("You are told of what mentions you in {}.", place(of)),
            Some(Level::None) => format!("You are told of nothing in {}; /unmute ends that.", place(of)),
            None => format!("You are told of {} as is usual.", place(of)),
        },
        Notice::Disturbing { is_on: true } => "Notifications are on.".to_owned(),
        Notice::Disturbing { is_on: false } => {
            "No notifications until you leave, or say /dnd off.".to_owned()
        }
        Notice::Attending { is_away: true } => "Others see that you are away; /back ends that.".to_owned(),
        Notice::Attending { is_away: false } => "Others see that you are here.".to_owned(),
        Notice::Created { channel: of } => format!("{} is a channel now.", channel(of)),
        Notice::ServerLost { reason } => {
            format!("The server is away: {}. Your lines are kept until it is back.", one_line(reason))
        }
        Notice::ServerBack { kept: 0 } => "The server is back.".to_owned(),
        Notice::ServerBack { kept: 1 } => {
            "The server is back. The line that was kept is being sent.".to_owned()
        }
        Notice::ServerBack { kept } => {
            format!("The server is back. The {kept} lines that were kept are being sent.")
        }
        Notice::Secured { endpoint, key } => secured(Language::English, endpoint, key),
        Notice::Distrusted(found) => distrusted(Language::English, found),
        Notice::Governed { what, channel: of } => governed(Language::English, what, of.as_ref()),
        Notice::BrokerLost { reason } => {
            format!("The broker is away: {}. Messages come when it is back.", one_line(reason))
        }
        Notice::NotAdmitted => format!("{}.", not_admitted(Language::English)),
        Notice::BrokerBack => "The broker is back.".to_owned(),
        Notice::Missing { place: of, first, last } if first == last => {
            format!("Message {first} of {} is kept nowhere any more.", place(of))
        }
        Notice::Missing { place: of, first, last } => {
            format!("Messages {first} to {last} of {} are kept nowhere any more.", place(of))
        }
        Notice::EpochChanged { place: of } => {
            format!("The server's store was restored: messages of {} may have gone with it.", place(of))
        }
        Notice::Malformed { topic, reason } => {
            format!("Something came to {} that is no message ({}).", name(topic), one_line(reason))
        }
        Notice::Kept { lines: 1 } => "Not sent yet: the line is kept until the server answers.".to_owned(),
        Notice::Kept { lines } => {
            format!("Not sent yet: {lines} lines are kept until the server answers.")
        }
        Notice::KeptBefore { lines: 1 } => "A line kept from last time is being sent:".to_owned(),
        Notice::KeptBefore { lines } => format!("{lines} lines kept from last time are being sent:"),
        Notice::KeptForLater { lines: 1 } => {
            "A line has no answer yet. It is kept, and sent at the next start.".to_owned()
        }
        Notice::KeptForLater { lines } => {
            format!("{lines} lines have no answer yet. They are kept, and sent at the next start.")
        }
        Notice::KeptDamaged { copy } => {
            format!("What was kept from last time was damaged; how it was found is in {}.", one_line(copy))
        }
        Notice::KeptElsewhere => {
            "You are here with another client as well: this one keeps nothing for the next start.".to_owned()
        }
        Notice::KeepsNothing { reason } => {
            format!("Nothing can be kept for the next start: {}.", one_line(reason.trim_end_matches('.')))
        }
        Notice::Away { channel: of, count, shown } => away(Language::English, of.as_ref(), *count, *shown),
        Notice::HowToQuit => "Ctrl-C again, Ctrl-D or /quit leaves.".to_owned(),
    }
}

/// Why this device hears and says nothing any more, as a sentence without an end.
pub(super) fn not_admitted(language: Language) -> &'static str {
    match language {
        Language::English => {
            "This device is no longer admitted here: it was revoked, its time is over, or you were banned; ask an administrator"
        }
        Language::Portuguese => {
            "Este dispositivo não é mais aceito aqui: foi revogado, o prazo acabou, ou você foi banido; fale com um administrador"
        }
    }
}

fn portuguese(notice: &Notice) -> String {
    let language = Language::Portuguese;
    match notice {
        Notice::Welcome { user, channels, joining, is_first } => {
            welcome(language, user.as_str(), channels, joining.as_ref(), *is_first)
        }
        Notice::Joined { channel: of, empty: false, .. } | Notice::Switched { channel: of } => {
            format!("Você está em {}.", channel(of))
        }
        Notice::Joined { channel: of, empty: true, .. } => {
            format!("Você está em {}. Ninguém disse nada aqui ainda.", channel(of))
        }
        Notice::Talking { user } => {
            format!("O que você digitar vai só para {}; /leave encerra isso.", name(user.as_str()))
        }
        Notice::TalkingNoMore { user, current: Some(current) } => {
            format!("Você não conversa mais com {} e está em {}.", name(user.as_str()), channel(current))
        }
        Notice::TalkingNoMore { user, current: None } => {
            format!(
                "Você não conversa mais com {} e não está em nenhum canal; /join leva a um.",
                name(user.as_str())
            )
        }
        Notice::Left { channel: of, current: Some(current) } => {
            format!("Você saiu de {} e está em {}.", channel(of), channel(current))
        }
        Notice::Left { channel: of, current: None } => {
            format!("Você saiu de {} e não está em nenhum canal agora; /join leva a um.", channel(of))
        }
        Notice::Alerting { place: of, level } => match level {
            Some(Level::All) => format!("Você é avisado de tudo em {}.", place(of)),
            Some(Level::Mentions) => format!("Você é avisado do que cita você em {}.", place(of)),
            Some(Level::None) => {
                format!("Você não é avisado de nada em {}; /unmute termina isso.", place(of))
            }
            None => format!("Você é avisado de {} como de costume.", place(of)),
        },
        Notice::Disturbing { is_on: true } => "As notificações estão ligadas.".to_owned(),
        Notice::Disturbing { is_on: false } => {
            "Sem notificações até você sair, ou dizer /dnd off.".to_owned()
        }
        Notice::Attending { is_away: true } => {
            "Os outros veem que você está ausente; /back encerra isso.".to_owned()
        }
        Notice::Attending { is_away: false } => "Os outros veem que você está aqui.".to_owned(),
        Notice::Created { channel: of } => format!("O canal {} foi criado.", channel(of)),
        Notice::ServerLost { reason } => {
            let reason = circumstance(language, reason);
            format!("O servidor está fora do ar: {reason}. Suas linhas ficam guardadas até ele voltar.")
        }
        Notice::ServerBack { kept: 0 } => "O servidor voltou.".to_owned(),
        Notice::ServerBack { kept: 1 } => {
            "O servidor voltou. A linha que ficou guardada está sendo enviada.".to_owned()
        }
        Notice::ServerBack { kept } => {
            format!("O servidor voltou. As {kept} linhas que ficaram guardadas estão sendo enviadas.")
        }
        Notice::Secured { endpoint, key } => secured(language, endpoint, key),
        Notice::Distrusted(found) => distrusted(Language::Portuguese, found),
        Notice::Governed { what, channel: of } => governed(Language::Portuguese, what, of.as_ref()),
        Notice::BrokerLost { reason } => {
            let reason = circumstance(language, reason);
            format!("O broker está fora do ar: {reason}. As mensagens chegam quando ele voltar.")
        }
        Notice::NotAdmitted => format!("{}.", not_admitted(language)),
        Notice::BrokerBack => "O broker voltou.".to_owned(),
        Notice::Missing { place: of, first, last } if first == last => {
            format!("A mensagem {first} de {} não está mais guardada em lugar nenhum.", place(of))
        }
        Notice::Missing { place: of, first, last } => {
            format!(
                "As mensagens {first} a {last} de {} não estão mais guardadas em lugar nenhum.",
                place(of)
            )
        }
        Notice::EpochChanged { place: of } => {
            format!(
                "Os dados do servidor foram restaurados: mensagens de {} podem ter se perdido com isso.",
                place(of)
            )
        }
        Notice::Malformed { topic, reason } => {
            format!("Chegou a {} algo que não é mensagem ({}).", name(topic), one_line(reason))
        }
        Notice::Kept { lines: 1 } => {
            "Ainda não enviada: a linha fica guardada até o servidor responder.".to_owned()
        }
        Notice::Kept { lines } => {
            format!("Ainda não enviadas: {lines} linhas ficam guardadas até o servidor responder.")
        }
        Notice::KeptBefore { lines: 1 } => "Uma linha guardada da última vez está sendo enviada:".to_owned(),
        Notice::KeptBefore { lines } => {
            format!("{lines} linhas guardadas da última vez estão sendo enviadas:")
        }
        Notice::KeptForLater { lines: 1 } => {
            "Uma linha ainda não teve resposta. Ela fica guardada e será enviada da próxima vez.".to_owned()
        }
        Notice::KeptForLater { lines } => {
            format!(
                "{lines} linhas ainda não tiveram resposta. Elas ficam guardadas e serão enviadas da próxima vez."
            )
        }
        Notice::KeptDamaged { copy } => {
            format!(
                "O que estava guardado da última vez foi danificado; uma cópia, como foi achado, está em {}.",
                one_line(copy)
            )
        }
        Notice::KeptElsewhere => {
            "Você também está aqui com outro cliente: este não guarda nada para a próxima vez.".to_owned()
        }
        Notice::KeepsNothing { reason } => {
            format!(
                "Nada pode ser guardado para a próxima vez: {}.",
                circumstance(language, reason.trim_end_matches('.'))
            )
        }
        Notice::Away { channel: of, count, shown } => away(language, of.as_ref(), *count, *shown),
        Notice::HowToQuit => "Ctrl-C de novo, Ctrl-D ou /quit para sair.".to_owned(),
    }
}

/// What somebody did, in one line.
pub(crate) fn act(language: Language, act: &ActShown) -> String {
    let (author, text) = (name(act.author.as_str()), one_line(&act.text));
    let of = match &act.place {
        Place::Channel(of) => Some(channel(of)),
        Place::Direct(_) => None,
    };
    let within = |preposition: &str| of.as_ref().map_or(String::new(), |of| format!(" {preposition} {of}"));
    match language {
        Language::English => match act.kind {
            ActKind::Edit => format!("{author} edited{}: {text}", within("in")),
            ActKind::Delete => format!("{author} deleted a message{}.", within("in")),
            ActKind::React => format!("{author} reacted{}: {text}", within("in")),
            ActKind::Unreact => format!("{author} took back{}: {text}", within("in")),
            ActKind::Topic if text.is_empty() => format!("{author} cleared the topic{}.", within("of")),
            ActKind::Topic => format!("{author} set the topic{}: {text}", within("in")),
        },
        Language::Portuguese => match act.kind {
            ActKind::Edit => format!("{author} editou{}: {text}", within("em")),
            ActKind::Delete => format!("{author} apagou uma mensagem{}.", within("em")),
            ActKind::React => format!("{author} reagiu{}: {text}", within("em")),
            ActKind::Unreact => format!("{author} retirou a reação{}: {text}", within("em")),
            ActKind::Topic if text.is_empty() => format!("{author} retirou o tópico{}.", within("de")),
            ActKind::Topic => format!("{author} definiu o tópico{}: {text}", within("de")),
        },
    }
}

fn away(language: Language, of: Option<&ChannelName>, count: u64, shown: u64) -> String {
    let (total, last) = (language.grouped(count), language.grouped(shown));
    match language {
        Language::English => {
            let place = of.map_or("to you directly".to_owned(), |of| format!("in {}", channel(of)));
            let messages = if count == 1 { "message" } else { "messages" };
            if shown < count {
                format!(
                    "{total} {messages} {place} since you left, showing the last {last}; /history shows more."
                )
            } else {
                format!("{total} {messages} {place} since you left:")
            }
        }
        Language::Portuguese => {
            let place = of.map_or("só para você".to_owned(), |of| format!("em {}", channel(of)));
            let messages = if count == 1 { "mensagem" } else { "mensagens" };
            match shown {
                _ if shown >= count => format!("{total} {messages} {place} desde que você saiu:"),
                1 => format!(
                    "{total} {messages} {place} desde que você saiu, mostrando a última; /history mostra mais."
                ),
                _ => format!(
                    "{total} {messages} {place} desde que você saiu, mostrando as últimas {last}; /history mostra mais."
                ),
            }
        }
    }
}

/// At the first start how this works, in five lines; later who one is and where one can go.
fn welcome(
    language: Language,
    user: &str,
    channels: &[ChannelName],
    joining: Option<&ChannelName>,
    is_first: bool,
) -> String {
    let user = name(user);
    let greeting = match (language, is_first) {
        (Language::English, true) => format!("Welcome to Recado, {user}."),
        (Language::English, false) => format!("Welcome back, {user}."),
        (Language::Portuguese, true) => format!("Boas-vindas ao Recado, {user}."),
        (Language::Portuguese, false) => format!("Boas-vindas de volta, {user}."),
    };
    let choice = choice(language, channels, joining);
    if !is_first {
        return format!("{greeting}\n{choice}");
    }
    let explained = match language {
        Language::English => {
            "What you type goes to everybody in the channel; /msg bob hello tells bob alone.\n\
             /help shows all commands, Tab completes them, Ctrl-D leaves.\n\
             What is said while you are away is here when you come back."
        }
        Language::Portuguese => {
            "O que você digita vai para todos no canal; /msg bia oi vai só para bia.\n\
             /help mostra todos os comandos, Tab os completa, Ctrl-D sai.\n\
             O que for dito na sua ausência estará aqui quando você voltar."
        }
    };
    format!("{greeting}\n{choice}\n{explained}")
}

fn choice(language: Language, channels: &[ChannelName], joining: Option<&ChannelName>) -> String {
    let listed = listed(language, channels);
    match (language, joining, channels) {
        (Language::English, Some(_), []) => {
            "There is no channel yet, so here is one to begin with.".to_owned()
        }
        (Language::English, Some(_), _) => format!("Channels: {listed}. /join goes to another one."),
        (Language::English, None, []) => "There is no channel yet: /create geral makes one.".to_owned(),
        (Language::English, None, [first, ..]) => {
            format!("Channels: {listed}. /join {first} goes to one, /create NAME makes another.")
        }
        (Language::Portuguese, Some(_), []) => {
            "Ainda não há nenhum canal; aqui está um para começar.".to_owned()
        }
        (Language::Portuguese, Some(_), _) => format!("Canais: {listed}. /join leva a outro."),
        (Language::Portuguese, None, []) => "Ainda não há nenhum canal: /create geral cria um.".to_owned(),
        (Language::Portuguese, None, [first, ..]) => {
            format!("Canais: {listed}. /join {first} leva a um, /create NOME cria outro.")
        }
    }
}

fn listed(language: Language, channels: &[ChannelName]) -> String {
    const LISTED_MAX: usize = 12;
    let mut names: Vec<String> = channels.iter().take(LISTED_MAX).map(channel).collect();
    let more = channels.len().saturating_sub(LISTED_MAX);
    if more > 0 {
        names.push(match language {
            Language::English => format!("and {more} more"),
            Language::Portuguese => format!("e mais {more}"),
        });
    }
    names.join(", ")
}

/// What was started for the chat.
pub(crate) fn hosted(language: Language, Hosted { parts, is_secured }: Hosted) -> String {
    match language {
        Language::English => {
            let what = match parts {
                HostedParts::Both => "a broker and a server",
                HostedParts::Server => "a server",
                HostedParts::Broker => "a broker",
            };
            let others = match is_secured {
                false => "Others on this machine join with: recado client",
                true => "Others join with a link, which an administrator makes: recado admin invite",
            };
            format!("Started {what} in this program, for as long as the chat is open.\n{others}")
        }
        Language::Portuguese => {
            let what = match parts {
                HostedParts::Both => "Um broker e um servidor foram iniciados",
                HostedParts::Server => "Um servidor foi iniciado",
                HostedParts::Broker => "Um broker foi iniciado",
            };
            let others = match is_secured {
                false => "Outras pessoas nesta máquina entram com: recado client",
                true => "Outras pessoas entram com um link, que um administrador cria: recado admin invite",
            };
            format!("{what} neste programa, enquanto o chat estiver aberto.\n{others}")
        }
    }
}

/// Whose the secured server is that was started for the chat.
pub(crate) fn founded(language: Language, user: &UserName) -> String {
    match language {
        Language::English => format!("You are {user} there, and administrator, as the first one."),
        Language::Portuguese => format!("Você é {user} lá, e administra, por ser a primeira pessoa."),
    }
}

/// Nobody answers where the chat was to begin.
pub(crate) fn no_server(language: Language, config: &SessionConfig, reason: &str) -> String {
    let reason = circumstance(language, reason);
    let endpoint = &config.servers[0];
    match (language, config.is_startable()) {
        (Language::English, true) => {
            format!("No server answers at {endpoint} ({reason}); `recado up` starts one.")
        }
        (Language::English, false) => {
            format!("No server answers at {endpoint} ({reason}); ask whoever runs it.")
        }
        (Language::Portuguese, true) => {
            format!("Nenhum servidor responde em {endpoint} ({reason}); `recado up` inicia um.")
        }
        (Language::Portuguese, false) => {
            format!("Nenhum servidor responde em {endpoint} ({reason}); fale com quem cuida dele.")
        }
    }
}

/// It goes on trying.
pub(crate) fn still_trying(language: Language) -> &'static str {
    match language {
        Language::English => "Still trying. Ctrl-C leaves.",
        Language::Portuguese => "Tentando ainda. Ctrl-C para sair.",
    }
}

/// Lines that found no room among those that wait to be printed.
pub(crate) fn too_fast(language: Language, dropped: usize) -> String {
    match (language, dropped) {
        (Language::English, _) => {
            format!("{dropped} lines came too fast to be shown; /history has them.")
        }
        (Language::Portuguese, 1) => {
            "1 linha chegou rápido demais para ser mostrada; /history a tem.".to_owned()
        }
        (Language::Portuguese, _) => {
            format!("{dropped} linhas chegaram rápido demais para serem mostradas; /history as tem.")
        }
    }
}

/// What the system and the sockets say of a connection or a file, as a half sentence. Those that people meet have words of their own;
/// others stay as they came.
pub(super) fn circumstance(language: Language, reason: &str) -> Cow<'_, str> {
    let translated = match language {
        Language::English => None,
        Language::Portuguese => match reason {
            "nobody answers" => Some("ninguém responde"),
            "it does not answer" => Some("ele não responde"),
            "connection refused" => Some("conexão recusada"),
            "connection reset by peer" => Some("o outro lado interrompeu a conexão"),
            "the peer closed the connection" => Some("o outro lado fechou a conexão"),
            "the peer closed the connection at once; it may have too many" => {
                Some("o outro lado fechou a conexão na hora; talvez tenha conexões demais")
            }
            "the peer takes no further connection with this key for now" => {
                Some("o outro lado não aceita mais conexões com esta chave por enquanto")
            }
            "the peer does not admit this key" => Some("o outro lado não admite esta chave"),
            "the peer is silent" => Some("o outro lado não dá sinal"),
            "broken pipe" => Some("a conexão se rompeu"),
            "connection timed out" => Some("o tempo de conexão se esgotou"),
            "no route to host" => Some("não há caminho até lá"),
            "network is unreachable" => Some("a rede está fora de alcance"),
            "no such file or directory" => Some("o arquivo ou a pasta não existe"),
            "permission denied" => Some("sem permissão"),
            "no space left on device" => Some("não há mais espaço em disco"),
            "read-only file system" => Some("só é possível ler ali"),
            "there is no home folder" => Some("não há pasta pessoal"),
            _ => None,
        },
    };
    translated.map_or_else(|| one_line(reason), Cow::Borrowed)
}
