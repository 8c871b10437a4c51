#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Command lines are completed in bash, zsh and fish from what --help says; a misspelt word gets a hint.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KT_TOP XDG_CONFIG_HOME=$T/config XDG_DATA_HOME=$T/data	# what fish finds, and leaves behind
}

tools() {
	ls "$KTSTR_BUILD/bin"
}

# offers SHELL - for each command line on standard input what the shell offers at its end: "WORD<tab>WHAT IT
# IS" (bash has no such), a line each, then an empty line. Whatever the script says on standard error is in
# $T/noise, where nothing belongs.
offers() {
	case $1 in
	bash) bash --norc -c "$(declare -f offers_bash); offers_bash" ;;
	zsh) zsh -f "$KT_TOP/tests/helpers/zsh-candidates" "$KT_TOP/completions" ;;
	fish) fish --no-config -c "source $KT_TOP/completions/ktstr.fish
		while read --local line; complete --do-complete=\$line; echo; end" ;;
	esac 2>>"$T/noise"
}

# The words of a line as readline has them: "=" and ":" are words too.
offers_bash() {
	local line
	# shellcheck source=/dev/null
	source "$KT_TOP/completions/ktstr.bash"
	while IFS= read -r line; do
		mapfile -t COMP_WORDS < <(sed 's/[=:]/\n&\n/g; s/ /\n/g' <<<"$line")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_ktstr
		[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
		echo
	done
}

# offered SHELL LINE - the words alone, sorted
offered() {
	offers "$1" <<<"$2" | sed 's/\t.*//; /^$/d' | LC_ALL=C sort -u
}

quiet() {
	[ ! -s "$T/noise" ] || {
		cat "$T/noise"
		return 1
	}
}

# sorted_blocks - the words of each block of offers as one line
sorted_blocks() {
	local word words=()
	while IFS=$'\t' read -r word _; do
		if [ -n "$word" ]; then
			words+=("$word")
		else
			printf '%s\n' "${words[@]}" | sort -u | paste -sd ' '
			words=()
		fi
	done
}

# same [SHELL...] - for each line "COMMAND LINE|WORD WORD..." on standard input exactly these words are offered
same() {
	local sh bad=0
	[ $# -gt 0 ] || set -- bash zsh fish
	cat >"$T/table"
	cut -d '|' -f 1 <"$T/table" >"$T/lines"
	cut -d '|' -f 2 <"$T/table" | sed '/./s/$/ /; s/ /\n/g' | sorted_blocks | paste -d '|' "$T/lines" - >"$T/want"
	for sh; do
		offers "$sh" <"$T/lines" >"$T/offers"
		diff -u --label wanted --label "$sh" "$T/want" <(sorted_blocks <"$T/offers" | paste -d '|' "$T/lines" -) || bad=1
	done
	quiet && [ "$bad" -eq 0 ]
}

# contexts TOOL - none, and the commands that its help has options for; not those that hand over to another tool
contexts() {
	echo
	"$1" --help | sed -n 's/^\([a-z][a-z, -]*\):$/\1/p' | sed 's/, \| and /\n/g' | sort -u |
		grep -vxE "$("$1" --help | sed -n 's/^  \([a-z-]*\) ARG\.\.\. .*/\1/p' | paste -sd '|')"
}

# help_options TOOL - "TOOL --option" and "TOOL -o" for all that it mentions
help_options() {
	"$1" --help | {
		tee >(grep -oE '^ +-[a-zA-Z]\b' >&3) | grep -oE -- '(^|[^a-z-])--[a-z][a-z-]*' >&3
	} 3>&1 | grep -oE -- '-.*' | sed "s/^/$1 /" | sort -u
}

@test "every option of every --help is offered in every shell, and none that it does not have" {
	local sh t c bad=0
	for t in $(tools); do
		while read -r c; do
			printf '%s\n' "$t ${c:+$c }-" "$t ${c:+$c }--"
		done < <(contexts "$t")
		help_options "$t" >>"$T/want"
	done >"$T/lines"
	for sh in bash zsh fish; do
		offers "$sh" <"$T/lines" >"$T/offers"
		awk -F '\t' -v lines="$T/lines" '
		function next_line() { getline line <lines; split(line, w, " ") }
		BEGIN { next_line() }
		/^$/ { next_line(); next }
		{ print w[1], $1 }' "$T/offers" | sort -u >"$T/got"
		diff -u --label 'what --help has' --label "what $sh offers" <(sort -u "$T/want") "$T/got" || bad=1
	done
	[ "$(wc -l <"$T/want")" -gt 200 ]
	[ "$bad" -eq 0 ]
	quiet
}

@test "options and commands come with what they do" {
	[ "$(offers fish <<<'kt-vm exec --acc')" = "--accel	what runs the guest's code (default auto)" ]
	[[ $(offers zsh <<<'kt-vm exec --acc') == "--accel	--accel  -- what runs the guest's code (default auto)" ]]
	[[ $(offers fish <<<'ktstr loc') == "locks	who holds which CPUs"* ]]
	quiet
}

@test "commands are offered at their places, and what they take after them" {
	same <<-'END'
		ktstr l|list locks
		ktstr h|host-state
		ktstr host-state |capture compare
		ktstr kernel |get build list clean path check
		ktstr kernel clean --|--json --keep --corrupt-only --force --quiet --help --version
		kt-kernel list --r|--range
		kt-vm e|exec
		kt-vm template |make list drop
		kt-vm template drop --al|--all
		kt-vm template make --app|--append
		kt-work |serve run types
		kt-topo |cpuset
		kt-cgroup --parent x |apply create kill rm stat set clear move ls cleanup
		kt-cgroup clear -p x a |cpus mems
		ktstr completions |bash zsh fish
	END
}

@test "values of a closed set are offered, also after = and with commas between" {
	same <<-'END'
		kt-vm exec --accel |auto kvm tcg
		ktstr test --topology 1n1l1c1t --clock |virtual real
		kt-fmt --color a|auto always
		kt-snap --source |auto bpf proc
		kt-snap-diff -s |moved pct delta group metric
		ktstr host-state compare --group-by pcomm,c|pcomm,comm pcomm,cgroup
		kt-work run --policy f|fifo:
		kt-work run --type Cpu|CpuSpin
		ktstr run --threshold max_gap|max_gap_ms=
		kt-snap --fields tid,swap|tid,swapin_delay_ns tid,swapin_delay_count
		ktstr test --flags re|rebal reject-pin
		ktstr test --seed |
	END
	same zsh fish <<<'kt-vm exec --accel=k|--accel=kvm'
	same bash <<-'END'
		kt-vm exec --accel=k|kvm
		kt-vm exec --accel=|auto kvm tcg
	END
}

@test "scenarios are offered by name, kernels by key and version, topologies as specs" {
	local kernels
	kernels=$(kt-kernel list --offline | jq -r 'select(.type == "kernel") | .key, .version // empty' | paste -sd ' ')
	[ -n "$kernels" ]
	mkdir "$T/empty"
	cd "$T/empty"	# files are offered too
	same <<-END
		ktstr test |$(kt-scenario list | jq -r 'select(.type == "scenario").name' | paste -sd ' ')
		kt-scenario expand --topo 1n1l1c1t cgroup_stead|cgroup_steady
		kt-vm exec --kernel |$kernels
		kt-kernel clean |$(kt-kernel list --offline | jq -r 'select(.type == "kernel") | .key // empty' | paste -sd ' ')
		kt-vm exec -t 2n8l|2n8l8c2t 2n8l16c1t
	END
}

@test "every topology that is offered is one, and none has more CPUs than a guest can have" {
	local t n=0
	for t in $(offered bash 'kt-topo --spec '); do
		n=$((n + 1))
		run -0 kt-topo --spec "$t"
		[ "$(grep -c '^{"type":"cpu"' <<<"$output")" -le 252 ]
	done
	[ "$n" -eq 24 ]
}

@test "files, directories and commands are offered where they are taken" {
	local sh
	mkdir -p "$T/here/sub"
	touch "$T/here/suffix"
	cd "$T/here"
	same bash zsh <<-'END'
		kt-vm exec --initramfs su|sub suffix
		kt-host --root su|sub
		kt-initramfs suf|suffix
		kt-vm exec mktem|mktemp
		kt-host --root=su|sub
	END
	same fish <<-'END'
		kt-vm exec --initramfs su|sub/ suffix
		kt-host --root su|sub/
		kt-initramfs suf|suffix
		kt-vm exec mktem|mktemp
		kt-host --root=su|--root=sub/
	END
	# The options of a command are its own.
	same <<-'END'
		kt-vm exec mktemp --|
		kt-vm exec -- --ac|
	END
}

@test "without the tools nothing is offered and nothing is said" {
	same <<-'END'
		/nowhere/kt-vm |
		/nowhere/ktstr test --|
	END
	mkdir "$T/bin"
	ln -s "$(command -v awk)" "$T/bin/awk"
	PATH=$T/bin run -0 awk -f completions/candidates.awk -- kt-vm exec --
	[ -z "$output" ]
}

# A tool that nobody has seen yet: what it offers is in its help.
@test "what a help says is understood, whichever tool it is of" {
	cat >"$T/kt-new" <<-'END'
		#!/bin/sh
		cat <<'HELP'
		usage: kt-new shell [-i FILE]... [OPTION...] < RECORDS
		       kt-new template make|list|drop [--cold | --size N] [NAME:x...]
		                       [DIR]
		Does this: or that.

		  tail ARG...  the end of it: kt-old end ARG... (and --json)
		  split FILE   a command that the usage above
		               does not have

		shell and template make:
		  -i, --include FILE  a file,
		                      on two lines
		template drop:
		      --cold
		                      of one
		tail:
		      --json          records
		      --no-perf-mode  slow

		  -h, --help          this -- not --that
		HELP
	END
	cat >"$T/kt-old" <<-'END'
		#!/bin/sh
		printf '%s\n' 'usage: kt-old begin|end [--at WHERE] left|right' '' '      --at here|there  where' '  -h, --help  old'
	END
	chmod +x "$T/kt-new" "$T/kt-old"
	ask() {
		PATH=$T:$PATH awk -f completions/candidates.awk -- kt-new "$@"
	}
	run -0 ask ''
	[ "$output" = $'shell\t\ntemplate\t\ntail\tthe end of it: kt-old end ARG... (and --json)\nsplit\ta command that the usage above does not have' ]
	[ "$(ask template '')" = $'make\t\nlist\t\ndrop\t' ]
	[ "$(ask template make -)" = $'-i\ta file, on two lines\n--include\ta file, on two lines\n-h\tthis -- not --that\n--help\tthis -- not --that' ]
	[ "$(ask template list -)" = $'-h\tthis -- not --that\n--help\tthis -- not --that' ]
	[ "$(ask template drop --c)" = $'--cold\tof one\n-h\tthis -- not --that\n--help\tthis -- not --that' ]
	[ "$(ask shell -i '')" = $'\tfiles' ]
	[ "$(ask split '')" = $'\tfiles' ]
	[ "$(ask tail '')" = $'left\t\nright\t' ]
	[ "$(ask tail --at '')" = $'here\t\nthere\t' ]
	[ "$(ask tail -)" = $'--json\trecords\n--no-perf-mode\tslow\n--at\twhere\n-h\told\n--help\told' ]
}

@test "every --help is laid out for this: options in columns, two spaces before what they do" {
	local t
	for t in $(tools); do
		"$t" --help | awk -v t="$t" '
		NR == 1 && tolower($1) " " $2 != "usage: " t { print t ": no usage: " $0; bad = 1 }
		NR == 1 || (usage && /^       /) { usage = 1; next }
		{ usage = 0 }
		/^ *-/ && !/^(  -[a-zA-Z],|     ) --[a-z][a-z-]*( [^ ]+)?(  +[^ ].*)?$/ && !/^  -[a-zA-Z]( [^ ]+)?  +[^ ]/ {
			print t ": " $0
			bad = 1
		}
		END { exit bad }'
	done
}

# takes TOOL OPTION VALUE - is that no usage error?
takes() {
	case $1 in
	kt-work)
		run kt-work run "$2" "$3" --duration 1ms --count 1
		[[ $output != *'kt-work: command line:1: member '* ]]
		return
		;;
	kt-vm) run kt-vm exec "$2" "$3" --help ;;
	kt-scenario) run kt-scenario expand --topo 1n1l1c1t "$2" "$3" cgroup_steady ;;
	kt-snap-diff) run kt-snap-diff "$2" "$3" /dev/null ;;
	*) run "$1" "$2" "$3" --help ;;
	esac
	[[ $status != @(2|125) ]]
}

@test "the values that a --help names are those that the tool takes" {
	local t opt set v n=0
	for t in $(tools); do
		[ "$t" != ktstr ] || continue	# it hands them on: the next test
		while read -r opt set; do
			set=${set%,...}
			set=${set//:N/:1}
			for v in ${set//|/ }; do
				takes "$t" "$opt" "${v/LIST/0-1}" || {
					echo "$t $opt $v: $output"
					return 1
				}
				n=$((n + 1))
			done
			if takes "$t" "$opt" nonsense; then
				echo "$t takes $opt nonsense"
				return 1
			fi
		done < <("$t" --help | grep -oE -- '--[a-z-]+ [a-z]+\|[^ ]+')
	done
	[ "$n" -ge 30 ]
	# All of them: the tools say what they want.
	run -2 kt-scenario expand --topo 1n1l1c1t --flags x cgroup_steady
	[[ ${output//, /|} == *"none of $(kt-scenario --help | grep -oE 'llc\|[a-z|-]*' | sed 's/|all$//') "* ]]
}

@test "ktstr's help names the same values as those of the tools that it hands them to" {
	local opt
	ktstr --help | grep -oE -- '--[a-z-]+ [a-z]+\|[^ ]+' >"$T/options"
	[ "$(wc -l <"$T/options")" -ge 6 ]
	while read -r opt; do
		cat <(kt-vm --help) <(kt-scenario --help) <(kt-snap --help) <(kt-snap-diff --help) | grep -qF -- "$opt" || {
			echo "no tool has $opt"
			return 1
		}
	done <"$T/options"
}

@test "each command of ktstr takes the options that help has for it, and no others" {
	local c opt
	eval "$(sed -n '/^known()/,/^}/p' ktstr)"
	ktstr --help | grep -oE '^(  -[a-z],|     ) --[a-z-]+' | grep -oE -- '--.*' | sort -u | grep -vxE -e '--help|--version' >"$T/all"
	while read -r c; do
		[ -n "$c" ] || continue
		# shellcheck disable=SC2086	# words
		ktstr completions --words -- ktstr $c -- | cut -f 1 | grep -e ^-- | grep -vxE -e '--help|--version' | sort >"$T/want"
		while read -r opt; do
			! known "${c#host-state }" "$opt" || echo "$opt"
		done <"$T/all" >"$T/got"
		diff -u --label "help: $c" --label "known: $c" "$T/want" "$T/got"
	done < <(contexts ktstr)
}

@test "ktstr completions prints the script of a shell, for a command of any name" {
	local name
	diff completions/ktstr.bash <(ktstr completions bash)
	diff completions/_ktstr <(ktstr completions zsh)
	diff completions/ktstr.fish <(ktstr completions fish)
	mkdir "$T/bin"
	ln -s "$KTSTR_BUILD/bin/ktstr" "$T/bin/schedtest"
	PATH=$T/bin:$PATH
	run -0 bash --norc -c 'source <(ktstr completions bash --binary schedtest)
		complete -p schedtest kt-vm || exit
		! complete -p ktstr || exit
		COMP_WORDS=(schedtest test --top) COMP_CWORD=2
		_ktstr
		[ "${COMPREPLY[*]}" = --topology ]' 2>&1
	mkdir "$T/zsh" "$T/none"
	ktstr completions zsh --binary schedtest >"$T/zsh/_schedtest"
	run -0 zsh -f tests/helpers/zsh-candidates "$T/zsh" <<<'schedtest test --top'
	[[ $output == --topology* ]]
	run -0 fish --no-config -c 'ktstr completions fish --binary schedtest | source; complete -C "schedtest test --top"'
	[[ $output == --topology* ]]
	# As a zsh reads it that has no such file.
	run -0 zsh -f -c 'autoload -Uz compinit; compinit -D -u; eval "$(ktstr completions zsh)"; echo $_comps[ktstr] $_comps[kt-fmt]'
	[ "$output" = '_ktstr _ktstr' ]
	for name in '' -x 'a b' 'a;b' a/b; do
		run -2 --separate-stderr ktstr completions bash --binary "$name"
		[ -z "$output" ]
	done
}

@test "ktstr completions with no shell, or another, is a usage error that names the three" {
	local args
	for args in '' tcsh 'bash zsh'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr ktstr completions $args
		[ -z "$output" ]
		[[ $stderr == *"bash, zsh or fish"* ]]
	done
	run -2 ktstr completions --words
	run -1 --separate-stderr bash -c 'ktstr completions bash >/dev/full'
	[[ $stderr == *"cannot write standard output"* ]]
}

@test "every script completes every tool" {
	local want
	want=$(tools)
	[ "$(bash --norc -c 'source completions/ktstr.bash; complete -p' | awk '/_ktstr/ { print $NF }' | sort)" = "$want" ]
	[ "$(sed -n '1s/^#compdef //p' completions/_ktstr | tr ' ' '\n' | sort)" = "$want" ]
	[ "$(zsh -f -c 'autoload -Uz compinit; compinit -D -u; source completions/_ktstr; print -l ${(k)_comps[(R)_ktstr]}' | sort)" = "$want" ]
	[ "$(fish --no-config -c 'source completions/ktstr.fish; complete' | sed -n 's/ -a .(__ktstr).$//; s/.* //p' | sort)" = "$want" ]
}

@test "a misspelt command, option or scenario gets the nearest as a hint" {
	local line hint
	while IFS=: read -r line hint; do
		# shellcheck disable=SC2086	# words
		run --separate-stderr $line
		[[ $status == @(2|125) && $stderr == *"; did you mean '$hint'?"* ]] || {
			echo "$line: status $status, $stderr"
			return 1
		}
	done <<-'END'
		ktstr tset:test
		ktstr show_host:show-host
		ktstr --hlep:--help
		ktstr test --topolgy 1n1l1c1t:--topology
		ktstr test --topolgy=1n1l1c1t:--topology
		ktstr list --jsno:--json
		ktstr host-state captrue:capture
		ktstr host-state compare --grup-by comm:--group-by
		ktstr kernel biuld:build
		ktstr list cgroup_stedy:cgroup_steady
		kt-vm exce:exec
		kt-kernel lits:list
		kt-cgroup stta:stat
		kt-work rnu:run
		kt-scenario lsit:list
		kt-topo cpu-set:cpuset
		kt-scenario show cgroup_stedy:cgroup_steady
		kt-scenario expand --topo 1n1l1c1t --work-type cpuspn x:CpuSpin
	END
	run -2 --separate-stderr ktstr xyzzy
	[[ $stderr == "ktstr: unknown command 'xyzzy'"$'\n'* ]]
	run -2 --separate-stderr ktstr list --threshold a=1	# of another command
	[[ $stderr == "ktstr: unknown option '--threshold' for list"$'\n'* ]]
}
