/*
 * play - a program of GSS calls, read as lines of text and played on whatever library this process has; what the calls say goes to
 * a transcript, in words that do not depend on chance, on the time of day, or on the machine.
 *
 * A line is an operation and numbers. An operation asks for its choices one by one (play_pick), and each takes the next number of
 * the line: so any line means something, and a line cut short means the same with the plainest choices, which are those with
 * number 0. Handles are kept in a few places under small numbers, which are empty at first.
 */
#ifndef BATON_TESTS_PLAY_H
#define BATON_TESTS_PLAY_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUM_OF(array) (sizeof(array) / sizeof(array)[0])
/* A buffer or an OID. */
#define PLAY_BYTES(len, literal) {len, (char *)(literal)}

struct play_op {
	const char *name;
	void (*play)(void);
};

extern const struct play_op play_names[], play_mechs[], play_creds[], play_contexts[], play_questions[],
	play_messages[], play_pieces[];

/* ---- choices ---- */

/* play_pick - 0..num-1, by the line's next number. */
unsigned play_pick(unsigned num);
/* play_rarely - true once in a while. */
bool play_rarely(void);
/* play_minor - where a call's minor status goes: to play_minor_said, rarely nowhere. Told. */
OM_uint32 *play_minor(void);
/* play_mech - one of the mechanisms, NULL, or an OID that is none. Told. */
gss_OID play_mech(const char *what);
/* play_oids - a set of mechanisms or GSS_C_NO_OID_SET. Told. Lives until the next call. */
gss_OID_set play_oids(const char *what);
/* play_type - a name type, NULL, or an OID that is none. Told. */
gss_OID play_type(const char *what);
/* play_lifetime - told. */
OM_uint32 play_lifetime(const char *what);
/* play_alter - a copy of bytes, rarely altered, which is told; the caller frees value. */
gss_buffer_desc play_alter(const char *what, const gss_buffer_desc *from, unsigned odds);

/* ---- the transcript ---- */

extern OM_uint32 play_minor_said;

/* play_call - begin a line. */
void play_call(const char *name);
/* play_say - go on with it. */
void play_say(const char *form, ...) __attribute__((format(printf, 1, 2)));
/* play_said - the statuses of the call, and the text of the minor one if there was a failure. */
void play_said(OM_uint32 major);
void play_say_oid(const char *what, gss_const_OID oid);
void play_say_oids(const char *what, gss_const_OID_set set);
/* play_say_bytes - all, as text where they are text. */
void play_say_bytes(const char *what, const gss_buffer_desc *bytes);
/* play_say_name - what gss_display_name says, which is no line of its own. */
void play_say_name(const char *what, gss_name_t name);
void play_say_lifetime(const char *what, OM_uint32 seconds);
/* play_say_set - a buffer set, and release it. */
void play_say_set(gss_buffer_set_t *set);

/* ---- places ---- */

enum { NUM_NAMES = 4, NUM_CREDS = 4, NUM_PAIRS = 3, NUM_BYTES = 4, NUM_MESSAGES = 6, MAX_TEXT = 70000 };

extern gss_name_t play_name_at[NUM_NAMES];
extern gss_cred_id_t play_cred_at[NUM_CREDS];
/* What was exported or encapsulated. */
extern gss_buffer_desc play_bytes_at[NUM_BYTES];

/* Both ends of a context: 0 is the initiator. */
struct play_pair {
	gss_ctx_id_t ctx[2];
	gss_buffer_desc token[2]; /* that side's to read */
	gss_name_t target;        /* made from text */
	gss_OID mech;
	unsigned target_number, bindings[2], cred[2];
	OM_uint32 flags, lifetime_s;
	bool is_done[2];
};
extern struct play_pair play_pairs[NUM_PAIRS];

/* play_name_source, play_cred_source - one of the places, told by its number, and rather one that is filled. */
gss_name_t *play_name_source(const char *what);
gss_cred_id_t *play_cred_source(const char *what);
/* play_name_place and so on - any of the places. */
gss_name_t *play_name_place(const char *what);
gss_cred_id_t *play_cred_place(const char *what);
gss_buffer_desc *play_bytes_place(const char *what);
/* play_ctx_place - a side of a pair, rather of one with contexts, told. */
gss_ctx_id_t *play_ctx_place(unsigned *pair, unsigned *side);
/* play_put - replace what is there: bytes are copied. */
void play_put_name(gss_name_t *place, gss_name_t name);
void play_put_cred(gss_cred_id_t *place, gss_cred_id_t cred);
void play_put_bytes(gss_buffer_desc *place, const gss_buffer_desc *bytes);

/* play_path - a file of the directory that each program has for itself, which holds copies of the realm's caches. */
const char *play_path(const char *name);
/* play_realm_path - a file of the realm's directory. */
const char *play_realm_path(const char *name);

/* ---- the clock, which stands still ---- */

void play_clock_set(int64_t wall_s);
void play_clock_advance(int64_t seconds);
int64_t play_clock_now(void);

#endif
