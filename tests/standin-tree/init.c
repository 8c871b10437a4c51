/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the stand-in is made of. Debugging information holds the directory it was compiled in. */
void _start(void);
void _start(void)
{
	for (;;)
		;
}
