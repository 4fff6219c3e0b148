"""Prints the protocol and the source of what arrives: echo requests, and datagrams."""

import select
import socket

icmp, udp = (socket.socket(socket.AF_INET, socket.SOCK_RAW, p) for p in (socket.IPPROTO_ICMP, socket.IPPROTO_UDP))
print("sniffing", flush=True)
while True:
    for ready in select.select([icmp, udp], [], [])[0]:
        packet, (source, _) = ready.recvfrom(65536)
        header = (packet[0] & 15) * 4
        if ready is udp:
            print("udp", source, flush=True)
        elif packet[header] == 8:
            print("icmp", source, flush=True)
