/* driver.c - runs a fuzz target without a fuzzing engine: the corpus as it is, then seeded mutations of it.
 *
 * usage: fuzz_X ROUNDS CORPUS_DIR      Deterministic: same corpus, same rounds, same inputs.
 * The coverage-guided run is `make fuzz` (libFuzzer); this one is what every `make check` does.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_SIZE = 65536, FILES_LIMIT = 4096 };

static struct sample {
	uint8_t *data;
	size_t size;
} samples[FILES_LIMIT];
static size_t count;
static uint64_t seed = 1;

/* below: a repeatable random number in [0, n). */
static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return n ? seed % n : 0;
}

/* load: one corpus file; an unreadable one ends the program. */
static void load(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}
	samples[count].data = malloc(INPUT_SIZE);
	if (!samples[count].data)
		exit(1);
	samples[count].size = fread(samples[count].data, 1, INPUT_SIZE, f);
	count++;
	fclose(f);
}

/* mutate: a changed copy of a sample in @out. Return: its length. */
static size_t mutate(uint8_t *out)
{
	static const char *const tokens[] = { "-A ", "! ", ":", "/", "255", "65536", "-1", "\n", "\"", ",", "0x", "=", "]" };
	const struct sample *s = &samples[below(count)];
	size_t len = s->size;

	memcpy(out, s->data, len);
	for (size_t n = 1 + below(6); n > 0; n--) {
		size_t at = below(len + 1);
		const char *token = tokens[below(sizeof tokens / sizeof *tokens)];
		const struct sample *other = &samples[below(count)];
		size_t run = 1 + below(16);

		switch (below(6)) {
		case 0: /* another byte */
			if (len)
				out[below(len)] = (uint8_t)below(256);
			break;
		case 1: /* a flipped bit */
			if (len)
				out[below(len)] ^= (uint8_t)(1u << below(8));
			break;
		case 2: /* a cut */
			run = run < len - at ? run : len - at;
			memmove(out + at, out + at + run, len - at - run);
			len -= run;
			break;
		case 3: /* a token put in */
			if (len + strlen(token) > INPUT_SIZE)
				break;
			memmove(out + at + strlen(token), out + at, len - at);
			memcpy(out + at, token, strlen(token));
			len += strlen(token);
			break;
		case 4: /* the tail of another sample */
			if (other->size && at + other->size / 2 <= INPUT_SIZE) {
				memcpy(out + at, other->data + other->size / 2, other->size - other->size / 2 > INPUT_SIZE - at
				       ? INPUT_SIZE - at : other->size - other->size / 2);
				len = at + (other->size - other->size / 2);
				len = len > INPUT_SIZE ? INPUT_SIZE : len;
			}
			break;
		default: /* truncated */
			len = at;
		}
	}
	return len;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	static uint8_t input[INPUT_SIZE];
	struct dirent *entry;
	DIR *dir;

	dir = argc > 2 ? opendir(argv[2]) : NULL;
	if (!dir) {
		fprintf(stderr, "usage: %s ROUNDS CORPUS_DIR (a folder that exists)\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir)) && count < FILES_LIMIT)
		if (entry->d_name[0] != '.')
			load(argv[2], entry->d_name);
	closedir(dir);
	if (!count) {
		fprintf(stderr, "%s: the corpus is empty\n", argv[2]);
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		LLVMFuzzerTestOneInput(samples[i].data, samples[i].size);
	for (long i = 0; i < rounds; i++) {
		size_t len = mutate(input);
		/* An exact heap copy lets the sanitizer see reads past the end. */
		uint8_t *exact = malloc(len ? len : 1);

		if (!exact)
			return 1;
		memcpy(exact, input, len);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	for (size_t i = 0; i < count; i++)
		free(samples[i].data);
	printf("%zu samples, %ld mutations\n", count, rounds);
	return 0;
}
