#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap: where the stream goes, how a series runs, and what is there after either was ended.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	PIDS=
}

teardown() {
	local p
	exec 9>&-
	for p in $PIDS; do
		kill "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
}

# has_open START - wait until the process $PIDS has a file open whose name begins like this; "DIR/#" is one
# without a name
has_open() {
	until find "/proc/$PIDS/fd" -lname "$1*" 2>/dev/null | grep -q .; do
		sleep 0.01
	done
}

@test "-o: the file is there when it is whole, plain or compressed; nothing else is left" {
	mkdir "$T/d"
	run -0 --separate-stderr kt-snap -q -o "$T/d/x.ndjson" -p $$
	[ -z "$output$stderr" ]
	run -0 --separate-stderr kt-snap -o "$T/d/x.hst.zst" --level 5 --threads 1
	[[ $stderr == "kt-snap: $T/d/x.hst.zst: 1 snapshot, "*" threads, source "* ]]
	zstd -qdc "$T/d/x.hst.zst" | tests/schema/validate.py
	tests/schema/validate.py <"$T/d/x.ndjson"
	[ "$(ls -A "$T/d" | tr '\n' ' ')" = 'x.hst.zst x.ndjson ' ]
	# Relative, and in place of another.
	cd "$T/d" && echo old >y.zst && kt-snap -q -o y.zst -p $$ && zstd -qt y.zst
	[ "$(ls -A "$T/d" | wc -l)" -eq 3 ]
}

@test "-o: killed in the middle it leaves nothing, and what was there stays" {
	mkdir "$T/d"
	echo old >"$T/d/x.zst"
	kt-snap -q -n 1000 -i 50ms -o "$T/d/x.zst" 3>&- &
	PIDS=$!
	has_open "$T/d/#"
	kill -9 "$PIDS"
	wait "$PIDS" || true
	[ "$(ls -A "$T/d")" = x.zst ]
	[ "$(cat "$T/d/x.zst")" = old ]
}

@test "-o: a full disk, a missing directory and a directory are failures that leave nothing" {
	run -1 --separate-stderr kt-snap -o "$T/none/x"
	[ "$stderr" = "kt-snap: write '$T/none/x': No such file or directory" ]
	mkdir "$T/d"
	run -1 --separate-stderr kt-snap -o "$T/d/"
	[ "$stderr" = "kt-snap: write '$T/d/': Is a directory" ]
	run -1 --separate-stderr kt-snap -q -o "$T/d" -p $$
	[ "$stderr" = "kt-snap: write '$T/d': Is a directory" ]
	[ -z "$(ls -A "$T/d")" ]
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	run -1 --separate-stderr unshare -m sh -c 'mount -t tmpfs -o size=16k none "$1" && { kt-snap -o "$1/x"; s=$?; ls -A "$1"; exit $s; }' sh "$T/d"
	[ "$stderr" = "kt-snap: write '$T/d/x': No space left on device" ]
	[ -z "$output" ]
}

@test "a full standard output is a failure, a reader that leaves is quiet" {
	run -1 --separate-stderr bash -c 'kt-snap >/dev/full'
	[ "$stderr" = "kt-snap: write standard output: No space left on device" ]
	run --separate-stderr bash -c 'kt-snap -n 1000 -i 1ms | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}'
	[ "$output" = 1 ]
	[ -z "$stderr" ]
}

@test "a series: each at its time, counted from the first, however long one takes" {
	run -0 kt-snap --source proc -n 11 -i 60ms
	printf '%s\n' "$output" >"$T/out"
	tests/schema/validate.py <"$T/out"
	[ "$(jq -r 'select(.type == "snapshot").n' "$T/out" | tr '\n' ' ')" = '0 1 2 3 4 5 6 7 8 9 10 ' ]
	# Never early; and one of the later ones is less late than those before it took together, which is
	# what waiting from the end of each would add up to.
	jq -es '[.[] | select(.type == "snapshot").mono_ns] as $t | [range(11) | $t[.] - $t[0] - . * 60e6] as $late |
		[.[] | select(.type == "snapshot-end").took_ns] as $took |
		($late | min) > -5e6 and any(range(5; 11); $late[.] < 0.9 * ($took[:.] | add))' "$T/out" >/dev/null || {
		jq -c 'select(.type == "snapshot" or .type == "snapshot-end") | [.n, .mono_ns, .took_ns]' "$T/out"
		return 1
	}
	[ "$(jq -c 'select(.type == "meta") | [.count, .interval_ns]' "$T/out")" = '[11,60000000]' ]
	[ "$(kt-snap -n 1 -p $$ | jq -c 'select(.type == "meta") | [.count, .interval_ns]')" = '[1,null]' ]
}

@test "INT and TERM end a series after whole records, with end" {
	for sig in INT TERM; do
		mkfifo "$T/$sig"
		kt-snap -i 10ms -p $$ >"$T/$sig" 3>&- &
		PIDS=$!
		exec 9<"$T/$sig"
		{
			head -n 8
			kill -$sig "$PIDS"
			cat
		} <&9 >"$T/out"
		wait "$PIDS"
		tests/schema/validate.py <"$T/out"
		[ "$(tail -n 1 "$T/out" | jq -r .outcome)" = ok ]
		[ "$(jq -c 'select(.type == "meta").count' "$T/out")" = null ]
	done
	kt-snap -n 100000 -i 10ms -p $$ -o "$T/x.zst" 2>"$T/err" 3>&- &
	PIDS=$!
	has_open "$T/#" # so its signals are blocked
	kill -INT "$PIDS"
	if wait "$PIDS"; then
		return 1
	fi
	zstd -qdc "$T/x.zst" >"$T/out"
	tests/schema/validate.py <"$T/out"
	[ "$(tail -n 1 "$T/out" | jq -r .outcome)" = stopped ]
}
