/*
 * A fuzz target without a fuzzer: runner COUNT [SEED-FILE...] runs each file, then COUNT inputs made of noise and of changed files,
 * the same ones each time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX_LEN = 4096, MAX_SEEDS = 64 };

static struct seed {
	uint8_t bytes[MAX_LEN];
	size_t len;
} seeds[MAX_SEEDS + 1];

static uint64_t noise_state = 0x9e3779b97f4a7c15;

static uint32_t
noise(void)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return (uint32_t)(noise_state >> 20);
}

static void
make_input(size_t num_seeds, struct seed *out)
{
	*out = seeds[noise() % (num_seeds + 1)];
	if (out->len == 0) {
		out->len = noise() % 200;
		for (size_t i = 0; i < out->len; i++)
			out->bytes[i] = (uint8_t)noise();
	}
	for (uint32_t n = noise() % 4; n > 0 && out->len > 0; n--)
		out->bytes[noise() % out->len] ^= (uint8_t)noise();
	if (noise() % 4 == 0)
		out->len = noise() % (out->len + 1);
}

int
main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	size_t num_seeds = 0;
	struct seed input;

	for (int i = 2; i < argc && num_seeds < MAX_SEEDS; i++) {
		FILE *file = fopen(argv[i], "rb");

		if (file == NULL) {
			perror(argv[i]);
			return 1;
		}
		seeds[num_seeds].len = fread(seeds[num_seeds].bytes, 1, MAX_LEN, file);
		fclose(file);
		LLVMFuzzerTestOneInput(seeds[num_seeds].bytes, seeds[num_seeds].len);
		num_seeds++;
	}
	for (long i = 0; i < count; i++) {
		make_input(num_seeds, &input);
		LLVMFuzzerTestOneInput(input.bytes, input.len);
	}
	return 0;
}
