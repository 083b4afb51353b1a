"""Does what a test tells it with pyzmq and msgpack. README.md beside this file says how it is told."""

import json
import os
import sys
import threading

import msgpack
import zmq

context = zmq.Context.instance()
sockets = {}


def to_json(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    raise TypeError(f"JSON has no {type(value)}")


def from_json(pairs):
    return bytes.fromhex(pairs["hex"]) if pairs.keys() == {"hex"} else pairs


def open_socket(command):
    socket = context.socket(getattr(zmq, command["kind"]))
    sockets[command["name"]] = socket
    for topic in command.get("subscribe", []):
        socket.subscribe(topic)
    socket.connect(command["connect"])
    return {}


def ask(command):
    socket = sockets[command["name"]]
    socket.send(msgpack.packb(command["request"]))
    return {"reply": msgpack.unpackb(socket.recv())}


def publish(command):
    sockets[command["name"]].send_multipart([command["topic"].encode(), msgpack.packb(command["map"])])
    return {}


def hear(command):
    socket = sockets[command["name"]]
    if not socket.poll(command["within_ms"]):
        return {}
    topic, payload = socket.recv_multipart()
    return {"topic": topic.decode(), "map": msgpack.unpackb(payload)}


def forward(command):
    xsub, xpub = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
    endpoints = {"xsub": join(xsub, command["xsub"]), "xpub": join(xpub, command["xpub"])}
    threading.Thread(target=zmq.proxy, args=(xsub, xpub), daemon=True).start()
    return endpoints


def join(socket, endpoint):
    if endpoint is None:
        socket.bind("tcp://127.0.0.1:*")
        return socket.getsockopt_string(zmq.LAST_ENDPOINT)
    socket.connect(endpoint)
    return endpoint


commands = {"open": open_socket, "ask": ask, "publish": publish, "hear": hear, "forward": forward}
for line in sys.stdin:
    command = json.loads(line, object_hook=from_json)
    print(json.dumps(commands[command["do"]](command), default=to_json), flush=True)
# The proxy's thread would keep the context, and with it the process.
os._exit(0)
