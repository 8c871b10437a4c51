#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# image.sh bzImage|Image RELEASE FILE... - an image's header, and the files behind it, on stdout
zeros() {
	head -c "$1" /dev/zero
}
banner="$2 ($KBUILD_BUILD_USER@$KBUILD_BUILD_HOST) #$KBUILD_BUILD_VERSION SMP $KBUILD_BUILD_TIMESTAMP"
if [ "$1" = bzImage ]; then
	zeros 510
	printf '\125\252'		# 0x1fe: the mark of a boot sector
	zeros 2
	printf 'HdrS\017\002'		# 0x202: the mark, version 2.15
	zeros 6
	printf '\200\000'		# 0x20e: where the banner is, less 0x200
	zeros 1
	printf '\001'			# 0x211: loaded high
	zeros 110
else
	zeros 56
	printf 'ARM\144'
	zeros 580
fi
printf '%s\n' "$banner"			# 0x280
zeros 4096
shift 2
cat "$@"
