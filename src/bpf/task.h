/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A task by its tid in the engine's pid namespace, acquired: bpf_task_release() it.
 */

#include "tag.h"

extern struct task_struct *bpf_task_from_vpid(int vpid) __ksym __weak; /* 6.14 */
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak; /* 6.2 */
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

static __always_inline struct task_struct *task_from(__u32 tid)
{
	if (bpf_ksym_exists(bpf_task_from_vpid))
		return bpf_task_from_vpid(tid);
	if (bpf_ksym_exists(bpf_task_from_pid))
		return engine_pid_level ? NULL : bpf_task_from_pid(tid);
	return NULL;
}
