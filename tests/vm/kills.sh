#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# 54 kills: kt-play, kt-cgroup and kt-work, each by INT, TERM and KILL, each six times at a random
# moment of a plan. After each, without any help, no cgroup and no worker may be left. Then kt-play and
# kt-cgroup killed together, which is what `kt-cgroup cleanup` is for.
dir=$(mktemp -d)
seed=${KTSTR_TEST_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
n=0
echo "# seed $seed (KTSTR_TEST_SEED)"

cat >"$dir/s.json" <<'END'
{"name": "s", "category": "test", "description": "Something of everything",
 "cgroups": [
	{"name": "cg_0", "cpuset": "disjoint:0,1", "works": [{"count": 2}, {"type": "PipeIo", "count": 2}]},
	{"name": "cg_1/deep", "weight": 50, "works": [{"type": "ForkExit", "count": 1}, {"type": "Bursty", "count": 1}]}
 ],
 "steps": [
	{"hold": {"frac": 0.3}},
	{"ops": [{"op": "spawn", "cgroup": "", "work": {"type": "Mixed", "count": 2}}],
	 "cgroups": [{"name": "cg_2", "works": [{"count": 1}]}], "hold": {"frac": 0.3}},
	{"ops": [{"op": "create", "cgroup": "cg_3"}, {"op": "move", "from": "cg_0", "to": "cg_3"}], "hold": {"frac": 0.4}}
 ]}
END
# The files of some guests lie elsewhere, so the scenario is named by its path.
kt-topo | kt-scenario expand --topo - --duration 300ms --settle 50ms "$dir/s.json" >"$dir/plan" || exit 1

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; sed 's/^/# /' "$dir/bad"; }

# tools - pid, parent and name of our processes; workers keep kt-work's name
tools() { ps -o pid,ppid,stat,comm | awk '$3 !~ /Z/ && $4 ~ /^kt-(play|cgroup|work)$/ { print $1, $2, $4 }'; }

# left - what is still there
left() {
	find /sys/fs/cgroup -type d -name 'ktstr-*' 2>/dev/null # some go while we look
	tools
}

# gone - wait up to 20 s until nothing is left; a kill -9 is seen by the others a moment later
gone() {
	t=0
	while [ -n "$(left)" ]; do
		t=$((t + 1))
		[ $t -lt 200 ] || return 1
		sleep 0.1
	done
}

# child NAME - the pid of kt-play's child of that name, "" when it is not there (yet, or any more)
child() { tools | awk -v p="$play" -v name="$1" '$2 == p && $3 == name { print $1; exit }'; }

# one TARGET SIGNAL DELAY - play, kill, look
one() {
	kt-play --quiet 0 "$dir/plan" >"$dir/events" 2>"$dir/err" &
	play=$!
	sleep "$3"
	case $1 in
	kt-play) pid=$play ;;
	*) pid=$(child "$1") ;;
	esac
	hit=no
	[ -z "$pid" ] || ! kill -s "$2" "$pid" 2>/dev/null || hit=yes
	wait "$play" 2>/dev/null
	status=$?
	if ! gone; then
		{
			echo "$1, $2 after $3 s (hit: $hit, status $status) left:"
			left
			cat "$dir/err"
		} >"$dir/bad"
		return 1
	fi
	# Unless kt-play itself was killed, its stream is whole and its status tells the truth.
	[ "$1,$2" != kt-play,KILL ] || return 0
	outcome=$(tail -n 1 "$dir/events" | jq -r 'select(.type == "end").outcome')
	case $outcome,$status in
	ok,0) ;; # it was over before, or as good as
	error,1) ;;
	,130 | ,143) [ "$1" = kt-play ] && [ ! -s "$dir/events" ] ;; # before its main had begun
	*) false ;;
	esac || {
		{
			echo "$1, $2 after $3 s (hit: $hit): status $status, outcome '$outcome'"
			tail -n 2 "$dir/events" | cut -c1-300
			cat "$dir/err"
		} >"$dir/bad"
		return 1
	}
	[ "$outcome" = ok ] || errors=$((errors + 1))
}

total=0
errors=0
for target in kt-play kt-cgroup kt-work; do
	for signal in INT TERM KILL; do
		fine=yes
		for round in 1 2 3 4 5 6; do
			total=$((total + 1))
			# 0 to 0.7 s: from before the first cgroup until about the last
			delay=$(awk -v s="$seed" -v k=$total 'BEGIN { srand(s * 64 + k); printf "%.3f", rand() * 0.7 }')
			one $target $signal "$delay" || {
				fine=no
				break
			}
		done
		text="$signal to $target at $round random moments: no cgroup and no worker is left"
		if [ $fine = yes ]; then ok "$text"; else not_ok "$text"; fi
	done
done
if [ $errors -ge 10 ]; then
	ok "most of the kills came in the middle of a plan"
else
	echo "only $errors of $total plans ended in an error" >"$dir/bad"
	not_ok "most of the kills came in the middle of a plan"
fi

: >"$dir/events"	# not the last plan's, should we look before the shell has opened it
kt-play --quiet 0 "$dir/plan" >"$dir/events" 2>"$dir/err" &
play=$!
while [ "$(grep -c work.start "$dir/events")" = 0 ]; do sleep 0.05; done
kill -9 "$play" "$(child kt-cgroup)" "$(child kt-work)"
wait "$play" 2>/dev/null
t=0
while [ -n "$(tools)" ] && [ $t -lt 100 ]; do sleep 0.1; t=$((t + 1)); done
left >"$dir/bad"
if ! grep -q . "$dir/bad"; then
	echo "nothing was left to clean up: the kill came too late" >"$dir/bad"
	not_ok "kt-cgroup cleanup removes what three kill -9 have left"
elif kt-cgroup cleanup >"$dir/cleanup" 2>>"$dir/bad" && [ -z "$(left)" ]; then
	ok "kt-cgroup cleanup removes what three kill -9 have left"
else
	left >>"$dir/bad"
	not_ok "kt-cgroup cleanup removes what three kill -9 have left"
fi
echo "1..$n"
rm -rf "$dir"
