/* test_manage.c - connections made and changed on demand, and all ways in which they print. */
#include "conntrack/manage.h"
#include "tests/unit/conntrack/scene.h"

#include <errno.h>

/* tuple: 10.0.0.1 to 10.0.0.2, or with @back the other way round. */
static struct ct_tuple tuple(uint8_t proto, uint16_t sport, uint16_t dport, bool back)
{
	struct ct_tuple t = { .family = FAMILY_IP4, .proto = proto };

	addr_parse(back ? "10.0.0.2" : "10.0.0.1", FAMILY_IP4, &t.src);
	addr_parse(back ? "10.0.0.1" : "10.0.0.2", FAMILY_IP4, &t.dst);
	t.src_key = htons(back ? dport : sport);
	t.dst_key = htons(back ? sport : dport);
	return t;
}

/* make: an entry with @change. Return: 0 or the error; *ct borrowed from the table. */
static int make(struct scene *s, uint8_t proto, uint16_t sport, const struct ct_change *change, struct ct_entry **ct)
{
	struct ct_tuple orig = tuple(proto, sport, 80, false), reply = tuple(proto, sport, 80, true);
	int error = ct_made(s->ctk, &orig, &reply, 0, CT_ZONE_BOTH, ct);

	if (error)
		return error;
	error = ct_made_insert(s->ctk, *ct, change);
	ct_release(s->ctk, *ct);
	return error;
}

/* shows: what an entry prints as. */
static void shows(const struct scene *s, const struct ct_entry *ct, const struct ct_print *how, const char *want)
{
	struct text out = { 0 };

	ct_print_as(s->ctk, ct, how, &out);
	assert_string_equal(text_cstr(&out), want);
	text_free(&out);
}

/* What -I makes, and its event. */
static void test_made(void **state)
{
	struct ct_change c = { .set = CT_SET_TIMEOUT | CT_SET_STATUS | CT_SET_MARK | CT_SET_STATE, .timeout = 300, .mark = 7,
			       .status = CT_ST_SEEN_REPLY | CT_ST_ASSURED, .state = CT_TCP_ESTABLISHED };
	struct ct_print how = { 0 };
	struct ct_entry *ct, *other;
	char xml[1024];
	struct scene s;

	(void)state;
	scene_begin(&s, 2);
	assert_int_equal(make(&s, IP_PROTO_TCP, 1000, &c, &ct), 0);
	shows(&s, ct, &how, "tcp      6 300 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 "
			    "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 [ASSURED] mark=7 use=1");
	how.flags = CT_PRINT_SAVE;
	shows(&s, ct, &how, "-A -t 300 -u SEEN_REPLY,ASSURED -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1000 "
			    "--dport 80 --reply-port-src 80 --reply-port-dst 1000 --state ESTABLISHED");
	how.flags = CT_PRINT_XML;
	snprintf(xml, sizeof xml,
		 "<flow><meta direction=\"original\"><layer3 protonum=\"2\" protoname=\"ipv4\"><src>10.0.0.1</src><dst>10.0.0.2</dst>"
		 "</layer3><layer4 protonum=\"6\" protoname=\"tcp\"><sport>1000</sport><dport>80</dport></layer4></meta>"
		 "<meta direction=\"reply\"><layer3 protonum=\"2\" protoname=\"ipv4\"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3>"
		 "<layer4 protonum=\"6\" protoname=\"tcp\"><sport>80</sport><dport>1000</dport></layer4></meta>"
		 "<meta direction=\"independent\"><state>ESTABLISHED</state><timeout>300</timeout><mark>7</mark><use>1</use>"
		 "<id>%u</id><assured/></meta></flow>",
		 ct_id(s.ctk, ct));
	shows(&s, ct, &how, xml);
	assert_string_equal(s.events, "1f9 ");
	assert_int_equal(make(&s, IP_PROTO_TCP, 1000, &c, &other), -EEXIST);
	c.state = CT_TCP_STATES;
	assert_int_equal(make(&s, IP_PROTO_TCP, 1001, &c, &other), -EINVAL);
	c.set = CT_SET_STATUS;
	c.status = CT_ST_EXPECTED;
	assert_int_equal(make(&s, IP_PROTO_TCP, 1001, &c, &other), -EBUSY);
	assert_int_equal(s.ctk->count, 1);
	scene_end(&s);
}

/* A state that its protocol does not have, beside the last one that it has. */
static void test_states(void **state)
{
	static const struct {
		uint8_t proto, states;
	} rows[] = { { IP_PROTO_TCP, CT_TCP_STATES }, { IP_PROTO_SCTP, CT_SCTP_STATES }, { IP_PROTO_DCCP, CT_DCCP_STATES } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ct_change c = { .set = CT_SET_STATE, .timeout = 100, .state = rows[i].states };
		struct ct_entry *ct;
		struct scene s;

		scene_begin(&s, 2);
		assert_int_equal(make(&s, rows[i].proto, 1000, &c, &ct), -EINVAL);
		c.state--;
		assert_int_equal(make(&s, rows[i].proto, 1000, &c, &ct), 0);
		c.state = UINT8_MAX;
		assert_int_equal(ct_change(s.ctk, ct, &c), -EINVAL);
		scene_end(&s);
	}
}

/* Tuples that are not those of one connection, and a type without an answer. */
static void test_unsound(void **state)
{
	struct ct_tuple orig = tuple(IP_PROTO_UDP, 1, 2, false), reply = tuple(IP_PROTO_TCP, 1, 2, true);
	struct ct_entry *ct;
	struct scene s;

	(void)state;
	scene_begin(&s, 2);
	assert_int_equal(ct_made(s.ctk, &orig, &reply, 0, CT_ZONE_BOTH, &ct), -EINVAL);
	orig = tuple(IP_PROTO_ICMP, 1, 0x0300, false);
	reply = tuple(IP_PROTO_ICMP, 1, 0x0300, true);
	assert_int_equal(ct_made(s.ctk, &orig, &reply, 0, CT_ZONE_BOTH, &ct), -EINVAL);
	orig = tuple(50, 1, 2, false);
	assert_true(ct_tuple_sound(&orig));
	assert_int_equal(orig.src_key | orig.dst_key, 0);
	scene_end(&s);
}

/* Which status bits may change, a fixed timeout, labels where no rule uses them; what comes before the error is changed. */
static void test_change(void **state)
{
	static const struct {
		struct ct_change change;
		int error;
		uint32_t status; /* afterwards, but for those of the table */
		uint32_t seconds, mark;
	} rows[] = {
		{ { .set = CT_SET_MARK, .mark = 5 }, 0, CT_ST_SEEN_REPLY, 100, 5 },
		{ { .set = CT_SET_STATUS, .status = CT_ST_CONFIRMED }, -EBUSY, CT_ST_SEEN_REPLY, 100, 5 },
		{ { .set = CT_SET_STATUS, .status = CT_ST_SEEN_REPLY | CT_ST_DYING }, -EBUSY, CT_ST_SEEN_REPLY, 100, 5 },
		{ { .set = CT_SET_STATUS, .status = CT_ST_SEEN_REPLY | CT_ST_SRC_NAT }, 0, CT_ST_SEEN_REPLY, 100, 5 },
		{ { .set = CT_SET_STATUS, .status = CT_ST_SEEN_REPLY | CT_ST_ASSURED }, 0, CT_ST_SEEN_REPLY | CT_ST_ASSURED, 100, 5 },
		{ { .set = CT_SET_TIMEOUT | CT_SET_STATUS, .timeout = 50 }, -EBUSY, CT_ST_SEEN_REPLY | CT_ST_ASSURED, 50, 5 },
		{ { .set = CT_SET_LABELS | CT_SET_MARK, .mark = 6 }, -ENOSPC, CT_ST_SEEN_REPLY | CT_ST_ASSURED, 50, 6 },
		{ { .set = CT_SET_STATUS, .status = CT_ST_SEEN_REPLY | CT_ST_ASSURED | CT_ST_FIXED_TIMEOUT }, 0,
		  CT_ST_SEEN_REPLY | CT_ST_ASSURED | CT_ST_FIXED_TIMEOUT, 50, 6 },
		{ { .set = CT_SET_TIMEOUT, .timeout = 70 }, -EPERM, CT_ST_SEEN_REPLY | CT_ST_ASSURED | CT_ST_FIXED_TIMEOUT, 50, 6 },
	};
	struct ct_change c = { .set = CT_SET_STATUS, .timeout = 100, .status = CT_ST_SEEN_REPLY };
	struct ct_entry *ct;
	struct scene s;

	(void)state;
	scene_begin(&s, 2);
	assert_int_equal(make(&s, IP_PROTO_UDP, 1000, &c, &ct), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		s.events[0] = 0;
		assert_int_equal(ct_change(s.ctk, ct, &rows[i].change), rows[i].error);
		assert_int_equal(ct->status & (CT_ST_SEEN_REPLY | CT_ST_ASSURED | CT_ST_FIXED_TIMEOUT | CT_ST_DYING | CT_ST_SRC_NAT),
				 rows[i].status);
		assert_int_equal(ct_remaining(s.ctk, ct) / SEC, rows[i].seconds);
		assert_int_equal(ct->mark, rows[i].mark);
		assert_string_equal(s.events, rows[i].error ? "" : "3f8 ");
	}
	scene_end(&s);
}

/* Labels: those of the mask are replaced; they show with names only. */
static void test_labels(void **state)
{
	const char *names[CT_LABELS] = { [1] = "one", [64] = "sixty four" };
	struct ct_change c = { .set = CT_SET_LABELS, .timeout = 100, .labels = { 6, 1 }, .labels_mask = { UINT64_MAX, UINT64_MAX } };
	struct ct_print how = { .label = names };
	struct ct_entry *ct;
	struct scene s;

	(void)state;
	scene_begin(&s, 2);
	s.ctk->labels_used = 1;
	assert_int_equal(make(&s, IP_PROTO_UDP, 1000, &c, &ct), 0);
	shows(&s, ct, &how, "udp      17 100 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] "
			    "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 use=1 labels=one,sixty four");
	c = (struct ct_change){ .set = CT_SET_LABELS, .labels_mask = { 2, 0 } };
	assert_int_equal(ct_change(s.ctk, ct, &c), 0);
	assert_int_equal(ct->extra->labels[0], 4);
	assert_int_equal(ct->extra->labels[1], 1);
	how.label = NULL;
	shows(&s, ct, &how, "udp      17 100 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] "
			    "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 use=1");
	scene_end(&s);
}

/* What was made while nobody listened stays silent, unless nf_conntrack_events is 1. */
static void test_silent(void **state)
{
	static const struct {
		uint8_t events;
		bool listened;
		const char *want;
	} rows[] = { { 0, true, "" }, { 1, false, "3f8 " }, { 2, false, "" }, { 2, true, "3f8 " } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ct_change c = { .timeout = 100 };
		struct ct_entry *ct;
		struct scene s;

		scene_begin(&s, 2);
		s.ctk->conf.events = rows[i].events;
		if (!rows[i].listened)
			s.ctk->notify.event = NULL;
		assert_int_equal(make(&s, IP_PROTO_UDP, 1000, &c, &ct), 0);
		s.events[0] = 0;
		s.ctk->notify.event = heard;
		assert_int_equal(ct_change(s.ctk, ct, &c), 0);
		assert_string_equal(s.events, rows[i].want);
		scene_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made), cmocka_unit_test(test_states), cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_change), cmocka_unit_test(test_labels), cmocka_unit_test(test_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
