/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "abi/limits.h"
#include "engine/dir_cache.h"

static char found[MF_PATH_MAX];
static size_t found_len;

static struct dir_key key_of(uint64_t session, const char *handle)
{
	static const uint64_t fsid = 7;

	return (struct dir_key){ session, &fsid, sizeof(fsid), handle, strlen(handle) };
}

static bool get(struct dir_cache *cache, uint64_t session, const char *handle)
{
	struct dir_key key = key_of(session, handle);

	return dir_cache_get(cache, &key, found, &found_len);
}

static void put(struct dir_cache **cache, uint64_t session, const char *handle, const char *path)
{
	struct dir_key key = key_of(session, handle);

	dir_cache_put(cache, &key, path, strlen(path));
}

static void a_path_is_found_by_its_handle_and_session(void **state)
{
	struct dir_cache *cache = NULL;

	(void)state;
	assert_false(get(cache, 1, "h"));
	put(&cache, 1, "h", "/a/b");
	assert_true(get(cache, 1, "h"));
	assert_int_equal(found_len, 4);
	assert_memory_equal(found, "/a/b", 4);
	assert_false(get(cache, 2, "h"));
	assert_false(get(cache, 1, "g"));
	dir_cache_free(cache);
}

static void the_newer_path_stays(void **state)
{
	struct dir_cache *cache = NULL;

	(void)state;
	put(&cache, 1, "h", "/old");
	put(&cache, 1, "h", "/newer");
	assert_true(get(cache, 1, "h"));
	assert_int_equal(found_len, 6);
	put(&cache, 1, "h", ""); /* the root */
	assert_true(get(cache, 1, "h"));
	assert_int_equal(found_len, 0);
	dir_cache_free(cache);
}

static void forgetting_forgets_all(void **state)
{
	struct dir_cache *cache = NULL;
	char handle[16];
	int i;

	(void)state;
	dir_cache_forget(cache);
	for (i = 0; i < 5000; i++) {
		snprintf(handle, sizeof(handle), "%d", i);
		put(&cache, 1, handle, handle);
		assert_true(get(cache, 1, handle));
	}
	dir_cache_forget(cache);
	for (i = 0; i < 5000; i++) {
		snprintf(handle, sizeof(handle), "%d", i);
		assert_false(get(cache, 1, handle));
	}
	dir_cache_free(cache);
}

static void a_key_that_is_too_long_is_not_kept(void **state)
{
	struct dir_cache *cache = NULL;
	char handle[300];

	(void)state;
	memset(handle, 'h', sizeof(handle) - 1);
	handle[sizeof(handle) - 1] = '\0';
	put(&cache, 1, handle, "/a");
	assert_false(get(cache, 1, handle));
	dir_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_found_by_its_handle_and_session),
		cmocka_unit_test(the_newer_path_stays),
		cmocka_unit_test(forgetting_forgets_all),
		cmocka_unit_test(a_key_that_is_too_long_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
