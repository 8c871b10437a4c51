#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The other guests here boot our own kernel, which is slim. This one boots the distribution's, which has much that ours
# has not, another preemption and other devices: what speaks with the kernel works there as well.
load lib.bash
load vm.bash

setup_file() {
	KTSTR_KERNEL=$(kt-kernel get | jq -r 'select(.type == "kernel").path')
	export KTSTR_KERNEL
	vm_boot kt-cgroup.sh kt-init.sh kt-snap-bpf.sh kt-snap-diff.sh kt-snap.sh kt-topo.sh
}

@test "the machine runs the prebuilt kernel and ends with 0" {
	cat "$BATS_FILE_TMPDIR/err"
	[ "$(cat "$BATS_FILE_TMPDIR/status")" -eq 0 ]
	[ "$(release)" = "$(kt-kernel get | jq -r 'select(.type == "kernel").version')" ]
}

@test "kt-cgroup.sh" {
	script kt-cgroup.sh
	run -1 grep '# SKIP' "$BATS_TEST_TMPDIR/tap"
}

@test "kt-init.sh" {
	script kt-init.sh
	run -1 grep '# SKIP' "$BATS_TEST_TMPDIR/tap"
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
	run -1 grep '# SKIP' "$BATS_TEST_TMPDIR/tap"
}
