#include "vpc/naming.h"

#include "base/number.h"

#include <fnmatch.h>

static bool matches(const struct vpc_naming_rule *rule, const struct vpc_interface *interface)
{
	if (rule->interface && fnmatch(rule->interface, interface->name, 0) != 0)
		return false;
	if (!rule->addresses.length)
		return true;
	for (size_t i = 0; i < interface->addresses; i++) {
		if (ip_prefix_contains(&rule->addresses, &interface->address[i]))
			return true;
	}
	return false;
}

static void add_tags(struct vpc_named *named, const struct vpc_naming_rule *rule)
{
	for (size_t i = 0; i < rule->tag_count && named->tag_count < VPC_NAMING_TAGS_MAX; i++) {
		size_t j = 0;
		while (j < named->tag_count && strcmp(named->tags[j].key, rule->tags[i].key) != 0)
			j++;
		if (j == named->tag_count)
			named->tags[named->tag_count++] = rule->tags[i];
	}
}

void vpc_naming_find(const struct vpc_naming *naming, const struct vpc_interface *interface,
	struct vpc_named *ret_named)
{
	struct vpc_named named = {.vpc = NULL};

	for (size_t i = 0; i < naming->count; i++) {
		const struct vpc_naming_rule *rule = &naming->rules[i];
		if (!matches(rule, interface))
			continue;
		if (!named.vpc)
			named.vpc = rule->vpc;
		if (!named.name)
			named.name = rule->name;
		if (!named.description)
			named.description = rule->description;
		named.is_excluded |= rule->is_excluded;
		add_tags(&named, rule);
	}
	*ret_named = named;
}

void vpc_naming_vpc_id(char ret_id[static VPC_ID_SIZE], const char *title)
{
	vpc_id_make_shared(ret_id, "vpc", str_from(title));
}

/* A subnet of a VPC that several hosts share is the same one on all of them. */
static void share_subnet(struct vpc_interface *interface)
{
	const struct ip_prefix *prefix = vpc_interface_subnet(interface);
	char identity[VPC_ID_SIZE + IP_STR_MAX + 8];

	if (!prefix)
		return;
	size_t n = strlen(interface->vpc_id);
	memcpy(identity, interface->vpc_id, n);
	char *end = ip_write(identity + n, &prefix->addr);
	*end++ = '/';
	end = number_write(end, prefix->length);
	vpc_id_make_shared(
		interface->subnet_id, "subnet", (struct str){identity, (size_t)(end - identity)});
}

bool vpc_naming_apply(const struct vpc_naming *naming, const struct vpc_identity *identity,
	struct vpc_interface *interface)
{
	struct vpc_named named;

	vpc_naming_find(naming, interface, &named);
	memcpy(interface->vpc_id, identity->vpc_id, sizeof(interface->vpc_id));
	if (named.vpc) {
		vpc_naming_vpc_id(interface->vpc_id, named.vpc);
		share_subnet(interface);
	}
	return !named.is_excluded;
}
