/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's ends of the ways in and out: virtio-serial ports. */
#ifndef KT_PORTS_H
#define KT_PORTS_H

enum port {
	PORT_CTL,
	PORT_IN,
	PORT_OUT,
	PORT_ERR,
	N_PORTS
};

/* ports_open - wait for all of them, and for the host's end of each; they do not block. Returns 0,
 * -ETIMEDOUT when one does not come, or another -errno. */
int ports_open(int ret_port[N_PORTS]);

#endif
