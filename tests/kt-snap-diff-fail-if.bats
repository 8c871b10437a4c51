#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff --fail-if: conditions, and the status they make.
load lib.bash
load snap-diff.bash

@test "a condition that is fulfilled is status 1, and says by which group" {
	groups
	diff_of --fail-if 'minflt>+50%'
	[ "$status" -eq 1 ]
	want 'select(.type == "end") | .outcome, .failed_total, (.failed[] | [.if, .n, .pcomm, .comm, .delta, .pct, .per_s])' <<-'END'
		fail
		3
		["minflt>+50%",1,"p","x",1,100,1]
		["minflt>+50%",1,"p","y",20,2000,20]
		["minflt>+50%",1,"q","x",4300,215000,4300]
	END
	[[ $stderr == *'kt-snap-diff: interval 1: minflt>+50%: p/x: +100.0 % (1 to 2)'* ]]
	local c
	for c in 'minflt>+2000%' 'minflt>20' 'minflt>=4300' 'minflt>4299.5/s' 'q:minflt>0' '?:minflt>=4300.0'; do
		diff_of --fail-if "$c" --limit 1 --only nice
		[ "$status" -eq 1 ]
		want 'select(.type == "end") | .failed_total' <<<1
	done
	for c in 'minflt>4300' 'minflt>215000%' 'minflt<0' 'p:minflt>20' 'minflt<=-1%' 'x:minflt>4300/s'; do
		diff_of --fail-if "$c"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
	done
	diff_of --fail-if 'minflt<2' --fail-if 'minflt>4000'
	want 'select(.type == "end") | .failed_total' <<<2
}

@test "percentages: a group from 0 is beyond any, one that was not there has none" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":0}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":1}
		{"tid":2,"tgid":2,"pcomm":"b","comm":"b","start_ns":2,"minflt":1000}
	END
	diff_of --fail-if 'minflt>1000000%'
	[ "$status" -eq 1 ]
	want 'select(.type == "end") | [.failed[].comm]' <<<'["a"]'
}

@test "a condition for which there is nothing to judge is undecided and no success" {
	groups
	local c
	for c in 'nosuch:minflt>1' 'nr_wakeups>5' 'nr_wakeups>5/s'; do
		diff_of --fail-if "$c"
		[ "$status" -eq 1 ]
		want 'select(.type == "end") | [.outcome, .unjudged]' <<<"[\"undecided\",[\"$c\"]]"
		[[ $stderr == *"$c: there was nothing to judge"* ]]
	done
}

@test "a bad condition is status 2 and names the column" {
	groups
	while read -r c column; do
		diff_of --fail-if "$c"
		[ "$status" -eq 2 ]
		[[ $stderr == "kt-snap-diff: bad --fail-if '$c': "*", in column $column (see --help)" ]] || {
			echo "$c: $stderr"
			return 1
		}
		[ -z "$output" ]
	done <<-'END'
		minflt 7
		nosuch>5 1
		a:nosuch>5 3
		minflt> 8
		minflt>x 8
		minflt>5k 8
		minflt>--5 8
		minflt>+% 8
		minflt>0x10 8
		policy>5 1
		nice>5/s 6
		rss_kb>5/s 8
		[a:minflt>5 1
		tid>5 1
		>5 1
	END
}
