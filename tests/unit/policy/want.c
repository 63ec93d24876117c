/* SPDX-License-Identifier: BSD-2-Clause */
#include "want.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/buf.h"

static long left = -1;
static bool felt;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __real_vasprintf(char **ret_text, const char *format, va_list list)
	__attribute__((format(printf, 2, 0)));
void *__real_reallocarray(void *at, size_t count, size_t size);
int __real_buf_append(struct buf *buf, const void *bytes, size_t size);
int __real_buf_append_str(struct buf *buf, const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **ret_text, const char *format, va_list list)
	__attribute__((format(printf, 2, 0)));

void *__wrap_reallocarray(void *at, size_t count, size_t size);
int __wrap_buf_append(struct buf *buf, const void *bytes, size_t size);
int __wrap_buf_append_str(struct buf *buf, const char *text);
int __wrap_buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void want_after(long count)
{
	left = count;
	felt = false;
}

bool want_was_felt(void)
{
	return felt;
}

static bool fails(void)
{
	if (left < 0 || left--)
		return false;
	return felt = true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
	return fails() ? NULL : __real_realloc(at, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list list)
{
	return fails() ? -1 : __real_vasprintf(ret_text, format, list);
}

void *__wrap_reallocarray(void *at, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(at, count, size);
}

/* A buffer grows by doubling, so that most appends allocate nothing: any of them may be the one. */
int __wrap_buf_append(struct buf *buf, const void *bytes, size_t size)
{
	return fails() ? -ENOMEM : __real_buf_append(buf, bytes, size);
}

int __wrap_buf_append_str(struct buf *buf, const char *text)
{
	return fails() ? -ENOMEM : __real_buf_append_str(buf, text);
}

int __wrap_buf_printf(struct buf *buf, const char *format, ...)
{
	char *text = NULL;
	va_list list;
	int r;

	if (fails())
		return -ENOMEM;
	va_start(list, format);
	r = __real_vasprintf(&text, format, list);
	va_end(list);
	if (r < 0)
		return -ENOMEM;
	r = __real_buf_append_str(buf, text);
	free(text);
	return r;
}
