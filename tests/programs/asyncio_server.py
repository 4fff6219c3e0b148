"""Serves on the wildcard, TCP and UDP, as asyncio does by itself: `serve PORT`; a client: `connect HOST PORT`."""

import asyncio
import errno
import sys


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        self.transport.sendto(f"got={data.decode()} peer={source[0]}".encode(), source)


async def stream(reader, writer):
    local, peer = (writer.get_extra_info(name)[0] for name in ("sockname", "peername"))
    writer.write(f"local={local} peer={peer}\n".encode())
    await writer.drain()
    writer.close()


async def datagrams(port):
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_datagram_endpoint(Datagrams, local_addr=("::", port))
    except OSError as error:
        # Where there is no IPv6, IPv4 will do.
        if error.errno != errno.EAFNOSUPPORT:
            raise
        return await loop.create_datagram_endpoint(Datagrams, local_addr=("0.0.0.0", port))


async def serve(port):
    server = await asyncio.start_server(stream, None, port)
    kept = await datagrams(port)
    print("serving", flush=True)
    await server.serve_forever()


async def connect(host, port):
    reader, _ = await asyncio.open_connection(host, port)
    print((await reader.read()).decode(), end="")


match sys.argv[1:]:
    case ["serve", port]:
        asyncio.run(serve(int(port)))
    case ["connect", host, port]:
        asyncio.run(connect(host, int(port)))
