#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-initramfs: what is in its archives, how libraries are found, what is kept.
load lib.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_CACHE_DIR=$T/cache
	set -o pipefail
}

# unpack [OPTION...] SRC... - pack without compression and unpack into $T/root
unpack() {
	kt-initramfs --no-compress "$@" >"$T/a.cpio"
	rm -rf "$T/root"
	mkdir "$T/root"
	(cd "$T/root" && cpio -idm --quiet) <"$T/a.cpio"
}

names() { # ARCHIVE
	cpio -t --quiet <"$1"
}

# in_root COMMAND... - run it with $T/root as its root. There is no /proc: LD_ORIGIN_PATH tells the loader
# what $ORIGIN is.
in_root() {
	local as_root=
	[ "$(id -u)" -eq 0 ] || as_root='unshare -r'
	LD_ORIGIN_PATH=$(dirname "$1") $as_root "$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)" "$T/root" "$@"
}

# library DIR NAME NUMBER - a shared library whose answer() is NUMBER
library() {
	mkdir -p "$1"
	echo "int answer(void); int answer(void) { return $3; }" >"$T/lib.c"
	gcc -shared -fPIC -Wl,-soname,"$2" -o "$1/$2" "$T/lib.c"
}

# program FILE LDFLAGS... - a program that prints answer()
program() {
	local to=$1
	shift
	mkdir -p "$(dirname "$to")"
	printf '#include <stdio.h>\nint answer(void);\nint main(void) { printf("%%d\\n", answer()); return 0; }\n' >"$T/main.c"
	gcc -o "$to" "$T/main.c" "$@"
}

@test "files come out as they went in, with their permissions" {
	mkdir -p "$T/src/sub" "$T/src/empty"
	head -c 100000 /dev/urandom >"$T/src/sub/data"
	: >"$T/src/nothing"
	printf 'x' >"$T/src/with blank"
	chmod 640 "$T/src/sub/data"
	chmod 751 "$T/src/sub"
	unpack "$T/src:/in" "$T/src/sub/data:/other/name" "$T/src/sub/data:/into/"
	diff -r "$T/src" "$T/root/in"
	cmp "$T/src/sub/data" "$T/root/other/name"
	cmp "$T/src/sub/data" "$T/root/into/data"
	[ "$(stat -c %a "$T/root/in/sub/data" "$T/root/in/sub" "$T/root/other" | xargs)" = "640 751 755" ]
}

@test "names are bytes of any kind" {
	mkdir "$T/d"
	echo x >"$T/d/"$'\xff\xfe \xc3\xbc\n2'
	ln -s $'\xff\xfe \xc3\xbc\n2' "$T/d/link"
	unpack "$T/d:/d"
	diff -r --no-dereference "$T/d" "$T/root/d"
}

@test "a source without a destination lands at its own path, also when it is named from where it is" {
	mkdir "$T/d"
	echo hi >"$T/d/f"
	cd "$T/d"
	unpack f "../d/./f:/g"
	[ "$(cat "$T/root$T/d/f" "$T/root/g")" = $'hi\nhi' ]
}

@test "an archive holds nothing of its time, owner or place, is sorted, and counts its inodes" {
	kt-initramfs --no-compress jq:/bin/jq --mkdir /proc "$KT_TOP/man:/man" >"$T/1"
	cp -r man "$T/man"
	(cd / && kt-initramfs --no-compress --mkdir proc "$T/man:/man" jq:/bin/jq >"$T/2")
	cmp "$T/1" "$T/2"
	/usr/bin/python3 - "$T/1" <<-'END'
	import sys
	b = open(sys.argv[1], "rb").read()
	at, ino, names = 0, 0, []
	while True:
	    assert b[at:at + 6] == b"070701", at
	    f = [int(b[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
	    name = b[at + 110:at + 110 + f[11] - 1].decode()
	    if name == "TRAILER!!!":
	        break
	    ino += 1
	    assert f[0] == ino, (name, f[0], ino)
	    assert f[2] == f[3] == f[5] == 0, (name, f)
	    names.append(name)
	    at = (at + 110 + f[11] + 3) // 4 * 4
	    at = (at + f[6] + 3) // 4 * 4
	assert names == sorted(names) and len(names) == len(set(names)) and len(names) > 10
	END
}

@test "zstd at any level holds the same archive" {
	kt-initramfs --no-compress sh:/bin/sh >"$T/plain"
	kt-initramfs sh:/bin/sh | zstd -dc | cmp - "$T/plain"
	kt-initramfs --level 19 sh:/bin/sh | zstd -dc | cmp - "$T/plain"
	kt-initramfs -o "$T/file" sh:/bin/sh
	zstd -dcf "$T/file" | cmp - "$T/plain"
}

@test "a program runs with nothing but what came with it, and its libraries keep their names" {
	unpack jq:/usr/bin/jq
	[ "$(echo '{"a":[1,2]}' | in_root /usr/bin/jq -c .a)" = "[1,2]" ]
	local lib
	lib=$(cd "$T/root" && find . -name 'libjq.so.1' | head -1)
	[ -L "$T/root/$lib" ] || [ -f "$T/root/$lib" ]
}

@test "RUNPATH with \$ORIGIN follows a program to its destination" {
	library "$T/app/lib" libanswer.so.1 42
	program "$T/app/bin/prog" "$T/app/lib/libanswer.so.1" "-Wl,--enable-new-dtags,-rpath,\$ORIGIN/../lib"
	unpack "$T/app/bin/prog:/x/y/prog"
	cmp "$T/app/lib/libanswer.so.1" "$T/root/x/lib/libanswer.so.1"
	[ "$(in_root /x/y/prog)" = 42 ]
	unpack "$T/app/bin/prog"
	[ "$(in_root "$T/app/bin/prog")" = 42 ]
}

@test "RPATH of the program serves its libraries too, RUNPATH does not" {
	library "$T/deep" libanswer.so.1 7
	mkdir -p "$T/mid"
	echo 'int answer(void); int middle(void); int middle(void) { return answer(); }' >"$T/mid.c"
	gcc -shared -fPIC -Wl,-soname,libmid.so -o "$T/mid/libmid.so" "$T/mid.c" "$T/deep/libanswer.so.1"
	printf '#include <stdio.h>\nint middle(void);\nint main(void) { printf("%%d\\n", middle()); return 0; }\n' >"$T/m.c"
	gcc -o "$T/old" "$T/m.c" "$T/mid/libmid.so" "-Wl,--disable-new-dtags,-rpath,$T/mid:$T/deep" -Wl,--allow-shlib-undefined
	gcc -o "$T/new" "$T/m.c" "$T/mid/libmid.so" "-Wl,--enable-new-dtags,-rpath,$T/mid:$T/deep" -Wl,--allow-shlib-undefined
	[ "$("$T/old")" = 7 ] # what the loader itself does
	run -127 "$T/new"
	unpack "$T/old:/old"
	[ "$(in_root /old)" = 7 ]
	run -1 --separate-stderr kt-initramfs -o "$T/no" "$T/new"
	[[ $stderr == *"'$T/mid/libmid.so' needs the library 'libanswer.so.1', which is not found (it is loaded for '$T/new')"* ]]
	[ ! -e "$T/no" ]
}

@test "a namesake of another class or machine is passed over" {
	library "$T/good" libanswer.so.1 5
	mkdir "$T/narrow" "$T/alien" "$T/text"
	cp "$T/good/libanswer.so.1" "$T/narrow/"
	printf '\1' | dd of="$T/narrow/libanswer.so.1" bs=1 seek=4 conv=notrunc status=none # ELFCLASS32
	cp "$T/good/libanswer.so.1" "$T/alien/"
	printf '\363' | dd of="$T/alien/libanswer.so.1" bs=1 seek=18 conv=notrunc status=none # EM_RISCV
	echo 'INPUT(libanswer.so.2)' >"$T/text/libanswer.so.1"
	program "$T/prog" "$T/good/libanswer.so.1" \
		"-Wl,--enable-new-dtags,-rpath,$T/narrow:$T/alien:$T/text:$T/nowhere:$T/good"
	unpack "$T/prog:/prog"
	[ "$(in_root /prog)" = 5 ]
	[ ! -e "$T/root$T/narrow" ] && [ ! -e "$T/root$T/alien" ]
}

@test "a missing library is an error that names it and who needs it; all are named" {
	library "$T/gone" libgone.so.1 1
	library "$T/gone" liblost.so.1 1
	echo 'int main(void) { return 0; }' >"$T/e.c"
	gcc -o "$T/prog" "$T/e.c" -Wl,--no-as-needed "$T/gone/libgone.so.1" "$T/gone/liblost.so.1"
	run -1 --separate-stderr kt-initramfs "$T/prog"
	[[ $stderr == *"'$T/prog' needs the library 'libgone.so.1', which is not found"* ]]
	[[ $stderr == *"'$T/prog' needs the library 'liblost.so.1', which is not found"* ]]
	[ -z "$output" ]
}

@test "a library in a directory may need one that is elsewhere in the archive, a program may not" {
	library "$T/tree/a" libanswer.so.1 3
	mkdir "$T/tree/b"
	echo 'int answer(void); int two(void); int two(void) { return answer(); }' >"$T/two.c"
	gcc -shared -fPIC -o "$T/tree/b/plugin.so" "$T/two.c" "$T/tree/a/libanswer.so.1"
	kt-initramfs --no-compress "$T/tree:/t" | cpio -t --quiet | grep -qx t/b/plugin.so
	rm "$T/tree/a/libanswer.so.1"
	run -1 --separate-stderr kt-initramfs --no-compress -o "$T/no" "$T/tree:/t"
	[[ $stderr == *"plugin.so' needs the library 'libanswer.so.1'"* ]]
}

@test "a damaged ELF file is an error that names it, at whatever length it is cut" {
	local n
	for n in 17 63 100 500 2000 20000; do
		head -c "$n" "$(command -v jq)" >"$T/cut"
		run --separate-stderr kt-initramfs -o "$T/no" "$T/cut"
		[ "$status" -eq 1 ]
		[[ $stderr == *"'$T/cut' is a damaged ELF file"* ]]
	done
	[ ! -e "$T/no" ]
}

@test "an executable script brings its interpreter, and env's program" {
	printf '#!/bin/sh\necho from-sh\n' >"$T/s"
	printf '#!/usr/bin/env -S jq -n -f\n"from-jq"\n' >"$T/j"
	chmod +x "$T/s" "$T/j"
	unpack "$T/s:/s" "$T/j:/j"
	[ "$(in_root /s)" = from-sh ]
	[ "$(PATH=/bin:/usr/bin in_root /j)" = '"from-jq"' ]
	chmod -x "$T/s"
	kt-initramfs --no-compress "$T/s:/s" >"$T/a"
	[ "$(names "$T/a")" = s ]
}

@test "a script whose interpreter is missing is an error, unless the guest has it" {
	printf '#!/no/such/shell -e\n' >"$T/s"
	chmod +x "$T/s"
	run -1 --separate-stderr kt-initramfs "$T/s"
	[[ $stderr == *"'$T/s' needs its interpreter '/no/such/shell'"* ]]
	kt-initramfs --have /no/such/shell --no-compress "$T/s:/s" >"$T/a"
	[ "$(names "$T/a")" = s ]
	printf '#!/usr/bin/env no-such-program\n' >"$T/s"
	run -1 --separate-stderr kt-initramfs "$T/s"
	[[ $stderr == *"'$T/s' runs 'no-such-program' by env, which is not found in PATH"* ]]
	printf '#!/bin/s1\n' >"$T/s1"
	chmod +x "$T/s1"
	printf '#!%s\n' "$T/s2" >"$T/s1"
	printf '#!%s\n' "$T/s1" >"$T/s2"
	chmod +x "$T/s2"
	kt-initramfs --no-compress "$T/s1" | cpio -t --quiet | grep -q s2
}

@test "two sources for one place are an error that names both; the same one twice is none" {
	echo a >"$T/a"
	echo b >"$T/b"
	run -1 --separate-stderr kt-initramfs "$T/a:/x" "$T/b:/x"
	[[ $stderr == *"'$T/a' and '$T/b' both want '/x'"* ]]
	run -1 --separate-stderr kt-initramfs "$T/a:/x" "$T/b:/x/y"
	[[ $stderr == *"'$T/a' puts no directory at '/x', but '$T/b' wants '/x/y' in it"* ]]
	run -1 --separate-stderr kt-initramfs "$T/a:/x" --mkdir /x
	[[ $stderr == *"both want '/x'"* ]]
	kt-initramfs --no-compress "$T/a:/x" "$T/a:/x" "$T/a:/./x" >"$T/c"
	[ "$(names "$T/c")" = x ]
}

@test "a destination with .. is refused, as is a file for the root" {
	echo a >"$T/a"
	local d
	for d in .. /../x /x/../../y a/..; do
		run -1 --separate-stderr kt-initramfs "$T/a:$d"
		[[ $stderr == *"'$d' is no place in an archive: it has '..'"* ]]
	done
	run -1 --separate-stderr kt-initramfs --mkdir /a/../b
	[ -n "$stderr" ]
	run -1 --separate-stderr kt-initramfs "$T/a:/."
	[[ $stderr == *"cannot be '/'"* ]]
	mkdir "$T/d"
	mv "$T/a" "$T/d"
	kt-initramfs --no-compress "$T/d:/." >"$T/c"
	[ "$(names "$T/c")" = a ]
}

@test "links in a directory: inside ones stay, outside ones are followed, dangling ones stay, circles are told" {
	mkdir -p "$T/d/sub" "$T/out"
	echo in >"$T/d/sub/f"
	echo out >"$T/out/f"
	ln -s sub/f "$T/d/inside"
	ln -s ../inside "$T/d/sub/up"
	ln -s "$T/out/f" "$T/d/outside"
	ln -s "$T/out" "$T/d/outdir"
	ln -s nowhere "$T/d/dangling"
	unpack "$T/d:/d"
	[ "$(readlink "$T/root/d/inside")" = sub/f ]
	[ "$(cat "$T/root/d/sub/up")" = in ]
	[ ! -L "$T/root/d/outside" ] && [ "$(cat "$T/root/d/outside" "$T/root/d/outdir/f")" = $'out\nout' ]
	[ "$(readlink "$T/root/d/dangling")" = nowhere ]
	kt-initramfs --no-compress "$T/d:/d" "$T/d:/d" | cmp - "$T/a.cpio"
	ln -s "$T/d" "$T/out/back"
	run -1 --separate-stderr kt-initramfs "$T/d:/d"
	[[ $stderr == *"Too many levels of symbolic links"* ]]
}

@test "what is no file, directory or link is refused by its name" {
	mkdir "$T/d"
	mkfifo "$T/d/pipe"
	run -1 --separate-stderr kt-initramfs "$T/d:/d"
	[[ $stderr == *"'$T/d/pipe' is neither a file nor a directory"* ]]
	run -1 --separate-stderr kt-initramfs /dev/null
	[[ $stderr == *"'/dev/null'"* ]]
	run -1 --separate-stderr kt-initramfs "$T/absent"
	[[ $stderr == *"open '$T/absent': No such file or directory"* ]]
}

@test "--strip leaves out what is not loaded, and nothing else" {
	program "$T/prog" -g -x c <(echo 'int answer(void); int answer(void) { return 11; }')
	unpack --strip "$T/prog:/prog"
	[ "$(stat -c %s "$T/root/prog")" -lt "$(stat -c %s "$T/prog")" ]
	[ "$(in_root /prog)" = 11 ]
	readelf -S "$T/root/prog" 2>&1 | grep -q 'There are no sections'
	# Data behind the end is found by the file's size: such a program stays whole.
	cp "$T/prog" "$T/packed"
	echo 'more data' >>"$T/packed"
	unpack --strip "$T/packed:/prog"
	cmp "$T/packed" "$T/root/prog"
}

@test "--cache: unchanged inputs give the same path, and read nothing again" {
	cp "$(command -v jq)" "$T/jq"
	run -0 kt-initramfs --cache "$T/jq:/jq"
	[[ $output == "$KTSTR_CACHE_DIR"/initramfs/*.cpio ]]
	[ -s "$output" ]
	kt-initramfs --no-compress "$T/jq:/jq" | cmp - "$output"
	local first=$output inode
	inode=$(stat -c %i "$first")
	run -0 kt-initramfs --cache "$T/jq:/jq"
	[ "$output" = "$first" ]
	# Another time of the same bytes: looked at, and found to be the same archive.
	touch -d 2001-01-01 "$T/jq"
	run -0 kt-initramfs --cache "$T/jq:/jq"
	[ "$output" = "$first" ] && [ "$(stat -c %i "$first")" = "$inode" ]
	chmod 700 "$T/jq"
	run -0 kt-initramfs --cache "$T/jq:/jq"
	[ "$output" != "$first" ]
	[ "$(stat -c %a "$KTSTR_CACHE_DIR" "$KTSTR_CACHE_DIR/initramfs" | sort -u)" = 700 ]
}

@test "--cache: a change of the same size and time is noticed" {
	echo aaaa >"$T/f"
	touch -d 2001-01-01 "$T/f"
	local one two
	one=$(kt-initramfs --cache "$T/f:/f")
	echo bbbb >"$T/f"
	touch -d 2001-01-01 "$T/f"
	two=$(kt-initramfs --cache "$T/f:/f")
	[ "$one" != "$two" ]
	[ "$(cpio -i --to-stdout --quiet f <"$two")" = bbbb ]
}

@test "--cache: a library that turns up earlier in the search, and a new file in a directory, are noticed" {
	library "$T/late" libanswer.so.1 1
	mkdir "$T/early" "$T/d"
	program "$T/prog" "$T/late/libanswer.so.1" "-Wl,--enable-new-dtags,-rpath,$T/early:$T/late"
	touch "$T/d/1"
	local one two three
	one=$(kt-initramfs --cache "$T/prog:/prog" "$T/d:/d")
	[ "$(kt-initramfs --cache "$T/prog:/prog" "$T/d:/d")" = "$one" ]
	library "$T/early" libanswer.so.1 2
	two=$(kt-initramfs --cache "$T/prog:/prog" "$T/d:/d")
	[ "$one" != "$two" ]
	names "$two" | grep -q early/libanswer
	touch "$T/d/2"
	three=$(kt-initramfs --cache "$T/prog:/prog" "$T/d:/d")
	[ "$three" != "$two" ]
	names "$three" | grep -qx d/2
}

@test "--cache: an archive that was removed, and an index that was damaged, are made again" {
	echo x >"$T/f"
	local a
	a=$(kt-initramfs --cache "$T/f:/f")
	rm "$a"
	[ "$(kt-initramfs --cache "$T/f:/f")" = "$a" ] && [ -s "$a" ]
	truncate -s -3 "$KTSTR_CACHE_DIR"/initramfs/*.index
	[ "$(kt-initramfs --cache "$T/f:/f")" = "$a" ]
	: >"$(echo "$KTSTR_CACHE_DIR"/initramfs/*.index)"
	[ "$(kt-initramfs --cache "$T/f:/f")" = "$a" ]
	head -c 300 /dev/urandom >"$(echo "$KTSTR_CACHE_DIR"/initramfs/*.index)"
	[ "$(kt-initramfs --cache "$T/f:/f")" = "$a" ]
}

@test "--cache keeps the last eight, what was just used, and what is locked" {
	local i a=()
	for i in $(seq 12); do
		echo "$i" >"$T/f$i"
		a+=("$(kt-initramfs --cache "$T/f$i:/f")")
	done
	[ "$(ls "$KTSTR_CACHE_DIR"/initramfs/*.cpio | wc -l)" -eq 12 ] # all were just used
	for i in $(seq 12); do
		touch -d "2001-01-01 00:00:$i" "${a[i - 1]}"
	done
	local key
	key=$(basename "${a[0]}" .cpio)
	mkdir -p "$KTSTR_CACHE_DIR/.locks"
	exec 8>"$KTSTR_CACHE_DIR/.locks/initramfs-$key.lock"
	flock -s 8
	echo new >"$T/new"
	kt-initramfs --cache "$T/new:/f"
	exec 8>&-
	[ -e "${a[0]}" ] # locked
	[ ! -e "${a[1]}" ] && [ ! -e "${a[4]}" ]
	[ -e "${a[5]}" ] && [ -e "${a[11]}" ] # with the new one: eight
	[ "$(ls "$KTSTR_CACHE_DIR"/initramfs/*.cpio | wc -l)" -eq 9 ]
}

@test "--cache: many at once agree, and leave nothing behind" {
	head -c 3000000 /dev/urandom >"$T/f"
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		kt-initramfs --cache "$T/f:/f" jq:/jq >"$T/out$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(cat "$T"/out* | sort -u | wc -l)" -eq 1 ]
	cpio -i --to-stdout --quiet f <"$(cat "$T/out1")" | cmp - "$T/f"
	[ "$(ls -A "$KTSTR_CACHE_DIR/initramfs" | wc -l)" -eq 2 ] # the archive and its index
}

@test "--cache: killed while it writes, it leaves a cache that works, and what is left is swept" {
	mkfifo "$T/hold"
	head -c 40000000 /dev/urandom >"$T/f"
	kt-initramfs --cache --level 19 "$T/f:/f" >"$T/out" &
	local pid=$! i
	for i in $(seq 500); do
		ls "$KTSTR_CACHE_DIR"/initramfs/.tmp-* >"$T/tmps" 2>/dev/null && break
		read -rt 0.02 <>"$T/hold" || true
	done
	kill -9 $pid
	wait $pid || true
	[ -s "$T/tmps" ] && [ ! -s "$T/out" ]
	echo small >"$T/g"
	kt-initramfs --cache "$T/g:/g"
	[ -e "$(cat "$T/tmps")" ] # too young: its writer may not have locked it yet
	touch -d 2001-01-01 "$(cat "$T/tmps")"
	echo other >"$T/g"
	kt-initramfs --cache "$T/g:/g"
	[ ! -e "$(cat "$T/tmps")" ]
}

@test "a cache that cannot be written is one clear message" {
	KTSTR_CACHE_DIR=/dev/null/x run -1 --separate-stderr kt-initramfs --cache sh
	[[ $stderr == *"/dev/null/x"* ]]
	KTSTR_CACHE_DIR=relative run -1 --separate-stderr kt-initramfs --cache sh
	[ -n "$stderr" ] && [ -z "$output" ]
}

@test "a file that is written replaces the old one in one step, or not at all" {
	echo old >"$T/a"
	run -1 --separate-stderr kt-initramfs -o "$T/a" "$T/absent"
	[ "$(cat "$T/a")" = old ]
	kt-initramfs -o "$T/a" sh:/bin/sh
	zstd -tqf "$T/a"
	[ "$(ls -d "$T"/a*)" = "$T/a" ]
	run -1 --separate-stderr kt-initramfs -o /dev/full sh:/bin/sh
	[[ $stderr == *"No space left on device"* ]]
	run -1 sh -c 'kt-initramfs sh:/bin/sh >/dev/full'
	run -1 --separate-stderr kt-initramfs -o "$T/no/such" sh:/bin/sh
	[[ $stderr == *"$T/no/such"* ]]
}

@test "a reader that leaves early ends it without a word" {
	run bash -c 'kt-initramfs --no-compress jq | head -c 100 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 141 ]
}

@test "--list says what would be in the archive, and fits its schema" {
	kt-initramfs --list --mkdir /proc jq:/bin/jq >"$T/list"
	tests/schema/validate.py --mutate --need kt-initramfs.meta,kt-initramfs.entry,kt-initramfs.end <"$T/list"
	kt-initramfs --no-compress --mkdir /proc jq:/bin/jq | cpio -t --quiet | sed 's|^|/|' >"$T/names"
	jq -r 'select(.type == "entry") | .path' "$T/list" | diff - "$T/names"
	[ "$(jq -s '.[-1].entries' "$T/list")" -eq "$(wc -l <"$T/names")" ]
}

@test "a wrong command line is status 2, with nothing on stdout" {
	local args
	for args in '' '--level 0 sh' '--level 20 sh' '--level x sh' '--cache -o x sh' '--list --cache sh' '--frob'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-initramfs $args
		[ -z "$output" ] && [ -n "$stderr" ]
	done
}
