/* RFC 3961 appendix A.1: n-fold. */
#include "crypto_vector.h"

#include "crypto/derive.h"

static void
nfold(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} vectors[] = {
	    {"012345", "be072631276b1955"},
	    {"password", "78a07b6caf85fa"},
	    {"Rough Consensus, and Running Code", "bb6ed30870b7f0e0"},
	    {"password", "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e"},
	    {"MASSACHVSETTS INSTITVTE OF TECHNOLOGY", "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"},
	    {"Q", "518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15"},
	    {"ba", "fb25d531 ae897449 9f52fd92 ea9857c4 ba24cf29 7e"},
	    {"kerberos", "6b657262 65726f73"},
	    {"kerberos", "6b657262 65726f73 7b9b5b2b 93132b93"},
	    {"kerberos", "8372c236 344e5f15 50cd0747 e15d62ca 7a5a3bce a4"},
	    {"kerberos", "6b657262 65726f73 7b9b5b2b 93132b93 5c9bdcda d95c9899 c4cae4de e6d6cae4"},
	};
	uint8_t want[32], got[32];

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		size_t len = hex_to(vectors[i].out, want);

		bt_crypto_nfold(bt_bytes_of_str(vectors[i].in), got, len);
		assert_memory_equal(got, want, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nfold)};

	return cmocka_run_group_tests_name("RFC 3961", tests, NULL, NULL);
}
