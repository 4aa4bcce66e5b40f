/* bpf.c - the checker and the interpreter of classic BPF; see bpf.h. */
#include "tables/bpf.h"

#include "netstack/port.h"

/* An instruction's code: class, then for loads size and mode, for the rest operation and source. */
enum {
	CLASS_LD,
	CLASS_LDX,
	CLASS_ST,
	CLASS_STX,
	CLASS_ALU,
	CLASS_JMP,
	CLASS_RET,
	CLASS_MISC,
	CLASS_MASK = 7
};
enum { SIZE_W = 0, SIZE_H = 0x08, SIZE_B = 0x10, SIZE_MASK = 0x18 };
enum {
	MODE_IMM = 0,
	MODE_ABS = 0x20,
	MODE_IND = 0x40,
	MODE_MEM = 0x60,
	MODE_LEN = 0x80,
	MODE_MSH = 0xa0,
	MODE_MASK = 0xe0
};
enum { SRC_X = 0x08, RET_A = 0x10, MISC_TXA = 0x80, OP_MASK = 0xf0 };
enum {
	ALU_ADD = 0,
	ALU_SUB = 0x10,
	ALU_MUL = 0x20,
	ALU_DIV = 0x30,
	ALU_OR = 0x40,
	ALU_AND = 0x50,
	ALU_LSH = 0x60,
	ALU_RSH = 0x70,
	ALU_NEG = 0x80,
	ALU_MOD = 0x90,
	ALU_XOR = 0xa0
};
enum { JMP_JA = 0, JMP_JEQ = 0x10, JMP_JGT = 0x20, JMP_JGE = 0x30, JMP_JSET = 0x40 };
enum { MEMORY_WORDS = 16, SHIFT_LIMIT = 32 };

/* Offsets that are no offsets (linux/filter.h). */
static const uint32_t OFF_EXTRA = (uint32_t)-0x1000, OFF_NET = (uint32_t)-0x100000,
		      OFF_LINK = (uint32_t)-0x200000;

enum extra {
	EXTRA_PROTOCOL = 0,
	EXTRA_PKTTYPE = 4,
	EXTRA_IFINDEX = 8,
	EXTRA_NLATTR = 12,
	EXTRA_NLATTR_NEST = 16,
	EXTRA_MARK = 20,
	EXTRA_QUEUE = 24,
	EXTRA_HATYPE = 28,
	EXTRA_RXHASH = 32,
	EXTRA_CPU = 36,
	EXTRA_XOR_X = 40,
	EXTRA_VLAN_TAG = 44,
	EXTRA_VLAN_PRESENT = 48,
	EXTRA_PAY_OFFSET = 52,
	EXTRA_RANDOM = 56,
	EXTRA_VLAN_TPID = 60,
	EXTRA_END = 64,
};

/* --- the checker ------------------------------------------------------------------------------------------------------ */

/* code_known: whether there is such an instruction. */
static bool code_known(uint16_t code)
{
	unsigned op = code & OP_MASK, mode = code & MODE_MASK, size = code & SIZE_MASK;

	if (code > 0xff)
		return false;
	switch (code & CLASS_MASK) {
	case CLASS_LD:
		return ((mode == MODE_ABS || mode == MODE_IND) && size != SIZE_MASK) ||
		       (size == SIZE_W && (mode == MODE_IMM || mode == MODE_MEM || mode == MODE_LEN));
	case CLASS_LDX:
		return (size == SIZE_B && mode == MODE_MSH) ||
		       (size == SIZE_W && (mode == MODE_IMM || mode == MODE_MEM || mode == MODE_LEN));
	case CLASS_ST:
	case CLASS_STX:
		return code <= CLASS_MASK;
	case CLASS_ALU:
		return op == ALU_NEG ? !(code & SRC_X) : op <= ALU_XOR;
	case CLASS_JMP:
		return op == JMP_JA ? !(code & SRC_X) : op <= JMP_JSET;
	case CLASS_RET:
		return code == CLASS_RET || code == (CLASS_RET | RET_A);
	default:
		return code == CLASS_MISC || code == (CLASS_MISC | MISC_TXA);
	}
}

/* jumps_conditionally: whether an instruction goes on at one of two places. */
static bool jumps_conditionally(const struct bpf_insn *i)
{
	return (i->code & CLASS_MASK) == CLASS_JMP && (i->code & OP_MASK) != JMP_JA;
}

/* reads_memory, writes_memory: whether it does so with memory word k. */
static bool reads_memory(const struct bpf_insn *i)
{
	return i->code == (CLASS_LD | MODE_MEM) || i->code == (CLASS_LDX | MODE_MEM);
}
static bool writes_memory(const struct bpf_insn *i)
{
	return i->code == CLASS_ST || i->code == CLASS_STX;
}

/* check_insn: one instruction with @left ones behind it. Return: NULL or what is wrong. */
static const char *check_insn(const struct bpf_insn *i, unsigned left)
{
	unsigned op = i->code & OP_MASK;

	if (!code_known(i->code))
		return "unknown instruction";
	if (reads_memory(i) || writes_memory(i))
		return i->k < MEMORY_WORDS ? NULL : "no such memory word";
	switch (i->code & CLASS_MASK) {
	case CLASS_LD:
		if ((i->code & MODE_MASK) == MODE_ABS && i->k >= OFF_EXTRA &&
		    ((i->k - OFF_EXTRA) % 4 || i->k - OFF_EXTRA >= EXTRA_END))
			return "unknown ancillary load";
		return NULL;
	case CLASS_ALU:
		if (i->code & SRC_X)
			return NULL;
		if ((op == ALU_DIV || op == ALU_MOD) && !i->k)
			return "division by zero";
		return (op == ALU_LSH || op == ALU_RSH) && i->k >= SHIFT_LIMIT ? "shift too far" : NULL;
	case CLASS_JMP:
		if (op == JMP_JA ? i->k >= left : i->jt >= left || i->jf >= left)
			return "jump out of the program";
		return NULL;
	default:
		return NULL;
	}
}

/* check_memory: that a word is only read where each way there has written it. Jumps go forward only: one pass.
 * Return: the instruction that reads too early, or @count. */
static unsigned check_memory(const struct bpf_insn *program, unsigned count)
{
	uint16_t valid_at[BPF_PROGRAM_MAX], valid = 0;

	memset(valid_at, 0xff, sizeof valid_at);
	for (unsigned pc = 0; pc < count; pc++) {
		const struct bpf_insn *i = &program[pc];

		valid &= valid_at[pc];
		if (writes_memory(i))
			valid |= (uint16_t)(1u << i->k);
		if (reads_memory(i) && !(valid & 1u << i->k))
			return pc;
		if ((i->code & CLASS_MASK) != CLASS_JMP)
			continue;
		if (jumps_conditionally(i)) {
			valid_at[pc + 1 + i->jt] &= valid;
			valid_at[pc + 1 + i->jf] &= valid;
		} else {
			valid_at[pc + 1 + i->k] &= valid;
		}
		valid = UINT16_MAX;
	}
	return count;
}

const char *bpf_check(const struct bpf_insn *program, unsigned count, unsigned *at)
{
	for (*at = 0; *at < count; ++*at) {
		const char *wrong = check_insn(&program[*at], count - *at - 1);

		if (wrong)
			return wrong;
	}
	*at = count - 1;
	if ((program[count - 1].code & CLASS_MASK) != CLASS_RET)
		return "the last instruction does not return";
	*at = check_memory(program, count);
	return *at < count ? "reads memory that was not written" : NULL;
}

/* --- loads ------------------------------------------------------------------------------------------------------------ */

/* The machine. */
struct machine {
	const struct pkt *p;
	struct netstack *ns;
	const struct port *dev;
	uint32_t a, x;
	uint32_t memory[MEMORY_WORDS];
	bool failed; /* a load or a division: the program ends and returns A */
};

/* bytes_at: @len bytes at an offset, from the IP header, or where negative from the link header or again the IP header.
 * Return: NULL where they are not there. */
static const uint8_t *bytes_at(const struct pkt *p, uint32_t off, uint32_t len)
{
	if (off <= INT32_MAX)
		return pkt_at(p, off, len);
	if (off >= OFF_NET)
		return pkt_at(p, off - OFF_NET, len);
	off -= OFF_LINK;
	if (off > INT32_MAX || !p->has_mac || off > ETH_HLEN + p->len || len > ETH_HLEN + p->len - off)
		return NULL;
	return p->data - ETH_HLEN + off;
}

/* payload_offset: where the payload behind the L4 header begins (skb_get_poff). */
static uint32_t payload_offset(const struct pkt *p)
{
	static const struct {
		uint8_t proto, len;
	} headers[] = { { IP_PROTO_UDP, 8 },  { IP_PROTO_UDPLITE, 8 }, { IP_PROTO_ICMP, 8 },
			{ IP_PROTO_IGMP, 8 }, { IP_PROTO_DCCP, 12 },   { IP_PROTO_SCTP, 12 },
			{ IP_PROTO_ICMP6, 8 } };
	const uint8_t *doff;

	if (p->hdr.frag_off)
		return p->hdr.l4;
	if (p->hdr.proto == IP_PROTO_TCP) {
		doff = pkt_at(p, p->hdr.l4 + 12u, 1);
		return !doff ? p->hdr.l4 : p->hdr.l4 + (*doff >> 4 > 5 ? (*doff >> 4) * 4u : 20u);
	}
	for (unsigned i = 0; i < sizeof headers / sizeof headers[0]; i++)
		if (headers[i].proto == p->hdr.proto)
			return p->hdr.l4 + headers[i].len;
	return p->hdr.l4;
}

/* find_attribute: a netlink attribute of type @type among those in @len bytes from @off. Return: its offset, or 0. */
static uint32_t find_attribute(const struct pkt *p, uint32_t off, uint32_t len, uint32_t type)
{
	while (len >= 4) {
		const uint8_t *b = pkt_at(p, off, 4);
		uint16_t size, kind;
		uint32_t step;

		if (!b)
			return 0;
		memcpy(&size, b, sizeof size);
		memcpy(&kind, b + 2, sizeof kind);
		if (size < 4 || size > len)
			return 0;
		if ((kind & 0x3fff) == type)
			return off;
		step = (size + 3u) & ~3u;
		if (step >= len)
			return 0;
		off += step;
		len -= step;
	}
	return 0;
}

/* attribute: the offset of an attribute of type X from A on, or (@nested) among those inside of the one at A; 0 = none. */
static uint32_t attribute(const struct machine *m, bool nested)
{
	const uint8_t *b = pkt_at(m->p, m->a, 4);
	uint16_t size;

	if (!b)
		return 0;
	if (!nested)
		return find_attribute(m->p, m->a, m->p->len - m->a, m->x);
	memcpy(&size, b, sizeof size);
	if (size < 4 || size > m->p->len - m->a)
		return 0;
	return find_attribute(m->p, m->a + 4, size - 4u, m->x);
}

/* load_extra: what Linux knows of a packet besides its bytes, into A. */
static void load_extra(struct machine *m, uint32_t what)
{
	enum { ARPHRD_ETHERNET = 1 };

	switch (what) {
	case EXTRA_PROTOCOL:
		m->a = ETHERTYPE_IP4;
		break;
	case EXTRA_PKTTYPE:
		m->a = m->p->type;
		break;
	case EXTRA_IFINDEX:
	case EXTRA_HATYPE:
		m->failed = !m->dev;
		if (m->dev)
			m->a = what == EXTRA_HATYPE ? ARPHRD_ETHERNET : m->dev->index;
		break;
	case EXTRA_NLATTR:
	case EXTRA_NLATTR_NEST:
		m->a = attribute(m, what == EXTRA_NLATTR_NEST);
		break;
	case EXTRA_MARK:
		m->a = m->p->mark;
		break;
	case EXTRA_XOR_X:
		m->a ^= m->x;
		break;
	case EXTRA_PAY_OFFSET:
		m->a = payload_offset(m->p);
		break;
	case EXTRA_RANDOM:
		m->a = netstack_random32(m->ns);
		break;
	default: /* queue, hash, processor and VLAN: there is one queue, one thread, and no tags */
		m->a = 0;
	}
}

/* load: a packet load of an instruction with offset @off into A. */
static void load(struct machine *m, uint16_t code, uint32_t off)
{
	uint32_t len = (code & SIZE_MASK) == SIZE_W ? 4 : (code & SIZE_MASK) == SIZE_H ? 2 : 1;
	const uint8_t *b;

	b = bytes_at(m->p, off, len);
	m->failed = !b;
	m->a = 0;
	for (; b && len; len--)
		m->a = m->a << 8 | *b++;
}

/* load_a, load_x: instructions of the classes LD and LDX. */
static void load_a(struct machine *m, const struct bpf_insn *i)
{
	switch (i->code & MODE_MASK) {
	case MODE_IMM:
		m->a = i->k;
		break;
	case MODE_MEM:
		m->a = m->memory[i->k];
		break;
	case MODE_LEN:
		m->a = m->p->len;
		break;
	case MODE_IND:
		load(m, i->code, m->x + i->k);
		break;
	default:
		if (i->k >= OFF_EXTRA)
			load_extra(m, i->k - OFF_EXTRA);
		else
			load(m, i->code, i->k);
	}
}
static void load_x(struct machine *m, const struct bpf_insn *i)
{
	const uint8_t *b;

	switch (i->code & MODE_MASK) {
	case MODE_IMM:
		m->x = i->k;
		break;
	case MODE_MEM:
		m->x = m->memory[i->k];
		break;
	case MODE_LEN:
		m->x = m->p->len;
		break;
	default: /* MSH: the length of an IP header */
		b = bytes_at(m->p, i->k, 1);
		m->failed = !b;
		if (b)
			m->x = (*b & 15u) << 2;
		else
			m->a = 0;
	}
}

/* --- the interpreter -------------------------------------------------------------------------------------------------- */

/* compute: an instruction of the class ALU. */
static void compute(struct machine *m, const struct bpf_insn *i)
{
	uint32_t by = i->code & SRC_X ? m->x : i->k;

	switch (i->code & OP_MASK) {
	case ALU_ADD:
		m->a += by;
		break;
	case ALU_SUB:
		m->a -= by;
		break;
	case ALU_MUL:
		m->a *= by;
		break;
	case ALU_DIV:
	case ALU_MOD:
		m->failed = !by;
		m->a = !by ? 0 : (i->code & OP_MASK) == ALU_DIV ? m->a / by : m->a % by;
		break;
	case ALU_OR:
		m->a |= by;
		break;
	case ALU_AND:
		m->a &= by;
		break;
	case ALU_LSH:
		m->a <<= by & (SHIFT_LIMIT - 1);
		break;
	case ALU_RSH:
		m->a >>= by & (SHIFT_LIMIT - 1);
		break;
	case ALU_NEG:
		m->a = -m->a;
		break;
	default:
		m->a ^= by;
	}
}

/* jump: an instruction of the class JMP. Return: how many instructions to skip. */
static uint32_t jump(const struct machine *m, const struct bpf_insn *i)
{
	uint32_t with = i->code & SRC_X ? m->x : i->k;
	bool holds;

	switch (i->code & OP_MASK) {
	case JMP_JA:
		return i->k;
	case JMP_JEQ:
		holds = m->a == with;
		break;
	case JMP_JGT:
		holds = m->a > with;
		break;
	case JMP_JGE:
		holds = m->a >= with;
		break;
	default:
		holds = m->a & with;
	}
	return holds ? i->jt : i->jf;
}

uint32_t bpf_run(const struct bpf_insn *program, const struct pkt *p, struct netstack *ns,
		 const struct port *dev)
{
	struct machine m = { .p = p, .ns = ns, .dev = dev };

	for (const struct bpf_insn *i = program; !m.failed; i++) {
		switch (i->code & CLASS_MASK) {
		case CLASS_LD:
			load_a(&m, i);
			break;
		case CLASS_LDX:
			load_x(&m, i);
			break;
		case CLASS_ST:
			m.memory[i->k] = m.a;
			break;
		case CLASS_STX:
			m.memory[i->k] = m.x;
			break;
		case CLASS_ALU:
			compute(&m, i);
			break;
		case CLASS_JMP:
			i += jump(&m, i);
			break;
		case CLASS_RET:
			return i->code & RET_A ? m.a : i->k;
		default:
			if (i->code & MISC_TXA)
				m.a = m.x;
			else
				m.x = m.a;
		}
	}
	return m.a;
}
