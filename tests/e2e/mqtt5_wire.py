#!/usr/bin/env python3
"""Stands between a device and the cloud's MQTT port, and tells what goes over the wire in MQTT 5.

    mqtt5_wire.py PORT ROOT_CA CERTIFICATE KEY OWN_CERTIFICATE OWN_KEY

To the device it is the server of OWN_CERTIFICATE, to the cloud at localhost:PORT the device of CERTIFICATE.
The first line says where it listens; then there is one for each PUBLISH: `in` (to the device) or `out`, the
topic that it stands for, `named` or `aliased` (the packet has no topic, an alias alone), the payload's bytes.
What an alias stands for is learnt from the packets, as a receiver does.
"""
import select
import socket
import ssl
import sys
import threading

PUBLISH = 3
TOPIC_ALIAS = 0x23
# Bytes of a property's value; "text" has its length before it, "pair" is two of them, "varint" ends itself.
SIZES = {0x01: 1, 0x02: 4, 0x03: "text", 0x08: "text", 0x09: "text", 0x0B: "varint", 0x23: 2, 0x26: "pair"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def text(data, at):
    end = at + 2 + int.from_bytes(data[at:at + 2], "big")
    return data[at + 2:end].decode(), end


def alias_in(data):
    at, alias = 0, 0
    while at < len(data):
        size = SIZES[data[at]]
        kind, at = data[at], at + 1
        if size == "varint":
            at = varint(data, at)[1]
        elif isinstance(size, str):
            for _ in range(2 if size == "pair" else 1):
                at = text(data, at)[1]
        else:
            if kind == TOPIC_ALIAS:
                alias = int.from_bytes(data[at:at + 2], "big")
            at += size
    return alias


class Reader:
    """Gathers the packets of one direction."""

    def __init__(self, name):
        self.name, self.data, self.topics = name, b"", {}

    def take(self, data):
        self.data += data
        while len(self.data) >= 2:
            try:
                length, at = varint(self.data, 1)
            except IndexError:
                return
            if len(self.data) < at + length:
                return
            if self.data[0] >> 4 == PUBLISH:
                self.publish(self.data[0] & 15, self.data[at:at + length])
            self.data = self.data[at + length:]

    def publish(self, flags, body):
        topic, at = text(body, 0)
        if flags & 6:
            at += 2
        size, at = varint(body, at)
        alias = alias_in(body[at:at + size])
        if topic and alias:
            self.topics[alias] = topic
        print(self.name, topic or self.topics.get(alias, "?"), "named" if topic else "aliased",
              len(body) - at - size, flush=True)


def carry(device, cloud):
    ways = {device: (cloud, Reader("out")), cloud: (device, Reader("in"))}
    try:
        while True:
            for source in [end for end in ways if end.pending()] or select.select(list(ways), [], [])[0]:
                sink, reader = ways[source]
                data = source.recv(65536)
                if not data:
                    return
                reader.take(data)
                sink.sendall(data)
    except OSError:
        pass
    finally:
        device.close()
        cloud.close()


def main():
    port, root_ca, certificate, key, own_certificate, own_key = sys.argv[1:]
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own_certificate, own_key)
    client = ssl.create_default_context(cafile=root_ca)
    client.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        device, _ = listener.accept()
        try:
            device = server.wrap_socket(device, server_side=True)
            cloud = client.wrap_socket(socket.create_connection(("localhost", int(port))), server_hostname="localhost")
        except OSError:
            device.close()
            continue
        threading.Thread(target=carry, args=(device, cloud), daemon=True).start()


main()
