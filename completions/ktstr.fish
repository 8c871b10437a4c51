# SPDX-License-Identifier: GPL-2.0-or-later
# Fish completion for ktstr and the kt-* tools. What there is to choose from is ktstr's to say, which
# reads it in the tool's --help.

function __ktstr
	set -l words (commandline --tokenize --current-process --cut-at-cursor)
	set -l current (commandline --current-token --cut-at-cursor)
	set -l ask $words[1]
	# A tool's answers come from the ktstr beside it.
	string match --quiet --regex '(^|/)kt-[^/]*$' -- $ask
	and set ask (string replace --regex '[^/]*$' '' -- $ask)ktstr
	command --query $ask
	or return
	for line in ($ask completions --words -- $words "$current" 2>/dev/null)
		switch $line
			case \t'*'
				set -l option (string match --regex -- '^--[^=]*=' $current)
				set -l path (string replace -- "$option" '' $current)
				switch $line
					case \tfiles
						__fish_complete_path "$path"
					case \tdirectories
						__fish_complete_directories "$path"
					case \tcommands
						__fish_complete_command
				end | string replace --regex -- '^' "$option"
			case '*'
				echo $line
		end
	end
end

for command in ktstr kt-topo kt-host kt-cgroup kt-work kt-scenario kt-play kt-check kt-initramfs kt-vm kt-kernel \
		kt-locks kt-reserve kt-snap kt-snap-diff kt-fmt
	complete --command $command --no-files --keep-order --arguments '(__ktstr)'
end
