#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap-diff: threads and cgroups as groups, and names of any bytes.
load lib.bash
load snap-diff.bash

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
