/* poison.h - tells AddressSanitizer which parts of our own pools nobody may touch; nothing in a normal build.
 *
 * Packets and connections do not come from malloc, so the sanitizer would not see a use after free without this.
 */
#ifndef NETSTACK_POISON_H
#define NETSTACK_POISON_H

#if defined __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(mem, len) ASAN_POISON_MEMORY_REGION(mem, len)
#define UNPOISON(mem, len) ASAN_UNPOISON_MEMORY_REGION(mem, len)
#else
#define POISON(mem, len) ((void)(mem), (void)(len))
#define UNPOISON(mem, len) ((void)(mem), (void)(len))
#endif

#endif
