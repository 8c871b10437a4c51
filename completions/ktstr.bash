# SPDX-License-Identifier: GPL-2.0-or-later
# Bash completion for ktstr and the kt-* tools. What there is to choose from is ktstr's to say, which
# reads it in the tool's --help.

_ktstr() {
	local ask=${COMP_WORDS[0]} words=("${COMP_WORDS[0]}") piece joins='' i n=0 before line
	# A tool's answers come from the ktstr beside it.
	[[ ${ask##*/} != kt-* ]] || ask=${ask%"${ask##*/}"}ktstr
	# Bash has split at "=" and ":", and replaces the last piece only.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		[[ $n -gt 0 && ($joins || $piece == [=:]*) ]] || n=$((n + 1)) words[n]=
		words[n]+=$piece
		[[ $piece == [=:]* ]] && joins=1 piece='' || joins=
	done
	before=${words[n]%"$piece"}
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		$'\t'*)	# -f, -d and -c of compgen are files, directories and commands
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen "-${line:1:1}" -- "$piece")
			compopt -o filenames 2>/dev/null
			;;
		"${words[n]}"*)
			line=${line%%$'\t'*}
			COMPREPLY+=("${line#"$before"}")
			[[ $line != *[=:] ]] || compopt -o nospace 2>/dev/null
			;;
		esac
	done < <("$ask" completions --words -- "${words[@]}" 2>/dev/null)
}

complete -F _ktstr ktstr kt-topo kt-host kt-cgroup kt-work kt-scenario kt-play kt-check kt-initramfs kt-vm kt-kernel \
	kt-locks kt-reserve kt-snap kt-snap-diff kt-fmt
