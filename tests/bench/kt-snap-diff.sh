#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff on two snapshots of 50,000 threads, made up here, against 200 MB of records in a second of CPU time,
# against jq and jansson that only add up one member, and against itself with 1,000 threads for its memory.
# CPU time counts, not the clock's: the promise is per core. The programs take turns; of each the median.
set -eu
runs=${1:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# snapshot N SIDE - a tenth of the threads has moved by the second side
snapshot() {
	/usr/bin/python3 - "$1" "$2" <<-'END'
		import random, sys
		n, side = int(sys.argv[1]), int(sys.argv[2])
		rnd = random.Random(7)
		counters = """run_time_ns wait_time_ns timeslices utime_ns stime_ns voluntary_csw nonvoluntary_csw nr_migrations
		nr_wakeups nr_wakeups_local nr_wakeups_remote nr_wakeups_sync nr_wakeups_migrate nr_wakeups_affine
		nr_forced_migrations wait_sum_ns wait_max_ns wait_count sleep_sum_ns sleep_max_ns block_sum_ns block_max_ns
		iowait_sum_ns iowait_count minflt majflt rchar wchar syscr syscw read_bytes write_bytes
		cancelled_write_bytes blkio_delay_ns blkio_delay_count swapin_delay_ns swapin_delay_count
		reclaim_delay_ns reclaim_delay_count""".split()
		w = sys.stdout.write
		w('{"type":"meta","tool":"kt-snap","version":"0.1.0","schema":1,"boot_id":"b","time":null,"source":"bpf","clk_tck":100}\n')
		w('{"type":"snapshot","n":0,"mono_ns":%d,"realtime_ns":"%d"}\n' % (10**9 * (side + 1), 10**18 + side))
		form = ('{"type":"thread","tid":%d,"tgid":%d,"pcomm":"proc%d","comm":"worker-%d","cgroup":"/system.slice/s%d.service",'
		        '"start_ns":%d,"kthread":false,"state":"S","cpu":1,"policy":"SCHED_OTHER","nice":0,"rt_priority":0,'
		        '"dl_runtime_ns":null,"dl_deadline_ns":null,"dl_period_ns":null,"cpu_affinity":"0-1","ext_enabled":false,'
		        '"uclamp_min":0,"uclamp_max":1024,' + ",".join('"%s":%%d' % c for c in counters) +
		        ',"rss_kb":null,"oom_score_adj":0,"core_cookie":"0"}\n')
		for i in range(n):
		    tid, tgid = i + 100, i // 4 * 4 + 100
		    seed = rnd.getrandbits(36)
		    moved = side * (i % 10 == 0) * (i + 1)
		    v = tuple((seed >> (k % 29)) + moved for k in range(len(counters)))
		    w(form % ((tid, tgid, tgid % 500, i % 4, tgid % 50, i * 10**7) + v))
		w('{"type":"snapshot-end","n":0,"threads_seen":%d,"records":%d}\n' % (n, n))
		w('{"type":"end","tool":"kt-snap","outcome":"ok"}\n')
	END
}

# timed NAME COMMAND... - adds its CPU time in milliseconds to $dir/NAME
timed() {
	local name=$1 TIMEFORMAT='%3U %3S'
	shift
	{ time "$@" >"$dir/out" 2>"$dir/err"; } 2>"$dir/time" || {
		echo "$*: $(cat "$dir/err")" >&2
		exit 1
	}
	awk '{ printf "%d\n", ($1 + $2) * 1000 }' "$dir/time" >>"$dir/$name.ms"
}

median() {
	sort -n "$1" | sed -n "$((runs / 2 + 1))p"
}

peak_kb() { # COMMAND... - what kt-snap-diff says of itself
	"$@" | sed -n 's/.*"peak_rss_kb":\([0-9]*\).*/\1/p'
}

snapshot 50000 0 >"$dir/a"
snapshot 50000 1 >"$dir/b"
snapshot 1000 0 >"$dir/a1"
snapshot 1000 1 >"$dir/b1"
zstd -q "$dir/a" "$dir/b"
bytes=$(cat "$dir/a" "$dir/b" | wc -c)
"${CC:-gcc}" -O2 -o "$dir/jansson_lines" "$(dirname "$0")/jansson_lines.c" -ljansson

for ((i = 0; i < runs; i++)); do
	timed ours kt-snap-diff "$dir/a" "$dir/b"
	timed ours_zstd kt-snap-diff "$dir/a.zst" "$dir/b.zst"
	timed jansson "$dir/jansson_lines" "$dir/a" "$dir/b"
done
# jq takes seconds: once is enough.
# shellcheck disable=SC2016	# jq's own
timed jq jq -n 'reduce inputs as $r (0; . + ($r.run_time_ns // 0))' "$dir/a" "$dir/b"

ours=$(median "$dir/ours.ms")
zstd=$(median "$dir/ours_zstd.ms")
jansson=$(median "$dir/jansson.ms")
awk -v ours="$ours" -v zstd="$zstd" -v jansson="$jansson" -v jq="$(cat "$dir/jq.ms")" -v bytes="$bytes" -v runs="$runs" \
	-v many="$(peak_kb kt-snap-diff "$dir/a" "$dir/b")" -v few="$(peak_kb kt-snap-diff "$dir/a1" "$dir/b1")" \
	-v groups="$(kt-snap-diff "$dir/a" "$dir/b" | sed -n 's/.*"groups":\([0-9]*\).*/\1/p')" \
	-v few_groups="$(kt-snap-diff "$dir/a1" "$dir/b1" | sed -n 's/.*"groups":\([0-9]*\).*/\1/p')" '
	function record(name, ratio, limit, ms, peer_ms) {
		printf "{\"type\":\"bench\",\"name\":\"%s\",\"ratio\":%.3f,\"limit\":%s,\"runs\":%d,\"tool_ms\":%d,\"peer_ms\":%d,\"mb_per_s\":%d}\n",
			name, ratio, limit, runs, ms, peer_ms, bytes / 1000 / ms
	}
	BEGIN {
		budget = bytes / 200e6 * 1000
		record("kt-snap-diff 2x50000 threads / 200 MB/s", ours / budget, 1, ours, budget)
		record("kt-snap-diff 2x50000 threads, zstd / 200 MB/s", zstd / budget, 1, zstd, budget)
		record("kt-snap-diff 2x50000 threads / a jansson loop", ours / jansson, 0.26, ours, jansson)
		record("kt-snap-diff 2x50000 threads / jq", ours / jq, 0.22, ours, jq)
		printf "{\"type\":\"bench\",\"name\":\"kt-snap-diff peak memory, 2x50000 / 2x1000 threads\",\"ratio\":%.3f,\"limit\":1.25,\"tool_kb\":%d,\"peer_kb\":%d,\"groups\":%d,\"peer_groups\":%d}\n",
			many / few, many, few, groups, few_groups
	}'
