"""A member of a multicast group: `member.py NAME BIND GROUP PORT`. Lines of its input it sends to the group; it prints
what it hears, from whom and at which address, and answers `who?` with its name, to the asker alone."""

import select
import socket
import struct
import sys

IP_PKTINFO = 8  # linux/in.h

name, bind, group, port = sys.argv[1:]
member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
member.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
member.bind((bind, int(port)))
# The route to the group says by which interface.
member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton(group), bytes(4)))
print("joined", flush=True)

while True:
    ready = select.select([member, sys.stdin], [], [])[0]
    if sys.stdin in ready:
        line = sys.stdin.readline()
        if not line:
            break
        member.sendto(line.strip().encode(), (group, int(port)))
    if member in ready:
        data, control, _, (source, asker) = member.recvmsg(1000, 100)
        at = [socket.inet_ntoa(value[8:12]) for level, kind, value in control if kind == IP_PKTINFO]
        print(name, "heard", data.decode(), "from", source, "at", *at, flush=True)
        if data == b"who?":
            member.sendto(f"here {name}".encode(), (source, asker))
