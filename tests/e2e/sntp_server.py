"""An SNTP server on a free port of loopback, which it prints: the time of this machine, at stratum 2."""
import socket, struct, time

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    packet, client = server.recvfrom(64)
    server.sendto(struct.pack(">BBBb3I2I", 0x24, 2, 6, -20, 0, 0, 0, 0, 0) + packet[40:48] +
                  bytes(8) + struct.pack(">II", int(time.time()) + 2208988800, 0), client)
