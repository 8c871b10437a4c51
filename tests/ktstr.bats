#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export TMPDIR=$T/tmp
	mkdir "$TMPDIR"
}

# farm - a directory with ktstr and links to all tools, of which a test may replace one
farm() {
	mkdir "$T/bin"
	ln -s "$KTSTR_BUILD"/bin/kt-* "$T/bin/"
	cp ktstr "$T/bin/"
}

@test "help and version are on stdout, and the version is that of the tools" {
	run -0 --separate-stderr ktstr --help
	[[ $output == "usage: ktstr COMMAND"* ]]
	[ -z "$stderr" ]
	run -0 ktstr test --help
	[[ $output == "usage: ktstr COMMAND"* ]]
	run -0 ktstr --version
	[ "$output" = "ktstr $(kt-topo --version | cut -d' ' -f2)" ]
}

@test "a wrong command line is status 2, with nothing on stdout" {
	local args
	for args in '' 'frobnicate' '--frob' 'test --frob' 'test --seed' 'test --json=1' 'run --topology 1n1l1c1t' \
		'list --seed 1' 'topo x' 'test -x'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr ktstr $args
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
}

@test "bad values are status 2 and name the option's value" {
	run -2 --separate-stderr ktstr test --topology 4x4 cgroup_steady
	[[ $stderr == *4x4* ]]
	run -2 --separate-stderr ktstr test --duration ten cgroup_steady
	[[ $stderr == *ten* ]]
	run -2 --separate-stderr ktstr test --seed -1 cgroup_steady
	[ -z "$(ls "$TMPDIR")" ]
}

@test "an empty argument is one, and quotes in others stay" {
	run -2 --separate-stderr ktstr list ''
	[[ $stderr == *"no scenario is called ''"* ]]
	run -2 --separate-stderr ktstr list "it's" x
	[[ $stderr == *"no scenario is called 'it's'"* ]]
}

@test "list shows every scenario file, as a table and as records" {
	local n
	n=$(find scenarios -name '*.json' | wc -l)
	run -0 ktstr list --json
	[ "$(jq -s '[.[] | select(.type == "scenario")] | length' <<<"$output")" -eq "$n" ]
	run -0 ktstr list
	[ "$(grep -cE '^(cgroup|sched|stall|fork|nice|affinity|policy|page|mutex)_' <<<"$output")" -eq "$n" ]
}

@test "list --filter shows only names that contain the text" {
	run -0 ktstr list --json --filter overlap
	[ "$(jq -r 'select(.type == "scenario") | .name' <<<"$output" | sort)" = \
		"$(cd scenarios && printf '%s\n' *overlap*.json | sed 's/\.json$//' | sort)" ]
}

@test "a filter that nothing matches is refused with the nearest name" {
	run -2 --separate-stderr ktstr test --filter cgroup_stedy
	[[ $stderr == *cgroup_steady* ]]
	[ -z "$output" ]
}

@test "an unknown scenario is refused before anything boots" {
	farm
	rm -f "$T/bin/kt-vm"
	printf '#!/bin/sh\ntouch %s/booted\n' "$T" >"$T/bin/kt-vm"
	chmod +x "$T/bin/kt-vm"
	run --separate-stderr "$T/bin/ktstr" test no_such_scenario
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
	[[ $stderr == *no_such_scenario* ]]
	[ ! -e "$T/booted" ]
}

@test "topo describes a spec, this machine, and a captured tree" {
	run -0 ktstr topo --spec 2n4l2c2t --json
	[ "$output" = "$(kt-topo --spec 2n4l2c2t)" ]
	run -0 ktstr topo --spec 2n4l2c2t
	[[ $output == *2n4l2c2t* ]]
	run -0 ktstr topo --json
	[ "$(jq -r 'select(.type == "topology") | .online' <<<"$output")" = "$(cat /sys/devices/system/cpu/online)" ]
}

@test "show-host names the kernel" {
	run -0 ktstr show-host
	[[ $output == *"$(uname -r)"* ]]
}

@test "host-state: a capture, and what moved between two of them by process" {
	run -0 ktstr host-state capture -o "$T/a.zst"
	run -0 ktstr host-state capture --output="$T/b b.zst" --source proc --fields time,-stime_ns
	run -0 --separate-stderr ktstr host-state compare --all --only 'run_time_ns' --limit 3 "$T/a.zst" "$T/b b.zst"
	[[ $output =~ PCOMM\ +THREADS\ +METRIC ]]
	[[ $output == *'host: source: '* || $(id -u) -ne 0 ]]
	run -0 --separate-stderr ktstr host-state compare --json --group-by comm "$T/a.zst" "$T/b b.zst"
	[ "$(jq -r 'select(.type == "meta") | .group_by' <<<"$output")" = comm ]
	[ "$(jq -r 'select(.type == "end") | .outcome' <<<"$output")" = ok ]
	run -0 --separate-stderr ktstr host-state compare --json --group-by cgroup --cgroup-flatten '/**' "$T/a.zst" "$T/b b.zst"
	[ "$(jq -r 'select(.type == "meta") | .cgroup_flatten[]' <<<"$output")" = '/**' ]
	[ -z "$(ls "$TMPDIR")" ]
}

@test "host-state compare: conditions fail it, damage is told once, wrong usage is 2" {
	kt-snap -q -o "$T/a"
	kt-snap -q -o "$T/b"
	run -1 --separate-stderr ktstr host-state compare --fail-if 'kt-snap:run_time_ns>=0' "$T/a" "$T/b"
	[[ $stderr == *'run_time_ns>=0'* ]]
	[[ $output == *METRIC* ]]
	head -n 20 "$T/b" >"$T/cut"
	run -1 --separate-stderr ktstr host-state compare "$T/a" "$T/cut"
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	[[ $stderr == *'cut off'* ]]
	[ -z "$output" ]
	local args
	for args in '' capture 'capture -o' 'capture --output=' 'capture -o x y' 'capture --json -o x' compare "compare $T/a" \
		"compare $T/a $T/b $T/b" 'compare -o x' 'compare --all=1' "compare --sort x $T/a $T/b" frob; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr ktstr host-state $args
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
}

@test "output that cannot be written is a failure" {
	run -1 sh -c 'ktstr list >/dev/full'
	run -1 sh -c 'ktstr list --json >/dev/full'
}

@test "the tools are found through links to the script, and in PATH" {
	mkdir "$T/a" "$T/b"
	ln -s "$KT_TOP/ktstr" "$T/a/ktstr"
	farm
	ln -s "$T/bin/ktstr" "$T/b/kts"
	PATH=/usr/bin:/bin run -0 "$T/b/kts" --version
	cp ktstr "$T/a/alone"
	run -0 "$T/a/alone" --version
	PATH=/usr/bin:/bin run -1 "$T/a/alone" --version
	[[ $output == *"run make first"* ]]
}

@test "a run in a virtual machine prints a row for each scenario, and keeps its streams" {
	sample_run
	local f
	grep -E '^.*cgroup_steady.*pass' "$SAMPLE/../table"
	grep -E '^.*mutex_contention_light.*pass' "$SAMPLE/../table"
	grep -E '^.*cgroup_cpuset_llc_steady.*skip' "$SAMPLE/../table"
	for f in plan events results; do
		[ "$(tail -n 1 "$SAMPLE/$f.ndjson" | jq -r .type)" = end ]
	done
	[ -s "$SAMPLE/console.log" ]
	[ "$(ls "$SAMPLE")" = "$(printf '%s\n' console.log events.ndjson plan.ndjson results.ndjson)" ]
}

@test "a limit of the user fails and names the worker" {
	run -1 ktstr test cgroup_steady --threshold max_gap_ms=0 --topology 1n1l2c1t --duration 1s --settle 100ms
	[[ $output == *max_gap_ms* ]]
	[[ $output =~ worker\ [0-9]+\ \(tid\ [0-9]+\)\ of\ cg_[01] ]]
	[ -z "$(ls "$TMPDIR")" ]
}

@test "--json gives the results alone, with the status of the verdict" {
	run -1 --separate-stderr ktstr test cgroup_steady --threshold max_gap_ms=0 --topology 1n1l2c1t --duration 1s \
		--settle 100ms --json
	[ "$(jq -r 'select(.type == "result") | .outcome' <<<"$output")" = fail ]
	[ "$(jq -r 'select(.type == "end") | .outcome' <<<"$output")" = fail ]
	[ "$(jq -r 'select(.type == "result") | .checks[] | select(.name == "max_gap_ms") | .source' <<<"$output")" = option ]
}

@test "a run of which everything is skipped is status 77" {
	run -77 ktstr test cgroup_cpuset_llc_steady --topology 1n1l2c1t --duration 1s
	[[ $output == *skip* ]]
}

@test "--keep refuses a directory that has something in it" {
	touch "$T/x"
	run -1 --separate-stderr ktstr test cgroup_steady --keep "$T"
	[[ $stderr == *"not empty"* ]]
	[ -z "$output" ]
}

# vm_script - a kt-vm of bash: what is on standard input. Each call of it is a line in $T/calls, and the
# plans that it was given are in $T/in.
vm_script() {
	farm
	rm -f "$T/bin/kt-vm"
	{
		printf '#!/bin/bash\necho call >>"%s/calls"\ncat >"%s/in"\n' "$T" "$T"
		cat
	} >"$T/bin/kt-vm"
	chmod +x "$T/bin/kt-vm"
}

@test "when the machine dies, its plan gets the outcome and the others a fresh boot" {
	sample_run
	# The first time the recorded events up to the start of the first plan's work, then a panic; the second
	# time those of the plans that are left.
	vm_script <<-END
		if [ "\$(wc -l <"$T/calls")" -eq 1 ]; then
			sed '/"op":"work.start"/q' "$SAMPLE/events.ndjson"
			tail -n 1 "$SAMPLE/events.ndjson" | sed 's/"outcome":"[a-z-]*"/"outcome":"panic"/'
			exit 125
		fi
		grep '^{"type":"plan",' "$T/in" | cut -d, -f2 >"$T/ids"
		awk -v ids="$T/ids" -F, '
			BEGIN { while ((getline i < ids) > 0) want[i] = 1; on = 1 }
			/^{"type":"plan",/ { on = \$2 in want }
			on { print }
			/^{"type":"plan-end",/ { on = 1 }' "$SAMPLE/events.ndjson"
	END
	run -1 --separate-stderr "$T/bin/ktstr" test --topology 1n1l2c1t --duration 2s --settle 100ms --workers 2 --json \
		cgroup_steady cgroup_cpuset_llc_steady mutex_contention_light
	[ "$(wc -l <"$T/calls")" -eq 2 ]
	[[ $stderr == *"2 of 3 plans not begun"* ]]
	[ "$(jq -r 'select(.type == "result") | .scenario + " " + .outcome' <<<"$output")" = "$(
		printf '%s\n' 'cgroup_steady error' 'cgroup_cpuset_llc_steady skip' 'mutex_contention_light pass'
	)" ]
	[[ $(jq -r 'select(.outcome == "error" and .type == "result") | .details[].message' <<<"$output") == *panic* ]]
}

@test "there are at most three fresh boots, and what is left then was not run" {
	sample_run
	vm_script <<-END
		grep '^{"type":"meta"' "$SAMPLE/events.ndjson" | head -n 2
		grep '^{"type":"plan",' "$T/in" | head -n 1
		tail -n 1 "$SAMPLE/events.ndjson" | sed 's/"outcome":"[a-z-]*"/"outcome":"panic"/'
		exit 125
	END
	run -1 --separate-stderr "$T/bin/ktstr" test --topology 1n2l2c1t --json --filter cgroup_cpuset
	[ "$(wc -l <"$T/calls")" -eq 4 ]
	[ "$(jq -s '[.[] | select(.type == "result")] | length' <<<"$output")" -eq "$(ls scenarios/*cgroup_cpuset* | wc -l)" ]
	[ "$(jq -s '[.[] | select(.type == "result" and .outcome == "error")] | length' <<<"$output")" -gt 4 ]
	[ "$(grep -c 'not run' <<<"$output")" -eq "$(($(ls scenarios/*cgroup_cpuset* | wc -l) - 4))" ]
}

@test "a machine that does not boot is not booted again" {
	farm
	rm -f "$T/bin/kt-vm"
	printf '#!/bin/sh\ncat >/dev/null\necho call >>%s/calls\nexit 125\n' "$T" >"$T/bin/kt-vm"
	chmod +x "$T/bin/kt-vm"
	run -1 "$T/bin/ktstr" test --topology 1n1l2c1t --duration 1s cgroup_steady
	[ "$(wc -l <"$T/calls")" -eq 1 ]
	[[ $output == *"not run"* ]]
}

@test "INT, TERM and HUP reach the machine, leave nothing behind, and are what ktstr dies of" {
	farm
	rm -f "$T/bin/kt-vm"
	mkfifo "$T/up"
	cat >"$T/bin/kt-vm" <<-END
		#!/bin/bash
		trap 'echo stopped >"$T/stopped"; exit 143' TERM
		cat >/dev/null
		echo up >"$T/up"
		while :; do read -r -t 60 <>"$T/never"; done
	END
	chmod +x "$T/bin/kt-vm"
	mkfifo "$T/never"
	local sig
	for sig in INT TERM HUP; do
		rm -f "$T/stopped"
		# A shell starts what is in the background with INT ignored: python gives it back.
		/usr/bin/python3 -c 'import os,signal,sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$T/bin/ktstr" test --topology 1n1l2c1t cgroup_steady >"$T/out" 2>&1 3>&- &
		local pid=$!
		read -r <"$T/up"
		kill -s $sig $pid
		local rc=0
		wait $pid || rc=$?
		[ "$rc" -eq $((128 + $(kill -l $sig))) ]
		[ -e "$T/stopped" ]
		[ -z "$(ls "$TMPDIR")" ]
	done
}
