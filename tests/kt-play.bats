#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-play: what needs no cgroup of its own. tests/vm/kt-play.sh and tests/vm/kills.sh have the rest.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	set -o pipefail
	kt-topo | kt-scenario expand cgroup_steady --topo - --duration 100ms >"$T/plan"
}

# refused MESSAGE - the plan in $T/plan is, before anything is played
refused() {
	run -1 --separate-stderr kt-play --quiet 0 "$T/plan"
	[ "$stderr" = "kt-play: $T/plan$1" ] || {
		echo "got: $stderr"
		return 1
	}
	jq -e -s 'length == 2 and .[0].type == "meta" and .[1] == {type: "end", tool: "kt-play", outcome: "error",
		plans: {ok: 0, skip: 0, error: 0}}' <<<"$output"
}

# change JQ-PROGRAM - of each record
change() {
	jq -c "$1" "$T/plan" >"$T/x"
	mv "$T/x" "$T/plan"
}

@test "a plan that is cut off, or none, is not played" {
	cp "$T/plan" "$T/whole"
	sed -n 1,4p "$T/whole" >"$T/plan"
	refused ": cut off within plan '$(jq -r 'select(.type == "plan").id' "$T/whole")'"
	sed '$d' "$T/whole" >"$T/plan"
	refused ": cut off: no end record"
	: >"$T/plan"
	refused ": no plan"
	head -c 400 "$T/whole" >"$T/plan"
	run -1 --separate-stderr kt-play "$T/plan"
	[[ $stderr == "kt-play: $T/plan:2:"* ]]
}

@test "a bad record is named by line and member" {
	cp "$T/plan" "$T/whole"
	local program want
	while IFS='|' read -r program want; do
		cp "$T/whole" "$T/plan"
		change "$program"
		refused ":${want//ID/$(jq -r 'select(.type == "plan").id' "$T/whole")}" || {
			echo "$program"
			return 1
		}
	done <<-'END'
		if .seq == 3 then .op = "play.sing" else . end|5: member 'op': 'play.sing' is no op
		if .seq == 3 then .ns = "1s" else . end|5: member 'ns': want an integer
		if .seq == 3 then .colour = 1 else . end|5: member 'colour': unknown member
		if .seq == 4 then del(.group) else . end|6: member 'group' is missing
		if .seq == 4 then .cgroup = "../x" else . end|6: member 'cgroup': '../x': empty parts and leading dots are no names
		if .seq == 4 then .cgroup = "/x" else . end|6: member 'cgroup': '/x': a name has no slash at its ends
		if .seq == 4 then .affinity = ["0"] else . end|6: member 'affinity': want one CPU list for each of 2 workers
		if .seq == 4 then .affinity = "0-x" else . end|6: member 'affinity': '0-x' is no list, such as "0-3,8"
		if .seq == 4 then .offsets_ns = [1] else . end|6: member 'offsets_ns': want one for each of 2 workers
		if .seq == 4 then .count = 0 else . end|6: member 'count': 0 is outside 1 to 65536
		if .seq == 5 then .seq = 7 else . end|7: member 'seq': 7, where 5 is next
		if .seq == 8 then .at_ns = 5 else . end|10: member 'at_ns': 5 is before that of the op above
		if .seq == 6 then .groups = [] else . end|8: member 'groups': is empty
		if .type == "plan" then .cpus = "all" else . end|2: member 'cpus': 'all' is no list, such as "0-3,8"
		if .type == "plan" then del(.seed) else . end|2: member 'seed' is missing
		if .type == "plan" then .skip = "no" else . end|3: a plan that is to be skipped has no ops
		if .type == "plan-end" then .id = "x" else . end|12: member 'id': 'x' does not end plan 'ID'
	END
}

@test "two plans of one id are refused" {
	cat "$T/plan" "$T/plan" >"$T/x"
	mv "$T/x" "$T/plan"
	local id
	id=$(jq -r 'select(.type == "plan").id' "$T/plan" | head -n 1)
	refused ":15: member 'id': '$id' is already taken by an earlier plan"
}

@test "a line that is no JSON is named" {
	sed '5s/.*/{"type":"op",/' "$T/plan" >"$T/x"
	mv "$T/x" "$T/plan"
	run -1 --separate-stderr kt-play "$T/plan"
	[[ $stderr == "kt-play: $T/plan:5:"* ]]
}

@test "a plan to be skipped is: 77, with its reason" {
	kt-scenario expand cgroup_cpuset_llc_steady --topo 1n1l2c1t >"$T/plan"
	run -77 --separate-stderr kt-play --quiet 0 "$T/plan"
	[ -z "$stderr" ]
	jq -e -s '[.[].type] == ["meta", "plan", "plan-end", "end"] and .[2].outcome == "skip" and
		.[2].reason == "needs 2 LLCs, this machine has 1" and .[3].outcome == "skip" and .[3].plans.skip == 1' <<<"$output"
	tests/schema/validate.py --mutate --need kt-play.meta,kt-play.plan-end,kt-play.end,kt-scenario.plan <<<"$output"
}

@test "a plan for CPUs that are not there is skipped, and they are named" {
	kt-scenario expand cgroup_steady --topo 1n1l4096c1t >"$T/plan"
	run -77 kt-play --quiet 0 "$T/plan"
	[[ $output == *'CPUs '*'-4095 are not there: this machine allows '* ]]
}

@test "the plan may come from a pipe, slowly" {
	kt-scenario expand cgroup_cpuset_llc_steady --topo 1n1l2c1t >"$T/plan"
	run -77 --separate-stderr sh -c 'while read -r line; do printf "%s\n" "$line"; done <"$1" | kt-play --quiet 0' sh "$T/plan"
	[ "$(wc -l <<<"$output")" -eq 4 ]
}

@test "without usable cgroups: status 1, an event stream that says error, the reason on stderr" {
	[ ! -w /sys/fs/cgroup/cgroup.subtree_control ] || skip "this machine has usable cgroups"
	run -1 --separate-stderr kt-play --quiet 0 "$T/plan"
	[[ $stderr == *kt-cgroup:* ]]
	jq -e -s '.[-2].outcome == "error" and (.[-2].reason | length > 20) and .[-1].outcome == "error" and .[-1].plans.error == 1' \
		<<<"$output"
	tests/schema/validate.py <<<"$output"
}

@test "a signal while the plan is still being read ends it" {
	mkfifo "$T/fifo"
	# Its own signals are blocked, so what is asked for is that it ends at all.
	kt-play --quiet 0 "$T/fifo" >"$T/out" 2>"$T/err" &
	local pid=$!
	exec 7>"$T/fifo"
	kill -TERM $pid
	run wait $pid
	exec 7>&-
	[ "$(jq -r 'select(.type == "end").outcome' "$T/out")" = error ]
}

@test "a missing plan, a wrong command line, a full disk" {
	run -1 --separate-stderr kt-play "$T/none"
	[ "$stderr" = "kt-play: $T/none: No such file or directory" ]
	run -2 --separate-stderr kt-play --quiet soon "$T/plan"
	[ -z "$output" ]
	run -2 kt-play "$T/plan" "$T/plan"
	run -2 kt-play --parent '' "$T/plan"
	kt-scenario expand cgroup_cpuset_llc_steady --topo 1n1l2c1t >"$T/plan"
	run -1 --separate-stderr sh -c 'kt-play --quiet 0 "$1" >/dev/full' sh "$T/plan"
	[[ $stderr == *"No space left"* ]]
}
