/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's ends of the ways in and out: virtio-serial ports. */
#include "ports.h"
#include "cleanup.h"
#include "dur.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static const char *const port_names[N_PORTS] = { "kt.ctl", "kt.in", "kt.out", "kt.err" };

/* Open every port whose name has come by now. Returns how many are still missing. */
static int scan(int port[N_PORTS])
{
	AUTO_DIR *dir = opendir("/sys/class/virtio-ports");
	const struct dirent *de;
	int missing = 0, i;

	while (dir && (de = readdir(dir)) != NULL) {
		char path[300], name[32];
		AUTO_FD fd = -1;
		ssize_t n;

		if (de->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", de->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
		if (n <= 0)
			continue; /* the name is a later message from the device */
		name[n - (name[n - 1] == '\n')] = '\0';
		(void)snprintf(path, sizeof(path), "/dev/%s", de->d_name);
		for (i = 0; i < N_PORTS; i++)
			if (port[i] < 0 && strcmp(name, port_names[i]) == 0)
				port[i] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	for (i = 0; i < N_PORTS; i++)
		missing += port[i] < 0;
	return missing;
}

/* Wait for the ports by the kernel's device events, then for the host's end of each: the driver has
 * no event for that, so we look every millisecond, which takes two or three looks. */
int ports_open(int ret_port[N_PORTS])
{
	AUTO_FD ev = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct timespec ms = { .tv_nsec = (long)NSEC_PER_MSEC };
	char drop[4096];
	int i;

	if (ev < 0 || bind(ev, (struct sockaddr *)&nl, sizeof(nl)) < 0)
		return -errno;
	for (i = 0; i < N_PORTS; i++)
		ret_port[i] = -1;
	while (scan(ret_port) > 0) {
		struct pollfd p = { .fd = ev, .events = POLLIN };

		if (poll(&p, 1, 30 * 1000) == 0)
			return -ETIMEDOUT;
		if (recv(ev, drop, sizeof(drop), 0) < 0 && errno != ENOBUFS)
			return -errno;
	}
	for (i = 0; i < N_PORTS; i++) {
		struct pollfd p = { .fd = ret_port[i], .events = POLLOUT };
		int tries = 0;

		while (poll(&p, 1, 0) >= 0 && (p.revents & POLLHUP)) {
			if (++tries > 30 * 1000)
				return -ETIMEDOUT;
			(void)nanosleep(&ms, NULL); /* nothing is handled by signal handlers here */
		}
	}
	return 0;
}
