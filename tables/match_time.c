/* match_time.c - the time of the day, the week, the month; dates (net/netfilter/xt_time.c).
 *
 * The wall clock of the router decides, in UTC. --kerneltz asks for the zone that was given to the kernel by
 * settimeofday(2): the router has none, as a kernel to which nobody gave one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_DATESTART, O_DATESTOP, O_TIMESTART, O_TIMESTOP, O_CONTIGUOUS, O_MONTHDAYS, O_WEEKDAYS, O_UTC, O_KERNELTZ, O_LOCALTZ };
enum { DAY = 86400, NS_PER_S = 1000000000, YEAR_FIRST = 1970, YEAR_LAST = 2038, MONTHDAYS_MAX = 31 };
#define ALL_MONTHDAYS 0xfffffffeu /* bits 1..31 */
#define ALL_WEEKDAYS 0xfeu        /* bits 1..7, Monday first */

struct time_data {
	uint32_t date_start, date_stop; /* s since 1970 */
	uint32_t monthdays;
	uint32_t day_start, day_stop; /* s since midnight */
	uint8_t weekdays;
	bool contiguous, kerneltz;
};

static const struct opt_row rows[] = {
	{ .name = "datestart", .id = O_DATESTART, .type = OPT_CUSTOM },
	{ .name = "datestop", .id = O_DATESTOP, .type = OPT_CUSTOM },
	{ .name = "timestart", .id = O_TIMESTART, .type = OPT_CUSTOM },
	{ .name = "timestop", .id = O_TIMESTOP, .type = OPT_CUSTOM },
	{ .name = "contiguous", .id = O_CONTIGUOUS, .type = OPT_NONE },
	{ .name = "weekdays", .id = O_WEEKDAYS, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "monthdays", .id = O_MONTHDAYS, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "localtz", .id = O_LOCALTZ, .type = OPT_NONE, .excludes = 1u << O_UTC }, /* old name */
	{ .name = "utc", .id = O_UTC, .type = OPT_NONE, .excludes = 1u << O_KERNELTZ | 1u << O_LOCALTZ },
	{ .name = "kerneltz", .id = O_KERNELTZ, .type = OPT_NONE, .excludes = 1u << O_UTC },
};

static const char *const week[] = { NULL, "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* --- options ------------------------------------------------------------------------------------------------------ */

/* parse_date: YYYY[-MM[-DD[Thh[:mm[:ss]]]]]. As in libxt_time a part without digits is 0, and a month or day 0 is the one
 * before the first, as mktime(3) has it; what comes before 1970 it does not know. */
static int parse_date(struct opt_call *c, uint32_t *out)
{
	static const struct {
		char before;
		uint8_t max;
	} part[] = { { '-', 12 }, { '-', 31 }, { 'T', 23 }, { ':', 59 }, { ':', 59 } };
	unsigned value[5] = { 1, 1, 0, 0, 0 }, i = 0;
	char *end;
	unsigned year = (unsigned)strtoul(c->arg, &end, 10);
	struct tm tm = { 0 };
	time_t when;

	if (year < YEAR_FIRST || year > YEAR_LAST)
		goto bad;
	for (; *end && i < 5; i++) {
		char *from = end + 1;

		if (*end != part[i].before)
			goto bad;
		value[i] = (unsigned)strtoul(from, &end, 10);
		if (value[i] > part[i].max)
			goto bad;
	}
	if (*end)
		goto bad;
	tm = (struct tm){ .tm_year = (int)year - 1900, .tm_mon = (int)value[0] - 1, .tm_mday = (int)value[1],
			  .tm_hour = (int)value[2], .tm_min = (int)value[3], .tm_sec = (int)value[4] };
	when = timegm(&tm);
	if (when < 0) {
		rule_fail_code(c->err, 1, "mktime returned an error");
		c->err->told = true;
		return -1;
	}
	*out = (uint32_t)when;
	return 0;
bad:
	return rule_fail(c->err, "Invalid date \"%s\" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]", c->arg);
}

/* parse_daytime: hh:mm[:ss]; each part decimal, an empty one is 0. */
static int parse_daytime(struct opt_call *c, uint32_t *out)
{
	static const unsigned long max[] = { 23, 59, 59 };
	unsigned long value[3] = { 0 };
	const char *at = c->arg;
	char *end;
	unsigned i = 0;

	for (; i < 3; i++) {
		value[i] = strtoul(at, &end, 10);
		if (value[i] > max[i] || (*end && (*end != ':' || i == 2)) || (i == 0 && !*end))
			return rule_fail(c->err,
					 "invalid time \"%s\" specified, should be hh:mm[:ss] format and within the "
					 "boundaries",
					 at);
		if (!*end)
			break;
		at = end + 1;
	}
	*out = (uint32_t)(60 * 60 * value[0] + 60 * value[1] + value[2]);
	return 0;
}

/* parse_monthdays: 0..31 with commas between, an empty one being 0. As in libxt_time only the first two characters of a number count, and 0 before
 * them means octal. */
static int parse_monthdays(struct opt_call *c, uint32_t *out)
{
	const char *at = c->arg;

	while (*at) {
		size_t len = strcspn(at, ",");
		unsigned long day;
		char two[3], *end;

		snprintf(two, sizeof two, "%.*s", (int)len, at);
		day = strtoul(two, &end, 0);
		if (*end || day > MONTHDAYS_MAX)
			return rule_fail(c->err, "%s is not a valid day for --monthdays", two);
		*out |= (uint32_t)1 << day;
		at += len + (at[len] == ',');
	}
	return 0;
}

/* weekday_of: the number of a day: at least its first two letters, as written in the list. Return: 0 if unknown. */
static unsigned weekday_of(const char *text, size_t len)
{
	for (unsigned i = 1; len >= 2 && i < 8; i++)
		if (!strncmp(text, week[i], 2))
			return i;
	return 0;
}

/* parse_weekdays: names or 1 (Monday) to 7, commas between. */
static int parse_weekdays(struct opt_call *c, uint8_t *out)
{
	const char *at = c->arg;

	while (*at) {
		size_t len = strcspn(at, ",");
		char *end;
		unsigned long day = strtoul(at, &end, 10);

		if (end == at + len) {
			if (!day)
				return rule_fail(c->err, "No, the week does NOT begin with Sunday.");
		} else {
			day = weekday_of(at, len);
			if (!day)
				return rule_fail(c->err, "%.*s is not a valid day specifier",
						 len > 3 ? 3 : (int)len, at);
		}
		if (day < 8)
			*out |= (uint8_t)(1u << day);
		at += len + (at[len] == ',');
	}
	return 0;
}

static void time_init(void *data)
{
	struct time_data *d = data;

	d->date_stop = INT32_MAX;
	d->day_stop = DAY - 1;
	d->monthdays = ALL_MONTHDAYS;
	d->weekdays = ALL_WEEKDAYS;
}

static int time_parse(struct opt_call *c)
{
	struct time_data *d = c->data;

	switch (c->row->id) {
	case O_DATESTART:
		return parse_date(c, &d->date_start);
	case O_DATESTOP:
		return parse_date(c, &d->date_stop);
	case O_TIMESTART:
		return parse_daytime(c, &d->day_start);
	case O_TIMESTOP:
		return parse_daytime(c, &d->day_stop);
	case O_MONTHDAYS:
		d->monthdays = 0;
		if (parse_monthdays(c, &d->monthdays))
			return -1;
		if (c->invert)
			d->monthdays ^= ALL_MONTHDAYS;
		return 0;
	case O_WEEKDAYS:
		d->weekdays = 0;
		if (parse_weekdays(c, &d->weekdays))
			return -1;
		if (c->invert)
			d->weekdays ^= ALL_WEEKDAYS;
		return 0;
	case O_CONTIGUOUS:
		d->contiguous = true;
		return 0;
	case O_LOCALTZ:
		opt_warn(c, "WARNING: --localtz is being replaced by --kerneltz, since \"local\" is ambiguous. Note the kernel "
			    "timezone has caveats - see manpage for details.");
		/* fallthrough */
	case O_KERNELTZ:
		d->kerneltz = true;
		return 0;
	default:
		return 0;
	}
}

static int time_check(struct opt_call *c)
{
	const struct time_data *d = c->data;

	if (d->contiguous && d->day_start < d->day_stop)
		return rule_fail(c->err, "time: --contiguous only makes sense when stoptime is smaller than starttime");
	return 0;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* put_daytime: "08:00:00". */
static void put_daytime(struct text *out, uint32_t s)
{
	text_printf(out, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
}

/* put_date: "2026-01-01", the separator, "10:00:00". */
static void put_date(struct text *out, uint32_t date, char separator)
{
	time_t t = (time_t)date;
	struct tm tm;

	gmtime_r(&t, &tm);
	text_printf(out, "%d-%02d-%02d%c%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, separator, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
}

/* put_monthdays: "1,2", or with @ordinal "1st,2nd", English as libxt_time knows it ("11st"). */
static void put_monthdays(struct text *out, uint32_t days, bool ordinal)
{
	static const char *const ending[] = { "th", "st", "nd", "rd" };
	const char *comma = " ";

	if (!(days & ALL_MONTHDAYS))
		text_puts(out, " ");
	for (unsigned i = 1; i <= MONTHDAYS_MAX; i++) {
		if (!(days >> i & 1))
			continue;
		text_printf(out, "%s%u%s", comma, i, !ordinal ? "" : ending[i % 10 > 3 ? 0 : i % 10]);
		comma = ",";
	}
}

/* put_weekdays: "Mon,Tue". */
static void put_weekdays(struct text *out, uint8_t days)
{
	const char *comma = " ";

	if (!(days & ALL_WEEKDAYS))
		text_puts(out, " ");
	for (unsigned i = 1; i < 8; i++) {
		if (!(days >> i & 1))
			continue;
		text_printf(out, "%s%s", comma, week[i]);
		comma = ",";
	}
}

static void time_print(const void *data, bool numeric, struct text *out)
{
	const struct time_data *d = data;

	(void)numeric;
	text_puts(out, " TIME");
	if (d->day_start || d->day_stop != DAY - 1) {
		text_puts(out, " from ");
		put_daytime(out, d->day_start);
		text_puts(out, " to ");
		put_daytime(out, d->day_stop);
	}
	if (d->weekdays != ALL_WEEKDAYS) {
		text_puts(out, " on");
		put_weekdays(out, d->weekdays);
	}
	if (d->monthdays != ALL_MONTHDAYS) {
		text_puts(out, " on");
		put_monthdays(out, d->monthdays, true);
	}
	if (d->date_start) {
		text_puts(out, " starting from ");
		put_date(out, d->date_start, ' ');
	}
	if (d->date_stop != INT32_MAX) {
		text_puts(out, d->date_stop ? " until date " : " until date");
		if (d->date_stop)
			put_date(out, d->date_stop, ' ');
	}
	if (!d->kerneltz)
		text_puts(out, " UTC");
	if (d->contiguous)
		text_puts(out, " contiguous");
}

static void time_save(const void *data, struct text *out)
{
	const struct time_data *d = data;

	if (d->day_start || d->day_stop != DAY - 1) {
		text_puts(out, " --timestart ");
		put_daytime(out, d->day_start);
		text_puts(out, " --timestop ");
		put_daytime(out, d->day_stop);
	}
	if (d->monthdays != ALL_MONTHDAYS) {
		text_puts(out, " --monthdays");
		put_monthdays(out, d->monthdays, false);
	}
	if (d->weekdays != ALL_WEEKDAYS) {
		text_puts(out, " --weekdays");
		put_weekdays(out, d->weekdays);
	}
	if (d->date_start) {
		text_puts(out, " --datestart ");
		put_date(out, d->date_start, 'T');
	}
	if (d->date_stop) {
		text_puts(out, " --datestop ");
		put_date(out, d->date_stop, 'T');
	}
	if (d->kerneltz)
		text_puts(out, " --kerneltz");
	if (d->contiguous)
		text_puts(out, " --contiguous");
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* month_day: the day of the month (1..31) of a day since 1970; civil-from-days of H. Hinnant, no tables. */
static unsigned month_day(uint64_t days)
{
	uint64_t z = days + 719468, of_era = z % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153;

	return (unsigned)(of_year - (153 * month + 2) / 5 + 1);
}

/* daytime_fits: whether @now (s since midnight) is between start and stop, over midnight where stop is not later. */
static bool daytime_fits(const struct time_data *d, uint32_t now)
{
	if (d->day_start < d->day_stop)
		return now >= d->day_start && now <= d->day_stop;
	return now >= d->day_start || now <= d->day_stop;
}

static bool time_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct time_data *d = data;
	const struct netstack *ns = env->st->ns;
	uint64_t now = (uint64_t)((int64_t)ns->now + ns->wall_offset) / NS_PER_S;
	uint32_t of_day = (uint32_t)(now % DAY);

	(void)p;
	if (now < d->date_start || now > d->date_stop || !daytime_fits(d, of_day))
		return false;
	if (d->contiguous && d->day_start >= d->day_stop && of_day <= d->day_stop)
		now -= DAY; /* belongs to the evening before */
	now /= DAY;
	if (!(d->weekdays >> ((now + 3) % 7 + 1) & 1)) /* 1970-01-01 was a Thursday */
		return false;
	return d->monthdays == ALL_MONTHDAYS || d->monthdays >> month_day(now) & 1;
}

const struct match_ops match_time = {
	.name = "time",
	.size = sizeof(struct time_data),
	OPT_ROWS(rows),
	.init = time_init,
	.parse = time_parse,
	.check = time_check,
	.print = time_print,
	.save = time_save,
	.match = time_match,
};
