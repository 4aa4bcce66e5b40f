/* match_comment.c - a comment on a rule; fits every packet. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_COMMENT };
enum { COMMENT_MAX = 255 };

struct comment_data {
	char text[COMMENT_MAX + 1];
};

static const struct opt_row rows[] = {
	{ .name = "comment", .id = O_COMMENT, .type = OPT_STRING, .flags = OPTF_MANDATORY | OPTF_STORE,
	  .max = COMMENT_MAX },
};

static void comment_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_printf(out, " /* %s */", ((const struct comment_data *)data)->text);
}

static void comment_save(const void *data, struct text *out)
{
	text_puts(out, " --comment");
	put_word(out, ((const struct comment_data *)data)->text);
}

static bool comment_match(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return true;
}

const struct match_ops match_comment = {
	.name = "comment",
	.size = sizeof(struct comment_data),
	OPT_ROWS(rows),
	.print = comment_print,
	.save = comment_save,
	.match = comment_match,
};
