#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-scenario: what a file may say, and what becomes of it on a machine.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	set -o pipefail
}

# expand TOPOLOGY ARG... - without the meta line, in $T/out
expand() {
	local topo=$1
	shift
	kt-scenario expand --topo "$topo" "$@" | sed 1d >"$T/out"
}

# ops FILTER - an array of the plan's ops, filtered
ops() {
	jq -c -s "[.[] | select(.type == \"op\") | $1]" "$T/out"
}

# file JSON - $T/x.json
file() {
	cat >"$T/x.json"
}

# refused MESSAGE - expanding the file on stdin fails with it, and no plan is printed
refused() {
	file
	run -1 --separate-stderr kt-scenario expand --topo 1n2l4c1t "$T/x.json"
	[ "$stderr" = "kt-scenario: $T/x.json:$1" ] || {
		echo "got: $stderr"
		return 1
	}
	jq -e -s 'length == 2 and .[1].outcome == "error"' <<<"$output"
}

@test "list has the 33 steady scenarios, by their names" {
	kt-scenario list | jq -r 'select(.type == "scenario") | .name' >"$T/names"
	[ "$(wc -l <"$T/names")" -ge 33 ]
	local n
	for n in cgroup_steady cgroup_cpuset_llc_steady cgroup_cpuset_cross_llc_steady cgroup_cpuset_overlap_steady \
		cgroup_partial_cpus_steady cgroup_uneven_steady cgroup_oversubscribed cgroup_affinity_inherit \
		cgroup_affinity_random cgroup_affinity_spanning cgroup_affinity_pinned sched_batch sched_idle sched_fifo \
		sched_rr cgroup_idle_overloaded cgroup_all_loaded cgroup_llc_overflow cgroup_load_imbalance stall_detect \
		stall_recovery cgroup_cpuset_llc_affinity cgroup_cpuset_overlap_imbalance \
		cgroup_cpuset_overlap_load_imbalance cgroup_bursty_imbalance cgroup_bursty_load_shift fork_exit_churn \
		nice_sweep affinity_churn policy_churn page_fault_churn mutex_contention_light mutex_contention_heavy; do
		grep -qx "$n" "$T/names" || {
			echo "$n is not there"
			return 1
		}
	done
}

@test "each scenario file fits the schema of the form" {
	python3 - <<-'END'
		import glob, json
		from jsonschema import Draft202012Validator as V
		schema = json.load(open("tests/schema/scenario-file.json"))
		V.check_schema(schema)
		files = glob.glob("scenarios/*.json")
		assert len(files) >= 33
		for f in files:
		    for e in V(schema).iter_errors(json.load(open(f))):
		        raise SystemExit(f"{f}: {e.message}")
	END
}

@test "the work types that scenarios know are those of kt-work, with the same parameters and group sizes" {
	local type unit
	kt-work types | jq -c 'select(.type == "work-type") | [.work, [.params[].name]]' | sort >"$T/theirs"
	jq -c '."$defs".work.oneOf[] | [.properties.type.const, [.properties | keys_unsorted[] | select(. != "type")]]' \
		tests/schema/kt-scenario.op.json | sort >"$T/ours"
	# The phases of a Sequence are no number, so kt-work lists them apart from the parameters.
	diff -u <(jq -c 'if .[0] == "Sequence" then [.[0], []] else . end' "$T/theirs") \
		<(jq -c 'if .[0] == "Sequence" then [.[0], []] else . end' "$T/ours")
	while read -r type unit; do
		printf '{"name":"x","category":"c","description":"d","cgroups":[{"name":"a","works":[{"type":"%s","count":%s}]}]}' \
			"$type" "$unit" | file
		[ "$type" = Sequence ] || run -0 kt-scenario expand --topo 1n1l2c1t "$T/x.json"
		[ "$unit" -eq 1 ] && continue
		printf '{"name":"x","category":"c","description":"d","cgroups":[{"name":"a","works":[{"type":"%s","count":%s}]}]}' \
			"$type" $((unit + 1)) | file
		run -1 kt-scenario expand --topo 1n1l2c1t "$T/x.json"
		[[ $output == *"works in groups of $unit,"* ]]
	done < <(kt-work types | jq -r 'select(.type == "work-type") | "\(.work) \(.group_size)"')
}

@test "two expansions with one seed are the same but for the meta line" {
	kt-topo --spec 2n4l4c2t >"$T/topo"
	local names
	names=$(kt-scenario list | jq -r 'select(.type == "scenario") | .name')
	# shellcheck disable=SC2086	# names
	kt-scenario expand $names --topo "$T/topo" --seed 5 | sed 1d >"$T/a"
	# shellcheck disable=SC2086
	kt-scenario expand $names --topo - --seed 5 <"$T/topo" | sed 1d >"$T/b"
	cmp "$T/a" "$T/b"
	[ "$(grep -c '"type":"plan"' "$T/a")" -ge 33 ]
}

@test "another seed differs where a mask is drawn" {
	expand 1n2l4c1t cgroup_affinity_random --seed 1
	ops 'select(.op == "work.spawn") | .affinity' >"$T/a"
	expand 1n2l4c1t cgroup_affinity_random --seed 2
	ops 'select(.op == "work.spawn") | .affinity' >"$T/b"
	run -1 cmp -s "$T/a" "$T/b"
}

@test "what a scenario draws does not depend on the others" {
	expand 1n2l4c1t cgroup_affinity_random
	cp "$T/out" "$T/alone"
	expand 1n2l4c1t sched_rr cgroup_affinity_random
	diff <(grep -v '"end"' "$T/alone") <(sed -n '/"scenario":"cgroup_affinity_random"/,$p' "$T/out" | grep -v '"end"')
}

@test "a random mask is half of the cgroup's CPUs, a pinned worker has one of its own" {
	expand 1n2l4c1t cgroup_affinity_random --workers 4
	[ "$(ops 'select(.op == "cgroup.set") | .cpus')" = '["0-2","3-6"]' ]
	python3 - "$T/out" <<-'END'
		import json, sys
		def cpus(s):
		    return {c for p in s.split(",") for c in range(int(p.split("-")[0]), int(p.split("-")[-1]) + 1)}
		sets = {"cg_0": {0, 1, 2}, "cg_1": {3, 4, 5, 6}}
		n = 0
		for line in open(sys.argv[1]):
		    r = json.loads(line)
		    if r.get("op") == "work.spawn":
		        for mask in r["affinity"]:
		            n += 1
		            assert cpus(mask) <= sets[r["cgroup"]] and len(cpus(mask)) == len(sets[r["cgroup"]]) // 2, mask
		assert n == 8
	END
	expand 1n2l4c1t cgroup_affinity_pinned --workers 4
	[ "$(ops 'select(.op == "work.spawn") | .affinity')" = '[["0","1","2","0"],["3","4","5","6"]]' ]
}

@test "the partitions are those of the reference's test vectors" {
	local topo name want
	while read -r topo name want; do
		expand "$topo" "$name"
		[ "$(jq -r -s '[.[] | select(.op == "cgroup.set") | .cpus] | join("/")' "$T/out")" = "$want" ] || {
			echo "$topo $name: want $want, got"
			ops '.cpus'
			return 1
		}
	done <<-END
		1n2l4c1t cgroup_cpuset_llc_steady 0-3/4-6
		1n2l4c1t cgroup_cpuset_cross_llc_steady 0-1/2-6
		1n2l4c1t cgroup_cpuset_overlap_steady 0-1/1-2/2-3
		1n2l4c1t cgroup_uneven_steady 0-4/5-6
		1n2l4c1t cgroup_partial_cpus_steady 0-2/3-5
		1n3l3c1t cgroup_cpuset_llc_steady 0-2/3-5
		1n3l3c1t cgroup_partial_cpus_steady 0-2/3-6
		2n4l4c1t cgroup_cpuset_cross_llc_steady 0-1/2-14
		2n4l4c1t cgroup_cpuset_overlap_steady 0-4/2-6/4-8
		2n4l4c1t cgroup_uneven_steady 0-10/11-14
	END
}

@test "a machine that lacks what a scenario needs gets a plan to be skipped, without ops" {
	expand 1n1l4c1t cgroup_cpuset_llc_steady
	jq -e -s 'length == 3 and .[0].skip == "needs 2 LLCs, this machine has 1" and .[1].type == "plan-end"' "$T/out"
	expand 1n1l1c1t cgroup_uneven_steady
	jq -e -s '.[0].skip == "needs 2 CPUs, this machine has 1"' "$T/out"
}

@test "a plan is timed: set-up, settle, start at 0, stop after the duration, then removal" {
	expand 1n1l4c1t cgroup_steady --duration 3s --settle 20ms
	[ "$(ops '.op')" = '["cgroup.create","cgroup.create","play.wait","work.spawn","work.spawn","work.start","work.stop","cgroup.rm","cgroup.rm"]' ]
	[ "$(ops '.at_ns' | jq -c unique)" = '[0,3000000000]' ]
	[ "$(ops 'select(.op == "play.wait") | .ns')" = '[20000000]' ]
	jq -e -s '.[0] | .settle_ns == 20000000 and .duration_ns == 3000000000' "$T/out"
}

@test "only CPUs where we may run are planned for" {
	kt-topo --spec 1n2l4c2t | sed 's/"affinity":null/"affinity":"2-5,10"/' >"$T/topo"
	expand "$T/topo" cgroup_cpuset_llc_steady
	jq -e -s '.[0] | .cpus == "2-5,10" and .topology == null and .id == "cgroup_cpuset_llc_steady/default/5cpus/seed-1" and
		.cpu_map == [[2,0,0,0],[3,0,0,0],[4,1,0,0],[5,1,0,0],[10,2,1,0]]' "$T/out"
}

@test "sched_fifo and sched_rr have normal workers too" {
	local s
	for s in sched_fifo sched_rr; do
		expand 1n1l4c1t $s
		ops 'select(.op == "work.spawn") | .policy' | jq -e 'length == 4 and (map(select(. == "normal")) | length == 2)'
	done
}

@test "flags: the required ones by default; a profile that does not fit is skipped; all makes every profile" {
	expand 1n2l4c1t cgroup_llc_overflow
	jq -e -s '.[0].profile == "llc+steal" and .[0].skip == null' "$T/out"
	expand 1n2l4c1t cgroup_llc_overflow --flags llc
	jq -e -s '.[0].skip == "needs flags that the profile lacks: steal"' "$T/out"
	expand 1n2l4c1t cgroup_steady --flags steal
	jq -e -s '.[0].skip == "the profile'"'"'s flags need others: llc"' "$T/out"
	expand 1n2l4c1t cgroup_steady --flags no-ctrl
	jq -e -s '.[0].controllers == ["cpuset"]' "$T/out"
	expand 1n2l4c1t cgroup_steady --flags all
	jq -e -s '[.[] | select(.type == "plan") | .profile] | length == 48 and (unique | length == 48) and .[0] == "default"' "$T/out"
}

@test "seeds: a range makes a plan for each, with ids of their own" {
	expand 1n2l4c1t cgroup_steady --seed 3-5
	jq -e -s '[.[] | select(.type == "plan") | .id[-6:]] == ["seed-3", "seed-4", "seed-5"]' "$T/out"
}

@test "--work-type replaces plain spinners, and says where it cannot" {
	expand 1n2l4c1t cgroup_steady --work-type PipeIo
	[ "$(ops 'select(.op == "work.spawn") | .work.type')" = '["PipeIo","PipeIo"]' ]
	expand 1n2l4c1t cgroup_steady --work-type PipeIo --workers 3
	jq -e -s '.[0].skip == "PipeIo works in groups of 2, and cg_0 has 3 workers" and length == 3' "$T/out"
	expand 1n2l4c1t nice_sweep --work-type PipeIo
	jq -e -s '.[0].skip == "it has no plain CpuSpin work that PipeIo could replace"' "$T/out"
}

@test "--threshold goes into the plan by name, and must be one" {
	expand 1n2l4c1t cgroup_steady --threshold max_gap_ms=0 --threshold isolation=off
	jq -e -s '.[0].thresholds == {"max_gap_ms": 0, "isolation": false}' "$T/out"
	run -2 --separate-stderr kt-scenario expand cgroup_steady --topo 1n1l1c1t --threshold max_gap=0
	[[ $stderr == *"did you mean 'max_gap_ms'?"* ]]
	run -2 kt-scenario expand cgroup_steady --topo 1n1l1c1t --threshold max_gap_ms
}

@test "steps: ops, cgroups and holds become timed ops, and each step cleans up after itself" {
	file <<-'END'
		{"name": "x", "category": "c", "description": "d", "settle": 0,
		 "cgroups": [{"name": "a", "cpuset": "range:0,0.5", "works": [{"count": "2*W"}]}],
		 "steps": [
			{"hold": {"fixed": "D/4"}},
			{"repeat": 2, "ops": [{"op": "set", "cgroup": "a", "weight": 50}], "cgroups": [{"name": "b"}], "hold": {"frac": 0.25}},
			{"ops": [{"op": "clear", "cgroup": "a"}, {"op": "stop", "cgroup": "a"}, {"op": "create", "cgroup": "c"},
				{"op": "spawn", "cgroup": "c", "work": {"count": 1, "affinity": "cpus:1"}}], "hold": {"frac": 0.25}}]}
	END
	expand 1n1l8c1t "$T/x.json" --duration 4s
	ops '[.at_ns / 1e9, .op, .cgroup // .groups]' >"$T/got"
	diff -u <(jq -c . <<-'END'
		[[0,"cgroup.create","a"],[0,"cgroup.set","a"],[0,"work.spawn","a"],[0,"work.start",["a.0"]],
		 [1,"cgroup.set","a"],[1,"cgroup.create","b"],[1,"work.spawn","b"],[1,"work.start",["b.0"]],
		 [2,"work.stop",["b.0"]],[2,"cgroup.rm","b"],
		 [2,"cgroup.set","a"],[2,"cgroup.create","b"],[2,"work.spawn","b"],[2,"work.start",["b.1"]],
		 [3,"work.stop",["b.1"]],[3,"cgroup.rm","b"],
		 [3,"cgroup.clear","a"],[3,"work.stop",["a.0"]],[3,"cgroup.create","c"],[3,"work.spawn","c"],[3,"work.start",["c.0"]],
		 [4,"work.stop",["c.0"]],[4,"cgroup.rm","c"],[4,"cgroup.rm","a"]]
	END
	) "$T/got"
	[ "$(ops 'select(.op == "work.spawn") | .count')" = '[4,2,2,1]' ]
}

@test "steps: a loop does its ops again and again until the duration is over" {
	file <<-'END'
		{"name": "x", "category": "c", "description": "d", "settle": 0, "cgroups": [{"name": "a"}],
		 "steps": [{"ops": [{"op": "set", "cgroup": "a", "cpuset": "llc:0"}, {"op": "clear", "cgroup": "a"}], "hold": {"loop": "300ms"}}]}
	END
	expand 1n1l2c1t "$T/x.json" --duration 1s
	[ "$(ops 'select(.op == "cgroup.clear") | .at_ns / 1e6')" = '[0,300,600,900]' ]
	[ "$(ops 'select(.op == "work.stop") | .at_ns / 1e6')" = '[1000]' ]
}

@test "steps: before any worker has started, a hold is a wait" {
	file <<-'END'
		{"name": "x", "category": "c", "description": "d",
		 "steps": [{"ops": [{"op": "create", "cgroup": "a"}], "hold": {"fixed": "1s"}}, {"cgroups": [{"name": "b"}]}]}
	END
	expand 1n1l2c1t "$T/x.json" --duration 1s
	[ "$(ops '[.op, .at_ns / 1e9]')" = '[["cgroup.create",0],["play.wait",0],["cgroup.rm",0],["cgroup.create",0],["work.spawn",0],["work.start",0],["work.stop",1],["cgroup.rm",1]]' ]
}

@test "steps: what cannot be, such as a move from a cgroup that is gone, is refused with its place" {
	refused "2: member 'steps[1].ops[0]': cgroup 'b' is not there at this point" <<-'END'
		{"name": "x", "category": "c", "description": "d", "cgroups": [{"name": "a"}],
		 "steps": [{"cgroups": [{"name": "b"}], "hold": {"frac": 0.5}}, {"ops": [{"op": "move", "from": "b", "to": "a"}]}]}
	END
}

@test "an error in a file names line and member: unknown, twice, missing, wrong type, wrong name" {
	refused "2: member 'colour': unknown member" <<-'END'
		{"name": "x", "category": "c", "description": "d",
		 "colour": "red", "cgroups": [{"name": "a"}]}
	END
	file <<<'{"name": "x", "name": "x"}'
	run -1 --separate-stderr kt-scenario expand --topo 1n2l4c1t "$T/x.json"
	[[ $stderr == *"x.json:1:"*duplicate* ]]
	refused "1: member 'description' is missing" <<<'{"name": "x", "category": "c", "cgroups": [{"name": "a"}]}'
	refused "3: member 'cgroups[1].works[0].nice': want an integer" <<-'END'
		{"name": "x", "category": "c", "description": "d", "cgroups": [
			{"name": "a"},
			{"name": "b", "works": [{"nice": "5"}]}]}
	END
	refused "1: member 'name': 'y', but the file is called x.json" <<<'{"name": "y", "category": "c", "description": "d"}'
}

@test "an error in a file names line and member: specs, expressions, works, ops, checks" {
	local head='{"name": "x", "category": "c", "description": "d",'
	refused "2: member 'cgroups[0].works[0].type': 'CpuSpn' is none; did you mean 'CpuSpin'?" <<<"$head
		\"cgroups\": [{\"name\": \"a\", \"works\": [{\"type\": \"CpuSpn\"}]}]}"
	refused "1: member 'cgroups[0].works[0].burst_ms': unknown member" \
		<<<"$head \"cgroups\": [{\"name\": \"a\", \"works\": [{\"burst_ms\": 5}]}]}"
	refused "1: member 'cgroups[0].works[0].count': '2*X': 'X' is no number, nor one of C U L N W D S, min, max, lcpus" \
		<<<"$head \"cgroups\": [{\"name\": \"a\", \"works\": [{\"count\": \"2*X\"}]}]}"
	refused "1: member 'cgroups[0].works[0].policy': 'fifo': want normal, batch, idle, ext, fifo:PRIO or rr:PRIO" \
		<<<"$head \"cgroups\": [{\"name\": \"a\", \"works\": [{\"policy\": \"fifo\"}]}]}"
	refused "1: member 'checks': no check is called 'max_gap'; did you mean 'max_gap_ms'?" \
		<<<"$head \"cgroups\": [{\"name\": \"a\"}], \"checks\": {\"max_gap\": 5}}"
	refused "2: member 'steps[0].ops[0].op': 'mve' is none; did you mean 'move'?" <<<"$head \"cgroups\": [{\"name\": \"a\"}], \"steps\": [
		{\"ops\": [{\"op\": \"mve\"}]}]}"
	refused "1: member 'steps[0].hold': want one of frac, fixed and loop" \
		<<<"$head \"cgroups\": [{\"name\": \"a\"}], \"steps\": [{\"hold\": {\"frac\": 1, \"fixed\": 1}}]}"
	refused "1: member 'flags.required': 'steel' is none; did you mean 'steal'?" <<<"$head \"flags\": {\"required\": [\"steel\"]}}"
	run -1 --separate-stderr kt-scenario expand --topo 1n1l1c1t "$T/none.json"
	[ "$stderr" = "kt-scenario: $T/none.json: No such file or directory" ]
}

@test "the example of the page is a scenario" {
	sed -n '/^{$/,/^}$/p' man/ktstr-scenario.5 >"$T/squeeze.json"
	run -0 kt-scenario expand --topo 1n1l4c1t "$T/squeeze.json"
	[ "$(grep -c '"op":"cgroup.set"' <<<"$output")" -eq 1 ]
}

@test "a scenario without any worker is refused" {
	refused "1: member 'steps': no worker at all" \
		<<<'{"name": "x", "category": "c", "description": "d", "cgroups": [{"name": "a", "works": []}]}'
}

@test "an unknown name is status 2, with the nearest one; a filter without a match too" {
	run -2 --separate-stderr kt-scenario show cgroup_stedy
	[ "$stderr" = "kt-scenario: no scenario is called 'cgroup_stedy'; did you mean 'cgroup_steady'?" ]
	[ -z "$output" ]
	run -2 --separate-stderr kt-scenario list --filter cgroup_stedy
	[ "$stderr" = "kt-scenario: no scenario matches 'cgroup_stedy'; did you mean 'cgroup_steady'?" ]
	run -2 --separate-stderr kt-scenario list --filter mutx
	[ "$stderr" = "kt-scenario: no scenario matches 'mutx'; did you mean 'mutex_contention_heavy'?" ]
	[ -z "$output" ]
	[ "$(kt-scenario list --filter 'sched_*' | grep -c '"type":"scenario"')" -eq 4 ]
	[ "$(kt-scenario list --filter overlap | grep -c '"type":"scenario"')" -eq 3 ]
}

@test "show prints the file as it is" {
	kt-scenario show stall_recovery | cmp - scenarios/stall_recovery.json
}

@test "wrong command lines are status 2, with nothing on stdout" {
	local args
	while read -r args; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-scenario $args </dev/null
		[ -z "$output" ] && [ -n "$stderr" ] || {
			echo "$args"
			return 1
		}
	done <<-'END'

		expand
		expand cgroup_steady
		expand --topo 1n1l1c1t
		expand cgroup_steady --topo 1n1l1c
		expand cgroup_steady --topo 1n1l1c1t --duration -1
		expand cgroup_steady --topo 1n1l1c1t --duration 0
		expand cgroup_steady --topo 1n1l1c1t --workers 0
		expand cgroup_steady --topo 1n1l1c1t --workers x
		expand cgroup_steady --topo 1n1l1c1t --seed 5-3
		expand cgroup_steady --topo 1n1l1c1t --flags llc,fast
		expand cgroup_steady --topo 1n1l1c1t --work-type Spin
		expand cgroup_steady cgroup_steady --topo 1n1l1c1t
		list --seed 1
		show cgroup_steady sched_rr
		show
		frobnicate
	END
}

@test "a topology that is cut off, or none, is refused with its line" {
	kt-topo --spec 1n1l2c1t | sed '/"type":"topology"/,$d' >"$T/topo"
	run -1 --separate-stderr kt-scenario expand cgroup_steady --topo "$T/topo"
	[[ $stderr == *"no topology record"* ]]
	printf '{"type":"meta"}\n{"type":"cpu","online":true}\n' >"$T/topo"
	run -1 --separate-stderr kt-scenario expand cgroup_steady --topo "$T/topo"
	[ "$stderr" = "kt-scenario: $T/topo:2: a cpu record without the member 'cpu'" ]
	run -1 kt-scenario expand cgroup_steady --topo - </dev/null
	run -1 kt-scenario expand cgroup_steady --topo "$T/none"
}

@test "a full disk is noticed" {
	run -1 sh -c 'kt-scenario expand cgroup_steady --topo 1n1l1c1t >/dev/full'
	run -1 sh -c 'kt-scenario list >/dev/full'
	run -1 sh -c 'kt-scenario show cgroup_steady >/dev/full'
}
