#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-reserve with a cpuset of its own, and lock files of several users. As root in a guest of 4 CPUs in 2 caches.
# shellcheck disable=SC2016 # what is quoted is for the shell that kt-reserve runs
CG=/sys/fs/cgroup
T=$(mktemp -d)
export KTSTR_LOCK_DIR="$T/locks"
mkdir "$T/locks"
chmod 1777 "$T/locks"
chmod 755 "$T"
# shellcheck source=tests/vm/tap
. "${0%/*}/tap"

# until_true COMMAND... - for at most 20 s
until_true() {
	i=0
	while [ $i -lt 2000 ]; do
		"$@" && return
		i=$((i + 1))
		usleep 10000
	done
	return 1
}

no_sandbox() { ! ls -d "$1"/ktstr-reserve-* >/dev/null 2>&1; }

# In the root of the hierarchy, where processes and controllers may be together.
kt-reserve --records --cpu-cap 2 -- sh -c '
	me=$(sed -n s/^0:://p /proc/self/cgroup)
	echo "$me"
	cat /sys/fs/cgroup$me/cpuset.cpus.effective
	taskset -p $$ >/dev/null && nproc
	cat /sys/fs/cgroup$me/cgroup.procs | wc -l' >"$T/out" 2>"$T/err"
is "$?" 0 'the command runs'
is "$(jq -r 'select(.type == "reservation") | "\(.how) \(.cpus) \(.mems) \(.why_no_cpuset)"' "$T/out")" 'cpuset 0-1 0 null' \
	'it is held to its CPUs by a cpuset'
is "/$(jq -r 'select(.type == "reservation").cgroup' "$T/out")" "$(jq -r 'select(.type == "text").text' "$T/out" | sed -n 1p)" \
	'the record names the cgroup'
is "$(jq -r 'select(.type == "text").text' "$T/out" | sed -n '2,3p' | tr '\n' ' ')" '0-1 2 ' 'the kernel agrees, and so does nproc'
is "$(cat "$T/err")" '' 'nothing is said on standard error'
no_sandbox $CG
ok $? 'afterwards the cgroup is gone'

# It can be escaped by affinity no more.
kt-reserve -q --cpu-cap 1 -- sh -c 'taskset -p f $$ >/dev/null 2>&1; nproc' >"$T/out" 2>"$T/err"
is "$(cat "$T/out")" 1 'the command cannot take more CPUs by its affinity'

# What the command leaves behind goes back to where we came from.
kt-reserve -q --cpu-cap 1 -- sh -c 'sleep 1000 >/dev/null 2>&1 & echo $!' >"$T/out" 2>"$T/err"
left=$(cat "$T/out")
is "$(sed -n 's/^0:://p' "/proc/$left/cgroup")" / 'a daemon goes back to our own cgroup'
no_sandbox $CG
ok $? 'and the cgroup is gone all the same'
kill "$left"

# Killed: the command too; the cgroup is swept by the next one, with what the command had started.
rm "$T/out"
kt-reserve -q --cpu-cap 1 -- sh -c 'sleep 1001 & echo $$ $!; wait' >"$T/out" 2>"$T/err" &
pid=$!
until_true test -s "$T/out"
read -r cmd grandchild <"$T/out"
box=$(ls -d $CG/ktstr-reserve-*)
kill -9 $pid
wait $pid 2>/dev/null
until_true sh -c "! grep -qs '^State:[[:space:]]*[RSD]' /proc/$cmd/status"
ok $? 'the command dies with kt-reserve'
[ -d "$box" ]
ok $? 'its cgroup is left'
kt-reserve -q --cpu-cap 1 -- true 2>"$T/err"
no_sandbox $CG
ok $? 'the next kt-reserve sweeps it'
until_true sh -c "! grep -qs '^State:[[:space:]]*[RSD]' /proc/$grandchild/status"
ok $? 'with what was still in it'

# One that lives is not swept.
rm "$T/out"
mkfifo "$T/in"
kt-reserve -q --cpu-cap 1 -- sh -c 'echo up; read -r x; nproc' <"$T/in" >"$T/out" 2>"$T/err" &
pid=$!
exec 5>"$T/in"
until_true test -s "$T/out"
kt-reserve -q --cpu-cap 1 -- true
echo >&5
exec 5>&-
wait $pid
is "$(tail -n 1 "$T/out")" 1 'a reservation that lives keeps its cpuset while others come and go'

# Below a cgroup that is not the root, which we share with this shell: the sandbox is threaded.
echo +cpuset >$CG/cgroup.subtree_control
mkdir $CG/own
echo 0-2 >$CG/own/cpuset.cpus
(
	sh -c 'echo $PPID' >$CG/own/cgroup.procs
	kt-reserve --records --cpu-cap 2 -- sh -c '
		me=$(sed -n s/^0:://p /proc/self/cgroup)
		echo "$me $(cat /sys/fs/cgroup$me/cgroup.type) $(nproc)"
		kt-reserve -q --records --cpu-cap 1 -- nproc' >"$T/out" 2>"$T/err"
	echo "status $?" >>"$T/out"
	cat $CG/own/cgroup.subtree_control >"$T/after"
)
is "$(grep '"reservation"' "$T/out" | jq -r '"\(.how) \(.cpus) \(.allowed) \(.nested)"' | tr '\n' ';')" 'cpuset 0-1 3 false;cpuset 0 2 true;' \
	'there, and in a reservation within, it is a cpuset too'
is "$(sed -n 's/.*"text":"\(.own.*\)"}/\1/p' "$T/out" | sed 's/reserve-[0-9]*/reserve-N/')" '/own/ktstr-reserve-N threaded 2' \
	'a threaded one, since our own cgroup holds processes'
is "$(grep -c '"text":"1"' "$T/out"),$(tail -n 1 "$T/out")" '1,status 0' 'the inner command has its CPU'
no_sandbox $CG/own
ok $? 'afterwards it is gone there too'
is "$(cat "$T/after")" '' 'and the controller is taken back'
rmdir $CG/own
ok $? 'our own cgroup can be removed'

# No rights: by affinity, and that is said.
cat >"$T/nobody" <<-'END'
	#!/bin/sh
	exec kt-reserve --records --cpu-cap 1 -- nproc
END
chmod 755 "$T/nobody"
mkdir -p /etc
echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>/etc/passwd
as_nobody() { start-stop-daemon -S -q -c nobody -x "$1"; }
as_nobody "$T/nobody" >"$T/out" 2>"$T/err"
is "$?:$(jq -r 'select(.type == "reservation").how' "$T/out")" '0:affinity' 'without rights it is the affinity'
grep -q 'held to CPU . by its affinity' "$T/err"
ok $? 'and that is said'

# fs.protected_regular forbids O_CREAT on the file of another user in a sticky directory.
was=$(cat /proc/sys/fs/protected_regular)
echo 2 >/proc/sys/fs/protected_regular
rm -f "$T"/locks/*
as_nobody "$T/nobody" >"$T/out" 2>"$T/err"
kt-reserve -q --cpu-cap 4 -- true 2>"$T/err"
is "$?" 0 'root locks files that nobody has made, also with fs.protected_regular = 2'
rm -f "$T"/locks/*
(
	umask 077
	kt-reserve -q --cpu-cap 4 -- true
)
as_nobody "$T/nobody" >"$T/out" 2>"$T/err"
is "$?" 0 'nobody locks files that root has made with umask 077'

echo "$was" >/proc/sys/fs/protected_regular

# An exclusive cache beside a shared one.
rm "$T/out"
kt-reserve -q --exclusive -- sh -c 'echo $KTSTR_CPUS; kt-locks --held; sleep 1002' >"$T/out" 2>"$T/err" &
pid=$!
until_true grep -qs '"end"' "$T/out"
is "$(head -n 1 "$T/out")" 0-1 'an exclusive cache has all its CPUs'
is "$(jq -cR 'fromjson? | select(type == "object" and .type == "lock") | [.kind, .index, .mode]' "$T/out")" '["llc",0,"exclusive"]' 'and only its own lock'
is "$(kt-reserve -q --cpu-cap 2 -- sh -c 'echo $KTSTR_CPUS' 2>"$T/err")" 2-3 'a capped reservation goes to the other cache'
kt-reserve -q --cpu-cap 3 -- true 2>"$T/err"
is "$?" 77 'three CPUs cannot be had now'
grep -q "LLC 0 is held exclusively by pid $pid " "$T/err"
ok $? 'and who has them is told'
kill $pid
wait $pid

# Overlay: /proc/locks has another inode there than stat(2).
mkdir "$T/low" "$T/o"
mount -t tmpfs none "$T/low"
mkdir "$T/low/lower" "$T/low/upper" "$T/low/work"
: >"$T/low/lower/ktstr-llc-0.lock"
if mount -t overlay -o "lowerdir=$T/low/lower,upperdir=$T/low/upper,workdir=$T/low/work" none "$T/o" 2>"$T/err"; then
	KTSTR_LOCK_DIR=$T/o kt-reserve -q --cpu-cap 1 -- sh -c 'kt-locks --held' >"$T/out" 2>"$T/err"
	is "$(jq -c 'select(.kind == "llc") | [.mode, .route, .holders[0].comm]' "$T/out")" '["shared","fdinfo","kt-reserve"]' \
		'on overlayfs holders are found by their descriptors'
	umount "$T/o"
else
	n=$((n + 1))
	echo "ok $n - on overlayfs holders are found by their descriptors # SKIP this kernel has no overlayfs built in"
fi
umount "$T/low"
no_sandbox $CG
ok $? 'nothing is left'
rm -rf "$T"
echo "1..$n"
