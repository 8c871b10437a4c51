#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap on a live kernel with statistics on: what both sources say of work that is known, statistics
# switched on and off, threaded cgroups, a CPU that goes.
# shellcheck disable=SC2016	# $r and $k are jq's
dir=$(mktemp -d)
cg=/sys/fs/cgroup/kt-snap-$$
# shellcheck source=tests/vm/tap
. "${0%/*}/tap"
pids=

# begin COMMAND... - a helper that ends with its input; its first line becomes $line
begin() {
	rm -f "$dir/in" "$dir/out"
	mkfifo "$dir/in"
	: >"$dir/out"
	"$@" <"$dir/in" >"$dir/out" &
	pid=$!
	pids="$pids $pid"
	exec 8>"$dir/in"
	until [ "$(wc -l <"$dir/out")" -ge 1 ]; do
		kill -0 "$pid" || exit 1
		sleep 0.05
	done
	line=$(head -n 1 "$dir/out")
}

finish() {
	exec 8>&-
	wait "$pid"
}

# thread SOURCE PID JQ - of the threads of a process
thread() {
	kt-snap --source "$1" -p "$2" | jq -c "select(.type == \"thread\") | $3"
}

sched() { echo "$2" >"/proc/sys/kernel/$1"; }

sources='proc bpf'
check 'as root there is a BPF source' "$(kt-snap -p 1 | jq -c 'select(.type == "meta") | [.source, .why]')" '["bpf",null]'

# ---- statistics on ----

sched sched_schedstats 1
sched task_delayacct 1
begin knownwork "$dir/file"
tgid=$(echo "$line" | jq .tgid)
tid=$(echo "$line" | jq .tid)
for s in $sources; do
	thread "$s" "$tgid" "select(.tid == $tid)" >"$dir/rec"
	# true JQ - of the record and of what is known
	true_of() {
		jq -s --argjson k "$line" ".[0] as \$r | $1" "$dir/rec"
	}
	check "$s: each sleep is a wake-up" "$(true_of '$r.nr_wakeups - $k.switches | . >= 0 and . < 400')" true
	check "$s: switches are what getrusage says, and the last sleep" "$(true_of '$r.voluntary_csw - $k.nvcsw')" 1
	check "$s: local and remote wake-ups are all" "$(true_of '$r.nr_wakeups - $r.nr_wakeups_local - $r.nr_wakeups_remote')" 0
	check "$s: migrations" "$(true_of '$r.nr_migrations - $k.migrations | . >= 0 and . <= 20')" true
	check "$s: faults" "$(true_of '$r.minflt - $k.minflt | . >= 0 and . <= 4')" true
	check "$s: CPU time within 2 %" "$(true_of '($r.run_time_ns - $k.cpu_ns | fabs) < 0.02 * $k.cpu_ns')" true
	check "$s: times asleep, at least what was slept" "$(true_of '$r.sleep_sum_ns > $k.switches * 100000 and $r.sleep_max_ns <= $r.sleep_sum_ns and $r.sleep_max_ns > 0')" true
	check "$s: waits" "$(true_of '$r.wait_count > 0 and $r.wait_max_ns <= $r.wait_sum_ns')" true
	check "$s: wait_sum_ns and wait_time_ns are of one kind" \
		"$(true_of '($r.wait_sum_ns - $r.wait_time_ns | fabs) <= 0.2 * $r.wait_time_ns + 20e6')" true
	check "$s: bytes" "$(true_of '($r.wchar - $k.wchar | . >= 0 and . < 1000)')" true
	check "$s: delays are counted" "$(true_of '[$r | .blkio_delay_ns, .swapin_delay_count, .reclaim_delay_count] | all(type == "number")')" true
done
finish

begin mkthreads 200 4
list=$(echo "${line#ready }" | tr ' ' ,)
for s in $sources; do
	kt-snap --source "$s" -p "$list" --fields +numa | jq -c 'select(.type == "thread")' >"$dir/$s"
done
# Clock ticks on one side; the cookie and what a reader of another kind cannot know apart.
whole='map(.start_ns = (.start_ns / 1e7 | floor) | .utime_ns = (.utime_ns / 1e7 | floor) | .stime_ns = (.stime_ns / 1e7 | floor)) | sort_by(.tid)'
jq -cs "$whole | .[] | del(.core_cookie)" "$dir/proc" >"$dir/a"
jq -cs "$whole | .[] | del(.core_cookie)" "$dir/bpf" >"$dir/b"
check '200 idle threads, by both' "$(wc -l <"$dir/a") $(wc -l <"$dir/b")" '200 200'
check 'both sources say the same of them, member for member' "$(diff "$dir/a" "$dir/b" | head -n 4)" ''
check 'the kernel has no more to tell: what is null does not apply' \
	"$(jq -r 'to_entries[] | select(.value == null).key' "$dir/proc" | sort -u | grep -vxE 'dl_.*|rss_kb|core_cookie|uclamp_m.*|ext_enabled|numa_faults' | tr '\n' ' ')" ''
finish

# ---- statistics off ----

sched sched_schedstats 0
for s in $sources; do
	kt-snap --source "$s" -p $$ >"$dir/rec"
	check "$s: switched off they are null, for that reason" \
		"$(jq -c 'select(.type == "thread") | [.nr_wakeups, .wait_sum_ns, .nr_forced_migrations, (.nr_migrations | type), (.run_time_ns | type)]' "$dir/rec") $(
			jq -c 'select(.type == "end").missing.schedstats' "$dir/rec") $(jq -c 'select(.type == "meta").schedstats' "$dir/rec")" \
		'[null,null,null,"number","number"] {"off":1} false'
done
sched sched_schedstats 1
sched task_delayacct 0
for s in $sources; do
	check "$s: delay accounting off" "$(kt-snap --source "$s" -p $$ | jq -c 'select(.type == "end").missing.delayacct')" '{"off":1}'
done
sched task_delayacct 1

# ---- a series that sees it switched on ----

sched sched_schedstats 0
(
	sleep 1
	sched sched_schedstats 1
) &
kt-snap --source proc -n 8 -i 0.4 -p 1 | jq -c 'select(.type == "thread").nr_wakeups | type' | uniq >"$dir/types"
wait $!
check 'a series notices' "$(tr -d '"' <"$dir/types" | tr '\n' ' ')" 'null number '

# ---- cgroups ----

mkdir "$cg" "$cg/one" "$cg/two"
echo threaded >"$cg/one/cgroup.type" && echo threaded >"$cg/two/cgroup.type"
begin mkthreads 3
p=${line#ready }
echo "$p" >"$cg/cgroup.procs"
i=0
for t in /proc/"$p"/task/*; do
	i=$((i + 1))
	case $i in
	2) echo "${t##*/}" >"$cg/one/cgroup.threads" ;;
	3) echo "${t##*/}" >"$cg/two/cgroup.threads" ;;
	esac
done
for s in $sources; do
	check "$s: threads of a process in three cgroups" "$(thread "$s" "$p" .cgroup | tr -d '"' | sed "s|.*/kt-snap-$$|.|" | tr '\n' ' ')" '. ./one ./two '
	check "$s: a record for each of them" \
		"$(kt-snap --source "$s" --cgroup "/kt-snap-$$" | jq -c 'select(.type == "cgroup") | [.threads, .cpu_usage_ns >= 0]' | tr '\n' ' ')" '[1,true] [1,true] [1,true] '
done
finish

# ---- a CPU that goes ----

last=$(kt-topo | jq -r 'select(.type == "cpu").cpu' | tail -n 1)
if [ "$last" -gt 0 ] && [ -e "/sys/devices/system/cpu/cpu$last/online" ]; then
	begin mkthreads 2
	p=${line#ready }
	echo 0 >"/sys/devices/system/cpu/cpu$last/online"
	for s in $sources; do
		check "$s: CPUs that are offline are in no list" "$(thread "$s" "$p" .cpu_affinity | sort -u)" "\"$(cat /sys/devices/system/cpu/online)\""
	done
	echo 1 >"/sys/devices/system/cpu/cpu$last/online"
	finish
else
	skip 'proc: CPUs that are offline are in no list' 'no CPU can be taken offline'
	skip 'bpf: CPUs that are offline are in no list' 'no CPU can be taken offline'
fi

# ---- a storm ----

begin storm 500
for s in $sources; do
	kt-snap --source "$s" -n 5 -i 0.1 >"$dir/rec"
	check "$s: a storm, and the sums are right" "$(jq -cs 'map(select(.type == "snapshot-end" or .type == "end")) | [length, all(.threads_seen == .records + .vanished + (.errors | add // 0) and .errors == {})]' "$dir/rec")" '[6,true]'
	check "$s: no half record" "$(jq -c 'select(.type == "thread" and (.run_time_ns == null or .voluntary_csw == null or .rchar == null or .nr_wakeups == null or .cgroup == null))' "$dir/rec" | head -n 1)" ''
done
finish

rmdir "$cg/one" "$cg/two" "$cg" && rm -r "$dir"
echo "1..$n"
