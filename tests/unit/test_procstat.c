// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of /proc/PID/stat. */
#include "procstat.h"
#include "tap.h"

#include <errno.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

static void is_none(const char *text, const char *name)
{
	struct procstat s = { .start = 77 };

	ok(procstat_parse(text, &s) == -EINVAL && s.start == 77, "%s", name);
}

int main(void)
{
	struct procstat s = { .start = 77 };

	ok(procstat_parse("7 (a) b) (c) S 1 -2 3 4 5 6 7 8 9 10 110 120 13 14 15 -16 17 18 4711 1 "
			  "2\n",
			  &s) == 0 &&
		   s.state == 'S' && s.ppid == 1 && s.utime == 110 && s.stime == 120 &&
		   s.start == 4711,
	   "what it says");
	ok_str(s.comm, "a) b) (c", "the name may be anything");
	ok(procstat_parse("7 () R 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 18446744073709551615", &s) ==
			   0 &&
		   s.comm[0] == '\0' && s.ppid == 0 && s.start == UINT64_MAX,
	   "no name, no more fields, the largest number");
	ok(procstat_parse(
		   "7 "
		   "(123456789012345678901234567890123456789012345678901234567890123456) R 0 "
		   "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1",
		   &s) == 0 &&
		   strlen(s.comm) == sizeof(s.comm) - 1,
	   "a long name is cut off");
	is_none("", "nothing");
	is_none("7 a S 1", "no parentheses");
	is_none("7 )a( S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1", "the wrong way round");
	is_none("7 (a)", "an end behind the name");
	is_none("7 (a) S", "an end behind the state");
	is_none("7 (a) S 1 2 3", "an end in the middle");
	is_none("7 (a) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 ", "an end before the last");
	is_none("7 (a) S x 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1", "no number");
	is_none("7 (a) S 0  0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1", "two blanks");
	is_none("7 (a) S -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1", "no such parent");
	is_none("7 (a) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 18446744073709551616", "too large");
	(void)prctl(PR_SET_NAME, "it's (me)");
	ok(procstat_of(getpid(), &s) == 0 && s.ppid == getppid() && s.state == 'R', "this one");
	ok_str(s.comm, "it's (me)", "and its name");
	ok(procstat_of(INT_MAX, &s) == -ESRCH, "one that is not there");
	return tap_done();
}
