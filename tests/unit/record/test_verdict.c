/* SPDX-License-Identifier: BSD-2-Clause */
/* Which question an event is to a policy. */
#include "unit/policy/policies.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "record/verdict.h"

static const char text[] = "version 1\n"
			   "default deny\n"
			   "tool t\n"
			   "  read /r\n"
			   "  write /w\n"
			   "  exec /x\n"
			   "  connect 192.0.2.1:443\n"
			   "  connect unix:/run/s\n"
			   "  connect unix:@name\n"
			   "  listen 127.0.0.1:80\n"
			   "  allow mount\n"
			   "  deny /w/never\n"
			   "  deny read /w/unread\n"
			   "  read /proc/self/maps\n";

/* An event of any kind, in parts that the test fills. */
struct told {
	struct mf_event head;
	union {
		struct mf_ev_file file;
		struct mf_ev_change change;
		struct mf_ev_exec exec;
		struct mf_ev_net net;
		struct mf_ev_act act;
	};
	const char *path, *second;
};

static struct verdict ask(const struct told *told)
{
	struct event_view event = { .head = &told->head,
				    .body = &told->file,
				    .text = { told->path ? told->path : "",
					      told->second ? told->second : "" } };
	struct session_policy policy = { .mode = MF_POL_AUDIT };
	struct policy_request request;
	_cleanup_made_ struct made made = { 0 };
	struct verdict verdict;

	event.text_size[0] = strlen(event.text[0]);
	event.text_size[1] = strlen(event.text[1]);
	make(text, &made);
	policy.view = made.policy;
	request = (struct policy_request){ .block = policy_tool_block(&made.policy, "t", 1) };
	verdict = verdict_of(&policy, &event,
			     &(struct calls){ .requests = &request, .count = 1, .known = true });
	return verdict;
}

static int of_open(const char *path, uint32_t flags, uint32_t how, uint16_t path_flags)
{
	struct told told = { .head.kind = MF_EV_OPEN,
			     .file = { .open_flags = flags, .how = how, .mode = S_IFREG | 0644 },
			     .path = path };

	told.file.path_flags = path_flags;
	return ask(&told).verdict;
}

#define KNOWN MF_OPEN_FLAGS_KNOWN

static void an_open_asks_for_what_its_flags_say(void **state)
{
	assert_int_equal(of_open("/r/a", O_RDONLY, KNOWN, 0), MF_ALLOW);
	assert_int_equal(of_open("/r/a", O_WRONLY, KNOWN, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/r/a", O_RDWR, KNOWN, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/r/a", O_RDONLY | O_CREAT, KNOWN, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/r/a", O_RDONLY | O_TRUNC, KNOWN, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/r/a", O_ACCMODE, KNOWN, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/w/a", O_RDWR | O_CREAT, KNOWN, 0), MF_ALLOW);
	assert_int_equal(of_open("/w/never", O_RDONLY, KNOWN, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/rr", O_RDONLY, KNOWN, 0), MF_WOULD_DENY);
}

/* Of an open to read by process 42, or by one that is not known. */
static int of_proc(const char *path, bool known)
{
	struct told told = {
		.head = { .kind = MF_EV_OPEN, .pid = 42, .flags = known ? 0 : MF_EVF_PROC_UNKNOWN },
		.file = { .open_flags = O_RDONLY, .how = KNOWN, .mode = S_IFREG | 0444 },
		.path = path
	};

	return ask(&told).verdict;
}

static void a_process_in_its_own_proc_is_in_proc_self(void **state)
{
	assert_int_equal(of_proc("/proc/42/maps", true), MF_ALLOW);
	assert_int_equal(of_proc("/proc/42/task/43/maps", true), MF_ALLOW);
	assert_int_equal(of_proc("/proc/42/environ", true), MF_WOULD_DENY);
	assert_int_equal(of_proc("/proc/43/maps", true), MF_WOULD_DENY);
	assert_int_equal(of_proc("/proc/42/maps", false), MF_WOULD_DENY);
}

static void an_open_whose_flags_are_not_known_may_be_for_both(void **state)
{
	assert_int_equal(of_open("/r/a", O_RDONLY, 0, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/w/a", O_RDWR, 0, 0), MF_ALLOW);
	assert_int_equal(of_open("/x/a", O_RDWR, 0, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/r/a", 0, MF_OPEN_IOURING, 0), MF_WOULD_DENY);
	assert_int_equal(of_open("/w/a", 0, MF_OPEN_IOURING, 0), MF_ALLOW);
}

static void what_has_no_path_is_allowed_by_no_line(void **state)
{
	struct told told = { .head.kind = MF_EV_OPEN,
			     .file = { .how = KNOWN, .path_flags = MF_PATH_UNRESOLVED },
			     .path = "r/a" };
	struct verdict verdict = ask(&told);

	assert_int_equal(verdict.verdict, MF_WOULD_DENY);
	assert_int_equal(verdict.reason, QUESTION_NO_PATH);
	assert_int_equal(verdict.rule, 0);
	assert_int_equal(of_open("/r/cut", O_RDONLY, KNOWN, MF_PATH_CUT), MF_WOULD_DENY);
	assert_int_equal(of_open("", O_RDONLY, KNOWN, 0), MF_WOULD_DENY);
}

static void a_pipe_opened_again_or_a_mere_handle_is_nothing_to_decide(void **state)
{
	assert_int_equal(of_open("pipe:[1]", O_RDONLY, KNOWN, MF_PATH_ANON), MF_OBSERVED);
	assert_int_equal(of_open("/etc/shadow", O_PATH, KNOWN, 0), MF_OBSERVED);
}

static int of_exec(uint16_t kind, const char *path, uint16_t path_flags)
{
	struct told told = { .head.kind = kind, .path = path };

	if (kind == MF_EV_EXEC)
		told.exec.path_flags = path_flags;
	else if (kind == MF_EV_MAP_EXEC)
		told.act.path_flags = path_flags;
	else
		told.file.path_flags = path_flags;
	return ask(&told).verdict;
}

static void what_is_executed_or_mapped_so_needs_exec(void **state)
{
	static const uint16_t kinds[] = { MF_EV_EXEC, MF_EV_OPEN_EXEC, MF_EV_MAP_EXEC };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_int_equal(of_exec(kinds[i], "/x/y", 0), MF_ALLOW);
		assert_int_equal(of_exec(kinds[i], "/r/y", 0), MF_WOULD_DENY);
	}
	assert_int_equal(of_exec(MF_EV_EXEC, "memfd:x", MF_PATH_ANON), MF_WOULD_DENY);
	assert_int_equal(of_exec(MF_EV_EXEC, "/x/y", MF_PATH_DELETED), MF_WOULD_DENY);
	assert_int_equal(of_exec(MF_EV_MAP_EXEC, "memfd:x", MF_PATH_ANON), MF_WOULD_DENY);
	assert_int_equal(of_exec(MF_EV_OPEN_EXEC, "/x/y", MF_PATH_DELETED), MF_WOULD_DENY);
}

static struct verdict of_change(uint16_t kind, const char *path, const char *second)
{
	struct told told = { .head.kind = kind, .path = path, .second = second };

	told.change.path_len = (uint16_t)strlen(path);
	told.change.path2_len = second ? (uint16_t)strlen(second) : 0;
	return ask(&told);
}

static void a_change_is_a_write_of_all_its_names(void **state)
{
	static const uint16_t kinds[] = { MF_EV_CREATE, MF_EV_DELETE, MF_EV_ATTRIB,
					  MF_EV_TRUNCATE };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_int_equal(of_change(kinds[i], "/w/a", NULL).verdict, MF_ALLOW);
		assert_int_equal(of_change(kinds[i], "/r/a", NULL).verdict, MF_WOULD_DENY);
	}
	assert_int_equal(of_change(MF_EV_RENAME, "/w/a", "/w/b").verdict, MF_ALLOW);
	assert_int_equal(of_change(MF_EV_RENAME, "/w/a", "/r/b").verdict, MF_WOULD_DENY);
	assert_int_equal(of_change(MF_EV_RENAME, "/r/a", "/w/b").verdict, MF_WOULD_DENY);
}

static void what_moves_can_be_read_under_its_new_name(void **state)
{
	assert_int_equal(of_change(MF_EV_DELETE, "/w/unread", NULL).verdict, MF_ALLOW);
	assert_int_equal(of_change(MF_EV_RENAME, "/w/unread", "/w/b").verdict, MF_WOULD_DENY);
}

static void a_tree_with_something_denied_in_it_does_not_move(void **state)
{
	struct verdict verdict = of_change(MF_EV_RENAME, "/w", "/w2");

	assert_int_equal(verdict.verdict, MF_WOULD_DENY);
	assert_int_equal(of_change(MF_EV_RENAME, "/w", NULL).verdict, MF_WOULD_DENY);
	assert_int_equal(of_change(MF_EV_CREATE, "/w", NULL).verdict, MF_ALLOW);
}

static void a_further_name_asks_for_what_it_is_of(void **state)
{
	assert_int_equal(of_change(MF_EV_CREATE, "/w/new", "/w/old").verdict, MF_ALLOW);
	assert_int_equal(of_change(MF_EV_CREATE, "/w/new", "/r/old").verdict, MF_WOULD_DENY);
	assert_int_equal(of_change(MF_EV_CREATE, "/r/new", "/w/old").verdict, MF_WOULD_DENY);
	assert_int_equal(of_change(MF_EV_CREATE, "/w/new", "/w/unread").verdict, MF_WOULD_DENY);
	assert_int_equal(of_change(MF_EV_CREATE, "/w/unread", NULL).verdict, MF_ALLOW);
	assert_int_equal(of_change(MF_EV_CREATE, "/w/new", "/w").verdict, MF_WOULD_DENY);
}

static int of_net(uint16_t kind, uint8_t a, uint8_t d, uint16_t port)
{
	struct told told = {
		.head.kind = kind,
		.net = { .addr = { a, 0, a == 127 ? 0 : 2, d }, .family = 4, .port = port }
	};

	return ask(&told).verdict;
}

static void what_listens_was_asked_about_when_it_was_bound(void **state)
{
	/* to a port that the kernel chose, of which no line speaks */
	assert_int_equal(of_net(MF_EV_LISTEN, 127, 1, 45678), MF_OBSERVED);
	assert_int_equal(of_net(MF_EV_LISTEN, 0, 0, 0), MF_WOULD_DENY);
}

static void whatever_leaves_needs_connect_and_what_takes_needs_listen(void **state)
{
	static const uint16_t out[] = { MF_EV_CONNECT, MF_EV_SEND, MF_EV_SEND_ON, MF_EV_TCP_SYN };

	for (size_t i = 0; i < ARRAY_LEN(out); i++) {
		assert_int_equal(of_net(out[i], 192, 1, 443), MF_ALLOW);
		assert_int_equal(of_net(out[i], 192, 1, 80), MF_WOULD_DENY);
		assert_int_equal(of_net(out[i], 192, 2, 443), MF_WOULD_DENY);
	}
	assert_int_equal(of_net(MF_EV_BIND, 127, 1, 80), MF_ALLOW);
	assert_int_equal(of_net(MF_EV_BIND, 127, 1, 81), MF_WOULD_DENY);
	assert_int_equal(of_net(MF_EV_TCP_FAIL, 192, 2, 443), MF_OBSERVED);
	assert_int_equal(of_net(MF_EV_ACCEPT, 192, 2, 443), MF_OBSERVED);
}

static int of_act(uint16_t kind, const char *path, const char *name, uint32_t number)
{
	struct told told = { .head.kind = kind, .path = path, .second = name };

	told.act.number = number;
	told.act.path_len = path ? (uint16_t)strlen(path) : 0;
	told.act.name_len = name ? (uint16_t)strlen(name) : 0;
	return ask(&told).verdict;
}

static void a_local_socket_is_its_path_or_its_abstract_name(void **state)
{
	assert_int_equal(of_act(MF_EV_UNIX_CONNECT, "/run/s", NULL, 0), MF_ALLOW);
	assert_int_equal(of_act(MF_EV_UNIX_CONNECT, "/run/docker.sock", NULL, 0), MF_WOULD_DENY);
	assert_int_equal(of_act(MF_EV_UNIX_SEND, NULL, "name", 0), MF_ALLOW);
	assert_int_equal(of_act(MF_EV_UNIX_SEND, NULL, "names", 0), MF_WOULD_DENY);
	assert_int_equal(of_act(MF_EV_UNIX_CONNECT, NULL, NULL, 0), MF_OBSERVED);
}

static int of_socket(uint32_t family, uint64_t type, uint32_t protocol)
{
	struct told told = { .head.kind = MF_EV_SOCKET,
			     .act = { .number = family, .value = type << 32 | protocol } };
	struct event_view event = { .head = &told.head, .body = &told.act, .text = { "", "" } };
	struct question question;

	question_of(&event, &question);
	assert_int_equal(question.count, 1);
	return question.access[0].escape;
}

static void a_socket_is_raw_by_its_type_or_another_one(void **state)
{
	assert_int_equal(of_socket(AF_INET, SOCK_RAW, IPPROTO_TCP), MF_POL_RAW_SOCKETS);
	assert_int_equal(of_socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 0), MF_POL_RAW_SOCKETS);
	assert_int_equal(of_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), MF_POL_RAW_SOCKETS);
	assert_int_equal(of_socket(AF_PACKET, SOCK_DGRAM, 0), MF_POL_RAW_SOCKETS);
	assert_int_equal(of_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP), MF_POL_OTHER_SOCKETS);
	assert_int_equal(of_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), MF_POL_OTHER_SOCKETS);
	assert_int_equal(of_socket(AF_NETLINK, SOCK_RAW, 0), MF_POL_OTHER_SOCKETS);
}

static void a_way_out_needs_its_word(void **state)
{
	static const uint16_t kinds[] = { MF_EV_CHROOT, MF_EV_USERNS,	  MF_EV_PTRACE, MF_EV_KILL,
					  MF_EV_BPF,	MF_EV_MODULE,	  MF_EV_PERF,	MF_EV_URING,
					  MF_EV_SOCKET, MF_EV_KERNEL_READ };

	assert_int_equal(of_act(MF_EV_MOUNT, "/mnt", NULL, 0), MF_ALLOW);
	assert_int_equal(of_act(MF_EV_PIVOT_ROOT, "/mnt", NULL, 0), MF_ALLOW);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(of_act(kinds[i], NULL, NULL, AF_PACKET), MF_WOULD_DENY);
}

static void what_nobody_decides_about_is_observed(void **state)
{
	static const uint16_t kinds[] = { MF_EV_FORK, MF_EV_EXIT, MF_EV_MOUNT_GAP,
					  MF_EV_FILE_RECEIVE };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct told told = { .head.kind = kinds[i], .path = "/etc/shadow" };
		struct verdict verdict = ask(&told);

		assert_int_equal(verdict.verdict, MF_OBSERVED);
		assert_int_equal(verdict.reason, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_asks_for_what_its_flags_say),
		cmocka_unit_test(a_process_in_its_own_proc_is_in_proc_self),
		cmocka_unit_test(an_open_whose_flags_are_not_known_may_be_for_both),
		cmocka_unit_test(what_has_no_path_is_allowed_by_no_line),
		cmocka_unit_test(a_pipe_opened_again_or_a_mere_handle_is_nothing_to_decide),
		cmocka_unit_test(what_is_executed_or_mapped_so_needs_exec),
		cmocka_unit_test(a_change_is_a_write_of_all_its_names),
		cmocka_unit_test(what_moves_can_be_read_under_its_new_name),
		cmocka_unit_test(a_tree_with_something_denied_in_it_does_not_move),
		cmocka_unit_test(what_listens_was_asked_about_when_it_was_bound),
		cmocka_unit_test(a_further_name_asks_for_what_it_is_of),
		cmocka_unit_test(whatever_leaves_needs_connect_and_what_takes_needs_listen),
		cmocka_unit_test(a_local_socket_is_its_path_or_its_abstract_name),
		cmocka_unit_test(a_socket_is_raw_by_its_type_or_another_one),
		cmocka_unit_test(a_way_out_needs_its_word),
		cmocka_unit_test(what_nobody_decides_about_is_observed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
