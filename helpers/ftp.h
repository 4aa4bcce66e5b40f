/* ftp.h - reading FTP control lines: open to the fuzzer and the tests. */
#ifndef HELPERS_FTP_H
#define HELPERS_FTP_H

#include "conntrack/tuple.h"

enum ftp_type { FTP_PORT, FTP_EPRT, FTP_PASV, FTP_EPSV };
enum ftp_found { FTP_NONE, FTP_PARTIAL, FTP_LINE };

/* What a line says. */
struct ftp_line {
	uint8_t type;      /* enum ftp_type */
	uint32_t off, len; /* of the field with address and port, from the start of the text */
	uint32_t addr;     /* network order */
	uint16_t port;     /* host order */
};

/* ftp_read: looks for a command (@dir CT_ORIGINAL) or an answer (CT_REPLY) at the start of @len bytes at @s.
 * @line->addr must hold the speaker's address: 229 names none. @word: the word that was (partly) recognized.
 * Return: FTP_LINE: @line is filled; FTP_PARTIAL: it begins like one but is not all there; FTP_NONE. */
enum ftp_found ftp_read(enum ct_dir dir, const char *s, uint32_t len, struct ftp_line *line,
			const char **word);

#endif
