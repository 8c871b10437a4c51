#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-topo: records of machines, captured trees and specs; shapes; CPU lists.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
}

# copy NAME - a fixture to be broken, in $T/NAME
copy() {
	cp -a "tests/fixtures/$1" "$T/$1"
}

@test "every fixture gives exactly the expected records, and nothing on stderr" {
	for dir in tests/fixtures/*/; do
		run -0 --separate-stderr kt-topo --root "$dir"
		[ -z "$stderr" ]
		fixture_diff "$dir/expect.ndjson" || {
			echo "$dir"
			return 1
		}
	done
}

@test "the fixtures are what mkfixture makes" {
	mkdir -p "$T/tests"
	cp tests/mkfixture "$T/tests/"
	run -0 "$T/tests/mkfixture" make
	for dir in tests/fixtures/*/; do
		for sub in sys proc; do
			[ ! -e "$dir/$sub" ] || diff -r "$dir/$sub" "$T/tests/fixtures/$(basename "$dir")/$sub"
		done
	done
}

@test "records fit their closed schemas, and mutated ones do not" {
	{
		kt-topo --spec 2n4l2c2t
		kt-topo
		for dir in tests/fixtures/*/; do
			kt-topo --root "$dir"
		done
	} >"$T/records"
	run -0 tests/schema/validate.py --mutate \
		--need kt-topo.meta,kt-topo.cpu,kt-topo.llc,kt-topo.node,kt-topo.topology,kt-topo.end <"$T/records"
	run -0 tests/schema/validate.py --mutate --tool kt-topo --need kt-topo.cpu,kt-topo.node < <(kt-topo --spec 2n2l1c2t --shape)
}

@test "this machine: the CPUs are those that the kernel says are online, and those that we may use" {
	run -0 --separate-stderr kt-topo
	[ -z "$stderr" ]
	[ "$(jq -r 'select(.type == "topology").online' <<<"$output")" = "$(cat /sys/devices/system/cpu/online)" ]
	[ "$(jq -r 'select(.type == "topology").affinity' <<<"$output")" = "$(awk '/^Cpus_allowed_list/ {print $2}' /proc/self/status)" ]
	[ "$(jq -r 'select(.type == "meta").boot_id' <<<"$output")" = "$(cat /proc/sys/kernel/random/boot_id)" ]
}

@test "affinity is that of the process that asks" {
	cpu=$(taskset -cp $$ | sed 's/.*[:, -]//')
	run -0 taskset -c "$cpu" kt-topo
	[ "$(jq -r 'select(.type == "topology").affinity' <<<"$output")" = "$cpu" ]
}

@test "this machine agrees with lscpu about CPU, core, socket and node" {
	lscpu -p=CPU,CORE,SOCKET,NODE | grep -v '^#' | sed 's/,$/,0/' >"$T/lscpu"
	kt-topo | jq -r 'select(.type == "cpu" and .online) | [.cpu, .core, .package, .node] | @csv' >"$T/ours"
	diff -u "$T/lscpu" "$T/ours"
}

# agrees DIR - CPU, core, package, node and LLC as lscpu reads them from the same tree
agrees() {
	lscpu -s "$1" -p=CPU,CORE,SOCKET,NODE,CACHE | grep -v '^#' | sed 's/,,.*,/,/' >"$T/lscpu"
	kt-topo --root "$1" | jq -r 'select(.type == "cpu") | [.cpu, .core, .package, .node, .llc] | @csv' >"$T/ours"
	[ "$(wc -l <"$T/ours")" -eq "$2" ]
	diff -u "$T/lscpu" "$T/ours"
}

@test "256 CPUs, second threads numbered last: lscpu says the same, and the spec is found" {
	tests/mkfixture spec "$T/m" 4n16l8c2t last
	agrees "$T/m" 256
	[ "$(kt-topo --root "$T/m" | jq -r 'select(.type == "topology").spec')" = 4n16l8c2t ]
}

@test "a tree made from a spec has the shape of the spec, byte for byte" {
	for spec in 1n1l1c1t 1n3l3c1t 2n4l2c2t 3n3l1c4t 8n16l3c2t; do
		tests/mkfixture spec "$T/$spec" "$spec"
		cmp <(kt-topo --root "$T/$spec" --shape) <(kt-topo --spec "$spec" --shape)
		[ "$(kt-topo --root "$T/$spec" | jq -r 'select(.type == "topology").spec')" = "$spec" ]
	done
	agrees "$T/8n16l3c2t" 96
}

@test "a spec gives the same in both forms, twice, and has no boot and no time" {
	run -0 kt-topo --spec 2n4l4c2t
	[ "$(kt-topo --spec 2,4,4,2)" = "$output" ]
	[ "$(jq -c 'select(.type == "meta") | [.boot_id, .time, .source]' <<<"$output")" = '[null,null,"spec"]' ]
	[ "$(jq -c 'select(.cpu == 31) | [.core, .smt, .llc, .node]' <<<"$output")" = '[15,1,3,1]' ]
}

@test "a shape says nothing of offline CPUs, and has no meta" {
	run -0 kt-topo --root tests/fixtures/offline --shape
	[ "${lines[0]}" = '{"type":"cpu","cpu":0,"core":0,"smt":0,"llc":0,"node":0}' ]
	[ "${lines[1]}" = '{"type":"cpu","cpu":2,"core":1,"smt":0,"llc":0,"node":0}' ]
	[ "${lines[4]}" = '{"type":"node","node":0,"distance":[10]}' ]
	[ "${#lines[@]}" -eq 5 ]
}

@test "cpuset prints one list for each spec, in their order" {
	run -0 kt-topo cpuset --spec 2n4l4c1t llc:1 numa:1 range:0,0.5 disjoint:1,3 overlap:1,3,0.5 cpus:9,1-2
	[ "$output" = $'4-7\n8-15\n0-6\n5-9\n3-11\n1-2,9' ]
	run -0 kt-topo --root tests/fixtures/ids-repeat cpuset llc:1
	[ "$output" = 1,3,5 ]
}

@test "numa:I counts the nodes that have CPUs" {
	run -0 kt-topo cpuset --root tests/fixtures/memory-only-node numa:0 numa:1
	[ "$output" = $'0-1\n2-3' ]
	run -1 --separate-stderr kt-topo cpuset --root tests/fixtures/memory-only-node numa:0 numa:2
	[ -z "$output" ]
	[ "$stderr" = "kt-topo: 'numa:2': needs 3 NUMA nodes with CPUs, this machine has 2" ]
}

@test "a CPU spec that the machine cannot meet is a failure with its reason, and no list at all" {
	run -1 --separate-stderr kt-topo cpuset --spec 1n1l4c1t cpus:0 llc:1
	[ -z "$output" ]
	[ "$stderr" = "kt-topo: 'llc:1': needs 2 LLCs, this machine has 1" ]
	run -1 --separate-stderr kt-topo cpuset --spec 1n1l4c1t range:0,0.25
	[ -z "$output" ]
	[[ $stderr == *"no CPU lies between"* ]]
	run -1 --separate-stderr kt-topo cpuset --root tests/fixtures/offline cpus:0-2
	[[ $stderr == *"CPU 1 is not there or not online" ]]
}

@test "a wrong command line ends with 2, one line that says why, and nothing on stdout" {
	for args in '--spec 1n2l' '--spec 3n4l1c1t' '--spec 1n99l99c99t' '--spec=' '--root / --spec 1n1l1c1t' 'cpuset' \
		'cpuset llc' 'cpuset range:0.5,0.5' 'cpuset --shape llc:0' 'frobnicate' '--frobnicate' '--root'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-topo $args
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == kt-topo:* ]]
	done
	run -2 --separate-stderr kt-topo --spec 3n4l1c1t
	[[ $stderr == *"the LLCs do not divide evenly over the nodes"* ]]
}

@test "KTSTR_ROOT is the root, --root and --spec win over it, empty is none" {
	KTSTR_ROOT=tests/fixtures/offline run -0 kt-topo
	fixture_diff tests/fixtures/offline/expect.ndjson
	KTSTR_ROOT=tests/fixtures/offline run -0 kt-topo --root tests/fixtures/hybrid
	fixture_diff tests/fixtures/hybrid/expect.ndjson
	KTSTR_ROOT=tests/fixtures/offline run -0 kt-topo --spec 1n1l1c1t
	[[ $output == *'"source":"spec"'* ]]
	KTSTR_ROOT='' run -0 kt-topo
	[[ $output == *'"source":"machine"'* ]]
}

@test "a root that is missing, or has no CPUs, is named" {
	run -1 --separate-stderr kt-topo --root "$T/none"
	[ -z "$output" ]
	[ "$stderr" = "kt-topo: open '$T/none': No such file or directory" ]
	mkdir -p "$T/empty"
	run -1 --separate-stderr kt-topo --root "$T/empty"
	[ -z "$output" ]
	[[ $stderr == "kt-topo: read the CPUs in '$T/empty/sys/devices/system/cpu': "* ]]
	copy minimal
	echo 'nothing' >"$T/minimal/sys/devices/system/cpu/online"
	run -1 --separate-stderr kt-topo --root "$T/minimal"
	[ -z "$output" ]
	: >"$T/minimal/sys/devices/system/cpu/online"
	run -1 kt-topo --root "$T/minimal"
	rm "$T/minimal/sys/devices/system/cpu/online"
	run -1 kt-topo --root "$T/minimal"
}

@test "whichever kind of file is missing or garbage, the records stay valid and other CPUs keep their place" {
	copy four-sets
	for f in $(cd "$T/four-sets/sys/devices/system" && find cpu/cpu0 node cpu/present -type f); do
		for how in gone garbage empty; do
			cp -al "$T/four-sets" "$T/broken" # links: so the file is removed first, never written through
			g=$T/broken/sys/devices/system/$f
			rm "$g"
			case $how in
			garbage) printf '\xff-,0x7fffffffffffffffffff\n' >"$g" ;;
			empty) : >"$g" ;;
			esac
			kt-topo --root "$T/broken" >"$T/out" 2>"$T/err" || {
				cat "$T/err"
				echo "$f $how"
				return 1
			}
			[ ! -s "$T/err" ]
			[ "$(tail -n 1 "$T/out" | cut -c1-47)" = '{"type":"end","tool":"kt-topo","outcome":"ok","' ]
			case $f in
			node/*) ;;
			*) grep -q '"cpu":4,"online":true,"package":0,"die":0,"cluster":.,"core":.,"smt":0,"llc":' "$T/out" &&
				grep -q '"cpus":"4-6","node":0,"nodes":"0","kb":16384,"level":3,"source":"cache"' "$T/out" || {
				echo "$f $how"
				cat "$T/out"
				return 1
			} ;;
			esac
			cat "$T/out" >>"$T/all"
			rm -r "$T/broken"
		done
	done
	run -0 tests/schema/validate.py <"$T/all"
}

@test "a link in a tree cannot lead out of it" {
	copy no-numa
	ln -sfn /sys/devices/system/cpu/online "$T/no-numa/sys/devices/system/cpu/online"
	run -1 kt-topo --root "$T/no-numa"
	rm -r "$T/no-numa/sys/devices/system/cpu"
	ln -s /sys/devices/system/cpu "$T/no-numa/sys/devices/system/cpu"
	run -1 kt-topo --root "$T/no-numa"
	ln -sfn ../../../../../../../../../../../../../sys/devices/system/cpu "$T/no-numa/sys/devices/system/cpu"
	run -1 kt-topo --root "$T/no-numa"
}

@test "a full disk is a failure, a reader that leaves early is the end" {
	run -1 --separate-stderr bash -c 'kt-topo --spec 1n1l1c1t >/dev/full'
	[ "$stderr" = "kt-topo: write standard output: No space left on device" ]
	run -1 bash -c 'kt-topo cpuset --spec 1n1l1c1t llc:0 >/dev/full'
	run -1 bash -c 'kt-topo --version >/dev/full'
	run -1 bash -c 'kt-topo --help >/dev/full'
	run -141 bash -c 'set -o pipefail; kt-topo --spec 1n64l64c2t | head -n 1 >/dev/null'
}

@test "it reads what any user may read" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
	cp "$(command -v kt-topo)" "$T/" && cd "$T"
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-topo --shape
	[ "$output" = "$(kt-topo --shape)" ]
}

@test "a file that one may not read is counted as missing, with the reason" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
	copy hybrid
	cp "$(command -v kt-topo)" "$T/" && chmod -R a+rX "$T" && cd "$T" # from here: a parent may be closed
	chmod 0 hybrid/sys/devices/system/cpu/cpu0/cpu_capacity
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-topo --root hybrid
	[ "$(jq -c 'select(.cpu == 0).capacity' <<<"$output")" = null ]
	[ "$(jq -c 'select(.type == "end").missing.capacity' <<<"$output")" = '{"EACCES":1}' ]
}

@test "--help and --version" {
	run -0 kt-topo --help
	[[ ${lines[0]} == "Usage: kt-topo "* ]]
	run -0 kt-topo -V
	[[ $output =~ ^kt-topo\ .*[0-9]+\.[0-9]+ ]]
}
