/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's configuration (.config text), held against what ktstr needs of a guest. */
#ifndef KT_CONFIG_H
#define KT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* What goes without an option. */
enum need_for {
	NEED_BOOT, /* kt-vm cannot run this kernel */
	NEED_SCHED, /* a part of the tests */
	NEED_SCHED_EXT, /* BPF schedulers */
	NEED_PROBE, /* kt-probe, kt-snap's BPF source */
};

struct need {
	const char *option; /* without CONFIG_ */
	const char *machine; /* of uname -m; NULL: every one */
	enum need_for what;
	const char *why;
};

/* All needs, in the order of `what`; ends with a NULL option. */
extern const struct need config_needs[];

enum tristate {
	TRI_UNKNOWN = -1,
	TRI_NO,
	TRI_YES
};

struct config {
	bool known; /* false: no configuration was found, all below is unknown */
	unsigned char have[64]; /* by position in config_needs: 'y', 'm', or 'n' for not set */
};

/* config_read - look up every need in the text. */
void config_read(struct config *c, const char *text, size_t len);

/* config_lacks - is need i one of this machine, and not built in? False when unknown. */
bool config_lacks(const struct config *c, size_t i, const char *machine);

/* config_can - are all needs of this kind built in? */
enum tristate config_can(const struct config *c, enum need_for what, const char *machine);

/* config_has - one option; it must be in config_needs. */
enum tristate config_has(const struct config *c, const char *option);

const char *need_for_text(enum need_for what);

#endif
