#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# store.sh SITE ADDRESS PORT DIR: the session store. Pangyo's is the primary, whenever it starts; any other follows it until
# a sentinel says otherwise.
set -e
site=$1 address=$2 port=$3 dir=$4
set -- --port "$port" --bind '*' '-::*' --protected-mode no --maxclients 256 --save '' --dir "$dir" \
  --repl-diskless-sync-delay 0 --repl-timeout 5 --replica-announce-ip "$address"
[ "$site" = pangyo ] || set -- "$@" --replicaof 198.18.1.31 "$port"
exec /usr/bin/redis-server "$@"
