/* SPDX-License-Identifier: BSD-2-Clause */

/* The least program that can be executed. */

#include <sys/syscall.h>

void _start(void);

void _start(void)
{
	asm volatile("syscall" : : "a"(SYS_exit_group), "D"(0));
	__builtin_unreachable();
}
