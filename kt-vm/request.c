/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest is to do. */
#include "request.h"
#include "num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int request_parse(struct request *r)
{
	size_t n_str = 0, n = 0, i;
	char **str;
	uint64_t argc;

	if (r->text.len == 0 || r->text.p[r->text.len - 1] != '\0')
		return -EPROTO;
	for (i = 0; i < r->text.len; i++)
		n_str += r->text.p[i] == '\0';
	str = calloc(n_str + 2, sizeof(*str)); /* lives as long as the machine */
	if (!str)
		return -ENOMEM;
	for (i = 0; i < n_str; i++) {
		str[i] = r->text.p + n;
		n += strlen(str[i]) + 1;
	}
	for (i = 0; i < n_str && *str[i]; i++) {
		if (strcmp(str[i], "clock=virtual") == 0)
			r->virt = true;
		else if (strcmp(str[i], "stdin=port") == 0)
			r->stdin_port = true;
		else if (strcmp(str[i], "stdin=file") == 0)
			r->stdin_file = true;
		else if (strcmp(str[i], "stdin=tty") == 0)
			r->tty = true;
		else if (strncmp(str[i], "seed=", 5) == 0)
			r->seed = str[i] + 5;
	}
	if (i + 3 > n_str || num_u64(str[i + 2], 1, n_str - i - 3, &argc) < 0)
		return -EPROTO;
	r->cwd = str[i + 1];
	r->argv = str + i + 3;
	/* One place further, so that the NULL after the arguments has room. */
	memmove(r->argv + argc + 1, r->argv + argc, (n_str - i - 3 - argc) * sizeof(*str));
	r->argv[argc] = NULL;
	r->envp = r->argv + argc + 1;
	return 0;
}
