/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/proc_self.h"

#include <stdio.h>
#include <string.h>

#include "policy/object.h"

#define TASK "/task"
#define TASK_SIZE (sizeof(TASK) - 1)
#define THREAD_SELF "/proc/thread-self"
#define SELF_SIZE (sizeof(POLICY_PROC_SELF) - 1)

static size_t digits(const char *at, const char *end)
{
	size_t count = 0;

	while (at + count < end && at[count] >= '0' && at[count] <= '9')
		count++;
	return count;
}

/* How much of the rest of a path, behind the process's number, is `/task/T`. */
static size_t thread_size(const char *rest, const char *end)
{
	size_t count;

	if ((size_t)(end - rest) <= TASK_SIZE || memcmp(rest, TASK "/", TASK_SIZE + 1) != 0)
		return 0;
	rest += TASK_SIZE + 1;
	count = digits(rest, end);
	return count && (rest + count == end || rest[count] == '/') ? TASK_SIZE + 1 + count : 0;
}

bool policy_proc_self(const char *path, size_t size, uint32_t pid,
		      char ret_path[POLICY_PROC_SELF_MAX], size_t *ret_size)
{
	char own[sizeof("/proc/4294967295")];
	size_t own_size = (size_t)snprintf(own, sizeof(own), "/proc/%u", pid);
	const char *rest = path + own_size, *end = path + size;

	if (!pid || size > MF_PATH_MAX || !policy_path_in(path, size, own, own_size))
		return false;
	rest += thread_size(rest, end);
	memcpy(ret_path, POLICY_PROC_SELF, SELF_SIZE);
	memcpy(ret_path + SELF_SIZE, rest, (size_t)(end - rest));
	*ret_size = SELF_SIZE + (size_t)(end - rest);
	return true;
}

bool policy_proc_self_has(const char *path, size_t size)
{
	return policy_path_in(path, size, POLICY_PROC_SELF, SELF_SIZE);
}

const char *policy_proc_self_link(const char *path, size_t size)
{
	static const char tasks[] = POLICY_PROC_SELF TASK "/";
	const size_t tasks_size = sizeof(tasks) - 1;

	if (size == sizeof(THREAD_SELF) - 1 && memcmp(path, THREAD_SELF, size) == 0)
		return POLICY_PROC_SELF;
	if (size > tasks_size && memcmp(path, tasks, tasks_size) == 0 &&
	    !memchr(path + tasks_size, '/', size - tasks_size))
		return POLICY_PROC_SELF;
	return NULL;
}
