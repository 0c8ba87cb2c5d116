-- One statement a line; what Trino says of each is in recorded.json (tests/trino/record writes it).
SELECT 7 / 2, -7 / 2, 7 % -3, 7.0 / 2, 7e0 / 2, 1 / 3.0
SELECT mod(-7, 3), abs(-5), sign(-2), sign(-2.5e0), power(2, 10), sqrt(2), cbrt(27), exp(0), ln(1), log2(8), log10(1000), log(2, 8)
SELECT ceil(1.2), floor(-1.2), round(2.5), round(-2.5), round(1.2345, 2), round(1.2345e0, 2), truncate(1.9e0), ceiling(1.5e0)
SELECT greatest(1, 3, 2), least(1, 3, 2), greatest('a', 'b'), greatest(1, NULL), least(NULL, 1)
SELECT bitwise_and(12, 10), bitwise_or(12, 10), bitwise_xor(12, 10), bitwise_not(12), bit_count(7, 64), bitwise_left_shift(1, 4), bitwise_right_shift(16, 2)
SELECT from_base('ff', 16), to_base(255, 16), width_bucket(5e0, 0e0, 10e0, 5), is_nan(nan()), is_finite(1e0), is_infinite(infinity())
SELECT pi(), e(), radians(180), degrees(pi()), sin(0e0), cos(0e0), tan(0e0), atan2(1e0, 1e0)
SELECT CAST('12' AS integer), CAST(1.5 AS integer), CAST(2.5 AS bigint), CAST(-1.5 AS integer), CAST(true AS integer), CAST(12 AS varchar), CAST(1.10 AS varchar), CAST(1e10 AS varchar), CAST(true AS varchar)
SELECT CAST('1.256' AS decimal(5,2)), CAST(1 AS decimal(10,3)), CAST('x' AS varchar(1)), CAST('abc' AS varchar(2)), CAST('abc' AS char(5))
SELECT try_cast('x' AS integer), try_cast('2026-13-01' AS date), try(1 / 0), try(CAST('x' AS bigint)), coalesce(NULL, 2, 3), nullif(1, 1), if(1 > 2, 'a', 'b'), if(false, 1)
SELECT 1 / 0
SELECT 1e0 / 0
SELECT CAST('x' AS integer)
SELECT CAST(300 AS tinyint)
SELECT 'a' || 'b' || 'c', concat('a', 'b'), concat_ws(',', 'a', NULL, 'b'), upper('a'), lower('A'), reverse('abc'), trim('  a '), ltrim('  a'), rtrim('a  ')
SELECT substr('hello', 2), substr('hello', 2, 3), substr('hello', -3), substr('hello', -3, 2), substring('hello', 0), substr('hello', 9), substring('hello' FROM 2 FOR 2)
SELECT strpos('high', 'ig'), strpos('abcabc', 'c', 2), position('b' IN 'abc'), replace('abc', 'b'), replace('abc', 'b', 'x'), lpad('7', 3, '0'), rpad('7', 3, '0'), lpad('12345', 3, '0')
SELECT split('a,b,c', ','), split('a,b,c', ',', 2), split_part('a.b.c', '.', 2), split_part('a.b', '.', 5), split_to_map('a=1;b=2', ';', '='), chr(65), codepoint('A'), starts_with('abc', 'ab')
SELECT translate('abc', 'ab', 'xy'), levenshtein_distance('kitten', 'sitting'), hamming_distance('abc', 'abd'), soundex('Robert'), word_stem('running')
SELECT 'abc' LIKE 'a%', 'a_c' LIKE 'a\_c' ESCAPE '\', 'abc' LIKE '_b_', 'ABC' LIKE 'a%', 'a' BETWEEN 'a' AND 'c', 1 NOT IN (2, 3), NULL IS NULL, 1 IS DISTINCT FROM NULL
SELECT regexp_like('1a 2b', '\d+b'), regexp_extract('1a 2b', '\d+'), regexp_extract('1a 2b', '(\d+)([a-z]+)', 2), regexp_extract_all('1a 2b', '\d+'), regexp_replace('1a 2b', '\d+'), regexp_replace('1a 2b', '(\d+)([a-z])', '$2$1'), regexp_split('1a 2b', '\s'), regexp_count('1a 2b', '\d'), regexp_position('1a 2b', '2'), regexp_extract('abc', 'x')
SELECT to_hex(md5(to_utf8('a'))), to_hex(sha1(to_utf8('a'))), to_hex(sha256(to_utf8('a'))), to_base64(to_utf8('hello')), from_utf8(from_base64('aGVsbG8=')), to_hex(to_utf8('hi')), from_utf8(from_hex('6869')), crc32(to_utf8('a')), to_hex(xxhash64(to_utf8('a')))
SELECT url_extract_host('http://example.com:80/p?q=1#f'), url_extract_port('http://example.com:80/p'), url_extract_path('http://example.com/p'), url_extract_query('http://example.com/p?q=1'), url_extract_parameter('http://example.com/p?q=1&r=2', 'r'), url_encode('a b&c'), url_decode('a+b%26c')
SELECT from_unixtime(0), from_unixtime(1767225600), from_unixtime(1767225600.5), to_unixtime(TIMESTAMP '2026-01-01 00:00:00'), from_unixtime(0, 'Europe/Paris'), from_iso8601_timestamp('2026-01-02T03:04:05Z'), from_iso8601_date('2026-01-02')
SELECT to_iso8601(TIMESTAMP '2026-01-02 03:04:05'), to_iso8601(DATE '2026-01-02'), to_iso8601(from_unixtime(0))
SELECT date_trunc('hour', TIMESTAMP '2026-01-02 03:04:05'), date_trunc('day', TIMESTAMP '2026-01-02 03:04:05'), date_trunc('week', DATE '2026-01-02'), date_trunc('month', DATE '2026-01-20'), date_trunc('quarter', DATE '2026-05-20'), date_trunc('year', DATE '2026-05-20'), date_trunc('minute', TIMESTAMP '2026-01-02 03:04:05')
SELECT date_diff('day', DATE '2026-01-01', DATE '2026-02-01'), date_diff('hour', TIMESTAMP '2026-01-01 00:30:00', TIMESTAMP '2026-01-01 02:00:00'), date_diff('month', DATE '2026-01-31', DATE '2026-02-28'), date_diff('second', TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2025-12-31 23:59:00'), date_diff('year', DATE '2025-06-01', DATE '2026-05-31'), date_diff('week', DATE '2026-01-01', DATE '2026-01-15')
SELECT date_add('day', 1, DATE '2026-01-31'), date_add('month', 1, DATE '2026-01-31'), date_add('hour', -2, TIMESTAMP '2026-01-01 01:00:00'), date_add('week', 2, DATE '2026-01-01'), date_add('year', -1, DATE '2024-02-29')
SELECT date_format(TIMESTAMP '2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s'), date_format(TIMESTAMP '2026-01-02 13:04:05', '%e %c %y %M %b %W %a %h %l %p %j %k'), date_parse('2026-01-02 03:04', '%Y-%m-%d %H:%i'), date_parse('02/Jan/2026', '%d/%b/%Y'), date('2026-01-02'), date(TIMESTAMP '2026-01-02 03:04:05')
SELECT format_datetime(TIMESTAMP '2026-01-02 03:04:05', 'yyyy-MM-dd HH:mm:ss'), format_datetime(TIMESTAMP '2026-01-02 03:04:05', 'yyyy/MM/dd/HH'), parse_datetime('2026-01-02 03:04:05', 'yyyy-MM-dd HH:mm:ss')
SELECT year(DATE '2026-05-20'), quarter(DATE '2026-05-20'), month(DATE '2026-05-20'), week(DATE '2026-01-01'), day(DATE '2026-05-20'), day_of_week(DATE '2026-01-04'), day_of_year(DATE '2026-03-01'), hour(TIMESTAMP '2026-01-02 03:04:05'), minute(TIMESTAMP '2026-01-02 03:04:05'), second(TIMESTAMP '2026-01-02 03:04:05'), year_of_week(DATE '2027-01-01'), last_day_of_month(DATE '2026-02-10'), millisecond(TIMESTAMP '2026-01-02 03:04:05.678')
SELECT extract(year FROM DATE '2026-05-20'), extract(dow FROM DATE '2026-01-04'), extract(hour FROM TIMESTAMP '2026-01-02 03:04:05'), extract(epoch FROM TIMESTAMP '2026-01-02 03:04:05')
SELECT DATE '2026-01-31' + INTERVAL '1' DAY, DATE '2026-01-31' + INTERVAL '1' MONTH, TIMESTAMP '2026-01-01 00:00:00' - INTERVAL '90' MINUTE, TIMESTAMP '2026-01-02 00:00:00' - TIMESTAMP '2026-01-01 12:00:00', DATE '2026-01-02' - DATE '2026-01-01'
SELECT INTERVAL '2' DAY, INTERVAL '3' MONTH, INTERVAL '1' DAY + INTERVAL '2' HOUR, 2 * INTERVAL '1' HOUR, parse_duration('1.5m'), human_readable_seconds(3661)
SELECT at_timezone(TIMESTAMP '2026-01-02 03:04:05 UTC', 'America/New_York'), TIMESTAMP '2026-01-02 03:04:05 UTC' AT TIME ZONE 'Asia/Tokyo', with_timezone(TIMESTAMP '2026-01-02 03:04:05', 'UTC'), timezone_hour(TIMESTAMP '2026-01-02 03:04:05 +02:00')
SELECT CAST('2026-01-02 03:04:05' AS timestamp), CAST('2026-01-02' AS date), CAST(DATE '2026-01-02' AS timestamp), CAST(TIMESTAMP '2026-01-02 03:04:05' AS date), CAST(DATE '2026-01-02' AS varchar), CAST(TIMESTAMP '2026-01-02 03:04:05' AS varchar), TIME '03:04:05'
SELECT ARRAY[1, 2] || ARRAY[3], ARRAY[1, 2] || 3, cardinality(ARRAY[1, 2]), ARRAY[5, 6][1], element_at(ARRAY[5, 6], -1), element_at(ARRAY[5], 3), contains(ARRAY[1, 2], 2), array_position(ARRAY['a', 'b'], 'b'), array_remove(ARRAY[1, 2, 1], 1), array_distinct(ARRAY[1, 1, 2])
SELECT ARRAY[1][2]
SELECT array_join(ARRAY[1, NULL, 2], ','), array_join(ARRAY[1, NULL, 2], ',', 'x'), array_max(ARRAY[1, 3, 2]), array_min(ARRAY[1, 3, 2]), array_sort(ARRAY[3, NULL, 1]), array_intersect(ARRAY[1, 2], ARRAY[2, 3]), array_union(ARRAY[1, 2], ARRAY[2, 3]), array_except(ARRAY[1, 2], ARRAY[2]), arrays_overlap(ARRAY[1], ARRAY[1, 2]), slice(ARRAY[1, 2, 3], 2, 2), reverse(ARRAY[1, 2])
SELECT sequence(1, 5), sequence(5, 1, -2), repeat('x', 3), flatten(ARRAY[ARRAY[1], ARRAY[2, 3]]), zip(ARRAY[1, 2], ARRAY['a', 'b']), ngrams(ARRAY['a', 'b', 'c'], 2), trim_array(ARRAY[1, 2, 3], 1), combinations(ARRAY[1, 2, 3], 2)
SELECT sequence(DATE '2026-01-01', DATE '2026-01-03', INTERVAL '1' DAY)
SELECT transform(ARRAY[1, 2], x -> x * 2), filter(ARRAY[1, 2, 3], x -> x % 2 = 1), reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s), any_match(ARRAY[1, 2], x -> x > 1), all_match(ARRAY[1, 2], x -> x > 1), none_match(ARRAY[1, 2], x -> x > 5), zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)
SELECT MAP(ARRAY['a', 'b'], ARRAY[1, 2])['a'], element_at(MAP(ARRAY['a'], ARRAY[1]), 'z'), cardinality(MAP(ARRAY['a'], ARRAY[1])), map_keys(MAP(ARRAY['a'], ARRAY[1])), map_values(MAP(ARRAY['a'], ARRAY[1])), map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a'], ARRAY[2])), map_filter(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1), transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> v + 1), map_from_entries(ARRAY[ROW('a', 1)]), map_entries(MAP(ARRAY['a'], ARRAY[1]))
SELECT ROW(1, 'a'), CAST(ROW(1, 'a') AS ROW(n integer, s varchar)).s, (1, 2) = (1, 2)
SELECT json_extract_scalar('{"a": {"b": "x", "c": [1, 2]}}', '$.a.b'), json_extract('{"a": [1, 2]}', '$.a'), json_array_length('[1, 2, 3]'), json_array_get('[1, 2]', 0), json_format(JSON '{"a": 1}'), json_parse('[1]'), json_size('{"a": 1, "b": 2}', '$'), json_array_contains('[1, 2]', 2), is_json_scalar('1'), CAST(JSON '[1, 2]' AS ARRAY(integer)), CAST(ARRAY[1, 2] AS JSON), json_extract_scalar('{"a": null}', '$.a')
SELECT json_value('{"a": "x"}', 'lax $.a'), json_query('{"a": [1]}', 'lax $.a'), json_exists('{"a": 1}', 'lax $.a')
SELECT CAST(IPADDRESS '10.0.0.1' AS varchar), IPADDRESS '10.0.0.1' < IPADDRESS '10.0.0.10', contains('10.0.0.0/8', IPADDRESS '11.1.2.3'), CAST('2001:db8::1' AS ipaddress)
SELECT count(*), count(x), count(DISTINCT x), sum(x), avg(x), min(x), max(x) FROM (VALUES 1, 2, 2, NULL) AS t(x)
SELECT sum(x), avg(x), sum(y), avg(y) FROM (VALUES (1.5, 1e0), (2.25, 2e0)) AS t(x, y)
SELECT count(*), sum(x), avg(x), min(x), array_agg(x), count_if(x > 1) FROM (VALUES 1) AS t(x) WHERE x > 5
SELECT stddev(x), stddev_pop(x), variance(x), var_pop(x), corr(x, y), covar_pop(x, y), regr_slope(y, x), skewness(x), kurtosis(x), geometric_mean(x) FROM (VALUES (1e0, 2e0), (2e0, 3e0), (3e0, 7e0), (5e0, 8e0)) AS t(x, y)
SELECT max_by(y, x), min_by(y, x), max_by(y, x, 2), max(x, 2), min(x, 2), array_agg(y ORDER BY x DESC), array_agg(x ORDER BY x) FILTER (WHERE x > 1), bool_and(x > 0), bool_or(x > 2), every(x > 1), bitwise_and_agg(x), bitwise_or_agg(x), checksum(x) IS NULL FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS t(x, y)
SELECT approx_distinct(x), approx_percentile(x, 0.5), approx_percentile(x, ARRAY[0.1, 0.9]), histogram(y), map_agg(x, y), multimap_agg(y, x), arbitrary(y), any_value(y), listagg(CAST(x AS varchar), ',') WITHIN GROUP (ORDER BY x), count_if(x > 5) FROM (SELECT x, 'k' AS y FROM UNNEST(sequence(1, 10)) AS t(x))
SELECT x, count(*), grouping(x) FROM (VALUES 'a', 'b', 'a') AS t(x) GROUP BY ROLLUP (x) ORDER BY x NULLS FIRST
SELECT x, y, sum(z) FROM (VALUES ('a', 'c', 1), ('b', 'c', 2)) AS t(x, y, z) GROUP BY CUBE (x, y) ORDER BY 1, 2, 3
SELECT x, row_number() OVER (ORDER BY x), rank() OVER (ORDER BY x), dense_rank() OVER (ORDER BY x), percent_rank() OVER (ORDER BY x), cume_dist() OVER (ORDER BY x), ntile(2) OVER (ORDER BY x), lag(x) OVER (ORDER BY x), lead(x, 2, 0) OVER (ORDER BY x), first_value(x) OVER (ORDER BY x), last_value(x) OVER (ORDER BY x), sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES 10, 20, 20, 30) AS t(x) ORDER BY x, 2
SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x
SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x DESC
SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x NULLS FIRST LIMIT 2
SELECT x FROM (VALUES 1, 2, 3, 4) AS t(x) ORDER BY x OFFSET 1 LIMIT 2
SELECT x FROM (VALUES 1, 2, 3, 4) AS t(x) ORDER BY x OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY
SELECT a, n FROM UNNEST(ARRAY['x', 'y']) WITH ORDINALITY AS t(a, n) ORDER BY n
SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY['x']) AS t(a, b) ORDER BY a
SELECT k, v FROM UNNEST(MAP(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v) ORDER BY k
SELECT t.x, u.y FROM (VALUES ARRAY[1, 2], ARRAY[3]) AS t(x) CROSS JOIN UNNEST(t.x) AS u(y) ORDER BY y
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT * FROM a UNION ALL SELECT * FROM b ORDER BY 1
SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1
SELECT x FROM (VALUES 1, 2, 3) AS t(x) EXCEPT SELECT 2 ORDER BY 1
SELECT x FROM (VALUES 1, 2, 3) AS t(x) INTERSECT SELECT 2
SELECT a.x, b.y FROM (VALUES 1, 2) AS a(x) LEFT JOIN (VALUES (1, 'p')) AS b(x, y) ON a.x = b.x ORDER BY 1
SELECT x, y FROM (VALUES 1, 2) AS a(x) FULL OUTER JOIN (VALUES (2, 'p'), (3, 'q')) AS b(x, y) USING (x) ORDER BY x
SELECT CASE 1 WHEN 1 THEN 'one' ELSE 'other' END, CASE WHEN false THEN 1 END, (SELECT 5), EXISTS (SELECT 1), 1 IN (SELECT 1), 3 > ALL (SELECT 2), 3 = ANY (SELECT 3)
SELECT typeof(1), typeof(1.5), typeof(1e0), typeof('a'), typeof(NULL), typeof(ARRAY[1]), typeof(DATE '2026-01-01'), typeof(from_unixtime(0)), typeof(true), typeof(CAST(1 AS bigint))
SELECT 0x1F, 1_000, X'6869', U&'\0041', 'it''s', 1.0E-7, 12345678.9e0, 0.001e0, 100e0, 123456789012345.678
SELECT format('%s %d %.2f %05d', 'a', 5, 1.005, 42), format_number(1234567), parse_data_size('1kB'), uuid() IS NULL, random() < 1, rand(1) = 0
SELECT bar(50, 10) IS NULL, color('red') IS NULL
SELECT nope(1)
SELECT sum('a')
SELECT length(1)
