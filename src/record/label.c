/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/label.h"

#include "base/cleanup.h"

const char *label_name(enum label_kind kind)
{
	static const char *const names[] = { NULL, "exclusive", "lineage", "candidates",
					     "background" };

	return kind < ARRAY_LEN(names) && names[kind] ? names[kind] : "unknown";
}

static void add_birth(const struct birth *birth, struct label *label)
{
	for (uint32_t i = 0; i < birth->count && label->count < HISTORY_NAMES_MAX; i++) {
		uint32_t at = 0;

		while (at < label->count && label->names[at] != birth->names[i])
			at++;
		if (at == label->count)
			label->names[label->count++] = birth->names[i];
	}
}

static void set_more(struct label *label, uint64_t total)
{
	label->more = total > label->count ? (uint32_t)(total - label->count) : 0;
}

static struct label named(enum label_kind kind, uint64_t ordinal)
{
	return (struct label){ .kind = kind, .count = 1, .live = 1, .names = { ordinal } };
}

/* Those in flight at any moment of it are named first. */
static void add_live(const struct history *history, uint64_t lo, uint64_t hi, struct label *label)
{
	history_names(history, lo, hi, label->names, &label->count, HISTORY_NAMES_MAX);
	label->live = label->count;
	label->live_more = history_count(history, lo, hi) > label->live;
}

/* Every request that was in flight from the birth on may have left something to do for it. */
static struct label since_birth(const struct history *history, const struct birth *birth,
				uint64_t lo, uint64_t hi)
{
	struct label label = { .kind = LABEL_CANDIDATES };

	/* where not all can be named, those in flight are likelier than those of the birth */
	add_live(history, lo, hi, &label);
	add_birth(birth, &label);
	history_names(history, birth->epoch, hi, label.names, &label.count, HISTORY_NAMES_MAX);
	set_more(&label, history_count_since(history, birth->ended_before, hi));
	label.unknown = birth->epoch >= history->floor && !history_known(history, birth->epoch, hi);
	return label;
}

static struct label of_dynamic(const struct history *history, uint64_t lo, uint64_t hi)
{
	struct label label = { .kind = LABEL_CANDIDATES };
	uint64_t total = history_count(history, lo, hi);

	add_live(history, lo, hi, &label);
	set_more(&label, total);
	if (!total)
		label.kind = LABEL_BACKGROUND;
	else if (lo == hi && total == 1)
		label.kind = LABEL_EXCLUSIVE;
	return label;
}

static struct label of_sole_birth(const struct history *history, const struct birth *birth,
				  uint64_t lo, uint64_t hi)
{
	uint64_t ordinal = birth->names[0];
	uint64_t end = birth->sole_end;
	struct label label;

	if (!end || end > hi) {
		bool alone = lo == hi && history_count(history, lo, hi) == 1;

		return named(alone ? LABEL_EXCLUSIVE : LABEL_LINEAGE, ordinal);
	}
	if (history_count_since(history, birth->sole_ended_before, hi) ||
	    (end >= history->floor && !history_known(history, end, hi)))
		label = since_birth(history, birth, lo, hi);
	else
		label = named(LABEL_LINEAGE, ordinal);
	label.late = end <= lo;
	if (label.late && label.kind == LABEL_LINEAGE)
		label.live = 0;
	return label;
}

static struct label of_unknown(const struct history *history, const struct label_question *question)
{
	struct label label = { .kind = LABEL_CANDIDATES, .unknown = true };
	uint64_t lo = question->lo < history->last ? question->lo : history->last;

	if (question->birth)
		add_birth(question->birth, &label);
	history_names(history, lo ? lo - 1 : 0, UINT64_MAX, label.names, &label.count,
		      HISTORY_NAMES_MAX);
	set_more(&label, history_count(history, lo ? lo - 1 : 0, history->last));
	label.live = label.count;
	return label;
}

/* The process may be any of the session, so it may be of any birth that there is. */
static struct label of_anyone(const struct history *history, uint64_t lo, uint64_t hi)
{
	struct label label = of_dynamic(history, lo, hi);
	uint64_t total = label.count + (uint64_t)label.more;

	if (history->births)
		label.kind = LABEL_CANDIDATES;
	else
		return label;
	for (const struct birth *birth = history->births; birth; birth = birth->next) {
		uint64_t since = history_count_since(history, birth->ended_before, hi);

		add_birth(birth, &label);
		history_names(history, birth->epoch, hi, label.names, &label.count,
			      HISTORY_NAMES_MAX);
		total = since > total ? since : total;
	}
	set_more(&label, total);
	return label;
}

void label_of(const struct history *history, const struct label_question *question,
	      struct label *ret_label)
{
	const struct birth *birth = question->birth;
	uint64_t lo = question->lo;
	uint64_t hi = question->hi;

	/* a process does nothing before its birth */
	if (lo < question->born && question->born <= hi)
		lo = question->born;
	if (question->how == BIRTH_UNKNOWN || !history_known(history, lo, hi))
		*ret_label = of_unknown(history, question);
	else if (question->how == BIRTH_ANY)
		*ret_label = of_anyone(history, lo, hi);
	else if (question->how == BIRTH_DYNAMIC)
		*ret_label = of_dynamic(history, lo, hi);
	else if (birth->count == 1)
		*ret_label = of_sole_birth(history, birth, lo, hi);
	else
		*ret_label = since_birth(history, birth, lo, hi);
}
