#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first process of the emulated machine: what a booted Debian has before anybody logs in, then the
# suite. The kernel loads its modules itself, as it would there.
export BLACKSTART_TEST_SETS_CLOCK=1 # it is nobody else's
export BLACKSTART_TEST_EMULATED=1   # how fast it is says nothing
export BLACKSTART_EVERY_TROUBLE=1  # of the crash points that are disturbed there
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs run /run
modprobe tun # udev makes its device node
ip link set lo up

# Systemd takes over where it is asked for, and runs its part of the suite.
if grep -qw blackstart.systemd /proc/cmdline; then
  exec /lib/systemd/systemd
fi

# The second serial line carries results and nothing else; the kernel has the first.
/bin/sh /suite.sh /programs >/dev/ttyS1 2>&1 </dev/null
echo b >/proc/sysrq-trigger
