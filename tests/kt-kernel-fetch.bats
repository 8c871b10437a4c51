#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel-fetch: which version a word means, tarballs, git repositories, packages of sources.
# tests/kernel-server is kernel.org here.
load lib.bash
load kernel-server.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_CACHE_DIR=$T/cache
	F=$KTSTR_BUILD/libexec/ktstr/kt-kernel-fetch
	set -o pipefail
	[[ $BATS_TEST_DESCRIPTION == *"no server"* ]] || kernel_server
}

teardown() {
	kernel_server_end
}

# valid TYPE... - $output is a stream of these
valid() {
	local need=kt-kernel-fetch.meta,kt-kernel-fetch.end t
	for t; do
		need=$need,kt-kernel-fetch.$t
	done
	tests/schema/validate.py --mutate --need "$need" <<<"$output"
}

# get FILTER - of the records in $output that are neither meta nor end
get() {
	jq -rs "[.[] | select(.type != \"meta\" and .type != \"end\")] | $1" <<<"$output"
}

requests() { # PATTERN
	grep -cE "$1" "$KSRV/log" || true
}

# big_tree - a tree that does not become small
big_tree() {
	mkdir -p "$KSRV/tree"
	cp -a tests/standin-tree/. "$KSRV/tree"
	head -c 300000 /dev/urandom >"$KSRV/tree/noise"
}

# nothing_left DIR - no tree, no work directory
nothing_left() {
	[ ! -e "$1" ] || [ -z "$(ls -A "$1")" ]
}

RELEASES=(mainline:6.19-rc3 stable:6.18.4 stable:6.17.13:eol longterm:6.12.60 longterm:6.6.100 linux-next:next-20250101)

# ---- which version ----

@test "releases: a record for each row, and what is not a release is known to be none" {
	releases "${RELEASES[@]}"
	run -0 --separate-stderr "$F" releases
	valid release
	[ -z "$stderr" ]
	[ "$(get 'map(.moniker + " " + .version + " " + (.series // "-") + " " + (.eol | tostring)) | join(",")')" = \
		"mainline 6.19-rc3 6.19 false,stable 6.18.4 6.18 false,stable 6.17.13 6.17 true,longterm 6.12.60 6.12 false,longterm 6.6.100 6.6 false,linux-next next-20250101 - false" ]
	[ "$(head -n 1 <<<"$output" | jq .cached)" = false ]
}

@test "releases: a young copy is used without asking; an old one, one of another list, and one of tomorrow are not" {
	releases "${RELEASES[@]}"
	"$F" releases --max-age 1d >"$T/1"
	[ "$(requests releases.json)" = 1 ]
	run -0 --separate-stderr "$F" releases --max-age 1d
	[ "$(requests releases.json)" = 1 ]
	[ "$(head -n 1 <<<"$output" | jq .cached)" = true ]
	diff <(jq -c 'select(.type == "release")' "$T/1") <(jq -c 'select(.type == "release")' <<<"$output")
	touch -d '2 days ago' "$KTSTR_CACHE_DIR/releases.json"
	run -0 --separate-stderr "$F" releases --max-age 1d
	[ "$(requests releases.json)" = 2 ]
	touch -d tomorrow "$KTSTR_CACHE_DIR/releases.json"
	run -0 --separate-stderr "$F" releases --max-age 1d
	[ "$(requests releases.json)" = 3 ]
	cp "$KSRV/releases.json" "$KSRV/files/other.json"
	KTSTR_RELEASES_URL=$KURL/files/other.json run -0 --separate-stderr "$F" releases --max-age 1d
	[ "$(requests other.json)" = 1 ]
	run -0 --separate-stderr "$F" releases	# without --max-age it is always asked
	[ "$(requests releases.json)" = 4 ]
}

@test "releases: rows without a version are counted and dropped; what is no list is an error that says why" {
	echo '{"releases":[{"moniker":"stable","version":"6.18.4"},{"moniker":"stable"},{"version":7},null,{"moniker":"stable","version":"v6"}]}' >"$KSRV/releases.json"
	run -0 --separate-stderr "$F" releases
	valid release
	[ "$(get length)" = 1 ]
	[ "$(get '.[0].eol')" = null ]
	[[ $stderr == *"4 of 5 rows of "*" cannot be used"* ]]
	local text
	for text in '{"releases":{}}' '[]' '{' ''; do
		printf '%s' "$text" >"$KSRV/releases.json"
		run -1 --separate-stderr "$F" releases
		[ -z "$output" ]
		[[ $stderr == *"is no list of releases: "* ]]
	done
	rm "$KSRV/releases.json"
	run -1 --separate-stderr "$F" releases
	[[ $stderr == *"get the list of releases 'http"* ]]
}

@test "resolve: a version, a series, a major number; release candidates are only meant by name" {
	releases "${RELEASES[@]}" mainline:6.18
	run -0 --separate-stderr "$F" resolve 6.12
	valid version
	[ "$(get '.[0] | [.version, .moniker, .series, .eol] | join(" ")')" = "6.12.60 longterm 6.12 false" ]
	[ "$(get '.[0].url')" = "$KURL/cdn/v6.x/linux-6.12.60.tar.xz" ]
	run -0 --separate-stderr "$F" resolve 6
	[ "$(get '.[0].version')" = 6.18.4 ]
	run -0 --separate-stderr "$F" resolve 6.12.3
	[ "$(get '.[0] | [.version, .moniker, .eol] | map(tostring) | join(" ")')" = "6.12.3 null false" ]
	run -0 --separate-stderr "$F" resolve 6.19-rc3
	[ "$(get '.[0] | [.version, .moniker, .url] | join(" ")')" = "6.19-rc3 mainline $KURL/rc/linux-6.19-rc3.tar.gz" ]
	run -0 --separate-stderr "$F" resolve 6.18.0
	[ "$(get '.[0] | .version + " " + .url')" = "6.18 $KURL/cdn/v6.x/linux-6.18.tar.xz" ]
	[ "$(requests HEAD)" = 0 ]
}

@test "resolve: a series that has ended is found by asking for its tarballs, whatever is missing among them" {
	releases "${RELEASES[@]}"
	versions 6.14 6.14.{1..40} 6.14.43 6.13 5.0 5.1 5.1.1 6.20-rc1
	run -0 --separate-stderr "$F" resolve 6.14
	[ "$(get '.[0] | [.version, .moniker, .eol] | map(tostring) | join(" ")')" = "6.14.43 null true" ]
	[[ $stderr == *"no 6.14 among the releases that are maintained"* ]]
	[ "$(requests 'HEAD .*linux-6\.14\.43\.tar\.xz 200')" = 1 ]
	run -0 --separate-stderr "$F" resolve 6.13	# one that never had a point release
	[ "$(get '.[0].version')" = 6.13 ]
	run -0 --separate-stderr "$F" resolve 5
	[ "$(get '.[0].version')" = 5.1.1 ]
	run -1 --separate-stderr "$F" resolve 6.20
	[[ $stderr == *"there is no release 6.20 or 6.20.N"* ]]
	[ -z "$output" ]
}

@test "resolve: asking for tarballs is tried again, and a page of HTML is no tarball" {
	releases "${RELEASES[@]}"
	versions 6.14 6.14.1 6.14.2
	faults '/cdn/v6.x/linux-6.14.1.tar.xz 500 1' '/cdn/v6.x/linux-6.14.3.tar.xz html'
	run -0 --separate-stderr "$F" resolve 6.14
	[ "$(get '.[0].version')" = 6.14.2 ]
	[ "$(requests 'HEAD .*linux-6\.14\.1\.tar\.xz')" = 2 ]
	faults '/cdn/v6.x/linux-6.14.1.tar.xz 500'
	run -1 --separate-stderr "$F" resolve 6.14
	[[ $stderr == *"linux-6.14.1.tar.xz': the server says 500"* ]]
	[ -z "$output" ]
}

@test "resolve: a range has what is maintained in it, in order, and all of a series that ends it" {
	releases "${RELEASES[@]}" mainline:6.18 longterm:6.12.60
	run -0 --separate-stderr "$F" resolve 6.6.101..6.17
	valid version
	[ "$(get 'map(.version) | join(" ")')" = "6.12.60 6.17.13" ]
	run -0 --separate-stderr "$F" resolve 6.1..7.0
	[ "$(get 'map(.version) | join(" ")')" = "6.6.100 6.12.60 6.17.13 6.18.4" ]
	run -0 --separate-stderr "$F" resolve 6.12.60..6.17.12
	[ "$(get 'map(.version) | join(" ")')" = "6.12.60" ]
	run -0 --separate-stderr "$F" resolve 6.18..6.18
	[ "$(get 'map(.version) | join(" ")')" = "6.18.4" ]
	run -1 --separate-stderr "$F" resolve 6.7..6.11
	[[ $stderr == *"no stable or longterm release lies within 6.7..6.11"* ]]
	: >"$KSRV/log"
	run -2 --separate-stderr "$F" resolve 6.17..6.12
	[[ $stderr == *"swap them"* ]]
	[ ! -s "$KSRV/log" ]
}

@test "resolve: nothing given is the newest stable release that has had corrections, in whatever order they stand" {
	releases longterm:6.6.100 mainline:6.19 stable:6.18.9 stable:6.17.13:eol stable:6.19.3 longterm:6.12.60
	run -0 --separate-stderr "$F" resolve
	[ "$(get '.[0].version')" = 6.18.9 ]
	releases stable:6.18.7 longterm:6.12.60:eol
	run -0 --separate-stderr "$F" resolve	# an ended one if there is no other
	[ "$(get '.[0].version')" = 6.12.60 ]
	releases stable:6.18.7 mainline:6.19-rc3
	run -1 --separate-stderr "$F" resolve
	[[ $stderr == *"name a version"* ]]
}

@test "resolve: a certain version needs no list, anything else does" {
	faults '/releases.json 404'
	run -0 --separate-stderr "$F" resolve 6.12.3
	[ "$(get '.[0].eol')" = null ]
	run -1 --separate-stderr "$F" resolve 6.12
	[ -z "$output" ]
	[[ $stderr == *"get the list of releases"* ]]
}

@test "a wrong command line is status 2 and says what is wrong (no server)" {
	local args
	for args in '' frob 'releases x' 'resolve v6.12' 'resolve linux' 'resolve ./x' 'resolve 6..7' 'resolve 6.12..x' 'resolve 2.6.39' \
		'resolve 6.12.3.4' 'resolve 6.12 6.13' 'resolve 99999999999999999999' 'releases --max-age x' 'releases --max-age 1dd' \
		tarball 'tarball 6.12.3' 'tarball 6 --into x' 'tarball v6 --into x' 'tarball 2.6.39 --into x' \
		'tarball 6.12.3 --into x --suite y' 'tarball 6.12.3 --into=' 'git x --ref y' 'git x --into y' 'git-head x --ref -x' 'git-status' \
		'apt-source x --into y' 'apt-file x --state s --into i --package p --package-version v --release r' 'deb x frob --into y'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr "$F" $args
		[ -z "$output" ] && [ -n "$stderr" ]
	done
	[ ! -e x ]
	KTSTR_NET_STALL=soon run -1 --separate-stderr "$F" releases
	[[ $stderr == *"bad KTSTR_NET_STALL 'soon'"* ]]
	KTSTR_NET_RETRIES=-1 run -1 --separate-stderr "$F" releases
	[[ $stderr == *"bad KTSTR_NET_RETRIES '-1'"* ]]
}

@test "a full disk, or a reader that has gone, is status 1" {
	releases "${RELEASES[@]}"
	run -1 sh -c "'$F' releases >/dev/full"
	versions 6.12.3
	run -1 sh -c "'$F' -q tarball 6.12.3 --into '$T/src' >/dev/full"
}

# ---- tarballs ----

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

# ---- git ----

# repo - a repository with a branch, a light and a full tag, and a commit on no branch: $MAIN $NEXT $LOST
repo() {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org \
		GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
	git init -q -b main "$T/r"
	cp -a tests/standin-tree/. "$T/r"
	(
		cd "$T/r" || exit 1
		git add -A
		git commit -qm one
		git tag light
		git tag -a -m full v6.12
		git checkout -q -b sched_ext/for-next
		echo two >two
		git add two
		git commit -qm two
		git checkout -q --detach
		echo three >three
		git add three
		git commit -qm three
		git checkout -q main
		# A tag that is called like a branch: the branch is meant.
		git tag sched_ext/for-next main
	)
	MAIN=$(git -C "$T/r" rev-parse refs/heads/main)
	NEXT=$(git -C "$T/r" rev-parse refs/heads/sched_ext/for-next)
	LOST=$(git -C "$T/r" rev-parse "HEAD@{1}")
	git clone -q --mirror "$T/r" "$KSRV/git/linux.git"
	git -C "$KSRV/git/linux.git" fetch -q "$T/r" "$LOST" 2>/dev/null ||
		git -C "$T/r" push -q "$KSRV/git/linux.git" "$LOST:refs/hidden/x"
	git -C "$KSRV/git/linux.git" config transfer.hideRefs refs/hidden
	URL=$KURL/git/linux.git
}

@test "git-head: branches with slashes, tags down to their commit, full names and commits, without cloning" {
	repo
	local ref want
	while read -r ref want; do
		run -0 --separate-stderr "$F" git-head "$URL" --ref "$ref"
		valid ref
		[ "$(get '.[0] | .ref + " " + .commit')" = "$ref $want" ]
	done <<-END
		main $MAIN
		sched_ext/for-next $NEXT
		light $MAIN
		v6.12 $MAIN
		refs/tags/v6.12 $MAIN
		refs/tags/sched_ext/for-next $MAIN
		refs/heads/sched_ext/for-next $NEXT
		HEAD $MAIN
		$NEXT $NEXT
		$LOST $LOST
	END
	run -1 --separate-stderr "$F" git-head "$URL" --ref for-next
	[[ $stderr == *"has no branch or tag 'for-next'"* ]]
	run -1 --separate-stderr "$F" git-head "$URL" --ref "${MAIN:0:12}"
	run -1 --separate-stderr "$F" git-head "$KURL/git/none.git" --ref main
	[[ $stderr == *"404"* ]]
	[ "$(requests git-upload-pack\$)" = 0 ]	# nothing was ever fetched
}

@test "git: a branch, a tag and a commit are checked out, with their commit in the record" {
	repo
	local ref want
	while read -r ref want; do
		run -0 --separate-stderr "$F" git "$URL" --ref "$ref" --into "$T/src"
		valid source
		[ "$(get '.[0] | [.kind, .ref, .commit, .url, .dir] | join(" ")')" = "git $ref $want $URL $T/src/linux" ]
		[ "$(git -C "$T/src/linux" rev-parse HEAD)" = "$want" ]
		[ -z "$(git -C "$T/src/linux" status --porcelain)" ]
		diff -r --exclude .git --exclude two tests/standin-tree "$T/src/linux"
		[ "$(ls -A "$T/src")" = linux ]
	done <<-END
		main $MAIN
		sched_ext/for-next $NEXT
		v6.12 $MAIN
		$NEXT $NEXT
	END
	[ "$(get '.[0].verified_by')" = commit ]	# the last was named by what it is
	[ "$(sed -n 's/^kt-kernel-fetch: \([a-z]*\) .*/\1/p' <<<"$stderr" | xargs)" = "getting checking" ]
	[ ! -e "$KTSTR_CACHE_DIR/downloads" ]
}

@test "git: a commit that is on no branch comes if the server gives it, else that is said" {
	repo
	run -1 --separate-stderr "$F" git "$URL" --ref "$LOST" --into "$T/src"
	[[ $stderr == *"does not give a commit by its number: getting all branches"* ]]
	[ -z "$output" ]
	nothing_left "$T/src"
	git -C "$KSRV/git/linux.git" config uploadpack.allowAnySHA1InWant true
	run -0 --separate-stderr "$F" git "$URL" --ref "$LOST" --into "$T/src"
	[ "$(get '.[0].commit')" = "$LOST" ]
	[ "$(cat "$T/src/linux/three")" = three ]
}

@test "git: a repository of this machine, by path and by URL" {
	repo
	local url
	for url in "file://$T/r" "$T/r"; do
		run -0 --separate-stderr "$F" git "$url" --ref sched_ext/for-next --into "$T/src"
		[ "$(get '.[0] | .commit + " " + .url')" = "$NEXT $url" ]
	done
	cd "$T"
	run -0 --separate-stderr "$F" git-head r --ref v6.12
	[ "$(get '.[0].url')" = "$T/r" ]
}

@test "git: a server that fails is tried again, one that says nothing is left in time, and no clone remains" {
	repo
	faults '/git/* 503 1'
	run -0 --separate-stderr "$F" git "$URL" --ref main --into "$T/src"
	[[ $stderr == *"503; trying again in 1s"* ]]
	rm -r "$T/src"
	faults '*/git-upload-pack silent'
	local start=$SECONDS
	KTSTR_NET_STALL=500ms run -1 --separate-stderr "$F" git "$URL" --ref main --into "$T/src"
	[ $((SECONDS - start)) -lt 15 ]
	[[ $stderr == *"the git server has sent nothing for too long"* ]]
	[ -z "$output" ]
	nothing_left "$T/src"
	faults '/git/* html'
	run -1 --separate-stderr "$F" git "$URL" --ref main --into "$T/src"
	nothing_left "$T/src"
	faults '*/git-upload-pack silent'
	local pid i
	"$F" git "$URL" --ref main --into "$T/src" >"$T/out" 2>"$T/err" &
	pid=$!
	for i in $(seq 500); do
		grep -q 'POST .*git-upload-pack 0' "$KSRV/log" && break
		read -rt 0.02 <>"$KSRV/never" || true
	done
	kill -INT $pid
	wait $pid && return 1
	nothing_left "$T/src"
}

@test "git-status: the commit of a tree, and whether a tracked file was changed; a tree that merely lies in a repository has none" {
	repo
	status() {
		run -0 --separate-stderr "$F" git-status "$1"
		valid tree >/dev/null
		get '.[0] | [.git, .commit, .dirty] | map(tostring) | join(" ")'
	}
	[ "$(status "$T/r")" = "true $MAIN false" ]
	[ "$(status "$T/r/scripts")" = "true $MAIN false" ]
	echo new >"$T/r/untracked"
	[ "$(status "$T/r")" = "true $MAIN false" ]
	git -C "$T/r" add untracked
	[ "$(status "$T/r")" = "true $MAIN true" ]
	git -C "$T/r" rm -q --cached untracked
	echo more >>"$T/r/Kconfig"
	[ "$(status "$T/r")" = "true $MAIN true" ]
	[ "$(status "$T/r/scripts")" = "true $MAIN false" ]
	git -C "$T/r" checkout -q .
	touch -d '1 hour ago' "$T/r/Kconfig"	# another time, the same contents
	[ "$(status "$T/r")" = "true $MAIN false" ]
	chmod +x "$T/r/Kconfig"
	[ "$(status "$T/r")" = "true $MAIN true" ]
	chmod -x "$T/r/Kconfig"
	rm "$T/r/Kconfig"
	[ "$(status "$T/r")" = "true $MAIN true" ]
	git -C "$T/r" checkout -q .
	git -C "$T/r" worktree add -q "$T/wt" sched_ext/for-next
	[ "$(status "$T/wt")" = "true $NEXT false" ]
	mkdir "$T/r/unpacked"
	cp -a tests/standin-tree/. "$T/r/unpacked"
	[ "$(status "$T/r/unpacked")" = "false null null" ]
	git init -q "$T/empty"
	[ "$(status "$T/empty")" = "false null null" ]
	[ "$(status "$T")" = "false null null" ]
	run -1 --separate-stderr "$F" git-status "$T/absent"
	[ -z "$output" ]
}

# ---- packages ----

# deb NAME VERSION DIR - a package of all that is in DIR, in $KSRV/files/pool, and its stanza in $T/Packages
deb() {
	local d=$T/deb pool=$KSRV/files/pool
	mkdir -p "$d" "$pool"
	(cd "$3" && tar --owner=0 --group=0 -cJf "$d/data.tar.xz" ./*)
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDescription: a test\n' "$1" "$2" >"$d/control"
	(cd "$d" && tar -cJf control.tar.xz ./control && echo 2.0 >debian-binary && rm -f "$pool/$1-$2.deb" &&
		ar rc "$pool/$1-$2.deb" debian-binary control.tar.xz data.tar.xz)
	{
		cat "$d/control"
		echo "Filename: pool/$1-$2.deb"
		echo "Size: $(stat -c %s "$pool/$1-$2.deb")"
		echo "SHA256: $(sha256sum <"$pool/$1-$2.deb" | cut -d' ' -f1)"
		echo
	} >>"$T/Packages"
}

# archive - lists of what deb has made, for apt
archive() {
	if ! command -v apt-get >/dev/null || [ "$(uname -m)" != x86_64 ]; then
		skip "needs apt-get on x86_64"
	fi
	local d=$KSRV/files/dists/test
	mkdir -p "$d/main/binary-amd64"
	cp "$T/Packages" "$d/main/binary-amd64/Packages"
	printf 'Origin: Test\nSuite: test\nCodename: test\nArchitectures: amd64\nComponents: main\nDate: %s\nSHA256:\n %s %s main/binary-amd64/Packages\n' \
		"$(date -uR)" "$(sha256sum <"$T/Packages" | cut -d' ' -f1)" "$(stat -c %s "$T/Packages")" >"$d/Release"
	export KTSTR_APT_URI=$KURL/files KTSTR_APT_TRUSTED=yes
}

# sources VERSION - the package linux-source-9.1 in a version, with the stand-in tree
sources() {
	rm -rf "$T/pkg"
	mkdir -p "$T/pkg/usr/src" "$T/pkg/usr/share/doc" "$T/tree/linux-source-9.1"
	cp -a tests/standin-tree/. "$T/tree/linux-source-9.1"
	echo "$1" >"$T/tree/linux-source-9.1/packaged"
	tar -C "$T/tree" -cJf "$T/pkg/usr/src/linux-source-9.1.tar.xz" linux-source-9.1
	deb linux-source-9.1 "$1" "$T/pkg"
}

@test "apt-source: the newest of a package of sources, fetched by apt, and what is in it unpacked" {
	sources 9.1.9-1
	sources 9.1.10-1
	archive
	run -0 --separate-stderr "$F" apt-source-list linux-source-9.1 --suite test --state "$T/apt"
	valid package
	[ "$(get '.[0] | .package + " " + .version')" = "linux-source-9.1 9.1.10-1" ]
	[ "$(get '.[0].bytes')" = "$(stat -c %s "$KSRV/files/pool/linux-source-9.1-9.1.10-1.deb")" ]
	[ "$(requests '\.deb')" = 0 ]
	: >"$KSRV/log"
	run -0 --separate-stderr "$F" apt-source linux-source-9.1 --suite test --package-version 9.1.10-1 --state "$T/apt" --into "$T/src"
	valid source
	[ "$(requests Release)" = 0 ]	# the lists are there already
	[ "$(get '.[0] | [.kind, .package, .package_version, .verified, .verified_by, .dir] | map(tostring) | join(" ")')" = \
		"package linux-source-9.1 9.1.10-1 true apt $T/src/linux-source-9.1" ]
	[ "$(get '.[0].sha256')" = "$(sha256sum <"$KSRV/files/pool/linux-source-9.1-9.1.10-1.deb" | cut -d' ' -f1)" ]
	[ "$(cat "$T/src/linux-source-9.1/packaged")" = 9.1.10-1 ]
	diff -r --exclude packaged tests/standin-tree "$T/src/linux-source-9.1"
	[ "$(ls -A "$T/src")" = linux-source-9.1 ]
	run -0 --separate-stderr "$F" -q apt-source linux-source-9.1 --suite test --package-version 9.1.9-1 --state "$T/apt" --into "$T/src"
	[ "$(cat "$T/src/linux-source-9.1/packaged")" = 9.1.9-1 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr "$F" -q apt-source linux-source-9.1 --suite test --state "$T/apt" --into "$T/src"
	[ "$(cat "$T/src/linux-source-9.1/packaged")" = 9.1.10-1 ]
}

@test "apt-source: a package that is not there, without sources, damaged, or with an evil archive is refused" {
	sources 9.1.9-1
	mkdir -p "$T/none/usr/share"
	echo x >"$T/none/usr/share/x"
	deb linux-source-9.2 9.2-1 "$T/none"
	mkdir -p "$T/evil/usr/src" "$T/evil.tree/top"
	ln -s ../../etc "$T/evil.tree/top/link"
	tar -C "$T/evil.tree" -cJf "$T/evil/usr/src/linux-source-9.3.tar.xz" top
	deb linux-source-9.3 9.3-1 "$T/evil"
	archive
	run -1 --separate-stderr "$F" apt-source linux-source-9 --suite test --state "$T/apt" --into "$T/src"
	[[ $stderr == *"there is no package 'linux-source-9' in suite test"* ]]
	run -1 --separate-stderr "$F" apt-source linux-source-9.1 --suite test --package-version 9.1.8-1 --state "$T/apt" --into "$T/src"
	[[ $stderr == *"there is no package 'linux-source-9.1' of version '9.1.8-1'"* ]]
	run -1 --separate-stderr "$F" apt-source linux-source-9.2 --suite test --state "$T/apt" --into "$T/src"
	[[ $stderr == *"holds no archive of sources in usr/src"* ]]
	run -1 --separate-stderr "$F" apt-source linux-source-9.3 --suite test --state "$T/apt" --into "$T/src"
	[[ $stderr == *"of its entry 'top/link', it is a link that leads out of the tree"* ]]
	printf XXXXXXXXXXXXXXXX | dd of="$KSRV/files/pool/linux-source-9.1-9.1.9-1.deb" bs=1 seek=300 conv=notrunc status=none
	run -1 --separate-stderr "$F" apt-source linux-source-9.1 --suite test --state "$T/apt" --into "$T/src"
	[[ $stderr == *"Hash Sum mismatch"* ]]
	[ -z "$output" ]
	nothing_left "$T/src"
}

@test "deb: image and configuration out of a package, old and new layout, and of the release that is named (no server)" {
	KSRV=$T/k
	mkdir -p "$T/p/boot" "$T/p/usr/lib/modules/9.2-x" "$T/p/lib/modules/9.3" "$T/into"
	echo old >"$T/p/boot/vmlinuz-9.1-x"
	echo config >"$T/p/boot/config-9.1-x"
	echo new >"$T/p/usr/lib/modules/9.2-x/vmlinuz"
	ln -s /etc/passwd "$T/p/boot/vmlinuz-9.4"
	deb kernel 1 "$T/p"
	local d=$KSRV/files/pool/kernel-1.deb
	run -0 --separate-stderr "$F" deb "$d" image --into "$T/into" --release 9.2-x
	valid file
	[ "$(get '.[0] | [.what, .release, .path] | join(" ")')" = "image 9.2-x $T/into/bzImage" ]
	[ "$(cat "$T/into/bzImage")" = new ]
	rm "$T/into/bzImage"
	run -0 --separate-stderr "$F" deb "$d" image --into "$T/into"
	[ "$(get '.[0].release')" = 9.1-x ]
	[ "$(cat "$T/into/bzImage")" = old ]
	run -0 --separate-stderr "$F" deb "$d" config --into "$T/into"
	[ "$(cat "$T/into/config")" = config ]
	rm "$T/into"/*
	run -1 --separate-stderr "$F" deb "$d" image --into "$T/into" --release 9.4
	[[ $stderr == *"holds no kernel of release 9.4"* ]]
	run -1 --separate-stderr "$F" deb "$T/Packages" image --into "$T/into"
	[[ $stderr == *"unpack '$T/Packages': "* ]]
	run -1 --separate-stderr "$F" deb "$T/absent" image --into "$T/into"
	nothing_left "$T/into"
}
