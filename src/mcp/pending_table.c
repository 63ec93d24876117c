/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/pending_table.h"

#include <sodium.h>
#include <string.h>

#define TASK_BUCKETS 256

/* Unkeyed would do for honest peers; with a fixed key a peer could only slow its own session. */
static uint64_t hash_bytes(const uint8_t *bytes, size_t size)
{
	static const unsigned char key[crypto_shorthash_KEYBYTES] = "mcpfloor pending";
	uint64_t hash;

	_Static_assert(crypto_shorthash_BYTES == sizeof(hash), "the hash is one word");
	crypto_shorthash((unsigned char *)&hash, bytes, size, key);
	return hash;
}

struct pending_group *group_find(struct pending *table, const uint8_t *key, size_t size)
{
	uint64_t hash = hash_bytes(key, size);
	struct pending_group *group;

	if (!table->bucket_count)
		return NULL;
	for (group = table->buckets[hash & (table->bucket_count - 1)]; group; group = group->next)
		if (group->hash == hash && group->key_size == size &&
		    !memcmp(group->key, key, size))
			return group;
	return NULL;
}

static int grow(struct pending *table)
{
	size_t count = table->bucket_count ? table->bucket_count * 2 : 64;
	struct pending_group **buckets = calloc(count, sizeof(struct pending_group *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < table->bucket_count; i++) {
		while (table->buckets[i]) {
			struct pending_group *group = table->buckets[i];

			table->buckets[i] = group->next;
			group->next = buckets[group->hash & (count - 1)];
			buckets[group->hash & (count - 1)] = group;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->bucket_count = count;
	return 0;
}

int group_get(struct pending *table, const uint8_t *key, size_t size,
	      struct pending_group **ret_group)
{
	struct pending_group *group = group_find(table, key, size);
	struct pending_group **bucket;
	int err;

	if (group) {
		*ret_group = group;
		return 0;
	}
	if (table->group_count >= table->bucket_count) {
		err = grow(table);
		if (err)
			return err;
	}
	group = calloc(1, sizeof(*group) + size);
	if (!group)
		return -ENOMEM;
	memcpy(group->key, key, size);
	group->key_size = size;
	group->hash = hash_bytes(key, size);
	bucket = &table->buckets[group->hash & (table->bucket_count - 1)];
	group->next = *bucket;
	*bucket = group;
	table->group_count++;
	*ret_group = group;
	return 0;
}

static void task_unlink(struct pending *table, struct pending_task_name *task)
{
	struct pending_task_name **at;

	at = &table->task_buckets[task->hash & (TASK_BUCKETS - 1)];
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	at = &task->group->tasks;
	while (*at != task)
		at = &(*at)->next_of_group;
	*at = task->next_of_group;
	free(task);
}

void group_free(struct pending *table, struct pending_group *group)
{
	struct pending_group **at = &table->buckets[group->hash & (table->bucket_count - 1)];

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	table->group_count--;
	while (group->tasks)
		task_unlink(table, group->tasks);
	free(group);
}

static struct pending_task_name *task_find(struct pending *table, uint64_t hash,
					   const uint8_t *name, size_t size)
{
	struct pending_task_name *task;

	if (!table->task_buckets)
		return NULL;
	for (task = table->task_buckets[hash & (TASK_BUCKETS - 1)]; task; task = task->next)
		if (task->hash == hash && task->size == size && !memcmp(task->bytes, name, size))
			return task;
	return NULL;
}

int task_add(struct pending *table, struct pending_group *group, const uint8_t *name, size_t size)
{
	struct pending_task_name *task, **bucket;
	uint64_t hash = hash_bytes(name, size);

	if (!table->task_buckets)
		table->task_buckets = calloc(TASK_BUCKETS, sizeof(struct pending_task_name *));
	if (!table->task_buckets)
		return -ENOMEM;
	if (task_find(table, hash, name, size))
		return 0;
	task = calloc(1, sizeof(*task) + size);
	if (!task)
		return -ENOMEM;
	memcpy(task->bytes, name, size);
	task->size = size;
	task->hash = hash;
	task->group = group;
	bucket = &table->task_buckets[hash & (TASK_BUCKETS - 1)];
	task->next = *bucket;
	*bucket = task;
	task->next_of_group = group->tasks;
	group->tasks = task;
	return 0;
}

struct pending_group *task_take(struct pending *table, const uint8_t *name, size_t size)
{
	struct pending_task_name *task = task_find(table, hash_bytes(name, size), name, size);
	struct pending_group *group;

	if (!task)
		return NULL;
	group = task->group;
	task_unlink(table, task);
	return group;
}
