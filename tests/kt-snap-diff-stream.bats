#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff: series of snapshots, files, damage of any kind, and what reads them.
load lib.bash
load snap-diff.bash

# ---- series ----

@test "a series on standard input is compared one by one, a file from end to end, and either the other way" {
	series
	diff_of
	want 'select(.type == "row") | [.n, .delta, .per_s, .died]' < <(printf '%s\n' '[1,510,510,0]' '[2,100,50,500]')
	want 'select(.type == "interval") | [.n, .before_n, .after_n, .interval_ns]' < <(printf '%s\n' '[1,0,1,1000000000]' '[2,1,2,2000000000]')
	cp "$T/out" "$T/each"
	diff_of "$T/s"
	want 'select(.type == "row") | [.n, .before, .after, .delta, .threads_born]' <<<'[1,1,111,110,0]'
	want 'select(.type == "interval") | [.n, .before_n, .after_n]' <<<'[1,0,2]'
	diff_of --ends
	want 'select(.type == "row") | [.n, .delta]' <<<'[1,110]'
	diff_of --each "$T/s"
	diff <(grep '"row"' "$T/each") <(grep '"row"' "$T/out")
	diff_of --each --ends
	[ "$status" -eq 2 ]
}

@test "several files are one series, also when they have several snapshots, and from a pipe" {
	series
	cp "$T/s" "$T/b"
	mk a <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":0}
	END
	diff_of "$T/a" "$T/b"
	[ "$status" -eq 0 ]
	want 'select(.type == "row") | [.n, .before, .after, .delta, .per_s]' <<<'[1,0,111,111,37]'
	want 'select(.type == "end") | [.snapshots, .intervals]' <<<'[4,1]'
	grep '"row"' "$T/out" >"$T/row"
	cp "$T/a" "$T/s"
	diff_of - "$T/b"
	diff "$T/row" <(grep '"row"' "$T/out")
	run -0 sh -c "cat '$T/a' | kt-snap-diff - '$T/b'"
	diff "$T/row" <(grep '"row"' <<<"$output")
	cp "$T/b" "$T/s"
	diff_of "$T/a" -
	diff "$T/row" <(grep '"row"' "$T/out")
	diff_of --each "$T/a" "$T/b"
	want 'select(.type == "row") | .delta' < <(printf '%s\n' 1 510 100)
	diff_of -g tid "$T/a" "$T/b" --fail-if 'minflt>400'
	[ "$status" -eq 0 ]	# only the thread that is gone at the end had so many
	want 'select(.type == "end") | .failed' <<<'[]'
	want 'select(.type == "row") | .delta' <<<111
	diff_of - -
	[ "$status" -eq 2 ]
}

@test "a thread that is in a snapshot twice is damage" {
	series
	sed -i '6{p}' "$T/s"
	diff_of
	[ "$status" -eq 1 ]
	[[ $stderr == *'a thread is in a snapshot twice' ]]
}

@test "an interval is written as soon as its second snapshot has ended" {
	series
	mkfifo "$T/in" "$T/live"
	kt-snap-diff -m minflt <"$T/in" >"$T/live" 3>&- &
	local pid=$! line n=0
	exec 7>"$T/in" 8<"$T/live"
	sed '/snapshot-end","n":1/q' "$T/s" >&7
	while read -r -t 30 line <&8; do
		n=$((n + 1))
		[[ $line == *interval-end* ]] && break
	done
	[[ $line == '{"type":"interval-end","n":1,'* ]]
	sed '1,/snapshot-end","n":1/d' "$T/s" >&7
	exec 7>&-
	wait $pid
	[ "$(grep -c '"n":2' <&8)" -ge 3 ]
	exec 8<&-
}

@test "the stream may lie within that of other tools" {
	series
	{
		echo '{"type":"meta","tool":"kt-vm"}'
		sed '3i {"type":"text","tool":"kt-vm","text":"hello"}' "$T/s"
		echo '{"type":"end","tool":"kt-vm","outcome":"ok"}'
	} >"$T/in"
	cp "$T/in" "$T/s"
	diff_of
	[ "$status" -eq 0 ]
	want 'select(.type == "row") | .delta' < <(printf '%s\n' 510 100)
}

@test "threads that somebody took out of a snapshot are missed, but it is compared" {
	series
	sed -i '/"tid":2/d' "$T/s"
	diff_of
	[ "$status" -eq 0 ]
	[ "$stderr" = 'kt-snap-diff: stdin: snapshot 1 has 1 threads, its end says 2' ]
	want 'select(.type == "interval") | [.lacking_before, .lacking_after]' < <(printf '%s\n' '[0,1]' '[1,0]')
}

# ---- damage ----

@test "a file that is cut off at any byte is an error that says how much was good" {
	series
	local size i n
	size=$(stat -c %s "$T/s")
	for ((i = 0; i < size; i++)); do
		head -c $i "$T/s" >"$T/cut"
		if kt-snap-diff <"$T/cut" >"$T/out" 2>"$T/err"; then
			echo "cut at $i of $size was good"
			return 1
		fi
		n=$(wc -l <"$T/cut")
		grep -qE "good before it: [0-3] snapshots?, $n records, $(head -n "$n" "$T/cut" | wc -c) bytes\$" "$T/err" || {
			echo "cut at $i of $size: $(cat "$T/err")"
			return 1
		}
		tail -n 1 "$T/out" | grep -q '"outcome":"error","reason":"stdin:' || {
			echo "cut at $i of $size: $(tail -n 1 "$T/out")"
			return 1
		}
	done
}

@test "both of two files must be whole" {
	series
	head -n 11 "$T/s" >"$T/cut"
	local args
	for args in "$T/s $T/cut" "$T/cut $T/s"; do
		# shellcheck disable=SC2086	# two
		diff_of $args
		[ "$status" -eq 1 ]
		[[ $stderr == "kt-snap-diff: $T/cut:11: the stream is cut off: kt-snap never ended; good before it: "* ]]
		[ "$(grep -c '"row"' "$T/out")" -eq 0 ]
	done
}

@test "compressed files are told by their bytes, and damaged or cut off ones are errors" {
	series
	zstd -q "$T/s" -o "$T/named-anyhow"
	diff_of "$T/named-anyhow"
	[ "$status" -eq 0 ]
	want 'select(.type == "row") | .delta' <<<110
	cat "$T/named-anyhow" "$T/named-anyhow" >"$T/s"	# frames follow each other
	diff_of --each
	want 'select(.type == "row") | .delta' < <(printf '%s\n' 510 100 -110 510 100)
	local size at rc
	size=$(stat -c %s "$T/named-anyhow")
	for ((at = 1; at < size; at += 11)); do
		head -c $at "$T/named-anyhow" >"$T/cut"
		! kt-snap-diff --each "$T/cut" >"$T/out" 2>"$T/err"
		grep -q 'good before it: ' "$T/err"
	done
	# One bit, anywhere behind the magic number: an error, or nothing that matters (zstd -q has a checksum).
	for ((at = 4; at < size; at += 17)); do
		/usr/bin/python3 -c 'import sys
d = bytearray(open(sys.argv[1], "rb").read())
d[int(sys.argv[3])] ^= 4
open(sys.argv[2], "wb").write(d)' "$T/named-anyhow" "$T/flipped" $at
		rc=0
		kt-snap-diff --each "$T/flipped" >"$T/out" 2>"$T/err" || rc=$?
		[ $rc -eq 1 ] && grep -q 'good before it: ' "$T/err"
	done
}

@test "records where they may not be, and what is no record, are refused with the line" {
	local case
	series
	cp "$T/s" "$T/good"
	while IFS='|' read -r script message; do
		sed "$script" "$T/good" >"$T/s"
		diff_of
		[ "$status" -eq 1 ]
		[[ $stderr == *"$message"* ]] || {
			echo "$script: $stderr"
			return 1
		}
	done <<-'END'
		2d|stdin:2: a thread outside of a snapshot
		4d|stdin:4: a snapshot begins before the one before it has ended
		$d|the stream is cut off: kt-snap never ended
		3s/"tid":1/"tid":null/|stdin:3: member 'tid' is not a thread's number
		3s/"tid":1/"tid":1,"tid":1/|stdin:3: 
		3s/"comm":"a"/"comm":7/|stdin:3: member 'comm' is not a string
		3s/"start_ns":1/"start_ns":"1"/|stdin:3: member 'start_ns' is not
		3s/^/x/|stdin:3: 
		3s/.*/[]/|stdin:3: 
		3s/.*/{"a":1}/|stdin:3: a record is an object with a type
		3s/.*//|stdin:3: 
		2s/"n":0/"n":"0"/|stdin:2: member 'n' is not an integer
		2s/"mono_ns":1/"mono_ns":"x"/|
		$s/"ok"/"error"/|kt-snap itself says that the stream is not good
		1d|stdin:11: an end of something that did not begin
		2,11d|there is no snapshot in it
	END
	cp "$T/good" "$T/s"
	sed -n '1,4p;$p' "$T/good" >"$T/s"
	diff_of
	[ "$status" -eq 1 ]
	[[ $stderr == *'there is one snapshot, and to compare takes two' ]]
	{ head -n 3 "$T/good"; head -c 1100000 /dev/zero | tr '\0' x; } >"$T/s"
	diff_of
	[[ $stderr == 'kt-snap-diff: stdin:4: a line over 1 MiB; '* ]]
}

@test "a file that is not there, a full disk, a reader that has left" {
	series
	diff_of "$T/none"
	[ "$status" -eq 1 ]
	[[ $stderr == "kt-snap-diff: open '$T/none': No such file or directory" ]]
	run -1 sh -c "kt-snap-diff '$T/s' >/dev/full"
	[[ $output == *'No space left on device'* ]]
	run --separate-stderr bash -c "set -o pipefail; kt-snap-diff --all '$T/s' | :"
	[ -z "$stderr" ]
}

# ---- the scanner ----

@test "records that need a parser give the same as those that are predicted" {
	series
	diff_of
	grep '"row"' "$T/out" >"$T/want"
	[ "$(jq 'select(.type == "end") | .records_parsed' "$T/out")" -le 5 ]
	sed 's/:/ : /; s/"comm":"a"/"comm":"\\u0061"/' "$T/s" >"$T/parsed"
	cp "$T/parsed" "$T/s"
	diff_of
	[ "$(jq 'select(.type == "end") | .records_predicted' "$T/out")" -eq 0 ]
	diff "$T/want" <(grep '"row"' "$T/out")
}
