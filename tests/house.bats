#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The house itself: counting tests, setting up, layering, checking streams.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
}

# fake_unit NAME TEXT STATUS - a unit test that prints TEXT; the others print one good line
fake_unit() {
	local c t
	mkdir -p "$T/b/unit"
	for c in tests/unit/test_*.c; do
		t=$T/b/unit/$(basename "$c" .c)
		[ -e "$t" ] || printf '#!/bin/sh\necho "ok 1 - fine"\necho 1..1\n' >"$t"
		chmod +x "$t"
	done
	printf '#!/bin/sh\ncat <<END\n%s\nEND\nexit %d\n' "$2" "$3" >"$T/b/unit/$1"
}

count_units() {
	ls tests/unit/test_*.c | wc -l
}

@test "run-checks counts what passed, failed and was skipped, and shows the failure and the reason" {
	fake_unit test_dur $'1..4\nok 1 - a\nnot ok 2 - b is c\n# got: 7\nok 3 - d # SKIP no such thing\nok 4 - e' 1
	run -1 tests/run-checks --build "$T/b" --only unit
	[ "${lines[-1]}" = "$(($(count_units) + 1)) passed, 1 failed, 1 skipped" ]
	[[ $output == *"FAILED unit/test_dur: 2 - b is c"* ]]
	[[ $output == *"# got: 7"* ]]
	[[ $output == *"skipped unit/test_dur: 3 - d # SKIP no such thing"* ]]
}

@test "a test program that ends before its plan is a failure" {
	fake_unit test_dur $'1..3\nok 1 - a' 0
	run -1 tests/run-checks --build "$T/b" --only unit
	[ "${lines[-1]}" = "$(count_units) passed, 1 failed, 0 skipped" ]
	[[ $output == *"ended with status 0 after 1 of 3 tests"* ]]
}

@test "a test program without a plan is a failure" {
	fake_unit test_dur 'ok 1 - a' 0
	run -1 tests/run-checks --build "$T/b" --only unit
	[[ $output == *"after 1 of an unknown number of tests"* ]]
}

@test "a test program that is killed after its last test is a failure" {
	fake_unit test_dur $'ok 1 - a\n1..1' 99
	run -1 tests/run-checks --build "$T/b" --only unit
	[[ $output == *"FAILED unit/test_dur: ended with status 99"* ]]
}

@test "a test program that is not there is a failure" {
	fake_unit test_dur 'ok 1 - a' 0
	rm "$T/b/unit/test_dur"
	run -1 tests/run-checks --build "$T/b" --only unit
	[[ $output == *"FAILED unit/test_dur: ended with status 127"* ]]
}

@test "run-checks that is ended leaves no file and no test behind" {
	mkdir "$T/tmp"
	printf '@test "waits" {\n\techo $$ >%s/pid\n\tsleep 60\n}\n' "$T" >"$T/waits.bats"
	env -i PATH="${PATH//$BATS_LIBEXEC:/}" TMPDIR="$T/tmp" tests/run-checks "$(realpath --relative-to=tests "$T/waits.bats")" >/dev/null 3>&- &
	pid=$!
	while [ ! -s "$T/pid" ]; do
		kill -0 $pid
		read -rt 0.01 <> <(:) || :
	done
	kill -TERM $pid
	rc=0
	wait $pid || rc=$?
	[ $rc -eq 1 ]
	[ -z "$(ls -A "$T/tmp")" ]
	for ((i = 0; i < 1000; i++)); do
		kill -0 "$(<"$T/pid")" 2>/dev/null || return 0	# it ends, but nobody waits for it
		read -rt 0.01 <> <(:) || :
	done
	false
}

@test "run-checks with an unknown option is a usage error" {
	run -2 --separate-stderr tests/run-checks --colour
	[ -z "$output" ]
}

# path_without NAME... - a PATH with everything of the usual one but these
path_without() {
	local d f
	mkdir -p "$T/bin"
	for d in /usr/sbin /usr/bin; do
		ln -sf "$d"/* "$T/bin/"
	done
	for f; do
		rm -f "$T/bin/$f"
	done
}

# fake NAME - a program that leaves a mark when it is called, and fails
fake() {
	rm -f "$T/bin/$1"
	printf '#!/bin/sh\necho "$@" >>%s\nexit 1\n' "$T/called" >"$T/bin/$1"
	chmod +x "$T/bin/$1"
}

@test "setup asks nothing of the network when nothing is missing" {
	path_without
	fake apt-get
	PATH=$T/bin run -0 ./setup.sh check
	[ -z "$output" ]
	[ ! -e "$T/called" ]
}

@test "setup without root prints the command, of what is missing only, and fails" {
	path_without mandoc
	fake apt-get
	rm "$T/bin/id"
	printf '#!/bin/sh\necho 1000\n' >"$T/bin/id"
	chmod +x "$T/bin/id"
	PATH=$T/bin run -1 ./setup.sh check
	[[ $output == *"sudo apt-get update && sudo apt-get install -y --no-install-recommends mandoc" ]]
	[ ! -e "$T/called" ]
	PATH=$T/bin run -0 ./setup.sh run
}

@test "setup fails when the installation fails" {
	path_without mandoc
	fake apt-get
	rm "$T/bin/id"
	printf '#!/bin/sh\necho 0\n' >"$T/bin/id"
	chmod +x "$T/bin/id"
	PATH=$T/bin run -1 ./setup.sh check
	grep -q '^update' "$T/called"
}

@test "setup on a system without apt lists what is missing and fails" {
	path_without mandoc hyperfine apt-get
	PATH=$T/bin run -1 ./setup.sh check
	[[ $output == *"missing, by the names of Debian's packages: mandoc hyperfine"* ]]
}

@test "check-deps finds an include through ../ and a lib that prints, exits or takes a library" {
	mkdir -p "$T/tests" "$T/lib" "$T/kt-x"
	cp tests/check-deps "$T/tests/"
	printf 'x_PKG := jansson\n' >"$T/Makefile"
	printf '#include "../kt-y/y.h"\n' >"$T/kt-x/x.c"
	printf '#include <zstd.h>\nvoid f(void) { exit(1); }\n' >"$T/lib/f.c"
	run -1 "$T/tests/check-deps"
	[[ $output == *'kt-x/x.c:1:#include "../kt-y/y.h"'* ]]
	[[ $output == *'lib/f.c:2:void f(void) { exit(1); }'* ]]
	[[ $output == *'lib/f.c:1:#include <zstd.h>'* ]]
	printf '\n' >"$T/kt-x/x.c"
	printf 'void g(char *s) { snprintf(s, 1, "x"); _exit(1); }\n' >"$T/lib/f.c"
	run -0 "$T/tests/check-deps"
	[ -z "$output" ]
}

# A tool "t" with closed schemas for its meta and end, and one for type "r".
schemas() { # SCHEMA-OF-R
	mkdir -p "$T/s"
	cp tests/schema/validate.py "$T/s/"
	local t
	for t in meta end; do
		printf '{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
			"additionalProperties":false,"required":["type","tool"],
			"properties":{"type":{"const":"%s"},"tool":{"const":"t"}}}' $t >"$T/s/t.$t.json"
	done
	printf '%s' "$1" >"$T/s/t.r.json"
}
R_CLOSED='{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
	"required":["type","n","s"],"properties":{"type":{"const":"r"},"n":{"type":["integer","null"]},"s":{"type":"string"}}}'
META='{"type":"meta","tool":"t"}'
END='{"type":"end","tool":"t"}'

@test "a stream that fits its closed schemas is accepted, and all its mutants are refused" {
	schemas "$R_CLOSED"
	run -0 "$T/s/validate.py" --mutate --need t.r < <(printf '%s\n' "$META" '{"type":"r","n":1,"s":"x"}' "$END")
	[ "$output" = "3 records of 3 kinds, 12 mutants refused" ]
}

@test "a schema that lets a member be absent, renamed or of another type is found by mutation" {
	schemas '{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
		"required":["type","n"],"properties":{"type":{"const":"r"},"n":{"type":"integer"}}}'
	run -1 "$T/s/validate.py" --mutate < <(printf '%s\n' "$META" '{"type":"r","n":1,"s":"x"}' "$END")
	[[ $output == *"2: t.r accepts this record without 's'"* ]]
	[[ $output == *"2: t.r accepts this record 's' renamed"* ]]
	[[ $output == *"2: t.r accepts this record 's' of another type"* ]]
	[[ $output != *"without 'n'"* ]]
}

@test "a stream with an unknown type, a wrong type, a member twice, or cut off is refused with the line" {
	schemas "$R_CLOSED"
	run -1 "$T/s/validate.py" < <(printf '%s\n' "$META" '{"type":"q"}' "$END")
	[[ $output == *"2: unknown type 'q' in a stream of t"* ]]
	run -1 "$T/s/validate.py" < <(printf '%s\n' "$META" '{"type":"r","n":"1","s":"x"}' "$END")
	[[ $output == *"2: t.r: n: "* ]]
	run -1 "$T/s/validate.py" < <(printf '%s\n' "$META" '{"type":"r","n":1,"n":1,"s":"x"}' "$END")
	[[ $output == *"2: not JSON: member 'n' is there twice"* ]]
	run -1 "$T/s/validate.py" < <(printf '%s\n' "$META")
	[[ $output == *"the stream is cut off: no end of t"* ]]
	run -1 "$T/s/validate.py" < <(printf '%s\n' "$META" "$END" '{"type":"r","n":1,"s":"x"}')
	[[ $output == *"3: r record outside of any meta"* ]]
	run -1 "$T/s/validate.py" </dev/null
	run -1 "$T/s/validate.py" --need t.r < <(printf '%s\n' "$META" "$END")
}
