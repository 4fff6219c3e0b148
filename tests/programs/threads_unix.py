"""What a program with threads comes to with sockets of other families, one line for each thing that it tries.

threads_unix.py DOOR: at that path a datagram socket listens, outside.
"""
import array, errno, os, socket, struct, sys, threading

stay = threading.Event()
threading.Thread(target=stay.wait, daemon=True).start()
door = sys.argv[1]


def unix(kind=socket.SOCK_STREAM):
    return socket.socket(socket.AF_UNIX, kind)


def tried(name, act):
    try:
        print(name, act(), flush=True)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)


def much():
    """More than a socket holds, so that the sender has to wait for the reader."""
    a, b = socket.socketpair()
    data, got = os.urandom(1 << 20), bytearray()
    reader = threading.Thread(target=lambda: [got.extend(b.recv(65536)) for _ in iter(lambda: len(got) < len(data), False)])
    reader.start()
    sent = a.sendmsg([data[:1000], data[1000:]])
    reader.join()
    return sent == len(data) and got == data


def descriptor():
    a, b = socket.socketpair()
    with open(__file__) as file:
        socket.send_fds(a, [b"x"], [file.fileno(), file.fileno()])
        fds = socket.recv_fds(b, 16, 4)[1]
        return len(fds), all(os.path.sameopenfile(file.fileno(), fd) for fd in fds)


def bad_descriptor():
    a, _ = socket.socketpair()
    return socket.send_fds(a, [b"x"], [999])


def broken():
    a, b = socket.socketpair()
    b.close()
    return a.sendmsg([b"x"])


def connected():
    s = unix(socket.SOCK_DGRAM)
    s.connect(door)
    return s.sendmsg([b"connected"])


def addressed():
    return unix(socket.SOCK_DGRAM).sendto(b"addressed", door)


def somebody_else():
    a, _ = socket.socketpair()
    creds = struct.pack("iii", os.getpid(), os.getuid(), os.getgid())
    return a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, creds)])


def abstract():
    s = unix()
    s.bind("\0chbind-strict-%d" % os.getpid())
    tried("listen", s.listen)
    return s.getsockname() == b"\0chbind-strict-%d" % os.getpid()


def unnamed():
    s = unix()
    s.bind("")
    return len(s.getsockname()) == 6


def links():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.bind((0, 0))
    # struct nlmsghdr: length, RTM_GETLINK, request and dump, number, port; then the family.
    s.sendto(struct.pack("=IHHIIB3x", 20, 18, 0x301, 1, 0, 0), (0, 0))
    return struct.unpack_from("=IH", s.recv(65536))[1]


tried("much", much)
tried("descriptors", descriptor)
tried("bad descriptor", bad_descriptor)
tried("broken", broken)
tried("connected", connected)
tried("addressed", addressed)
tried("nobody", lambda: unix(socket.SOCK_DGRAM).connect(door + "-not-there"))
tried("somebody else", somebody_else)
tried("abstract", abstract)
tried("unnamed", unnamed)
tried("path", lambda: unix().bind(door + "-own"))
tried("stream", lambda: unix().connect(door))
tried("links", links)
tried("name", lambda: socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4])
