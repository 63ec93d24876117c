/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/object.h"
#include "policy/quote.h"
#include "policy/words.h"
#include "record/tree.h"

void recorded_accesses_free(struct recorded_access accesses[RECORDED_ACCESSES_MAX])
{
	for (size_t i = 0; i < RECORDED_ACCESSES_MAX; i++)
		free((char *)accesses[i].access.name);
	memset(accesses, 0, RECORDED_ACCESSES_MAX * sizeof(*accesses));
}

static bool is_open(const struct event_view *event, uint32_t flags)
{
	const struct mf_ev_file *file = event->body;

	return event->head->kind == MF_EV_OPEN && file->how & MF_OPEN_FLAGS_KNOWN &&
	       (file->open_flags & flags) == flags;
}

/* 1: the access is known as a policy would write it. */
static int take_access(const struct event_view *event, const struct policy_access *asked,
		       struct recorded_access *access)
{
	_cleanup_buf_ struct buf path = { 0 };
	const void *name = asked->name;
	int r = 0;

	access->access = *asked;
	access->access.name = NULL;
	if (asked->kind == POLICY_ACCESS_ADDRESS || asked->kind == POLICY_ACCESS_ESCAPE)
		return 1;
	if (asked->kind == POLICY_ACCESS_ABSTRACT && asked->name_size > MF_POL_ABSTRACT_MAX)
		return 0;
	if (asked->kind == POLICY_ACCESS_PATH) {
		r = policy_path_normal(asked->name, asked->name_size, &path);
		if (r < 0)
			return r == -ENOMEM ? r : 0;
		name = buf_bytes(&path);
		access->access.name_size = buf_size(&path);
	}
	access->access.name = malloc(access->access.name_size + 1);
	if (!access->access.name)
		return -ENOMEM;
	memcpy((char *)access->access.name, name, access->access.name_size);
	access->directory = is_open(event, O_DIRECTORY);
	access->made = is_open(event, O_CREAT | O_EXCL);
	return 1;
}

static void take_change(unsigned kind, struct recorded_access accesses[RECORDED_ACCESSES_MAX])
{
	accesses[0].made |= kind == MF_EV_CREATE;
	accesses[0].gone = kind == MF_EV_DELETE || kind == MF_EV_RENAME;
}

int recorded_accesses(const struct event_view *event, const struct question *question,
		      struct recorded_access ret_accesses[RECORDED_ACCESSES_MAX],
		      enum recorded_gap *ret_gap)
{
	struct recorded_access accesses[RECORDED_ACCESSES_MAX] = { 0 };
	int count = 0, r = 1;

	*ret_gap = question->no_path	     ? RECORDED_NO_PATH
		   : question->flags_unknown ? RECORDED_NO_FLAGS
					     : RECORDED_WHOLE;
	for (size_t i = 0; i < question->count; i++) {
		r = take_access(event, &question->access[i], &accesses[count]);
		if (r < 0)
			break;
		if (r == 0)
			*ret_gap = RECORDED_NO_PATH;
		count += r;
	}
	if (r < 0 || count == 0) {
		recorded_accesses_free(accesses);
		count = r < 0 ? r : 0;
	}
	if (count > 0)
		take_change(event->head->kind, accesses);
	memcpy(ret_accesses, accesses, sizeof(accesses));
	return count;
}

int recorded_access_print(struct buf *out, const struct policy_access *access)
{
	struct policy_address address = { .family = access->family };
	int verb = 0, r;

	if (access->kind == POLICY_ACCESS_ESCAPE)
		return buf_append_str(out, policy_escapes[access->escape].word);
	/* write says read as well */
	while (verb + 1 < MF_POL_VERB_MAX &&
	       (!(access->verbs >> verb & 1) ||
		(verb == MF_POL_READ && (access->verbs & MF_POL_BIT(MF_POL_WRITE)))))
		verb++;
	r = buf_printf(out, "%s ", policy_verbs[verb].word);
	if (r)
		return r;
	if (access->kind == POLICY_ACCESS_ADDRESS) {
		memcpy(address.addr, access->addr, sizeof(address.addr));
		r = policy_address_print(out, &address);
		return r ? r : buf_printf(out, ":%u", access->port);
	}
	if (access->kind == POLICY_ACCESS_ABSTRACT)
		r = buf_append_str(out, "unix:@");
	else if (verb == MF_POL_CONNECT || verb == MF_POL_LISTEN)
		r = buf_append_str(out, "unix:");
	return r ? r : policy_quote(out, access->name, access->name_size);
}

int recorded_json(struct buf *out, yajl_val value)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	const unsigned char *bytes;
	size_t size;
	int r = -ENOMEM;

	if (!gen)
		return r;
	tree_write(gen, value);
	if (yajl_gen_get_buf(gen, &bytes, &size) == yajl_gen_status_ok)
		r = buf_append(out, bytes, size);
	yajl_gen_free(gen);
	return r;
}
