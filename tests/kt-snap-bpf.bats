#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The bpf source of kt-snap: that it says what /proc says, what it needs, and what becomes of kt-snap
# where it does not work. tests/vm/kt-snap-bpf.sh is the same for a kernel with all kinds of statistics.
load lib.bash

setup() {
	export KTSTR_CACHE_DIR=$BATS_TEST_TMPDIR/cache
	kids=()
}

teardown() {
	[ -z "${hold-}" ] || exec {hold}>&- # mkthreads ends with its input
	local pid
	for pid in "${kids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# needs_bpf - skip where programs cannot be loaded; what is said then is tested below
needs_bpf() {
	local why
	why=$(kt-snap --source bpf -p $$ --fields tid 2>&1 >/dev/null) || skip "$why"
}

# await COMMAND... - until it succeeds, for at most 20 s
await() {
	local i
	for ((i = 0; i < 2000; i++)); do
		! "$@" 2>/dev/null || return 0
		sleep 0.01
	done
	echo "it did not come: $*"
	return 1
}

# asleep - all threads of $pids
asleep() {
	local pid
	for pid in ${pids//,/ }; do
		kill -0 "$pid" || return 1
		! grep -q '^State:.[^S]' "/proc/$pid/task"/*/status || return 1
	done
}

# threads COUNT [PROCESSES] - start so many, and wait until all do nothing; $pids are the processes, with commas
# between
threads() {
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	"$KTSTR_BUILD/helpers/mkthreads" "$@" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" &
	kids+=($!)
	exec {hold}>"$BATS_TEST_TMPDIR/in"
	local word
	read -r word pids <"$BATS_TEST_TMPDIR/out"
	[ "$word" = ready ]
	pids=${pids// /,}
	await asleep
}

# agree ARGUMENT... - both sources say the same of threads that do nothing
agree() {
	kt-snap --source bpf "$@" >"$BATS_TEST_TMPDIR/bpf"
	kt-snap --source proc "$@" >"$BATS_TEST_TMPDIR/proc"
	head -n 1 "$BATS_TEST_TMPDIR/bpf" | jq -e '.source == "bpf" and .why == null' >/dev/null
	[ "$(jq -s '[.[] | select(.type == "thread")] | length' "$BATS_TEST_TMPDIR/bpf")" -ge 1 ]
	diff -u /dev/null <(jq -rs -f tests/vm/kt-snap-agree.jq --slurpfile other "$BATS_TEST_TMPDIR/proc" \
		"$BATS_TEST_TMPDIR/bpf")
}

# member NAME - its values in the records of the bpf source
member() {
	jq -c "select(.type == \"thread\") | .$1" "$BATS_TEST_TMPDIR/bpf"
}

@test "both sources say the same of idle threads, member by member" {
	needs_bpf
	threads 200 4
	agree -p "$pids" --fields +numa
	[ "$(member tid | wc -l)" -eq 200 ]
}

@test "both sources say the same of threads that have done all sorts of things, and are stopped" {
	needs_bpf
	local pid list
	local base
	base=$(nice)
	nice -n 2 bash -c 'i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); [ $((i % 100)) -ne 0 ] || : >/dev/null; done
		kill -STOP $$' &
	kids+=($!)
	chrt -b 0 bash -c 'for i in 1 2 3 4 5 6 7 8; do /bin/true; done; cat /proc/self/smaps >/dev/null; kill -STOP $$' &
	kids+=($!)
	chrt -f 7 taskset -c 0 bash -c 'printf %s "a\"b$(printf "\303\050\n")" >/proc/$$/comm; echo 500 >/proc/$$/oom_score_adj; kill -STOP $$' &
	kids+=($!)
	for pid in "${kids[@]}"; do
		await grep -q '^State:.*T' "/proc/$pid/status"
	done
	list=$(IFS=,; echo "${kids[*]}")
	agree -p "$list" --fields +numa
	member state | sort -u | diff -u - <(echo '"T"')
	diff -u <(member '|[.policy,.nice,.rt_priority]' | sort) - <<-EOF
		["SCHED_BATCH",$base,0]
		["SCHED_FIFO",$base,7]
		["SCHED_OTHER",$((base + 2)),0]
	EOF
	member '|select(.rt_priority == 7)|[.comm,.cpu_affinity,.oom_score_adj]' | diff -u - <(echo '["a\"b�(","0",500]')
	# the first has worked: its time is split as /proc splits it
	member '|select(.policy == "SCHED_OTHER")' | jq -e '.utime_ns + .stime_ns == .run_time_ns and .utime_ns > 20000000'
}

@test "a thread under SCHED_DEADLINE has its parameters, the others have none" {
	needs_bpf
	chrt -d --sched-runtime 1000000 --sched-deadline 5000000 --sched-period 10000000 0 sleep 600 &
	kids+=($!)
	await grep -qx sleep "/proc/$!/comm" || skip "SCHED_DEADLINE is refused here"
	agree -p "${kids[0]}"
	member '|[.policy,.dl_runtime_ns,.dl_deadline_ns,.dl_period_ns]' |
		diff -u - <(echo '["SCHED_DEADLINE",1000000,5000000,10000000]')
	[ "$(kt-snap --source bpf -p $$ | jq 'select(.type == "thread") | .dl_runtime_ns')" = null ]
}

@test "a zombie is told as /proc tells it" {
	needs_bpf
	# it ends when its parent has become a program that does not wait for it
	bash -c 'bash -c "until grep -qx sleep /proc/\$PPID/comm; do :; done" & echo $! >"$0"; exec sleep 600' \
		"$BATS_TEST_TMPDIR/zombie" &
	kids+=($!)
	await test -s "$BATS_TEST_TMPDIR/zombie"
	await grep -q '^State:.*Z' "/proc/$(cat "$BATS_TEST_TMPDIR/zombie")/status"
	agree -p "$(cat "$BATS_TEST_TMPDIR/zombie")"
	member '|[.state,.rss_kb]' | diff -u - <(echo '["Z",0]')
}

@test "--pid takes a process, a single thread of one, several, and counts one that is not there as vanished" {
	needs_bpf
	threads 6 2
	local one=${pids%,*} other=${pids#*,} tid
	agree -p "$one"
	[ "$(member tgid | sort -u)" = "$one" ] && [ "$(member tid | wc -l)" -eq 3 ]
	tid=$(member tid | grep -vx "$one" | tail -n 1)
	agree -p "$tid"
	[ "$(member tid)" = "$tid" ]
	agree -p "$tid,$other"
	[ "$(member tid | wc -l)" -eq 4 ]
	kt-snap --source bpf -p "$tid,4194303" >"$BATS_TEST_TMPDIR/bpf"
	jq -ce 'select(.type == "end") | [.threads_seen, .records, .vanished, .errors]' "$BATS_TEST_TMPDIR/bpf" |
		diff -u - <(echo '[2,1,1,{}]')
	kt-snap --source bpf -p 4194303 | jq -ce 'select(.type == "end") | [.threads_seen, .vanished]' | diff -u - <(echo '[1,1]')
}

@test "in a namespace of pids it sees the processes there, by their numbers there" {
	needs_bpf
	unshare --pid --fork --mount-proc bash -c '
		sleep 600 & p=$!
		until [ "$(cat /proc/$p/comm)" = sleep ]; do :; done
		kt-snap --source bpf >"$1/bpf" && kt-snap --source proc -p $p >"$1/proc" &&
		kt-snap --source bpf -p $p >"$1/sleep"' - "$BATS_TEST_TMPDIR"
	jq -r 'select(.type == "thread") | [.tid, .tgid, .comm] | @tsv' "$BATS_TEST_TMPDIR/bpf" >"$BATS_TEST_TMPDIR/list"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/list")" = $'1\t1\tbash' ]
	grep -qx $'[0-9]*\t[0-9]*\tsleep' "$BATS_TEST_TMPDIR/list"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/list")" -le 3 ]
	diff -u /dev/null <(jq -rs -f tests/vm/kt-snap-agree.jq --slurpfile other "$BATS_TEST_TMPDIR/proc" \
		"$BATS_TEST_TMPDIR/sleep")
}

@test "in a namespace of time, threads start when /proc there says" {
	needs_bpf
	unshare -T --boottime 100000 true || skip "no time namespaces here"
	local now there
	now=$(kt-snap --source bpf -p $$ | jq 'select(.type == "thread") | .start_ns')
	there=$(unshare -T --boottime 100000 kt-snap --source bpf -p $$ | jq 'select(.type == "thread") | .start_ns')
	[ "$there" -eq $((now + 100000000000000)) ]
}

@test "threads that come and go do not spoil a snapshot" {
	needs_bpf
	local i
	for i in 1 2; do
		bash -c 'while :; do /bin/true & wait; done' &
		kids+=($!)
	done
	kt-snap --source bpf -n 20 -i 0.05 >"$BATS_TEST_TMPDIR/bpf"
	jq -es '[.[] | select(.type == "snapshot-end")] | length == 20 and
		all(.[]; .errors == {} and .threads_seen == .records + .vanished)' "$BATS_TEST_TMPDIR/bpf"
	# each is one thread's, and whole
	jq -es '[.[] | select(.type == "thread")] | length > 100 and all(.[]; .tid > 0 and .tgid > 0 and .start_ns > 0
		and .run_time_ns != null and .voluntary_csw != null and .comm != null and .pcomm != null)' "$BATS_TEST_TMPDIR/bpf"
	jq -es '[foreach .[] as $r ({}; if $r.type == "snapshot" then {n: $r.n, t: {}} elif $r.type == "thread"
			then (.t["\($r.tid)"] += 1) else . end; select($r.type == "snapshot-end") | [.t[]] | max)] | max == 1' \
		"$BATS_TEST_TMPDIR/bpf"
}

@test "counters never go back from one snapshot to the next" {
	needs_bpf
	threads 50 5
	kt-snap --source bpf -n 5 -i 0.02 >"$BATS_TEST_TMPDIR/bpf"
	jq -es '[.[] | select(.type == "thread")] | group_by([.tgid, .tid, .start_ns]) | all(.[];
		[range(1; length) as $i | .[$i].run_time_ns >= .[$i - 1].run_time_ns and .[$i].minflt >= .[$i - 1].minflt
			and .[$i].voluntary_csw >= .[$i - 1].voluntary_csw] | all)' "$BATS_TEST_TMPDIR/bpf"
}

@test "without the privileges --source bpf says which are missing, and auto goes to /proc and says so" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to give up rights"
	run -1 --separate-stderr setpriv --bounding-set=-bpf,-perfmon,-sys_admin kt-snap --source bpf
	[ -z "$output" ] && [ "$stderr" = "kt-snap: no BPF: CAP_BPF and CAP_PERFMON are missing" ]
	run -1 --separate-stderr setpriv --bounding-set=-perfmon,-sys_admin kt-snap --source bpf
	[ "$stderr" = "kt-snap: no BPF: CAP_PERFMON is missing" ]
	setpriv --reuid 65534 --regid 65534 --clear-groups kt-snap -p $$ >"$BATS_TEST_TMPDIR/auto"
	head -n 1 "$BATS_TEST_TMPDIR/auto" |
		jq -e '.source == "proc" and .why == "CAP_BPF and CAP_PERFMON are missing"'
}

@test "root of a user namespace has the privileges there, but not for BPF: auto goes to /proc and says why" {
	unshare -Ur true || skip "no user namespaces here"
	unshare -Ur kt-snap -p $$ >"$BATS_TEST_TMPDIR/auto"
	head -n 1 "$BATS_TEST_TMPDIR/auto" | jq -e '.source == "proc" and .why == "bpf(2): Operation not permitted"'
	run -1 --separate-stderr unshare -Ur kt-snap --source bpf -p $$
	[ -z "$output" ]
	[ "$stderr" = "kt-snap: no BPF: bpf(2): Operation not permitted" ]
}
