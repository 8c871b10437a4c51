#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What telemetry costs: kt-work against the same loops without it, in turns, by iterations per CPU time. The
# best of each counts: other load on the machine only takes away.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT

here=$(dirname "$0")
"${CC:-cc}" -O2 -D_GNU_SOURCE -I"$here/../../lib" -o "$d/bare" "$here/bare_work.c"
cpu=$(taskset -cp $$ | sed 's/.*[:,-] *//')

measured() { # TYPE COUNT
	kt-work run -t "$1" -c "$2" -d 0.1 --cpus "$cpu" |
		jq -s 'map(select(.type == "report")) | (map(.iterations) | add) / (map(.cpu_ns) | add)'
}

for pair in "CpuSpin 1 spin 0.99" "FutexPingPong 2 pingpong 0.95"; do
	# shellcheck disable=SC2086	# words
	set -- $pair
	: >"$d/rates"
	for _ in $(seq 30); do
		printf '%s %s\n' "$("$d/bare" "$3" 0.1 "$cpu")" "$(measured "$1" "$2")" >>"$d/rates"
	done
	jq -s -c --arg name "kt-work.$3" --argjson want "$4" '
		([.[range(0; length; 2)]] | max) as $bare | ([.[range(1; length; 2)]] | max) as $own |
		{type: "bench", name: $name, ratio: ($own / $bare * 10000 | round / 10000), want: ">= \($want)",
		 ok: ($own / $bare >= $want)}' "$d/rates"
done
