/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's control protocol. */
#include "qmp.h"
#include "buf.h"
#include "cleanup.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void qmp_init(struct qmp *q, int fd)
{
	*q = (struct qmp){ 0 };
	ndjson_init(&q->in, fd);
}

void qmp_free(struct qmp *q)
{
	ndjson_free(&q->in);
	free(q->tids);
	q->tids = NULL;
	q->n_tids = 0;
}

/* Send a command, with a descriptor beside it unless fd is -1. Commands are answered in order, with
 * the id that they had. */
static int ask(struct qmp *q, const char *id, const char *command, const char *arguments, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(fd))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(fd)) } };
	AUTO_BUF b = BUF_INIT;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (!q->open)
		buf_str(&b, "{\"execute\":\"qmp_capabilities\"}\n");
	q->open = true;
	if (buf_fmt(&b, "{\"execute\":\"%s\",\"id\":\"%s\",\"arguments\":{%s}}\n", command, id,
		    arguments) < 0)
		return b.err;
	iov = (struct iovec){ b.p, b.len };
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	/* Some hundred bytes into an empty socket go at once or not at all. */
	return sendmsg(q->in.fd, &msg, MSG_NOSIGNAL) == (ssize_t)b.len ? 0 : -errno;
}

int qmp_ask_vcpus(struct qmp *q)
{
	return ask(q, "vcpus", "query-cpus-fast", "", -1);
}

int qmp_ask_status(struct qmp *q)
{
	return ask(q, "status", "query-status", "", -1);
}

/* The memory is in files, which QEMU shares with us: it is not to be in the state as well. */
static int migrate(struct qmp *q, const char *command, int fd)
{
	int rc = ask(q, "getfd", "getfd", "\"fdname\":\"state\"", fd);

	if (rc == 0)
		rc = ask(q, "capabilities", "migrate-set-capabilities",
			 "\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true},"
			 "{\"capability\":\"events\",\"state\":true}]",
			 -1);
	return rc < 0 ? rc : ask(q, command, command, "\"uri\":\"fd:state\"", -1);
}

int qmp_save(struct qmp *q, int fd)
{
	return migrate(q, "migrate", fd);
}

int qmp_restore(struct qmp *q, int fd)
{
	return migrate(q, "migrate-incoming", fd);
}

int qmp_go(struct qmp *q)
{
	return ask(q, "cont", "cont", "", -1);
}

int qmp_nmi(struct qmp *q)
{
	return ask(q, "nmi", "inject-nmi", "", -1);
}

int qmp_nudge(struct qmp *q)
{
	int rc = ask(q, "stop", "stop", "", -1);

	return rc < 0 ? rc : qmp_go(q);
}

/* {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "…"}, …}} */
static void greeting(struct qmp *q, const json_t *version)
{
	const json_t *v = json_object_get(version, "qemu");
	const char *package = json_string_value(json_object_get(version, "package"));

	(void)snprintf(q->version, sizeof(q->version), "%lld.%lld.%lld%s%s%s",
		       (long long)json_integer_value(json_object_get(v, "major")),
		       (long long)json_integer_value(json_object_get(v, "minor")),
		       (long long)json_integer_value(json_object_get(v, "micro")),
		       package && *package ? " (" : "", package ? package : "",
		       package && *package ? ")" : ""); /* a cut-off one still tells */
}

/* {"return": [{"thread-id": 4711, "cpu-index": 0, …}, …]} */
static int vcpus(struct qmp *q, const json_t *list)
{
	size_t n = json_array_size(list), i;
	pid_t *tids = calloc(n ? n : 1, sizeof(*tids));

	if (!tids)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const json_t *cpu = json_array_get(list, i);
		json_int_t at = json_integer_value(json_object_get(cpu, "cpu-index"));
		json_int_t tid = json_integer_value(json_object_get(cpu, "thread-id"));

		if (at < 0 || (size_t)at >= n || tid <= 0 || tid > INT_MAX) {
			free(tids);
			return -EPROTO;
		}
		tids[at] = (pid_t)tid;
	}
	free(q->tids);
	q->tids = tids;
	q->n_tids = n;
	return 0;
}

/* {"return": …, "id": "status"} */
static int answer(struct qmp *q, const char *id, const json_t *ret)
{
	if (strcmp(id, "vcpus") == 0)
		return vcpus(q, ret);
	if (strcmp(id, "status") == 0)
		q->machine = json_is_true(json_object_get(ret, "running")) ? QMP_RUNS : QMP_STANDS;
	return 0;
}

/* {"event": "MIGRATION", "data": {"status": "completed"}, …} */
static void event(struct qmp *q, const char *name, const json_t *data)
{
	const char *status = json_string_value(json_object_get(data, "status"));

	if (strcmp(name, "MIGRATION") != 0 || !status)
		return;
	if (strcmp(status, "completed") == 0)
		q->moving = QMP_MOVED;
	else if (strcmp(status, "failed") == 0)
		q->moving = QMP_NOT_MOVED;
}

int qmp_line(struct qmp *q, const char *line, size_t len)
{
	json_t *msg = json_loadb(line, len, 0, NULL);
	const json_t *version = json_object_get(json_object_get(msg, "QMP"), "version");
	const json_t *ret = json_object_get(msg, "return");
	const json_t *error = json_object_get(msg, "error");
	const char *id = json_string_value(json_object_get(msg, "id"));
	const char *name = json_string_value(json_object_get(msg, "event"));
	int rc = msg ? 0 : -EPROTO;

	if (version)
		greeting(q, version);
	if (ret && id)
		rc = answer(q, id, ret);
	if (name)
		event(q, name, json_object_get(msg, "data"));
	if (error) {
		const char *desc = json_string_value(json_object_get(error, "desc"));

		(void)snprintf(q->error, sizeof(q->error), "%s", desc ? desc : "an error");
		rc = -EPROTO;
	}
	json_decref(msg);
	return rc;
}

int qmp_read(struct qmp *q)
{
	int rc = ndjson_fill(&q->in), line;
	char *text;
	size_t len;

	if (rc <= 0)
		return rc;
	while ((line = ndjson_line(&q->in, &text, &len)) > 0) {
		line = qmp_line(q, text, len);
		if (line < 0)
			return line;
	}
	return line < 0 ? line : rc;
}
