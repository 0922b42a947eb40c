#!/bin/sh
# The payload of the arm64 guest: the devices get their drivers, and the shim's tests run on the processor that they
# were cross-compiled for. The port is left to the test that binds it.
set -eu
modprobe uio_pdrv_genirq of_id=generic-uio
modprobe uio_pci_generic
echo uio_pci_generic >/sys/bus/pci/devices/0000:00:02.0/driver_override
echo 0000:00:02.0 >/sys/bus/pci/drivers_probe
. ./environment
exec ./shim
