#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel: what it takes for a kernel, and getting one from an archive on loopback or a package.
load lib.bash
unset KTSTR_KERNEL # the kernels here are the tests' own
load kernel-archive.bash

setup() {
	T=$BATS_TEST_TMPDIR
	export KTSTR_CACHE_DIR=$T/cache
	set -o pipefail
}

teardown() {
	serve_end
}

@test "get: the newest kernel comes from the archive into the cache, whole, and fits its schema" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	kernel 7.0.10+x-cloud-amd64 7.0.10-1
	serve
	get >"$T/out" 2>"$T/err"
	tests/schema/validate.py --mutate --need kt-kernel.meta,kt-kernel.kernel,kt-kernel.end <"$T/out"
	[ "$(record .version <"$T/out")" = 7.0.10+x-cloud-amd64 ]
	[ "$(record '[.source, .sched_ext, .btf, .kprobes, .boots, .missing == [], .package_version] | map(tostring) | join(" ")' <"$T/out")" = \
		"apt true true true true true 7.0.10-1" ]
	local p
	p=$(record .path <"$T/out")
	[ "$(sha256sum <"$p" | cut -d' ' -f1)" = "$(record .sha256 <"$T/out")" ]
	[ "$(stat -c %s "$p")" = "$(record .bytes <"$T/out")" ]
	image "$T/same" 7.0.10+x-cloud-amd64
	cmp "$T/same" "$p"
	[ "$(ls -A "$(dirname "$p")" | xargs)" = "bzImage config metadata.json" ]
	jq -e '.schema == 1 and .sched_ext and .files.config.sha256' "$(dirname "$p")/metadata.json"
	[ "$(ls -A "$KTSTR_CACHE_DIR/kernels" | wc -l)" -eq 1 ]
	grep -q 'getting linux-binary-7.0.10' "$T/err"
}

@test "get: a second one asks nobody; --update does, and fetches only what is newer" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve
	get -q >"$T/1"
	: >"$T/log"
	run -0 --separate-stderr get
	[ -z "$stderr" ] && [ ! -s "$T/log" ]
	[ "$(record .why <<<"$output")" = "it is in the cache" ]
	get -q --update >"$T/2"
	grep -q Release "$T/log"
	run -1 grep -q '\.deb' "$T/log"
	kernel 7.1.0+x-cloud-amd64 7.1.0-1
	serve
	get -q --update >"$T/3"
	[ "$(record .version <"$T/3")" = 7.1.0+x-cloud-amd64 ]
	[ "$(kt-kernel list | record .version | xargs)" = "7.1.0+x-cloud-amd64 7.0.9+x-cloud-amd64" ]
}

@test "get: a kernel that lacks something is passed over with the reason, and its image not fetched" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	kernel 7.2.0+x-cloud-amd64 7.2.0-1 SCHED_CLASS_EXT VIRTIO_PCI
	serve
	run -0 --separate-stderr get
	[ "$(record .version <<<"$output")" = 7.0.9+x-cloud-amd64 ]
	[[ $stderr == *"7.2.0+x-cloud-amd64 lacks CONFIG_SCHED_CLASS_EXT=y (the sched_ext class)"* ]]
	[[ $stderr == *"7.2.0+x-cloud-amd64 lacks CONFIG_VIRTIO_PCI=y"* ]]
	run -1 grep -q 'linux-binary-7.2.0' "$T/log"
}

@test "get: no kernel that will do, and none at all, are failures that say so" {
	needs_apt
	kernel 7.2.0+x-cloud-amd64 7.2.0-1 SCHED_CLASS_EXT
	serve
	run -1 --separate-stderr get
	[[ $stderr == *"none of the newest 1 kernels of suite 'test' has what ktstr needs"* ]]
	[ -z "$output" ]
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
	run -1 --separate-stderr get --flavour rt-amd64
	[[ $stderr == *"suite 'test' has no kernel of flavour 'rt-amd64'"* ]]
	run -1 --separate-stderr kt-kernel get --suite absent
	[[ $stderr == *"404"* ]]
}

@test "get: a package that is not what the lists say is refused" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve
	local f=$T/www/pool/linux-binary-7.0.9+x-cloud-amd64.deb
	printf 'no such bytes' | dd of="$f" bs=1 seek=300 conv=notrunc status=none
	run -1 --separate-stderr get
	[[ $stderr == *"Hash Sum mismatch"* ]]
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
	rm "$f"
	run -1 --separate-stderr get
	[[ $stderr == *"404"* ]]
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
	run -1 kt-kernel path
}

@test "get: an archive without a signature is refused unless it is said to be trusted" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve
	KTSTR_APT_TRUSTED='' run -1 --separate-stderr get
	[ -z "$output" ]
	[[ $stderr == *"not signed"* ]]
	[ ! -e "$KTSTR_CACHE_DIR/kernels" ] || [ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
}

@test "get: a package with a kernel of another release, or none, is refused" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	image "$T/tree/usr/lib/modules/7.0.9+x-cloud-amd64/vmlinuz" 6.6.6
	: >"$T/Packages.new"
	grep -B100 -m1 '^$' "$T/Packages" >"$T/Packages.new"
	mv "$T/Packages.new" "$T/Packages"
	deb linux-binary-7.0.9+x-cloud-amd64 7.0.9-1 "$T/tree"
	serve
	run -1 --separate-stderr get
	[[ $stderr == *"holds kernel 6.6.6, not 7.0.9+x-cloud-amd64"* ]]
	[ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
}

@test "get: of several suites the first with a kernel that will do, and one that is not there is passed over" {
	needs_apt
	kernel 7.3.0+x-cloud-amd64 7.3.0-1 SCHED_CLASS_EXT
	serve old
	rm "$T/Packages"
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve new
	run -0 --separate-stderr kt-kernel get --suite absent --suite old,new
	[ "$(record '[.version, .suite, .why, .verified] | map(tostring) | join(" ")' <<<"$output")" = \
		"7.0.9+x-cloud-amd64 new it was fetched false" ]
	[[ $stderr == *"7.3.0+x-cloud-amd64 lacks CONFIG_SCHED_CLASS_EXT=y"* ]]
	[[ $stderr == *"none of the newest 1 kernels of suite 'old' has what ktstr needs"* ]]
	: >"$T/log"
	[ "$(kt-kernel get --suite old,new | record '.suite + ": " + .why')" = "new: it is in the cache" ]
	[ ! -s "$T/log" ]
	run -1 --separate-stderr kt-kernel get --suite old --suite absent
	[ -z "$output" ]
	[ "$(ls -A "$KTSTR_CACHE_DIR/kernels")" = 7.0.9-1-cloud-amd64-apt ]
}

@test "get FILE: a local package, with its configuration in another one; the same files are taken once" {
	needs_apt
	local r=7.0.9+x-cloud-amd64 d=$T/www/pool
	kernel $r 7.0.9-1
	mkdir "$T/away"
	mv "$d"/*.deb "$T/away"
	local image=$T/away/linux-binary-$r.deb base=$T/away/linux-base-$r.deb
	run -1 --separate-stderr kt-kernel get "$image"
	[[ $stderr == *"holds no configuration of a kernel of release $r"*"name the package with the configuration of $r"* ]]
	[ -z "$output" ] && [ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
	kt-kernel get "$image" "$base" >"$T/out"
	tests/schema/validate.py --mutate --need kt-kernel.kernel <"$T/out"
	[ "$(record '[.version, .source, .verified, .sched_ext, .why] | map(tostring) | join(" ")' <"$T/out")" = \
		"$r deb false true it was taken from a package" ]
	[[ $(record .key <"$T/out") =~ ^7\.0\.9\+x-cloud-amd64-[0-9a-f]{8}-deb$ ]]
	cp "$image" "$T/again.deb"
	[ "$(kt-kernel get "$T/again.deb" "$base" | record '.why')" = "it is in the cache" ]
	[ "$(kt-kernel path | record .source)" = deb ]
	# both in one, and one that cannot be booted
	rm -rf "$T/tree" && mkdir -p "$T/tree/boot"
	config "$T/tree/boot/config-6.1.2" SCHED_CLASS_EXT
	image "$T/tree/boot/vmlinuz-6.1.2" 6.1.2
	deb one 1 "$T/tree"
	run -0 --separate-stderr kt-kernel get "$d/one.deb"
	[ "$(record '[.version, .sched_ext] | map(tostring) | join(" ")' <<<"$output")" = "6.1.2 false" ]
	[[ $stderr == *"6.1.2 lacks CONFIG_SCHED_CLASS_EXT=y"* ]]
	config "$T/tree/boot/config-6.1.2" VIRTIO_CONSOLE
	deb two 1 "$T/tree"
	run -1 --separate-stderr kt-kernel get "$d/two.deb"
	[[ $stderr == *"6.1.2 of '$d/two.deb' cannot be booted as a guest"* ]]
	run -1 --separate-stderr kt-kernel get "$T/absent.deb"
	[[ $stderr == *"read '$T/absent.deb': No such file or directory"* ]]
	echo text >"$T/text.deb"
	run -1 --separate-stderr kt-kernel get "$T/text.deb"
	[[ $stderr == *"'$T/text.deb'"* ]]
	[ "$(ls -A "$KTSTR_CACHE_DIR/kernels" | wc -l)" -eq 2 ]
}

@test "get: a link in a package is not taken for the kernel" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	ln -sf /etc/passwd "$T/tree/usr/lib/modules/7.0.9+x-cloud-amd64/vmlinuz"
	grep -B100 -m1 '^$' "$T/Packages" >"$T/Packages.new"
	mv "$T/Packages.new" "$T/Packages"
	deb linux-binary-7.0.9+x-cloud-amd64 7.0.9-1 "$T/tree"
	serve
	run -1 --separate-stderr get
	[[ $stderr == *"holds no kernel of release 7.0.9+x-cloud-amd64"* ]]
}

@test "get: a damaged kernel of the cache is fetched again" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve
	local p
	p=$(get -q | record .path)
	truncate -s 100 "$p"
	[ "$(get -q | record '.why + " " + (.corrupt | tostring)')" = "it was fetched null" ]
	[ "$(stat -c %s "$p")" -eq 4096 ]
}

@test "get: the older packaging, one package with both files in /boot, will do" {
	needs_apt
	local r=6.12.9+x-cloud-amd64
	mkdir -p "$T/tree/boot"
	config "$T/tree/boot/config-$r"
	image "$T/tree/boot/vmlinuz-$r" "$r"
	deb "linux-image-$r" 6.12.9-1 "$T/tree"
	deb "linux-image-$r-unsigned" 6.12.9-1 "$T/tree"
	deb "linux-image-6.12.10+x-amd64" 6.12.10-1 "$T/tree"
	serve
	[ "$(get -q | record .version)" = "$r" ]
}

@test "get: stopped in the middle, it leaves a cache that works" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve
	# A server that never answers for the image's package.
	local deb=$T/www/pool/linux-binary-7.0.9+x-cloud-amd64.deb i pid
	mv "$deb" "$T/kept.deb"
	mkfifo "$deb" "$T/hold"
	local signal
	for signal in TERM KILL; do
		get 2>"$T/err" >"$T/out" &
		pid=$!
		for i in $(seq 500); do
			[ -e "$T/cache/kernels" ] && ls "$T"/cache/kernels/.tmp-*/config >/dev/null 2>&1 && break
			read -rt 0.02 <>"$T/hold" || true
		done
		pkill -$signal -P $pid -x kt-kernel || kill -$signal $pid
		wait $pid && return 1
		[ ! -s "$T/out" ]
		[ $signal = KILL ] || [ -z "$(ls -A "$KTSTR_CACHE_DIR/kernels")" ]
		run -1 kt-kernel path
	done
	rm "$deb"
	mv "$T/kept.deb" "$deb"
	get -q | record .version
	[ "$(ls -A "$KTSTR_CACHE_DIR/kernels")" = 7.0.9-1-cloud-amd64-apt ] # what was left is swept
}

@test "get: two at once fetch one kernel once" {
	needs_apt
	kernel 7.0.9+x-cloud-amd64 7.0.9-1
	serve
	get -q >"$T/1" &
	local pid=$!
	get -q >"$T/2"
	wait $pid
	[ "$(record .key <"$T/1")" = "$(record .key <"$T/2")" ]
	[ "$(grep -c 'GET /pool/linux-binary' "$T/log")" -eq 1 ]
}

@test "get: the system's own sources say where the archive is, and stay as they are" {
	needs_apt
	[ "$(sed -n 's/^ID=//p' /etc/os-release)" = debian ] || skip "not Debian"
	local before
	before=$(find /etc/apt /var/lib/apt/lists -type f -exec stat -c '%n %y %s' {} + 2>/dev/null | sort | sha256sum)
	mkdir -p "$T/apt"
	# The lists are not fetched: an archive that cannot be reached fails after the sources were written.
	http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 run -1 --separate-stderr \
		"$KTSTR_BUILD/libexec/ktstr/kt-kernel-fetch" apt-list --state "$T/apt" --suite some-suite --flavour cloud-amd64
	grep -rqE 'some-suite' "$T/apt/sources"
	grep -rqE 'https?://' "$T/apt/sources"
	[ "$(ls "$T/apt/sources" | wc -l)" -eq 1 ]
	[ "$before" = "$(find /etc/apt /var/lib/apt/lists -type f -exec stat -c '%n %y %s' {} + 2>/dev/null | sort | sha256sum)" ]
}

# private_source FILE... - what is made of a system whose sources are these files
private_source() {
	rm -rf "$T/sources.d" "$T/apt"
	mkdir -p "$T/sources.d" "$T/apt"
	cp "$@" "$T/sources.d"
	printf 'Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "%s";\n' "$T/sources.d" >"$T/apt.conf"
	APT_CONFIG=$T/apt.conf http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 run -1 --separate-stderr \
		"$KTSTR_BUILD/libexec/ktstr/kt-kernel-fetch" apt-list --state "$T/apt" --suite new --flavour cloud-amd64
	cat "$T"/apt/sources/* 2>/dev/null
}

@test "get: the archive among the sources is Debian's own, in either form, and not one beside it" {
	needs_apt
	[ "$(sed -n 's/^ID=//p' /etc/os-release)" = debian ] || skip "not Debian"
	local now
	now=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	cat >"$T/a.list" <<-END
		# deb http://wrong.example/debian $now main
		deb [arch=amd64] https://beside.example/apt $now main
		deb-src http://wrong.example/debian $now main
		deb [signed-by=/k.gpg] http://right.example/debian $now main contrib # ours
		deb http://right.example/debian $now-updates main
		deb http://wrong.example/debian-security $now-security main
	END
	[ "$(private_source "$T/a.list")" = 'deb [signed-by=/k.gpg] http://right.example/debian new main' ]
	cat >"$T/b.sources" <<-END
		Types: deb
		Enabled: no
		URIs: http://wrong.example/debian
		Suites: $now $now-updates
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

		Types: deb
		URIs: http://beside.example/
		Suites: $now
		Components: stable

		Types: deb deb-src
		URIs: http://right.example/debian/
		Suites: $now
		 $now-updates
		Components: contrib main
		Signed-By: /k2.gpg
	END
	[ "$(private_source "$T/b.sources")" = "Types: deb
Suites: new
Components: main
URIs: http://right.example/debian/
Signed-By: /k2.gpg" ]
	echo "deb http://beside.example/ $now stable" >"$T/c.list"
	[ -z "$(private_source "$T/c.list")" ]
	private_source "$T/c.list" >/dev/null || true
	[[ $stderr == *"no source of Debian's archive is among apt's sources here"* ]]
}

@test "path: the one that came last into the cache, of those with sched_ext; list has it first" {
	entry a 7.0.9 2026-01-02T00:00:00Z
	entry b 7.0.10 2026-01-02T00:00:00Z
	entry e 7.0.11 2026-01-01T00:00:00Z
	entry c 7.1.0 2026-01-03T00:00:00Z SCHED_CLASS_EXT
	entry d 7.2.0 2026-01-04T00:00:00Z VIRTIO_CONSOLE
	kt-kernel path >"$T/out"
	[ "$(record '.key + ": " + .why' <"$T/out")" = "b: it is the newest in the cache with sched_ext" ]
	tests/schema/validate.py --mutate <"$T/out"
	[ "$(kt-kernel list | record .key | xargs)" = "d c b a e" ]
	[ "$(kt-kernel list | jq -r 'select(.key == "c") | .missing[]')" = CONFIG_SCHED_CLASS_EXT ]
}

@test "path: a key, a version, the beginning of one, a file, a directory" {
	entry k1 7.0.9 2026-01-01T00:00:00Z
	entry k2 7.0.10 2026-01-01T00:00:00Z
	entry k3 7.10.1 2026-01-01T00:00:00Z SCHED_CLASS_EXT
	[ "$(kt-kernel path k1 | record .key)" = k1 ]
	[ "$(kt-kernel path 7.0.9 | record .key)" = k1 ]
	[ "$(kt-kernel path 7.0 | record .key)" = k2 ]
	[ "$(kt-kernel path 7.10 | record .key)" = k3 ] # a named one need not have sched_ext
	run -1 --separate-stderr kt-kernel path 7.1
	[[ $stderr == *"there is no kernel 7.1 in the cache (kt-kernel build 7.1 brings it)"* ]]
	run -1 --separate-stderr kt-kernel path frob
	[[ $stderr == *"there is no kernel 'frob': no such key, version or file"* ]]
	[ "$(kt-kernel path 7.0 | record .why)" = "it was named: the newest 7.0 in the cache" ]
	entry k4 7.0.11-rc2 2026-01-01T00:00:00Z
	entry k5 7.0.12+deb13-cloud 2026-01-01T00:00:00Z
	rm "$KTSTR_CACHE_DIR/kernels/k5/config"
	[ "$(kt-kernel path 7.0 | record .key)" = k2 ] # neither a candidate nor one that is damaged
	[ "$(kt-kernel path 7.0.11-rc2 | record .key)" = k4 ]
	run -1 --separate-stderr kt-kernel path 7.0.12+deb13
	[[ $stderr == *"'7.0.12+deb13' is no kernel to boot: config: No such file or directory"* ]]
	image "$T/vmlinuz" 1.2.3
	config "$T/config-1.2.3" NUMA
	kt-kernel path "$T/vmlinuz" >"$T/out"
	[ "$(record '[.version, .source, .key, .config, .sched, .sched_ext] | map(tostring) | join(" ")' <"$T/out")" = \
		"1.2.3 file null $T/config-1.2.3 false true" ]
	# a file of the cache is that entry, whatever it is called
	[ "$(kt-kernel path "$KTSTR_CACHE_DIR/kernels/k1" | record '.key + " " + .version')" = "k1 7.0.9" ]
	ln -s "$KTSTR_CACHE_DIR/kernels/k1/bzImage" "$T/link"
	[ "$(kt-kernel path "$T/link" | record .key)" = k1 ]
	mkdir -p "$T/linux/arch/x86/boot"
	image "$T/linux/arch/x86/boot/bzImage" 9.9.9
	config "$T/linux/.config" BPF_JIT
	[ "$(kt-kernel path "$T/linux" | record '[.version, .config, (.missing | join(","))] | join(" ")')" = \
		"9.9.9 $T/linux/.config CONFIG_BPF_JIT" ]
	rm -r "$T/linux/arch"
	run -1 --separate-stderr kt-kernel path "$T/linux"
	[[ $stderr == *"no kernel is in the directory '$T/linux'"* ]]
	touch "$T/linux/Kconfig"
	run -1 --separate-stderr kt-kernel path "$T/linux"
	[[ $stderr == *"no kernel has been built in the tree '$T/linux' (kt-kernel build --source"* ]]
}

@test "path: KTSTR_KERNEL decides, and one that is not there is no reason to take another" {
	entry k1 7.0.9 2026-01-01T00:00:00Z
	entry k2 7.0.10 2026-01-01T00:00:00Z
	[ "$(KTSTR_KERNEL=k1 kt-kernel path | record '.key + ": " + .why')" = "k1: KTSTR_KERNEL names it" ]
	[ "$(KTSTR_KERNEL=' ' kt-kernel path | record .key)" = k2 ]
	KTSTR_KERNEL=7.9 run -1 --separate-stderr kt-kernel path
	[[ $stderr == *"there is no kernel 7.9 in the cache (kt-kernel build 7.9 brings it)"* ]]
	[ -z "$output" ]
	[ "$(KTSTR_KERNEL=$' 7.0\n' kt-kernel path | record '.key + ": " + .why')" = \
		"k2: KTSTR_KERNEL names it: the newest 7.0 in the cache" ]
	local refused
	for refused in '7.0..7.1|several kernels' 'git+https://x.example/l#main|kt-kernel build --git' \
		'7.1..7.0|swap them' 'git+x|git+URL#REF'; do
		KTSTR_KERNEL=${refused%|*} run -1 --separate-stderr kt-kernel path
		[[ $stderr == *"'${refused%|*}' names"*"${refused##*|}"* ]]
		[ -z "$output" ]
	done
	KTSTR_KERNEL=$T/absent run -1 --separate-stderr kt-kernel path
	[[ $stderr == *"open kernel '$T/absent': No such file or directory"* ]]
	echo text >"$T/text"
	KTSTR_KERNEL=$T/text run -1 --separate-stderr kt-kernel path
	[[ $stderr == *"'$T/text' is no kernel to boot: it is neither a bzImage nor a vmlinux"* ]]
	[ "$(KTSTR_KERNEL=k1 kt-kernel path k2 | record .key)" = k2 ]
}

@test "a damaged entry is listed with what is wrong, and never taken" {
	entry good 7.0.9 2026-01-01T00:00:00Z
	local k
	for k in cut gone json shape; do
		entry "$k" 7.2.0 2026-01-01T00:00:00Z
	done
	truncate -s 100 "$KTSTR_CACHE_DIR/kernels/cut/bzImage"
	rm "$KTSTR_CACHE_DIR/kernels/gone/bzImage"
	echo '{"schema": 1,' >"$KTSTR_CACHE_DIR/kernels/json/metadata.json"
	echo '[]' >"$KTSTR_CACHE_DIR/kernels/shape/metadata.json"
	mkdir "$KTSTR_CACHE_DIR/kernels/nothing" "$KTSTR_CACHE_DIR/kernels/.tmp-x"
	touch "$KTSTR_CACHE_DIR/kernels/file"
	kt-kernel list >"$T/out"
	tests/schema/validate.py <"$T/out"
	[ "$(record 'select(.corrupt) | .key' <"$T/out" | sort | xargs)" = "cut gone json nothing shape" ]
	jq -es 'any(.[]; .key == "cut" and (.corrupt == "bzImage has 100 bytes, metadata.json says 4096"))' "$T/out"
	[ "$(kt-kernel path | record .key)" = good ]
	run -1 --separate-stderr kt-kernel path cut
	[[ $stderr == *"'cut' is no kernel to boot"* ]]
}

@test "an empty cache: list has no kernel, path says how to get one, nothing is made" {
	kt-kernel list >"$T/out"
	[ "$(jq -r .type "$T/out" | xargs)" = "meta end" ]
	if [ ! -r "/boot/vmlinuz-$(uname -r)" ] && [ ! -r "/lib/modules/$(uname -r)/vmlinuz" ]; then
		run -1 --separate-stderr kt-kernel path
		[[ $stderr == *"there is no kernel to boot: kt-kernel get brings one"* ]]
	fi
	[ ! -e "$KTSTR_CACHE_DIR" ]
}

@test "check: what a kernel has and lacks, and what an unknown configuration is" {
	image "$T/k" 5.5.5
	kt-kernel check "$T/k" >"$T/out"
	tests/schema/validate.py --mutate --need kt-kernel.kernel,kt-kernel.need <"$T/out"
	record '.boots == null and .sched_ext == null and .missing == null and .config == null and .bytes == 4096' <"$T/out"
	jq -es 'any(.[]; .option == "CONFIG_NUMA" and (.met == null and .value == null))' "$T/out"
	config "$T/config" NUMA KPROBE_EVENTS
	sed -i 's/# CONFIG_NUMA is not set/CONFIG_NUMA=m/' "$T/config"
	run -0 --separate-stderr kt-kernel check "$T/k"
	tests/schema/validate.py --mutate <<<"$output"
	[[ $stderr == *"'$T/k' lacks CONFIG_NUMA=y (topologies of more than one node)"* ]]
	jq -es 'any(.[]; .option == "CONFIG_NUMA" and (.value == "m" and .met == false))' <<<"$output"
	jq -es 'any(.[]; .option == "CONFIG_SMP" and (.value == "y" and .met))' <<<"$output"
	record '.boots and (.sched | not) and .sched_ext and (.kprobes | not)' <<<"$output"
	config "$T/config" VIRTIO_CONSOLE
	run -1 --separate-stderr kt-kernel check "$T/k"
	jq -es '.[-1].outcome == "fail"' <<<"$output"
}

@test "check: the configuration inside of a vmlinux" {
	config "$T/c" NUMA
	printf 'int main(void){return 0;}' >"$T/m.c"
	gcc -static -no-pie -o "$T/vmlinux" "$T/m.c"
	{
		printf 'Linux version %%s\n\0Linux version 6.1.2-test (x@y) #1\nIKCFG_ST'
		gzip -9c "$T/c"
		printf 'IKCFG_ED'
	} >>"$T/vmlinux"
	run -0 --separate-stderr kt-kernel check "$T/vmlinux"
	[ "$(record '[.kind, .version, .config, (.missing | join(","))] | join(" ")' <<<"$output")" = \
		"vmlinux 6.1.2-test $T/vmlinux CONFIG_NUMA" ]
}

@test "check: what is no kernel is said to be none, with what it is" {
	: >"$T/empty"
	echo hello | gzip >"$T/gz"
	head -c 100000 /dev/urandom >"$T/noise"
	printf x | dd of="$T/noise" bs=1 conv=notrunc status=none
	run -1 --separate-stderr kt-kernel check "$T/empty"
	[[ $stderr == *"it is empty"* ]]
	run -1 --separate-stderr kt-kernel check "$T/gz"
	[[ $stderr == *"it is a gzip file; unpack it first"* ]]
	run -1 --separate-stderr kt-kernel check "$T/noise"
	[[ $stderr == *"it is neither a bzImage nor a vmlinux"* ]]
	run -1 --separate-stderr kt-kernel check "$(command -v jq)"
	[[ $stderr == *"it is an ELF file, but no kernel"* ]]
	tests/schema/validate.py <<<"$output"
	run -1 --separate-stderr kt-kernel check "$T/absent"
	[ -z "$output" ]
	run -1 --separate-stderr kt-kernel check "$T"
	[ -z "$output" ]
}

@test "the cache is where the environment says" {
	unset KTSTR_CACHE_DIR
	local KTSTR_CACHE_DIR=$T/x/ktstr
	entry k 7.0.9 2026-01-01T00:00:00Z
	unset KTSTR_CACHE_DIR
	[ "$(XDG_CACHE_HOME=$T/x kt-kernel path | record .key)" = k ]
	mkdir -p "$T/home"
	mv "$T/x" "$T/home/.cache"
	[ "$(HOME=$T/home XDG_CACHE_HOME='' kt-kernel path | record .key)" = k ]
	KTSTR_CACHE_DIR=relative run -1 --separate-stderr kt-kernel list
	[ -n "$stderr" ]
	HOME='' XDG_CACHE_HOME='' run -1 --separate-stderr kt-kernel list
	[ -n "$stderr" ]
}

@test "a wrong command line is status 2, with nothing on stdout; a full disk is status 1" {
	local args
	for args in '' 'frob' 'get x y z' 'get --update x' 'list x' 'path a b' 'check' '--frob' 'list --update' 'get --suite a/b'; do
		# shellcheck disable=SC2086	# words
		run -2 --separate-stderr kt-kernel $args
		[ -z "$output" ] && [ -n "$stderr" ]
	done
	run -1 sh -c 'kt-kernel list >/dev/full'
}
