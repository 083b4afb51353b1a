//! Finding out: files, sockets, clocks. Nothing is changed, made or kept, and what is in a key file is wiped after a look at its form.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use recado_client::{
    probe_time,
    view::colour::{ColourWhen, Palette},
};
use recado_server::{StoreUrl, store::examine};
use recado_zmtp::{
    Endpoint,
    curve::{PublicKey, Security},
    transport::Stream,
};
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit, getuid},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{
    DoctorArgs,
    facts::{
        Clock, Facts, FileState, Greeting, Listener, Mechanism, Secret, SecretKind, Socket, Store, Terminal,
        Welcome,
    },
    forms::{GREETING_BYTES, greeting, has_form, mechanism},
    secured::{self, Keys, key_of},
};
use crate::{pair::reachable, status};

/// A key file has a few lines, and known servers are counted in hundreds at most.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Looks at everything. `is_terminal` is whether the chat would have a terminal.
pub(super) async fn gather(args: &DoctorArgs, is_terminal: bool) -> Facts {
    let (began, began_at) = (SystemTime::now(), Instant::now());
    let data_folder = data_folder();
    let usual = |name: &str| data_folder.as_ref().map(|folder| folder.join(name));
    let device_key = args.device.device_key.clone().or_else(|| usual("device.key"));
    let installation_key = args.key.clone().or_else(|| usual("installation.key"));
    let listeners = listeners(args).await;
    let keys = Keys::load(device_key.as_deref(), installation_key.as_deref());
    let (server_s, welcome) = server(args, &listeners, &keys).await;
    let now = SystemTime::now();
    let broker_version = broker_version(args, &listeners, &keys).await;
    Facts {
        settings: args.settings.clone(),
        user: getuid().as_raw(),
        secrets: secrets(installation_key, device_key, usual("known_servers")),
        data_folder: data_folder.map(|folder| {
            let state = state_of(&folder, |_| true);
            (folder, state)
        }),
        store: store(args.store.clone().unwrap_or_default()),
        listeners,
        welcome,
        broker_version,
        clock: Clock {
            now_s: unix_seconds(now),
            server_s,
            clock_went: SystemTime::now().duration_since(began).unwrap_or_default(),
            time_passed: began_at.elapsed(),
        },
        open_files_max: getrlimit(Resource::Nofile).maximum,
        terminal: terminal(is_terminal),
    }
}

/// Our folder among the user's data, where the store lies if nothing else is said.
fn data_folder() -> Option<PathBuf> {
    let store = StoreUrl::default().path().ok()?;
    store.parent().map(Path::to_path_buf)
}

fn secrets(
    installation_key: Option<PathBuf>,
    device_key: Option<PathBuf>,
    known_servers: Option<PathBuf>,
) -> Vec<Secret> {
    [
        (SecretKind::InstallationKey, installation_key),
        (SecretKind::DeviceKey, device_key),
        (SecretKind::KnownServers, known_servers),
    ]
    .into_iter()
    .filter_map(|(kind, path)| {
        let path = path?;
        let state = state_of(&path, |path| {
            read(path).is_ok_and(|text| std::str::from_utf8(&text).is_ok_and(|text| has_form(kind, text)))
        });
        Some(Secret { kind, path, state })
    })
    .collect()
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read(path).map(Zeroizing::new)
}

fn state_of(path: &Path, has_form: impl FnOnce(&Path) -> bool) -> FileState {
    match fs::metadata(path) {
        Ok(data) => FileState::There {
            mode: data.permissions().mode() & 0o7777,
            owner: data.uid(),
            has_form: has_form(path),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
        Err(error) => FileState::Unreadable(format!("{} cannot be looked at: {error}", path.display())),
    }
}

fn store(url: StoreUrl) -> Store {
    let path = match url.path() {
        Ok(path) => path,
        Err(error) => return Store { path: PathBuf::new(), file: Err(error.to_string()), free_bytes: None },
    };
    let file = examine(&path).map_err(|error| error.to_string());
    Store { file, free_bytes: free_bytes(&path), path }
}

/// Of the folder that is there already, if the store's own is not.
fn free_bytes(path: &Path) -> Option<u64> {
    let absolute = std::path::absolute(path).ok()?;
    let room = absolute.ancestors().find_map(|folder| statvfs(folder).ok())?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

async fn listeners(args: &DoctorArgs) -> Vec<Listener> {
    let places = [
        (Socket::Requests, Some(&args.requests)),
        (Socket::Publishers, Some(&args.publishers)),
        (Socket::Subscribers, Some(&args.subscribers)),
        (Socket::Status, args.status.as_ref()),
    ];
    let mut listeners = Vec::with_capacity(places.len());
    for (socket, endpoint) in places {
        let Some(endpoint) = endpoint.cloned() else { continue };
        let greeting = greet(&reachable(&endpoint), args.wait).await;
        let key = match &greeting {
            Greeting::Mechanism(Mechanism::Curve) => key_of(&reachable(&endpoint), args.wait).await,
            Greeting::Mechanism(Mechanism::Null | Mechanism::Other(_))
            | Greeting::Nobody(_)
            | Greeting::Other => None,
        };
        listeners.push(Listener { socket, endpoint, greeting, key });
    }
    listeners
}

/// Says hello and hears what security is wanted.
async fn greet(endpoint: &Endpoint, limit: Duration) -> Greeting {
    let mut stream = match timeout(limit, Stream::connect(endpoint)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Greeting::Nobody(error.to_string()),
        Err(_) => return Greeting::Nobody(format!("no connection within {limit:?}")),
    };
    let mut answer = [0; GREETING_BYTES];
    let exchange = async {
        stream.write_all(&greeting()).await?;
        stream.read_exact(&mut answer).await
    };
    match timeout(limit, exchange).await {
        Ok(Ok(_)) => mechanism(&answer).map_or(Greeting::Other, Greeting::Mechanism),
        Ok(Err(_)) | Err(_) => Greeting::Other,
    }
}

/// The listener of this kind, if it answers as ours do: the key that it has, none where it is open.
fn found(listeners: &[Listener], socket: Socket) -> Option<Option<PublicKey>> {
    let listener = listeners.iter().find(|listener| listener.socket == socket)?;
    match listener.greeting {
        Greeting::Mechanism(Mechanism::Null) => Some(None),
        Greeting::Mechanism(Mechanism::Curve) => listener.key.map(Some),
        Greeting::Mechanism(Mechanism::Other(_)) | Greeting::Nobody(_) | Greeting::Other => None,
    }
}

/// What a server's clock shows in Unix seconds, and, of a secured one, whom it takes this machine for.
async fn server(args: &DoctorArgs, listeners: &[Listener], keys: &Keys) -> (Option<i64>, Option<Welcome>) {
    let endpoint = reachable(&args.requests);
    match found(listeners, Socket::Requests) {
        None => (None, None),
        Some(None) => {
            let time = probe_time(&endpoint, &Security::Null, args.wait).await;
            (time.ok().map(|time| time.as_seconds()), None)
        }
        Some(Some(key)) => {
            let (time, welcome) = secured::server(&endpoint, key, &args.device, keys, args.wait).await;
            (time, Some(welcome))
        }
    }
}

async fn broker_version(
    args: &DoctorArgs,
    listeners: &[Listener],
    keys: &Keys,
) -> Option<Result<String, String>> {
    let endpoint = args.status.as_ref()?;
    match found(listeners, Socket::Status)? {
        None => Some(status::version(endpoint, Security::Null, args.wait).await),
        Some(key) => Some(secured::broker_version(endpoint, key, keys, args.wait).await),
    }
}

fn terminal(is_terminal: bool) -> Terminal {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Terminal {
        is_terminal,
        name: variable("TERM"),
        locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable),
        has_colours: Palette::decide(ColourWhen::Auto, is_terminal) != Palette::Plain,
    }
}

fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use recado_zmtp::curve::{KeyPair, Security};
    use recado_zmtp::{Endpoint, Router, SocketOptions};
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::{Greeting, Mechanism, greet};

    const LONG: Duration = Duration::from_secs(60);

    async fn greeting_of(security: Security) -> Greeting {
        let options = SocketOptions { security, ..SocketOptions::default() };
        let router = Router::bind(&"tcp://127.0.0.1:*".parse().unwrap(), options).await.unwrap();
        let greeting = greet(router.local_endpoint(), LONG).await;
        router.close().await;
        greeting
    }

    /// Somebody who says this to whoever comes, and hangs up.
    async fn greeting_of_other(says: &'static [u8]) -> Greeting {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint: Endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let other = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(says).await.unwrap();
        };
        tokio::join!(greet(&endpoint, LONG), other).0
    }

    #[tokio::test]
    async fn a_listener_says_what_security_it_wants() {
        assert_eq!(greeting_of(Security::Null).await, Greeting::Mechanism(Mechanism::Null));
        let secured = Security::CurveServer(KeyPair::generate());
        assert_eq!(greeting_of(secured).await, Greeting::Mechanism(Mechanism::Curve));
    }

    #[tokio::test]
    async fn who_is_no_listener_of_ours_is_told_from_nobody() {
        assert_eq!(greeting_of_other(b"SSH-2.0-OpenSSH_9.9\r\n").await, Greeting::Other);
        assert_eq!(greeting_of_other(&[b'x'; 100]).await, Greeting::Other);
        assert_eq!(greeting_of_other(b"").await, Greeting::Other);
        let folder = std::env::temp_dir().join("recado-doctor-nobody");
        let nobody: Endpoint = format!("ipc://{}", folder.display()).parse().unwrap();
        assert!(matches!(greet(&nobody, LONG).await, Greeting::Nobody(_)));
    }
}
