/* SPDX-License-Identifier: BSD-2-Clause */

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/print_json.h"
#include "guard/doctor.h"
#include "relay/floor.h"

/* what the machine offers besides the hooks */
enum place_state {
	PLACE_YES = 1,
	PLACE_NO = 2,
	PLACE_UNKNOWN = 3,
};

struct place {
	enum place_state state;
	char detail[256];
};

struct place_row {
	const char *name;
	void (*look)(struct place *ret_place);
	const char *consequence; /* where the state is no */
};

static const char *const state_words[] = {
	[PLACE_YES] = "yes",
	[PLACE_NO] = "no",
	[PLACE_UNKNOWN] = "unknown",
};

static void say(struct place *place, enum place_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct place *place, enum place_state state, const char *format, ...)
{
	va_list list;

	place->state = state;
	va_start(list, format);
	vsnprintf(place->detail, sizeof(place->detail), format, list);
	va_end(list);
}

/* The first bytes of a file, without the newline at the end. */
static int read_line(const char *path, char *ret_text, size_t size)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, ret_text, size - 1);
	if (length < 0)
		return -errno;
	ret_text[length] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

static void look_btf(struct place *place)
{
	struct stat st;

	if (stat("/sys/kernel/btf/vmlinux", &st) < 0)
		say(place, PLACE_NO, "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	else
		say(place, PLACE_YES, "%ju KiB", (uintmax_t)st.st_size / 1024);
}

static void look_libbpf(struct place *place)
{
	say(place, PLACE_YES, "%s", guard_libbpf_version());
}

static void look_cgroup2(struct place *place)
{
	_cleanup_file_ FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[4096];

	if (!mounts) {
		say(place, PLACE_UNKNOWN, "/proc/self/mounts: %s", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), mounts)) {
		char where[200] = "", type[32] = "", how[64] = "";

		if (sscanf(line, "%*s %199s %31s %63s", where, type, how) == 3 &&
		    strcmp(type, "cgroup2") == 0) {
			bool writable = strncmp(how, "rw", 2) == 0;

			say(place, writable ? PLACE_YES : PLACE_NO, "%s%s", where,
			    writable ? "" : " (read-only)");
			return;
		}
	}
	say(place, PLACE_NO, "not mounted");
}

static void look_userns(struct place *place)
{
	char max[32], apparmor[32] = "", debian[32] = "";

	if (read_line("/proc/sys/user/max_user_namespaces", max, sizeof(max)) < 0) {
		say(place, PLACE_NO, "the kernel has none");
		return;
	}
	read_line("/proc/sys/kernel/unprivileged_userns_clone", debian, sizeof(debian));
	read_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", apparmor,
		  sizeof(apparmor));
	if (strcmp(max, "0") == 0)
		say(place, PLACE_NO, "user.max_user_namespaces=0");
	else if (strcmp(debian, "0") == 0)
		say(place, PLACE_NO, "kernel.unprivileged_userns_clone=0");
	else if (strcmp(apparmor, "1") == 0)
		say(place, PLACE_NO, "kernel.apparmor_restrict_unprivileged_userns=1");
	else
		say(place, PLACE_YES, "at most %s", max);
}

/* Whether `word` stands in the comma separated list. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (*list) {
		size_t item = strcspn(list, ",");

		if (item == length && strncmp(list, word, length) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

static void look_lsm(struct place *place)
{
	char list[160] = "", parameters[2048] = "";
	const char *at;

	if (read_line("/sys/kernel/security/lsm", list, sizeof(list)) < 0) {
		say(place, PLACE_UNKNOWN,
		    "/sys/kernel/security is not mounted: mount -t securityfs securityfs "
		    "/sys/kernel/security");
		return;
	}
	read_line("/proc/cmdline", parameters, sizeof(parameters));
	at = strstr(parameters, "lsm=");
	if (has_word(list, "bpf"))
		say(place, PLACE_YES, "%s", list);
	else if (at)
		say(place, PLACE_NO, "%s; add bpf to the boot parameter %.*s", list,
		    (int)strcspn(at, " "), at);
	else
		say(place, PLACE_NO, "%s; boot with lsm=%s,bpf", list, list);
}

static void look_landlock(struct place *place)
{
	int version = floor_landlock_version();

	if (version < FLOOR_LANDLOCK_FILES)
		say(place, PLACE_NO, version ? "version %d" : "the kernel has none", version);
	else if (version < FLOOR_LANDLOCK_SCOPES)
		say(place, PLACE_YES, "version %d: not signals and abstract sockets of others",
		    version);
	else
		say(place, PLACE_YES, "version %d", version);
}

static void look_seccomp(struct place *place)
{
	if (prctl(PR_GET_SECCOMP) < 0)
		say(place, PLACE_NO, "%s", strerror(errno));
	else
		say(place, PLACE_YES, "system call filters");
}

static void look_pidns(struct place *place)
{
	/* the initial namespace has a fixed inode number: PROC_PID_INIT_INO of proc_ns.h */
	static const char initial[] = "pid:[4026531836]";
	char link[64];
	ssize_t length = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	if (length < 0) {
		say(place, PLACE_UNKNOWN, "%s", strerror(errno));
		return;
	}
	link[length] = '\0';
	if (strcmp(link, initial) == 0)
		say(place, PLACE_YES, "initial");
	else
		say(place, PLACE_NO, "a container's: %s", link);
}

static void look_engine(struct place *place)
{
	if (geteuid() != 0)
		say(place, PLACE_UNKNOWN, "asked of the kernel as root only");
	else
		say(place, PLACE_YES, "%s", guard_engine_word());
}

static const struct place_row places[] = {
	{ "engine", look_engine, "" },
	{ "kernel BTF", look_btf, "nothing can be observed" },
	{ "libbpf", look_libbpf, "" },
	{ "cgroup v2, writable", look_cgroup2,
	  "connects are not seen, and what is left of a server is found by lineage only" },
	{ "user namespaces", look_userns, "file opens of ordinary users' sessions are not seen" },
	{ "bpf among the LSMs", look_lsm, "the engine lsm cannot be used; trace does not need it" },
	{ "landlock", look_landlock,
	  "on trace what a policy never allows to change is not refused, nor is ptrace" },
	{ "seccomp", look_seccomp, "on trace no policy can be enforced" },
	{ "initial pid namespace", look_pidns,
	  "pids in records are the machine's, not those seen here" },
};

static const char *hook_state(const struct guard_hook *hook)
{
	if (hook->error)
		return "missing";
	if (!hook->chosen)
		return "available";
	return hook->required ? "used" : "used (optional)";
}

static int print_hooks(const struct guard_hook *hooks, int count)
{
	_cleanup_columns_ struct columns table = { .width = 4 };

	for (int i = 0; i < count; i++) {
		const struct guard_hook *hook = &hooks[i];
		const char *remedy = hook->remedy ? hook->remedy : "";
		int r = columns_add(&table, hook->engine);

		if (r >= 0)
			r = columns_add(&table, hook->hook);
		if (r >= 0)
			r = columns_add(&table, hook_state(hook));
		if (r >= 0)
			r = hook->error
				    ? columns_addf(&table, "%s: %s%s%s", strerror(-hook->error),
						   hook->consequence, *remedy ? "; " : "", remedy)
				    : columns_add(&table, hook->what);
		if (r < 0)
			return r;
	}
	columns_print(&table, stdout, 0);
	return 0;
}

static int print_places(void)
{
	_cleanup_columns_ struct columns table = { .width = 3 };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct place place = { .state = PLACE_UNKNOWN };
		_cleanup_free_ char *shown = NULL;
		int r;

		places[i].look(&place);
		shown = cli_shown(place.detail);
		r = columns_add(&table, places[i].name);
		if (r >= 0)
			r = columns_add(&table, state_words[place.state]);
		if (r >= 0)
			r = columns_addf(&table, "%s%s%s", shown ? shown : "?",
					 place.state == PLACE_NO ? ": " : "",
					 place.state == PLACE_NO ? places[i].consequence : "");
		if (r < 0)
			return r;
	}
	columns_print(&table, stdout, 0);
	return 0;
}

static int print_hooks_json(const struct guard_hook *hooks, int count)
{
	for (int i = 0; i < count; i++) {
		yajl_gen gen = print_json_new();

		if (!gen)
			return -ENOMEM;
		yajl_gen_map_open(gen);
		print_json_field(gen, "engine", hooks[i].engine);
		print_json_field(gen, "hook", hooks[i].hook);
		print_json_field(gen, "what", hooks[i].what);
		print_json_bool(gen, "required", hooks[i].required);
		print_json_field(gen, "state",
				 hooks[i].error	   ? "missing"
				 : hooks[i].chosen ? "used"
						   : "available");
		if (hooks[i].error) {
			print_json_field(gen, "error", strerror(-hooks[i].error));
			print_json_field(gen, "consequence", hooks[i].consequence);
			print_json_field(gen, "remedy", hooks[i].remedy);
		}
		yajl_gen_map_close(gen);
		if (print_json_line(gen, stdout) < 0)
			return -EIO;
	}
	return 0;
}

static int print_places_json(void)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct place place = { .state = PLACE_UNKNOWN };
		yajl_gen gen = print_json_new();

		if (!gen)
			return -ENOMEM;
		places[i].look(&place);
		yajl_gen_map_open(gen);
		print_json_field(gen, "environment", places[i].name);
		print_json_field(gen, "state", state_words[place.state]);
		print_json_field(gen, "detail", place.detail);
		if (place.state == PLACE_NO)
			print_json_field(gen, "consequence", places[i].consequence);
		yajl_gen_map_close(gen);
		if (print_json_line(gen, stdout) < 0)
			return -EIO;
	}
	return 0;
}

static int judge(const struct guard_hook *hooks, int count)
{
	for (int i = 0; i < count; i++) {
		if (hooks[i].chosen && hooks[i].required && hooks[i].error)
			return CLI_NOTHING;
	}
	return CLI_OK;
}

int cli_doctor(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_free_ struct guard_hook *hooks = NULL;
	int count = -EPERM, r = 0;

	if (geteuid() == 0)
		count = guard_doctor(&hooks);
	if (count > 0)
		r = args->json ? print_hooks_json(hooks, count) : print_hooks(hooks, count);
	if (count > 0 && !args->json)
		putchar('\n');
	if (r >= 0)
		r = args->json ? print_places_json() : print_places();
	if (r < 0)
		return CLI_NO_ACCESS;
	if (count < 0) {
		if (geteuid() != 0)
			cli_error("the hooks were not probed, that takes root: sudo mcpfloor "
				  "doctor");
		else
			cli_error("the hooks could not be probed: %s", strerror(-count));
		return CLI_NO_ACCESS;
	}
	return judge(hooks, count);
}
