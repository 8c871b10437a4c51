/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario file, read strictly. man/ktstr-scenario.5 describes the form. */
#ifndef KT_SCENARIO_H
#define KT_SCENARIO_H

#include "flags.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACE_MAX 64 /* "steps[10].cgroups[2].works[1]" */

/* Texts are borrowed from the scenario's JSON, and NULL when the member is absent. */
struct work_def {
	char place[PLACE_MAX]; /* of the member, for messages */
	const char *type;
	json_t *work; /* owned: {"type":…, parameters}, as the op has it */
	const char *count; /* an expression; NULL: W */
	char number[24]; /* what count points to when it is a number there */
	const char *policy; /* NULL: normal */
	int64_t nice;
	const char *affinity; /* an intent or a CPU spec; NULL: inherit */
	json_t *mem; /* borrowed */
};

struct cgroup_def {
	char place[PLACE_MAX];
	const char *name;
	const char *spec, *partition; /* one of them, or neither: no cpuset */
	const char *mems, *max;
	uint64_t weight; /* 0: not set */
	bool swappable; /* --work-type may replace the CpuSpin works of a step */
	struct work_def *works;
	size_t n_works; /* a cgroup without works gets one default work, unless `empty` */
	bool empty;
};

enum step_kind {
	STEP_CREATE, /* an empty cgroup */
	STEP_RM, /* with the workers in it */
	STEP_SET,
	STEP_CLEAR,
	STEP_MOVE,
	STEP_KILL, /* the workers, without reports */
	STEP_STOP, /* the workers, with reports */
	STEP_SPAWN,
	STEP_AFFINITY,
};

struct step_op {
	enum step_kind kind;
	char place[PLACE_MAX];
	const char *cgroup, *to; /* "" of spawn: outside all cgroups of the scenario */
	const char *what; /* clear: "cpus" or "mems" */
	const char *affinity;
	int freeze; /* -1: not given */
	struct cgroup_def def; /* set: what is written */
	struct work_def work; /* spawn */
};

enum hold_kind {
	HOLD_FRAC, /* of the duration */
	HOLD_FIXED,
	HOLD_LOOP, /* the step's ops again and again, each time after `time`, until the duration is
		      over */
};

struct hold {
	enum hold_kind kind;
	char place[PLACE_MAX];
	double frac;
	const char *time; /* an expression */
	char number[32];
};

struct step {
	struct step_op *ops;
	size_t n_ops;
	struct cgroup_def *cgroups;
	size_t n_cgroups;
	struct hold hold;
	uint64_t repeat; /* how often the whole step is done */
};

struct scenario {
	json_t *root; /* owned */
	char *text; /* of the file, owned */
	size_t text_len;
	char *path; /* owned */
	const char *name, *category, *description;
	flagset required, excluded;
	uint64_t need_cpus, need_llcs, need_nodes, need_smt; /* 0: none asked for */
	uint64_t settle_ns;
	struct cgroup_def *cgroups;
	size_t n_cgroups;
	struct step *steps; /* at least one */
	size_t n_steps;
	const json_t *checks; /* borrowed, or NULL */
};

/* scenario_load - read and check the file. err (cap bytes) gets "FILE:LINE: member 'x': …" on a
 * failure. Returns NULL then; else the caller frees it. */
struct scenario *scenario_load(const char *path, char *err, size_t cap);

/* scenario_read - the same from text, which is copied. */
struct scenario *scenario_read(const char *path, const char *text, size_t len, char *err,
			       size_t cap);

void scenario_free(struct scenario *sc);

#endif
