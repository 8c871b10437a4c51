#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-topo and kt-host on a live kernel that lets itself be changed: hotplug, cpusets, affinity, settings.
dir=$(mktemp -d)
cg=/sys/fs/cgroup/kt-topo-$$
# shellcheck source=tests/vm/tap
. "${0%/*}/tap"

# summary MEMBER, host MEMBER
summary() { kt-topo | jq -rc "select(.type == \"topology\")$1"; }
host() { kt-host | jq -rc "select(.type == \"host\")$1"; }

online=$(cat /sys/devices/system/cpu/online)
last=$(kt-topo | jq -r 'select(.type == "cpu").cpu' | tail -n 1)
check 'the online CPUs are those of the kernel' "$(summary .online)" "$online"
check 'without limits the cgroup allows them all' "$(summary .cgroup)" "$online"
check 'nothing that may be missing here is missing, but what the kernel does not have' \
	"$(kt-topo | jq -c 'select(.type == "end").missing | del(.capacity, .die)')" '{}'

if [ "$last" -gt 0 ] && [ -e "/sys/devices/system/cpu/cpu$last/online" ]; then
	kt-topo --shape >"$dir/before"
	echo 0 >"/sys/devices/system/cpu/cpu$last/online"
	check 'an offline CPU has no place' \
		"$(kt-topo | jq -c "select(.cpu == $last) | [.online, .package, .core, .smt, .llc]")" '[false,null,null,null,null]'
	check 'and is in no list but present' \
		"$(kt-topo | jq -r 'select(.type == "llc" or .type == "node").cpus' | tr -s ',-' '\n' | grep -cx "$last"):$(summary .present)" "0:$online"
	check 'kt-host counts what is online' "$(host .n_cpus)" "$last"
	echo 1 >"/sys/devices/system/cpu/cpu$last/online"
	check 'back online, the shape is as before' "$(kt-topo --shape | cmp - "$dir/before" 2>&1)" ''

	mkdir "$cg" && echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control && echo 0 >"$cg/cpuset.cpus"
	check 'in a cgroup with a cpuset, that is what it allows' \
		"$(sh -c "echo \$\$ >$cg/cgroup.procs && kt-topo" | jq -r 'select(.type == "topology") | .cgroup + " " + .affinity')" '0 0'
	mkdir "$cg/below"
	check 'in a cgroup below it without one, the same' \
		"$(sh -c "echo \$\$ >$cg/below/cgroup.procs && kt-topo" | jq -r 'select(.type == "topology").cgroup')" 0
	rmdir "$cg/below" "$cg"
	check 'affinity is told apart from the cgroup' \
		"$(taskset -c "$last" kt-topo | jq -r 'select(.type == "topology") | .cgroup + " " + .affinity')" "$online $last"
else
	skip 'an offline CPU has no place' 'there is only one CPU, or none can go offline'
fi

check 'the release is that of uname' "$(host .kernel_release)" "$(uname -r)"
check 'cgroup v2 is seen, with its controllers' \
	"$(host '| [.cgroup_mode, .cgroup_mount, (.cgroup_controllers | index("cpu") != null)]')" '["v2","/sys/fs/cgroup",true]'

if [ -e /sys/kernel/sched_ext/state ]; then
	check 'sched_ext without a scheduler: its state, and no ops' "$(host '.sched_ext | [.state, .ops]')" '["disabled",null]'
else
	check 'a kernel without sched_ext' "$(host .sched_ext)" null
fi

f=/sys/kernel/debug/sched/fair_server/cpu0/runtime
if [ ! -e "$f" ]; then
	skip 'a fair server that is off is told apart, by its CPU' 'the kernel has none, or debugfs is not mounted'
elif was=$(cat "$f"); ! echo 0 2>/dev/null >"$f"; then
	# Linux 6.12 loses count of the servers' bandwidth when cpusets change, and then finds none left.
	skip 'a fair server that is off is told apart, by its CPU' 'the kernel does not let it be set'
else
	check 'a fair server that is off is told apart, by its CPU' "$(host '.fair_server[] | select(.runtime_ns == 0).cpus')" 0
	echo "$was" >"$f"
	check 'set back, there is one setting for all' "$(host '.fair_server | map(.cpus)')" "[\"$online\"]"
fi
was=$(cat /proc/sys/kernel/sched_rt_runtime_us)
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
check 'a setting is what it is now' "$(host '.sched_tunables[] | select(.name == "sched_rt_runtime_us").value')" "$(cat /proc/sys/kernel/sched_rt_runtime_us)"
echo "$was" >/proc/sys/kernel/sched_rt_runtime_us

rm -r "$dir"
echo "1..$n"
