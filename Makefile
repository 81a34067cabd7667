# A thin front for Meson: each target installs what it lacks (scripts/need), builds, and does one thing.

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30
SOAK_SECONDS ?= 600
DEMO_ARGS ?=
BENCH_ARGS ?=
TEST_ARGS ?=

.PHONY: all build demo demo-anonymous check slow soak interop asan tsan valgrind fuzz bench lint format install uninstall clean help

all: build ## the same as build

build: ## the library, the program, the tests
	@scripts/need build
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)

demo: ## a realm, clients of another library, contexts passed from hand to hand (DEMO_ARGS="--contexts 200")
	@scripts/need build demo
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD) --quiet demo-programs
	@$(BUILD)/src/cli/baton demo $(DEMO_ARGS)

demo-anonymous: ## the same without a realm: SAnon contexts, and nothing to install beyond the build's packages
	@scripts/need build
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD) --quiet demo-programs
	@$(BUILD)/src/cli/baton demo --anonymous $(DEMO_ARGS)

check: ## every suite (TEST_ARGS="--suite unit")
	@scripts/need build demo lint
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@scripts/suites $(BUILD) $(TEST_ARGS)

interop: ## programs that nobody here wrote, on Baton: OpenSSH and others (installs them)
	@scripts/need build interop
	@scripts/need interop-more || echo "some programs are not installed: their tests skip"
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@scripts/suites $(BUILD) --setup programs --suite programs $(TEST_ARGS)

slow: ## tests that wait for minutes
	@scripts/need build demo
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@scripts/suites $(BUILD) --setup slow --suite slow $(TEST_ARGS)

soak: ## processes killed, stopped and starved, the claim store cut and replaced, clocks set, for SOAK_SECONDS
	@scripts/need build soak
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@SOAK_SECONDS=$(SOAK_SECONDS) scripts/suites $(BUILD) --setup soak --suite soak --verbose $(TEST_ARGS)

asan: ## the suites under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/need build demo
	@scripts/configure build-asan -Db_sanitize=address,undefined -Db_lundef=false
	@scripts/suites build-asan --sanitized $(TEST_ARGS)

tsan: ## the suites that have threads under ThreadSanitizer
	@scripts/need build demo
	@scripts/configure build-tsan -Db_sanitize=thread -Db_lundef=false
	@scripts/suites build-tsan --threads $(TEST_ARGS)

valgrind: ## the unit suites under valgrind
	@scripts/need build demo valgrind
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@scripts/suites $(BUILD) --valgrind $(TEST_ARGS)

fuzz: ## every fuzz target for FUZZ_SECONDS
	@scripts/need build fuzz
	@CC=clang scripts/configure build-fuzz -Dfuzzers=true -Db_lundef=false -Db_sanitize=address,undefined \
		-Dc_args=-fsanitize=fuzzer-no-link
	@scripts/fuzz build-fuzz $(FUZZ_SECONDS)

bench: ## Baton, MIT's library and Heimdal's side by side
	@scripts/need build demo bench
	@scripts/need bench-heimdal || true
	@scripts/configure build-bench --buildtype=release
	@ninja -C build-bench --quiet
	@scripts/bench build-bench $(BENCH_ARGS)

lint: ## rooms and levels, manual pages, layout of the code (the last is advice)
	@scripts/need build lint
	@scripts/configure $(BUILD) --prefix=$(PREFIX)
	@scripts/suites $(BUILD) --suite lint
	@scripts/format --check || true

format: ## lay out the code as .clang-format says
	@scripts/need lint
	@scripts/format

install: build ## into PREFIX (default /usr/local), below DESTDIR if that is set
	@meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || true

uninstall: ## what install put there
	@ninja -C $(BUILD) uninstall

clean: ## every build directory
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
