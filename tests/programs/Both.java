// Serves on the wildcard, TCP and UDP, as Java does by itself: `serve PORT`; a client: `connect HOST PORT`.

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.ServerSocket;
import java.net.Socket;

class Both {
    public static void main(String[] words) throws Exception {
        if (words[0].equals("serve")) {
            serve(Integer.parseInt(words[1]));
        } else {
            try (var socket = new Socket(words[1], Integer.parseInt(words[2]))) {
                socket.getInputStream().transferTo(System.out);
            }
        }
    }

    static void serve(int port) throws Exception {
        var listener = new ServerSocket(port);
        var udp = new DatagramSocket(port);
        new Thread(() -> datagrams(udp)).start();
        System.out.println("serving");
        while (true) {
            try (var socket = listener.accept()) {
                var local = socket.getLocalAddress().getHostAddress();
                var line = "local=" + local + " peer=" + socket.getInetAddress().getHostAddress() + "\n";
                socket.getOutputStream().write(line.getBytes());
            }
        }
    }

    static void datagrams(DatagramSocket socket) {
        try {
            while (true) {
                var packet = new DatagramPacket(new byte[1000], 1000);
                socket.receive(packet);
                var text = new String(packet.getData(), 0, packet.getLength());
                var peer = packet.getAddress().getHostAddress();
                var answer = ("got=" + text + " peer=" + peer).getBytes();
                socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
            }
        } catch (Exception trouble) {
            trouble.printStackTrace();
            System.exit(1);
        }
    }
}
