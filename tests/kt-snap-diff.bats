#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff on snapshots written by hand: identity, accounting, rules. What else it does has a file each:
# groups, the choice and order of rows, streams and their damage, conditions.
load lib.bash
load snap-diff.bash

# ---- identity and accounting ----

@test "a counter grows by what living threads counted, and by all that new ones did; who is gone takes nothing away" {
	mk <<-'END'
		@10
		{"tid":1,"tgid":1,"pcomm":"a","comm":"x","start_ns":10,"nr_migrations":100}
		{"tid":2,"tgid":1,"pcomm":"a","comm":"x","start_ns":20,"nr_migrations":5000}
		@12
		{"tid":1,"tgid":1,"pcomm":"a","comm":"x","start_ns":10,"nr_migrations":140}
		{"tid":3,"tgid":1,"pcomm":"a","comm":"x","start_ns":30,"nr_migrations":7}
	END
	diff_of
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	want 'select(.type == "row") | [.pcomm, .comm, .metric, .before, .after, .delta, .died, .moved, .per_s]' <<-'END'
		["a","x","nr_migrations",5100,147,47,5000,0,23.5]
	END
	want 'select(.type == "interval") | [.threads_before, .threads_after, .threads_kept, .threads_born, .threads_died, .interval_ns, .clock]' <<-'END'
		[2,2,1,1,1,2000000000,"monotonic"]
	END
}

@test "a thread id that was used again is another thread" {
	mk <<-'END'
		@1
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":10,"nr_migrations":900}
		@2
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":20,"nr_migrations":3}
	END
	diff_of
	want 'select(.type == "row") | [.delta, .died, .threads_kept, .threads_born, .threads_died]' <<<'[3,900,0,1,1]'
	diff_of -g tid
	want 'select(.type == "row") | [.tgid, .tid, .delta, .threads_kept, .threads_born]' <<<'[7,7,3,0,1]'
}

@test "start times are compared in clock ticks when one side is of /proc, exactly when none is" {
	mk a <<-'END'
		@1
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":1234567890,"nr_migrations":900}
	END
	mk b "${META/bpf/proc}" <<-'END'
		@2
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":1230000000,"nr_migrations":901}
	END
	mk c "${META/bpf/proc}" <<-'END'
		@2
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":1240000000,"nr_migrations":901}
	END
	mk d <<-'END'
		@2
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":1234567891,"nr_migrations":901}
	END
	mk s <<<@1
	local f
	for f in b:1 c:901 d:901; do
		diff_of "$T/a" "$T/${f%:*}"
		want 'select(.type == "row") | .delta' <<<"${f#*:}"
	done
	diff_of "$T/b" "$T/a"
	want 'select(.type == "row" and .threads_kept == 1) | .delta' <<<-1
}

@test "a thread whose start is not known is matched by its ids" {
	mk <<-'END'
		@1
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":null,"nr_migrations":900}
		@2
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","nr_migrations":902}
	END
	diff_of
	want 'select(.type == "row") | .delta' <<<2
}

@test "a thread that changes its name takes its past along, and its growth counts where it is then" {
	mk <<-'END'
		@1
		{"tid":7,"tgid":7,"pcomm":"sh","comm":"sh","start_ns":1,"nr_migrations":900}
		{"tid":8,"tgid":8,"pcomm":"sh","comm":"sh","start_ns":2,"nr_migrations":10}
		{"tid":9,"tgid":9,"pcomm":"gcc","comm":"gcc","start_ns":3,"nr_migrations":1}
		@2
		{"tid":7,"tgid":7,"pcomm":"gcc","comm":"gcc","start_ns":1,"nr_migrations":905}
		{"tid":8,"tgid":8,"pcomm":"sh","comm":"sh","start_ns":2,"nr_migrations":12}
		{"tid":9,"tgid":9,"pcomm":"gcc","comm":"gcc","start_ns":3,"nr_migrations":1}
	END
	diff_of -s group
	want 'select(.type == "row") | [.comm, .before, .after, .delta, .died, .moved, .threads_joined, .threads_left]' <<-'END'
		["gcc",1,906,5,0,900,1,0]
		["sh",910,12,2,0,-900,0,1]
	END
}

@test "after is before less what died, plus what moved, plus delta: for every row of a messy interval" {
	awk 'BEGIN {
		srand(3)
		for (s = 1; s <= 2; s++) {
			print "@" s
			for (i = 1; i <= 300; i++) {
				if (rand() < 0.1) continue
				start = rand() < 0.1 ? s : 0
				name = "n" int(rand() * 5)
				v = rand() < 0.1 ? "null" : int(rand() * 1000) + s * 1000
				printf "{\"tid\":%d,\"tgid\":%d,\"pcomm\":\"p\",\"comm\":\"%s\",\"start_ns\":%d,\"nr_migrations\":%s,\"utime_ns\":%d}\n",
					i, i, name, start, v, int(rand() * 1e9)
			}
		}
	}' | mk
	diff_of --all -m nr_migrations -m utime_ns
	want 'select(.type == "row") | .after - .before + .died - .moved - .delta' < <(yes 0 | head -n 10)
	want 'select(.type == "row") | [.threads_before - .threads_kept - .threads_left - .threads_died,
		.threads_after - .threads_kept - .threads_joined - .threads_born]' < <(yes '[0,0]' | head -n 10)
	# The same by two files, side by side and in any order.
	cp "$T/out" "$T/series"
	{ grep -v '^{"type":"snapshot\|^{"type":"thread\|^{"type":"end' "$T/s"; sed -n '/"snapshot","n":0/,/snapshot-end/p; $p' "$T/s"; } >"$T/a"
	{ head -n 1 "$T/s"; sed -n '/"snapshot","n":1/p' "$T/s"; grep thread "$T/s" >"$T/th"; sed -n '/"snapshot","n":1/,$p' "$T/s" | grep '"thread"' | sort -R --random-source="$T/th"
		sed -n '/snapshot-end","n":1/,$p' "$T/s"; } >"$T/b"
	diff_of --all -m nr_migrations -m utime_ns "$T/a" "$T/b"
	[ "$status" -eq 0 ]
	diff <(grep '"row"' "$T/series") <(grep '"row"' "$T/out")
	[ "$(grep -c '"row"' "$T/out")" -eq 10 ]
}

@test "a counter that fell is a negative difference, and says in how many threads" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nr_wakeups":50}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"nr_wakeups":50}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nr_wakeups":3}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"nr_wakeups":51}
	END
	diff_of
	want 'select(.type == "row") | [.delta, .changed, .pct]' <<<'[-46,1,-46]'
}

@test "a fall and a rise that make 0 together are a difference all the same" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nr_wakeups":50}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"nr_wakeups":50}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nr_wakeups":45}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"nr_wakeups":55}
	END
	diff_of
	want 'select(.type == "row") | [.delta, .changed]' <<<'[0,1]'
}

@test "snapshots of two boots are not matched: plain sums, the wall clock, and the boots are told" {
	mk a <<-'END'
		@5
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":10,"nr_migrations":900}
	END
	mk b "${META/b1/b2}" <<-'END'
		@3
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":10,"nr_migrations":40}
	END
	mk c "${META/b1/b2}" <<-'END'
		@9
		{"tid":7,"tgid":7,"pcomm":"a","comm":"a","start_ns":10,"nr_migrations":40}
	END
	diff_of "$T/a" "$T/b"
	want 'select(.type == "row") | [.before, .after, .delta, .per_s, .died, .threads_kept, .changed]' <<<'[900,40,-860,null,null,null,null]'
	want 'select(.type == "interval") | [.same_boot, .clock, .interval_ns]' <<<'[false,null,null]'
	want 'select(.type == "host-change") | [.name, .before, .after]' <<<'["boot_id","b1","b2"]'
	diff_of "$T/a" "$T/c"
	want 'select(.type == "row") | .per_s' <<<-215
	want 'select(.type == "interval") | [.same_boot, .clock, .interval_ns]' <<<'[false,"realtime",4000000000]'
	cat "$T/a" "$T/c" >"$T/s"
	diff_of
	want 'select(.type == "row") | .per_s' <<<-215
}

# ---- exact numbers ----

@test "counters and their differences are exact up to 2^64 - 1" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rchar":9223372036854775807,"wchar":18446744073709551615,"syscr":0,"syscw":18446744073709551614}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rchar":9223372036854775809,"wchar":0,"syscr":18446744073709551615,"syscw":18446744073709551615}
	END
	diff_of -s metric
	diff -u - <(sed -n 's/.*"metric":"\([a-z]*\)".*"before":\([0-9]*\),"after":\([0-9]*\),.*"delta":\([-0-9]*\),.*"saturated":\([a-z]*\).*/\1 \2 \3 \4 \5/p' "$T/out") <<-'END'
		rchar 9223372036854775807 9223372036854775809 2 false
		wchar 18446744073709551615 0 -18446744073709551615 false
		syscr 0 18446744073709551615 18446744073709551615 false
		syscw 18446744073709551614 18446744073709551615 1 false
	END
}

@test "a sum beyond 2^64 - 1 says that it is, and its difference stays exact" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rchar":18446744073709551610}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"rchar":18446744073709551610}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rchar":18446744073709551613}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"rchar":18446744073709551614}
	END
	diff_of
	grep -q '"before":18446744073709551615,"after":18446744073709551615,.*"delta":7,.*"saturated":true' "$T/out"
}

@test "a value that is too large or of another type is damage, told with its line" {
	local v
	for v in 18446744073709551616 -1 1.5 1e3 '"7"' true '[1]' '{}'; do
		mk <<-END
			@1
			{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rchar":5}
			@2
			{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rchar":$v}
		END
		diff_of
		[ "$status" -eq 1 ]
		[[ $stderr == "kt-snap-diff: stdin:6: member 'rchar' is not an integer from 0 to 2^64 - 1; good before it: 1 snapshot, 5 records, "*" bytes" ]]
		want 'select(.type == "end") | [.outcome, .intervals, .snapshots, .records]' <<<'["error",0,1,5]'
	done
}

# ---- unknown values ----

@test "what is not known is null and no 0, and is counted" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nr_wakeups":null,"minflt":5}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"nr_wakeups":null,"minflt":null}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nr_wakeups":70,"minflt":9}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"nr_wakeups":null,"minflt":1000}
	END
	diff_of -m nr_wakeups -m minflt
	want 'select(.type == "row") | [.metric, .before, .after, .delta, .moved, .unknown_before, .unknown_after]' <<-'END'
		["minflt",5,1009,4,1000,1,0]
	END
	want 'select(.type == "host-change") | [.name, .before, .after]' <<<'["values.nr_wakeups",null,"known"]'
	diff_of --all -m nr_wakeups
	want 'select(.type == "row") | [.before, .after, .delta, .pct, .per_s, .unknown_before, .unknown_after]' <<-'END'
		[null,70,null,null,null,2,1]
	END
}

@test "an old snapshot with fewer members is read, and a new one with more" {
	mk a '"tool_was":"old"' <<-'END'
		@1
		{"tid":1,"tgid":1,"comm":"a","minflt":5}
	END
	mk b <<-'END'
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":9,"of_tomorrow":{"a":[1]},"wchar":3}
	END
	diff_of -g comm --all -m minflt -m wchar "$T/a" "$T/b"
	[ "$status" -eq 0 ]
	want 'select(.type == "row") | [.metric, .before, .after, .delta]' <<-'END'
		["minflt",5,9,4]
		["wchar",null,3,null]
	END
	want 'select(.type == "interval") | [.same_boot, .clock]' <<<'[null,"realtime"]'
}

@test "the memory of a process is told by its leader: others do not lack it" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rss_kb":500}
		{"tid":2,"tgid":1,"pcomm":"a","comm":"a","start_ns":2,"rss_kb":null}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"rss_kb":400}
		{"tid":2,"tgid":1,"pcomm":"a","comm":"a","start_ns":2,"rss_kb":null}
	END
	diff_of
	want 'select(.type == "row") | [.metric, .rule, .unit, .delta, .per_s, .unknown_after]' <<<'["rss_kb","gauge","kb",-100,null,0]'
}

# ---- the other rules ----

@test "range: smallest and largest, their middle, and the sign of a percentage of something negative" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nice":-10}
		{"tid":2,"tgid":2,"pcomm":"b","comm":"b","start_ns":2,"nice":0}
		{"tid":3,"tgid":3,"pcomm":"b","comm":"b","start_ns":3,"nice":5}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"nice":-5}
		{"tid":2,"tgid":2,"pcomm":"b","comm":"b","start_ns":2,"nice":1}
		{"tid":3,"tgid":3,"pcomm":"b","comm":"b","start_ns":3,"nice":19}
	END
	diff_of -s group
	want 'select(.type == "row") | [.comm, .before, .after, .before_text, .after_text, .delta, .pct, .changed]' <<-'END'
		["a",-10,-5,"-10","-5",5,50,1]
		["b",2.5,10,"0..5","1..19",7.5,300,2]
	END
}

@test "mode: the most frequent, its share, ties by bytes; a share that changes is a difference, one that is equal is none" {
	# policies NAME... - a snapshot of one thread for each
	policies() {
		local i=0 p
		for p; do
			i=$((i + 1))
			echo "{\"tid\":$i,\"tgid\":$i,\"pcomm\":\"a\",\"comm\":\"a\",\"start_ns\":$i,\"policy\":\"SCHED_$p\"}"
		done
	}
	{ echo @1; policies RR FIFO; echo @2; policies RR FIFO FIFO; } | mk
	diff_of
	want 'select(.type == "row") | [.before_text, .after_text, .changed, .before, .delta]' <<<'["SCHED_FIFO (1/2)","SCHED_FIFO (2/3)",0,null,null]'
	{ echo @1; policies RR FIFO; echo @2; policies RR FIFO FIFO RR; } | mk
	diff_of
	[ "$(grep -c '"row"' "$T/out")" -eq 0 ]
	{ echo @1; policies RR FIFO; echo @2; policies FIFO RR; } | mk
	diff_of
	want 'select(.type == "row") | [.before_text, .after_text, .changed]' <<<'["SCHED_FIFO (1/2)","SCHED_FIFO (1/2)",2]'
	{ echo @1; policies OTHER OTHER; echo @2; policies OTHER OTHER; } | mk
	diff_of --all -m policy
	want 'select(.type == "row") | [.before_text, .after_text]' <<<'["SCHED_OTHER","SCHED_OTHER"]'
}

@test "set: the same list however it is written, mixed ones, and another set of the same size" {
	# sets LIST... - a snapshot of one thread for each
	sets() {
		local i=0 s
		for s; do
			i=$((i + 1))
			echo "{\"tid\":$i,\"tgid\":$i,\"pcomm\":\"a\",\"comm\":\"a\",\"start_ns\":$i,\"cpu_affinity\":\"$s\"}"
		done
	}
	TEXTS='select(.type == "row") | [.before_text, .after_text, .delta, .changed]'
	{ echo @1; sets 0-3; echo @2; sets 4-7; } | mk
	diff_of
	want "$TEXTS" <<<'["4 cpus (0-3)","4 cpus (4-7)",0,1]'
	{ echo @1; sets 0-1 2-3; echo @2; sets 4-5 6-7; } | mk
	diff_of
	want "$TEXTS" <<<'["2 cpus (mixed)","2 cpus (mixed)",0,2]'
	{ echo @1; sets 0-3 5; echo @2; sets 0-6 5; } | mk
	diff_of
	want "$TEXTS" <<<'["1-4 cpus (mixed)","1-7 cpus (mixed)",1.5,1]'
	{ echo @1; sets 0-3; echo @2; sets 0,1,2,3; } | mk
	diff_of
	[ "$(grep -c '"row"' "$T/out")" -eq 0 ]
	# Without identity, of two boots, too.
	{ echo @1; sets 0-1 2-3; } | mk a
	{ echo @2; sets 4-5 6-7; } | mk b "${META/b1/b2}"
	diff_of "$T/a" "$T/b"
	want "$TEXTS" <<<'["2 cpus (mixed)","2 cpus (mixed)",0,null]'
}

@test "max: the largest on each side, and no rate" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"wait_max_ns":70}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"wait_max_ns":50}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"wait_max_ns":75}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"wait_max_ns":90}
	END
	diff_of
	want 'select(.type == "row") | [.rule, .before, .after, .delta, .per_s, .died]' <<<'["max",70,90,20,null,null]'
}

# ---- usage ----

@test "wrong usage is 2, with nothing on stdout" {
	local args
	mk </dev/null
	for args in '--no-such' '-g' '-g tid,comm' '-g comm,comm' '-g x' '-g ' '--limit 0' '--limit x' '--min-pct -1' \
		'--sort x' '--only nosuch' '--only tid' '--cgroup-flatten /a'; do
		# shellcheck disable=SC2086	# words
		diff_of $args
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
}
