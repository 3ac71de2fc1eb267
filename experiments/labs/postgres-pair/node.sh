#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One server of a PostgreSQL pair with asynchronous streaming replication:
#
#     node.sh DATA PORT FIRST SECOND [OPTION...]
#
# On host FIRST it is the primary, started with the options; on SECOND the standby that follows it. Three
# attempts in a row without an answer from the primary, and the standby promotes itself. From then on it
# fences the other one off as soon as that answers again: the old primary keeps what it has, for whoever
# compares the two, and takes no more writes. A server that is started again is what it was.
set -eu
data=$1 port=$2 first=$3 second=$4
shift 4
PATH=/usr/lib/postgresql/15/bin:$PATH

# Within a second, however silent the other side is.
answers() { timeout 1 pg_isready -q -h "$first" -p "$port"; }
fence() {
  timeout 1 psql -XqAt -h "$first" -p "$port" -U postgres -c 'alter system set default_transaction_read_only = on' \
    -c 'select pg_reload_conf()'
}

# Nothing of a server that was killed is to outlive the lab: no socket, no segment in /dev/shm.
configure() {
  cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '*'
port = $port
unix_socket_directories = ''
dynamic_shared_memory_type = mmap
shared_buffers = 16MB
wal_keep_size = 64MB
wal_sender_timeout = 2s
wal_receiver_timeout = 2s
wal_retrieve_retry_interval = 500ms
CONF
  printf 'host all all all trust\nhost replication all all trust\n' >"$data/pg_hba.conf"  # the lab's hosts alone get here
}

watch_primary() {
  silent=0
  while [ -e "$data/standby.signal" ] && [ "$silent" -lt 3 ]; do
    if answers; then silent=0; else silent=$((silent + 1)); fi
    sleep 0.5
  done
  while [ -e "$data/standby.signal" ]; do pg_ctl promote -D "$data" || sleep 0.5; done
  until fence; do sleep 0.1; done >/dev/null 2>&1
  echo "node.sh: $first is fenced off"
}

case $(uname -n) in
  "$first")
    if [ ! -s "$data/PG_VERSION" ]; then
      initdb -D "$data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync
      configure
      # Before anybody can connect, so that they find it.
      printf '%s\n' 'create table records (run text, n bigint, primary key (run, n))' \
        'create table payments (at timestamptz default now())' | postgres --single -D "$data" postgres
    fi
    exec postgres -D "$data" "$@" ;;
  "$second")
    if [ ! -s "$data/PG_VERSION" ]; then
      until answers; do sleep 0.2; done
      pg_basebackup -h "$first" -p "$port" -U postgres -D "$data" -X stream -c fast --write-recovery-conf
    fi
    (watch_primary &)
    exec postgres -D "$data" ;;
esac
echo "node.sh: $(uname -n) is neither $first nor $second" >&2
exit 1
