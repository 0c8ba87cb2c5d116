#include "aws/xml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touch(const struct aws_xml_node *node)
{
	size_t sum = node->name.n + node->space.n + node->line;

	for (size_t i = 0; i < node->text.n; i++)
		sum += (unsigned char)node->text.p[i];
	for (const struct aws_xml_attribute *a = node->first_attribute; a; a = a->next)
		for (size_t i = 0; i < a->value.n; i++)
			sum += (unsigned char)a->value.p[i];
	return sum;
}

/* Touches everything that was lent. */
static size_t walk(const struct aws_xml_node *root)
{
	const struct aws_xml_node *later[AWS_XML_DEPTH_MAX], *node = root;
	size_t sum = 0;
	unsigned n = 0;

	while (node) {
		sum += touch(node);
		if (node->first_child) {
			assert(n < AWS_XML_DEPTH_MAX);
			later[n++] = node->next;
			node = node->first_child;
			continue;
		}
		node = node->next;
		while (!node && n > 0)
			node = later[--n];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aws_xml *document = NULL;
	struct err err = ERR_INIT;
	volatile size_t sink = 0;

	if (aws_xml_parse(&document, (struct str){(const char *)data, size}, &err) == 0)
		sink = walk(aws_xml_root(document));
	(void)sink;
	aws_xml_free(document);
	return 0;
}
