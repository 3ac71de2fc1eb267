#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sshd.sh DIR: an OpenSSH server that asks nothing of the machine it is on. It wants /run/sshd, and an account
# that is not locked; both are given to it alone, in the mounts every process of a lab has to itself.
set -e
dir=$1
mkdir -p "$dir/run/sshd" "$dir/run/blackstart"
echo 'root:*:19000:0:99999:7:::' >"$dir/shadow"
chmod 600 "$dir/shadow"
mount --bind "$dir/shadow" /etc/shadow
mount --rbind /run/blackstart "$dir/run/blackstart"
mount --rbind "$dir/run" /run
exec /usr/sbin/sshd -D -e -f "$dir/sshd_config"
