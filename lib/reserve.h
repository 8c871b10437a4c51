/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caps on CPUs that people ask for, and running under kt-reserve(1) because of one. A tool that
 * can be capped
 *
 *	if (reserve_cap(o.cpu_cap, &cap, why, sizeof(why)) < 0)
 *		return usage("%s", why);
 *	if (cap > 0 && !reserve_inside()) {
 *		rc = reserve_exec((char *[]){ "--cpu-cap", text, NULL }, quiet, "kt-vm", argv);
 *		// returns only when it failed
 *
 * so starts itself again as the command of kt-reserve, and is told there that it is so. */
#ifndef KT_RESERVE_H
#define KT_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

/* reserve_cap - what --cpu-cap says (option; NULL: not given), else $KTSTR_CPU_CAP (empty: not
 * set). *ret_cap is 0 when neither is there. Returns 0; -EINVAL with a sentence in why for what is
 * no number of CPUs, and for a cap together with $KTSTR_BYPASS_LLC_LOCKS, which asks for the
 * opposite. */
int reserve_cap(const char *option, unsigned int *ret_cap, char *why, size_t cap);

/* reserve_bypass - whether $KTSTR_BYPASS_LLC_LOCKS is set and not empty. */
bool reserve_bypass(void);

/* reserve_inside - whether this is the second start, by reserve_exec(). True once: children that
 * are started later are not meant. */
bool reserve_inside(void);

/* reserve_exec - become `kt-reserve HOW... -- TOOL argv[1]...`, TOOL being one of our own. Returns
 * -errno. */
int reserve_exec(char *const how[], bool quiet, const char *tool, char *const argv[]);

#endif
