/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's side of the page (see page.h): the place where a machine may be saved, and where a
 * restored one goes on. */
#ifndef KT_HANDOVER_H
#define KT_HANDOVER_H

#include "buf.h"

/* handover - do as the page's flags say; then, perhaps as another machine at another time, add its
 * request to ret_request and unpack its archive into the root directory. Whoever calls this has
 * nothing open whose state lies outside of the machine but the ports. parking is called before the
 * machine is stopped. Returns 0, or -errno, reported. */
int handover(void (*parking)(void *arg), void *arg, struct buf *ret_request);

#endif
