#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-check: verdicts on event streams that were written by hand, tests/events/NAME.ndjson.
load lib.bash

E=tests/events

# judge STREAM [OPTION...] - results in $output, messages in $stderr, status in $status
judge() {
	local stream=$1
	shift
	run --separate-stderr kt-check "$@" <"$E/$stream.ndjson"
}

# of FILTER - what jq says of the results
of() {
	jq -rc "select(.type == \"result\") | $1" <<<"$output"
}

# verdict STREAM OUTCOME [OPTION...] - the plan's outcome and the exit status that belongs to it
verdict() {
	local stream=$1 outcome=$2
	shift 2
	judge "$stream" "$@"
	[ "$(of .outcome)" = "$outcome" ] || {
		echo "$stream is $(of .outcome), not $outcome"
		of '.details[].message'
		return 1
	}
	case $outcome in
	pass) [ "$status" -eq 0 ] ;;
	skip) [ "$status" -eq 77 ] ;;
	*) [ "$status" -eq 1 ] ;;
	esac
}

# check NAME MEMBER - of the check
check() {
	of ".checks[] | select(.name == \"$1\") | .$2"
}

# told CHECK - the messages of a check
told() {
	of ".details[] | select(.check == \"$1\") | .message"
}

@test "a stream without fault passes, and each limit is there with its value and what was measured" {
	verdict pass pass
	[ -z "$stderr" ]
	[ "$(of '.details')" = '[]' ]
	[ "$(of '.checks | length')" = "$(kt-check -l | jq -s 'map(select(.type == "threshold")) | length')" ]
	[ "$(check max_gap_ms limit)/$(check max_gap_ms measured)/$(check max_gap_ms source)" = 200/12/default ]
	[ "$(of '.stats.workers, .stats.gap_max_ns, .stats.gap_cpu' | xargs)" = '2 12000000 0' ]
	[ "$(of '.stats.cgroups[] | [.cgroup, .weight, .cpu_share_pct]' | xargs)" = '[cg_0,100,50] [cg_1,100,50]' ]
	[ "$(of '.provenance | [.kernel, .topology, .scheduler, .accel, .clock, .seed]')" = \
		'["6.12.0","1n2l2c1t","EEVDF","tcg","virtual",1]' ]
}

@test "one stream judged twice gives the same bytes" {
	cmp <(kt-check <$E/figures-real-held.ndjson) <(kt-check <$E/figures-real-held.ndjson)
}

@test "starved: less than a quarter of the fair share" {
	verdict starved-share fail
	[ "$(told not_starved)" = 'worker 1 (tid 101) of cg_0.0 got 1.000 s of CPU time (CPU 0) in 10.000 s, 20.0 % of its fair share of 5.000 s' ]
	[ "$(check not_starved measured)" = 1 ]
}

@test "starved: no CPU time at all; thread and CPU are named, and its death at the end is no error" {
	verdict starved-never fail
	[ "$(told not_starved)" = 'worker 1 (tid 101) of cg_0.0 got no CPU time in 10.000 s (CPU 0)' ]
	[ "$(of '.details[0] | [.group, .cgroup, .worker, .tid, .cpu]')" = '["cg_0.0","cg_0",1,101,0]' ]
}

@test "starved: not run for long when the plan ended" {
	verdict starved-open fail
	[[ $(told not_starved) == *'had not run for 1.000 s when the plan ended (CPU 0)' ]]
}

@test "not starved: the fair share is by nice, and of what real-time workers leave" {
	verdict nice-share pass
	verdict share-of-leftover pass
}

@test "a cgroup's weight does not matter to workers that have it for themselves" {
	verdict moved-share fail	# 0.9 s of 10 among two of one cgroup, whose weight fell to 10
}

@test "a starved worker is starved whatever the host did" {
	sed 's/"clock":"virtual"/"clock":"real"/' $E/starved-share.ndjson >"$BATS_TEST_TMPDIR/s"
	grep '"type":"sample"' $E/figures-real-held.ndjson >"$BATS_TEST_TMPDIR/samples"
	sed -i "/\"op\":\"work.start\"/r $BATS_TEST_TMPDIR/samples" "$BATS_TEST_TMPDIR/s"
	run -1 --separate-stderr kt-check <"$BATS_TEST_TMPDIR/s"
	[ "$(of .outcome)" = fail ]
	[ "$(of '.provenance.host_delay_ns')" = 8000000000 ]
}

@test "isolation: CPU time outside the cgroup's CPUs, outside the affinity, too long after a change" {
	verdict isolation-moved fail
	[ "$(told isolation)" = 'worker 0 (tid 100) of cg_0.0 ran outside its CPUs (0-1 at the end): on CPU 2, last 10.000 s after its start, 4000.0 ms in all' ]
	[ "$(of '.details[0] | [.cpu, .value, .limit]')" = '[2,4000,1]' ]
	verdict isolation-affinity fail
	[[ $(told isolation) == 'worker 1 '*'(0 at the end)'* ]]
	verdict isolation-stale fail
	[[ $(told isolation) == *'(2-3 at the end): on CPU 0, last 5.600 s'* ]]
	verdict isolation-parent fail
	[[ $(told isolation) == *'of a/b.0 ran outside its CPUs (2-3 at the end): on CPU 0'* ]]
}

@test "isolation: under 1 ms, during a change, and after a move it is kept" {
	verdict isolation-short pass
	[ "$(check isolation measured)" = 0.9 ]
	verdict isolation-change pass
	verdict isolation-move-op pass
}

@test "gap: fails beyond 200 ms in virtual time, and says who, where and when" {
	verdict gap fail
	[ "$(told max_gap_ms)" = 'worker 1 (tid 117) of cg_0.0 made no progress for 350.0 ms on CPU 1, 3.000 s after its start; limit 200 ms' ]
	[ "$(check max_gap_ms measured)" = 350 ]
	verdict gap pass -t max_gap_ms=350
	verdict gap pass -t max_gap_ms=off
}

@test "gap: with the host's clock the limit is 2 s, without kt-vm too" {
	verdict gap-real-fail fail
	verdict gap-bare fail
	[ "$(check max_gap_ms limit)" = 2000 ]
}

@test "gap: what the host took does not count, and where that explains half of the excess it is undecided" {
	verdict gap-real-net-pass pass
	[ "$(of '.stats.gap_max_ns')" = 1000000000 ]
	verdict gap-real-undecided undecided
	[[ $(told max_gap_ms) == *'3000.0 ms (5000.0 ms with the host'\''s part)'*'the host held the CPUs up for 2000.0 ms meanwhile' ]]
	verdict gap-real-unaligned undecided
	verdict gap-real-frozen-host pass
}

@test "gap: a frozen cgroup is not a stalled one" {
	verdict gap-freeze pass
	[ "$(of '.stats.gap_max_ns')" = 20000000 ]
}

@test "a threshold of 0 fails and names the worker" {
	verdict pass fail -t max_gap_ms=0
	[[ $(told max_gap_ms) == *'worker 0 (tid 100) of cg_0.0'* ]]
	[ "$(check max_gap_ms source)/$(check max_gap_ms limit)" = option/0 ]
}

@test "weights: CPU time as 1.87 to 1 is fair for 200 to 100, as 1 to 1 is not" {
	verdict weights pass
	verdict weights-ignored fail
	[ "$(told max_weight_error_pct)" = 'CPU time of cg_0 and cg_1 is as 1.00 to 1, their weights 100 and 200 as 0.50 to 1: 100 % off, limit 25 %' ]
	verdict weights-real-fail fail
	verdict weights-real-undecided undecided
}

@test "weights: cgroups of one weight are compared when a limit was given" {
	verdict weights-equal pass
	[ "$(check max_weight_error_pct measured)/$(check max_weight_error_pct outcome)" = null/skip ]
	verdict weights-equal fail -t max_weight_error_pct=25
	[ "$(check max_weight_error_pct measured)" = 133.333 ]
}

@test "work conservation: judged in a machine of our own, or if asked for" {
	verdict idle-none pass
	[ "$(check max_idle_pct measured)/$(check max_idle_pct outcome)" = 1/pass ]
	verdict idle fail
	[ "$(told max_idle_pct)" = 'CPUs 0-3 were idle 10.00 % of the time though there was a spinning worker for each; limit 2 %' ]
	verdict idle-bare pass
	[ "$(check max_idle_pct measured)/$(check max_idle_pct outcome)" = 10/skip ]
	verdict idle-bare fail -t max_idle_pct=2
	verdict idle-real-undecided undecided
}

# limit NAME GOOD BAD MEASURED - passes with one limit, fails with the other, undecided on a host that
# held the CPUs up ($5: no, for what is no time)
limit() {
	verdict figures pass
	[ "$(check "$1" measured)/$(check "$1" outcome)/$(check "$1" limit)" = "$4/skip/null" ] || {
		check "$1" measured
		return 1
	}
	verdict figures pass -t "$1=$2"
	[ "$(check "$1" outcome)/$(check "$1" source)" = pass/option ]
	verdict figures fail -t "$1=$3"
	[ -n "$(told "$1")" ]
	verdict figures-real fail -t "$1=$3"
	verdict figures-real-held "${5:-undecided}" -t "$1=$3"
}

@test "limit: spread of CPU time" { limit max_spread_pct 20 19 20; }
@test "limit: variation of throughput" { limit max_throughput_cv 0.34 0.33 0.333; }
@test "limit: work rate" { limit min_work_rate 500000 500001 500000; }
@test "limit: iteration rate" { limit min_iteration_rate 300 301 300; }
@test "limit: wake-up p99" { limit max_p99_wake_latency_ns 1966080 1000000 1966080; }
@test "limit: variation of wake-ups" { limit max_wake_latency_cv 7 6 6.901; }
@test "limit: migrations per iteration" { limit max_migration_ratio 0.004 0.0039 0.004 fail; }
@test "limit: page locality" { limit min_page_locality 0.5 0.51 0.5 fail; }
@test "limit: pages on other nodes" { limit max_slow_tier_ratio 0.5 0.49 0.5 fail; }

@test "messengers are not compared with receivers" {
	verdict roles pass -t max_spread_pct=1
	[ "$(of '.stats.spread_pct')" = 0 ]
}

@test "defaults, then the scenario, then options: the last one wins and is named" {
	verdict scenario-limit fail
	[ "$(check max_spread_pct source)/$(check max_spread_pct limit)" = scenario/5 ]
	[ "$(check isolation source)/$(check isolation limit)/$(check isolation outcome)" = scenario/false/skip ]
	verdict scenario-limit pass -t max_gap_ms=1 -t max_spread_pct=20 -t max_gap_ms=12
	[ "$(check max_gap_ms source)/$(check max_gap_ms limit)" = option/12 ]
}

@test "under TCG a scenario's limit on latency is off, an option's is not" {
	verdict scenario-wake-limit pass
	[ "$(check max_p99_wake_latency_ns limit)" = null ]
	verdict scenario-wake-limit fail -t max_p99_wake_latency_ns=1000
	sed 's/"accel":"tcg"/"accel":"kvm"/' $E/scenario-wake-limit.ndjson >"$BATS_TEST_TMPDIR/s"
	run -1 --separate-stderr kt-check <"$BATS_TEST_TMPDIR/s"
	[ "$(check max_p99_wake_latency_ns source)" = scenario ]
}

@test "a check switched off is measured and not judged" {
	verdict isolation-moved pass -t isolation=false
	[ "$(check isolation measured)/$(check isolation outcome)" = 4000/skip ]
	verdict starved-open pass -t not_starved=off -t max_gap_ms=off
}

@test "a limit that nothing can tell is said to be unjudged" {
	verdict unmeasured pass
	[ "$(told max_local_dsq_depth)" = 'max_local_dsq_depth was not judged: no event tells deepest local dispatch queue' ]
	verdict pass pass -t max_wake_latency_cv=1
	[ "$(told max_wake_latency_cv)" = 'max_wake_latency_cv was not judged: there was nothing to measure' ]
}

@test "a dead worker, a missing report, a failed op, an ended plan and no workers are errors" {
	verdict worker-died error
	[ "$(told worker)" = 'worker 1 (tid 101) of cg_0.0 was ended by signal 11' ]
	verdict worker-exited error
	[ "$(told worker)" = 'worker 1 (tid 101) of cg_0.0 exited with status 1: set nice -20: Permission denied' ]
	verdict report-missing error
	[ "$(told worker)" = '1 of 2 workers never reported' ]
	verdict op-error error
	[[ $(told op) == *'No space left on device' ]]
	verdict plan-error error
	[ "$(told plan)" = 'kt-work ended by signal 9' ]
	verdict no-workers error
	[ "$(told worker)" = 'nothing ran: the plan had no workers' ]
	verdict unknown-check error
	[[ $(told plan) == *"did you mean 'max_spread_pct'?" ]]
	verdict wrong-plan-end error
	verdict bad-report error
	verdict bad-ack error
}

@test "a worker that an op killed is no error" {
	verdict worker-killed-by-op pass
}

@test "a skipped plan is a skip, with its reason" {
	verdict skip skip
	[ "$(told plan)" = 'needs 2 LLCs, this machine has 1' ]
}

# second STREAM - outcome and message of the plan in flight; the first one has passed
second() {
	judge "$1"
	[ "$status" -eq 1 ]
	[ "$(of .outcome | xargs)" = 'pass error' ]
	[ "$(jq -r 'select(.type == "end").outcome' <<<"$output")" = error ]
	told plan
}

@test "the plan in flight gets the outcome of what broke off, and the console's last words" {
	[ "$(second cut-off)" = 'the stream was cut off: kt-play never ended' ]
	[ "$(second panic)" = "kt-vm ended with 'panic': Fatal exception; console: [    5.2] RIP: 0010:pick_next | [    5.3] Kernel panic - not syncing: Fatal exception | [    5.4] ---[ end Kernel panic ]---" ]
	[[ $(second timeout) == "kt-vm ended with 'timeout': no-tick"* ]]
	[ "$(second play-died)" = "kt-vm ended with 'guest-exit': CMD was ended by signal 9 (exit status 137)" ]
}

@test "a machine that never booted, and one that broke after its plans, are errors" {
	judge boot-fail
	[ "$status" -eq 1 ]
	[[ $stderr == *"kt-vm ended with 'boot-fail': no ready within 30 s; console: last words"* ]]
	judge panic-after
	[ "$status/$(of .outcome)" = 1/pass ]
	[[ $(jq -r 'select(.type == "end").reason' <<<"$output") == *'at power-off'* ]]
	judge oops
	[ "$status/$(of .outcome)" = 1/pass ]
}

@test "a plan without its end is an error, the next one is judged" {
	judge no-plan-end
	[ "$status" -eq 1 ]
	[ "$(of .outcome | xargs)" = 'error pass' ]
}

@test "no input is an error, not a pass" {
	run -1 --separate-stderr kt-check </dev/null
	[ "$(jq -r 'select(.type == "end").outcome' <<<"$output")" = error ]
	[ "$stderr" = 'kt-check: there were no events' ]
}

@test "a line that is no record is told by its number; what came before it was judged" {
	judge bad-line
	[ "$status" -eq 1 ]
	[[ $stderr == "kt-check: stdin:$(wc -l <$E/bad-line.ndjson): not a record"* ]]
	[ "$(of .outcome)" = pass ]
}

@test "a line of more than 1 MiB is no record" {
	run -1 --separate-stderr kt-check < <(head -c 1100000 /dev/zero | tr '\0' ' ')
	[[ $stderr == *'stdin:1: '* ]]
}

@test "records of other kinds are passed over" {
	verdict unknown-records pass
}

@test "--plans: what never came is an error, unless the plan says that it is skipped" {
	run -1 --separate-stderr kt-check --plans $E/plans.ndjson <$E/pass.ndjson
	[ "$(of '[.scenario, .outcome]' | xargs)" = '[two_spinners,pass] [second,error] [third,skip]' ]
	[ "$(told plan | head -n 1)" = 'not run: its events never came' ]
	run -0 --separate-stderr kt-check --plans $E/plans.ndjson <$E/two-plans.ndjson
	run -1 --separate-stderr kt-check --plans $E/plans.ndjson </dev/null
	[ "$(of .outcome | xargs)" = 'error error skip' ]
	run -1 --separate-stderr kt-check --plans /nonexistent <$E/pass.ndjson
	[ -z "$output" ]
	[[ $stderr == *"open '/nonexistent': No such file or directory" ]]
}

@test "--allow-undecided changes the exit status, not the outcome" {
	run -0 --separate-stderr kt-check --allow-undecided <$E/gap-real-undecided.ndjson
	[ "$(jq -rc 'select(.type == "end") | [.outcome, .undecided, .allow_undecided]' <<<"$output")" = '["undecided",1,true]' ]
	run -1 --separate-stderr kt-check --allow-undecided <$E/gap-real-fail.ndjson
}

@test "an unknown threshold is refused with the nearest name and the list" {
	run -2 --separate-stderr kt-check -t max_gpa_ms=1 <$E/pass.ndjson
	[ -z "$output" ]
	[[ $stderr == *"did you mean 'max_gap_ms'?"*'not_starved, isolation, '* ]]
	run -2 --separate-stderr kt-check -t max_gap_ms=soon <$E/pass.ndjson
	run -2 --separate-stderr kt-check -t max_gap_ms=-1 <$E/pass.ndjson
	run -2 --separate-stderr kt-check -t max_gap_ms <$E/pass.ndjson
	run -2 --separate-stderr kt-check -t isolation=3 <$E/pass.ndjson
	run -2 --separate-stderr kt-check --no-such
	run -2 --separate-stderr kt-check events.ndjson
}

@test "the page tells every threshold" {
	local name
	for name in $(kt-check -l | jq -r 'select(.type == "threshold").name'); do
		grep -qw -- "$name" man/kt-check.1 || {
			echo "$name is not in the page"
			return 1
		}
	done
}

@test "results come as soon as their plans have ended" {
	local line
	mkfifo "$BATS_TEST_TMPDIR/in"
	kt-check <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" &
	exec 7>"$BATS_TEST_TMPDIR/in"
	head -n -2 $E/pass.ndjson >&7
	timeout 20 tail -f -n +1 "$BATS_TEST_TMPDIR/out" | grep -m 1 -q '"type":"result"'
	tail -n 2 $E/pass.ndjson >&7
	exec 7>&-
	wait $!
}

@test "a full disk is noticed" {
	run -1 sh -c "kt-check <$E/pass.ndjson >/dev/full"
	[[ $output == *'No space left on device'* ]]
}

@test "records validate, and mutants of them do not" {
	local f
	for f in "$E"/*.ndjson; do
		[ "$(kt-check -t max_spread_pct=1 <"$f" 2>/dev/null | tests/schema/validate.py | grep -c records)" -ge 1 ] || {
			echo "$f"
			return 1
		}
	done
	kt-check <$E/figures-real-held.ndjson | tests/schema/validate.py --mutate \
		--need kt-check.meta,kt-check.result,kt-check.end
	kt-check -l | tests/schema/validate.py --mutate --need kt-check.threshold
}

@test "events by hand are as the tools write them" {
	local f
	for f in pass figures-real-held worker-died skip; do
		grep -vE '"tool":"kt-vm"|"type":"sample"' $E/$f.ndjson | tests/schema/validate.py
	done
}
