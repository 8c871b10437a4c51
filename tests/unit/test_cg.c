// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/cg: what is read from the kernel's texts, and which files it refuses to touch. */
#include "cg.h"
#include "cleanup.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

static void mounts(void)
{
	struct cg_mounts m;

	cg_mounts_parse("29 25 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n", &m);
	ok_str(m.v2, "/sys/fs/cgroup", "v2 on the usual place");
	ok_str(m.v1, "", "and no v1");
	cg_mounts_parse("30 25 0:26 / /mnt/first rw - cgroup2 none rw\n"
			"29 25 0:26 / /sys/fs/cgroup rw shared:9 master:3 - cgroup2 none rw\n"
			"31 25 0:26 / /mnt/last rw - cgroup2 none rw\n",
			&m);
	ok_str(m.v2, "/sys/fs/cgroup", "of several, the usual place");
	cg_mounts_parse(
		"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
		"33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
		"rw,xattr,release_agent=/x,name=systemd\n"
		"34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		&m);
	ok_str(m.v2, "/sys/fs/cgroup/unified", "a hybrid machine: v2");
	ok_str(m.v1,
	       "cpu,cpuacct on /sys/fs/cgroup/cpu,cpuacct, name=systemd on /sys/fs/cgroup/systemd",
	       "a hybrid machine: v1");
	cg_mounts_parse("30 25 0:26 / /mnt/a\\040b\\134c\\9 rw - cgroup2 none rw\n", &m);
	ok_str(m.v2, "/mnt/a b\\c\\9", "blanks in a path are escaped, what is no escape stays");
	cg_mounts_parse("\n1 2 3\n30 25 0:26 / /m rw x y z - cgroup2 none\n - - - - - - -\n", &m);
	ok_str(m.v2, "", "lines that are cut off are passed over");
}

static void texts(void)
{
	struct cg_owner o = { .pid = 5 };
	uint64_t v = 77;

	ok(cg_flat("populated 1\nfrozen 0\n", "frozen", &v) == 0 && v == 0, "frozen");
	ok(cg_flat("populated 18446744073709551615", "populated", &v) == 0 && v == UINT64_MAX,
	   "the largest number, without a newline");
	ok(cg_flat("nr_populated 1\npopulatedx 2\n", "populated", &v) == -ENOENT, "whole words");
	ok(cg_flat("populated\npopulated x\n", "populated", &v) == -EINVAL, "no number");
	ok(cg_has_word("cpuset cpu io", "cpu") && cg_has_word("cpu", "cpu"), "has cpu");
	ok(!cg_has_word("cpuset cpuacct", "cpu") && !cg_has_word("", "cpu"), "has no cpu");
	ok(cg_owner_parse("12 345", &o) == 0 && o.pid == 12 && o.start == 345, "an owner");
	ok(cg_owner_parse("0 1", &o) < 0 && cg_owner_parse("12", &o) < 0 &&
		   cg_owner_parse("12 3 4", &o) < 0 && cg_owner_parse(" 1 2", &o) < 0 &&
		   cg_owner_parse("99999999999 2", &o) < 0 && o.pid == 12,
	   "what is no owner leaves it alone");
}

static void paths(void)
{
	char buf[PATH_MAX], tiny[4];

	ok(cg_rel("/sys/fs/cgroup", "a/b", buf, sizeof(buf)) == 0 && !strcmp(buf, "a/b"), "a/b");
	ok(cg_rel("/sys/fs/cgroup", "/sys/fs/cgroup/a//./b/", buf, sizeof(buf)) == 0 &&
		   !strcmp(buf, "a/b"),
	   "absolute, and cleaned");
	ok(cg_rel("/sys/fs/cgroup", "/sys/fs/cgroup", buf, sizeof(buf)) == 0 && *buf == '\0',
	   "the mount itself");
	ok(cg_rel("/sys/fs/cgroup", "/sys/fs/cgroup2/a", buf, sizeof(buf)) == -EXDEV, "elsewhere");
	ok(cg_rel("/sys/fs/cgroup", "/sys/fs/cgroup/../x", buf, sizeof(buf)) == -EINVAL, "up");
	ok(cg_rel("/", "/a", buf, sizeof(buf)) == 0 && !strcmp(buf, "a"), "mounted on /");
	ok(cg_rel("/sys/fs/cgroup", "a\nb", buf, sizeof(buf)) == -EINVAL, "a newline");
	ok(cg_rel("/sys/fs/cgroup", "abcd", tiny, sizeof(tiny)) == -ENAMETOOLONG, "too long");
}

static void owners(void)
{
	struct cg_owner me, other;

	ok(cg_owner_of(getpid(), &me) == 0 && me.pid == getpid() && me.start > 0, "this process");
	ok(cg_owner_live(&me) == 1, "lives");
	other = me;
	other.start++;
	ok(cg_owner_live(&other) == 0, "one with its pid and another start time does not");
	ok(cg_owner_of(INT_MAX, &other) == -ESRCH, "no such process");
}

int main(void)
{
	int fd;

	mounts();
	texts();
	paths();
	owners();
	fd = cg_root_open("/");
	ok(fd == -EMEDIUMTYPE, "a directory that is no cgroup2 is refused");
	ok(cg_write(-1, "x", "") == -EINVAL, "a write of nothing is an error");
	return tap_done();
}
