/* careless - what a test sets in that library, and sees of it. */
#ifndef TESTS_UNIT_CARELESS_H
#define TESTS_UNIT_CARELESS_H

/* Contexts that there are. */
extern int careless_live;

/* What an export does, that says it has worked. */
enum careless_export {
	CARELESS_KEEPS,        /* a token, and the context is still there */
	CARELESS_GIVES_NOTHING /* no token */
};
extern enum careless_export careless_export;

#endif
