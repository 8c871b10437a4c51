#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm: the presets of more than 64 CPUs, each booted once, which takes minutes without KVM.
load ../lib.bash
load ../topology.bash

@test "128 CPUs: large presets" {
	topology_is 1n4l16c2t
	topology_is 1n8l8c2t
	topology_is 1n4l32c1t
	topology_is 1n8l16c1t
}

@test "128 CPUs on two nodes" {
	topology_is 2n8l8c2t
	topology_is 2n8l16c1t
}

@test "192 CPUs on four nodes" {
	topology_is 4n12l8c2t
}

@test "240 CPUs" {
	topology_is 1n15l8c2t
	topology_is 1n15l16c1t
}

# kvm SPEC - as topology_is, where KVM works
kvm() {
	local rc=0
	kt-vm exec --accel kvm -n -t 1n1l1c1t -- true 2>/dev/null || rc=$?
	[ $rc -eq 0 ] || skip "252 CPUs have APIC ids beyond 254, which need KVM, and it does not work here"
	diff -u <(kt-topo --spec "$1" --shape) <(kt-vm exec --accel kvm -n -t "$1" -- kt-topo --shape)
}

@test "252 CPUs with SMT" {
	kvm 1n14l9c2t
}

@test "252 CPUs without SMT" {
	kvm 1n14l18c1t
}
