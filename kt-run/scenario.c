/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads scenario files. */
#include "scenario.h"
#include "buf.h"
#include "cpuset.h"
#include "dur.h"
#include "jsonr.h"
#include "scenario_parts.h"
#include "thresh.h"

#include <errno.h>
#include <string.h>

static void read_flag_list(struct jsonr *r, const char *key, flagset *ret)
{
	json_t *arr = NULL, *v;
	size_t i;

	if (jsonr_arr(r, key, &arr) <= 0)
		return;
	json_array_foreach (arr, i, v) {
		if (!json_is_string(v))
			jsonr_fail(r, key, "want an array of names");
		else if (!flags_find(json_string_value(v)))
			scenario_bad_choice(r, key, json_string_value(v), flags_name);
		else
			*ret |= flags_find(json_string_value(v));
	}
}

static void read_flags(struct jsonr *r, struct scenario *sc)
{
	flagset some[64];
	struct jsonr s;
	json_t *v = NULL;

	if (jsonr_obj(r, "flags", &v) <= 0)
		return;
	jsonr_sub(&s, r, "flags", -1, v);
	read_flag_list(&s, "required", &sc->required);
	read_flag_list(&s, "excluded", &sc->excluded);
	if (jsonr_done(&s) == 0 && flags_profiles(sc->required, sc->excluded, some) == 0)
		jsonr_fail(r, "flags", "leave no profile at all");
}

static void read_needs(struct jsonr *r, struct scenario *sc)
{
	struct jsonr s;
	json_t *v = NULL;

	if (jsonr_obj(r, "needs", &v) <= 0)
		return;
	jsonr_sub(&s, r, "needs", -1, v);
	(void)jsonr_u64(&s, "cpus", 1, CPUSET_MAX, &sc->need_cpus);
	(void)jsonr_u64(&s, "llcs", 1, CPUSET_MAX, &sc->need_llcs);
	(void)jsonr_u64(&s, "nodes", 1, CPUSET_MAX, &sc->need_nodes);
	(void)jsonr_u64(&s, "smt", 1, 64, &sc->need_smt);
	(void)jsonr_done(&s); /* the document keeps the error */
}

/* The file's name and the member must agree: people choose a scenario by either. */
static void check_file_name(struct jsonr *r, const struct scenario *sc)
{
	const char *base = strrchr(sc->path, '/');
	size_t n;

	base = base ? base + 1 : sc->path;
	n = strlen(base);
	if (!sc->name || n < 6 || strcmp(base + n - 5, ".json") != 0)
		return;
	if (strncmp(base, sc->name, n - 5) != 0 || sc->name[n - 5] != '\0')
		jsonr_fail(r, "name", "'%s', but the file is called %s", sc->name, base);
}

static void read_checks(struct jsonr *r, struct scenario *sc)
{
	struct thr_set set = { 0 };
	json_t *v = NULL;
	char why[160];

	if (jsonr_obj(r, "checks", &v) <= 0)
		return;
	sc->checks = v;
	if (thr_apply(&set, v, THR_SCENARIO, why, sizeof(why)) < 0)
		jsonr_fail(r, "checks", "%s", why);
}

static void read_all(struct jsonr *r, struct scenario *sc)
{
	if (jsonr_need_str(r, "name", &sc->name) > 0 &&
	    (!*sc->name ||
	     strspn(sc->name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(sc->name)))
		jsonr_fail(r, "name", "'%s': want lower-case letters, digits, '_' and '-'",
			   sc->name);
	check_file_name(r, sc);
	(void)jsonr_need_str(r, "category", &sc->category);
	(void)jsonr_need_str(r, "description", &sc->description);
	read_flags(r, sc);
	read_needs(r, sc);
	sc->settle_ns = 500 * NSEC_PER_MSEC;
	(void)jsonr_dur(r, "settle", &sc->settle_ns);
	sc->cgroups = scenario_read_cgroups(r, true, &sc->n_cgroups);
	scenario_check_partitions(r, sc->cgroups, sc->n_cgroups);
	scenario_read_steps(r, sc);
	read_checks(r, sc);
	(void)jsonr_done(r); /* the document keeps the error */
}

/* Takes text, whatever happens. */
static struct scenario *read_text(const char *path, char *text, size_t len, char *err, size_t cap)
{
	struct scenario *sc = calloc(1, sizeof(*sc));
	struct jsonr_doc doc = { .err = "out of memory" };
	struct jsonr r;

	if (sc) {
		sc->text = text;
		sc->text_len = len;
		sc->path = strdup(path);
	}
	if (sc && sc->path) {
		sc->root = jsonr_parse(&doc, path, 1, text, len);
		if (sc->root) {
			jsonr_open(&r, &doc, sc->root, "");
			if (jsonr_ok(&r))
				read_all(&r, sc);
		}
	}
	if (!doc.err[0])
		return sc;
	(void)snprintf(err, cap, "%s", doc.err);
	if (sc)
		scenario_free(sc);
	else
		free(text);
	return NULL;
}

struct scenario *scenario_read(const char *path, const char *text, size_t len, char *err,
			       size_t cap)
{
	char *copy = malloc(len + 1);

	if (!copy) {
		(void)snprintf(err, cap, "out of memory");
		return NULL;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	return read_text(path, copy, len, err, cap);
}

struct scenario *scenario_load(const char *path, char *err, size_t cap)
{
	AUTO_BUF b = BUF_INIT;
	int rc = buf_file(&b, path, SIZE_MAX);
	size_t len = b.len;
	char *text = rc < 0 ? NULL : buf_take(&b);

	if (!text) {
		(void)snprintf(err, cap, "%s: %s", path, strerror(rc < 0 ? -rc : ENOMEM));
		return NULL;
	}
	return read_text(path, text, len, err, cap);
}

static void free_cgroups(struct cgroup_def *d, size_t n)
{
	size_t i, k;

	for (i = 0; d && i < n; i++) {
		for (k = 0; k < d[i].n_works; k++)
			json_decref(d[i].works[k].work);
		free(d[i].works);
	}
	free(d);
}

void scenario_free(struct scenario *sc)
{
	size_t i, k;

	if (!sc)
		return;
	free_cgroups(sc->cgroups, sc->n_cgroups);
	for (i = 0; sc->steps && i < sc->n_steps; i++) {
		for (k = 0; k < sc->steps[i].n_ops; k++)
			json_decref(sc->steps[i].ops[k].work.work);
		free(sc->steps[i].ops);
		free_cgroups(sc->steps[i].cgroups, sc->steps[i].n_cgroups);
	}
	free(sc->steps);
	json_decref(sc->root);
	free(sc->text);
	free(sc->path);
	free(sc);
}
