/* bpf.h - classic BPF programs: checked once, then run on packets.
 *
 * Overview
 *   The machine has an accumulator A, an index X and 16 words of memory; a program is a list of instructions that load
 *   from the packet, compute, jump forward and at last return a number. bpf_check takes only programs that cannot leave
 *   themselves, read memory they did not write, or divide by zero constants; bpf_run relies on it.
 *
 * Linux parity: net/core/filter.c (bpf_check_classic, bpf_convert_filter), what xt_bpf runs: offset 0 is the IP header;
 * negative offsets reach the link header and what Linux knows of a packet (SKF_LL_OFF, SKF_NET_OFF, SKF_AD_OFF).
 */
#ifndef TABLES_BPF_H
#define TABLES_BPF_H

#include "netstack/netstack.h"

enum { BPF_PROGRAM_MAX = 64 }; /* XT_BPF_MAX_NUM_INSTR */

struct bpf_insn {
	uint16_t code;
	uint8_t jt, jf; /* instructions to skip where the condition holds, or does not */
	uint32_t k;
};

/* bpf_check: whether a program of @count instructions (1..BPF_PROGRAM_MAX) may run. Return: NULL, or what is wrong
 * (static text); *at is set to the instruction. */
const char *bpf_check(const struct bpf_insn *program, unsigned count, unsigned *at);

/* bpf_run: runs a checked program. @dev: the port that the program sees (incoming or outgoing), or NULL.
 * Return: what it returns; 0 where it loads bytes that are not there or divides by zero; A where it asks for a port and
 * there is none. */
uint32_t bpf_run(const struct bpf_insn *program, const struct pkt *p, struct netstack *ns,
		 const struct port *dev);

#endif
