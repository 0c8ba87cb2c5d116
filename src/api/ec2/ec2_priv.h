/* ec2_priv: one call of EC2 and what all its handlers use. A handler reads the input and fills the
 * output; it returns 0, or <0 with the error filled.
 *
 * A resource is an object with the members of its shape in the model (ec2.smithy): so it is listed,
 * filtered, tagged and answered. */
#pragma once

#include "api/ec2/ec2.h"
#include "api/server.h"

#include <jansson.h>

#define EC2_ID_MAX 256

struct ec2 {
	struct api_call *call;
	const struct ec2_context *context;
	json_t *output; /* the call's */
	struct aws_error *error;
	struct err *err;
	struct str region, account;
	int64_t now_ms;
	/* Private: as they were at their first use. */
	json_t *views[STORE_RESOURCES], *tags, *flow_logs, *rules;
	json_t *by_instance; /* interfaces of each instance, as agents told them */
	json_t *used;        /* addresses of each subnet that interfaces have, a number */
};

/* One declaration a handler, and one a question that is more than "*". */
#define X(name, handler, ask)                                                                      \
	int handler(struct ec2 *ec2);                                                              \
	int ask(struct ec2 *ec2);
#include "api/ec2/operations.def"
#undef X

/* ---- input and output ---- */

const json_t *ec2_input(const struct ec2 *ec2, const char *name);      /* NULL: not given */
const char *ec2_text(const struct ec2 *ec2, const char *name);         /* NULL: not given */
const char *ec2_member(const json_t *object, const char *name);        /* NULL: no string */
void ec2_set(json_t *object, const char *name, json_t *value);         /* takes; NULL: nothing */
void ec2_set_text(json_t *object, const char *name, const char *text); /* NULL: nothing */
json_t *ec2_account(const struct ec2 *ec2);
int ec2_broken(struct ec2 *ec2); /* err says what */
int ec2_refuse(struct ec2 *ec2, enum aws_error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
/* prefix and 17 digits that follow from the text. */
void ec2_derive_id(char ret_id[static EC2_ID_MAX], const char *prefix, const char *text);

/* ---- what there is ---- */

const json_t *ec2_view(struct ec2 *ec2, enum store_resource kind);
const json_t *ec2_all_tags(struct ec2 *ec2);
/* Those of the instance, as agents told them; NULL: none. */
const json_t *ec2_interfaces_of(struct ec2 *ec2, const char *instance);

enum ec2_type {
	EC2_VPC,
	EC2_SUBNET,
	EC2_NETWORK_INTERFACE,
	EC2_INSTANCE,
	EC2_SECURITY_GROUP,
	EC2_SECURITY_GROUP_RULE,
	EC2_FLOW_LOG,
	EC2_TYPES
};
struct ec2_type_row {
	const char *name;   /* in ARNs and tags: "network-interface" */
	const char *prefix; /* "eni-" */
	const char *id;     /* member: "NetworkInterfaceId" */
	const char *noun;   /* in sentences */
	enum aws_error_code malformed, missing;
	/* What is known, a list ordered by id; lent; NULL: broken. */
	const json_t *(*source)(struct ec2 *ec2);
	/* One of it as it is answered, and its tags alone; the caller's. */
	json_t *(*make)(struct ec2 *ec2, const json_t *told);
	json_t *(*tags)(struct ec2 *ec2, const json_t *told);
};
const struct ec2_type_row *ec2_type_row(enum ec2_type type);
/* By its prefix; EC2_TYPES: none. */
enum ec2_type ec2_type_of(const char *id);
/* 0 and *ret_told, lent, or NULL: there is none of that id. <0: broken. */
int ec2_find(struct ec2 *ec2, enum ec2_type type, const char *id, const json_t **ret_told);
/* The error for an id that is not there: malformed or not found. */
int ec2_refuse_id(struct ec2 *ec2, enum ec2_type type, const char *id);

const json_t *ec2_rules(struct ec2 *ec2);
const json_t *ec2_flow_logs(struct ec2 *ec2);
json_t *ec2_make_vpc(struct ec2 *ec2, const json_t *told);
json_t *ec2_make_subnet(struct ec2 *ec2, const json_t *told);
json_t *ec2_make_interface(struct ec2 *ec2, const json_t *told);
json_t *ec2_make_instance(struct ec2 *ec2, const json_t *told);
json_t *ec2_make_group(struct ec2 *ec2, const json_t *told);
json_t *ec2_make_rule(struct ec2 *ec2, const json_t *told);
json_t *ec2_make_flow_log(struct ec2 *ec2, const json_t *told);
json_t *ec2_vpc_tags(struct ec2 *ec2, const json_t *told);
json_t *ec2_subnet_tags(struct ec2 *ec2, const json_t *told);
json_t *ec2_interface_tags(struct ec2 *ec2, const json_t *told);
json_t *ec2_instance_tags(struct ec2 *ec2, const json_t *told);
json_t *ec2_group_tags(struct ec2 *ec2, const json_t *told);
json_t *ec2_rule_tags(struct ec2 *ec2, const json_t *told);
json_t *ec2_flow_log_tags(struct ec2 *ec2, const json_t *told);

/* Tags of a resource: its own with title as Name, where they have none; NULL: no title. */
json_t *ec2_tags(struct ec2 *ec2, const char *id, const json_t *own, const char *title);
/* An object of key to value from a list of Key and Value, checked; NULL: refused. */
json_t *ec2_read_tags(struct ec2 *ec2, const json_t *list);
bool ec2_is_present(struct ec2 *ec2, const json_t *told);
/* "use1-az1" as "us-east-1a"; what is no such id stays. NULL: the region's first. */
json_t *ec2_zone_name(const struct ec2 *ec2, const char *zone_id);
json_t *ec2_zone_id(const struct ec2 *ec2, const char *zone_id);
json_t *ec2_group_identifiers(struct ec2 *ec2, const json_t *ids);
/* 10.0.0.1/24 without its length. */
json_t *ec2_address(const json_t *address);

/* ---- lists ---- */

/* path: members with dots between; lists on the way stand for each of their items. '@' in front: a
 * moment. */
struct ec2_filter {
	const char *name, *path;
	const char *told; /* path in what agents told, if what it says is the same; may be NULL */
};
struct ec2_listing {
	enum ec2_type type;
	const char *output;  /* "Vpcs" */
	const char *ids;     /* "VpcIds" */
	const char *filters; /* "Filters" */
	const struct ec2_filter
		*rows; /* ends with a NULL name; tag:KEY and tag-key are always there */
	int page_min;  /* of MaxResults */
};
/* The whole operation: resources of the type, those with the ids, those that the filters let pass,
 * a page of them; only what is answered is kept. */
int ec2_list(struct ec2 *ec2, const struct ec2_listing *listing);
/* The same of a list that is whole in memory. Takes items and gives fewer; NULL: refused. */
json_t *ec2_filter(struct ec2 *ec2, const struct ec2_listing *listing, json_t *items);
/* Orders by key and second (NULL: none). Takes items. */
json_t *ec2_page(struct ec2 *ec2, const struct ec2_listing *listing, const char *key,
	const char *second, json_t *items);
/* May what has this text pass all filters of that name? */
bool ec2_filter_allows(
	const struct ec2 *ec2, const char *filters, const char *name, const char *text);
json_t *ec2_sorted(json_t *items, const char *key); /* takes items */
/* AWS's wildcards: '*', '?', and '\' in front of what is meant as it is. */
bool ec2_matches(const char *pattern, const char *text);

/* ---- permissions ---- */

/* A question with keys of its own. */
struct ec2_question {
	const char *action;         /* "ec2:CreateFlowLogs" */
	const json_t *request_tags; /* key to value; NULL: none */
	const char *create_action;  /* ec2:CreateAction; NULL: none */
};
/* item: what is known of the resource, NULL: nothing; id "*": any of the type. */
int ec2_ask_resource(struct ec2 *ec2, const struct ec2_question *question, enum ec2_type type,
	const char *id, const json_t *item);
/* Of each of the ids. */
int ec2_ask_all(struct ec2 *ec2, const struct ec2_question *question, enum ec2_type type,
	const json_t *ids);
/* Of another service, "iam:PassRole"; one context key or NULL. */
int ec2_ask_other(struct ec2 *ec2, const char *action, const char *resource, const char *key,
	const char *value);
