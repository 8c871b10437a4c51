/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object file of bpf/snap.bpf.c, as bytes. */
#include "snap_obj.h"

/* clang-format off */
__asm__(".section .rodata\n"
	".balign 8\n"
	".global snap_obj\n"
	"snap_obj:\n"
	".incbin \"" KT_SNAP_OBJ "\"\n"
	".global snap_obj_end\n"
	"snap_obj_end:\n"
	".byte 0\n"
	".previous\n");
/* clang-format on */
