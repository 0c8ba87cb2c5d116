/* rules: security groups and network ACLs, and what they do with a packet.
 * Read from the JSON of `aws ec2 describe-security-groups` and `describe-network-acls` (one file
 * may hold both members, SecurityGroups and NetworkAcls; several files add up). Decides as AWS's
 * documents say (VPC guide, "Control traffic to subnets using network ACLs"; EC2 guide, "Security
 * group connection tracking"): security groups are stateful and allow only; NACLs are stateless,
 * ordered by RuleNumber, first match wins, and what matches none is denied. A packet is accepted
 * when both accept it. All groups given are on the interface; the NACL is its subnet's, and there
 * can only be one. With no group given groups accept everything, with no NACL the NACL does.
 *
 * Connections: an accepted packet that starts one has it remembered, and the groups accept the
 * packets of both its directions until it has been idle for AWS's default time: TCP 432,000 s, UDP
 * 30 s, or 180 s once it has seen more than one request and response, other protocols (addresses
 * and protocol number only) 600 s. For ICMP AWS names no time: 30 s, as for UDP; a connection is a
 * request (echo, timestamp, information, address mask, ICMPv6 node information) and its replies.
 * ICMP errors that quote a packet of a connection are accepted with it; other ICMP goes by rules
 * alone.
 * Where this is not AWS: a capture does not show connections from before it began, so that replies
 * in those are judged by rules until a packet of the other direction comes; and AWS rejects packets
 * that come after the end of a TCP connection, but does not say from which moment: they are
 * accepted here. Flows that AWS does not track (rules that allow all addresses both ways) are
 * tracked here, with the same result.
 *
 * Memory: max_connections times 72 bytes, reserved by new() and touched as it is used; at the bound
 * the connection that has been idle longest is forgotten.
 * Owner: the caller; one thread (the connection table is written). */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "flow/flow.h"
#include "flow/packet.h"

#include <stdbool.h>

#define VPC_RULES_FILE_MAX        ((size_t)16 << 20) /* bytes of one file */
#define VPC_RULES_CONNECTIONS_MAX ((size_t)1 << 27)

struct vpc_rules;

/* max_connections from 1 to VPC_RULES_CONNECTIONS_MAX. */
int vpc_rules_new(struct vpc_rules **ret_rules, size_t max_connections, struct err *err);
/* Adds the rules of a file ("-" is not special). Errors name the file, the group or ACL, the entry
 * and the field, and leave the rules as they were. An error is also: nothing in it that is a group
 * or ACL; a second ACL, in this file or together; rules that refer to what a capture does not tell
 * (the members of another group, a prefix list). */
int vpc_rules_load(struct vpc_rules *rules, const char *path, struct err *err);
/* The same from memory; name is for messages. */
int vpc_rules_load_text(
	struct vpc_rules *rules, struct str text, const char *name, struct err *err);
/* RECORD_ACCEPT or RECORD_REJECT for a packet in this direction (seen from the interface; a packet
 * of RECORD_NO_DIRECTION passes no rules and is accepted) at this time (Unix nanoseconds, may step
 * back a little), and remembers the connection that an accepted one opens. The later fragments of a
 * datagram have been given the ports and ICMP type of the first. */
int vpc_rules_decide(
	struct vpc_rules *rules, const struct flow_packet *packet, int direction, int64_t time_ns);
void vpc_rules_free(struct vpc_rules *rules);
MEM_DEFINE_CLEANUP(struct vpc_rules, vpc_rules_free)
