#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel build: from a source to an entry of the cache. tests/kernel-server is kernel.org here, and
# tests/standin-tree stands in for the kernel's own tree.
load lib.bash
unset KTSTR_KERNEL # the kernels here are the tests' own
load kernel-server.bash
load kernel-archive.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_CACHE_DIR=$T/cache STANDIN_LOG=$T/made
	unset ARCH LLVM CROSS_COMPILE CC LD PAHOLE RUSTC KCFLAGS KTSTR_CPU_CAP
	set -o pipefail
	: >"$STANDIN_LOG"
}

teardown() {
	kernel_server_end
	serve_end
}

entries() {
	kt-kernel list | jq -rs '[.[] | select(.type == "kernel") | .key] | sort | join(" ")'
}

# tree DIR - a tree of the user's
tree() {
	mkdir -p "$1"
	cp -a tests/standin-tree/. "$1"
}

@test "a release: fetched, checked, built, and an entry with all that is known of it" {
	kernel_server
	versions 6.12.9
	kt-kernel build 6.12.9 >"$T/out" 2>"$T/err"
	tests/schema/validate.py --mutate --need kt-kernel.meta,kt-kernel.kernel,kt-kernel.end <"$T/out"
	[ "$(record '[.version, .source, .kind, .arch, .why, .verified, .boots, .sched_ext, .missing == []] | map(tostring) | join(" ")' <"$T/out")" = \
		"6.12.9 tarball bzImage $(uname -m) it was built true true true true" ]
	[[ $(record .key <"$T/out") =~ ^6\.12\.9-tarball-$(uname -m)-c[0-9a-f]{8}-t[0-9a-f]{8}$ ]]
	record '.url | endswith("/cdn/v6.x/linux-6.12.9.tar.xz")' <"$T/out"
	record '.toolchain | test("^gcc .*, GNU ld .*, pahole v?[0-9]")' <"$T/out"
	local d f
	d=$(dirname "$(record .path <"$T/out")")
	[ "$(ls -A "$d" | xargs)" = "System.map bzImage config metadata.json vmlinux" ]
	for f in System.map bzImage config vmlinux; do
		[ "$(sha256sum <"$d/$f" | cut -d' ' -f1)" = "$(jq -r --arg f $f '.files[$f].sha256' "$d/metadata.json")" ]
	done
	grep -q '^CONFIG_SCHED_CLASS_EXT=y$' "$d/config"
	run -1 grep -q "\.debug_info" "$d/vmlinux"
	nm "$d/vmlinux" | grep -q _start
	# What was needed on the way is gone: the tree, the log, the download.
	[ -z "$(find "$KTSTR_CACHE_DIR/build" "$KTSTR_CACHE_DIR/downloads" -mindepth 1)" ]
	local phase
	for phase in configure 'make, .*' check store; do
		grep -qxE "kt-kernel: linux-6.12.9: $phase: [0-9]+\.[0-9] s" "$T/err"
	done
}

@test "what is in the cache is not built again, and nobody is asked for it" {
	kernel_server
	versions 6.12.9
	kt-kernel build -q 6.12.9 >"$T/1"
	: >"$KSRV/log"
	run -0 --separate-stderr kt-kernel build 6.12.9
	[ "$(record .why <<<"$output")" = "it is in the cache" ]
	[ -z "$stderr" ]
	[ ! -s "$KSRV/log" ]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 1 ]
}

@test "a series is its newest release, also an ended one; nothing named is the latest stable; rc" {
	kernel_server
	releases stable:6.15.2 longterm:6.12.10 longterm:6.12.9 mainline:6.16-rc3
	versions 6.15.2 6.12.10 6.11.1 6.11.2 6.16-rc3
	[ "$(kt-kernel build -q 6.12 | record '[.version, .eol] | map(tostring) | join(" ")')" = "6.12.10 false" ]
	[ "$(kt-kernel build -q | record '[.version, .why] | join(": ")')" = "6.12.10: it is in the cache" ]
	[ "$(kt-kernel build -q 6.11 | record '[.version, .eol] | map(tostring) | join(" ")')" = "6.11.2 true" ]
	[ "$(kt-kernel build -q 6.16-rc3 | record '[.version, .verified] | map(tostring) | join(" ")')" = "6.16.0-rc3 false" ]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 3 ]
}

@test "a range: each of its releases, best effort, a record for the one that failed, and a summary" {
	kernel_server
	releases stable:6.14.3 longterm:6.12.10 longterm:6.6.90 stable:6.13.9
	versions 6.14.3 6.12.10
	run -1 --separate-stderr kt-kernel build 6.12..6.14.3
	tests/schema/validate.py --mutate --need kt-kernel.failed,kt-kernel.kernel <<<"$output"
	[ "$(jq -r 'select(.type == "kernel" or .type == "failed") | .type + " " + .version' <<<"$output" | xargs)" = \
		"kernel 6.12.10 failed 6.13.9 kernel 6.14.3" ]
	[ "$(jq -rs '.[-1].outcome' <<<"$output")" = fail ]
	[[ $stderr == *"linux-6.13.9: 2 of 3"* ]]
	[[ $stderr == *"2 of 3 kernels are in the cache; these failed: 6.13.9"* ]]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
}

@test "a source that cannot be had: status 1, a failed record, nothing in the cache" {
	kernel_server
	versions 6.12.9
	run -1 --separate-stderr kt-kernel build 6.12.8
	[ "$(jq -r 'select(.type == "failed").version' <<<"$output")" = 6.12.8 ]
	[[ $stderr == *"there is no '"*"/linux-6.12.8.tar.xz'"* ]]
	[[ $(jq -r 'select(.type == "failed").reason' <<<"$output") == "there is no '"*"/linux-6.12.8.tar.xz'"* ]]
	faults '*.tar.xz corrupt'
	run -1 --separate-stderr kt-kernel build 6.12.9
	[ -z "$(entries)" ]
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/build")" ]
	[ ! -s "$STANDIN_LOG" ]
}

@test "--config: its lines come last, and make a key of their own" {
	kernel_server
	versions 6.12.9
	printf 'CONFIG_HZ_1000=y\n# CONFIG_NUMA is not set\nCONFIG_NR_CPUS=64\n' >"$T/a.config"
	printf 'CONFIG_NR_CPUS=32\n#? optional\nCONFIG_UNKNOWN_ONE=y\n\n#? aarch64\nCONFIG_UNKNOWN_TWO=y\n' >"$T/b.config"
	[ "$(uname -m)" = x86_64 ] || sed -i s/aarch64/x86_64/ "$T/b.config"
	kt-kernel build -q 6.12.9 --config "$T/a.config" --config "$T/b.config" >"$T/1"
	local config
	config=$(record .config <"$T/1")
	grep -qx 'CONFIG_HZ_1000=y' "$config"
	grep -qx 'CONFIG_NR_CPUS=32' "$config"
	grep -qx '# CONFIG_NUMA is not set' "$config"
	run -1 grep -q UNKNOWN "$config"
	[ "$(record '.missing | join(" ")' <"$T/1")" = CONFIG_NUMA ]
	kt-kernel build -q 6.12.9 >"$T/2"
	[ "$(record .key <"$T/1")" != "$(record .key <"$T/2")" ]
	[ "$(kt-kernel build -q 6.12.9 --config "$T/a.config" --config "$T/b.config" | record .why)" = "it is in the cache" ]
	kt-kernel build --print-config --config "$T/b.config" >"$T/printed"
	[ "$(grep -c '^CONFIG_NR_CPUS=' "$T/printed")" -eq 1 ]
	grep -qx 'CONFIG_NR_CPUS=32' "$T/printed"
	grep -qx 'CONFIG_SCHED_CLASS_EXT=y' "$T/printed"
	run -1 grep -q TWO "$T/printed"
	local bad
	for bad in 'CONFIG_X' 'X=y' 'CONFIG_=y' 'CONFIG_X=' '#? sometimes'; do
		echo "$bad" >"$T/bad.config"
		run -1 --separate-stderr kt-kernel build --print-config --config "$T/bad.config"
		[[ $stderr == *"$T/bad.config:1: '$bad'"* ]]
	done
}

@test "an option that is not honoured is an error that names it, before anything is made" {
	kernel_server
	versions 6.12.9
	echo CONFIG_NEVER=y >"$T/never.config"
	run -1 --separate-stderr kt-kernel build 6.12.9 --config "$T/never.config"
	[[ $stderr == *"CONFIG_NEVER=y ($T/never.config:1) was not honoured, it is n"* ]]
	[[ $(jq -r 'select(.type == "failed").reason' <<<"$output") == *"1 wanted option is not in its configuration: CONFIG_NEVER" ]]
	# Of what another depends on, that one falls too, with the usual cause.
	printf '# CONFIG_DEBUG_INFO_DWARF5 is not set\n' >"$T/dwarf.config"
	run -1 --separate-stderr kt-kernel build 6.12.9 --config "$T/dwarf.config"
	[[ $stderr == *"CONFIG_DEBUG_INFO_BTF=y (ktstr.config:"*") was not honoured, it is n: it needs pahole"*"; there is gcc "* ]]
	[[ $stderr == *"2 wanted options are not in its configuration: CONFIG_SCHED_CLASS_EXT, CONFIG_DEBUG_INFO_BTF"* ]]
	# One that the tree does not know says so, and is no error only when it is optional.
	echo CONFIG_UNKNOWN_X=y >"$T/unknown.config"
	run -1 --separate-stderr kt-kernel build 6.12.9 --config "$T/unknown.config"
	[[ $stderr == *"CONFIG_UNKNOWN_X=y "*": no Kconfig file of this tree has such an option"* ]]
	printf '#? optional\nCONFIG_NEVER=y\n' >"$T/optional.config"
	run -1 --separate-stderr kt-kernel build 6.12.9 --config "$T/optional.config"
	[ ! -s "$STANDIN_LOG" ]
	[ -z "$(entries)" ]
}

@test "a failed make: its first error and the end of its log are shown, and the tree stays to be looked at" {
	kernel_server
	versions 6.12.9
	STANDIN_FAIL=1 run -1 --separate-stderr kt-kernel build 6.12.9
	[[ $(jq -r 'select(.type == "failed").reason' <<<"$output") == "linux-6.12.9: make failed: init.c:12:3: error: expected"* ]]
	[[ $stderr == *"make failed: init.c:12:3: error: expected"* ]]
	[[ $stderr == *"Error 1"* ]]
	local dir
	dir=$(sed -n "s/.*: '\(.*\)' is kept until this is built again/\1/p" <<<"$stderr")
	[ -f "$dir/linux-6.12.9/.config" ]
	grep -q 'error: expected' "$dir/build.log"
	# Another key's build leaves it, its own replaces it.
	versions 6.12.9 6.12.10
	kt-kernel build -q 6.12.10 >/dev/null
	[ -e "$dir" ]
	kt-kernel build -q 6.12.9 >/dev/null
	[ ! -e "$dir" ]
}

@test "make has an environment that makes builds repeat, and only the jobs that were asked for" {
	kernel_server
	versions 6.12.9
	MAKEFLAGS=-k MAKELEVEL=3 KBUILD_OUTPUT=$T/elsewhere LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH=7 \
		kt-kernel build -q 6.12.9 --jobs 3 >/dev/null
	[[ $(<"$STANDIN_LOG") =~ ^\ *-j3\ .*user=ktstr\ epoch=([0-9]+)\ time=(.*)\ lc=C\ cpus=$ ]]
	[ "${BASH_REMATCH[1]}" -gt 1000000 ]
	[ "$(date -ud "${BASH_REMATCH[2]}" +%s)" -eq "${BASH_REMATCH[1]}" ]
	[ ! -e "$T/elsewhere" ]
	taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')" kt-kernel build -q 6.12.9 --force >/dev/null
	[[ $(tail -n 1 "$STANDIN_LOG") =~ -j1\ .*\ rustc=false\  ]]
	RUSTC=my-rustc kt-kernel build -q 6.12.9 >/dev/null
	[[ $(tail -n 1 "$STANDIN_LOG") =~ \ rustc=my-rustc\  ]]
}

@test "two builds of one source in two places give the same files, byte for byte" {
	kernel_server
	versions 6.12.9
	local a b f
	a=$(dirname "$(kt-kernel build -q 6.12.9 | record .path)")
	b=$(dirname "$(KTSTR_CACHE_DIR=$T/another/place kt-kernel build -q 6.12.9 | record .path)")
	[ "$a" != "$b" ]
	for f in bzImage vmlinux System.map config; do
		cmp "$a/$f" "$b/$f"
	done
	grep -q 'user=ktstr' "$STANDIN_LOG"
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
}

@test "--force builds again, and names who uses the entry instead of waiting" {
	kernel_server
	versions 6.12.9
	local key holder
	key=$(kt-kernel build -q 6.12.9 | record .key)
	[ "$(kt-kernel build -q --force 6.12.9 | record .why)" = "it was built" ]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
	mkfifo "$T/hold"
	flock -s "$KTSTR_CACHE_DIR/.locks/kernel-$key.lock" sh -c "echo >$T/hold; read -r _ <$T/hold" &
	holder=$!
	read -r _ <"$T/hold"
	run -1 --separate-stderr kt-kernel build --force 6.12.9
	echo >"$T/hold"
	wait $holder
	[[ $stderr == *"kernel '$key' is in use by pid "*"it is not built again"* ]]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
	# One that is damaged is built again without being asked to.
	truncate -s 10 "$KTSTR_CACHE_DIR/kernels/$key/bzImage"
	[ "$(kt-kernel build -q 6.12.9 | record .why)" = "it was built" ]
}

@test "two builds of one key at once: one builds, the other says for whom it waits and takes the result" {
	kernel_server
	versions 6.12.9
	mkfifo "$T/hold"
	STANDIN_HOLD=$T/hold kt-kernel build -q 6.12.9 >"$T/1" &
	local first=$! second i
	read -r _ <"$T/hold"
	kt-kernel build 6.12.9 >"$T/2" 2>"$T/err" 3>&- &
	second=$!
	for i in $(seq 500); do
		grep -q waiting "$T/err" && break
		read -rt 0.02 <>"$KSRV/never" || true
	done
	echo go >"$T/hold"
	wait $first
	wait $second
	grep -qE "waiting for pid $first \(.*kt-kernel build" "$T/err"
	[ "$(record .why <"$T/1")" = "it was built" ]
	[ "$(record .why <"$T/2")" = "it is in the cache" ]
	[ "$(record .key <"$T/1")" = "$(record .key <"$T/2")" ]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 1 ]
}

# family PID - it and all below it
family() {
	local p
	echo "$1"
	for p in $(ps -o pid= --ppid "$1"); do
		family "$p"
	done
}

@test "a signal ends make and all that it has started, also what has left its group; so does kill -9" {
	kernel_server
	versions 6.12.9
	mkfifo "$T/hold"
	local signal pid all i status
	for signal in INT TERM HUP KILL; do
		STANDIN_HOLD=$T/hold setsid kt-kernel build 6.12.9 >"$T/out" 2>"$T/err" 3>&- &
		pid=$!
		read -r _ <"$T/hold"
		all=$(family $pid)
		[ "$(wc -w <<<"$all")" -ge 6 ] # kt-kernel, its keeper, make, the script, two sleeps
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		[ "$status" -eq "$([ $signal = KILL ] && echo 137 || echo 1)" ]
		for i in $(seq 500); do
			ps -o pid= -p "$(xargs <<<"$all" | tr ' ' ,)" >/dev/null || break
			read -rt 0.02 <>"$KSRV/never" || true
		done
		run -1 ps -o pid,args -p "$(xargs <<<"$all" | tr ' ' ,)"
		[ $signal = KILL ] || grep -q 'stopped by a signal' "$T/err"
		[ -z "$(entries)" ]
	done
	kt-kernel build -q 6.12.9 >/dev/null
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/build")" ]
}

# commit DIR - the tree, all of it, as a commit
commit() {
	[ -d "$1/.git" ] || git -C "$1" init -q -b main
	printf '/.config*\n/vmlinux\n/System.map\n/include/kernel.release\n/arch/\n' >"$1/.gitignore"
	git -C "$1" add -A
	git -C "$1" -c user.name=N -c user.email=n@example.org commit -q -m "${2-a commit}"
}

@test "--source: a tree without changes gets a key of its commit, and the second time it is in the cache" {
	tree "$T/linux"
	commit "$T/linux"
	kt-kernel build -q --source "$T/linux" >"$T/1"
	tests/schema/validate.py --mutate --need kt-kernel.kernel <"$T/1"
	local head
	head=$(git -C "$T/linux" rev-parse HEAD)
	[[ $(record .key <"$T/1") =~ ^local-${head:0:12}-$(uname -m)-c[0-9a-f]{8}-t[0-9a-f]{8}$ ]]
	[ "$(record '[.source, .version, .commit, .dirty, .tree, .why] | map(tostring) | join(" ")' <"$T/1")" = \
		"local 6.12.1 $head false $T/linux it was built" ]
	[[ $(<"$STANDIN_LOG") =~ epoch=$(git -C "$T/linux" log -1 --format=%ct)\  ]]
	grep -qx 'CONFIG_SCHED_CLASS_EXT=y' "$T/linux/.config"
	[ -f "$T/linux/arch/x86/boot/bzImage" ] || [ -f "$T/linux/arch/arm64/boot/Image" ] # nothing was taken out
	kt-kernel build -q --source "$T/linux" >"$T/2"
	[ "$(record '.key + " " + .why' <"$T/2")" = "$(record .key <"$T/1") it is in the cache" ]
	echo >>"$T/linux/init.c"
	commit "$T/linux" another
	[ "$(kt-kernel build -q --source "$T/linux" | record .why)" = "it was built" ]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
	[ "$(entries | wc -w)" -eq 2 ]
}

@test "--source: one with changes, or without git, is always built, and its entry replaced" {
	tree "$T/linux"
	commit "$T/linux"
	echo >>"$T/linux/init.c"
	local i
	for i in 1 2; do
		kt-kernel build -q --source "$T/linux" >"$T/$i"
		[ "$(record '[.dirty, .why] | map(tostring) | join(" ")' <"$T/$i")" = "true it was built" ]
	done
	[[ $(record .key <"$T/1") =~ ^local-[0-9a-f]{8}-dirty- ]]
	[ "$(entries)" = "$(record .key <"$T/1")" ]
	tree "$T/plain"
	kt-kernel build -q --source "$T/plain" >"$T/3"
	[ "$(record '[.dirty, .commit, .why] | map(tostring) | join(" ")' <"$T/3")" = "null null it was built" ]
	[ "$(entries | wc -w)" -eq 2 ]
	[ "$(wc -l <"$STANDIN_LOG")" -ge 2 ]
}

@test "--source: a .config of the user's is kept, what was changed in it is said, and --clean keeps it too" {
	tree "$T/linux"
	commit "$T/linux"
	kt-kernel build --print-config | grep -v '^CONFIG_NUMA=\|CONFIG_IKCONFIG' >"$T/linux/.config"
	echo 'CONFIG_OF_THE_USER="s"' >>"$T/linux/.config"
	cp "$T/linux/.config" "$T/before"
	run -0 --separate-stderr kt-kernel build --source "$T/linux"
	[[ $stderr == *"in .config, CONFIG_NUMA was n and is now y"* ]]
	[[ $stderr == *".config was changed; what it was is in .config.before-kt-kernel"* ]]
	cmp "$T/before" "$T/linux/.config.before-kt-kernel"
	grep -qx 'CONFIG_OF_THE_USER="s"' "$T/linux/.config"
	grep -qx 'CONFIG_NUMA=y' "$T/linux/.config"
	run -1 grep -q IKCONFIG= "$T/linux/.config" # ktstr's own fragment is not put into it
	cp "$T/linux/.config" "$T/before"
	run -0 --separate-stderr kt-kernel build --source "$T/linux" --clean --force
	cmp "$T/before" "$T/linux/.config"
	[[ $stderr != *"was changed"* ]]
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
	# What cannot be had: as it was.
	echo CONFIG_NEVER=y >"$T/never.config"
	run -1 --separate-stderr kt-kernel build --source "$T/linux" --config "$T/never.config"
	[[ $stderr == *"CONFIG_NEVER=y"*"was not honoured"* ]]
	cmp "$T/before" "$T/linux/.config"
	[ "$(wc -l <"$STANDIN_LOG")" -eq 2 ]
}

@test "--source: a tree that is changed or moves to another commit while it is built counts as one with changes" {
	local what first
	mkfifo "$T/hold"
	for what in change move; do
		tree "$T/$what"
		commit "$T/$what"
		STANDIN_HOLD=$T/hold kt-kernel build --source "$T/$what" >"$T/out" 2>"$T/err" 3>&- &
		first=$!
		read -r _ <"$T/hold"
		echo >>"$T/$what/init.c"
		[ $what = change ] || commit "$T/$what" another
		echo go >"$T/hold"
		wait $first
		[ "$(record .dirty <"$T/out")" = true ]
		[[ $(record .key <"$T/out") =~ ^local-[0-9a-f]{8}-dirty- ]]
	done
	grep -qE 'HEAD has moved from [0-9a-f]{12} to [0-9a-f]{12} while it was built' "$T/err"
}

@test "--source: two builds at once in one tree: the second is refused, and the first named" {
	tree "$T/linux"
	mkfifo "$T/hold"
	STANDIN_HOLD=$T/hold kt-kernel build -q --source "$T/linux" >"$T/out" 3>&- &
	local first=$!
	read -r _ <"$T/hold"
	run -1 --separate-stderr kt-kernel build --source "$T/linux/."
	echo go >"$T/hold"
	wait $first
	[[ $stderr == *"is locked by pid $first ("*"kt-kernel build"* ]]
	mkdir "$T/empty"
	run -1 --separate-stderr kt-kernel build --source "$T/empty"
	[[ $stderr == *"'$T/empty' is no tree of a kernel: it has no Makefile"* ]]
	run -1 --separate-stderr kt-kernel build --source "$T/absent"
	[[ $stderr == *"find '$T/absent': No such file or directory"* ]]
}

@test "--git: a branch with a slash in its name, found in the cache without a clone" {
	kernel_server
	tree "$T/linux"
	commit "$T/linux"
	git -C "$T/linux" checkout -q -b topic/one
	git clone -q --bare "$T/linux" "$KSRV/git/linux.git"
	local head
	head=$(git -C "$T/linux" rev-parse HEAD)
	kt-kernel build -q --git "$KURL/git/linux.git" --ref topic/one >"$T/1"
	tests/schema/validate.py --mutate --need kt-kernel.kernel <"$T/1"
	[[ $(record .key <"$T/1") =~ ^git-topic%2Fone-${head:0:12}-$(uname -m)-c[0-9a-f]{8}-t[0-9a-f]{8}$ ]]
	[ "$(record '[.source, .url, .ref, .commit, .why] | join(" ")' <"$T/1")" = \
		"git $KURL/git/linux.git topic/one $head it was built" ]
	[[ $(<"$STANDIN_LOG") =~ epoch=$(git -C "$T/linux" log -1 --format=%ct)\  ]]
	: >"$KSRV/log"
	[ "$(kt-kernel build -q --git "$KURL/git/linux.git" --ref topic/one | record .why)" = "it is in the cache" ]
	run -1 grep -q POST "$KSRV/log" # which is what a clone would do
	[ "$(entries)" = "$(record .key <"$T/1")" ]
	[ "$(kt-kernel path "$(entries)" | record .commit)" = "$head" ]
	run -1 --separate-stderr kt-kernel build --git "$KURL/git/linux.git" --ref no/such
	[[ $stderr == *"has no branch or tag 'no/such'"* ]]
}

@test "--package: the distribution's source package, looked up before it is fetched" {
	needs_apt
	mkdir -p "$T/pkg/usr/src" "$T/packed"
	tree "$T/packed/linux-source-9.1"
	tar -C "$T/packed" -cJf "$T/pkg/usr/src/linux-source-9.1.tar.xz" linux-source-9.1
	deb linux-source-9.1 9.1.9-1~x1 "$T/pkg"
	serve
	kt-kernel build -q --package linux-source-9.1 --suite test >"$T/1"
	tests/schema/validate.py --mutate --need kt-kernel.kernel <"$T/1"
	[[ $(record .key <"$T/1") =~ ^9\.1\.9-1%7Ex1-package-x86_64-c[0-9a-f]{8}-t[0-9a-f]{8}$ ]]
	[ "$(record '[.source, .suite, .package, .package_version, .verified, .why] | map(tostring) | join(" ")' <"$T/1")" = \
		"package test linux-source-9.1 9.1.9-1~x1 true it was built" ]
	[[ $(<"$STANDIN_LOG") =~ epoch=$(stat -c %Y tests/standin-tree/Makefile)\  ]]
	: >"$T/log"
	[ "$(kt-kernel build -q --package linux-source-9.1 --suite test | record .why)" = "it is in the cache" ]
	run -1 grep -q '\.deb' "$T/log"
	[ "$(kt-kernel path 6.12.1 | record .package)" = linux-source-9.1 ]
	run -1 --separate-stderr kt-kernel build --package linux-source-9.2 --suite test
	[ "$(jq -r 'select(.type == "failed").version' <<<"$output")" = null ]
	[[ $stderr == *"linux-source-9.2"* ]]
}

@test "progress is a line that is redrawn on a terminal, and nothing with -q" {
	kernel_server
	versions 6.12.9
	script -qec "kt-kernel build 6.12.9 >$T/out" "$T/screen" </dev/null >/dev/null
	record .key <"$T/out"
	grep -q $'\r\e\[Klinux-6.12.9: make, [0-9]* jobs\\?, 0 s' "$T/screen"
	grep -q $'\r\e\[Kkt-kernel: linux-6.12.9: make, [0-9]* jobs\\?: [0-9.]* s' "$T/screen"
	run -0 --separate-stderr kt-kernel build -q --force 6.12.9
	[ -z "$stderr" ]
}

@test "--cpu-cap: make runs on reserved CPUs with as many jobs; contention is a skip before anything is fetched" {
	kernel_server
	versions 6.12.9 6.12.10
	kt-kernel build -q 6.12.9 --cpu-cap 1 >"$T/1"
	[[ $(<"$STANDIN_LOG") =~ ^\ *-j1\ .*cpus=[0-9]+$ ]]
	: >"$KSRV/log"
	run -77 --separate-stderr kt-kernel build 6.12.10 --cpu-cap 8000
	[ "$(jq -rs '.[-1].outcome' <<<"$output")" = skip ]
	[[ $stderr == *8000* ]]
	[ ! -s "$KSRV/log" ]
	KTSTR_CPU_CAP=8000 run -77 kt-kernel build -q 6.12.10
	[ "$(KTSTR_CPU_CAP=8000 kt-kernel build -q 6.12.9 | record .why)" = "it is in the cache" ]
	KTSTR_CPU_CAP=x run -2 --separate-stderr kt-kernel build 6.12.10
	[[ $stderr == *KTSTR_CPU_CAP* ]]
	run -2 kt-kernel build 6.12.10 --cpu-cap 0
	run -2 kt-kernel build 6.12.10 --cpu-cap 1 --jobs 2
}

@test "a wrong command line is status 2, with nothing on stdout" {
	local args
	for args in 'a b' '--git u' '--ref r' '--git u --ref r 6.12' '--source . --package p' '--suite s' '--jobs 0' \
		'--jobs many' '--package a/b' '--frob' '6.12 --source .'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-kernel build $args
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
	run -1 sh -c 'kt-kernel build --print-config >/dev/full'
	run -1 --separate-stderr kt-kernel build --print-config --config "$T/absent"
	[[ $stderr == *"read '$T/absent': No such file or directory"* ]]
	CC=no-such-compiler run -1 --separate-stderr kt-kernel build --source tests/standin-tree
	[[ $stderr == *"no-such-compiler"* ]]
	ARCH=vax run -1 --separate-stderr kt-kernel build --source tests/standin-tree
	[[ $stderr == *"kernels for ARCH=vax cannot be built"* ]]
	KTSTR_CACHE_DIR="$T/a b" run -1 --separate-stderr kt-kernel build --source tests/standin-tree
	[ -n "$stderr" ]
}

@test "100 kills at random points: only whole entries are listed, nothing is left running, and the next build works" {
	kernel_server
	versions 6.12.9
	local seed=${KTSTR_TEST_SEED:-$((RANDOM * 32768 + RANDOM))} start took i pid all delay cut=0 line
	echo "KTSTR_TEST_SEED=$seed"
	RANDOM=$seed
	start=${EPOCHREALTIME/./}
	kt-kernel build 6.12.9 >/dev/null 2>"$T/err"
	took=$((${EPOCHREALTIME/./} - start))
	: >"$T/points"
	for ((i = 0; i < 100; i++)); do
		# Half of them replace an entry, the others find none.
		[ $((i % 2)) -eq 0 ] || rm -rf "$KTSTR_CACHE_DIR/kernels/6"*
		kt-kernel build --force 6.12.9 >"$T/out" 2>"$T/err" 3>&- &
		pid=$!
		delay=$((took * i / 100 + RANDOM * took / 100 / 32768))
		read -rt "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))" <>"$KSRV/never" || true
		all=$pid
		[ $((RANDOM % 2)) -eq 0 ] || all=$(family $pid 2>/dev/null)
		# shellcheck disable=SC2086	# several
		kill -KILL $all 2>/dev/null || true
		line=built
		{ wait $pid || line=; } 2>/dev/null # the shell tells of each kill
		[ -n "$line" ] || { line=$(tail -n 1 "$T/err") && cut=$((cut + 1)); }
		echo "${line#kt-kernel*: }" >>"$T/points"
		kt-kernel list --offline --verify -q >"$T/list"
		jq -es 'all(.[] | select(.type == "kernel"); .corrupt == null)' "$T/list" >/dev/null
	done
	sed 's/[0-9.]* s$//; s/ ([0-9]* bytes)//; s/to .*//' "$T/points" | sort | uniq -c
	[ "$cut" -ge 40 ]
	kt-kernel build -q --force 6.12.9 >"$T/out"
	[ "$(record .why <"$T/out")" = "it was built" ]
	[ "$(entries)" = "$(record .key <"$T/out")" ]
	run -0 find "$KTSTR_CACHE_DIR/build" "$KTSTR_CACHE_DIR/downloads" -mindepth 1
	[ -z "$output" ]
	[ "$(ls -A "$KTSTR_CACHE_DIR/kernels")" = "$(record .key <"$T/out")" ]
	run -1 pgrep -f "make .*$KTSTR_CACHE_DIR"
}
