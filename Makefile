# make run    builds the daemon and runs it until interrupted   (make run ARGS="pci-0000:00:03.0 --claim …")
# make completions  the shells' completions of interruptsyncctl, in .build/completions
# make lib    libinterruptsync.so, for C and whatever speaks it   (make install [PREFIX=/usr/local] [DESTDIR=])
# make install-service  units, user, catalog and udev rules, where there is no package to bring them
# make deb    Debian packages in .build/deb
# make test   everything: shim, C and Windows interfaces, unit tests, sanitizers, hot path, guests with real interrupts
# make test-SUITE [T=NAME]  one suite, or its tests with NAME in their names: unit, guests, c, ... (CONTRIBUTING.md)
# make soak   the long forms of the daemon's and the guests' tests
# make coverage  which lines and regions the tests execute, in .build/coverage
# make docs   the site: every page, the manual pages and the reference of the Swift library, in .build/docs   (DOCS_BASE=/path)
# All install the Debian packages they need when run as root, and otherwise name them and stop.

SWIFT ?= swift
ARGS ?=
# Static, so that a program runs on machines without Swift; bound at start, so that no first call is slow; libraries are
# looked for where the system has them, and not beside the program. Programs and library are compiled with the same flags,
# so that they are compiled once.
RELEASE = -c release --static-swift-stdlib -Xswiftc -static-stdlib -Xlinker -z -Xlinker now --disable-local-rpath $(ANYWHERE)
# The same programs wherever they are built: debug information, and the build ids that are made of it, name no folder of this
# machine. The compiler names its cache of C's modules there, by a hash of paths, and hashes each file's path to see
# whether it changed.
ANYWHERE = -Xswiftc -file-prefix-map -Xswiftc $(CURDIR)=. -Xswiftc -file-compilation-dir -Xswiftc . \
  -Xcc -ffile-prefix-map=$(CURDIR)=. -Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs \
  -Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen
BIN = .build/release

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
# Empty to keep the library's symbols.
INSTALL_STRIP_FLAG ?= -s
VERSION = 0.1.0
# Swift's runtime is linked into the library, and only what the map names leaves it.
LIB = .build/lib/libinterruptsync.so
LIB_RELEASE = $(RELEASE) -Xlinker -soname=libinterruptsync.so.0 \
  -Xlinker --version-script=Sources/CInterruptSync/packaging/libinterruptsync.map -Xlinker --gc-sections

# The reference is made of symbol graphs, which are taken from the modules of the debug build.
DOCC ?= $(SWIFT:%swift=%docc)
EXTRACT ?= $(SWIFT:%swift=%swift-symbolgraph-extract)
DOCUMENTED = InterruptSync InterruptSyncClient UIO VFIO GPIO DeviceIdentity DeviceRegisters LinuxSystem
# The site stands at this path of its server; the reference cannot stand at another one.
DOCS_BASE ?=
DOCS = .build/docs
DOCS_BUILD = .build/reference
REFERENCE = $(DOCS_BUILD)/merged
GRAPHS = $(abspath $(DOCS_BUILD)/graphs)

# The control plane's interface, for authors of clients.
INTERFACE = Sources/InterruptSyncService/Clients/io.interruptsync.varlink

DEB = $(abspath .build/deb)

RUN_PACKAGES = libudev-dev pkg-config systemtap-sdt-dev
LIB_PACKAGES = $(RUN_PACKAGES) binutils
C_PACKAGES = $(LIB_PACKAGES) gcc g++ libc6-dev
MODEL_PACKAGES = spin gcc libc6-dev python3 python3-venv
COUNT_PACKAGES = valgrind binutils python3
BENCH_PACKAGES = $(RUN_PACKAGES) gcc libc6-dev libdpdk-dev binutils python3 $(shell cat Tests/Hardware/rig/packages)
DEB_PACKAGES = $(LIB_PACKAGES) build-essential debhelper dh-python dpkg-dev fakeroot gcc libc6-dev make \
  pybuild-plugin-pyproject python3 python3-all python3-setuptools
# The site is made with Debian's Python and its packages, whichever Python is the first on the PATH.
DOCS_PACKAGES = $(RUN_PACKAGES) git mandoc python3 python3-markdown-it python3-mdit-py-plugins python3-pygments
BROWSER_PACKAGES = chromium fonts-dejavu-core python3-venv
PYTHON_PACKAGES = mypy python3 python3-flake8 python3-matplotlib python3-numpy python3-pytest python3-setuptools python3-venv \
  python3-wheel
# openssh-server is unpacked and not installed: it would start a server.
REMOTE_PACKAGES = openssh-client util-linux fish zsh
TEST_PACKAGES = $(RUN_PACKAGES) $(REMOTE_PACKAGES) $(PYTHON_PACKAGES) $(MODEL_PACKAGES) $(COUNT_PACKAGES) \
  $(DEB_PACKAGES) $(DOCS_PACKAGES) $(BROWSER_PACKAGES) lintian mandoc git \
  g++ binutils python3 python3-venv gcc libc6-dev libc6-dev-arm64-cross qemu-user \
  $(shell cat Tests/Hardware/rig/packages)

.PHONY: run release build completions lib install install-service install-lib deb deb-advice docs reference site docs-plots bench clean test soak coverage

run: build
	$(BIN)/interruptsyncd $(ARGS)

# Everything that is released, examples and probes included.
release:
	@Tests/Tools/need-packages $(RUN_PACKAGES)
	$(SWIFT) build $(RELEASE)

build:
	@Tests/Tools/need-packages $(RUN_PACKAGES)
	$(SWIFT) build $(RELEASE) --product interruptsyncd
	$(SWIFT) build $(RELEASE) --product interruptsyncctl

lib:
	@Tests/Tools/need-packages $(LIB_PACKAGES)
	$(SWIFT) build $(LIB_RELEASE) --product interruptsync
	install -D $(BIN)/libinterruptsync.so $(LIB)

# What each shell reads; Debian's zsh has one folder for packages and one for the machine.
SHARE = $(DESTDIR)$(PREFIX)/share
ZSH_FOLDER = $(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

completions: build
	mkdir -p .build/completions
	$(foreach shell,bash zsh fish,$(BIN)/interruptsyncctl --generate-completion-script $(shell) \
	  >.build/completions/$(shell) &&) true
	# Sourced, not run.
	sed -i '1{/^#!/d}' .build/completions/bash

install: build install-lib completions
	install -D $(BIN)/interruptsyncd $(DESTDIR)$(PREFIX)/sbin/interruptsyncd
	install -D $(BIN)/interruptsyncctl $(DESTDIR)$(PREFIX)/bin/interruptsyncctl
	for page in docs/man/*; do install -D -m 644 -t $(SHARE)/man/man$${page##*.} $$page || exit; done
	install -D -m 644 .build/completions/bash $(SHARE)/bash-completion/completions/interruptsyncctl
	install -D -m 644 .build/completions/zsh $(SHARE)/zsh/$(ZSH_FOLDER)/_interruptsyncctl
	install -D -m 644 .build/completions/fish $(SHARE)/fish/vendor_completions.d/interruptsyncctl.fish
	install -D -m 644 -t $(SHARE)/interruptsync $(INTERFACE)

# What systemd and udev read, for systems without the package. Then, as root: systemd-sysusers, udevadm control --reload,
# udevadm trigger --subsystem-match=uio --action=add, systemctl daemon-reload, systemctl enable --now interruptsyncd.socket
# interruptsyncd.service.
SYSTEM = $(DESTDIR)$(PREFIX)/lib

install-service:
	install -d $(SYSTEM)/systemd/system
	for unit in systemd/*.service systemd/*.socket; do \
	  sed -E 's|=(\+?)/usr/(s?bin)/|=\1$(PREFIX)/\2/|' $$unit >$(SYSTEM)/systemd/system/$${unit##*/} || exit; \
	done
	install -D -m 644 -t $(SYSTEM)/systemd/catalog systemd/interruptsync.catalog
	install -D -m 644 systemd/interruptsync.sysusers $(SYSTEM)/sysusers.d/interruptsync.conf
	install -d $(SYSTEM)/udev/rules.d
	for rules in udev-rules/*.rules; do \
	  sed 's|/usr/bin/interruptsyncctl|$(PREFIX)/bin/interruptsyncctl|' $$rules >$(SYSTEM)/udev/rules.d/$${rules##*/} || exit; \
	done

# The library alone, with what a compiler needs of it.
install-lib: lib
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/interruptsync
	install -m 644 $(INSTALL_STRIP_FLAG) $(LIB) $(DESTDIR)$(LIBDIR)/libinterruptsync.so.$(VERSION)
	ln -sf libinterruptsync.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libinterruptsync.so.0
	ln -sf libinterruptsync.so.0 $(DESTDIR)$(LIBDIR)/libinterruptsync.so
	install -m 644 Sources/CInterruptSync/include/interruptsync.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 Sources/CInterruptSync/include/interruptsync/*.h $(DESTDIR)$(PREFIX)/include/interruptsync/
	cd Sources/CWindowsInterrupts/include && find . -name '*.h' ! -name core.h ! -name CWindowsInterrupts.h \
	  -exec install -D -m 644 {} $(abspath $(DESTDIR)$(PREFIX))/include/interruptsync/windows/{} \;
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin Sources/CInterruptSync/packaging/interruptsync-check-long
	# How drivers' sources write the headers' names, for which Windows does not tell a from A.
	names=$(DESTDIR)$(PREFIX)/include/interruptsync/windows/names; install -d $$names; \
	for name in NTDDK.H Ntddk.h NtDDK.h NTDEF.H Ntdef.h NTSTATUS.H Ntstatus.h NtStatus.h WDM.H Wdm.h WDF.H Wdf.h PORTCLS.H \
	  Portcls.h PortCls.h STDUNK.H Stdunk.h StdUnk.h INITGUID.H Initguid.h InitGuid.h KSDEBUG.H Ksdebug.h KsDebug.h; do \
	  echo "#include \"../$$(echo $$name | tr A-Z a-z)\"" >$$names/$$name || exit; \
	done
	for name in interruptsync interruptsync-windows; do \
	  sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' \
	    Sources/CInterruptSync/packaging/$$name.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/$$name.pc || exit; \
	done

# SwiftPM's work is done before the packages' own build, which finds nothing to fetch.
deb: build lib
	@Tests/Tools/need-packages $(DEB_PACKAGES)
	rm -rf $(DEB) && mkdir -p $(DEB)
	DESTINATION=$(DEB) dpkg-buildpackage --build=binary --no-sign --post-clean --buildinfo-option=-u$(DEB) \
	  --buildinfo-file=$(DEB)/interruptsync.buildinfo --changes-option=-u$(DEB) \
	  --changes-file=$(DEB)/interruptsync.changes
	@$(MAKE) -s --no-print-directory deb-advice

deb-advice:
	@echo 'The packages are in .build/deb. Next, install the service, and the library if you write drivers in C or C++:'
	@echo '  sudo apt install ./.build/deb/interruptsyncd_*.deb'
	@echo '  sudo apt install ./.build/deb/libinterruptsync0_*.deb ./.build/deb/libinterruptsync-dev_*.deb'
	@echo 'Then "interruptsyncctl list" shows your devices. Take a device file from'
	@echo '/usr/share/doc/interruptsyncd/examples/recipes, change what its comments say, put it into'
	@echo '/etc/interruptsync/devices, and run "sudo systemctl reload interruptsyncd".'

docs: reference
	@$(MAKE) --no-print-directory site

# Everything but the reference, which is taken as it is.
site:
	@Tests/Tools/need-packages $(DOCS_PACKAGES)
	/usr/bin/python3 Website/build --base "$(DOCS_BASE)" --reference $(REFERENCE) $(DOCS)

reference:
	@Tests/Tools/need-packages $(RUN_PACKAGES)
	for target in InterruptSync InterruptSyncClient; do $(SWIFT) build --target $$target || exit; done
	rm -rf $(GRAPHS) && mkdir -p $(GRAPHS)
	for module in $(DOCUMENTED); do $(EXTRACT) -module-name $$module -target $$(basename $$(dirname $$(readlink -f .build/debug))) -output-dir $(GRAPHS) \
	  -I .build/debug/Modules -I Sources/CUIO/include -I Sources/CVFIO/include -I Sources/CGPIO/include -I Sources/CLinuxSystem/include \
	  -Xcc -fmodule-map-file=.build/debug/CUIO.build/module.modulemap \
	  -Xcc -fmodule-map-file=.build/debug/CVFIO.build/module.modulemap \
	  -Xcc -fmodule-map-file=.build/debug/CGPIO.build/module.modulemap \
	  -Xcc -fmodule-map-file=.build/debug/CLinuxSystem.build/module.modulemap || exit; done
	Tests/Documentation/own $(GRAPHS) DeviceIdentity LinuxSystem DeviceRegisters
	Tests/Documentation/own $(GRAPHS) UIO LinuxSystem DeviceRegisters DeviceIdentity
	Tests/Documentation/own $(GRAPHS) VFIO LinuxSystem DeviceRegisters DeviceIdentity
	Tests/Documentation/own $(GRAPHS) GPIO LinuxSystem DeviceRegisters DeviceIdentity
	$(call archive,LinuxSystem)
	$(call archive,DeviceRegisters,$(call documented,LinuxSystem))
	$(call archive,DeviceIdentity,$(call documented,LinuxSystem DeviceRegisters))
	$(call archive,UIO,$(call documented,LinuxSystem DeviceRegisters DeviceIdentity))
	$(call archive,VFIO,$(call documented,LinuxSystem DeviceRegisters DeviceIdentity))
	$(call archive,GPIO,$(call documented,LinuxSystem DeviceRegisters DeviceIdentity))
	$(call archive,InterruptSync,$(call documented,LinuxSystem DeviceRegisters DeviceIdentity UIO VFIO GPIO))
	$(call archive,InterruptSyncClient,$(call documented,LinuxSystem DeviceRegisters DeviceIdentity UIO))
	rm -rf $(REFERENCE)
	$(DOCC) merge $(foreach module,$(DOCUMENTED),$(DOCS_BUILD)/$(module).doccarchive) --output-path $(REFERENCE) \
	  --synthesized-landing-page-name InterruptSync

# $(call documented,MODULES): lets an archive link to the symbols of these modules.
documented = $(foreach module,$(1),--dependency $(DOCS_BUILD)/$(module).doccarchive)

# $(call archive,MODULE,ARGUMENTS): a module's catalog and symbols; a warning is an error.
define archive
rm -rf $(DOCS_BUILD)/$(1) $(DOCS_BUILD)/$(1).doccarchive && mkdir -p $(DOCS_BUILD)/$(1)
cp $(GRAPHS)/$(1)[.@]*json $(DOCS_BUILD)/$(1)/
$(DOCC) convert Sources/$(1)/$(1).docc --additional-symbol-graph-dir $(DOCS_BUILD)/$(1) \
  --output-path $(DOCS_BUILD)/$(1).doccarchive --hosting-base-path "$(DOCS_BASE)/reference" --fallback-display-name $(1) \
  --fallback-bundle-identifier interruptsync.$(1) --warnings-as-errors --ide-console-output \
  --enable-inherited-docs --enable-experimental-external-link-support $(2)
endef

# Every step of the tests, in the order of the summary. Tests/Tools/lanes runs them, Tests/Tools/step one of them.
STEPS = lint tools docs site man model interleavings units release packages shim aarch64 arm64-6.1 arm64-6.12 unit mustfail \
  tsan asan hot instructions faults fuzz c windows varlink python monitoring soak daemon deb tone \
  guest-6.1 guest-6.12 vfio-6.1 vfio-6.12

test:
	@Tests/Tools/need-packages $(TEST_PACKAGES)
	@rm -rf .build/results
	@Tests/Tools/lanes
	@Tests/Tools/summary $(STEPS)

# The long forms of what is long because it is many: 100,000 transactions, 50 restarts, 200 kills, a mebibyte, and two
# hours of everything at once (docs/soak.md). And the packages once more from nothing.
soak:
	@Tests/Tools/need-packages $(TEST_PACKAGES)
	@export SOAK=1; $(call steps,docs site model release faults fuzz packages rebuild soak daemon arm64-6.1 arm64-6.12 guest-6.1 \
	  guest-6.12 vfio-6.1 vfio-6.12)

# A command apart: its build alone takes minutes.
coverage:
	@Tests/Tools/need-packages $(RUN_PACKAGES) $(C_PACKAGES) python3 python3-venv
	@Tests/Coverage/run

# $(call steps,STEP...): some steps, one after the other, and their sum. T=NAME runs the tests with NAME in their name.
steps = for step in $(1); do Tests/Tools/step $$step || true; done; Tests/Tools/summary $(1)

# $(call suite,NAME,PACKAGES,STEPS): `make test-NAME`, one after the other.
define suite
.PHONY: test-$(1)
test-$(1):
	@Tests/Tools/need-packages $(2)
	@$$(call steps,$(3))
endef

$(eval $(call suite,lint,git,lint))
$(eval $(call suite,tools,python3 python3-venv apt,tools))
$(eval $(call suite,docs,$(DOCS_PACKAGES) python3-venv,docs man))
$(eval $(call suite,site,$(DOCS_PACKAGES) $(BROWSER_PACKAGES),site))
$(eval $(call suite,model,$(MODEL_PACKAGES),model))
$(eval $(call suite,interleavings,$(RUN_PACKAGES),interleavings))
$(eval $(call suite,units,$(TEST_PACKAGES),units))
$(eval $(call suite,shim,$(TEST_PACKAGES),shim aarch64))
$(eval $(call suite,unit,$(RUN_PACKAGES),unit))
$(eval $(call suite,mustfail,$(RUN_PACKAGES),mustfail))
$(eval $(call suite,tsan,$(RUN_PACKAGES),tsan))
$(eval $(call suite,asan,$(RUN_PACKAGES),asan))
$(eval $(call suite,hot,$(RUN_PACKAGES) binutils python3,release hot))
$(eval $(call suite,instructions,$(RUN_PACKAGES) $(COUNT_PACKAGES),release instructions))
$(eval $(call suite,faults,$(RUN_PACKAGES) gcc libc6-dev python3-venv,release faults))
$(eval $(call suite,fuzz,$(RUN_PACKAGES),fuzz))
$(eval $(call suite,c,$(C_PACKAGES),c))
$(eval $(call suite,windows,$(TEST_PACKAGES),windows))
$(eval $(call suite,varlink,$(RUN_PACKAGES) python3-venv,varlink))
$(eval $(call suite,python,$(RUN_PACKAGES) $(PYTHON_PACKAGES),release python))
$(eval $(call suite,daemon,$(RUN_PACKAGES) $(REMOTE_PACKAGES) binutils python3-venv mmdebstrap,release daemon))
$(eval $(call suite,monitoring,$(RUN_PACKAGES) python3-venv dpkg apt,release monitoring))
$(eval $(call suite,soak,$(RUN_PACKAGES) gcc libc6-dev python3-venv,release soak))
$(eval $(call suite,deb,$(TEST_PACKAGES),release packages deb))
$(eval $(call suite,rebuild,$(TEST_PACKAGES),release packages rebuild))
$(eval $(call suite,guests,$(TEST_PACKAGES),release packages tone guest-6.1 guest-6.12))
$(eval $(call suite,arm64,$(TEST_PACKAGES),arm64-6.1 arm64-6.12))
$(eval $(call suite,vfio,$(TEST_PACKAGES),release packages vfio-6.1 vfio-6.12))

bench: lib
	@Tests/Tools/need-packages $(BENCH_PACKAGES)
	$(SWIFT) build $(RELEASE) --product interruptsyncd
	$(SWIFT) build $(RELEASE) --product interruptsync-bench
	@mkdir -p .build/bench
	gcc -std=gnu17 -O2 -Wall -Wextra -Werror -D_Nonnull= -D_Nullable= -DALLOW_EXPERIMENTAL_API -IBenchmarks/CFloor/include \
	  Benchmarks/DPDKPeer/dpdk_peer.c Benchmarks/CFloor/probe.c $$(pkg-config --cflags --libs-only-L libdpdk) \
	  -Wl,--as-needed -lrte_eal -o .build/bench/dpdk-peer
	$(BIN)/interruptsync-bench --report .build/bench/report.json --library $(LIB) --dpdk .build/bench/dpdk-peer \
	  --daemon $(BIN)/interruptsyncd --gate Tests/HotPath/check-hot --revision "$$(git describe --always --dirty 2>/dev/null)" \
	  --guest "Benchmarks/Guest/run $(BIN)/interruptsync-bench" $(ARGS)

# The pictures of docs/performance.md, as the last `make bench` drew them.
PLOTS = latency--busy-line--eventfd--FIFO latency--busy-line--eventfd--ordinary-policy \
  latency--quiet-line--eventfd--ordinary-policy latency--64-lines-in-turn--eventfd--ordinary-policy inversion

docs-plots:
	@for plot in $(PLOTS); do [ -e .build/bench/$$plot.svg ] || \
	  { echo ".build/bench has no $$plot.svg: run make bench, or make bench ARGS='--only latency --only contention', as root" >&2; \
	    exit 1; }; done
	install -d docs/performance
	install -m 644 -t docs/performance $(PLOTS:%=.build/bench/%.svg)

clean:
	rm -rf .build .build-*
