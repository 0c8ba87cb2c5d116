# The front door. Meson does the work; see meson.build.
BUILD ?= build
PREFIX ?= /usr/local
MESON_OPTIONS ?=

.PHONY: all run test test-s3 test-arm test-faults test-trino check format lint fuzz bench bench-scan install clean dependencies test-dependencies

all: dependencies $(BUILD)/build.ninja
	@tools/build $(BUILD)

$(BUILD)/build.ninja: | dependencies
	@said=$$(meson setup $(BUILD) --buildtype=release --prefix=$(PREFIX) $(MESON_OPTIONS)) || \
		{ echo "$$said"; exit 1; }

dependencies:
	@tools/install-dependencies

test-dependencies:
	@tools/install-dependencies --tests

run: all
	@tools/run-as-root $(BUILD)/nagare up $(ARGS)

# Tests wait more than they compute: twice as many as processors.
test: test-dependencies $(BUILD)/build.ninja
	@tools/build $(BUILD)
	@meson test -C $(BUILD) --print-errorlogs --num-processes $$((2 * $$(nproc))) $(TESTS)

# Ceph's s3-tests: make test-s3 S3_TESTS=FOLDER
test-s3: all
	@tests/clients/s3_tests $(BUILD)/tests/s3-server

# The NEON code, cross-compiled, under QEMU.
test-arm:
	@tools/test-arm

# kill -9 fifty times under load, full disk, lost index.
test-faults: test-dependencies all
	@tests/faults/server $(BUILD)/nagare --kills $(or $(KILLS),50)
	@tests/faults/logs $(BUILD)/nagare --kills $(or $(KILLS),50)
	@tools/run-as-root tests/faults/agent $(BUILD)/nagare --kills $(or $(KILLS),50) --outage 40

# A real Trino on nagare's Glue and S3 endpoints, and behind its Athena API.
test-trino: test-dependencies all
	@tools/install-dependencies --trino
	@tests/trino/tables $(BUILD)/nagare
	@tests/trino/engine $(BUILD)/nagare

check:
	@tools/check

format: test-dependencies
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint: test-dependencies all
	@tools/lint $(BUILD)

# make fuzz SECONDS=600 NAMES="base-ip record-reader"
fuzz: test-dependencies
	@tools/fuzz $(or $(SECONDS),60) $(NAMES)

bench: all
	@tools/install-dependencies --bench
	@bench/run $(BENCH)

bench-scan: all
	@bench/scan $(BUILD)

# make install PREFIX=/usr DESTDIR=...; a PREFIX given here also changes an existing build.
install: all
	@$(if $(filter file,$(origin PREFIX)),,meson configure $(BUILD) -Dprefix=$(PREFIX) && tools/build $(BUILD))
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-*
