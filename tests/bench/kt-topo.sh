#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-topo against lscpu and lstopo, on one tree of 96 and one of 256 CPUs. The programs take turns, the
# median counts; what it costs bash to start a program (the time of true) is in all of them alike.
set -eu
runs=${1:-21}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
exec 3>"$dir/err" # opened once: to truncate a file takes longer than some of these programs

# median_us FILE
median_us() {
	sort -n "$1" | sed -n "$((runs / 2 + 1))p"
}

# timed NAME COMMAND... - adds its microseconds to $dir/NAME
timed() {
	local name=$1 t0 t1
	shift
	t0=$EPOCHREALTIME
	"$@" >/dev/null 2>&3 || {
		echo "$*: $(cat "$dir/err")" >&2
		exit 1
	}
	t1=$EPOCHREALTIME
	echo $((${t1/./} - ${t0/./})) >>"$dir/$name"
}

# ratio NAME PEER LIMIT - LIMIT null: nothing is promised
ratio() {
	awk -v name="$1" -v ours="$(median_us "$dir/kt-topo")" -v peer="$(median_us "$dir/$2")" \
		-v floor="$(median_us "$dir/true")" -v limit="$3" -v runs="$runs" 'BEGIN {
		printf "{\"type\":\"bench\",\"name\":\"%s\",\"ratio\":%.3f,\"limit\":%s,\"runs\":%d," \
			"\"tool_us\":%d,\"peer_us\":%d,\"true_us\":%d}\n", \
			name, ours / peer, limit, runs, ours, peer, floor }'
}

for shape in 8n16l3c2t 4n16l8c2t; do
	tests/mkfixture spec "$dir/m" "$shape" last
	n=$(kt-topo --root "$dir/m" | sed -n 's/.*"n_cpus":\([0-9]*\).*/\1/p')
	for ((i = 0; i < runs; i++)); do
		timed kt-topo kt-topo --root "$dir/m"
		timed lscpu lscpu -s "$dir/m" -p=CPU,CORE,SOCKET,NODE,CACHE
		[ -z "$(command -v lstopo-no-graphics)" ] || timed lstopo lstopo-no-graphics -i "$dir/m" --of console
		timed true "$(type -P true)"
	done
	ratio "kt-topo $n CPUs / lscpu -s" lscpu 0.5
	[ ! -e "$dir/lstopo" ] || ratio "kt-topo $n CPUs / lstopo -i" lstopo null
	rm -r "$dir"/{m,kt-topo,lscpu,true} && rm -f "$dir/lstopo"
done

for ((i = 0; i < runs; i++)); do
	timed kt-topo kt-topo --spec 1n1l1c1t --shape
	timed true "$(type -P true)"
done
ratio 'kt-topo start-up / true' true 3
