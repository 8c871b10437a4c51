# jq -rs -f kt-snap-agree.jq --slurpfile other B A: where two snapshots of threads that did nothing in
# between differ, a line for each: FIELD TID of the first, of the second. Times that /proc has as clock
# ticks (start, user and system time) are compared as whole ticks.
def threads: map(select(.type == "thread") | {key: "\(.tid)", value: .}) | from_entries;
def ticks: if . == null then null else . / 10000000 | floor end;
threads as $a | ($other | threads) as $b
| (($a | keys_unsorted) + ($b | keys_unsorted) | unique)[] as $tid
| if $a[$tid] == null then "tid \($tid) only in the second"
  elif $b[$tid] == null then "tid \($tid) only in the first"
  else
	$a[$tid] | keys_unsorted[] as $f
	| [.[$f], $b[$tid][$f]]
	| select(if $f == "start_ns" or $f == "utime_ns" or $f == "stime_ns" then map(ticks) else . end
		| .[0] != .[1])
	| "\($f) \($tid) \(.[0]) \(.[1])"
  end
