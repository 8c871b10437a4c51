// SPDX-License-Identifier: GPL-2.0-or-later
/* The peer of kt-snap-diff's reader: each line of the files through jansson, one member added up.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
	unsigned long long sum = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int i;

	for (i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "r");

		if (!f)
			return 1;
		while ((n = getline(&line, &cap, f)) > 0) {
			json_t *rec = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);

			if (!rec)
				return 1;
			sum += (unsigned long long)json_integer_value(
				json_object_get(rec, "run_time_ns"));
			json_decref(rec);
		}
		fclose(f);
	}
	free(line);
	printf("%llu\n", sum);
	return 0;
}
