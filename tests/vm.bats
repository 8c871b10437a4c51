#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The tests that need a kernel of their own, tests/vm/*.sh: all in one boot. Each prints TAP, and is one
# test here, which shows its lines.
load lib.bash

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	local d=$BATS_FILE_TMPDIR memory=1G b
	b=$(realpath "${KTSTR_BUILD:-build}")
	[[ "${KTSTR_BUILD-}" != *-san ]] || memory=6G # for the sanitizers of a thousand workers
	PATH=$b/bin:$PATH
	# All that a script prints goes behind its name, so nothing can be taken for another's.
	cat >"$d/all" <<-'END'
		for s in /vm/*.sh; do
			name=${s##*/}
			{
				timeout 600 sh "$s" 2>&1 </dev/null
				echo "status $?"
			} | sed "s/^/$name: /"
		done
	END
	kt-vm exec -n --topology 1n2l2c1t --memory $memory -i jq -i unshare -i "$b/helpers/mkthreads" -i "$b/helpers/knownwork" \
		-i "$b/helpers/storm" -i "$d/all" -i tests/vm:/vm -i scenarios:/usr/share/ktstr/scenarios \
		-- sh all >"$d/out" 2>"$d/err"
	echo $? >"$d/status"
}

# script NAME - its lines, and whether they are what a good run prints: as many results as planned, in
# order, none of them "not ok"
script() {
	sed -n "s/^$1: //p" "$BATS_FILE_TMPDIR/out" >"$BATS_TEST_TMPDIR/tap"
	cat "$BATS_TEST_TMPDIR/tap"
	grep -qx 'status 0' "$BATS_TEST_TMPDIR/tap" || {
		echo "it did not end with status 0; of the machine:"
		cat "$BATS_FILE_TMPDIR/err" "$BATS_FILE_TMPDIR/status"
		return 1
	}
	! grep '^not ok' "$BATS_TEST_TMPDIR/tap"
	local why
	why=$(sed -n 's/^1\.\.0 # *[Ss][Kk][Ii][Pp] *//p' "$BATS_TEST_TMPDIR/tap")
	[ -z "$why" ] || skip "$why"
	diff -u <(seq "$(sed -n 's/^1\.\.//p' "$BATS_TEST_TMPDIR/tap")") \
		<(sed -n 's/^ok \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/tap")
}

@test "the machine with all of them ends with 0" {
	cat "$BATS_FILE_TMPDIR/err"
	[ "$(cat "$BATS_FILE_TMPDIR/status")" -eq 0 ]
}

@test "each script in tests/vm is a test here" {
	diff -u <(cd tests/vm && ls -- *.sh) <(sed -n 's/^\tscript \(kt.*\|kills.*\)$/\1/p' tests/vm.bats | sort)
}

@test "kills.sh" {
	script kills.sh
}

@test "kt-cgroup.sh" {
	script kt-cgroup.sh
}

@test "kt-init.sh" {
	script kt-init.sh
}

@test "kt-play.sh" {
	script kt-play.sh
}

@test "kt-reserve.sh" {
	script kt-reserve.sh
}

@test "kt-snap-bpf.sh" {
	script kt-snap-bpf.sh
}

@test "kt-snap-diff.sh" {
	script kt-snap-diff.sh
}

@test "kt-snap.sh" {
	script kt-snap.sh
}

@test "kt-topo.sh" {
	script kt-topo.sh
}

@test "kt-work.sh" {
	script kt-work.sh
}
