#include "store/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/nagare-network-test-XXXXXX";
static char path[sizeof(folder) + 16];
static struct store_database *database;
static struct store_network *network;

static void open_network(void)
{
	struct err err = ERR_INIT;

	if (store_database_open(&database, path, &err) < 0 ||
		store_network_open(&network, database, &err) < 0)
		fail_msg("%s", err.message);
}

static void close_network(void)
{
	store_network_close(take(network));
	store_database_close(take(database));
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/index.db", folder);
	open_network();
	return 0;
}

static int teardown(void **state)
{
	char command[sizeof(folder) + 16];

	close_network();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static bool sync_agent(
	const char *id, const char *inventory, const char *deliveries, int64_t now_ms)
{
	json_t *told = inventory ? json_loads(inventory, 0, NULL) : NULL,
	       *fared = deliveries ? json_loads(deliveries, 0, NULL) : NULL;
	const struct store_agent_report report = {.id = str_from(id),
		.hostname = STR("host"),
		.version = STR("1"),
		.inventory = told,
		.deliveries = fared,
		.now_ms = now_ms};
	bool needs = false;

	assert_true(!inventory || told);
	assert_int_equal(store_network_sync(network, &report, &needs, NULL), 0);
	json_decref(told);
	json_decref(fared);
	return needs;
}

static char *view_text(enum store_resource kind)
{
	json_t *view = store_network_view(network, kind);
	char *text = json_dumps(view, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(view);
	return text;
}

#define assert_view(kind, expected)                                                                \
	do {                                                                                       \
		_cleanup_free_ char *text_ = view_text(kind);                                      \
		assert_string_equal(text_, expected);                                              \
	} while (0)

static void an_inventory_is_asked_for_until_it_was_told(void **state)
{
	assert_true(sync_agent("i-b", NULL, NULL, 1000));
	assert_true(sync_agent("i-b", NULL, NULL, 2000));
	assert_false(sync_agent("i-b", "{\"Vpcs\":[]}", NULL, 3000));
	assert_false(sync_agent("i-b", NULL, NULL, 4000));
}

static void views_are_of_all_agents_and_ordered(void **state)
{
	sync_agent("i-b",
		"{\"Vpcs\":[{\"VpcId\":\"vpc-2\",\"Title\":\"b\",\"CidrBlocks\":[\"10.0.0.0/8\"]}],"
		"\"Instances\":[{\"InstanceId\":\"i-b\"}]}",
		NULL, 5000);
	sync_agent("i-a",
		"{\"Vpcs\":[{\"VpcId\":\"vpc-2\",\"Title\":\"a\",\"CidrBlocks\":[\"10.1.0.0/16\"]},"
		"{\"VpcId\":\"vpc-1\",\"Title\":\"one\"}],"
		"\"Instances\":[{\"InstanceId\":\"i-a\"}]}",
		NULL, 6000);
	assert_view(STORE_INSTANCE, "[{\"AgentId\":\"i-a\",\"InstanceId\":\"i-a\"},"
				    "{\"AgentId\":\"i-b\",\"InstanceId\":\"i-b\"}]");
	assert_view(STORE_VPC,
		"[{\"AgentId\":\"i-a\",\"Title\":\"one\",\"VpcId\":\"vpc-1\"},"
		"{\"AgentId\":\"i-a\",\"CidrBlocks\":[\"10.1.0.0/16\",\"10.0.0.0/8\"],"
		"\"Ipv6CidrBlocks\":[],\"Title\":\"a\",\"VpcId\":\"vpc-2\"}]");
	json_t *view = store_network_view(network, STORE_VPC);
	assert_ptr_equal(
		store_network_find(view, STORE_VPC, STR("vpc-2")), json_array_get(view, 1));
	assert_ptr_equal(
		store_network_find(view, STORE_VPC, STR("vpc-1")), json_array_get(view, 0));
	assert_null(store_network_find(view, STORE_VPC, STR("vpc-")));
	assert_null(store_network_find(view, STORE_VPC, STR("vpc-22")));
	json_decref(view);
	/* What is no longer told is no longer there. */
	sync_agent("i-a", "{\"Instances\":[{\"InstanceId\":\"i-a\"}]}", NULL, 7000);
	assert_view(STORE_VPC, "[{\"AgentId\":\"i-b\",\"CidrBlocks\":[\"10.0.0.0/8\"],"
			       "\"Title\":\"b\",\"VpcId\":\"vpc-2\"}]");
}

static void agents_outlive_the_server(void **state)
{
	sync_agent("i-a", NULL, "[{\"FlowLogId\":\"fl-1\",\"Fault\":\"Access error\"}]", 8000);
	close_network();
	open_network();
	assert_false(sync_agent("i-b", NULL, NULL, 8500));
	json_t *agents = store_network_agents(network);
	assert_int_equal(json_array_size(agents), 2);
	json_t *first = json_array_get(agents, 0);
	assert_string_equal(json_string_value(json_object_get(first, "AgentId")), "i-a");
	assert_int_equal(json_integer_value(json_object_get(first, "LastSeen")), 8000);
	json_decref(agents);
	assert_view(STORE_INSTANCE, "[{\"AgentId\":\"i-a\",\"InstanceId\":\"i-a\"},"
				    "{\"AgentId\":\"i-b\",\"InstanceId\":\"i-b\"}]");
	assert_true(store_network_is_present(network, STR("i-a"), 8000 + STORE_AGENT_LOST_MS - 1));
	assert_false(store_network_is_present(network, STR("i-a"), 8000 + STORE_AGENT_LOST_MS));
	assert_false(store_network_is_present(network, STR("i-c"), 8000));
}

static void faults_are_those_of_any_agent(void **state)
{
	char fault[64];

	assert_true(store_network_fault(network, STR("fl-1"), fault));
	assert_string_equal(fault, "Access error");
	assert_false(store_network_fault(network, STR("fl-2"), fault));
	sync_agent("i-a", NULL, "[{\"FlowLogId\":\"fl-1\"}]", 9000);
	assert_false(store_network_fault(network, STR("fl-1"), fault));
}

static char *tags_text(const char *id, const char *own_text)
{
	json_t *all = store_tags_all(network),
	       *own = own_text ? json_loads(own_text, 0, NULL) : NULL;
	json_t *tags = store_tags_of(all, id, own);
	char *text = json_dumps(tags, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(tags);
	json_decref(own);
	json_decref(all);
	return text;
}

#define assert_tags(id, own, expected)                                                             \
	do {                                                                                       \
		_cleanup_free_ char *text_ = tags_text(id, own);                                   \
		assert_string_equal(text_, expected);                                              \
	} while (0)

static void users_tags_lie_over_those_of_agents(void **state)
{
	static const char own[] =
		"[{\"Key\":\"a\",\"Value\":\"own\"},{\"Key\":\"b\",\"Value\":\"own\"}]";
	const struct str ids[] = {STR("eni-1"), STR("eni-2")};
	json_t *set = json_pack("{s:s, s:s}", "b", "given", "c", "given"), *keys = json_object();

	assert_int_equal(store_tags_put(network, ids, 2, set, NULL), 0);
	assert_tags("eni-1", own,
		"[{\"Key\":\"a\",\"Value\":\"own\"},{\"Key\":\"b\",\"Value\":\"given\"},"
		"{\"Key\":\"c\",\"Value\":\"given\"}]");
	assert_tags("eni-2", NULL,
		"[{\"Key\":\"b\",\"Value\":\"given\"},{\"Key\":\"c\",\"Value\":\"given\"}]");
	json_object_set_new(keys, "c", json_null());
	assert_int_equal(store_tags_delete(network, ids[0], keys, NULL, NULL), 0);
	assert_tags("eni-1", NULL, "[{\"Key\":\"b\",\"Value\":\"given\"}]");
	json_t *hide = json_pack("{s:n}", "a");
	assert_int_equal(store_tags_delete(network, ids[0], keys, hide, NULL), 0);
	close_network();
	open_network();
	assert_tags("eni-1", own, "[{\"Key\":\"b\",\"Value\":\"given\"}]");
	/* Given again it is seen again. */
	json_object_clear(set);
	json_object_set_new(set, "a", json_string("given"));
	assert_int_equal(store_tags_put(network, ids, 1, set, NULL), 0);
	assert_tags("eni-1", own,
		"[{\"Key\":\"a\",\"Value\":\"given\"},{\"Key\":\"b\",\"Value\":\"given\"}]");
	json_decref(hide);
	json_decref(keys);
	json_decref(set);
}

static void tags_have_a_limit(void **state)
{
	const struct str ids[] = {STR("eni-3"), STR("eni-4")};
	json_t *set = json_object();
	char key[8];

	for (int i = 0; i < STORE_RESOURCE_TAGS_MAX; i++) {
		snprintf(key, sizeof(key), "k%02d", i);
		json_object_set_new(set, key, json_string(""));
	}
	assert_int_equal(store_tags_put(network, &ids[1], 1, set, NULL), 0);
	json_object_clear(set);
	json_object_set_new(set, "more", json_string(""));
	assert_int_equal(store_tags_put(network, ids, 2, set, NULL), STORE_TAGS_TOO_MANY);
	assert_tags("eni-3", NULL, "[]");
	json_decref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_inventory_is_asked_for_until_it_was_told),
		cmocka_unit_test(views_are_of_all_agents_and_ordered),
		cmocka_unit_test(agents_outlive_the_server),
		cmocka_unit_test(faults_are_those_of_any_agent),
		cmocka_unit_test(users_tags_lie_over_those_of_agents),
		cmocka_unit_test(tags_have_a_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
