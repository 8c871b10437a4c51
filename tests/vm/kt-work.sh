#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-work inside a guest: cgroups, policies, what starves, what is stopped, what is killed.
# shellcheck disable=SC3043
n=0
root=/sys/fs/cgroup/kt-work-test
dir=$(mktemp -d)
mkfifo "$dir/in" "$dir/out"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; sed 's/^/# /' "$dir/log" | cut -c1-600 | tail -6; }
skip() { n=$((n + 1)); echo "ok $n - $1 # skip $2"; }
# check TEXT COMMAND... - one test
check() { local text="$1"; shift; if "$@"; then ok "$text"; else not_ok "$text"; fi; }
# in_log FILTER - some record since serve() fulfils it
in_log() { jq -e -s "map(select($1)) | length > 0" "$dir/log" >/dev/null; }

serve() {
	: >"$dir/log"
	kt-work serve --cgroup-root "$root" <"$dir/in" >"$dir/out" 2>"$dir/err" &
	server=$!
	exec 3>"$dir/in" 4<"$dir/out"
}
# op JSON - hand it over, keep all records up to its ack or error
op() {
	local line
	echo "$1" >&3
	while read -r line <&4; do
		printf '%s\n' "$line" >>"$dir/log"
		case $line in '{"type":"ack"'* | '{"type":"op-error"'*) return ;; esac
	done
}
spawn() { op "{\"type\":\"op\",\"seq\":1,\"at_ns\":0,\"op\":\"work.spawn\",\"group\":\"$1\",\"cgroup\":\"$2\",$3}"; }
start() { op "{\"type\":\"op\",\"seq\":1,\"at_ns\":0,\"op\":\"work.start\",\"groups\":[$1]}"; }
stop() { op "{\"type\":\"op\",\"seq\":1,\"at_ns\":0,\"op\":\"work.stop\",\"groups\":[$1]}"; }
finish() {
	local line
	exec 3>&-
	while read -r line <&4; do printf '%s\n' "$line" >>"$dir/log"; done
	exec 4<&-
	wait "$server"
}
pids() { cat "$root/$1/cgroup.procs"; }
now_ns() { sed 's/^\([0-9]*\)\.\([0-9]*\) .*/\1\20000000/' /proc/uptime; }
# nobody - no process of ours is left below the root
nobody() { [ -z "$(cat $root/a/cgroup.procs $root/b/cgroup.procs)" ]; }
# Every wait has an end: a test that hangs says less than one that fails.
until_true() {
	local i=0
	while ! "$@"; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		usleep 50000
	done
}

echo "+cpuset +cpu" >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p $root
echo "+cpuset +cpu" >$root/cgroup.subtree_control
mkdir -p $root/a $root/b
cpus=$(nproc)
last=$((cpus - 1))
if [ "$cpus" -lt 2 ]; then
	echo "1..0 # skip needs 2 CPUs"
	exit 0
fi

# --- placement ---
echo "$last" >$root/a/cpuset.cpus
serve
spawn g a '"count":2,"work":{"type":"CpuSpin"}'
check "before work.start the workers are in their cgroup" [ "$(pids a | wc -l)" = 2 ]
usage0=$(awk '/usage_usec/ { print $2 }' $root/a/cpu.stat)
usleep 300000
usage1=$(awk '/usage_usec/ { print $2 }' $root/a/cpu.stat)
check "and do nothing there" [ $((usage1 - usage0)) -lt 20000 ]
start '"g"'
usleep 500000
stop '"g"'
check "all CPU time is on the cpuset's CPU" in_log \
	".type == \"report\" and (.cpu_time | map(.[0]) == [$last]) and .cpu_ns > 50000000"
check "the report says the CPUs that were allowed" in_log \
	".type == \"report\" and .cpus_allowed == \"$last\""
spawn x a '"count":1,"work":{"type":"CpuSpin"},"affinity":"0"'
check "an affinity outside the cpuset is an op-error that names the worker" in_log \
	'.type == "op-error" and .errno == "EINVAL" and (.message | test("^worker 0: set affinity"))'
spawn x nowhere '"count":1,"work":{"type":"CpuSpin"}'
check "a cgroup that does not exist is an op-error" in_log \
	'.type == "op-error" and .errno == "ENOENT" and (.message | test("nowhere"))'
spawn x ../.. '"count":1,"work":{"type":"CpuSpin"}'
check "a cgroup outside the root is refused" in_log '.type == "op-error" and .errno == "EXDEV"'
check "and the group that could not be made is gone" nobody
finish
check "the stream ends with an error after op-errors" in_log '.type == "end" and .outcome == "error"'
echo "" >$root/a/cpuset.cpus

# --- policies ---
for p in batch:3 idle:5 fifo:1:1 rr:99:2; do
	name=${p%:*}
	num=${p##*:}
	serve
	spawn g a "\"count\":2,\"work\":{\"type\":\"CpuSpin\"},\"policy\":\"$name\""
	seen=$(for i in $(pids a); do sed -n 's/^policy *: *//p' /proc/"$i"/sched; done | sort -u)
	check "policy $name is applied before the ack" [ "$seen" = "$num" ]
	finish
done
if [ -d /sys/kernel/sched_ext ]; then
	serve
	spawn g a '"count":1,"work":{"type":"CpuSpin"},"policy":"ext"'
	check "policy ext is applied" [ "$(sed -n 's/^policy *: *//p' /proc/"$(pids a)"/sched)" = 7 ]
	finish
else
	skip "policy ext is applied" "no sched_ext"
fi
serve
spawn g a '"count":1,"work":{"type":"CpuSpin"},"nice":-11'
check "nice is applied" [ "$(awk '{ print $19 }' /proc/"$(pids a)"/stat)" = -11 ]
finish

# --- memory policy ---
if [ -d /sys/devices/system/node/node1 ]; then
	serve
	spawn g a '"count":1,"work":{"type":"CachePressure","size_kb":16384},"mem":{"mode":"bind","nodes":"1"}'
	start '"g"'
	usleep 200000
	stop '"g"'
	check "bound memory lies on its node" in_log \
		'.type == "report" and ([.numa_pages[] | select(.[0] == 1)][0][1] >= 4096)'
	spawn h a '"count":1,"work":{"type":"CpuSpin"},"mem":{"mode":"bind","nodes":"63"}'
	check "a node that does not exist is an op-error" in_log \
		'.type == "op-error" and (.message | test("memory policy"))'
	finish
else
	skip "bound memory lies on its node" "one node"
	skip "a node that does not exist is an op-error" "one node"
fi

# --- a FIFO hog starves a normal worker on its CPU ---
rt=$(cat /proc/sys/kernel/sched_rt_runtime_us)
fair=/sys/kernel/debug/sched/fair_server/cpu$last/runtime
[ -e "$fair" ] && fair_was=$(cat "$fair")
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
[ -e "$fair" ] && echo 0 >"$fair"
serve
spawn hog a "\"count\":1,\"work\":{\"type\":\"CpuSpin\"},\"policy\":\"fifo:1\",\"affinity\":\"$last\""
spawn victim b "\"count\":1,\"work\":{\"type\":\"CpuSpin\"},\"affinity\":\"$last\",\"offsets_ns\":[200000000]"
start '"hog","victim"'
usleep 1000000
stop '"hog","victim"'
[ -e "$fair" ] && echo "$fair_was" >"$fair"
echo "$rt" >/proc/sys/kernel/sched_rt_runtime_us
check "the starved worker has made no progress" in_log \
	'.type == "report" and .group == "victim" and .iterations == 0'
check "its gap is open and as long as the run" in_log \
	'.type == "report" and .group == "victim" and .gap_open_ns > 0.95 * .wall_ns
	and .gaps[0][1] == .gap_open_ns and .gaps[0][0] == .start_ns'
check "and it waited for the CPU all the time" in_log \
	'.type == "report" and .group == "victim" and .run_delay_ns > 0.9 * .wall_ns'
check "the hog has no open gap" in_log \
	'.type == "report" and .group == "hog" and .gap_open_ns == 0 and .iterations > 0'
finish

# --- SIGSTOP ---
# stopped SECONDS TYPE COUNT [PARAMETERS] - the gap of a worker that is stopped, against what we measure
stopped() {
	local pid t0 t1 secs="$1"
	shift
	serve
	spawn g a "\"count\":$2,\"work\":{\"type\":\"$1\"$3}"
	start '"g"'
	usleep 200000
	pid=$(pids a | head -1)
	t0=$(now_ns)
	kill -STOP "$pid"
	sleep "$secs"
	kill -CONT "$pid"
	t1=$(now_ns)
	usleep 100000
	stop '"g"'
	finish
	in_log ".type == \"report\" and .tid == $pid and (.gaps[0] as [\$at, \$len] |
		((\$len - ($t1 - $t0)) | fabs) < 100000000 + 0.05 * ($t1 - $t0) and
		((\$at - $t0) | fabs) < 150000000)"
}
check "3 s of SIGSTOP are a gap of 3 s: CpuSpin" stopped 3 CpuSpin 1
check "1 s of SIGSTOP is a gap of 1 s: Bursty" stopped 1 Bursty 1 ',"burst_ms":20,"sleep_ms":20'
check "1 s of SIGSTOP is a gap of 1 s: PipeIo" stopped 1 PipeIo 2
check "the partner of a stopped worker has no such gap" in_log \
	'.type == "report" and .worker == 1 and .gaps[0][1] < 500000000'
check "1 s of SIGSTOP is a gap of 1 s: FutexPingPong" stopped 1 FutexPingPong 2
check "1 s of SIGSTOP is a gap of 1 s: MutexContention" stopped 1 MutexContention 4
serve
spawn g a '"count":1,"work":{"type":"CpuSpin"}'
start '"g"'
usleep 300000
kill -STOP "$(pids a)"
sleep 1
stop '"g"'
finish
check "a worker that stays stopped has an open gap, and ends when it is told to" in_log \
	'.type == "report" and .gap_open_ns > 900000000 and .completed and .gaps[0][1] == .gap_open_ns'
serve
spawn g a '"count":1,"work":{"type":"CpuSpin"}'
start '"g"'
usleep 300000
echo 1 >$root/a/cgroup.freeze
usleep 500000
stop '"g"'
echo 0 >$root/a/cgroup.freeze
finish
check "a worker that cannot end is killed, and reported with what it did" in_log \
	'.type == "report" and .gap_open_ns > 400000000 and .completed == false and .exit_signal == 9
	and .iterations > 0 and .cpu_ns > 0 and .numa_pages == null and .wall_ns < 5000000000'
check "nobody is left of it" nobody

# --- deaths ---
serve
spawn g a '"count":3,"work":{"type":"CpuSpin"}'
start '"g"'
usleep 200000
victim=$(pids a | sed -n 2p)
kill -9 "$victim"
read -r line <&4
printf '%s\n' "$line" >>"$dir/log"
check "a killed worker is told at once" in_log \
	".type == \"work-died\" and .tid == $victim and .exit_signal == 9 and .worker == 1"
stop '"g"'
finish
check "and its report has what it had done" in_log \
	".type == \"report\" and .tid == $victim and .exit_signal == 9 and .completed == false
	and .iterations > 0 and .wall_ns < 2000000000"
check "the others completed" in_log '.type == "report" and .worker == 2 and .completed'

for t in CpuSpin ForkExit; do
	serve
	spawn g a "\"count\":4,\"work\":{\"type\":\"$t\"}"
	spawn h b '"count":2,"work":{"type":"PipeIo"}'
	start '"g","h"'
	usleep 300000
	kill -9 $server
	wait $server 2>/dev/null
	exec 3>&- 4<&-
	check "no worker outlives kt-work killed by SIGKILL: $t" until_true nobody
done

serve
spawn g a '"count":4,"work":{"type":"ForkExit"}'
start '"g"'
kill -TERM $server
finish
check "SIGTERM ends it with an end record" in_log '.type == "end" and .outcome == "error" and .signal == 15'
check "and nobody is left" nobody

serve
spawn g a '"count":4,"work":{"type":"Mixed"}'
start '"g"'
exec 4<&-
echo '{"type":"op","seq":1,"at_ns":0,"op":"work.start","groups":["nobody"]}' >&3
wait $server
exec 3>&-
check "nobody is left when its reader goes away" nobody

# --- many ---
kt-work run --cgroup-root $root --cgroup a -c 1000 -d 0.3 >"$dir/log" 2>"$dir/err" </dev/null
check "1000 workers are spawned, run and are collected" in_log '.type == "end" and .outcome == "ok"
	and .workers == 1000 and .killed == 0'
check "each has a report" [ "$(grep -c '^{"type":"report"' "$dir/log")" = 1000 ]
check "nobody is left" nobody

# --- every type, in a cgroup ---
kt-work types | jq -r 'select(.type == "work-type") | "\(.work) \(.group_size)"' >"$dir/types"
while read -r t size; do
	kt-work run --cgroup-root $root --cgroup b -t "$t" -c "$size" -d 0.2 >"$dir/log" 2>"$dir/err" </dev/null
	check "$t works in a cgroup" in_log '.type == "end" and .outcome == "ok" and .died == 0 and .killed == 0'
	check "$t makes progress" in_log '.type == "report" and .iterations > 0'
done <"$dir/types"

rmdir $root/a $root/b $root
rm -rf "$dir"
echo "1..$n"
