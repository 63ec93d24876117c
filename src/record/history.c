/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/page.h"
#include "base/cleanup.h"

void history_init(struct history *history, bool known)
{
	*history = (struct history){ .floor = known ? 0 : UINT64_MAX };
}

void history_free(struct history *history)
{
	while (history->births) {
		struct birth *birth = history->births;

		history->births = birth->next;
		free(birth);
	}
	free(history->open);
	free(history->ended);
	*history = (struct history){ 0 };
}

static struct span *ended_at(const struct history *history, size_t index)
{
	return &history->ended[(history->ended_first + index) % history->ended_capacity];
}

static void mark_unknown(struct history *history, uint64_t from, uint64_t to)
{
	size_t count = history->unknown_count;

	if (count && history->unknown[count - 1].to + 1 >= from) {
		history->unknown[count - 1].to = to;
		return;
	}
	if (count == ARRAY_LEN(history->unknown)) {
		/* too many holes to remember one by one: what is before the second counts as one */
		history->unknown[1].from = history->unknown[0].from;
		memmove(history->unknown, history->unknown + 1,
			(count - 1) * sizeof(history->unknown[0]));
		count--;
	}
	history->unknown[count].from = from;
	history->unknown[count].to = to;
	history->unknown_count = count + 1;
}

bool history_known(const struct history *history, uint64_t lo, uint64_t hi)
{
	if (lo < history->floor || hi > history->last || lo > hi)
		return false;
	for (size_t i = history->unknown_count; i-- > 0;)
		if (history->unknown[i].from <= hi && history->unknown[i].to >= lo)
			return false;
	return true;
}

static void forget_births(struct history *history)
{
	struct birth **at = &history->births;

	while (*at) {
		struct birth *birth = *at;

		if (birth->refs || birth->epoch >= history->floor) {
			at = &birth->next;
			continue;
		}
		*at = birth->next;
		history->births_count--;
		free(birth);
	}
}

static void forget_old(struct history *history)
{
	if (history->floor == UINT64_MAX || history->last < HISTORY_EPOCHS)
		return;
	/* in steps, so that the lists are not walked for every change */
	if (history->last - HISTORY_EPOCHS < history->floor + HISTORY_EPOCHS / 16)
		return;
	history->floor = history->last - HISTORY_EPOCHS;
	while (history->ended_count && ended_at(history, 0)->end <= history->floor) {
		history->ended_first = (history->ended_first + 1) % history->ended_capacity;
		history->ended_count--;
	}
	forget_births(history);
}

static int add_ended(struct history *history, const struct span *span);

/* The page says that nothing is in flight: whatever the journal did not end has ended. */
static void end_all(struct history *history, uint64_t epoch)
{
	while (history->open_count) {
		struct span span = history->open[--history->open_count];

		span.end = epoch;
		if (add_ended(history, &span) < 0)
			mark_unknown(history, span.begin, epoch);
		history->finished++;
	}
	history->uncertain = false;
}

/* Takes over the stamp of a change; the set must have been changed already. */
static void advance(struct history *history, uint64_t stamp)
{
	uint64_t epoch = MF_STAMP_EPOCH(stamp);
	uint64_t in_flight = history->open_count > 0xffff ? 0xffff : history->open_count;

	if (history->floor == UINT64_MAX) {
		history->floor = epoch;
	} else if (epoch > history->last + 1) {
		mark_unknown(history, history->last + 1, epoch - 1);
		history->uncertain = true;
	}
	if (in_flight != MF_STAMP_COUNT(stamp))
		history->uncertain = true;
	if (history->uncertain && !MF_STAMP_COUNT(stamp))
		end_all(history, epoch);
	if (history->uncertain)
		mark_unknown(history, epoch, epoch);
	history->last = epoch;
	forget_old(history);
}

static int add_open(struct history *history, uint64_t ordinal, uint64_t epoch)
{
	if (history->open_count == HISTORY_OPEN_MAX)
		return -ENOSPC;
	if (history->open_count == history->open_capacity) {
		size_t capacity = history->open_capacity ? history->open_capacity * 2 : 8;
		struct span *open = realloc(history->open, capacity * sizeof(*open));

		if (!open)
			return -ENOMEM;
		history->open = open;
		history->open_capacity = capacity;
	}
	history->open[history->open_count++] = (struct span){ ordinal, epoch, 0 };
	history->begun++;
	return 0;
}

static bool epoch_is_next(const struct history *history, uint64_t stamp)
{
	return history->floor == UINT64_MAX || MF_STAMP_EPOCH(stamp) > history->last;
}

int history_begin(struct history *history, uint64_t stamp, uint64_t ordinal)
{
	int err;

	if (!epoch_is_next(history, stamp))
		return -EBADMSG;
	err = add_open(history, ordinal, MF_STAMP_EPOCH(stamp));
	if (err)
		return err;
	advance(history, stamp);
	return 0;
}

int history_resume(struct history *history, uint64_t stamp, uint64_t ordinal)
{
	uint64_t epoch = MF_STAMP_EPOCH(stamp);
	int err;

	if (epoch < history->last)
		return -EBADMSG;
	err = add_open(history, ordinal, epoch);
	if (err)
		return err;
	history->last = epoch;
	/* the set is whole when its last member has been told */
	history->floor = history->open_count == MF_STAMP_COUNT(stamp) ? epoch : epoch + 1;
	return 0;
}

static int add_ended(struct history *history, const struct span *span)
{
	if (history->ended_count == history->ended_capacity) {
		size_t capacity = history->ended_capacity ? history->ended_capacity * 2 : 16;
		struct span *ended = calloc(capacity, sizeof(*ended));

		if (!ended)
			return -ENOMEM;
		for (size_t i = 0; i < history->ended_count; i++)
			ended[i] = *ended_at(history, i);
		free(history->ended);
		history->ended = ended;
		history->ended_first = 0;
		history->ended_capacity = capacity;
	}
	history->ended_count++;
	*ended_at(history, history->ended_count - 1) = *span;
	return 0;
}

int history_end(struct history *history, uint64_t stamp, uint64_t ordinal)
{
	uint64_t epoch = MF_STAMP_EPOCH(stamp);
	struct span span = { ordinal, 0, epoch };
	size_t i = 0;
	int err;

	if (!epoch_is_next(history, stamp))
		return -EBADMSG;
	while (i < history->open_count && history->open[i].ordinal != ordinal)
		i++;
	if (i == history->open_count) {
		/* its beginning was lost, so the sets up to here were not what they seemed */
		history->begun++;
		mark_unknown(history,
			     history->unknown_count
				     ? history->unknown[history->unknown_count - 1].from
				     : history->floor,
			     epoch - 1);
	} else {
		span.begin = history->open[i].begin;
		err = add_ended(history, &span);
		if (err)
			return err;
		history->open[i] = history->open[--history->open_count];
	}
	history->finished++;
	for (struct birth *birth = history->births; birth; birth = birth->next) {
		if (birth->count != 1 || birth->sole_end || birth->names[0] != ordinal)
			continue;
		birth->sole_end = epoch;
		birth->sole_ended_before = history->finished;
	}
	advance(history, stamp);
	return 0;
}

static uint64_t begun_at(const struct history *history, uint64_t epoch)
{
	uint64_t begun = history->begun;

	if (epoch >= history->last)
		return begun;
	for (size_t i = 0; i < history->open_count; i++)
		begun -= history->open[i].begin > epoch;
	for (size_t i = history->ended_count; i-- > 0 && ended_at(history, i)->end > epoch;)
		begun -= ended_at(history, i)->begin > epoch;
	return begun;
}

static uint64_t finished_at(const struct history *history, uint64_t epoch)
{
	uint64_t finished = history->finished;

	for (size_t i = history->ended_count; i-- > 0 && ended_at(history, i)->end > epoch;)
		finished--;
	return finished;
}

uint64_t history_count_since(const struct history *history, uint64_t ended_before, uint64_t hi)
{
	uint64_t begun = begun_at(history, hi);

	return begun > ended_before ? begun - ended_before : 0;
}

uint64_t history_count(const struct history *history, uint64_t lo, uint64_t hi)
{
	return history_count_since(history, finished_at(history, lo), hi);
}

static void add_name(uint64_t name, uint64_t *names, uint32_t *count, uint32_t max)
{
	if (*count == max)
		return;
	for (uint32_t i = 0; i < *count; i++)
		if (names[i] == name)
			return;
	names[(*count)++] = name;
}

void history_names(const struct history *history, uint64_t lo, uint64_t hi, uint64_t *names,
		   uint32_t *count, uint32_t max)
{
	for (size_t i = history->open_count; i-- > 0 && *count < max;)
		if (history->open[i].begin <= hi)
			add_name(history->open[i].ordinal, names, count, max);
	for (size_t i = history->ended_count; i-- > 0 && *count < max;) {
		const struct span *span = ended_at(history, i);

		if (span->end <= lo)
			break;
		if (span->begin <= hi)
			add_name(span->ordinal, names, count, max);
	}
}

static void birth_resolve(const struct history *history, uint64_t epoch, struct birth *birth)
{
	birth->epoch = epoch;
	birth->ended_before = finished_at(history, epoch);
	history_names(history, epoch, epoch, birth->names, &birth->count, HISTORY_NAMES_MAX);
	birth->more = (uint32_t)(history_count(history, epoch, epoch) - birth->count);
	if (birth->count != 1)
		return;
	for (size_t i = history->ended_count; i-- > 0 && ended_at(history, i)->end > epoch;) {
		if (ended_at(history, i)->ordinal != birth->names[0])
			continue;
		birth->sole_end = ended_at(history, i)->end;
		birth->sole_ended_before = finished_at(history, birth->sole_end);
	}
}

struct birth *history_birth(struct history *history, uint64_t stamp)
{
	uint64_t epoch = MF_STAMP_EPOCH(stamp);
	struct birth *birth;

	for (birth = history->births; birth; birth = birth->next) {
		if (birth->epoch == epoch) {
			birth->refs++;
			return birth;
		}
	}
	if (!history_known(history, epoch, epoch) || history->births_count == HISTORY_BIRTHS_MAX)
		return NULL;
	birth = calloc(1, sizeof(*birth));
	if (!birth)
		return NULL;
	birth_resolve(history, epoch, birth);
	birth->refs = 1;
	birth->next = history->births;
	history->births = birth;
	history->births_count++;
	return birth;
}

void history_birth_drop(struct birth *birth)
{
	if (birth)
		birth->refs--;
}
