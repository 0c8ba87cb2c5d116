"""Rows of flow logs and the queries of tests/clients/athena_documented: what AWS's user guides ask and what people ask
in dashboards and posts, each with its answer computed here from the rows.
"""
import collections
import datetime
import ipaddress
import statistics

ACCOUNT, REGION = '123456789012', 'us-east-1'
COLUMNS = [tuple(one.split()) for one in """version int,account_id string,interface_id string,srcaddr string,dstaddr string,
srcport int,dstport int,protocol bigint,packets bigint,bytes bigint,start bigint,end bigint,action string,
log_status string,vpc_id string,subnet_id string,instance_id string,tcp_flags int,type string,pkt_srcaddr string,
pkt_dstaddr string,region string,az_id string,sublocation_type string,sublocation_id string,pkt_src_aws_service string,
pkt_dst_aws_service string,flow_direction string,traffic_path int""".split(',')]
FIELDS = [name for name, _ in COLUMNS]
UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC)
TODAY = NOW.date()
DAYS = [(TODAY - datetime.timedelta(days=n)).strftime('%Y/%m/%d') for n in (2, 1, 0)]
NAT = ('eni-0a1b2c3d4e5f60001', 'eni-0a1b2c3d4e5f60002')


def epoch_of(day):
	return int(datetime.datetime.strptime(day, '%Y/%m/%d').replace(tzinfo=UTC).timestamp())


def row_of(day, i):
	n = i + 500 * DAYS.index(day)
	hosts = ('10.0.1.10', '10.0.1.23', '10.0.2.7', '172.16.5.4', '10.0.2.99')
	peers = ('203.0.113.9', '198.51.100.77', '10.0.2.7', '54.239.28.85', '192.168.7.1', '2001:db8::42', '172.31.255.255', '10.117.3.4')
	egress = n % 3 != 0
	host, peer = hosts[n % 5], peers[n * 7 % 8]
	nat = n % 11 == 0
	protocol = (6, 6, 17, 6, 1)[n % 5]
	start = epoch_of(day) + (i * 517) % 86000
	seconds = n % 59
	packets = n * 13 % 97 + 1
	port = (443, 22, 80, 3389, 53, 8080, 5432, 1025)[n % 8] if protocol != 1 else 0
	source, target = (host, peer) if egress else (peer, host)
	ephemeral = 0 if protocol == 1 else 32768 + n * 31 % 20000
	return {'version': 5, 'account_id': ACCOUNT, 'interface_id': NAT[n % 2] if nat else f'eni-{n % 5:017x}',
		'srcaddr': source, 'dstaddr': target, 'srcport': ephemeral, 'dstport': port, 'protocol': protocol, 'packets': packets,
		'bytes': packets * (40 + n * 17 % 1400) * (100000 if n % 29 == 0 else 1), 'start': start, 'end': start + seconds,
		'action': 'REJECT' if n % 4 == 1 else 'ACCEPT', 'log_status': 'OK', 'vpc_id': f'vpc-{n % 2}', 'subnet_id': f'subnet-{n % 3}',
		'instance_id': '-' if nat else f'i-{n % 5:017x}', 'tcp_flags': (2, 18, 3, 19, 0, 4, 6)[n % 7] if protocol == 6 else 0,
		'type': 'IPv6' if ':' in source + target else 'IPv4', 'pkt_srcaddr': '10.0.3.3' if nat and egress else source,
		'pkt_dstaddr': target, 'region': REGION, 'az_id': f'use1-az{n % 5 % 3 + 1}', 'sublocation_type': '-', 'sublocation_id': '-',
		'pkt_src_aws_service': '-', 'pkt_dst_aws_service': 'S3' if target == '54.239.28.85' else '-',
		'flow_direction': 'egress' if egress else 'ingress', 'traffic_path': n % 8 + 1 if egress else None, 'day': day}


def nodata(day, status, i):
	row = {**dict.fromkeys(FIELDS, None), 'version': 5, 'account_id': ACCOUNT, 'interface_id': f'eni-{i:017x}',
		'start': epoch_of(day), 'end': epoch_of(day) + 59, 'log_status': status, 'region': REGION, 'day': day}
	return {name: '-' if value is None and dict(COLUMNS).get(name) == 'string' else value for name, value in row.items()}


ALL = [row for day in DAYS for row in [*(row_of(day, i) for i in range(400)), nodata(day, 'NODATA', 1), nodata(day, 'NODATA', 2),
	nodata(day, 'SKIPDATA', 3)]]
OK = [row for row in ALL if row['log_status'] == 'OK']


def text_of(value):
	if isinstance(value, bool):
		return 'true' if value else 'false'
	if isinstance(value, float):
		return java(value)
	if isinstance(value, datetime.datetime):
		return value.strftime('%Y-%m-%d %H:%M:%S.') + f'{value.microsecond // 1000:03}' + (' UTC' if value.tzinfo else '')
	if isinstance(value, list):
		return f'[{", ".join("null" if one is None else text_of(one) for one in value)}]'
	return None if value is None else str(value)


def java(value):
	"""As Double.toString writes it."""
	if value == 0 or 1e-3 <= abs(value) < 1e7:
		return repr(float(value))
	mantissa, exponent = f'{value!r}' if 'e' in repr(value) else None, 0
	digits = repr(value)
	if mantissa is None:
		digits = f'{value:.17e}'
		for precision in range(17):
			if float(f'{value:.{precision}e}') == value:
				digits = f'{value:.{precision}e}'
				break
	mantissa, exponent = digits.split('e')
	return f'{mantissa if "." in mantissa else mantissa + ".0"}E{int(exponent)}'


def values_of(rows):
	return [[text_of(value) for value in row] for row in rows]


def moment(seconds):
	return datetime.datetime.fromtimestamp(seconds, UTC)


def private(address):
	return any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in ('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'))


def groups(rows, key):
	made = collections.OrderedDict()
	for row in rows:
		made.setdefault(key(row), []).append(row)
	return made


def total(rows, name):
	return sum(row[name] for row in rows if row[name] is not None)


def pick(*names):
	return lambda row: tuple(row[name] for name in names)


def sums(rows, names, *made):
	"""A row a group: its key, then what each function says."""
	return [[*key, *(one(group) for one in made)] for key, group in groups(rows, pick(*names)).items()]


bytes_of = lambda rows: total(rows, 'bytes')
packets_of = lambda rows: total(rows, 'packets')


class Query:
	"""rows: all that could be found. order: a column by which they come, descending where negative (-1 is the first).
	exact: in just this order. limit: so many of them."""

	def __init__(self, text, rows, order=None, limit=None, exact=False, names=None, types=None, parquet=False):
		self.text, self.rows, self.order, self.limit, self.exact = text, rows, order, limit, exact
		self.names, self.types, self.parquet = names, types, parquet

	def check(self, case, found):
		wanted = values_of(self.rows)
		limit = len(wanted) if self.limit is None else min(self.limit, len(wanted))
		case.assertEqual(len(found), limit)
		if limit == 0:
			return
		if self.exact:
			case.assertEqual(found, wanted[:limit])
			return
		there = collections.Counter(map(tuple, wanted))
		case.assertEqual(collections.Counter(map(tuple, found)) - there, collections.Counter(), 'rows that are not there')
		if self.order is not None:
			column = abs(self.order) - 1
			kinds = dict(zip(map(tuple, wanted), [row[column] for row in self.rows]))
			keys = [kinds[tuple(row)] for row in found]
			best = sorted((row[column] for row in self.rows), key=lambda one: (one is None, one), reverse=self.order < 0)
			case.assertEqual(keys, best[:limit])


QUERIES = []


def ask(text, rows, **more):
	QUERIES.append(Query(text, rows, **more))


def iso(day):
	return day.replace('/', '-')


def where(test, rows=ALL):
	return [row for row in rows if test(row)]


D0, D1, D2 = DAYS
I0, I1, I2 = map(iso, DAYS)
rejected_tcp = where(lambda row: row['action'] == 'REJECT' and row['protocol'] == 6)
https = where(lambda row: row['dstport'] == 443)
everything = [[*(row[name] for name in FIELDS), iso(row['day'])] for row in ALL]
weekday = lambda row: datetime.datetime.strptime(row['day'], '%Y/%m/%d').isoweekday()

# ---- Athena user guide: "Create a table for Amazon VPC flow logs and query it" ----

ask(f"""SELECT *
FROM vpc_flow_logs
WHERE date = DATE('{I1}')
LIMIT 100;""", [row for row in everything if row[-1] == I1], limit=100, names=[*FIELDS, 'date'],
	types=[{'int': 'integer', 'string': 'varchar'}.get(kind, kind) for _, kind in COLUMNS] + ['date'])
ask("""SELECT day_of_week(date) AS
  day,
  date,
  interface_id,
  srcaddr,
  action,
  protocol
FROM vpc_flow_logs
WHERE action = 'REJECT' AND protocol = 6
LIMIT 100;""", [[weekday(row), iso(row['day']), row['interface_id'], row['srcaddr'], 'REJECT', 6] for row in rejected_tcp],
	limit=100, types=['bigint', 'date', 'varchar', 'varchar', 'varchar', 'bigint'])
ask("""SELECT SUM(packets) AS
  packetcount,
  dstaddr
FROM vpc_flow_logs
WHERE dstport = 443 AND date > current_date - interval '7' day
GROUP BY dstaddr
ORDER BY packetcount DESC
LIMIT 10;""", [[packets_of(group), addr] for (addr,), group in groups(https, pick('dstaddr')).items()], order=-1, limit=10,
	names=['packetcount', 'dstaddr'], types=['bigint', 'varchar'])

# ---- "Create tables for flow logs in Apache Parquet format", "... using partition projection" ----

ask(f"""SELECT * FROM vpc_flow_logs_parquet WHERE year='{D1[:4]}' AND month='{D1[5:7]}' AND day='{D1[8:]}' LIMIT 10""",
	[[*(row[name] for name in FIELDS), ACCOUNT, 'vpcflowlogs', REGION, *D1.split('/'), f'{moment(row["start"]):%H}'] for row in
	where(lambda row: row['day'] == D1)], limit=10, parquet=True)
ask("""SELECT "aws-account-id", "aws-region", hour, count(*) AS n FROM vpc_flow_logs_parquet
GROUP BY "aws-account-id", "aws-region", hour ORDER BY hour""", sorted([ACCOUNT, REGION, hour, len(group)] for hour, group in
	groups(ALL, lambda row: f'{moment(row["start"]):%H}').items()), exact=True, parquet=True)
others = [name for name in FIELDS if name != 'region']
in_range = where(lambda row: D0 <= row['day'] < D2)
ask(f"""SELECT *
FROM test_table_vpclogs
WHERE day >= '{D0}' AND day < '{D2}'
ORDER BY day ASC
LIMIT 100""", [[*(row[name] for name in others), ACCOUNT, REGION, row['day']] for row in in_range], order=len(others) + 3,
	limit=100, names=[*others, 'accid', 'region', 'day'])
ask(f"""SELECT SUM(packets) AS
  packetcount,
  dstaddr
FROM test_table_vpclogs
WHERE dstport = 443
  AND day >= '{D0}'
  AND day < '{D2}'
GROUP BY dstaddr
ORDER BY packetcount DESC
LIMIT 10""", [[packets_of(group), addr] for (addr,), group in groups(where(lambda row: row in in_range, https),
	pick('dstaddr')).items()], order=-1, limit=10)
stamp = lambda seconds: moment(seconds).strftime('%Y-%m-%dT%H:%M:%S.000Z')
ask(f"""SELECT interface_id, srcaddr, action, protocol, to_iso8601(from_unixtime(start)) AS start_time,
to_iso8601(from_unixtime("end")) AS end_time
FROM test_table_vpclogs
WHERE DAY >= '{D0}' AND DAY < '{D2}'""", [[*pick('interface_id', 'srcaddr', 'action', 'protocol')(row), stamp(row['start']),
	stamp(row['end'])] for row in in_range], names=['interface_id', 'srcaddr', 'action', 'protocol', 'start_time', 'end_time'])
ask(f"""SELECT interface_id, srcaddr, action, protocol, to_iso8601(from_unixtime(start)) AS start_time, to_iso8601(from_unixtime("end")) AS end_time
FROM test_table_vpclogs
WHERE srcaddr = '10.0.1.10' AND day >= '{D0}' AND day < '{D2}'""", [[*pick('interface_id', 'srcaddr', 'action', 'protocol')(row),
	stamp(row['start']), stamp(row['end'])] for row in in_range if row['srcaddr'] == '10.0.1.10'])
ask("""SELECT day, interface_id, srcaddr, action, protocol
FROM test_table_vpclogs
WHERE action = 'REJECT' AND protocol = 6
LIMIT 10""", [[row['day'], *pick('interface_id', 'srcaddr', 'action', 'protocol')(row)] for row in rejected_tcp], limit=10)
ask("""SELECT *
FROM test_table_vpclogs
WHERE split_part(srcaddr,'.', 1)='10' AND split_part(srcaddr,'.', 2) ='117'""", [[*(row[name] for name in others), ACCOUNT, REGION,
	row['day']] for row in ALL if row['srcaddr'].startswith('10.117.')])
ask("""SELECT * FROM test_table_vpclogs WHERE dstaddr = '10.0.1.10'""", [[*(row[name] for name in others), ACCOUNT, REGION, row['day']]
	for row in ALL if row['dstaddr'] == '10.0.1.10'])
ask(f"""SELECT region, date, hour, dstaddr, sum(bytes) AS total FROM test_table_vpclogs_parquet
WHERE date = '{D1}' AND hour BETWEEN '03' AND '09' GROUP BY region, date, hour, dstaddr""",
	[[REGION, D1, hour, addr, bytes_of(group)] for (hour, addr), group in groups(where(lambda row: row['day'] == D1),
	lambda row: (f'{moment(row["start"]):%H}', row['dstaddr'])).items() if '03' <= hour <= '09' and addr != '-'], parquet=True)
ask("""SELECT log_status, interface_id, count(1) FROM vpc_flow_logs GROUP BY log_status, interface_id""",
	sums(ALL, ['log_status', 'interface_id'], len), names=['log_status', 'interface_id', '_col2'], types=['varchar', 'varchar', 'bigint'])

# ---- the same pages in older years, and what was made of them ----

ask("""SELECT day_of_week(from_iso8601_timestamp(dt)) AS
  day,
  dt,
  interfaceid,
  sourceaddress,
  action,
  protocol
FROM vpc_flow_logs_2018
WHERE action = 'REJECT' AND protocol = 6
LIMIT 100;""", [[weekday(row), iso(row['day']), row['interface_id'], row['srcaddr'], 'REJECT', 6] for row in rejected_tcp], limit=100)
ask("""SELECT day_of_week(from_iso8601_timestamp(dt)) AS
     day,
     dt,
     interfaceid,
     sourceaddress,
     destinationport,
     action,
     protocol
   FROM vpc_flow_logs_2018
   WHERE action = 'REJECT' AND protocol = 6
   order by sourceaddress
   LIMIT 100;""", [[weekday(row), iso(row['day']), *pick('interface_id', 'srcaddr', 'dstport', 'action', 'protocol')(row)]
	for row in rejected_tcp], order=4, limit=100)
ask("""SELECT SUM(numpackets) AS
  packetcount,
  destinationaddress
FROM vpc_flow_logs_2018
WHERE destinationport = 443
GROUP BY destinationaddress
ORDER BY packetcount DESC
LIMIT 10;""", [[packets_of(group), addr] for (addr,), group in groups(https, pick('dstaddr')).items()], order=-1, limit=10,
	types=['bigint', 'varchar'])
ask("""SELECT sourceaddress,
         destinationaddress,
         count(*) AS record_count,
         SUM(numbytes) AS total_bytes,
         SUM(numbytes)/count(*) AS data_ratio,
         date_format(from_unixtime(min(starttime)),
         '%Y/%m/%d %H:%i:%s') AS first_seen, date_format(from_unixtime(max(endtime)), '%Y/%m/%d %H:%i:%s') AS last_seen
FROM "default"."vpc_flow_logs_2018"
WHERE (sourceaddress = '10.0.1.10'
        OR destinationaddress = '10.0.1.10')
GROUP BY  sourceaddress, destinationaddress
ORDER BY  total_bytes DESC """, [[*key, len(group), bytes_of(group), bytes_of(group) // len(group),
	f'{moment(min(row["start"] for row in group)):%Y/%m/%d %H:%M:%S}', f'{moment(max(row["end"] for row in group)):%Y/%m/%d %H:%M:%S}']
	for key, group in groups(where(lambda row: '10.0.1.10' in (row['srcaddr'], row['dstaddr'])), pick('srcaddr', 'dstaddr')).items()],
	order=-4, types=['varchar', 'varchar', 'bigint', 'bigint', 'bigint', 'varchar', 'varchar'])
ask("""SELECT vpc.account,
         vpc.sourceaddress || ':' || CAST(vpc.sourceport AS VARCHAR) AS source,
         'INBOUND' AS direction,
         CAST(from_unixtime(vpc.starttime) AS TIMESTAMP) AS startTime,
         date_diff('second', from_unixtime(vpc.starttime), from_unixtime(vpc.endtime)) as sessionTime
FROM "default"."vpc_flow_logs_2018" AS vpc
WHERE vpc.destinationaddress IN (SELECT threat FROM (VALUES '203.0.113.9', '198.51.100.77') AS iocs(threat))
UNION ALL
SELECT vpc.account, vpc.destinationaddress || ':' || CAST(vpc.destinationport AS VARCHAR), 'OUTBOUND',
         CAST(from_unixtime(vpc.starttime) AS TIMESTAMP),
         date_diff('second', from_unixtime(vpc.starttime), from_unixtime(vpc.endtime)) as sessionTime
FROM "default"."vpc_flow_logs_2018" AS vpc
WHERE vpc.sourceaddress IN (SELECT threat FROM (VALUES '203.0.113.9', '198.51.100.77') AS iocs(threat))
ORDER BY startTime, sessionTime, direction""",
	sorted([[ACCOUNT, f'{row["srcaddr"]}:{row["srcport"]}', 'INBOUND', moment(row['start']).replace(tzinfo=None), row['end'] - row['start']]
	for row in OK if row['dstaddr'] in ('203.0.113.9', '198.51.100.77')] + [[ACCOUNT, f'{row["dstaddr"]}:{row["dstport"]}', 'OUTBOUND',
	moment(row['start']).replace(tzinfo=None), row['end'] - row['start']] for row in OK if row['srcaddr'] in ('203.0.113.9', '198.51.100.77')],
	key=lambda row: row[3]), order=4, names=['account', 'source', 'direction', 'startTime', 'sessionTime'],
	types=['varchar', 'varchar', 'varchar', 'timestamp', 'bigint'])

# ---- AWS Security Analytics Bootstrap ----

ask(f"""SELECT * from vpcflow
WHERE date_partition >= date_format(date_add('day',-30,current_timestamp), '%Y/%m/%d')
AND account_partition in ('{ACCOUNT}','444455556666')
AND region_partition in ('us-east-1','us-east-2','us-west-2', 'us-west-2')
LIMIT 10;""", [[*(row[name] for name in FIELDS[:14]), None, None, row['day'], REGION, ACCOUNT] for row in ALL], limit=10)
ask(f"""-- records from port 443
SELECT instance_id, srcaddr, srcport, dstaddr, dstport, sum(bytes) as byte_count FROM vpc_flow_logs
WHERE instance_id = 'i-00000000000000001'
AND dstport = 443 -- HTTPS
AND date >= date '{I0}'
GROUP BY instance_id, srcaddr, srcport, dstaddr, dstport
ORDER BY byte_count DESC""", [[*key, bytes_of(group)] for key, group in groups(where(lambda row: row['instance_id'] == 'i-00000000000000001' and
	row['dstport'] == 443), pick('instance_id', 'srcaddr', 'srcport', 'dstaddr', 'dstport')).items()], order=-6)
ask("""SELECT from_unixtime(start) AS start_time,
from_unixtime("end") AS end_time,
interface_id, srcaddr, dstaddr, srcport, dstport, packets, bytes, flow_direction, action
FROM vpc_flow_logs
WHERE (srcaddr = '10.0.1.10' AND dstaddr = '203.0.113.9')
OR (srcaddr = '203.0.113.9' AND dstaddr = '10.0.1.10')
ORDER BY start ASC""", sorted(([moment(row['start']), moment(row['end']), *pick('interface_id', 'srcaddr', 'dstaddr', 'srcport',
	'dstport', 'packets', 'bytes', 'flow_direction', 'action')(row)] for row in OK if {row['srcaddr'], row['dstaddr']} ==
	{'10.0.1.10', '203.0.113.9'}), key=lambda row: row[0]), exact=True, types=['timestamp with time zone'] * 2 + ['varchar'] * 3 +
	['integer'] * 2 + ['bigint'] * 2 + ['varchar'] * 2)
ask("""SELECT srcaddr,
         min(start) AS first_seen,
         max("end") AS last_seen,
         cardinality(array_agg(DISTINCT(dstaddr))),
         array_sort(array_agg(DISTINCT(instance_id))),
         array_sort(array_agg(DISTINCT(dstport)))
FROM vpc_flow_logs
WHERE dstport < 32768 -- no ephemeral ports
GROUP BY srcaddr
ORDER by first_seen ASC""", [[addr, min(row['start'] for row in group), max(row['end'] for row in group),
	len({row['dstaddr'] for row in group}), sorted({row['instance_id'] for row in group}), sorted({row['dstport'] for row in group})]
	for (addr,), group in groups(OK, pick('srcaddr')).items()], order=2, names=['srcaddr', 'first_seen', 'last_seen', '_col3', '_col4', '_col5'],
	types=['varchar', 'bigint', 'bigint', 'bigint', 'array', 'array'])
top_pairs = sorted(groups(where(lambda row: row['srcaddr'].startswith('10.0.2.')), pick('srcaddr', 'dstaddr', 'dstport')).items(),
	key=lambda one: -bytes_of(one[1]))[:10]
top_count = collections.Counter(key[0] for key, _ in top_pairs)
ask("""SELECT v.date, v.srcaddr, v.dstaddr, sum(v.bytes) as byte_count
FROM vpc_flow_logs v
INNER JOIN (SELECT srcaddr, sum(bytes) as byte_count FROM vpc_flow_logs
WHERE srcaddr like '10.0.2.%'
GROUP BY srcaddr, dstaddr, dstport
ORDER BY byte_count DESC
LIMIT 10) as top_n
ON top_n.srcaddr = v.srcaddr
GROUP BY v.date, v.srcaddr, v.dstaddr
ORDER BY v.date ASC, v.srcaddr ASC, v.dstaddr ASC, byte_count DESC""", sorted([iso(day), source, target, bytes_of(group) * top_count[source]]
	for (day, source, target), group in groups(where(lambda row: row['srcaddr'] in top_count), pick('day', 'srcaddr', 'dstaddr')).items()),
	exact=True)


def between(address, low, high):
	return ipaddress.ip_address(low) < address < ipaddress.ip_address(high)


def inside(text):
	address = ipaddress.ip_address(text)
	return address.version == 4 and (between(address, '10.0.0.0', '10.255.255.255') or between(address, '172.16.0.0', '172.31.255.255') or
		between(address, '192.168.0.0', '192.168.255.255'))


ask("""SELECT srcaddr, dstaddr, bytes
FROM vpc_flow_logs
WHERE log_status = 'OK' -- without '-' for an address
AND NOT ( (CAST(srcaddr AS IPADDRESS) > IPADDRESS '10.0.0.0'
         AND CAST(srcaddr AS IPADDRESS) < IPADDRESS '10.255.255.255')
         OR (CAST(srcaddr AS IPADDRESS) > IPADDRESS '172.16.0.0'
         AND CAST(srcaddr AS IPADDRESS) < IPADDRESS '172.31.255.255')
         OR (CAST(srcaddr AS IPADDRESS) > IPADDRESS '192.168.0.0'
         AND CAST(srcaddr AS IPADDRESS) < IPADDRESS '192.168.255.255'))""",
	[pick('srcaddr', 'dstaddr', 'bytes')(row) for row in OK if not inside(row['srcaddr'])])
ask("""SELECT CAST(dstaddr AS IPADDRESS) AS a, count(*) FROM vpc_flow_logs WHERE log_status = 'OK' GROUP BY 1 ORDER BY 1""",
	sorted(sums(OK, ['dstaddr'], len), key=lambda row: int(ipaddress.ip_address(row[0])) if ':' in row[0] else
	int(ipaddress.ip_address('::ffff:' + row[0]))), exact=True, types=['ipaddress', 'bigint'])
ask("""SELECT srcaddr, dstaddr FROM vpc_flow_logs
WHERE log_status = 'OK'
AND NOT (contains('172.16.0.0/12', cast(srcaddr as IPADDRESS))
AND contains('172.16.0.0/12', cast(dstaddr as IPADDRESS)))""", [pick('srcaddr', 'dstaddr')(row) for row in OK if not all(
	ipaddress.ip_address(row[name]) in ipaddress.ip_network('172.16.0.0/12') for name in ('srcaddr', 'dstaddr'))])
