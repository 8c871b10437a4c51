#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel-fetch tarball: downloads, their checksums and what is unpacked.
# tests/kernel-server is kernel.org here.
load lib.bash
load kernel-fetch.bash

@test "tarball: a release is fetched, its checksum compared, and unpacked as the caller's own" {
	versions 6.12.60
	umask 022
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	valid source
	[ "$(get '.[0] | [.kind, .version, .verified, .verified_by, .url] | map(tostring) | join(" ")')" = \
		"tarball 6.12.60 true sha256 $KURL/cdn/v6.x/linux-6.12.60.tar.xz" ]
	local dir file
	dir=$(get '.[0].dir')
	file=$(get '.[0].file')
	[ "$dir" = "$T/src/linux-6.12.60" ]
	[ "$file" = "$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz" ]
	[ "$(get '.[0].sha256')" = "$(sha256sum <"$file" | cut -d' ' -f1)" ]
	[ "$(get '.[0].bytes')" = "$(stat -c %s "$file")" ]
	diff -r --exclude Makefile tests/standin-tree "$dir"
	grep -qx 'SUBLEVEL = 60' "$dir/Makefile"
	[ -L "$dir/scripts/sub/include" ]
	[ "$(stat -c %a "$dir/scripts/hello.sh" "$dir/Kconfig" "$dir" | xargs)" = "755 644 755" ]
	[ "$(find "$T/src" ! -user "$(id -u)")" = "" ]
	[ "$(stat -c %Y "$dir/Kconfig")" = "$(stat -c %Y tests/standin-tree/Kconfig)" ]
	[ "$(ls -A "$T/src")" = linux-6.12.60 ]
	[ "$(ls -A "$KTSTR_CACHE_DIR/downloads")" = linux-6.12.60.tar.xz ]
	[ "$(sed -n 's/^kt-kernel-fetch: \([a-z]*\) .*/\1/p' <<<"$stderr" | xargs)" = "getting unpacking" ]
}

@test "tarball: what has been downloaded is not downloaded again, unless it is damaged" {
	versions 6.12.60
	"$F" -q tarball 6.12.60 --into "$T/src" --downloads "$T/d" >/dev/null
	run -0 --separate-stderr "$F" -q tarball 6.12.60 --into "$T/src" --downloads "$T/d"
	[ -z "$stderr" ]
	[ "$(requests 'GET .*linux-6')" = 1 ]
	[ -e "$T/src/linux-6.12.60/Makefile" ]
	printf XXXXXXXXXXXXXXXX | dd of="$T/d/linux-6.12.60.tar.xz" bs=1 seek=200 conv=notrunc status=none
	echo old >"$T/src/linux-6.12.60/old"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src" --downloads "$T/d"
	[[ $stderr == *"is damaged: getting it again"* ]]
	[ "$(requests 'GET .*linux-6')" = 2 ]
	[ "$(ls -A "$T/d")" = linux-6.12.60.tar.xz ]
	[ "$(ls -A "$T/src")" = linux-6.12.60 ]
	[ ! -e "$T/src/linux-6.12.60/old" ]	# the old tree has gone as a whole
}

@test "tarball: one of a release candidate has no checksum, and the record says so" {
	versions 6.15-rc3
	run -0 --separate-stderr "$F" tarball 6.15-rc3 --into "$T/src"
	valid source
	[ "$(get '.[0] | [.verified, .verified_by, .url] | map(tostring) | join(" ")')" = "false null $KURL/rc/linux-6.15-rc3.tar.gz" ]
	grep -qx 'EXTRAVERSION = -rc3' "$T/src/linux-6.15-rc3/Makefile"
	[ "$(requests sha256sums)" = 0 ]
	run -1 --separate-stderr "$F" tarball 6.15-rc4 --into "$T/src"
	[[ $stderr == *"the archive of a release candidate goes when the release is out"* ]]
}

@test "tarball: another checksum than the server's is refused before anything is unpacked, and nothing is kept" {
	versions 6.12.60 6.12.61
	faults '*/linux-6.12.60.tar.xz sum'
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ -z "$output" ]
	[[ $stderr == *"linux-6.12.60.tar.xz' is damaged or forged: its sha256 is "*", and should be $(printf another | sha256sum | cut -d' ' -f1)"* ]]
	[[ $stderr != *unpacking* ]]
	nothing_left "$T/src"
	nothing_left "$KTSTR_CACHE_DIR/downloads"
	faults '*/linux-6.12.61.tar.xz corrupt'
	run -1 --separate-stderr "$F" tarball 6.12.61 --into "$T/src"
	[[ $stderr == *"is damaged or forged"* ]]
	nothing_left "$T/src"
}

@test "tarball: a checksum that is missing, signed by nobody to the end, or doubled is an error" {
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz nosum'
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"has no checksum of 'linux-6.12.60.tar.xz' (--no-checksum does without)"* ]]
	nothing_left "$T/src"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src" --no-checksum
	[ "$(get '.[0].verified')" = false ]
	local sum
	sum=$(sha256sum <"$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz" | cut -d' ' -f1)
	printf '%s\n' '-----BEGIN PGP SIGNED MESSAGE-----' 'Hash: SHA256' '' "$sum  linux-6.12.60.tar.xz" '-----BEGIN PGP SIGNATURE-----' >"$KSRV/sums.asc"
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"is no list of checksums to rely on"* ]]
	printf '%s\n' "$sum  linux-6.12.60.tar.xz" "${sum//[0-9]/a}  linux-6.12.60.tar.xz" >"$KSRV/sums.asc"
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"is no list of checksums to rely on"* ]]
	# What stands outside of the signed part counts for nothing.
	printf '%s\n' "$sum  linux-6.12.60.tar.xz" '-----BEGIN PGP SIGNED MESSAGE-----' 'Hash: SHA256' '' '-----BEGIN PGP SIGNATURE-----' x \
		'-----END PGP SIGNATURE-----' "$sum  linux-6.12.60.tar.xz" >"$KSRV/sums.asc"
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"has no checksum of"* ]]
	faults '*/sha256sums.asc 404'
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"has no checksum of"* ]]
}

@test "tarball: the signature of the checksums is verified by the keyring that is named" {
	command -v gpg >/dev/null || skip "needs gpg to make a signature"
	versions 6.12.60
	"$F" -q tarball 6.12.60 --into "$T/src" >/dev/null
	export GNUPGHOME=$T/gpg
	mkdir -m 700 "$GNUPGHOME"
	# A short home: the agent's socket lies in it.
	if [ ${#GNUPGHOME} -gt 80 ]; then
		GNUPGHOME=$(mktemp -d /tmp/kgXXXXXX)
	fi
	local key
	for key in good other; do
		gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key "$key <$key@example.org>" ed25519 sign never 2>/dev/null
		gpg --batch --quiet --export "$key" >"$T/$key.gpg"
	done
	echo "$(sha256sum <"$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz" | cut -d' ' -f1)  linux-6.12.60.tar.xz" >"$T/sums"
	gpg --batch --quiet --local-user good --clearsign --output "$KSRV/sums.asc" "$T/sums"
	gpgconf --kill all
	[ "$GNUPGHOME" = "$T/gpg" ] || rm -rf "$GNUPGHOME"
	KTSTR_KERNEL_KEYRING=$T/good.gpg run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	valid source
	[ "$(get '.[0] | .verified_by')" = signature ]
	KTSTR_KERNEL_KEYRING=$T/other.gpg run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"the signature of '$KURL/cdn/v6.x/sha256sums.asc' is not good by the keys in '$T/other.gpg'"* ]]
	[ -z "$output" ]
	sed -i 's/^\([0-9a-f]\{63\}\)./\1x/' "$KSRV/sums.asc"
	KTSTR_KERNEL_KEYRING=$T/good.gpg run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"is not good by the keys"* ]]
}

@test "tarball: a body that is cut off is taken up where it ended" {
	big_tree
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz cut 2'
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"bytes remaining to read; trying again in 500ms"* ]]
	[[ $stderr =~ "getting linux-6.12.60.tar.xz ("[0-9.]+" kB, the last "[0-9.]+" kB are missing)" ]]
	local size
	size=$(get '.[0].bytes')
	[ "$(grep -c 'GET .*linux-6.12.60' "$KSRV/log")" = 3 ]
	[ "$(grep 'GET .*linux-6.12.60' "$KSRV/log" | sed -n '1s/.* //p')" = - ]
	[ "$(grep 'GET .*linux-6.12.60' "$KSRV/log" | sed -n '2s/.* 206 //p')" = "bytes=$((size / 2))-" ]
	cmp "$KSRV/tree/noise" "$T/src/linux-6.12.60/noise"
}

@test "tarball: a part that an interrupted download has left is taken up, and begun anew when the file has changed" {
	big_tree
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz cut'
	KTSTR_NET_RETRIES=0 run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ "$(ls -A "$KTSTR_CACHE_DIR/downloads" | xargs)" = "linux-6.12.60.tar.xz.part linux-6.12.60.tar.xz.part.from" ]
	nothing_left "$T/src"
	faults
	: >"$KSRV/log"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ "$(requests 'GET .*linux-6.12.60.tar.xz 206 bytes=[0-9]+-$')" = 1 ]
	[ "$(ls -A "$KTSTR_CACHE_DIR/downloads")" = linux-6.12.60.tar.xz ]
	# The server's file is another one: If-Range does not hold, the whole comes.
	rm -r "$KTSTR_CACHE_DIR/downloads"
	faults '*/linux-6.12.60.tar.xz cut'
	KTSTR_NET_RETRIES=0 run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	head -c 100000 /dev/urandom >"$KSRV/tree/noise"
	faults
	: >"$KSRV/log"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ "$(requests 'GET .*linux-6.12.60.tar.xz 200 bytes=[0-9]+-$')" = 1 ]
	cmp "$KSRV/tree/noise" "$T/src/linux-6.12.60/noise"
	# A part of unknown origin is not trusted.
	rm -r "$KTSTR_CACHE_DIR/downloads"
	mkdir "$KTSTR_CACHE_DIR/downloads"
	echo garbage >"$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz.part"
	: >"$KSRV/log"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ "$(requests 'GET .*linux-6.12.60.tar.xz 200 -$')" = 1 ]
}

@test "tarball: a server that ignores Range is followed from the start; a file that changes each time never is mixed" {
	big_tree
	versions 6.12.60 6.12.61
	faults '*/linux-6.12.60.tar.xz cut 1' '*/linux-6.12.60.tar.xz norange'
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ "$(requests 'GET .*linux-6.12.60.tar.xz 200 bytes=[0-9]+-$')" = 1 ]
	cmp "$KSRV/tree/noise" "$T/src/linux-6.12.60/noise"
	faults '*/linux-6.12.61.tar.xz cut 1' '*/linux-6.12.61.tar.xz changed'
	run -0 --separate-stderr "$F" tarball 6.12.61 --into "$T/src"
	cmp "$KSRV/tree/noise" "$T/src/linux-6.12.61/noise"
}

@test "tarball: a part that is damaged is noticed by the sum, and the whole is fetched once more" {
	big_tree
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz cut'
	KTSTR_NET_RETRIES=0 run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	printf 'XX' | dd of="$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz.part" bs=1 seek=1000 conv=notrunc status=none
	faults
	: >"$KSRV/log"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"perhaps by its first part: getting it anew"* ]]
	[ "$(grep 'GET .*linux-6.12.60' "$KSRV/log" | cut -d' ' -f3 | xargs)" = "206 200" ]
	cmp "$KSRV/tree/noise" "$T/src/linux-6.12.60/noise"
}

@test "tarball: 404 is not tried again, and names the newest of the series" {
	releases "${RELEASES[@]}"
	versions 6.12.60
	run -1 --separate-stderr "$F" tarball 6.12.99 --into "$T/src"
	[ -z "$output" ]
	[[ $stderr == *"there is no '$KURL/cdn/v6.x/linux-6.12.99.tar.xz': the newest of 6.12 is 6.12.60"* ]]
	[ "$(requests 'linux-6.12.99')" = 1 ]
	nothing_left "$T/src"
	nothing_left "$KTSTR_CACHE_DIR/downloads"
	# Listed among the sums, and gone all the same.
	faults '*/linux-6.12.60.tar.xz 404'
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"there is no '"*"the newest of 6.12 is 6.12.60"* ]]
	[ "$(requests 'linux-6.12.60')" = 1 ]
	faults '* 404'
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"there is no '$KURL/cdn/v6.x/linux-6.12.60.tar.xz'" ]]
}

@test "tarball: 500, a reset and 503 are tried again with pauses that grow; when they last, that is said" {
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz 500 1' '*/linux-6.12.60.tar.xz reset 1'
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"the server says 500; trying again in 500ms"* ]]
	[[ $stderr == *"; trying again in 1s"* ]]
	faults '*/sha256sums.asc 503'
	: >"$KSRV/log"
	KTSTR_NET_RETRIES=1 run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ ${stderr_lines[-1]} == "kt-kernel-fetch: get '$KURL/cdn/v6.x/sha256sums.asc': the server says 503" ]]
	[ "$(requests sha256sums)" = 2 ]
}

@test "tarball: a body that stalls ends in time, is taken up, and in the end given up; a slow one is not" {
	big_tree
	versions 6.12.60 6.12.61
	faults '*/linux-6.12.60.tar.xz stall 1' '*/linux-6.12.61.tar.xz stall'
	export KTSTR_NET_STALL=300ms
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"nothing came for 300ms; trying again"* ]]
	[ "$(requests 'GET .*linux-6.12.60.tar.xz 206 ')" = 1 ]
	local start=$SECONDS
	KTSTR_NET_RETRIES=1 run -1 --separate-stderr "$F" tarball 6.12.61 --into "$T/src"
	[[ ${stderr_lines[-1]} == *"linux-6.12.61.tar.xz': nothing came for 300ms" ]]
	[ $((SECONDS - start)) -lt 15 ]
	[ "$(ls -A "$T/src")" = linux-6.12.60 ]
	faults '*/sha256sums.asc silent'
	KTSTR_NET_RETRIES=0 run -1 --separate-stderr "$F" tarball 6.12.61 --into "$T/src"
	[[ $stderr == *"sha256sums.asc': nothing came for 300ms"* ]]
	rm -r "$KSRV/tree"
	mkdir "$KSRV/tree"
	cp -a tests/standin-tree/. "$KSRV/tree"
	head -c 20000 /dev/urandom >"$KSRV/tree/noise"
	rm -r "$KTSTR_CACHE_DIR/downloads"
	faults '*/linux-6.12.61.tar.xz slow'
	export KTSTR_NET_STALL=10s
	run -0 --separate-stderr "$F" tarball 6.12.61 --into "$T/src"
	[ "$(requests 'GET .*linux-6.12.61.tar.xz 200 -')" -ge 1 ]
}

@test "tarball: a page of HTML in place of an archive is refused, as are a body that is too long to be true and a wrong place" {
	versions 6.12.60 6.15-rc3
	faults '*/linux-* html'
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"a page of HTML came instead of an archive"* ]]
	run -1 --separate-stderr "$F" tarball 6.15-rc3 --into "$T/src"
	[[ $stderr == *"a page of HTML came instead of an archive"* ]]
	[ "$(requests linux-6)" = 2 ]
	nothing_left "$T/src"
	faults "*/linux-6.12.60.tar.xz redirect=file:///etc/passwd"
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ -z "$output" ]
	[[ $stderr == *"Protocol"*"file"* ]]
	faults "*/linux-6.12.60.tar.xz redirect=$KURL/cdn/v6.x/linux-6.12.60.tar.xz"
	run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[[ $stderr == *"redirects"* ]]
	faults
	"$F" -q tarball 6.12.60 --into "$T/src" >/dev/null
	cp "$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz" "$KSRV/files/moved"
	rm -r "$KTSTR_CACHE_DIR/downloads"
	faults "*/linux-6.12.60.tar.xz redirect=$KURL/files/moved"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
}

@test "tarball: an archive with an evil entry is refused by name, and nothing of it is kept anywhere" {
	versions 6.12.60
	mkdir "$T/src"
	local kind
	for kind in dotdot absolute symlink symlink-inside through hardlink device outside other; do
		faults "*/linux-6.12.60.tar.xz $kind"
		run -1 --separate-stderr "$F" tarball 6.12.60 --into "$T/src/deep"
		[ -z "$output" ]
		case $kind in
		dotdot) [[ $stderr == *"of its entry 'linux-6.12.60/sub/../../../evil', its path has '..'"* ]] ;;
		absolute) [[ $stderr == *"its path is absolute"* ]] ;;
		symlink) [[ $stderr == *"it is a link that leads out of the tree"* ]] ;;
		symlink-inside) [[ $stderr == *"it is a link with '..' behind a name"* ]] ;;
		through) [[ $stderr == *"linux-6.12.60/link/evil"* ]] ;;
		hardlink) [[ $stderr == *"it is a hard link to something outside of the tree"* ]] ;;
		device) [[ $stderr == *"it is neither a file nor a directory nor a link"* ]] ;;
		outside) [[ $stderr == *"it is outside of the directory that the others are in"* ]] ;;
		other) [[ $stderr == *"holds 'other', not 'linux-6.12.60'"* ]] ;;
		esac
		nothing_left "$T/src/deep"
		nothing_left "$KTSTR_CACHE_DIR/downloads"
		[ -z "$(find "$T" -name evil)" ]
	done
}

@test "tarball: what is no archive, or one that ends too early, is refused" {
	versions 6.15-rc3
	run -0 --separate-stderr "$F" tarball 6.15-rc3 --into "$T/src" --downloads "$T/d"
	head -c 300 "$T/d/linux-6.15-rc3.tar.gz" >"$T/cut"
	mv "$T/cut" "$T/d/linux-6.15-rc3.tar.gz"
	rm -r "$T/src"
	run -1 --separate-stderr "$F" tarball 6.15-rc3 --into "$T/src" --downloads "$T/d"
	[[ $stderr == *"unpack "*"linux-6.15-rc3.tar.gz'"* ]]
	nothing_left "$T/src"
	nothing_left "$T/d"
	echo hello >"$T/d/linux-6.15-rc3.tar.gz"
	run -1 --separate-stderr "$F" tarball 6.15-rc3 --into "$T/src" --downloads "$T/d"
	nothing_left "$T/src"
	run -0 --separate-stderr "$F" tarball 6.15-rc3 --into "$T/src" --downloads "$T/d"	# and the next time it works
}

@test "tarball: ended by a signal at any moment it leaves a part at most, and the next one works" {
	big_tree
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz stall'
	local signal pid i
	for signal in INT TERM HUP KILL; do
		"$F" tarball 6.12.60 --into "$T/src" >"$T/out" 2>"$T/err" &
		pid=$!
		for i in $(seq 500); do
			[ -s "$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz.part" ] && break
			read -rt 0.02 <>"$KSRV/never" || true
		done
		kill -$signal $pid
		wait $pid && return 1
		[ $? -eq $((128 + $(kill -l $signal))) ]
		[ ! -s "$T/out" ]
		[ $signal = KILL ] || nothing_left "$T/src"
		for i in $(seq 500); do	# its child goes with it, and the lock with that
			flock -n "$KTSTR_CACHE_DIR/downloads/linux-6.12.60.tar.xz.part" true && break
			read -rt 0.02 <>"$KSRV/never" || true
		done
		[ "$(ls -A "$KTSTR_CACHE_DIR/downloads" | xargs)" = "linux-6.12.60.tar.xz.part linux-6.12.60.tar.xz.part.from" ]
	done
	faults
	: >"$KSRV/log"
	run -0 --separate-stderr "$F" tarball 6.12.60 --into "$T/src"
	[ "$(requests 'GET .*linux-6.12.60.tar.xz 206 ')" = 1 ]
	[ "$(ls -A "$T/src")" = linux-6.12.60 ]	# what the killed one had left is gone
	cmp "$KSRV/tree/noise" "$T/src/linux-6.12.60/noise"
}

@test "tarball: killed 25 times while it unpacks, a tree is whole or not there" {
	mkdir -p "$KSRV/tree"
	cp -a tests/standin-tree/. "$KSRV/tree"
	(cd "$KSRV/tree" && mkdir many && cd many && seq 3000 | split -l 1 -a 4 -)
	versions 6.12.60
	"$F" -q tarball 6.12.60 --into "$T/whole" >/dev/null
	local i whole=0 none=0
	for i in $(seq 25); do
		rm -rf "$T/src/linux-6.12.60"
		timeout -s KILL "0.0$((RANDOM % 90 + 10))" "$F" -q tarball 6.12.60 --into "$T/src" >"$T/out" || true
		if [ -e "$T/src/linux-6.12.60" ]; then
			diff -r "$T/whole/linux-6.12.60" "$T/src/linux-6.12.60"
			whole=$((whole + 1))
		else
			none=$((none + 1))
		fi
	done
	echo "$whole whole, $none not there"
	[ "$none" -gt 0 ]
	"$F" -q tarball 6.12.60 --into "$T/src" >/dev/null
	diff -r "$T/whole/linux-6.12.60" "$T/src/linux-6.12.60"
	[ "$(ls -A "$T/src")" = linux-6.12.60 ]
}

@test "tarball: of two at once one downloads, and both unpack" {
	mkdir "$KSRV/tree"
	cp -a tests/standin-tree/. "$KSRV/tree"
	head -c 30000 /dev/urandom >"$KSRV/tree/noise"
	versions 6.12.60
	faults '*/linux-6.12.60.tar.xz slow'
	"$F" tarball 6.12.60 --into "$T/1" >"$T/out1" 2>"$T/err1" &
	"$F" tarball 6.12.60 --into "$T/2" >"$T/out2" 2>"$T/err2" &
	wait
	jq -es 'any(.[]; .type == "source")' "$T/out1"
	jq -es 'any(.[]; .type == "source")' "$T/out2"
	[ "$(requests 'GET .*linux-6.12.60')" = 1 ]
	grep -q 'waiting for another download of linux-6.12.60.tar.xz' "$T/err1" "$T/err2"
	diff -r "$T/1" "$T/2"
}

@test "progress: drawn in place on a terminal, nothing with -q" {
	big_tree
	versions 6.12.60
	command -v script >/dev/null || skip "needs script(1)"
	script -qec "'$F' tarball 6.12.60 --into '$T/src'" "$T/typescript" </dev/null >"$T/tty"
	grep -q $'\r.*getting linux-6.12.60.tar.xz: [0-9]*% of .* kB' "$T/tty"
	grep -q $'\r\033\[K' "$T/tty"
	run -0 --separate-stderr "$F" -q tarball 6.12.60 --into "$T/src"
	[ -z "$stderr" ]
}
