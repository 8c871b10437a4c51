#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel build. What is in the cache: against asking the tools of the key for their versions, which it cannot
# do without. What is not: against plain make of the same tree with the same configuration and jobs; the tree is
# the stand-in of the tests, or with KTSTR_BENCH_KERNEL=1 the distribution's (linux-source-* in /usr/src); then
# cpu_ratio is that of the processor time, which tells more on a machine that others use too.
# Runs alternate; the ratio is of the medians.
set -u
runs=${KTSTR_BENCH_RUNS:-5}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export KTSTR_CACHE_DIR=$dir/cache
unset ARCH LLVM CROSS_COMPILE CC LD PAHOLE KCFLAGS KTSTR_CPU_CAP MAKEFLAGS

now() { date +%s%N; }
spent() { awk '{ print $16 + $17 }' /proc/$$/stat; } # ticks of all that has been waited for
median() { sort -n | sed -n "$((($1 + 1) / 2))p"; }
say() { # NAME NS PEER PEER_NS RUNS LIMIT [CPU_RATIO]
	jq -nc --arg name "$1" --argjson ns "$2" --arg peer "$3" --argjson peer_ns "$4" --argjson runs "$5" --argjson limit "$6" \
		--argjson cpu_ratio "${7:-null}" '{type: "bench", name: $name, ratio: ($ns / $peer_ns * 1000 | round / 1000),
		limit: $limit, ns: $ns, peer: $peer, peer_ns: $peer_ns, runs: $runs, cpu_ratio: $cpu_ratio}'
}

mkdir "$dir/tree"
cp -a tests/standin-tree/. "$dir/tree"
printf '/.config*\n/vmlinux\n/System.map\n/include/kernel.release\n/arch/\n' >"$dir/tree/.gitignore"
git -C "$dir/tree" init -q
git -C "$dir/tree" add -A
git -C "$dir/tree" -c user.name=N -c user.email=n@example.org commit -q -m one || exit 1

# ---- a kernel of a release that is in the cache
kt-kernel build -q --source "$dir/tree" >"$dir/out" || exit 1
key=$(jq -r 'select(.type == "kernel").key' "$dir/out")
# The key of a release is that of its version and the fragment: the entry gets that name.
hash=$(sha256sum <kt-kernel/ktstr.config | cut -c1-8)
hit=6.12.1-tarball-$(uname -m)-c$hash-t${key##*-t}
mv "$KTSTR_CACHE_DIR/kernels/$key" "$KTSTR_CACHE_DIR/kernels/$hit"
for _ in $(seq 20); do
	t=$(now)
	sh -c 'gcc --version; ld --version; pahole --version' >/dev/null || exit 1
	echo $(($(now) - t)) >>"$dir/ask"
	t=$(now)
	kt-kernel build 6.12.1 >"$dir/out" || exit 1
	echo $(($(now) - t)) >>"$dir/hit"
	grep -q 'it is in the cache' "$dir/out" || exit 1
done
say 'kt-kernel build, in the cache' "$(median 20 <"$dir/hit")" 'gcc, ld and pahole --version' "$(median 20 <"$dir/ask")" 20 null

# ---- one that has to be made
jobs=$(nproc)
tree=$dir/tree name='stand-in tree' limit=null
if [ "${KTSTR_BENCH_KERNEL-}" = 1 ]; then
	archive=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -n 1)
	[ -n "$archive" ] || {
		echo "no linux-source-*.tar.xz in /usr/src" >&2
		exit 1
	}
	mkdir "$dir/linux"
	tar -xf "$archive" -C "$dir/linux" --strip-components=1 || exit 1
	tree=$dir/linux name=$(basename "$archive" .tar.xz) runs=1 limit=1.05
fi
kt-kernel build --print-config >"$dir/wanted"
plain() {
	make -s -C "$tree" KCONFIG_ALLCONFIG="$dir/wanted" allnoconfig && make -j"$jobs" -C "$tree" bzImage
}
plain_cpu=0 build_cpu=0
for _ in $(seq "$runs"); do
	make -s -C "$tree" mrproper || exit 1
	t=$(now) c=$(spent)
	plain >"$dir/log" 2>&1 </dev/null || {
		tail "$dir/log"
		exit 1
	}
	echo $(($(now) - t)) >>"$dir/plain"
	plain_cpu=$((plain_cpu + $(spent) - c))
	make -s -C "$tree" mrproper || exit 1
	t=$(now) c=$(spent)
	kt-kernel build -q --force --jobs "$jobs" --source "$tree" >/dev/null || exit 1
	echo $(($(now) - t)) >>"$dir/build"
	build_cpu=$((build_cpu + $(spent) - c))
done
say "kt-kernel build, $name" "$(median "$runs" <"$dir/build")" 'make allnoconfig bzImage' "$(median "$runs" <"$dir/plain")" "$runs" "$limit" \
	"$(jq -n "$build_cpu / $plain_cpu * 1000 | round / 1000")"
