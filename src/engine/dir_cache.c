/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "abi/limits.h"
#include "base/cleanup.h"
#include "engine/dir_cache.h"

#define ENTRIES 512
#define KEY_MAX 160 /* MAX_HANDLE_SZ and some */

struct entry {
	size_t key_size; /* 0: free */
	size_t len;
	uint8_t key[KEY_MAX];
	char *path;
};

struct dir_cache {
	struct entry entries[ENTRIES];
};

/* Flat bytes of the key. 0: too long to be kept. */
static size_t flatten(const struct dir_key *key, uint8_t *out)
{
	size_t size = sizeof(key->session) + key->fsid_size + key->handle_size;

	if (size > KEY_MAX)
		return 0;
	memcpy(out, &key->session, sizeof(key->session));
	memcpy(out + sizeof(key->session), key->fsid, key->fsid_size);
	memcpy(out + sizeof(key->session) + key->fsid_size, key->handle, key->handle_size);
	return size;
}

static size_t place_of(const uint8_t *bytes, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	while (size--)
		hash = (hash ^ *bytes++) * 0x100000001b3ULL;
	return (hash ^ hash >> 32) % ENTRIES;
}

void dir_cache_put(struct dir_cache **cache, const struct dir_key *key, const char *path,
		   size_t len)
{
	uint8_t flat[KEY_MAX];
	size_t size = flatten(key, flat);
	struct entry *entry;
	char *copy;

	if (!*cache)
		*cache = calloc(1, sizeof(**cache));
	if (!*cache || !size || len > MF_PATH_MAX)
		return;
	entry = &(*cache)->entries[place_of(flat, size)];
	if (entry->key_size == size && !memcmp(entry->key, flat, size) && entry->len == len &&
	    !memcmp(entry->path, path, len))
		return;
	copy = malloc(len + 1);
	if (!copy)
		return;
	memcpy(copy, path, len);
	free(entry->path);
	*entry = (struct entry){ .key_size = size, .len = len, .path = copy };
	memcpy(entry->key, flat, size);
}

bool dir_cache_get(const struct dir_cache *cache, const struct dir_key *key, char *ret_path,
		   size_t *ret_len)
{
	uint8_t flat[KEY_MAX];
	size_t size = flatten(key, flat);
	const struct entry *entry;

	if (!cache || !size)
		return false;
	entry = &cache->entries[place_of(flat, size)];
	if (entry->key_size != size || memcmp(entry->key, flat, size))
		return false;
	memcpy(ret_path, entry->path, entry->len);
	*ret_len = entry->len;
	return true;
}

void dir_cache_forget(struct dir_cache *cache)
{
	size_t i;

	for (i = 0; cache && i < ENTRIES; i++) {
		free(cache->entries[i].path);
		cache->entries[i] = (struct entry){};
	}
}

void dir_cache_free(struct dir_cache *cache)
{
	dir_cache_forget(cache);
	free(cache);
}
