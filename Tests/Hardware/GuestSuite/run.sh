#!/bin/sh
# The payload of a guest: every device bound to its UIO driver, then the suite.
set -eu
. ./bind.sh
# As a package would: the group first, then the rules.
systemd-sysusers - <interruptsync.sysusers
cp ./interruptsyncctl /usr/bin/
cp ./*.rules /etc/udev/rules.d/
udevadm control --reload
install -D -m 644 -t /usr/lib/interruptsync/drivers drivers/*.so
for device in 03 04 05 06 07 08 09; do
  bind_uio "0000:00:$device.0" >/dev/null
done
load_board >/dev/null
load_fixture >/dev/null
[ -e /sys/kernel/security/lockdown ] || mount -t securityfs securityfs /sys/kernel/security
exec ./guest-suite $(cat arguments)
