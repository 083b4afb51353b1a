//! Does what a test tells it with the `zeromq` crate and `rmpv`. README.md beside this file says how it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use zeromq::{
    PubSocket, ReqSocket, Socket, SocketRecv, SocketSend, SubSocket, XPubSocket, XSubSocket, ZmqMessage,
};

/// The sockets that a test has opened, by the names that it gave them.
#[derive(Default)]
struct Peer {
    requests: BTreeMap<String, ReqSocket>,
    subscribers: BTreeMap<String, SubSocket>,
    publishers: BTreeMap<String, PubSocket>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut peer = Peer::default();
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = match text(&command, "do")? {
            "open" => peer.open(&command).await,
            "ask" => peer.ask(&command).await,
            "publish" => peer.publish(&command).await,
            "hear" => peer.hear(&command).await,
            "forward" => forward(&command).await,
            other => bail!("no command {other}"),
        };
        writeln!(std::io::stdout(), "{}", answer.with_context(|| command.to_string())?)?;
    }
    Ok(())
}

impl Peer {
    async fn open(&mut self, command: &Value) -> anyhow::Result<Value> {
        let name = text(command, "name")?.to_owned();
        let endpoint = text(command, "connect")?;
        match text(command, "kind")? {
            "REQ" => {
                let mut socket = ReqSocket::new();
                socket.connect(endpoint).await?;
                self.requests.insert(name, socket);
            }
            "SUB" => {
                let mut socket = SubSocket::new();
                socket.connect(endpoint).await?;
                for topic in command["subscribe"].as_array().into_iter().flatten() {
                    socket.subscribe(topic.as_str().context("a topic is text")?).await?;
                }
                self.subscribers.insert(name, socket);
            }
            "PUB" => {
                let mut socket = PubSocket::new();
                socket.connect(endpoint).await?;
                self.publishers.insert(name, socket);
            }
            other => bail!("no socket {other}"),
        }
        Ok(json!({}))
    }

    async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        let socket = self.requests.get_mut(text(command, "name")?).context("not opened")?;
        socket.send(pack(&command["request"])?.into()).await?;
        let reply = socket.recv().await?;
        Ok(json!({"reply": unpack(reply.get(0).context("a reply has a frame")?)?}))
    }

    async fn publish(&mut self, command: &Value) -> anyhow::Result<Value> {
        let socket = self.publishers.get_mut(text(command, "name")?).context("not opened")?;
        let mut message = ZmqMessage::from(text(command, "topic")?);
        message.push_back(pack(&command["map"])?.into());
        socket.send(message).await?;
        Ok(json!({}))
    }

    async fn hear(&mut self, command: &Value) -> anyhow::Result<Value> {
        let socket = self.subscribers.get_mut(text(command, "name")?).context("not opened")?;
        let within = Duration::from_millis(command["within_ms"].as_u64().context("milliseconds")?);
        let Ok(message) = tokio::time::timeout(within, socket.recv()).await else { return Ok(json!({})) };
        let message = message?;
        let (topic, payload) = message.get(0).zip(message.get(1)).context("a publication has two frames")?;
        Ok(json!({"topic": std::str::from_utf8(topic)?, "map": unpack(payload)?}))
    }
}

async fn forward(command: &Value) -> anyhow::Result<Value> {
    let (mut xsub, mut xpub) = (XSubSocket::new(), XPubSocket::new());
    let endpoints = json!({
        "xsub": join(&mut xsub, &command["xsub"]).await?,
        "xpub": join(&mut xpub, &command["xpub"]).await?,
    });
    tokio::spawn(async move {
        loop {
            tokio::select! {
                message = xsub.recv() => match message {
                    Ok(message) => xpub.send(message).await?,
                    Err(error) => eprintln!("XSUB: {error}"),
                },
                message = xpub.recv() => match message {
                    Ok(message) => xsub.send(message).await?,
                    Err(error) => eprintln!("XPUB: {error}"),
                },
            }
        }
        #[expect(unreachable_code, reason = "it says what `?` returns")]
        anyhow::Ok(())
    });
    Ok(endpoints)
}

async fn join(socket: &mut impl Socket, endpoint: &Value) -> anyhow::Result<String> {
    if let Some(endpoint) = endpoint.as_str() {
        socket.connect(endpoint).await?;
        return Ok(endpoint.to_owned());
    }
    Ok(socket.bind("tcp://127.0.0.1:0").await?.to_string())
}

fn text<'a>(command: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    command[key].as_str().with_context(|| format!("{key} is missing"))
}

fn pack(value: &Value) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, &to_messagepack(value)?)?;
    Ok(out)
}

fn to_messagepack(value: &Value) -> anyhow::Result<rmpv::Value> {
    Ok(match value {
        Value::Object(pairs) => match pairs.get("hex").and_then(Value::as_str) {
            Some(hex) => rmpv::Value::Binary(from_hex(hex)?),
            None => {
                let pairs =
                    pairs.iter().map(|(key, value)| Ok((key.as_str().into(), to_messagepack(value)?)));
                rmpv::Value::Map(pairs.collect::<anyhow::Result<_>>()?)
            }
        },
        Value::Array(values) => {
            rmpv::Value::Array(values.iter().map(to_messagepack).collect::<Result<_, _>>()?)
        }
        other => rmpv::ext::to_value(other)?,
    })
}

fn unpack(bytes: &[u8]) -> anyhow::Result<Value> {
    to_json(&rmpv::decode::read_value(&mut &bytes[..])?)
}

fn to_json(value: &rmpv::Value) -> anyhow::Result<Value> {
    Ok(match value {
        rmpv::Value::Binary(bytes) => {
            json!({"hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()})
        }
        rmpv::Value::Map(pairs) => {
            let pair = |(key, value): &(rmpv::Value, rmpv::Value)| {
                Ok((key.as_str().context("keys are text")?.to_owned(), to_json(value)?))
            };
            Value::Object(pairs.iter().map(pair).collect::<anyhow::Result<Map<_, _>>>()?)
        }
        rmpv::Value::Array(values) => Value::Array(values.iter().map(to_json).collect::<Result<_, _>>()?),
        other => serde_json::to_value(other)?,
    })
}

fn from_hex(hex: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(2).map(|pair| Ok(u8::from_str_radix(&pair.iter().collect::<String>(), 16)?)).collect()
}
