/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of one plan's run share: the run, what was found out so far, and how to tell it.
 */
#ifndef KT_JUDGING_H
#define KT_JUDGING_H

#include "checks.h"
#include "placement.h"

#define SATURATED_PCT 80 /* of its wall time a worker wanted to run */

struct judging {
	const struct plan_run *run;
	struct verdict *v;
	struct workers *ws;
	struct placement pl;
	int rc; /* -ENOMEM once that has happened */
};

/* One violated or kept limit of a group or a worker; v is NAN when there was nothing to measure. */
struct found {
	enum thr_id id;
	double v;
	double excess,
		stolen; /* beyond the limit and by the host, in one unit; for judge_violated() */
	const char *unit;
};

/* judge_say - add a detail; the text takes the place of d's message. */
void judge_say(struct judging *j, struct detail d, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* judge_about, judge_about_worker - a detail to say, about the plan or about a worker. */
struct detail judge_about(const char *check, enum outcome outcome);
struct detail judge_about_worker(const char *check, enum outcome outcome, const struct worker *w);

/* judge_limit - the limit that holds; never NULL. */
const struct thr *judge_limit(const struct judging *j, enum thr_id id);

/* judge_note - note a measurement: the worst of several is kept, and the worst outcome. A check
 * that is off is measured all the same. */
void judge_note(struct judging *j, enum thr_id id, double value, enum outcome outcome);

/* judge_against - hold what was found about d's worker or group, called `name`, against its limit.
 */
void judge_against(struct judging *j, const struct found *f, struct detail d, const char *name);
bool judge_is_over(enum thr_id id, const struct thr *t, double v);

/* judge_usable - CPUs that a worker could use at its end, or those it was seen on. */
struct cpuset judge_usable(const struct judging *j, size_t worker);

/* judge_stolen - ns, the most that the host took in a window from one of the CPUs that a worker
 * could use; 0 without samples. The others: in percent of the wall time of a worker; the worst of
 * several. */
uint64_t judge_stolen(const struct judging *j, size_t worker, uint64_t from, uint64_t to);
double judge_stolen_pct(const struct judging *j, size_t worker);
double judge_stolen_pct_of(const struct judging *j, const struct pick *p);

/* judge_violated - the outcome of a violated time check, which the host's delay may explain. */
enum outcome judge_violated(double excess, double stolen);

/* judge_host_says - the end of a message: "; the host held …" if that is why, else "". Returns buf.
 */
const char *judge_host_says(enum outcome o, double stolen, const char *unit, char *buf, size_t cap);

/* judge_takes_share - whether a worker takes all the CPU time that it gets: a fair share means
 * something for it. */
bool judge_takes_share(const struct worker *w);

/* judge_per_second - NAN when one is unknown. */
double judge_per_second(uint64_t n, uint64_t ns);

/* The checks: of the worker at an index (check_worker.c), of all workers, of a group by its first
 * worker, of cgroups among each other (check_group.c). */
void net_gaps(struct judging *j); /* first: the others use the gaps without the host's part */
void check_gap(struct judging *j, size_t i);
void check_isolation(struct judging *j, size_t i);
void check_worker_limits(struct judging *j, size_t i);
void check_starvation(struct judging *j);
void check_group_limits(struct judging *j, const struct worker *first);
void check_weights(struct judging *j);
void check_idle(struct judging *j);

#endif
