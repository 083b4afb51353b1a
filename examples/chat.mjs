// npm install zeromq @msgpack/msgpack; then: node chat.mjs [SERVER BROKER]
import { decode, encode } from "@msgpack/msgpack";
import { Request, Subscriber } from "zeromq";

const [server = "tcp://127.0.0.1:5555", broker = "tcp://127.0.0.1:5558"] = process.argv.slice(2);
const [requests, news] = [new Request(), new Subscriber({ receiveTimeout: 1000 })];
requests.connect(server);
news.connect(broker);
news.subscribe("geral");

async function ask(service, data) {
  await requests.send(encode({ service, data: { ...data, timestamp: Math.floor(Date.now() / 1000) } }));
  return decode((await requests.receive())[0]).data;
}

console.log(await ask("login", { user: "javascript" }));
console.log(await ask("channel", { channel: "geral" })); // refused with "name_taken" if it is there
for (let publication; !publication; ) { // until the subscription has reached the broker
  console.log(await ask("publish", { user: "javascript", channel: "geral", message: "hello from JavaScript" }));
  publication = await news.receive().catch(() => undefined);
  if (publication) console.log(publication[0].toString(), decode(publication[1]));
}
