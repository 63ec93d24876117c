/* SPDX-License-Identifier: BSD-2-Clause */
/* What a policy refuses, in the kernel: the call fails, and its event says why. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scene.h"

#include "policies.h"

static struct made made;
static struct engine_policy policy = { .tables = &made.policy, .mode = MF_POL_ENFORCE };

/* The scene itself takes the page's descriptor from outside, by pidfd_getfd(). */
#define TEXT                                                                               \
	"version 1\nbase\n  read /\n  exec /\n  deny read /etc/hostname\n  allow ptrace\n" \
	"tool do\n  connect 127.0.0.1:9\n  listen 127.0.0.1:0\n"

static int setup(void **state)
{
	struct scene *scene;

	make(TEXT, &made);
	if (scene_setup(state))
		return -1;
	scene = *state;
	/* the group's engine has no policies */
	engine_close(scene->engine);
	scene->engine = NULL;
	scene->policy = &policy;
	scene_open(scene);
	return 0;
}

static int teardown(void **state)
{
	int r = scene_teardown(state);

	made_free(&made);
	return r;
}

/* One request in flight, of tool do */
static void take_off(struct notes *notes)
{
	notes->page->calls[0].block[0] = notes->page->calls[0].block[1] =
		policy_tool_block(&made.policy, "do", 2);
	notes->page->calls[0].ordinal = 1;
	scene_act(notes);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void check_refused(const struct mf_event *event, enum mf_pol_verb verb)
{
	assert_non_null(event);
	assert_int_equal(event->decision.flags, MF_DECIDED | MF_DECIDED_REFUSED);
	assert_int_equal(event->decision.verdict, MF_DENY);
	assert_int_equal(event->decision.reason, MF_POL_BY_NO_RULE);
	assert_int_equal(event->decision.verb, verb);
	assert_int_equal(event->decision.rule, 0);
	assert_int_equal(event->decision.block, policy_tool_block(&made.policy, "do", 2));
	assert_int_equal(event->decision.generation, 1);
}

static int body_listen(struct notes *notes)
{
	int unbound = socket(AF_INET, SOCK_STREAM, 0), bound = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = loopback(0);

	take_off(notes);
	if (bind(bound, (struct sockaddr *)&at, sizeof(at)) || listen(bound, 1))
		return 1;
	return listen(unbound, 1) == -1 && errno == EPERM ? 0 : 2;
}

/* programs: socket_listen */
static void a_socket_that_is_not_bound_may_not_listen_on_any_port(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	struct mf_ev_net *net;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_listen);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_LISTEN, (uint32_t)scene->pid, 1);
	check_refused(event, MF_POL_LISTEN);
	net = body_of(event);
	assert_int_equal(net->port, 0);
	assert_int_equal(net->family, 4);
}

static int body_connect(struct notes *notes)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in nine = loopback(9), ten = loopback(10);

	take_off(notes);
	if (connect(sock, (struct sockaddr *)&nine, sizeof(nine)) != -1 || errno != ECONNREFUSED)
		return 1;
	return connect(sock, (struct sockaddr *)&ten, sizeof(ten)) == -1 && errno == EPERM ? 0 : 2;
}

static void a_connection_that_is_refused_has_no_syn(void **state)
{
	struct scene *scene = *state;

	if (scene_engine() == MF_ENGINE_KPROBE)
		skip_because("an engine that refuses");
	scene_play(scene, body_connect);
	if (!(scene->session.coverage & MF_COV_REFUSES_NET))
		skip_because("cgroup programs that read task storage");
	assert_int_equal(scene->status, 0);
	check_refused(scene_event(scene, MF_EV_CONNECT, (uint32_t)scene->pid, 1), MF_POL_CONNECT);
	assert_int_equal(scene_count(scene, MF_EV_TCP_SYN, (uint32_t)scene->pid), 1);
}

static int body_open(struct notes *notes)
{
	take_off(notes);
	if (open("/etc/hostname", O_RDONLY) != -1 || errno != EPERM)
		return 1;
	return open("/etc/passwd", O_RDONLY) < 0 || open("/etc/passwd", O_RDWR) != -1 ? 2 : 0;
}

static void an_open_is_refused_by_its_line_or_by_none(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	if (scene_engine() == MF_ENGINE_KPROBE)
		skip_because("an engine that refuses");
	scene_play(scene, body_open);
	if (!(scene->session.coverage & MF_COV_REFUSES_OPENS))
		skip_because("file events");
	assert_int_equal(scene->status, 0);
	event = scene_path(scene, MF_EV_OPEN, "/etc/hostname");
	assert_non_null(event);
	assert_int_equal(event->decision.verdict, MF_DENY);
	assert_int_equal(event->decision.reason, MF_POL_BY_DENY);
	assert_int_equal(policy_rule(&made.policy, event->decision.rule)->line, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_that_is_not_bound_may_not_listen_on_any_port),
		cmocka_unit_test(a_connection_that_is_refused_has_no_syn),
		cmocka_unit_test(an_open_is_refused_by_its_line_or_by_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
