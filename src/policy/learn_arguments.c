/* SPDX-License-Identifier: BSD-2-Clause */
/* Which argument of a call named what the call touched. */

#include <errno.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "base/cleanup.h"
#include "policy/learn_state.h"
#include "policy/object.h"

#define DEPTH_MAX 8 /* members within members */
#define NAME_MAX_BYTES 200 /* of arg.A.B */

void learn_values_free(struct policy_learner *learner)
{
	for (size_t i = 0; i < learner->value_count; i++)
		free(learner->values[i].path);
	learner->value_count = 0;
}

/* Names that stand in ${arg.NAME} without a second thought. */
static bool name_is_plain(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-") == strlen(name);
}

static int argument_index(struct learn_block *block, const char *name, unsigned *ret_index)
{
	for (unsigned i = 0; i < block->argument_count; i++) {
		if (strcmp(block->arguments[i], name) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	if (block->argument_count == LEARN_ARGUMENTS_MAX)
		return -E2BIG;
	block->arguments[block->argument_count] = strdup(name);
	if (!block->arguments[block->argument_count])
		return -ENOMEM;
	*ret_index = block->argument_count++;
	return 0;
}

/* http://HOST[:PORT]/… and HOST:PORT, where HOST is an address or localhost. */
static bool read_address(const char *text, struct policy_address *ret_address, uint16_t *ret_port)
{
	static const struct {
		const char *prefix;
		const char *port;
	} schemes[] = {
		{ "http://", "80" }, { "https://", "443" }, { "ws://", "80" }, { "wss://", "443" }
	};
	struct policy_endpoint_text endpoint;
	const char *reason = NULL, *port = NULL;
	struct policy_prefix prefix = { 0 };
	struct policy_ports ports;
	char whole[300];
	size_t size;

	for (size_t i = 0; i < ARRAY_LEN(schemes) && !port; i++) {
		if (strncmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0) {
			text += strlen(schemes[i].prefix);
			port = schemes[i].port;
		}
	}
	size = strcspn(text, "/?#");
	if ((text[size] && !port) || memchr(text, '@', size) || size + 8 > sizeof(whole))
		return false;
	memcpy(whole, text, size);
	whole[size] = '\0';
	if (port && !memchr(text, ']', size) ? !memchr(text, ':', size)
					     : port && size && text[size - 1] == ']')
		size += (size_t)snprintf(whole + size, sizeof(whole) - size, ":%s", port);
	if (policy_endpoint_split(whole, size, &endpoint, &reason) < 0 ||
	    policy_ports_parse(endpoint.port, endpoint.port_size, &ports, &reason) < 0 ||
	    ports.first != ports.last)
		return false;
	*ret_port = ports.first;
	if (endpoint.host_size == 9 && memcmp(endpoint.host, "localhost", 9) == 0) {
		*ret_address = (struct policy_address){ .family = 4, .addr = { 127, 0, 0, 1 } };
		return true;
	}
	if (policy_prefix_parse(&endpoint, &prefix, &reason) < 0 || prefix.any ||
	    prefix.length != (prefix.address.family == 4 ? 32 : 128))
		return false;
	*ret_address = prefix.address;
	return true;
}

static int add_value(struct policy_learner *learner, struct learn_block *block, const char *name,
		     const char *text, const char *cwd)
{
	struct learn_value value = { 0 };
	_cleanup_buf_ struct buf path = { 0 };
	int r;

	if (learner->value_count == LEARN_VALUES_MAX || !*text)
		return 0;
	value.is_address = read_address(text, &value.address, &value.port);
	if (!value.is_address) {
		r = policy_path_from(cwd, text, strlen(text), &path);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			return 0;
	}
	r = argument_index(block, name, &value.argument);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	if (!value.is_address) {
		value.size = buf_size(&path);
		value.path = strndup((const char *)buf_bytes(&path), value.size);
		if (!value.path)
			return -ENOMEM;
	}
	learner->values[learner->value_count++] = value;
	return 0;
}

static int read_member(struct policy_learner *learner, struct learn_block *block, const char *name,
		       yajl_val value, const char *cwd, unsigned depth);

static int read_object(struct policy_learner *learner, struct learn_block *block,
		       const char *prefix, yajl_val object, const char *cwd, unsigned depth)
{
	char name[NAME_MAX_BYTES];
	int r = 0;

	for (size_t i = 0; r == 0 && i < YAJL_GET_OBJECT(object)->len; i++) {
		const char *key = YAJL_GET_OBJECT(object)->keys[i];

		if (!name_is_plain(key) || snprintf(name, sizeof(name), "%s%s%s", prefix,
						    *prefix ? "." : "", key) >= (int)sizeof(name))
			continue;
		r = read_member(learner, block, name, YAJL_GET_OBJECT(object)->values[i], cwd,
				depth + 1);
	}
	return r;
}

static int read_member(struct policy_learner *learner, struct learn_block *block, const char *name,
		       yajl_val value, const char *cwd, unsigned depth)
{
	int r = 0;

	if (YAJL_IS_STRING(value))
		return add_value(learner, block, name, YAJL_GET_STRING(value), cwd);
	if (YAJL_IS_OBJECT(value) && depth < DEPTH_MAX)
		return read_object(learner, block, name, value, cwd, depth);
	if (!YAJL_IS_ARRAY(value))
		return 0;
	for (size_t i = 0; r == 0 && i < YAJL_GET_ARRAY(value)->len; i++) {
		yajl_val element = YAJL_GET_ARRAY(value)->values[i];

		if (YAJL_IS_STRING(element))
			r = add_value(learner, block, name, YAJL_GET_STRING(element), cwd);
	}
	return r;
}

static void cleanup_tree(yajl_val *slot)
{
	if (*slot)
		yajl_tree_free(*slot);
}

int learn_values_read(struct policy_learner *learner, struct learn_block *block,
		      const char *arguments, size_t size, const char *cwd)
{
	_cleanup_free_ char *text = strndup(arguments, size);
	_cleanup_(cleanup_tree) yajl_val tree = NULL;

	if (!text)
		return -ENOMEM;
	/* a NUL within a string would seem to end it: no file has such a name */
	tree = strstr(text, "\\u0000") ? NULL : yajl_tree_parse(text, NULL, 0);
	if (!YAJL_IS_OBJECT(tree))
		return 0;
	return read_object(learner, block, "", tree, cwd, 0);
}

static bool names(const struct policy_learner *learner, const struct learn_value *value,
		  const struct policy_access *access)
{
	if (access->kind == POLICY_ACCESS_ADDRESS)
		return value->is_address && value->port == access->port &&
		       value->address.family == access->family &&
		       memcmp(value->address.addr, access->addr, access->family == 4 ? 4 : 16) == 0;
	if (access->kind != POLICY_ACCESS_PATH || !value->path)
		return false;
	if (value->size == access->name_size && memcmp(value->path, access->name, value->size) == 0)
		return true;
	/* whoever names /etc does not mean every file in it */
	return policy_path_in(access->name, access->name_size, value->path, value->size) &&
	       !policy_fold_is_wide(&learner->options.place, value->path, value->size);
}

uint64_t learn_values_bound(const struct policy_learner *learner,
			    const struct policy_access *access)
{
	const uint8_t socket = MF_POL_BIT(MF_POL_CONNECT) | MF_POL_BIT(MF_POL_LISTEN);
	uint64_t bound = 0;

	/* `connect ${arg.NAME}` is about addresses: a unix socket has a line with its path */
	if (access->kind == POLICY_ACCESS_PATH && access->verbs & socket)
		return 0;
	for (size_t i = 0; i < learner->value_count; i++) {
		if (names(learner, &learner->values[i], access))
			bound |= 1ULL << learner->values[i].argument;
	}
	return bound;
}
