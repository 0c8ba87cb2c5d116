"""Servers that deliveries are tested against: moto, MinIO, nagare's own, and a small one that fails as it is told."""
import base64
import collections
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
DEPENDENCIES = os.path.join(HERE, '..', '..', '.deps')
DELIVERY = os.path.join(DEPENDENCIES, 'clients', 'delivery')


def free_port():
	with socket.socket() as listener:
		listener.bind(('127.0.0.1', 0))
		return listener.getsockname()[1]


def wait_for(condition, what, seconds=20):
	end = time.monotonic() + seconds
	while not condition():
		if time.monotonic() > end:
			raise AssertionError('in vain waited for ' + what)
		time.sleep(0.02)


def answers(port):
	with socket.socket() as client:
		return client.connect_ex(('127.0.0.1', port)) == 0


class Process:
	"""A server of someone else's, on a port of its own."""

	def __init__(self, command, port, environment=None):
		self.port = port
		self.endpoint = f'http://127.0.0.1:{port}'
		self.process = subprocess.Popen(command, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		wait_for(lambda: answers(port) or self.process.poll() is not None, command[0])

	def stop(self):
		self.process.terminate()
		self.process.wait()


def start_moto():
	port = free_port()
	server = Process([os.path.join(DELIVERY, 'bin', 'python'), os.path.join(DELIVERY, 'bin', 'moto_server'),
		'-H', '127.0.0.1', '-p', str(port)], port)
	server.keys = ('test', 'test')
	return server


def start_minio(folder):
	minio = os.environ.get('NAGARE_MINIO') or shutil.which('minio') or os.path.join(DEPENDENCIES, 'bench', 'minio')
	if not os.path.exists(minio):
		return None
	port = free_port()
	server = Process([minio, 'server', '--quiet', '--address', f'127.0.0.1:{port}', '--console-address',
		f'127.0.0.1:{free_port()}', folder], port,
		{'MINIO_ROOT_USER': 'minioadmin', 'MINIO_ROOT_PASSWORD': 'minioadmin'})
	server.keys = ('minioadmin', 'minioadmin')
	return server


class Nagare:
	def __init__(self, nagare, folder, *options):
		self.process = subprocess.Popen([nagare, 'server', '--data-dir', folder, '--listen', '127.0.0.1:0', *options],
			stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
		self.endpoint = re.search(r'https?://[0-9.:]+', self.process.stdout.readline())[0]
		with open(os.path.join(folder, 'credentials')) as file:
			text = file.read()
		self.keys = tuple(re.search(rf'{name} *= *(\S+)', text)[1]
			for name in ('aws_access_key_id', 'aws_secret_access_key'))

	def stop(self):
		self.process.terminate()
		self.process.wait()
		self.process.stdout.close()


class Faulty:
	"""S3, CloudWatch Logs and Firehose in memory. rules is a list of functions (request) -> answer or None, asked
	first; an answer is (status, headers, body), or 'close' to close the connection without one. before and after the
	work: what is in `after` answers although the work was done."""

	def __init__(self, certificate=None):
		self.lock = threading.Lock()
		self.objects = {}
		self.puts = collections.Counter()
		self.uploads = {}
		self.groups, self.streams = set(), {}
		self.batches = {}
		self.repeats = 0
		self.records = []
		self.requests = []
		self.rules, self.after = [], []
		self.refuse_records = lambda line: False
		self.certificate = certificate
		self.port = free_port()
		self.endpoint = f'http{"s" if certificate else ""}://127.0.0.1:{self.port}'
		self.keys = ('test', 'test')
		self.server = None
		self.start()

	def start(self):
		faulty = self

		class Handler(http.server.BaseHTTPRequestHandler):
			protocol_version = 'HTTP/1.1'
			disable_nagle_algorithm = True

			def serve(self):
				faulty.serve(self)

			do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve

			def log_message(self, *arguments):
				pass

		class Server(http.server.ThreadingHTTPServer):
			allow_reuse_address = True
			daemon_threads = True
			request_queue_size = 64

			def handle_error(self, request, client_address):
				pass

		self.server = Server(('127.0.0.1', self.port), Handler)
		if self.certificate:
			context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
			context.load_cert_chain(self.certificate)
			self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
		threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True).start()

	def stop(self):
		if self.server:
			self.server.shutdown()
			self.server.server_close()
		self.server = None

	def serve(self, handler):
		request = Request(handler)
		with self.lock:
			self.requests.append(request)
			answer = next(filter(None, (rule(request) for rule in self.rules)), None)
		if answer is None:
			with self.lock:
				answer = self.work(request)
				answer = next(filter(None, (rule(request) for rule in self.after)), None) or answer
		if answer == 'close':
			handler.close_connection = True
			handler.connection.shutdown(socket.SHUT_RDWR)
			return
		status, headers, body = answer
		handler.send_response(status)
		for name, value in headers.items():
			handler.send_header(name, value)
		handler.send_header('Content-Length', str(len(body)))
		handler.end_headers()
		handler.wfile.write(body)

	def work(self, request):
		if request.target:
			return getattr(self, request.target.split('.')[1])(request, json.loads(request.body))
		return self.s3(request)

	def s3(self, request):
		query = urllib.parse.parse_qs(request.query, keep_blank_values=True)
		key = urllib.parse.unquote(request.path)
		if request.method == 'PUT':
			crc = base64.b64decode(request.headers.get('x-amz-checksum-crc32', ''))
			if crc != zlib.crc32(request.body).to_bytes(4, 'big'):
				return 400, {}, b'<Error><Code>BadDigest</Code></Error>'
		if 'uploads' in query:
			upload = f'upload/{len(self.uploads)}+='
			self.uploads[upload] = {}
			return 200, {}, (b'<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>' + upload.encode() +
				b'</UploadId></InitiateMultipartUploadResult>')
		if 'uploadId' in query:
			parts = self.uploads.get(query['uploadId'][0])
			if parts is None:
				return 404, {}, b'<Error><Code>NoSuchUpload</Code></Error>'
			if request.method == 'PUT':
				number = int(query['partNumber'][0])
				parts[number] = request.body
				return 200, {'ETag': f'"{number}"'}, b''
			del self.uploads[query['uploadId'][0]]
			if request.method == 'DELETE':
				return 204, {}, b''
			listed = re.findall(rb'<ETag>&quot;(\d+)&quot;</ETag><PartNumber>(\d+)</PartNumber>', request.body)
			assert [int(n) for _, n in listed] == list(range(1, len(parts) + 1)) == sorted(parts), request.body
			self.put(key, b''.join(parts[n] for n in sorted(parts)))
			return 200, {}, b'<CompleteMultipartUploadResult></CompleteMultipartUploadResult>'
		self.put(key, request.body)
		return 200, {'ETag': '"1"'}, b''

	def put(self, key, body):
		assert self.objects.get(key, body) == body, 'one key, two contents: ' + key
		self.objects[key] = body
		self.puts[key] += 1

	def json_error(self, code, status=400):
		return status, {}, json.dumps({'__type': code, 'message': code + ' it is'}).encode()

	def CreateLogGroup(self, request, body):
		if body['logGroupName'] in self.groups:
			return self.json_error('ResourceAlreadyExistsException')
		self.groups.add(body['logGroupName'])
		return 200, {}, b'{}'

	def CreateLogStream(self, request, body):
		name = body['logGroupName'], body['logStreamName']
		if name[0] not in self.groups:
			return self.json_error('ResourceNotFoundException')
		if name in self.streams:
			return self.json_error('ResourceAlreadyExistsException')
		self.streams[name] = []
		return 200, {}, b'{}'

	def PutLogEvents(self, request, body):
		stream = self.streams.get((body['logGroupName'], body['logStreamName']))
		if stream is None:
			return self.json_error('ResourceNotFoundException')
		events = body['logEvents']
		times = [event['timestamp'] for event in events]
		size = sum(len(event['message'].encode()) + 26 for event in events)
		if not events or times != sorted(times) or len(events) > 10000 or size > 1048576 or \
				times[-1] - times[0] > 24 * 3600 * 1000:
			return self.json_error('InvalidParameterException')
		batch = request.headers['x-nagare-batch-id']
		assert re.fullmatch('[0-9a-f]{32}', batch)
		if batch in self.batches:
			assert self.batches[batch] == body, 'one batch id, two contents'
			self.repeats += 1
			return 200, {}, b'{}'
		self.batches[batch] = body
		now = time.time() * 1000
		old = sum(stamp < now - 14 * 24 * 3600 * 1000 for stamp in times)
		new = sum(stamp > now + 2 * 3600 * 1000 for stamp in times)
		stream.extend(events[old:len(events) - new])
		rejected = {}
		if old:
			rejected['tooOldLogEventEndIndex'] = old
		if new:
			rejected['tooNewLogEventStartIndex'] = len(events) - new
		return 200, {}, json.dumps({'rejectedLogEventsInfo': rejected} if rejected else {}).encode()

	def PutRecordBatch(self, request, body):
		if len(body['Records']) > 500 or len(request.body) > 4 << 20:
			return self.json_error('InvalidArgumentException')
		results, failed = [], 0
		for record in body['Records']:
			line = base64.b64decode(record['Data'], validate=True).decode()
			if self.refuse_records(line):
				failed += 1
				results.append({'ErrorCode': 'ServiceUnavailableException', 'ErrorMessage': 'Slow down.'})
			else:
				self.records.append(line)
				results.append({'RecordId': str(len(self.records))})
		return 200, {}, json.dumps({'FailedPutCount': failed, 'RequestResponses': results}).encode()


def forward(endpoint, request):
	"""The request as it came, signature and Host included, to another server."""
	connection = http.client.HTTPConnection(endpoint.split('//')[1], timeout=20)
	connection.putrequest(request.method, request.path + ('?' + request.query if request.query else ''), skip_host=True,
		skip_accept_encoding=True)
	for name, value in request.headers.items():
		connection.putheader(name, value)
	connection.endheaders(request.body)
	answer = connection.getresponse()
	body = answer.read()
	connection.close()
	return answer.status, {'Content-Type': answer.headers.get('Content-Type', '')}, body


class Request:
	def __init__(self, handler):
		self.method = handler.command
		self.path, _, self.query = handler.path.partition('?')
		self.headers = {name.lower(): value for name, value in handler.headers.items()}
		self.target = self.headers.get('x-amz-target', '')
		self.body = handler.rfile.read(int(self.headers.get('content-length', 0)))
		self.at = time.monotonic()
