#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-play inside a guest: what a plan makes it do, when, and that every bad end is told and cleaned up.
# shellcheck disable=SC2016,SC2317	# jq's variables; functions that check() calls
dir=$(mktemp -d)
n=0
not_ok=0

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); not_ok=1; echo "not ok $n - $1"; cut -c1-500 "$dir/events" "$dir/err" | tail -n 8 | sed 's/^/# /'; }
# check TEXT COMMAND... - one test
check() { text=$1; shift; if "$@"; then ok "$text"; else not_ok "$text"; fi; }
# in_events FILTER - the array of all events fulfils it
in_events() { jq -e -s "$1" "$dir/events" >/dev/null; }
status_is() { [ "$status" = "$1" ]; }
# What goes while we look is no error.
left() { find /sys/fs/cgroup -type d -name 'ktstr-*' 2>/dev/null | grep -q .; }
nothing_left() { ! left; }

# plan FILE OPTION... - from a scenario file, for this guest
plan() { file=$1; shift; kt-topo | kt-scenario expand --topo - "$@" "$dir/$file" >"$dir/plan"; }
# play OPTION...
play() {
	kt-play --quiet 0 "$@" "$dir/plan" >"$dir/events" 2>"$dir/err"
	status=$?
}

cat >"$dir/one.json" <<'END'
{"name": "one", "category": "test", "description": "One spinner",
 "settle": "100ms", "cgroups": [{"name": "cg_0", "weight": 200, "cpuset": "disjoint:0,1", "works": [{"count": 1}]}]}
END
cat >"$dir/all.json" <<'END'
{"name": "all", "category": "test", "description": "Every op there is",
 "settle": 0,
 "cgroups": [
	{"name": "cg_0", "cpuset": {"partition": "split_half"}, "works": [{"count": 2, "affinity": "random"}]},
	{"name": "cg_1", "cpuset": {"partition": "split_half"}, "works": [{"count": 1, "affinity": "all", "nice": 5, "policy": "batch"}]},
	{"name": "cg_2/deep", "works": [{"count": 1, "policy": "idle"}]}
 ],
 "steps": [
	{"ops": [
		{"op": "create", "cgroup": "cg_4/a"},
		{"op": "set", "cgroup": "cg_0", "weight": 300, "max": "50000 100000"},
		{"op": "spawn", "cgroup": "", "work": {"type": "PipeIo", "count": 2, "policy": "fifo:2"}},
		{"op": "spawn", "cgroup": "cg_4/a", "work": {"count": 1}},
		{"op": "rm", "cgroup": "cg_4/a"}
	], "hold": {"frac": 0.25}},
	{"ops": [
		{"op": "clear", "cgroup": "cg_0"},
		{"op": "affinity", "cgroup": "cg_0", "affinity": "single"},
		{"op": "move", "from": "cg_1", "to": "cg_2/deep"}
	], "cgroups": [{"name": "cg_3", "works": [{"type": "Bursty", "burst_ms": 5, "sleep_ms": 5, "count": 1}]}],
	 "hold": {"fixed": "D/4"}},
	{"ops": [
		{"op": "set", "cgroup": "cg_0", "freeze": true},
		{"op": "set", "cgroup": "cg_0", "freeze": false},
		{"op": "kill", "cgroup": "cg_2/deep"},
		{"op": "rm", "cgroup": "cg_2/deep"}
	], "hold": {"frac": 0.5}}
 ]}
END

plan one.json --duration 500ms
play
check "a plan is played: exit 0, outcome ok" status_is 0
check "the stream is whole: meta, plan, plan-end, end" \
	in_events '.[0].type == "meta" and .[1].type == "plan" and .[-2].type == "plan-end" and
		.[-2].outcome == "ok" and .[-1] == {type: "end", tool: "kt-play", outcome: "ok", plans: {ok: 1, skip: 0, error: 0}}'
check "the plan record is the one of the plan" \
	in_events "$(jq -c 'select(.type == "plan")' "$dir/plan") == .[1]"
check "each op has its ack, in order" \
	in_events "[.[] | select(.type == \"ack\") | .seq] == $(jq -c -s '[.[] | select(.type == "op") | .seq]' "$dir/plan")"
check "kt-play waited for the settle time" \
	in_events '.[] | select(.op == "play.wait") | .ns == 100000000 and .took_ns >= 100000000 and .took_ns < 400000000'
check "the load ran for the duration, to 100 ms" in_events '
	(.[] | select(.type == "ack" and .op == "work.start").mono_ns) as $start |
	(.[] | select(.type == "report")) |
	(.start_ns + .wall_ns - $start) as $until | $until >= 500000000 and $until < 600000000'
check "only acks of timed ops say how late they were" \
	in_events 'all(.[] | select(.type == "ack"); has("late_ns") == (.at_ns > 0))'
check "the cpu.weight of the plan was read back" \
	in_events 'any(.[]; .op == "cgroup.set" and .effective.weight == 200)'
check "no cgroup is left" nothing_left
check "nothing was said on standard error" test ! -s "$dir/err"

acks() { jq -c 'select(.type == "ack") | del(.mono_ns, .took_ns, .late_ns)' "$dir/events"; }
plan all.json --duration 800ms --seed 7
play
acks >"$dir/acks"
check "a plan with every op is played" status_is 0
check "a killed group leaves no report, all others do" in_events '
	[.[] | select(.type == "report") | .group + "." + (.worker | tostring)] | sort ==
	["cg_0.0.0", "cg_0.0.1", "cg_3.0.0", "host.0.0", "host.0.1"]'
check "an affinity wider than the cpuset is cut by the kernel, and the ack says so" in_events '
	(.[] | select(.op == "cgroup.set" and .cgroup == "cg_1").effective.cpus) as $cpus |
	any(.[]; .type == "ack" and .op == "work.spawn" and .group == "cg_1.0" and .effective.cpus == [$cpus])'
play
acks >"$dir/acks2"
check "a second replay gives the same acks but for the time members" cmp -s "$dir/acks" "$dir/acks2"
check "nor is a cgroup left" nothing_left

plan one.json --duration 200ms --seed 1-3
play
check "three plans in one stream, each with a fresh start" in_events '
	[.[] | select(.type == "plan-end").outcome] == ["ok", "ok", "ok"] and
	([.[] | select(.type == "ack" and .op == "cgroup.create").seq] == [1, 1, 1])'

# ---- bad ends ----

plan one.json --duration 200ms
sed 's/"cpus":"[0-9-]*","nodes"/"cpus":"0-4000","nodes"/' "$dir/plan" >"$dir/x" && mv "$dir/x" "$dir/plan"
play
check "CPUs that are not there: skip, 77" status_is 77
check "and the reason names them" in_events '.[-2].outcome == "skip" and (.[-2].reason | test("CPUs [0-9]+-4000 are not there"))'

plan one.json --duration 200ms
sed 's/"op":"cgroup.set","cgroup":"cg_0"/"op":"cgroup.set","cgroup":"cg_9"/' "$dir/plan" >"$dir/x" && mv "$dir/x" "$dir/plan"
play
check "an op that fails ends the plan with status 1" status_is 1
check "and with the op and what the tool said" in_events '
	any(.[]; .type == "op-error" and .seq == 2) and .[-2].outcome == "error" and (.[-2].reason | test("op 2 .cgroup.set.: "))'
check "and leaves nothing" nothing_left

plan one.json --duration 200ms --seed 1-2
awk '!done && /"op":"cgroup.set"/ { done = sub("cg_0", "cg_9") } 1' "$dir/plan" >"$dir/x" && mv "$dir/x" "$dir/plan"
play
check "the next plan is played all the same" \
	in_events '[.[] | select(.type == "plan-end").outcome] == ["error", "ok"] and .[-1].outcome == "error"'

# during COMMAND... - once the load of a long plan runs; then wait for kt-play
during() {
	plan one.json --duration 60s
	: >"$dir/events"	# not the last plan's, should we look before the shell has opened it
	kt-play --quiet 0 --parent ktstr-test "$dir/plan" >"$dir/events" 2>"$dir/err" &
	play=$!
	while ! grep -q '"op":"work.start"' "$dir/events"; do
		kill -0 "$play" || break
		sleep 0.05
	done
	"$@"
	wait "$play"
	status=$?
}
tool() { ps -o pid,ppid,comm | awk -v p="$play" -v name="$1" '$2 == p && $3 == name { print $1; exit }'; }
stop_work() { kill -KILL "$(tool kt-work)"; }
stop_cgroup() { kill -KILL "$(tool kt-cgroup)"; }
stop_play() { kill -INT "$play"; }
remove() { kt-cgroup rm --parent ktstr-test >/dev/null; }

during stop_work
check "kt-work killed in the middle: error, by name and signal" in_events '.[-2].reason | test("kt-work was killed by signal 9")'
check "and nothing is left" nothing_left
during stop_cgroup
check "kt-cgroup killed in the middle: error" in_events '.[-2].reason | test("kt-cgroup was killed by signal 9")'
check "and kt-play removes the cgroup itself" nothing_left
during stop_play
check "INT ends the plan with its reason" in_events '.[-2].reason == "stopped by SIGINT" and .[-1].outcome == "error"'
check "and status 1" status_is 1
check "and nothing is left" nothing_left
during remove
check "a cgroup that somebody else removes is an error" in_events '.[-2].outcome == "error"'
check "and nothing is left" nothing_left

plan one.json --duration 60s
kt-play --quiet 0 "$dir/plan" 2>"$dir/err" | head -n 3 >"$dir/events"
check "a reader that leaves ends the plan" grep -q 'nobody reads the events any more' "$dir/err"
t=0
while left && [ $t -lt 100 ]; do sleep 0.1; t=$((t + 1)); done
check "and nothing is left" nothing_left

mkdir /sys/fs/cgroup/ktstr-mine
plan one.json --duration 100ms
play --parent ktstr-mine
check "a parent that was there is worked in" status_is 0
check "and stays" test -d /sys/fs/cgroup/ktstr-mine
rmdir /sys/fs/cgroup/ktstr-mine

umount /sys/fs/cgroup
plan one.json --duration 100ms
play
check "without cgroup2: error" status_is 1
check "with kt-cgroup's own words, once" in_events '.[-2].reason | test("cgroup")'
mount -t cgroup2 none /sys/fs/cgroup

echo "1..$n"
rm -rf "$dir"
exit $not_ok
