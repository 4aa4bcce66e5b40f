/* jhash.h - Bob Jenkins' hash of up to three words (lookup3, public domain), as linux/jhash.h seeds it. */
#ifndef TABLES_JHASH_H
#define TABLES_JHASH_H

#include <stdint.h>

/* jhash_rotate: rotates left by @n bits, 1..31. */
static inline uint32_t jhash_rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* jhash_words: the hash of the first @count (1..3) of three words, the others 0, with a seed. */
static inline uint32_t jhash_words(uint32_t a, uint32_t b, uint32_t c, unsigned count, uint32_t seed)
{
	seed += 0xdeadbeefu + (count << 2);
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

/* jhash_1word, jhash_3words: the hash of one word, and of three. */
static inline uint32_t jhash_1word(uint32_t a, uint32_t seed)
{
	return jhash_words(a, 0, 0, 1, seed);
}
static inline uint32_t jhash_3words(uint32_t a, uint32_t b, uint32_t c, uint32_t seed)
{
	return jhash_words(a, b, c, 3, seed);
}

#endif
