/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/diff_points.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/object.h"
#include "policy/quote.h"

void diff_points_free(struct diff_points *points)
{
	free(points->paths);
	free(points->addresses);
	free(points->ends);
	free(points->ports);
	*points = (struct diff_points){ 0 };
}

/* Room for `more` behind `count`: arrays grow by doubling. */
static int make_room(void **array, size_t count, size_t more, size_t size)
{
	size_t room = 16;
	void *grown;

	while (room < count)
		room *= 2;
	if (*array && count + more <= room)
		return 0;
	while (room < count + more)
		room *= 2;
	grown = reallocarray(*array, room, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

static int add_path(struct diff_points *points, const char *name, size_t size, bool abstract)
{
	int r = make_room((void **)&points->paths, points->path_count, 1, sizeof(*points->paths));

	if (r == 0)
		points->paths[points->path_count++] =
			(struct diff_path){ .name = name, .size = size, .abstract = abstract };
	return r;
}

static int add_end(struct diff_points *points, const struct policy_address *address)
{
	int r = make_room((void **)&points->ends, points->end_count, 1, sizeof(*points->ends));

	if (r == 0)
		points->ends[points->end_count++] = *address;
	return r;
}

/* The address `step` (1, -1) beside. */
static struct policy_address beside(const struct policy_address *address, int step)
{
	struct policy_address next = *address;
	uint8_t wrap = step > 0 ? 0xff : 0;

	for (int i = (next.family == 4 ? 4 : 16) - 1; i >= 0; i--) {
		bool carries = next.addr[i] == wrap;

		next.addr[i] = (uint8_t)(next.addr[i] + step);
		if (!carries)
			break;
	}
	return next;
}

static int add_ends(struct diff_points *points, const struct policy_prefix *prefix)
{
	struct policy_address first = prefix->address, last = prefix->address, next;
	int r;

	for (unsigned bit = prefix->length; bit < (first.family == 4 ? 32U : 128U); bit++)
		last.addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	r = add_end(points, &first);
	if (r == 0)
		r = add_end(points, &last);
	next = beside(&first, -1);
	if (r == 0)
		r = add_end(points, &next);
	next = beside(&last, 1);
	return r ? r : add_end(points, &next);
}

static int add_ports(struct diff_points *points, struct policy_ports ports)
{
	const uint16_t ends[] = { ports.first, ports.last, (uint16_t)(ports.first - 1),
				  (uint16_t)(ports.last + 1) };
	int r = make_room((void **)&points->ports, points->port_count, ARRAY_LEN(ends),
			  sizeof(*points->ports));

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ends); i++)
		points->ports[points->port_count++] = ends[i];
	return r;
}

static int add_address(struct diff_points *points, const struct policy_line *line)
{
	struct diff_address object = { .prefix = line->prefix, .ports = line->ports };
	int r = make_room((void **)&points->addresses, points->address_count, 1,
			  sizeof(*points->addresses));

	if (line->kind == POLICY_OBJECT_HOST)
		object.host = line;
	if (r == 0)
		points->addresses[points->address_count++] = object;
	if (r == 0)
		r = add_ports(points, line->ports);
	if (r == 0 && line->kind == POLICY_OBJECT_ADDRESS && !line->prefix.any)
		r = add_ends(points, &line->prefix);
	for (size_t i = 0; r == 0 && i < line->address_count; i++)
		r = add_end(points, &line->addresses[i]);
	return r;
}

static int add_line(struct diff_points *points, const struct policy_line *line)
{
	int r = 0;

	switch (line->kind) {
	case POLICY_OBJECT_PATH:
	case POLICY_OBJECT_UNIX:
		r = add_path(points, line->name.bytes, line->name.size, false);
		if (r == 0)
			r = add_path(points, line->named.bytes, line->named.size, false);
		return r ? r : add_path(points, line->resolved.bytes, line->resolved.size, false);
	case POLICY_OBJECT_ABSTRACT:
		return line->any ? add_path(points, "any other name", 14, true)
				 : add_path(points, line->name.bytes, line->name.size, true);
	case POLICY_OBJECT_ADDRESS:
	case POLICY_OBJECT_HOST:
		return add_address(points, line);
	default:
		return 0;
	}
}

static int by_name(const void *first, const void *second)
{
	const struct diff_path *a = first, *b = second;
	size_t size = a->size < b->size ? a->size : b->size;
	int order = (int)a->abstract - (int)b->abstract;

	for (size_t i = 0; !order && i < size; i++) {
		/* a slash before all else, so that a directory stands before what is in it */
		int x = a->name[i] == '/' ? -1 : (unsigned char)a->name[i];
		int y = b->name[i] == '/' ? -1 : (unsigned char)b->name[i];

		order = x - y;
	}
	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static void settle_paths(struct diff_points *points)
{
	size_t kept = 0;

	qsort(points->paths, points->path_count, sizeof(*points->paths), by_name);
	for (size_t i = 0; i < points->path_count; i++) {
		struct diff_path *path = &points->paths[kept];
		size_t parent = kept ? kept - 1 : SIZE_MAX;

		if (kept && by_name(&points->paths[kept - 1], &points->paths[i]) == 0)
			continue;
		*path = points->paths[i];
		while (parent != SIZE_MAX &&
		       (path->abstract ||
			!policy_path_in(path->name, path->size, points->paths[parent].name,
					points->paths[parent].size)))
			parent = path->abstract ? SIZE_MAX : points->paths[parent].parent;
		path->parent = parent;
		kept++;
	}
	points->path_count = kept;
}

static int by_bytes(const void *first, const void *second)
{
	return memcmp(first, second, sizeof(struct policy_address));
}

static int by_number(const void *first, const void *second)
{
	return *(const uint16_t *)first - *(const uint16_t *)second;
}

static int by_object(const void *first, const void *second)
{
	const struct diff_address *a = first, *b = second;
	int order = memcmp(&a->prefix.address, &b->prefix.address, sizeof(a->prefix.address));

	if (!order)
		order = a->prefix.length - b->prefix.length;
	if (!order)
		order = a->prefix.any - b->prefix.any;
	if (!order && (!a->host || !b->host))
		order = (a->host != NULL) - (b->host != NULL);
	if (!order && a->host)
		order = strcmp(a->host->name.bytes, b->host->name.bytes);
	if (!order)
		order = a->ports.first - b->ports.first;
	return order ? order : a->ports.last - b->ports.last;
}

/* Sorts, and drops what is equal to the one before. */
static size_t settle(void *array, size_t count, size_t size,
		     int (*compare)(const void *first, const void *second))
{
	char *bytes = array;
	size_t kept = 0;

	if (count)
		qsort(array, count, size, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept && compare(bytes + (kept - 1) * size, bytes + i * size) == 0)
			continue;
		memmove(bytes + kept++ * size, bytes + i * size, size);
	}
	return kept;
}

int diff_points_find(const struct policy_tree *const trees[2], struct diff_points *ret_points)
{
	static const struct policy_prefix whole[] = { { .address = { .family = 4 } },
						      { .address = { .family = 6 } } };
	_cleanup_(diff_points_free) struct diff_points points = { 0 };
	int r = add_path(&points, "/", 1, false);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(whole); i++)
		r = add_ends(&points, &whole[i]);
	for (size_t side = 0; side < 2; side++) {
		for (size_t i = 0; r == 0 && i < trees[side]->block_count; i++) {
			const struct policy_block *block = &trees[side]->blocks[i];

			for (size_t k = 0; r == 0 && k < block->line_count; k++)
				r = add_line(&points, &block->lines[k]);
		}
	}
	if (r)
		return r;
	settle_paths(&points);
	points.address_count = settle(points.addresses, points.address_count,
				      sizeof(*points.addresses), by_object);
	points.end_count = settle(points.ends, points.end_count, sizeof(*points.ends), by_bytes);
	points.port_count =
		settle(points.ports, points.port_count, sizeof(*points.ports), by_number);
	*ret_points = points;
	points = (struct diff_points){ 0 };
	return 0;
}

bool diff_address_has(const struct diff_address *object, const struct policy_address *address)
{
	const struct policy_prefix *prefix = &object->prefix;

	for (size_t i = 0; object->host && i < object->host->address_count; i++) {
		if (by_bytes(&object->host->addresses[i], address) == 0)
			return true;
	}
	if (object->host)
		return false;
	if (prefix->any)
		return true;
	if (prefix->address.family != address->family)
		return false;
	for (unsigned bit = 0; bit < prefix->length; bit++) {
		if ((prefix->address.addr[bit / 8] ^ address->addr[bit / 8]) & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

int diff_path_print(struct buf *out, enum mf_pol_verb verb, const struct diff_path *path)
{
	bool is_socket = verb == MF_POL_CONNECT || verb == MF_POL_LISTEN;
	int r = buf_printf(out, "%s %s", policy_verbs[verb].word,
			   path->abstract ? "unix:@"
			   : is_socket	  ? "unix:"
					  : "");

	return r ? r : policy_quote(out, path->name, path->size);
}

int diff_address_print(struct buf *out, enum mf_pol_verb verb, const struct diff_address *object)
{
	const struct policy_prefix *prefix = &object->prefix;
	int r = buf_printf(out, "%s ", policy_verbs[verb].word);

	if (r == 0 && object->host)
		r = escape_text(out, object->host->name.bytes, object->host->name.size);
	else if (r == 0 && prefix->any)
		r = buf_append_str(out, "*");
	else if (r == 0)
		r = policy_address_print(out, &prefix->address);
	if (r == 0 && !object->host && !prefix->any &&
	    prefix->length != (prefix->address.family == 4 ? 32 : 128)) {
		/* the length stands within the brackets of an IPv6 address */
		if (prefix->address.family == 6)
			out->end--;
		r = buf_printf(out, "/%u%s", prefix->length,
			       prefix->address.family == 6 ? "]" : "");
	}
	if (r == 0 && object->ports.first == 0 && object->ports.last == UINT16_MAX)
		r = buf_append_str(out, ":*");
	else if (r == 0)
		r = buf_printf(out, ":%u", object->ports.first);
	if (r == 0 && object->ports.first && object->ports.last != object->ports.first)
		r = buf_printf(out, "-%u", object->ports.last);
	return r;
}

int diff_line_print(struct buf *out, const char *line, size_t size)
{
	/* blanks that stand in columns are one; what could not be shown was refused when it was read */
	size_t word = 0;
	int r = 0;

	while (r == 0 && word < size) {
		size_t end = word, next;

		while (end < size && line[end] != ' ' && line[end] != '\t')
			end++;
		for (next = end; next < size && (line[next] == ' ' || line[next] == '\t');)
			next++;
		r = buf_append(out, line + word, end - word);
		if (r == 0 && next < size)
			r = buf_append_str(out, " ");
		word = next;
	}
	return r;
}
