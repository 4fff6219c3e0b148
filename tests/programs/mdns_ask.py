"""Asks all by multicast DNS for the address of a name, and prints the answer and who gave it: `mdns_ask.py NAME`."""

import socket
import struct
import sys

labels = sys.argv[1].split(".")
question = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0" + struct.pack("!2H", 1, 1)
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("asking", flush=True)
# From another port than 5353, so that the answer comes to us alone (RFC 6762, 6.7). Again while nobody answers.
for _ in range(1000):
    asker.settimeout(0.25)
    asker.sendto(struct.pack("!6H", 7, 0, 1, 0, 0, 0) + question, ("224.0.0.251", 5353))
    try:
        packet, (source, _) = asker.recvfrom(1000)
    except TimeoutError:
        continue
    # The one record of the answer ends with the address.
    print(socket.inet_ntoa(packet[-4:]), "says", source, flush=True)
    break
