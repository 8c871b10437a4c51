#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Performance mode of kt-vm: plans and command lines for machines of other shapes; threads, locks and memory
# of this one.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_LOCK_DIR=$T/locks
	mkdir "$T/locks"
	unset KTSTR_CPU_CAP KTSTR_BYPASS_LLC_LOCKS KTSTR_CPUS KTSTR_LLCS KTSTR_JOBS KTSTR_NO_PERF_MODE
	pids=()
}

teardown() {
	local p
	for p in "${pids[@]}"; do
		kill -9 "$p" 2>/dev/null || :
	done
	wait
}

# server SPEC - a machine like SPEC in $T/SPEC; huge N... gives its nodes that many free pages
server() {
	[ -d "$T/$1" ] || tests/mkfixture spec "$T/$1" "$1"
}

huge() { # SPEC N...
	local dir=$T/$1/sys/devices/system/node i=0 n
	shift
	for n; do
		mkdir -p "$dir/node$i/hugepages/hugepages-2048kB"
		echo "$n" >"$dir/node$i/hugepages/hugepages-2048kB/free_hugepages"
		i=$((i + 1))
	done
}

# plan ROOT TOPOLOGY [OPTION...] - the records in $T/plan, "CPUS+SERVICE" of the plan in PLAN
plan() {
	kt-vm exec --perf --plan-only --root "$1" -t "$2" "${@:3}" >"$T/plan" || return
	PLAN=$(jq -r 'select(.type == "vm-plan").perf | "\(.cpus | join(","))+\(.service_cpu)"' "$T/plan")
}

perf() { # FILTER - of what the plan says of the mode
	jq -se ".[1].perf | $1" "$T/plan" >/dev/null || {
		jq -c 'select(.type == "vm-plan").perf' "$T/plan"
		return 1
	}
}

lacks() { # STEP
	perf "any(.not_done[]; .what == \"$1\") and (.done | index(\"$1\") | not)"
}

# words - of QEMU's command line, an option and its value on a line
words() {
	jq -r 'select(.type == "argv").argv | join(" ") | gsub(" -"; "\n-")' "$T/plan"
}

# two - narrow this machine down to two CPUs of one cache, whole cores if that can be: "taskset -c A,B"
two() {
	local cpus
	cpus=$(kt-topo | jq -sr '[.[] | select(.type == "topology")][0] as $t |
		[.[] | select(.type == "cpu" and .online)] | group_by(.llc) | map(sort_by(.smt)) | map(select(length > 1))[0] // [] |
		.[:2] | map(.cpu) | join(",")')
	[ -n "$cpus" ] || skip "no cache here has two CPUs"
	taskset -c "$cpus" true || skip "CPUs $cpus are not to be had"
	TWO=(taskset -c "$cpus")
}

# vm [OPTION...] -- CMD...
vm() {
	"${TWO[@]}" kt-vm exec --perf --accel tcg -n "$@"
}

# vm_up - one with records in $T/out that runs until VM is killed
vm_up() {
	local i
	"${TWO[@]}" kt-vm exec --perf --accel tcg -n --records -- sh -c 'echo up; exec sleep 600' >"$T/out" 2>"$T/err" </dev/null 3>&- &
	VM=$!
	pids+=("$VM")
	for ((i = 0; i < 1200; i++)); do
		! grep -q '"text":"up"' "$T/out" || return 0
		kill -0 "$VM" || break
		read -rt 0.1 <> <(:) || :
	done
	cat "$T/out" "$T/err"
	return 1
}

# qemu - its pid, as a descendant of $VM
qemu() {
	local p=$1 c
	cat /proc/"$p"/task/*/children | tr ' ' '\n' | while read -r c; do
		if [[ $(cat "/proc/$c/comm") == qemu* ]]; then
			echo "$c"
		else
			qemu "$c"
		fi
	done
}

# thread PID TID - "CPUS POLICY PRIORITY"
thread() {
	echo "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/task/$2/status") $(sed 's/.*) //' "/proc/$1/task/$2/stat" |
		cut -d' ' -f38,39 | awk '{ print $2, $1 }')"
}

vm_end() {
	kill -TERM "$VM"
	wait "$VM" || :
	END=$(jq -c 'select(.type == "vm").perf' "$T/out")
}

end() { # FILTER
	jq -e "$1" <<<"$END" >/dev/null || {
		echo "$END"
		return 1
	}
}

@test "what excludes --perf, and what plans do not take, is a usage error that names both" {
	local args
	for args in '--perf --cpu-cap 1 -- true' '--perf --clock virtual -- true' '--root / -- true' '--plan-only -- true' \
		'--perf'; do
		# shellcheck disable=SC2086	# words
		run -125 --separate-stderr kt-vm exec $args
		[ -z "$output" ] && [ -n "$stderr" ]
	done
	run -125 kt-vm exec --perf --cpu-cap 1 -- true
	[[ $output == *--perf*--cpu-cap* ]]
	KTSTR_CPU_CAP=1 run -125 kt-vm exec --perf -- true
	[[ $output == *--perf*KTSTR_CPU_CAP* ]]
	KTSTR_BYPASS_LLC_LOCKS=1 run -125 kt-vm exec --perf -- true
	[[ $output == *--perf*KTSTR_BYPASS_LLC_LOCKS*'resource contract'* ]]
	run -125 kt-vm template make --perf
	run -125 kt-vm template list --plan-only
	[ -z "$(ls "$T/locks")" ]
}

@test "caches go to caches, cores to cores, threads to threads, nodes to nodes" {
	server 2n8l4c2t
	plan "$T/2n8l4c2t" 2n4l2c2t
	[ "$PLAN" = 0,1,2,3,8,9,10,11,32,33,34,35,40,41,42,43+4 ]
	perf '.llcs == [0, 1, 4, 5] and .nodes == ["0", "1"] and (.done | contains(["nodes", "cores", "service-cpu"]))'
	plan "$T/2n8l4c2t" 1n1l4c1t
	[ "$PLAN" = 0,2,4,6+8 ]
	jq -se '[.[] | select(.type == "vcpu") | [.vcpu, .guest_core, .cpu, .core, .smt, .idle_siblings]] == [[0,0,0,0,0,"1"],
		[1,1,2,1,0,"3"],[2,2,4,2,0,"5"],[3,3,6,3,0,"7"]]' "$T/plan"
	plan "$T/2n8l4c2t" 1n1l2c4t
	lacks cores
	plan "$T/2n8l4c2t" 4n4l1c1t
	lacks nodes
	plan tests/fixtures/llc-two-nodes 1n1l3c1t
	[ "$PLAN" = 0,1,2+3 ]
	perf '.nodes == ["0-1"]'
	plan tests/fixtures/four-sets 1n1l2c1t	# 8 present, 7 online, 6 in the cgroup, 4 by affinity
	[ "$PLAN" = 0,2+1 ]
}

@test "the same plan twice is the same text, and leaves nothing behind" {
	local before
	server 2n8l4c2t
	kt-vm exec --plan-only >"$T/plan"	# makes the archive, if need be
	before=$(find "$T" | sort)
	plan "$T/2n8l4c2t" 2n4l3c2t
	mv "$T/plan" "$T/plan1"
	plan "$T/2n8l4c2t" 2n4l3c2t
	cmp "$T/plan1" "$T/plan"
	rm "$T/plan1"
	[ "$before" = "$(find "$T" | sort)" ]
	tests/schema/validate.py --mutate --need kt-vm.vm-plan,kt-vm.vcpu,kt-vm.argv <"$T/plan"
}

@test "too few CPUs are a skip, too few or too small caches are not; each says what is needed" {
	server 1n2l4c2t
	run -77 --separate-stderr plan "$T/1n2l4c2t" 1n2l4c2t
	[[ $stderr == *'needs 17 CPUs, 16 for the guest'*'only 16'*--no-perf-mode* ]]
	run -125 --separate-stderr plan "$T/1n2l4c2t" 1n3l1c1t
	[[ $stderr == *"guest's 3, "*'only 2'* ]]
	run -125 --separate-stderr plan "$T/1n2l4c2t" 1n1l9c1t
	[[ $stderr == *'1 last-level cache with 9 CPUs'*'are 0'* ]]
	run -125 plan "$T" 1n1l1c1t	# no machine at all
}

@test "QEMU's memory: bound, there from the start, in huge pages if each node has enough" {
	server 2n8l4c2t
	plan "$T/2n8l4c2t" 2n2l1c1t -m 401
	lacks hugepages
	words | grep -qx -- '-object memory-backend-ram,id=m1,size=202M,prealloc=on,host-nodes=1,policy=bind'
	huge 2n8l4c2t 101 101
	plan "$T/2n8l4c2t" 2n2l1c1t -m 401
	words | grep -qx -- '-object memory-backend-memfd,hugetlb=on,hugetlbsize=2M,id=m0,size=202M,prealloc=on,host-nodes=0,policy=bind'
	words | grep -qx -- '-m 404M'
	huge 2n8l4c2t 101 100
	plan "$T/2n8l4c2t" 2n2l1c1t -m 401
	perf '.not_done == [{"what": "hugepages", "why": "101 of 2 MiB are needed for the guest'"'"'s node 1, 100 are free"},
		.not_done[-2], .not_done[-1]]'
	plan tests/fixtures/sparse-ids 1n2l1c1t
	words | grep -q ',host-nodes=0,host-nodes=8,policy=bind$'
	plan tests/fixtures/no-numa 1n1l1c1t
	lacks numa-binding
	run -1 grep -q host-nodes "$T/plan"
}

@test "with KVM idle CPUs stay in the guest, which knows that they are its own; TCG cannot, and it is told" {
	server 1n2l4c2t
	plan "$T/1n2l4c2t" 1n1l2c2t --accel kvm
	words | grep -qx -- '-cpu max,vendor=GenuineIntel,+kvm-hint-dedicated'
	words | grep -qx -- '-overcommit cpu-pm=on'
	perf '.done | contains(["cpu-pm", "kvm-hint-dedicated", "stable-tsc"])'
	plan "$T/1n2l4c2t" 1n1l2c2t
	run -1 grep -qE 'cpu-pm=on|hint-dedicated,|stable-tsc|kvm-hint-dedicated"]' <(words)
	lacks cpu-pm
	lacks kvm-hint-dedicated
	run -1 perf '[.done[], .not_done[].what] | index("stable-tsc")'
}

@test "--plan-only without --perf shows the machine, and nothing of it is bound" {
	unset KTSTR_COLD # one of the two is continued
	run -0 --separate-stderr kt-vm exec --plan-only --accel tcg --cold
	jq -se '.[1].perf == null and .[1].how == "boot" and (map(.type) == ["meta", "vm-plan", "argv", "end"])' <<<"$output"
	[[ $output != *prealloc* && $output != *host-nodes* ]]
	run -0 --separate-stderr kt-vm exec --plan-only --accel tcg
	jq -se '.[1].how == "restore" and .[1].clock == "virtual" and (.[2].argv | index("-incoming")) != null' <<<"$output"
	run sh -c 'kt-vm exec --plan-only >/dev/full'
	[ "$status" -eq 125 ]
}

@test "--no-perf-mode and KTSTR_NO_PERF_MODE come before --perf, in one line and in the record" {
	run -0 --separate-stderr kt-vm exec --perf --no-perf-mode --accel tcg --records -n -- true
	[ "$stderr" = 'kt-vm: no performance mode: --no-perf-mode is given' ]
	jq -se '.[-2] | .clock == "virtual" and .perf == {"requested": true, "active": false, "why": "--no-perf-mode",
		"cpus": [], "service_cpu": null, "llcs": [], "nodes": [], "done": [], "not_done": []}' <<<"$output"
	KTSTR_NO_PERF_MODE=1 run -0 --separate-stderr kt-vm exec --perf -q --plan-only
	[ -z "$stderr" ]
	jq -se '.[1].perf.why == "KTSTR_NO_PERF_MODE"' <<<"$output"
	KTSTR_NO_PERF_MODE='' run -0 kt-vm exec --perf -q --plan-only --root tests/fixtures/smt4
	jq -se '.[1].perf.active' <<<"$output"
}

@test "a machine runs: its CPU's thread alone on its CPU, the others on another; locked, and others are told" {
	two
	local q t cpu service
	vm_up
	q=$(qemu "$VM")
	cpu=$(kt-locks --held | jq -sr '[.[] | select(.kind == "llc" and .mode == "exclusive")] | length')
	[ "$cpu" = 1 ]
	run -77 --separate-stderr vm -- true
	[[ $stderr == *"held exclusively by pid "*"kt-reserve"*"kt-vm exec --perf"* ]]
	for t in /proc/"$q"/task/*; do
		thread "$q" "${t##*/}"
	done | sort | uniq -c | sort -n >"$T/threads"
	cat "$T/threads"
	vm_end
	cpu=$(jq '.cpus[0]' <<<"$END")
	service=$(jq .service_cpu <<<"$END")
	[ "$cpu" != "$service" ]
	end '.active and (.done | contains(["exclusive-llcs", "nodes", "service-cpu", "pinning", "prealloc"]))'
	end '[.not_done[].what] | contains(["cpu-pm", "kvm-hint-dedicated"])'
	if jq -e '.done | index("fifo")' <<<"$END"; then
		grep -qE "^ *1 $cpu 1 1$" "$T/threads"	# SCHED_FIFO
	else
		run -1 chrt -f 1 true
		grep -qE "^ *1 $cpu 0 0$" "$T/threads"
	fi
	[ "$(grep -cE "^ *[0-9]+ $service 0 0$" "$T/threads")" = 1 ]
	[ "$(wc -l <"$T/threads")" = 2 ]
	[ -z "$(kt-locks --held | jq -r 'select(.kind == "llc").path')" ]
	tests/schema/validate.py --mutate --need kt-vm.vm <"$T/out"
}

@test "where real-time priority is not allowed all else is done, and the reason told" {
	[ "$(id -u)" = 0 ] || skip "only root can give up a capability for it"
	two
	TWO+=(setpriv --inh-caps=-sys_nice --bounding-set=-sys_nice)
	prlimit --pid $$ --rtprio=0
	run -0 --separate-stderr vm --records -- true
	[[ $stderr == *"performance mode without 'fifo': Operation not permitted: it needs CAP_SYS_NICE"* ]]
	END=$(jq -c 'select(.type == "vm").perf' <<<"$output")
	end '.done | index("pinning")'
	end '[.not_done[] | select(.what == "fifo").why] | length == 1'
	run -0 --separate-stderr vm -q -- true
	[ -z "$stderr" ]
}

@test "two CPUs of the guest on two of this machine's are contention: a third is needed" {
	two
	run -77 --separate-stderr vm -t 1n1l2c1t -- true
	[[ $stderr == *'needs 3 CPUs, 2 for the guest'*'only 2'* ]]
	[ -z "$(ls "$T/locks")" ]
}

@test "below a reservation the mode takes its caches, and one that has only CPUs is not enough" {
	two
	run -0 --separate-stderr "${TWO[@]}" kt-reserve -q --exclusive kt-vm exec --perf -q --accel tcg --records -n -- true
	END=$(jq -c 'select(.type == "vm").perf' <<<"$output")
	end '.done | index("exclusive-llcs")'
	run -125 --separate-stderr "${TWO[@]}" kt-reserve -q --cpu-cap 2 kt-vm exec --perf --accel tcg -n -- true
	[[ $stderr == *'only CPUs of it'* ]]
}

@test "ktstr test passes both options on, and a skip is its own" {
	two
	run -77 --separate-stderr "${TWO[@]}" ktstr test --perf --topology 1n1l2c1t cgroup_steady
	[[ $stderr == *'needs 3 CPUs'* ]]
	run -0 --separate-stderr "${TWO[@]}" ktstr test --perf --no-perf-mode --topology 1n1l2c1t --duration 1s --json cgroup_steady
	[[ $stderr == *'no performance mode: --no-perf-mode is given'* ]]
	run -2 ktstr test --perf=1
	run -2 ktstr run --perf
}
