/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where policy text comes from, what is known about the machine while it is read, and what is to
 * be said about it. The room itself opens nothing: files, links and names are asked for through
 * struct policy_world, so that tests and fuzzers need neither disk nor network.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define POLICY_FILE_BYTES_MAX (16U << 20) /* of one file */
#define POLICY_TEXT_BYTES_MAX (64U << 20) /* of all files of one policy */
#define POLICY_FILES_MAX 256 /* of one policy, includes counted */
#define POLICY_LINE_MAX 16384 /* bytes of a line */
#define POLICY_TOOL_NAME_MAX 4096 /* bytes of a tool's name */
#define POLICY_BLOCK_NAME_MAX 128 /* bytes of a named block's name */
#define POLICY_HOST_NAME_MAX 253 /* RFC 1035 */
#define POLICY_HOST_ADDRS_MAX 64 /* addresses of one host name that are kept */
#define POLICY_LINKS_MAX 40 /* symbolic links followed in one path */
#define POLICY_NOTES_MAX 1000 /* diagnostics kept; how many more there are is counted */

struct policy_address {
	uint8_t family; /* 4 or 6; an IPv4-mapped IPv6 address counts as IPv4 */
	uint8_t addr[16]; /* network order; IPv4 in the first four bytes, the rest 0 */
};

enum policy_path_kind {
	POLICY_PATH_MISSING = 0,
	POLICY_PATH_FILE = 1, /* or a device, socket, FIFO */
	POLICY_PATH_DIRECTORY = 2,
	POLICY_PATH_LINK = 3,
};

/*
 * What the room asks the world. Each function may be NULL: then nothing is known, nothing is warned
 * about and rules mean their paths as written. `data` is handed through.
 */
struct policy_world {
	void *data;
	const char *
		workspace; /* ${workspace}: absolute; NULL or "": a line that uses it is an error */
	const char *home; /* ${home} */
	bool errors_only; /* no warnings are looked for that take a second look at all lines */

	/*
	 * The text of the file that has the named block `name` ("runtime/node"), from the search path.
	 * Appends it to `ret_text` and its name for people to `ret_name`. -ENOENT: there is none; any
	 * other error is told with its reason.
	 */
	int (*include)(void *data, const char *name, struct buf *ret_name, struct buf *ret_text);

	/*
	 * The same, told the name of the file in which the line stands: each file has a search path
	 * of its own, so that nobody's file can change what another one includes. Where it is set,
	 * it is asked in place of `include`.
	 */
	int (*include_from)(void *data, const char *from, const char *name, struct buf *ret_name,
			    struct buf *ret_text);

	/*
	 * What an absolute, normalised path is, its last component not followed. Of a link, appends its
	 * text to `ret_target`. Returns enum policy_path_kind, or -errno (-EACCES: not to be known).
	 */
	int (*look)(void *data, const char *path, struct buf *ret_target);

	/*
	 * Entries of a directory that are links: calls `each` with name and text of every one.
	 * 0 or -errno. For the warning about links that lead out of a directory that a rule names.
	 */
	int (*links)(void *data, const char *path,
		     void (*each)(void *each_data, const char *name, const char *target),
		     void *each_data);

	/*
	 * The addresses of a host name: writes at most `max` and returns how many there are (which may
	 * be more), 0 for none, or -errno. "localhost" is never asked: it is 127.0.0.1 and ::1.
	 */
	int (*resolve)(void *data, const char *name, struct policy_address *ret_addresses,
		       size_t max);
};

struct policy_file {
	char *name; /* as given, or as `include` named it */
	char *text;
	size_t size;
	bool included; /* it was fetched by `include`, so it may hold named blocks only */
};

/* A place in a policy's text. Lines and columns count from 1, columns in bytes; 0: as a whole. */
struct policy_where {
	uint32_t file; /* index into struct policy_sources */
	uint32_t line;
	uint32_t column;
	uint32_t size; /* bytes of the word meant, 0: not known */
};

enum policy_severity {
	POLICY_WARNING = 1,
	POLICY_ERROR = 2,
};

/* A row for each kind of thing that can be said; its word is a contract for programs (--json). */
enum policy_note_id {
	POLICY_NOTE_NONE = 0,
	/* errors */
	POLICY_E_VERSION = 1, /* missing, not the first line, or not one that is known */
	POLICY_E_EMPTY = 2, /* nothing but blanks and comments */
	POLICY_E_TEXT = 3, /* NUL, bytes that are no UTF-8 outside of quotes, line too long */
	POLICY_E_QUOTE = 4, /* not closed, or an escape that is none */
	POLICY_E_WORD = 5, /* a word that means nothing here */
	POLICY_E_MISSING = 6, /* an operand is missing */
	POLICY_E_EXTRA = 7, /* more words than the line takes */
	POLICY_E_CONFLICT = 8, /* the same thing said twice, differently */
	POLICY_E_PLACE = 9, /* a line that cannot stand in this block or file */
	POLICY_E_PATH = 10, /* relative, too long, a pattern */
	POLICY_E_ADDRESS = 11, /* malformed address, prefix, host name */
	POLICY_E_PORT = 12,
	POLICY_E_UNIX = 13,
	POLICY_E_VARIABLE = 14, /* unknown, not set or empty, or an argument where there is none */
	POLICY_E_NAME = 15, /* of a tool or block */
	POLICY_E_INCLUDE = 16, /* not found, unreadable, in a circle */
	POLICY_E_LINKS = 17, /* symbolic links in a circle */
	POLICY_E_LIMIT = 18, /* it cannot be kept: too many of something */
	/* warnings */
	POLICY_W_COVERED = 40, /* another line says the same or more */
	POLICY_W_MISSING_PATH = 41,
	POLICY_W_LINK = 42, /* the path is or goes through a link; what it leads to is granted */
	POLICY_W_LINKS_OUT = 43, /* a directory has links that lead out of what the block allows */
	POLICY_W_PRIVATE = 44, /* a host name that resolves to a private address */
	POLICY_W_UNRESOLVED = 45, /* a host name without addresses: it permits nothing now */
	POLICY_W_NEVER = 46, /* a rule that can never match or is denied altogether */
	POLICY_W_INTERPRETER =
		47, /* exec of a shell or interpreter without the word `interpreter` */
	POLICY_W_EMPTY_BLOCK = 48, /* allows nothing */
	POLICY_W_NO_BASE = 49, /* the server itself has nothing to start with */
	POLICY_W_CEILING = 50, /* a line that the ceiling takes back */
	POLICY_W_ARGUMENT = 51, /* an argument decides about exec */
	POLICY_W_UNUSED = 52, /* a named block that nothing includes */
	POLICY_NOTE_MAX = 53,
};

struct policy_note {
	struct policy_where where;
	struct policy_where other; /* the second place, where there is one (line != 0) */
	enum policy_severity severity;
	enum policy_note_id id;
	char *text; /* one line, safe to print: what was expected, what was found */
	char *suggestion; /* the nearest right word or line, safe to print; NULL: none */
};

struct policy_notes {
	struct policy_note *notes; /* in the order of file, line, column, once sorted */
	size_t count;
	size_t errors, warnings; /* all of them */
	size_t unkept; /* of those, not in `notes` */
};

/* Files in the order in which they were given or first included. Owns everything. */
struct policy_sources {
	struct policy_file *files;
	size_t count;
};

void policy_notes_free(struct policy_notes *notes);
#define _cleanup_policy_notes_ _cleanup_(policy_notes_free)
/* By file, line, column; of one place, errors first. What is said twice of a place is said once. */
void policy_notes_sort(struct policy_notes *notes);
/* "covered", "no-base", …: the word of a kind of note. */
const char *policy_note_word(enum policy_note_id id);
/* Appends `FILE:LINE:COLUMN: error: TEXT` and, when there is one, `; did you mean SUGGESTION?`,
 * without a newline. */
int policy_note_print(struct buf *out, const struct policy_sources *sources,
		      const struct policy_note *note);

/* Adds a file; the bytes are copied. -EFBIG: it is too large; -EOVERFLOW: all together are; -E2BIG:
 * they are too many. */
int policy_sources_add(struct policy_sources *sources, const char *name, const void *text,
		       size_t size);
/* Why a file cannot be read, for people: what policy_load() and policy_sources_add() return. */
const char *policy_read_why(int error);
void policy_sources_free(struct policy_sources *sources);
#define _cleanup_policy_sources_ _cleanup_(policy_sources_free)
