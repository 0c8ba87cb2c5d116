/* The region, its availability zones, and what an account may have. */
#include "api/ec2/ec2_priv.h"

/* Those that ids name and filters let pass, without pages. Takes items. */
static int answer(struct ec2 *ec2, const char *ids, const char *member, const char *output,
	const char *noun, const struct ec2_filter *filters, json_t *items)
{
	const struct ec2_listing listing = {.filters = "Filters", .rows = filters};
	const json_t *named = ec2_input(ec2, ids);
	json_t *left = json_array_size(named) ? json_array() : json_incref(items);

	for (size_t i = 0; i < json_array_size(named); i++) {
		json_t *found = NULL;
		for (size_t j = 0; j < json_array_size(items) && !found; j++)
			if (json_equal(json_object_get(json_array_get(items, j), member),
				    json_array_get(named, i)))
				found = json_array_get(items, j);
		if (!found) {
			ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE, "Invalid %s: [%.200s]",
				noun, json_string_value(json_array_get(named, i)));
			json_decref(left);
			json_decref(items);
			return -1;
		}
		json_array_append(left, found);
	}
	json_decref(items);
	left = ec2_filter(ec2, &listing, left);
	if (!left)
		return -1;
	ec2_set(ec2->output, output, left);
	return 0;
}

int ec2_describe_regions(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"endpoint", "Endpoint"},
		{"opt-in-status", "OptInStatus"},
		{"region-name", "RegionName"},
		{NULL},
	};
	const char *endpoint = api_server_endpoint(ec2->call->exchange->server);
	const char *host = strstr(endpoint, "://");

	return answer(ec2, "RegionNames", "RegionName", "Regions", "region name", filters,
		json_pack("[{s:o, s:s, s:s}]", "RegionName",
			json_stringn(ec2->region.p, ec2->region.n), "Endpoint",
			host ? host + 3 : endpoint, "OptInStatus", "opt-in-not-required"));
}

static void add_zone(struct ec2 *ec2, json_t *zones, const char *told)
{
	json_t *id = ec2_zone_id(ec2, told), *name = ec2_zone_name(ec2, told);
	json_t *zone = json_pack("{s:o, s:o, s:s, s:s, s:s}", "ZoneId", id, "ZoneName", name,
		"State", "available", "OptInStatus", "opt-in-not-required", "ZoneType",
		"availability-zone");

	ec2_set(zone, "RegionName", json_stringn(ec2->region.p, ec2->region.n));
	ec2_set(zone, "GroupName", json_sprintf("%.*s-zg-1", STR_ARG(ec2->region)));
	ec2_set(zone, "NetworkBorderGroup", json_stringn(ec2->region.p, ec2->region.n));
	if (!json_object_get(zones, json_string_value(id)))
		json_object_set(zones, json_string_value(id), zone);
	json_decref(zone);
}

/* Those that agents name, or the region's first. */
int ec2_describe_availability_zones(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"group-name", "GroupName"},
		{"message", "Messages.Message"},
		{"opt-in-status", "OptInStatus"},
		{"parent-zone-id", "ParentZoneId"},
		{"parent-zone-name", "ParentZoneName"},
		{"region-name", "RegionName"},
		{"state", "State"},
		{"zone-id", "ZoneId"},
		{"zone-name", "ZoneName"},
		{"zone-type", "ZoneType"},
		{NULL},
	};
	static const enum store_resource kinds[] = {STORE_SUBNET, STORE_NETWORK_INTERFACE};
	json_t *zones = json_object(), *list = json_array(), *zone;
	const char *id;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const json_t *view = ec2_view(ec2, kinds[i]);
		for (size_t j = 0; j < json_array_size(view); j++)
			add_zone(ec2, zones,
				ec2_member(json_array_get(view, j), "AvailabilityZoneId"));
	}
	if (!json_object_size(zones))
		add_zone(ec2, zones, NULL);
	json_object_foreach(zones, id, zone) json_array_append(list, zone);
	json_decref(zones);
	list = ec2_sorted(list, "ZoneName");
	if (json_array_size(ec2_input(ec2, "ZoneIds")))
		return answer(ec2, "ZoneIds", "ZoneId", "AvailabilityZones", "availability zone",
			filters, list);
	return answer(ec2, "ZoneNames", "ZoneName", "AvailabilityZones", "availability zone",
		filters, list);
}

static json_t *account_attribute(const char *name, const char *value)
{
	return json_pack("{s:s, s:[{s:s}]}", "AttributeName", name, "AttributeValues",
		"AttributeValue", value);
}

/* AWS's limits of a new account. */
int ec2_describe_account_attributes(struct ec2 *ec2)
{
	static const char *const fixed[][2] = {{"supported-platforms", "VPC"},
		{"vpc-max-security-groups-per-interface", "5"}, {"max-elastic-ips", "5"},
		{"max-instances", "20"}, {"vpc-max-elastic-ips", "5"}};
	static const struct ec2_filter none[] = {{NULL}};
	const char *vpc = ec2_member(json_array_get(ec2_view(ec2, STORE_VPC), 0), "VpcId");
	json_t *items = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		json_array_append_new(items, account_attribute(fixed[i][0], fixed[i][1]));
	json_array_append_new(items, account_attribute("default-vpc", vpc ? vpc : "none"));
	return answer(ec2, "AttributeNames", "AttributeName", "AccountAttributes", "attribute name",
		none, items);
}
