#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff: which rows are shown, and in which order.
load lib.bash
load snap-diff.bash

order() {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"hog","comm":"hog","start_ns":1,"run_time_ns":90000000000,"sleep_sum_ns":0,"minflt":1000,"nice":0}
		{"tid":2,"tgid":2,"pcomm":"idle","comm":"idle","start_ns":2,"run_time_ns":100,"sleep_sum_ns":0,"minflt":0,"nice":0}
		{"tid":3,"tgid":3,"pcomm":"set","comm":"set","start_ns":3,"run_time_ns":0,"sleep_sum_ns":0,"minflt":10,"nice":0}
		@2
		{"tid":1,"tgid":1,"pcomm":"hog","comm":"hog","start_ns":1,"run_time_ns":90900000000,"sleep_sum_ns":0,"minflt":1500,"nice":0}
		{"tid":2,"tgid":2,"pcomm":"idle","comm":"idle","start_ns":2,"run_time_ns":1100,"sleep_sum_ns":1000000000,"minflt":3,"nice":0}
		{"tid":3,"tgid":3,"pcomm":"set","comm":"set","start_ns":3,"run_time_ns":0,"sleep_sum_ns":0,"minflt":10,"nice":1}
	END
}

@test "rows are in the order of what moved, or of what is asked for" {
	order
	rows() {
		diff_of "$@"
		jq -r 'select(.type == "row") | .comm + " " + .metric' "$T/out"
	}
	diff -u - <(rows) <<-'END'
		set nice
		hog run_time_ns
		idle sleep_sum_ns
		hog minflt
		idle minflt
		idle run_time_ns
	END
	diff -u - <(rows --sort pct) <<-'END'
		idle sleep_sum_ns
		idle minflt
		set nice
		idle run_time_ns
		hog minflt
		hog run_time_ns
	END
	diff -u - <(rows -s delta) <<-'END'
		idle sleep_sum_ns
		hog run_time_ns
		idle run_time_ns
		hog minflt
		idle minflt
		set nice
	END
	diff -u - <(rows -s metric -m 'm?nflt' -m nice) <<-'END'
		set nice
		hog minflt
		idle minflt
	END
	diff -u - <(rows -s group --limit 2) <<-'END'
		hog run_time_ns
		hog minflt
	END
}

@test "rows that moved too little are left out, those from 0 are not, and interval-end counts" {
	order
	diff_of --min-pct 60 -s group
	want 'select(.type == "row") | [.comm, .metric, .pct]' <<-'END'
		["idle","run_time_ns",1000]
		["idle","sleep_sum_ns",null]
		["idle","minflt",null]
		["set","nice",null]
	END
	diff_of --min-pct 60 -m run_time_ns -m sleep_sum_ns -m minflt -m nice
	want 'select(.type == "interval-end") | [.rows, .left_out]' <<<'[4,8]'
	diff_of --all -s group -m run_time_ns -m sleep_sum_ns -m minflt -m nice
	want 'select(.type == "interval-end") | [.rows, .left_out]' <<<'[12,0]'
	diff_of --limit 1 -m run_time_ns -m sleep_sum_ns -m minflt -m nice
	want 'select(.type == "interval-end") | [.rows, .left_out]' <<<'[1,11]'
}

@test "a limit gives the first of all rows, however many there are" {
	awk 'BEGIN {
		srand(5)
		for (s = 1; s <= 2; s++) {
			print "@" s
			for (i = 1; i <= 3000; i++)
				printf "{\"tid\":%d,\"tgid\":%d,\"pcomm\":\"p\",\"comm\":\"c\",\"start_ns\":0,\"minflt\":%d,\"majflt\":%d}\n",
					i, i, s * 1e6 + rand() * 1e5, s * 1e6 + rand() * 1e5
		}
	}' | mk
	diff_of -g tid
	[ "$(grep -c '"row"' "$T/out")" -gt 5900 ]
	grep -m 7 '"row"' "$T/out" >"$T/first"
	local all
	all=$(jq 'select(.type == "interval-end") | .rows + .left_out' "$T/out")
	diff_of -g tid --limit 7
	diff "$T/first" <(grep '"row"' "$T/out")
	want 'select(.type == "interval-end") | [.rows, .left_out]' <<<"[7,$((all - 7))]"
}

@test "differences of the host are told by name" {
	mk a <<-'END'
		h{"kernel_release":"7.3.0","uptime_ns":5,"mem_available_kb":7,"n_cpus":2,"sched_tunables":[{"name":"rt","value":"95"},{"name":"x","value":"1"}],"sched_ext":null,"online":[0,1]}
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1}
	END
	mk b "${META/7.3.0/7.4.0},\"schedstats\":true" <<-'END'
		h{"kernel_release":"7.4.0","uptime_ns":9,"mem_available_kb":8,"n_cpus":2,"sched_tunables":[{"name":"rt","value":"96"},{"name":"x","value":"1"}],"sched_ext":{"state":"enabled"},"online":[0]}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1}
	END
	mk s <<<@1
	diff_of "$T/a" "$T/b"
	want 'select(.type == "host-change") | [.name, .before, .after]' <<-'END'
		["kernel_release","7.3.0","7.4.0"]
		["online","[0,1]","[0]"]
		["sched_ext.state",null,"enabled"]
		["sched_tunables.rt","95","96"]
		["schedstats",null,"true"]
	END
	diff_of "$T/a" "$T/a"
	[ "$(grep -c host-change "$T/out")" -eq 0 ]
}
