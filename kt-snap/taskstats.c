/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delay accounting of a thread, by generic netlink: one question and one answer for each. */
#include "taskstats.h"
#include "cleanup.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

struct taskstats_link {
	int fd;
	uint16_t family;
};

struct question {
	struct nlmsghdr nl;
	struct genlmsghdr ge;
	struct nlattr at;
	char value[16]; /* a number or the family's name */
};

#define REPLY_MAX 4096

/* Send one attribute, receive one message. Returns its length or -errno. */
static ssize_t ask(int fd, uint16_t type, uint8_t cmd, uint16_t attr, const void *value, size_t n,
		   void *reply)
{
	struct question q = { 0 };
	ssize_t got;

	q.at.nla_type = attr;
	q.at.nla_len = (uint16_t)(NLA_HDRLEN + n);
	memcpy(q.value, value, n);
	q.ge.cmd = cmd;
	q.ge.version = 1;
	q.nl.nlmsg_type = type;
	q.nl.nlmsg_flags = NLM_F_REQUEST;
	q.nl.nlmsg_len = (uint32_t)(offsetof(struct question, value) + NLA_ALIGN(n));
	if (send(fd, &q, q.nl.nlmsg_len, 0) < 0)
		return -errno;
	do {
		got = recv(fd, reply, REPLY_MAX, 0);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* The attributes of a reply, whose headers are whole. Returns 0 or -errno. */
static int attributes(const char *msg, size_t n, const char **ret_p, size_t *ret_n)
{
	struct nlmsghdr nl;
	struct nlmsgerr err;

	if (n < sizeof(nl))
		return -EBADMSG;
	memcpy(&nl, msg, sizeof(nl));
	if (nl.nlmsg_len > n || nl.nlmsg_len < sizeof(nl))
		return -EBADMSG;
	if (nl.nlmsg_type == NLMSG_ERROR) {
		if (nl.nlmsg_len < NLMSG_HDRLEN + sizeof(err.error))
			return -EBADMSG;
		memcpy(&err.error, msg + NLMSG_HDRLEN, sizeof(err.error));
		return err.error < 0 && err.error > -4096 ? err.error : -EBADMSG;
	}
	if (nl.nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return -EBADMSG;
	*ret_p = msg + NLMSG_HDRLEN + GENL_HDRLEN;
	*ret_n = nl.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	return 0;
}

/* The value of the first attribute of this type, or NULL. */
static const char *attribute(const char *p, size_t n, uint16_t type, size_t *ret_n)
{
	struct nlattr a;

	while (n >= sizeof(a)) {
		size_t len;

		memcpy(&a, p, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > n)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type) {
			*ret_n = a.nla_len - (size_t)NLA_HDRLEN;
			return p + NLA_HDRLEN;
		}
		len = NLA_ALIGN(a.nla_len);
		if (len > n)
			return NULL;
		p += len;
		n -= len;
	}
	return NULL;
}

int taskstats_parse(const void *msg, size_t n, struct thread_rec *t)
{
	static const struct {
		enum field_id f;
		size_t at;
	} where[] = {
		{ F_blkio_delay_ns, offsetof(struct taskstats, blkio_delay_total) },
		{ F_blkio_delay_count, offsetof(struct taskstats, blkio_count) },
		{ F_swapin_delay_ns, offsetof(struct taskstats, swapin_delay_total) },
		{ F_swapin_delay_count, offsetof(struct taskstats, swapin_count) },
		{ F_reclaim_delay_ns, offsetof(struct taskstats, freepages_delay_total) },
		{ F_reclaim_delay_count, offsetof(struct taskstats, freepages_count) },
	};
	const char *p;
	size_t i;
	int rc = attributes(msg, n, &p, &n);

	if (rc < 0)
		return rc;
	p = attribute(p, n, TASKSTATS_TYPE_AGGR_PID, &n);
	if (p)
		p = attribute(p, n, TASKSTATS_TYPE_STATS, &n);
	if (!p)
		return -EBADMSG;
	for (i = 0; i < KT_ARRAY_LEN(where); i++) {
		uint64_t v;

		if (where[i].at + sizeof(v) > n) /* an older kernel's is shorter */
			continue;
		memcpy(&v, p + where[i].at, sizeof(v));
		thread_set(t, where[i].f, v);
	}
	return 0;
}

int taskstats_open(struct taskstats_link **ret)
{
	AUTO_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char reply[REPLY_MAX];
	struct taskstats_link *l;
	uint16_t family;
	const char *p;
	size_t len = 0;
	ssize_t n;
	int rc;

	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	n = ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME,
		sizeof(TASKSTATS_GENL_NAME), reply);
	rc = n < 0 ? (int)n : attributes(reply, (size_t)n, &p, &len);
	if (rc < 0)
		return rc;
	p = attribute(p, len, CTRL_ATTR_FAMILY_ID, &len);
	if (!p || len != sizeof(family))
		return -EBADMSG;
	memcpy(&family, p, sizeof(family));
	l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct taskstats_link){ take_fd(&fd), family };
	*ret = l;
	return 0;
}

int taskstats_read(struct taskstats_link *l, pid_t tid, struct thread_rec *t)
{
	char reply[REPLY_MAX];
	uint32_t id = (uint32_t)tid;
	ssize_t n = ask(l->fd, l->family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &id,
			sizeof(id), reply);

	return n < 0 ? (int)n : taskstats_parse(reply, (size_t)n, t);
}

void taskstats_close(struct taskstats_link *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l);
}
