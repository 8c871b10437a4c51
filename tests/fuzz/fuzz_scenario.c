// SPDX-License-Identifier: GPL-2.0-or-later
/* Scenario files: whatever is accepted expands into a plan that kt-play's reader accepts. */
#include "expand.h"
#include "fuzz.h"
#include "planfile.h"

#include <errno.h>

static void expand_on(const struct scenario *sc, const struct topo *t)
{
	struct expand_opts o = { .topo = t,
				 .duration_ns = 1000000000,
				 .settle_ns = UINT64_MAX,
				 .workers = 2,
				 .seed = 1,
				 .profile = flags_least(sc->required) };
	struct plans ps = { 0 };
	char err[768] = "", *text = NULL, *line;
	unsigned long n = 0;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		abort();
	rc = expand(sc, &o, out, err, sizeof(err));
	if (fclose(out) != 0)
		abort();
	FUZZ_ASSERT(rc == 0 || err[0]); /* what is refused says why */
	for (line = text; rc == 0 && *line; line += strlen(line) + 1) {
		char *nl = strchr(line, '\n');

		FUZZ_ASSERT(nl);
		*nl = '\0';
		FUZZ_ASSERT(plans_add_line(&ps, "plan", ++n, line, (size_t)(nl - line)) == 0);
	}
	FUZZ_ASSERT(rc < 0 || (plans_done(&ps, "plan") == 0 && ps.n == 1));
	plans_free(&ps);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topo topo[2];
	static const struct topospec spec[] = { { 1, 1, 2, 1 }, { 2, 4, 2, 2 } };
	AUTO_FREE char *text = fuzz_text(data, size);
	char err[768] = "";
	struct scenario *sc = scenario_read("fuzz", text, size, err, sizeof(err));
	int i;

	FUZZ_ASSERT(sc || err[0]);
	for (i = 0; sc && i < 2; i++) {
		if (!topo[i].cpu && topo_from_spec(&spec[i], &topo[i]) < 0)
			abort();
		expand_on(sc, &topo[i]);
	}
	scenario_free(sc);
	return 0;
}
