/* siphash.h - SipHash-1-3 of a few whole 64-bit words (Aumasson, Bernstein: "SipHash: a fast short-input PRF").
 *
 * The input length is fixed per caller and told apart by @words in the last block, as the paper has it.
 */
#ifndef CONNTRACK_SIPHASH_H
#define CONNTRACK_SIPHASH_H

#include <stdint.h>

struct siphash {
	uint64_t v0, v1, v2, v3;
};

/* siphash_rotl: rotates left. */
static inline uint64_t siphash_rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

/* siphash_round: the SipRound. */
static inline void siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = siphash_rotl(s->v1, 13) ^ s->v0;
	s->v3 = siphash_rotl(s->v3, 16) ^ s->v2;
	s->v0 = siphash_rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = siphash_rotl(s->v1, 17) ^ s->v2;
	s->v3 = siphash_rotl(s->v3, 21) ^ s->v0;
	s->v2 = siphash_rotl(s->v2, 32);
}

/* siphash_words: the hash of @words 64-bit words under a 128-bit key. */
static inline uint64_t siphash_words(const uint64_t key[2], const uint64_t *word, unsigned words)
{
	struct siphash s = {
		key[0] ^ 0x736f6d6570736575ull,
		key[1] ^ 0x646f72616e646f6dull,
		key[0] ^ 0x6c7967656e657261ull,
		key[1] ^ 0x7465646279746573ull,
	};
	uint64_t last = (uint64_t)words * 8 << 56;

	for (unsigned i = 0; i < words; i++) {
		s.v3 ^= word[i];
		siphash_round(&s);
		s.v0 ^= word[i];
	}
	s.v3 ^= last;
	siphash_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	siphash_round(&s);
	siphash_round(&s);
	siphash_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
