# Tapgate: build, test, demo. `make help` lists the targets.
#
# Each room becomes one static library in $(BUILD); a unit test in tests/unit/ROOM/ links the rooms that ROOM may include.
# Variants build into their own folder: make BUILD=build/asan SAN=1

BUILD   ?= build
CC      ?= gcc
PYTHON  ?= /usr/bin/python3
PKGS    := libevent libnl-3.0 libnl-route-3.0 fuse3 jansson
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	   -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wno-format-nonliteral -Wimplicit-fallthrough -Wnull-dereference
OPT     ?= -O2 -g
ifdef SAN
OPT     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
WARN    += -Wno-null-dereference
endif
CFLAGS  += -std=gnu17 $(OPT) $(WARN) -I. -D_GNU_SOURCE -fno-strict-aliasing -MMD -MP
VERSION := 0.1.0

ROOMS   := netstack conntrack tables nat helpers router
SRC      = $(sort $(wildcard $(1)/*.c))
OBJ      = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB      = $(BUILD)/lib$(1).a

# The rooms that a room may include, itself first: the link order.
ROOMS_netstack  := netstack
ROOMS_conntrack := conntrack netstack
ROOMS_tables    := tables conntrack netstack
ROOMS_nat       := nat tables conntrack netstack
ROOMS_helpers   := helpers nat tables conntrack netstack
ROOMS_router    := router helpers nat tables conntrack netstack

# As many jobs as processors unless -j says otherwise; V=1 shows the commands.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
Q := $(if $(V),,@)

.DEFAULT_GOAL := all
.PHONY: all help demo check check-unit check-functional check-layers bench bench-conntrack asan tidy fmt fuzz fuzz-smoke install clean deps deps-test unit

all: $(BUILD)/tapgate ## the binary, build/tapgate

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

-include tests/build.mk

$(BUILD)/%.o: %.c | deps
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<")
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

define room_lib
$(call LIB,$(1)): $(call OBJ,$(filter-out router/main.c,$(call SRC,$(1))))
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_lib,$(r))))

ROUTER_CFLAGS = $(shell pkg-config --cflags $(PKGS))
ROUTER_LIBS   = $(shell pkg-config --libs $(PKGS)) -liniparser
$(BUILD)/router/%.o: CPPFLAGS += $(ROUTER_CFLAGS) -DTAPGATE_VERSION='"$(VERSION)"'

$(BUILD)/tapgate: $(BUILD)/router/main.o $(foreach r,$(ROOMS_router),$(call LIB,$(r)))
	$(Q)$(CC) $(CFLAGS) -o $@ $(BUILD)/router/main.o -Wl,--start-group $(foreach r,$(ROOMS_router),$(call LIB,$(r))) -Wl,--end-group $(ROUTER_LIBS)

# --- dependencies ----------------------------------------------------------------------------------------------------

deps: ## installs what the build lacks (root on Debian), or says what to install
	@.ci/deps build

deps-test: ## the same for tests, demo and bench
	@.ci/deps test

# --- unit tests: one program per tests/unit/ROOM/test_*.c --------------------------------------------------------------

UNIT_SRC  := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN  := $(patsubst %.c,$(BUILD)/%,$(UNIT_SRC))
CRAFT     := $(BUILD)/tests/unit/craft.o

define unit_room
$(BUILD)/tests/unit/$(1)/test_%: $(BUILD)/tests/unit/$(1)/test_%.o $(CRAFT) $(foreach r,$(ROOMS_$(1)),$(call LIB,$(r)))
	$$(Q)$$(CC) $$(CFLAGS) -o $$@ $$< $(CRAFT) -Wl,--start-group $(foreach r,$(ROOMS_$(1)),$(call LIB,$(r))) -Wl,--end-group \
		-lcmocka $(if $(filter router,$(1)),$$(ROUTER_LIBS))
endef
$(foreach r,$(ROOMS),$(eval $(call unit_room,$(r))))
$(BUILD)/tests/unit/router/%.o: CPPFLAGS += $(ROUTER_CFLAGS)
.PRECIOUS: $(BUILD)/%.o

unit: $(UNIT_BIN) ## builds the unit tests

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean: ## removes what was built
	rm -rf build

# --- tests -------------------------------------------------------------------------------------------------------------

check: deps-test all ## all tests; ends with "N passed, N failed"
	@$(PYTHON) tests/run.py

check-unit: deps-test ## unit tests only
	@$(PYTHON) tests/run.py unit

check-functional: deps-test all ## scenarios and real traffic only (root)
	@$(PYTHON) tests/run.py functional

check-layers: ## the include arrows go down only
	@$(PYTHON) tests/layers.py

asan: deps-test ## unit, packet and random-frame tests under AddressSanitizer and UBSan
	@$(PYTHON) tests/run.py asan

$(BUILD)/asan/tapgate: ## the binary with sanitizers
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SAN=1 $(BUILD)/asan/tapgate

PACKET_RUNNER := $(BUILD)/tests/packet/play
ENGINE_LIBS    = -Wl,--start-group $(BUILD)/router/engine.o $(foreach r,$(ROOMS_helpers),$(call LIB,$(r))) -Wl,--end-group
ENGINE_DEPS    = $(BUILD)/router/engine.o $(foreach r,$(ROOMS_helpers),$(call LIB,$(r)))

$(PACKET_RUNNER): $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/packet/*.c))) $(ENGINE_DEPS)
	$(Q)$(CC) $(CFLAGS) -o $@ $(filter %.o,$(filter-out %/engine.o,$^)) $(ENGINE_LIBS)

# --- fuzzing: each tests/fuzz/fuzz_X.c has LLVMFuzzerTestOneInput; corpora in tests/fuzz/corpus/X -------------------------

FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_BIN   := $(addprefix $(BUILD)/tests/fuzz/fuzz_,$(FUZZ_NAMES))
ROUTER_LIB  = $(call LIB,router)

# A small driver that replays the corpus and mutates it from a fixed seed: runs anywhere, part of `make check`.
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/driver.o $(foreach r,$(ROOMS),$(call LIB,$(r)))
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(BUILD)/tests/fuzz/driver.o -Wl,--start-group $(foreach r,$(ROOMS),$(call LIB,$(r))) -Wl,--end-group $(ROUTER_LIBS)

fuzz-smoke: $(FUZZ_BIN) ## the fuzz targets with the built-in driver

fuzz: ## coverage-guided, with clang: make fuzz TARGET=rule SECONDS=60
	@tests/fuzz/run.sh $(TARGET) $(SECONDS)

# --- demo, bench, house keeping --------------------------------------------------------------------------------------------

demo: deps-test all ## real ping, curl and FTP through the router, in namespaces (root)
	@$(PYTHON) -m testnet.demo

SCALE_BENCH := $(addprefix $(BUILD)/tests/bench/,conntrack fill blast sink)
bench: deps-test all $(BUILD)/tests/bench/reflector $(BUILD)/tests/bench/blast $(BUILD)/tests/bench/sink $(BUILD)/tests/bench/core $(BUILD)/tests/bench/load $(SCALE_BENCH) ## table of ratios: Tapgate / reflector / kernel (root)
	@$(PYTHON) tests/bench/bench.py

bench-conntrack: deps-test all $(SCALE_BENCH) ## the same for connections alone: rates, memory, longest turns, dumps (root)
	@$(PYTHON) tests/bench/bench.py P5

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o
	$(Q)$(CC) $(CFLAGS) -o $@ $<

$(BUILD)/tests/bench/core $(BUILD)/tests/bench/load $(BUILD)/tests/bench/conntrack: $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(ENGINE_DEPS)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(ENGINE_LIBS)

tidy: deps-test ## clang-tidy over the rooms
	@command -v clang-tidy >/dev/null || { echo "tidy: install clang-tidy"; exit 1; }
	clang-tidy --quiet $(foreach r,$(ROOMS),$(call SRC,$(r))) -- -std=gnu17 -I. -D_GNU_SOURCE $(ROUTER_CFLAGS) -DTAPGATE_VERSION='"$(VERSION)"'

fmt: ## clang-format over all C files
	clang-format -i $(shell git ls-files '*.c' '*.h')

PREFIX ?= /usr/local
install: all ## to $(PREFIX), samples to $(PREFIX)/share/tapgate
	install -D -m 755 $(BUILD)/tapgate $(DESTDIR)$(PREFIX)/bin/tapgate
	install -d $(DESTDIR)$(PREFIX)/share/tapgate $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 etc/*.ini $(DESTDIR)$(PREFIX)/share/tapgate
	install -m 644 etc/tapgate.service $(DESTDIR)$(PREFIX)/lib/systemd/system
