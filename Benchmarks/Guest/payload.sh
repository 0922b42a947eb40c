#!/bin/sh
# In the guest: an edu and the HPET behind UIO, alone on their lines; or an edu that the benchmark binds.
set -eu
. ./bind.sh
part=$(cat part)
case $part in
  real-lines)
    bind_uio 0000:00:03.0 >/dev/null
    load_board >/dev/null
    ;;
  message-lines) modprobe -a uio_pci_generic vfio-pci vfio_iommu_type1 ;;
esac
exec ./interruptsync-bench "$part"
