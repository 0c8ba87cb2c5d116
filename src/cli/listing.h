/* listing: a Describe operation of EC2 as a list on standard output. */
#pragma once

#include "cli/remote.h"
#include "cli/rows.h"

#define CLI_FILTERS_MAX 50

struct cli_listing {
	enum cli_rows_output output;
	const char *filters[CLI_FILTERS_MAX]; /* NAME=VALUE[,VALUE...] */
	size_t filter_count;
};
#define CLI_LISTING_FILTER_HELP                                                                    \
	"Only what fits a filter of EC2, as vpc-id=vpc-1 or tag:env=prod,test; values may have * " \
	"and ?. May be given several times; all must fit."
int cli_listing_add_filter(struct cli_listing *listing, const char *value, struct err *err);

struct cli_listing_kind {
	const char *operation; /* "DescribeNetworkInterfaces" */
	const char *ids;       /* parameter: "NetworkInterfaceId" */
	const char *set;       /* element of the answer: "networkInterfaceSet" */
	const struct cli_column *columns;
	const char *none; /* what a table says when there is nothing */
};
/* All pages. */
int cli_listing_run(struct cli_remote *remote, const struct cli_listing *listing,
	const struct cli_listing_kind *kind, char **ids, size_t count, struct err *err);
