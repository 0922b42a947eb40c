#!/bin/sh
# Proves the rig: every device is there, is bound to its UIO driver, and interrupts.
set -eu
. ./bind.sh

echo "kernel $(uname -r)"
for device in 03 04 05 06; do
    echo "0000:00:$device.0 $(bind_uio "0000:00:$device.0")"
done
echo "hpet $(load_board)"
echo "fixture" $(load_fixture)
for uio in /sys/class/uio/uio*; do
    echo "$(basename "$uio") $(cat "$uio/name") $(readlink -f "$uio/device")"
    for region in "$uio"/maps/map* "$uio"/portio/port*; do
        [ ! -d "$region" ] || echo "    $(basename "$region")" $(cd "$region" && grep -H '' * | sed 's/:/=/')
    done
done
python3 devices.py
