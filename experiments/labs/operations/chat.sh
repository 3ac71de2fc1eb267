#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# chat.sh BIN PORT DIR: a chat server pulls its package each time it starts, as a container's image is pulled.
set -e
bin=$1 port=$2 dir=$3
curl -fsS -m 2 -o "$dir/chat.conf" http://registry.ops:5000/chat.conf || {
  echo "chat: cannot pull registry.ops:5000/chat.conf" >&2
  exit 1
}
exec "$bin/sample-service" --listen "[::]:$port" --name chat --timeout 200ms \
  --need "store=$(sed -n 's/^store=//p' "$dir/chat.conf")"
