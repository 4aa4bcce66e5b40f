/* match_owner.c - the user, the group, or the being there of the socket a packet was sent through (net/netfilter/xt_owner.c).
 *
 * A forwarded packet has no socket: a rule all of whose conditions are negated fits it, any other does not. What the router
 * itself sends (answers, errors, resets) has a socket without a user, as the kernel's own sockets have. */
#include <grp.h>
#include <pwd.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_USER, O_GROUP, O_SOCKET, O_SUPPL };
enum { ASKS_USER = 1 << O_USER, ASKS_GROUP = 1 << O_GROUP, ASKS_SOCKET = 1 << O_SOCKET };
static const uint32_t ID_MAX = UINT32_MAX - 1;

struct owner_data {
	uint32_t user[2], group[2];
	uint8_t asks, invert; /* ASKS_* */
	bool supplementary;
};

static const struct opt_row rows[] = {
	{ .name = "uid-owner", .id = O_USER, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "gid-owner", .id = O_GROUP, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "socket-exists", .id = O_SOCKET, .type = OPT_NONE, .flags = OPTF_INVERT },
	{ .name = "suppl-groups",
	  .id = O_SUPPL,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct owner_data, supplementary) },
};

/* id_of_name: the number of a user (@group: of a group) in the system's list. Return: whether there is one. */
static bool id_of_name(const char *name, bool group, uint32_t *id)
{
	char buf[4096];
	struct passwd user, *u = NULL;
	struct group entry, *g = NULL;

	if (group && !getgrnam_r(name, &entry, buf, sizeof buf, &g) && g)
		*id = g->gr_gid;
	if (!group && !getpwnam_r(name, &user, buf, sizeof buf, &u) && u)
		*id = u->pw_uid;
	return u || g;
}

/* parse_ids: a name, a number or two with '-' or ':' between. Return: 0, or -1 with the error filled. */
static int parse_ids(struct opt_call *c, bool group, uint32_t ids[2])
{
	uint64_t low, high;
	const char *end;

	if (id_of_name(c->arg, group, &ids[0])) {
		ids[1] = ids[0];
		return 0;
	}
	if (opt_number(c->arg, &end, 0, ID_MAX, &low))
		goto bad;
	high = low;
	if ((*end == '-' || *end == ':') && opt_number(end + 1, &end, 0, ID_MAX, &high))
		goto bad;
	if (*end)
		goto bad;
	ids[0] = (uint32_t)low;
	ids[1] = (uint32_t)high;
	return 0;
bad:
	return rule_fail(c->err, "owner: Bad value for \"--%s\" option: \"%s\"", c->row->name, c->arg);
}

static int owner_parse(struct opt_call *c)
{
	struct owner_data *d = c->data;

	if (c->row->id == O_SUPPL)
		return d->asks & ASKS_GROUP
			       ? 0
			       : rule_fail(
					 c->err,
					 "owner: Bad value for \"--suppl-groups\" option: \"you need to use "
					 "--gid-owner first\"");
	d->asks |= (uint8_t)(1u << c->row->id);
	if (c->invert)
		d->invert |= (uint8_t)(1u << c->row->id);
	if (c->row->id == O_SOCKET)
		return 0;
	return parse_ids(c, c->row->id == O_GROUP, c->row->id == O_GROUP ? d->group : d->user);
}

static int owner_check(struct opt_call *c)
{
	const struct owner_data *d = c->data;

	if (!d->asks)
		return rule_fail(
			c->err,
			"owner: At least one of --uid-owner, --gid-owner or --socket-exists is required");
	if (d->user[0] > d->user[1] || d->group[0] > d->group[1])
		return rule_invalid(c->err, "owner: the range begins behind its end");
	return 0;
}

/* put_ids: a number or a range. */
static void put_ids(struct text *out, const uint32_t ids[2])
{
	text_printf(out, " %u", ids[0]);
	if (ids[0] != ids[1])
		text_printf(out, "-%u", ids[1]);
}

/* print_ids: as put_ids, but a single one by its name where it has one and not @numeric. */
static void print_ids(struct text *out, const uint32_t ids[2], bool group, bool numeric)
{
	bool single = !numeric && ids[0] == ids[1];
	char buf[4096];
	struct passwd user, *u = NULL;
	struct group entry, *g = NULL;

	if (single && group && !getgrgid_r(ids[0], &entry, buf, sizeof buf, &g) && g)
		text_printf(out, " %s", g->gr_name);
	else if (single && !group && !getpwuid_r(ids[0], &user, buf, sizeof buf, &u) && u)
		text_printf(out, " %s", u->pw_name);
	else
		put_ids(out, ids);
}

static void owner_print(const void *data, bool numeric, struct text *out)
{
	const struct owner_data *d = data;

	if (d->asks & ASKS_SOCKET)
		text_printf(out, "%s owner socket exists", d->invert & ASKS_SOCKET ? " !" : "");
	if (d->asks & ASKS_USER) {
		text_printf(out, "%s owner UID match", d->invert & ASKS_USER ? " !" : "");
		print_ids(out, d->user, false, numeric);
	}
	if (d->asks & ASKS_GROUP) {
		text_printf(out, "%s owner GID match", d->invert & ASKS_GROUP ? " !" : "");
		print_ids(out, d->group, true, numeric);
	}
	text_puts(out, d->supplementary ? " incl. suppl. groups" : "");
}

static void owner_save(const void *data, struct text *out)
{
	const struct owner_data *d = data;

	if (d->asks & ASKS_SOCKET)
		text_printf(out, "%s --socket-exists", d->invert & ASKS_SOCKET ? " !" : "");
	if (d->asks & ASKS_USER) {
		text_printf(out, "%s --uid-owner", d->invert & ASKS_USER ? " !" : "");
		put_ids(out, d->user);
	}
	if (d->asks & ASKS_GROUP) {
		text_printf(out, "%s --gid-owner", d->invert & ASKS_GROUP ? " !" : "");
		put_ids(out, d->group);
	}
	text_puts(out, d->supplementary ? " --suppl-groups" : "");
}

static bool owner_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct owner_data *d = data;
	uint8_t plain = d->asks & (uint8_t)~d->invert;

	(void)env;
	if (!p->own_socket)
		return !plain;
	return !(d->invert & ASKS_SOCKET) && !(plain & (ASKS_USER | ASKS_GROUP));
}

const struct match_ops match_owner = {
	.name = "owner",
	.revision = 1,
	.hooks = HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING),
	.size = sizeof(struct owner_data),
	OPT_ROWS(rows),
	.parse = owner_parse,
	.check = owner_check,
	.print = owner_print,
	.save = owner_save,
	.match = owner_match,
};
