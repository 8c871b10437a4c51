#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm: machines that are booted once and continued. Each test has a cache of its own.
load lib.bash
load machines.bash

setup() {
	T=$BATS_TEST_TMPDIR
	KTSTR_KERNEL=$(kt-kernel path | jq -r 'select(.type == "kernel").path')
	export KTSTR_KERNEL KTSTR_CACHE_DIR=$T/cache KTSTR_TEST_MARK=mark.$BATS_TEST_NUMBER.$$.$RANDOM
	mkdir "$T/cache"
	unset KTSTR_COLD
}

# vm [OPTION...] -- CMD... - with the host's clock and nothing on stdin
vm() {
	kt-vm exec --accel tcg --clock real -n "$@"
}

# keys - of the templates that there are, and what lies about
keys() {
	ls "$T/cache/templates" 2>/dev/null
}

key() {
	kt-vm template list | jq -r 'select(.type == "template").key'
}

@test "the first run makes a template, the second one continues it, list and drop know it" {
	run -3 --separate-stderr vm --records -- sh -c 'exit 3'
	[ -z "$stderr" ]
	[ "$(jq -r 'select(.type == "meta").template' <<<"$output")" = "$(key)" ]
	tests/schema/validate.py --mutate --need kt-vm.meta,kt-vm.vm,kt-vm.end <<<"$output"
	run -0 --separate-stderr vm --records -- true
	jq -se --arg key "$(key)" '.[] | select(.type == "vm") | .template == $key and .kernel_ns == null and .ready_ns > .qemu_ns and
		.private_bytes < .memory_bytes / 2 and (.vcpus | length == 1)' <<<"$output"
	run -0 --separate-stderr kt-vm template list
	tests/schema/validate.py --mutate --need kt-vm.template <<<"$output"
	jq -se '.[] | select(.type == "template") | .usable and (.in_use | not) and .topology == "1n1l1c1t" and .clock == "real" and
		.bytes > 20000000 and .bytes < 200000000' <<<"$output"
	run -0 --separate-stderr kt-vm template make --accel tcg --clock real
	[[ $stderr == *"template $(key) was there already"* ]]
	run -1 --separate-stderr kt-vm template drop 0123
	[[ $stderr == *"no template '0123'"* ]]
	run -0 --separate-stderr kt-vm template drop "$(key)"
	tests/schema/validate.py --mutate --need kt-vm.dropped <<<"$output"
	[ -z "$(keys)" ]
}

@test "--cold and KTSTR_COLD neither use nor make one; what tells two machines apart is another one" {
	local n
	run -0 vm --cold --records -- true
	jq -se '.[] | select(.type == "vm") | .template == null and .kernel_ns > 0 and .init_ns > 0' <<<"$output"
	KTSTR_COLD=1 vm -- true
	[ -z "$(keys)" ]
	kt-vm template make --accel tcg --clock real -q >/dev/null
	vm --seed 7 -i jq -- jq -n 1
	vm -i shuf -- true
	[ "$(keys | wc -l)" -eq 1 ]
	n=1
	for o in '-m 400' '-t 1n1l2c1t' '--append ktstr.test=1' '--dmesg'; do
		# shellcheck disable=SC2086	# words
		vm $o -- true 2>/dev/null
		n=$((n + 1))
		[ "$(keys | wc -l)" -eq $n ]
	done
	kt-vm template drop --all >/dev/null
	[ -z "$(keys)" ]
}

@test "a template that does not restore is dropped, the run boots, and one line says so" {
	local damage k
	for damage in 'truncate -s 1000 state' 'dd if=/dev/zero of=state bs=1 seek=20 count=400 conv=notrunc status=none' \
		'truncate -s 1M ram0' 'fallocate -p -o 0 -l 64M ram0' 'rm ram0' 'echo >state'; do
		kt-vm template make --accel tcg --clock real -q >/dev/null
		k=$(key)
		(cd "$T/cache/templates/$k" && eval "$damage")
		run -5 --separate-stderr vm -- sh -c 'echo out; exit 5'
		[ "$output" = out ]
		[[ $stderr == *"template $k does not restore ("*'): dropped, booting' ]] || {
			echo "$damage: $stderr"
			return 1
		}
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		[ -z "$(keys)" ]
	done
	# What is no template at all is made again without a word.
	kt-vm template make --accel tcg --clock real -q >/dev/null
	for damage in 'rm metadata.json' 'echo "{" >metadata.json' 'sed -i s/boot_id/x/ metadata.json'; do
		(cd "$T/cache/templates/$(key)" && eval "$damage")
		run -0 --separate-stderr vm --records -- true
		[ -z "$stderr" ]
		[ "$(jq -r 'select(.type == "meta").template' <<<"$output")" = "$(key)" ]
	done
}

@test "two restores share no random number, no address and no id; the guest's clock is the host's" {
	local i
	for i in 1 2; do
		vm -- sh -c 'od -An -tx8 -N32 /dev/urandom; od -An -tx8 -N32 /dev/random; cat /proc/sys/kernel/random/uuid
			cat /proc/sys/kernel/random/boot_id /etc/machine-id; grep stack /proc/self/maps | cut -d- -f1' >"$T/$i"
		[ "$(wc -l <"$T/$i")" -ge 6 ]
	done
	[ -z "$(comm -12 <(tr -s ' ' '\n' <"$T/1" | sed '/^$/d' | sort) <(tr -s ' ' '\n' <"$T/2" | sed '/^$/d' | sort))" ]
	[ "$(keys | wc -l)" -eq 1 ]
	# Each ping's answer was written between its two stamps; the shortest round trip counts.
	cat >"$T/ping" <<-'END'
		import subprocess, sys, time
		p = subprocess.Popen(["kt-vm", "exec", "--accel", "tcg", "--clock", "real", "-i", sys.argv[1], "--", "pong"],
		    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		best = None
		for i in range(20):
		    a = time.time_ns()
		    p.stdin.write(b"x\n"); p.stdin.flush()
		    t = int(p.stdout.readline())
		    b = time.time_ns()
		    if best is None or b - a < best[0]:
		        best = (b - a, t - (a + b) // 2)
		p.stdin.close()
		print(best, p.wait())
		sys.exit(abs(best[1]) > 50e6 or p.returncode)
	END
	cat >"$T/pong.c" <<-'END'
		#include <stdio.h>
		#include <time.h>
		int main(void)
		{
			struct timespec t;
			char line[16];
			while (fgets(line, sizeof(line), stdin)) {
				clock_gettime(CLOCK_REALTIME, &t);
				printf("%lld%09ld\n", (long long)t.tv_sec, t.tv_nsec);
				fflush(stdout);
			}
			return 0;
		}
	END
	gcc -O -o "$T/pong" "$T/pong.c"
	python3 "$T/ping" "$T/pong"
}

@test "twenty at once from one template are all right; with none yet, one makes it and the others wait" {
	local i pids=()
	for i in $(seq 3); do
		vm --records -- sh -c "echo $i" >"$T/first.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(keys | wc -l)" -eq 1 ]
	[ "$(jq -r 'select(.type == "meta").template' "$T"/first.* | sort -u)" = "$(key)" ]
	pids=()
	for i in $(seq 20); do
		vm -- sh -c "seq $i 20000; exit $i" >"$T/out.$i" 3>&- &
		pids+=($!)
	done
	for i in $(seq 20); do
		rc=0
		wait "${pids[i - 1]}" || rc=$?
		[ $rc -eq "$i" ]
		seq "$i" 20000 | cmp - "$T/out.$i"
	done
}

@test "the watchdog that the kernel has on each CPU lets a continued machine be for three seconds" {
	run -0 --separate-stderr vm --clock virtual -t 1n2l2c1t -- cat /proc/timer_list
	awk '/watchdog_timer_fn/ { n++; getline; if (!match($0, /in [0-9]+/) || substr($0, RSTART + 3) + 0 < 3e9) bad = 1 }
		END { exit !(n == 4 && !bad) }' <<<"$output"
}

@test "200 runs with random kills of kt-vm and QEMU leave nothing, spoil nothing" {
	local seed=${KTSTR_TEST_SEED:-$RANDOM} i n p rc right=0 killed=0
	echo "# seed $seed (KTSTR_TEST_SEED)" >&3
	RANDOM=$seed
	kt-vm template make --accel tcg --clock real -q >/dev/null
	find "$T/cache" | sort >"$T/before"
	for n in $(seq 50); do
		pids=()
		for i in 1 2 3 4; do
			vm -- sh -c 'seq 1 3000; exit 7' >"$T/out.$i" 2>/dev/null 3>&- &
			pids+=($!)
		done
		sleep "0.$((RANDOM % 8))"
		case $((RANDOM % 3)) in
		0) kill -KILL "${pids[RANDOM % 4]}" 2>/dev/null || true ;;
		1) kill -TERM "${pids[RANDOM % 4]}" 2>/dev/null || true ;;
		2)
			p=$(grep -lsaF "$KTSTR_TEST_MARK" /proc/[0-9]*/environ | while read -r f; do
				grep -qsa '^[^ ]*qemu' "${f%environ}cmdline" && echo "${f//[^0-9]/}"
			done | head -1)
			[ -z "$p" ] || kill -KILL "$p" 2>/dev/null || true
			;;
		esac
		for i in 1 2 3 4; do
			rc=0
			wait "${pids[i - 1]}" || rc=$?
			if [ $rc -eq 7 ]; then
				seq 1 3000 | cmp - "$T/out.$i"
				right=$((right + 1))
			else
				[ $rc -eq 137 ] || [ $rc -eq 143 ] || [ $rc -eq 125 ]
				killed=$((killed + 1))
			fi
		done
	done
	echo "# $right right, $killed killed" >&3
	[ $right -ge 140 ]
	[ $killed -ge 5 ]
	none_left
	find "$T/cache" | sort >"$T/after"
	diff "$T/before" "$T/after"
	run -0 --separate-stderr vm --records -- true
	[ -z "$stderr" ]
	[ "$(jq -r 'select(.type == "meta").template' <<<"$output")" = "$(key)" ]
}

@test "one that is in use is not dropped, and who uses it is named; one being made dies with its maker" {
	local vm i
	mkfifo "$T/in" "$T/out"
	kt-vm exec --accel tcg --clock real -- cat <"$T/in" >"$T/out" 2>/dev/null 3>&- &
	vm=$!
	exec 8>"$T/in" 9<"$T/out"
	echo x >&8
	read -r i <&9
	run -1 --separate-stderr kt-vm template drop "$(key)"
	[[ $stderr == *"template $(key) is in use by "*"kt-vm exec"* ]]
	jq -se '.[] | select(.type == "template").in_use' <<<"$(kt-vm template list)"
	# To keep less than one of them is to keep those that are used.
	kt-vm template make --accel tcg --clock real -m 400 --max-templates 1 -q >/dev/null
	[ "$(keys | wc -l)" -eq 2 ]
	exec 8>&-
	wait $vm
	vm -m 500 --max-templates 1 -- true
	[ "$(keys | wc -l)" -eq 1 ]
	kt-vm template drop --all >/dev/null
	kt-vm template make --accel tcg --clock real >/dev/null 3>&- &
	vm=$!
	for i in $(seq 100); do
		[ -z "$(keys)" ] || break
		sleep 0.05
	done
	[[ $(keys) == *.new ]]
	kill -KILL $vm
	wait $vm || true
	none_left
	jq -se '.[] | select(.type == "template").usable | not' <<<"$(kt-vm template list)"
	run -0 --separate-stderr vm -- true
	[ -z "$stderr" ]
	[ "$(keys)" = "$(key)" ]
}

@test "in virtual time runs of one plan and seed are the same to the byte: alone, four at once, beside hogs, from a new template" {
	local hogs=() pids=() i
	cat >"$T/work" <<-'END'
		for w in 1 2 3 4; do
			(for i in 1 2 3 4 5; do k=0; while [ $k -lt 300 ]; do k=$((k + 1)); done; sleep 0.01; done
			echo $w $(cut -d' ' -f1 /proc/uptime); cat /proc/self/schedstat) &
		done
		wait
		cat /proc/stat /proc/schedstat /proc/interrupts /etc/machine-id
		od -An -tx8 -N32 /dev/urandom
		date +%s.%N
		dmesg
	END
	one() {
		echo "some input" | kt-vm exec --accel tcg -t 1n2l2c1t --console "$T/console.$1" -i "$T/work" --seed "${2-7}" -- \
			sh work >"$T/out.$1"
		cat "$T/console.$1" >>"$T/out.$1"
	}
	one 1
	for i in 2 3 4 5; do
		one $i 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	for i in 1 2 3; do
		sh -c 'while :; do :; done' 3>&- &
		hogs+=($!)
	done
	one 6 || true
	one 7 || true
	kill "${hogs[@]}"
	one 8
	kt-vm template drop --all >/dev/null
	one 9
	[ "$(sha256sum "$T"/out.[1-9] | cut -d' ' -f1 | sort | uniq -c | wc -l)" -eq 1 ] || {
		sha256sum "$T"/out.[1-9]
		return 1
	}
	one 10 8
	run -1 cmp -s "$T/out.1" "$T/out.10"
}
