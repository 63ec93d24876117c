/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/relay.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/escape.h"
#include "policy/floor.h"
#include "relay/command.h"
#include "relay/session.h"

#define EXIT_NOT_FOUND 127
#define EXIT_NOT_EXECUTABLE 126
#define GRACE_MS 2000

static const int forwarded[] = { SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
				 SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH };

/*
 * Signals are read from a descriptor, so their dispositions stay as they were given and only the
 * mask changes. SIGPIPE is blocked too: EPIPE says the same. SIGCHLD must not be ignored, or there
 * would be no status to wait for.
 */
static int signals_take(struct session *session)
{
	struct sigaction default_action = { .sa_handler = SIG_DFL };
	sigset_t block;

	sigemptyset(&block);
	sigemptyset(&session->ignored);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
		struct sigaction now;

		sigaddset(&block, forwarded[i]);
		if (sigaction(forwarded[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			sigaddset(&session->ignored, forwarded[i]);
	}
	session->signal_fd = signalfd(-1, &block, SFD_CLOEXEC | SFD_NONBLOCK);
	if (session->signal_fd < 0)
		return -errno;
	sigaddset(&block, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &block, &session->launch.mask) < 0 ||
	    sigaction(SIGCHLD, &default_action, &session->launch.child_action) < 0)
		return -errno;
	return 0;
}

/* `what` is from the command line: escaped like everything from outside. */
static void say_about(struct session *session, const char *what, const char *message)
{
	_cleanup_buf_ struct buf safe = { 0 };

	if (escape_text(&safe, what, strlen(what)) < 0)
		return;
	say(&session->say, "%.*s: %s", (int)(buf_size(&safe) < 512 ? buf_size(&safe) : 512),
	    (const char *)buf_bytes(&safe), message);
}

static int command_failed(struct session *session, int err)
{
	bool missing = err == -ENOENT || err == -ENOTDIR;

	say_about(session, session->options->argv[0],
		  missing ? "command not found" : strerror(-err));
	return missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int guard_failed(struct session *session, int err)
{
	if (err == -ENOTCONN)
		say(&session->say, "no guard is running: start the daemon as root (mcpfloord), or "
				   "run this command as root");
	else if (err == -ETIMEDOUT)
		say(&session->say, "the daemon (mcpfloord) does not answer");
	else
		say(&session->say, "the guard could not be started: %s", strerror(-err));
	return RELAY_EXIT_OURS;
}

static const char log_foreign[] =
	"the directory \"log\" in the state directory is there already and is not the recorder's: "
	"give it, with all in it, to user mcpfloor (root where there is none) with mode 0700, or "
	"name another state directory with --state";

static const char no_enforcement[] =
	"nothing here can refuse what the policy denies; --mode audit tells what it would, and "
	"mcpfloor doctor what is missing";
static const char part_enforced[] =
	"the engine here can refuse a part only of what the policy denies: see mcpfloor doctor; "
	"--engine-floor=partial enforces that part";

static const char *const details[] = {
	[MF_D_NONE] = "the guard refused the session",
	[MF_D_NOT_OWNER] =
		"the guard does not take the server for our child (another pid namespace?)",
	[MF_D_TOO_MANY] = "the guard has as many sessions as it can have; end some",
	[MF_D_TAG] = "the server's process could not be tagged",
	[MF_D_NO_BTF] = "the kernel has no BTF (/sys/kernel/btf/vmlinux); see mcpfloor doctor",
	[MF_D_LIBBPF] = "this libbpf cannot read the kernel's BTF: a newer libbpf is needed",
	[MF_D_ENGINE] = "required kernel hooks could not be attached; see mcpfloor doctor",
	[MF_D_RECORDER] = "the recorder is not there",
	[MF_D_STATE_DIR] = "the state directory cannot be written; name another one with --state",
	[MF_D_LOG_FOREIGN] = log_foreign,
	[MF_D_POLICY] = "the guard does not take the policy",
	[MF_D_ENFORCE] = no_enforcement,
	[MF_D_FLOOR] = part_enforced,
	[MF_D_STATIC] = "the server's process could not be denied what the policy never allows",
};

static int open_failed(struct session *session, int err, uint32_t detail)
{
	say(&session->say, "%s (%s)",
	    detail < ARRAY_LEN(details) && details[detail] ? details[detail] : details[MF_D_NONE],
	    strerror(-err));
	return RELAY_EXIT_OURS;
}

static const char *session_name(const struct relay_options *options)
{
	const char *slash = strrchr(options->argv[0], '/');

	if (options->name)
		return options->name;
	return slash && slash[1] ? slash + 1 : options->argv[0];
}

/* Where the engine refuses all that a policy denies, there is no need of a floor. */
static int fork_server(struct session *session, enum mf_engine engine, uint32_t *ret_detail)
{
	const struct relay_policy *brought = &session->options->policy;
	_cleanup_(policy_floor_free) struct policy_floor floor = { 0 };
	bool wanted = engine == MF_ENGINE_TRACE && brought->size && brought->mode == MF_POL_ENFORCE;
	struct policy policy;
	int err = 0;

	if (wanted) {
		*ret_detail = MF_D_STATIC;
		policy_view(brought->image, &policy);
		err = policy_floor_make(&policy, &floor);
	}
	if (!err)
		err = launch_fork(&session->launch, session->options->argv,
				  engine == MF_ENGINE_TRACE, wanted ? &floor : NULL);
	if (!err)
		*ret_detail = MF_D_NONE;
	return err;
}

static int session_open(struct session *session)
{
	_cleanup_fd_ int page = -1, journal = -1;
	uint32_t detail = MF_D_NONE;
	enum mf_engine engine;
	int err = 0;

	/* before the engine is loaded: what decides is a part of it only where something is decided */
	if (session->options->policy.size)
		err = guard_link_policy(&session->guard, &session->options->policy, &detail);
	if (!err)
		err = guard_link_prepare(&session->guard, &engine);
	if (!err)
		err = fork_server(session, engine, &detail);
	if (!err)
		err = guard_link_open(&session->guard, session->options,
				      session_name(session->options), &session->launch, &page,
				      &journal, &detail);
	if (!err)
		err = page_map(&session->traffic.page, page);
	if (err) {
		launch_abort(&session->launch);
		return open_failed(session, err, detail);
	}
	session->traffic.journal.fd = take_fd(&journal);
	if (session->guard.session.coverage & MF_COV_CGROUP)
		stray_learn(&session->stray, session->launch.pid);
	return 0;
}

static void channels_init(struct session *session)
{
	channel_init(&session->up.in, STDIN_FILENO, false);
	channel_init(&session->up.out, session->launch.to_server, true);
	channel_init(&session->down.in, session->launch.from_server, true);
	channel_init(&session->down.out, STDOUT_FILENO, false);
}

/* Dies as the server died, without leaving a core of its own. */
static int mirror(int status)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t one;
	int signo;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	signo = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(signo, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, signo);
	raise(signo);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	return 128 + signo;
}

static int session_run(struct session *session)
{
	int exec_errno = 0, err, result;

	result = session_open(session);
	if (result)
		return result;
	channels_init(session);
	reload_init(&session->reload, session);
	err = launch_go(&session->launch, &exec_errno);
	if (!err)
		err = session_loop(session);
	if (err) {
		say(&session->say, "the relay failed: %s", strerror(-err));
		launch_abort(&session->launch);
		return RELAY_EXIT_OURS;
	}
	session_conclude(session);
	if (exec_errno)
		return command_failed(session, -exec_errno);
	return mirror(session->root_status);
}

static void session_free(struct session *session)
{
	reload_free(&session->reload);
	traffic_free(&session->traffic);
	stream_free(&session->up);
	stream_free(&session->down);
	launch_close(&session->launch);
	guard_link_close(&session->guard);
	close_fd(session->signal_fd);
}

int relay_run(const struct relay_options *options)
{
	static struct session session;
	int err, result;

	session = (struct session){
		.options = options,
		.guard = { .control = -1, .new_journal = -1 },
		.signal_fd = -1,
		.reload = RELOAD_NONE,
		.ending = { .grace_ns =
				    (options->grace_ms ? options->grace_ms : GRACE_MS) * NS_PER_MS,
			    .deadline_ns = UINT64_MAX },
	};
	/* what it relays is nobody else's to read */
	prctl(PR_SET_DUMPABLE, 0);
	err = launch_prepare(&session.launch);
	if (!err)
		err = signals_take(&session);
	if (!err)
		err = traffic_init(&session.traffic, options->digest_only);
	grants_init(&session.traffic.grants, options->policy.image, options->policy.size);
	if (err) {
		say(&session.say, "could not start: %s", strerror(-err));
		return RELAY_EXIT_OURS;
	}
	err = command_check(options->argv[0]);
	if (err)
		return command_failed(&session, err);
	err = guard_link_find(&session.guard, options);
	result = err ? guard_failed(&session, err) : session_run(&session);
	session_free(&session);
	return result;
}
