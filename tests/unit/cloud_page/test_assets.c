/* The page's files, as the program has them. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/page/assets.h"

#define PAGE_MAX (250u * 1024)

static int has(const struct asset *asset, const char *text)
{
    return memmem(asset->bytes, asset->size, text, strlen(text)) != NULL;
}

static void the_whole_page_is_less_than_250_KB(void **state)
{
    size_t size = 0;
    const struct asset *asset;
    (void)state;
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        assert_true(asset->size > 50);
        size += asset->size;
    }
    print_message("%zu bytes\n", size);
    assert_true(size < PAGE_MAX);
}

static void nothing_is_fetched_from_the_internet(void **state)
{
    const struct asset *asset;
    (void)state;
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        assert_false(has(asset, "https://"));
        assert_false(has(asset, "@import"));
        assert_false(has(asset, "eval("));
        assert_false(has(asset, "innerHTML"));
    }
}

static void a_file_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_non_null(asset_find("/app.js"));
    assert_null(asset_find("/app"));
    assert_null(asset_find(""));
    assert_null(asset_find("/../app.js"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_page_is_less_than_250_KB),
        cmocka_unit_test(nothing_is_fetched_from_the_internet),
        cmocka_unit_test(a_file_that_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
