# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded by every bats file: paths, sanitizer settings, small helpers.
bats_require_minimum_version 1.5.0
KT_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$KT_TOP" || exit 1
KTSTR_BUILD=$(realpath "${KTSTR_BUILD:-build}")
export KTSTR_BUILD
PATH=$KTSTR_BUILD/bin:$PATH
unset KTSTR_ROOT KTSTR_KERNEL KTSTR_SCENARIOS KTSTR_LIBEXEC
# Guests boot what run-checks has found or built; else what kt-kernel path finds in the cache.
[ -z "${KTSTR_TEST_KERNEL-}" ] || export KTSTR_KERNEL=$KTSTR_TEST_KERNEL
export NO_COLOR=1 LC_ALL=C
# A sanitizer exits 1, as our tools do: make it tell-tale, or `run -1` hides a crash.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
export LSAN_OPTIONS=exitcode=99:print_suppressions=0:suppressions=$KT_TOP/tests/lsan.supp

# fixture_diff EXPECTED - compare $output with a file, ignoring the meta line (it has the version)
fixture_diff() {
	diff -u "$1" <(printf '%s\n' "$output" | sed '/^{"type":"meta"/d')
}

# sample_run - one short run in a virtual machine, made once for all test files of a run: three scenarios,
# one of which needs two LLCs and is skipped. Sets SAMPLE to the directory with plan, events, results and
# console, and table and stderr of ktstr.
sample_run() {
	local dir=${KTSTR_SAMPLE:-$BATS_RUN_TMPDIR/sample}
	mkdir -p "$dir"
	(
		flock 9
		[ -e "$dir/status" ] && exit
		rm -rf "$dir/run"
		ktstr test --topology 1n1l2c1t --duration 2s --settle 100ms --workers 2 --keep "$dir/run" \
			cgroup_steady cgroup_cpuset_llc_steady mutex_contention_light \
			>"$dir/table" 2>"$dir/stderr" </dev/null
		echo $? >"$dir/status"
	) 9>"$dir/lock"
	SAMPLE=$dir/run
	if [ "$(cat "$dir/status")" != 0 ]; then
		echo "the sample run ended with status $(cat "$dir/status")"
		cat "$dir/table" "$dir/stderr"
		return 1
	fi
}
