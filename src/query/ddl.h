/* ddl: what kind of statement a text of Athena's is, and those of Hive's DDL as documents of the
 * catalog. Source: Athena user guide, "DDL statements", "CREATE TABLE", "ALTER TABLE", "UNLOAD",
 * "PREPARE"; LanguageManual DDL of Hive.
 *
 * Keywords in any case; identifiers bare, in `` or in ""; '...' and "..." as strings, with Hive's
 * escapes; comments of SQL; one statement with or without ';'. A SELECT inside (CREATE TABLE AS,
 * INSERT, UNLOAD, CREATE VIEW, EXPLAIN, PREPARE) is lent as text and not looked at. Errors are
 * ERR_USAGE, "line 1:8: what". Pure; time in proportion to the text. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

enum ddl_kind {
	DDL_SELECT, /* anything else that begins with SELECT, WITH, VALUES, TABLE or a bracket */
	DDL_EXPLAIN,
	DDL_CREATE_TABLE,
	DDL_CREATE_TABLE_AS,
	DDL_INSERT,
	DDL_UNLOAD,
	DDL_CREATE_DATABASE,
	DDL_DROP_DATABASE,
	DDL_DROP_TABLE,
	DDL_CREATE_VIEW,
	DDL_DROP_VIEW,
	DDL_ADD_PARTITION,
	DDL_DROP_PARTITION,
	DDL_SET_LOCATION,
	DDL_SET_PROPERTIES,
	DDL_ADD_COLUMNS,
	DDL_REPLACE_COLUMNS,
	DDL_REPAIR,
	DDL_SHOW_DATABASES,
	DDL_SHOW_TABLES,
	DDL_SHOW_VIEWS,
	DDL_SHOW_PARTITIONS,
	DDL_SHOW_COLUMNS,
	DDL_SHOW_CREATE_TABLE,
	DDL_SHOW_CREATE_VIEW,
	DDL_SHOW_PROPERTIES,
	DDL_DESCRIBE,
	DDL_PREPARE,
	DDL_EXECUTE,
	DDL_DEALLOCATE,
	DDL_KINDS
};

struct ddl {
	enum ddl_kind kind;
	struct str text;  /* the statement without ';' */
	struct str query; /* the SELECT inside, in text; of SELECT the text itself */
	bool if_exists;   /* IF EXISTS, IF NOT EXISTS, OR REPLACE */
	bool cascade, extended, formatted;
	bool without_data;     /* WITH NO DATA */
	char *database, *name; /* in lower case; database NULL: not said */
	/* By kind:
	 *   CREATE_TABLE        TableInput
	 *   CREATE_TABLE_AS, UNLOAD  object of WITH's properties; EXPLAIN too: "ANALYZE": true
	 *   CREATE_DATABASE     DatabaseInput
	 *   ADD_PARTITION       list of {Keys: {name: value}, Location: text, if said}
	 *   DROP_PARTITION      list of {Keys: {name: value}}
	 *   SET_PROPERTIES      object
	 *   SET_LOCATION        {Location, Keys if said}
	 *   ADD_COLUMNS, REPLACE_COLUMNS  list of columns
	 *   INSERT              list of column names, may be empty
	 *   SHOW_*              {Pattern} if said; SHOW_PROPERTIES: {Key}
	 *   UNLOAD              as above with "to"
	 *   EXECUTE             list of expressions as text */
	json_t *what;
};

int ddl_parse(struct str text, struct ddl *ret_ddl, struct err *err);
void ddl_done(struct ddl *ddl);
/* Sets the classes of a format of STORED AS in a table's StorageDescriptor, which has a SerdeInfo;
 * false: there is none of the name. */
bool ddl_use_format(json_t *descriptor, struct str name);
/* "DDL", "DML" or "UTILITY", and Athena's SubstatementType. */
const char *ddl_type(enum ddl_kind kind);
const char *ddl_substatement(enum ddl_kind kind);
