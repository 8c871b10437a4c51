# SPDX-License-Identifier: GPL-2.0-or-later
# conf.awk Kconfig ANSWERS... - a .config: what the answers say, as far as Kconfig allows it.
FNR == 1 && NR > 1 { answers = 1 }
!answers && $1 == "config" { name = $2 }
!answers && $1 == "depends" {
	for (i = 3; i <= NF; i++)
		if ($i != "&&")
			needs[name] = needs[name] " " $i
}
!answers { next }
/^CONFIG_[A-Za-z0-9_]+=/ {
	at = index($0, "=")
	value[substr($0, 8, at - 8)] = substr($0, at + 1)
}
/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { value[substr($2, 8)] = "n" }
END {
	do {
		again = 0
		for (n in needs) {
			count = split(needs[n], list, " ")
			for (i = 1; i <= count; i++)
				if (n in value && value[n] != "n" && !(list[i] in value && value[list[i]] == "y")) {
					value[n] = "n"
					again = 1
				}
		}
	} while (again)
	print "#\n# Automatically generated file; DO NOT EDIT.\n#"
	for (n in value)
		if (n !~ /^UNKNOWN_/)
			print (value[n] == "n" ? "# CONFIG_" n " is not set" : "CONFIG_" n "=" value[n]) | "sort"
}
