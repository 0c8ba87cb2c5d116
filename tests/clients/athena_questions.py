"""More queries of tests/clients/athena_documented: those of dashboards, posts and runbooks."""
import collections
import datetime
import ipaddress
import math
import statistics

from athena_queries import (ACCOUNT, ALL, D0, D1, D2, FIELDS, I0, I1, I2, NAT, OK, REGION, TODAY, ask, bytes_of, groups, https, iso,
	moment, packets_of, pick, private, rejected_tcp, sums, where)

accepted, rejected = (where(lambda row, action=action: row['action'] == action) for action in ('ACCEPT', 'REJECT'))
egress = where(lambda row: row['flow_direction'] == 'egress')
public = where(lambda row: not private(row['dstaddr']), OK)
GB = 1024 ** 3


def first(rows):
	return moment(min(row['start'] for row in rows))


def last(rows):
	return moment(max(row['end'] for row in rows))


def distinct(name):
	return lambda rows: len({row[name] for row in rows if row[name] is not None})


def hour(row):
	return moment(row['start']).replace(minute=0, second=0)


def rounded(value, places=2):
	"""Half away from zero, as Trino's round."""
	scale = 10 ** places
	return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)


# ---- top talkers, rejects, ports ----

ask("""SELECT srcaddr, dstaddr, SUM(bytes) as total_bytes, COUNT(*) as flows
FROM vpc_flow_logs WHERE log_status = 'OK'
GROUP BY srcaddr, dstaddr
ORDER BY total_bytes DESC
LIMIT 20""", sums(OK, ['srcaddr', 'dstaddr'], bytes_of, len), order=-3, limit=20)
ask("""SELECT srcaddr, COUNT(*) as attempts
FROM vpc_flow_logs
WHERE action = 'REJECT'
GROUP BY srcaddr
ORDER BY attempts DESC
LIMIT 10""", sums(rejected, ['srcaddr'], len), order=-2, limit=10, types=['varchar', 'bigint'])
ask("""select srcaddr, count(*) cnt, sum(bytes) / 1024 / 1024 as mb
from "default"."vpc_flow_logs"
where action = 'ACCEPT' and dstport in (22, 3389, 3306, 5432, 1433, 27017)
group by 1 having count(*) > 3 order by cnt desc, srcaddr""", sorted(([addr, len(group), bytes_of(group) // 1024 // 1024] for (addr,), group in
	groups(where(lambda row: row['dstport'] in (22, 3389, 5432), accepted), pick('srcaddr')).items() if len(group) > 3),
	key=lambda row: (-row[1], row[0])), exact=True)
ask(f"""SELECT srcaddr, dstaddr, dstport, count(*) AS attempts FROM vpc_flow_logs
WHERE dstport = 22 AND action = 'REJECT' AND date = current_date - interval '1' day
GROUP BY srcaddr, dstaddr, dstport ORDER BY attempts DESC LIMIT 20""", sums(where(lambda row: row['dstport'] == 22 and row['day'] == D1,
	rejected), ['srcaddr', 'dstaddr', 'dstport'], len), order=-4, limit=20)
ask("""SELECT srcaddr, COUNT(DISTINCT dstport) AS unique_ports_scanned
FROM vpc_flow_logs WHERE FROM_UNIXTIME("start") > NOW() - INTERVAL '90' HOUR AND action = 'REJECT'
GROUP BY srcaddr HAVING COUNT(DISTINCT dstport) > 5
ORDER BY unique_ports_scanned DESC LIMIT 10;""", [row for row in sums(rejected, ['srcaddr'], distinct('dstport')) if row[1] > 5],
	order=-2, limit=10)
ask("""SELECT action, COUNT(*) as flow_count
FROM vpc_flow_logs WHERE FROM_UNIXTIME("start") > NOW() - INTERVAL '4' DAY
GROUP BY action;""", sums(ALL, ['action'], len))
ask("""SELECT date_trunc('minute', FROM_UNIXTIME("start")) as time_bucket, COUNT(*) as flow_count
FROM vpc_flow_logs
GROUP BY 1 ORDER BY 1;""", sorted([minute, len(group)] for minute, group in groups(ALL, lambda row:
	moment(row['start'] // 60 * 60)).items()), exact=True, types=['timestamp with time zone', 'bigint'])
ask("""SELECT FROM_UNIXTIME("start") as flow_timestamp, srcaddr, dstaddr, dstport, protocol, action, bytes
FROM vpc_flow_logs WHERE log_status <> 'NODATA' AND "start" IS NOT NULL ORDER BY "start" DESC LIMIT 50;""", [[moment(row['start']),
	*pick('srcaddr', 'dstaddr', 'dstport', 'protocol', 'action', 'bytes')(row)] for row in ALL if row['log_status'] != 'NODATA'],
	order=-1, limit=50)
ask("""SELECT
  date_trunc('hour', from_unixtime(start)) AS hour,
  dstaddr AS server_ip,
  dstport,
  count(*) AS rst_count
FROM vpc_flow_logs
WHERE bitwise_and(tcp_flags, 4) > 0
  AND action = 'ACCEPT'
GROUP BY 1, 2, 3
HAVING count(*) > 1
ORDER BY rst_count DESC""", [[*key, len(group)] for key, group in groups(where(lambda row: (row['tcp_flags'] or 0) & 4, accepted),
	lambda row: (hour(row), row['dstaddr'], row['dstport'])).items() if len(group) > 1], order=-4,
	types=['timestamp with time zone', 'varchar', 'integer', 'bigint'])
ask("""SELECT pkt_srcaddr AS attacker_ip,
  count(DISTINCT dstport) AS unique_ports_scanned,
  count(*) AS total_attempts,
  min(from_unixtime(start)) AS first_seen,
  max(from_unixtime("end")) AS last_seen
FROM vpc_flow_logs
WHERE action = 'REJECT'
  AND tcp_flags = 2 -- SYN only
  AND pkt_srcaddr NOT LIKE '10.%' AND pkt_srcaddr NOT LIKE '192.168.%'
GROUP BY pkt_srcaddr
HAVING count(DISTINCT dstport) > 1
ORDER BY unique_ports_scanned DESC;""", [row for row in sums(where(lambda row: row['tcp_flags'] == 2 and not row['pkt_srcaddr'].startswith(
	('10.', '192.168.')), rejected), ['pkt_srcaddr'], distinct('dstport'), len, first, last) if row[1] > 1], order=-2)
ask("""SELECT
  dstport,
  action,
  count(*) AS flow_count,
  round(
    count(*) * 100.0 / sum(count(*)) OVER (PARTITION BY dstport),
    2
  ) AS pct
FROM vpc_flow_logs
WHERE dstport IN (3306, 5432, 3389, 22)
GROUP BY dstport, action
ORDER BY dstport, action""", sorted([port, action, len(group), rounded(len(group) * 100 / len(where(lambda row: row['dstport'] == port)))]
	for (port, action), group in groups(where(lambda row: row['dstport'] in (5432, 3389, 22)), pick('dstport', 'action')).items()), exact=True)
ask("""SELECT log_status, count(*) AS record_count,
  round(count(*) * 100.0 / sum(count(*)) OVER (), 2) AS pct
FROM vpc_flow_logs
GROUP BY log_status""", [[status, len(group), rounded(len(group) * 100 / len(ALL))] for (status,), group in groups(ALL, pick('log_status')).items()])
ask("""SELECT
  date_format(from_unixtime(start), '%Y-%m-%d %H:00') AS hour_bucket,
  count(*) AS reject_count,
  count(DISTINCT srcaddr) AS unique_src_ips
FROM vpc_flow_logs
WHERE action = 'REJECT'
GROUP BY date_format(from_unixtime(start), '%Y-%m-%d %H:00')
ORDER BY hour_bucket""", sorted([name, len(group), distinct('srcaddr')(group)] for name, group in groups(rejected, lambda row:
	f'{hour(row):%Y-%m-%d %H:00}').items()), exact=True)

# ---- NAT gateways, zones, what it costs ----

ask(f"""SELECT
  pkt_srcaddr AS private_ip,
  dstaddr AS internet_ip,
  sum(bytes) / 1048576.0 AS total_mb,
  count(*) AS flow_count
FROM vpc_flow_logs
WHERE interface_id IN ('{NAT[0]}', '{NAT[1]}')
  AND flow_direction = 'egress'
  AND pkt_srcaddr != srcaddr
GROUP BY pkt_srcaddr, dstaddr
ORDER BY total_mb DESC
LIMIT 10""", [[*key, bytes_of(group) / 1048576, len(group)] for key, group in groups(where(lambda row: row['interface_id'] in NAT and
	row['pkt_srcaddr'] != row['srcaddr'], egress), pick('pkt_srcaddr', 'dstaddr')).items()], order=-3, limit=10)
ask(f"""SELECT dstaddr, sum(bytes) AS bytes_out FROM vpc_flow_logs
WHERE interface_id = '{NAT[0]}' AND contains('10.0.0.0/16', try_cast(srcaddr AS ipaddress))
AND NOT contains('10.0.0.0/8', try_cast(dstaddr AS ipaddress))
GROUP BY dstaddr ORDER BY bytes_out DESC LIMIT 10""", sums(where(lambda row: row['interface_id'] == NAT[0] and
	row['srcaddr'].startswith('10.0.') and not row['dstaddr'].startswith('10.'), OK), ['dstaddr'], bytes_of), order=-2, limit=10)
ask("""SELECT instance_id, srcaddr, dstaddr AS external_ip, sum(bytes) / 1073741824.0 AS total_gb, sum(packets) AS total_packets
FROM vpc_flow_logs
WHERE action = 'ACCEPT' AND flow_direction = 'egress' AND instance_id != '-'
  AND NOT regexp_like(dstaddr, '^(10[.]|172[.](1[6-9]|2[0-9]|3[01])[.]|192[.]168[.]|169[.]254[.]|127[.])')
GROUP BY instance_id, srcaddr, dstaddr
HAVING sum(bytes) > 1073741824
ORDER BY total_gb DESC""", [[*key, bytes_of(group) / GB, packets_of(group)] for key, group in groups(where(lambda row: row['action'] == 'ACCEPT' and
	row['instance_id'] != '-' and (':' in row['dstaddr'] or not private(row['dstaddr'])), egress), pick('instance_id', 'srcaddr', 'dstaddr')).items()
	if bytes_of(group) > GB], order=-4)
zones = sorted({(row['pkt_srcaddr'], row['az_id']) for row in egress})
crossing = [(row, az) for row in egress for address, az in zones if row['pkt_dstaddr'] == address and az != row['az_id']]
by_path = collections.Counter()
for row, az in crossing:
	by_path[moment(row['start'] // 60 * 60), f'{row["az_id"]} -> {az}'] += row['bytes']
ask("""WITH
ip_addresses_and_az_mapping AS (
SELECT DISTINCT pkt_srcaddr as ipaddress, az_id
FROM "vpc_flow_logs"
WHERE flow_direction = 'egress'
and from_unixtime("vpc_flow_logs".start)>(CURRENT_TIMESTAMP - (9000 * interval '1' minute))
),
cross_az_traffic as (
SELECT "vpc_flow_logs".az_id as srcazid, ip_addresses_and_az_mapping.az_id as dstazid, bytes, start
FROM "vpc_flow_logs"
INNER JOIN ip_addresses_and_az_mapping ON pkt_dstaddr = ipaddress
WHERE flow_direction = 'egress' AND ip_addresses_and_az_mapping.az_id != "vpc_flow_logs".az_id
)
SELECT date_trunc('MINUTE', from_unixtime(start)) AS time, CONCAT(srcazid, ' -> ', dstazid) as inter_az_traffic, sum(bytes) as total_bytes
FROM cross_az_traffic
GROUP BY date_trunc('MINUTE', from_unixtime(start)), CONCAT(srcazid, ' -> ', dstazid)
ORDER BY time, total_bytes DESC""", [[*key, count] for key, count in by_path.items()], order=1)
ask("""SELECT CASE
    WHEN pkt_dst_aws_service = 'S3' THEN 'S3 through NAT'
    WHEN pkt_dst_aws_service = '-' THEN 'Internet'
    ELSE pkt_dst_aws_service END AS target,
  ROUND(SUM(bytes) / 1073741824.0 * 0.045, 4) AS usd, APPROX_DISTINCT(srcaddr) AS sources
FROM vpc_flow_logs WHERE flow_direction = 'egress' GROUP BY 1""", [[{'S3': 'S3 through NAT', '-': 'Internet'}[service],
	rounded(bytes_of(group) / 1073741824.0 * 0.045, 4), distinct('srcaddr')(group)] for (service,), group in
	groups(egress, pick('pkt_dst_aws_service')).items()], types=['varchar', 'double', 'bigint'])
ask("""SELECT array['intra-VPC', 'IGW or gateway endpoint', 'VGW', 'peering', 'peering between regions', 'local gateway',
  'gateway endpoint', 'IGW'][traffic_path] AS path, sum(bytes) b
FROM vpc_flow_logs WHERE flow_direction = 'egress' and traffic_path >= 1 and traffic_path <= 8 GROUP BY 1 ORDER BY 2 DESC""",
	[[('intra-VPC', 'IGW or gateway endpoint', 'VGW', 'peering', 'peering between regions', 'local gateway', 'gateway endpoint', 'IGW')[path - 1],
	bytes_of(group)] for (path,), group in groups(egress, pick('traffic_path')).items()], order=-2)
ask("""SELECT tcp_flags, filter(array[if(bitwise_and(tcp_flags, 2) != 0, 'SYN'), if(bitwise_and(tcp_flags, 16) != 0, 'ACK'),
  if(bitwise_and(tcp_flags, 1) != 0, 'FIN'), if(bitwise_and(tcp_flags, 4) != 0, 'RST')], x -> x is not null) AS names, count(*)
FROM vpc_flow_logs WHERE protocol = 6 GROUP BY 1, 2 ORDER BY 1""", sorted([flags, [name for bit, name in ((2, 'SYN'), (16, 'ACK'), (1, 'FIN'), (4, 'RST'))
	if flags & bit], len(group)] for (flags,), group in groups(where(lambda row: row['protocol'] == 6), pick('tcp_flags')).items()), exact=True,
	types=['integer', 'array', 'bigint'])

# ---- security ----

ask(f"""SELECT dstaddr, dstport, SUM(bytes) AS total_bytes, COUNT(*) AS flows,
       MIN(from_unixtime("start")) AS first_seen, MAX(from_unixtime("end")) AS last_seen
FROM vpc_flow_logs
WHERE date = date '{I1}' AND action = 'ACCEPT'
  AND NOT contains('10.0.0.0/8',     CAST(dstaddr AS IPADDRESS))
  AND NOT contains('172.16.0.0/12',  CAST(dstaddr AS IPADDRESS))
  AND NOT contains('192.168.0.0/16', CAST(dstaddr AS IPADDRESS))
GROUP BY dstaddr, dstport
ORDER BY total_bytes DESC
LIMIT 20;""", sums(where(lambda row: row['day'] == D1 and row['action'] == 'ACCEPT', public), ['dstaddr', 'dstport'], bytes_of, len, first, last),
	order=-3, limit=20)
small = where(lambda row: row['dstport'] == 443 and row['bytes'] < 100000 and row['action'] == 'ACCEPT')
ask("""SELECT dstaddr, COUNT(*) AS flows,
       COUNT(DISTINCT date) AS active_days,
       round(stddev(bytes), 3) AS byte_stddev
FROM vpc_flow_logs
WHERE action = 'ACCEPT' AND dstport = 443 AND bytes < 100000
GROUP BY dstaddr
HAVING COUNT(DISTINCT date) >= 3 AND COUNT(*) >= 5
ORDER BY flows DESC""", [[addr, len(group), distinct('day')(group), rounded(statistics.stdev(row['bytes'] for row in group), 3)] for (addr,), group in
	groups(small, pick('dstaddr')).items() if distinct('day')(group) >= 3 and len(group) >= 5], order=-2)
inner = lambda address: address.startswith(('10.', '192.168.')) or (address.startswith('172.') and 16 <= int(address.split('.')[1]) <= 31)
endpoint = lambda row, side: f'{row[side + "addr"]}:{row[side + "port"]}' if row['protocol'] in (6, 17) else row[side + 'addr']
ask(r"""SELECT FROM_UNIXTIME("start", 'UTC') AS "timestamp",
    CASE
        WHEN protocol = 1 THEN 'ICMP'
        WHEN protocol = 6 THEN 'TCP'
        WHEN protocol = 17 THEN 'UDP'
        ELSE CAST(protocol AS varchar)
    END AS proto,
    IF(protocol IN (6, 17), CONCAT(srcaddr, ':', CAST(srcport AS varchar)), srcaddr) AS source,
    IF(protocol IN (6, 17), CONCAT(dstaddr, ':', CAST(dstport AS varchar)), dstaddr) AS destination,
    action
FROM test_table_vpclogs
WHERE REGEXP_LIKE(srcaddr, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[0-1])\.).*')
    AND REGEXP_LIKE(dstaddr, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[0-1])\.).*')
    AND day >= DATE_FORMAT(NOW() - PARSE_DURATION('3d'), '%Y/%m/%d')
    AND start >= TO_UNIXTIME(NOW() - PARSE_DURATION('4d'))
    AND action = 'REJECT'
ORDER BY start DESC LIMIT 100;""", [[moment(row['start']), {1: 'ICMP', 6: 'TCP', 17: 'UDP'}[row['protocol']], endpoint(row, 'src'), endpoint(row, 'dst'),
	'REJECT'] for row in rejected if inner(row['srcaddr']) and inner(row['dstaddr'])], order=-1, limit=100,
	types=['timestamp with time zone', 'varchar', 'varchar', 'varchar', 'varchar'])
ask("""select flow_direction, protocol, srcaddr, srcport, dstaddr, dstport
     , count(version) rowscnt
  from "default"."test_table_vpclogs" a
 where day = to_Char(now() - interval '1' day, 'yyyy/mm/dd')
   and interface_id in ('eni-00000000000000001')
   and start > cast(to_unixtime(now() - interval '6000' minute) as integer)
 group by flow_direction, protocol, srcaddr, srcport, dstaddr, dstport
having flow_direction = 'egress'
 order by dstaddr, dstport""", sums(where(lambda row: row['day'] == D1 and row['interface_id'] == 'eni-00000000000000001', egress),
	['flow_direction', 'protocol', 'srcaddr', 'srcport', 'dstaddr', 'dstport'], len), order=5)
ask("""SELECT srcaddr, instance_id,
  date_trunc('hour', from_unixtime(start)) AS hour,
  count(DISTINCT dstaddr) AS hosts,
  count_if(action = 'REJECT') AS rejected,
  min(dstport) AS lowest_port, max(dstport) AS highest_port
FROM "default"."test_table_vpclogs"
WHERE day >= date_format(current_date - interval '9' day, '%Y/%m/%d')
  AND flow_direction = 'egress'
GROUP BY 1, 2, 3
HAVING count(DISTINCT dstaddr) >= 2 OR count(DISTINCT dstport) >= 3
ORDER BY hosts DESC, lowest_port DESC
LIMIT 500""", [[*key, distinct('dstaddr')(group), sum(row['action'] == 'REJECT' for row in group), min(row['dstport'] for row in group),
	max(row['dstport'] for row in group)] for key, group in groups(egress, lambda row: (row['srcaddr'], row['instance_id'], hour(row))).items()
	if distinct('dstaddr')(group) >= 2 or distinct('dstport')(group) >= 3], order=-4, limit=500)
ask("""WITH egress AS (
  SELECT instance_id, dstaddr, dstport, bytes, from_unixtime(start) AS ts
  FROM "default"."test_table_vpclogs"
  WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
    AND action = 'ACCEPT' AND flow_direction = 'egress'
    AND coalesce(instance_id, '-') <> '-'
    AND coalesce(pkt_dst_aws_service, '-') = '-'
),
resolved AS (
  SELECT srcids.instance AS instance, from_iso8601_timestamp(query_timestamp) AS ts, transform(answers, a -> a.rdata) AS ips
  FROM (SELECT CAST(ROW('i-00000000000000002') AS ROW(instance varchar)) AS srcids, 'DAYT00:00:00Z' AS query_timestamp,
    ARRAY[CAST(ROW('203.0.113.9', 'A') AS ROW(rdata varchar, type varchar))] AS answers)
  WHERE cardinality(answers) > 0
)
SELECT e.instance_id, e.dstaddr, array_sort(array_agg(DISTINCT e.dstport)) AS ports, sum(e.bytes) AS bytes_out,
  min(e.ts) AS first_seen, max(e.ts) AS last_seen
FROM egress e
LEFT JOIN resolved r
  ON r.instance = e.instance_id
 AND contains(r.ips, e.dstaddr)
 AND r.ts BETWEEN e.ts - interval '90' day AND e.ts
WHERE r.instance IS NULL
GROUP BY e.instance_id, e.dstaddr
ORDER BY bytes_out DESC
LIMIT 500""".replace('DAY', I0), [[*key, sorted({row['dstport'] for row in group}), bytes_of(group), first(group), moment(max(row['start'] for row in group))]
	for key, group in groups(where(lambda row: row['action'] == 'ACCEPT' and row['instance_id'] != '-' and row['pkt_dst_aws_service'] == '-' and
	not (row['instance_id'] == 'i-00000000000000002' and row['dstaddr'] == '203.0.113.9'), egress), pick('instance_id', 'dstaddr')).items()], order=-4)
ask(f"""SELECT
    COALESCE(SUM(bytes), 0) AS total_bytes,
    COALESCE(SUM(packets), 0) AS total_packets,
    COUNT(*) AS flow_records,
    COUNT(DISTINCT srcaddr) AS distinct_sources
FROM "default"."injected_logs"
WHERE account = '{ACCOUNT}' AND concat(year, '-', month, '-', day) >= date_format(
        current_timestamp - interval '60' hour, '%Y-%m-%d')
    AND from_unixtime("end") >= current_timestamp - interval '200' hour""", [[bytes_of(rows), packets_of(rows), len(rows), distinct('srcaddr')(rows)]
	for rows in [where(lambda row: iso(row['day']) >= (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=60)).strftime('%Y-%m-%d'))]],
	types=['bigint'] * 4)
ask("""SELECT COUNT(*) AS scanner_count
FROM (
    SELECT srcaddr FROM vpc_flow_logs
    WHERE action = 'REJECT' AND flow_direction = 'ingress'
    GROUP BY srcaddr, dstaddr
    HAVING COUNT(DISTINCT dstport) >= 3
)""", [[sum(distinct('dstport')(group) >= 3 for group in groups(where(lambda row: row['flow_direction'] == 'ingress', rejected),
	pick('srcaddr', 'dstaddr')).values())]])
ask(f"""SELECT action, count(*) FROM regex_logs GROUP BY action""", sums(where(lambda row: row['day'] == D0), ['action'], len))

ask("""SELECT action, log_status, sum(bytes), min("end") FROM grok_logs WHERE log_status = 'OK' GROUP BY action, log_status""",
	[[*key, bytes_of(group), min(row['end'] for row in group)] for key, group in groups(where(lambda row: row['day'] == D0, OK),
	pick('action', 'log_status')).items()], types=['varchar', 'varchar', 'bigint', 'bigint'])

# ---- shapes of SQL ----

ask("""SELECT srcaddr, bytes, rank FROM (
  SELECT srcaddr, bytes, rank() OVER (PARTITION BY srcaddr ORDER BY bytes DESC) AS rank FROM vpc_flow_logs WHERE log_status = 'OK'
) WHERE rank = 1""", [[addr, max(row['bytes'] for row in group), 1] for (addr,), group in groups(OK, pick('srcaddr')).items()
	for _ in range(sum(row['bytes'] == max(one['bytes'] for one in group) for row in group))], types=['varchar', 'bigint', 'bigint'])
days = {day: bytes_of(where(lambda row: row['day'] == day)) for day in (D0, D1, D2)}
ask("""SELECT date, sum(bytes) AS b, lag(sum(bytes)) OVER (ORDER BY date) AS before,
  sum(sum(bytes)) OVER (ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
FROM vpc_flow_logs GROUP BY date ORDER BY date""", [[I0, days[D0], None, days[D0]], [I1, days[D1], days[D0], days[D0] + days[D1]],
	[I2, days[D2], days[D1], sum(days.values())]], exact=True, types=['date', 'bigint', 'bigint', 'bigint'])
ask("""SELECT approx_percentile(bytes, 0.5) FROM (VALUES 10, 20, 30, 40, 1000) AS t(bytes)""", [[30]])
ask("""SELECT srcaddr, approx_percentile(n, ARRAY[0.25, 0.5]) FROM (SELECT 'a' AS srcaddr, n FROM UNNEST(sequence(1, 5)) AS t(n)) GROUP BY srcaddr""",
	[['a', [2, 3]]], types=['varchar', 'array'])
ask("""SELECT max_by(srcaddr, bytes), min_by(dstaddr, start), sum(bytes) FILTER (WHERE action = 'ACCEPT') FROM vpc_flow_logs WHERE log_status = 'OK'""",
	[[max(OK, key=lambda row: row['bytes'])['srcaddr'], min(OK, key=lambda row: row['start'])['dstaddr'], bytes_of(accepted)]])
ask("""SELECT protocol, map_agg(action, n) AS m FROM (SELECT protocol, action, count(*) n FROM vpc_flow_logs WHERE protocol = 17 GROUP BY protocol, action
  ORDER BY action) GROUP BY protocol""", [[17, '{ACCEPT=%d, REJECT=%d}' % tuple(sum(row['protocol'] == 17 and row['action'] == action for row in ALL)
	for action in ('ACCEPT', 'REJECT'))]], types=['bigint', 'map'])
ask("""SELECT action, protocol, sum(packets) FROM vpc_flow_logs WHERE log_status = 'OK' GROUP BY ROLLUP (action, protocol)""",
	sums(OK, ['action', 'protocol'], packets_of) + [[*row[:1], None, *row[1:]] for row in sums(OK, ['action'], packets_of)] +
	[[None, None, packets_of(OK)]])
ask("""SELECT u.port, count(*) FROM vpc_flow_logs CROSS JOIN UNNEST(ARRAY[srcport, dstport]) AS u (port) WHERE u.port BETWEEN 20 AND 500
GROUP BY u.port ORDER BY 2 DESC, 1""", sorted(([port, count] for port, count in collections.Counter(row[name] for row in OK for name in
	('srcport', 'dstport')).items() if 20 <= port <= 500), key=lambda row: (-row[1], row[0])), exact=True)
ask("""SELECT json_extract_scalar(doc, '$.src') AS s, CAST(json_extract(doc, '$.n') AS bigint) AS n FROM (
  SELECT json_format(CAST(MAP(ARRAY['src', 'n'], ARRAY[CAST(srcaddr AS JSON), CAST(count(*) AS JSON)]) AS JSON)) AS doc
  FROM vpc_flow_logs WHERE log_status = 'OK' GROUP BY srcaddr)""", sums(OK, ['srcaddr'], len), types=['varchar', 'bigint'])
ask("""SELECT DISTINCT vpc_id, subnet_id FROM vpc_flow_logs WHERE vpc_id <> '-' AND dstport NOT BETWEEN 0 AND 1024 ORDER BY 1, 2""",
	sorted({pick('vpc_id', 'subnet_id')(row) for row in OK if row['dstport'] > 1024}), exact=True)
ask("""SELECT srcaddr FROM vpc_flow_logs WHERE action = 'REJECT' EXCEPT SELECT srcaddr FROM vpc_flow_logs WHERE dstport = 443""",
	[[one] for one in {row['srcaddr'] for row in rejected} - {row['srcaddr'] for row in https}])
ask("""SELECT srcaddr, dstaddr FROM vpc_flow_logs WHERE dstport = 443 AND protocol = 6
INTERSECT SELECT srcaddr, dstaddr FROM vpc_flow_logs WHERE dstport = 22""", [list(one) for one in {pick('srcaddr', 'dstaddr')(row) for row in https
	if row['protocol'] == 6} & {pick('srcaddr', 'dstaddr')(row) for row in OK if row['dstport'] == 22}])
ask("""SELECT a.srcaddr, count(*) FROM vpc_flow_logs a JOIN vpc_flow_logs b ON a.srcaddr = b.dstaddr AND a.dstaddr = b.srcaddr
  AND a.date = b.date AND a.start < b.start AND b.start - a.start <= 600 GROUP BY a.srcaddr""", [[addr, count] for addr, count in
	collections.Counter(a['srcaddr'] for a in ALL for b in ALL if a['srcaddr'] == b['dstaddr'] and a['dstaddr'] == b['srcaddr'] and
	a['day'] == b['day'] and 0 < b['start'] - a['start'] <= 600).items()])
ask("""SELECT date_diff('minute', min(from_unixtime(start)), max(from_unixtime("end"))) AS minutes, date_diff('day', min(date), max(date)) AS days
FROM vpc_flow_logs""", [[(max(row['end'] for row in ALL) - min(row['start'] for row in ALL)) // 60, 2]], types=['bigint', 'bigint'])
ask("""SELECT year(date) y, month(date) m, day(date) d, hour(from_unixtime(start)) h, sum(bytes)/1e6 AS mb FROM vpc_flow_logs
WHERE log_status='OK' GROUP BY 1,2,3,4 ORDER BY 1,2,3,4""", sorted([*map(int, key[0].split('/')), key[1], bytes_of(group) / 1e6] for key, group in
	groups(OK, lambda row: (row['day'], moment(row['start']).hour)).items()), exact=True, types=['bigint'] * 4 + ['double'])
ask("""SELECT from_unixtime(start) AT TIME ZONE 'America/New_York' AS local, to_unixtime(from_unixtime(start)) AS t
FROM vpc_flow_logs WHERE log_status = 'SKIPDATA'""", [[moment(row['start']).astimezone(__import__('zoneinfo').ZoneInfo('America/New_York'))
	.strftime('%Y-%m-%d %H:%M:%S.000') + ' America/New_York', float(row['start'])] for row in ALL if row['log_status'] == 'SKIPDATA'],
	types=['timestamp with time zone', 'double'])
ask("""SELECT try_cast(srcaddr AS ipaddress) IS NULL AS none, count(*) FROM vpc_flow_logs GROUP BY 1""", [[False, len(OK)], [True, len(ALL) - len(OK)]],
	types=['boolean', 'bigint'])
ask("""SELECT ip_prefix(CAST(srcaddr AS ipaddress), 24) AS net, count(*) FROM vpc_flow_logs WHERE type = 'IPv4' GROUP BY 1""",
	[[f'{net}', count] for net, count in collections.Counter(str(ipaddress.ip_network(row['srcaddr'] + '/24', strict=False)) for row in OK
	if row['type'] == 'IPv4').items()], types=['ipprefix', 'bigint'])
ask("""SELECT avg(bytes) a, CAST(avg(packets) AS decimal(10, 2)) b, sum(CAST(bytes AS double)) c FROM vpc_flow_logs WHERE log_status = 'OK'""",
	[[bytes_of(OK) / len(OK), f'{rounded(packets_of(OK) / len(OK)):.2f}', float(bytes_of(OK))]], types=['double', 'decimal', 'double'])
ask("""SELECT srcaddr, dstaddr, start FROM vpc_flow_logs WHERE (srcaddr, dstport) IN (('10.0.1.10', 443), ('10.0.1.23', 22)) ORDER BY start DESC
OFFSET 2 LIMIT 5""", sorted((pick('srcaddr', 'dstaddr', 'start')(row) for row in OK if (row['srcaddr'], row['dstport']) in
	(('10.0.1.10', 443), ('10.0.1.23', 22))), key=lambda row: -row[2])[2:], limit=5)
ask("""SELECT cast(from_unixtime(start) as date) d, sum(case when action='REJECT' then 1 else 0 end) rejects,
  100.0 * sum(if(action = 'REJECT', 1, 0)) / count(*) as pct FROM vpc_flow_logs where protocol is not null group by cast(from_unixtime(start) as date)""",
	[[iso(day), sum(row['action'] == 'REJECT' for row in group), 100.0 * sum(row['action'] == 'REJECT' for row in group) / len(group)]
	for (day,), group in groups(OK, pick('day')).items()], types=['date', 'bigint', 'double'])
ask("""SELECT histogram(action) FROM vpc_flow_logs WHERE protocol = 1 AND action = 'ACCEPT'""", [['{ACCEPT=%d}' % sum(row['protocol'] == 1 and
	row['action'] == 'ACCEPT' for row in ALL)]], types=['map'])
ask("""SELECT array_join(array_sort(array_agg(DISTINCT CAST(dstport AS varchar))), ', ') AS ports, listagg(DISTINCT action, '|') WITHIN GROUP
(ORDER BY action) AS actions FROM vpc_flow_logs WHERE log_status = 'OK'""", [[', '.join(sorted({str(row['dstport']) for row in OK})), 'ACCEPT|REJECT']])
ask("""SELECT date_format(from_unixtime(start), '%W') AS weekday, count(*) FROM vpc_flow_logs GROUP BY 1""",
	[[name, len(group)] for name, group in groups(ALL, lambda row: f'{moment(row["start"]):%A}').items()])
