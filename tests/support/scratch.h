/*
 * scratch - directories for a test's files, which go when it has ended, however it ends: by itself, by a signal, or killed.
 */
#ifndef BATON_TESTS_SCRATCH_H
#define BATON_TESTS_SCRATCH_H

/* scratch_dir - as mkdtemp(3). A process of its own removes what is left, once this one and all that were forked from it have ended. */
char *scratch_dir(char *template);

/* scratch_file - as mkstemp(3), and likewise. */
int scratch_file(char *template);

#endif
