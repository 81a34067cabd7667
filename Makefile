# A thin front for Meson: each target installs what it lacks (scripts/need), builds, and does one thing.
BUILD ?= build
.PHONY: all build demo check bench fuzz lint install uninstall clean asan valgrind dist

all: build

build:
	@scripts/need build
	@scripts/configure $(BUILD)
	@ninja -C $(BUILD)

clean:
	rm -rf build build-*
