#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What kt-init has made of the guest before this ran in it.
n=0
t() { # TEXT COMMAND...
	n=$((n + 1))
	text=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok $n - $text"
	else
		echo "not ok $n - $text"
		sed 's/^/# /' /tmp/said
	fi
}
mounted() { grep -q " $2 $1 " /proc/mounts; }
is() { echo "$1"; [ "$1" = "$2" ]; }
# An orphan's zombie would stay if PID 1 did not reap it.
orphan() {
	pid=$(sh -c 'sh -c "exit 3" >/dev/null & echo $!')
	i=0
	while [ -d "/proc/$pid" ]; do
		i=$((i + 1))
		[ $i -lt 50 ] || return 1
		sleep 0.1
	done
}

for m in 'proc /proc' 'sysfs /sys' 'devtmpfs /dev' 'devpts /dev/pts' 'tmpfs /dev/shm' 'tmpfs /tmp' 'tmpfs /run' \
	'cgroup2 /sys/fs/cgroup' 'debugfs /sys/kernel/debug' 'tracefs /sys/kernel/tracing' 'bpf /sys/fs/bpf'; do
	# shellcheck disable=SC2086 # two words
	t "${m% *} is mounted on ${m#* }" mounted $m
done
t "/dev/fd, /dev/stdin and the others lead to the process's own" test -e /dev/fd/0 -a -L /dev/stdin -a -L /dev/stdout -a -L /dev/stderr
t "lo is up" grep -q 'LOOPBACK,UP' /dev/stdin <<-END
	$(ip link show lo)
END
t "the host is called ktstr" is "$(hostname)" ktstr
t "PID 1 is kt-init" is "$(readlink /proc/1/exe)" /init
t "PID 1 is real-time, what it starts is not" is "$(chrt_of() { awk '/^(policy|prio)/ {print $3}' "/proc/$1/sched" | xargs; }; chrt_of 1; chrt_of $$)" "1 49
0 120"
# shellcheck disable=SC3045 # busybox has both
t "1024 files may be open, more after ulimit" is "$(ulimit -Sn) $(ulimit -Hn)" "1024 524288"
t "the environment is the same for everybody" is "$(tr '\0' '\n' </proc/$$/environ | sed 's/=.*//' | grep -vx -e PWD -e SHLVL -e OLDPWD | sort | xargs)" "HOME LC_ALL PATH TERM"
t "no signal is blocked or ignored" is "$(awk '/^Sig(Blk|Ign)/ {print $2}' /proc/self/status | sort -u)" 0000000000000000
t "orphans are reaped" orphan
t "nothing of the request is left in the file system" test ! -e /kt
t "schedstats are on" is "$(cat /proc/sys/kernel/sched_schedstats)" 1
echo "1..$n"
