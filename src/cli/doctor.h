/*
 * doctor - what `baton doctor` looks at. Each check answers with what it found and, if that is not well, what to do.
 */
#ifndef BT_CLI_DOCTOR_H
#define BT_CLI_DOCTOR_H

#include <stddef.h>

/* UNSEEN: there is nothing to judge. */
enum cli_health { CLI_WELL, CLI_UNSEEN, CLI_WARN, CLI_FAIL };

struct cli_finding {
	enum cli_health health;
	char found[768];
	char advice[512]; /* "" if nothing is to be done */
};

struct cli_check {
	const char *name;
	void (*look)(struct cli_finding *finding);
};

/* In the order in which they are to be made and shown: some look at what an earlier one has made. */
extern const struct cli_check cli_checks[];
extern const size_t cli_num_checks;

/* cli_find, cli_advise - write to finding as printf does. */
void cli_find(struct cli_finding *finding, enum cli_health health, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cli_advise(struct cli_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Checks of the claim store, in doctor_store.c. */
void cli_check_directory(struct cli_finding *finding);
void cli_check_memory(struct cli_finding *finding);
void cli_check_table(struct cli_finding *finding);
void cli_check_settings(struct cli_finding *finding);
void cli_check_round_trip(struct cli_finding *finding);

#endif
