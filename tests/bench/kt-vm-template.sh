#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm exec from a template against the same machine booted, with our own kernel; what an included file of 60 MB
# costs it; what one more machine of the same template takes in memory; virtme-ng, where it is installed. Runs
# alternate; ratios are of the medians.
set -u
runs=${KTSTR_BENCH_RUNS:-5}
dir=$(mktemp -d) || exit 1
pids=()
stop() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap stop EXIT
kernel=$(kt-kernel build --package linux-source-6.12 | jq -r 'select(.type == "kernel").path') || exit 1
[ -n "$kernel" ] || exit 1

now() { date +%s%N; }
median() { sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"; }

# timed NAME COMMAND... - adds its nanoseconds to $dir/NAME
timed() {
	local name=$1 t
	shift
	t=$(now)
	"$@" </dev/null >/dev/null || exit 1
	echo $(($(now) - t)) >>"$dir/$name"
}

# figure NAME OURS PEER LIMIT PEER-NAME
figure() {
	jq -nc --arg name "$1" --argjson a "$(median "$dir/$2")" --argjson b "$(median "$dir/$3")" --argjson limit "$4" \
		--arg peer "$5" --argjson runs "$(wc -l <"$dir/$2")" \
		'{type: "bench", name: $name, ratio: ($a / $b * 1000 | round / 1000), limit: $limit, ns: $a, peer: $peer, peer_ns: $b, runs: $runs}'
}

# compare CPUS TOPOLOGY CLOCK RUNS LIMIT
compare() {
	local vm=(kt-vm exec --accel tcg --clock "$3" -k "$kernel" -t "$2" -n)
	"${vm[@]}" -- true || exit 1 # makes the template
	for _ in $(seq "$4"); do
		timed "cold.$1.$3" "${vm[@]}" --cold -- true
		for _ in 1 2 3 4 5; do
			timed "warm.$1.$3" "${vm[@]}" -- true
		done
	done
	figure "kt-vm exec, template, $1 vCPUs, $3 clock" "warm.$1.$3" "cold.$1.$3" "$5" 'kt-vm exec --cold'
}
compare 4 1n1l4c1t real "$runs" 0.2
compare 4 1n1l4c1t virtual "$runs" 0.2
compare 32 1n4l8c1t real 4 0.05
compare 32 1n4l8c1t virtual 2 0.05

# A scheduler that was just built: another file each time, so that nothing of it is kept.
for i in $(seq "$runs"); do
	head -c 60000000 /dev/urandom >"$dir/big"
	timed include kt-vm exec --accel tcg -k "$kernel" -t 1n1l4c1t -n -i "$dir/big" -- true
done
figure 'kt-vm exec, template, 4 vCPUs, 60 MB included anew' include cold.4.virtual null 'kt-vm exec --cold without it'

# The private memory of each of eight machines that idle beside each other, against the guest's memory.
for i in $(seq 8); do
	kt-vm exec --accel tcg --clock real --records -k "$kernel" -t 1n1l4c1t -n -- sleep 20 >"$dir/vm.$i" &
	pids+=($!)
done
wait "${pids[@]}"
pids=()
cat "$dir"/vm.* | jq -sc '[.[] | select(.type == "vm")] | {type: "bench", name: "kt-vm, private memory of each of eight machines / guest memory",
	ratio: (([.[].private_bytes] | add / length) / .[0].memory_bytes * 1000 | round / 1000), limit: null,
	private_bytes: ([.[].private_bytes] | add / length | floor), guest_bytes: .[0].memory_bytes, runs: length}'

# Its guest has this machine's files as its root, by 9p or virtiofs, for which our kernel has no driver.
why=
if ! command -v vng >/dev/null; then
	why='vng is not installed'
elif ! vng --run "$kernel" --disable-kvm --cpus 4 -- true </dev/null >/dev/null 2>&1; then
	why='vng does not boot this kernel, which has neither 9p nor virtiofs'
fi
if [ -n "$why" ]; then
	jq -nc --arg why "$why" '{type: "bench", name: "kt-vm exec, template / virtme-ng", ratio: null, why: $why}'
	exit
fi
for _ in $(seq "$runs"); do
	timed vng vng --run "$kernel" --disable-kvm --cpus 4 -- true
done
figure 'kt-vm exec, template, 4 vCPUs, real clock / virtme-ng' warm.4.real vng null 'vng --disable-kvm'
