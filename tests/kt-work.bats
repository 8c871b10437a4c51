#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-work: what needs no cgroup of its own. tests/vm/kt-work.sh has the rest.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	set -o pipefail
}

# op NAME MEMBERS - one line of input
op() {
	printf '{"type":"op","seq":1,"at_ns":0,"op":"work.%s",%s}\n' "$1" "$2"
}

spawn() { # MEMBERS
	op spawn "\"group\":\"g\",\"cgroup\":\"\",$1"
}

# refused MESSAGE - the op on stdin is an op-error with this message, and nothing is spawned
refused() {
	run -1 --separate-stderr kt-work serve
	[ -z "$stderr" ]
	local got
	got=$(jq -r 'select(.type == "op-error") | .message' <<<"$output")
	[ "$got" = "$1" ] || {
		echo "got: $got"
		return 1
	}
	jq -e -s '.[-1] | .type == "end" and .outcome == "error" and .op_errors == 1 and .workers == 0' <<<"$output"
}

# all FILTER - each report fulfils it, and there is one
all() {
	jq -e -s "map(select(.type == \"report\")) | length > 0 and all($1)" "$T/out" >/dev/null || {
		jq -c 'select(.type == "report") | del(.wake.buckets)' "$T/out"
		return 1
	}
}

# some FILTER - a record on stdin fulfils it
some() {
	jq -e -s "any(.[]; $1)" >/dev/null
}

# Workers are found by a name that only this test gives them.
workers() {
	ps -eo pid=,args= | grep -F "$T/kt-work" | grep -v grep || true
}

# The reader takes the meta record and the two acks, and goes; no more input comes until then.
begin_with_reader_that_leaves() {
	cp "$(command -v kt-work)" "$T/kt-work"
	mkfifo "$T/in2"
	{ "$T/kt-work" serve <"$T/in2" 2>/dev/null || true; } | head -3 >"$T/out" 3>&- &
	SERVER=$!
	exec 7>"$T/in2"
	spawn '"count":4,"work":{"type":"CpuSpin"}' >&7
	op start '"groups":["g"]' >&7
	wait "$SERVER"
	gone
	exec 7>&-
	[ "$(wc -l <"$T/out")" -eq 3 ]
}

# gone - no worker is left; every wait has an end
gone() {
	local end=$((SECONDS + 20))
	while [ -n "$(workers)" ]; do
		[ "$SECONDS" -lt "$end" ] || return 1
	done
}

begin() { # start a server whose workers can be told from others
	cp "$(command -v kt-work)" "$T/kt-work"
	mkfifo "$T/in"
	"$T/kt-work" serve <"$T/in" >"$T/out" 2>"$T/err" 3>&- &
	SERVER=$!
	exec 7>"$T/in"
}

# until_in_out TEXT - some record has it; every wait has an end
until_in_out() {
	timeout 60 grep -m1 -F -- "$1" < <(exec tail -n +1 -f --pid="$SERVER" "$T/out" 2>/dev/null)
}

@test "types lists every type of the scenarios, with what it takes" {
	run -0 --separate-stderr kt-work types
	[ -z "$stderr" ]
	want="AffinityChurn Bursty CachePipe CachePressure CacheYield CpuSpin FanOutCompute ForkExit FutexFanOut \
FutexPingPong IoSync Mixed MutexContention NiceSweep PageFaultChurn PipeIo PolicyChurn Sequence YieldHeavy"
	[ "$(jq -r 'select(.type == "work-type") | .work' <<<"$output" | sort | xargs)" = "$want" ]
	some '.work == "FanOutCompute" and .group_size == 5 and .group_param == "fan_out" and .wake == "futex"
		and [.params[].default] == [4, 256, 5, 100]' <<<"$output"
}

@test "its records fit their schemas, and no damaged one does" {
	kt-work types | tests/schema/validate.py --mutate --need kt-work.meta,kt-work.work-type,kt-work.end
	{
		op spawn '"group":"a","cgroup":"","count":2,"work":{"type":"PipeIo","burst_iters":5},"seed":1,
			"affinity":null,"nice":1,"policy":"batch","offsets_ns":[0,1000]' | tr -d '\n'
		echo
		op spawn '"group":"b","cgroup":"","count":1,"work":{"type":"Sequence","first":"spin:1ms","rest":["yield:1ms"]}'
		op start '"groups":["a","b"]'
		op affinity '"group":"a","cpus":"0"'
		op affinity '"group":"a","cpus":["0","0"]'
		op affinity '"group":"a","cpus":"8191"'
		op stop '"groups":["a"]'
		op kill '"groups":["b"]'
		spawn '"count":1,"work":{"type":"CpuSpin"},"affinity":"8191"'
		spawn '"count":1,"work":{"type":"CpuSpin"},"mem":{"mode":"interleave","nodes":"63","flags":["static"]}'
		op nonsense '"a":1'
	} >"$T/ops"
	run -1 kt-work serve <"$T/ops"
	tests/schema/validate.py --mutate --need kt-work.meta,kt-work.ack,kt-work.op-error,kt-work.report,kt-work.end \
		<<<"$output"
}

@test "every type runs, makes progress and adds up" {
	local t d
	for t in $(kt-work types | jq -r 'select(.type == "work-type") | .work'); do
		# On a machine that is full of other work it may take a while until each has had its turn.
		for d in 0.2 2 10; do
			kt-work run -t "$t" -d "$d" >"$T/out" || {
				echo "$t"
				return 1
			}
			! some '.type == "report" and .iterations == 0' <"$T/out" || continue
			break
		done
		jq -e -s '.[-1] | .type == "end" and .outcome == "ok" and .died == 0 and .killed == 0' "$T/out"
		all '.completed and .iterations > 0 and .work_units > 0 and .exit_signal == null'
		# All CPU time is charged to some CPU; nobody had more than there was.
		all '([.cpu_time[][1]] | add) == .cpu_ns and .cpu_ns <= .wall_ns * 1.02 + 2000000'
		all '.cpu_time | all(.[2] <= .[3])'
		all '(.gaps | length) <= 8 and ([.gaps[][1]] == ([.gaps[][1]] | sort | reverse))'
		all '.start_ns as $s | .wall_ns as $w | .gaps | all(.[0] >= $s and .[0] + .[1] <= $s + $w)'
	done
}

@test "wake-up latencies are there for those who sleep, wait and fork, and for nobody else" {
	local t
	for t in Bursty FutexPingPong PipeIo CachePipe ForkExit MutexContention; do
		kt-work run -t "$t" -d 0.5 >"$T/out"
		all '.wake != null and ([.wake.buckets[][1]] | add // 0) == .wake.count'
		all '.wake.count == 0 or (.wake.min_ns <= .wake.max_ns and .wake.sum_ns >= .wake.max_ns)'
		all '.wake.count == 0 or (.wake.buckets[0][0] <= .wake.min_ns and .wake.buckets[-1][0] <= .wake.max_ns)'
	done
	for t in CpuSpin YieldHeavy Mixed IoSync CachePressure CacheYield NiceSweep; do
		kt-work run -t "$t" -d 0.1 >"$T/out"
		all '.wake == null'
	done
	kt-work run -t FutexFanOut -d 0.3 >"$T/out"
	jq -e -s 'map(select(.type == "report")) | length == 5 and (.[0] | .role == "messenger" and .wake == null)
		and (.[1:] | all(.role == "receiver" and .wake.count > 0))' "$T/out"
}

@test "a sleep is no latency: Bursty tells what came on top of it" {
	kt-work run -t Bursty --param burst_ms=1 --param sleep_ms=20 -d 2 >"$T/out"
	all '.wake.source == "sleep" and .wake.count >= 3 and .wake.min_ns < 10000000'
	all '.sleep_ns >= 20000000 * .wake.count and .sleep_ns <= .wall_ns'
}

@test "the same in another unit is an error, as is each other thing that is wrong" {
	spawn '"count":1,"work":{"type":"Bursty","sleep_ms":3,"sleep_usec":4}' |
		refused "stdin:1: member 'work.sleep_usec': says the same as 'sleep_ms'"
	spawn '"count":1,"work":{"type":"Bursty","sleep_ms":0}' |
		refused "stdin:1: member 'work.sleep_ms': 0 is outside 1 to 3600000"
	spawn '"count":1,"work":{"type":"Bursty","burst":3}' | refused "stdin:1: member 'work.burst': unknown member"
	spawn '"count":1,"work":{"type":"cpuspin"}' |
		refused "stdin:1: member 'work.type': no work type 'cpuspin'; did you mean 'CpuSpin'?"
	spawn '"count":3,"work":{"type":"PipeIo"}' |
		refused "stdin:1: member 'count': PipeIo works in groups of 2, and 3 is no multiple of that"
	spawn '"count":5,"work":{"type":"FutexFanOut","fan_out":3}' |
		refused "stdin:1: member 'count': FutexFanOut works in groups of 4, and 5 is no multiple of that"
	spawn '"count":0,"work":{"type":"CpuSpin"}' | refused "stdin:1: member 'count': 0 is outside 1 to 16384"
	spawn '"work":{"type":"CpuSpin"}' | refused "stdin:1: member 'count' is missing"
	spawn '"count":1' | refused "stdin:1: member 'work' is missing"
	spawn '"count":1,"work":{"type":"CpuSpin"},"colour":"red"' | refused "stdin:1: member 'colour': unknown member"
	spawn '"count":1,"work":{"type":"CpuSpin"},"policy":"fifo:100"' |
		refused "stdin:1: member 'policy': want normal, batch, idle, ext, fifo:1 to fifo:99 or rr:1 to rr:99"
	spawn '"count":1,"work":{"type":"CpuSpin"},"policy":"fifo:1","nice":3' |
		refused "stdin:1: member 'nice': says nothing beside policy 'fifo:1'"
	spawn '"count":2,"work":{"type":"CpuSpin"},"affinity":["0"]' |
		refused "stdin:1: member 'affinity': 1 CPU lists for 2 workers"
	spawn '"count":1,"work":{"type":"CpuSpin"},"affinity":""' | refused "stdin:1: member 'affinity': an empty CPU list"
	spawn '"count":2,"work":{"type":"CpuSpin"},"offsets_ns":[1]' |
		refused "stdin:1: member 'offsets_ns': 1 offsets for 2 workers"
	spawn '"count":1,"work":{"type":"CpuSpin"},"mem":{"mode":"bind"}' |
		refused "stdin:1: member 'mem': member 'nodes' is missing"
	spawn '"count":1,"work":{"type":"CpuSpin"},"mem":{"mode":"local","nodes":"0"}' |
		refused "stdin:1: member 'mem.nodes': 'local' takes no nodes"
	spawn '"count":1,"work":{"type":"CachePressure","stride":0}' |
		refused "stdin:1: member 'work.stride': 0 is outside 1 to 1073741824"
	op start '"groups":["g"]' | refused "stdin:1: member 'groups': there is no group 'g'"
	op start '"groups":[]' | refused "stdin:1: member 'groups': want at least one group"
	op sing '"groups":["g"]' | refused "stdin:1: member 'op': no op 'work.sing'"
	echo '{"type":"op","seq":1,"op":"work.start","groups":["g"]}' | refused "stdin:1: member 'at_ns' is missing"
}

@test "what could not be applied is an error that names the worker, and the group is gone" {
	{
		spawn '"count":2,"work":{"type":"CpuSpin"},"affinity":["0","8191"]'
		spawn '"count":2,"work":{"type":"CpuSpin"}'
	} >"$T/ops"
	run -1 kt-work serve <"$T/ops"
	some '.type == "op-error" and .errno == "EINVAL"
		and .message == "worker 1: set affinity: Invalid argument"' <<<"$output"
	some '.type == "ack" and .effective.count == 2' <<<"$output"
}

@test "without the privilege a FIFO worker is an error, not a normal worker" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	# bats keeps its own directories from others
	local dir
	dir=$(mktemp -d)
	cp "$(command -v kt-work)" "$dir/"
	chmod 755 "$dir" "$dir/kt-work"
	# and under nice(1) nobody may not even go back to nice 0
	run nice -n "-$(nice)" setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$dir/kt-work" run --policy fifo:1 -d 0.1
	rm -r "$dir"
	[ "$status" -eq 1 ]
	[[ $output == *"worker 0: set policy 'fifo:1': Operation not permitted"* ]]
	[[ $output == *'"monitor":"normal"'* ]]
}

@test "input that is no JSON ends it, with its line number" {
	run -1 --separate-stderr kt-work serve <<<$'\n{"type":'
	[[ $stderr == "kt-work: stdin:2:"* ]]
	jq -e -s '.[-1] | .type == "end" and .outcome == "error"' <<<"$output"
	run -1 --separate-stderr kt-work serve <<<'{"type":"op","type":"op"}'
	[[ $stderr == *duplicate* ]]
}

@test "no input is a whole stream" {
	run -0 --separate-stderr kt-work serve </dev/null
	[ -z "$stderr" ]
	[ "$(jq -r .type <<<"$output" | xargs)" = "meta end" ]
}

@test "the affinity of a running group is changed, and read back" {
	local last
	last=$(kt-topo | jq -s '[.[] | select(.type == "cpu" and .online) | .cpu] | max')
	{
		spawn '"count":2,"work":{"type":"CpuSpin"},"affinity":"0"'
		op start '"groups":["g"]'
		op affinity "\"group\":\"g\",\"cpus\":[\"0\",\"$last\"]"
		op stop '"groups":["g"]'
	} | kt-work serve >"$T/out"
	some ".op == \"work.affinity\" and .effective.cpus == [\"0\", \"$last\"]" <"$T/out"
	some ".type == \"report\" and .worker == 1 and .cpus_allowed == \"$last\"" <"$T/out"
}

@test "offsets delay the first load" {
	kt-work run -c 2 --offsets 0,400ms -d 0.6 >"$T/out"
	jq -e -s 'map(select(.type == "report")) | .[1].start_ns - .[0].start_ns == 400000000
		and .[1].wall_ns < 0.5 * .[0].wall_ns and .[1].cpu_time[0][2] >= .[1].start_ns' "$T/out"
}

@test "one seed gives the same draws, another gives others" {
	a=$(kt-work run --affinity random -c 16 --seed 5 -d 0.01 | jq -c 'select(.op == "work.spawn") | .affinity')
	b=$(kt-work run --affinity random -c 16 --seed 5 -d 0.01 | jq -c 'select(.op == "work.spawn") | .affinity')
	c=$(kt-work run --affinity random -c 16 --seed 6 -d 0.01 | jq -c 'select(.op == "work.spawn") | .affinity')
	[ "$a" = "$b" ]
	[ "$(nproc)" -lt 2 ] || [ "$a" != "$c" ]
}

@test "run: what is wrong on the command line" {
	local args
	for args in "--count x" "--duration 5x" "--param x" "--nice 1.5" "--cpus 0 --affinity 0" "more" "--no-such" \
		"--type CpuSpin --type Mixed" "--param a=1 --param a=2" "--param type=Mixed"; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-work run $args
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
	run -2 --separate-stderr kt-work
	run -2 --separate-stderr kt-work types more
	run -2 --separate-stderr kt-work serve more
	run -1 --separate-stderr kt-work run --type Cpuspin
	[[ $stderr == *"did you mean 'CpuSpin'"* ]]
	run -1 --separate-stderr kt-work serve --cgroup-root "$T/none"
	[[ $stderr == "kt-work: open cgroup '$T/none': No such file or directory" ]]
}

@test "a full disk is noticed" {
	run -1 sh -c 'kt-work types >/dev/full'
	run -1 sh -c 'kt-work run -d 0.05 >/dev/full'
	run -1 sh -c 'kt-work serve </dev/null >/dev/full'
}

@test "a worker that is killed is told at once, and reported with what it did" {
	begin
	spawn '"count":3,"work":{"type":"CpuSpin"}' >&7
	op start '"groups":["g"]' >&7
	until_in_out '"op":"work.start"'
	pid=$(workers | awk -v s="$SERVER" '$1 != s { print $1 }' | sed -n 2p)
	kill -9 "$pid"
	until_in_out '"type":"work-died"'
	op stop '"groups":["g"]' >&7
	exec 7>&-
	wait "$SERVER"
	some ".type == \"work-died\" and .tid == $pid and .exit_signal == 9 and .exit_code == null" <"$T/out"
	some ".type == \"report\" and .tid == $pid and .exit_signal == 9 and .completed == false" <"$T/out"
	jq -e -s 'map(select(.type == "report" and .completed)) | length == 2' "$T/out"
	tests/schema/validate.py --mutate --need kt-work.work-died <"$T/out"
}

@test "a worker stopped by SIGSTOP has a gap as long as that" {
	begin
	spawn '"count":1,"work":{"type":"Bursty","burst_ms":5,"sleep_ms":5}' >&7
	op start '"groups":["g"]' >&7
	until_in_out '"op":"work.start"'
	pid=$(workers | awk -v s="$SERVER" '$1 != s { print $1 }')
	t0=$(awk '{ print $1 }' /proc/uptime)
	kill -STOP "$pid"
	timeout 0.7 tail -f /dev/null || true
	kill -CONT "$pid"
	t1=$(awk '{ print $1 }' /proc/uptime)
	op stop '"groups":["g"]' >&7
	exec 7>&-
	wait "$SERVER"
	all "(.gaps[0][1] / 1e9 - ($t1 - $t0)) | fabs < 0.1 + 0.05 * ($t1 - $t0)"
}

@test "nobody is left: after the end of the input, a signal, SIGKILL, a reader that goes away" {
	local how
	for how in eof TERM INT HUP KILL; do
		begin
		spawn '"count":4,"work":{"type":"ForkExit"}' >&7
		op spawn '"group":"h","cgroup":"","count":4,"work":{"type":"PipeIo"}' >&7
		op start '"groups":["g"]' >&7
		until_in_out '"op":"work.start"'
		[ "$(workers | wc -l)" -ge 9 ]
		[ "$how" = eof ] || kill -"$how" "$SERVER"
		exec 7>&-
		wait "$SERVER" || true
		# After KILL the kernel does it, a moment later.
		if [ "$how" = KILL ]; then gone; else [ -z "$(workers)" ]; fi
		[ "$how" = KILL ] || jq -e -s '.[-1].type == "end"' "$T/out"
		case $how in TERM | INT | HUP)
			jq -e -s ".[-1].signal == $(kill -l "$how")" "$T/out" ;;
		esac
		rm "$T/in" "$T/out"
	done
	begin_with_reader_that_leaves
	[ -z "$(workers)" ]
}

@test "run ends early at SIGINT, with its reports" {
	run timeout -s INT --foreground 1 kt-work run -c 2 -d 60
	[ "$status" -eq 124 ]
	jq -e -s 'map(select(.type == "report" and .completed)) | length == 2' <<<"$output"
	jq -e -s '.[-1] | .type == "end" and .signal == 2' <<<"$output"
}

@test "300 workers are spawned, run and are collected" {
	kt-work run -c 300 -d 0.5 >"$T/out"
	jq -e -s '.[-1] | .workers == 300 and .killed == 0 and .outcome == "ok"' "$T/out"
	[ "$(grep -c '^{"type":"report"' "$T/out")" -eq 300 ]
}
