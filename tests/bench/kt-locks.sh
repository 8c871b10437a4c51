#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-locks against lslocks, while one process holds 10,000 locks, all of them on lock files that kt-locks lists.
# lslocks takes about a minute, so it runs once, in the middle of the runs of kt-locks, whose median counts.
set -eu
locks=${1:-10000} runs=10
dir=$(mktemp -d)
holder=
finish() {
	exec 9>&-
	[ -z "$holder" ] || kill "$holder" || :
	wait
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
export KTSTR_CACHE_DIR=$dir/cache KTSTR_LOCK_DIR=$dir
mkdir -p "$dir/cache/.locks"
command -v lslocks >/dev/null || {
	echo 'kt-locks.sh: lslocks is not there' >&2
	exit 1
}
gcc -O2 -D_GNU_SOURCE -o "$dir/hold" "${BASH_SOURCE[0]%/*}/hold_locks.c"
mkfifo "$dir/up" "$dir/in"
exec 9<>"$dir/in" # the holder ends with it
"$dir/hold" "$dir/cache/.locks" "$locks" <"$dir/in" >"$dir/up" 9>&- &
holder=$!
read -r up <"$dir/up"
[ "$up" = held ]

# timed NAME COMMAND... - adds its microseconds to $dir/NAME
timed() {
	local name=$1 t0 t1
	shift
	t0=$EPOCHREALTIME
	"$@" >"$dir/output"
	t1=$EPOCHREALTIME
	echo $((${t1/./} - ${t0/./})) >>"$dir/$name"
}

median_us() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for ((i = 0; i < runs; i++)); do
	timed kt-locks kt-locks
	[ "$(grep -c '"mode":"exclusive","holders":\[{"pid":'"$holder", "$dir/output")" -eq "$locks" ]
	timed floor cat /proc/locks
	[ "$i" -ne $((runs / 2)) ] || {
		timed lslocks lslocks --noheadings 9>&-
		[ "$(wc -l <"$dir/output")" -ge "$locks" ]
	}
done
awk -v ours="$(median_us "$dir/kt-locks")" -v peer="$(median_us "$dir/lslocks")" -v floor="$(median_us "$dir/floor")" \
	-v locks="$locks" -v runs="$runs" 'BEGIN {
	printf "{\"type\":\"bench\",\"name\":\"kt-locks, %d locks / lslocks\",\"ratio\":%.5f,\"limit\":0.002,\"runs\":%d," \
		"\"tool_us\":%d,\"peer_us\":%d,\"proc_locks_us\":%d}\n", locks, ours / peer, runs, ours, peer, floor }'
