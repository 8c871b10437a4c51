# SPDX-License-Identifier: GPL-2.0-or-later
# ktstr - tests Linux process schedulers. `make help` lists the targets.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=

# One list of objects per binary, and the libraries it may use: also to be read as documentation.
kt-topo_O       := kt-topo/kt-topo kt-topo/emit
kt-host_O       := kt-topo/kt-host
kt-cgroup_O     := kt-cgroup/kt-cgroup kt-cgroup/parent kt-cgroup/ops kt-cgroup/ops_read \
		   kt-cgroup/stat
kt-cgroup_PKG   := jansson
kt-work_O       := kt-work/kt-work kt-work/run kt-work/intent kt-work/serve kt-work/report kt-work/group kt-work/monitor \
		   kt-work/spec kt-work/worker kt-work/lat kt-work/gen kt-work/gen_cpu kt-work/gen_churn \
		   kt-work/gen_futex kt-work/gen_pipe kt-work/gen_io kt-work/gen_mem
kt-work_PKG     := jansson
kt-scenario_O   := kt-run/kt-scenario kt-run/scenario kt-run/scenario_parts kt-run/expand kt-run/draft kt-run/expr \
		   kt-run/draw kt-run/flags kt-run/works kt-run/toporec kt-run/thresh
kt-scenario_PKG := jansson
kt-nearest_O    := kt-run/kt-nearest
kt-play_O       := kt-run/kt-play kt-run/conduct kt-run/conduct_wait kt-run/planfile
kt-play_PKG     := jansson
kt-check_O      := kt-run/kt-check kt-run/checks kt-run/check_worker kt-run/check_group kt-run/judging kt-run/events \
		   kt-run/host kt-run/placement kt-run/fair kt-run/stats kt-run/thresh
kt-check_PKG    := jansson
kt-initramfs_O  := kt-vm/kt-initramfs kt-vm/gather kt-vm/gather_file kt-vm/ldso kt-vm/elf kt-vm/tree kt-vm/cpio kt-vm/store
kt-initramfs_PKG := libarchive
kt-vm_O         := kt-vm/kt-vm kt-vm/exec kt-vm/cmd_template kt-vm/template kt-vm/save kt-vm/fileid kt-vm/kernfile kt-vm/base kt-vm/payload kt-vm/accel kt-vm/run kt-vm/verdict kt-vm/machine kt-vm/qemu kt-vm/qmp kt-vm/console \
		   kt-vm/perf kt-vm/perf_host kt-vm/cmd_plan kt-vm/queue kt-vm/sample kt-vm/usage kt-vm/pin kt-vm/frames \
		   kt-vm/shell kt-vm/term kt-vm/escape
kt-vm_PKG       := jansson
kt-kernel_O     := kt-kernel/kt-kernel kt-kernel/stream kt-kernel/find kt-kernel/path kt-kernel/check kt-kernel/list \
		   kt-kernel/eol kt-kernel/ident kt-kernel/clean kt-kernel/leavings kt-kernel/use kt-kernel/cmd_get \
		   kt-kernel/get kt-kernel/get_deb kt-kernel/prebuilt kt-kernel/fetcher kt-kernel/keeper \
		   kt-kernel/fragment kt-kernel/kconfig kt-kernel/key kt-kernel/toolchain kt-kernel/cmd_build \
		   kt-kernel/build kt-kernel/builddir kt-kernel/source kt-kernel/configure kt-kernel/make \
		   kt-kernel/phase kt-kernel/stage kt-kernel/entry kt-kernel/publish kt-kernel/metadata \
		   kt-kernel/dirs kt-kernel/kernel kt-kernel/image kt-kernel/config kt-kernel/version
kt-kernel_PKG   := jansson
kt-kernel-fetch_O := kt-kernel/fetch/kt-kernel-fetch kt-kernel/fetch/apt kt-kernel/fetch/apt_packages \
		   kt-kernel/fetch/apt_sources kt-kernel/fetch/apt_text kt-kernel/fetch/deb kt-kernel/fetch/git \
		   kt-kernel/fetch/gitref kt-kernel/fetch/gittree kt-kernel/fetch/http kt-kernel/ident \
		   kt-kernel/fetch/packages kt-kernel/fetch/progress kt-kernel/fetch/releases \
		   kt-kernel/fetch/resolve kt-kernel/fetch/run kt-kernel/fetch/sums kt-kernel/fetch/tarball \
		   kt-kernel/fetch/unpack kt-kernel/fetch/untar kt-kernel/version kt-kernel/fetch/workdir \
		   kt-kernel/fetch/xfer
kt-kernel-fetch_PKG := jansson libarchive libcurl libgit2
kt-locks_O      := kt-locks/kt-locks kt-locks/files
kt-reserve_O    := kt-locks/kt-reserve kt-locks/run kt-locks/plan kt-locks/seize kt-locks/sandbox kt-locks/command
kt-snap_O       := kt-snap/kt-snap kt-snap/series kt-snap/machine kt-snap/cgroups kt-snap/filter kt-snap/zfile \
		   kt-snap/heap kt-snap/heap_elf kt-snap/fields kt-snap/thread kt-snap/tally \
		   kt-snap/proc kt-snap/proc_read kt-snap/proc_parse kt-snap/threaded kt-snap/taskstats \
		   kt-snap/bpf kt-snap/bpf_record kt-snap/ahead kt-snap/prog kt-snap/snap_obj kt-snap/cgpath
kt-snap_PKG     := libzstd libbpf
kt-snap-diff_O  := kt-snap/kt-snap-diff kt-snap/compare kt-snap/interval kt-snap/rows kt-snap/rank kt-snap/failif \
		   kt-snap/agg kt-snap/items kt-snap/words kt-snap/metric kt-snap/fields kt-snap/intake \
		   kt-snap/facts kt-snap/glob kt-snap/input kt-snap/scan
kt-snap-diff_PKG := jansson libzstd
kt-fmt_O        := kt-report/kt-fmt kt-report/table kt-report/results kt-report/flat kt-report/locks kt-report/frame \
		   kt-report/moved kt-report/human kt-report/kernels
kt-fmt_PKG      := jansson
kt-init_O       := kt-vm/kt-init kt-vm/beat kt-vm/frames kt-vm/furnish kt-vm/handover kt-vm/pci kt-vm/ports kt-vm/pty \
		   kt-vm/pump kt-vm/rehearse kt-vm/request kt-vm/uncpio kt-vm/unique

TOOLS   := kt-topo kt-host kt-cgroup kt-work kt-scenario kt-play kt-check kt-initramfs kt-vm kt-kernel kt-locks kt-reserve kt-snap kt-snap-diff kt-fmt
LIBEXEC := kt-kernel-fetch kt-nearest
STATIC  := kt-init

# Everything that is built lies in B, laid out like an installation: bin, libexec/ktstr, share/ktstr.
B       := $(if $(SAN),build-san,build)
CC      ?= gcc
OPT     ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wundef \
	   -Wpointer-arith -Wwrite-strings -Wcast-qual -Wno-missing-field-initializers
SAN_ON  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANFLAGS := $(if $(SAN),$(SAN_ON))
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DKT_VERSION='"$(VERSION)"' -Ilib
CFLAGS  += -std=gnu17 $(OPT) $(WARN) $(if $(WERROR),-Werror)

all: tools
.PHONY: all tools help setup run check check-slow lint bench fuzz install clean check-deps unit corpus

LIB_O   := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
$(B)/libkt.a: $(LIB_O)
	$(AR) rcs $@ $^

$(B)/%.o: %.c | $(B)/.dirs
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) $(COVERAGE) -MMD -MP -c -o $@ $<

$(B)/.dirs: Makefile
	@mkdir -p $(B)/bin $(B)/libexec/ktstr $(B)/share/ktstr
	@ln -sfn ../../../scenarios $(B)/share/ktstr/scenarios
	@ln -sfn ../../../completions $(B)/share/ktstr/completions
	@ln -sfn ../../ktstr $(B)/bin/ktstr
	@touch $@

$(B)/kt-kernel/fetch/%.o: CPPFLAGS += -iquote kt-kernel

# ktstr.config is data of this file.
$(B)/kt-kernel/fragment.o: kt-kernel/ktstr.config

# BPF programs: compiled for the kernel's machine, without the types of any particular kernel, and
# embedded in the tool that loads them.
BPFTOOL ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
CLANG   ?= $(firstword $(foreach c,clang $(addprefix clang-,19 18 17 16 15 14),$(if $(shell command -v $(c)),$(c))) clang)
$(B)/%.bpf.o: %.bpf.c | $(B)/.dirs
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -std=gnu17 -O2 -g -Wall -Wextra $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<
$(B)/kt-snap/%.o: CPPFLAGS += -iquote bpf
$(B)/kt-snap/snap_obj.o: CPPFLAGS += -DKT_SNAP_OBJ='"$(B)/bpf/snap.bpf.o"'
$(B)/kt-snap/snap_obj.o: $(B)/bpf/snap.bpf.o
$(B)/kt-snap/prog.o: CPPFLAGS += -isystem $(B)/bpf
$(B)/kt-snap/prog.o: $(B)/bpf/snap.lskel.h $(B)/bpf/snap_plain.lskel.h
$(B)/bpf/snap_plain.bpf.o: bpf/snap.bpf.c | $(B)/.dirs
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -std=gnu17 -O2 -g -DSNAP_PLAIN -Wall -Wextra $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<
$(B)/%.lskel.h: $(B)/%.bpf.o
	$(BPFTOOL) gen skeleton -L $< name $(*F) >$@.tmp
	mv $@.tmp $@

# One file knows the prefix: it alone is compiled again when the prefix changes.
$(B)/lib/child.o $(B)/static/lib/child.o: CPPFLAGS += -DKT_PREFIX='"$(PREFIX)"'
$(B)/lib/child.o $(B)/static/lib/child.o: $(B)/.prefix
$(B)/.prefix: FORCE | $(B)/.dirs
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@
FORCE:

# libbpf brings two more libraries, and a tool spends longer on loading the three than on starting:
# where their archives are installed they are linked in. A sanitizer wants to see them.
comma   := ,
archive = $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a))
libs    = $(if $(and $(filter libbpf,$(1)),$(if $(SAN),,y),$(call archive,bpf),$(call archive,elf),$(call archive,z)),\
	-Wl$(comma)-Bstatic $(shell pkg-config --static --libs libbpf) -Wl$(comma)-Bdynamic \
	$(shell pkg-config --libs $(filter-out libbpf,$(1))),$(shell pkg-config --libs $(1)))

# $(1) tool, $(2) where it goes
define tool
$(B)/$(2)/$(1): $($(1)_O:%=$(B)/%.o) $(B)/libkt.a
	$$(CC) $$(CFLAGS) $$(SANFLAGS) $$(LDFLAGS) -o $$@ $$^ $(if $($(1)_PKG),$$(call libs,$($(1)_PKG))) -lm
tools: $(B)/$(2)/$(1)
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t),bin)))
$(foreach t,$(LIBEXEC),$(eval $(call tool,$(t),libexec/ktstr)))

# PID 1 of the guest has no libraries to load, so it is static and never sanitized. Where it begins
# is in kt-vm/rehearse.c.
$(B)/static/%.o: %.c | $(B)/.dirs
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/libexec/ktstr/kt-init: $(kt-init_O:%=$(B)/static/%.o) $(patsubst $(B)/%,$(B)/static/%,$(LIB_O))
	$(CC) $(CFLAGS) $(LDFLAGS) -static -Wl,--gc-sections -Wl,-e,rehearsal_or_start -o $@ $(filter-out %/jsonr.o,$^)
tools: $(B)/libexec/ktstr/kt-init

# Unit tests: each tests/unit/test_X.c is a program that prints TAP. Fuzz targets: tests/fuzz/fuzz_X.c
# has LLVMFuzzerTestOneInput and corpus/X/ its inputs, which are replayed here; `make fuzz` looks for more.
# Both are linked with libkt and the modules of a tool that they test, whose headers they see.
test_ahead_O    := kt-snap/ahead
test_cgroup_op_O := kt-cgroup/ops kt-cgroup/ops_read kt-cgroup/parent kt-cgroup/stat
test_console_O  := kt-vm/console
test_escape_O   := kt-vm/escape
test_expr_O     := kt-run/expr kt-run/draw kt-run/flags
test_heap_elf_O := kt-snap/heap kt-snap/heap_elf kt-snap/proc_parse kt-snap/thread kt-snap/fields kt-snap/tally
test_kbuild_O   := kt-kernel/kconfig kt-kernel/key
test_kernel_O   := kt-kernel/fetch/apt_text kt-kernel/config kt-kernel/image kt-kernel/version
test_kernel_fetch_O := kt-kernel/fetch/gitref kt-kernel/fetch/http kt-kernel/ident kt-kernel/fetch/progress \
		   kt-kernel/fetch/releases kt-kernel/fetch/sums kt-kernel/fetch/untar kt-kernel/fetch/xfer
test_kernel_fetch_PKG := libarchive libcurl
test_kernfile_O := kt-vm/kernfile
test_ldso_O     := kt-vm/ldso
test_rehearse_O := kt-vm/rehearse
test_uncpio_O   := kt-vm/uncpio
test_prog_O     := kt-snap/prog kt-snap/snap_obj
test_prog_PKG   := libbpf
test_perf_O     := kt-vm/perf
test_plan_O     := kt-locks/plan
test_snap_proc_O := kt-snap/proc_parse kt-snap/fields kt-snap/thread kt-snap/machine kt-snap/taskstats kt-snap/filter
test_snap_thread_O := kt-snap/fields kt-snap/tally kt-snap/thread
fuzz_cg_O       := kt-cgroup/stat
fuzz_elf_O      := kt-vm/elf
fuzz_events_O   := kt-run/checks kt-run/check_worker kt-run/check_group kt-run/judging kt-run/events kt-run/host \
		   kt-run/placement kt-run/fair kt-run/stats kt-run/thresh
fuzz_failif_O   := kt-snap/failif kt-snap/rank kt-snap/agg kt-snap/words kt-snap/metric kt-snap/fields kt-snap/glob
fuzz_heap_elf_O := kt-snap/heap kt-snap/heap_elf kt-snap/proc_parse kt-snap/thread kt-snap/fields kt-snap/tally
fuzz_image_O    := kt-kernel/image kt-kernel/config
fuzz_kernel_name_O := kt-kernel/fetch/http kt-kernel/ident kt-kernel/fetch/progress \
		   kt-kernel/fetch/releases kt-kernel/fetch/sums kt-kernel/fetch/untar kt-kernel/fetch/xfer
fuzz_kernel_name_PKG := libarchive libcurl
fuzz_metadata_O := kt-kernel/metadata kt-kernel/kernel kt-kernel/config kt-kernel/image
fuzz_kconfig_O  := kt-kernel/kconfig
fuzz_ldso_O     := kt-vm/ldso
fuzz_plan_O     := kt-run/planfile
fuzz_snap_proc_O := kt-snap/proc_parse kt-snap/fields kt-snap/thread kt-snap/machine kt-snap/taskstats
fuzz_scan_O     := kt-snap/scan
fuzz_scenario_O := kt-run/scenario kt-run/scenario_parts kt-run/expand kt-run/draft kt-run/expr \
		   kt-run/draw kt-run/flags kt-run/works kt-run/thresh kt-run/planfile
fuzz_snapdiff_O := $(filter-out kt-snap/kt-snap-diff,$(kt-snap-diff_O))
fuzz_snapdiff_PKG := libzstd
fuzz_table_O    := kt-report/table
fuzz_uncpio_O   := kt-vm/uncpio
$(B)/tests/%.o: CPPFLAGS += $(patsubst %,-iquote %,$(sort $(dir $($(*F)_O))))

$(B)/tests/unit/test_prog.o: CPPFLAGS += -iquote bpf

.SECONDEXPANSION:
TESTED   = $$(addprefix $(B)/,$$(addsuffix .o,$$($$*_O))) $(B)/libkt.a
UNIT    := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY  := $(FUZZ:%=$(B)/replay/%)
$(B)/unit/%: $(B)/tests/unit/%.o $(TESTED)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(if $($*_PKG),$$(pkg-config --libs $($*_PKG))) -ljansson -lm
$(B)/replay/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(TESTED)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(if $($*_PKG),$$(pkg-config --libs $($*_PKG))) -ljansson -lm
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(TESTED)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(if $($*_PKG),$$(pkg-config --libs $($*_PKG))) -ljansson -lm
# Programs that tests look at: threads to count, work to measure.
HELPERS := $(patsubst tests/helpers/%.c,$(B)/helpers/%,$(wildcard tests/helpers/*.c))
$(B)/helpers/%: $(B)/tests/helpers/%.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ -lpthread
unit: $(UNIT)
	@tests/run-checks --build $(B) --only unit
corpus: $(REPLAY)
	@tests/run-checks --build $(B) --only corpus

FUZZ_SECS ?= 20
fuzz:
	@./setup.sh check
	@$(MAKE) --no-print-directory B=build-fuzz CC=clang SANFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all' \
		COVERAGE=-fsanitize=fuzzer-no-link $(FUZZ:%=build-fuzz/fuzz/%)
	@tests/fuzz/run build-fuzz $(FUZZ_SECS) $(FUZZ)
help:
	@sed -n 's/^#: //p' Makefile

#: make            build everything into build/ (needs `make setup` or its packages)
#: make setup      install what is missing, build, get a kernel (Debian; needs root only if packages are missing)
#: make run        the main job: six scenarios in a virtual machine, judged
#: make check      every test, in a kernel that is built once (5 minutes); the last line is "N passed, N failed, N skipped"
#: make SAN=1 check  the same under the address and undefined-behaviour sanitizers, in build-san/
#: make check-slow tests that take half an hour: guests of 128 to 252 CPUs
#: make unit       the unit tests alone
#: make corpus     the fuzz targets over their stored inputs
#: make check-deps who may include and call what
#: make lint       cppcheck, clang-tidy, shellcheck, mandoc, gcc and clang with -Werror, clang-format
#: make bench      ratios against other programs, as records
#: make fuzz       libFuzzer, FUZZ_SECS=20 seconds for each target
#: make install    into $(DESTDIR)$(PREFIX), /usr/local by default
#: make clean      remove what was built

setup:
	@./setup.sh check
	@$(MAKE) --no-print-directory -s -j2 tools
	@$(B)/bin/kt-kernel get >/dev/null

# The second time everything is there, and this is one boot and six scenarios.
run:
	@./setup.sh run
	@$(MAKE) --no-print-directory -s -j2 tools
	@$(B)/bin/kt-kernel get >/dev/null
	@$(B)/bin/ktstr test --topology 1n2l2c1t --duration 5s $(RUN_SCENARIOS)
RUN_SCENARIOS := cgroup_steady cgroup_cpuset_llc_steady cgroup_oversubscribed \
		 cgroup_bursty_imbalance mutex_contention_light fork_exit_churn

check:
	@./setup.sh check
	@$(MAKE) --no-print-directory -s -j2 tools $(UNIT) $(REPLAY) $(HELPERS)
	@$(B)/bin/kt-kernel get >/dev/null
	@tests/run-checks --build $(B)

check-slow:
	@./setup.sh check
	@$(MAKE) --no-print-directory -s -j2 tools
	@tests/run-checks --build $(B) --jobs 1 --limit 7200 tests/slow/*.bats

check-deps:
	@tests/check-deps

lint:
	@./setup.sh check
	@tests/lint

bench:
	@./setup.sh check
	@$(MAKE) --no-print-directory -s -j2 tools
	@tests/bench/run $(B)

install: tools
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin libexec/ktstr share/ktstr/scenarios share/ktstr/completions \
		share/man/man1 share/man/man5 share/man/man7 share/man/man8 share/bash-completion/completions \
		share/zsh/site-functions share/fish/vendor_completions.d)
	install -m 755 $(TOOLS:%=$(B)/bin/%) ktstr $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(B)/libexec/ktstr/,$(LIBEXEC) $(STATIC)) $(DESTDIR)$(PREFIX)/libexec/ktstr
	install -m 644 scenarios/*.json $(DESTDIR)$(PREFIX)/share/ktstr/scenarios
	for n in 1 5 7 8; do install -m 644 man/*.$$n $(DESTDIR)$(PREFIX)/share/man/man$$n || exit 1; done
	install -m 644 completions/* $(DESTDIR)$(PREFIX)/share/ktstr/completions
	cd $(DESTDIR)$(PREFIX)/share && for t in ktstr $(TOOLS); do \
		ln -sfn ../../ktstr/completions/ktstr.bash bash-completion/completions/$$t && \
		ln -sfn ../../ktstr/completions/ktstr.fish fish/vendor_completions.d/$$t.fish || exit 1; done
	ln -sfn ../../ktstr/completions/_ktstr $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ktstr

clean:
	rm -rf build build-san build-fuzz build-lint

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
