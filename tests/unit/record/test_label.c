/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "abi/page.h"
#include "record/label.h"

#define REQUESTS 3
#define CHANGES (2 * REQUESTS)

/*
 * A second reading of docs/attribution.md, by sets of bits and by looking at every epoch. It shares
 * nothing with the code that it judges.
 */
struct tale {
	int change[CHANGES]; /* request + 1: begins; -(request + 1): ends */
	unsigned set[CHANGES + 1]; /* in flight at each epoch, a bit per request */
};

static unsigned in_flight_during(const struct tale *tale, int from, int to)
{
	unsigned all = 0;

	for (int epoch = from; epoch <= to; epoch++)
		all |= tale->set[epoch];
	return all;
}

static int end_of(const struct tale *tale, int request)
{
	for (int i = 0; i < CHANGES; i++)
		if (tale->change[i] == -(request + 1))
			return i + 1;
	return CHANGES + 1;
}

struct verdict {
	enum label_kind kind;
	bool late;
	unsigned names;
};

static int only(unsigned set)
{
	return set && !(set & (set - 1)) ? __builtin_ctz(set) : -1;
}

static struct verdict judge(const struct tale *tale, int birth, int lo, int hi)
{
	unsigned born = birth < 0 ? 0 : tale->set[birth];
	unsigned now, since;
	int sole = only(born);
	int end;

	if (birth >= 0 && lo < birth)
		lo = birth;
	now = in_flight_during(tale, lo, hi);
	if (!born) {
		if (!now)
			return (struct verdict){ LABEL_BACKGROUND, false, 0 };
		if (lo == hi && only(now) >= 0)
			return (struct verdict){ LABEL_EXCLUSIVE, false, now };
		return (struct verdict){ LABEL_CANDIDATES, false, now };
	}
	since = in_flight_during(tale, birth, hi) | born;
	if (sole < 0)
		return (struct verdict){ LABEL_CANDIDATES, false, since };
	end = end_of(tale, sole);
	if (end > hi) {
		bool alone = lo == hi && now == born;

		return (struct verdict){ alone ? LABEL_EXCLUSIVE : LABEL_LINEAGE, false, born };
	}
	if (in_flight_during(tale, end, hi))
		return (struct verdict){ LABEL_CANDIDATES, end <= lo, since };
	return (struct verdict){ LABEL_LINEAGE, end <= lo, born };
}

static uint64_t stamp_at(const struct tale *tale, int epoch)
{
	return MF_STAMP((uint64_t)epoch, (unsigned)__builtin_popcount(tale->set[epoch]));
}

static unsigned names_of(const struct label *label)
{
	unsigned names = 0;

	for (uint32_t i = 0; i < label->count; i++) {
		assert_in_range(label->names[i], 1, REQUESTS);
		assert_false(names & 1U << (label->names[i] - 1)); /* named once */
		names |= 1U << (label->names[i] - 1);
	}
	return names;
}

static void check_question(struct history *history, const struct tale *tale, int birth, int lo,
			   int hi)
{
	struct label_question question = { .lo = (uint64_t)lo, .hi = (uint64_t)hi };
	struct verdict want = judge(tale, birth, lo, hi);
	struct label label;

	if (birth >= 0)
		question.born = (uint64_t)birth;
	if (birth >= 0 && tale->set[birth]) {
		question.how = BIRTH_INSIDE;
		question.birth = history_birth(history, stamp_at(tale, birth));
		assert_non_null(question.birth);
	}
	label_of(history, &question, &label);
	assert_int_equal(label.kind, want.kind);
	assert_int_equal(label.late, want.late);
	assert_int_equal(names_of(&label), want.names);
	assert_int_equal(label.more, 0);
	assert_false(label.unknown);
}

/* What a label says, held against every epoch at which the event may have happened. */
static void check_truth(const struct tale *tale, int birth, int lo, int hi,
			const struct label *label)
{
	unsigned names = names_of(label);

	for (int epoch = lo; epoch <= hi; epoch++) {
		if (label->kind == LABEL_EXCLUSIVE)
			assert_int_equal(tale->set[epoch], names);
		if (label->kind == LABEL_BACKGROUND)
			assert_int_equal(tale->set[epoch], 0);
		if (label->kind == LABEL_CANDIDATES)
			assert_int_equal(tale->set[epoch] & ~names, 0);
	}
	if (label->kind == LABEL_LINEAGE)
		assert_int_equal(tale->set[birth], names);
}

static void tell(struct history *history, const struct tale *tale, int until)
{
	for (int i = 0; i < until; i++) {
		int change = tale->change[i];
		uint64_t stamp = stamp_at(tale, i + 1);

		assert_int_equal(change > 0 ? history_begin(history, stamp, (uint64_t)change)
					    : history_end(history, stamp, (uint64_t)-change),
				 0);
	}
}

static void check_tale(const struct tale *tale)
{
	for (int told = 0; told <= CHANGES; told++) {
		struct history history;

		history_init(&history, true);
		tell(&history, tale, told);
		for (int hi = 0; hi <= told; hi++) {
			for (int lo = 0; lo <= hi; lo++) {
				for (int birth = -1; birth <= hi; birth++) {
					struct label label;
					int from = birth > lo ? birth : lo;
					struct label_question question = {
						.born = birth < 0 ? 0 : (uint64_t)birth,
						.lo = (uint64_t)lo,
						.hi = (uint64_t)hi
					};

					check_question(&history, tale, birth, lo, hi);
					if (birth >= 0 && tale->set[birth]) {
						question.how = BIRTH_INSIDE;
						question.birth = history_birth(
							&history, stamp_at(tale, birth));
					}
					label_of(&history, &question, &label);
					check_truth(tale, birth, from, hi, &label);
				}
			}
		}
		history_free(&history);
	}
}

/* Every order in which three requests can begin and end. */
static unsigned for_all_tales(struct tale *tale, int at, unsigned begun, unsigned ended)
{
	unsigned count = 0;

	tale->set[at] = begun & ~ended;
	if (at == CHANGES) {
		check_tale(tale);
		return 1;
	}
	for (int request = 0; request < REQUESTS; request++) {
		unsigned bit = 1U << request;

		if (!(begun & bit)) {
			tale->change[at] = request + 1;
			count += for_all_tales(tale, at + 1, begun | bit, ended);
		} else if (!(ended & bit)) {
			tale->change[at] = -(request + 1);
			count += for_all_tales(tale, at + 1, begun, ended | bit);
		}
	}
	return count;
}

static void labels_agree_with_a_second_reading_over_all_small_histories(void **state)
{
	struct tale tale = { 0 };

	assert_int_equal(for_all_tales(&tale, 0, 0, 0), 90);
}

static void a_birth_resolved_in_time_outlives_the_history_that_told_it(void **state)
{
	struct history history;
	struct label_question question = { .how = BIRTH_INSIDE };
	struct label label;
	uint64_t epoch = 0;

	history_init(&history, true);
	history_begin(&history, MF_STAMP(++epoch, 1), 1);
	question.birth = history_birth(&history, MF_STAMP(epoch, 1));
	history_end(&history, MF_STAMP(++epoch, 0), 1);
	question.lo = question.hi = epoch;
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_LINEAGE);
	assert_true(label.late);
	for (uint64_t ordinal = 2; ordinal <= 20001; ordinal++) {
		history_begin(&history, MF_STAMP(++epoch, 1), ordinal);
		history_end(&history, MF_STAMP(++epoch, 0), ordinal);
	}
	question.lo = question.hi = epoch;
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_CANDIDATES);
	assert_true(label.late);
	assert_int_equal(label.count, HISTORY_NAMES_MAX);
	assert_int_equal(label.count + label.more, 20001);
	assert_int_equal(label.names[0], 1);
	history_free(&history);
}

static void memory_of_a_long_history_is_bounded(void **state)
{
	struct history history;
	uint64_t epoch = 0;

	history_init(&history, true);
	for (uint64_t ordinal = 1; ordinal <= 100000; ordinal++) {
		history_begin(&history, MF_STAMP(++epoch, 1), ordinal);
		history_birth_drop(history_birth(&history, MF_STAMP(epoch, 1)));
		history_end(&history, MF_STAMP(++epoch, 0), ordinal);
	}
	assert_true(history.ended_capacity <= 2 * HISTORY_EPOCHS);
	assert_true(history.births_count <= 2 * HISTORY_EPOCHS);
	assert_true(history_known(&history, epoch - HISTORY_EPOCHS + 300, epoch));
	assert_false(history_known(&history, 1, epoch));
	history_free(&history);
}

static void epochs_that_the_journal_skips_are_unknown_until_nothing_is_in_flight(void **state)
{
	struct label_question question = { .how = BIRTH_DYNAMIC, .lo = 4, .hi = 4 };
	struct history history;
	struct label label;

	history_init(&history, true);
	history_begin(&history, MF_STAMP(1, 1), 1);
	/* lost: the end of 1, the beginning of 2. The counts agree, the sets do not */
	history_begin(&history, MF_STAMP(4, 2), 3);
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_CANDIDATES);
	assert_true(label.unknown);
	history_end(&history, MF_STAMP(5, 1), 3);
	assert_false(history_known(&history, 5, 5));
	/* lost again: the end of 2 */
	history_begin(&history, MF_STAMP(7, 1), 4);
	history_end(&history, MF_STAMP(8, 0), 4);
	assert_true(history_known(&history, 8, 8));
	history_begin(&history, MF_STAMP(9, 1), 5);
	question.lo = question.hi = 9;
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_EXCLUSIVE);
	assert_int_equal(label.names[0], 5);
	history_free(&history);
}

static void an_epoch_not_told_yet_is_no_ground_for_a_statement(void **state)
{
	struct label_question question = { .how = BIRTH_DYNAMIC, .lo = 2, .hi = 2 };
	struct history history;
	struct label label;

	history_init(&history, true);
	history_begin(&history, MF_STAMP(1, 1), 1);
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_CANDIDATES);
	assert_true(label.unknown);
	assert_int_equal(label.names[0], 1);
	history_free(&history);
}

static void an_unknown_process_may_be_of_any_birth(void **state)
{
	struct label_question question = { .how = BIRTH_ANY, .lo = 3, .hi = 3 };
	struct history history;
	struct label label;

	history_init(&history, true);
	history_begin(&history, MF_STAMP(1, 1), 1);
	history_birth(&history, MF_STAMP(1, 1));
	history_end(&history, MF_STAMP(2, 0), 1);
	history_begin(&history, MF_STAMP(3, 1), 2);
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_CANDIDATES);
	assert_int_equal(label.count, 2);
	history_free(&history);
}

static void a_stamp_that_does_not_grow_is_refused(void **state)
{
	struct history history;

	history_init(&history, true);
	assert_int_equal(history_begin(&history, MF_STAMP(1, 1), 1), 0);
	assert_true(history_begin(&history, MF_STAMP(1, 2), 2) < 0);
	assert_true(history_end(&history, MF_STAMP(0, 0), 1) < 0);
	history_free(&history);
}

static void a_recorder_that_begins_in_the_middle_knows_the_set_when_it_is_whole(void **state)
{
	struct history history;

	history_init(&history, false);
	assert_int_equal(history_resume(&history, MF_STAMP(70, 2), 30), 0);
	assert_false(history_known(&history, 70, 70));
	assert_int_equal(history_resume(&history, MF_STAMP(70, 2), 31), 0);
	assert_true(history_known(&history, 70, 70));
	assert_false(history_known(&history, 69, 70));
	history_free(&history);
}

static void more_names_than_fit_are_counted_and_those_in_flight_come_first(void **state)
{
	struct label_question question = { .how = BIRTH_INSIDE };
	struct history history;
	struct label label;
	uint64_t epoch = 0;

	history_init(&history, true);
	for (uint64_t ordinal = 1; ordinal <= 100; ordinal++, epoch++)
		history_begin(&history, MF_STAMP(epoch + 1, ordinal), ordinal);
	question.birth = history_birth(&history, MF_STAMP(epoch, 100));
	for (uint64_t ordinal = 1; ordinal <= 100; ordinal++, epoch++)
		history_end(&history, MF_STAMP(epoch + 1, 100 - ordinal), ordinal);
	history_begin(&history, MF_STAMP(++epoch, 1), 101);
	question.lo = question.hi = epoch;
	label_of(&history, &question, &label);
	assert_int_equal(label.kind, LABEL_CANDIDATES);
	assert_int_equal(label.names[0], 101);
	assert_int_equal(label.count + label.more, 101);
	history_free(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_agree_with_a_second_reading_over_all_small_histories),
		cmocka_unit_test(a_birth_resolved_in_time_outlives_the_history_that_told_it),
		cmocka_unit_test(memory_of_a_long_history_is_bounded),
		cmocka_unit_test(
			epochs_that_the_journal_skips_are_unknown_until_nothing_is_in_flight),
		cmocka_unit_test(an_epoch_not_told_yet_is_no_ground_for_a_statement),
		cmocka_unit_test(an_unknown_process_may_be_of_any_birth),
		cmocka_unit_test(a_stamp_that_does_not_grow_is_refused),
		cmocka_unit_test(
			a_recorder_that_begins_in_the_middle_knows_the_set_when_it_is_whole),
		cmocka_unit_test(more_names_than_fit_are_counted_and_those_in_flight_come_first),
	};

	return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
