/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways of libbpf to load a program: its light skeleton, and the object file. */
#include "prog.h"
#include "snap_obj.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <snap.lskel.h>
#include <snap_plain.lskel.h>

static char why[256]; /* what libbpf said first, or what the verifier said last */

/* libbpf says what is wrong first, and then what cannot be done because of that; between such lines
 * is the verifier's log, whose last line but a sum tells. */
__attribute__((format(printf, 2, 0))) static int keep_line(enum libbpf_print_level level,
							   const char *fmt, va_list ap)
{
	static char text[1 << 16];
	char *line, *save = NULL;
	bool log = false;

	if (level != LIBBPF_WARN)
		return 0;
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a log's end can be missing */
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "-- BEGIN PROG LOAD LOG --"))
			log = true;
		else if (strstr(line, "-- END PROG LOAD LOG --"))
			log = false;
		else if (log ? strncmp(line, "processed ", 10) != 0 : !why[0])
			(void)snprintf(why, sizeof(why), "%s%s", log ? "verifier: " : "", line);
	}
	return 0;
}

static int load_plain(struct prog *ret)
{
	int rc;

	ret->plain = snap_plain__open();
	if (!ret->plain)
		return -ENOMEM;
	rc = snap_plain__load(ret->plain);
	if (rc == 0) {
		ret->fd = ret->plain->progs.snap.prog_fd;
		ret->shared = &ret->plain->bss->shared;
	}
	return rc;
}

static int load_whole(struct prog *ret)
{
	int rc;

	ret->light = snap__open();
	if (!ret->light)
		return -ENOMEM;
	rc = snap__load(ret->light);
	if (rc == 0) {
		ret->fd = ret->light->progs.snap.prog_fd;
		ret->shared = &ret->light->bss->shared;
	}
	return rc;
}

int prog_load_light(struct prog *ret, bool plain)
{
	int rc;

	*ret = (struct prog){ .fd = -1 };
	rc = plain ? load_plain(ret) : load_whole(ret);
	if (rc < 0)
		prog_close(ret);
	return rc;
}

int prog_load_libbpf(struct prog *ret, const char **ret_why)
{
	libbpf_print_fn_t old = libbpf_set_print(keep_line);
	struct bpf_map *bss;
	size_t bytes = 0;
	int rc = 0;

	*ret = (struct prog){ .fd = -1 };
	*ret_why = why;
	why[0] = '\0';
	/* cppcheck-suppress comparePointers ; begin and end of one file, see snap_obj.c */
	ret->object = bpf_object__open_mem(snap_obj, (size_t)(snap_obj_end - snap_obj), NULL);
	if (!ret->object)
		rc = -errno;
	if (rc == 0)
		rc = bpf_object__load(ret->object);
	(void)libbpf_set_print(old);
	if (rc < 0) {
		if (!why[0])
			(void)snprintf(why, sizeof(why), "libbpf: %s", strerror(-rc));
		prog_close(ret);
		return rc;
	}
	bss = bpf_object__find_map_by_name(ret->object, ".bss");
	/* once it is loaded, this is the map itself, to be written too */
	ret->shared = bss ? (void *)(uintptr_t)bpf_map__initial_value(bss, &bytes) : NULL;
	ret->fd = bpf_program__fd(bpf_object__next_program(ret->object, NULL));
	if (!ret->shared || bytes < sizeof(*ret->shared) || ret->fd < 0) {
		(void)snprintf(why, sizeof(why), "the program's memory is not mapped");
		prog_close(ret);
		return -EINVAL;
	}
	*ret_why = NULL;
	return 0;
}

int prog_load(struct prog *ret, bool plain, const char **ret_why)
{
	int rc = prog_load_light(ret, plain);

	if (rc == -EPERM) { /* the other way needs the same rights */
		*ret_why = "bpf(2): Operation not permitted";
		return rc;
	}
	if (rc < 0)
		return prog_load_libbpf(ret, ret_why);
	*ret_why = NULL;
	return 0;
}

void prog_close(struct prog *p)
{
	snap__destroy(p->light);
	snap_plain__destroy(p->plain);
	bpf_object__close(p->object);
	*p = (struct prog){ .fd = -1 };
}
