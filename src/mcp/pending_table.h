/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The hash tables behind mcp/pending.h: groups by id key, and tasks by task id. */

#include "mcp/pending.h"

struct pending_task_name {
	struct pending_task_name *next; /* in its bucket */
	struct pending_task_name *next_of_group;
	struct pending_group *group;
	uint64_t hash;
	size_t size;
	uint8_t bytes[];
};

struct pending_group {
	struct pending_group *next; /* in its bucket */
	struct pending_request *members;
	size_t count;
	size_t replies;
	uint16_t outcome; /* that all answers share which belong to no one; 0: there was none */
	struct pending_task_name *tasks;
	uint64_t hash;
	size_t key_size;
	uint8_t key[];
};

struct pending_list {
	struct pending_request *first, *last;
};

struct pending {
	struct pending_list clocks[PENDING_CLOCKS];
	size_t count;
	struct pending_group **buckets;
	size_t bucket_count; /* a power of two, or 0 */
	size_t group_count;
	struct pending_task_name **task_buckets; /* TASK_BUCKETS, with the first task */
};

struct pending_group *group_find(struct pending *table, const uint8_t *key, size_t size);
/* Finds it or makes an empty one. */
int group_get(struct pending *table, const uint8_t *key, size_t size,
	      struct pending_group **ret_group);
void group_free(struct pending *table, struct pending_group *group);

int task_add(struct pending *table, struct pending_group *group, const uint8_t *name, size_t size);
/* Forgets the task; returns whose it was, or NULL. */
struct pending_group *task_take(struct pending *table, const uint8_t *name, size_t size);
