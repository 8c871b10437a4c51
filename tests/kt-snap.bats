#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-snap: what it says of threads whose deeds are known, and of those that come and go.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	H=$KTSTR_BUILD/helpers
	PIDS=
}

# What still runs ends with its input.
teardown() {
	local p
	exec 7>&- 8>&- 9>&-
	for p in $PIDS; do
		kill "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
	[ ! -d "${CG-}" ] || rmdir "$CG"/*/ "$CG" 2>/dev/null || true
}

# begin NAME COMMAND... - start a helper that ends with its input (descriptor 8); its first line is $LINE
begin() {
	local out=$T/$1.out
	shift
	mkfifo "$T/in.$$" "$out.fifo"
	"$@" <"$T/in.$$" >"$out.fifo" 8>&- 9>&- 7>&- 3>&- &
	PIDS="$PIDS $!"
	HELPER=$!
	exec 8>"$T/in.$$" 9<"$out.fifo"
	read -r LINE <&9
	rm "$T/in.$$" "$out.fifo"
}

sources() {
	echo proc
	[ "$(kt-snap -p $$ | jq -r 'select(.type == "meta").source')" != bpf ] || echo bpf
}

# threads FILTER - of the stream on stdin
threads() {
	jq -c "select(.type == \"thread\") | $1"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

@test "the stream: meta, host, snapshot, threads, cgroups, snapshot-end, end" {
	for s in $(sources); do
		run -0 --separate-stderr kt-snap --source "$s"
		[ -z "$stderr" ]
		[ "$(jq -r .type <<<"$output" | uniq | tr '\n' ' ')" = 'meta host snapshot thread cgroup snapshot-end end ' ] ||
			[ "$(jq -r .type <<<"$output" | uniq | tr '\n' ' ')" = 'meta host snapshot thread snapshot-end end ' ]
		[ "$(head -n 1 <<<"$output" | jq -r .source)" = "$s" ]
		# Each thread once, by ascending process.
		threads .tid <<<"$output" >"$T/tids"
		[ -z "$(sort "$T/tids" | uniq -d)" ]
	done
}

@test "records of both sources and of --list-fields fit their closed schemas, and mutated ones do not" {
	for s in $(sources); do
		kt-snap --source "$s" -n 2 -i 20ms --fields +numa,+heap -p $$,2 |
			tests/schema/validate.py --mutate --need kt-snap.meta,kt-host.host,kt-snap.snapshot,kt-snap.thread,kt-snap.snapshot-end,kt-snap.end
		kt-snap --source "$s" | tests/schema/validate.py
	done
	kt-snap --list-fields | tests/schema/validate.py --mutate --need kt-snap.meta,kt-snap.field,kt-snap.end
}

@test "cgroups: the records fit, and each path of a thread has one" {
	kt-snap --source proc >"$T/out"
	[ "$(threads .cgroup <"$T/out" | grep -vx null | sort -u)" = "$(jq -c 'select(.type == "cgroup").path' "$T/out")" ]
	[ "$(threads .cgroup <"$T/out" | grep -cvx null)" = "$(jq -s 'map(select(.type == "cgroup").threads) | add // 0' "$T/out")" ]
	grep -q '"type":"cgroup"' "$T/out" || skip "no cgroup v2 here"
	tests/schema/validate.py --mutate --need kt-snap.cgroup <"$T/out"
}

@test "ps says the same of idle threads: ids, class, priority, nice, state, name" {
	begin idle nice -n 5 "$H/mkthreads" 40 4
	for s in $(sources); do
		for p in ${LINE#ready }; do
			diff -u <(ps -L -o pid=,lwp=,cls=,rtprio=,ni=,s=,ucmd= -p "$p" | awk '{ print $1, $2, $3, $4, $5, $6, $7 }') \
				<(kt-snap --source "$s" -p "$p" | threads '[.tgid, .tid,
					({"SCHED_OTHER": "TS", "SCHED_FIFO": "FF"}[.policy]), "-", .nice, .state, .comm] | map(tostring) | join(" ")' | tr -d '"')
			[ "$(kt-snap --source "$s" -p "$p" | threads '[.pcomm, .kthread, .rt_priority]' | sort -u)" = '["mkthreads",false,0]' ]
		done
	done
}

@test "what ps says of all threads that live on" {
	ps -eLo pid=,lwp=,ni=,cls= | awk '{ print $1, $2, $3, $4 }' | sort >"$T/before"
	for s in $(sources); do
		kt-snap --source "$s" >"$T/out"
		threads '"\(.tgid) \(.tid) \(if .policy == "SCHED_OTHER" or .policy == "SCHED_BATCH" or .policy == "SCHED_IDLE" or .policy == "SCHED_EXT" then .nice else "-" end) \(
			{SCHED_OTHER: "TS", SCHED_FIFO: "FF", SCHED_RR: "RR", SCHED_BATCH: "B", SCHED_IDLE: "IDL", SCHED_DEADLINE: "DLN", SCHED_EXT: "#7"}[.policy])"' <"$T/out" |
			tr -d '"' | sort >"$T/got"
		ps -eLo pid=,lwp=,ni=,cls= | awk '{ print $1, $2, $3, $4 }' | sort >"$T/after"
		# A sandbox may hide its own first process from BPF.
		comm -12 "$T/before" "$T/after" | grep -v '^1 ' >"$T/lasting"
		[ "$(wc -l <"$T/lasting")" -ge 3 ]
		[ -z "$(comm -23 "$T/lasting" "$T/got")" ] || {
			comm -23 "$T/lasting" "$T/got"
			return 1
		}
	done
}

# known SOURCE - the record of the thread that knownwork has described in $LINE
known() {
	kt-snap --source "$1" -p "$(jq .tgid <<<"$LINE")" | threads "select(.tid == $(jq .tid <<<"$LINE"))"
}

# is JQ - of [the record, what is known] it holds
is() {
	jq -es ".[0] as \$r | .[1] as \$k | $1" <<<"$RECORD$LINE" >/dev/null || {
		echo "not true: $1"
		echo "record: $RECORD"
		echo "known:  $LINE"
		return 1
	}
}

@test "a thread that did a known amount of work: switches, faults, bytes, migrations, CPU time" {
	begin work "$H/knownwork" "$T/file"
	for s in $(sources); do
		RECORD=$(known "$s")
		# What getrusage said before the thread went to sleep for good, which is one switch more.
		is '($r.minflt - $k.minflt | . >= 0 and . <= 4) and $r.majflt >= $k.majflt and $r.minflt >= $k.faults'
		is '$r.voluntary_csw == $k.nvcsw + 1 and $r.voluntary_csw >= $k.switches'
		is '$r.nonvoluntary_csw >= $k.nivcsw and $r.nonvoluntary_csw <= $k.nivcsw + 1'
		is '($r.nr_migrations - $k.migrations | . >= 0 and . <= 3)'
		# One more line was written, by stdio, and one byte asked for.
		is '($r.wchar - $k.wchar | . >= 200 and . <= 1000) and ($r.syscw - $k.syscw | . >= 2 and . <= 4)'
		is '$r.rchar >= $k.rchar and $r.syscr >= $k.syscr and $r.syscr <= $k.syscr + 3'
		is '($r.run_time_ns - $k.cpu_ns | fabs) < 0.02 * $k.cpu_ns'
		is '($r.utime_ns + $r.stime_ns - $k.cpu_ns | fabs) < 0.02 * $k.cpu_ns + 20e6'
		is '($r.utime_ns - 1000 * $k.utime_us | fabs) < 0.02 * $k.cpu_ns + 20e6'
		is '$r.pcomm == "knownwork" and $r.state == "S" and $r.rss_kb == null and ($r.cpu_affinity | test("^[0-9]+$"))'
		is '$r.wait_time_ns != null and $r.timeslices > $k.switches'
	done
	if [ "$(jq .migrations <<<"$LINE")" -eq 0 ] && [ "$(nproc)" -gt 1 ]; then
		echo "it had two CPUs and did not move"
		return 1
	fi
}

@test "what was written to a file system is in write_bytes" {
	[ "$(stat -fc %T "$T")" != tmpfs ] || skip "$T is memory"
	begin work "$H/knownwork" "$T/file"
	for s in $(sources); do
		RECORD=$(known "$s")
		is '$r.write_bytes >= $k.file_bytes and $r.write_bytes <= $k.file_bytes + 65536'
	done
}

@test "write_bytes that are taken back by truncation are cancelled_write_bytes" {
	[ "$(stat -fc %T "$T")" != tmpfs ] || skip "$T is memory"
	mkfifo "$T/i"
	sh -c 'printf "%081920d" 1 >"$1"; : >"$1"; echo ready; read -r l' sh "$T/f" <"$T/i" >"$T/o" 3>&- &
	PIDS="$PIDS $!"
	exec 8>"$T/i"
	until grep -q ready "$T/o"; do sleep 0.01; done
	for s in $(sources); do
		run -0 kt-snap --source "$s" -p "${PIDS##* }"
		[ "$(threads .cancelled_write_bytes <<<"$output")" -ge 81920 ]
	done
}

@test "names of any bytes" {
	local name want n=0
	while IFS='|' read -r name want; do
		# shellcheck disable=SC2059	# the escapes are the point
		name=$(printf "$name.")
		begin "n$n" "$H/mkthreads" 2 1 "${name%.}"
		for s in $(sources); do
			run -0 kt-snap --source "$s" -p "${LINE#ready }"
			[ "$(threads '.comm, .pcomm' <<<"$output" | uniq -c | awk '{ print $1 }')" = 4 ]
			[ "$(threads .comm <<<"$output" | head -n 1)" = "$want" ] || {
				echo "$s: $want"
				threads .comm <<<"$output"
				return 1
			}
			[ "$(threads '[.start_ns > 0, .policy, .nice, .minflt > 0]' <<<"$output" | head -n 1)" = "[true,\"SCHED_OTHER\",$(nice),true]" ]
		done
		exec 8>&- 9<&-
		wait "$HELPER" || true
		n=$((n + 1))
	done <<-'END'
		a b  c|"a b  c"
		 trim |" trim "
		a) S 1 (b|"a) S 1 (b"
		((([[}|"((([[}"
		x\ny) 7\n|"x\ny) 7\n"
		"q"\\\\\t/|"\"q\"\\\\\t/"
		\377\376|"��"
		fifteen-bytes-\303\274|"fifteen-bytes-�"
		gr\303\274n|"grün"
		\001\033[31m\177|"\u0001\u001b[31m\u007f"
		nr_wakeups:9\n|"nr_wakeups:9\n"
		\n----\nwait:9\n|"\n----\nwait:9\n"
	END
	[ "$n" -eq 12 ]
}

@test "a storm of 2,000 exits a second: no error, no half record, and the sums are right" {
	begin storm "$H/storm" 2000
	[ "$LINE" = ready ]
	local exits=0 ms
	for s in $(sources); do
		run -0 --separate-stderr kt-snap --source "$s" -n 15 -i 40ms
		[ -z "$stderr" ]
		printf '%s\n' "$output" >"$T/$s"
	done
	exec 8>&-
	read -r exits ms <&9
	echo "$exits exits in $ms ms"
	for s in proc bpf; do
		[ -e "$T/$s" ] || continue
		tests/schema/validate.py <"$T/$s"
		# Each sum, of each snapshot and of all.
		jq -es 'map(select(.type == "snapshot-end" or .type == "end")) | length == 16 and
			all(.threads_seen == .records + .vanished + (.errors | add // 0) and .errors == {}) and
			(.[-1].records == (.[:-1] | map(.records) | add)) and
			(.[-1].vanished == (.[:-1] | map(.vanished) | add))' "$T/$s" >/dev/null
		[ "$(threads . <"$T/$s" | wc -l)" = "$(jq 'select(.type == "end").records' "$T/$s")" ]
		# Whole records: nothing of a thread that was read is missing because it ended.
		jq -es 'map(select(.type == "end"))[0].missing |
			del(.cgroup, .["cpu.stat"], .["cpu.pressure"], .["memory.current"], .["pids.current"]) |
			all(.[]; has("ESRCH") or has("ENOENT") | not)' "$T/$s" >/dev/null
		[ -z "$(threads 'select(.start_ns == null or .pcomm == null or .comm == null or .state == null or .minflt == null or .run_time_ns == null or .voluntary_csw == null or .nr_migrations == null or .cpu_affinity == null or .oom_score_adj == null)' <"$T/$s")" ]
	done
	# Or this has proved nothing.
	[ "$(jq 'select(.type == "end").vanished' "$T/proc")" -gt 0 ]
	[ $((exits * 1000)) -ge $((2000 * ms)) ] || skip "all of it holds, but this machine had time for $exits exits in $ms ms only"
}

@test "--pid: a process with all its threads, or one thread of it; what is not there has vanished" {
	begin idle "$H/mkthreads" 5
	local pid=${LINE#ready } tid
	tid=$(ls "/proc/$pid/task" | tail -n 1)
	for s in $(sources); do
		[ "$(kt-snap --source "$s" -p "$pid" | threads .tid | wc -l)" -eq 5 ]
		[ "$(kt-snap --source "$s" -p "$tid" | threads '[.tgid, .tid, .pcomm]')" = "[$pid,$tid,\"mkthreads\"]" ]
		[ "$(kt-snap --source "$s" -p "$tid,$pid,$tid" -p $$ | threads .tid | sort -n | uniq -c | awk '$1 > 1')" = "" ]
		[ "$(kt-snap --source "$s" -p "$tid,$pid" -p $$ | threads .tid | wc -l)" -eq 6 ]
	done
	sh -c 'exit 0' &
	local gone=$!
	wait $gone
	run -0 kt-snap --source proc -p "$gone"
	[ "$(jq -c 'select(.type == "end") | [.threads_seen, .records, .vanished]' <<<"$output")" = '[1,0,1]' ]
}

@test "--comm and --cgroup" {
	for s in $(sources); do
		[ "$(kt-snap --source "$s" --comm 'kthread?' --comm nobody | threads '[.tid, .comm]')" = '[2,"kthreadd"]' ] ||
			[ -z "$(cat /proc/2/comm 2>/dev/null)" ] # in a container
	done
	need_root
	local mount
	mount=$(kt-host | jq -r 'select(.type == "host").cgroup_mount')
	[ "$mount" != null ] && [ -w "$mount" ] || skip "no cgroup v2 here"
	CG=$mount/kt-snap-test-$$
	mkdir -p "$CG/a b"
	begin idle "$H/mkthreads" 3
	echo "${LINE#ready }" >"$CG/a b/cgroup.procs"
	for s in $(sources); do
		for pattern in "/kt-snap-test-$$" "/kt-snap-test-$$/*" "/kt-*-$$/a b" "/*/a b"; do
			kt-snap --source "$s" --cgroup "$pattern" >"$T/out"
			[ "$(threads '[.comm, .cgroup]' <"$T/out" | sort | uniq -c | awk '{$1 = $1} 1')" = "3 [\"mkthreads\",\"/kt-snap-test-$$/a b\"]" ]
			[ "$(jq -c 'select(.type == "cgroup") | [.path, .threads, .id, .cpu_usage_ns >= 0]' "$T/out")" = \
				"[\"/kt-snap-test-$$/a b\",3,\"$(stat -c %i "$CG/a b")\",true]" ]
		done
		[ -z "$(kt-snap --source "$s" --cgroup "/kt-snap-test-$$/*/*" --cgroup '/kt-snap' | threads .)" ]
	done
}

@test "a cgroup that was removed keeps its path, and has no figures" {
	need_root
	local mount
	mount=$(kt-host | jq -r 'select(.type == "host").cgroup_mount')
	[ "$mount" != null ] && [ -w "$mount" ] || skip "no cgroup v2 here"
	CG=$mount/kt-snap-test-$$
	mkdir -p "$CG"
	# A zombie is no member that would keep the cgroup, and shows where it was.
	mkfifo "$T/i"
	sh -c 'sh -c "echo \$\$ >$1/cgroup.procs" & exec sleep 100 <"$2"' sh "$CG" "$T/i" 3>&- &
	PIDS="$PIDS $!"
	local parent=$! child
	exec 8>"$T/i"
	until child=$(ps -o pid=,stat= --ppid "$parent" | awk '$2 ~ /^Z/ { print $1 }') && [ -n "$child" ]; do sleep 0.01; done
	rmdir "$CG"
	grep -q deleted "/proc/$child/cgroup" || skip "this kernel does not say that it was deleted"
	run -0 kt-snap --source proc -p "$child"
	[ "$(threads '[.cgroup, .state, .rss_kb]' <<<"$output")" = "[\"/kt-snap-test-$$ (deleted)\",\"Z\",0]" ]
	[ "$(jq -c 'select(.type == "cgroup") | [.path, .id, .cpu_usage_ns, .memory_current_bytes]' <<<"$output")" = \
		"[\"/kt-snap-test-$$ (deleted)\",null,null,null]" ]
	[ "$(jq -c 'select(.type == "end").missing.cgroup' <<<"$output")" = '{"ENOENT":1}' ]
}

@test "policies, priorities and CPU lists" {
	need_root
	local s
	begin idle chrt -f 7 "$H/mkthreads" 2
	for s in $(sources); do
		[ "$(kt-snap --source "$s" -p "${LINE#ready }" | threads '[.policy, .rt_priority, .nice, .dl_runtime_ns]' | sort -u)" = "[\"SCHED_FIFO\",7,$(nice),null]" ]
	done
	chrt -b -p 0 "${LINE#ready }" && taskset -p -c 0 "${LINE#ready }" >/dev/null
	renice -n -3 -p "${LINE#ready }" >/dev/null
	for s in $(sources); do
		[ "$(kt-snap --source "$s" -p "${LINE#ready }" | threads 'select(.tid == .tgid) | [.policy, .rt_priority, .nice, .cpu_affinity]')" = '["SCHED_BATCH",0,-3,"0"]' ]
	done
	taskset -p -c "0-$(($(nproc) - 1))" "${LINE#ready }" >/dev/null
	chrt -d --sched-runtime 1000000 --sched-deadline 20000000 --sched-period 100000000 -p 0 "${LINE#ready }" 2>/dev/null ||
		skip "no deadline threads here"
	for s in $(sources); do
		[ "$(kt-snap --source "$s" -p "${LINE#ready }" | threads 'select(.tid == .tgid) | [.policy, .dl_runtime_ns, .dl_deadline_ns, .dl_period_ns]')" = '["SCHED_DEADLINE",1000000,20000000,100000000]' ]
	done
}

@test "kernel threads: marked, without what kworkers do at the moment, without memory" {
	[ -n "$(cat /proc/2/comm 2>/dev/null)" ] || skip "none are seen here"
	for s in $(sources); do
		kt-snap --source "$s" | threads 'select(.kthread)' >"$T/k"
		[ "$(jq -s length "$T/k")" -gt 3 ]
		[ "$(jq -c '[.rss_kb, .tid == .tgid, .comm == .pcomm]' "$T/k" | sort -u)" = '[null,true,true]' ]
		! jq -r .comm "$T/k" | grep -E '^kworker/(u?[0-9]+:[0-9]+H?).*[-+]'
		! jq -r .comm "$T/k" | grep -E '.{16}'
	done
}

@test "rss_kb is the process's, oom_score_adj too" {
	begin idle choom -n 321 -- "$H/mkthreads" 3
	local pid=${LINE#ready } want
	for s in $(sources); do
		kt-snap --source "$s" -p "$pid" >"$T/out"
		want=$(($(cut -d' ' -f24 "/proc/$pid/stat") * $(getconf PAGESIZE) / 1024))
		[ "$(threads 'select(.tid == .tgid).rss_kb' <"$T/out")" = "$want" ]
		[ "$(threads 'select(.tid != .tgid).rss_kb' <"$T/out" | sort -u)" = null ]
		[ "$(threads .oom_score_adj <"$T/out" | sort -u)" = 321 ]
	done
}

@test "--fields +heap: what jemalloc itself says, as a library and within a program" {
	[ "$(uname -m)" = x86_64 ] || skip "x86-64 only"
	"${CC:-cc}" -O2 -D_GNU_SOURCE -DJEMALLOC_LINKED -o "$T/static" tests/helpers/jemalloc.c "$(find /usr/lib -name libjemalloc.a | head -n 1)" \
		-lm -lpthread -lstdc++ -ldl
	"${CC:-cc}" -O2 -D_GNU_SOURCE -o "$T/shared" tests/helpers/jemalloc.c
	local how
	for how in shared static; do
		[ $how = static ] || export LD_PRELOAD=libjemalloc.so.2
		begin "$how" "$T/$how" 5
		unset LD_PRELOAD
		head -n 5 <&9 >"$T/known"
		for s in $(sources); do
			kt-snap --source "$s" -p "${LINE#ready }" --fields +heap >"$T/out"
			diff -u <(jq -c '[.tid, .allocated, .deallocated]' "$T/known" | sort) \
				<(threads 'select(.tid != .tgid) | [.tid, .allocated_bytes, .deallocated_bytes]' <"$T/out" | sort)
			[ "$(threads 'select(.tid == .tgid) | .allocated_bytes > 0' <"$T/out")" = true ]
			[ "$(jq -c 'select(.type == "end").missing.heap' "$T/out")" = null ]
		done
		exec 8>&- 9<&-
		wait "$HELPER"
	done
	# And who has none.
	begin none "$H/mkthreads" 3
	kt-snap -p "${LINE#ready },2" --fields heap >"$T/out"
	[ "$(threads '[.allocated_bytes, .deallocated_bytes]' <"$T/out" | sort -u)" = '[null,null]' ]
	[ "$(jq -c 'select(.type == "end").missing.heap' "$T/out")" = '{"ENOENT":3}' ]
	[ "$(kt-snap -p $$ | threads 'has("allocated_bytes")')" = false ]
}

@test "--fields +heap: another layout, another user's and a file that is no library are reasons, not numbers" {
	need_root
	[ "$(uname -m)" = x86_64 ] || skip "x86-64 only"
	"${CC:-cc}" -O2 -D_GNU_SOURCE -o "$T/shared" tests/helpers/jemalloc.c
	# A version that nobody knows: the same, but for its name.
	sed 's/5\.3\.0-/9.9.9-/g' "$(find /usr/lib -name libjemalloc.so.2 | head -n 1)" >"$T/libjemalloc.so.2"
	export LD_PRELOAD=$T/libjemalloc.so.2
	begin other "$T/shared" 2
	unset LD_PRELOAD
	kt-snap -p "${LINE#ready }" --fields heap >"$T/out"
	[ "$(threads .allocated_bytes <"$T/out" | sort -u)" = null ]
	[ "$(jq -c 'select(.type == "end").missing.heap' "$T/out")" = '{"ENODATA":3}' ]
	cp "$(command -v kt-snap)" "$T/" && chmod -R a+rX "$T" && cd "$T"
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-snap --source proc -p "${LINE#ready }" --fields heap
	[ "$(jq -c 'select(.type == "end").missing.heap' <<<"$output")" = '{"EACCES":3}' ]
}

@test "--fields: a list, groups, more and less than the default, and nothing else" {
	for s in $(sources); do
		[ "$(kt-snap --source "$s" -p $$ --fields nice,faults | threads keys_unsorted)" = \
			'["type","tid","tgid","pcomm","comm","cgroup","start_ns","kthread","nice","minflt","majflt"]' ]
		[ "$(kt-snap --source "$s" -p $$ --fields -io,+numa | threads 'has("rchar"), has("numa_faults"), has("minflt")' | tr '\n' ' ')" = 'false true true ' ]
	done
	[ "$(kt-snap --fields nice -p $$ | jq -r 'select(.type == "meta").fields')" = tid,tgid,pcomm,comm,cgroup,start_ns,kthread,nice ]
	for bad in nicer '' 'tid,' +; do
		run -2 --separate-stderr kt-snap --fields "$bad"
		[ -z "$output" ]
	done
}

@test "only the files that the fields need are read" {
	command -v strace >/dev/null || skip "no strace"
	[[ $KTSTR_BUILD != *-san ]] || skip "the leak sanitizer does not work under strace"
	opened() {
		strace -f -e trace=openat -o "$T/trace" kt-snap --source proc -p $$ "$@" >/dev/null 2>&1 || skip "strace does not work here"
		sed -n 's/.*openat([0-9]*, "\([a-z_]*\)", O_RDONLY|O_CLOEXEC.*/\1/p' "$T/trace" | grep -xE 'stat|sched|schedstat|status|io|cgroup|oom_score_adj|comm' | sort | tr '\n' ' '
	}
	[ "$(opened --fields id)" = 'cgroup stat ' ]
	[ "$(opened --fields io)" = 'cgroup io stat ' ]
	[ "$(opened --fields time)" = 'cgroup sched schedstat stat ' ]
	[ "$(opened)" = 'cgroup io oom_score_adj sched schedstat stat ' ]
}

# peak COMMAND... - the most memory that it had, in KiB
peak() {
	python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

@test "memory does not grow with threads" {
	[[ $KTSTR_BUILD != *-san ]] || skip "sanitizers have memory of their own"
	local few many n=50000 max free
	declare -A before
	begin few "$H/mkthreads" 1000 10
	for s in $(sources); do
		before[$s]=$(peak kt-snap --source "$s")
	done
	exec 8>&- 9<&-
	wait "$HELPER" || true
	max=$(cat /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max /sys/fs/cgroup/pids.max 2>/dev/null | sort -n | awk '/^[0-9]/ { print; exit }')
	[ "$max" -gt $((n + 4000)) ] || n=$((max - 6000))
	free=$(awk '/^MemAvailable/ { print int($2 / 32) }' /proc/meminfo) # 32 KiB each
	[ "$free" -gt "$n" ] || n=$free
	while :; do
		[ "$n" -ge 4000 ] || skip "room for $n threads only"
		LINE=
		begin "many$n" "$H/mkthreads" "$n" 10 || true # whoever else is here may need threads too
		[[ $LINE != ready* ]] || break
		exec 8>&- 9<&-
		wait "$HELPER" || true
		n=$((n / 2))
	done
	for s in $(sources); do
		many=$(peak kt-snap --source "$s")
		echo "# $s: ${before[$s]} KiB with 1,000 threads more, $many KiB with $n" >&3
		[ $((many - before[$s])) -lt 2048 ]
	done
}

@test "as any user: the threads are there, what may not be read is null and counted" {
	need_root
	cp "$(command -v kt-snap)" "$T/" && chmod -R a+rX "$T" && cd "$T" # from here: a parent may be closed
	run -0 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-snap
	[ -z "$stderr" ]
	[ "$(jq -c 'select(.type == "meta") | [.source, .privileged, .privileges_lacking]' <<<"$output")" = \
		'["proc",false,"CAP_SYS_PTRACE,CAP_NET_ADMIN"]' ]
	[ "$(jq -r 'select(.type == "meta").why' <<<"$output")" != null ]
	[ "$(threads 'select(.tid == 1) | [.rchar, .write_bytes, (.run_time_ns | type), (.voluntary_csw | type), (.minflt | type)]' <<<"$output")" = \
		'[null,null,"number","number","number"]' ]
	jq -es 'map(select(.type == "end"))[0] | .missing.io.EACCES > 0 and .outcome == "ok" and .errors == {}' <<<"$output" >/dev/null
	# Of itself it may know all.
	[ "$(threads 'select(.comm == "kt-snap" and .tid == .tgid and .rchar != null) | .comm' <<<"$output" | sort -u)" = '"kt-snap"' ]
	run -1 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-snap --source bpf
	[ -z "$output" ]
	[[ $stderr == "kt-snap: no BPF: "* ]]
}

@test "hidepid is told, and processes that may be seen but not looked into are errors" {
	need_root
	cp "$(command -v kt-snap)" "$T/" && chmod -R a+rX "$T" && cd "$T"
	hidden() { # OPTION
		unshare -m sh -c 'mount -t proc -o "hidepid=$1" proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups ./kt-snap --source proc' sh "$1"
	}
	run -0 hidden 2
	[ "$(jq -r 'select(.type == "meta").hidepid' <<<"$output")" = invisible ] || [ "$(jq -r 'select(.type == "meta").hidepid' <<<"$output")" = 2 ]
	[ -z "$(threads 'select(.tid == 1)' <<<"$output")" ]
	[ "$(kt-snap --source proc -p 1 | jq -r 'select(.type == "meta").hidepid')" = null ]
	run -0 hidden 1
	jq -es 'map(select(.type == "end"))[0] | .errors.EPERM > 0 and .threads_seen == .records + .vanished + .errors.EPERM' <<<"$output" >/dev/null
}

@test "--source auto takes bpf where it may and says so; bpf and proc are taken at their word" {
	need_root
	[[ $(sources) == *bpf* ]] || skip "no BPF here: $(kt-snap -p $$ | jq -r 'select(.type == "meta").why')"
	[ "$(kt-snap -p $$ | jq -c 'select(.type == "meta") | [.source, .why]')" = '["bpf",null]' ]
	[ "$(kt-snap -p $$ --source proc | jq -c 'select(.type == "meta") | [.source, .why]')" = '["proc",null]' ]
}

@test "a wrong command line ends with 2 and nothing on stdout" {
	while read -r args; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-snap $args
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == kt-snap:* ]]
	done <<-'END'
		frobnicate
		--frobnicate
		--source kernel
		-n 0
		-n x
		-i 0
		-i 1x
		-p 0
		-p 1,,2
		-p x
		-p ,
		--level 23
		--threads -1
		--walkers 0
		--walkers 17
		--fields nothing
		-o
	END
	run -2 --separate-stderr kt-snap --comm ''
	run -2 --separate-stderr kt-snap --cgroup ''
}

@test "the page describes each member, and no other" {
	diff -u <(kt-snap --list-fields | jq -r 'select(.type == "field").name' | sort) \
		<(sed -n '/^\.Ss thread/,/^\.Ss cgroup/s/^\.It Va \(.*\) Pq.*/\1/p' man/kt-snap.1 | tr -d ' ' | tr ',' '\n' | sort)
	diff -u <(kt-snap --list-fields | jq -r 'select(.type == "field").group' | sort -u) \
		<(sed -n '/^\.Ss thread/,/^\.Ss cgroup/s/^\.It Cm \([a-z]*\).*/\1/p' man/kt-snap.1 | sort -u)
}
