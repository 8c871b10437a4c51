#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The installed tree works, also after it was moved, and needs nothing of the source tree.
load lib.bash

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	local san=
	[ "$(basename "${KTSTR_BUILD:-build}")" = build ] || san=SAN=1
	# shellcheck disable=SC2086	# nothing, or one word
	make -s $san install DESTDIR="$BATS_FILE_TMPDIR/dest" PREFIX=/usr/local
	# Not where it was compiled for, and with nothing else to be found by.
	mv "$BATS_FILE_TMPDIR/dest/usr/local" "$BATS_FILE_TMPDIR/moved"
}

setup() {
	I=$BATS_FILE_TMPDIR/moved
	cd / || return 1
	PATH=$I/bin:/usr/bin:/bin
}

@test "every tool is there, and knows its version" {
	local t v
	v=$("$I/bin/ktstr" --version)
	for t in "$KT_TOP"/kt-*/kt-*.c; do
		t=$(basename "$t" .c)
		if [ -e "$I/libexec/ktstr/$t" ]; then
			continue
		fi
		[ "$("$I/bin/$t" --version)" = "$t ${v#ktstr }" ]
	done
}

@test "every tool has its page, and every page is installed" {
	local f
	for f in "$I"/bin/*; do
		[ -s "$I/share/man/man1/$(basename "$f").1" ]
	done
	[ "$(ls "$I"/share/man/man?/* | xargs -n 1 basename | sort)" = "$(cd "$KT_TOP/man" && ls | sort)" ]
}

@test "scenarios are found beside the tools" {
	run -0 ktstr list --json
	[ "$(jq -s '[.[] | select(.type == "scenario")] | length' <<<"$output")" -eq \
		"$(ls "$KT_TOP"/scenarios/*.json | wc -l)" ]
}

@test "a machine boots with the installed init, and plays with the installed tools" {
	run -0 ktstr test --topology 1n1l2c1t --duration 1s --settle 100ms cgroup_steady
	[[ $output == *cgroup_steady*pass* ]]
}

# Not amid a completion compopt refuses, which is no matter.
complete_it() {
	_ktstr || true
}

@test "the completion knows commands, options and scenarios" {
	source "$I/share/bash-completion/completions/kt-vm"
	COMP_WORDS=(ktstr te) COMP_CWORD=1
	complete_it
	[ "${COMPREPLY[*]}" = test ]
	COMP_WORDS=(ktstr test --dur) COMP_CWORD=2
	complete_it
	[ "${COMPREPLY[*]}" = --duration ]
	COMP_WORDS=(ktstr test cgroup_stead) COMP_CWORD=2
	complete_it
	[ "${COMPREPLY[*]}" = cgroup_steady ]
	COMP_WORDS=(kt-vm exec --topo) COMP_CWORD=2
	complete_it
	[ "${COMPREPLY[*]}" = --topology ]
	COMP_WORDS=(kt-vm exec --clock v) COMP_CWORD=3
	complete_it
	[ "${COMPREPLY[*]}" = virtual ]
}

@test "each shell finds its completion where it looks, for every tool" {
	local t
	for t in "$I"/bin/*; do
		t=$(basename "$t")
		[ -s "$I/share/bash-completion/completions/$t" ]
		[ -s "$I/share/fish/vendor_completions.d/$t.fish" ]
	done
	export XDG_DATA_DIRS=$I/share XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/c XDG_DATA_HOME=$BATS_TEST_TMPDIR/d
	run -0 fish -c "complete -C 'kt-vm exec --topo'"
	[[ $output == --topology$'\t'* ]]
	run -0 zsh -f "$KT_TOP/tests/helpers/zsh-candidates" "$I/share/zsh/site-functions" <<<'kt-vm exec --topo'
	[[ $output == --topology$'\t'* ]]
	diff <(ktstr completions zsh) "$I/share/zsh/site-functions/_ktstr"
}

@test "a misspelt command gets its hint" {
	run -2 ktstr tset
	[[ $output == *"did you mean 'test'?"* ]]
}

@test "another prefix is compiled in, and only what knows it is compiled again" {
	cd "$KT_TOP"
	run -0 make -n B="$KTSTR_BUILD" SAN= PREFIX=/elsewhere tools
	[ "$(grep -c -- '-c -o ' <<<"$output")" -le 2 ]
}
