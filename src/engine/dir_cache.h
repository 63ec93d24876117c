/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Paths of directories by their handles, for the case that a directory is deleted before what
 * happened in it is read. Bounded; a newer entry takes an older one's place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dir_cache;

struct dir_key {
	uint64_t session; /* paths are those of its mounts */
	const void *fsid;
	size_t fsid_size;
	const void *handle;
	size_t handle_size;
};

/* Makes the cache at the first call. What cannot be kept is not kept. */
void dir_cache_put(struct dir_cache **cache, const struct dir_key *key, const char *path,
		   size_t len);
/* `ret_path` has room for MF_PATH_MAX bytes. */
bool dir_cache_get(const struct dir_cache *cache, const struct dir_key *key, char *ret_path,
		   size_t *ret_len);
/* A directory was renamed: every path may be another one now. */
void dir_cache_forget(struct dir_cache *cache);
void dir_cache_free(struct dir_cache *cache);
