/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address that an argument names. Programs read URLs and addresses in many ways (RFC 3986, the
 * WHATWG's, inet_aton); what two of them read differently is no address here.
 */

#include "policy/grant_object.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* the ports of IANA's registry, by the schemes that clients use */
static const struct {
	const char *scheme;
	uint16_t port; /* 0: it leads to no host */
} schemes[] = {
	{ "http", 80 },	   { "https", 443 },	{ "ws", 80 },	      { "wss", 443 },
	{ "ftp", 21 },	   { "ftps", 990 },	{ "ssh", 22 },	      { "sftp", 22 },
	{ "git", 9418 },   { "git+ssh", 22 },	{ "git+http", 80 },   { "git+https", 443 },
	{ "svn", 3690 },   { "svn+ssh", 22 },	{ "rsync", 873 },     { "telnet", 23 },
	{ "ldap", 389 },   { "ldaps", 636 },	{ "smtp", 25 },	      { "smtps", 465 },
	{ "imap", 143 },   { "imaps", 993 },	{ "pop3", 110 },      { "pop3s", 995 },
	{ "mysql", 3306 }, { "mariadb", 3306 }, { "postgres", 5432 }, { "postgresql", 5432 },
	{ "redis", 6379 }, { "rediss", 6379 },	{ "mongodb", 27017 }, { "amqp", 5672 },
	{ "amqps", 5671 }, { "mqtt", 1883 },	{ "mqtts", 8883 },    { "nats", 4222 },
	{ "rtsp", 554 },   { "gopher", 70 },	{ "dict", 2628 },     { "smb", 445 },
	{ "file", 0 },	   { "data", 0 },	{ "blob", 0 },	      { "javascript", 0 },
	{ "about", 0 },	   { "mailto", 0 },	{ "urn", 0 },	      { "unix", 0 },
};

/* -1: not in the table */
static int scheme_port(const char *scheme, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strlen(schemes[i].scheme) == size &&
		    strncasecmp(schemes[i].scheme, scheme, size) == 0)
			return schemes[i].port;
	}
	return -1;
}

/* inet_aton and the WHATWG take a name whose last part is a number for an address: 127.1, 0x7f.1 */
static bool ends_in_number(const char *host, size_t size)
{
	const char *last, *end;

	if (size && host[size - 1] == '.')
		size--;
	last = memrchr(host, '.', size);
	last = last ? last + 1 : host;
	end = host + size;
	if (end - last >= 2 && last[0] == '0' && (last[1] | 0x20) == 'x') {
		for (last += 2; last < end && isxdigit((unsigned char)*last); last++)
			;
		return last == end;
	}
	for (; last < end && isdigit((unsigned char)*last); last++)
		;
	return last == end;
}

static int resolve_host(const char *name, const struct policy_world *world,
			struct policy_endpoint *endpoint)
{
	static const struct policy_address localhost[] = {
		{ 4, { 127, 0, 0, 1 } },
		{ 6, { [15] = 1 } },
	};
	int count;

	if (strcmp(name, "localhost") == 0) {
		memcpy(endpoint->addresses, localhost, sizeof(localhost));
		endpoint->count = ARRAY_LEN(localhost);
		return POLICY_GRANT_OK;
	}
	if (!world || !world->resolve)
		return POLICY_GRANT_UNRESOLVED;
	count = world->resolve(world->data, name, endpoint->addresses, POLICY_HOST_ADDRS_MAX);
	if (count <= 0)
		return POLICY_GRANT_UNRESOLVED;
	endpoint->count = (size_t)(count < POLICY_HOST_ADDRS_MAX ? count : POLICY_HOST_ADDRS_MAX);
	for (size_t i = 0; i < endpoint->count; i++)
		policy_address_normal(&endpoint->addresses[i]);
	return POLICY_GRANT_OK;
}

static int read_host(const struct policy_endpoint_text *text, const struct policy_world *world,
		     struct policy_endpoint *endpoint)
{
	_cleanup_buf_ struct buf name = { 0 };
	struct policy_prefix prefix;
	const char *reason;
	int r = policy_prefix_parse(text, &prefix, &reason);

	if (r == 0) {
		/* a prefix or * would be more than one call names */
		if (prefix.any || prefix.length != (prefix.address.family == 4 ? 32 : 128))
			return POLICY_GRANT_ADDRESS;
		endpoint->addresses[0] = prefix.address;
		endpoint->count = 1;
		return POLICY_GRANT_OK;
	}
	if (r != -ENOENT || ends_in_number(text->host, text->host_size))
		return POLICY_GRANT_ADDRESS;
	r = policy_host_parse(text->host, text->host_size, &name, &reason);
	if (r == 0)
		r = buf_append(&name, "", 1);
	if (r)
		return r == -ENOMEM ? r : POLICY_GRANT_ADDRESS;
	return resolve_host((const char *)buf_bytes(&name), world, endpoint);
}

static int read_host_port(const char *at, size_t size, const struct policy_world *world,
			  struct policy_endpoint *endpoint)
{
	struct policy_endpoint_text text;
	struct policy_ports ports;
	const char *reason;

	/* no client can connect to port 0; a range or * would be more than one call names */
	if (policy_endpoint_split(at, size, &text, &reason) ||
	    policy_ports_parse(text.port, text.port_size, &ports, &reason) ||
	    ports.first != ports.last || ports.first == 0)
		return POLICY_GRANT_ADDRESS;
	endpoint->port = ports.first;
	return read_host(&text, world, endpoint);
}

/* HOST:PORT of what stands between the slashes and the path; the scheme's port when it has none. */
static int read_authority(const char *at, size_t size, uint16_t port,
			  const struct policy_world *world, struct policy_endpoint *endpoint)
{
	_cleanup_buf_ struct buf text = { 0 };
	const char *user_end = memchr(at, '@', size), *end = at + size, *colon;
	int r;

	if (user_end) {
		size -= (size_t)(user_end + 1 - at);
		at = user_end + 1;
		if (memchr(at, '@', size)) /* the first, or the last? */
			return POLICY_GRANT_ADDRESS;
	}
	if (!size)
		return POLICY_GRANT_ADDRESS;
	colon = memrchr(at, ':', size);
	if (*at == '[' && colon && memchr(colon, ']', (size_t)(end - colon)))
		colon = NULL; /* one of the address */
	if (colon && colon + 1 < end)
		return read_host_port(at, size, world, endpoint);
	r = buf_append(&text, at, (size_t)((colon ? colon : end) - at));
	if (r == 0)
		r = buf_printf(&text, ":%u", port);
	if (r)
		return r;
	return read_host_port((const char *)buf_bytes(&text), buf_size(&text), world, endpoint);
}

static bool is_plain(const char *at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)at[i] <= ' ' || (unsigned char)at[i] >= 0x7f || at[i] == '\\')
			return false;
	}
	return true;
}

/* Behind `://`. */
static int read_url(const char *at, size_t size, uint16_t port, const struct policy_world *world,
		    struct policy_endpoint *endpoint)
{
	size_t authority = 0;

	while (authority < size && !strchr("/?#", at[authority]))
		authority++;
	/* blanks and controls are dropped by some, a backslash is a slash to some */
	if (!is_plain(at, authority))
		return POLICY_GRANT_ADDRESS;
	/* the host ends before ? and #, but to some only before / or what follows an @ */
	if (authority < size && at[authority] != '/' &&
	    memchr(at + authority, '@', size - authority))
		return POLICY_GRANT_ADDRESS;
	return read_authority(at, authority, port, world, endpoint);
}

int policy_grant_endpoint(const struct policy_template_text *text, const char *value, size_t size,
			  const struct policy_world *world, struct policy_endpoint *ret_endpoint)
{
	_cleanup_buf_ struct buf whole = { 0 };
	const char *colon = memchr(value, ':', size);
	int r;

	if (!text->before_size && !text->after_size && colon) {
		size_t scheme = (size_t)(colon - value), rest = size - scheme - 1;
		bool is_url = rest >= 2 && colon[1] == '/' && colon[2] == '/';
		int port = scheme_port(value, scheme);

		if (is_url && port > 0)
			return read_url(colon + 3, rest - 2, (uint16_t)port, world, ret_endpoint);
		/* http:80 is http://0.0.0.80/ to browsers, and a host named http to others */
		if (is_url || port >= 0)
			return POLICY_GRANT_SCHEME;
	}
	r = buf_append(&whole, text->before, text->before_size);
	if (r == 0)
		r = buf_append(&whole, value, size);
	if (r == 0)
		r = buf_append(&whole, text->after, text->after_size);
	if (r)
		return r;
	return read_host_port((const char *)buf_bytes(&whole), buf_size(&whole), world,
			      ret_endpoint);
}
