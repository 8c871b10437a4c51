# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest: plays plans while something goes wrong on purpose. The events of all plays are
# one stream on stdout, what was done and measured is said on stderr as "KEY VALUE" lines.
set -u
FAIR=/sys/kernel/debug/sched/fair_server
P=/sys/fs/cgroup/caught

play() { kt-play --parent caught "$1"; }
uptime_ms() { tr -d . </proc/uptime | sed 's/ .*/0/'; }
# The first process in a cgroup, as soon as there is one and the load has been running for a second.
worker() {
	until read -r pid <"$P/$1/cgroup.procs" 2>/dev/null && [ -n "$pid" ]; do sleep 0.05; done
	sleep 2
	echo "$pid"
}
fair_server() {
	for cpu in "$FAIR"/cpu*; do echo "$1" >"$cpu/runtime"; done
}

# 1. Nothing keeps the hog from starving the victim: no throttling of real-time tasks, no fair server.
runtime=$(cat $FAIR/cpu0/runtime)
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
fair_server 0
play fifo.plan
# 2. Both at their defaults: the victim gets a little about every second.
echo 950000 >/proc/sys/kernel/sched_rt_runtime_us
fair_server "$runtime"
play fifo.plan

# 3. A worker is stopped for 3 s.
{
	pid=$(worker low)
	from=$(uptime_ms)
	kill -STOP "$pid"
	sleep 3
	kill -CONT "$pid"
	echo "stopped_pid $pid" >&2
	echo "stopped_ms $(($(uptime_ms) - from))" >&2
	echo "stopped_at_ms $from" >&2
} &
play spin.plan
wait

# 4. A worker is moved out of its cpuset.
{
	pid=$(worker low)
	echo "$pid" >$P/high/cgroup.procs
	echo "moved_pid $pid" >&2
} &
play spin.plan
wait

# 5. kt-work is killed in the middle.
{
	worker low >/dev/null
	for pid in $(pidof kt-work); do # its workers have another parent
		grep -qx "PPid:	$(pidof kt-play)" "/proc/$pid/status" && kill -KILL "$pid"
	done
} &
play spin.plan
wait
echo "left_cgroups $(find /sys/fs/cgroup -name 'caught*' | wc -l)" >&2
echo "left_workers $(pidof kt-work | wc -w)" >&2
