#include "base/dictionary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void test_numbers(void **state)
{
	struct dictionary dictionary = {0};

	assert_int_equal(dictionary_add(&dictionary, STR("a")), 0);
	assert_int_equal(dictionary_add(&dictionary, STR("")), 1);
	assert_int_equal(dictionary_add(&dictionary, STR_NONE), 1);
	assert_int_equal(dictionary_add(&dictionary, STR("a\0b")), 2);
	assert_int_equal(dictionary_add(&dictionary, STR("a")), 0);
	assert_int_equal(dictionary.count, 3);
	assert_true(str_equal(dictionary.texts[2], STR("a\0b")));
	dictionary_done(&dictionary);
	dictionary_done(&dictionary);
}

/* Texts stay where they are while it grows, long ones too; a cleared one counts from 0 again. */
static void test_many(void **state)
{
	enum { TEXTS = 20000 };
	static char long_text[100000];
	struct dictionary dictionary = {0};
	struct str first = STR_NONE;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < TEXTS; i++) {
			char text[32];
			int n = snprintf(text, sizeof(text), "text number %d", i);
			assert_int_equal(
				dictionary_add(&dictionary, (struct str){text, (size_t)n}), i);
			if (i == 0)
				first = dictionary.texts[0];
		}
		memset(long_text, 'x', sizeof(long_text));
		struct str text = {long_text, sizeof(long_text)};
		assert_int_equal(dictionary_add(&dictionary, text), TEXTS);
		assert_int_equal(dictionary_add(&dictionary, text), TEXTS);
		assert_int_equal(dictionary_add(&dictionary, STR("text number 19999")), 19999);
		assert_ptr_equal(dictionary.texts[0].p, first.p);
		assert_true(str_equal(first, STR("text number 0")));
		assert_true(dictionary_bytes(&dictionary) > sizeof(long_text) + TEXTS * 13);
		dictionary_clear(&dictionary);
		assert_int_equal(dictionary.count, 0);
	}
	dictionary_done(&dictionary);
	assert_int_equal(dictionary_bytes(&dictionary), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
