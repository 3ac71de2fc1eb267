#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The deploy tool: again and again it has Ansible bring what the registry holds to every chat server, through
the bastion. GET / is 200 while deploys work, and else says what the last one died of.

It is worth nothing without what it deploys from: it ends at once when the registry does not answer."""
import argparse
import http.server
import subprocess
import sys
import threading
import time

PAUSE = 4      # seconds between two deploys
PATIENCE = 30  # one that takes longer has failed

parser = argparse.ArgumentParser()
parser.add_argument("--inventory", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--package", required=True, help="its URL in the registry")
args = parser.parse_args()

FETCH = ["curl", "-fsS", "-m", "2", "-o", "/dev/null", args.package]
DEPLOY = ["ansible", "all", "--inventory", args.inventory, "--module-name", "raw", "--args", " ".join(FETCH)]
last = {"ok": False, "text": "none has ended yet", "at": time.monotonic()}


def deploy():
    try:
        done = subprocess.run(DEPLOY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode == 0, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return False, f"no end within {PATIENCE} s"


def deploy_for_ever():
    while True:
        ok, text = deploy()
        last.update(ok=ok, text=text, at=time.monotonic())
        if not ok:
            print(text, file=sys.stderr, flush=True)
        time.sleep(PAUSE)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        fresh = time.monotonic() - last["at"] < PAUSE + PATIENCE + 1
        self.send_response(200 if last["ok"] and fresh else 503)
        self.end_headers()
        self.wfile.write(last["text"].encode())

    def log_message(self, *_):
        pass


found = subprocess.run(FETCH, stdin=subprocess.DEVNULL, capture_output=True, text=True)
if found.returncode != 0:
    sys.exit(f"deploy: cannot read {args.package}: {found.stderr.strip()}")
threading.Thread(target=deploy_for_ever, daemon=True).start()
http.server.ThreadingHTTPServer(("0.0.0.0", args.port), Answer).serve_forever()
