#include "mech/krb5/portable.h"

#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/json.h"

#define MAGIC "K5C1"

/* ---- freeing ---- */

static void
free_text(char *text)
{
	if (text != NULL)
		bt_mem_free_secret(text, strlen(text));
}

static void
free_list(struct bt_krb5_typed_list *list)
{
	for (size_t i = 0; i < list->num; i++)
		bt_buf_free(&list->items[i].bytes);
	bt_mem_free(list->items);
}

static void
free_ticket(struct bt_krb5_portable_ticket *ticket)
{
	free_text(ticket->client);
	free_text(ticket->server);
	bt_buf_free(&ticket->key);
	free_list(&ticket->addresses);
	bt_buf_free(&ticket->ticket);
	bt_buf_free(&ticket->second_ticket);
	free_list(&ticket->authdata);
}

void
bt_krb5_portable_done(struct bt_krb5_portable *portable)
{
	char *const texts[] = {portable->principal,	portable->service, portable->host,   portable->impersonator,
			       portable->keytab,	portable->rcache,  portable->ccache, portable->owner,
			       portable->client_keytab, portable->password};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free_text(texts[i]);
	for (size_t i = 0; i < portable->num_tickets; i++)
		free_ticket(&portable->tickets[i]);
	bt_mem_free(portable->tickets);
	bt_mem_wipe(portable, sizeof *portable);
}

/* ---- reading ---- */

static int32_t
read_int32(struct bt_rd *rd)
{
	/* Times and flags are unsigned to some of those who write them. */
	return (int32_t)(uint32_t)bt_krb5_json_number(rd, INT32_MIN, UINT32_MAX);
}

static int
read_text(struct bt_rd *rd, char **out)
{
	return bt_krb5_json_null(rd) ? 0 : bt_krb5_json_text(rd, out);
}

/* Room for one more; the list grows by doubling, as its length is not known before its end. */
static void *
grow(void *items, size_t num, size_t size)
{
	void *grown;

	/* Full at 0, 1, 2, 4, 8... */
	if ((num & (num - 1)) != 0)
		return items;
	grown = bt_mem_alloc((num != 0 ? 2 * num : 1) * size);
	if (grown != NULL && num != 0)
		memcpy(grown, items, num * size);
	if (grown != NULL)
		bt_mem_free_secret(items, num * size);
	return grown;
}

static int
read_list(struct bt_rd *rd, struct bt_krb5_typed_list *out)
{
	size_t num = 0;
	int e = 0;

	if (bt_krb5_json_null(rd))
		return 0;
	out->is_there = true;
	bt_krb5_json_begin(rd);
	while (e == 0 && bt_krb5_json_next(rd, &num)) {
		struct bt_krb5_typed *grown;

		if (out->num == BT_KRB5_PORTABLE_MAX) {
			bt_rd_fail(rd);
			return 0;
		}
		if ((grown = grow(out->items, out->num, sizeof *grown)) == NULL)
			return BT_ERR_NOMEM;
		out->items = grown;
		bt_krb5_json_begin(rd);
		out->items[out->num].type = read_int32(rd);
		bt_krb5_json_comma(rd);
		e = bt_krb5_json_binary(rd, &out->items[out->num++].bytes);
		bt_krb5_json_end(rd);
	}
	return e;
}

static int
read_ticket(struct bt_rd *rd, struct bt_krb5_portable_ticket *out)
{
	int e;

	bt_krb5_json_begin(rd);
	if ((e = read_text(rd, &out->client)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = read_text(rd, &out->server)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	bt_krb5_json_begin(rd);
	out->enctype = read_int32(rd);
	bt_krb5_json_comma(rd);
	if ((e = bt_krb5_json_binary(rd, &out->key)) != 0)
		return e;
	bt_krb5_json_end(rd);
	for (size_t i = 0; i < 4; i++) {
		bt_krb5_json_comma(rd);
		out->times[i] = read_int32(rd);
	}
	bt_krb5_json_comma(rd);
	out->is_skey = bt_krb5_json_bool(rd);
	bt_krb5_json_comma(rd);
	out->flags = read_int32(rd);
	bt_krb5_json_comma(rd);
	if ((e = read_list(rd, &out->addresses)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = bt_krb5_json_binary(rd, &out->ticket)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = bt_krb5_json_binary(rd, &out->second_ticket)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	e = read_list(rd, &out->authdata);
	bt_krb5_json_end(rd);
	return e;
}

static int
read_ccache(struct bt_rd *rd, struct bt_krb5_portable *out)
{
	size_t num = 1;
	int e;

	if (!bt_krb5_json_array(rd))
		return read_text(rd, &out->ccache);
	out->has_contents = true;
	bt_krb5_json_begin(rd);
	if ((e = bt_krb5_json_text(rd, &out->owner)) != 0)
		return e;
	while (e == 0 && bt_krb5_json_next(rd, &num)) {
		struct bt_krb5_portable_ticket *grown;

		if (out->num_tickets == BT_KRB5_PORTABLE_MAX) {
			bt_rd_fail(rd);
			return 0;
		}
		if ((grown = grow(out->tickets, out->num_tickets, sizeof *grown)) == NULL)
			return BT_ERR_NOMEM;
		out->tickets = grown;
		e = read_ticket(rd, &out->tickets[out->num_tickets++]);
	}
	return e;
}

static int
read_name(struct bt_rd *rd, struct bt_krb5_portable *out)
{
	int e;

	if (bt_krb5_json_null(rd))
		return 0;
	out->has_name = true;
	bt_krb5_json_begin(rd);
	if ((e = read_text(rd, &out->principal)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = read_text(rd, &out->service)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	e = read_text(rd, &out->host);
	bt_krb5_json_end(rd);
	return e;
}

static void
read_enctypes(struct bt_rd *rd, struct bt_krb5_portable *out)
{
	size_t num = 0;

	if (bt_krb5_json_null(rd))
		return;
	out->has_enctypes = true;
	bt_krb5_json_begin(rd);
	while (bt_krb5_json_next(rd, &num)) {
		if (out->num_enctypes == BT_KRB5_PORTABLE_MAX) {
			bt_rd_fail(rd);
			return;
		}
		out->enctypes[out->num_enctypes++] = read_int32(rd);
	}
}

/* The first half: who. */
static int
read_identity(struct bt_rd *rd, struct bt_krb5_portable *out)
{
	int e;

	out->usage = (uint8_t)bt_krb5_json_number(rd, 0, 2);
	bt_krb5_json_comma(rd);
	if ((e = read_name(rd, out)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = read_text(rd, &out->impersonator)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	out->is_default = bt_krb5_json_bool(rd);
	bt_krb5_json_comma(rd);
	out->is_iakerb = bt_krb5_json_bool(rd);
	return 0;
}

/* The second: with what. */
static int
read_holdings(struct bt_rd *rd, struct bt_krb5_portable *out)
{
	int e;

	bt_krb5_json_comma(rd);
	if ((e = read_text(rd, &out->keytab)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = read_text(rd, &out->rcache)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = read_ccache(rd, out)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	if ((e = read_text(rd, &out->client_keytab)) != 0)
		return e;
	bt_krb5_json_comma(rd);
	out->has_tgt = bt_krb5_json_bool(rd);
	bt_krb5_json_comma(rd);
	out->ends_at = bt_krb5_json_number(rd, INT32_MIN, UINT32_MAX);
	bt_krb5_json_comma(rd);
	out->refresh_at = bt_krb5_json_number(rd, INT32_MIN, UINT32_MAX);
	bt_krb5_json_comma(rd);
	read_enctypes(rd, out);
	bt_krb5_json_comma(rd);
	return read_text(rd, &out->password);
}

int
bt_krb5_portable_read(struct bt_bytes text, struct bt_krb5_portable *out)
{
	struct bt_rd rd = bt_rd_of(text);
	char *magic = NULL;
	int e;

	*out = (struct bt_krb5_portable){0};
	bt_krb5_json_begin(&rd);
	if ((e = bt_krb5_json_text(&rd, &magic)) == 0 && (magic == NULL || strcmp(magic, MAGIC) != 0))
		bt_rd_fail(&rd);
	free_text(magic);
	bt_krb5_json_comma(&rd);
	bt_krb5_json_begin(&rd);
	if (e == 0 && (e = read_identity(&rd, out)) == 0)
		e = read_holdings(&rd, out);
	bt_krb5_json_end(&rd);
	bt_krb5_json_end(&rd);
	if (e == 0)
		e = bt_krb5_json_finish(&rd);
	if (e != 0)
		bt_krb5_portable_done(out);
	return e;
}

/* ---- writing ---- */

static void
put_list(struct bt_wr *out, const struct bt_krb5_typed_list *list)
{
	if (!list->is_there) {
		bt_krb5_json_put(out, "null");
		return;
	}
	bt_krb5_json_put(out, "[");
	for (size_t i = 0; i < list->num; i++) {
		bt_krb5_json_put(out, i != 0 ? ",[" : "[");
		bt_krb5_json_put_number(out, list->items[i].type);
		bt_krb5_json_put(out, ",");
		bt_krb5_json_put_binary(out, bt_bytes_of_buf(&list->items[i].bytes));
		bt_krb5_json_put(out, "]");
	}
	bt_krb5_json_put(out, "]");
}

static void
put_ticket(struct bt_wr *out, const struct bt_krb5_portable_ticket *ticket)
{
	bt_krb5_json_put(out, ",[");
	bt_krb5_json_put_text(out, ticket->client);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, ticket->server);
	bt_krb5_json_put(out, ",[");
	bt_krb5_json_put_number(out, ticket->enctype);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_binary(out, bt_bytes_of_buf(&ticket->key));
	bt_krb5_json_put(out, "]");
	for (size_t i = 0; i < 4; i++) {
		bt_krb5_json_put(out, ",");
		bt_krb5_json_put_number(out, ticket->times[i]);
	}
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_bool(out, ticket->is_skey);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_number(out, ticket->flags);
	bt_krb5_json_put(out, ",");
	put_list(out, &ticket->addresses);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_binary(out, bt_bytes_of_buf(&ticket->ticket));
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_binary(out, bt_bytes_of_buf(&ticket->second_ticket));
	bt_krb5_json_put(out, ",");
	put_list(out, &ticket->authdata);
	bt_krb5_json_put(out, "]");
}

static void
put_ccache(struct bt_wr *out, const struct bt_krb5_portable *portable)
{
	if (!portable->has_contents) {
		bt_krb5_json_put_text(out, portable->ccache);
		return;
	}
	bt_krb5_json_put(out, "[");
	bt_krb5_json_put_text(out, portable->owner);
	for (size_t i = 0; i < portable->num_tickets; i++)
		put_ticket(out, &portable->tickets[i]);
	bt_krb5_json_put(out, "]");
}

static void
put_name(struct bt_wr *out, const struct bt_krb5_portable *portable)
{
	if (!portable->has_name) {
		bt_krb5_json_put(out, "null");
		return;
	}
	bt_krb5_json_put(out, "[");
	bt_krb5_json_put_text(out, portable->principal);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->service);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->host);
	bt_krb5_json_put(out, "]");
}

static void
put_enctypes(struct bt_wr *out, const struct bt_krb5_portable *portable)
{
	bt_krb5_json_put(out, portable->has_enctypes ? "[" : "null");
	for (size_t i = 0; i < portable->num_enctypes; i++) {
		if (i != 0)
			bt_krb5_json_put(out, ",");
		bt_krb5_json_put_number(out, portable->enctypes[i]);
	}
	bt_krb5_json_put(out, portable->has_enctypes ? "]" : "");
}

void
bt_krb5_portable_write(const struct bt_krb5_portable *portable, struct bt_wr *out)
{
	bt_krb5_json_put(out, "[\"" MAGIC "\",[");
	bt_krb5_json_put_number(out, portable->usage);
	bt_krb5_json_put(out, ",");
	put_name(out, portable);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->impersonator);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_bool(out, portable->is_default);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_bool(out, portable->is_iakerb);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->keytab);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->rcache);
	bt_krb5_json_put(out, ",");
	put_ccache(out, portable);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->client_keytab);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_bool(out, portable->has_tgt);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_number(out, portable->ends_at);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_number(out, portable->refresh_at);
	bt_krb5_json_put(out, ",");
	put_enctypes(out, portable);
	bt_krb5_json_put(out, ",");
	bt_krb5_json_put_text(out, portable->password);
	bt_krb5_json_put(out, "]]");
}
