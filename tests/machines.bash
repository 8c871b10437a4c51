# SPDX-License-Identifier: GPL-2.0-or-later
# For tests that look for QEMU processes of their own: those that have inherited $KTSTR_TEST_MARK, which setup
# exports.

# machines - their command lines
machines() {
	grep -lsaF "$KTSTR_TEST_MARK" /proc/[0-9]*/environ | while read -r f; do
		tr '\0' ' ' <"${f%environ}cmdline" 2>/dev/null | grep '^[^ ]*qemu'
	done
}

# none_left - QEMU dies a moment after kt-vm when that was killed
none_left() {
	local i
	for i in $(seq 100); do
		[ -n "$(machines)" ] || return 0
		sleep 0.1
	done
	machines
	return 1
}
