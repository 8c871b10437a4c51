#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-initramfs against cpio and zstd, which get the files ready in one directory. In turns; the median counts.
set -eu
runs=${1:-15}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export KTSTR_CACHE_DIR=$dir/cache

# The like of a guest's archive.
args=(--mkdir /proc)
for t in busybox jq bash kt-topo kt-host kt-work kt-play kt-check; do
	p=$(type -P "$t") && args+=("$p:/bin/")
done
mkdir "$dir/tree"
kt-initramfs --no-compress "${args[@]}" | (cd "$dir/tree" && cpio -idm --quiet)

ours() {
	kt-initramfs --level 3 "${args[@]}" >"$dir/ours.zst"
}

cached() {
	kt-initramfs --cache --level 3 "${args[@]}" >"$dir/path"
}

# shellcheck disable=SC2317	# called by timed
peer() {
	(cd "$dir/tree" && find . | LC_ALL=C sort | cpio -o -H newc --quiet | zstd -q -3) >"$dir/peer.zst"
}

# timed NAME - adds its microseconds to $dir/NAME
timed() {
	local t0 t1
	t0=$EPOCHREALTIME
	"$1"
	t1=$EPOCHREALTIME
	echo $((${t1/./} - ${t0/./})) >>"$dir/$1"
}

median_us() {
	sort -n "$dir/$1" | sed -n "$((runs / 2 + 1))p"
}

# A file that has just been written may change again unseen: the first archives are not trusted.
for _ in 1 2 3; do
	cached
done
for ((i = 0; i < runs; i++)); do
	timed ours
	timed cached
	timed peer
done
[ "$(zstd -dc "$dir/ours.zst" | wc -c)" -gt 4000000 ]
cmp "$dir/ours.zst" "$(cat "$dir/path")"
ratio() { # NAME WHAT LIMIT
	awk -v name="$1" -v ours="$(median_us "$2")" -v peer="$(median_us peer)" -v limit="$3" -v runs="$runs" 'BEGIN {
		printf "{\"type\":\"bench\",\"name\":\"%s\",\"ratio\":%.3f,\"limit\":%s,\"runs\":%d," \
			"\"tool_us\":%d,\"peer_us\":%d}\n", name, ours / peer, limit, runs, ours, peer }'
}
ratio 'kt-initramfs unchanged / cpio + zstd' cached 0.2
ratio 'kt-initramfs / cpio + zstd' ours null
