#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel's cache: damage, who uses what, list, clean, and writers that are killed.
load lib.bash
unset KTSTR_KERNEL # the kernels here are the tests' own
load kernel-archive.bash
load kernel-server.bash

setup() {
	T=$BATS_TEST_TMPDIR
	OWN_CACHE=${KTSTR_CACHE_DIR-}
	export KTSTR_CACHE_DIR=$T/cache
	K=$KTSTR_CACHE_DIR/kernels
	declare -gA KEY=()
	set -o pipefail
}

teardown() {
	kernel_server_end
	[ -z "${HOLDER-}" ] || pkill -P "$HOLDER" || kill "$HOLDER" 2>/dev/null || true
}

# package RELEASE [OPTION...] - $T/www/pool/RELEASE.deb, a kernel that lacks these options
package() {
	local r=$1
	shift
	rm -rf "$T/tree"
	mkdir -p "$T/tree/boot"
	config "$T/tree/boot/config-$r" "$@"
	image "$T/tree/boot/vmlinuz-$r" "$r"
	deb "$r" 1 "$T/tree"
}

# put RELEASE... - kernels in the cache, by the tool itself; their keys are in ${KEY[RELEASE]}
put() {
	local r
	for r; do
		package "$r"
		KEY[$r]=$(kt-kernel get -q "$T/www/pool/$r.deb" | record .key)
	done
}

# built KEY TIME - as if it had come then
built() {
	sed -i 's/"built":"[^"]*"/"built":"'"$2"'"/' "$K/$1/metadata.json"
}

keys() { # FILTER
	kt-kernel list -q | jq -r 'select(.type == "kernel") | .key' | xargs
}

# hold KEY MODE(-s|-x) - somebody holds its lock, HOLDER
hold() {
	mkdir -p "$KTSTR_CACHE_DIR/.locks"
	mkfifo "$T/held.$1" "$T/end.$1"
	flock "$2" "$KTSTR_CACHE_DIR/.locks/kernel-$1.lock" sh -c 'echo >"$1"; read x <"$2"' - "$T/held.$1" "$T/end.$1" 3>&- &
	HOLDER=$!
	read -r _ <"$T/held.$1"
}

release() { # KEY
	echo >"$T/end.$1"
	wait "$HOLDER"
	HOLDER=
}

@test "each kind of damage has its name, is listed last, and is served by nobody" {
	local kind kinds=(missing unreadable malformed truncated schema file-missing wrong-size no-kernel)
	local n=1
	put 7.0.9
	built "${KEY[7.0.9]}" 2020-01-01T00:00:00Z
	for kind in "${kinds[@]}"; do
		put 7.1.$n
		mv "$K/${KEY[7.1.$n]}" "$K/$kind"
		n=$((n + 1))
	done
	rm "$K/missing/metadata.json"
	rm "$K/unreadable/metadata.json"
	mkdir "$K/unreadable/metadata.json"
	sed -i 's/"source"/source/' "$K/malformed/metadata.json"
	truncate -s 300 "$K/truncated/metadata.json"
	sed -i 's/"source":"deb"/"source":"egg"/' "$K/schema/metadata.json"
	rm "$K/file-missing/config"
	truncate -s 100 "$K/wrong-size/bzImage"
	truncate -s 0 "$K/no-kernel/bzImage"
	truncate -s 4096 "$K/no-kernel/bzImage"
	kt-kernel list -q >"$T/out"
	tests/schema/validate.py --mutate --need kt-kernel.kernel <"$T/out"
	diff -u <(printf '%s\n' "${kinds[@]}" | sort) <(jq -r 'select(.corrupt) | .corrupt_kind' "$T/out" | sort)
	[ -z "$(jq -r 'select(.corrupt and .key != .corrupt_kind) | .key' "$T/out")" ]
	[ "$(jq -r 'select(.type == "kernel") | .key' "$T/out" | head -1)" = "${KEY[7.0.9]}" ]
	jq -es 'any(.[]; .key == "wrong-size" and .corrupt == "bzImage has 100 bytes, metadata.json says 4096")' "$T/out"
	jq -es 'any(.[]; .key == "truncated" and .corrupt == "metadata.json ends early, after 300 bytes")' "$T/out"
	[ "$(kt-kernel path | record .key)" = "${KEY[7.0.9]}" ]
	for kind in "${kinds[@]}"; do
		run -1 --separate-stderr kt-kernel path "$kind"
		[[ $stderr == *"'$kind' is no kernel to boot: "* ]]
		[ -z "$output" ]
		run -1 --separate-stderr kt-kernel path "$K/$kind/bzImage"
		[ -z "$output" ]
		run -1 --separate-stderr kt-kernel check "$kind"
		jq -es '.[-1].outcome == "fail" and ([.[] | select(.type == "need")] == [])' <<<"$output"
		run -125 --separate-stderr kt-vm exec -k "$kind" -- true
		[[ $stderr == *"'$kind' is no kernel to boot: "* ]]
	done
	run -1 --separate-stderr kt-kernel path 7.1
	[ -z "$output" ]
}

@test "a truncated metadata.json is told at every length" {
	put 7.0.9
	local k=${KEY[7.0.9]} n size
	size=$(stat -c %s "$K/$k/metadata.json")
	cp "$K/$k/metadata.json" "$T/whole"
	for n in 0 1 2 9 10 11 57 200 $((size / 2)) $((size - 3)) $((size - 2)); do
		head -c "$n" "$T/whole" >"$K/$k/metadata.json"
		[ "$(kt-kernel list -q | record .corrupt_kind)" = truncated ]
	done
	head -c $((size - 1)) "$T/whole" >"$K/$k/metadata.json" # without its newline it is whole
	[ "$(kt-kernel list -q | record .corrupt_kind)" = null ]
}

@test "a flipped byte is found by list --verify and check KEY, not by the list that only looks at sizes" {
	put 7.0.9 7.0.10
	local k=${KEY[7.0.9]}
	printf x | dd of="$K/$k/bzImage" bs=1 seek=4000 conv=notrunc status=none
	kt-kernel list -q | jq -es 'all(.[]; .corrupt == null)'
	kt-kernel list -q --verify >"$T/out"
	tests/schema/validate.py --mutate <"$T/out"
	jq -es '[.[] | select(.corrupt_kind == "wrong-sum") | .key] == ["'"$k"'"]' "$T/out"
	[ "$(jq -r 'select(.type == "kernel") | .key' "$T/out" | tail -1)" = "$k" ]
	run -1 --separate-stderr kt-kernel check "$k"
	[[ $stderr == *"bzImage has sha256 "*", metadata.json says "* ]]
	run -0 --separate-stderr kt-kernel check "${KEY[7.0.10]}"
	jq -es 'any(.[]; .type == "need") and .[-1].outcome == "ok"' <<<"$output"
	sed -i 's/y/n/' "$K/${KEY[7.0.10]}/config"
	run -1 kt-kernel check "$K/${KEY[7.0.10]}"
}

@test "an entry of the last version of ktstr is still read" {
	entry k1 7.0.9 2026-01-01T00:00:00Z
	kt-kernel list >"$T/out"
	tests/schema/validate.py --mutate <"$T/out"
	record '.corrupt == null and .boots and .verified == null and .dirty == null and .files[0].name == "bzImage"' <"$T/out"
	[ "$(kt-kernel path | record .key)" = k1 ]
}

@test "list: who uses a kernel is in its record" {
	put 7.0.9 7.0.10
	hold "${KEY[7.0.9]}" -s
	local pid=$HOLDER
	kt-kernel list -q >"$T/out"
	release "${KEY[7.0.9]}"
	tests/schema/validate.py --mutate <"$T/out"
	jq -es --arg k "${KEY[7.0.9]}" --argjson p "$pid" \
		'any(.[]; .key == $k and any(.in_use[]; .pid == $p and (.cmdline | startswith("flock -s ")) and .process_start))' "$T/out"
	jq -es --arg k "${KEY[7.0.10]}" 'any(.[]; .key == $k and .in_use == [])' "$T/out"
	jq -es 'all(.[]; (.in_use // []) == [])' <(kt-kernel list -q)
}

@test "clean: the newest N that are whole stay, damaged ones never do; what belongs to nothing goes too" {
	put 7.0.1 7.0.2 7.0.3 7.0.4
	local n
	for n in 1 2 3 4; do
		built "${KEY[7.0.$n]}" "2026-01-0$((5 - n))T00:00:00Z"
	done
	rm "$K/${KEY[7.0.1]}/bzImage" # the newest
	mkdir "$K/.tmp-dead" "$KTSTR_CACHE_DIR/downloads"
	head -c 1000 /dev/zero >"$K/.tmp-dead/bzImage"
	head -c 500 /dev/zero >"$KTSTR_CACHE_DIR/downloads/linux-6.1.2.tar.xz"
	touch "$KTSTR_CACHE_DIR/.locks/kernel-gone.lock" "$KTSTR_CACHE_DIR/.locks/build-gone.lock" "$KTSTR_CACHE_DIR/.locks/other.lock"
	kt-kernel clean --keep 2 --force >"$T/out" 2>"$T/err"
	[ ! -s "$T/err" ]
	tests/schema/validate.py --mutate --need kt-kernel.removed <"$T/out"
	[ "$(keys)" = "${KEY[7.0.2]} ${KEY[7.0.3]}" ]
	[ "$(jq -r 'select(.kind == "kernel") | "\(.key): \(.reason)"' "$T/out" | sort)" = \
		"$(printf '%s\n' "${KEY[7.0.1]}: bzImage: No such file or directory" "${KEY[7.0.4]}: newer ones are kept" | sort)" ]
	jq -es 'any(.[]; .kind == "leftover" and .bytes == 1000) and any(.[]; .kind == "download" and .bytes == 500)' "$T/out"
	[ "$(jq -r 'select(.kind == "lock") | .key' "$T/out" | sort | xargs)" = "build-gone.lock kernel-gone.lock" ]
	[ "$(ls -A "$K" | xargs)" = "$(printf '%s\n' "${KEY[7.0.2]}" "${KEY[7.0.3]}" | sort | xargs)" ]
	[ "$(ls -A "$KTSTR_CACHE_DIR/downloads" | wc -l)" -eq 0 ]
	[ ! -e "$KTSTR_CACHE_DIR/.locks/kernel-${KEY[7.0.1]}.lock" ] && [ ! -e "$KTSTR_CACHE_DIR/.locks/kernel-${KEY[7.0.4]}.lock" ]
	[ -e "$KTSTR_CACHE_DIR/.locks/other.lock" ]
	kt-kernel clean --keep 2 --force | jq -es 'length == 2' # only meta and end
	kt-kernel clean --force | jq -es '[.[] | select(.type == "removed" and .reason == "all were to go")] | length == 2'
	[ -z "$(ls -A "$K")" ]
}

@test "clean: the named ones only, the damaged ones only" {
	put 7.0.1 7.0.2 7.0.3
	mkdir "$K/broken"
	mkdir -p "$K/broken/sub/dir"
	echo x >"$K/broken/sub/dir/file"
	kt-kernel clean --force "${KEY[7.0.2]}" >"$T/out"
	jq -es '[.[] | select(.type == "removed") | .reason] == ["it was named"]' "$T/out"
	[ -d "$K/broken" ] && [ ! -e "$K/${KEY[7.0.2]}" ]
	run -1 --separate-stderr kt-kernel clean --force "${KEY[7.0.2]}" "${KEY[7.0.3]}" ../x
	[[ $stderr == *"there is no kernel '${KEY[7.0.2]}' in the cache"*"there is no kernel '../x' in the cache"* ]]
	jq -es --arg k "${KEY[7.0.3]}" '([.[] | select(.type == "removed") | .key] == [$k]) and .[-1].outcome == "fail"' <<<"$output"
	kt-kernel clean --force --corrupt-only >"$T/out"
	jq -es '[.[] | select(.type == "removed") | .key] == ["broken"]' "$T/out"
	[ "$(ls -A "$K")" = "${KEY[7.0.1]}" ]
}

@test "clean: a kernel in use is kept with its holder's name, the others go, and the status is 1" {
	put 7.0.1 7.0.2 7.0.3
	hold "${KEY[7.0.2]}" -s
	run -1 --separate-stderr kt-kernel clean --force
	release "${KEY[7.0.2]}"
	tests/schema/validate.py --mutate --need kt-kernel.kept,kt-kernel.removed <<<"$output"
	[[ $stderr == *"kernel '${KEY[7.0.2]}' is kept: it is in use by pid "*" (flock -s "* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	jq -es '[.[] | select(.type == "kept") | .reason, (.holders | length)] == ["it is in use", 1] and .[-1].outcome == "fail"' <<<"$output"
	[ "$(keys)" = "${KEY[7.0.2]}" ]
	kt-kernel clean --force >"$T/out"
	[ -z "$(keys)" ]
}

@test "clean: what is left of a build goes when the build is over, its download too" {
	mkdir -p "$KTSTR_CACHE_DIR/build/git-a@2Fb-x/linux/drivers" "$KTSTR_CACHE_DIR/.locks"
	head -c 3000 /dev/zero >"$KTSTR_CACHE_DIR/build/git-a@2Fb-x/linux/drivers/x.o"
	flock "$KTSTR_CACHE_DIR/.locks/build-git-a%2Fb-x.lock" kt-kernel clean --force >"$T/out"
	jq -es 'length == 2' "$T/out"
	[ -e "$KTSTR_CACHE_DIR/build/git-a@2Fb-x/linux/drivers/x.o" ]
	kt-kernel clean --force >"$T/out"
	tests/schema/validate.py <"$T/out"
	jq -es 'any(.[]; .kind == "leftover" and .key == "git-a@2Fb-x" and .bytes == 3000)' "$T/out"
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/build")" ] && [ -z "$(ls -A "$KTSTR_CACHE_DIR/.locks")" ]
}

@test "clean: downloads stay while a build runs" {
	mkdir -p "$KTSTR_CACHE_DIR/downloads" "$KTSTR_CACHE_DIR/.locks"
	echo x >"$KTSTR_CACHE_DIR/downloads/linux-6.1.2.tar.xz"
	touch "$KTSTR_CACHE_DIR/.locks/build-x.lock"
	flock "$KTSTR_CACHE_DIR/.locks/build-x.lock" kt-kernel clean --force >"$T/out"
	tests/schema/validate.py <"$T/out"
	jq -es '[.[] | select(.type == "kept") | .kind, .reason] == ["download", "it is being used for a build"]' "$T/out"
	[ -e "$KTSTR_CACHE_DIR/downloads/linux-6.1.2.tar.xz" ] && [ -e "$KTSTR_CACHE_DIR/.locks/build-x.lock" ]
}

# on_terminal ANSWER COMMAND... - run it on a terminal of its own; what it shows goes to stdout
on_terminal() {
	/usr/bin/python3 - "$@" <<-'END'
	import os, pty, sys
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp(sys.argv[2], sys.argv[2:])
	seen = b""
	answered = False
	while True:
	    try:
	        b = os.read(fd, 4096)
	    except OSError:
	        break
	    if not b:
	        break
	    seen += b
	    if not answered and b"[y/N] " in seen:
	        os.write(fd, sys.argv[1].encode() + b"\n")
	        answered = True
	status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
	sys.stdout.write(seen.decode().replace("\r\n", "\n"))
	sys.exit(status)
	END
}

@test "clean: on a terminal it asks, and only y means yes; without one it wants --force" {
	put 7.0.1
	local k=${KEY[7.0.1]} answer
	run -1 --separate-stderr kt-kernel clean </dev/null
	[[ $stderr == *"standard input is no terminal (--force does not ask)"* ]]
	[ -z "$output" ]
	for answer in '' n N no yes yy x; do
		run -0 on_terminal "$answer" kt-kernel clean
		[[ $output == *"  $k"*"Remove it ("*" MB)? [y/N] "*"nothing was removed"*'"reason":"the answer was no"'* ]]
		[ "$(keys)" = "$k" ]
	done
	run -0 on_terminal Y kt-kernel clean
	[[ $output == *'"type":"removed"'* ]]
	[ -z "$(keys)" ]
	run -0 on_terminal n kt-kernel clean # there is nothing to ask about
	[[ $output != *Remove* ]]
}

@test "a virtual machine holds its kernel from the first to the last, and clean lets it be" {
	local real key pid i
	real=$(KTSTR_CACHE_DIR=$OWN_CACHE kt-kernel path | record 'if .key then .path else empty end') || skip "no kernel in the cache"
	key=$(basename "$(dirname "$real")")
	mkdir -p "$K"
	cp -r "$(dirname "$real")" "$K/"
	mkfifo "$T/up"
	kt-vm exec -q --clock real -- sh -c 'echo up; exec sleep 300' >"$T/up" 2>"$T/err" 3>&- &
	pid=$!
	exec 4<"$T/up" # a closed standard output would end it
	read -r i <&4
	[ "$i" = up ]
	kt-kernel list -q | jq -es --argjson p $pid 'any(.[]; any(.in_use[]?; .pid == $p and .comm == "kt-vm"))'
	run -1 --separate-stderr kt-kernel clean --force
	exec 4<&-
	kill $pid 2>/dev/null || true
	wait $pid || true
	[[ $stderr == *"kernel '$key' is kept: it is in use by pid $pid ("*"kt-vm exec"* ]]
	[ "$(keys)" = "$key" ]
	[ "$(kt-kernel list -q | record '.used > .built')" = true ]
	kt-kernel clean --force >"$T/out"
	[ -z "$(keys)" ]
	# what goes between the answer of kt-kernel path and the lock is asked for again
	put 7.0.9
	hold "${KEY[7.0.9]}" -x
	mkfifo "$T/never"
	kt-vm exec -k 7.0.9 -- true 2>"$T/err" 3>&- &
	pid=$!
	for i in $(seq 500); do
		grep -q "kernel-${KEY[7.0.9]}.lock" <(ls -l /proc/$pid/fd 2>/dev/null) && break
		read -rt 0.02 <>"$T/never" || true
	done
	kill -0 $pid # it waits for the lock
	rm -r "${K:?}/${KEY[7.0.9]}"
	release "${KEY[7.0.9]}"
	wait $pid && return 1
	grep -q 'there is no kernel 7.0.9 in the cache' "$T/err"
}

# made VERSION SOURCE [BASE_HASH] - an entry as build makes it, as far as list looks
made() {
	entry "$1-$2" "$1" 2026-01-01T00:00:00Z
	sed -i 's/"source":"apt"/"source":"'"$2"'","base_hash":"'"${3-}"'"/' "$K/$1-$2/metadata.json"
}

eol() { # OPTION...
	kt-kernel list "$@" | jq -r 'select(.type == "kernel") | "\(.key):\(.eol)"' | sort | xargs
}

@test "list: what kernel.org has given up is marked, what a distribution keeps is not; offline and failures leave it unknown" {
	kernel_server
	releases mainline:6.15-rc3 stable:6.14.2 longterm:6.12.9 longterm:5.4.300:eol linux-next:next-20260101
	made 6.12.3 tarball
	made 6.13.1 tarball
	made 5.4.1 git
	made 6.15.0-rc2 local
	made 6.16.0-rc1 git
	made 6.1.2 package
	made 6.1.3+deb-cloud apt
	run -0 --separate-stderr kt-kernel list
	tests/schema/validate.py --mutate <<<"$output"
	[ -z "$stderr" ]
	local marks="5.4.1-git:true 6.1.2-package:null 6.1.3+deb-cloud-apt:null 6.12.3-tarball:false 6.13.1-tarball:true 6.15.0-rc2-local:false 6.16.0-rc1-git:null"
	[ "$(eol --offline)" = "$marks" ]
	# the list was asked for once
	: >"$KSRV/log"
	[ "$(eol)" = "$marks" ]
	[ ! -s "$KSRV/log" ]
	# a day later it is asked for again; nobody answers, which is remembered
	touch -d '2 days ago' "$KTSTR_CACHE_DIR/releases.json"
	[ "$(eol)" = "$marks" ]
	[ -s "$KSRV/log" ]
	touch -d '2 days ago' "$KTSTR_CACHE_DIR/releases.json"
	kernel_server_end
	KSRV_PID=
	run -0 --separate-stderr kt-kernel list
	[[ $stderr == "kt-kernel: which series have ended is unknown: "*"$KTSTR_RELEASES_URL"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	jq -es 'all(.[] | select(.type == "kernel"); .eol == null)' <<<"$output"
	tests/schema/validate.py --mutate <<<"$output"
	local tried
	tried=$(stat -c %y "$KTSTR_CACHE_DIR/releases.failed")
	run -0 --separate-stderr kt-kernel list
	[[ $stderr == *"which series have ended is unknown: "*" s ago)" ]]
	[ "$(stat -c %y "$KTSTR_CACHE_DIR/releases.failed")" = "$tried" ]
	run -0 --separate-stderr kt-kernel list -q
	[ -z "$stderr" ]
	[ "$(eol --offline)" = "$marks" ] # the last list is better than none
	# ten minutes later it is tried again
	touch -d '11 minutes ago' "$KTSTR_CACHE_DIR/releases.failed"
	run -0 --separate-stderr kt-kernel list
	[[ $stderr != *" s ago)" ]]
}

@test "list: a server that says nothing holds it up for seconds only" {
	made 6.12.3 tarball
	local port before=$SECONDS
	mkfifo "$T/port"
	/usr/bin/python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8)
print(s.getsockname()[1], flush=True); time.sleep(300)' >"$T/port" 3>&- &
	HOLDER=$!
	read -r port <"$T/port"
	unset http_proxy https_proxy KTSTR_NET_STALL KTSTR_NET_CONNECT KTSTR_NET_RETRIES
	KTSTR_RELEASES_URL=http://127.0.0.1:$port/x run -0 --separate-stderr kt-kernel list
	[ $((SECONDS - before)) -lt 30 ]
	[[ $stderr == *"which series have ended is unknown: "* ]]
	jq -es 'any(.[]; .key == "6.12.3-tarball" and .eol == null)' <<<"$output"
}

@test "list: an empty cache asks nobody, and one of distribution kernels neither" {
	kernel_server
	kt-kernel list >"$T/out"
	entry k 7.0.9 2026-01-01T00:00:00Z
	kt-kernel list >"$T/out"
	[ ! -s "$KSRV/log" ]
}

@test "list: a kernel of another ktstr.config is stale, and path passes it over" {
	local now
	now=$(sha256sum <kt-kernel/ktstr.config | cut -d' ' -f1)
	made 6.12.3 tarball "$now"
	made 6.12.4 tarball 0123456789012345678901234567890123456789012345678901234567890123
	made 6.12.5 apt
	[ "$(kt-kernel list --offline -q | jq -r 'select(.type == "kernel") | "\(.version):\(.stale)"' | sort | xargs)" = \
		"6.12.3:false 6.12.4:true 6.12.5:null" ]
	rm -r "$K/6.12.5-apt"
	[ "$(kt-kernel path | record .version)" = 6.12.3 ]
	[ "$(kt-kernel path 6.12 | record .version)" = 6.12.4 ] # it was asked for
	rm -r "$K/6.12.3-tarball"
	if [ ! -r "/boot/vmlinuz-$(uname -r)" ] && [ ! -r "/lib/modules/$(uname -r)/vmlinuz" ]; then
		run -1 --separate-stderr kt-kernel path
		[[ $stderr == *"of 1 in the cache 0 lack what is needed, 1 are stale, 0 are damaged"* ]]
	fi
}

@test "list --range: the versions that a build of it would build, without a look at the cache" {
	kernel_server
	releases mainline:6.15-rc3 stable:6.14.2 stable:6.13.7 longterm:6.12.9 longterm:6.6.40
	kt-kernel list --range 6.12..6.14 >"$T/out"
	tests/schema/validate.py --mutate --need kt-kernel.version <"$T/out"
	[ "$(jq -r 'select(.type == "version") | .version' "$T/out" | xargs)" = "6.12.9 6.13.7 6.14.2" ]
	[ ! -e "$KTSTR_CACHE_DIR/kernels" ]
	run -1 --separate-stderr kt-kernel list --range 6.7..6.8
	[ -n "$stderr" ] && [ -z "$output" ]
	run -2 --separate-stderr kt-kernel list --range 6.14..6.12
	[[ $stderr == *"swap them"* ]]
	run -2 --separate-stderr kt-kernel list --range 6.14
	run -2 --separate-stderr kt-kernel list --range 6.12..6.14 --verify
}

@test "a directory of a writer that lives is left alone, one of a dead writer is removed" {
	put 7.0.9
	mkdir "$K/.tmp-alive" "$K/.tmp-dead"
	flock "$K/.tmp-alive" sh -c "kt-kernel get -q '$(package 7.0.10; echo "$T/www/pool/7.0.10.deb")' >'$T/out'"
	[ -d "$K/.tmp-alive" ] && [ ! -e "$K/.tmp-dead" ]
	flock "$K/.tmp-alive" kt-kernel clean --corrupt-only --force >"$T/out"
	[ -d "$K/.tmp-alive" ]
	kt-kernel clean --corrupt-only --force | jq -es '[.[] | select(.type == "removed") | .kind] == ["leftover"]'
	[ ! -e "$K/.tmp-alive" ]
	[ "$(keys | wc -w)" -eq 2 ]
}

@test "killed at any moment, a writer leaves a cache that works" {
	package 7.0.9
	local i pid n=0
	mkfifo "$T/never"
	for i in $(seq 40); do
		kt-kernel get -q "$T/www/pool/7.0.9.deb" >/dev/null 2>&1 3>&- &
		pid=$!
		read -rt "0.0$((RANDOM % 9))$((RANDOM % 9))" <>"$T/never" || true
		kill -KILL $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		kt-kernel list -q --verify >"$T/list"
		jq -es 'all(.[] | select(.type == "kernel"); .corrupt == null)' "$T/list"
		if [ -n "$(record .key <"$T/list" 2>/dev/null)" ]; then
			n=$((n + 1))
			kt-kernel clean --force >/dev/null
		fi
	done
	echo "# $n of 40 were whole" >&3
	kt-kernel get -q "$T/www/pool/7.0.9.deb" | record .key
	[ "$(ls -A "$K" | wc -l)" -eq 1 ]
}

@test "clean against writers and readers in a loop: whole kernels or none, and nothing is left" {
	package 7.0.9
	local i j get
	for j in 1 2; do
		for i in $(seq 12); do
			kt-kernel get -q "$T/www/pool/7.0.9.deb" >/dev/null 2>>"$T/get.err" || echo get >>"$T/failed"
		done 3>&- &
		get="${get-} $!"
	done
	for i in $(seq 30); do
		kt-kernel clean --force >/dev/null 2>>"$T/clean.err" || echo clean >>"$T/failed"
		# a reader is served a whole one or none
		kt-kernel path 7.0.9 >"$T/path" 2>"$T/path.err" || grep -q 'there is no kernel 7.0.9' "$T/path.err"
		[ ! -s "$T/path" ] || record '.corrupt == null' <"$T/path"
	done
	# shellcheck disable=SC2086	# words
	wait $get
	cat "$T/clean.err" "$T/get.err"
	[ ! -e "$T/failed" ] || run -1 grep -v clean "$T/failed"
	kt-kernel clean --force >/dev/null
	[ -z "$(ls -A "$K")" ]
	run -1 compgen -G "$KTSTR_CACHE_DIR/.locks/*-deb.lock"
}

@test "ktstr kernel: tables of what is in the cache, of what path, check and clean say; --json for the records" {
	put 7.0.1 7.0.2
	made 6.12.4 tarball 0123456789012345678901234567890123456789012345678901234567890123
	mkdir "$K/broken"
	hold "${KEY[7.0.2]}" -s
	local pid=$HOLDER
	ktstr kernel list --offline -q >"$T/out"
	[[ $(head -1 "$T/out") =~ ^KEY\ +VERSION\ +SOURCE\ +ARCH\ +BUILT\ +SIZE\ +TAGS$ ]]
	[ "$(wc -l <"$T/out")" -eq 5 ]
	grep -qE "^${KEY[7.0.2]} +7\.0\.2 +deb +x86_64 +20[0-9-]+ [0-9]+:[0-9]+ +[0-9.]+ KiB +in use: pid $pid \\(flock\\)\$" "$T/out"
	grep -qE "^${KEY[7.0.1]} .* KiB +-$" "$T/out"
	grep -qE "^6.12.4-tarball +6\.12\.4 .* stale$" "$T/out"
	grep -qE "^broken +- .* corrupt: metadata.json: No such file or directory$" "$T/out"
	[ "$(tail -1 "$T/out" | cut -d' ' -f1)" = broken ]
	run -1 --separate-stderr ktstr kernel clean --force
	release "${KEY[7.0.2]}"
	[[ $output == *"KEPT    KEY "*"kernel  ${KEY[7.0.2]} "*" it is in use  pid $pid (flock)"*"REMOVED  KEY "*"kernel   broken "* ]]
	[[ $stderr == *"kernel '${KEY[7.0.2]}' is kept: it is in use by pid $pid"* ]]
	run -0 ktstr kernel path
	[[ ${lines[1]} == *"it is the newest in the cache with sched_ext" ]]
	[ "${lines[2]}" = "$K/${KEY[7.0.2]}/bzImage" ]
	run -0 ktstr kernel check 7.0
	[[ $output == *"OPTION "*"CONFIG_SCHED_CLASS_EXT "*" sched_ext  y "* ]]
	ktstr kernel list --json --offline | tests/schema/validate.py --need kt-kernel.kernel
	run -0 on_terminal y ktstr kernel clean
	[[ $output == *"Remove it ("*"REMOVED"*"all were to go"* ]]
	[ -z "$(ls -A "$K")" ]
	run -0 --separate-stderr ktstr kernel list
	[[ $stderr == *"the cache has no kernel"* ]]
	run -1 --separate-stderr ktstr kernel path 9.9
	[ -z "$output" ]
	run -2 --separate-stderr ktstr kernel frob
	run -2 --separate-stderr ktstr kernel
	run -0 ktstr kernel list --help
	[[ $output == Usage:* ]]
}
