// Does what a test tells it with zeromq.js and @msgpack/msgpack. README.md beside this file says how it is told.

import { createInterface } from "node:readline";
import { decode, encode } from "@msgpack/msgpack";
import { Publisher, Request, Subscriber, XPublisher, XSubscriber } from "zeromq";

const kinds = { REQ: Request, SUB: Subscriber, PUB: Publisher };
const sockets = new Map();

function toJson(_key, value) {
  // A Buffer has been through its own toJSON by the time it comes here.
  if (value?.type === "Buffer") return { hex: Buffer.from(value.data).toString("hex") };
  return value instanceof Uint8Array ? { hex: Buffer.from(value).toString("hex") } : value;
}

function fromJson(_key, value) {
  return typeof value?.hex === "string" ? Buffer.from(value.hex, "hex") : value;
}

async function open({ name, kind, connect, subscribe = [] }) {
  const socket = new kinds[kind]();
  sockets.set(name, socket);
  for (const topic of subscribe) socket.subscribe(topic);
  socket.connect(connect);
  return {};
}

async function ask({ name, request }) {
  const socket = sockets.get(name);
  await socket.send(encode(request));
  const [reply] = await socket.receive();
  return { reply: decode(reply) };
}

async function publish({ name, topic, map }) {
  await sockets.get(name).send([topic, encode(map)]);
  return {};
}

async function hear({ name, within_ms }) {
  const socket = sockets.get(name);
  socket.receiveTimeout = within_ms;
  try {
    const [topic, payload] = await socket.receive();
    return { topic: topic.toString(), map: decode(payload) };
  } catch (error) {
    if (error.code === "EAGAIN") return {};
    throw error;
  }
}

async function forward({ xsub, xpub }) {
  const [upper, lower] = [new XSubscriber(), new XPublisher()];
  const endpoints = { xsub: await join(upper, xsub), xpub: await join(lower, xpub) };
  pass(upper, lower);
  pass(lower, upper);
  return endpoints;
}

async function join(socket, endpoint) {
  if (endpoint !== null) {
    socket.connect(endpoint);
    return endpoint;
  }
  await socket.bind("tcp://127.0.0.1:*");
  return socket.lastEndpoint;
}

async function pass(from, to) {
  for await (const frames of from) await to.send(frames);
}

const commands = { open, ask, publish, hear, forward };
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line, fromJson);
  console.log(JSON.stringify(await commands[command.do](command), toJson));
}
process.exit();
