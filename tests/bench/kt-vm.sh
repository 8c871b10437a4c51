#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm exec --cold, boot to end, with our own kernel (built when the cache lacks it) against the distribution's; and
# against a QEMU line written by hand, with the same kernel, archive, machine and clock: the line's guest powers off
# as soon as its init runs. Runs alternate; the ratio is of the medians.
set -u
runs=${KTSTR_BENCH_RUNS:-5}
topology=1n1l4c1t
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
kernel=$(kt-kernel build --package linux-source-6.12 | jq -r 'select(.type == "kernel").path') || exit 1
prebuilt=$(kt-kernel get | jq -r 'select(.type == "kernel").path') || exit 1
[ -n "$kernel" ] && [ -n "$prebuilt" ] || exit 1
mkdir "$dir/r" "$dir/r/bin" "$dir/r/dev"
cp "$KTSTR_BUILD/libexec/ktstr/kt-init" "$dir/r/init"
cp "$(command -v busybox)" "$dir/r/bin/busybox"
(cd "$dir/r" && find . | cpio -o -H newc 2>/dev/null | zstd -q -3) >"$dir/a.zst"

# The same archive, and behind it an init for the line: a script that powers off at once.
mkdir "$dir/l"
printf '#!/bin/busybox sh\n/bin/busybox poweroff -f\n' >"$dir/l/line"
chmod +x "$dir/l/line"
cp "$dir/a.zst" "$dir/b"
(cd "$dir/l" && find . | cpio -o -H newc 2>/dev/null | zstd -q -3) >>"$dir/b"

now() { date +%s%N; }
median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }

for _ in $(seq "$runs"); do
	for k in "$prebuilt" "$kernel"; do
		t=$(now)
		kt-vm exec --cold --accel tcg -n -t 1n2l2c1t -k "$k" -- true || exit 1
		echo $(($(now) - t)) >>"$dir/boot.$([ "$k" = "$kernel" ] && echo own || echo prebuilt)"
	done
done
jq -nc --argjson own "$(median <"$dir/boot.own")" --argjson prebuilt "$(median <"$dir/boot.prebuilt")" --argjson runs "$runs" \
	'{type: "bench", name: "kt-vm exec true, our own kernel", ratio: ($own / $prebuilt * 1000 | round / 1000), limit: 0.6,
	ns: $own, peer: "the same with the distribution\u0027s kernel", peer_ns: $prebuilt, runs: $runs}'

for clock in real virtual; do
	if [ $clock = real ]; then
		machine="-accel tcg,thread=multi"
		pin=
	else
		machine="-accel tcg,thread=single -icount shift=2,align=off,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm"
		pin="taskset -c $(taskset -cp $$ | sed 's/.*[:, -] *//')"
	fi
	for _ in $(seq "$runs"); do
		t=$(now)
		# shellcheck disable=SC2086	# words
		$pin qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -M q35,hpet=off $machine \
			-cpu max,-rdrand,-rdseed,-erms,-fsrm,vendor=GenuineIntel -smp 4,sockets=1,cores=4 -m 512 -kernel "$kernel" \
			-initrd "$dir/b" -serial file:"$dir/console" -append "console=ttyS0 panic=-1 loglevel=5 nokaslr mitigations=off \
			no_timer_check random.trust_cpu=off tsc=reliable clocksource=tsc rdinit=/line" || exit 1
		echo $(($(now) - t)) >>"$dir/line.$clock"
		grep -q 'Power down' "$dir/console" || exit 1
		t=$(now)
		kt-vm exec --accel tcg --clock $clock -n -t $topology -m 512 -k "$kernel" --initramfs "$dir/a.zst" -- \
			/bin/busybox true || exit 1
		echo $(($(now) - t)) >>"$dir/exec.$clock"
	done
	line=$(median <"$dir/line.$clock")
	exec=$(median <"$dir/exec.$clock")
	jq -nc --arg name "kt-vm exec, cold, $clock clock" --argjson line "$line" --argjson exec "$exec" --argjson runs "$runs" \
		'{type: "bench", name: $name, ratio: ($exec / $line * 1000 | round / 1000), limit: 1.15, ns: $exec,
		peer: "qemu-system-x86_64", peer_ns: $line, runs: $runs}'
done
