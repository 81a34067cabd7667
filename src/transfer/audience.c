#include "transfer/audience.h"

#include <unistd.h>

#include "base/err.h"
#include "transfer/process.h"

/* ---- bytes ---- */

size_t
bt_transfer_audience_len(uint8_t bits)
{
	size_t num_processes = (bits & BT_AUDIENCE_GROUP) != 0;

	num_processes += (bits & BT_AUDIENCE_SESSION) != 0;
	num_processes += (bits & BT_AUDIENCE_PID) != 0;
	return num_processes * 12 + ((bits & BT_AUDIENCE_CGROUP) != 0 ? BT_AUDIENCE_CGROUP_LEN : 0);
}

static void
write_process(struct bt_wr *wr, const struct bt_audience_process *process)
{
	bt_wr_be32(wr, process->pid);
	bt_wr_be64(wr, process->started_at);
}

void
bt_transfer_audience_write(struct bt_wr *wr, const struct bt_audience *audience)
{
	if ((audience->bits & BT_AUDIENCE_GROUP) != 0)
		write_process(wr, &audience->group);
	if ((audience->bits & BT_AUDIENCE_SESSION) != 0)
		write_process(wr, &audience->session);
	if ((audience->bits & BT_AUDIENCE_PID) != 0)
		write_process(wr, &audience->process);
	if ((audience->bits & BT_AUDIENCE_CGROUP) != 0)
		bt_wr_bytes(wr, bt_bytes_of(audience->cgroup, sizeof audience->cgroup));
}

static void
read_process(struct bt_rd *rd, struct bt_audience_process *out)
{
	out->pid = bt_rd_be32(rd);
	out->started_at = bt_rd_be64(rd);
}

void
bt_transfer_audience_read(struct bt_rd *rd, uint8_t bits, struct bt_audience *out)
{
	struct bt_bytes cgroup;

	*out = (struct bt_audience){.bits = bits};
	if ((bits & BT_AUDIENCE_GROUP) != 0)
		read_process(rd, &out->group);
	if ((bits & BT_AUDIENCE_SESSION) != 0)
		read_process(rd, &out->session);
	if ((bits & BT_AUDIENCE_PID) != 0)
		read_process(rd, &out->process);
	if ((bits & BT_AUDIENCE_CGROUP) == 0)
		return;
	cgroup = bt_rd_bytes(rd, sizeof out->cgroup);
	if (cgroup.len != 0)
		memcpy(out->cgroup, cgroup.ptr, cgroup.len);
}

/* ---- this process ---- */

/* The kernel says 0 of a leader that is not in this process's pid namespace: then there is no name that others would know. */
static int
look_at_leader(enum bt_process_role role, const char *what, struct bt_audience_process *out)
{
	pid_t pid = role == BT_PROCESS_GROUP ? getpgrp() : getsid(0);

	if (pid <= 0)
		return bt_err_note(BT_ERR_AUDIENCE, "this process's %s is of another pid namespace", what);
	return bt_transfer_process_look(role, (uint32_t)pid, out);
}

static int
look_at_group(struct bt_audience_process *out)
{
	return look_at_leader(BT_PROCESS_GROUP, "process group", out);
}

static int
look_at_session(struct bt_audience_process *out)
{
	return look_at_leader(BT_PROCESS_SESSION, "session", out);
}

/* ---- export ---- */

static int
look_at_named(uint32_t pid, struct bt_audience_process *out)
{
	int e = bt_transfer_process_look(BT_PROCESS_NAMED, pid, out);

	if (e == 0 && out->started_at == 0)
		e = bt_err_note(BT_ERR_AUDIENCE, "there is no process %lu", (unsigned long)pid);
	return e;
}

int
bt_transfer_audience_of(const struct bt_audience_rule *rule, bool is_other_account, struct bt_audience *out)
{
	int e = 0;

	*out = (struct bt_audience){.bits = rule->bits & (uint8_t)~BT_AUDIENCE_ACCOUNT};
	if (is_other_account)
		out->bits |= BT_AUDIENCE_ACCOUNT;
	if ((out->bits & BT_AUDIENCE_GROUP) != 0)
		e = look_at_group(&out->group);
	if (e == 0 && (out->bits & BT_AUDIENCE_SESSION) != 0)
		e = look_at_session(&out->session);
	if (e == 0 && (out->bits & BT_AUDIENCE_PID) != 0)
		e = look_at_named(rule->pid, &out->process);
	if (e == 0 && (out->bits & BT_AUDIENCE_CGROUP) != 0)
		e = bt_transfer_process_cgroup(out->cgroup);
	if (e != 0)
		*out = (struct bt_audience){0};
	return e;
}

/* ---- import ---- */

/*
 * A number of a group or session is not given out again while it has members, so it is another one only if a leader lives that is not
 * the token's. That the leader has ended is the daemons' usual case, and says nothing.
 */
static bool
is_same_leader(const struct bt_audience_process *of_token, const struct bt_audience_process *own)
{
	return of_token->pid == own->pid && (own->started_at == 0 || of_token->started_at == own->started_at);
}

static int
refuse_leader(const char *what, const struct bt_audience_process *of_token, const struct bt_audience_process *own)
{
	return bt_err_note(BT_ERR_TOKEN_AUDIENCE, "the token is for processes of %s %lu%s, and this one is of %lu", what,
			   (unsigned long)of_token->pid, of_token->pid == own->pid ? " before its number was used again" : "",
			   (unsigned long)own->pid);
}

static int
admit_group(const struct bt_audience *audience)
{
	struct bt_audience_process own;
	int e = look_at_group(&own);

	return e != 0 || is_same_leader(&audience->group, &own) ? e : refuse_leader("process group", &audience->group, &own);
}

static int
admit_session(const struct bt_audience *audience)
{
	struct bt_audience_process own;
	int e = look_at_session(&own);

	return e != 0 || is_same_leader(&audience->session, &own) ? e : refuse_leader("session", &audience->session, &own);
}

static int
admit_process(const struct bt_audience *audience)
{
	const struct bt_audience_process *wanted = &audience->process;
	struct bt_audience_process own = {.pid = (uint32_t)getpid()};
	int e;

	if (wanted->pid != own.pid)
		return bt_err_note(BT_ERR_TOKEN_AUDIENCE, "the token is for process %lu, and this is %lu", (unsigned long)wanted->pid,
				   (unsigned long)own.pid);
	if ((e = bt_transfer_process_look(BT_PROCESS_SELF, own.pid, &own)) != 0)
		return e;
	if (own.started_at != wanted->started_at)
		e = bt_err_note(BT_ERR_TOKEN_AUDIENCE, "the token is for another process %lu, which was there at the export",
				(unsigned long)wanted->pid);
	return e;
}

static int
admit_cgroup(const struct bt_audience *audience)
{
	uint8_t own[BT_AUDIENCE_CGROUP_LEN];
	int e = bt_transfer_process_cgroup(own);

	if (e == 0 && memcmp(own, audience->cgroup, sizeof own) != 0)
		e = bt_err_note(BT_ERR_TOKEN_AUDIENCE, "the token is for processes of the control group that its exporter was in");
	return e;
}

int
bt_transfer_audience_admit(const struct bt_audience *audience)
{
	int e = 0;

	if ((audience->bits & BT_AUDIENCE_GROUP) != 0)
		e = admit_group(audience);
	if (e == 0 && (audience->bits & BT_AUDIENCE_SESSION) != 0)
		e = admit_session(audience);
	if (e == 0 && (audience->bits & BT_AUDIENCE_PID) != 0)
		e = admit_process(audience);
	if (e == 0 && (audience->bits & BT_AUDIENCE_CGROUP) != 0)
		e = admit_cgroup(audience);
	return e;
}
