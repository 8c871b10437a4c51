# SPDX-License-Identifier: GPL-2.0-or-later
# ktstr - tests Linux process schedulers. `make help` lists the targets.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=

# One list of objects per binary, and the libraries it may use: also to be read as documentation.
kt-topo_O       := kt-topo/kt-topo kt-topo/emit
kt-host_O       := kt-topo/kt-host
kt-cgroup_O     := kt-cgroup/kt-cgroup kt-cgroup/ops kt-cgroup/stat
kt-cgroup_PKG   := jansson
kt-work_O       := kt-work/kt-work kt-work/spec kt-work/worker kt-work/lat kt-work/gen_cpu kt-work/gen_futex \
		   kt-work/gen_pipe kt-work/gen_io kt-work/gen_mem
kt-work_PKG     := jansson
kt-scenario_O   := kt-run/kt-scenario kt-run/expand kt-run/flags
kt-scenario_PKG := jansson
kt-play_O       := kt-run/kt-play kt-run/conduct
kt-play_PKG     := jansson
kt-check_O      := kt-run/kt-check kt-run/checks kt-run/stats
kt-check_PKG    := jansson
kt-initramfs_O  := kt-vm/kt-initramfs kt-vm/elf kt-vm/cpio
kt-initramfs_PKG := libarchive libzstd
kt-vm_O         := kt-vm/kt-vm kt-vm/qemu kt-vm/qmp kt-vm/console
kt-vm_PKG       := jansson
kt-kernel_O     := kt-kernel/kt-kernel kt-kernel/cache
kt-kernel_PKG   := jansson
kt-kernel-fetch_O := kt-kernel/kt-kernel-fetch kt-kernel/apt kt-kernel/unpack
kt-kernel-fetch_PKG := libarchive libzstd
kt-fmt_O        := kt-report/kt-fmt kt-report/table
kt-fmt_PKG      := jansson
kt-init_O       := kt-vm/kt-init

TOOLS   := kt-topo kt-host kt-cgroup kt-work kt-scenario kt-play kt-check kt-initramfs kt-vm kt-kernel kt-fmt
LIBEXEC := kt-kernel-fetch
STATIC  := kt-init

# Everything that is built lies in B, laid out like an installation: bin, libexec/ktstr, share/ktstr.
B       := $(if $(SAN),build-san,build)
CC      ?= gcc
OPT     ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wundef \
	   -Wpointer-arith -Wwrite-strings -Wcast-qual -Wno-missing-field-initializers
SAN_ON  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANFLAGS := $(if $(SAN),$(SAN_ON))
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DKT_VERSION='"$(VERSION)"' -DKT_PREFIX='"$(PREFIX)"' -Ilib
CFLAGS  += -std=gnu17 $(OPT) $(WARN) $(if $(WERROR),-Werror)

all: tools
.PHONY: all tools help setup run check lint bench fuzz install clean check-deps unit

LIB_O   := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
$(B)/libkt.a: $(LIB_O)
	$(AR) rcs $@ $^

$(B)/%.o: %.c | $(B)/.dirs
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

$(B)/.dirs:
	@mkdir -p $(B)/bin $(B)/libexec/ktstr $(B)/share/ktstr
	@ln -sfn ../../../scenarios $(B)/share/ktstr/scenarios
	@ln -sfn ../../ktstr $(B)/bin/ktstr
	@touch $@

# $(1) tool, $(2) where it goes
define tool
$(B)/$(2)/$(1): $($(1)_O:%=$(B)/%.o) $(B)/libkt.a
	$$(CC) $$(CFLAGS) $$(SANFLAGS) $$(LDFLAGS) -o $$@ $$^ $(if $($(1)_PKG),$$(shell pkg-config --libs $($(1)_PKG))) -lm
tools: $(B)/$(2)/$(1)
endef
$(foreach t,$(TOOLS),$(if $(wildcard $(firstword $($(t)_O)).c),$(eval $(call tool,$(t),bin))))
$(foreach t,$(LIBEXEC),$(if $(wildcard $(firstword $($(t)_O)).c),$(eval $(call tool,$(t),libexec/ktstr))))

# PID 1 of the guest has no libraries to load, so it is static and never sanitized.
$(B)/static/%.o: %.c | $(B)/.dirs
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/libexec/ktstr/kt-init: $(kt-init_O:%=$(B)/static/%.o) $(patsubst $(B)/%,$(B)/static/%,$(LIB_O))
	$(CC) $(CFLAGS) $(LDFLAGS) -static -Wl,--gc-sections -o $@ $(filter-out %/jsonr.o %/scenario.o,$^)
ifneq ($(wildcard kt-vm/kt-init.c),)
tools: $(B)/libexec/ktstr/kt-init
endif

# Unit tests: each tests/unit/test_*.c is a program that prints TAP.
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
$(B)/unit/%: $(B)/tests/unit/%.o $(B)/libkt.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ -ljansson -lm
unit: $(UNIT)

clean:
	rm -rf build build-san build-fuzz

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
