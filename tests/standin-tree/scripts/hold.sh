#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# hold.sh FIFO - wait for a word from it; with children that a careless end leaves behind
sleep 1000 &
one=$!
setsid sleep 1000 &
two=$!
echo "held $$" >"$1"
read -r _ <"$1"
kill $one $two
