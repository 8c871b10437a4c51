# SPDX-License-Identifier: GPL-2.0-or-later
# With the host's clock a busy host must not look like a bad scheduler: what its delay explains is
# undecided, with that reason, and never a failure.
load lib.bash

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	local d=$BATS_FILE_TMPDIR i
	PATH=$(realpath "${KTSTR_BUILD:-build}")/bin:$PATH
	kt-scenario expand cgroup_steady cgroup_oversubscribed --topo 1n1l4c1t --duration 4s --seed 1 >"$d/plan"
	set -o pipefail
	kt-vm exec --records --clock real --topology 1n1l4c1t -- kt-play <"$d/plan" 2>"$d/said" |
		hog_from_first_plan >"$d/events" && echo ok >"$d/status"
	true
}

# Passes records on; from the first plan to the end of the input there are more hogs than CPUs.
hog_from_first_plan() {
	local hogs=() line i
	while IFS= read -r line; do
		printf '%s\n' "$line"
		if [ ${#hogs[@]} -eq 0 ] && [[ "$line" == '{"type":"plan",'* ]]; then
			for ((i = 0; i <= $(nproc); i++)); do
				sh -c 'while :; do :; done' </dev/null >/dev/null 2>&1 3>&- &
				hogs+=($!)
			done
		fi
	done
	[ ${#hogs[@]} -eq 0 ] || kill "${hogs[@]}"
}

# outcomes [OPTION...] - those of the results, under more thresholds
outcomes() {
	kt-check "$@" <"$BATS_FILE_TMPDIR/events" | jq -r 'select(.type == "result").outcome'
}

@test "the plans were played, and the host's share was sampled" {
	cat "$BATS_FILE_TMPDIR/said"
	[ -e "$BATS_FILE_TMPDIR/status" ]
	[ "$(jq -c 'select(.type == "sample")' "$BATS_FILE_TMPDIR/events" | wc -l)" -ge 20 ]
}

@test "a hogged host makes no scenario fail" {
	run outcomes
	kt-check <"$BATS_FILE_TMPDIR/events" | kt-fmt || true # for the reader of a failure
	[ "${#lines[@]}" -eq 2 ]
	[[ "$output" != *fail* && "$output" != *error* ]]
}

@test "a gap over the limit is undecided, and the host's delay is the reason" {
	# A limit that was surely exceeded: half of the longest gap there was.
	limit=$(kt-check <"$BATS_FILE_TMPDIR/events" |
		jq -s '[.[] | select(.type == "result").stats.gap_max_ns] | max / 2e6 | floor')
	[ "$limit" -gt 0 ]
	run -1 kt-check --threshold "max_gap_ms=$limit" <"$BATS_FILE_TMPDIR/events"
	said=$(jq -r 'select(.type == "result" and .outcome == "undecided").details[].message' <<<"$output")
	echo "$said"
	[[ "$said" == *"the host held the CPUs up for "* ]]
	[ -z "$(jq -r 'select(.type == "result" and .outcome == "fail").id' <<<"$output")" ]
}
