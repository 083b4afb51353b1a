"""A publisher or a subscriber as programs write them with pyzmq, as fast as they go.

throughput.py publish ENDPOINT BODY_BYTES      sends until it is killed
throughput.py subscribe ENDPOINT SECONDS       prints messages received a second, half a second after the first
throughput.py version                          prints the versions of pyzmq and libzmq
"""

import sys
import time

import zmq

TOPIC = b"geral"
WARM_UP_SECONDS = 0.5
PATIENCE_MS = 20_000
MESSAGES_BETWEEN_LOOKS_AT_THE_CLOCK = 100


def connected(kind, endpoint):
    socket = zmq.Context.instance().socket(kind)
    socket.connect(endpoint)
    return socket


def publish(endpoint, body_bytes):
    socket = connected(zmq.PUB, endpoint)
    message = [TOPIC, b"x" * int(body_bytes)]
    while True:
        socket.send_multipart(message)


def receive_for(socket, seconds):
    """How many messages a second came."""
    start = time.monotonic()
    received = 0
    while True:
        for _ in range(MESSAGES_BETWEEN_LOOKS_AT_THE_CLOCK):
            socket.recv_multipart()
        received += MESSAGES_BETWEEN_LOOKS_AT_THE_CLOCK
        took = time.monotonic() - start
        if took >= seconds:
            return received / took


def subscribe(endpoint, seconds):
    socket = connected(zmq.SUB, endpoint)
    socket.subscribe(TOPIC)
    socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
    socket.recv_multipart()
    receive_for(socket, WARM_UP_SECONDS)
    print(receive_for(socket, float(seconds)), flush=True)


def version():
    print(f"pyzmq {zmq.pyzmq_version()} on libzmq {zmq.zmq_version()}")


if __name__ == "__main__":
    {"publish": publish, "subscribe": subscribe, "version": version}[sys.argv[1]](*sys.argv[2:])
