#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One site's OpenStack Swift: proxy (with the S3 API), account, container and object server, in one process.

Every site is given the same --node list and so builds the same rings; each node holds one replica. The
first node, when it starts for the first time, also puts --picture into the public bucket `photos`,
through the S3 API, once every node is up, and the empty object `everywhere` beside it once every node has it.
Objects are written to all nodes that answer; nothing repairs a replica that missed a write.
"""

import argparse
import base64
import email.utils
import hashlib
import hmac
import http.client
import logging
import os
import socket
import sys
from time import monotonic

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi  # noqa: E402
from swift.account import server as account  # noqa: E402
from swift.common import direct_client, utils  # noqa: E402
from swift.common.exceptions import ClientException  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import Ring, RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402
from swift.container import server as container  # noqa: E402
from swift.obj import server as obj  # noqa: E402

PORTS = {"object": 6200, "container": 6201, "account": 6202}
# As in swift-proxy.conf.
ACCOUNT = "AUTH_messenger"
ACCESS_KEY, SECRET_KEY = "messenger:photo", "lab"
SEED_WITHIN = 15.0  # seconds


def write_rings(directory, nodes):
    """One replica a node. `nodes`: [(region, address)]."""
    for name, port in PORTS.items():
        builder = RingBuilder(part_power=4, replicas=len(nodes), min_part_hours=0)
        for region, address in nodes:
            builder.add_dev({"region": region, "zone": 1, "ip": address, "port": port, "device": "d1", "weight": 1.0})
        builder.rebalance(seed=1)
        builder.get_ring().save(os.path.join(directory, name + ".ring.gz"))


class Cache:
    """What Swift would keep in memcached, kept in this process: the S3 API refuses to work without one.

    Nothing is believed for longer than a second, so that what one site makes is soon seen by the others.
    """

    def __init__(self, app):
        self.app = app
        self.kept = {}

    def __call__(self, environ, start_response):
        environ["swift.cache"] = self
        return self.app(environ, start_response)

    def get(self, key, **_):
        value, end = self.kept.get(key, (None, 0))
        return value if monotonic() < end else None

    def set(self, key, value, **_):
        self.kept[key] = (value, monotonic() + 1)

    def delete(self, key, **_):
        self.kept.pop(key, None)


def serve(address, port, app):
    # As swift.common.wsgi.run_server does it, in a green thread of its own.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = eventlet.listen((address, port), family=family)
    quiet = utils.NullLogger()
    eventlet.spawn(wsgi.server, listener, app, quiet, protocol=SwiftHttpProtocol, capitalize_response_headers=False)


def s3_put(port, path, body=b"", headers=None):
    """A PUT signed with AWS signature version 2; true when it was carried out, or had been before."""
    date = email.utils.formatdate(usegmt=True)
    amz = "".join(f"{key}:{value}\n" for key, value in sorted((headers or {}).items()))
    signed = f"PUT\n\n\n{date}\n{amz}{path}".encode()
    signature = base64.b64encode(hmac.new(SECRET_KEY.encode(), signed, hashlib.sha1).digest()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("PUT", path, body,
                           {"Date": date, "Authorization": f"AWS {ACCESS_KEY}:{signature}", **(headers or {})})
        status = connection.getresponse().status
        return status // 100 == 2 or status == http.client.CONFLICT
    except OSError:
        return False
    finally:
        connection.close()


def answers(address, port):
    """Whether the server answers a request: the kernel accepts connections before its process does."""
    connection = http.client.HTTPConnection(address, port, timeout=0.5)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stands_everywhere(directory, bucket, name):
    """Whether every node holds its replica of the account, the container and the object."""
    path = (ACCOUNT, bucket, name)
    try:
        for ring, depth, head in (("account", 1, direct_client.direct_get_account),
                                  ("container", 2, direct_client.direct_head_container),
                                  ("object", 3, direct_client.direct_head_object)):
            part, nodes = Ring(directory, ring_name=ring).get_nodes(*path[:depth])
            for node in nodes:
                head(node, part, *path[:depth])
        return True
    except (ClientException, OSError, eventlet.Timeout):
        return False


def seed(options, nodes):
    """Waits for every server of every node first: a write while one is away would be kept by the others alone."""
    with open(options.picture, "rb") as file:
        body = file.read()
    name = os.path.basename(options.picture)
    end = monotonic() + SEED_WITHIN
    while monotonic() < end:
        if (all(answers(address, port) for _, address in nodes for port in PORTS.values())
                and s3_put(options.port, "/photos", headers={"x-amz-acl": "public-read"})
                and s3_put(options.port, "/photos/" + name, body)
                and stands_everywhere(options.dir, "photos", name)
                and s3_put(options.port, "/photos/everywhere")):
            return True
        eventlet.sleep(0.1)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, help="holds swift.conf and swift-proxy.conf; rings and objects are written below it")
    parser.add_argument("--address", required=True, help="of this node, one of --node's")
    parser.add_argument("--port", type=int, default=8080, help="of the proxy, on every address")
    parser.add_argument("--node", action="append", required=True, metavar="REGION:ADDRESS", help="in the same order everywhere")
    parser.add_argument("--picture", help="a file the first node uploads")
    options = parser.parse_args()
    nodes = [(int(region), address) for region, address in (node.split(":", 1) for node in options.node)]

    devices = os.path.join(options.dir, "devices")
    first_start = not os.path.exists(devices)
    os.makedirs(os.path.join(devices, "d1"), exist_ok=True)
    utils.set_swift_dir(options.dir)
    for route in ("proxy-server", "account-server", "container-server", "object-server"):
        logging.getLogger(route).addHandler(logging.StreamHandler())  # a lab has no syslog
    write_rings(options.dir, nodes)

    conf = {"swift_dir": options.dir, "devices": devices, "mount_check": "false", "fallocate_reserve": "0",
            "bind_ip": options.address, "log_level": "ERROR"}
    for name, server in (("object", obj), ("container", container), ("account", account)):
        app = server.app_factory(dict(conf, bind_port=str(PORTS[name]), log_name=name))
        serve(options.address, PORTS[name], app)
    near = next(region for region, address in nodes if address == options.address)
    proxy = loadapp(os.path.join(options.dir, "swift-proxy.conf"), global_conf={"read_affinity": f"r{near}=100"})
    serve("::", options.port, Cache(proxy))

    seeds = options.picture and options.address == nodes[0][1] and first_start
    if seeds and not seed(options, nodes):
        sys.exit(f"upload {options.picture}: not on every node within {SEED_WITHIN:.0f} s")
    eventlet.event.Event().wait()


if __name__ == "__main__":
    main()
