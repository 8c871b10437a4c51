#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Both sources of kt-snap on a kernel with all kinds of statistics, cgroups, namespaces: what a thread
# that is held still has counted must be the same by both, member by member. Runs as root in a guest,
# with busybox, jq, mkthreads and the unshare of util-linux (busybox has no -C); TAP.
CG=/sys/fs/cgroup/kt-snap-bpf
T=$(mktemp -d)
# shellcheck source=tests/vm/tap
. "${0%/*}/tap"

why() {
	[ ! -s "$T/err" ] || sed 's/^/# /' "$T/err"
	[ ! -s "$T/diff" ] || head -n 30 "$T/diff" | sed 's/^/# /'
}

# both ARGUMENT... - a snapshot by each source; `diff` has where they differ
both() {
	kt-snap --source bpf "$@" >"$T/bpf" 2>"$T/err" && kt-snap --source proc "$@" >"$T/proc" 2>>"$T/err" &&
		jq -rs -f /vm/kt-snap-agree.jq --slurpfile other "$T/proc" "$T/bpf" >"$T/diff" 2>>"$T/err"
}

agree() { # TEXT ARGUMENT...
	text=$1
	shift
	both "$@" && [ ! -s "$T/diff" ]
	ok $? "$text"
}

threads() { # JQ - of the threads of the last bpf snapshot, as an array
	jq -rsc "map(select(.type == \"thread\")) | $1" "$T/bpf"
}

# until COMMAND... - for 20 s at most
await() {
	i=0
	until "$@" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		sleep 0.1
	done
}

for f in sched_schedstats task_delayacct; do
	[ ! -e /proc/sys/kernel/$f ] || echo 1 >/proc/sys/kernel/$f
done
echo +cpu +memory +pids >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p $CG/a/deep

# ---- all members, of workers that have done all sorts of things and are frozen in the middle ----
for w in 'CpuSpin -c 3' 'FutexPingPong --policy fifo:3' 'PipeIo --nice 7' 'IoSync --policy batch' 'PageFaultChurn --cpus 1-2' \
	'AffinityChurn' 'PolicyChurn' 'ForkExit --policy idle'; do
	# shellcheck disable=SC2086 # words
	kt-work run --cgroup-root $CG --cgroup a -d 600s -t $w >/dev/null 2>>"$T/err" &
	echo $! >>"$T/pids"
done
sleep 0.1
mkdir $CG/a/threads 2>/dev/null
await sh -c "[ \$(cat $CG/a/cgroup.procs $CG/a/*/cgroup.procs | wc -l) -ge 12 ]"
sleep 2
echo 1 >$CG/a/cgroup.freeze
await grep -q 'frozen 1' $CG/a/cgroup.events
list=$(cat $CG/a/cgroup.procs $CG/a/*/cgroup.procs | sort -un | tr '\n' ,)
agree 'both sources say the same of frozen workers, member by member' -p "${list%,}" --fields +numa
is "$(threads 'length >= 12')" true 'and there are as many as were started'
# what this kernel has is not null: no member is, that another source or kernel does not explain
is "$(threads 'map(to_entries[] | select(.value == null) | .key) | unique | map(select(. != "core_cookie" and
	(startswith("dl_") or . == "rss_kb" or . == "ext_enabled" or startswith("uclamp") | not))) | join(" ")')" '' \
	'no member is null'
is "$(threads '[any(.[]; .nr_wakeups > 0), any(.[]; .wait_sum_ns > 0), any(.[]; .sleep_sum_ns > 0), any(.[]; .wait_count > 0),
	any(.[]; .nr_migrations > 0), any(.[]; .nr_wakeups_sync > 0), any(.[]; .wchar > 0), any(.[]; .minflt > 100),
	any(.[]; .nonvoluntary_csw > 0), any(.[]; .policy == "SCHED_FIFO" and .rt_priority == 3),
	any(.[]; .cpu_affinity == "1-2")] | unique')" '[true]' 'and they have something in them'
is "$(threads 'map(.cgroup) | unique | all(.[]; startswith("/kt-snap-bpf/a"))')" true 'their cgroup has its path'
is "$(jq -c 'select(.type == "end") | .missing | del(.core_cookie, .ext_enabled, .uclamp_min, .uclamp_max,
	."cpu.pressure", .nr_periods, .nr_throttled, .throttled_usec, ."memory.current", ."pids.current")' "$T/bpf")" '{}' \
	'nothing is missing for an unknown reason'
echo 1 >$CG/a/cgroup.kill
# kt-work itself is outside, and waits until the time is over
# shellcheck disable=SC2046 # words
kill $(cat "$T/pids") && wait $(cat "$T/pids") 2>/dev/null

# ---- idle threads, and switched off statistics ----
# khugepaged would give them more memory between the two
thp=/sys/kernel/mm/transparent_hugepage/enabled
[ ! -e $thp ] || echo never >$thp
mkfifo "$T/in" "$T/out"
mkthreads 300 3 <"$T/in" >"$T/out" &
exec 3>"$T/in"
read -r _ pids <"$T/out"
pids=$(echo "$pids" | tr ' ' ,)
agree 'both say the same of 300 idle threads' -p "$pids"
is "$(threads length)" 300 'which are all there'
echo 0 >/proc/sys/kernel/sched_schedstats
agree 'and with statistics switched off' -p "$pids"
is "$(threads 'map([.nr_wakeups, .wait_sum_ns, .nr_forced_migrations]) | unique')" '[[null,null,null]]' 'which are null then'
is "$(jq -c 'select(.type == "end") | .missing.schedstats' "$T/bpf")" '{"off":300}' 'for that reason'
echo 1 >/proc/sys/kernel/sched_schedstats

# ---- every thread of the machine ----
kt-snap --source proc --fields tid >"$T/before"
kt-snap --source bpf >"$T/bpf"
kt-snap --source proc >"$T/after"
jq -rs 'map(select(.type == "thread") | "\(.tgid) \(.tid) \(.comm)")[]' "$T/bpf" | sort >"$T/bpf.list"
for f in before after; do
	jq -rs 'map(select(.type == "thread") | "\(.tgid) \(.tid) \(.comm)")[]' "$T/$f" | sort >"$T/$f.list"
done
sort "$T/before.list" "$T/after.list" | uniq -d >"$T/stayed"
sort "$T/stayed" "$T/bpf.list" | uniq -d | diff "$T/stayed" - >"$T/diff"
ok $? 'each thread that /proc has, from pid 1 on, kernel threads by the same names, is there'
is "$(threads 'map(.tid) | length == (unique | length)')" true 'and none twice'
is "$(jq -cs 'map(select(.type == "end"))[0] | [.vanished, .errors, .records == .threads_seen]' "$T/bpf")" '[0,{},true]' \
	'none is lost'

# ---- cgroups ----
sleep 600 &
sleeper=$!
echo $sleeper >$CG/a/deep/cgroup.procs
agree 'a cgroup in a cgroup' -p $sleeper
is "$(threads 'map(.cgroup)[]')" /kt-snap-bpf/a/deep 'has its path'
long=$(printf 'x%.0s' $(seq 1 250))
mkdir "$CG/$long" && mkdir -p "$CG/$long/odd \"name\\" && echo $sleeper >"$CG/$long/odd \"name\\/cgroup.procs"
agree 'a cgroup with a name as long as can be, and an odd one' -p $sleeper
is "$(threads 'map(.cgroup)[]')" "/kt-snap-bpf/$long/odd \"name\\" 'has its path'
d=$CG
for i in $(seq 1 40); do d=$d/$i; done
mkdir -p "$d" && echo $sleeper >"$d/cgroup.procs"
agree 'a cgroup that is nested deeper than the program looks' -p $sleeper
is "$(threads 'map(.cgroup)[]')" "${d#/sys/fs/cgroup}" 'has its path'
echo $sleeper >$CG/a/deep/cgroup.procs
# a child that nobody waits for, in a cgroup that is removed
mkdir $CG/gone
# shellcheck disable=SC2016 # for the shell inside
sh -c 'sh -c "echo \$\$ >$0/gone/cgroup.procs; echo \$\$ >$1/zombie; until grep -qx sleep /proc/$$/comm; do :; done" & exec sleep 600' \
	$CG "$T" &
parent=$!
await test -s "$T/zombie"
await grep -q '^State:.*Z' "/proc/$(cat "$T/zombie")/status"
rmdir $CG/gone
agree 'a zombie in a cgroup that was removed' -p "$(cat "$T/zombie")"
is "$(threads 'map([.state, .cgroup])')" '[["Z","/kt-snap-bpf/gone (deleted)"]]' 'is told as that'
kill $parent

# ---- namespaces ----
mkdir -p $CG/ns/in
cat >"$T/ns" <<-END
	echo \$\$ >$CG/ns/cgroup.procs
	exec /include-files/unshare -C sh -c 'for s in bpf proc; do kt-snap --source \$s -p 1,$sleeper,\$\$ >$T/\$s; done; echo \$\$ >$T/me'
END
sh "$T/ns" 2>"$T/err"
jq -rs -f /vm/kt-snap-agree.jq --slurpfile other "$T/proc" "$T/bpf" | grep -E '^(cgroup|tid) ' >"$T/diff"
[ -s "$T/me" ] && [ ! -s "$T/diff" ]
ok $? 'in a cgroup namespace both say the same paths'
is "$(threads 'map(select(.tid == .tgid).cgroup)')" "[\"/../..\",\"/../a/deep\",\"/\"]" 'which are relative to its root'
cat >"$T/ns" <<-END
	sleep 600 &
	until grep -qx sleep /proc/\$!/comm; do :; done
	for s in bpf proc; do kt-snap --source \$s >$T/\$s; done
	kt-snap --source bpf -p \$! >$T/one
END
/include-files/unshare -p -f --mount-proc sh "$T/ns" 2>"$T/err"
jq -rs -f /vm/kt-snap-agree.jq --slurpfile other "$T/proc" "$T/bpf" |
	grep -E '^(tgid|pcomm|comm|cgroup|start_ns) ' >"$T/diff"
[ ! -s "$T/diff" ]
ok $? 'in a pid namespace both say the same'
is "$(threads 'map(select(.comm == "sh" or .comm == "sleep") | [.tid, .tgid, .comm])')" '[[1,1,"sh"],[2,2,"sleep"]]' \
	'which are the threads there, by their numbers there'
is "$(jq -c 'select(.type == "thread") | [.tid, .comm]' "$T/one")" '[2,"sleep"]' 'and can be asked for by these'

exec 3>&-
kill $sleeper
await sh -c "! grep -q . $CG/cgroup.procs $CG/*/cgroup.procs $CG/*/*/cgroup.procs"
find $CG -depth -type d -exec rmdir {} +
rm -rf "$T"
echo "1..$n"
