/* background.c - see background.h. */
#include "router/background.h"

enum { WHOLE = 1024, SMOOTH = 8 };

uint64_t background_wait(const struct background *b, uint64_t now)
{
	uint64_t pause = (b->ended - b->began) * (BACKGROUND_SHARE - 1);

	if (b->busy < BACKGROUND_LIGHT || !background_watches(b, now))
		return 0;
	if (pause > BACKGROUND_WAIT_MAX_NS)
		pause = BACKGROUND_WAIT_MAX_NS;
	return b->ended + pause > now ? b->ended + pause - now : 0;
}

void background_begin(struct background *b, uint64_t now)
{
	uint64_t since = now - b->began;
	uint64_t share = since ? b->packets * WHOLE / since : 0;

	if (share > WHOLE)
		share = WHOLE;
	b->busy = background_watches(b, now) ? (uint32_t)((b->busy * (SMOOTH - 1) + share) / SMOOTH) : 0;
	b->began = b->ended = now;
	b->packets = 0;
}

void background_end(struct background *b, uint64_t now)
{
	b->ended = now;
}
