/* sysctl_command.c - `tapgate sysctl`: sysctl(8) on the tree's sys/ part. A live command of request.h.
 *
 * Linux parity: procps 4.0.2: what goes to stdout and stderr and the exit status, oddities included: writing to what is
 * read only is said but exit status 0; an unknown option prints the usage on stdout and gives 0. Reading from files
 * (-p, --system) is refused: the configuration's [sysctl] section is for that.
 */
#include "router/request.h"
#include "router/router.h"
#include "router/status.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"\nUsage:\n sysctl [options] [variable[=value] ...]\n\nOptions:\n"
	"  -a, -A, -X, --all    every variable\n"
	"  -b, --binary         values alone, without a newline\n"
	"      --dry-run        say what would be written, write nothing\n"
	"  -e, --ignore         say nothing of unknown variables\n"
	"  -N, --names          names alone\n"
	"  -n, --values         values alone\n"
	"  -r, --pattern EXPR   only variables whose name fits the regular expression\n"
	"  -q, --quiet          do not repeat what was written\n"
	"  -w, --write          every argument must be variable=value\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n";

static const char short_options[] = ":bneNwfp::qoxaAXr:Vdh";

enum { OPT_DRY_RUN = 256, OPT_DEPRECATED, OPT_SYSTEM };

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "deprecated", no_argument, NULL, OPT_DEPRECATED },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "binary", no_argument, NULL, 'b' },
	{ "ignore", no_argument, NULL, 'e' },
	{ "names", no_argument, NULL, 'N' },
	{ "values", no_argument, NULL, 'n' },
	{ "load", optional_argument, NULL, 'p' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "write", no_argument, NULL, 'w' },
	{ "system", no_argument, NULL, OPT_SYSTEM },
	{ "pattern", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* What the options ask for. */
struct sysctl_call {
	struct request *rq;
	bool all, binary, dry_run, ignore, names, values, quiet, write, has_pattern;
	regex_t pattern;
	int code;
};

/* complain: one line "sysctl: ..." on err; the exit status becomes @code if that is worse. */
static void __attribute__((format(printf, 3, 4)))
complain(struct sysctl_call *c, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_puts(&c->rq->err, "sysctl: ");
	text_vprintf(&c->rq->err, format, args);
	text_puts(&c->rq->err, "\n");
	va_end(args);
	if (code)
		c->code = code;
}

/* dotted: the name of a path under sys/: '/' becomes '.', a '.' in a part '/'. @out holds STATUS_PATH_MAX bytes. */
static void dotted(const char *path, char *out)
{
	size_t i = 0;

	for (; path[i]; i++)
		out[i] = path[i] == '/' ? '.' : path[i] == '.' ? '/' : path[i];
	out[i] = '\0';
}

/* show: prints a variable as the options say. @value may end in a newline. */
static void show(struct sysctl_call *c, const char *name, const char *value)
{
	struct text *out = &c->rq->out;
	int len = (int)strcspn(value, "\n");

	if (c->names)
		text_printf(out, "%s\n", name);
	else if (c->binary)
		text_printf(out, "%.*s", len, value);
	else if (c->values)
		text_printf(out, "%.*s\n", len, value);
	else
		text_printf(out, "%s = %.*s\n", name, len, value);
}

/* What the walk over a directory knows. */
struct walk {
	struct sysctl_call *call;
	const char *dir; /* path in the tree */
};

static void read_tree(struct sysctl_call *c, const char *path, const struct status_entry *entry);

/* walk_name: status_list's callback: one name of a directory. */
static void walk_name(void *ctx, const char *name, const struct status_entry *entry)
{
	struct walk *w = ctx;
	char path[STATUS_PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%s", w->dir, name);

	if (n > 0 && n < (int)sizeof path)
		read_tree(w->call, path, entry);
}

/* read_tree: shows a variable, or all in a directory. Recursion is as deep as the tree: five. */
static void read_tree(struct sysctl_call *c, const char *path, const struct status_entry *entry)
{
	const struct status *st = &c->rq->router->status;
	struct text value = { .len = 0 };
	char name[STATUS_PATH_MAX];

	if (entry->directory) {
		struct walk w = { c, path };

		status_list(st, path, walk_name, &w);
		return;
	}
	dotted(path + strlen("sys/"), name);
	if (c->has_pattern && regexec(&c->pattern, name, 0, NULL, 0) != 0)
		return;
	if (status_read(st, path, &value) == 0)
		show(c, name, text_cstr(&value));
	text_free(&value);
}

/* find: the path and entry of a variable. Return: false: there is none, said unless -e. */
static bool find(struct sysctl_call *c, const char *name, char *path, struct status_entry *entry)
{
	int r = status_sysctl_path(name, path);

	if (r == 0 && path[strlen("sys/")])
		r = status_lookup(&c->rq->router->status, path, entry);
	else if (r == 0)
		r = -EISDIR;
	if (r == -EISDIR)
		complain(c, 1, "Path is not under /proc/sys/: /proc/sys/");
	else if (r < 0 && !c->ignore)
		complain(c, 1, "cannot stat /proc/%s: No such file or directory", r == -ENOENT ? path : name);
	return r == 0;
}

/* read_variable: an argument without '='. */
static void read_variable(struct sysctl_call *c, const char *name)
{
	char path[STATUS_PATH_MAX];
	struct status_entry entry;

	if (!*name)
		complain(c, 255, "\"\" is an unknown key");
	else if (find(c, name, path, &entry))
		read_tree(c, path, &entry);
}

/* trim: @len bytes at @s without blanks at the ends, as a string; @out holds STATUS_PATH_MAX bytes, cut there. */
static void trim(const char *s, size_t len, char *out)
{
	while (len && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	if (len >= STATUS_PATH_MAX)
		len = STATUS_PATH_MAX - 1;
	memcpy(out, s, len);
	out[len] = '\0';
}

/* write_variable: an argument NAME=VALUE, @equal at the '='. */
static void write_variable(struct sysctl_call *c, const char *arg, const char *equal)
{
	char key[STATUS_PATH_MAX], value[STATUS_PATH_MAX], path[STATUS_PATH_MAX], name[STATUS_PATH_MAX];
	struct status_entry entry;
	bool names = c->names, values = c->values, ignore = c->ignore, found;
	int r;

	trim(arg, (size_t)(equal - arg), key);
	trim(equal + 1, strlen(equal + 1), value);
	if (key[0] == '-') { /* "-NAME=VALUE": no complaint if there is no such variable */
		memmove(key, key + 1, strlen(key));
		c->ignore = true;
	}
	found = find(c, key, path, &entry);
	c->ignore = ignore;
	if (!found)
		return;
	dotted(path + strlen("sys/"), name);
	if (entry.directory || !entry.write) {
		complain(c, 0, "setting key \"%s\": Invalid argument", name);
		return;
	}
	r = *value ? 0 : -EINVAL;
	if (!r && !c->dry_run)
		r = status_write(&c->rq->router->status, path, value, strlen(value));
	if (r < 0) {
		complain(c, 1, "setting key \"%s\": %s", name, strerror(-r));
		return;
	}
	if (c->quiet)
		return;
	c->values = values || names; /* -N on a write shows the value, as procps does */
	c->names = false;
	show(c, name, value);
	c->names = names;
	c->values = values;
}

/* bad_option: what getopt would say; @code: '?' or ':'. Ends the command as procps does: usage on stdout, 0. */
static int bad_option(struct sysctl_call *c, int code)
{
	const char *arg = c->rq->argv[optind - 1];
	bool is_long = strncmp(arg, "--", 2) == 0;

	if (code == ':' && is_long)
		complain(c, 0, "option '%s' requires an argument", arg);
	else if (code == ':')
		complain(c, 0, "option requires an argument -- '%c'", optopt);
	else if (!is_long)
		complain(c, 0, "invalid option -- '%c'", optopt);
	else if (optopt)
		complain(c, 0, "option '%.*s' doesn't allow an argument", (int)strcspn(arg, "="), arg);
	else
		complain(c, 0, "unrecognized option '%s'", arg);
	text_puts(&c->rq->out, usage);
	return 0;
}

/* take_pattern: -r. Return: whether it is a regular expression. */
static bool take_pattern(struct sysctl_call *c, const char *text)
{
	if (c->has_pattern)
		regfree(&c->pattern);
	c->has_pattern = regcomp(&c->pattern, text, REG_EXTENDED | REG_NOSUB) == 0;
	if (!c->has_pattern)
		complain(c, 1, "\"%s\" is not a regular expression", text);
	return c->has_pattern;
}

/* take_option: one option. Return: -1: go on; else the exit status with which the command ends here. */
static int take_option(struct sysctl_call *c, int option)
{
	switch (option) {
	case 'a':
	case 'A':
	case 'X':
		c->all = true;
		return -1;
	case 'b':
		c->binary = true;
		return -1;
	case OPT_DRY_RUN:
		c->dry_run = true;
		return -1;
	case 'e':
		c->ignore = true;
		return -1;
	case 'N':
		c->names = true;
		return -1;
	case 'n':
		c->values = true;
		return -1;
	case 'q':
		c->quiet = true;
		return -1;
	case 'w':
		c->write = true;
		return -1;
	case 'r':
		return take_pattern(c, optarg) ? -1 : 1;
	case 'o': /* -o, -x and --deprecated do nothing in sysctl(8) either where nothing is deprecated */
	case 'x':
	case OPT_DEPRECATED:
		return -1;
	case 'p':
	case 'f':
	case OPT_SYSTEM:
		complain(c, 1, "no variables from files here: they are in [sysctl] of the configuration");
		return 1;
	case 'h':
	case 'd':
		text_puts(&c->rq->out, usage);
		return 0;
	case 'V':
		text_puts(&c->rq->out, "sysctl from tapgate " TAPGATE_VERSION "\n");
		return 0;
	default:
		return bad_option(c, option);
	}
}

/* carry_out: the arguments behind the options. */
static void carry_out(struct sysctl_call *c, int argc, char **argv)
{
	struct status_entry root;

	if (c->all) {
		if (status_lookup(&c->rq->router->status, "sys", &root) == 0)
			read_tree(c, "sys", &root);
		return;
	}
	if (!argc) {
		complain(c, 1, "no variables specified\nTry `sysctl --help' for more information.");
		return;
	}
	for (int i = 0; i < argc; i++) {
		const char *equal = strchr(argv[i], '=');

		if (equal)
			write_variable(c, argv[i], equal);
		else if (c->write)
			complain(c, 1, "command line(0): invalid syntax, continuing...");
		else
			read_variable(c, argv[i]);
	}
}

/* command_sysctl: `sysctl ...`. */
int command_sysctl(struct request *rq)
{
	struct sysctl_call c = { .rq = rq };
	int option, end = -1;

	if (rq->argc < 2) {
		text_puts(&rq->err, usage);
		return 1;
	}
	optind = 0; /* getopt begins anew */
	opterr = 0;
	while (end < 0 && (option = getopt_long(rq->argc, rq->argv, short_options, long_options, NULL)) != -1)
		end = take_option(&c, option);
	if (end < 0) {
		carry_out(&c, rq->argc - optind, rq->argv + optind);
		end = c.code;
	}
	if (c.has_pattern)
		regfree(&c.pattern);
	return end;
}
