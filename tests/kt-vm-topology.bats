#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm: the guest has the CPUs, caches and nodes that were named: all presets up to 64 CPUs. The larger ones are
# in tests/slow.
load lib.bash
load topology.bash

@test "up to 16 CPUs: tiny, odd and SMT presets, two nodes" {
	local spec
	for spec in 1n1l4c1t 1n2l2c1t 1n3l3c1t 1n5l3c1t 1n7l2c1t 1n2l2c2t 1n3l2c2t 2n4l4c1t; do
		topology_is $spec
	done
}

@test "32 CPUs: medium presets of four caches with and without SMT, four nodes" {
	local spec
	for spec in 1n4l4c2t 1n4l8c1t 4n8l4c1t; do
		topology_is $spec
	done
}

@test "64 CPUs: medium presets of eight caches with and without SMT" {
	local spec
	for spec in 1n8l4c2t 1n8l8c1t; do
		topology_is $spec
	done
}

@test "a topology that needs APIC ids beyond TCG's is skipped with the reason" {
	run -77 --separate-stderr kt-vm exec --accel tcg --records -t 1n14l9c2t -n -- true
	[[ $stderr == *'APIC id 433'* ]]
	jq -e 'select(.type == "end") | .outcome == "skip" and .exit == 77' <<<"$output"
}
