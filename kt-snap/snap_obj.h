/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf/snap.bpf.c, compiled: part of the program, so that none has to be found when it runs. */
#ifndef KT_SNAP_OBJ_H
#define KT_SNAP_OBJ_H

extern const unsigned char snap_obj[], snap_obj_end[];

#endif
