/* jhash.h - Bob Jenkins' hash of three words (lookup3, public domain), as linux/jhash.h seeds it. */
#ifndef TABLES_JHASH_H
#define TABLES_JHASH_H

#include <stdint.h>

enum { JHASH_WORDS3 = 3 << 2 };

/* jhash_rotate: rotates left by @n bits, 1..31. */
static inline uint32_t jhash_rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* jhash_3words: the hash of three words with a seed. */
static inline uint32_t jhash_3words(uint32_t a, uint32_t b, uint32_t c, uint32_t seed)
{
	seed += 0xdeadbeefu + JHASH_WORDS3;
	a += seed;
	b += seed;
	c += seed;
	c = (c ^ b) - jhash_rotate(b, 14);
	a = (a ^ c) - jhash_rotate(c, 11);
	b = (b ^ a) - jhash_rotate(a, 25);
	c = (c ^ b) - jhash_rotate(b, 16);
	a = (a ^ c) - jhash_rotate(c, 4);
	b = (b ^ a) - jhash_rotate(a, 14);
	return (c ^ b) - jhash_rotate(b, 24);
}

#endif
