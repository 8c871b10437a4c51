# SPDX-License-Identifier: GPL-2.0-or-later
# Bash completion for ktstr and the kt-* tools. The options are those that --help shows, so nothing
# is written down twice.

# __ktstr_help TOOL - its help, asked for once in a shell
__ktstr_help() {
	local var=__ktstr_help_${1//-/_}
	[ -n "${!var-}" ] || printf -v "$var" %s "$("$1" --help 2>/dev/null)"
	printf '%s\n' "${!var}"
}

__ktstr_options() {
	__ktstr_help "$1" | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# The words after the tool's name in the lines of its usage, and those that begin an indented line.
__ktstr_commands() {
	__ktstr_help "$1" | sed -n "/^ *-/d; s/^\([Uu]sage:\)\{0,1\}  *$1 \([a-z][a-z|-]*\).*/\2/p; s/^  \([a-z][a-z-]*\)\( .*\)\{0,1\}\$/\1/p" |
		tr '|' '\n' | sort -u
}

__ktstr_scenarios() {
	kt-scenario list 2>/dev/null | sed -n 's/^{"type":"scenario","name":"\([^"]*\)".*/\1/p'
}

_ktstr() {
	local tool=${COMP_WORDS[0]##*/} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words
	COMPREPLY=()
	case $prev in
	--kernel | --keep | --root | --plans | -i | -o) return ;;	# files
	--clock) words='virtual real' ;;
	--accel) words='auto kvm tcg' ;;
	--sort) words='moved pct delta group metric' ;;
	--group-by) words='pcomm,comm pcomm comm cgroup tid' ;;
	--source)
		[ "$tool" != kt-snap ] || words='auto bpf proc'
		;;
	--color) words='auto always never' ;;
	--work-type) words=$(kt-work types 2>/dev/null | sed -n 's/^{"type":"work-type","name":"\([^"]*\)".*/\1/p') ;;
	*)
		if [[ $cur == -* ]]; then
			words=$(__ktstr_options "$tool")
		elif [ "$COMP_CWORD" -eq 1 ]; then
			words=$(__ktstr_commands "$tool")
		else
			case $tool:${COMP_WORDS[1]} in
			ktstr:test | ktstr:run | ktstr:list | kt-scenario:*) words=$(__ktstr_scenarios) ;;
			ktstr:kernel) words=$(__ktstr_commands kt-kernel) ;;
			ktstr:host-state) [ "$COMP_CWORD" -gt 2 ] || words='capture compare' ;;
			esac
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "${words-}" -- "$cur")
}

complete -o default -F _ktstr ktstr kt-topo kt-host kt-cgroup kt-work kt-scenario kt-play kt-check kt-initramfs \
	kt-vm kt-kernel kt-locks kt-reserve kt-snap kt-snap-diff kt-fmt
