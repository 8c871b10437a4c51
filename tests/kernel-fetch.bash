# SPDX-License-Identifier: GPL-2.0-or-later
# For the bats files of kt-kernel-fetch.
load kernel-server.bash

# What the server says there is, where a test does not say otherwise.
RELEASES=(mainline:6.19-rc3 stable:6.18.4 stable:6.17.13:eol longterm:6.12.60 longterm:6.6.100 linux-next:next-20250101)

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
