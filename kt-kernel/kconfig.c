/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragments of a kernel's configuration, and the .config that came of them. */
#include "kconfig.h"
#include "cleanup.h"
#include "die.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>

#define VALUE_MAX 512
#define KCONFIG_MAX (4 << 20) /* no Kconfig file is so large */

static const char *const machines[] = { "x86_64", "aarch64" };

struct line {
	const char *p;
	size_t n;
};

/* The next line of [*p, end); false at the end. */
static bool next_line(const char **p, const char *end, struct line *ret)
{
	const char *nl;

	if (*p >= end)
		return false;
	nl = memchr(*p, '\n', (size_t)(end - *p));
	*ret = (struct line){ *p, (size_t)((nl ? nl : end) - *p) };
	*p = nl ? nl + 1 : end;
	if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

static size_t name_len(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (isalnum((unsigned char)p[i]) || p[i] == '_'))
		i++;
	return i;
}

/* "CONFIG_NAME=VALUE" or "# CONFIG_NAME is not set". False for any other line. */
static bool parse_line(const struct line *l, struct line *ret_name, struct line *ret_value)
{
	static const char unset[] = " is not set";
	const char *p = l->p;
	size_t n = l->n, len;
	bool comment = n > 2 && memcmp(p, "# ", 2) == 0;

	if (comment)
		p += 2, n -= 2;
	if (n <= 7 || memcmp(p, "CONFIG_", 7) != 0)
		return false;
	p += 7, n -= 7;
	len = name_len(p, n);
	if (len == 0 || len == n)
		return false;
	*ret_name = (struct line){ p, len };
	p += len, n -= len;
	if (comment) {
		*ret_value = (struct line){ "n", 1 };
		return n == sizeof(unset) - 1 && memcmp(p, unset, n) == 0;
	}
	*ret_value = (struct line){ p + 1, n - 1 };
	return *p == '=' && n > 1;
}

static struct want *find(const struct wants *w, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strncmp(w->v[i].name, name, len) == 0 && w->v[i].name[len] == '\0')
			return &w->v[i];
	return NULL;
}

const struct want *kconfig_find(const struct wants *w, const char *name)
{
	return find(w, name, strlen(name));
}

static int put(struct wants *w, const char *file, unsigned long number, const struct line *name,
	       const struct line *value, bool optional)
{
	struct want *at = find(w, name->p, name->n);
	char *text = strndup(value->p, value->n);

	if (!text)
		return -ENOMEM;
	if (!at) {
		if (w->n == w->cap) {
			at = reallocarray(w->v, w->cap + 128, sizeof(*at));
			if (!at) {
				free(text);
				return -ENOMEM;
			}
			w->v = at;
			w->cap += 128;
		}
		at = &w->v[w->n];
		*at = (struct want){ .name = strndup(name->p, name->n) };
		if (!at->name) {
			free(text);
			return -ENOMEM;
		}
		w->n++;
	}
	free(at->value);
	at->value = text;
	at->file = file;
	at->line = number;
	at->optional = optional;
	return 0;
}

int kconfig_want(struct wants *w, const char *file, unsigned long line, const char *name,
		 const char *value, bool optional)
{
	const struct line n = { name, strlen(name) }, v = { value, strlen(value) };

	return put(w, file, line, &n, &v, optional);
}

/* What a "#?" line says of the lines below it. */
struct scope {
	bool optional, some_machines, this_machine;
};

static bool scope_line(const struct line *l, const char *machine, struct scope *s)
{
	const char *p = l->p + 2, *end = l->p + l->n;
	size_t n, i;

	for (;;) {
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p == end)
			return true;
		for (n = 0; p + n < end && p[n] != ' ' && p[n] != '\t'; n++)
			;
		if (n == 8 && memcmp(p, "optional", 8) == 0) {
			s->optional = true;
		} else {
			for (i = 0; i < KT_ARRAY_LEN(machines); i++)
				if (n == strlen(machines[i]) && memcmp(p, machines[i], n) == 0)
					break;
			if (i == KT_ARRAY_LEN(machines))
				return false;
			s->some_machines = true;
			s->this_machine |= strcmp(machines[i], machine) == 0;
		}
		p += n;
	}
}

int kconfig_add(struct wants *w, const char *file, const char *text, size_t len,
		const char *machine)
{
	const char *p = text, *end = text + len;
	struct scope scope = { 0 };
	unsigned long number = 0;
	struct line l, name, value;
	int rc;

	while (next_line(&p, end, &l)) {
		number++;
		while (l.n > 0 && (l.p[l.n - 1] == ' ' || l.p[l.n - 1] == '\t'))
			l.n--;
		if (l.n == 0) {
			scope = (struct scope){ 0 };
		} else if (l.n >= 2 && memcmp(l.p, "#?", 2) == 0) {
			if (!scope_line(&l, machine, &scope)) {
				warn_msg("%s:%lu: '%.*s': after '#?' go 'optional', 'x86_64' and "
					 "'aarch64'",
					 file, number, (int)l.n, l.p);
				return -EINVAL;
			}
		} else if (parse_line(&l, &name, &value)) {
			if (scope.some_machines && !scope.this_machine)
				continue;
			rc = put(w, file, number, &name, &value, scope.optional);
			if (rc < 0)
				return rc;
		} else if (l.p[0] != '#') {
			warn_msg("%s:%lu: '%.*s' is neither CONFIG_NAME=VALUE nor "
				 "'# CONFIG_NAME is not set'",
				 file, number, (int)l.n, l.p);
			return -EINVAL;
		}
	}
	return 0;
}

int kconfig_text(const struct wants *w, struct buf *out)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->v[i].value, "n") == 0)
			(void)buf_fmt(out, "# CONFIG_%s is not set\n", w->v[i].name);
		else
			(void)buf_fmt(out, "CONFIG_%s=%s\n", w->v[i].name, w->v[i].value);
	return out->err;
}

/* The last line for an option; false when there is none. */
static bool look_up(const char *config, size_t len, const char *name, char *buf, size_t cap)
{
	const char *p = config, *end = config + len;
	char key[160];
	bool found = false;
	int n = snprintf(key, sizeof(key), "CONFIG_%s", name);

	if (n < 0 || n >= (int)sizeof(key))
		return false;
	while (p && (p = memmem(p, (size_t)(end - p), key, (size_t)n))) {
		const char *from = memrchr(config, '\n', (size_t)(p - config));
		struct line l, is, v;

		from = from ? from + 1 : config;
		p += n;
		if (next_line(&from, end, &l) && parse_line(&l, &is, &v) && is.p + is.n == p &&
		    is.n == strlen(name)) {
			(void)snprintf(buf, cap, "%.*s", (int)v.n, v.p);
			found = true;
		}
	}
	return found;
}

char *kconfig_value(const char *config, size_t len, const char *name, char *buf, size_t cap)
{
	if (!look_up(config, len, name, buf, cap))
		(void)snprintf(buf, cap, "n");
	return buf;
}

bool kconfig_honours(const char *config, size_t len, const struct want *w)
{
	char value[VALUE_MAX];

	kconfig_value(config, len, w->name, value, sizeof(value));
	return strncmp(value, w->value, sizeof(value) - 1) == 0 ||
	       (strcmp(w->value, "m") == 0 && strcmp(value, "y") == 0);
}

/* Does a line of the file say "config NAME" or "menuconfig NAME"? 1, 0 or -errno. */
static int file_defines(const char *path, const char *name)
{
	AUTO_BUF b = BUF_INIT;
	const char *p, *end;
	struct line l;
	int rc = buf_file(&b, path, KCONFIG_MAX);

	if (rc < 0)
		return rc;
	p = b.p;
	end = p + b.len;
	while (p && next_line(&p, end, &l)) {
		size_t at = 0, len = strlen(name);

		while (at < l.n && (l.p[at] == ' ' || l.p[at] == '\t'))
			at++;
		if (l.n - at > 4 && memcmp(l.p + at, "menu", 4) == 0)
			at += 4;
		if (l.n - at <= 6 || memcmp(l.p + at, "config", 6) != 0)
			continue;
		for (at += 6; at < l.n && (l.p[at] == ' ' || l.p[at] == '\t'); at++)
			;
		if (name_len(l.p + at, l.n - at) == len && memcmp(l.p + at, name, len) == 0)
			return 1;
	}
	return 0;
}

int kconfig_known(const char *tree, const char *name)
{
	char *const roots[] = { strdupa(tree), NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	const FTSENT *e;
	int rc = 0;

	if (!fts)
		return -errno;
	while (rc == 0 && (e = fts_read(fts)))
		if (e->fts_info == FTS_F && strncmp(e->fts_name, "Kconfig", 7) == 0)
			rc = file_defines(e->fts_path, name);
	(void)fts_close(fts); /* read only */
	return rc;
}

void kconfig_changes(const char *old, size_t old_len, const char *now, size_t now_len,
		     void (*fn)(const char *name, const char *was, const char *is, void *arg),
		     void *arg)
{
	char name[128], was[VALUE_MAX], is[VALUE_MAX];
	const char *p;
	struct line l, n, v;

	for (p = old; next_line(&p, old + old_len, &l);) {
		if (!parse_line(&l, &n, &v) || n.n >= sizeof(name))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)n.n, n.p);
		(void)snprintf(was, sizeof(was), "%.*s", (int)v.n, v.p);
		if (strcmp(was, kconfig_value(now, now_len, name, is, sizeof(is))) != 0)
			fn(name, was, is, arg);
	}
	for (p = now; next_line(&p, now + now_len, &l);) { /* and what is new */
		if (!parse_line(&l, &n, &v) || n.n >= sizeof(name))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)n.n, n.p);
		(void)snprintf(is, sizeof(is), "%.*s", (int)v.n, v.p);
		if (strcmp(is, "n") != 0 && !look_up(old, old_len, name, was, sizeof(was)))
			fn(name, "n", is, arg);
	}
}

const char *kconfig_cause(const char *name)
{
	static const struct {
		const char *name, *cause;
	} causes[] = {
		{ "SCHED_CLASS_EXT", "it is in Linux 6.12 and newer, and needs BPF_SYSCALL, "
				     "BPF_JIT and DEBUG_INFO_BTF" },
		{ "EXT_GROUP_SCHED", "it needs SCHED_CLASS_EXT and CGROUP_SCHED" },
		{ "DEBUG_INFO_BTF", "it needs pahole, 1.16 or newer, and DEBUG_INFO_DWARF4 or 5" },
		{ "DEBUG_INFO_DWARF5", "it needs DEBUG_KERNEL, and no COMPILE_TEST" },
		{ "BPF_SYSCALL", "without it no BPF program can be loaded" },
		{ "BPF_EVENTS", "it needs BPF_SYSCALL, PERF_EVENTS and KPROBE_EVENTS" },
		{ "KPROBE_EVENTS", "it needs FTRACE and KPROBES" },
		{ "FUNCTION_TRACER", "it needs FTRACE" },
		{ "DYNAMIC_FTRACE", "it needs FUNCTION_TRACER" },
		{ "CFS_BANDWIDTH", "it needs CGROUP_SCHED and FAIR_GROUP_SCHED" },
		{ "FAIR_GROUP_SCHED", "it needs CGROUP_SCHED" },
		{ "VIRTIO_PCI", "it needs PCI and VIRTIO_MENU" },
		{ "VIRTIO_CONSOLE", "it needs TTY and VIRTIO_MENU" },
		{ "X86_64_ACPI_NUMA", "it needs NUMA, ACPI and PCI" },
	};
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(causes); i++)
		if (strcmp(causes[i].name, name) == 0)
			return causes[i].cause;
	return NULL;
}

void kconfig_free(struct wants *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		free(w->v[i].name);
		free(w->v[i].value);
	}
	free(w->v);
	*w = (struct wants){ 0 };
}
