#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-locks: which lock files there are, who holds them, how that is found; ktstr locks.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_LOCK_DIR=$T/locks KTSTR_CACHE_DIR=$T/cache
	mkdir -p "$T/locks" "$T/cache/.locks"
	pids=()
	mounted=
}

teardown() {
	local p
	for p in "${pids[@]}"; do
		kill -9 -- "-$p" 2>/dev/null || kill -9 "$p" 2>/dev/null || :
	done
	wait
	[ -z "$mounted" ] || umount "$mounted"
}

# background COMMAND... - in a process group of its own until the test ends; PID is its pid
background() {
	: >"$T/out.${#pids[@]}"
	setsid "$@" </dev/null >"$T/out.${#pids[@]}" 2>&1 3>&- &
	PID=$!
	pids+=("$PID")
}

# hold FILE [FLOCK-OPTION...] - until the test ends; returns when it is held
hold() {
	local file=$1 i
	shift
	background flock -o "$@" "$file" sh -c "echo up; exec sleep 60"
	for ((i = 0; i < 2000; i++)); do
		[ -s "$T/out.$((${#pids[@]} - 1))" ] && return
		read -rt 0.01 <> <(:) || :
	done
	return 1
}

# lock_of NAME - its record
lock_of() {
	kt-locks | jq -c --arg n "/$1.lock" 'select(.type == "lock" and (.path | endswith($n)))'
}

@test "nothing there is no lock and no failure; missing directories are fine too" {
	run -0 --separate-stderr kt-locks
	[ "$(jq -r .type <<<"$output" | tr '\n' ' ')" = 'meta end ' ]
	[ "$(jq -c 'select(.type == "end")' <<<"$output")" = '{"type":"end","tool":"kt-locks","outcome":"ok","locks":0,"frames":1}' ]
	KTSTR_LOCK_DIR=$T/no KTSTR_CACHE_DIR=$T/no run -0 --separate-stderr kt-locks
	[ -z "$stderr" ]
	run -0 env -u KTSTR_CACHE_DIR -u XDG_CACHE_HOME -u HOME kt-locks
	[ "$(jq 'select(.type == "meta") | .cache' <<<"$output")" = null ]
}

@test "lock files are listed in order, each with what its name says; other files are not" {
	touch "$T"/locks/ktstr-{llc-10,llc-2,cpu-0,cpu-11,cpu-x,llc-,llc-01,cpu-9999999,foo-1}.lock "$T"/locks/ktstr-llc-3 \
		"$T"/cache/.locks/{kernel-6.12-x,build-b,initramfs-0a,source-1-2-3}.lock "$T"/cache/.locks/{x.lock,-y.lock,z-.lock,k-v}
	run -0 --separate-stderr kt-locks
	[ -z "$stderr" ]
	diff - <(jq -c 'select(.type == "lock") | [.kind, .index, .key, .mode, .holders, .waiters, .route]' <<<"$output") <<-END
		["llc",2,null,null,[],[],"locks"]
		["llc",10,null,null,[],[],"locks"]
		["cpu",0,null,null,[],[],"locks"]
		["cpu",11,null,null,[],[],"locks"]
		["build",null,"b",null,[],[],"locks"]
		["initramfs",null,"0a",null,[],[],"locks"]
		["kernel",null,"6.12-x",null,[],[],"locks"]
		["source",null,"1-2-3",null,[],[],"locks"]
	END
	[ "$(jq 'select(.kind == "cpu" and .index == 0) | .node' <<<"$output")" = "$(kt-topo | jq 'select(.type == "cpu" and .cpu == 0) | .node')" ]
	run -0 --separate-stderr kt-locks --held
	[ "$(jq 'select(.type == "end") | .locks' <<<"$output")" -eq 0 ]
}

@test "holders have mode, pid, name, command line and start; those who wait are told apart" {
	hold "$T/cache/.locks/kernel-a.lock" -x
	first=$PID
	background flock -s "$T/cache/.locks/kernel-a.lock" true
	waiter=$PID
	hold "$T/locks/ktstr-llc-0.lock" -s
	second=$PID
	hold "$T/locks/ktstr-llc-0.lock" -s
	for ((i = 0; i < 1000; i++)); do
		l=$(lock_of kernel-a)
		[ "$(jq '.waiters | length' <<<"$l")" -eq 0 ] || break
	done
	[ "$(jq -c '[.mode, .holders[0].pid, .holders[0].comm, .holders[0].mode, .holders[0].ended, (.holders | length), .route]' <<<"$l")" = "[\"exclusive\",$first,\"flock\",\"exclusive\",false,1,\"locks\"]" ]
	[ "$(jq -r '.holders[0].cmdline' <<<"$l")" = "flock -o -x $T/cache/.locks/kernel-a.lock sh -c echo up; exec sleep 60" ]
	[ "$(jq -c '[.waiters[] | .pid, .mode]' <<<"$l")" = "[$waiter,\"shared\"]" ]
	# the start of the process, which was a moment ago
	age=$(($(date +%s) - $(date -d "$(jq -r '.holders[0].process_start' <<<"$l")" +%s)))
	[ "$age" -ge -1 ] && [ "$age" -le 60 ]
	l=$(lock_of ktstr-llc-0)
	[ "$(jq -c '[.mode, [.holders[].pid] == ([.holders[].pid] | sort), (.holders | length)]' <<<"$l")" = '["shared",true,2]' ]
	[ "$(jq "[.holders[].pid] | index($second) != null" <<<"$l")" = true ]
	kt-locks | tests/schema/validate.py --mutate --need kt-locks.meta,kt-locks.lock,kt-locks.end
	kt-locks --held | jq -e 'select(.type == "end" and .locks == 2)' >/dev/null
}

@test "a process that has ended and left the lock to a child: the child is found by its descriptor" {
	# flock ends at once, the shell that it has inherited the descriptor from keeps the lock
	background bash -c 'exec 9<>"$1"; flock 9; echo up; exec sleep 60' bash "$T/cache/.locks/build-b.lock"
	for ((i = 0; i < 2000; i++)); do
		[ ! -s "$T/out.0" ] || break
		read -rt 0.01 <> <(:) || :
	done
	l=$(lock_of build-b)
	[ "$(jq -c '[.mode, .route, .holders[0].pid, .holders[0].comm, (.holders | length)]' <<<"$l")" = "[\"exclusive\",\"fdinfo\",$PID,\"sleep\",1]" ]
}

@test "on overlayfs, where /proc/locks has another inode, holders are found by their descriptors" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to mount"
	mkdir "$T"/{lower,upper,work,merged}
	touch "$T/lower/ktstr-llc-0.lock"
	mount -t overlay -o "lowerdir=$T/lower,upperdir=$T/upper,workdir=$T/work" none "$T/merged" 2>/dev/null || {
		# the temporary directory may be on an overlay itself, and that cannot be stacked
		mkdir "$T/tmpfs" && skip "no overlay can be mounted here"
	}
	mounted=$T/merged
	export KTSTR_LOCK_DIR=$T/merged
	hold "$T/merged/ktstr-llc-0.lock" -s
	l=$(lock_of ktstr-llc-0)
	kill -9 -- "-$PID"
	wait "$PID" || :
	[ "$(jq -c '[.mode, .route, (.holders | length >= 1), ([.holders[].pid] | index('"$PID"') != null)]' <<<"$l")" = '["shared","fdinfo",true,true]' ]
}

@test "from a pid namespace of one's own: a holder outside cannot be seen, one inside is found" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, for a namespace"
	unshare --pid --fork --mount-proc true 2>/dev/null || skip "no pid namespace can be made here"
	hold "$T/locks/ktstr-cpu-0.lock" -x
	touch "$T/locks/ktstr-cpu-1.lock"
	run -0 --separate-stderr unshare --pid --fork --mount-proc bash -c '
		exec 9<>"$KTSTR_LOCK_DIR/ktstr-cpu-1.lock"; flock 9; kt-locks 9<&-; :'
	[ "$(jq -c 'select(.type == "lock") | [.index, .mode, .route, (.holders | length)]' <<<"$output" | tr '\n' ' ')" = \
		'[0,null,"fdinfo",0] [1,"exclusive","fdinfo",1] ' ]
}

@test "what is no regular file under such a name is told and left out; so is a directory that cannot be read" {
	touch "$T/locks/ktstr-llc-0.lock"
	ln -s /etc/passwd "$T/locks/ktstr-llc-1.lock"
	mkfifo "$T/cache/.locks/kernel-a.lock"
	run -1 --separate-stderr kt-locks
	[[ $stderr == *"'$T/locks/ktstr-llc-1.lock' is no regular file"* ]]
	[[ $stderr == *"'$T/cache/.locks/kernel-a.lock' is no regular file"* ]]
	[ "$(jq -c 'select(.type != "meta") | [.type, .index, .outcome]' <<<"$output" | tr '\n' ' ')" = '["lock",0,null] ["end",null,"fail"] ' ]
	rmdir "$T/cache/.locks" 2>/dev/null || rm -r "$T/cache/.locks"
	touch "$T/cache/.locks"
	run -1 --separate-stderr kt-locks
	[[ $stderr == *"read '$T/cache/.locks': Not a directory"* ]]
}

@test "--watch prints frames until a signal, and then its end, at once" {
	touch "$T/locks/ktstr-llc-0.lock"
	background kt-locks --watch 50ms
	for ((i = 0; i < 2000; i++)); do
		[ "$(grep -c '"frame"' "$T/out.0")" -lt 3 ] || break
		read -rt 0.01 <> <(:) || :
	done
	kill -INT "$PID"
	wait "$PID"
	tests/schema/validate.py --mutate --need kt-locks.frame,kt-locks.lock,kt-locks.end <"$T/out.0"
	[ "$(jq -c 'select(.type == "frame") | [.frame, .records]' "$T/out.0" | head -3 | tr '\n' ' ')" = '[1,1] [2,1] [3,1] ' ]
	[ "$(jq -r .type "$T/out.0" | sed -n 2,5p | tr '\n' ' ')" = 'frame lock frame lock ' ]
	background kt-locks --watch 1h
	for ((i = 0; i < 2000; i++)); do
		[ ! -s "$T/out.1" ] || break
		read -rt 0.01 <> <(:) || :
	done
	t=$EPOCHSECONDS
	kill -TERM "$PID"
	wait "$PID"
	[ $((EPOCHSECONDS - t)) -lt 20 ]
	tail -n 1 "$T/out.1" | jq -e '.type == "end" and .frames == 1' >/dev/null
}

@test "--watch ends when its reader has gone, without waiting for the next look" {
	run -0 timeout 20 bash -o pipefail -c 'kt-locks --watch 1h | head -n 2'
	[ "${#lines[@]}" -eq 2 ]
}

@test "a wrong interval and a full disk" {
	local d
	for d in 0 x -1 '' 1y; do
		run -2 --separate-stderr kt-locks --watch "$d"
		[[ $stderr == *"bad --watch '$d'"* ]]
		[ -z "$output" ]
	done
	run -2 --separate-stderr kt-locks extra
	run -1 --separate-stderr sh -c 'kt-locks >/dev/full'
	run -1 --separate-stderr timeout 20 sh -c 'kt-locks --watch 10ms >/dev/full'
}

@test "as tables: LLCs, CPUs, files; a line for each holder" {
	touch "$T/locks/ktstr-llc-0.lock"
	run -0 --separate-stderr ktstr locks --held
	diff - <(printf '%s\n' "$output") <<-END
		LLC locks: none

		CPU locks: none

		File locks: none
	END
	cat >"$T/records" <<-'END'
		{"type":"meta","tool":"kt-locks"}
		{"type":"lock","kind":"llc","index":1,"key":null,"node":0,"mode":"shared","holders":[{"pid":7,"comm":"a","cmdline":"a b","mode":"shared","ended":false},{"pid":9,"comm":"c","cmdline":null,"mode":"shared","ended":false},{"pid":11,"comm":null,"cmdline":null,"mode":"shared","ended":true}],"waiters":[{"pid":8,"comm":"w","cmdline":"w","mode":"exclusive","ended":false}],"route":"locks"}
		{"type":"lock","kind":"kernel","index":null,"key":"k-1","node":null,"mode":null,"holders":[],"waiters":[],"route":"locks"}
		{"type":"end","tool":"kt-locks","outcome":"ok"}
	END
	run -0 --separate-stderr kt-fmt <"$T/records"
	diff - <(printf '%s\n' "$output") <<-END
		LLC locks:
		LLC  NODE  MODE    HOLDERS                          WAITING
		  1     0  shared  7 (a b)                          8 (w) exclusive
		                   9 (c)
		                   11 ended, has left it to others

		CPU locks: none

		File locks:
		KIND    KEY  MODE  HOLDERS  WAITING
		kernel  k-1  -     -        -
	END
}

@test "ktstr locks --watch: plain frames without a terminal, ended by a signal with status 0" {
	touch "$T/locks/ktstr-llc-0.lock"
	background ktstr locks --watch 50ms
	for ((i = 0; i < 2000; i++)); do
		[ "$(grep -c '^LLC locks' "$T/out.0")" -lt 3 ] || break
		read -rt 0.01 <> <(:) || :
	done
	kill -TERM "$PID"
	wait "$PID"
	[[ $(<"$T/out.0") != *$'\033'* ]]
	[ "$(sed -n 1,8p "$T/out.0" | tr '\n' '|')" = 'LLC locks:|LLC  NODE  MODE  HOLDERS  WAITING|  0     0  -     -        -||CPU locks: none||File locks: none||' ]
	background ktstr locks --watch 50ms --json
	for ((i = 0; i < 2000; i++)); do
		[ "$(grep -c '"frame"' "$T/out.1")" -lt 3 ] || break
		read -rt 0.01 <> <(:) || :
	done
	kill -INT "$PID" 2>/dev/null
	kill -TERM "$PID"
	wait "$PID"
	tests/schema/validate.py <"$T/out.1"
	run -2 --separate-stderr ktstr locks --watch nonsense
	run -2 --separate-stderr ktstr locks --watch
}

@test "on a terminal a frame is drawn over the one before, and cut to the height" {
	command -v script >/dev/null || skip "script(1) is not there"
	touch "$T/locks"/ktstr-cpu-{0..30}.lock
	# ^C, and not timeout(1), whose SIGCONT takes the SIGSTOP away that the leak sanitizer waits for.
	run -0 timeout 30 script -qefc 'trap : INT; stty rows 12 cols 60; ktstr locks --watch 100ms' "$T/typescript" \
		< <(until grep -qs 'more lines' "$T/typescript"; do sleep 0.1; done; sleep 0.5; printf '\003')
	[[ $output == $'\033[2J\033[H'* ]]
	[ "$(grep -o $'\033\\[2J' <<<"$output" | wc -l)" -eq 1 ]	# cleared once, then drawn over
	[ "$(grep -o $'\033\\[H' <<<"$output" | wc -l)" -ge 3 ]
	[[ $output == *"... and "*" more lines"* ]]
	first=${output%%$'\033[J'*}
	[ "$(wc -l <<<"$first")" -le 12 ]
}
