# SPDX-License-Identifier: GPL-2.0-or-later
# What a scheduler, or somebody else, does wrong is seen: one boot, five things gone wrong on purpose.
load lib.bash

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	local d=$BATS_FILE_TMPDIR
	PATH=$(realpath "${KTSTR_BUILD:-build}")/bin:$PATH
	kt-scenario expand tests/caught/fifo_hog.json --topo 1n2l2c1t --duration 4s --seed 1 >"$d/fifo.plan"
	kt-scenario expand tests/caught/two_spinners.json --topo 1n2l2c1t --duration 8s --seed 1 >"$d/spin.plan"
	kt-vm exec --records --topology 1n2l2c1t -i tests/caught/interfere.sh -i "$d/fifo.plan" -i "$d/spin.plan" \
		-- sh interfere.sh </dev/null >"$d/events" 2>"$d/said" || true # its status is that of the last play
	kt-check <"$d/events" >"$d/results" || true # the results are what is looked at
}

# result N - the Nth result, in $r; there must be one (jq -e is content with no input at all)
result() {
	r=$(jq -c 'select(.type == "result")' "$BATS_FILE_TMPDIR/results" | sed -n "$1p")
	echo "$r"
	[ -n "$r" ]
}

said() {
	sed -n "s/^.*$1 //p" "$BATS_FILE_TMPDIR/said"
}

@test "all five plans were judged" {
	cat "$BATS_FILE_TMPDIR/said"
	[ "$(jq -c 'select(.type == "result")' "$BATS_FILE_TMPDIR/results" | wc -l)" -eq 5 ]
}

@test "a worker that a real-time hog keeps from running is starved, with thread and CPU named" {
	result 1
	jq -e '.outcome == "fail"' <<<"$r"
	jq -e '.details[] | select(.check == "not_starved") | .cgroup == "victim" and .tid != null and .cpu == 1 and (.message | test("tid [0-9]+"))' <<<"$r"
}

@test "with throttling and the fair server it is not starved, and its gap of about a second is reported" {
	result 2
	jq -e '[.details[] | select(.check == "not_starved")] == []' <<<"$r"
	jq -e '.stats.cgroups[] | select(.cgroup == "victim") | .gap_max_ns > 0.7e9 and .gap_max_ns < 1.3e9' <<<"$r"
}

@test "a worker stopped for 3 s has a gap of that length, at that time" {
	result 3
	cat "$BATS_FILE_TMPDIR/said"
	stopped=$(said stopped_ms)
	at=$(said stopped_at_ms)
	gap=$(jq -c --argjson tid "$(said stopped_pid)" 'select(.type == "report" and .tid == $tid) | .gaps[0]' "$BATS_FILE_TMPDIR/events")
	[ -n "$gap" ]
	[ "$stopped" -ge 3000 ]
	# within 100 ms + 5 % of what the sender measured, and begun when it was sent
	jq -e --argjson s "$stopped" --argjson at "$at" '
		(.[1] / 1e6 - $s | fabs) <= 100 + 0.05 * $s and (.[0] / 1e6 - $at | fabs) <= 100' <<<"$gap"
	jq -e --argjson tid "$(said stopped_pid)" '.outcome == "fail" and any(.details[]; .check == "max_gap_ms" and .tid == $tid)' <<<"$r"
}

@test "a worker moved out of its cpuset fails isolation, with thread and CPU named" {
	result 4
	jq -e --argjson tid "$(said moved_pid)" '.outcome == "fail" and
		any(.details[]; .check == "isolation" and .tid == $tid and (.cpu == 2 or .cpu == 3))' <<<"$r"
}

@test "kt-work killed in the middle is an error, and nothing is left of it" {
	result 5
	jq -e '.outcome == "error" and any(.details[]; .message | test("kt-work"))' <<<"$r"
	[ "$(said left_cgroups)" -eq 0 ]
	[ "$(said left_workers)" -eq 0 ]
}
