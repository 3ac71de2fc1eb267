#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: suite.sh FILE
# Runs the commands of FILE, a name and a command a line, and says after each what became of it:
#   @kernel VERSION · @begin NAME · its output · @left LINE, something it left behind · @end NAME EXIT-CODE
# The same in the emulated machine and on this one.

# All that a drill could leave on a machine.
inventory() {
  ip netns list | cut -d' ' -f1 | sed 's/^/network namespace /'
  ip -o link | cut -d: -f2 | sed 's/^/interface/'
  tc qdisc show | grep -w clsact
  nft list ruleset
  bpftool -f link show | grep -o '^[^ ]*: .*' | cut -d' ' -f2- | sed 's/^/BPF link /'
  bpftool net show | grep -v ':$'
  find /sys/fs/cgroup -type d -name '*blackstart*' | sed 's/^/cgroup /'
  find /run/blackstart -type f 2>/dev/null
}

# Objects of the kernel go a moment after their last user.
left_since() {
  for _ in 1 2 3 4 5; do
    inventory | sort >"$tmp/after"
    comm -13 "$1" "$tmp/after" >"$tmp/left"
    [ -s "$tmp/left" ] || return 0
    sleep 1
  done
  sed 's/^/@left /' "$tmp/left"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
echo "@kernel $(uname -r)"
while read -r name command; do
  inventory | sort >"$tmp/before"
  echo "@begin $name"
  sh -c "$command" </dev/null
  code=$?
  left_since "$tmp/before"
  echo "@end $name $code"
done <"$1"
