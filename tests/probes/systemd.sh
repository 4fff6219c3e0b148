# Runs inside a booted systemd, as root. Prints a line for each thing tried: "ok NAME" or "not ok NAME: WHAT".
# $1: the directory of chbind. The machine has a loopback interface and nothing else.
chbind=$1/chbind
units=/run/systemd/system
mkdir -p $units

try() { # NAME WANTED FOUND
    if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: wanted '$2', found '$3'"; fi
}
unit() { cat >"$units/$1"; }
of() { systemctl show "$1" -p "$2" --value; }
listening() { ss -Hltn "sport = :$1" | awk '{ print $4 }' | tr '\n' ' '; }
left() { # Supervisors that are still there, after a moment.
    for _ in $(seq 100); do
        pgrep -c '^chbind' >/dev/null || { echo 0; return; }
        sleep 0.2
    done
    pgrep -c '^chbind'
}

cat >/run/notify.py <<'END'
import os, socket, time
server = socket.create_server(("", 8080))
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
try:
    socket.create_server(("127.0.0.9", 8080))
except OSError:
    pass
time.sleep(600)
END

cat >/run/activated.py <<'END'
import os, socket
assert os.environ["LISTEN_PID"] == str(os.getpid()), "not for this process"
server = socket.socket(fileno=3)
while True:
    client, _ = server.accept()
    client.sendall(b"activated")
    client.close()
END

for model in exec parent; do
    unit notify-$model.service <<END
[Service]
Type=notify
ExecStart=$chbind --process $model --ip 127.0.0.2 -- /usr/bin/python3 /run/notify.py
END
    unit activated-$model.socket <<END
[Socket]
ListenStream=127.0.0.4:8090
END
    unit activated-$model.service <<END
[Service]
ExecStart=$chbind --process $model --ip 127.0.0.4 -- /usr/bin/python3 /run/activated.py
END
done

unit forking.service <<END
[Unit]
StartLimitIntervalSec=0
[Service]
Type=forking
PIDFile=/run/forking.pid
ExecStart=$chbind --ip 127.0.0.3 --nid 1000 -- /usr/sbin/nginx -c /run/forking.conf
ExecReload=/bin/kill -HUP \$MAINPID
END
cat >/run/forking.conf <<'END'
pid /run/forking.pid;
error_log /run/forking.err;
events {}
http { access_log off; server { listen 8081; return 200 served; } }
END

unit user.service <<END
[Service]
User=nobody
AmbientCapabilities=CAP_NET_BIND_SERVICE
ExecStart=$chbind --ip 127.0.0.5 -- /usr/bin/python3 -m http.server 81
END
systemctl daemon-reload

for model in exec parent; do
    systemctl start notify-$model
    try "$model: notified" active "$(of notify-$model ActiveState)"
    try "$model: the main process is the command" python3 "$(cat /proc/"$(of notify-$model MainPID)"/comm)"
    try "$model: the wildcard is the address" "127.0.0.2:8080 " "$(listening 8080)"
    journalctl --sync
    try "$model: the journal has the refusal" 1 "$(journalctl -u notify-$model | grep -c 'refused bind to 127.0.0.9:8080/tcp')"
    systemctl stop notify-$model
    try "$model: stopped" success "$(of notify-$model Result)"
    try "$model: nothing left" 0 "$(left)"

    systemctl start activated-$model.socket
    try "$model: socket activation" activated "$(curl -s --http0.9 http://127.0.0.4:8090/)"
    systemctl stop activated-$model.socket activated-$model.service 2>/dev/null
    try "$model: nothing left after socket activation" 0 "$(left)"
done

systemctl start forking
try "forking: the main process" "$(cat /run/forking.pid)" "$(of forking MainPID)"
try "forking: served" served "$(curl -s http://127.0.0.3:8081/)"
try "forking: not on other addresses" "127.0.0.3:8081 " "$(listening 8081)"
systemctl reload forking
try "forking: served after a reload" served "$(curl -s --retry 3 --retry-connrefused http://127.0.0.3:8081/)"
restarts=0
for _ in 1 2 3 4 5; do systemctl restart forking && restarts=$((restarts + 1)); done
try "forking: restarted with the same number" 5 $restarts
try "forking: served after restarts" served "$(curl -s http://127.0.0.3:8081/)"
systemctl stop forking
try "forking: nothing left" 0 "$(left)"

systemctl start user
for _ in $(seq 100); do [ -n "$(listening 81)" ] && break; sleep 0.2; done
try "user: a privileged port by an ambient capability" "127.0.0.5:81 " "$(listening 81)"
systemctl stop user
try "user: nothing left" 0 "$(left)"
echo done
