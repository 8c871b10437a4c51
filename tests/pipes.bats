#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The pipelines of ktstr(7), typed by hand.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	set -o pipefail
}

# acks FILE - what was done, without the members that are times
acks() {
	jq -c 'select(.type == "ack" or .type == "op-error") | del(.mono_ns, .took_ns, .late_ns)' "$1"
}

@test "topology, plan, machine, verdict, table: the whole chain in one pipeline" {
	kt-topo --spec 1n2l2c1t |
		kt-scenario expand cgroup_steady --topo - --duration 2s --settle 200ms --seed 1 |
		kt-vm exec --records --topology 1n2l2c1t -- kt-play |
		kt-check | kt-fmt >"$T/table"
	grep -E 'cgroup_steady.*pass' "$T/table"
}

@test "two expansions with one seed are the same but for the meta record" {
	local i
	kt-topo --spec 2n4l2c1t >"$T/topo"
	for i in 1 2; do
		kt-scenario expand cgroup_affinity_random cgroup_steady mutex_contention_light --topo "$T/topo" --seed 7 |
			sed '/^{"type":"meta"/d' >"$T/plan$i"
	done
	cmp "$T/plan1" "$T/plan2"
	[ "$(grep -c '^{"type":"plan",' "$T/plan1")" -eq 3 ]
}

@test "another seed differs where a mask is drawn, and in nothing else" {
	local i
	kt-topo --spec 2n4l2c1t >"$T/topo"
	for i in 1 2; do
		kt-scenario expand cgroup_affinity_random --topo "$T/topo" --seed $i >"$T/plan$i"
		jq -c 'select(.type == "op") | del(.affinity, .seed, .offsets_ns)' "$T/plan$i" >"$T/rest$i"
		jq -c 'select(.op == "work.spawn") | .affinity' "$T/plan$i" >"$T/masks$i"
	done
	cmp "$T/rest1" "$T/rest2"
	run -1 cmp "$T/masks1" "$T/masks2"
}

@test "a saved plan gives the same acks in two machines, one in virtual and one in real time" {
	kt-topo --spec 1n2l2c1t |
		kt-scenario expand cgroup_cpuset_overlap_steady --topo - --duration 1s --settle 100ms --seed 3 >"$T/plan"
	kt-vm exec --records --topology 1n2l2c1t --clock virtual --accel tcg -- kt-play <"$T/plan" >"$T/events1"
	kt-vm exec --records --topology 1n2l2c1t --clock real -- kt-play <"$T/plan" >"$T/events2"
	acks "$T/events1" >"$T/acks1"
	acks "$T/events2" >"$T/acks2"
	[ "$(grep -c '"op":"cgroup.create"' "$T/acks1")" -eq 3 ]
	diff -u "$T/acks1" "$T/acks2"
	run -1 cmp "$T/events1" "$T/events2"
}

@test "two plans one after the other are one stream, played in one boot" {
	local s
	for s in cgroup_steady sched_batch; do
		kt-topo --spec 1n1l2c1t | kt-scenario expand $s --topo - --duration 1s --settle 100ms --workers 2
	done | kt-vm exec --records --topology 1n1l2c1t -- kt-play | kt-check >"$T/results"
	[ "$(jq -r 'select(.type == "result") | .scenario + " " + .outcome' "$T/results")" = \
		$'cgroup_steady pass\nsched_batch pass' ]
}

@test "kept events are judged again, by other limits, without playing again" {
	sample_run
	kt-check --plans "$SAMPLE/plan.ndjson" <"$SAMPLE/events.ndjson" |
		jq -c 'select(.type == "result")' >"$T/again"
	jq -c 'select(.type == "result")' "$SAMPLE/results.ndjson" | diff -u - "$T/again"
	run -1 kt-check --threshold max_gap_ms=0 <"$SAMPLE/events.ndjson"
	[ "$(jq -r 'select(.type == "result") | .scenario + " " + .outcome' <<<"$output")" = "$(
		printf '%s\n' 'cgroup_steady fail' 'cgroup_cpuset_llc_steady skip' 'mutex_contention_light fail'
	)" ]
}

@test "events that were cut off are no verdict" {
	sample_run
	local n
	n=$(wc -l <"$SAMPLE/events.ndjson")
	head -n $((n / 2)) "$SAMPLE/events.ndjson" >"$T/half"
	run -1 --separate-stderr kt-check <"$T/half"
	[[ $stderr == *"cut off"* ]]
	[ "$(jq -r 'select(.type == "end") | .outcome' <<<"$output")" != ok ]
	run kt-fmt <<<"$output"
	[ "$status" -ne 0 ]
}

@test "an empty stream is no verdict" {
	run ! kt-check </dev/null
	run ! kt-fmt </dev/null
}

@test "a command's text between records becomes text records" {
	kt-vm exec --records -- sh -c 'echo one; echo "{\"type\":\"sched\"}"; printf two' >"$T/out"
	[ "$(jq -r 'select(.type == "text") | .text' "$T/out")" = $'one\ntwo' ]
	[ "$(jq -r .type "$T/out" | head -n 1)" = meta ]
	[ "$(jq -r 'select(.type == "end") | .outcome' "$T/out")" = ok ]
}
