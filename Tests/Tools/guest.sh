# Sourced by Tests/Tools/step: the suite that runs in the guests, on real interrupts.

payload=.build/payload

# make_payload: what a guest runs, of the release build and the packages as they are.
make_payload() {
  rm -rf "$payload" && mkdir -p "$payload/packages/next"
  local program
  for program in guest-suite interruptsyncd interruptsyncctl edu-example uart-example hpet-example \
    nvme-example interruptsync-bench; do
    strip -o "$payload/$program" ".build/release/$program" || return 1
  done
  (c_programs "$payload") || return 1
  # The programs of the pages, built as the pages say.
  Tests/FirstHour/build "$payload/first-hour" || return 1
  cp .build/deb/{interruptsyncd,libinterruptsync0,libinterruptsync-dev}_*.deb "$payload/packages/"
  Tests/Packaging/next-version .build/deb/interruptsyncd_*.deb "$payload/packages/next" >/dev/null || return 1
  cp Tests/Daemon/{attack,daemon}.py Tests/Hardware/programs/sandbox.py "$payload/"
  cp -r Examples/recipes "$payload/"
  python_client "$payload/python" || return 1
  cp Tests/Hardware/GuestSuite/run.sh udev-rules/*.rules systemd/interruptsync* "$payload/" && touch "$payload/complete"
}

# python_client FOLDER: the client's package, and its tutorial with the file that it shows.
python_client() {
  mkdir "$1" && cp .build/deb/python3-interruptsync_*.deb Clients/python/tests/{tutorial,edu}.py docs/python.md "$1/" &&
    python3 "$1/tutorial.py" "$1/python.md" --print file >"$1/50-edu.device"
}

# c_programs FOLDER: the examples in C and C++, with the library they need beside them.
c_programs() {
  local root=$PWD/.build/c-install
  quietly make --no-print-directory install-lib DESTDIR="$root" PREFIX=/usr || return 1
  cp "$root/usr/lib/libinterruptsync.so.0" "$1/"
  export PKG_CONFIG_PATH=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
  c_program gcc gnu17 Tests/Hardware/programs/processes.c "$1/processes" &&
    c_program gcc gnu17 Tests/Hardware/programs/vfio.c "$1/vfio" &&
    c_program gcc gnu17 Tests/Hardware/programs/uio_memory.c "$1/uio_memory" &&
    c_program gcc gnu17 Tests/Hardware/programs/own_vfio.c "$1/own_vfio" &&
    c_program gcc gnu17 Tests/Hardware/programs/gpio.c "$1/gpio" &&
    c_program gcc gnu17 Tests/Hardware/programs/messages.c "$1/messages" &&
    c_program gcc gnu17 Tests/Hardware/programs/common_buffers.c "$1/common_buffers" &&
    c_program gcc gnu17 Examples/uart-c/uart.c "$1/uart" && c_program gcc gnu17 Examples/uart-wdf/uart.c "$1/uart-wdf" &&
    c_program g++ c++17 Examples/ac97/ac97.cpp "$1/ac97" || return 1
  # Those that the daemon loads link nothing.
  mkdir "$1/drivers"
  local driver
  for driver in Examples/edu-hosted/edu.c Tests/Hardware/drivers/*.c; do
    gcc -std=gnu17 -O2 -Wall -Wextra -Werror -shared -fPIC $(pkg-config --cflags interruptsync) "$driver" \
      -o "$1/drivers/$(basename "$driver" .c).so" || return 1
  done
}

# c_program COMPILER STANDARD SOURCE PROGRAM
c_program() {
  "$1" -std="$2" -O2 -Wall -Wextra -Werror "$3" $(pkg-config --cflags --libs interruptsync) -Wl,-rpath,'$ORIGIN' -o "$4"
}

# A third edu, which shares the first one's line and whose engine reaches all memory, a function without an interrupt
# pin, and a sound card on the line of the four UARTs.
cards=(-device edu,addr=7,dma_mask=0xffffffff -device pci-testdev,addr=8 -device AC97,addr=9,audiodev=recording)

# Cards with one and two UARTs, which nothing is wired to.
uarts=(
  -chardev null,id=alone -device pci-serial,addr=0xa,chardev=alone
  -chardev null,id=first -chardev null,id=second -device pci-serial-2x,addr=0xb,chardev1=first,chardev2=second
)

# Below root ports, with the hot plug of PCI Express instead of the firmware's: a network card, and one whose errors QEMU
# passes on.
slots=(
  -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
  -device pcie-root-port,id=bay,addr=0xd,chassis=1,slot=1 -device e1000e,id=nic,bus=bay,romfile=
  -device pcie-root-port,id=other,addr=0xe,chassis=2,slot=2 -device virtio-rng-pci,id=faulty,bus=other,aer=on
)

# boot SERIES ARGUMENTS RUN_GUEST_OPTION...: boots the payload with that kernel. SOAK, ARGUMENTS and T are the suite's.
boot() {
  local series=$1 arguments=$2 limit=2400
  shift 2
  [ -e "$payload/complete" ] || { echo "there is no payload: the step packages has failed" && return 1; }
  printf '%s\n' ${SOAK:+--soak} $arguments $T >"$payload/arguments"
  # A guest that makes no progress ends itself long before.
  [ -z "$SOAK" ] || limit=9000
  LIMIT=$limit limited Tests/Hardware/rig/run-guest -k "$series" "$@" | tee "$work/guest"
  return "${PIPESTATUS[0]}"
}

# judge STATUS: of the boot, and whether it executed anything.
judge() {
  grep -qE '^(PASS|FAIL) ' "$work/guest" || { echo "the guest executed no case" && return 1; }
  closing_sum "$work/guest"
  return "$1"
}

# guest SERIES: everything but VFIO. The sound card is recorded.
guest() {
  local recording=.build/recording-$1.wav status
  rm -f "$recording"
  boot "$1" "" "$payload" -audiodev "wav,id=recording,path=$recording,out.frequency=48000" "${cards[@]}" "${uarts[@]}"
  status=$?
  if [ -z "$T" ]; then
    recorded_tone "$work/guest" "$recording" 2>&1 | tee -a "$work/guest"
    [ "${PIPESTATUS[0]}" -eq 0 ] || status=1
  fi
  judge "$status"
}

# vfio_guest SERIES: the cases of VFIO, with an IOMMU that passes on what UIO's devices do. For vfio-pci: an edu, a switch
# with four vectors, a disk with 65, and the cards in slots, which the suite plugs through the guest's third serial port: it is
# wired to QEMU's monitor. Without no_timer_check the emulated timer is too slow through the remapping for 6.12.
vfio_guest() {
  local disk=.build/disk-$1 status
  numbered_blocks 0 8192 >"$disk"
  boot "$1" --vfio -a "intel_iommu=on iommu=pt no_timer_check iomem=relaxed" "$payload" \
    -device intel-iommu,intremap=on -audiodev none,id=recording "${cards[@]}" \
    -device edu,addr=0xa -device rocker,name=switch,addr=0xb \
    -drive "if=none,id=disk,format=raw,file=$disk" -device nvme,addr=0xc,serial=1,drive=disk \
    "${slots[@]}" \
    -chardev "socket,id=monitor,path=$work/monitor,server=on,wait=off" -mon chardev=monitor,mode=control \
    -chardev "socket,id=wire,path=$work/monitor" -serial chardev:wire
  status=$?
  if [ -z "$T" ]; then
    written_disk "$disk" 2>&1 | tee -a "$work/guest"
    [ "${PIPESTATUS[0]}" -eq 0 ] || status=1
  fi
  judge "$status"
}

# arm64_guest SERIES: the shim's tests on the processor that they are cross-compiled for, and real lines beside them.
arm64_guest() {
  local folder=$work/arm64
  quietly make --no-print-directory -C Tests/CUIO .build/guest || return 1
  mkdir "$folder"
  cp Tests/CUIO/guest/run.sh "$folder" && cp Tests/CUIO/.build/guest "$folder/shim" || return 1
  echo "export ${SOAK:+SOAK=1} TEST='$T'" >"$folder/environment"
  limited Tests/Hardware/rig/run-guest -k "$1" -m arm64 "$folder"
}

# written_disk DISK: whether the machine below the guest sees what the example has written, and nothing else.
written_disk() {
  local verdict=PASS
  { numbered_blocks 0 4096 && numbered_blocks 8192 4096; } | cmp - "$1" || verdict=FAIL
  echo "$verdict theDiskHoldsWhatTheExampleWrote"
  [ "$verdict" = PASS ]
}

# numbered_blocks FIRST COUNT: blocks of 512 bytes, each with 16 lines.
numbered_blocks() { seq -f %031.0f $(($1 * 16)) $((($1 + $2) * 16 - 1)); }

# recorded_tone LOG RECORDING: whether the recording has what the driver said that it played.
recorded_tone() {
  local periods frames
  read -r periods frames < <(sed -nE 's/^ac97: played [0-9]+ of ([0-9]+) periods of ([0-9]+) frames .*/\1 \2/p' "$1" | head -n 1)
  if [ -z "$periods" ]; then
    echo "the guest played nothing"
    return 1
  fi
  limited Tests/Hardware/check-tone --frames $((periods * frames)) --period "$frames" "$2"
}
