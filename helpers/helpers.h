/* helpers.h - the application helpers as a room.
 *
 * One file per helper; each gives a constant struct ct_helper. helpers_create registers all of them with conntrack.
 */
#ifndef HELPERS_HELPERS_H
#define HELPERS_HELPERS_H

#include "conntrack/helper.h"
#include "nat/nat.h"

struct helpers {
	struct netstack *ns;
	struct conntrack *ctk;
	struct nat *nat;
	bool ftp_loose; /* [helper ftp] loose = yes: the advertised address may differ from the sender's */
	struct ratelimit drop_log;
};

/* helpers_create: registers every helper. helpers_destroy frees. */
struct helpers *helpers_create(struct netstack *ns, struct conntrack *ctk, struct nat *nat);
void helpers_destroy(struct helpers *h);

/* helpers_set: one option of an INI section [helper NAME] other than ports. Return: 0; -ENOENT unknown helper or key;
 * -EINVAL bad value. */
int helpers_set(struct helpers *h, const char *helper, const char *key, const char *value);

/* helper_drop_log: says why a helper drops a packet, as nf_ct_helper_log does; rate limited. */
void helper_drop_log(struct helpers *h, const char *helper, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* helper_expect_port: inserts @x with the first port at or above @port (host order) that is free: @port itself, else
 * random ones above it, as nf_nat_exp_find_port. Return: the port; 0 if there is none (@x still the caller's). */
uint16_t helper_expect_port(struct helpers *h, struct ct_expect *x, uint16_t port);

extern const struct ct_helper helper_ftp;

#endif
