/* iptables_hosts.c - host names in -s and -d become addresses before a command is sent.
 *
 * Overview
 *   Asking a name server takes time that a router does not have; so the client asks. A name with several addresses
 *   becomes a list with commas, which makes one rule each, as in iptables. A name that nobody knows is sent as it is:
 *   the router says "host/network `NAME' not found" in its turn.
 *
 * Linux parity: libxtables xtables_ipparse_multiple: networks(5) first, then getaddrinfo(3); a mask of 0 asks nobody.
 */
#include "router/iptables.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* may_be_name: whether a text is no number of any form: only names are looked up. */
static bool may_be_name(const char *text, size_t len)
{
	return len && len < NI_MAXHOST && strspn(text, "0123456789.xX") < len && !memchr(text, ':', len);
}

/* no_mask: whether the mask fits everything, so that the name does not matter. */
static bool no_mask(const char *slash)
{
	return !strcmp(slash, "/0") || !strcmp(slash, "/0.0.0.0");
}

/* put_address: one more of a list. */
static void put_address(struct text *out, const struct in_addr *address, const char *mask)
{
	char buf[INET_ADDRSTRLEN];

	text_printf(out, "%s%s%s", out->len ? "," : "", inet_ntop(AF_INET, address, buf, sizeof buf), mask);
}

/* look_up: the addresses of @name, each with @mask behind. Return: whether there are any. */
static bool look_up(const char *name, const char *mask, struct text *out)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_RAW };
	struct netent *net = getnetbyname(name);
	struct addrinfo *list, *a;

	if (net) {
		struct in_addr address = { htonl(net->n_net) };

		put_address(out, &address, mask);
		return true;
	}
	if (getaddrinfo(name, NULL, &hints, &list))
		return false;
	for (a = list; a; a = a->ai_next)
		put_address(out, &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr, mask);
	freeaddrinfo(list);
	return true;
}

/* one_value: one part of a list. */
static void one_value(const char *text, size_t len, struct text *out)
{
	char name[NI_MAXHOST + 64];
	const char *slash;
	struct text found = { 0 };
	size_t name_len;

	if (len >= sizeof name) {
		text_put(out, text, len);
		return;
	}
	memcpy(name, text, len);
	name[len] = 0;
	slash = strrchr(name, '/');
	slash = slash ? slash : name + len;
	name_len = (size_t)(slash - name);
	if (may_be_name(name, name_len) && !no_mask(slash)) {
		char host[NI_MAXHOST + 64];

		memcpy(host, name, name_len);
		host[name_len] = 0;
		look_up(host, slash, &found);
	}
	if (found.len)
		text_put(out, text_cstr(&found), found.len);
	else
		text_put(out, text, len);
	text_free(&found);
}

/* resolve_value: the value of -s or -d, a list with commas. Return: whether it changed; then @out is what to send. */
static bool resolve_value(const char *text, size_t len, struct text *out)
{
	const char *end = text + len;
	bool names = false;

	for (size_t i = 0; i < len && !names; i++)
		names = isalpha((unsigned char)text[i]) && tolower((unsigned char)text[i]) != 'x';
	if (!names)
		return false;
	for (;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));

		one_value(text, (size_t)((comma ? comma : end) - text), out);
		if (!comma)
			return true;
		text_puts(out, ",");
		text = comma + 1;
	}
}

/* is_long: whether the @len characters after "--" name --source, --destination or their short forms. */
static bool is_long(const char *word, size_t len)
{
	static const char *const names[] = { "source", "destination", "src", "dst" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (len >= 2 && len <= strlen(names[i]) && !strncmp(word, names[i], len))
			return true;
	return false;
}

/* address_option: whether a word is -s, -d or a long form. Return: 0 no; 1: its value is the next word; more: the
 * value begins at that index of the word. */
static size_t address_option(const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);
	size_t name = equals ? (size_t)(equals - word) : len;
	size_t i = 1;

	if (len < 2 || word[0] != '-')
		return 0;
	if (word[1] == '-') {
		if (!is_long(word + 2, name - 2))
			return 0;
		return equals ? name + 1 : 1;
	}
	while (i < len && strchr("nvxf46", word[i]))
		i++;
	if (i == len || (word[i] != 's' && word[i] != 'd'))
		return 0;
	return i + 1 < len ? i + 1 : 1;
}

int iptables_prepare(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version"))) {
		puts("iptables " IPTABLES_VERSION);
		return COMMAND_DONE;
	}
	for (int i = 1; i < argc; i++) {
		size_t at = address_option(argv[i], strlen(argv[i]));
		int value = at == 1 ? i + 1 : i;
		struct text out = { 0 };

		if (!at || value >= argc)
			continue;
		if (at == 1)
			at = 0;
		i = value;
		text_put(&out, argv[value], at);
		if (!resolve_value(argv[value] + at, strlen(argv[value] + at), &out)) {
			text_free(&out);
			continue;
		}
		argv[value] = strdup(text_cstr(&out));
		text_free(&out);
		if (!argv[value])
			return IPTABLES_RESOURCE;
	}
	return 0;
}

/* resolve_line: copies a line, its host names resolved. */
static void resolve_line(const char *line, size_t len, struct text *out)
{
	size_t at = 0;
	bool value_next = false;

	while (at < len) {
		size_t blank = strspn(line + at, " \t"), start = at + blank, word, value;

		word = start < len ? strcspn(line + start, " \t\n") : 0;
		if (start + word > len)
			word = len - start;
		if (!word)
			break; /* only the newline is left */
		text_put(out, line + at, blank);
		value = value_next ? 0 : address_option(line + start, word);
		if (value_next || value > 1) {
			struct text found = { 0 };

			text_put(out, line + start, value);
			if (resolve_value(line + start + value, word - value, &found))
				text_put(out, text_cstr(&found), found.len);
			else
				text_put(out, line + start + value, word - value);
			text_free(&found);
		} else {
			text_put(out, line + start, word);
		}
		value_next = value == 1;
		at = start + word;
		if (line[start] == '"')
			break; /* quoted text is not looked into */
	}
	text_put(out, line + at, len - at);
}

/* has_names: whether a line may have a host name: cheap, for long texts. */
static bool has_names(const char *line, size_t len)
{
	const char *end = line + len;

	for (const char *at = line; (at = memchr(at, '-', (size_t)(end - at))); at++) {
		size_t left = (size_t)(end - at), word = strcspn(at, " \t\n"), value;

		if (word > left)
			word = left;
		value = address_option(at, word);
		if (value == 1 && word < left)
			value = word + strspn(at + word, " \t");
		if (value && value < left && isalpha((unsigned char)at[value]))
			return true;
	}
	return false;
}

int iptables_restore_input(struct text *input)
{
	const char *line = text_cstr(input), *end = line + input->len;
	struct text out = { 0 };

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = newline ? (size_t)(newline + 1 - line) : (size_t)(end - line);

		if ((*line == '-' || *line == '[') && has_names(line, len))
			resolve_line(line, len, &out);
		else
			text_put(&out, line, len);
		line += len;
	}
	if (out.failed) {
		text_free(&out);
		return IPTABLES_RESOURCE;
	}
	text_free(input);
	*input = out;
	return 0;
}
