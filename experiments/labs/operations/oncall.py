#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The phone of whoever is on call: alerts come as POSTs, one of them, Watchdog, all the time. GET / is 200
while it comes. When it stops, nobody has to be told that nobody will be told."""
import argparse
import http.server
import json
import time

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--patience", type=float, default=6, help="seconds without Watchdog")
args = parser.parse_args()

heard = {"at": None, "alerts": []}


class Phone(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = [alert["labels"]["alertname"] for alert in body["alerts"] if alert["status"] == "firing"]
        if "Watchdog" in names:
            heard["at"] = time.monotonic()
        heard["alerts"] = (heard["alerts"] + [name for name in names if name != "Watchdog"])[-20:]
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        silent = None if heard["at"] is None else time.monotonic() - heard["at"]
        self.send_response(200 if silent is not None and silent < args.patience else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"silent_s": silent, "alerts": heard["alerts"]}).encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", args.port), Phone).serve_forever()
