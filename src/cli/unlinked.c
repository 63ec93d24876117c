/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for main.c in a tree that lacks a room which the commands call. */

#include <stdio.h>

int main(void)
{
	fputs("mcpfloor: this build lacks the relay, the recorder or the renderer\n", stderr);
	return 125;
}
