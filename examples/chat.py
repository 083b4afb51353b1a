# pip install pyzmq msgpack; then: python chat.py [SERVER BROKER]
import sys, time, msgpack, zmq

server, broker = sys.argv[1:] or ["tcp://127.0.0.1:5555", "tcp://127.0.0.1:5558"]
requests, news = zmq.Context.instance().socket(zmq.REQ), zmq.Context.instance().socket(zmq.SUB)
requests.connect(server)
news.connect(broker)
news.subscribe("geral")

def ask(service, **data):
    requests.send(msgpack.packb({"service": service, "data": {**data, "timestamp": int(time.time())}}))
    return msgpack.unpackb(requests.recv())["data"]

print(ask("login", user="python"))
print(ask("channel", channel="geral"))  # refused with "name_taken" if it is there
while not news.poll(0):  # until the subscription has reached the broker
    print(ask("publish", user="python", channel="geral", message="hello from Python"))
    news.poll(1000)
topic, publication = news.recv_multipart()
print(topic.decode(), msgpack.unpackb(publication))
