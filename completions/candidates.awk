# SPDX-License-Identifier: GPL-2.0-or-later
# awk -f candidates.awk -- TOOL WORD... - what may stand in place of the last word of this command line:
# a line for each, the word, a tab, what it is. A line that begins with a tab asks the shell for more:
# "files", "directories" or "commands". This is what the scripts of all shells ask.
#
# It knows no option and no command: they are read from the tool's --help, which is laid out for it.
#
#	usage: TOOL list [--filter TEXT] [SCENARIO...]
#	       TOOL clear CGROUP cpus|mems
#	Places in lower case stand for themselves, those in upper case for what values() says.
#
#	  show SCENARIO  what a command does may be said here
#	  kernel ARG...  one that hands all to another tool: kt-kernel ARG...
#
#	list and show:
#	  -g, --group-by comm|tid,...  an option of these commands; one word, or several with commas
#	                               between. What it does may take more lines.
#
#	  -h, --help     after an empty line, options go with every command
BEGIN {
	read_help(ARGV[1])
	current = ARGV[ARGC - 1]
	for (i = 2; i < ARGC - 1 && !command_begun; i++)
		i += take(ARGV[i], i == ARGC - 2)
	if (value_of)
		values(opt_value[value_of], "", "")
	else if (command_begun)
		ask["files"]
	else if (!options_end && match(current, /^--[^=]+=/)) {
		if ((o = find_option(substr(current, 1, RLENGTH - 1))))
			values(opt_value[o], substr(current, 1, RLENGTH), "")
	} else if (!options_end && current ~ /^-/) {
		for (i = 1; i <= options; i++)
			if (goes_with(opt_where[i])) {
				n = split(opt_names[i], name, " ")
				for (j = 1; j <= n; j++)
					offer(name[j], opt_about[i])
			}
	} else
		for (u = 1; u <= usages; u++)
			if (fits(u))
				values(at(u, operands + 1), "", shared(u, operands + 1) ? "" : usage_about[u])
	for (i = 1; i <= offers; i++)
		print offered[i] "\t" about_of[offered[i]]
	for (kind in ask)
		print "\t" kind
}

# take(WORD, LAST) - one that has been typed; returns how many more it has swallowed
function take(word, last,	o, i, was) {
	if (!options_end && word == "--") {
		options_end = 1
	} else if (!options_end && word ~ /^-./) {
		o = find_option(word)
		if (!o || opt_value[o] == "")
			return 0
		if (last)
			value_of = o
		return 1
	} else {
		for (i = 1; i <= usages; i++)
			if (fits(i) && at(i, operands + 1) == "CMD")
				command_begun = 1
		operand[++operands] = word
		typed = typed word " "
		hand_over()
	}
	return 0
}

# hand_over() - to the tool that the command stands for, if it does; its own options stay
function hand_over(	i, n, w) {
	for (i = 1; i <= usages; i++)
		if (fits(i) && match(usage_about[i], /kt-[a-z-]+( [a-z]+)? ARG\.\.\./)) {
			n = split(substr(usage_about[i], RSTART, RLENGTH), w, " ")
			for (i = 1; i <= options; i++) {
				if (opt_where[i] == "" || !goes_with(opt_where[i]))
					opt_names[i] = ""
				opt_where[i] = ""
			}
			operands = 0
			typed = ""
			read_help(w[1])
			if (n == 3)
				take(w[2])
			return
		}
}

function quoted(s) {
	gsub(/'/, "'\\''", s)
	return "'" s "'"
}

function read_help(tool,	cmd, line, indent, head, about, heading, last, n, raw, raw_about, i) {
	usages = n = 0
	cmd = quoted(tool) " --help 2>/dev/null"
	while ((cmd | getline line) > 0) {
		indent = match(line, /[^ ]/) - 1
		line = substr(line, indent + 1)
		i = match(line, /  /)
		head = i ? substr(line, 1, i - 1) : line
		about = i ? substr(line, i) : ""
		sub(/^ +/, "", about)
		if (line ~ /^[Uu]sage: / || (last == "usage" && indent == 7)) {
			sub(/^[Uu]sage: /, "", head)
			sub(/^[^ ]+ */, "", head)
			raw[++n] = head
			raw_about[n] = about
			last = "usage"
		} else if (last == "usage" && indent > 7) {
			raw[n] = raw[n] " " line
		} else if (line == "") {
			heading = last = ""
		} else if (indent == 0) {
			heading = line ~ /^[a-z][a-z, -]*:$/ ? substr(line, 1, length(line) - 1) : heading
			last = ""
		} else if (head ~ /^-/) {
			add_option(head, about, heading)
			last = "option"
		} else if (indent == 2 && head ~ /^[a-z]/) {
			raw[++n] = head
			raw_about[n] = about
			last = "command"
		} else if (last == "option") {
			opt_about[options] = joined(opt_about[options], line)
		} else if (last == "command") {
			raw_about[n] = joined(raw_about[n], line)
		}
	}
	close(cmd)
	for (i = 1; i <= n; i++)	# now it is known which options take a value
		add_usage(raw[i], raw_about[i])
}

function joined(a, b) {
	return a == "" ? b : a " " b
}

function add_option(head, about, where,	w, n, i) {
	opt_about[++options] = about
	opt_where[options] = where
	n = split(head, w, " ")
	for (i = 1; i <= n; i++)
		if (sub(/,$/, "", w[i]) || w[i] ~ /^-/)
			opt_names[options] = joined(opt_names[options], w[i])
		else
			opt_value[options] = w[i]
}

# add_usage(TEXT, ABOUT) - its places: what is no option, no value of one and no bracket
function add_usage(text, about,	w, n, i) {
	sub(/ <.*/, "", text)
	gsub(/\[:[A-Z]+\]|\[OPTION\]?\.\.\.\]?|\[--\]/, "", text)
	gsub(/\]\.\.\./, "...", text)
	gsub(/[][()]/, " ", text)
	usage_about[++usages] = about
	places[usages] = more[usages] = 0
	n = split(text, w, " ")
	for (i = 1; i <= n; i++)
		if (w[i] ~ /^-/) {
			i += opt_value[named(w[i])] != ""
		} else if (w[i] != "|") {
			more[usages] = sub(/\.\.\.$/, "", w[i])
			place[usages, ++places[usages]] = w[i]
		}
}

function named(name,	i) {
	for (i = 1; i <= options && !index(" " opt_names[i] " ", " " name " "); i++)
		;
	return i
}

function find_option(name,	i) {
	for (i = 1; i <= options; i++)
		if (index(" " opt_names[i] " ", " " name " ") && goes_with(opt_where[i]))
			return i
	return 0
}

# goes_with(HEADING) - is it of the command that has been typed, or of all?
function goes_with(where,	w, n, i) {
	n = split(where, w, /, | and /)
	for (i = 1; i <= n; i++)
		if (index(typed, w[i] " ") == 1)
			return 1
	return where == ""
}

function at(u, n) {
	if (n > places[u] && more[u])
		n = places[u]
	return n > 0 && n <= places[u] ? place[u, n] : ""
}

# fits(USAGE) - can that be what has been typed?
function fits(u,	i, p) {
	for (i = 1; i <= operands; i++) {
		p = at(u, i)
		if (p == "" || (p ~ /^[a-z]/ && !index("|" p "|", "|" operand[i] "|")))
			return 0
	}
	return 1
}

# shared(USAGE, N) - does another begin with the same N places and go on with another word?
function shared(u, n,	i) {
	for (i = 1; i <= usages; i++)
		if (fits(i) && at(i, n) == at(u, n) && at(i, n + 1) ~ /^[a-z]/ && at(i, n + 1) != at(u, n + 1))
			return 1
	return 0
}

function offer(word, about) {
	if (!(word in about_of))
		offered[++offers] = word
	if (about_of[word] == "")
		about_of[word] = about
}

# values(PLACE, PREFIX, ABOUT) - what can stand there; ABOUT is for a place of lower case
function values(p, prefix, about,	w, n, i, kind) {
	if (sub(/,\.\.\.$/, "", p) && match(current, /.*,/))
		prefix = substr(current, 1, RLENGTH)
	n = split(p, w, "|")
	for (i = 1; i <= n; i++) {
		kind = w[i]
		if (kind ~ /^[a-z]/) {	# fifo:N is offered as fifo:
			sub(/[A-Z].*/, "", kind)
			offer(prefix kind, about)
			continue
		}
		sub(/[^A-Z].*/, "", kind)
		if (kind ~ /^(FILE|CONFIG|SRC|PLAN|KERNEL|SCENARIO)$/)
			ask["files"]
		if (kind == "DIR")
			ask["directories"]
		if (kind == "CMD")
			ask["commands"]
		if (kind == "SCENARIO")
			members("kt-scenario list", "scenario", "name", "description", prefix)
		if (kind == "TYPE")
			members("kt-work types", "work-type", "work", "description", prefix)
		if (kind == "LIMIT")
			members("kt-check --list-thresholds", "threshold", "name", "about", prefix, "=")
		if (kind == "FIELD")
			members("kt-snap --list-fields", "field", "name", "group", prefix)
		if (kind == "KERNEL" || kind == "KEY")
			members("kt-kernel list --offline", "kernel", "key", "version", prefix)
		if (kind == "KERNEL" || kind == "VERSION")
			members("kt-kernel list --offline", "kernel", "version", "key", prefix)
		if (kind == "TEMPLATE")
			members("kt-vm template list", "template", "key", "topology", prefix)
		if (kind == "TOPOLOGY")
			topologies(prefix)
	}
}

# members(CMD, TYPE, KEY, ABOUT, PREFIX, SUFFIX) - a member of each record of that type
function members(cmd, type, key, about, prefix, suffix,	line, word) {
	cmd = cmd " 2>/dev/null"
	while ((cmd | getline line) > 0)
		if (index(line, "{\"type\":\"" type "\",") == 1 && (word = member(line, key)) != "")
			offer(prefix word suffix, member(line, about))
	close(cmd)
}

function member(line, key) {
	if (!match(line, "\"" key "\":\"([^\"\\\\]|\\\\.)*\""))
		return ""
	line = substr(line, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
	gsub(/\\/, "", line)
	return line
}

# Machines that are worth a test, from the smallest to the most CPUs that a guest can have.
function topologies(prefix,	w, n, i) {
	n = split("tiny-1llc 1n1l4c1t tiny-2llc 1n2l2c1t odd-3llc 1n3l3c1t odd-5llc 1n5l3c1t odd-7llc 1n7l2c1t " \
		"smt-2llc 1n2l2c2t smt-3llc 1n3l2c2t medium-4llc 1n4l4c2t medium-8llc 1n8l4c2t " \
		"large-4llc 1n4l16c2t large-8llc 1n8l8c2t near-max-llc 1n15l8c2t max-cpu 1n14l9c2t " \
		"medium-4llc-nosmt 1n4l8c1t medium-8llc-nosmt 1n8l8c1t large-4llc-nosmt 1n4l32c1t " \
		"large-8llc-nosmt 1n8l16c1t near-max-llc-nosmt 1n15l16c1t max-cpu-nosmt 1n14l18c1t " \
		"numa2-4llc 2n4l4c1t numa2-8llc 2n8l8c2t numa2-8llc-nosmt 2n8l16c1t " \
		"numa4-8llc 4n8l4c1t numa4-12llc 4n12l8c2t", w, " ")
	for (i = 1; i < n; i += 2)
		offer(prefix w[i + 1], w[i])
}
