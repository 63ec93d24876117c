/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The flags of an open, from the registers of the system call that the task is blocked in. What is
 * in memory that another thread can write is not read: then the flags are unknown.
 */

#include "compat.h"

#include "abi/event.h"

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h: a 32-bit system call */
#define X32_BIT 0x40000000

/* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_OPEN = 2,
	NR_EXECVE = 59,
	NR_CREAT = 85,
	NR_OPENAT = 257,
	NR_OPEN_BY_HANDLE_AT = 304,
	NR_EXECVEAT = 322,
	NR_IO_URING_ENTER = 426,
	X32_EXECVE = 520,
	X32_EXECVEAT = 545,
};

#define MF_O_CREAT_FLAGS (0100 | 01 | 01000) /* O_CREAT | O_WRONLY | O_TRUNC, open(2) on creat */

/* Fills flags and `how`. Returns whether the system call is an exec. */
static __always_inline bool open_flags_of(struct task_struct *task, struct mf_ev_file *file)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	__u32 nr = BPF_CORE_READ(regs, orig_ax);

	file->open_flags = 0;
	file->how = 0;
	if (BPF_CORE_READ(task, flags) & (PF_IO_WORKER | PF_USER_WORKER)) {
		file->how = MF_OPEN_IOURING;
		return false;
	}
	if (BPF_CORE_READ(task, thread_info.status) & TS_COMPAT)
		return false;
	nr &= ~X32_BIT;
	switch (nr) {
	case NR_OPEN:
		file->open_flags = BPF_CORE_READ(regs, si);
		break;
	case NR_OPENAT:
	case NR_OPEN_BY_HANDLE_AT:
		file->open_flags = BPF_CORE_READ(regs, dx);
		break;
	case NR_CREAT:
		file->open_flags = MF_O_CREAT_FLAGS;
		break;
	case NR_EXECVE:
	case NR_EXECVEAT:
	case X32_EXECVE:
	case X32_EXECVEAT:
		file->how = MF_OPEN_FLAGS_KNOWN;
		return true;
	case NR_IO_URING_ENTER:
		file->how = MF_OPEN_IOURING;
		return false;
	default: /* openat2 keeps them in memory that others can write */
		return false;
	}
	file->how = MF_OPEN_FLAGS_KNOWN;
	return false;
}
#else
static __always_inline bool open_flags_of(struct task_struct *task, struct mf_ev_file *file)
{
	file->open_flags = 0;
	file->how = 0;
	return false;
}
#endif
