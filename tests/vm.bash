# SPDX-License-Identifier: GPL-2.0-or-later
# For vm.bats and prebuilt.bats: scripts of tests/vm in one boot. Each prints TAP, and is one test there, which
# shows its lines.

# vm_boot NAME... - run them in a machine; to be called by setup_file
vm_boot() {
	local d=$BATS_FILE_TMPDIR memory=1G rc=0
	[[ $KTSTR_BUILD != *-san ]] || memory=6G # for the sanitizers of a thousand workers
	# All that a script prints goes behind its name, so nothing can be taken for another's.
	cat >"$d/all" <<-'END'
		echo "release: $(uname -r)"
		for name; do
			{
				timeout 600 sh "/vm/$name" 2>&1 </dev/null
				echo "status $?"
			} | sed "s/^/$name: /"
		done
	END
	kt-vm exec -n --topology 1n2l2c1t --memory $memory -i jq -i unshare -i "$KTSTR_BUILD/helpers/mkthreads" \
		-i "$KTSTR_BUILD/helpers/knownwork" -i "$KTSTR_BUILD/helpers/busy" -i "$KTSTR_BUILD/helpers/storm" \
		-i "$d/all" -i tests/vm:/vm \
		-i scenarios:/usr/share/ktstr/scenarios -- sh all "$@" >"$d/out" 2>"$d/err" || rc=$?
	echo $rc >"$d/status"
}

# release - of the kernel that ran
release() {
	sed -n 's/^release: //p' "$BATS_FILE_TMPDIR/out"
}

# script NAME - its lines, and whether they are what a good run prints: as many results as planned, in
# order, none of them "not ok"
script() {
	sed -n "s/^$1: //p" "$BATS_FILE_TMPDIR/out" >"$BATS_TEST_TMPDIR/tap"
	cat "$BATS_TEST_TMPDIR/tap"
	grep -qx 'status 0' "$BATS_TEST_TMPDIR/tap" || {
		echo "it did not end with status 0; of the machine:"
		cat "$BATS_FILE_TMPDIR/err" "$BATS_FILE_TMPDIR/status"
		return 1
	}
	! grep '^not ok' "$BATS_TEST_TMPDIR/tap"
	local why
	why=$(sed -n 's/^1\.\.0 # *[Ss][Kk][Ii][Pp] *//p' "$BATS_TEST_TMPDIR/tap")
	[ -z "$why" ] || skip "$why"
	diff -u <(seq "$(sed -n 's/^1\.\.//p' "$BATS_TEST_TMPDIR/tap")") \
		<(sed -n 's/^ok \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/tap")
}
