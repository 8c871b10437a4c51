# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded by every bats file: paths, sanitizer settings, small helpers.
bats_require_minimum_version 1.5.0
KT_TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
cd "$KT_TOP" || exit 1
KTSTR_BUILD=$(realpath "${KTSTR_BUILD:-build}")
export KTSTR_BUILD
PATH=$KTSTR_BUILD/bin:$PATH
unset KTSTR_ROOT KTSTR_KERNEL KTSTR_SCENARIOS KTSTR_LIBEXEC
export NO_COLOR=1 LC_ALL=C
# A sanitizer exits 1, as our tools do: make it tell-tale, or `run -1` hides a crash.
export ASAN_OPTIONS=exitcode=99 LSAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99:print_stacktrace=1

# fixture_diff EXPECTED - compare $output with a file, ignoring the meta line (it has the version)
fixture_diff() {
	diff -u "$1" <(printf '%s\n' "$output" | sed '/^{"type":"meta"/d')
}
