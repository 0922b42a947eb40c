# For a payload's run.sh: . ./bind.sh (run-guest puts it at /t). Each function that makes a UIO
# device waits for udev to be done with it and prints its uioN.

# uio_of SYSFS_DEVICE: the UIO device of a PCI or platform device.
uio_of() {
    ls "$1/uio"
}

# uio_named NAME: the UIO device of that name, for instance hpet or fixture-custom.
uio_named() {
    basename "$(dirname "$(grep -lx "$1" /sys/class/uio/*/name)")"
}

# bind_uio 0000:00:03.0: takes a PCI device from its driver and gives it to uio_pci_generic.
bind_uio() {
    bind_device=/sys/bus/pci/devices/$1
    modprobe uio_pci_generic
    echo uio_pci_generic >"$bind_device/driver_override"
    [ ! -e "$bind_device/driver" ] || echo "$1" >"$bind_device/driver/unbind"
    echo "$1" >/sys/bus/pci/drivers_probe
    udevadm settle
    uio_of "$bind_device"
}

# unbind_uio 0000:00:03.0: takes a PCI device from uio_pci_generic, which any open file survives.
unbind_uio() {
    echo "$1" >/sys/bus/pci/drivers/uio_pci_generic/unbind
    echo >"/sys/bus/pci/devices/$1/driver_override"
}

# load_board: the HPET as a platform device.
load_board() {
    modprobe uio_board
    udevadm settle
    uio_named hpet
}

# load_fixture: the devices under test control; their attributes are in /sys/bus/platform/devices/uio-fixture.N.
load_fixture() {
    modprobe uio_fixture
    udevadm settle
    ls -d /sys/bus/platform/devices/uio-fixture.*/uio/uio* | sed 's|.*/||'
}
