/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What every program includes first: the kernel's types, libbpf's helpers, and the few macros that
 * libbpf 1.1 (Debian 12) lacks.
 */

#include <linux/bpf.h>
#include <stdbool.h>

#include "vmlinux.h"
#define __VMLINUX_H__ /* for bpf_tracing.h: pt_regs has the kernel's names */

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#ifndef bpf_ksym_exists
#define bpf_ksym_exists(sym) (!!(sym))
#endif

#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

#define mf_read_once(x) (*(const volatile __typeof__(x) *)&(x))

/*
 * A field of what a hook was given, and of what that leads to. Where the verifier knows what it is
 * (MF_ARGS_KNOWN: LSM, fentry, tp_btf) each step is a load, where it does not (kprobe) a call. 0 for
 * what cannot be read, either way. Loads of pointers make a program slow to verify (is_stranger()), so
 * this is for opens of files.
 */
#ifdef MF_ARGS_KNOWN
#define mf_read(given, ...) ___arrow(given, ##__VA_ARGS__)
#else
#define mf_read(given, ...) BPF_CORE_READ(given, ##__VA_ARGS__)
#endif

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010
#define PF_USER_WORKER 0x00004000
#define PF_KTHREAD 0x00200000
/* include/linux/sched/signal.h */
#define SIGNAL_GROUP_EXIT 0x00000004
/* include/uapi/linux/sched.h */
#define CLONE_THREAD 0x00010000
/* include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10
/* include/uapi/linux/in.h */
#define IPPROTO_MPTCP 262
/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10
