# SPDX-License-Identifier: GPL-2.0-or-later
# For bats files about kt-kernel: files that pass for kernels, packages of them, an archive on loopback,
# entries of the cache. The test's directory is $T. serve_end belongs in teardown.

# image FILE RELEASE - a bzImage's header, and nothing that would run
image() {
	head -c 4096 /dev/zero >"$1"
	printf '\125\252' | dd of="$1" bs=1 seek=$((0x1fe)) conv=notrunc status=none
	printf 'HdrS\017\002' | dd of="$1" bs=1 seek=$((0x202)) conv=notrunc status=none
	printf '\200\000\000\001' | dd of="$1" bs=1 seek=$((0x20e)) conv=notrunc status=none
	printf '%s (builder@host) #1 SMP' "$2" | dd of="$1" bs=1 seek=$((0x280)) conv=notrunc status=none
}

# config FILE [OPTION...] - a configuration with all that ktstr needs but these
config() {
	local to=$1 o
	shift
	image "$T/any" 1.0
	rm -f "$T/config"
	kt-kernel check "$T/any" | jq -r 'select(.type == "need") | "\(.option)=y"' >"$to"
	for o; do
		sed -i "s/^CONFIG_$o=y/# CONFIG_$o is not set/" "$to"
	done
}

# deb PACKAGE VERSION DIR - DIR as a package in the archive
deb() {
	mkdir -p "$T/www/pool" "$T/deb"
	(cd "$3" && tar --owner=0 --group=0 -cJf "$T/deb/data.tar.xz" ./*)
	printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: Nobody <n@example.org>\nDescription: a test\n' \
		"$1" "$2" >"$T/deb/control"
	(cd "$T/deb" && tar -cJf control.tar.xz ./control && echo 2.0 >debian-binary &&
		rm -f "$T/www/pool/$1.deb" && ar rc "$T/www/pool/$1.deb" debian-binary control.tar.xz data.tar.xz)
	{
		cat "$T/deb/control"
		echo "Filename: pool/$1.deb"
		echo "Size: $(stat -c %s "$T/www/pool/$1.deb")"
		echo "SHA256: $(sha256sum <"$T/www/pool/$1.deb" | cut -d' ' -f1)"
		echo
	} >>"$T/Packages"
}

# kernel RELEASE VERSION [OPTION...] - the two packages of a kernel that lacks these options
kernel() {
	local r=$1 v=$2
	shift 2
	rm -rf "$T/tree"
	mkdir -p "$T/tree/usr/lib/modules/$r"
	config "$T/tree/usr/lib/modules/$r/config" "$@"
	deb "linux-base-$r" "$v" "$T/tree"
	rm "$T/tree/usr/lib/modules/$r/config"
	image "$T/tree/usr/lib/modules/$r/vmlinuz" "$r"
	deb "linux-binary-$r" "$v" "$T/tree"
}

# serve [SUITE] - the archive's lists, and a server for it
serve() {
	local suite=${1:-test}
	local d=$T/www/dists/$suite
	# Each a minute younger than the one before: HTTP compares dates by the second.
	SERVED=$((${SERVED:-$(date +%s) - 3600} + 60))
	mkdir -p "$d/main/binary-amd64"
	cp "$T/Packages" "$d/main/binary-amd64/Packages"
	(
		cd "$d" || exit
		echo 'Origin: Test'
		echo "Suite: $suite"
		echo "Codename: $suite"
		echo 'Architectures: amd64'
		echo 'Components: main'
		echo "Date: $(date -uR -d "@$SERVED")"
		echo 'SHA256:'
		echo " $(sha256sum <main/binary-amd64/Packages | cut -d' ' -f1) $(stat -c %s main/binary-amd64/Packages) main/binary-amd64/Packages"
	) >"$d/Release.new"
	touch -d "@$SERVED" "$d/Release.new"
	mv "$d/Release.new" "$d/Release"
	[ -z "${SERVER-}" ] || return 0
	mkfifo "$T/port"
	/usr/bin/python3 - "$T/www" "$T/log" >"$T/port" 3>&- <<-'END' &
	import functools, http.server, sys
	class H(http.server.SimpleHTTPRequestHandler):
	    def log_message(self, form, *args):
	        with open(sys.argv[2], "a") as f:
	            f.write(form % args + "\n")
	s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(H, directory=sys.argv[1]))
	print(s.server_address[1], flush=True)
	sys.stdout.close()
	s.serve_forever()
	END
	SERVER=$!
	read -r port <"$T/port"
	export KTSTR_APT_URI=http://127.0.0.1:$port KTSTR_APT_TRUSTED=yes
	unset http_proxy https_proxy
}

needs_apt() {
	if ! command -v apt-get >/dev/null || [ "$(uname -m)" != x86_64 ]; then
		skip "needs apt-get on x86_64"
	fi
}

get() {
	kt-kernel get --suite test "$@"
}

record() { # FILTER
	jq -ers ".[] | select(.type == \"kernel\") | $1"
}

serve_end() {
	[ -z "${SERVER-}" ] || kill "$SERVER" 2>/dev/null || true
}

# entry KEY RELEASE BUILT [OPTION...] - an entry of the cache, as get would make it
entry() {
	local d=$KTSTR_CACHE_DIR/kernels/$1 r=$2 b=$3
	shift 3
	mkdir -p "$d"
	image "$d/bzImage" "$r"
	config "$d/config" "$@"
	jq -cn --arg r "$r" --arg b "$b" --arg sum "$(sha256sum <"$d/bzImage" | cut -d' ' -f1)" \
		--argjson n "$(stat -c %s "$d/bzImage")" --arg csum "$(sha256sum <"$d/config" | cut -d' ' -f1)" \
		--argjson cn "$(stat -c %s "$d/config")" \
		'{schema: 1, version: $r, source: "apt", arch: "x86_64", suite: "s", flavour: "f", package: "p",
		  package_version: "1", image: "bzImage", files: {bzImage: {bytes: $n, sha256: $sum},
		  config: {bytes: $cn, sha256: $csum}}, built: $b}' \
		>"$d/metadata.json"
}
