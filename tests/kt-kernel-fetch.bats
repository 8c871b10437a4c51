#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel-fetch: which version a word means, and its command line. Tarballs, git repositories and packages of
# sources have a file each. tests/kernel-server is kernel.org here.
load lib.bash
load kernel-fetch.bash


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
