# SPDX-License-Identifier: GPL-2.0-or-later
# For bats files that need kernel.org: `load kernel-server.bash`, kernel_server in setup (or in a test),
# kernel_server_end in teardown. See tests/kernel-server for what lies in $KSRV.

# kernel_server - start it; sets KSRV (its directory) and KURL, and points kt-kernel-fetch at it.
kernel_server() {
	KSRV=$BATS_TEST_TMPDIR/kernel-server
	mkdir -p "$KSRV/git" "$KSRV/files"
	: >"$KSRV/log"
	[ -e "$KSRV/releases.json" ] || releases
	"$KT_TOP/tests/kernel-server" "$KSRV" 3>&- </dev/null &
	KSRV_PID=$!
	disown "$KSRV_PID"	# a test's `wait` is not for it
	local i
	mkfifo "$KSRV/never"
	for i in $(seq 500); do
		[ ! -s "$KSRV/port" ] || break
		read -rt 0.02 <>"$KSRV/never" || true
	done
	KURL=http://127.0.0.1:$(<"$KSRV/port")
	export KTSTR_RELEASES_URL=$KURL/releases.json KTSTR_CDN_URL=$KURL/cdn KTSTR_RC_URL=$KURL/rc
	export KTSTR_NET_STALL=20s KTSTR_NET_RETRIES=2
	unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY KTSTR_KERNEL_KEYRING
}

kernel_server_end() {
	[ -z "${KSRV_PID-}" ] || kill "$KSRV_PID" 2>/dev/null || true
}

# releases [MONIKER:VERSION[:eol]...] - what releases.json lists
releases() {
	local r m v e
	{
		echo '{"latest_stable":{"version":"0"},"releases":['
		for r; do
			IFS=: read -r m v e <<<"$r"
			printf '%s{"iseol":%s,"version":"%s","moniker":"%s","source":"https://example.org/linux-%s.tar.xz","pgp":null}\n' \
				"${comma-}" "$([ "$e" = eol ] && echo true || echo false)" "$v" "$m" "$v"
			local comma=,
		done
		echo ']}'
	} >"$KSRV/releases.new"
	mv "$KSRV/releases.new" "$KSRV/releases.json"
}

# versions [V...] - those that there are tarballs of
versions() {
	printf '%s\n' "$@" >"$KSRV/versions.new"
	mv "$KSRV/versions.new" "$KSRV/versions"
}

# faults [LINE...] - see tests/kernel-server
faults() {
	printf '%s\n' "$@" >"$KSRV/faults.new"
	mv "$KSRV/faults.new" "$KSRV/faults"
}
