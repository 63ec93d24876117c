/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Every map, in one place. They are weak because each concern is compiled by itself and the linker
 * folds equal definitions into one.
 */

#include "compat.h"

#include "abi/page.h"
#include "shared.h"

#define MF_MAP SEC(".maps") __weak

/* task → its session and birth. A thread has its own copy of its process's tag. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mf_task);
} tags MF_MAP;

/* session id → its in-flight page */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, MF_PAGES_MAX);
	__type(key, __u64);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, MF_PAGE_SIZE);
		});
} pages MF_MAP;

/* slot → the policy of the session that has it, in units. What the policy of a session is that has
 * none, or of a slot's next session, is told by struct mf_units_use. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MF_SESSIONS_MAX);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, MF_UNIT_BYTES);
		});
} policies MF_MAP;

/* slot → counters */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MF_SESSIONS_MAX);
	__type(key, __u32);
	__type(value, struct mf_session_counters);
} counters MF_MAP;

/* events; the engine sets its size before it loads */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring MF_MAP;

/* tid in the engine's pid namespace → the tagged task that had it and is gone: a file change is
 * read after the fact, when its task may be dead. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct mf_who);
} dead MF_MAP;

/* socket → who opened it. Storage of the socket itself: no eviction, gone with it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mf_who);
} openers MF_MAP;

/* socket → its connection; as above */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mf_link);
} links MF_MAP;

/* set by the engine before it loads */
const volatile __u32 ring_bytes __weak = 4 << 20;
/* tcp_connect tells of the SYN, not the change of state */
const volatile __u32 syn_by_probe __weak = 0;
/* sessions may have a policy; else what decides is not even looked at by the verifier (6.8) */
const volatile __u32 policies_on __weak = 1;
/* level of the engine's pid namespace, set by engine_level() */
__u32 engine_pid_level __weak = 0;
/* entries ever put into `dead`: tells the engine whether one may have been evicted */
__u64 dead_count __weak = 0;
