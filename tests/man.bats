#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Page, --help and the options that are taken say the same; the examples run.
load lib.bash

tools() {
	ls "$KTSTR_BUILD/bin"
}

# Each of these prints long options, --help and --version apart: those have a test of their own.
every_tool_has() {
	grep -vxE -- '--help|--version' | sort -u
}

# page_options TOOL - those that its page marks as such
page_options() {
	grep -oE '\bFl (Fl |-)[a-z][a-z-]*' "man/$1.1" | sed 's/^Fl Fl /--/; s/^Fl -/--/' | every_tool_has
}

help_options() {
	"$1" --help | grep -oE -- '(^|[^a-z-])--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | every_tool_has
}

# taken_options TOOL - the names in the getopt tables of the sources that it is built of
taken_options() {
	if [ "$1" = ktstr ]; then
		sed -n '/^known()/,/^}/p; /^	while \[ \$# -gt 0 \]/,/^	done/p' ktstr | grep -oE -- '--[a-z][a-z-]+' | every_tool_has
		return
	fi
	make -pn --no-print-directory 2>/dev/null | sed -n "s/^${1}_O := //p" | tr ' ' '\n' | sed -n 's/$/.c/p' |
		xargs grep -hoE '\{ *"[a-z][a-z-]*", *(no|required|optional)_argument' | sed 's/[^"]*"/--/; s/".*//' | every_tool_has
}

@test "every tool has a page, and mandoc has nothing to say about any" {
	local t
	for t in $(tools); do
		[ -s "man/$t.1" ] || {
			echo "man/$t.1 is not there"
			return 1
		}
	done
	run -0 mandoc -Tlint -W warning man/*.[1578]
	[ -z "$output" ]
}

@test "every page has the sections of its kind, in order" {
	local t s want
	for t in $(tools); do
		for s in NAME SYNOPSIS DESCRIPTION OPTIONS OUTPUT 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qx "\.Sh $s" "man/$t.1" || {
				echo "man/$t.1: no $s"
				return 1
			}
		done
	done
}

@test "the options in the page, in --help and in the code are the same" {
	local t bad=0
	for t in $(tools); do
		diff -u --label "$t --help" --label "man/$t.1" <(help_options "$t") <(page_options "$t") || bad=1
		diff -u --label "$t --help" --label "code of $t" <(help_options "$t") <(taken_options "$t") || bad=1
	done
	[ "$bad" -eq 0 ]
}

@test "every tool has --help and --version, refuses what it does not know, and notices a full disk" {
	local t
	for t in $(tools); do
		run -0 --separate-stderr "$t" --help
		[ -n "$output" ] && [ -z "$stderr" ]
		run -0 --separate-stderr "$t" -h
		[ -n "$output" ]
		run -0 --separate-stderr "$t" --version
		[[ $output =~ ^$t\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
		run --separate-stderr "$t" --no-such-option </dev/null
		[ "$status" -eq 2 ] || [[ $t/$status == kt-@(vm|reserve)/125 ]]
		[ -z "$output" ] && [ -n "$stderr" ]
		run sh -c "$t --help >/dev/full"
		[ "$status" -eq 1 ] || [[ $t/$status == kt-@(vm|reserve)/125 ]]
	done
}

# examples PAGE - the commands of its EXAMPLES, one a line: those of .Dl, and those of a display with their
# continuation lines joined
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" |
		sed -n 's/^\.Dl \$ /$ /p; /^[$>] /p' | sed 's/\\(dq/"/g; s/\\(aq/'\''/g; s/\\&//g; s/\\-/-/g; s/\\e/\\/g' |
		awk '/^> / { sub(/^> /, ""); line = line " " $0; next }
		     { if (line != "") print line; sub(/^\$ /, ""); line = $0 }
		     END { if (line != "") print line }'
}

@test "the examples that need no rights, no machine and no network run as they stand" {
	sample_run
	local page line n=0 bad=0
	cd "$BATS_TEST_TMPDIR"
	export KTSTR_LOCK_DIR=$BATS_TEST_TMPDIR	# what others reserve meanwhile is not ours
	cp "$SAMPLE"/*.ndjson .
	ln -s "$SAMPLE" out
	kt-topo >topo.ndjson
	for page in "$KT_TOP"/man/*.1; do
		while read -r line; do
			# These boot, fetch, or make cgroups and workers here.
			grep -qE '/sys/fs/cgroup|kt-vm|kt-play|kt-cgroup|kt-work (run|serve)|ktstr (test|run|cleanup|kernel|shell)|kt-kernel (get|build|clean)|sudo' \
				<<<"$line" && continue
			n=$((n + 1))
			run bash -o pipefail -c "$line" </dev/null
			if [ "$status" -ne 0 ]; then
				echo "$(basename "$page"): $line"
				echo "status $status: $output"
				bad=1
			fi
		done < <(examples "$page")
	done
	[ "$bad" -eq 0 ]
	[ "$n" -ge 12 ]
}

@test "every page has three examples or more, and one of them is a pipe" {
	local t
	for t in $(tools); do
		[ "$(examples "man/$t.1" | wc -l)" -ge 3 ] || {
			echo "man/$t.1: fewer than three examples"
			return 1
		}
		examples "man/$t.1" | grep -q ' | ' || {
			echo "man/$t.1: no example is a pipe"
			return 1
		}
	done
}
