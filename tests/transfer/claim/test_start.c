/* Who may open the table, and who makes it: many at once, after fork and exec, as another user. */
#include "processes.h"
#include "support/root.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { NUM_STARTERS = 16, NUM_ROUNDS = 40 };

static struct {
	struct bt_claim_ref refs[NUM_STARTERS];
	uint8_t key[BT_CLAIM_KEY_LEN];
} * shared;
static pthread_barrier_t *gate;
static const char *self;

static void
start(int nth)
{
	uint8_t key[BT_CLAIM_KEY_LEN];

	pthread_barrier_wait(gate);
	shared->refs[nth] = processes_claim(60000, key);
}

/* All of them get the same table, and nobody's claim is lost in one that another has overwritten. */
static void
many_at_once(void)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	pid_t pids[NUM_STARTERS];

	gate = processes_barrier(NUM_STARTERS);
	for (int round = 0; round < NUM_ROUNDS; round++) {
		unlink(processes_path);
		/* Half of the rounds: the directory, too. */
		if (round % 2 == 0)
			CHECK(rmdir(processes_dir) == 0);
		/* A table is looked at once a millisecond, and a round can be shorter. */
		processes_sleep_ms(1);
		processes_start_all(start, NUM_STARTERS, pids);
		processes_join(pids, NUM_STARTERS);
		for (int i = 0; i < NUM_STARTERS; i++) {
			CHECK(memcmp(shared->refs[i].store_id, shared->refs[0].store_id, BT_CLAIM_STORE_ID_LEN) == 0);
			CHECK(processes_import(&shared->refs[i], key) == 0);
		}
	}
}

static void
import_inherited(int nth)
{
	uint8_t key[BT_CLAIM_KEY_LEN];

	CHECK(processes_import(&shared->refs[0], key) == 0);
	CHECK(memcmp(key, shared->key, sizeof key) == 0);
}

static void
forked_child(void)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	pid_t pid;

	shared->refs[0] = processes_claim(60000, shared->key);
	pid = processes_start(import_inherited, 0);
	processes_join(&pid, 1);
	CHECK(processes_import(&shared->refs[0], key) == BT_ERR_TOKEN_USED);
}

/* A program of its own, which inherits nothing but the environment; the claim comes as a hexadecimal argument. */
static void
run_self(int nth)
{
	char hex[2 * sizeof shared->refs[0] + 1];

	for (size_t i = 0; i < sizeof shared->refs[0]; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)&shared->refs[0])[i]);
	execl(self, self, hex, (char *)NULL);
	CHECK(!"exec");
}

static int
import_argument(const char *hex)
{
	struct bt_claim_ref ref;
	uint8_t key[BT_CLAIM_KEY_LEN];
	unsigned byte;

	CHECK(strlen(hex) == 2 * sizeof ref);
	for (size_t i = 0; i < sizeof ref; i++) {
		CHECK(sscanf(hex + 2 * i, "%2x", &byte) == 1);
		((uint8_t *)&ref)[i] = (uint8_t)byte;
	}
	return processes_import(&ref, key) == 0 ? 0 : 1;
}

static void
executed_program(void)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	pid_t pid;

	shared->refs[0] = processes_claim(60000, shared->key);
	pid = processes_start(run_self, 0);
	processes_join(&pid, 1);
	CHECK(processes_import(&shared->refs[0], key) == BT_ERR_TOKEN_USED);
}

static void
export_and_end(int nth)
{
	shared->refs[0] = processes_claim(60000, shared->key);
}

static void
exporter_is_gone(void)
{
	pid_t pid = processes_start(export_and_end, 0);
	uint8_t key[BT_CLAIM_KEY_LEN];

	processes_join(&pid, 1);
	processes_sleep_ms(50000);
	bt_claim_sweep(processes_store());
	CHECK(processes_import(&shared->refs[0], key) == 0);
	CHECK(memcmp(key, shared->key, sizeof key) == 0);
}

static void
be_another_user(int nth)
{
	struct bt_claim_store *store;
	uint8_t key[BT_CLAIM_KEY_LEN];
	char other[96];

	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	CHECK(open(processes_path, O_RDONLY) == -1 && errno == EACCES);
	CHECK(open(processes_path, O_RDWR | O_CREAT, 0600) == -1 && errno == EACCES);
	CHECK(unlink(processes_path) == -1 && errno == EACCES);
	snprintf(other, sizeof other, "%s.moved", processes_dir);
	/* Sticky /dev/shm: nor can the directory be moved away. */
	CHECK(rename(processes_dir, other) == -1 && (errno == EPERM || errno == EACCES));
	CHECK(processes_import(&shared->refs[0], key) == BT_ERR_STORE_OWNER);
	CHECK(bt_claim_user_store(true, &store) == BT_ERR_STORE_OWNER && store == NULL);
}

static void
another_user(void)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	pid_t pid;

	if (!is_root()) {
		printf("not root: another user is not tried\n");
		return;
	}
	shared->refs[0] = processes_claim(60000, shared->key);
	pid = processes_start(be_another_user, 0);
	processes_join(&pid, 1);
	CHECK(processes_import(&shared->refs[0], key) == 0);
	CHECK(memcmp(key, shared->key, sizeof key) == 0);
}

int
main(int argc, char **argv)
{
	if (argc == 2)
		return import_argument(argv[1]);
	self = argv[0];
	processes_init();
	shared = processes_share(sizeof *shared);
	many_at_once();
	forked_child();
	executed_program();
	exporter_is_gone();
	another_user();
	return 0;
}
