#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-host: the context of a measurement, from a machine or a captured tree.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
}

@test "a full tree and an empty one give exactly the expected records" {
	for name in four-sets minimal; do
		run -0 --separate-stderr kt-host --root "tests/fixtures/$name"
		[ -z "$stderr" ]
		fixture_diff "tests/fixtures/$name/expect-host.ndjson"
	done
}

@test "records fit their closed schemas, and mutated ones do not" {
	{
		kt-host
		kt-host --root tests/fixtures/four-sets
		kt-host --root tests/fixtures/minimal
	} >"$T/records"
	run -0 tests/schema/validate.py --mutate --need kt-host.meta,kt-host.host,kt-host.end <"$T/records"
}

@test "this machine: what uname, /proc and the clock say" {
	run -0 --separate-stderr kt-host
	[ -z "$stderr" ]
	host=$(jq -c 'select(.type == "host")' <<<"$output")
	[ "$(jq -r .kernel_release <<<"$host")" = "$(uname -r)" ]
	[ "$(jq -r .arch <<<"$host")" = "$(uname -m)" ]
	[ "$(jq -r .kernel_cmdline <<<"$host")" = "$(cat /proc/cmdline)" ]
	[ "$(jq -r .mem_total_kb <<<"$host")" = "$(awk '/^MemTotal/ {print $2}' /proc/meminfo)" ]
	[ "$(jq -r .n_cpus <<<"$host")" = "$(kt-topo | jq 'select(.type == "topology").n_cpus')" ]
	[ "$(jq -r .n_nodes <<<"$host")" = "$(kt-topo | jq 'select(.type == "topology").n_nodes')" ]
	up=$(cut -d. -f1 /proc/uptime)
	got=$(jq '.uptime_ns / 1e9 | floor' <<<"$host")
	[ "$got" -le "$up" ] && [ "$got" -ge $((up - 60)) ]
	for f in /proc/sys/kernel/sched_r*; do
		[ "$(jq -r --arg n "$(basename "$f")" '.sched_tunables[] | select(.name == $n).value' <<<"$host")" = "$(cat "$f")" ]
	done
	if (: <>/dev/kvm) 2>/dev/null; then
		[ "$(jq -c '[.kvm_opens, .kvm_error]' <<<"$host")" = '[true,null]' ]
	else
		[ "$(jq -c '[.kvm_opens, (.kvm_error | type)]' <<<"$host")" = '[false,"string"]' ]
	fi
}

@test "with a root nothing of this machine is told" {
	run -0 kt-host --root tests/fixtures/minimal
	[ "$(jq -c 'select(.type == "meta") | [.boot_id, .time]' <<<"$output")" = '[null,null]' ]
	[ "$(jq -c 'select(.type == "host") | [.arch, .kernel_release, .kvm_opens, .boot_id, .cpu_model]' <<<"$output")" = '[null,null,null,null,null]' ]
	KTSTR_ROOT=tests/fixtures/four-sets run -0 kt-host
	fixture_diff tests/fixtures/four-sets/expect-host.ndjson
}

@test "cgroup mode: v1, v2, hybrid, none" {
	cp -a tests/fixtures/four-sets "$T/m"
	mounts=$T/m/proc/self/mountinfo
	mode() {
		kt-host --root "$T/m" | jq -r 'select(.type == "host").cgroup_mode'
	}
	[ "$(mode)" = v2 ]
	v1='32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset'
	echo "$v1" >>"$mounts"
	[ "$(mode)" = hybrid ]
	echo "$v1" >"$mounts"
	[ "$(mode)" = v1 ]
	echo '24 30 0:22 / /sys rw - sysfs sysfs rw' >"$mounts"
	[ "$(mode)" = none ]
	rm "$mounts"
	[ "$(mode)" = null ]
}

@test "the CPUs of a v1 cpuset, of a cgroup below a bind mount, and of one that cannot be seen" {
	cp -a tests/fixtures/four-sets "$T/m"
	cpus() {
		kt-topo --root "$T/m" | jq -r 'select(.type == "topology").cgroup'
	}
	mkdir -p "$T/m/sys/fs/cgroup/cpuset/batch"
	echo 2-3 >"$T/m/sys/fs/cgroup/cpuset/batch/cpuset.effective_cpus"
	echo '32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset' >"$T/m/proc/self/mountinfo"
	printf '3:cpu,cpuacct:/x\n2:cpuset:/batch/job\n0::/\n' >"$T/m/proc/self/cgroup"
	[ "$(cpus)" = 2-3 ]
	printf '%s\n' '32 31 0:29 /user.slice /mnt/my\040cg rw - cgroup2 cgroup2 rw' >"$T/m/proc/self/mountinfo"
	mkdir -p "$T/m/mnt/my cg/one"
	echo 1 >"$T/m/mnt/my cg/one/cpuset.cpus.effective"
	echo '0::/user.slice/one' >"$T/m/proc/self/cgroup"
	[ "$(cpus)" = 1 ]
	echo '0::/other/one' >"$T/m/proc/self/cgroup"
	[ "$(cpus)" = null ]
	echo '0::/../one' >"$T/m/proc/self/cgroup"
	[ "$(cpus)" = null ]
}

@test "sched_ext without a scheduler has a state and no ops; a kernel without sched_ext has null" {
	cp -a tests/fixtures/four-sets "$T/m"
	rm -r "$T/m/sys/kernel/sched_ext/root"
	echo disabled >"$T/m/sys/kernel/sched_ext/state"
	[ "$(kt-host --root "$T/m" | jq -c 'select(.type == "host").sched_ext | [.state, .ops]')" = '["disabled",null]' ]
	rm -r "$T/m/sys/kernel/sched_ext"
	[ "$(kt-host --root "$T/m" | jq -c 'select(.type == "host").sched_ext')" = null ]
}

@test "whichever file is missing or garbage, the records stay valid" {
	n=0
	cp -a tests/fixtures/four-sets "$T/whole"
	for f in $(cd tests/fixtures/four-sets && find proc sys/kernel sys/devices/system/clocksource sys/devices/system/cpu/{smt,isolated,nohz_full,online,vulnerabilities,cpu0/cpufreq} -type f); do
		for how in gone garbage empty; do
			cp -al "$T/whole" "$T/m" # links: so the file is removed first, never written through
			rm "$T/m/$f"
			case $how in
			garbage) printf '\x80[\n:x\tkB ' >"$T/m/$f" ;;
			empty) : >"$T/m/$f" ;;
			esac
			kt-host --root "$T/m" >>"$T/all" || {
				echo "$f $how"
				return 1
			}
			rm -r "$T/m"
			n=$((n + 1))
		done
	done
	[ "$n" -gt 90 ]
	run -0 tests/schema/validate.py <"$T/all"
}

@test "a wrong command line ends with 2 and nothing on stdout" {
	for args in frobnicate --frobnicate --root; do
		run -2 --separate-stderr kt-host $args
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == kt-host:* ]]
	done
}

@test "a root that is missing is named, a full disk is a failure" {
	run -1 --separate-stderr kt-host --root "$T/none"
	[ "$stderr" = "kt-host: open '$T/none': No such file or directory" ]
	run -1 --separate-stderr bash -c 'kt-host >/dev/full'
	[ "$stderr" = "kt-host: write standard output: No space left on device" ]
}

@test "it reads what any user may read, and counts what that user may not" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
	cp -a tests/fixtures/four-sets "$T/m"
	cp "$(command -v kt-host)" "$T/" && chmod -R a+rX "$T" && cd "$T" # from here: a parent may be closed
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-host
	[ "$(jq -r 'select(.type == "host").kernel_release' <<<"$output")" = "$(uname -r)" ]
	chmod 700 m/sys/kernel/debug
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-host --root m
	[ "$(jq -c 'select(.type == "host") | [.sched_debug, .fair_server]' <<<"$output")" = '[null,null]' ]
	[ "$(jq -c 'select(.type == "end").missing.sched_debug' <<<"$output")" = '{"EACCES":1}' ]
}

@test "--help and --version" {
	run -0 kt-host --help
	[[ ${lines[0]} == "Usage: kt-host "* ]]
	run -0 kt-host -V
	[[ $output =~ ^kt-host\ .*[0-9]+\.[0-9]+ ]]
}
