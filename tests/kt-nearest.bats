#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-nearest: the hint behind a misspelt word.
load lib.bash

nearest() {
	"$KTSTR_BUILD/libexec/ktstr/kt-nearest" "$@"
}

@test "the nearest name is offered, as the rest of a sentence" {
	run -0 nearest topolgy < <(printf '%s\n' kernel topology topo)
	[ "$output" = "; did you mean 'topology'?" ]
	run -0 nearest shel < <(printf '%s\n' shell locks)
	[ "$output" = "; did you mean 'shell'?" ]
}

@test "nothing is said when none is near, or there is none" {
	run -0 nearest zzz < <(printf '%s\n' kernel topology)
	[ -z "$output" ]
	run -0 nearest zzz </dev/null
	[ -z "$output" ]
}

@test "a wrong command line is status 2" {
	local args
	for args in '' 'a b' '--nosuch a'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr nearest $args </dev/null
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
}

@test "output that nobody takes is status 1" {
	run -1 --separate-stderr sh -c 'echo topology | "$1" topolgy >/dev/full' sh "$KTSTR_BUILD/libexec/ktstr/kt-nearest"
	[[ $stderr == *'No space left'* ]]
}
