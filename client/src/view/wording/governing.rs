//! What members and administrators have done, who is in a channel, and whether a server is the one that was meant.

use recado_proto::{ChannelName, Members, Role};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::PublicKey;

use crate::chat::command::Governing;
use crate::duration;
use crate::keys::Distrust;

use super::language::Language;
use super::{channel, name};

/// What was done, as one line. `within` is the channel that it was about.
pub(crate) fn governed(language: Language, what: &Governing, within: Option<&ChannelName>) -> String {
    let user = what.user().map(|user| name(user.as_str()).into_owned()).unwrap_or_default();
    let of = within.map(channel).unwrap_or_default();
    match (language, what) {
        (Language::English, Governing::Invite(_)) => format!("{user} is in {of} now."),
        (Language::Portuguese, Governing::Invite(_)) => format!("{user} está em {of} agora."),
        (Language::English, Governing::Kick(_)) => format!("{user} is in {of} no longer."),
        (Language::Portuguese, Governing::Kick(_)) => format!("{user} não está mais em {of}."),
        (Language::English, Governing::Ban(_)) => format!("{user} is shut out."),
        (Language::Portuguese, Governing::Ban(_)) => format!("{user} foi banido daqui."),
        (Language::English, Governing::Unban(_)) => format!("{user} may come back."),
        (Language::Portuguese, Governing::Unban(_)) => format!("{user} pode voltar."),
        (Language::English, Governing::Role { role, .. }) => {
            format!("{user} is {} now.", english_role(*role))
        }
        (Language::Portuguese, Governing::Role { role, .. }) => {
            format!("{user} agora é {}.", portuguese_role(*role))
        }
        (Language::English, Governing::Silence { lasting: None, .. }) => {
            format!("{user} sends nothing to {of} until /unsilence {user}.")
        }
        (Language::Portuguese, Governing::Silence { lasting: None, .. }) => {
            format!("{user} não envia nada a {of} até /unsilence {user}.")
        }
        (Language::English, Governing::Silence { lasting: Some(lasting), .. }) => {
            format!("{user} sends nothing to {of} for {}.", duration::written(*lasting))
        }
        (Language::Portuguese, Governing::Silence { lasting: Some(lasting), .. }) => {
            format!("{user} não envia nada a {of} durante {}.", duration::written(*lasting))
        }
        (Language::English, Governing::Unsilence(_)) => format!("{user} may send to {of} again."),
        (Language::Portuguese, Governing::Unsilence(_)) => format!("{user} pode enviar a {of} de novo."),
        (Language::English, Governing::Private) => {
            format!("{of} is for its members alone now; /invite USER takes somebody in.")
        }
        (Language::Portuguese, Governing::Private) => {
            format!("{of} agora é só dos seus membros; /invite USUÁRIO traz alguém.")
        }
        (Language::English, Governing::Public) => format!("{of} is for everybody now."),
        (Language::Portuguese, Governing::Public) => format!("{of} agora é de todos."),
    }
}

fn english_role(role: Role) -> &'static str {
    match role {
        Role::Administrator => "an administrator",
        Role::Member => "a member",
        Role::Bot => "a bot",
    }
}

fn portuguese_role(role: Role) -> &'static str {
    match role {
        Role::Administrator => "administrador",
        Role::Member => "membro",
        Role::Bot => "robô",
    }
}

/// Who is in a channel.
pub(crate) fn members(language: Language, of: &ChannelName, members: &Members) -> String {
    let of = channel(of);
    let named = members.members.iter().map(|user| name(user.as_str())).collect::<Vec<_>>().join(", ");
    match (language, members.private) {
        (Language::English, true) => format!("in {of}: {named}"),
        (Language::Portuguese, true) => format!("em {of}: {named}"),
        (Language::English, false) => format!("{of} is public: everybody is in it."),
        (Language::Portuguese, false) => format!("{of} é público: todos estão nele."),
    }
}

/// With what another device joins.
pub(crate) fn device(language: Language, link: &str) -> String {
    match language {
        Language::English => format!(
            "On your other device, within a quarter of an hour: recado join '{link}'\n\
             `recado keys device` in a terminal shows such a link for a camera, too."
        ),
        Language::Portuguese => format!(
            "No seu outro dispositivo, em até quinze minutos: recado join '{link}'\n\
             `recado keys device` num terminal também mostra um desses para a câmera."
        ),
    }
}

/// What answers is not the server that was meant.
pub(crate) fn distrusted(language: Language, found: &Distrust) -> String {
    match (language, found) {
        // The same as programs are told.
        (Language::English, found) => found.to_string(),
        (Language::Portuguese, Distrust::Changed { endpoint, known, found }) => format!(
            "ATENÇÃO: A CHAVE DESTE SERVIDOR MUDOU\n\
             \x20 servidor   {endpoint}\n\
             \x20 conhecida  {}\n\
             \x20 agora      {}\n\
             Ou ele foi instalado de novo, ou há alguém entre vocês. Nada foi enviado.\n\
             Pergunte a quem cuida do servidor qual é a impressão digital dele. Só se for a de agora:\n\
             \x20 recado keys forget {endpoint}",
            known.fingerprint(),
            found.fingerprint()
        ),
        (Language::Portuguese, Distrust::Opened { endpoint, known }) => format!(
            "ATENÇÃO: ESTE SERVIDOR NÃO É MAIS PROTEGIDO\n\
             \x20 servidor   {endpoint}\n\
             \x20 conhecida  {}\n\
             \x20 agora      sem chave nenhuma, sem criptografia\n\
             Ou a proteção dele foi desligada, ou há alguém entre vocês. Nada foi enviado.\n\
             Pergunte a quem cuida do servidor. Só se for de propósito:\n\
             \x20 recado keys forget {endpoint}",
            known.fingerprint()
        ),
        (Language::Portuguese, Distrust::Secured { endpoint, found }) => format!(
            "o servidor em {endpoint} é protegido, com a chave {}; inicie este programa de novo, ou entre com: recado join CONVITE",
            found.fingerprint()
        ),
    }
}

/// The same in half a sentence.
pub(crate) fn distrusted_briefly(language: Language, found: &Distrust) -> &'static str {
    match (language, found) {
        (Language::English, Distrust::Changed { .. }) => {
            "the server's key has changed, and it is not trusted"
        }
        (Language::Portuguese, Distrust::Changed { .. }) => {
            "a chave do servidor mudou, e ele não é de confiança"
        }
        (Language::English, Distrust::Opened { .. }) => "the server is no longer secured, and not trusted",
        (Language::Portuguese, Distrust::Opened { .. }) => {
            "o servidor não é mais protegido, nem de confiança"
        }
        (Language::English, Distrust::Secured { .. }) => {
            "the server is secured now; start this program again"
        }
        (Language::Portuguese, Distrust::Secured { .. }) => {
            "o servidor agora é protegido; inicie este programa de novo"
        }
    }
}

/// By what one knows the server, in few words.
pub(crate) fn secured(language: Language, endpoint: &Endpoint, key: &PublicKey) -> String {
    let key = key.fingerprint();
    match language {
        Language::English => format!("Encrypted. The server at {endpoint} has the key {key}."),
        Language::Portuguese => format!("Criptografado. O servidor em {endpoint} tem a chave {key}."),
    }
}
