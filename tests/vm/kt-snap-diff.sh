#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff on a live kernel with statistics on: loads whose rates are known, a setting that is changed, a
# cgroup that is throttled, and the two sources of kt-snap beside each other.
dir=$(mktemp -d)
cg=/sys/fs/cgroup/kt-snap-diff-$$
# shellcheck source=tests/vm/tap
. "${0%/*}/tap"
pids=

cleanup() {
	for p in $pids; do
		kill "$p" 2>/dev/null
		wait "$p"
	done
	[ ! -d "$cg" ] || rmdir "$cg"
	rm -rf "$dir"
} 2>/dev/null
trap cleanup EXIT

spin() {
	busy &
	pid=$!
	pids="$pids $pid"
}

echo 1..7
spin
hog=$pid
kt-snap -n 3 -i 2s | kt-snap-diff -g tid -l 1 >"$dir/out"
check 'a load is on top, in each interval' \
	"$(jq -rc 'select(.type == "row") | [.n, .tid]' "$dir/out" | tr '\n' ' ')" "[1,$hog] [2,$hog] "
check 'at the rate of one CPU, within 5 %' \
	"$(jq -s '[.[] | select(.type == "row") | .per_s / 1e9 | (. > 0.95 and . < 1.05)] | all' "$dir/out")" true

kt-snap -q -o "$dir/a"
renice -n 5 -p "$hog" >/dev/null 2>&1 || renice 5 "$hog" >/dev/null 2>&1
kt-snap -q -o "$dir/b"
kt-snap-diff -g tid -l 1 "$dir/a" "$dir/b" >"$dir/out"
check 'a setting that was changed comes before all counters' \
	"$(jq -rc 'select(.type == "row") | [.tid, .metric, .before_text, .after_text, .changed]' "$dir/out")" \
	"[$hog,\"nice\",\"0\",\"5\",1]"

echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cg"
echo '10000 100000' >"$cg/cpu.max"
echo "$hog" >"$cg/cgroup.procs"
kt-snap -n 2 -i 2s | kt-snap-diff -g cgroup -m cgroup.cpu_usage_ns -m cgroup.nr_throttled -m run_time_ns |
	jq -c "select(.type == \"row\" and .cgroup == \"${cg#/sys/fs/cgroup}\")" >"$dir/out"
check 'a cgroup that is throttled says so' \
	"$(jq 'select(.metric == "cgroup.nr_throttled") | .delta >= 18 and .delta <= 22' "$dir/out")" true
check 'and its CPU time is that of its thread, a tenth of a CPU' \
	"$(jq -s 'map(select(.metric != "cgroup.nr_throttled") | .per_s / 1e9 | (. > 0.07 and . < 0.13))' "$dir/out" | tr -d ' \n')" \
	'[true,true]'

kt-snap -q --source bpf -o "$dir/a"
kt-snap -q --source proc -o "$dir/b"
kt-snap-diff --fail-if 'run_time_ns<0' --fail-if 'minflt<0' "$dir/a" "$dir/b" >"$dir/out"
check 'threads are the same by both sources, and no counter falls from the one to the other' \
	"$(jq -c 'if .type == "interval" then [.threads_kept > 20, .threads_born <= 5, .threads_died <= 3] elif .type == "end" then .outcome else empty end' \
		"$dir/out" | tr '\n' ' ')" '[true,true,true] "ok" '
check 'that they are of two sources is told' \
	"$(jq -rc 'select(.type == "host-change" and .name == "source") | [.before, .after]' "$dir/out")" '["bpf","proc"]'
