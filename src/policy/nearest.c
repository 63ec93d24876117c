/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "policy/words.h"

#define WORD_MAX 48 /* longer words are not guessed at */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau-Levenshtein, adjacent transpositions only, whatever the case; both words are at most WORD_MAX
 * long. */
static size_t edit_distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const size_t *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = least(least(above[j] + 1, row[j - 1] + 1),
				       above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *policy_nearest(const char *word, size_t size, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t best = size <= 3 ? 2 : size / 3 + 2;

	if (size == 0 || size > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(words[i]), distance;

		if (length > WORD_MAX)
			continue;
		distance = edit_distance(word, size, words[i], length);
		if (length >= size && memcmp(word, words[i], size) == 0)
			distance = distance ? 1 : 0; /* a beginning is a near miss */
		if (distance < best) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}
