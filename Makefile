# make run    builds the daemon and runs it until interrupted   (make run ARGS="pci-0000:00:03.0 --claim …")
# make test   everything: shim, unit tests, Windows shapes, thread sanitizer, hot path, guests with real interrupts
# Both install the Debian packages they need when run as root, and otherwise name them and stop.

SWIFT ?= swift
ARGS ?=
# Static, so that a program runs on machines without Swift; bound at start, so that no first call is slow.
RELEASE = -c release --static-swift-stdlib -Xlinker -z -Xlinker now
BIN = .build/release

RUN_PACKAGES = libudev-dev pkg-config
UNIT_PACKAGES = $(RUN_PACKAGES)
TEST_PACKAGES = $(RUN_PACKAGES) binutils python3 gcc g++ libc6-dev \
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user $(shell cat Tests/Hardware/rig/packages)

.PHONY: run build test test-unit test-shim test-windows test-tsan test-hot test-guests bench clean

run: build
	$(BIN)/interruptsyncd $(ARGS)

build:
	@Tests/Tools/need-packages $(RUN_PACKAGES)
	$(SWIFT) build $(RELEASE) --product interruptsyncd

test:
	@Tests/Tools/need-packages $(TEST_PACKAGES)
	@Tests/Tools/run lint shim aarch64 unit windows tsan hot guest-6.1 guest-6.12

test-unit:
	@Tests/Tools/need-packages $(UNIT_PACKAGES)
	@Tests/Tools/run unit

test-shim:
	@Tests/Tools/need-packages $(TEST_PACKAGES)
	@Tests/Tools/run shim aarch64

test-windows:
	@Tests/Tools/need-packages $(TEST_PACKAGES)
	@Tests/Tools/run windows

test-tsan:
	@Tests/Tools/need-packages $(UNIT_PACKAGES)
	@Tests/Tools/run tsan

test-hot:
	@Tests/Tools/need-packages $(RUN_PACKAGES) binutils python3
	@Tests/Tools/run hot

test-guests:
	@Tests/Tools/need-packages $(TEST_PACKAGES)
	@Tests/Tools/run guest-6.1 guest-6.12

bench:
	@Tests/Tools/need-packages $(RUN_PACKAGES)
	$(SWIFT) build $(RELEASE) --product interruptsync-bench
	@mkdir -p .build/bench
	$(BIN)/interruptsync-bench --report .build/bench/report.json

clean:
	rm -rf .build .build-*
