# SPDX-License-Identifier: BSD-2-Clause
#
# A thin front for meson. Every target first installs the Debian packages that it lacks (tools/setup).
#
# build       what users get, release        build-asan   gcc, ASan + UBSan: what the tests run
# build-fuzz  clang, libFuzzer, ASan + UBSan; also proves that clang compiles all without a warning

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
KERNEL ?= 6.12
MINUTES ?= 60
# of the tests, those that `make test` runs in guests too; `make test-vm` runs all of them
VM ?= 6.12 6.1-kprobe
VM_TESTS ?= demo/ bpf/bpf-change bpf/bpf-descent bpf/bpf-net
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: all demo test install bench bench-vm lint fuzz vm-shell test-vm soak-vm clean setup-build setup-test
all: setup-build build/build.ninja
	ninja -C build

setup-build:
	@tools/setup build

build/build.ninja:
	meson setup build

build-asan/build.ninja:
	meson setup build-asan -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false

build-fuzz/build.ninja:
	CC=clang meson setup build-fuzz -Dfuzz=true -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false

# ENGINE=lsm: with that engine, in a guest where the machine's own kernel cannot
demo: all
	@tools/setup demo
	KERNEL=$(KERNEL) demo/run build $(ENGINE)

# before anything is configured: the compilers that are there then are those that the programs are tested with
setup-test:
	@tools/setup test lint fuzz vm

# TESTS="pattern …" runs some of them; VM="" leaves the guests out
test: setup-test all
	$(MAKE) build-asan/build.ninja build-fuzz/build.ninja
	ninja -C build-asan
	ninja -C build-fuzz
	tools/run-tests --native $(VM:%=--vm %) --vm-build build $(VM_TESTS:%=--vm-only %) $(TESTS)

install: all
	meson configure build -Dprefix=$(abspath $(PREFIX))
	ninja -C build
	DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

bench: all
	@tools/setup bench
	bench/run build

# in guest instructions, in a guest with Debian's KERNEL, beside auditd and bpftrace
bench-vm: all
	@tools/setup vm
	@bench/vm build $(KERNEL)

lint: setup-build
	@tools/setup lint
	$(MAKE) build-asan/build.ninja
	ninja -C build-asan
	tools/run-tests lint/

fuzz: setup-build
	@tools/setup fuzz
	$(MAKE) build-fuzz/build.ninja
	ninja -C build-fuzz
	tools/fuzz build-fuzz $(SECONDS)

# a shell in a guest with Debian's KERNEL and this machine's files
vm-shell:
	@tools/setup vm
	@tests/vm/run --kernel $(KERNEL) --smp 2 --shell

# KERNEL="6.12 6.1": in both, one after the other; the guests emulate, so no sanitizers there
test-vm: setup-test all
	tools/run-tests -B build $(KERNEL:%=--vm %) $(TESTS)

# MINUTES of mixed load in a guest with Debian's KERNEL: whether memory stays flat; no part of `make test`
soak-vm: all
	@tools/setup vm
	tests/vm/run --kernel $(KERNEL) --smp 2 --mem 3072 --timeout $$(($(MINUTES) * 60 + 900)) --see build \
		-- tests/vm/soak build $(MINUTES)

clean:
	rm -rf build build-asan build-fuzz
