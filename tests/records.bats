#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every record of every tool fits its closed schema, and no damaged one does.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	set -o pipefail
}

# fits [OPTION...] - the stream on stdin
fits() {
	tests/schema/validate.py --mutate "$@"
}

@test "each schema is of draft 2020-12 and closed" {
	local f
	for f in tests/schema/*.json; do
		jq -e '."$schema" == "https://json-schema.org/draft/2020-12/schema"' "$f" >/dev/null || {
			echo "$f: another draft"
			return 1
		}
		# The record, and each object in it that has known members, may have no others.
		jq -e 'def is_object: .type? as $t | ($t == "object") or ($t | type == "array" and index("object") != null);
			def closed: has("additionalProperties") or has("unevaluatedProperties");
			(closed or (has("oneOf") and all(.oneOf[]; closed))) and ([.. | objects | select(is_object and has("properties") and (closed | not))] | length == 0)' \
			"$f" >/dev/null || {
			echo "$f: an object that is open"
			return 1
		}
	done
}

@test "kt-topo: this machine, a spec, each captured tree" {
	kt-topo | fits --need kt-topo.meta,kt-topo.cpu,kt-topo.llc,kt-topo.node,kt-topo.topology,kt-topo.end
	kt-topo --spec 2n4l4c2t | fits
	local d
	for d in tests/fixtures/*/sys; do
		kt-topo --root "${d%/sys}" 2>/dev/null | tests/schema/validate.py
	done
}

@test "kt-host" {
	kt-host | fits --need kt-host.meta,kt-host.host,kt-host.end
}

@test "kt-scenario: list, and plans of every scenario on three machines" {
	kt-scenario list | fits --need kt-scenario.meta,kt-scenario.scenario,kt-scenario.end
	local spec names
	names=$(kt-scenario list | jq -r 'select(.type == "scenario") | .name')
	for spec in 1n1l1c1t 1n2l2c1t 2n4l4c2t; do
		# shellcheck disable=SC2086	# names
		kt-topo --spec $spec | kt-scenario expand $names --topo - |
			fits --need kt-scenario.plan,kt-scenario.plan-end
	done
}

@test "kt-work types" {
	kt-work types | fits --need kt-work.meta,kt-work.work-type,kt-work.end
}

@test "kt-snap-diff: snapshots of this machine by both sources, by each kind of group, with findings and without" {
	kt-snap -q -p $$ -o "$T/a.zst"
	kt-snap -q --source proc -o "$T/b.zst"
	local g
	for g in pcomm,comm cgroup tid; do
		kt-snap-diff -g $g --all --limit 2000 "$T/a.zst" "$T/b.zst" |
			fits --need kt-snap-diff.meta,kt-snap-diff.interval,kt-snap-diff.row,kt-snap-diff.interval-end,kt-snap-diff.host-change,kt-snap-diff.end
	done
	kt-snap-diff "$T/a.zst" "$T/b.zst" | fits --need kt-snap-diff.only
	run --separate-stderr kt-snap-diff --fail-if 'run_time_ns>=0' --fail-if 'no:minflt>5' "$T/a.zst" "$T/b.zst"
	[ "$status" -eq 1 ]
	fits <<<"$output"
	head -c 100 "$T/b.zst" >"$T/cut"
	run --separate-stderr kt-snap-diff "$T/a.zst" "$T/cut"
	[ "$status" -eq 1 ]
	fits <<<"$output"
}

@test "kt-kernel list and path" {
	kt-kernel list | fits --need kt-kernel.meta,kt-kernel.kernel,kt-kernel.end
	kt-kernel path | fits
}

@test "the events of a run in a virtual machine, and its results" {
	sample_run
	fits --need kt-vm.meta,kt-vm.end,kt-play.meta,kt-play.end <"$SAMPLE/events.ndjson"
	fits --need kt-check.meta,kt-check.result,kt-check.end <"$SAMPLE/results.ndjson"
	fits <"$SAMPLE/plan.ndjson"
}

@test "the events of every kind of work and operation, with real time and its samples" {
	kt-topo --spec 1n2l2c2t >"$T/topo"
	kt-scenario expand cgroup_affinity_random cgroup_bursty_imbalance fork_exit_churn nice_sweep affinity_churn \
		policy_churn page_fault_churn mutex_contention_light cgroup_load_imbalance sched_rr \
		--flags borrow,rebal --topo "$T/topo" --duration 500ms --settle 50ms >"$T/plan" ||
		kt-scenario expand cgroup_affinity_random fork_exit_churn nice_sweep affinity_churn policy_churn \
			page_fault_churn mutex_contention_light sched_rr --topo "$T/topo" --duration 500ms \
			--settle 50ms >"$T/plan"
	kt-vm exec --records --clock real --topology 1n2l2c2t -- kt-play <"$T/plan" >"$T/events"
	fits --need kt-vm.sample <"$T/events"
}

@test "a machine that ends badly, and text between records" {
	run --separate-stderr kt-vm exec --records -- sh -c 'echo text; exit 3'
	[ "$status" -eq 3 ]
	fits --need kt-vm.text,kt-vm.end <<<"$output"
	run --separate-stderr kt-vm exec --records -- sh -c 'echo c >/proc/sysrq-trigger'
	[ "$status" -eq 125 ]
	fits --need kt-vm.end <<<"$output"
}

@test "kt-cgroup in a machine: every operation, also those that fail" {
	cat >"$T/ops" <<-'END'
		{"type":"op","seq":1,"at_ns":0,"op":"cgroup.create","cgroup":"a/b"}
		{"type":"op","seq":2,"at_ns":0,"op":"cgroup.set","cgroup":"a","cpus":"0","mems":"0"}
		{"type":"op","seq":3,"at_ns":0,"op":"cgroup.set","cgroup":"a","weight":200,"max":"50000 100000"}
		{"type":"op","seq":4,"at_ns":0,"op":"cgroup.stat","cgroup":"a"}
		{"type":"op","seq":5,"at_ns":0,"op":"cgroup.clear","cgroup":"a","what":"cpus"}
		{"type":"op","seq":6,"at_ns":0,"op":"cgroup.rm","cgroup":"a/b"}
		{"type":"op","seq":7,"at_ns":0,"op":"cgroup.set","cgroup":"a","cpus":"99"}
	END
	run --separate-stderr kt-vm exec -- kt-cgroup apply --parent t --controllers cpuset,cpu <"$T/ops"
	[ "$status" -eq 1 ]
	fits --need kt-cgroup.meta,kt-cgroup.ack,kt-cgroup.op-error,kt-cgroup.end <<<"$output"
}
