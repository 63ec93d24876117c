/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, prefixes, ports and host names as text. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "policy/object.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static int refuse(const char **ret_reason, const char *reason, int error)
{
	*ret_reason = reason;
	return error;
}

int policy_endpoint_split(const char *text, size_t size, struct policy_endpoint_text *ret_endpoint,
			  const char **ret_reason)
{
	struct policy_endpoint_text endpoint = { .host = text };
	const char *end = text + size, *colon;

	if (size && *text == '[') {
		const char *close = memchr(text, ']', size);

		if (!close)
			return refuse(ret_reason, "the bracket is not closed", -EINVAL);
		endpoint.host = text + 1;
		endpoint.host_size = (size_t)(close - text) - 1;
		endpoint.bracketed = true;
		colon = close + 1;
		if (colon < end && *colon != ':')
			return refuse(ret_reason, "expected : and a port behind the bracket",
				      -EINVAL);
	} else {
		colon = memrchr(text, ':', size);
		if (!colon)
			colon = end;
		endpoint.host_size = (size_t)(colon - text);
		if (memchr(text, ':', endpoint.host_size))
			return refuse(ret_reason, "an IPv6 address stands in brackets: [::1]:443",
				      -EINVAL);
	}
	if (endpoint.host_size == 0)
		return refuse(ret_reason, "expected an address, a name or * before the port",
			      -EINVAL);
	if (colon >= end || colon + 1 == end)
		return refuse(ret_reason, "expected a port: HOST:443, HOST:8000-8010 or HOST:*",
			      -EINVAL);
	endpoint.port = colon + 1;
	endpoint.port_size = (size_t)(end - endpoint.port);
	*ret_endpoint = endpoint;
	return 0;
}

/* Decimal, no sign, no leading zero. */
static int parse_number(const char *text, size_t size, unsigned max, unsigned *ret_number)
{
	unsigned number = 0;

	if (!size || (size > 1 && *text == '0'))
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -EINVAL;
		number = number * 10 + (unsigned)(text[i] - '0');
		if (number > max)
			return -ERANGE;
	}
	*ret_number = number;
	return 0;
}

static void cut_address(uint8_t *addr, size_t size, unsigned length)
{
	for (size_t i = 0; i<size; i++, length = length> 8 ? length - 8 : 0) {
		if (length < 8)
			addr[i] &= (uint8_t)(0xff00U >> length);
	}
}

static int prefix_length(const char *slash, const char *end, unsigned max, unsigned *ret_length,
			 const char **ret_reason)
{
	*ret_length = max;
	if (slash == end)
		return 0;
	if (parse_number(slash + 1, (size_t)(end - slash) - 1, max, ret_length))
		return refuse(ret_reason,
			      max == 32 ? "expected a prefix length of 0 to 32 behind the slash"
					: "expected a prefix length of 0 to 128 behind the slash",
			      -EINVAL);
	return 0;
}

static int set_prefix(struct policy_prefix *prefix, unsigned length, const char **ret_reason)
{
	struct policy_address *address = &prefix->address;
	uint8_t given[16];

	if (address->family == 6 && memcmp(address->addr, mapped, sizeof(mapped)) == 0) {
		if (length < 96)
			return refuse(ret_reason,
				      "a mapped IPv4 prefix has a length of 96 to 128; plainer: "
				      "203.0.113.0/24",
				      -EINVAL);
		policy_address_normal(address);
		length -= 96;
	}
	memcpy(given, address->addr, sizeof(given));
	cut_address(address->addr, sizeof(address->addr), length);
	if (memcmp(given, address->addr, sizeof(given)) != 0)
		return refuse(ret_reason,
			      "the address has bits behind its prefix length; they must be 0",
			      -EINVAL);
	prefix->length = (uint8_t)length;
	return 0;
}

/* What consists of digits and dots alone is meant as an address, not as a name. */
static bool is_numeric(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!isdigit((unsigned char)text[i]) && text[i] != '.' && text[i] != '/')
			return false;
	}
	return true;
}

static int parse_bracketed(const char *text, const char *slash, const char *end,
			   struct policy_prefix *prefix, const char **ret_reason)
{
	unsigned length;
	int r;

	if (strchr(text, '%'))
		return refuse(ret_reason,
			      "an interface behind % cannot be kept; without it the address holds "
			      "on every interface",
			      -EINVAL);
	if (inet_pton(AF_INET6, text, prefix->address.addr) != 1)
		return refuse(ret_reason, "expected an IPv6 address in the brackets", -EINVAL);
	prefix->address.family = 6;
	r = prefix_length(slash, end, 128, &length, ret_reason);
	return r ? r : set_prefix(prefix, length, ret_reason);
}

int policy_prefix_parse(const struct policy_endpoint_text *endpoint,
			struct policy_prefix *ret_prefix, const char **ret_reason)
{
	struct policy_prefix prefix = { 0 };
	const char *end = endpoint->host + endpoint->host_size;
	const char *slash = memchr(endpoint->host, '/', endpoint->host_size);
	char text[64] = "";
	unsigned length;
	int r;

	if (!slash)
		slash = end;
	if ((size_t)(slash - endpoint->host) < sizeof(text))
		memcpy(text, endpoint->host, (size_t)(slash - endpoint->host));
	if (endpoint->bracketed) {
		r = parse_bracketed(text, slash, end, &prefix, ret_reason);
	} else if (endpoint->host_size == 1 && *endpoint->host == '*') {
		prefix.any = true;
		r = 0;
	} else if (inet_pton(AF_INET, text, prefix.address.addr) == 1) {
		prefix.address.family = 4;
		r = prefix_length(slash, end, 32, &length, ret_reason);
		if (r == 0)
			r = set_prefix(&prefix, length, ret_reason);
	} else if (is_numeric(endpoint->host, endpoint->host_size)) {
		r = refuse(ret_reason, "expected an IPv4 address of four numbers, each 0 to 255",
			   -EINVAL);
	} else {
		r = refuse(ret_reason, "no address", -ENOENT);
	}
	if (r == 0)
		*ret_prefix = prefix;
	return r;
}

int policy_ports_parse(const char *text, size_t size, struct policy_ports *ret_ports,
		       const char **ret_reason)
{
	const char *dash = memchr(text, '-', size);
	size_t first_size = dash ? (size_t)(dash - text) : size;
	unsigned first = 0, last;
	int r;

	if (size == 1 && *text == '*') {
		*ret_ports = (struct policy_ports){ 0, UINT16_MAX };
		return 0;
	}
	r = parse_number(text, first_size, UINT16_MAX, &first);
	last = first;
	if (r == 0 && dash)
		r = parse_number(dash + 1, size - first_size - 1, UINT16_MAX, &last);
	if (r == -ERANGE)
		return refuse(ret_reason, "a port is at most 65535", r);
	if (r)
		return refuse(ret_reason, "expected a port: 443, 8000-8010 or *", r);
	if (first > last)
		return refuse(ret_reason, "the range of ports ends before it begins", -ERANGE);
	*ret_ports = (struct policy_ports){ (uint16_t)first, (uint16_t)last };
	return 0;
}

int policy_host_parse(const char *text, size_t size, struct buf *out, const char **ret_reason)
{
	char name[POLICY_HOST_NAME_MAX];
	size_t label = 0;

	if (size && text[size - 1] == '.')
		size--;
	if (!size || size > sizeof(name))
		return refuse(ret_reason, "a host name has 1 to 253 bytes", -EINVAL);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		bool edge = label == 0 || i + 1 == size || text[i + 1] == '.';

		if (c == '.' ? label == 0
			     : !(isascii(c) && isalnum(c)) && c != '_' && (c != '-' || edge))
			return refuse(
				ret_reason,
				"expected an address, a prefix, a host name of letters, digits "
				"and hyphens, or *",
				-EINVAL);
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return refuse(ret_reason, "a part of a host name has at most 63 bytes",
				      -EINVAL);
		name[i] = (char)tolower(c);
	}
	return buf_append(out, name, size);
}

int policy_address_print(struct buf *out, const struct policy_address *address)
{
	char text[INET6_ADDRSTRLEN];

	if (address->family == 4) {
		inet_ntop(AF_INET, address->addr, text, sizeof(text));
		return buf_append_str(out, text);
	}
	inet_ntop(AF_INET6, address->addr, text, sizeof(text));
	return buf_printf(out, "[%s]", text);
}

static bool in_prefix(const struct policy_address *address, const uint8_t *prefix, unsigned length)
{
	uint8_t cut[16];

	memcpy(cut, address->addr, sizeof(cut));
	cut_address(cut, sizeof(cut), length);
	return memcmp(cut, prefix, sizeof(cut)) == 0;
}

bool policy_address_is_private(const struct policy_address *address)
{
	/* IANA's registries of special-purpose addresses: those that are not globally reachable */
	static const struct {
		uint8_t family;
		uint8_t length;
		uint8_t prefix[16];
	} ranges[] = {
		{ 4, 8, { 0 } },
		{ 4, 8, { 10 } },
		{ 4, 10, { 100, 64 } },
		{ 4, 8, { 127 } },
		{ 4, 16, { 169, 254 } },
		{ 4, 12, { 172, 16 } },
		{ 4, 24, { 192, 0, 0 } },
		{ 4, 16, { 192, 168 } },
		{ 4, 15, { 198, 18 } },
		{ 4, 4, { 240 } },
		{ 6, 127, { 0 } }, /* :: and ::1 */
		{ 6, 48, { 0, 0x64, 0xff, 0x9b, 0, 1 } },
		{ 6, 7, { 0xfc } },
		{ 6, 10, { 0xfe, 0x80 } },
		{ 6, 10, { 0xfe, 0xc0 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (address->family == ranges[i].family &&
		    in_prefix(address, ranges[i].prefix, ranges[i].length))
			return true;
	}
	return false;
}

void policy_address_normal(struct policy_address *address)
{
	if (address->family != 6 || memcmp(address->addr, mapped, sizeof(mapped)) != 0)
		return;
	memmove(address->addr, address->addr + 12, 4);
	memset(address->addr + 4, 0, 12);
	address->family = 4;
}

void policy_address_connected(struct policy_address *address)
{
	static const uint8_t unspecified[16];

	policy_address_normal(address);
	if (memcmp(address->addr, unspecified, address->family == 4 ? 4 : 16) != 0)
		return;
	if (address->family == 4)
		memcpy(address->addr, (const uint8_t[]){ 127, 0, 0, 1 }, 4);
	else
		address->addr[15] = 1;
}
