/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "guard/control.h"
#include "guard/session.h"
#include "guard/state.h"
#include "policy/tables.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Only a memfd has seals, and none makes its reader wait for anybody. */
static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int read_image(int fd, void **ret_bytes, struct policy *ret_policy)
{
	return is_sealed(fd) ? policy_read_handed(fd, MF_POLICY_BYTES_MAX, ret_bytes, ret_policy)
			     : -EPERM;
}

static bool is_asked_well(const struct mf_c_policy *asked, uint64_t generation)
{
	return asked->mode <= MF_POL_ENFORCE && !(asked->flags & ~MF_POLICY_PART) &&
	       asked->generation == generation && control_name_ok(asked->name, false);
}

int policy_take(struct brought_policy *policy, const struct mf_c_policy *asked, int *fd)
{
	_cleanup_free_ void *bytes = NULL;
	struct policy view;
	int err;

	if (policy->fd >= 0)
		return -EALREADY;
	if (!is_asked_well(asked, 0))
		return -EINVAL;
	err = read_image(*fd, &bytes, &view);
	if (err)
		return err;
	*policy = (struct brought_policy){
		.fd = take_fd(fd),
		.mode = asked->mode,
		.flags = asked->flags,
		.generation = 1,
	};
	memcpy(policy->name, asked->name, sizeof(policy->name));
	return 0;
}

int policy_replace(struct session *session, const struct mf_c_policy *asked, int *fd)
{
	struct brought_policy *policy = &session->policy;
	_cleanup_free_ void *bytes = NULL;
	struct policy view;
	struct engine_policy tables = { .tables = &view, .mode = (enum mf_pol_mode)policy->mode };
	int err;

	if (policy->fd < 0)
		return -ENODATA;
	if (!is_asked_well(asked, policy->generation + 1))
		return -EINVAL;
	err = read_image(*fd, &bytes, &view);
	if (!err)
		err = engine_session_policy(session->guard->engine, session->id, &tables);
	if (err) {
		policy_note_bad(session, err);
		return err;
	}
	close_fd(policy->fd);
	policy->fd = take_fd(fd);
	policy->generation++;
	policy->error = 0;
	memcpy(policy->name, asked->name, sizeof(policy->name));
	session_say_policy(session, MF_RP_LOADED);
	return 0;
}

void policy_note_bad(struct session *session, int error)
{
	session->policy.error = error;
	session_say_policy(session, MF_RP_REFUSED);
}

int policy_check_floor(const struct session *session, uint32_t mode, uint32_t flags,
		       uint32_t *ret_detail)
{
	uint32_t refuses = session->engine.coverage & MF_COV_REFUSES;

	if (mode != MF_POL_ENFORCE || refuses == MF_COV_REFUSES)
		return 0;
	*ret_detail = refuses ? MF_D_FLOOR : MF_D_ENFORCE;
	return refuses && flags & MF_POLICY_PART ? 0 : -EOPNOTSUPP;
}

int policy_mode(struct session *session, const struct mf_c_mode *asked, uint32_t *ret_detail)
{
	int err;

	*ret_detail = MF_D_NONE;
	if (asked->mode > MF_POL_ENFORCE || asked->flags & ~MF_POLICY_PART)
		return -EINVAL;
	if (session->policy.fd < 0) {
		*ret_detail = MF_D_NO_POLICY;
		return -ENODATA;
	}
	err = policy_check_floor(session, asked->mode, asked->flags, ret_detail);
	if (err)
		return err;
	err = engine_session_mode(session->guard->engine, session->id,
				  (enum mf_pol_mode)asked->mode);
	if (err)
		return err;
	session->policy.mode = asked->mode;
	session_say_policy(session, MF_RP_MODE);
	return 0;
}
