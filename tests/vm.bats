#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The tests that need a kernel of their own, tests/vm/*.sh.
load lib.bash
load vm.bash

setup_file() {
	local s=(tests/vm/*.sh)
	vm_boot "${s[@]##*/}"
}

@test "the machine with all of them runs the kernel of the tests and ends with 0" {
	cat "$BATS_FILE_TMPDIR/err"
	[ "$(cat "$BATS_FILE_TMPDIR/status")" -eq 0 ]
	[ "$(release)" = "$(kt-kernel path | jq -r 'select(.type == "kernel").version')" ]
}

@test "each script in tests/vm is a test here" {
	diff -u <(cd tests/vm && ls -- *.sh) <(sed -n 's/^\tscript \(kt.*\|kills.*\)$/\1/p' tests/vm.bats | sort)
}

@test "kills.sh" {
	script kills.sh
}

@test "kt-cgroup.sh" {
	script kt-cgroup.sh
}

@test "kt-init.sh" {
	script kt-init.sh
}

@test "kt-play.sh" {
	script kt-play.sh
}

@test "kt-reserve.sh" {
	script kt-reserve.sh
}

@test "kt-snap-bpf.sh" {
	script kt-snap-bpf.sh
}

@test "kt-snap-diff.sh" {
	script kt-snap-diff.sh
}

@test "kt-snap.sh" {
	script kt-snap.sh
}

@test "kt-topo.sh" {
	script kt-topo.sh
}

@test "kt-work.sh" {
	script kt-work.sh
}
