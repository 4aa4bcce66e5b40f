/* ipset_command.c - ipset(8): the words go to tables/set_command.c; this side opens files and feeds restore by pieces. */
#include "router/command.h"
#include "router/engine.h"
#include "router/router.h"
#include "tables/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of a restore between two looks at the packets. */
enum { LINES_PER_STEP = 512, WORDS_MAX = 128, UNREADABLE = 255 };

/* A restore under way. */
struct restore {
	struct set_session session;
	char *text, *at; /* owned copy of the input; the next line */
};

/* is_restore: whether the command among the words is `restore`. */
static bool is_restore(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "-R") || !strcmp(word, "--restore"))
			return true;
		if (!strcmp(word, "-f") || !strcmp(word, "-file") || !strcmp(word, "--file") ||
		    !strcmp(word, "-o") || !strcmp(word, "-output") || !strcmp(word, "--output"))
			i++;
		else if (*word != '-')
			return !strcmp(word, "R") ||
			       (*word == 'r' && !strncmp("restore", word, strlen(word)) &&
				(!word[1] || strlen(word) > 2));
	}
	return false;
}

/* file_of: the value of -file, NULL without. */
static const char *file_of(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "-f") || !strcmp(argv[i], "-file") || !strcmp(argv[i], "--file"))
			return argv[i + 1];
	return NULL;
}

int ipset_prepare(int argc, char **argv)
{
	const char *file = file_of(argc, argv);

	if (!file)
		return 0;
	if (is_restore(argc, argv))
		return freopen(file, "r", stdin) ? 0 : UNREADABLE; /* ipset says nothing either */
	return freopen(file, "w", stdout) ? 0 : UNREADABLE;
}

bool ipset_reads_input(int argc, char **argv)
{
	return is_restore(argc, argv);
}

/* restore_step: some lines more. Return: false when done. */
static bool restore_step(struct request *rq)
{
	struct restore *r = rq->state;

	r->session.out = &rq->out;
	r->session.err = &rq->err;
	for (unsigned n = 0; n < LINES_PER_STEP && *r->at && !rq->code && !r->session.ended; n++) {
		size_t len = strcspn(r->at, "\n");
		char *line = r->at;

		r->at += len + (line[len] != '\0');
		line[len] = '\0';
		rq->code = set_restore_line(&r->session, line);
	}
	return *r->at && !rq->code && !r->session.ended;
}

static void restore_done(struct request *rq)
{
	struct restore *r = rq->state;

	free(r->text);
	free(r);
}

/* restore_begin: the first piece now, the others between packets. Return: exit status so far. */
static int restore_begin(struct request *rq, const struct set_session *session)
{
	struct restore *r = calloc(1, sizeof *r);

	if (r)
		r->text = strdup(rq->input);
	if (!r || !r->text) {
		free(r);
		return request_fail(rq, 1, "no memory");
	}
	r->session = *session;
	r->at = r->text;
	rq->state = r;
	rq->done = restore_done;
	rq->step = restore_step;
	return 0;
}

/* list_step: more of a listing. Return: whether there is more. */
static bool list_step(struct request *rq)
{
	do
		if (!set_listing_go(rq->state, &rq->out))
			return false;
	while (!request_enough(rq));
	return true;
}

static void list_done(struct request *rq)
{
	set_listing_end(rq->state);
}

int command_ipset(struct request *rq)
{
	struct set_listing *listing = NULL;
	struct set_session session = { .sets = rq->router->engine->tables->sets,
				       .out = &rq->out,
				       .err = &rq->err,
				       .listing = &listing };
	char *words[WORDS_MAX + 1];
	bool restore;
	int code;

	if (rq->argc > WORDS_MAX)
		return request_fail(rq, 2, "too many words");
	memcpy(words, rq->argv, ((size_t)rq->argc + 1) * sizeof *words);
	code = set_command(&session, rq->argc, words, &restore);
	session.listing = NULL;
	if (listing) {
		rq->state = listing;
		rq->done = list_done;
		rq->step = list_step;
	}
	return !code && restore ? restore_begin(rq, &session) : code;
}
