/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "abi/page.h"
#include "abi/recorder.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "guard/control.h"
#include "guard/state.h"
#include "guard/userns.h"
#include "policy/tables.h"

#define STEP_MAX_NS (50 * NS_PER_MS)

static struct session *by_id(const struct guard *guard, uint64_t id)
{
	struct session *session = guard->sessions;

	while (session && session->id != id)
		session = session->next;
	return session;
}

int session_expect(struct guard *guard)
{
	uint64_t id = guard->expected_id;

	while (!id || by_id(guard, id)) {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return -errno;
	}
	guard->expected_id = id;
	return 0;
}

/* The page of the session after this one is made while nobody waits for it. */
static void expect_next(struct guard *guard)
{
	if (!guard->private_guard && !session_expect(guard))
		engine_expect(guard->engine, guard->expected_id);
}

static bool room_for(const struct guard *guard, uid_t uid)
{
	size_t own = 0;

	if (guard->session_count >= MF_SESSIONS_MAX)
		return false;
	for (const struct session *s = guard->sessions; s; s = s->next)
		own += s->uid == uid;
	return uid == 0 || own < SESSIONS_PER_USER;
}

static void link_in(struct guard *guard, struct session *session)
{
	*guard->sessions_tail = session;
	guard->sessions_tail = &session->next;
	guard->session_count++;
}

static void link_out(struct session *session)
{
	struct guard *guard = session->guard;
	struct session **slot = &guard->sessions;

	while (*slot && *slot != session)
		slot = &(*slot)->next;
	if (!*slot)
		return;
	*slot = session->next;
	if (guard->sessions_tail == &session->next)
		guard->sessions_tail = slot;
	guard->session_count--;
}

static void session_free(struct session *session)
{
	if (!session)
		return;
	loop_unwatch(session->guard->epoll, &session->emptied);
	cgroup_close(&session->cgroup);
	close_fd(session->policy.fd);
	free(session);
}

/* The policy stays brought: the next try has it, and is not decided by none. */
static void free_unopened(struct session **slot)
{
	if (*slot && (*slot)->owner) {
		(*slot)->owner->policy = (*slot)->policy;
		(*slot)->policy = POLICY_NOT_BROUGHT;
	}
	session_free(*slot);
}

/* --- opening --- */

static int move_in(void *data)
{
	const struct session *session = data;

	return cgroup_enter(&session->cgroup, session->root_pid);
}

/* Begins to; settle_cgroup() must follow. */
static void enter_cgroup(struct session *session, const struct child *child,
			 const struct peer *peer)
{
	struct cgroup_owner owner = { .version = MF_ABI_VERSION,
				      .guard_pid = (uint32_t)getpid(),
				      .relay_pid = (uint32_t)peer->pid };
	_cleanup_fd_ int parent = cgroup_of(child->numbers.proc);

	/* whatever of this is not known stays 0, and the sweep then judges by age */
	proc_namespace(0, "ns/pid", &owner.pid_ns);
	if (proc_self_start(&owner.guard_start) ||
	    (peer->proc && proc_start_ticks(peer->proc, &owner.relay_start)))
		owner.relay_pid = 0;
	if (parent >= 0 && !cgroup_create(parent, session->id, &owner, &session->cgroup)) {
		take_fd(&parent);
		aside_start(&session->move, move_in, session);
	}
}

static void settle_cgroup(struct session *session)
{
	int err = aside_wait(&session->move);

	if (session->cgroup.fd >= 0) {
		if (!err) {
			session->coverage |= MF_COV_CGROUP;
			return;
		}
		cgroup_remove_at(session->cgroup.parent_fd, session->cgroup.name);
		cgroup_close(&session->cgroup);
	}
	session->guard->stats.cgroups_missing++;
}

static void leave_cgroup(struct session *session)
{
	if (session->cgroup.fd < 0)
		return;
	cgroup_leave(&session->cgroup, session->root_pid);
	cgroup_remove_at(session->cgroup.parent_fd, session->cgroup.name);
}

static int open_recorder(struct guard *guard, uint32_t *ret_detail)
{
	int err = guard->log_fd < 0 ? guard->log_fd : 0;

	if (err) {
		*ret_detail = guard_log_detail(guard);
		return err;
	}
	err = recorder_start(guard);
	if (!err)
		err = recorder_hand_over(guard);
	if (err)
		*ret_detail = MF_D_RECORDER;
	else
		guard->recorder.given_up = false;
	return err;
}

static int check_child(const struct peer *peer, const struct mf_c_open *open, int pidfd,
		       struct child *ret_child)
{
	int err = child_check(pidfd, peer, open->child_pid, ret_child);

	if (!err && open->flags & MF_OPEN_USERNS)
		err = userns_map_identity(pidfd, ret_child, peer->uid);
	return err;
}

static int add_to_engine(struct session *session, int pidfd, int *ret_page_fd, uint32_t *ret_detail)
{
	_cleanup_free_ void *bytes = NULL;
	struct policy tables;
	struct engine_policy policy = { .tables = &tables,
					.mode = (enum mf_pol_mode)session->policy.mode };
	struct engine_session asked = { .id = session->id,
					.pidfd = pidfd,
					.pid = session->root_pid,
					.cgroup_fd = session->cgroup.fd,
					.own_mntns = session->open_flags & MF_OPEN_MNTNS };
	int err;

	session->guard->expected_id = 0;
	if (session->policy.fd >= 0) {
		*ret_detail = MF_D_POLICY;
		err = policy_read_handed(session->policy.fd, MF_POLICY_BYTES_MAX, &bytes, &tables);
		if (err)
			return err;
		asked.policy = &policy;
	}
	err = engine_session_add(session->guard->engine, &asked, &session->engine, ret_detail);
	if (err)
		return err;
	*ret_page_fd = session->engine.page_fd;
	session->engine.page_fd = -1;
	session->coverage |= session->engine.coverage;
	/* that it enforces is not said of a session of which a part is not refused, unless that was
	 * asked for */
	if (session->policy.fd >= 0)
		err = policy_check_floor(session, session->policy.mode, session->policy.flags,
					 ret_detail);
	if (err) {
		engine_session_remove(session->guard->engine, session->id);
		*ret_page_fd = close_fd(*ret_page_fd);
	}
	return err;
}

static struct session *session_new(struct guard *guard, struct connection *owner,
				   const struct peer *peer, const struct mf_c_open *open,
				   const struct child *child)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->guard = guard;
	session->owner = owner;
	session->uid = peer->uid;
	session->relay_pid = peer->pid;
	session->root_pid = child->numbers.pid;
	session->open_flags = open->flags;
	session->floor = open->floor;
	session->started_mono_ns = clock_mono_ns();
	session->started_ns = clock_real_ns();
	session->cgroup = CGROUP_NONE;
	session->emptied = SOURCE_NONE;
	session->policy = owner->policy; /* free_unopened() gives it back */
	owner->policy = POLICY_NOT_BROUGHT;
	memcpy(session->name, open->name, sizeof(session->name));
	memcpy(session->tenant, open->tenant, sizeof(session->tenant));
	return session;
}

/* The part that has to be undone step by step. */
static int set_up(struct session *session, int pidfd, struct session_opened *ret_opened,
		  uint32_t *ret_detail)
{
	_cleanup_fd_ int page_fd = -1, recorder_end = -1, relay_end = -1;
	int err;

	err = add_to_engine(session, pidfd, &page_fd, ret_detail);
	if (err)
		return err;
	err = session_journal_pair(&recorder_end, &relay_end);
	if (err)
		goto remove;
	err = session_announce(session, recorder_end, false);
	if (err) {
		*ret_detail = MF_D_RECORDER;
		goto remove;
	}
	*ret_opened = (struct session_opened){ .session = session,
					       .page_fd = take_fd(&page_fd),
					       .journal_fd = take_fd(&relay_end) };
	return 0;
remove:
	engine_session_remove(session->guard->engine, session->id);
	return err;
}

int session_open(struct guard *guard, struct connection *owner, const struct peer *peer,
		 const struct mf_c_open *open, int pidfd, struct session_opened *ret_opened,
		 uint32_t *ret_detail)
{
	_cleanup_(free_unopened) struct session *session = NULL;
	struct child child;
	int err;

	if (!room_for(guard, peer->uid)) {
		*ret_detail = MF_D_TOO_MANY;
		return -EUSERS;
	}
	err = check_child(peer, open, pidfd, &child);
	if (err) {
		*ret_detail = MF_D_NOT_OWNER;
		return err;
	}
	session = session_new(guard, owner, peer, open, &child);
	if (!session)
		return -ENOMEM;
	err = session_expect(guard);
	if (err)
		return err;
	session->id = guard->expected_id;
	recorder_start(guard); /* forks, so before there is a second thread; fails again below */
	enter_cgroup(session, &child, peer);
	err = guard_open_engine(guard, ret_detail);
	if (!err)
		err = open_recorder(guard, ret_detail);
	settle_cgroup(session);
	if (!err)
		err = set_up(session, pidfd, ret_opened, ret_detail);
	if (err) {
		leave_cgroup(session);
		guard->expected_id = 0; /* the name of a cgroup that may still be there */
		return err;
	}
	link_in(guard, take_ptr(session));
	guard->stats.sessions_opened++;
	expect_next(guard);
	return 0;
}

/* --- ending --- */

static void finish(struct session *session)
{
	struct guard *guard = session->guard;

	/* what they did last is in the ring before the tags and marks go */
	engine_drain(guard->engine);
	engine_session_remove(guard->engine, session->id);
	if (session->cgroup.fd >= 0)
		cgroup_remove_at(session->cgroup.parent_fd, session->cgroup.name);
	session_say_gone(session);
	if (!session->answered)
		control_ended(session);
	guard->sessions_ending--;
	link_out(session);
	session_free(session);
}

/* How many are alive; kills them first when `signo` says so. */
static size_t alive(struct session *session, int signo)
{
	struct leftovers now = { 0 };
	int populated = session->cgroup.fd >= 0 ? cgroup_populated(session->cgroup.fd) : 0;

	if (populated > 0 && signo)
		cgroup_kill(session->cgroup.fd);
	if (leftovers_signal(session->guard->engine, session->id, session->cgroup.fd, signo, &now))
		now.count = 1; /* not known: the bound decides */
	if (!now.count && populated > 0)
		now.count = cgroup_populated(session->cgroup.fd) > 0;
	return now.count;
}

static void press_on(struct session *session, uint64_t now_ns)
{
	size_t count = alive(session, SIGKILL);

	if (!count) {
		finish(session);
		return;
	}
	if (count > session->left.count)
		session->left.count = count;
	if (session->phase == SESSION_KILLING && now_ns >= session->until_ns) {
		session->phase = SESSION_LINGERING;
		session->survived = count;
		session->guard->stats.survivors += count;
		control_ended(session);
		session->answered = true;
	}
	if (session->phase == SESSION_LINGERING) {
		session->next_ns = now_ns + SESSION_LINGER_STEP_NS;
	} else {
		uint64_t step = NS_PER_MS << (session->step < 6 ? session->step++ : 6);

		session->next_ns = now_ns + (step < STEP_MAX_NS ? step : STEP_MAX_NS);
	}
}

static void cgroup_changed(struct source *source, uint32_t events)
{
	struct session *session = source_owner(source, struct session, emptied);
	int populated = cgroup_events_read(session->cgroup.events_fd);

	(void)events;
	/* reading it takes the notification back; what cannot be read would notify for ever */
	if (populated < 0)
		loop_unwatch(session->guard->epoll, source);
	else if (populated == 0)
		press_on(session, clock_mono_ns());
}

void session_end(struct session *session, bool relay_died)
{
	struct guard *guard = session->guard;
	uint64_t now = clock_mono_ns();

	if (session->phase != SESSION_LIVE)
		return;
	session->relay_died = relay_died;
	session->phase = SESSION_KILLING;
	session->until_ns = now + SESSION_KILL_NS;
	guard->sessions_ending++;
	/* named before they are dead */
	leftovers_signal(guard->engine, session->id, session->cgroup.fd, 0, &session->left);
	if (session->cgroup.events_fd >= 0)
		loop_watch(guard->epoll, &session->emptied, session->cgroup.events_fd, EPOLLPRI,
			   cgroup_changed);
	press_on(session, now);
}

uint64_t session_tick(struct guard *guard, uint64_t now_ns)
{
	uint64_t next_ns = 0;
	struct session *next;

	if (!guard->sessions_ending)
		return 0;
	for (struct session *session = guard->sessions; session; session = next) {
		next = session->next;
		if (session->phase != SESSION_LIVE && session->next_ns <= now_ns)
			press_on(session, now_ns);
	}
	for (struct session *session = guard->sessions; session; session = session->next) {
		if (session->phase != SESSION_LIVE && (!next_ns || session->next_ns < next_ns))
			next_ns = session->next_ns;
	}
	return next_ns;
}

int session_signal(struct session *session, int signo)
{
	return leftovers_signal(session->guard->engine, session->id, session->cgroup.fd, signo,
				NULL);
}

/* --- the user's view --- */

static uint32_t state_of(const struct session *session)
{
	const struct recorder_process *recorder = &session->guard->recorder;

	if (session->phase != SESSION_LIVE)
		return MF_S_ENDING;
	if (!recorder->ready)
		return MF_S_NO_RECORDER;
	return recorder->log_error ? MF_S_AUDIT_FAILURE : MF_S_OBSERVING;
}

void session_describe(const struct session *session, struct mf_c_list_reply *ret_reply)
{
	struct engine *engine = session->guard->engine;
	struct mf_c_list_reply reply = { .session = session->id,
					 .started_ns = session->started_ns,
					 .uid = session->uid,
					 .root_pid = (uint32_t)session->root_pid,
					 .relay_pid = (uint32_t)session->relay_pid,
					 .engine = engine_kind(engine),
					 .coverage = session->coverage,
					 .state = state_of(session) };

	reply.in_flight = MF_STAMP_COUNT(engine_session_stamp(engine, session->id));
	engine_session_counters(engine, session->id, &reply.counters);
	reply.processes = (uint32_t)reply.counters.tasks;
	reply.generation = session->policy.generation;
	reply.mode = session->policy.fd >= 0 ? session->policy.mode : MF_POL_OBSERVE;
	reply.policy_error = session->policy.error;
	reply.floor = session->floor;
	memcpy(reply.name, session->name, sizeof(reply.name));
	memcpy(reply.tenant, session->tenant, sizeof(reply.tenant));
	reply.head = ret_reply->head;
	*ret_reply = reply;
}

void session_abandon_all(struct guard *guard)
{
	while (guard->sessions) {
		struct session *session = guard->sessions;

		engine_session_remove(guard->engine, session->id);
		link_out(session);
		session_free(session);
	}
	guard->sessions_ending = 0;
}
