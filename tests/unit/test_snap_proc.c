// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-snap: the files of /proc/PID/task/TID of several kernels, whole, cut and made up; patterns
 * of threads; mount options. */
#include "cleanup.h"
#include "filter.h"
#include "machine.h"
#include "proc_parse.h"
#include "tap.h"
#include "taskstats.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stddef.h>
#include <stdlib.h>

static const struct stat_units units = { 100, 4 };
static struct sched_keys keys;
static char numa[NUMA_TEXT];

static void value(const struct thread_rec *t, enum field_id f, const char *want)
{
	char got[NUMA_TEXT + 8] = "null";

	if (field_has(&t->has, f) && fields[f].kind == FIELD_STR)
		(void)snprintf(got, sizeof(got), "%.*s", (int)t->v[f], t->s[f]);
	else if (field_has(&t->has, f))
		(void)snprintf(got, sizeof(got), "%" PRId64, (int64_t)t->v[f]);
	ok_str(got, want, "%s", fields[f].name);
}

static bool nothing(const struct thread_rec *t)
{
	static const struct field_set none;

	return memcmp(&t->has, &none, sizeof(none)) == 0;
}

/* ---- stat ---- */

#define TAIL                                                                                       \
	" S 1 1234 1234 0 -1 4194304 104 7 3 0 12 34 5 6 20 -5 1 0 1336123 3133440 409 "           \
	"18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 3 40 1 0 0 0 0 0 0 0 0 0 0 0\n"

static void stat_of(const char *name, const char *tail, const char *want)
{
	AUTO_BUF b = BUF_INIT;
	struct thread_rec t;
	int rc;

	buf_fmt(&b, "1234 (%s)%s", name, tail);
	thread_clear(&t);
	rc = parse_stat(b.p, b.len, &units, &t);
	ok(rc == (want ? 0 : -EINVAL), "stat of '%s' gives %d", name, rc);
	if (want && rc == 0)
		value(&t, F_comm, want);
	else
		ok(nothing(&t), "nothing is set");
}

static void stats(void)
{
	static const char kernel[] =
		"9 (kworker/0:1-events) I 2 0 0 0 -1 69238880 0 0 0 0 0 9 0 0 20 "
		"0 1 0 11 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 1 "
		"0 0 17 1 0 0 0 0 0\n";
	static const char whole[] = "1234 (a name)" TAIL;
	struct thread_rec t;
	size_t n, bad = 0;

	thread_clear(&t);
	ok(parse_stat(whole, strlen(whole), &units, &t) == 0, "a stat line");
	value(&t, F_comm, "a name");
	value(&t, F_state, "83");
	value(&t, F_kthread, "0");
	value(&t, F_minflt, "104");
	value(&t, F_majflt, "3");
	value(&t, F_utime_ns, "120000000");
	value(&t, F_stime_ns, "340000000");
	value(&t, F_nice, "-5");
	value(&t, F_start_ns, "13361230000000");
	value(&t, F_rss_kb, "1636");
	value(&t, F_cpu, "3");
	value(&t, F_rt_priority, "40");
	value(&t, F_policy, "1");

	stat_of("a) S 1 (b", TAIL, "a) S 1 (b");
	stat_of("((([", TAIL, "((([");
	stat_of("x\ny) 7\n", TAIL, "x\ny) 7\n");
	stat_of("\xff\xfe", TAIL, "\xff\xfe");
	stat_of("", TAIL, "");
	stat_of("x", "", NULL);
	stat_of("x", " S", NULL);
	stat_of("x", " S 1 2 3 x", NULL);
	stat_of("x", " S 1 1234 1234 0 -1 4194304 104 7 3 0 12 34 5 6 20 -5 1 0", NULL);
	stat_of("x",
		" S 1 1234 1234 0 -1 4194304 104 7 3 0 12 34 5 6 20 -5 1 0 99999999999999999999",
		NULL);
	stat_of("x", " S 1 1234 1234 0 -1 4194304 104 7 3 0 12 34 5 6 20 -5 1 0 1", "x");

	thread_clear(&t);
	ok(parse_stat(kernel, strlen(kernel), &units, &t) == 0, "a kernel thread's stat line");
	value(&t, F_comm, "kworker/0:1");
	value(&t, F_kthread, "1");
	value(&t, F_rss_kb, "null");

	for (n = 0; n < strlen(whole); n++) { /* cut anywhere: fewer values, never others */
		struct thread_rec cut;
		int f;

		thread_clear(&cut);
		if (parse_stat(whole, n, &units, &cut) < 0)
			continue;
		for (f = 0; f < F_N; f++)
			bad += field_has(&cut.has, f) && cut.v[f] != t.v[f] && whole[n] == ' ' &&
			       fields[f].kind != FIELD_STR && f != F_state && f != F_kthread;
	}
	ok(n > 100, "cut anywhere, %zu of %zu lengths", n - bad, n);
}

/* ---- sched ---- */

#define DASHES "-------------------------------------------------------------------\n"

static void scheds(void)
{
	static const char old[] =
		"cat (1, #threads: 1)\n" DASHES
		"se.exec_start                                :      13323988.867409\n"
		"se.nr_migrations                             :                    5\n"
		"se.statistics.wait_sum                       :             3.000007\n"
		"se.statistics.sum_sleep_runtime              :          1200.500000\n"
		"se.statistics.nr_wakeups_sync                :                   17\n"
		"nr_voluntary_switches                        :                   11\n"
		"nr_involuntary_switches                      :                    2\n";
	static const char new[] =
		"cat (1, #threads: 1)\n" DASHES
		"se.exec_start                                :      13323988.867409\n"
		"sum_sleep_runtime                            :             0.000001\n"
		"sum_block_runtime                            :             0.999999\n"
		"block_max                                    :  18446744073709.551615\n"
		"wait_max                                     :  18446744073709.551616\n"
		"iowait_sum                                   :            -0.000001\n"
		"iowait_count                                 :                   -1\n"
		"wait_count                                   :            99999999999999999999\n"
		"nr_wakeups                                   :                    1 2\n"
		"nr_wakeups_affine                            :                   42\n"
		"uclamp.min                                   :                    3\n"
		"uclamp.max                                   :                 1024\n"
		"effective uclamp.min                         :                    9\n"
		"ext.enabled                                  :                    1\n"
		"current_node=0, numa_group_id=0\n"
		"numa_faults node=0 task_private=3 task_shared=4 group_private=0 group_shared=0\n"
		"numa_faults node=1 task_private=0 task_shared=0 group_private=0 group_shared=0\n";
	static const char *const names[] = {
		"nr_wakeups:9\nb (1, #threads: 1)\n" DASHES "nr_switches : 1\n",
		"\n----\nwait:9\n (1, #threads: 1)\n" DASHES "nr_switches : 1\n",
		"\n---------------\n (1, #threads: 1)\n" DASHES "nr_switches : 1\n",
	};
	struct thread_rec t;
	size_t i;

	thread_clear(&t);
	ok(parse_sched(old, strlen(old), &keys, numa, &t) == 0, "sched before Linux 5.16");
	value(&t, F_nr_migrations, "5");
	value(&t, F_wait_sum_ns, "3000007");
	value(&t, F_sleep_sum_ns, "1200500000");
	value(&t, F_nr_wakeups_sync, "17");
	value(&t, F_voluntary_csw, "11");
	value(&t, F_nonvoluntary_csw, "2");
	value(&t, F_nr_wakeups, "null");

	thread_clear(&t);
	ok(parse_sched(new, strlen(new), &keys, numa, &t) == 0, "sched since then");
	value(&t, F_sleep_sum_ns, "1");
	value(&t, F_block_sum_ns, "999999");
	value(&t, F_block_max_ns, "-1");
	value(&t, F_wait_max_ns, "null");
	value(&t, F_iowait_sum_ns, "null");
	value(&t, F_iowait_count, "null");
	value(&t, F_wait_count, "null");
	value(&t, F_nr_wakeups, "null");
	value(&t, F_nr_wakeups_affine, "42");
	value(&t, F_uclamp_min, "3");
	value(&t, F_uclamp_max, "1024");
	value(&t, F_ext_enabled, "1");
	value(&t, F_numa_faults, "0:7,1:0");

	for (i = 0; i < KT_ARRAY_LEN(names); i++) {
		thread_clear(&t);
		ok(parse_sched(names[i], strlen(names[i]), &keys, numa, &t) == 0,
		   "a name that looks like values, %zu", i);
		ok(nothing(&t), "is none");
	}
	ok(parse_sched("cat (1)\n---\n", 12, &keys, numa, &t) == -EINVAL, "no line of dashes");
	ok(parse_sched("", 0, &keys, numa, &t) == -EINVAL, "an empty file");
}

/* ---- the others ---- */

static void small(void)
{
	static const char io[] = "rchar: 8701\nwchar: 1725\nsyscr: 14\nsyscw: 2\nread_bytes: 0\n"
				 "write_bytes: 4096\ncancelled_write_bytes: 12\n";
	static const char other[] =
		"syscw: 2\nrchar: x\nnew: 3\nwrite_bytes: 7\nwchar:1\nrchar: 5 \n";
	static const char status[] = "Name:\tx\\nTgid:\t9\nTgid:\t77\nvoluntary_ctxt_switches:\t5\n"
				     "nonvoluntary_ctxt_switches:\t6\n";
	static const char cgroup[] = "4:memory:/job\n1:name=systemd:/0::/no\n0::/a/b c\n";
	struct thread_rec t;
	struct span s;

	thread_clear(&t);
	parse_schedstat("438420 18446744073709551615 1\n", 30, &t);
	value(&t, F_run_time_ns, "438420");
	value(&t, F_wait_time_ns, "-1");
	value(&t, F_timeslices, "1");
	thread_clear(&t);
	parse_schedstat("438420 5x 1\n", 12, &t);
	value(&t, F_run_time_ns, "438420");
	value(&t, F_wait_time_ns, "null");
	value(&t, F_timeslices, "null");

	thread_clear(&t);
	parse_io(io, strlen(io), &t);
	value(&t, F_rchar, "8701");
	value(&t, F_wchar, "1725");
	value(&t, F_syscr, "14");
	value(&t, F_syscw, "2");
	value(&t, F_read_bytes, "0");
	value(&t, F_write_bytes, "4096");
	value(&t, F_cancelled_write_bytes, "12");
	thread_clear(&t);
	parse_io(other, strlen(other), &t);
	value(&t, F_rchar, "null");
	value(&t, F_syscw, "2");
	value(&t, F_write_bytes, "7");
	value(&t, F_wchar, "1");

	thread_clear(&t);
	parse_status(status, strlen(status), &t);
	value(&t, F_voluntary_csw, "5");
	value(&t, F_nonvoluntary_csw, "6");
	ok(parse_tgid(status, strlen(status)) == 77, "Tgid");
	ok(parse_tgid("Tgid:\t0\n", 8) == -1 && parse_tgid("", 0) == -1, "no Tgid");

	s = parse_cgroup(cgroup, strlen(cgroup));
	ok(s.n == 6 && memcmp(s.p, "/a/b c", 6) == 0, "the path in cgroup v2");
	ok(parse_cgroup("4:memory:/job\n", 14).n == 0, "no cgroup v2");
	ok(parse_cgroup("0::", 3).n == 0, "an empty one");
	ok(parse_pid("1") == 1 && parse_pid("2147483647") == INT_MAX &&
		   parse_pid("2147483648") == 0 && parse_pid("self") == 0 && parse_pid("0") == 0 &&
		   parse_pid("") == 0 && parse_pid("1a") == 0,
	   "names of processes");
}

/* ---- netlink ---- */

static void netlink(void)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr ge;
		struct nlattr pid_set, pid;
		uint32_t tid;
		struct nlattr stats;
		struct taskstats ts;
	} __attribute__((packed, aligned(8))) m = { 0 };
	struct {
		struct nlmsghdr nl;
		struct nlmsgerr e;
	} err = { 0 };
	struct thread_rec t;
	size_t n, bad = 0;

	m.nl.nlmsg_len = sizeof(m);
	m.pid.nla_type = TASKSTATS_TYPE_PID;
	m.pid.nla_len = NLA_HDRLEN + 4;
	m.stats.nla_type = TASKSTATS_TYPE_STATS;
	m.stats.nla_len = NLA_HDRLEN + sizeof(m.ts);
	m.pid_set.nla_type = TASKSTATS_TYPE_AGGR_PID;
	m.pid_set.nla_len = (uint16_t)(sizeof(m) - offsetof(__typeof__(m), pid_set));
	m.ts.blkio_count = 3;
	m.ts.blkio_delay_total = 4000;
	m.ts.freepages_count = 5;
	thread_clear(&t);
	ok(taskstats_parse(&m, sizeof(m), &t) == 0, "a reply of taskstats");
	value(&t, F_blkio_delay_count, "3");
	value(&t, F_blkio_delay_ns, "4000");
	value(&t, F_reclaim_delay_count, "5");
	value(&t, F_swapin_delay_ns, "0");
	for (n = 0; n < sizeof(m); n++) {
		AUTO_FREE char *cut = malloc(n + 1);

		if (!cut)
			break;
		memcpy(cut, &m, n);
		bad += taskstats_parse(cut, n, &t) != -EBADMSG;
	}
	ok(n == sizeof(m) && bad == 0, "cut anywhere it is none");
	err.nl.nlmsg_type = NLMSG_ERROR;
	err.nl.nlmsg_len = sizeof(err);
	err.e.error = -ESRCH;
	ok(taskstats_parse(&err, sizeof(err), &t) == -ESRCH, "an error that is replied");
}

/* ---- which threads, which mounts ---- */

static void patterns(void)
{
	static const char *const g[] = { "/a/*", "/x.slice" };
	static const char *const root[] = { "/" };
	static const char *const c[] = { "kworker*", "a b" };

	ok(filter_cgroup(NULL, 0, "", 0), "no pattern: any cgroup");
	ok(filter_cgroup(g, 2, "/a/b", 4), "/a/b is below /a");
	ok(filter_cgroup(g, 2, "/a/b/c/d", 8), "/a/b/c/d is below /a/b");
	ok(!filter_cgroup(g, 2, "/a", 2), "/a is not");
	ok(filter_cgroup(g, 2, "/x.slice", 8) && filter_cgroup(g, 2, "/x.slice/y", 10), "/x.slice");
	ok(!filter_cgroup(g, 2, "/x.slicey", 9), "/x.slicey is not");
	ok(!filter_cgroup(g, 2, "/b/a/c", 6) && !filter_cgroup(g, 2, "", 0), "others are not");
	ok(filter_cgroup(root, 1, "/", 1) && filter_cgroup(root, 1, "/a/b", 4), "all is below /");
	ok(filter_comm(c, 2, "kworker/0:1", 11) && filter_comm(c, 2, "a b", 3), "names");
	ok(!filter_comm(c, 2, "a bc", 4) && filter_comm(NULL, 0, "x", 1), "other names");
}

static void hides(const char *mountinfo, const char *want)
{
	AUTO_FREE char *got = machine_hidepid(mountinfo);

	ok_str(got, want, "hidepid");
}

int main(void)
{
	sched_keys_init(&keys);
	stats();
	scheds();
	small();
	netlink();
	patterns();
	hides("23 28 0:21 / /proc rw,nosuid - proc proc rw,hidepid=invisible\n", "invisible");
	hides("23 28 0:21 / /proc rw,nosuid - proc proc rw,hidepid=2,gid=4\n24 1 0:1 / / rw - ext4 "
	      "x rw\n",
	      "2");
	hides("23 28 0:21 / /proc rw - proc proc rw\n24 28 0:21 / /x/proc rw - proc proc "
	      "rw,hidepid=2\n",
	      NULL);
	hides("23 28 0:21 / /proc rw - proc proc rw,hidepid=2\n24 23 0:22 / /proc rw - proc proc "
	      "rw\n",
	      NULL);
	hides("", NULL);
	return tap_done();
}
