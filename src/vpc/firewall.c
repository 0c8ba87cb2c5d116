#include "vpc/firewall.h"

#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define JUMPS_MAX        8
#define RANGES_MAX       32
#define CIDRS_MAX        256
#define NFT_OUTPUT_JSON  (1u << 4)
#define NFT_OUTPUT_PROTO (1u << 7) /* protocols as numbers */

/* ---- reading ---- */

/* Of libnftables, by its own header (nftables/libnftables.h); loaded when it is needed. */
struct nft {
	void *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(void *ctx);
	void (*ctx_output_set_flags)(void *ctx, unsigned flags);
	int (*ctx_buffer_output)(void *ctx);
	int (*ctx_buffer_error)(void *ctx);
	const char *(*ctx_get_output_buffer)(void *ctx);
	int (*run_cmd_from_buffer)(void *ctx, const char *command);
};

static bool load(struct nft *nft)
{
	void *library = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
	const struct {
		void *function;
		const char *name;
	} rows[] = {{&nft->ctx_new, "nft_ctx_new"}, {&nft->ctx_free, "nft_ctx_free"},
		{&nft->ctx_output_set_flags, "nft_ctx_output_set_flags"},
		{&nft->ctx_buffer_output, "nft_ctx_buffer_output"},
		{&nft->ctx_buffer_error, "nft_ctx_buffer_error"},
		{&nft->ctx_get_output_buffer, "nft_ctx_get_output_buffer"},
		{&nft->run_cmd_from_buffer, "nft_run_cmd_from_buffer"}};

	for (size_t i = 0; library && i < ARRAY_SIZE(rows); i++) {
		void *symbol = dlsym(library, rows[i].name);
		if (!symbol)
			return false;
		memcpy(rows[i].function, &symbol, sizeof(symbol));
	}
	return library != NULL; /* loaded for good */
}

int vpc_firewall_read(json_t **ret_rules, struct err *err)
{
	static struct nft nft;
	static int is_loaded; /* -1: it is not there */

	if (!is_loaded)
		is_loaded = load(&nft) ? 1 : -1;
	*ret_rules = NULL;
	if (is_loaded < 0)
		return 0;
	void *ctx = nft.ctx_new(0);
	if (!ctx)
		return err_set(err, ERR_SYSTEM, "libnftables does not start");
	nft.ctx_output_set_flags(ctx, NFT_OUTPUT_JSON | NFT_OUTPUT_PROTO);
	nft.ctx_buffer_output(ctx);
	nft.ctx_buffer_error(ctx);
	if (nft.run_cmd_from_buffer(ctx, "list ruleset") == 0)
		*ret_rules = json_loads(nft.ctx_get_output_buffer(ctx), 0, NULL);
	nft.ctx_free(ctx);
	if (!*ret_rules)
		return err_set(err, ERR_SYSTEM, "the firewall's rules cannot be read");
	return 0;
}

/* ---- what a rule asks of a packet ---- */

struct range {
	int from, to;
};

struct conditions {
	int protocol; /* -1: any */
	struct range ports[RANGES_MAX];
	size_t port_count;
	char cidrs[CIDRS_MAX][VPC_FIREWALL_CIDR_SIZE];
	size_t cidr_count;
	bool is_of_other_interface, is_reply, is_unclear;
};

struct rendering {
	const json_t *objects;
	const char *interface;
	bool is_egress;
	struct vpc_permissions *permissions;
};

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static int protocol_number(const json_t *value)
{
	/* What getprotobyname would read from a file; the rest come as numbers. */
	static const struct {
		const char *name;
		int number;
	} names[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP},
		{"icmpv6", IPPROTO_ICMPV6}, {"ipv6-icmp", IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP},
		{"gre", IPPROTO_GRE}, {"esp", IPPROTO_ESP}, {"ah", IPPROTO_AH},
		{"dccp", IPPROTO_DCCP}, {"udplite", IPPROTO_UDPLITE}};

	if (json_is_integer(value))
		return (int)json_integer_value(value);
	for (size_t i = 0; json_is_string(value) && i < ARRAY_SIZE(names); i++) {
		if (strcmp(json_string_value(value), names[i].name) == 0)
			return names[i].number;
	}
	return -1;
}

/* "@name": the elements of that set. */
static const json_t *elements_of_set(
	const struct rendering *rendering, const char *table, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach(rendering->objects, i, object)
	{
		const json_t *set = json_object_get(object, "set");
		if (set && strcmp(text(set, "name"), name) == 0 &&
			strcmp(text(set, "table"), table) == 0)
			return json_object_get(set, "elem");
	}
	return NULL;
}

static void add_port(struct conditions *conditions, const json_t *value)
{
	const json_t *range = json_object_get(value, "range");
	struct range port = {(int)json_integer_value(value), (int)json_integer_value(value)};

	if (range)
		port = (struct range){(int)json_integer_value(json_array_get(range, 0)),
			(int)json_integer_value(json_array_get(range, 1))};
	if ((!range && !json_is_integer(value)) || conditions->port_count == RANGES_MAX)
		conditions->is_unclear = true;
	else
		conditions->ports[conditions->port_count++] = port;
}

static void add_cidr(struct conditions *conditions, const json_t *value)
{
	const json_t *prefix = json_object_get(value, "prefix");
	const char *address = prefix ? text(prefix, "addr") : json_string_value(value);
	struct ip_addr addr;

	if (!address || !ip_parse(str_from(address), &addr) ||
		conditions->cidr_count == CIDRS_MAX) {
		conditions->is_unclear = true;
		return;
	}
	int length = prefix            ? (int)json_integer_value(json_object_get(prefix, "len"))
		     : ip_is_v4(&addr) ? 32
				       : 128;
	snprintf(conditions->cidrs[conditions->cidr_count++], VPC_FIREWALL_CIDR_SIZE, "%s/%d",
		address, length);
}

/* A value, a set of them ({"set": [...]}) or a set's name, each to add. */
static void add_all(const struct rendering *rendering, const char *table,
	struct conditions *conditions, const json_t *value,
	void (*add)(struct conditions *conditions, const json_t *value))
{
	const json_t *set = json_object_get(value, "set"), *one;
	const char *name = json_string_value(value);
	size_t i;

	if (name && name[0] == '@') {
		set = elements_of_set(rendering, table, name + 1);
		conditions->is_unclear |= json_array_size(set) == 0;
	}
	if (!set && !(name && name[0] == '@')) {
		add(conditions, value);
		return;
	}
	json_array_foreach(set, i, one)
	{
		const json_t *element = json_object_get(one, "elem");
		add(conditions, element ? json_object_get(element, "val") : one);
	}
}

static void match_payload(const struct rendering *rendering, const char *table,
	struct conditions *conditions, const json_t *payload, const json_t *right)
{
	const char *protocol = text(payload, "protocol"), *field = text(payload, "field");
	const char *other_side = rendering->is_egress ? "daddr" : "saddr";
	bool is_ip = strcmp(protocol, "ip") == 0 || strcmp(protocol, "ip6") == 0;

	if (is_ip && strcmp(field, other_side) == 0) {
		add_all(rendering, table, conditions, right, add_cidr);
	} else if (is_ip && (strcmp(field, "protocol") == 0 || strcmp(field, "nexthdr") == 0)) {
		conditions->protocol = protocol_number(right);
		conditions->is_unclear |= conditions->protocol < 0;
	} else if (strcmp(field, "dport") == 0) {
		json_t *name = json_string(protocol);
		if (strcmp(protocol, "th") != 0)
			conditions->protocol = protocol_number(name);
		json_decref(name);
		conditions->is_unclear |= conditions->protocol < 0;
		add_all(rendering, table, conditions, right, add_port);
	} else {
		conditions->is_unclear = true;
	}
}

static void match_meta(const struct rendering *rendering, struct conditions *conditions,
	const char *key, const json_t *right)
{
	const char *own[] = {
		rendering->is_egress ? "oif" : "iif", rendering->is_egress ? "oifname" : "iifname"};
	const char *name = json_string_value(right);

	if (strcmp(key, "l4proto") == 0) {
		conditions->protocol = protocol_number(right);
		conditions->is_unclear |= conditions->protocol < 0;
	} else if (strcmp(key, "nfproto") == 0 && name) {
		snprintf(conditions->cidrs[0], VPC_FIREWALL_CIDR_SIZE, "%s",
			strcmp(name, "ipv4") == 0 ? "0.0.0.0/0" : "::/0");
		conditions->cidr_count = conditions->cidr_count ? conditions->cidr_count : 1;
	} else if (name && (strcmp(key, own[0]) == 0 || strcmp(key, own[1]) == 0)) {
		conditions->is_of_other_interface |= fnmatch(name, rendering->interface, 0) != 0;
	} else {
		conditions->is_unclear = true;
	}
}

static bool is_state_of_replies(const json_t *right)
{
	const json_t *list = json_object_get(right, "set"), *one;
	size_t i;

	if (!list)
		list = right;
	if (json_is_string(list))
		return strcmp(json_string_value(list), "new") != 0;
	json_array_foreach(list, i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), "new") == 0)
			return false;
	}
	return true;
}

static void match(const struct rendering *rendering, const char *table,
	struct conditions *conditions, const json_t *expression)
{
	const json_t *left = json_object_get(expression, "left");
	const json_t *right = json_object_get(expression, "right");
	const json_t *payload = json_object_get(left, "payload");
	const json_t *meta = json_object_get(left, "meta");
	const json_t *ct = json_object_get(left, "ct");
	const char *op = text(expression, "op");

	bool is_equality = strcmp(op, "==") == 0 || strcmp(op, "in") == 0;

	if (is_equality && payload)
		match_payload(rendering, table, conditions, payload, right);
	else if (is_equality && meta)
		match_meta(rendering, conditions, text(meta, "key"), right);
	else if (is_equality && ct && strcmp(text(ct, "key"), "state") == 0)
		conditions->is_reply |= is_state_of_replies(right);
	else
		conditions->is_unclear = true;
}

/* ---- permissions ---- */

static void add_permission(
	struct rendering *rendering, const struct conditions *conditions, struct range ports)
{
	struct vpc_permissions *permissions = rendering->permissions;

	if (permissions->count >= 2 * VPC_FIREWALL_PERMISSIONS_MAX) {
		permissions->unrendered++;
		return;
	}
	permissions->permission = mem_grow(
		permissions->permission, permissions->count + 1, sizeof(*permissions->permission));
	struct vpc_permission *permission = &permissions->permission[permissions->count++];
	*permission = (struct vpc_permission){.is_egress = rendering->is_egress,
		.protocol = conditions->protocol,
		.from_port = ports.from,
		.to_port = ports.to,
		.cidr_count = conditions->cidr_count ? conditions->cidr_count : 2};
	permission->cidrs = mem_new(permission->cidr_count, sizeof(permission->cidrs[0]));
	if (conditions->cidr_count) {
		memcpy(permission->cidrs, conditions->cidrs,
			conditions->cidr_count * sizeof(permission->cidrs[0]));
		return;
	}
	snprintf(permission->cidrs[0], VPC_FIREWALL_CIDR_SIZE, "0.0.0.0/0");
	snprintf(permission->cidrs[1], VPC_FIREWALL_CIDR_SIZE, "::/0");
}

static void add_accepted(struct rendering *rendering, const struct conditions *conditions)
{
	const struct range all = {-1, -1};

	if (conditions->is_of_other_interface || conditions->is_reply)
		return;
	if (conditions->is_unclear) {
		rendering->permissions->unrendered++;
		return;
	}
	if (!conditions->port_count)
		add_permission(rendering, conditions, all);
	for (size_t i = 0; i < conditions->port_count; i++)
		add_permission(rendering, conditions, conditions->ports[i]);
}

static bool is_for_all(const struct conditions *conditions)
{
	return conditions->protocol < 0 && !conditions->port_count && !conditions->cidr_count &&
	       !conditions->is_of_other_interface && !conditions->is_reply &&
	       !conditions->is_unclear;
}

enum outcome { GOES_ON, ALL_ACCEPTED, ALL_DROPPED };

/* As deep as JUMPS_MAX. NOLINTBEGIN(misc-no-recursion) */

static enum outcome render_chain(struct rendering *rendering, const json_t *chain, const char *name,
	const struct conditions *given, unsigned depth);

static enum outcome render_rule(struct rendering *rendering, const json_t *chain,
	const json_t *rule, const struct conditions *given, unsigned depth)
{
	_cleanup_free_ struct conditions *conditions = mem_new(1, sizeof(*conditions));
	const json_t *expression;
	size_t i;

	*conditions = *given;
	json_array_foreach(json_object_get(rule, "expr"), i, expression)
	{
		const json_t *jump = json_object_get(expression, "jump");
		jump = jump ? jump : json_object_get(expression, "goto");
		if (json_object_get(expression, "match")) {
			match(rendering, text(chain, "table"), conditions,
				json_object_get(expression, "match"));
		} else if (json_object_get(expression, "accept")) {
			add_accepted(rendering, conditions);
			return is_for_all(conditions) ? ALL_ACCEPTED : GOES_ON;
		} else if (json_object_get(expression, "drop") ||
			   json_object_get(expression, "reject")) {
			if (is_for_all(conditions))
				return ALL_DROPPED;
			rendering->permissions->unrendered +=
				!conditions->is_of_other_interface && !conditions->is_reply;
		} else if (jump && depth < JUMPS_MAX) {
			return render_chain(
				rendering, chain, text(jump, "target"), conditions, depth + 1);
		} else if (!json_object_get(expression, "counter") &&
			   !json_object_get(expression, "log") &&
			   !json_object_get(expression, "limit")) {
			conditions->is_unclear = true;
		}
	}
	return GOES_ON;
}

static enum outcome render_chain(struct rendering *rendering, const json_t *chain, const char *name,
	const struct conditions *given, unsigned depth)
{
	const json_t *object;
	size_t i;

	json_array_foreach(rendering->objects, i, object)
	{
		const json_t *rule = json_object_get(object, "rule");
		if (!rule || strcmp(text(rule, "chain"), name) != 0 ||
			strcmp(text(rule, "table"), text(chain, "table")) != 0 ||
			strcmp(text(rule, "family"), text(chain, "family")) != 0)
			continue;
		enum outcome outcome = render_rule(rendering, chain, rule, given, depth);
		if (outcome != GOES_ON)
			return outcome;
	}
	return GOES_ON;
}

/* NOLINTEND(misc-no-recursion) */

static void undo(struct vpc_permissions *permissions, size_t count)
{
	while (permissions->count > count)
		free(permissions->permission[--permissions->count].cidrs);
}

static void render_direction(struct rendering *rendering)
{
	const char *hook = rendering->is_egress ? "output" : "input";
	const struct conditions none = {.protocol = -1};
	const struct range all = {-1, -1};
	size_t before = rendering->permissions->count;
	const json_t *object;
	size_t i;

	/* A packet must pass all chains of a hook: the first that restricts is the one shown. */
	json_array_foreach(rendering->objects, i, object)
	{
		const json_t *chain = json_object_get(object, "chain");
		if (!chain || strcmp(text(chain, "hook"), hook) != 0 ||
			strcmp(text(chain, "type"), "filter") != 0)
			continue;
		enum outcome outcome =
			render_chain(rendering, chain, text(chain, "name"), &none, 0);
		if (outcome == ALL_DROPPED ||
			(outcome == GOES_ON && strcmp(text(chain, "policy"), "drop") == 0))
			return;
		undo(rendering->permissions, before);
	}
	add_permission(rendering, &none, all);
}

void vpc_firewall_render(
	const json_t *rules, const char *interface, struct vpc_permissions *ret_permissions)
{
	struct rendering rendering = {.objects = json_object_get(rules, "nftables"),
		.interface = interface,
		.permissions = ret_permissions};

	*ret_permissions = (struct vpc_permissions){0};
	render_direction(&rendering);
	rendering.is_egress = true;
	render_direction(&rendering);
}

void vpc_permissions_done(struct vpc_permissions *permissions)
{
	undo(permissions, 0);
	free(permissions->permission);
	*permissions = (struct vpc_permissions){0};
}

bool vpc_permissions_equal(const struct vpc_permissions *a, const struct vpc_permissions *b)
{
	if (a->count != b->count || a->unrendered != b->unrendered)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct vpc_permission *p = &a->permission[i], *q = &b->permission[i];
		if (p->is_egress != q->is_egress || p->protocol != q->protocol ||
			p->from_port != q->from_port || p->to_port != q->to_port ||
			p->cidr_count != q->cidr_count)
			return false;
		for (size_t j = 0; j < p->cidr_count; j++) {
			if (strcmp(p->cidrs[j], q->cidrs[j]) != 0)
				return false;
		}
	}
	return true;
}
