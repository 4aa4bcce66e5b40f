/* conntrack_lists.c - the conntrack command's options that are lists of words: status, events, output, labels.
 *
 * Linux parity: conntrack-tools 1.4.7, parse_parameter, parse_parameter_mask, parse_label.
 */
#include "router/conntrack_words.h"

#include <errno.h>
#include <string.h>

/* A list's words, and what each means. The beginning of a word does. */
struct list_word {
	const char *word;
	uint32_t value;
};
static const struct list_word status_words[] = { { "ASSURED", CT_ST_ASSURED },
						 { "SEEN_REPLY", CT_ST_SEEN_REPLY },
						 { "UNSET", 0 },
						 { "FIXED_TIMEOUT", CT_ST_FIXED_TIMEOUT },
						 { "EXPECTED", CT_ST_EXPECTED },
						 { "OFFLOAD", 1u << 14 },
						 { "HW_OFFLOAD", 1u << 15 },
						 { NULL, 0 } };
static const struct list_word event_words[] = { { "ALL", CONNTRACK_EV_ALL },
						{ "NEW", CONNTRACK_EV_NEW },
						{ "UPDATES", CONNTRACK_EV_UPDATE },
						{ "DESTROY", CONNTRACK_EV_DESTROY },
						{ NULL, 0 } };
enum { OUTPUT_TIMESTAMP = 1 << 30 };
static const struct list_word output_words[] = { { "xml", CT_PRINT_XML },
						 { "extended", CT_PRINT_EXTENDED },
						 { "timestamp", OUTPUT_TIMESTAMP },
						 { "id", CT_PRINT_ID },
						 { "ktimestamp", CT_PRINT_TIMESTAMP },
						 { "labels", CT_PRINT_LABELS },
						 { "userspace", 0 },
						 { "save", CT_PRINT_SAVE },
						 { NULL, 0 } };

/* take_word: one word of @len bytes. Return: whether it is one. */
static bool take_word(struct request *rq, const struct list_word *words, const char *at, size_t len, uint32_t *value)
{
	static const char *const ignored[] = { "SRC_NAT", "DST_NAT" };

	for (int i = 0; i < 2; i++)
		if (!strncasecmp(at, ignored[i], len)) {
			text_printf(&rq->err, "WARNING: ignoring %s, use --%s-nat instead\n", ignored[i], i ? "dst" : "src");
			return true;
		}
	for (; words->word; words++)
		if (!strncasecmp(at, words->word, len)) {
			*value |= words->value;
			return true;
		}
	return false;
}

/* take_list: words between commas; @negated: gets those behind a "!" (NULL: there are none), and UNREPLIED. Return: 0 or exit
 * status. */
static int take_list(struct request *rq, const struct list_word *words, const char *arg, uint32_t *value, uint32_t *negated)
{
	static const char unreplied[] = "UNREPLIED";

	for (;;) {
		size_t len = strcspn(arg, ",");
		uint32_t *to = value;

		if (len && negated && *arg == '!') {
			to = negated;
			arg++;
			len--;
		}
		if (len && to == value && negated && !strncmp(arg, unreplied, sizeof unreplied - 1))
			*negated |= CT_ST_SEEN_REPLY;
		else if (!len || !take_word(rq, words, arg, len, to))
			return conntrack_misuse(rq, "Bad parameter `%s'", arg);
		if (!arg[len])
			return 0;
		arg += len + 1;
	}
}

int conntrack_take_status(struct request *rq, struct conntrack_query *q, const char *arg)
{
	q->options |= 1u << CTO_STATUS;
	if (take_list(rq, status_words, arg, &q->status, &q->status_mask))
		return CONNTRACK_USAGE;
	if (!q->status_mask)
		q->status_mask = q->status;
	return 0;
}

/* read_labels: reads the names of labels, once; the tool says why it cannot, and tries again next time. */
static void read_labels(struct request *rq, struct conntrack_query *q)
{
	if (q->names)
		return;
	q->names = conntrack_labels_read();
	if (!q->names)
		text_printf(&rq->err, "nfct_labelmap_new: %s\n", strerror(errno));
}

int conntrack_take_events(struct request *rq, struct conntrack_query *q, const char *arg)
{
	q->options |= 1u << CTO_EVENTS;
	return take_list(rq, event_words, arg, &q->events, NULL);
}

int conntrack_take_output(struct request *rq, struct conntrack_query *q, const char *arg)
{
	uint32_t print = q->print | (q->timestamp ? OUTPUT_TIMESTAMP : 0);

	q->options |= 1u << CTO_OUTPUT;
	if (take_list(rq, output_words, arg, &print, NULL))
		return CONNTRACK_USAGE;
	if (print & CT_PRINT_LABELS)
		read_labels(rq, q);
	if (print & CT_PRINT_SAVE && print & ~(uint32_t)CT_PRINT_SAVE)
		return conntrack_failed(rq, "cannot combine save output with any other output type, use -o save only");
	q->timestamp = print & OUTPUT_TIMESTAMP;
	q->print = print & ~(uint32_t)OUTPUT_TIMESTAMP;
	return 0;
}

/* take_labels: names between commas into @bits; *far: there is one that no entry can have. Return: 0 or exit status. */
static int take_labels(struct request *rq, struct conntrack_query *q, const char *arg, uint64_t bits[2], bool *far)
{
	for (;;) {
		size_t len = strcspn(arg, ",");
		unsigned bit = 0;

		while (bit < CONNTRACK_LABEL_NAMES && !(q->names && q->names->name[bit] && strlen(q->names->name[bit]) == len &&
					    !memcmp(q->names->name[bit], arg, len)))
			bit++;
		if (bit == CONNTRACK_LABEL_NAMES)
			return conntrack_misuse(rq, "unknown label '%.*s'", (int)len, arg);
		if (bit < CT_LABELS)
			bits[bit / 64] |= 1ull << (bit & 63);
		else
			*far = true;
		if (!arg[len])
			return 0;
		arg += len + 1;
	}
}

int conntrack_take_label(struct request *rq, struct conntrack_query *q, int o, const char *arg)
{
	q->options |= 1u << (o == 'l' ? CTO_LABEL : o == OPT_LABEL_ADD ? CTO_LABEL_ADD : CTO_LABEL_DEL);
	read_labels(rq, q);
	if (conntrack_has(q, CTO_LABEL_ADD) && conntrack_has(q, CTO_LABEL_DEL))
		return conntrack_failed(rq, "cannot use --label-add and --label-del at the same time");
	if (!arg)
		return 0; /* --label-del of all */
	q->label_list |= o == OPT_LABEL_DEL;
	return o == 'l' ? take_labels(rq, q, arg, q->labels, &q->labels_far)
			: take_labels(rq, q, arg, q->labels_change, &q->labels_change_far);
}
