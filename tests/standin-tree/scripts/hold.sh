#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# hold.sh FIFO - wait for a word from it; with children that a careless end leaves behind
sleep 1000 &
setsid sleep 1000 &
echo "held $$" >"$1"
read -r _ <"$1"
kill %1 %2
wait
