// Serves on the wildcard, TCP and UDP, as Node does by itself: `serve PORT`; a client: `connect HOST PORT`.
const net = require('net');
const dgram = require('dgram');
const [what, ...rest] = process.argv.slice(2);

if (what === 'serve') {
  const port = Number(rest[0]);
  const tcp = net.createServer((s) => s.end(`local=${s.localAddress} peer=${s.remoteAddress}\n`));
  tcp.listen(port, () => datagrams('udp6', port));
} else {
  const socket = net.connect(Number(rest[1]), rest[0]);
  socket.pipe(process.stdout);
}

function datagrams(type, port) {
  const udp = dgram.createSocket(type);
  udp.on('message', (text, from) => udp.send(`got=${text} peer=${from.address}`, from.port, from.address));
  // Where there is no IPv6, IPv4 will do.
  udp.on('error', (error) => {
    if (type === 'udp4' || error.code !== 'EAFNOSUPPORT') throw error;
    datagrams('udp4', port);
  });
  udp.bind(port, () => console.log('serving'));
}
