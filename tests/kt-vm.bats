#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm exec: what goes in and out of a guest, how it ends, and that nothing is left.
load lib.bash
load machines.bash

setup() {
	T=$BATS_TEST_TMPDIR
	# A word in the environment that QEMU inherits, by which a test finds its own machines.
	export KTSTR_TEST_MARK=mark.$BATS_TEST_NUMBER.$$.$RANDOM
}

# vm [OPTION...] -- CMD... - with the host's clock, which boots faster, and nothing on stdin
vm() {
	kt-vm exec --clock real -n "$@"
}

# wait_for FILE TEXT - until FILE has the text, at most a minute
wait_for() {
	local i
	for i in $(seq 600); do
		! grep -qF "$2" "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "no '$2' in $1"
	return 1
}

# sockets - paths of all sockets that have one
sockets() {
	awk '$8 ~ /^\// { print $8 }' /proc/net/unix | sort -u
}

@test "a wrong command line is status 125 with nothing on stdout" {
	local args
	for args in '' 'exec' 'shall -- true' 'exec --nosuch -- true' 'exec -t 2n3l1c1t -- true' 'exec -t 1n1l0c1t -- true' \
		'exec -m 1 -- true' 'exec --clock never -- true' 'exec --accel xen -- true' 'exec --seed -1 -- true' \
		'exec --timeout 0 -- true' 'exec --clock virtual --accel kvm -- true' 'exec -t 1n1l300c1t -- true'; do
		# shellcheck disable=SC2086	# words
		run -125 --separate-stderr kt-vm $args
		[ -z "$output" ]
		[ -n "$stderr" ] || {
			echo "nothing said about: $args"
			return 1
		}
	done
	run -0 kt-vm --help
	[[ $output == Usage:* ]]
	run -0 kt-vm -V
	[[ $output == 'kt-vm '* ]]
}

@test "status, stdout and stderr of the command are its own; its surroundings are always the same" {
	kt-vm exec --clock real -n -- true # may say that KVM is of no use here, which is said once
	run -37 --separate-stderr env FOO=bar kt-vm exec --clock real -n -- sh -c \
		'echo out; echo err >&2; pwd; echo $PATH; env | grep -c FOO; cat; exit 37'
	[ "$output" = "out
/include-files
/include-files:/usr/libexec/ktstr:/bin:/sbin:/usr/bin:/usr/sbin
0" ]
	echo "stderr: $stderr"
	[ "$stderr" = err ]
}

@test "the firmware is qboot under TCG, and QEMU's default where that is not beside it" {
	local qemu
	qemu=$(command -v qemu-system-x86_64)
	[ -e "${qemu%/*}/../share/qemu/qboot.rom" ] || skip "this QEMU has no qboot.rom"
	kt-vm exec --accel tcg --plan-only >"$T/plan"
	grep -q '"-bios","qboot.rom"' "$T/plan"
	printf '#!/bin/sh\nexec %s "$@"\n' "$qemu" >"$T/qemu"
	chmod +x "$T/qemu"
	export KTSTR_QEMU=$T/qemu
	kt-vm exec --accel tcg --plan-only >"$T/plan"
	run ! grep -q qboot "$T/plan"
	run -3 vm --accel tcg --cold -- sh -c 'exit 3'
}

@test "QEMU's heap is one, in huge pages, unless the caller has set that" {
	cat >"$T/qemu" <<-END
		#!/bin/sh
		[ "\$1" = -nodefaults ] || exec $(command -v qemu-system-x86_64) "\$@"
		echo "\$GLIBC_TUNABLES \$MALLOC_ARENA_MAX" >>"$T/env"
		exit 1
	END
	chmod +x "$T/qemu"
	export KTSTR_QEMU=$T/qemu
	run -125 env -u GLIBC_TUNABLES -u MALLOC_ARENA_MAX kt-vm exec --accel tcg --cold -n -- true
	run -125 env GLIBC_TUNABLES=glibc.malloc.tcache_count=3 MALLOC_ARENA_MAX=2 kt-vm exec --accel tcg --cold -n -- true
	[ "$(sort -u "$T/env")" = $'glibc.malloc.hugetlb=1 1\nglibc.malloc.tcache_count=3 2' ]
}

@test "what is not there is 127 with a hint, what cannot run 126, a signal 128 and its number" {
	run -127 --separate-stderr vm -- nosuch
	[[ $stderr == *"'nosuch' is not in the guest: give it with -i nosuch"* ]]
	run -126 --separate-stderr vm -- /bin
	[[ $stderr == *"'/bin' cannot be executed in the guest: Permission denied"* ]]
	run -137 --separate-stderr vm -- sh -c 'kill -9 $$'
	[[ $stderr == *'killed by SIGKILL in the guest'* ]]
}

@test "10 MB of stdin and 7 MB of stdout arrive whole, with a slow reader, stderr flowing, and an end right after" {
	local clock n
	head -c 10000000 /dev/urandom >"$T/in"
	for clock in real virtual; do
		kt-vm exec --clock $clock -- sh -c \
			'sha256sum; (for i in $(seq 200); do echo "line $i" >&2; sleep 0.01; done) & seq 1 1000000; wait' \
			<"$T/in" 2>"$T/err" |
			(
				sleep 7
				while [ "$(dd bs=65536 count=8 status=none iflag=fullblock | tee -a "$T/out.$clock" | wc -c)" -gt 0 ]; do
					sleep 0.02
				done
			)
		[ "$(head -1 "$T/out.$clock")" = "$(sha256sum <"$T/in")" ]
		[ "$(sed 1d "$T/out.$clock" | sha256sum)" = "$(seq 1 1000000 | sha256sum)" ]
		diff <(seq 200 | sed 's/^/line /') "$T/err"
	done
}

@test "INT reaches the command, which may end as it likes" {
	local vm rc
	kt-vm exec --clock real -n -- sh -c 'trap "exit 42" INT; echo ready; while :; do sleep 0.1; done' >"$T/out" 3>&- &
	vm=$!
	wait_for "$T/out" ready
	kill -INT $vm
	rc=0
	wait $vm || rc=$?
	[ $rc -eq 42 ]
	none_left
}

@test "a command that takes no notice of TERM ends with the second signal" {
	local vm rc
	kt-vm exec --clock real -n -- sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done' \
		>"$T/out" 2>"$T/err" 3>&- &
	vm=$!
	wait_for "$T/out" ready
	kill -TERM $vm
	sleep 0.5
	kill -0 $vm
	kill -TERM $vm
	rc=0
	wait $vm || rc=$?
	[ $rc -eq 143 ]
	grep -q 'ended by SIGTERM' "$T/err"
	none_left
}

@test "50 kills at random moments leave no QEMU, no socket, no file" {
	local seed=${KTSTR_TEST_SEED:-$RANDOM} round i sig clock pids before
	echo "# seed $seed (KTSTR_TEST_SEED)" >&3
	RANDOM=$seed
	mkdir "$T/tmp"
	vm -k /etc/passwd -- true 2>/dev/null || true # the archive is made, for which there is a temporary file
	before=$(sockets)
	for round in $(seq 10); do
		pids=()
		for i in $(seq 5); do
			clock=real
			[ $((RANDOM % 2)) = 0 ] || clock=virtual
			TMPDIR=$T/tmp kt-vm exec --clock $clock -- \
				sh -c 'echo; sleep 1; seq 1 1000000; sleep 60' </dev/null >/dev/null 2>&1 3>&- &
			pids+=($!)
		done
		for i in "${pids[@]}"; do
			case $((RANDOM % 3)) in 0) sig=INT ;; 1) sig=TERM ;; *) sig=KILL ;; esac
			sleep "$((RANDOM % 2)).$((RANDOM % 10))"
			kill -$sig "$i"
			# The first INT or TERM is for the command, when there is one; the second is for us.
			[ $sig = KILL ] || kill -$sig "$i" 2>/dev/null || true
		done
		for i in "${pids[@]}"; do
			wait "$i" || true
		done
	done
	none_left
	[ -z "$(ls -A "$T/tmp")" ]
	run -1 grep -i -e ktstr -e qemu < <(comm -13 <(echo "$before") <(sockets))
}

@test "a reader who leaves, or a full disk, ends the guest" {
	local rc=0
	vm -- sh -c 'while :; do echo x; done' 2>"$T/err" >/dev/full || rc=$?
	[ $rc -eq 125 ]
	grep -q 'write standard output: No space left on device' "$T/err"
	vm -- sh -c 'while :; do echo x; done' 2>"$T/err" | head -1 >"$T/out"
	[ "$(cat "$T/out")" = x ]
	grep -q 'write standard output: Broken pipe' "$T/err"
	# One that says nothing is ended too.
	vm -- sleep 1000 2>"$T/err" | true
	none_left
}

@test "it works without a terminal and with its standard descriptors closed" {
	run -7 setsid --wait kt-vm exec --clock real -- sh -c 'exit 7' <&-
	run -0 setsid --wait sh -c 'kt-vm exec --clock real -- sh -c "echo lost" <&- >&- 2>&-'
}

@test "a kernel panic is 125, its outcome and the console's tail are told" {
	run -125 --separate-stderr vm --records -- sh -c 'echo before; echo c >/proc/sysrq-trigger'
	[[ $stderr == *'kt-vm: panic: kernel panic: sysrq triggered crash'*'--- console ---'*sysrq_handle_crash* ]]
	[ "$(jq -r 'select(.type == "text").text' <<<"$output")" = before ]
	jq -e 'select(.type == "end") | .outcome == "panic" and .exit == 125 and (.console_tail | length) > 5 and
		(.reason | startswith("kernel panic: "))' <<<"$output"
	tests/schema/validate.py --mutate --need kt-vm.end <<<"$output"
}

@test "a machine that goes on has a process executed beside its first steps, if it has another CPU to translate that" {
	# Page faults of children that PID 1 has reaped; processes that are kt-init.
	faults() { vm "$@" -- sh -c 'sleep 0.5; cut -d" " -f11 /proc/1/stat; ps -o comm | grep -cx init'; }
	local boot one virtual goes
	unset KTSTR_COLD
	mapfile -t boot < <(faults -t 1n1l2c1t --cold)
	mapfile -t one < <(faults -t 1n1l1c1t)
	mapfile -t virtual < <(faults -t 1n1l2c1t --clock virtual)
	mapfile -t goes < <(faults -t 1n1l2c1t)
	[ "${boot[1]} ${one[1]} ${virtual[1]} ${goes[1]}" = '1 1 1 1' ]
	[ "${goes[0]}" -ge $((boot[0] + 8)) ]
	[ "${one[0]}" -lt $((boot[0] + 8)) ]
	[ "${virtual[0]}" -lt $((boot[0] + 8)) ]
}

@test "a guest that is reset behind our back is a panic without a message; an oops is noted" {
	run -125 --separate-stderr vm --records -- sh -c 'reboot -f; sleep 60'
	jq -e 'select(.type == "end") | .outcome == "panic" and (.reason | test("reset or powered off"))' <<<"$output"
	run -0 --separate-stderr vm --records -- sh -c 'echo "<0>Oops: 0002 [#1] SMP" >/dev/kmsg; sleep 0.1'
	jq -e 'select(.type == "end") | .outcome == "ok" and .oops' <<<"$output"
	[[ $stderr == *'reported an oops'* ]]
}

@test "a hung guest is told by the ticks that stay away, and what each of its CPUs was doing" {
	run -124 --separate-stderr vm --records -t 1n1l2c1t -i chrt --timeout 5m -- sh -c 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us
		for c in 0 1; do taskset -c $c chrt -f 99 sh -c "while :; do :; done" & done; sleep 1000'
	jq -e 'select(.type == "end") | .outcome == "timeout" and
		(.reason | test("^no-tick: .* for [0-9]+ s: CPU 0 \\(sh\\) .*, CPU 1 \\(sh\\) "))' <<<"$output"
	[[ $stderr == *'timeout: no-tick'* ]]
	none_left
}

@test "a QEMU that stands still is told by what its threads do" {
	local pid rc=0
	kt-vm exec --accel tcg --clock virtual -n -t 1n1l1c1t -- sh -c 'echo go; while :; do :; done' >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	wait_for "$T/out" go
	kill -STOP "$(pgrep -P $pid qemu-system)"
	wait $pid || rc=$?
	[ $rc -eq 124 ]
	grep -q 'timeout: no-tick: .*, nor an answer to an NMI; QEMU: .*TCG T [0-9]* s' "$T/err"
	none_left
}

# A thread that is pinned has little of its CPU when its session has many others (sched_autogroup(7)), and looks idle.
@test "a QEMU that gets no CPU for longer than a silent one may live is waited for" {
	local pid qemu t hogs=() i
	kt-vm exec --accel tcg --clock virtual -n -t 1n1l1c1t -- \
		sh -c 'echo go; i=0; while [ $i -lt 400000 ]; do i=$((i + 1)); done; echo done' >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	wait_for "$T/out" go
	qemu=$(pgrep -P $pid qemu-system)
	for i in 1 2 3 4; do
		timeout 120 taskset -c "$(taskset -cp "$qemu" | sed 's/.*: //')" sh -c 'while :; do :; done' 3>&- &
		hogs+=($!)
	done
	for t in "/proc/$qemu/task/"*; do
		chrt -i -p 0 "${t##*/}"
	done
	sleep 45
	kill -0 "$qemu"
	[ "$(cat "$T/out")" = go ]
	kill "${hogs[@]}"
	for t in "/proc/$qemu/task/"*; do
		chrt -o -p 0 "${t##*/}"
	done
	wait $pid
	[ "$(tail -1 "$T/out")" = "done" ]
	none_left
}

# One that is only starved comes back by itself; what is seen here is that it was asked, and that it is told.
@test "a guest that is silent for long in virtual time is nudged, and that is told" {
	run -0 --separate-stderr vm --records --clock virtual -t 1n1l1c1t -i chrt --timeout 10m -- \
		sh -c 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us
			chrt -f 99 sh -c "i=0; while [ \$i -lt 900000 ]; do i=\$((i + 1)); done"; echo done'
	[ "$(jq -r 'select(.type == "text").text' <<<"$output")" = "done" ]
	[ "$(jq 'select(.type == "vm") | .nudges >= 1' <<<"$output")" = true ]
	[[ $stderr == *'stopped for a moment: another run may differ (QEMU '* ]]
	tests/schema/validate.py --need kt-vm.vm <<<"$output"
	none_left
}

@test "--timeout is 124" {
	run -124 --separate-stderr vm --records --timeout 6s -- sleep 1000
	jq -e 'select(.type == "end") | .outcome == "timeout" and .exit == 124' <<<"$output"
	[[ $stderr == *'did not end within 6s'* ]]
	none_left
}

@test "what does not boot is boot-fail and 125: no kernel, half a kernel, no init, too slow, too small" {
	local kernel
	kernel=$(kt-kernel path | jq -r 'select(.type == "kernel").path')
	run -125 --separate-stderr vm --records -k /etc/passwd -- true
	jq -e 'select(.type == "end") | .outcome == "boot-fail" and (.reason | test("no kernel"))' <<<"$output"
	run -125 --separate-stderr vm -k "$T/nosuch" -- true
	[[ $stderr == *'No such file'* ]]
	head -c 4000000 "$kernel" >"$T/half"
	run -125 --separate-stderr vm --records --boot-timeout 8 -k "$T/half" -- true
	jq -e 'select(.type == "end") | .outcome == "boot-fail"' <<<"$output"
	run -125 --separate-stderr vm --records --append 'rdinit=/nosuch loglevel=7' -- true
	jq -e 'select(.type == "end") | .outcome == "boot-fail" and (.reason | test("Unable to mount root fs")) and
		(.console_tail | length == 40)' <<<"$output"
	run -125 --separate-stderr vm --records --boot-timeout 1 -t 1n1l16c1t -- true
	jq -e 'select(.type == "end") | .outcome == "boot-fail" and (.reason | test("not ready after"))' <<<"$output"
	head -c 70000000 /dev/urandom >"$T/big"
	run -125 --separate-stderr vm -m 100 -i "$T/big" -- true
	[[ $stderr == *'does not fit into 100 MiB of memory'* ]]
	# Here the guest finds out, whose root may have half of the memory.
	run -125 --separate-stderr vm --records -m 230 --append rootfstype=tmpfs -i "$T/big" -i "$T/big:/big2" -- true
	jq -e 'select(.type == "end") | .outcome == "boot-fail" and (.reason | test("No space left on device"))' <<<"$output"
	none_left
}

@test "records: the command's lines pass as records or become text, samples among them" {
	local rc=0
	vm --records -t 1n2l1c1t -- sh -c 'printf "one\n{\"type\":\"x\",\"a\":1}\n{\"type\":\"y\"\n\n\001\377\n"
		sleep 1; head -c 300000 /dev/zero | tr "\0" z; exit 5' >"$T/out" || rc=$?
	[ $rc -eq 5 ]
	jq -se '[.[] | select(.type != "sample") | .type] ==
		["meta", "text", "x", "text", "text", "text", "text", "text", "text", "vm", "end"]' "$T/out"
	jq -se '[.[] | select(.type == "text").text][:4] == ["one", "{\"type\":\"y\"", "", "\u0001\ufffd"]' "$T/out"
	jq -se '[.[] | select(.type == "text").text | length][4:] | add == 300000' "$T/out"
	jq -se '.[0] | .topology == "1n2l1c1t" and .clock == "real"' "$T/out"
	jq -se '[.[] | select(.type == "sample")] | length >= 3 and all(.vcpus | length == 2)' "$T/out"
	# The two clocks go alike: within 5 % between the first sample and the last.
	jq -se '[.[] | select(.type == "sample")] | (.[-1].mono_ns - .[0].mono_ns) / (.[-1].host_ns - .[0].host_ns) |
		. > 0.95 and . < 1.05' "$T/out"
	sed '/"type":"x"/d' "$T/out" | tests/schema/validate.py --mutate --need kt-vm.meta,kt-vm.text,kt-vm.sample,kt-vm.vm,kt-vm.end
}

@test "files come with -i, with their libraries; the console goes to a file, the kernel's messages to stderr" {
	echo 'jq -n 1+1; cat /include-files/a/b' >"$T/script"
	mkdir "$T/a"
	echo deep >"$T/a/b"
	run -0 --separate-stderr vm -i jq -i "$T/script" -i "$T/a" --dmesg --console "$T/console" -- sh script
	[ "$output" = "2
deep" ]
	[[ $stderr == *'Linux version '*'Run /init as init process'* ]]
	grep -q 'Run /init as init process' "$T/console"
}

@test "in virtual time runs of one seed are the same to the byte, beside hogs too, and another seed is another run" {
	local hogs=() i
	cat >"$T/work" <<-'END'
		for w in 1 2 3 4; do
			(for i in 1 2 3 4 5; do k=0; while [ $k -lt 300 ]; do k=$((k + 1)); done; sleep 0.01; done
			echo $w $(cut -d' ' -f1 /proc/uptime); cat /proc/self/schedstat) &
		done
		wait
		cat /proc/stat /proc/schedstat
		od -An -tx8 -N32 /dev/urandom
		date +%s.%N
		dmesg
	END
	one() {
		kt-vm exec --accel tcg --topology 1n2l2c1t --console "$T/console.$1" -i "$T/work" \
			"${@:2}" -- sh work >"$T/out.$1" </dev/null
		cat "$T/out.$1" "$T/console.$1" >"$T/all.$1"
	}
	one 1 --seed 7
	for i in 1 2 3; do
		sh -c 'while :; do :; done' 3>&- &
		hogs+=($!)
	done
	one 2 --seed 7 || true
	kill "${hogs[@]}"
	one 3 --seed 8
	cmp "$T/all.1" "$T/all.2"
	run -1 cmp -s "$T/out.1" "$T/out.3"
}

@test "the verdict on KVM is found once, kept, and forgotten by --accel kvm" {
	[ -w /dev/kvm ] || skip "no /dev/kvm that may be opened"
	KTSTR_KERNEL=$(kt-kernel path | jq -r 'select(.type == "kernel").path')
	export KTSTR_KERNEL KTSTR_CACHE_DIR=$T/cache
	run -3 --separate-stderr kt-vm exec -n -- sh -c 'exit 3'
	kept=$(compgen -G "$T/cache/accel-*.json")
	verdict=$(jq -r .accel "$kept")
	[ "$verdict" = kvm ] || [[ $stderr == *'using TCG'* ]]
	run -3 --separate-stderr kt-vm exec --records -n -- sh -c 'exit 3'
	[ -z "$stderr" ]
	[ "$(jq -r 'select(.type == "meta").accel' <<<"$output")" = "$verdict" ]
	# another QEMU has another one
	printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v qemu-system-x86_64)" >"$T/qemu"
	chmod +x "$T/qemu"
	KTSTR_QEMU=$T/qemu run -3 kt-vm exec -n -- sh -c 'exit 3'
	run -3 --separate-stderr kt-vm exec -n -- sh -c 'exit 3'
	[ -z "$stderr" ]
	run kt-vm exec --accel kvm --boot-timeout 5 -n -- true
	[ ! -e "$kept" ]
}

@test "nobody may use it, with a cache of their own" {
	[ "$(id -u)" = 0 ] || skip "only root can become nobody"
	local kernel
	D=$(mktemp -d /tmp/ktstr-nobody.XXXXXX)
	kernel=$(kt-kernel path | jq -r 'select(.type == "kernel").path')
	mkdir "$D/build"
	cp -rL "$KTSTR_BUILD/bin" "$KTSTR_BUILD/libexec" "$D/build"
	cp "$kernel" "$D/kernel"
	mkdir "$D/cache"
	chown nobody "$D/cache"
	chmod -R a+rX "$D"
	cd "$D"
	run -37 --separate-stderr setpriv --reuid=nobody --regid=nogroup --clear-groups \
		env KTSTR_CACHE_DIR="$D/cache" HOME=/nonexistent PATH="$D/build/bin:/usr/bin:/bin" \
		kt-vm exec -k "$D/kernel" -n -- sh -c 'id -u; exit 37'
	[ "$output" = 0 ]
	[ -z "$stderr" ]
}

teardown() {
	[ -z "${D:-}" ] || rm -rf "$D"
}
