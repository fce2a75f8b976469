"""One MQTT 3.1.1 request and its answer on the same connection, as answers of fleet provisioning come.

usage: request.py PORT ROOT_CA CERTIFICATE KEY CLIENT_ID TOPIC PAYLOAD accepted|rejected
Prints the payload that came on TOPIC/accepted, or TOPIC/rejected.
"""
import socket, ssl, sys


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(head, body):
    length, size = len(body), b""
    while True:
        size += bytes([length % 128 | (128 if length > 127 else 0)])
        length //= 128
        if not length:
            return bytes([head]) + size + body


def read(stream):
    """(first byte, body) of the next packet."""
    head = stream.read(1)
    if not head:
        sys.exit("the connection was closed")
    length = shift = 0
    while True:
        byte = stream.read(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return head[0], stream.read(length)


def main():
    port, root, certificate, key, client, topic, payload, which = sys.argv[1:]
    context = ssl.create_default_context(cafile=root)
    context.load_cert_chain(certificate, key)
    raw = socket.create_connection(("localhost", int(port)), timeout=30)
    connection = context.wrap_socket(raw, server_hostname="localhost")
    stream = connection.makefile("rb")
    connection.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 0, 60]) + text(client)))
    assert read(stream) == (0x20, b"\0\0"), "refused"
    connection.sendall(packet(0x82, b"\0\1" + text(topic + "/" + which) + b"\1"))
    assert read(stream)[1][2] < 2, "the policy does not let it subscribe"
    connection.sendall(packet(0x32, text(topic) + b"\0\2" + payload.encode()))
    while True:
        head, body = read(stream)
        if head & 0xf0 != 0x30:
            continue
        size = int.from_bytes(body[:2], "big")
        if body[2:2 + size].decode() == topic + "/" + which:
            sys.stdout.write(body[2 + size + (2 if head & 6 else 0):].decode())
            connection.sendall(packet(0xe0, b""))
            return


main()
