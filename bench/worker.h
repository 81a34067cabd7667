/*
 * worker - what the benchmark and its workers say to each other.
 *
 * A worker says "ready VERSION" when its library is there (VERSION is "-" where the library does not tell), and then answers each line
 * "ROW SERVICE SIZE THREADS MILLISECONDS" with a number: operations per second of all threads together, or bytes for the rows that measure
 * those. One that cannot go on says why on standard error and ends.
 */
#ifndef BATON_BENCH_WORKER_H
#define BATON_BENCH_WORKER_H

/* The end of one whose library is not on this machine. */
enum { WORKER_HAS_NO_LIBRARY = 77 };

#endif
