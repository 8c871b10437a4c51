#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel-fetch apt-source, deb: packages of a distribution.
# tests/kernel-server is kernel.org here.
load lib.bash
load kernel-fetch.bash

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
