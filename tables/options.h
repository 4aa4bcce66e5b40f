/* options.h - the words of matches and targets: read by rows of struct opt_row, and printed.
 *
 * Overview
 *   The command parser makes one struct ext_use for each `-m NAME` and for `-j NAME` (ext_use_match, ext_use_target, which
 *   fill the data block with its defaults), offers them each word that begins with "--" (ext_dispatch), and at the end asks
 *   each one whether all is there (ext_finish). An extension of any room gives rows and, where rows do not suffice,
 *   .parse and .check. The rest of this file is what extensions share to read and print values.
 *
 * Linux parity: libxtables xtoptions.c (texts of the messages included) of iptables 1.8.11; option words as
 * getopt_long(3) takes them: `--word value`, `--word=value`, unambiguous prefixes.
 */
#ifndef TABLES_OPTIONS_H
#define TABLES_OPTIONS_H

#include "netstack/text.h"
#include "tables/extension.h"

/* One match or target of the rule being read. */
struct ext_use {
	const struct match_ops *match; /* one of these two, the other NULL */
	const struct target_ops *target;
	struct opt_call call; /* .ext, .data, .seen, .inverted ... hold from word to word */
};

/* ext_use_match, ext_use_target: begins to read an extension. @data: its block, ops->size bytes (aligned for uint64_t),
 * which is zeroed and given its defaults here; the caller's, as @spec and @err, which must live until ext_finish. */
void ext_use_match(struct ext_use *x, struct tables *t, enum table_id table, const struct match_ops *ops, void *data,
		   const struct rule_spec *spec, struct rule_error *err);
void ext_use_target(struct ext_use *x, struct tables *t, enum table_id table, const struct target_ops *ops, void *data,
		    const struct rule_spec *spec, struct rule_error *err);

/* How an option word fits an extension. */
enum ext_hit { EXT_MISS, EXT_PREFIX, EXT_AMBIGUOUS, EXT_EXACT };

/* ext_find_option: looks for the option that @word ("--dport", "--dpo", "--dport=80") names.
 * Return: how it fits; *row is set for EXT_PREFIX and EXT_EXACT. */
enum ext_hit ext_find_option(const struct ext_use *x, const char *word, const struct opt_row **row);

/* ext_parse_option: reads the option at argv[*index] if @x knows it (exactly, or by an unambiguous prefix).
 * @invert: a `!` stood before it. Advances *index behind what it took.
 * Return: 1 taken; 0 not an option of @x (nothing changed); -1 wrong, the error is filled. */
int ext_parse_option(struct ext_use *x, int argc, char **argv, int *index, bool invert);

/* ext_dispatch: gives the word at argv[*index] to the one of @count extensions that knows it: an exact fit first, the
 * latest loaded first; else a prefix that fits one option only. Return: as ext_parse_option; 0 if none or ambiguous. */
int ext_dispatch(struct ext_use *uses, unsigned count, int argc, char **argv, int *index, bool invert);

/* ext_finish: after the last word (spec final): the extension's own .check, mandatory options, `also`, `excludes`.
 * Return: 0, or -1 with the error filled. */
int ext_finish(struct ext_use *x);

/* rule_invalid: an error as the kernel's EINVAL (exit status 1), the reason (what dmesg would say) in err->detail.
 * Return: -1. */
int rule_invalid(struct rule_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* opt_warn: a line that iptables prints on standard error though the option is right. opt_warn_name: that of libxtables for
 * the name of an interface that the kernel does not allow. @warn may be NULL. */
void opt_warn(const struct opt_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void opt_warn_name(struct text *warn, const char *name);

/* match_ops_find, target_ops_find: by name among all that @t knows, those registered by other rooms included; NULL
 * if there is none. match_ops_for_proto: the match that `-p PROTO --option` loads by itself. */
const struct match_ops *match_ops_find(const struct tables *t, const char *name);
const struct target_ops *target_ops_find(const struct tables *t, const char *name);
const struct match_ops *match_ops_for_proto(const struct tables *t, uint8_t proto);

/* match_ops_all, target_ops_all: the constant lists of this room (extensions.def), NULL-terminated, with which
 * tables_create fills its registries. */
extern const struct match_ops *const match_ops_all[];
extern const struct target_ops *const target_ops_all[];

/* --- values from text (each: 0, or -EINVAL with *out untouched) --------------------------------------------------- */

/* opt_number: an unsigned number (decimal, 0x hex, 0 octal) within min..max. @end NULL: all of the text must be it;
 * else *end is set behind the number. */
int opt_number(const char *text, const char **end, uint64_t min, uint64_t max, uint64_t *out);

/* opt_port: a port number or service name (of the service list of the protocol @proto, 0 = any), host order. */
int opt_port(const char *text, uint8_t proto, uint16_t *out);

/* opt_port_decimal: as opt_port for any protocol, as getaddrinfo(3) reads it: digits are decimal even after a 0, and
 * of a number only the low 16 bits count. */
int opt_port_decimal(const char *text, uint16_t *out);

/* opt_protocol: the value of an option that names a protocol: a number, or a name or alias as the system's list has it
 * (only -p takes any case).
 * Return: 0..255, or -1 with the error filled. */
int opt_protocol(const struct opt_call *c);

/* opt_mac: six numbers of one or two hexadecimal digits, colons between. */
int opt_mac(const char *text, uint8_t mac[MAC_LEN]);

/* opt_ip4_host: an address, or a name of the hosts file that needs no asking ("localhost"). opt_ip4_mask_text: 0..32 or
 * a mask in any form of an address ("33" is 0.0.0.33, as for getaddrinfo(3)). */
int opt_ip4_host(const char *text, uint32_t *be);
int opt_ip4_mask_text(const char *text, uint32_t *mask);

/* opt_ip4: one dotted address, network order. opt_ip4_range: A or A-B (both ends A where alone). */
int opt_ip4(const char *text, uint32_t *be);
int opt_ip4_range(const char *text, uint32_t *min, uint32_t *max);

/* opt_mark_mask: V or V/M; @mask keeps its value without a "/M". -E2BIG: something stands behind the number. */
int opt_mark_mask(const char *text, uint32_t *value, uint32_t *mask);

/* One word of a list of names with numbers; a list ends with .name == NULL. */
struct opt_name {
	const char *name;
	uint32_t value;
};

/* opt_name_find: the row whose name begins with the @len characters at @text, case ignored (iptables takes
 * abbreviations here: the first that fits; @whole: only a whole name); NULL if none. opt_name_of: the first row with
 * @value, or NULL. */
const struct opt_name *opt_name_find(const struct opt_name *names, const char *text, size_t len, bool whole);
const struct opt_name *opt_name_of(const struct opt_name *names, uint32_t value);

/* --- values to text ----------------------------------------------------------------------------------------------- */

/* put_ip4: dotted address. put_ip4_mask: "A" for /32, "A/24", or "A/255.0.255.0" where the mask has no length. */
void put_ip4(struct text *out, uint32_t be);
void put_ip4_mask(struct text *out, uint32_t be, uint32_t mask);

/* put_port: number, or the service name of @proto (0 = any) where not @numeric and there is one. */
void put_port(struct text *out, uint16_t port, uint8_t proto, bool numeric);

/* print_port_range: " spt:80", " dpts:!80:90" for a port match NAME of protocol @proto; nothing for all ports.
 * save_port_range: " --sport 80", " ! --dport 80:90" (1.8.11 keeps the negation of all ports). */
void print_port_range(struct text *out, const char *name, const uint16_t port[2], bool invert, uint8_t proto,
		      bool numeric);
void save_port_range(struct text *out, const char *name, const uint16_t port[2], bool invert);

/* put_mark: " 0xV" or " 0xV/0xM" (the mask only where it is not all ones), leading blank. */
void put_mark(struct text *out, uint32_t value, uint32_t mask);

/* put_mark_action: what (mark & ~mask) ^ value does, as -L says it: " and 0xV", " or 0xV", " xor", " set", " xset 0xV/0xM". */
void put_mark_action(struct text *out, uint32_t value, uint32_t mask);

/* put_word: " TEXT", quoted and escaped as iptables-save quotes what holds more than [A-Za-z0-9_-]; an empty one as "". */
void put_word(struct text *out, const char *word);

/* port_fits: whether a port (network order) is in the range (host order), or out of it when inverted. */
static inline bool port_fits(const uint16_t range[2], uint16_t be, bool invert)
{
	uint16_t port = __builtin_bswap16(be);

	return (port >= range[0] && port <= range[1]) != invert;
}

/* put_not: " !" if @inverted, else nothing. */
void put_not(struct text *out, bool inverted);

#endif
