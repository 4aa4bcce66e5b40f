/* extensions.c - finding matches and targets by name; see options.h. */
#include "tables/extensions.h"
#include "tables/options.h"

const struct match_ops *const match_ops_all[] = {
#define MATCH(name) &match_##name,
#define TARGET(name)
#include "tables/extensions.def"
#undef MATCH
#undef TARGET
	NULL,
};

const struct target_ops *const target_ops_all[] = {
#define MATCH(name)
#define TARGET(name) &target_##name,
#include "tables/extensions.def"
#undef MATCH
#undef TARGET
	NULL,
};

const struct match_ops *match_ops_find(const struct tables *t, const char *name)
{
	for (const struct match_ops *const *m = t->matches; m && *m; m++)
		if (!strcmp((*m)->name, name))
			return *m;
	return NULL;
}

const struct target_ops *target_ops_find(const struct tables *t, const char *name)
{
	for (const struct target_ops *const *g = t->targets; g && *g; g++)
		if (!strcmp((*g)->name, name))
			return *g;
	return NULL;
}

const struct match_ops *match_ops_for_proto(const struct tables *t, uint8_t proto)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} own[] = {
		{ IP_PROTO_ICMP, "icmp" }, { IP_PROTO_TCP, "tcp" }, { IP_PROTO_UDP, "udp" },
		{ IP_PROTO_ESP, "esp" },   { IP_PROTO_AH, "ah" },   { IP_PROTO_DCCP, "dccp" },
		{ IP_PROTO_IPCOMP, "ipcomp" }, { IP_PROTO_SCTP, "sctp" },
	};

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (own[i].proto == proto)
			return match_ops_find(t, own[i].name);
	return NULL;
}
