#include "transfer/audience.h"

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
