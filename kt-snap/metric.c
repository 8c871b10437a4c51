/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is compared. */
#include "metric.h"

#include <string.h>

static const struct {
	const char *name;
	enum field_rule rule;
	enum field_unit unit;
} of_cgroup[] = {
#define CGROUP(name, rule, unit) { "cgroup." #name, RULE_##rule, UNIT_##unit },
	CGROUP_METRICS(CGROUP)
#undef CGROUP
};

struct metric metric_get(unsigned int id)
{
	const struct field *f;

	if (id >= M_CGROUP)
		return (struct metric){ .name = of_cgroup[id - M_CGROUP].name,
					.rule = of_cgroup[id - M_CGROUP].rule,
					.unit = of_cgroup[id - M_CGROUP].unit };
	f = &fields[id];
	return (struct metric){ .name = f->name,
				.rule = f->rule,
				.unit = f->unit,
				.is_signed = f->kind == FIELD_I64,
				.words = f->rule == RULE_MODE || f->rule == RULE_SET };
}

bool metric_compared(unsigned int id)
{
	enum field_rule rule = metric_get(id).rule;

	return rule != RULE_KEY && rule != RULE_NONE;
}

int metric_find(const char *name, size_t len)
{
	unsigned int id;

	for (id = 0; id < M_N; id++) {
		const char *own = metric_get(id).name;

		if (strlen(own) == len && memcmp(own, name, len) == 0)
			return metric_compared(id) ? (int)id : -1;
	}
	return -1;
}

const char *metric_unit(unsigned int id)
{
	static const char *const name[] = {
		[UNIT_NONE] = NULL, [UNIT_NS] = "ns", [UNIT_BYTES] = "bytes", [UNIT_KB] = "kb"
	};

	return name[metric_get(id).unit];
}
