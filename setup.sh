#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# setup.sh - say which programs and libraries are missing, and install them on Debian.
#
#	./setup.sh run		what building and `make run` need
#	./setup.sh check	that, and what `make check`, `lint`, `bench` and `fuzz` need
#
# Nothing is asked of the network when nothing is missing. Without root it prints the command.
set -eu

usage() {
	echo "usage: $0 run|check" >&2
	exit 2
}

[ $# -eq 1 ] || usage
case $1 in
run | check) level=$1 ;;
*) usage ;;
esac

# Debian's package name, then how to see that what we want of it is there: cmd NAME in PATH, pc
# NAME for pkg-config, file NAME, py NAME for a Python module, lib NAME for a C library to link.
run_needs='
gcc			cmd gcc
libc6-dev		file /usr/include/stdio.h
make			cmd make
pkg-config		cmd pkg-config
libjansson-dev		pc jansson
libzstd-dev		pc libzstd
libarchive-dev		pc libarchive
libbpf-dev		file /usr/include/bpf/bpf_helpers.h
bpftool			cmd bpftool
clang			cmd clang
libcurl4-openssl-dev	pc libcurl
libgit2-dev		pc libgit2
qemu-system-x86		cmd qemu-system-x86_64
seabios			file /usr/share/seabios/bios-256k.bin
busybox-static		static busybox
'
check_needs='
git			cmd git
bats			cmd bats
jq			cmd jq
python3			cmd python3
python3-jsonschema	py jsonschema
mandoc			cmd mandoc
cpio			cmd cpio
zstd			cmd zstd
xz-utils		cmd xz
procps			cmd ps
util-linux		cmd lscpu
strace			cmd strace
libjemalloc-dev		file /usr/include/jemalloc/jemalloc.h
hwloc			cmd lstopo-no-graphics
tmux			cmd tmux
hyperfine		cmd hyperfine
shellcheck		cmd shellcheck
cppcheck		cmd cppcheck
clang-tidy		cmd clang-tidy
clang-format		cmd clang-format
libclang-rt-dev		fuzzer clang
flex			cmd flex
bison			cmd bison
bc			cmd bc
pahole			cmd pahole
libelf-dev		pc libelf
lz4			cmd lz4
zsh			cmd zsh
fish			cmd fish
'

python=/usr/bin/python3
[ -x "$python" ] || python=python3

# present KIND NAME - is it there?
present() {
	case $1 in
	cmd) command -v "$2" >/dev/null 2>&1 ;;
	pc) pkg-config --exists "$2" 2>/dev/null ;;
	file) [ -e "$2" ] ;;
	py) "$python" -c "import $2" 2>/dev/null ;;
	static)	# the guest has no libraries for it
		p=$(command -v "$2") && ! ldd "$p" >/dev/null 2>&1
		;;
	fuzzer)	# clang alone may come without its run-time libraries
		d=$("$2" -print-runtime-dir 2>/dev/null) && ls "$d"/libclang_rt.fuzzer* >/dev/null 2>&1
		;;
	esac
}

list=$run_needs
[ "$level" = run ] || list=$run_needs$check_needs
missing=
while read -r package kind name; do
	[ -n "$package" ] || continue
	present "$kind" "$name" || missing="$missing $package"
done <<END
$list
END
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup.sh: missing, by the names of Debian's packages:$missing" >&2
	echo "setup.sh: install them by this system's package manager, then try again" >&2
	exit 1
fi

# apt_install PACKAGE... - or, without root, say how.
apt_install() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "setup.sh: needs root; run:" >&2
		echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*" >&2
		exit 1
	fi
	echo "setup.sh: installing $*"
	# What dpkg unpacks is no news; what goes wrong is on standard error.
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

[ "$(id -u)" -ne 0 ] || apt-get update -qq </dev/null
# The sanitizer and fuzzer run-time of clang has clang's version in its name: known once clang is there.
first=$(printf '%s' "$missing" | sed 's/ libclang-rt-dev//')
# shellcheck disable=SC2086	# a list of packages, split on purpose
[ -z "$first" ] || apt_install $first
case $missing in
*libclang-rt-dev*)
	present fuzzer clang || apt_install "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
	;;
esac

for package in $missing; do
	line=$(printf '%s\n' "$list" | sed -n "s/^${package}[[:space:]]\{1,\}//p")
	# shellcheck disable=SC2086	# kind and name
	present $line || {
		echo "setup.sh: $package was installed, but '${line#* }' is still not found" >&2
		exit 1
	}
done
