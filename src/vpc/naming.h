/* naming: what the operator says of interfaces: their names, VPCs, tags, and which are not to be
 * recorded. Rules are looked at in order; each setting is that of the first rule that matches and
 * says it, tags add up. Plain values that borrow from the configuration; any thread. */
#pragma once

#include "vpc/interface.h"

struct vpc_tag {
	const char *key, *value;
};

struct vpc_naming_rule {
	const char *interface;      /* name of the device, with * and ?; NULL: any */
	struct ip_prefix addresses; /* it has an address in here; length 0: any */
	const char *vpc;            /* title of the VPC; hosts that name the same one share it */
	const char *name, *description;
	bool is_excluded;
	const struct vpc_tag *tags;
	size_t tag_count;
};

struct vpc_naming {
	const struct vpc_naming_rule *rules;
	size_t count;
};

#define VPC_NAMING_TAGS_MAX 50 /* EC2's limit of a resource */

/* All rules as one for this interface; NULL and false where none says anything. */
struct vpc_named {
	const char *vpc, *name, *description;
	bool is_excluded;
	struct vpc_tag tags[VPC_NAMING_TAGS_MAX];
	size_t tag_count;
};
void vpc_naming_find(const struct vpc_naming *naming, const struct vpc_interface *interface,
	struct vpc_named *ret_named);
/* Puts the interface into its VPC (vpc_id, subnet_id). False: it is not to be recorded. */
bool vpc_naming_apply(const struct vpc_naming *naming, const struct vpc_identity *identity,
	struct vpc_interface *interface);
/* Id of a VPC by its title. */
void vpc_naming_vpc_id(char ret_id[static VPC_ID_SIZE], const char *title);
