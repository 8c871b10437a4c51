#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-reserve: plans on captured machines; locks, affinity and commands on this one.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_LOCK_DIR=$T/locks
	mkdir "$T/locks"
	unset KTSTR_CPU_CAP KTSTR_BYPASS_LLC_LOCKS KTSTR_CPUS KTSTR_JOBS
	pids=()
}

teardown() {
	local p
	for p in "${pids[@]}"; do
		kill -9 -- "-$p" 2>/dev/null || kill -9 "$p" 2>/dev/null || :
	done
	wait
}

# background COMMAND... - in a process group of its own until the test ends; PID is its pid
background() {
	: >"$T/out.${#pids[@]}"
	setsid "$@" </dev/null >"$T/out.${#pids[@]}" 2>&1 3>&- &
	PID=$!
	pids+=("$PID")
}

# until_true COMMAND... - for at most 20 s
until_true() {
	local i
	for ((i = 0; i < 2000; i++)); do
		"$@" && return
		read -rt 0.01 <> <(:) || :
	done
	echo "not true in time: $*"
	return 1
}

# held NAME - does somebody hold that lock?
held() {
	kt-locks --held | grep -q "/$1.lock\","
}

# plan ROOT [OPTION...] - "LLCS:CPUS" of the plan
plan() {
	local root=$1
	shift
	run --separate-stderr kt-reserve --plan-only --root "$root" "$@"
	PLAN=$(jq -r 'select(.type == "reservation") | "\(.llcs):\(.cpus)"' <<<"$output")
}

reservation() {
	jq -c 'select(.type == "reservation")' <<<"$output"
}

# big DIR - 2 nodes, 8 LLCs of 4 cores with 2 threads
big() {
	[ -d "$T/big" ] || tests/mkfixture spec "$T/big" 2n8l4c2t
}

@test "without a cap 30 % of the allowed CPUs are planned, rounded up" {
	big
	plan "$T/big"	# 64 CPUs
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$PLAN" = 0-2:0-19 ]
	[ "$(reservation | jq -c '[.jobs, .allowed, .partial_llc, .mems, .how, .mode, .mono_ns]')" = '[20,64,2,"0","none","shared",null]' ]
	plan tests/fixtures/minimal
	[ "$(reservation | jq .jobs)" -eq 1 ]
}

@test "a cap is met exactly, LLC by LLC, and another node is told" {
	big
	plan "$T/big" --cpu-cap 8
	[ "$PLAN" = 0:0-7 ]
	plan "$T/big" --cpu-cap 33
	[ "$PLAN" = 0-4:0-32 ]
	[ "$stderr" = "kt-reserve: the CPUs are on 2 nodes: LLCs 0 (node 0), 1 (node 0), 2 (node 0), 3 (node 0), 4 (node 1)" ]
	[ "$(reservation | jq -r .mems)" = 0-1 ]
	plan "$T/big" --cpu-cap 33 -q
	[ -z "$stderr" ]
	KTSTR_CPU_CAP=5 plan "$T/big"
	[ "$PLAN" = 0:0-4 ]
	KTSTR_CPU_CAP=5 plan "$T/big" --cpu-cap 6
	[ "$PLAN" = 0:0-5 ]
	KTSTR_CPU_CAP='' plan "$T/big"
	[ "$(reservation | jq .jobs)" -eq 20 ]
}

@test "a core is taken with all its threads, also where second threads are numbered last" {
	tests/mkfixture spec "$T/last" 1n2l4c2t last	# CPU 8 is the sibling of CPU 0
	plan "$T/last" --cpu-cap 2
	[ "$PLAN" = 0:0,8 ]
	plan "$T/last" --cpu-cap 3
	[ "$PLAN" = 0:0-1,8 ]
	plan "$T/last" --cpu-cap 9
	[ "$PLAN" = 0-1:0-4,8-11 ]
}

@test "odd machines: offline CPUs, sparse numbers, an LLC over two nodes, memory-only nodes, a limit" {
	plan tests/fixtures/offline --cpu-cap 4
	[ "$PLAN" = 0:0,2-3,5 ]
	plan tests/fixtures/offline --cpu-cap 5
	[ "$status" -eq 77 ]
	plan tests/fixtures/llc-two-nodes --cpu-cap 4
	[ "$PLAN" = 0:0-3 ]
	[ "$(reservation | jq -r .mems)" = 0-1 ]
	local all
	for m in sparse-ids memory-only-node hybrid smt4 no-numa no-cache; do
		all=$(kt-topo --root tests/fixtures/$m | jq 'select(.type == "cpu" and .online) | .cpu' | wc -l)
		plan tests/fixtures/$m --cpu-cap "$all"
		[ "$(reservation | jq .jobs)" = "$all" ]
		plan tests/fixtures/$m --cpu-cap 1
		[ "$(reservation | jq .jobs)" = 1 ]
	done
	plan tests/fixtures/four-sets --cpu-cap 4	# 8 present, 7 online, 6 in the cgroup, 4 by affinity
	[ "$PLAN" = 0:0-3 ]
	plan tests/fixtures/four-sets --cpu-cap 5
	[ "$status" -eq 77 ]
	[[ $stderr == *"5 CPUs are wanted, and this process may use only 4 (by its affinity and cgroup"* ]]
	[[ $stderr == *"ask for fewer, lift the limit of taskset or the cgroup, or drop the cap" ]]
	[ "$(jq -r 'select(.type == "end") | .outcome' <<<"$output")" = skip ]
}

@test "nodes are taken by their distance from the first one, unreachable ones last" {
	tests/mkfixture spec "$T/ring" 4n4l4c1t
	local n=$T/ring/sys/devices/system/node
	echo 10 40 20 255 >"$n/node0/distance"
	echo 40 10 30 20 >"$n/node1/distance"
	echo 20 30 10 15 >"$n/node2/distance"
	echo 255 20 15 10 >"$n/node3/distance"
	plan "$T/ring" --cpu-cap 6
	[ "$PLAN" = 0,2:0-3,8-9 ]
	plan "$T/ring" --cpu-cap 13
	[ "$PLAN" = 0-3:0-12 ]
	background flock -o -s "$KTSTR_LOCK_DIR/ktstr-llc-3.lock" sleep 60
	until_true held ktstr-llc-3
	plan "$T/ring" --cpu-cap 9	# the anchor is node 3 now
	[ "$PLAN" = 1-3:4,8-15 ]
}

@test "an LLC with reservations comes first, of its CPUs the free ones; an exclusive one is left alone" {
	big
	background flock -o -s "$KTSTR_LOCK_DIR/ktstr-llc-5.lock" sleep 60
	background flock -o "$KTSTR_LOCK_DIR/ktstr-cpu-40.lock" sleep 60
	background flock -o "$KTSTR_LOCK_DIR/ktstr-cpu-41.lock" sleep 60
	background flock -o "$KTSTR_LOCK_DIR/ktstr-llc-0.lock" sleep 60
	until_true held ktstr-llc-5
	until_true held ktstr-cpu-40
	until_true held ktstr-cpu-41
	until_true held ktstr-llc-0
	plan "$T/big" --cpu-cap 4
	[ "$PLAN" = 5:42-45 ]
	plan "$T/big" --cpu-cap 8	# the cut is in the LLC that is taken last, not in the highest one
	[ "$PLAN" = 4-5:32-33,42-47 ]
	[ "$(reservation | jq .partial_llc)" -eq 4 ]
	plan "$T/big" --cpu-cap 54
	[ "$PLAN" = 1-7:8-39,42-63 ]
	plan "$T/big" --cpu-cap 55
	[ "$status" -eq 77 ]
	[[ $stderr == *"LLC 0 is held exclusively by pid "*"(flock "*"CPU 40 is held by pid "*"kt-locks shows all locks" ]]
	plan "$T/big" --cpu-cap 56 --share
	[ "$PLAN" = 1-7:8-63 ]
	[ "$(reservation | jq -r .shared_cpus)" = 40-41 ]
}

@test "exclusive LLCs: free ones, of one node where that can be" {
	big
	plan "$T/big" --exclusive
	[ "$PLAN" = 0:0-7 ]
	[ "$(reservation | jq -r .mode)" = exclusive ]
	background flock -o -s "$KTSTR_LOCK_DIR/ktstr-llc-1.lock" sleep 60
	background flock -o -s "$KTSTR_LOCK_DIR/ktstr-llc-3.lock" sleep 60
	until_true held ktstr-llc-1
	until_true held ktstr-llc-3
	plan "$T/big" --exclusive --llcs 3
	[ "$PLAN" = 4-6:32-55 ]
	plan "$T/big" --exclusive --llcs 7
	[ "$status" -eq 77 ]
	[[ $stderr == *"7 last-level caches cannot be had alone (1 try): LLC 1 is held by pid "*"; LLC 3 is held by pid "* ]]
	plan "$T/big" --exclusive --llcs 9
	[ "$status" -eq 125 ]
}

@test "with --root the locks of this machine mean nothing" {
	big
	unset KTSTR_LOCK_DIR
	plan "$T/big" --cpu-cap 64
	[ "$status" -eq 0 ]
}

@test "the command runs on the CPUs, knows them, and its status, streams and lines pass" {
	run -0 --separate-stderr kt-reserve -q --cpu-cap 1 -- sh -c 'echo "$KTSTR_CPUS $KTSTR_JOBS ${KTSTR_CPU_CAP-unset}"; taskset -cp $$ | sed "s/.*: //"'
	read -r cpus jobs cap <<<"${lines[0]}"
	[ "$jobs" = 1 ] && [ "$cap" = unset ] && [ "${lines[1]}" = "$cpus" ]
	KTSTR_CPU_CAP=1 run -0 --separate-stderr kt-reserve -q sh -c 'echo "${KTSTR_CPU_CAP-unset}"'
	[ "$output" = unset ]
	run -7 kt-reserve -q sh -c 'exit 7'
	run -143 kt-reserve -q sh -c 'kill -TERM $$'
	run -127 kt-reserve -q no-such-command
	[ "$output" = "kt-reserve: 'no-such-command': No such file or directory" ]
	run -126 kt-reserve -q /etc/passwd
	run -0 sh -c 'printf "a\nb" | kt-reserve -q cat | od -c | head -1'
	[ "$output" = "$(printf 'a\nb' | od -c | head -1)" ]
	run -0 kt-reserve -q -- sh -c 'readlink /proc/$$/fd/*; :'
	[[ -n $output && $output != *"$KTSTR_LOCK_DIR"* ]]
	run -0 sh -c 'kt-reserve -q true <&- >&- 2>&-'
}

@test "records: the command's lines that are none become text; the stream fits its schemas" {
	set -o pipefail
	kt-reserve -q --records --cpu-cap 1 -- sh -c 'echo hi; echo "{\"type\":\"meta\",\"tool\":\"kt-host\"}" >/dev/null; exit 3' >"$T/out" && false
	[ "$(jq -r 'select(.type == "text") | .text' "$T/out")" = hi ]
	[ "$(jq -r 'select(.type == "end") | "\(.outcome) \(.status)"' "$T/out")" = 'fail 3' ]
	tests/schema/validate.py --mutate --need kt-reserve.meta,kt-reserve.reservation,kt-reserve.text,kt-reserve.end <"$T/out"
	kt-reserve -q --plan-only --cpu-cap 1 | tests/schema/validate.py --mutate
	run -0 --separate-stderr kt-reserve -q --records -- sh -c 'kt-topo; printf "{\"type\":"'
	tests/schema/validate.py < <(printf '%s\n' "${lines[@]}")
	[ "$(jq -rs 'map(select(.type == "text"))[0].text' <<<"$output")" = '{"type":' ]
}

@test "two reservations have no CPU in common; a third that does not fit is told who has them" {
	n=$(nproc)
	[ "$n" -ge 2 ] || skip "this machine has one CPU"
	background kt-reserve -q --cpu-cap 1 sh -c 'echo "$KTSTR_CPUS"; exec sleep 60'
	first=$PID
	until_true test -s "$T/out.0"
	run -0 kt-reserve -q --cpu-cap $((n - 1)) sh -c 'echo "$KTSTR_CPUS"'
	a=$(cat "$T/out.0")
	kt-topo cpuset "cpus:$output" >/dev/null
	run -1 grep -qwF "$a" < <(kt-topo cpuset "cpus:$output" | tr , '\n' | while IFS=- read -r x y; do seq "$x" "${y:-$x}"; done)
	run -77 --separate-stderr kt-reserve --cpu-cap "$n" true
	[[ $stderr == "kt-reserve: $n CPUs cannot be had (1 try): CPU $a is held by pid $first (kt-reserve "* ]]
	run -77 --separate-stderr kt-reserve --records --cpu-cap "$n" true
	[ "$(jq -r 'select(.type == "end") | "\(.outcome) \(.status)"' <<<"$output")" = 'skip 77' ]
	run -0 --separate-stderr kt-reserve -q --share --records --cpu-cap "$n" true
	[ "$(reservation | jq -r .shared_cpus)" = "$a" ]
}

@test "an exclusive LLC and a shared one exclude each other, in both orders" {
	background kt-reserve -q --exclusive sh -c 'echo up; exec sleep 60'
	first=$PID
	until_true test -s "$T/out.0"
	llcs=$(kt-topo | jq -r 'select(.type == "topology") | .n_llcs')
	[ "$llcs" = 1 ] || skip "this machine has $llcs LLCs, all but one are free"
	run -77 --separate-stderr kt-reserve --cpu-cap 1 true
	[[ $stderr == *"LLC 0 is held exclusively by pid $first ("* ]]
	run -77 kt-reserve --exclusive true
	kill -TERM "$first"
	wait "$first" || [ $? -eq 143 ]
	background kt-reserve -q --cpu-cap 1 sh -c 'echo up; exec sleep 60'
	until_true test -s "$T/out.1"
	run -77 --separate-stderr kt-reserve --exclusive true
	[[ $stderr == *"1 last-level cache cannot be had alone (1 try): LLC 0 is held by pid $PID ("* ]]
}

@test "SIGKILL of kt-reserve takes the command with it and frees the locks" {
	background kt-reserve -q --cpu-cap 1 sh -c 'echo $$; exec sleep 60'
	until_true test -s "$T/out.0"
	cmd=$(cat "$T/out.0")
	kill -9 "$PID"
	until_true eval '! kill -0 $cmd 2>/dev/null'
	run -0 kt-reserve -q --cpu-cap "$(nproc)" true
}

@test "a daemon that the command leaves behind keeps no lock" {
	run -0 kt-reserve -q --cpu-cap 1 sh -c 'sleep 60 >/dev/null 2>&1 3>&- & echo $!'
	pids+=("$output")
	kill -0 "$output"
	run -0 kt-reserve -q --cpu-cap "$(nproc)" true
}

@test "--wait ends well when the holder ends, and with 77 when it does not" {
	background kt-reserve -q --cpu-cap 1 sh -c 'echo up; read -r x <"$1"' sh "$T/fifo"
	mkfifo "$T/fifo"
	until_true test -s "$T/out.0"
	run -77 --separate-stderr kt-reserve --wait 300ms --cpu-cap "$(nproc)" true
	[[ $stderr == *"waiting for $(nproc) CPU"* ]]
	background kt-reserve --wait 20s --records --cpu-cap "$(nproc)" true
	until_true grep -q waiting "$T/out.1"
	echo >"$T/fifo"
	wait "$PID"
	[ "$(sed -n /reservation/p "$T/out.1" | jq '.waited_ns > 0 and .tries > 1')" = true ]
}

@test "a signal ends the wait at once; one that is sent while the command runs is passed on" {
	background kt-reserve -q --exclusive sh -c 'trap "echo got; exit 9" USR1; echo up; while :; do sleep 0.1; done'
	first=$PID
	until_true grep -q up "$T/out.0"
	background kt-reserve --wait 1h --exclusive --llcs 1 true
	until_true grep -q waiting "$T/out.1" || skip "this machine has several LLCs"
	kill -TERM "$PID"
	rc=0
	wait "$PID" || rc=$?
	[ "$rc" -eq 143 ]
	kill -USR1 "$first"
	rc=0
	wait "$first" || rc=$?
	[ "$rc" -eq 9 ]
	grep -q got "$T/out.0"
}

@test "within a reservation another one plans inside of it and does not wait for it" {
	n=$(nproc)
	run -0 --separate-stderr timeout 20 kt-reserve -q --cpu-cap "$n" -- kt-reserve -q --records --cpu-cap 1 true
	[ "$(reservation | jq -c '[.nested, .jobs, .allowed]')" = "[true,1,$n]" ]
	run -77 --separate-stderr kt-reserve -q --cpu-cap 1 -- kt-reserve -q --cpu-cap 2 true
	[ "$stderr" = "kt-reserve: 2 CPUs are wanted, and the reservation that this runs in has only 1" ]
	# what it says of itself is believed only if somebody above holds the locks
	KTSTR_CPUS=0 run -0 --separate-stderr kt-reserve -q --records --cpu-cap 1 true
	[ "$(reservation | jq .nested)" = false ]
}

@test "wrong caps and combinations are errors of kt-reserve's own, and say what is wrong" {
	local try
	run -125 --separate-stderr kt-reserve --cpu-cap 0 true
	[[ $stderr == *"--cpu-cap 0: the least is one CPU"* ]]
	for try in x 1x ' 1' -1 1.5 99999999999999999999; do
		run -125 --separate-stderr kt-reserve --cpu-cap "$try" true
		[[ $stderr == *"--cpu-cap '$try': a number of CPUs is wanted"* ]]
		KTSTR_CPU_CAP=$try run -125 --separate-stderr kt-reserve true
		[[ $stderr == *"KTSTR_CPU_CAP '$try': a number of CPUs is wanted"* ]]
	done
	KTSTR_CPU_CAP=0 run -125 --separate-stderr kt-reserve true
	[[ $stderr == *"KTSTR_CPU_CAP 0: the least is one CPU"* ]]
	for try in '--cpu-cap 1 --exclusive' '--exclusive --share' '--llcs 2' '--exclusive --llcs 0' '--root / true' \
		'--plan-only true' '--wait x true' '--nonsense true' ''; do
		# shellcheck disable=SC2086	# words
		run -125 --separate-stderr kt-reserve $try
		[ -z "$output" ] && [ -n "$stderr" ]
	done
}

@test "KTSTR_BYPASS_LLC_LOCKS reserves nothing, and conflicts with a cap" {
	export KTSTR_BYPASS_LLC_LOCKS=1
	background flock -o "$KTSTR_LOCK_DIR/ktstr-llc-0.lock" sleep 60
	until_true held ktstr-llc-0
	run -0 --separate-stderr kt-reserve --records sh -c 'echo "$KTSTR_JOBS"'
	[ "$(jq -r 'select(.type == "text") | .text' <<<"$output")" = "$(nproc)" ]
	[ "$(reservation | jq -c '[.how, .mode, .llcs]')" = '["none",null,null]' ]
	run -125 --separate-stderr kt-reserve --cpu-cap 1 true
	[[ $stderr == *--cpu-cap*KTSTR_BYPASS_LLC_LOCKS*"resource contract"*"unset one"* ]]
	KTSTR_CPU_CAP=1 run -125 --separate-stderr kt-reserve true
	[[ $stderr == *KTSTR_CPU_CAP*KTSTR_BYPASS_LLC_LOCKS*"resource contract"* ]]
	run -125 --separate-stderr kt-reserve --exclusive true
	[[ $stderr == *"resource contract"* ]]
	KTSTR_BYPASS_LLC_LOCKS='' run -77 kt-reserve --cpu-cap "$(nproc)" true
}

@test "a link, a directory or a fifo in a lock file's place is refused; nothing is made behind the link" {
	local n
	for n in 'ln -s target' mkdir mkfifo; do
		$n "$KTSTR_LOCK_DIR/ktstr-llc-0.lock"
		run -125 --separate-stderr timeout 20 kt-reserve --cpu-cap "$(nproc)" true
		[[ $stderr == "kt-reserve: lock '$KTSTR_LOCK_DIR/ktstr-llc-0.lock': it is "* ]]
		rm -r "$KTSTR_LOCK_DIR/ktstr-llc-0.lock"
	done
	[ ! -e "$KTSTR_LOCK_DIR/target" ]
	KTSTR_LOCK_DIR=$T/nowhere run -125 --separate-stderr kt-reserve true
	[[ $stderr == *"lock '$T/nowhere': No such file or directory" ]]
}

@test "users share lock files, whoever has made them and with whatever umask" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to be somebody else"
	chmod 1777 "$KTSTR_LOCK_DIR"
	chmod 755 "$T" "${T%/*}" "${T%/*/*}" 2>/dev/null || :
	as() { # USER's
		setpriv --reuid nobody --regid nogroup --clear-groups "$(command -v kt-reserve)" "$@"
	}
	as --version >/dev/null || skip "nobody may not read the tools here"
	as --plan-only >/dev/null || skip "nobody may not get to the lock files here"
	(umask 077 && kt-reserve -q --cpu-cap "$(nproc)" true)	# made by root
	background sh -c 'umask 077; exec kt-reserve -q --cpu-cap "$(nproc)" sh -c "echo up; exec sleep 60"'
	until_true test -s "$T/out.0"
	run -77 --separate-stderr as --cpu-cap 1 true
	[[ $stderr == *"held by pid $PID "* ]]
	kill "$PID"
	wait "$PID" || [ $? -eq 143 ]
	run -0 as -q --cpu-cap "$(nproc)" true
	rm "$KTSTR_LOCK_DIR"/*
	run -0 as -q --cpu-cap "$(nproc)" true	# made by nobody
	run -0 kt-reserve -q --cpu-cap "$(nproc)" true
}

@test "a machine that does not say what CPUs it has is an error that names the place" {
	mkdir "$T/empty"
	run -125 --separate-stderr kt-reserve --plan-only --root "$T/empty" --cpu-cap 1
	[[ $stderr == *"'$T/empty/sys/devices/system/cpu' does not tell what CPUs there are"* ]]
	run -125 --separate-stderr kt-reserve --plan-only --root "$T/missing"
}

@test "a full disk and a reader that leaves early" {
	run -125 sh -c 'kt-reserve -q --plan-only --cpu-cap 1 >/dev/full'
	run -0 timeout 20 bash -c 'set -o pipefail; kt-reserve -q --records --cpu-cap 1 -- sh -c "yes" | head -n 3 >/dev/null; [ ${PIPESTATUS[0]} -eq 141 ]'
}

@test "kt-vm --cpu-cap: 77 when others have the CPUs, and nothing is booted; wrong caps are usage errors" {
	background kt-reserve -q --cpu-cap "$(nproc)" sh -c 'echo up; exec sleep 60'
	until_true test -s "$T/out.0"
	run -77 --separate-stderr kt-vm exec -n --cpu-cap 1 --kernel /nonexistent -- true
	[[ $stderr == *"held by pid $PID "* ]]
	KTSTR_CPU_CAP=1 run -77 kt-vm exec -n --kernel /nonexistent -- true
	run -125 --separate-stderr kt-vm exec -n --cpu-cap 0 -- true
	[[ $stderr == *"the least is one CPU"* ]]
	KTSTR_BYPASS_LLC_LOCKS=1 run -125 --separate-stderr kt-vm exec -n --cpu-cap 1 -- true
	[[ $stderr == *"resource contract"* ]]
	kill "$PID"
	wait "$PID" || [ $? -eq 143 ]
	run -125 --separate-stderr kt-vm exec -n --cpu-cap 1 --kernel /nonexistent -- true	# got so far
	[[ $stderr == *"kernel '/nonexistent'"* || $stderr == */nonexistent* ]]
}
