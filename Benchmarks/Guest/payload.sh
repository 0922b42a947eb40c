#!/bin/sh
# In the guest: an edu and the HPET behind UIO, alone on their lines.
set -eu
. ./bind.sh
bind_uio 0000:00:03.0 >/dev/null
load_board >/dev/null
exec ./interruptsync-bench real-lines
