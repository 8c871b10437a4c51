#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-cgroup: what can be told without making a cgroup. tests/vm/kt-cgroup.sh has the rest.
load lib.bash

# usage WANT ARGUMENT... - a usage error: status 2, nothing on stdout, the message begins with WANT
usage() {
	local want=$1
	shift
	run -2 --separate-stderr kt-cgroup "$@" </dev/null
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "kt-cgroup: $want (see --help)" ] || {
		echo "got: $stderr"
		return 1
	}
}

@test "what the command line lacks or has too much of is a usage error" {
	usage "want a subcommand"
	usage "unknown subcommand 'destroy'" destroy
	usage "apply: --parent is missing" apply
	usage "create: too few arguments" create -p x
	usage "create: unexpected argument 'b'" create -p x a b
	usage "move: too few arguments" move -p x a
	usage "ls: unexpected argument 'x'" ls x
	usage "cleanup: unexpected argument 'x'" cleanup x
	usage "rm: --parent is missing" rm
	usage "create: --cpus, --mems, --weight, --max, --freeze and --thaw belong to set" create -p x -C 0 a
	usage "kill: --controllers and --owner belong to apply and create" kill -p x -c cpu a
	usage "--controllers 'memory': want cpuset, cpu, both or ''" apply -p x -c memory
	usage "bad --owner 'me'" apply -p x -o me
	usage "bad --weight '0'" set -p x -w 0 a
}

@test "a value that no op may have is a usage error that names the member" {
	usage "nothing to set: want cpus, mems, weight, max or freeze" set -p x a
	usage "member 'cpus': want a list such as \"0-3,5\"" set -p x -C 3-1 a
	usage "member 'cpus': an empty list; cgroup.clear takes a list back" set -p x -C '' a
	usage "member 'max': want \"max\" or \"QUOTA PERIOD\" in microseconds" set -p x -m lots a
	usage "member 'what': want \"cpus\" or \"mems\"" clear -p x a weight
	usage "member 'cgroup': want the name of a cgroup below the parent, such as \"a/b\"" create -p x ../a
	usage "member 'to': the same cgroup as member 'from'" move -p x a a
}

@test "an owner that does not run is an error" {
	run -1 --separate-stderr kt-cgroup apply -p ktstr-bats -o 4194304 </dev/null
	[ -z "$output" ]
	[ "$stderr" = "kt-cgroup: owner 4194304: No such process" ]
}

# v2 - where cgroup2 is mounted here
v2() {
	awk '$(NF-2) == "cgroup2" { print $5 }' /proc/self/mountinfo | sort | head -1
}

@test "a host without the controllers gets one line that says what is mounted where" {
	local v2
	v2=$(v2)
	[ -n "$v2" ] || skip "no cgroup2 here"
	! grep -qw cpuset "$v2/cgroup.controllers" || skip "this host has cgroup v2 with controllers"
	run -1 --separate-stderr kt-cgroup apply --parent ktstr-bats <<<'{"type":"op"}'
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kt-cgroup: the cgroup2 tree on '$v2' has no 'cpuset' controller (it has: "*"); cgroup v1: "* ]]
	local line
	while read -r line; do
		[[ $stderr == *" on $line"* ]]
	done < <(awk '$(NF-2) == "cgroup" { print $5 }' /proc/self/mountinfo)
	[ ! -e "$v2/ktstr-bats" ]
	printf '%s\n' "$output" | tests/schema/validate.py
	[ "$(jq -r .outcome <<<"${lines[-1]}")" = error ]
}

@test "a parent that is not on cgroup2 is refused, by cleanup too" {
	local d=$BATS_TEST_TMPDIR/ktstr-1 word
	[ -n "$(v2)" ] || skip "no cgroup2 here"
	mkdir -p "$d/sub"
	for word in "rm" "ls -p" "cleanup -p" "kill -p" "stat -p"; do
		# shellcheck disable=SC2086	# an option, too
		run -1 --separate-stderr kt-cgroup $word "$d"
		[[ $stderr == "kt-cgroup: parent '$d' is not below the cgroup2 mount '"* ]]
	done
	[ -d "$d/sub" ]
}

@test "ls of a tree is a whole stream, and a full disk is noticed" {
	[ -n "$(v2)" ] || skip "no cgroup2 here"
	run -0 --separate-stderr kt-cgroup ls
	[ -z "$stderr" ]
	printf '%s\n' "$output" | tests/schema/validate.py --mutate --need kt-cgroup.meta,kt-cgroup.end
	run -1 --separate-stderr sh -c 'kt-cgroup ls >/dev/full'
	[[ $stderr == "kt-cgroup: "*"No space left on device" ]]
}

@test "every record it writes fits its schema, damaged ones do not (in a virtual machine)" {
	kt-vm exec --topology 1n1l2c1t --timeout 5m -i tests/vm/kt-cgroup-records -- \
		sh /include-files/kt-cgroup-records >"$BATS_TEST_TMPDIR/records" 2>"$BATS_TEST_TMPDIR/err" || {
		cat "$BATS_TEST_TMPDIR/err"
		return 1
	}
	tests/schema/validate.py --mutate <"$BATS_TEST_TMPDIR/records" --need kt-cgroup.meta,kt-cgroup.ack,kt-cgroup.op-error,kt-cgroup.stat,kt-cgroup.cgroup,kt-cgroup.cleanup,kt-cgroup.end
	grep -q "kt-cgroup: stdin:2: member 'op': 'cgroup.jump' is no cgroup op" "$BATS_TEST_TMPDIR/err"
	grep -q "kt-cgroup: stdin:1:8: unexpected token" "$BATS_TEST_TMPDIR/err"
}
