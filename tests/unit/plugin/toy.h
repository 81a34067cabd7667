/*
 * toy - a mechanism of which the tests know everything: a library as the configuration names one.
 *
 * Built in three ways: with the public functions by their names, with a table from gss_mech_initialize, and with functions
 * for messages in parts alone. It needs no GSS-API library. Three legs: "1", "2", "3". A message is a number and the text,
 * each byte xor 0x5a; a MIC the number and the length. What it gives out it allocates with toy_alloc of the program, if that
 * has one.
 */
#ifndef TESTS_UNIT_TOY_H
#define TESTS_UNIT_TOY_H

/* 1.3.6.1.4.1.5322.26.99.N, N by the way it was built. */
#define TOY_OID(last) "\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x63" last
enum { TOY_OID_LEN = 10 };
#define TOY_BY_NAMES TOY_OID("\x01")
#define TOY_BY_TABLE TOY_OID("\x02")
#define TOY_IN_PARTS TOY_OID("\x03")

/* Its minor statuses. The text of each is "toy: " and the number. */
enum { TOY_NOBODY = 4711, TOY_BAD_TOKEN = 12, TOY_BROKEN = 13, TOY_NO_MEMORY = 14 };

/* Names with a meaning: no credential; and the name that equals TOY_TWIN, which has other letters. */
#define TOY_NO_CRED "nobody"
#define TOY_TWIN "twin"
#define TOY_OTHER_TWIN "TWIN"

/* toy_break - exported: let the nth import of a context fail from now on; 0: none. */
typedef void toy_break_fn(int nth);

/* toy_live - exported: names, credentials and contexts that there are. */
typedef int toy_live_fn(void);

#endif
