/*
 * style - how the commands that show something write: colours where they are seen and wanted, durations, JSON.
 */
#ifndef BT_CLI_STYLE_H
#define BT_CLI_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GREEN, CLI_YELLOW, CLI_RED };

/* cli_style_begin - look whether standard output is a terminal, and NO_COLOR (no-color.org) and TERM allow colours. */
void cli_style_begin(void);

/* cli_paint - what changes the colour from here on; "" where there are none. */
const char *cli_paint(enum cli_colour colour);

/* How a duration is written, "9 min 58 s"; negative ones as their amount. */
enum { CLI_DURATION_LEN = 32 };
const char *cli_duration(int64_t ms, char text[static CLI_DURATION_LEN]);

/* cli_bytes - "1.5 GiB". */
const char *cli_bytes(uint64_t bytes, char text[static CLI_DURATION_LEN]);

/* cli_json_text - value as a JSON string on standard output; bytes that are no UTF-8 as U+FFFD. */
void cli_json_text(const char *value);

/* cli_status_text - what gss_display_status says of a minor status, or where that is nothing, of the major. */
enum { CLI_STATUS_LEN = 512 };
const char *cli_status_text(uint32_t major, uint32_t minor, char text[static CLI_STATUS_LEN]);

#endif
