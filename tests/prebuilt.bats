#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The other guests here boot our own kernel, which is slim. This one boots the distribution's, which has much that ours
# has not, another preemption and other devices: what speaks with the kernel works there as well.
load lib.bash
load vm.bash

prebuilt() {
	kt-kernel get | jq -r 'select(.type == "kernel").path'
}

setup_file() {
	KTSTR_KERNEL=$(prebuilt)
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

# Without kt-init's beats (kt-vm/beat.h) the guest stands still here for a minute or for ever, with QEMU 7.2.
@test "a CPU that waits for a lock of one that is busy goes on in virtual time, the same each time" {
	local i out=()
	for i in 1 2; do
		run -0 --separate-stderr kt-vm exec -k "$(prebuilt)" --clock virtual --records -n -q -t 1n1l2c1t \
			-i "$KTSTR_BUILD/helpers/latelock" -- sh -c 'cat /proc/uptime; latelock 10; cat /proc/uptime'
		[ -z "$stderr" ]
		[ "$(jq 'select(.type == "vm").nudges' <<<"$output")" -eq 0 ]
		out+=("$(jq -r 'select(.type == "text").text' <<<"$output")")
	done
	[ "${out[0]}" = "${out[1]}" ]
	awk 'NR == 1 { t = $1 } END { print; exit !($1 - t < 15) }' <<<"${out[0]}"
}
