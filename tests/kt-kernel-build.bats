#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel build: from a source to an entry of the cache. tests/kernel-server is kernel.org here, and
# tests/standin-tree stands in for the kernel's own tree.
load lib.bash
load kernel-server.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_CACHE_DIR=$T/cache STANDIN_LOG=$T/made
	unset ARCH LLVM CROSS_COMPILE CC LD PAHOLE KCFLAGS KTSTR_CPU_CAP
	set -o pipefail
	: >"$STANDIN_LOG"
}

teardown() {
	kernel_server_end
}

record() { # FILTER
	jq -ers ".[] | select(.type == \"kernel\") | $1"
}

entries() {
	kt-kernel list | jq -rs '[.[] | select(.type == "kernel") | .key] | sort | join(" ")'
}

# tree DIR - a tree of the user's
tree() {
	mkdir -p "$1"
	cp -a tests/standin-tree/. "$1"
}

@test "a release: fetched, checked, built, and an entry with all that is known of it" {
	kernel_server
	versions 6.12.9
	kt-kernel build 6.12.9 >"$T/out" 2>"$T/err"
	tests/schema/validate.py --mutate --need kt-kernel.meta,kt-kernel.kernel,kt-kernel.end <"$T/out"
	[ "$(record '[.version, .source, .kind, .arch, .why, .verified, .boots, .sched_ext, .missing == []] | map(tostring) | join(" ")' <"$T/out")" = \
		"6.12.9 tarball bzImage $(uname -m) it was built true true true true" ]
	[[ $(record .key <"$T/out") =~ ^6\.12\.9-tarball-$(uname -m)-c[0-9a-f]{8}-t[0-9a-f]{8}$ ]]
	record '.url | endswith("/cdn/v6.x/linux-6.12.9.tar.xz")' <"$T/out"
	record '.toolchain | test("^gcc .*, GNU ld .*, pahole v?[0-9]")' <"$T/out"
	local d f
	d=$(dirname "$(record .path <"$T/out")")
	[ "$(ls -A "$d" | xargs)" = "System.map bzImage config metadata.json vmlinux" ]
	for f in System.map bzImage config vmlinux; do
		[ "$(sha256sum <"$d/$f" | cut -d' ' -f1)" = "$(jq -r --arg f $f '.files[$f].sha256' "$d/metadata.json")" ]
	done
	grep -q '^CONFIG_SCHED_CLASS_EXT=y$' "$d/config"
	run -1 grep -q "\.debug_info" "$d/vmlinux"
	nm "$d/vmlinux" | grep -q _start
	# What was needed on the way is gone: the tree, the log, the download.
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/build" "$KTSTR_CACHE_DIR/downloads" | grep -v :)" ]
	local phase
	for phase in configure 'make, .*' check store; do
		grep -qxE "kt-kernel: linux-6.12.9: $phase: [0-9]+\.[0-9] s" "$T/err"
	done
}

@test "what is in the cache is not built again, and nobody is asked for it" {
	kernel_server
	versions 6.12.9
	kt-kernel build -q 6.12.9 >"$T/1"
	: >"$KSRV/log"
	run -0 --separate-stderr kt-kernel build 6.12.9
	[ "$(record .why <<<"$output")" = "it is in the cache" ]
	[ -z "$stderr" ]
	[ ! -s "$KSRV/log" ]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 1 ]
}
