# SPDX-License-Identifier: Apache-2.0
"""A server whose true answers are known, because it writes them down.

  seeded_server.py PORT [PRIMARY [SECONDS]]

Every path is answered 200. With a PRIMARY (the same program on another host, heard every 20 ms by UDP) every
path but /healthz is answered 503 while that is silent, and with SECONDS no longer than that: then this one
takes over for good. GET /log is what it did, a line of JSON each:

  {"at": NANOSECONDS, "path": "/buy", "status": 200}     a request answered
  {"at": NANOSECONDS, "moment": "silent|heard|promoted"} of the primary: last heard, heard again; took over
"""
import http.server
import json
import socket
import sys
import threading
import time

PORT = int(sys.argv[1])
PRIMARY = sys.argv[2] if len(sys.argv) > 2 else None
TAKES_OVER_AFTER = float(sys.argv[3]) if len(sys.argv) > 3 else None
SILENT_AFTER = 0.3
PING_EVERY = 0.02

log = []
well = threading.Event()
well.set()


def note(**what):
    log.append({"at": time.time_ns(), **what})


def echo():
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("0.0.0.0", PORT))
    while True:
        here.sendto(*here.recvfrom(64))


def listen_to_primary():
    ping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ping.settimeout(PING_EVERY)
    heard = time.time_ns()
    while True:
        ping.sendto(b"?", (PRIMARY, PORT))
        asked = time.monotonic()
        try:
            ping.recv(64)
            heard = time.time_ns()
            if not well.is_set():
                note(moment="heard")
                well.set()
        except OSError:
            pass
        silent = (time.time_ns() - heard) / 1e9
        if well.is_set() and silent >= SILENT_AFTER:
            log.append({"at": heard, "moment": "silent"})
            well.clear()
        if TAKES_OVER_AFTER and silent >= TAKES_OVER_AFTER:
            note(moment="promoted")
            well.set()
            return
        time.sleep(max(0.0, PING_EVERY - (time.monotonic() - asked)))


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/log":
            status, body = 200, "".join(json.dumps(line) + "\n" for line in log).encode()
        else:
            status, body = 200 if self.path == "/healthz" or well.is_set() else 503, b"\n"
            note(path=self.path, status=status)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64


threading.Thread(target=echo, daemon=True).start()
if PRIMARY:
    threading.Thread(target=listen_to_primary, daemon=True).start()
Server(("0.0.0.0", PORT), Answer).serve_forever()
