#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-fmt: tables, and the exit status of what they show.
load lib.bash

E=tests/events

# show STREAM [OPTION...] - of kt-check, as a table
show() {
	local stream=$1
	shift
	kt-check "$@" <"$E/$stream.ndjson" >"$BATS_TEST_TMPDIR/results" 2>/dev/null || :
	run --separate-stderr kt-fmt <"$BATS_TEST_TMPDIR/results"
}

@test "a result is a row; what there is none of is a dash; times under TCG are marked" {
	show pass
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	diff - <(printf '%s\n' "$output") <<-END
		SCENARIO      OUTCOME  SPREAD          GAP  MIGR  WAKE-P50  WAKE-P99
		two_spinners  pass          -  12.0 ms tcg     0         -         -

		1 passed, 0 failed, 0 skipped, 0 undecided, 0 errors
	END
	sed -i 's/"accel":"tcg"/"accel":"kvm"/' "$BATS_TEST_TMPDIR/results"
	run -0 kt-fmt <"$BATS_TEST_TMPDIR/results"
	[[ ${lines[1]} == *' 12.0 ms '* ]]
}

@test "wake-ups, spread and migrations have their columns" {
	show figures
	diff - <(printf '%s\n' "${lines[0]}" "${lines[1]}") <<-END
		SCENARIO      OUTCOME  SPREAD          GAP  MIGR    WAKE-P50     WAKE-P99
		two_spinners  pass     20.0 %  12.0 ms tcg    44  904 ns tcg  1.97 ms tcg
	END
}

@test "what did not pass is told below the table, and the status is 1" {
	show gap
	[ "$status" -eq 1 ]
	diff - <(printf '%s\n' "$output") <<-END
		SCENARIO      OUTCOME  SPREAD         GAP  MIGR  WAKE-P50  WAKE-P99
		two_spinners  fail      0.0 %  350 ms tcg     0         -         -

		two_spinners/default/1n2l2c1t/seed-1: fail
		  max_gap_ms: worker 1 (tid 117) of cg_0.0 made no progress for 350.0 ms on CPU 1, 3.000 s after its start; limit 200 ms

		0 passed, 1 failed, 0 skipped, 0 undecided, 0 errors
	END
}

@test "of many messages of one check the first 8 are printed and the others counted" {
	show many-gaps
	[ "$(grep -c 'made no progress' <<<"$output")" -eq 8 ]
	[[ $output == *'  max_gap_ms: and 4 more'* ]]
}

@test "the status is that of the stream" {
	show skip
	[ "$status" -eq 77 ]
	[[ $output == *'plan: needs 2 LLCs, this machine has 1'* ]]
	show gap-real-undecided
	[ "$status" -eq 1 ]
	show gap-real-undecided --allow-undecided
	[ "$status" -eq 0 ]
	show worker-died
	[ "$status" -eq 1 ]
	show panic-after	# its plans have passed
	[ "$status" -eq 1 ]
	[[ $output == *'1 passed, 0 failed'* ]]
	[[ $stderr == *"kt-check: kt-vm ended with 'panic'"* ]]
}

@test "two streams in one: the worse one is the status" {
	run -1 sh -c "{ kt-check <$E/gap.ndjson; kt-check <$E/pass.ndjson; } | kt-fmt"
	[[ $output == *'1 passed, 1 failed'* ]]
	run -0 sh -c "{ kt-check <$E/skip.ndjson; kt-check <$E/pass.ndjson; } | kt-fmt"
}

@test "columns of what differs appear" {
	kt-check <$E/pass.ndjson >"$BATS_TEST_TMPDIR/a"
	sed 's/"seed":1/"seed":2/; s/"topology":"1n2l2c1t"/"topology":"2n4l4c2t"/' "$BATS_TEST_TMPDIR/a" >"$BATS_TEST_TMPDIR/b"
	run -0 sh -c "cat '$BATS_TEST_TMPDIR/a' '$BATS_TEST_TMPDIR/b' | kt-fmt"
	[[ ${lines[0]} == 'SCENARIO      TOPOLOGY  SEED  OUTCOME '* ]]
	[[ ${lines[2]} == 'two_spinners  2n4l4c2t  2     pass '* ]]
}

@test "names cannot command the terminal, and wide ones do not shift columns" {
	show evil-name
	[[ $output != *$'\e'* ]]
	[[ ${lines[1]} == 'evil ?[31m 日本語  pass '* ]]
	[[ ${lines[2]} == 'two_spinners       pass '* ]]
}

@test "colour on request only, and never with never" {
	kt-check <$E/gap.ndjson >"$BATS_TEST_TMPDIR/r" || :
	run -1 kt-fmt --color always <"$BATS_TEST_TMPDIR/r"
	[[ $output == *$'\e[1;31mfail\e[0m'* ]]
	run -1 kt-fmt <"$BATS_TEST_TMPDIR/r"	# no terminal
	[[ $output != *$'\e'* ]]
	run -1 kt-fmt --color always --color never <"$BATS_TEST_TMPDIR/r"
	[[ $output != *$'\e'* ]]
	run -2 --separate-stderr kt-fmt --color sometimes <"$BATS_TEST_TMPDIR/r"
	[ -z "$output" ]
}

@test "on a terminal there is colour, unless NO_COLOR is set" {
	command -v script >/dev/null || skip "no script(1)"
	kt-check <$E/gap.ndjson >"$BATS_TEST_TMPDIR/r" || :
	run script -qec "env -u NO_COLOR kt-fmt <'$BATS_TEST_TMPDIR/r'" /dev/null
	[[ $output == *$'\e[1;31mfail'* ]]
	run script -qec "NO_COLOR=1 kt-fmt <'$BATS_TEST_TMPDIR/r'" /dev/null
	[[ $output != *$'\e['* ]]
	[[ $output == *fail* ]]
}

@test "a line that is no record is told by its number, and the rest is printed" {
	kt-check <$E/pass.ndjson | sed '1a nonsense' >"$BATS_TEST_TMPDIR/r"
	run -1 --separate-stderr kt-fmt <"$BATS_TEST_TMPDIR/r"
	[[ $stderr == 'kt-fmt: stdin:2: '* ]]
	[[ $output == *'1 passed'* ]]
	run -1 --separate-stderr kt-fmt <<<'[1]'
	[[ $stderr == 'kt-fmt: stdin:1: a record is an object with a type' ]]
}

@test "a stream that was cut off, or is empty, is no success" {
	kt-check <$E/pass.ndjson | head -n 2 >"$BATS_TEST_TMPDIR/r"
	run -1 --separate-stderr kt-fmt <"$BATS_TEST_TMPDIR/r"
	[[ $output == *'1 passed'* ]]
	[ "$stderr" = 'kt-fmt: the stream was cut off: kt-check never ended' ]
	run -1 --separate-stderr kt-fmt </dev/null
	[ "$stderr" = 'kt-fmt: there were no records' ]
	run -1 --separate-stderr kt-fmt < <(head -c 1100000 /dev/zero | tr '\0' x)
	[[ $stderr == 'kt-fmt: stdin:1: '* ]]
}

@test "types that have no table are passed over" {
	run -0 --separate-stderr kt-fmt <<<'{"type":"tomorrow","a":1}'
	[ -z "$output" ] && [ -z "$stderr" ]
}

@test "the topology of a machine is tables" {
	run -0 --separate-stderr sh -c 'kt-topo --spec 2n2l1c2t | kt-fmt'
	[ -z "$stderr" ]
	[[ $output == *$'\nLLC  CPUS  NODE'* ]]
	[[ $output == *$'\n  1  2-3      1'* ]]
	[[ $output =~ $'\nspec '\ +2n2l1c2t$'\n' ]]
}

@test "columns that are empty in all rows are left out, unknown cells are dashes, lists and objects are flat" {
	run -0 kt-fmt <<-'END'
		{"type":"bench","name":"b","ratio":0.25,"empty":null,"list":[1,2],"deep":{"a":1,"b":null}}
		{"type":"bench","name":"longer","ratio":12,"empty":null,"list":[],"deep":{"a":null}}
	END
	diff - <(printf '%s\n' "$output") <<-'END'
		NAME    RATIO  LIST  DEEP
		b        0.25  1,2   a=1
		longer     12  -     -
	END
}

# moved ARG... - two snapshots by hand, compared and printed
moved() {
	local t=$BATS_TEST_TMPDIR
	cat >"$t/s" <<-'END'
		{"type":"meta","tool":"kt-snap","version":"0.1.0","schema":1,"boot_id":"b","source":"bpf","clk_tck":100}
		{"type":"snapshot","n":0,"mono_ns":1000000000,"realtime_ns":"1"}
		{"type":"thread","tid":1,"tgid":1,"pcomm":"a b","comm":"\u001b[31m","start_ns":1,"policy":"SCHED_OTHER","run_time_ns":1500,"minflt":12345,"rss_kb":2048,"wchar":18446744073709551614,"nr_wakeups":9}
		{"type":"thread","tid":2,"tgid":2,"pcomm":"gone","comm":"gone","start_ns":1,"minflt":1}
		{"type":"snapshot-end","n":0,"records":2}
		{"type":"snapshot","n":1,"mono_ns":3000000000,"realtime_ns":"2"}
		{"type":"thread","tid":1,"tgid":1,"pcomm":"a b","comm":"\u001b[31m","start_ns":1,"policy":"SCHED_FIFO","run_time_ns":2000001500,"minflt":12346,"rss_kb":1024,"wchar":18446744073709551615,"nr_wakeups":3}
		{"type":"snapshot-end","n":1,"records":1}
		{"type":"end","tool":"kt-snap","outcome":"ok"}
	END
	kt-snap-diff "$@" <"$t/s" >"$t/moved" || :
	run --separate-stderr kt-fmt <"$t/moved"
}

@test "what moved is a table for each interval, with quantities for people" {
	moved -s metric
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	diff - <(printf '%s\n' "$output") <<-'END'
		interval 1: 2.000 s, threads 2 -> 1 (0 born, 1 died)
		PCOMM  COMM   THREADS  METRIC            BEFORE       AFTER      DELTA               %      RATE  NOTE
		a b    ?[31m        1  policy       SCHED_OTHER  SCHED_FIFO  1 changed               -         -
		a b    ?[31m        1  run_time_ns      1.50 us      2.00 s    +2.00 s  +133333333.3 %  1.00 s/s
		a b    ?[31m        1  nr_wakeups             9           3         -6         -66.7 %      -3/s  fell in 1
		a b    ?[31m        1  minflt            12.3 k      12.3 k         +1          +0.0 %     0.5/s
		a b    ?[31m        1  wchar           16.0 EiB    16.0 EiB       +1 B          +0.0 %     0 B/s
		a b    ?[31m        1  rss_kb          2.00 MiB    1.00 MiB  -1.00 MiB         -50.0 %         -
		1 group only before:
		  gone  gone
	END
	moved --limit 1 --fail-if 'minflt>0'
	[ "$status" -eq 1 ]
	[[ $output == *SCHED_FIFO* ]]
	moved -m majflt
	[ "${lines[1]}" = 'nothing moved' ]
}

@test "long texts of the host are cut, and never within a character" {
	local long
	long=$(printf 'x%.0s' $(seq 56))é$(printf 'y%.0s' $(seq 56))
	run -0 kt-fmt <<-END
		{"type":"interval","n":1,"threads_before":1,"threads_after":1,"threads_born":0,"threads_died":0,"interval_ns":null}
		{"type":"host-change","n":1,"name":"cmdline","before":null,"after":"$long"}
		{"type":"host-change","n":1,"name":"fields","before":"a","after":"b"}
		{"type":"interval-end","n":1,"rows":0,"left_out":0}
	END
	diff - <(printf '%s\n' "$output") <<-END
		interval 1: time not known, threads 1 -> 1 (0 born, 0 died)
		host: cmdline: - -> $(printf 'x%.0s' $(seq 56))...
		host: fields: a -> b
		nothing moved
	END
}

@test "a block of what moved is printed when it ends, not at the end of the stream" {
	moved
	local t=$BATS_TEST_TMPDIR line
	mkfifo "$t/in" "$t/live"
	kt-fmt <"$t/in" >"$t/live" 3>&- &
	local pid=$!
	exec 7>"$t/in" 8<"$t/live"
	sed '/interval-end/q' "$t/moved" >&7
	read -r -t 30 line <&8
	[[ $line == 'interval 1: '* ]]
	sed -n '$p' "$t/moved" >&7
	exec 7>&- 8<&-
	wait $pid
}

@test "a full disk is noticed" {
	run -1 sh -c 'kt-topo --spec 1n1l1c1t | kt-fmt >/dev/full'
	[[ $output == *'No space left on device'* ]]
}

@test "wrong usage is 2" {
	run -2 --separate-stderr kt-fmt --no-such
	[ -z "$output" ]
	run -2 --separate-stderr kt-fmt results.ndjson
	[[ $stderr == *"unexpected argument 'results.ndjson'"* ]]
}
