#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff on snapshots written by hand: identity, accounting, rules, order, conditions, damage.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	touch "$T/s"
}

META='"boot_id":"b1","source":"bpf","clk_tck":100,"kernel_release":"7.3.0"'

# mk [NAME [MEMBERS]] - $T/NAME, a stream of kt-snap, from short lines: "@S" begins a snapshot at S seconds, "{…"
# is the rest of a thread and "c{…" of a cgroup, "h{…" of the host. MEMBERS are of its meta.
mk() {
	awk -v members="${2-$META}" '
	function finish() {
		if (open)
			printf "{\"type\":\"snapshot-end\",\"n\":%d,\"records\":%d,\"took_ns\":5}\n", n++, threads
		open = threads = 0
	}
	BEGIN { print "{\"type\":\"meta\",\"tool\":\"kt-snap\",\"version\":\"0.1.0\",\"schema\":1," members "}" }
	/^@/ {
		finish()
		s = substr($0, 2)
		printf "{\"type\":\"snapshot\",\"n\":%d,\"mono_ns\":%d000000000,\"realtime_ns\":\"%d000000000\"}\n", n, s, s + 100
		open = 1
	}
	/^{/ { print "{\"type\":\"thread\"," substr($0, 2); threads++ }
	/^c{/ { print "{\"type\":\"cgroup\"," substr($0, 3) }
	/^h{/ { print "{\"type\":\"host\"," substr($0, 3) }
	END { finish(); print "{\"type\":\"end\",\"tool\":\"kt-snap\",\"outcome\":\"ok\"}" }' >"$T/${1-s}"
}

# diff_of ARG... - records in $T/out, messages in $stderr, status in $status; standard input is $T/s
diff_of() {
	run --separate-stderr kt-snap-diff "$@" <"$T/s"
	printf '%s\n' "$output" >"$T/out"
}

# want JQ - what the filter gives for each record is what stands on stdin, a line each
want() {
	diff -u - <(jq -rc "$1" "$T/out")
}

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

# ---- groups ----

groups() {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"p","comm":"x","cgroup":"/a/1","start_ns":1,"minflt":1}
		{"tid":2,"tgid":1,"pcomm":"p","comm":"y","cgroup":"/a/1","start_ns":2,"minflt":1}
		{"tid":3,"tgid":3,"pcomm":"q","comm":"x","cgroup":"/a/b/2","start_ns":3,"minflt":1}
		{"tid":4,"tgid":4,"pcomm":"q","comm":"x","cgroup":null,"start_ns":4,"minflt":1}
		@2
		{"tid":1,"tgid":1,"pcomm":"p","comm":"x","cgroup":"/a/1","start_ns":1,"minflt":2}
		{"tid":2,"tgid":1,"pcomm":"p","comm":"y","cgroup":"/a/1","start_ns":2,"minflt":21}
		{"tid":3,"tgid":3,"pcomm":"q","comm":"x","cgroup":"/a/b/2","start_ns":3,"minflt":301}
		{"tid":4,"tgid":4,"pcomm":"q","comm":"x","cgroup":null,"start_ns":4,"minflt":4001}
	END
}

@test "threads are grouped by process, thread, cgroup, any of these together, or not at all" {
	groups
	diff_of -s group
	want 'select(.type == "row") | [.pcomm, .comm, .delta]' < <(printf '%s\n' '["p","x",1]' '["p","y",20]' '["q","x",4300]')
	diff_of -s group -g pcomm
	want 'select(.type == "row") | [.pcomm, .delta]' < <(printf '%s\n' '["p",21]' '["q",4300]')
	diff_of -s group --group-by comm
	want 'select(.type == "row") | [.comm, .delta]' < <(printf '%s\n' '["x",4301]' '["y",20]')
	diff_of -s group -g cgroup
	want 'select(.type == "row") | [.cgroup, .delta]' < <(printf '%s\n' '[null,4000]' '["/a/1",21]' '["/a/b/2",300]')
	diff_of -s group -g cgroup,comm
	want 'select(.type == "row") | [.comm, .cgroup, .delta]' < <(printf '%s\n' '["x",null,4000]' '["x","/a/1",1]' '["x","/a/b/2",300]' '["y","/a/1",20]')
	diff_of -s group -g tid
	want 'select(.type == "row") | [.tgid, .tid, .pcomm, .comm, .delta]' < <(printf '%s\n' '[1,1,"p","x",1]' '[1,2,"p","y",20]' '[3,3,"q","x",300]' '[4,4,"q","x",4000]')
}

@test "cgroups are flattened by the first pattern that fits; * stays within a component" {
	groups
	diff_of -s group -g cgroup --cgroup-flatten '/a/*' --cgroup-flatten '/a/**'
	want 'select(.type == "row") | [.cgroup, .delta]' < <(printf '%s\n' '[null,4000]' '["/a/*",21]' '["/a/**",300]')
	diff_of -s group -g cgroup --cgroup-flatten '/**/[0-9]'
	want 'select(.type == "row") | [.cgroup, .delta]' < <(printf '%s\n' '[null,4000]' '["/**/[0-9]",321]')
	diff_of -s group -g cgroup --cgroup-flatten '/a/?' --cgroup-flatten '/*/[!a]/2'
	want 'select(.type == "row") | .cgroup' < <(printf '%s\n' null '/*/[!a]/2' '/a/?')
}

@test "a bad pattern is refused with its column" {
	local p
	for p in '/a/[b:4' '/a**:3' '/***:2' '/[b-a]:2' '/a\:3' '[/]:1' ':1'; do
		mk </dev/null
		diff_of -g cgroup --cgroup-flatten "${p%:*}"
		[ "$status" -eq 2 ]
		[[ $stderr == "kt-snap-diff: bad --cgroup-flatten '${p%:*}': "*", in column ${p##*:} (see --help)" ]]
	done
}

@test "what cgroups count is compared with their threads; a new one of the same name is another one" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"p","comm":"x","cgroup":"/s/a","start_ns":1,"minflt":1}
		{"tid":2,"tgid":2,"pcomm":"p","comm":"x","cgroup":"/s/b","start_ns":2,"minflt":1}
		c{"path":"/s/a","id":"11","threads":1,"cpu_usage_ns":1000,"nr_throttled":5,"memory_current_bytes":70,"pids_current":1,"throttled_ns":null}
		c{"path":"/s/b","id":"12","threads":1,"cpu_usage_ns":5000,"nr_throttled":0,"memory_current_bytes":20,"pids_current":2,"throttled_ns":null}
		@3
		{"tid":1,"tgid":1,"pcomm":"p","comm":"x","cgroup":"/s/a","start_ns":1,"minflt":1}
		{"tid":2,"tgid":2,"pcomm":"p","comm":"x","cgroup":"/s/b","start_ns":2,"minflt":1}
		c{"path":"/s/a","id":"11","threads":1,"cpu_usage_ns":1600,"nr_throttled":9,"memory_current_bytes":60,"pids_current":1,"throttled_ns":null}
		c{"path":"/s/b","id":"99","threads":1,"cpu_usage_ns":40,"nr_throttled":0,"memory_current_bytes":90,"pids_current":7,"throttled_ns":null}
	END
	diff_of -g cgroup -s group -m 'cgroup.cpu*' -m cgroup.nr_throttled
	want 'select(.type == "row") | [.cgroup, .metric, .before, .after, .delta, .died, .per_s]' <<-'END'
		["/s/a","cgroup.cpu_usage_ns",1000,1600,600,0,300]
		["/s/a","cgroup.nr_throttled",5,9,4,0,2]
		["/s/b","cgroup.cpu_usage_ns",5000,40,40,5000,20]
	END
	# Added up, and of memory the largest.
	diff_of -g cgroup --cgroup-flatten '/s/*' -s metric -m 'cgroup.*'
	want 'select(.type == "row") | [.cgroup, .metric, .before, .after, .delta, .threads_kept, .threads_born]' <<-'END'
		["/s/*","cgroup.cpu_usage_ns",6000,1640,640,1,1]
		["/s/*","cgroup.nr_throttled",5,9,4,1,1]
		["/s/*","cgroup.memory_current_bytes",70,90,20,1,1]
		["/s/*","cgroup.pids_current",3,8,5,1,1]
	END
	diff_of
	[ "$(grep -c 'cgroup\.' "$T/out")" -eq 0 ]
	diff_of --only cgroup.cpu_usage_ns
	[ "$status" -eq 2 ]
}

@test "kworkers are one group, unless they are to be kept; a process of that name is none" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"kworker/0:1","comm":"kworker/0:1","start_ns":1,"kthread":true,"minflt":1}
		{"tid":2,"tgid":2,"pcomm":"kworker/u8:2","comm":"kworker/u8:2","start_ns":2,"kthread":true,"minflt":1}
		{"tid":3,"tgid":3,"pcomm":"kworker/0:1","comm":"kworker/0:1","start_ns":3,"kthread":false,"minflt":1}
		@2
		{"tid":1,"tgid":1,"pcomm":"kworker/0:1-events","comm":"kworker/0:1-events","start_ns":1,"kthread":true,"minflt":2}
		{"tid":2,"tgid":2,"pcomm":"kworker/u8:2","comm":"kworker/u8:2","start_ns":2,"kthread":true,"minflt":3}
		{"tid":3,"tgid":3,"pcomm":"kworker/0:1","comm":"kworker/0:1","start_ns":3,"kthread":false,"minflt":9}
	END
	diff_of -g comm -s group
	want 'select(.type == "row") | [.comm, .delta]' < <(printf '%s\n' '["kworker",3]' '["kworker/0:1",8]')
	diff_of -g comm -s group --keep-kworkers
	want 'select(.type == "row" and .metric == "minflt") | [.comm, .delta]' < <(printf '%s\n' '["kworker/0:1",8]' '["kworker/0:1-events",1]' '["kworker/u8:2",2]')
}

@test "groups of one side are told; a new one has rows, one that is gone has none" {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"gone","comm":"g","start_ns":1,"minflt":1}
		{"tid":2,"tgid":1,"pcomm":"gone","comm":"g","start_ns":1,"minflt":1}
		@2
		{"tid":3,"tgid":3,"pcomm":"new","comm":"n","start_ns":3,"minflt":8}
	END
	diff_of
	want 'select(.type == "only") | [.pcomm, .comm, .side, .threads]' < <(printf '%s\n' '["gone","g","before",2]' '["new","n","after",1]')
	want 'select(.type == "row") | [.pcomm, .before, .delta, .pct, .per_s]' <<<'["new",0,8,null,8]'
	want 'select(.type == "interval") | [.groups, .groups_only_before, .groups_only_after]' <<<'[2,1,1]'
}

@test "names of any bytes keep apart and come through: blanks, brackets, newlines, quotes, what is no UTF-8" {
	local names=(' a  b ' 'a) (b' 'a"b' 'a\nb' 'a/b' '日本語' '-' "it's" "\\\\")
	{
		for s in 1 2; do
			echo @$s
			for i in "${!names[@]}"; do
				n=${names[i]}
				n=${n//\\/\\\\}
				n=${n//\"/\\\"}
				[ "$i" -eq 3 ] && n='a\nb'
				printf '{"tid":%d,"tgid":%d,"pcomm":"%s","comm":"%s","start_ns":1,"minflt":%d}\n' $((i + 1)) $((i + 1)) "$n" "$n" $((s * (i + 1)))
			done
		done
	} >"$T/lines"
	mk <"$T/lines"
	diff_of -s delta
	[ "$status" -eq 0 ]
	want 'select(.type == "row") | [.delta, .comm]' <<-'END'
		[9,"\\\\"]
		[8,"it's"]
		[7,"-"]
		[6,"日本語"]
		[5,"a/b"]
		[4,"a\nb"]
		[3,"a\"b"]
		[2,"a) (b"]
		[1," a  b "]
	END
	# A byte that is no UTF-8 is no JSON: kt-snap writes U+FFFD for it, as here.
	sed 's/日本語/\xef\xbf\xbd\xef\xbf\xbd/g' "$T/lines" | mk
	diff_of -s delta
	[ "$(jq -r 'select(.type == "row" and .delta == 6) | .comm' "$T/out")" = '��' ]
	sed 's/日本語/\xff/g' "$T/lines" | mk
	diff_of
	[ "$status" -eq 1 ]
	[[ $stderr == 'kt-snap-diff: stdin:8: unable to decode byte 0xff'* ]]
}

@test "real threads with such names, by both sources of kt-snap" {
	cat >"$T/names.py" <<-'END'
		import ctypes, os, sys, threading
		libc = ctypes.CDLL(None)
		names = [b"a b", b"a) (b", b"a\nb", b'a"b', b"\xff\xfe", b"a:9\nb", b"sl\\n", b"/x/"]
		hold = os.fdopen(int(sys.argv[1]), "rb")
		ready = threading.Barrier(len(names) + 1)
		def run(name):
		    libc.prctl(15, name, 0, 0, 0)
		    ready.wait()
		    hold.read()
		for n in names:
		    threading.Thread(target=run, args=(n,), daemon=True).start()
		ready.wait()
		print("up", flush=True)
		hold.read()
	END
	mkfifo "$T/hold" "$T/up"
	/usr/bin/python3 "$T/names.py" 8 8<>"$T/hold" >"$T/up" 3>&- &
	local pid=$! source line
	read -r line <"$T/up"
	for source in proc auto; do
		kt-snap -q --source $source -p $pid -n 2 -i 50ms >"$T/s" || break
		diff_of -g comm --all -m run_time_ns -s group
		want 'select(.type == "row" and .comm != "python3") | .comm | @json' <<-'END' || break
			"/x/"
			"a\nb"
			"a b"
			"a\"b"
			"a) (b"
			"a:9\nb"
			"sl\\n"
			"��"
		END
		line="$line $source"
	done
	kill $pid
	wait $pid || :
	[ "$line" = 'up proc auto' ]
}

@test "a load is on top while it runs, and its rate is what the kernel says of it" {
	cp "$(type -P bash)" "$T/hog"
	"$T/hog" -c 'while :; do :; done' 3>&- &
	local hog=$! from to seen
	sleep 1000 3>&- &
	local idle=$!
	until [ "$(<"/proc/$hog/comm") $(<"/proc/$idle/comm")" = 'hog sleep' ]; do :; done
	read -r from _ <"/proc/$hog/schedstat"
	kt-snap -p $hog,$idle -n 3 -i 400ms | kt-snap-diff --limit 5 -m '*time_ns' -m '*csw' >"$T/out"
	read -r to _ <"/proc/$hog/schedstat"
	kill $hog $idle
	wait $hog $idle || :
	want 'select(.type == "interval") | .n' < <(seq 2)
	# The first row of each.
	[ "$(jq -rs 'map(select(.type == "row")) | group_by(.n) | map(.[0].comm) | join(" ")' "$T/out")" = 'hog hog' ]
	seen=$(jq -s 'map(select(.type == "row" and .metric == "run_time_ns") | .delta) | add' "$T/out")
	[ "$seen" -gt 0 ] && [ "$seen" -le $((to - from)) ]
	# A rate is the growth by the time between the snapshots themselves.
	jq -s -e '(map(select(.type == "interval")) | INDEX(.n)) as $i |
		[.[] | select(.type == "row" and .per_s != null) | .per_s - .delta * 1e9 / $i[.n | tostring].interval_ns | fabs] |
		length > 1 and max < 0.01' "$T/out"
	kt-fmt <"$T/out" | grep -q '^hog .* run_time_ns '
}

# ---- what is shown, and in which order ----

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

# ---- series ----

series() {
	mk <<-'END'
		@1
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":1}
		@2
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":11}
		{"tid":2,"tgid":2,"pcomm":"a","comm":"a","start_ns":2,"minflt":500}
		@4
		{"tid":1,"tgid":1,"pcomm":"a","comm":"a","start_ns":1,"minflt":111}
	END
}

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

# ---- conditions ----

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
