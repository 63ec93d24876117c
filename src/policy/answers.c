/* SPDX-License-Identifier: BSD-2-Clause */
/* Each distinct answer of an image once. */

#include <errno.h>

#include "policy/image.h"
#include "policy/slots.h"

static uint64_t answer_hash(const struct mf_pol_answer *answer)
{
	const char *bytes = (const char *)answer;
	uint64_t hash = SLOTS_K3;

	for (size_t i = 0; i < sizeof(*answer); i += 16)
		hash = slots_mix(hash ^ slots_word(bytes + i),
				 slots_word(bytes + i + 8) ^ SLOTS_K1);
	return hash;
}

static const struct mf_pol_answer *answer_at(const struct policy_answers *answers, size_t index)
{
	return (const struct mf_pol_answer *)answers->array->items + index;
}

static int make_room(struct policy_answers *answers)
{
	size_t count = answers->slot_count ? answers->slot_count * 2 : 64;
	uint32_t *slots;

	if ((answers->array->count + 1) * 2 < answers->slot_count)
		return 0;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < answers->array->count; i++) {
		uint64_t hash = answer_hash(answer_at(answers, i));

		while (slots[hash & (count - 1)])
			hash++;
		slots[hash & (count - 1)] = (uint32_t)i + 1;
	}
	free(answers->slots);
	answers->slots = slots;
	answers->slot_count = count;
	return 0;
}

int policy_answers_add(struct policy_answers *answers, const struct mf_pol_answer *answer,
		       uint32_t *ret_index)
{
	uint64_t hash = answer_hash(answer);
	uint32_t found;
	void *item;
	int r = make_room(answers);

	if (r)
		return r;
	for (; (found = answers->slots[hash & (answers->slot_count - 1)]); hash++) {
		if (memcmp(answer_at(answers, found - 1), answer, sizeof(*answer)) == 0) {
			*ret_index = found - 1;
			return 0;
		}
	}
	r = policy_array_add(answers->array, &item);
	if (r)
		return r;
	memcpy(item, answer, sizeof(*answer));
	*ret_index = (uint32_t)answers->array->count - 1;
	answers->slots[hash & (answers->slot_count - 1)] = *ret_index + 1;
	return 0;
}

void policy_answers_free(struct policy_answers *answers)
{
	free(answers->slots);
	answers->slots = NULL;
}
