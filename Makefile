# SPDX-License-Identifier: BSD-2-Clause
# A thin front for meson; every target installs what it needs first (Debian, as root).
.PHONY: all
all: build/build.ninja
	ninja -C build
build/build.ninja:
	meson setup build
