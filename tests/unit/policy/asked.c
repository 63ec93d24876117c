/* SPDX-License-Identifier: BSD-2-Clause */
#include "asked.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "policy/object.h"
#include "policy/words.h"

void asked_free(struct asked *asked)
{
	buf_free(&asked->name);
}

/* The object's bytes, its quotes and escapes undone, a NUL behind them. */
static int unquote(const char *text, struct buf *out)
{
	unsigned code;

	if (*text != '"')
		return buf_append(out, text, strlen(text) + 1);
	for (text++; *text && *text != '"'; text++) {
		char c = *text;

		if (c == '\\' && sscanf(text, "\\x%2x", &code) == 1) {
			c = (char)code;
			text += 3;
		} else if (c == '\\') {
			c = *++text;
		}
		if (buf_append(out, &c, 1))
			return -ENOMEM;
	}
	return strcmp(text, "\"") == 0 ? buf_append(out, "", 1) : -EINVAL;
}

static int read_verbs(const char *word, size_t size, uint8_t *ret_verbs)
{
	const char *end = word + size;

	for (*ret_verbs = 0; word < end;) {
		const char *plus = memchr(word, '+', (size_t)(end - word));
		size_t length = (size_t)((plus ? plus : end) - word);
		int verb = policy_named_find(policy_verbs, MF_POL_VERB_MAX, word, length);

		if (verb < 0)
			return -EINVAL;
		*ret_verbs |= (uint8_t)MF_POL_BIT(verb);
		word += length + 1;
	}
	return 0;
}

static int read_address(const char *text, struct policy_access *access)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t size;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	size = (size_t)(colon - text);
	access->family = *text == '[' ? 6 : 4;
	if (access->family == 6) {
		text++;
		size -= 2;
	}
	memcpy(host, text, size);
	host[size] = '\0';
	access->kind = POLICY_ACCESS_ADDRESS;
	access->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return inet_pton(access->family == 4 ? AF_INET : AF_INET6, host, access->addr) == 1
		       ? 0
		       : -EINVAL;
}

static int read_object(const char *text, size_t size, struct asked *asked)
{
	struct policy_access *access = &asked->access;

	if (strncmp(text, "unix:@", 6) == 0) {
		access->kind = POLICY_ACCESS_ABSTRACT;
		access->name = text + 6;
		access->name_size = size - 6;
		return 0;
	}
	if (strncmp(text, "unix:", 5) == 0) {
		text += 5;
		size -= 5;
	}
	if (*text != '/')
		return read_address(text, access);
	access->kind = POLICY_ACCESS_PATH;
	access->name = text;
	access->name_size = size;
	return 0;
}

int asked_read(const char *text, struct asked *ret_asked)
{
	struct policy_access *access = &ret_asked->access;
	const char *blank = strchr(text, ' ');
	size_t verb_size = blank ? (size_t)(blank - text) : 0;
	int r, escape;

	*access = (struct policy_access){ 0 };
	if (!blank || unquote(blank + 1, &ret_asked->name))
		return -EINVAL;
	if (strncmp(text, "move ", 5) == 0) {
		access->whole_tree = true;
		text = "read+write";
		verb_size = strlen(text);
	}
	if (strncmp(text, "do ", 3) == 0) {
		escape = policy_named_find(policy_escapes, MF_POL_ESCAPE_MAX, blank + 1,
					   strlen(blank + 1));
		access->kind = POLICY_ACCESS_ESCAPE;
		access->escape = (enum mf_pol_escape)escape;
		return escape < 0 ? -EINVAL : 0;
	}
	r = read_verbs(text, verb_size, &access->verbs);
	return r ? r
		 : read_object((const char *)buf_bytes(&ret_asked->name),
			       buf_size(&ret_asked->name) - 1, ret_asked);
}
