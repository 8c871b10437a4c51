#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-vm shell, and ktstr shell: at a real terminal (tmux), at one that a program plays, and without.
load lib.bash
load machines.bash

setup() {
	T=$BATS_TEST_TMPDIR
	# In the environment of QEMU too: a test finds its own machines by it.
	export KTSTR_TEST_MARK=mark.$BATS_TEST_NUMBER.$$.$RANDOM
	export TMPDIR=$T/tmp TMUX_TMPDIR=$T PYTHONPATH=tests/helpers PYTHONDONTWRITEBYTECODE=1 TERM=xterm
	mkdir "$TMPDIR"
	unset TMUX
	PANE=0
}

teardown() {
	tm kill-server 2>/dev/null || true
}

tm() {
	tmux -L "ktstr-$$-$PANE" -f /dev/null "$@" 3>&-
}

# pane COMMAND - a window of 24 lines and 80 columns where a shell runs it, between two looks at the
# terminal's settings; it stays when all is done
pane() {
	cat >"$T/pane" <<-END
		stty -g >$T/before
		$1
		echo "status \$?"
		stty -g >$T/after
		echo done >$T/done
		exec sleep 1000
	END
	rm -f "$T/done"
	tm kill-server 2>/dev/null || true
	PANE=$((PANE + 1))	# the old server may still be on its way out
	tm new-session -d -x 80 -y 24 -s t "exec sh $T/pane"
}

# screen [OPTION...] - what is on it
screen() {
	tm capture-pane -p -t t "$@"
}

# see TEXT - until a line of the screen fits, at most a minute and a half
see() {
	local i
	for i in $(seq 900); do
		! screen | grep -q -- "$1" || return 0
		sleep 0.1
	done
	echo "no '$1' on the screen:"
	screen
	return 1
}

# keys TEXT KEY... - type the text, then named keys
keys() {
	tm send-keys -t t -l -- "$1"
	shift
	[ $# -eq 0 ] || tm send-keys -t t "$@"
}

# over STATUS - until the pane is, which was restored
over() {
	see "^status $1\$"
	until [ -e "$T/done" ]; do
		sleep 0.05
	done
	cmp "$T/before" "$T/after"
	nothing_left
}

# kt_vm - the process in the pane
kt_vm() {
	pgrep -P "$(tm display-message -p -t t '#{pane_pid}')" -x kt-vm
}

# nothing_left - no machine, no temporary file
nothing_left() {
	[ -z "$(ls -A "$TMPDIR")" ]
	none_left
}

# at_tty - a program in Python on stdin plays the terminal, see helpers/attty.py
at_tty() {
	(
		echo 'from attty import *'
		cat
	) >"$T/play.py"
	/usr/bin/python3 "$T/play.py" 3>&-
	nothing_left
}

@test "a wrong command line is status 125, of ktstr 2, with nothing on stdout" {
	local args
	for args in 'x' '--clock virtual' '-n' '--records' '--exec' '-t 1n0l1c1t' '--clock virtual --exec true'; do
		# shellcheck disable=SC2086	# words
		run -125 --separate-stderr kt-vm shell $args
		[ -z "$output" ] && [ -n "$stderr" ]
	done
	run -125 --separate-stderr kt-vm exec --exec true -- true
	[[ $stderr == *'--exec is an option of shell'* ]]
	for args in x --json '--memory-mb 127' '--memory-mb 1G' -i '--dmesg=1' '--nosuch 1'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr ktstr shell $args
		[ -z "$output" ] && [ -n "$stderr" ]
	done
}

@test "without a terminal it says what to use" {
	run -125 --separate-stderr kt-vm shell </dev/null
	[ -z "$output" ]
	[[ $stderr == *'must be a terminal'*'kt-vm exec'* ]]
}

@test "--exec: the exact status, stdin passes, output byte for byte, no terminal" {
	run -3 --separate-stderr kt-vm shell --exec "exit 3" </dev/null
	[ -z "$stderr" ] && [ -z "$output" ]
	run -0 --separate-stderr ktstr shell --exec 'tty; echo "$0 it'\''s" $((1 + 1))' </dev/null
	[ "$output" = $'not a tty\n/bin/sh it\'s 2' ]
	run -137 --separate-stderr ktstr shell --exec 'kill -9 $$' </dev/null
	[[ $stderr == *'killed by SIGKILL in the guest'* ]]
	run -127 --separate-stderr ktstr shell --exec nosuch </dev/null
	run -125 --separate-stderr ktstr shell --exec 'echo c >/proc/sysrq-trigger' </dev/null
	[[ $stderr == *'panic: kernel panic: sysrq triggered crash'* ]]
	head -c 300000 /dev/urandom >"$T/in"
	kt-vm shell --exec 'cat; exit 4' <"$T/in" >"$T/out" && false
	cmp "$T/in" "$T/out"
	nothing_left
}

@test "ktstr shell: memory, topology, kernel messages, CPUs of this machine" {
	run -0 --separate-stderr ktstr shell --memory-mb 400 --topology 1,2,1,1 --no-perf-mode \
		--exec 'awk "/MemTotal/ { print int(\$2 / 1024 / 100) }" /proc/meminfo; nproc' </dev/null
	[ "$output" = $'3\n2' ]
	[ -z "$stderr" ]
	KTSTR_LOCK_DIR=$T run -0 --separate-stderr ktstr shell --dmesg --cpu-cap 1 --exec 'echo hello >/dev/kmsg; grep -c ^processor /proc/cpuinfo' </dev/null
	[ "$output" = 1 ]
	[[ $stderr == *'] hello'* ]]
	KTSTR_LOCK_DIR=$T run -77 --separate-stderr ktstr shell --cpu-cap $(($(nproc --all) + 1)) --exec true </dev/null
	KTSTR_BYPASS_LLC_LOCKS=1 run -125 --separate-stderr ktstr shell --cpu-cap 1 --exec true </dev/null
	run -125 --separate-stderr ktstr shell --kernel /dev/null --exec true </dev/null
}

@test "-i: a directory with all below it, a file, a program by its name; what is twice there is an error" {
	mkdir -p "$T/d/sub/deep" "$T/e"
	echo one >"$T/d/1"
	echo two >"$T/d/sub/deep/2"
	ln -s ../../1 "$T/d/sub/deep/link"
	printf '#!/bin/sh\necho "ran $1"\n' >"$T/d/sub/prog"
	chmod +x "$T/d/sub/prog"
	echo else >"$T/e/1"
	run -0 --separate-stderr ktstr shell -i "$T/d" --include-files "$T/d/1" -i lscpu \
		--exec 'pwd; find . | sort; cat d/sub/deep/link; d/sub/prog x; lscpu -p=CPU | tail -1' </dev/null
	[ "$output" = '/include-files
.
./1
./d
./d/1
./d/sub
./d/sub/deep
./d/sub/deep/2
./d/sub/deep/link
./d/sub/prog
./lscpu
one
ran x
0' ]
	run -125 --separate-stderr ktstr shell -i "$T/d/1" -i "$T/e/1" --exec true </dev/null
	[[ $stderr == *"$T/d/1"*"$T/e/1"* ]]
	run -125 --separate-stderr ktstr shell -i ./nosuch --exec true </dev/null
	[[ $stderr == *./nosuch* ]]
	run -125 --separate-stderr ktstr shell -i no-such-program --exec true </dev/null
	[[ $stderr == *no-such-program* ]]
}

@test "memory is enough for what is packed, without being asked" {
	export KTSTR_COLD=1	# the template of such a machine would be of use to nobody else
	head -c 150000000 /dev/zero >"$T/big"
	run -0 --separate-stderr ktstr shell -i "$T/big" --exec 'wc -c <big; awk "/MemAvailable/ { print (\$2 > 100000) }" /proc/meminfo' </dev/null
	[ "$output" = $'150000000\n1' ]
	run -125 --separate-stderr ktstr shell -i "$T/big" --memory-mb 150 --exec true </dev/null
	[[ $stderr == *'does not fit into 150 MiB of memory'* ]]
}

@test "in a terminal: the banner, the size, which follows; ^C and ^Z are the guest's; its status is ours" {
	echo data >"$T/data"
	pane "env TERM=xterm-direct COLORTERM=truecolor LC_ALL= LANG=de_DE.UTF-8 ktstr shell --topology 1n1l2c1t -i $T/data"
	see '^1n1l2c1t (^A x leaves) /include-files #'
	screen | grep -q '^Linux [^,]*, 1n1l2c1t, [0-9]* MiB, [A-Z]*\. ^A x leaves'
	screen | grep -qx 'Included: /include-files/data'
	keys 'cat data; stty size; tty; echo $TERM $COLORTERM $LC_ALL $HOME' Enter
	see '^data$'
	see '^24 80$'
	see '^/dev/pts/0$'
	see '^xterm-direct truecolor C.UTF-8 /root$'
	tm resize-window -t t -x 100 -y 30
	until [ "$(tm display-message -p -t t '#{pane_width}')" = 100 ]; do sleep 0.05; done
	keys 'until [ "$(stty size)" = "30 100" ]; do usleep 50000; done; echo size is $(stty size)' Enter
	see '^size is 30 100$'
	# The kernel tells whoever is in the foreground.
	keys "sh -c 'trap \"echo told \\\$(stty size); exit\" WINCH; echo trap set; while :; do usleep 50000; done'" Enter
	see '^trap set$'
	tm resize-window -t t -x 90 -y 20
	see '^told 20 90$'
	keys "sh -c 'echo one; exec sleep 1000'" Enter
	see '^one$'
	keys '' C-c
	see '^^C'
	keys 'echo status of sleep is $?' Enter
	see '^status of sleep is 130$'
	keys "sh -c 'echo two; exec sleep 1000'" Enter
	see '^two$'
	keys '' C-z
	see '\[1\]+  Stopped'
	keys 'bg; jobs; kill %1; wait; echo "ä is" $((40 + 2))' Enter
	see '\[1\]+  Running'
	see '^ä is 42$'
	keys 'exit 3' Enter
	over 3
}

@test "^A x leaves, ^A a is one ^A, and ^A with another key is both" {
	pane 'ktstr shell'
	see '/include-files #'
	keys 'stty -icanon -echo; echo go; dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane; echo so' Enter
	tm send-keys -t t C-a a C-a b
	see '^ 01 01 62$'
	see '^so$'
	tm send-keys -t t C-a x
	over 0
	screen | grep -qx 'kt-vm: left by ^A x, and the guest has ended'
}

@test "after each other way out the terminal is as before, and the status tells which it was" {
	local sig
	for sig in TERM HUP INT QUIT; do
		pane 'ktstr shell'
		see '/include-files #'
		kill -$sig "$(kt_vm)"
		over $((128 + $(kill -l $sig)))
		screen | grep -q "^kt-vm: host-error: ended by SIG$sig"
	done
	pane 'ktstr shell'
	see '/include-files #'
	keys 'echo c >/proc/sysrq-trigger' Enter
	over 125
	screen -S -100 | grep -q '^kt-vm: panic: kernel panic: sysrq triggered crash'
	pane 'kt-vm shell --timeout 5'
	over 124
	pane 'ktstr shell'
	see '/include-files #'
	keys 'kill -9 $$' Enter
	over 137
	pane 'kt-vm shell --initramfs /dev/null'
	over 125
}

@test "an editor draws its screen, also after the window has changed" {
	pane 'kt-vm shell -q'
	see '/include-files #'
	keys 'seq 1 500 >f; vi f' Enter
	see '^- f 1/500'
	[ "$(screen | sed -n '1p;23p')" = $'1\n23' ]
	keys 'GOnew' Escape
	see '^new$'
	screen | grep -qx 500
	tm resize-window -t t -x 60 -y 40
	until screen | sed -n 40p | grep -q '^- f'; do
		tm send-keys -t t C-l
		sleep 0.2
	done
	keys ':wq' Enter
	see '/include-files #'
	keys 'wc -l f; exit' Enter
	see '^501 f$'
	over 0
}

@test "a megabyte of any bytes comes whole, up to the shell's end right after; what is typed comes whole too" {
	head -c 1000000 /dev/urandom >"$T/blob"
	BLOB=$T/blob at_tty <<-'END'
		import hashlib
		blob = open(os.environ['BLOB'], 'rb').read()
		t = Tty('kt-vm', 'shell', '-q', '-i', os.environ['BLOB'])
		t.see(b'# ')
		typed = b'\n'.join(b'line %d \xc3\xa4' % i for i in range(8000))
		t.type(b'stty raw -echo; echo "re""ady"; head -c %d | sha256sum; stty sane\r' % len(typed))
		t.see(b'ready')
		t.type(typed)
		t.see(hashlib.sha256(typed).hexdigest().encode())
		t.type(b'stty -opost -echo; echo "be""gin"; cat blob; exit 5\r')
		t.see(b'begin\n')
		same(t.ended(), 5)
		same(t.output[len(t.seen):] == blob, True)
		same(t.restored(), True)
	END
}

@test "stopped and continued: the terminal is as before meanwhile, then raw, and the guest knows the size" {
	at_tty <<-'END'
		t = Tty('kt-vm', 'shell', '-q')
		t.see(b'# ')
		t.until('not raw', t.raw)
		for sig in signal.SIGTSTP, signal.SIGTTOU:
		    t.kill_by(sig)
		    same(t.stopped(), sig)
		    same(t.restored(), True)
		    t.resize(30 + sig, 99)
		    t.foreground()
		    t.until('not raw', t.raw)
		    t.type(b'echo now $(stty size)\r')
		    t.see(b'now %d 99' % (30 + sig))
		t.kill_by(signal.SIGSTOP)
		same(t.stopped(), signal.SIGSTOP)
		termios.tcsetattr(t.slave, termios.TCSANOW, t.before)  # as a shell does
		# In the background it leaves the terminal alone, and stops.
		os.killpg(t.pid, signal.SIGCONT)
		same(t.stopped(), signal.SIGTTOU)
		same(t.restored(), True)
		t.foreground()
		t.until('not raw', t.raw)
		t.type(b'echo "still" here; exit 6\r')
		t.see(b'still here')
		same(t.ended(), 6)
		same(t.restored(), True)
	END
}

@test "ended while it is stopped, it leaves alone the terminal that another has" {
	at_tty <<-'END'
		t = Tty('kt-vm', 'shell', '-q')
		t.see(b'# ')
		t.kill_by(signal.SIGTSTP)
		t.stopped()
		other = t.settings()
		other[3] ^= termios.ECHO
		termios.tcsetattr(t.slave, termios.TCSANOW, other)
		t.kill_by(signal.SIGTERM)
		os.killpg(t.pid, signal.SIGCONT)
		# The kernel stops it for what it would do to the terminal, or TERM is seen first.
		while (got := t.until('nothing', t._wait)[0]) and os.WIFSTOPPED(got):
		    same(t.settings(), other)
		    t.foreground()
		t.pid = 0
		same(os.waitstatus_to_exitcode(got), 128 + signal.SIGTERM)
	END
}

@test "a terminal that nobody reads does not hold it, and one that has gone ends it" {
	at_tty <<-'END'
		t = Tty('kt-vm', 'shell', '-q')
		t.see(b'# ')
		t.type(b'yes\r')
		t.see(b'y\r\ny\r\n')
		time.sleep(1)  # nothing tells when all buffers on the way are full
		t.kill_by(signal.SIGTERM)
		same(t.ended(read=False, seconds=4), 128 + signal.SIGTERM)
		same(t.restored(), True)
	END
	at_tty <<-'END'
		t = Tty('kt-vm', 'shell', '-q')
		t.see(b'# ')
		os.close(t.slave)
		os.close(t.master)
		same(t.ended(read=False), 128 + signal.SIGHUP)
	END
}

@test "^C while it boots ends it, with the terminal never raw" {
	at_tty <<-'END'
		t = Tty('kt-vm', 'shell', '--cold', '--dmesg')
		t.see(b'Linux version')
		same(t.raw(), False)
		t.type(b'\003')
		same(t.ended(), 128 + signal.SIGINT)
		same(t.restored(), True)
	END
}
