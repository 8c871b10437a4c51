/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's control protocol. */
#include "qmp.h"
#include "out.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int qmp_ask_vcpus(struct qmp *q)
{
	static const char ask[] = "{\"execute\":\"qmp_capabilities\"}\n"
				  "{\"execute\":\"query-cpus-fast\"}\n";

	return out_all(q->in.fd, ask, sizeof(ask) - 1);
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

int qmp_line(struct qmp *q, const char *line, size_t len)
{
	json_t *msg = json_loadb(line, len, 0, NULL);
	const json_t *v;
	int rc = 0;

	if (!msg)
		return -EPROTO;
	v = json_object_get(json_object_get(msg, "QMP"), "version");
	if (v)
		greeting(q, v);
	v = json_object_get(msg, "return");
	if (json_is_array(v))
		rc = vcpus(q, v);
	else if (json_object_get(msg, "error"))
		rc = -EPROTO;
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
