#include "aws/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct aws_xml *parse(const char *text)
{
	struct aws_xml *document = NULL;
	struct err err = ERR_INIT;

	if (aws_xml_parse(&document, str_from(text), &err) < 0)
		fail_msg("%s\n%s", text, err.message);
	return document;
}

/* The bodies that S3's clients send (S3 API reference, CompleteMultipartUpload, PutBucketAcl). */
static void requests(void **state)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = parse(
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
		"  <Part><PartNumber>1</PartNumber><ETag>\"a&amp;b&quot;&#x41;\"</ETag></Part>\n"
		"  <!-- said twice -->\n"
		"  <Part><ETag><![CDATA[<c>]]></ETag><PartNumber>2</PartNumber></Part>\n"
		"  <Other/>\n"
		"</CompleteMultipartUpload>");
	const struct aws_xml_node *root = aws_xml_root(document);

	assert_true(str_equal(root->name, STR("CompleteMultipartUpload")));
	assert_true(str_equal(root->space, STR("http://s3.amazonaws.com/doc/2006-03-01/")));
	const struct aws_xml_node *part = aws_xml_child(root, STR("Part"));
	assert_non_null(part);
	assert_int_equal(part->line, 3);
	assert_true(str_equal(aws_xml_text(part, STR("PartNumber")), STR("1")));
	assert_true(str_equal(aws_xml_text(part, STR("ETag")), STR("\"a&b\"A\"")));
	assert_null(aws_xml_text(part, STR("Missing")).p);
	part = aws_xml_next(part);
	assert_true(str_equal(aws_xml_text(part, STR("ETag")), STR("<c>")));
	assert_null(aws_xml_next(part));
	assert_true(str_equal(aws_xml_text(root, STR("Other")), STR("")));
	assert_null(aws_xml_child(NULL, STR("Part")));

	_cleanup_(aws_xml_freep) struct aws_xml *grant = parse(
		"<G xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\" "
		"b=\"x &amp; &lt;y&gt;\"><xsi:ID>\xc3\xa9</xsi:ID></G>");
	assert_true(str_equal(aws_xml_attribute(aws_xml_root(grant), STR("type")), STR("Group")));
	assert_true(str_equal(aws_xml_attribute(aws_xml_root(grant), STR("b")), STR("x & <y>")));
	assert_null(aws_xml_attribute(aws_xml_root(grant), STR("c")).p);
	assert_true(str_equal(aws_xml_text(aws_xml_root(grant), STR("ID")), STR("\xc3\xa9")));
}

static void refuse(struct str text, const char *message)
{
	struct aws_xml *document = NULL;
	struct err err = ERR_INIT;

	if (aws_xml_parse(&document, text, &err) == 0)
		fail_msg("accepted: %.*s", (int)(text.n < 200 ? text.n : 200), text.p);
	assert_null(document);
	if (!strstr(err.message, message))
		fail_msg("%.*s\nsays: %s", (int)(text.n < 200 ? text.n : 200), text.p, err.message);
}

static void dangerous_documents(void **state)
{
	static const char *const with_type[] = {
		"<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
		"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
		"<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a/>",
		"<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://127.0.0.1:1/\"> %x;]><a/>",
		("<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
		 "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;\">]><a>&d;</a>"),
		"<!DOCTYPE a [<!ATTLIST a b CDATA \"c\">]><a/>",
	};

	for (size_t i = 0; i < ARRAY_SIZE(with_type); i++)
		refuse(str_from(with_type[i]), "DOCTYPE");
	refuse(STR("<a>&undeclared;</a>"), "undeclared");
	refuse(STR("<a b=\"&undeclared;\"/>"), "undeclared");
	refuse(STR("<a>\n  <b></c>\n</a>"), "line 2");
	refuse(STR(""), "line");
	refuse(STR("   "), "line");
	refuse(STR("<a>"), "line");
	refuse(STR("<a/><b/>"), "line");
	refuse(STR("<a>\x01</a>"), "line");
	refuse(STR("<a>\xff</a>"), "line");
	refuse(STR("<a>a\0b</a>"), "line");
	refuse(STR("{\"a\": 1}"), "line");
	refuse(STR("<a b='1' b='2'/>"), "line");
}

static void limits(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	struct aws_xml *document = NULL;

	for (unsigned i = 0; i < AWS_XML_DEPTH_MAX; i++)
		buf_add_text(&text, "<a>");
	size_t opened = text.n;
	for (unsigned i = 0; i < AWS_XML_DEPTH_MAX; i++)
		buf_add_text(&text, "</a>");
	assert_int_equal(aws_xml_parse(&document, buf_str(&text), NULL), 0);
	aws_xml_free(take(document));
	text.n = opened;
	buf_add_text(&text, "<a>");
	refuse(buf_str(&text), "nested more than");

	text.n = 0;
	buf_add_text(&text, "<a>");
	for (unsigned i = 0; i < AWS_XML_NODES_MAX; i++)
		buf_add_text(&text, "<b/>");
	buf_add_text(&text, "</a>");
	refuse(buf_str(&text), "more than");
}

static void answers(void **state)
{
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;

	aws_xml_begin(&writer, &buf);
	aws_xml_open_space(&writer, "ListBucketResult", "http://s3.amazonaws.com/doc/2006-03-01/");
	aws_xml_element(&writer, "Key", STR("a&b<c>\"d\"\r\n\x01"));
	aws_xml_element_u64(&writer, "Size", UINT64_MAX);
	aws_xml_element_bool(&writer, "IsTruncated", false);
	aws_xml_element_time(&writer, "LastModified", INT64_C(1369353600123));
	aws_xml_element_empty(&writer, "Marker");
	aws_xml_open(&writer, "Owner");
	aws_xml_element(&writer, "ID", STR(""));
	aws_xml_open_attributes(&writer, "Grantee", "a=\"b\"");
	aws_xml_end(&writer);
	assert_string_equal(buf_text(&buf),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<Key>a&amp;b&lt;c&gt;&quot;d&quot;&#xd;\n&#x1;</Key>"
		"<Size>18446744073709551615</Size><IsTruncated>false</IsTruncated>"
		"<LastModified>2013-05-24T00:00:00.123Z</LastModified><Marker/>"
		"<Owner><ID></ID><Grantee a=\"b\"></Grantee></Owner></ListBucketResult>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(dangerous_documents),
		cmocka_unit_test(limits),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
