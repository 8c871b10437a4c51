#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap with 10,000 idle threads more, against the floor of /proc: a C loop that opens, reads and closes
# files of each thread. And its memory with 1,000 and with as many as fit, up to 50,000. Programs take
# turns; the least time of each counts, since whatever else runs can only add to it.
set -eu
runs=${1:-9}
here=$(dirname "$0")
helpers=$KTSTR_BUILD/helpers
d=$(mktemp -d)
helper=
stop() {
	exec 8>&-
	[ -z "$helper" ] || wait "$helper" || true
	helper=
}
trap 'stop; rm -rf "$d"' EXIT
make -s -C "$here/../.." B="$KTSTR_BUILD" "$helpers/mkthreads"
"${CC:-cc}" -O2 -D_GNU_SOURCE -o "$d/floor" "$here/proc_floor.c"

# idle THREADS - that are there when this returns; fails when there is no room for so many
idle() {
	rm -f "$d/in" "$d/out"
	mkfifo "$d/in" "$d/out"
	"$helpers/mkthreads" "$1" <"$d/in" >"$d/out" &
	helper=$!
	exec 8>"$d/in" 9<"$d/out"
	line=
	read -r line <&9 || true
	exec 9<&-
	[[ $line == ready* ]] || {
		stop
		return 1
	}
}

# timed NAME COMMAND... - adds its microseconds to $d/NAME
timed() {
	local name=$1 t0 t1
	shift
	t0=$EPOCHREALTIME
	"$@" >/dev/null
	t1=$EPOCHREALTIME
	echo $((${t1/./} - ${t0/./})) >>"$d/$name"
}

least() { sort -n "$d/$1" | head -n 1; }

# faster NAME TOOL PEER LIMIT - how many times TOOL is as fast, at least LIMIT. ratio: how many times as slow.
faster() {
	awk -v name="$1" -v ours="$(least "$2")" -v peer="$(least "$3")" -v limit="$4" -v runs="$runs" 'BEGIN {
		printf "{\"type\":\"bench\",\"name\":\"%s\",\"ratio\":%.2f,\"at_least\":%s,\"runs\":%d,\"tool_us\":%d,\"peer_us\":%d}\n",
			name, peer / ours, limit, runs, ours, peer }'
}
ratio() {
	awk -v name="$1" -v ours="$(least "$2")" -v peer="$(least "$3")" -v limit="$4" -v runs="$runs" 'BEGIN {
		printf "{\"type\":\"bench\",\"name\":\"%s\",\"ratio\":%.3f,\"limit\":%s,\"runs\":%d,\"tool_us\":%d,\"peer_us\":%d}\n",
			name, ours / peer, limit, runs, ours, peer }'
}

idle 10000
bpf=$(kt-snap -p $$ | sed -n 's/^{"type":"meta".*"source":"\([a-z]*\)".*/\1/p')
for ((i = 0; i < runs; i++)); do
	timed floor7 "$d/floor" comm cgroup stat schedstat io status sched
	timed floor4 "$d/floor" stat sched io schedstat
	timed floor1 "$d/floor" stat
	timed proc kt-snap --source proc
	timed proc1 kt-snap --source proc --walkers 1
	timed id1 kt-snap --source proc --walkers 1 --fields id
	[ "$bpf" != bpf ] || timed bpf kt-snap --source bpf
	timed ps ps -eLo pid,lwp,cls,rtprio,ni,comm
	timed zstd kt-snap --source "$bpf" -q -o "$d/x.zst"
done
if [ "$bpf" = bpf ]; then
	faster 'kt-snap bpf, 10,000 threads: the floor of 7 files /' bpf floor7 20
	faster 'kt-snap bpf, 10,000 threads: ps -eL /' bpf ps null
fi
ratio 'kt-snap proc, 10,000 threads / the floor of its 4 files' proc floor4 1.15
ratio 'kt-snap proc with one walker / the floor of its 4 files' proc1 floor4 null
ratio 'kt-snap proc, identity only, with one walker / the floor of stat' id1 floor1 null
ratio "kt-snap $bpf -o x.zst / the floor of 7 files" zstd floor7 null
stop

# peak COMMAND... - KiB
peak() {
	python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
declare -A few
idle 1000
for s in proc $([ "$bpf" != bpf ] || echo bpf); do
	few[$s]=$(peak kt-snap --source "$s")
done
stop
many=50000
room=$(sort -n /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max | head -n 1)
[ "$room" -gt $((many + 4000)) ] || many=$((room - 6000))
until idle "$many"; do # whoever else is here may need threads too
	many=$((many / 2))
	[ "$many" -gt 4000 ]
done
for s in "${!few[@]}"; do
	awk -v s="$s" -v a="${few[$s]}" -v b="$(peak kt-snap --source "$s")" -v many="$many" 'BEGIN {
		printf "{\"type\":\"bench\",\"name\":\"kt-snap %s, KiB more with %d threads than with 1000\",\"ratio\":%d,\"limit\":2048,\"few_kib\":%d,\"many_kib\":%d}\n",
			s, many, b - a, a, b }'
done
stop
