/* test_options.c - IPv4 options: what is refused, where the parameter problem points, what a router records
 * and answers. */
#include "tests/unit/netstack/fixture.h"

#define BYTES(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

static void test_malformed(void **state)
{
	static const struct {
		uint8_t options[40];
		unsigned len;
		uint8_t pointer;
	} rows[] = {
		{ BYTES(7, 1, 4, 0), 20 },               /* length under 2 */
		{ BYTES(7, 9, 4, 0), 20 },               /* longer than the header */
		{ BYTES(1, 1, 1, 7), 23 },               /* no room for a length */
		{ BYTES(7, 2, 0, 0), 21 },               /* no pointer */
		{ BYTES(7, 7, 3, 0, 0, 0, 0, 0), 22 },   /* pointer into the option's head */
		{ BYTES(7, 7, 6, 0, 0, 0, 0, 0), 22 },   /* slot not whole */
		{ BYTES(7, 3, 4, 7, 3, 4, 0, 0), 23 },   /* twice */
		{ BYTES(68, 3, 5, 0), 21 },
		{ BYTES(68, 8, 4, 0, 0, 0, 0, 0), 22 },
		{ BYTES(68, 8, 5, 1, 0, 0, 0, 0), 22 },  /* no room for address and time */
		{ BYTES(68, 4, 5, 0xf0), 23 },           /* overflow overflows */
		{ BYTES(148, 3, 0, 0), 21 },
		{ BYTES(134, 8, 0, 0, 0, 1, 1, 2), 22 }, /* CIPSO without a definition */
		{ BYTES(131, 3, 3, 0), 22 },
		{ BYTES(131, 3, 4, 137, 3, 4, 0, 0), 23 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);

		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ip_options = rows[i].options,
						  .ip_options_len = rows[i].len });
		assert_int_equal(dropped(lab, DROP_IP_BAD_OPTIONS), 1);
		assert_int_equal(lab->world.count, 1);
		assert_int_equal(sent_icmp(lab, 0)->type, ICMP_PARAMETER);
		assert_int_equal(((uint8_t *)sent_icmp(lab, 0))[4], rows[i].pointer);
		lab_destroy(lab);
	}
}

static void test_forwarded(void **state)
{
	static const struct {
		uint8_t in[40];
		unsigned len;
		uint8_t out[40];
	} rows[] = {
		{ BYTES(7, 7, 4, 0, 0, 0, 0, 0), { 7, 7, 8, 203, 0, 113, 254, 0 } },
		{ BYTES(7, 7, 8, 1, 2, 3, 4, 0), { 7, 7, 8, 1, 2, 3, 4, 0 } },          /* full */
		{ BYTES(7, 11, 8, 1, 2, 3, 4, 0, 0, 0, 0, 0), { 7, 11, 12, 1, 2, 3, 4, 203, 0, 113, 254, 0 } },
		{ BYTES(68, 8, 5, 0, 0, 0, 0, 0), { 68, 8, 9, 0, 0x00, 0x0f, 0x42, 0x40 } }, /* 1000 s = 1000000 ms */
		{ BYTES(68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0),
		  { 68, 12, 13, 1, 203, 0, 113, 254, 0x00, 0x0f, 0x42, 0x40 } },
		{ BYTES(68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0), { 68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0 } },
		{ BYTES(68, 12, 5, 3, 10, 1, 0, 254, 0, 0, 0, 0),
		  { 68, 12, 13, 3, 10, 1, 0, 254, 0x00, 0x0f, 0x42, 0x40 } },
		{ BYTES(68, 8, 9, 0, 0, 0, 0, 1), { 68, 8, 9, 0x10, 0, 0, 0, 1 } },      /* overflow counted */
		{ BYTES(148, 4, 0, 0), { 148, 4, 0, 0 } },
		{ BYTES(1, 0, 5, 6), { 1, 0, 0, 0 } },                                   /* after the end: cleared */
		{ BYTES(99, 4, 5, 6), { 99, 4, 5, 6 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);

		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ip_options = rows[i].in,
						  .ip_options_len = rows[i].len, .payload_len = 4 });
		assert_int_equal(lab->world.count, 1);
		assert_memory_equal((uint8_t *)sent_ip(lab, 0) + 20, rows[i].out, rows[i].len);
		lab_destroy(lab);
	}
}

static void test_source_route(void **state)
{
	static const uint8_t loose[] = { 131, 7, 4, 8, 8, 8, 8, 0 }, used[] = { 131, 7, 8, 10, 1, 0, 254, 0 };
	static const uint8_t strict[] = { 137, 7, 8, 10, 1, 0, 254, 0 };
	struct lab *lab = lab_create(NULL);
	struct craft c = { .src = "10.1.0.1", .dst = "8.8.8.8", .ip_options = used, .ip_options_len = 8 };

	(void)state;
	from_client(lab, &c);
	assert_int_equal(dropped(lab, DROP_IP_SOURCE_ROUTE), 1); /* off by default */
	lab->ns->conf.all.accept_source_route = 1;
	from_client(lab, &c);
	assert_int_equal(lab->world.count, 1);
	c.ip_options = strict; /* the next hop is a gateway */
	from_client(lab, &c);
	assert_int_equal(sent_icmp(lab, 1)->code, ICMP_SR_FAILED);
	c.ip_options = loose; /* would have to be followed by us */
	c.dst = "10.1.0.254";
	from_client(lab, &c);
	assert_int_equal(dropped(lab, DROP_IP_SOURCE_ROUTE), 3);
	lab_destroy(lab);
}

static void test_echo_options(void **state)
{
	static const uint8_t rr[] = { 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t answer[] = { 7, 11, 12, 10, 1, 0, 254, 10, 1, 0, 254, 0 };
	static const uint8_t expired[] = { 7, 11, 12, 10, 1, 0, 254, 10, 1, 0, 254, 0 };
	struct lab *lab = lab_create(NULL);

	(void)state;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.254", .icmp = true, .icmp_type = ICMP_ECHO,
					  .icmp_id = 5, .ip_options = rr, .ip_options_len = sizeof rr });
	assert_memory_equal((uint8_t *)sent_ip(lab, 0) + 20, answer, sizeof answer);
	assert_int_equal(sent_icmp(lab, 0)->id, htons(5));
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .ip_options = rr,
					  .ip_options_len = sizeof rr });
	assert_memory_equal((uint8_t *)sent_ip(lab, 1) + 20, expired, sizeof expired);
	assert_int_equal(sent_icmp(lab, 1)->type, ICMP_TIME_EXCEEDED);
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_source_route),
		cmocka_unit_test(test_echo_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
