"""What goes wrong between a spool and its destination, and that no committed record is lost or doubled by it."""
import gzip
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time

import servers
from deliver import Case, command, client, environment, need_logs, objects, packets, run, text_lines

SLOW_DOWN = (503, {}, b'<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>')
BUCKET, STREAM = 'arn:aws:s3:::flows', 'arn:aws:firehose:us-east-1:111122223333:deliverystream/flows'


def in_background(server, kind, destination, spool, prefix=(), **options):
	return subprocess.Popen([*prefix, *command(server, kind, destination, spool, options)],
		env=environment(server.keys), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process):
	said, warned = process.communicate(timeout=120)
	assert process.returncode == 0, (process.returncode, said, warned)
	return json.loads(said.splitlines()[-1]), said, warned


def all_objects(server):
	return [n for content in server.objects.values() for n in packets(text_lines(content))]


def all_events(server):
	return packets(event['message'] for events in server.streams.values() for event in events)


class Objects(Case):
	def test_down_and_back(self):
		server = self.faulty()
		server.stop()
		process = in_background(server, 's3', BUCKET, self.spool, windows=10, records=50, pause_ms=100, drain_ms=30000)
		time.sleep(3)
		self.assertEqual(len(self.spool_files()), 10)
		server.start()
		back = time.monotonic()
		status, _, warned = end(process)
		self.assertLess(time.monotonic() - back, 13)
		self.assertEqual((status['fault'], status['records'], status['batches']), ('', 500, 10))
		self.assert_all(all_objects(server), 500)
		self.assertEqual(warned.count('warning:'), 1, warned)

	def test_slow_down_is_obeyed(self):
		server = self.faulty()
		until = time.monotonic() + 3
		server.rules.append(lambda request: SLOW_DOWN if time.monotonic() < until else None)
		_, status, warned = run(server, 's3', BUCKET, self.spool, windows=20, records=10, drain_ms=30000)
		turned_away = [request for request in server.requests if request.at < until]
		# Waits are random, twice as long on average each time, and only one probes.
		self.assertLess(len(turned_away), 20)
		self.assertGreaterEqual(status['retries'], len(turned_away))
		self.assert_all(all_objects(server), 200)
		self.assertIn('SlowDown', warned)

	def test_rate_limited_is_said(self):
		server = self.faulty()
		server.rules.append(lambda request: SLOW_DOWN)
		_, status, _ = run(server, 's3', BUCKET, self.spool, drain_ms=1500)
		self.assertEqual((status['fault'], status['spool_batches']), ('Rate limited', 1))

	def test_retry_after_is_waited_for(self):
		server = self.faulty()
		server.rules.append(lambda request: (503, {'Retry-After': '2'}, b'') if len(server.requests) == 1 else None)
		run(server, 's3', BUCKET, self.spool)
		self.assertEqual(len(server.requests), 2)
		self.assertGreater(server.requests[1].at - server.requests[0].at, 1.95)

	def test_inner_errors(self):
		server = self.faulty()
		server.rules.append(lambda request: (500, {}, b'') if random.random() < 0.5 else None)
		_, status, _ = run(server, 's3', BUCKET, self.spool, windows=30, drain_ms=60000)
		self.assertEqual(status['fault'], '')
		self.assertGreater(status['retries'], 0)
		self.assert_all(all_objects(server), 300)

	def test_lost_acknowledgement_is_repeated_under_the_same_key(self):
		server = self.faulty()
		lost = []
		def lose(request):
			lost.append(request.path)
			return 'close' if lost.count(request.path) == 1 else None
		server.after.append(lose)
		_, status, _ = run(server, 's3', BUCKET, self.spool, windows=5)
		self.assertEqual(status['batches'], 5)
		self.assertEqual(sorted(server.puts.values()), [2] * 5)  # put() checks that both are the same
		self.assert_all(all_objects(server), 50)

	def test_part_that_fails(self):
		server = self.faulty()
		failed = []
		def fail(request):
			if 'partNumber=2' in request.query and len(failed) < 2:
				failed.append(request)
				return 500, {}, b''
			return None
		server.rules.append(fail)
		form = ' '.join('${%s}' % name for name in ('packets', 'srcaddr', 'dstaddr', 'pkt-srcaddr', 'pkt-dstaddr'))
		_, status, _ = run(server, 's3', BUCKET, self.spool, records=400000, wide=1, format=form, drain_ms=60000)
		self.assertEqual((status['records'], len(failed)), (400000, 2))
		self.assertEqual(server.uploads, {})  # those that failed were aborted
		(content,) = server.objects.values()
		self.assert_all([int(line.split(b' ')[0]) for line in gzip.decompress(content).splitlines()[1:]], 400000)

	def test_untrusted_certificate(self):
		certificate = os.path.join(self.folder, 'certificate.pem')
		subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
			'-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', certificate,
			'-out', certificate + '.crt'], check=True, stderr=subprocess.DEVNULL)
		with open(certificate, 'a') as file, open(certificate + '.crt') as more:
			file.write(more.read())
		server = self.faulty(certificate=certificate)
		_, status, said = run(server, 's3', BUCKET, self.spool, drain_ms=1500)
		self.assertEqual((status['records'], status['spool_batches'], server.objects), (0, 1, {}))
		self.assertNotEqual(status['fault'], '')
		self.assertIn('certificate', said)
		_, status, _ = run(server, 's3', BUCKET, self.spool, first=11, ca=certificate + '.crt')
		self.assertEqual((status['fault'], status['records']), ('', 20))
		self.assert_all(all_objects(server), 20)

	def test_nobody_waits_for_a_dead_destination(self):
		dead, server = self.faulty(), self.faulty()
		release = threading.Event()
		self.addCleanup(release.set)
		work = dead.work
		dead.work = lambda request: release.wait(30) and work(request)
		started = time.monotonic()
		process = in_background(dead, 's3', BUCKET, self.spool, windows=10, records=100, also='flows',
			also_endpoint=server.endpoint, drain_ms=3000)
		servers.wait_for(lambda: len(server.batches) == 10, 'the other flow log', 8)
		_, said, _ = end(process)
		self.assertLess(time.monotonic() - started, 15)  # its calls are ended at the end
		first, second = (json.loads(line) for line in said.splitlines()[-2:])
		self.assertEqual((first['records'], first['spool_batches']), (0, 10))
		self.assertEqual((second['records'], second['spool_batches']), (1000, 0))
		self.assert_all(all_events(server), 1000)


class Events(Case):
	def test_limits_of_a_request(self):
		server = self.faulty()  # refuses what is beyond them
		start = int(time.time()) - 3600
		_, status, _ = run(server, 'logs', 'group', self.spool, records=25000, start=start, format='${packets}')
		self.assertEqual((status['records'], status['retries'], status['batches']), (25000, 0, 3))
		self.assert_all([int(event['message']) for events in server.streams.values() for event in events], 25000)
		form = ' '.join('${%s}' % name for name in ('packets', 'srcaddr', 'dstaddr', 'pkt-srcaddr', 'pkt-dstaddr'))
		_, status, _ = run(server, 'logs', 'wide', self.spool, records=12000, start=start, wide=1, format=form)
		size = sum(len(event['message']) + 26 for name, events in server.streams.items() if name[0] == 'wide'
			for event in events)
		self.assertEqual((status['records'], status['retries'], status['batches']), (12000, 0, -(-size // 1048576)))

	def test_no_more_than_a_day_in_a_request(self):
		server = self.faulty()
		day = 24 * 3600
		_, status, _ = run(server, 'logs', 'group', self.spool, records=1000, interval=3 * day,
			start=(int(time.time()) // (3 * day) - 1) * 3 * day)
		self.assertEqual((status['records'], status['retries']), (1000, 0))
		self.assertGreaterEqual(status['batches'], 3)
		self.assert_all(all_events(server), 1000)

	def test_group_and_stream_are_made_once(self):
		server = self.faulty()
		run(server, 'logs', 'group', self.spool, windows=5)
		targets = [request.target.split('.')[1] for request in server.requests]
		self.assertEqual(targets, ['PutLogEvents', 'CreateLogStream', 'CreateLogGroup', 'CreateLogStream'] +
			['PutLogEvents'] * 5)

	def test_events_of_the_wrong_age(self):
		server = self.faulty()
		now = int(time.time())
		# A window of which the first part is too old; windows begin at multiples of the interval.
		oldest = now - 14 * 24 * 3600
		interval = next(n for n in range(1000, 2000) if 300 < oldest % n < n - 300)
		_, status, _ = run(server, 'logs', 'group', self.spool, records=1000, interval=interval, start=oldest)
		kept = len(all_events(server))
		self.assertTrue(0 < kept < 1000)
		self.assertEqual((status['records'], status['given_up']), (kept, 1000 - kept))
		# All of it: not even sent.
		sent = len(server.requests)
		_, status, _ = run(server, 'logs', 'group', self.spool, records=7, start=now - 15 * 24 * 3600)
		self.assertEqual((status['given_up'], status['spool_batches'], len(server.requests)), (7, 0, sent))
		# Three hours ahead: waits until the time has come, and holds up nobody.
		_, status, _ = run(server, 'logs', 'group', self.spool, records=5, start=now + 3 * 3600, drain_ms=300)
		self.assertEqual((status['given_up'], status['spool_batches'], len(server.requests)), (0, 1, sent))
		_, status, _ = run(server, 'logs', 'group', self.spool, records=5, drain_ms=1500)
		self.assertEqual((status['records'], status['spool_batches']), (5, 1))

	def test_throttling(self):
		server = self.faulty()
		until = time.monotonic() + 1.5
		server.rules.append(lambda request: server.json_error('ThrottlingException') if time.monotonic() < until else None)
		_, status, warned = run(server, 'logs', 'group', self.spool, windows=10, interfaces=3)
		self.assertIn('ThrottlingException', warned)
		self.assertLess(sum(request.at < until for request in server.requests), 15)
		self.assert_all(all_events(server), 100)

	def test_a_refused_batch_holds_up_nobody(self):
		server = self.faulty()
		server.rules.append(lambda request: server.json_error('InvalidParameterException')
			if b'"eni-00000000000000002-all"' in request.body and request.target.endswith('PutLogEvents') else None)
		_, status, warned = run(server, 'logs', 'group', self.spool, windows=5, records=30, interfaces=3, drain_ms=9000)
		self.assertEqual((status['records'], status['spool_batches'], status['given_up']), (100, 5, 0))
		self.assertIn('InvalidParameterException', warned)
		server.rules.clear()
		_, status, _ = run(server, 'logs', 'group', self.spool, windows=0)
		self.assertEqual(status['spool_batches'], 0)
		self.assert_all(all_events(server), 150)

	def test_lost_acknowledgement_has_the_same_batch_id(self):
		server = self.faulty()
		lost = []
		def lose(request):
			batch = request.headers.get('x-nagare-batch-id')
			if not batch or random.random() < 0.3:
				return None
			lost.append(batch)
			return 'close' if lost.count(batch) < 3 else None
		server.after.append(lose)
		_, status, _ = run(server, 'logs', 'group', self.spool, windows=10, interfaces=2, drain_ms=60000)
		self.assertEqual(status['batches'], 20)
		self.assertGreater(server.repeats, 0)
		self.assert_all(all_events(server), 100)


class Firehose(Case):
	def lines(self, server):
		return packets(json.loads(record)['message'] for record in server.records)

	def test_only_what_was_not_taken_is_sent_again(self):
		server = self.faulty()
		server.refuse_records = lambda line: random.random() < 0.4
		_, status, _ = run(server, 'firehose', STREAM, self.spool, records=1100, drain_ms=60000)
		self.assertEqual((status['fault'], status['records']), ('', 1100))
		self.assertGreater(status['retries'], 0)
		self.assert_all(self.lines(server), 1100)

	def test_plain_lines(self):
		server = self.faulty()
		run(server, 'firehose', 'flows', self.spool, records=600, plain=1)
		self.assertTrue(all(record.endswith('\n') for record in server.records))
		self.assert_all(packets(record[:-1] for record in server.records), 600)
		self.assertEqual([len(json.loads(request.body)['Records']) for request in server.requests], [500, 100])


class Spool(Case):
	def test_full(self):
		server = self.faulty()
		server.stop()
		process = in_background(server, 's3', BUCKET, self.spool, windows=40, records=50, pause_ms=20, spool_max=40960,
			drain_ms=20000)
		servers.wait_for(lambda: len(self.spool_files()) == 10, 'a full spool')
		time.sleep(1)
		server.start()
		status, said, warned = end(process)
		numbers = all_objects(server)
		self.assertEqual(len(numbers), len(set(numbers)))
		self.assertEqual(len(numbers) + status['given_up'], 2000)
		self.assertGreaterEqual(status['given_up'], 50)
		self.assertTrue(set(range(1, 501)) <= set(numbers))  # the oldest are kept
		self.assertIn('no room', warned)
		self.assertNotIn('told', warned)  # deliver_take_given_up says the same

	def test_disk_full(self):
		if os.geteuid() != 0:
			self.skipTest('needs root to mount a small tmpfs')
		server = self.faulty()
		server.stop()
		os.mkdir(self.spool)
		process = in_background(server, 's3', BUCKET, self.spool, ('unshare', '--mount', 'sh', '-ec',
			f'mount -t tmpfs -o size=160k none {self.spool}; exec "$@"', 'sh'), windows=60, records=500, wide=1,
			pause_ms=100, drain_ms=20000)
		time.sleep(3)
		server.start()
		status, said, warned = end(process)
		self.assertIn('No space left', warned)
		self.assertEqual((status['given_up'], status['waiting'], status['spool_batches']), (0, 0, 0))
		self.assert_all(all_objects(server), 30000)

	def test_deleted_flow_log_leaves_nothing(self):
		server = self.faulty()
		server.stop()
		_, status, _ = run(server, 's3', BUCKET, self.spool, windows=3, drain_ms=100, deleted=1)
		self.assertEqual(status['spool_batches'], 3)
		self.assertEqual(os.listdir(self.spool), [])

	def test_damaged_batch_is_told_and_the_rest_delivered(self):
		server = self.faulty()
		server.stop()
		run(server, 's3', BUCKET, self.spool, windows=3, drain_ms=100)
		folder = os.path.join(self.spool, 'fl-0aa11bb22cc33dd44')
		second = os.path.join(folder, sorted(os.listdir(folder))[1])
		with open(second, 'r+b') as file:
			file.seek(20)
			file.write(b'\xff\xff\xff')
		server.start()
		_, status, warned = run(server, 's3', BUCKET, self.spool, windows=0)
		self.assertEqual((status['records'], status['given_up'], status['spool_batches']), (20, 10, 0))
		self.assertIn('CRC32', warned)
		self.assertEqual(os.listdir(folder), [os.path.basename(second) + '.damaged'])
		self.assertEqual(sorted(all_objects(server)), [*range(1, 11), *range(21, 31)])


class Kills(Case):
	"""The delivering process is killed at random moments while it commits and sends, and the answers of the server
	are lost at random. Each life has numbers of its own; what was committed before a kill may be more than was said."""
	LIVES = int(os.environ.get('LIVES', '15'))
	WINDOW = 40

	def live(self, server, kind, destination, collect, **options):
		committed = []
		for life in range(self.LIVES):
			process = in_background(server, kind, destination, self.spool, windows=100000, records=self.WINDOW,
				first=life * 1000000 + 1, **options)
			time.sleep(random.uniform(0.05, 0.4))
			process.send_signal(signal.SIGKILL)
			said, _ = process.communicate()
			committed.append(max([int(n) for n in re.findall(r'^committed (\d+)$', said, re.M)],
				default=life * 1000000))
		server.after.clear()
		_, status, warned = run(server, kind, destination, self.spool, windows=0, drain_ms=60000)
		self.assertEqual((status['spool_batches'], status['given_up']), (0, 0), warned)
		numbers = collect()
		self.assertEqual(len(numbers), len(set(numbers)))
		numbers, total = set(numbers), 0
		for life, last in enumerate(committed):
			first = life * 1000000 + 1
			self.assertEqual([n for n in range(first, last + 1) if n not in numbers], [])
			self.assertEqual([n for n in numbers if last + self.WINDOW < n < first + 999999], [])
			total += last + 1 - first
		self.assertGreater(total, 10 * self.LIVES)
		self.assertEqual([name for name in self.spool_files()], [])

	def lossy(self):
		server = self.faulty()
		server.after.append(lambda request: 'close' if random.random() < 0.2 else None)
		return server

	def test_objects(self):
		server = self.lossy()
		self.live(server, 's3', BUCKET, lambda: all_objects(server))

	def test_events(self):
		server = self.lossy()
		self.live(server, 'logs', 'group', lambda: all_events(server), interfaces=3)

	def test_objects_in_nagare(self):
		server = deliver_server(self)
		client(server, 's3').create_bucket(Bucket='flows')
		server.after = []
		self.live(server, 's3', BUCKET, lambda: [n for content in objects(server, 'flows').values()
			for n in packets(text_lines(content))])


	def test_events_in_nagare(self):
		server = deliver_server(self)
		need_logs(server)
		server.after = []
		logs = client(server, 'logs')
		def collect():
			pages = logs.get_paginator('filter_log_events').paginate(logGroupName='group')
			return packets(event['message'] for page in pages for event in page['events'])
		self.live(server, 'logs', 'group', collect, interfaces=3)


def deliver_server(case):
	import deliver
	folder = tempfile.mkdtemp(prefix='nagare-server-')
	server = servers.Nagare(deliver.NAGARE, os.path.join(folder, 'data'))
	def stop():
		server.stop()
		subprocess.run(['rm', '-rf', folder], check=True)
	case.addCleanup(stop)
	return server
