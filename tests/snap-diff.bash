# SPDX-License-Identifier: GPL-2.0-or-later
# For the bats files of kt-snap-diff: snapshots written by hand, and what comes out of them.

setup() {
	T=$BATS_TEST_TMPDIR
	touch "$T/s"
}

META='"boot_id":"b1","source":"bpf","clk_tck":100,"kernel_release":"7.3.0"'

# mk [NAME [MEMBERS]] - $T/NAME, a stream of kt-snap, from short lines: "@S" begins a snapshot at S seconds, "{…"
# is the rest of a thread and "c{…" of a cgroup, "h{…" of the host. MEMBERS are of its meta.
# shellcheck disable=SC2119,SC2120	# those who load this pass them
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

# groups - a snapshot of four threads in two processes and two cgroups, and one after it
# shellcheck disable=SC2119
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

# series - three snapshots
# shellcheck disable=SC2119
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
