"""A client as a stranger writes it, with docs/PROTOCOL.md open and nothing else: python from_the_table.py SERVER BROKER PUBLISHERS

Each comment names the section that the lines below it come from.
"""

import sys
import time
import uuid

import msgpack
import zmq

# Transport: REQ to the server's ROUTER, SUB to the broker's XPUB, PUB to the broker's XSUB. They bind, I connect.
server, broker, publishers = sys.argv[1:]
context = zmq.Context.instance()
requests = context.socket(zmq.REQ)
requests.connect(server)
subscriber = context.socket(zmq.SUB)
subscriber.connect(broker)
publisher = context.socket(zmq.PUB)
publisher.connect(publishers)


# Envelope: one map each way, text is str, timestamp whole Unix seconds.
def ask(service, **data):
    requests.send(msgpack.packb({"service": service, "data": {**data, "timestamp": int(time.time())}}))
    reply = msgpack.unpackb(requests.recv())
    assert reply["service"] == service, reply
    assert isinstance(reply["data"]["timestamp"], int), reply
    return reply["data"]


# Services: the status differs, and so does the key of the sentence that says why.
def check(condition, reply):
    assert condition, reply


reply = ask("login", user="stranger")
check(reply["status"] == "sucesso" and "description" not in reply, reply)
reply = ask("login", user="friend")
check(reply["status"] == "sucesso", reply)
reply = ask("login", user="")
check(reply["status"] == "erro" and reply["description"] and reply["code"] == "bad_name", reply)

reply = ask("users")
check({"stranger", "friend"} <= set(reply["users"]), reply)

reply = ask("channel", channel="strangers")
check(reply["status"] == "sucesso", reply)
reply = ask("channel", channel="strangers")
check(reply["status"] == "erro" and reply["description"] and reply["code"] == "name_taken", reply)

reply = ask("channels")
check("strangers" in reply["channels"] and reply["users"] == reply["channels"], reply)

# Publications: my own name and the channels that I am in; prefixes match, so the whole topic is compared.
topics = {b"strangers", b"stranger"}
for topic in topics:
    subscriber.setsockopt(zmq.SUBSCRIBE, topic)


def hear(within_ms):
    while subscriber.poll(within_ms):
        topic, payload = subscriber.recv_multipart()
        if topic in topics:
            return topic, msgpack.unpackb(payload)
    return None


def until_heard(send, wanted):
    """Added keys: a new id for each message. The subscription takes a moment to travel."""
    while True:
        sent = send()
        while heard := hear(300):
            if wanted(heard, sent):
                return heard[1], sent


# Nothing acknowledged is lost: the same request under the same id is stored once.
def publish():
    data = {"user": "stranger", "channel": "strangers", "message": "hello", "id": uuid.uuid4().bytes}
    reply = ask("publish", **data)
    check(reply["status"] == "OK" and reply["id"] == data["id"] and reply["seq"] >= 1, reply)
    again = ask("publish", **data)
    check(again["status"] == "OK" and again["seq"] == reply["seq"], again)
    return reply


def message():
    reply = ask("message", src="friend", dst="stranger", message="psst")
    check(reply["status"] == "OK", reply)
    return reply


def is_the_one(heard, sent):
    return heard[1].get("id") == sent["id"]


heard, sent = until_heard(publish, is_the_one)
check(heard["user"] == "stranger" and heard["message"] == "hello" and heard["seq"] == sent["seq"], heard)
heard, sent = until_heard(message, is_the_one)
check(heard["from"] == "friend" and heard["message"] == "psst" and "user" not in heard, heard)

reply = ask("publish", user="stranger", channel="nowhere", message="hello")
check(reply["status"] == "erro" and reply["message"] and reply["code"] == "no_such_channel", reply)
reply = ask("message", src="stranger", dst="nobody", message="hello")
check(reply["status"] == "erro" and reply["message"] and reply["code"] == "no_such_user", reply)


# A program may publish to the broker itself: only the sender and the message are needed.
def past_the_server():
    publisher.send_multipart([b"strangers", msgpack.packb({"user": "bot", "message": "beep"})])


heard, _ = until_heard(past_the_server, lambda heard, _: heard[1]["user"] == "bot")
check(heard["message"] == "beep" and "seq" not in heard, heard)

# History: the last ones, the ones between places, and a conversation.
reply = ask("history", user="stranger", channel="strangers", latest=True, limit=1)
check(reply["status"] == "OK" and [m["seq"] for m in reply["messages"]] == [reply["last_seq"]], reply)
check(reply["messages"][0]["topic"] == "strangers" and reply["messages"][0]["message"] == "hello", reply)
last = reply["last_seq"]
reply = ask("history", user="stranger", channel="strangers", between=[0, last + 1])
check([m["seq"] for m in reply["messages"]] == list(range(reply["first_seq"], last + 1)), reply)
reply = ask("history", user="stranger", **{"with": "friend"})
check(reply["messages"][-1]["from"] == "friend" and reply["messages"][-1]["topic"] == "stranger", reply)
place = reply["messages"][-1]["id"]
reply = ask("history", user="stranger", **{"with": "friend"}, after=place)
check(reply["status"] == "OK" and reply["messages"] == [], reply)

# Refusals: an unknown service has its sentence under both keys.
reply = ask("dance")
check(reply["status"] == "erro" and reply["code"] == "unknown_service", reply)
check(reply["description"] == reply["message"], reply)

print("all as the document says")
