//! cargo add zeromq tokio serde_json; cargo add rmpv -F with-serde; here: cargo run -p recado-tests --example chat [SERVER BROKER]

use std::{error::Error, time::Duration};

use serde_json::{Value, json};
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend, SubSocket};

async fn ask(requests: &mut ReqSocket, service: &str, data: Value) -> Result<rmpv::Value, Box<dyn Error>> {
    let (mut request, value) = (Vec::new(), rmpv::ext::to_value(json!({"service": service, "data": data}))?);
    rmpv::encode::write_value(&mut request, &value)?;
    requests.send(request.into()).await?;
    let reply = requests.recv().await?;
    Ok(rmpv::decode::read_value(&mut &reply.get(0).ok_or("an empty reply")?[..])?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = |index, default: &str| std::env::args().nth(index).unwrap_or(default.to_owned());
    let (mut requests, mut news) = (ReqSocket::new(), SubSocket::new());
    requests.connect(&endpoint(1, "tcp://127.0.0.1:5555")).await?;
    news.connect(&endpoint(2, "tcp://127.0.0.1:5558")).await?;
    news.subscribe("geral").await?;
    println!("{}", ask(&mut requests, "login", json!({"user": "rust"})).await?);
    // Refused with "name_taken" if it is there.
    println!("{}", ask(&mut requests, "channel", json!({"channel": "geral"})).await?);
    let publication = loop {
        // Until the subscription has reached the broker.
        let message = json!({"user": "rust", "channel": "geral", "message": "hello from Rust"});
        println!("{}", ask(&mut requests, "publish", message).await?);
        if let Ok(heard) = tokio::time::timeout(Duration::from_secs(1), news.recv()).await {
            break heard?.into_vec();
        }
    };
    let topic = String::from_utf8_lossy(&publication[0]);
    println!("{topic} {}", rmpv::decode::read_value(&mut &publication[1][..])?);
    Ok(())
}
