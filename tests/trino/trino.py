"""A Trino of its own, with the Hive connector on a nagare server's Glue and S3 endpoints, and its REST protocol.
Skipped (77) where it is not: tools/install-dependencies --trino fetches it.
"""
import base64
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, '..', '..', '.deps', 'trino')
CATALOG = 'awsdatacatalog'


def version():
	with open(os.path.join(FOLDER, 'version'), encoding='ascii') as file:
		return file.read().strip()


def find_java():
	"""A Java that this Trino runs on: 17 to 21."""
	for java in ['java', *sorted(glob.glob('/usr/lib/jvm/*/bin/java'))]:
		if not shutil.which(java):
			continue
		said = subprocess.run([java, '-version'], capture_output=True, text=True, check=False).stderr
		found = re.search(r'version "(\d+)', said)
		if found and 17 <= int(found[1]) <= 21:
			return java
	return None


def need():
	if not os.path.exists(os.path.join(FOLDER, 'version')) or not find_java():
		print('skipped: no .deps/trino or no Java 17; tools/install-dependencies --trino fetches them')
		sys.exit(77)


def free_port():
	with socket.socket() as one:
		one.bind(('127.0.0.1', 0))
		return one.getsockname()[1]


def text_of(value, kind):
	"""A value of Trino's protocol as Athena's results have it; numbers that are not exact as numbers."""
	if value is None:
		return None
	if kind.startswith(('double', 'real')):
		return float(value)
	if kind.startswith('array('):
		return '[' + ', '.join(nested(one, kind[6:-1]) for one in value) + ']'
	if kind.startswith('map('):
		return '{' + ', '.join(f'{key}={nested(one, kind.split(", ", 1)[1][:-1])}' for key, one in value.items()) + '}'
	if kind.startswith('row('):
		fields = [re.match(r'(?:([^ (]+) )?(.*)', field.strip()) for field in re.split(r',(?![^(]*\))', kind[4:-1])]
		return '{' + ', '.join(f'{field[1] or f"field{at}"}={nested(one, field[2])}'
			for at, (one, field) in enumerate(zip(value, fields))) + '}'
	if kind == 'varbinary':
		return base64.b64decode(value).hex(' ')
	return nested(value, kind)


def nested(value, kind):
	"""The same inside of another: as Java writes it."""
	if value is None:
		return 'null'
	if isinstance(value, bool):
		return 'true' if value else 'false'
	return str(text_of(value, kind)) if kind.startswith(('array(', 'map(', 'row(', 'varbinary')) else str(value)


class Failed(Exception):
	pass


class Trino:
	"""endpoint: of the nagare server whose catalog and objects it reads; None: it has no tables."""

	def __init__(self, endpoint=None, key=None, account=None, url=None):
		self.folder = tempfile.mkdtemp(prefix='nagare-trino-')
		self.url = url or f'http://127.0.0.1:{free_port()}'
		self.version = version()
		os.makedirs(self.folder + '/catalog')
		self.write('config.properties', {'coordinator': 'true', 'node-scheduler.include-coordinator': 'true',
			'http-server.http.port': self.url.rsplit(':', 1)[1], 'discovery.uri': self.url, 'node.environment': 'test',
			'node.id': 'one', 'node.internal-address': '127.0.0.1', 'query.max-memory': '512MB', 'query.max-memory-per-node': '512MB',
			'catalog.config-dir': self.folder + '/catalog', 'plugin.dir': os.path.abspath(FOLDER) + '/plugin'})
		if endpoint:
			self.write(f'catalog/{CATALOG}.properties', {'connector.name': 'hive', 'hive.metastore': 'glue',
				'hive.metastore.glue.region': 'us-east-1', 'hive.metastore.glue.endpoint-url': endpoint,
				'hive.metastore.glue.catalogid': account, 'hive.metastore.glue.aws-access-key': key['AccessKeyId'],
				'hive.metastore.glue.aws-secret-key': key['SecretAccessKey'], 'fs.hadoop.enabled': 'false',
				'fs.native-s3.enabled': 'true', 's3.region': 'us-east-1', 's3.endpoint': endpoint,
				's3.path-style-access': 'true', 's3.aws-access-key': key['AccessKeyId'],
				's3.aws-secret-key': key['SecretAccessKey'],
				'hive.security': 'allow-all', 'hive.partition-projection-enabled': 'true', 'hive.non-managed-table-writes-enabled': 'true'})
		with open(self.folder + '/log', 'wb') as log:
			self.process = subprocess.Popen([find_java(), '-Xmx1200m', f'-Dconfig={self.folder}/config.properties', '-cp',
				os.path.abspath(FOLDER) + '/lib/*', HERE + '/Start.java', self.version], stdout=log, stderr=log,
				cwd=self.folder)
		self.wait(endpoint)

	def write(self, name, properties):
		with open(f'{self.folder}/{name}', 'w', encoding='utf-8') as file:
			file.writelines(f'{key}={value}\n' for key, value in properties.items())

	def wait(self, endpoint):
		for _ in range(1200):
			try:
				with urllib.request.urlopen(self.url + '/v1/info') as answer:
					# and its only node has announced itself
					if not json.load(answer)['starting'] and (not endpoint or
							self.run(f'SELECT 1 FROM {CATALOG}.information_schema.schemata')):
						return
			except (urllib.error.URLError, ConnectionError, Failed):
				pass
			if self.process.poll() is not None:
				break
			time.sleep(0.1)
		raise AssertionError(self.log())

	def log(self):
		with open(self.folder + '/log', encoding='utf-8', errors='replace') as file:
			return file.read()[-6000:]

	def stop(self):
		self.process.send_signal(signal.SIGKILL)
		self.process.wait()
		shutil.rmtree(self.folder)

	def call(self, method, url, body=None):
		request = urllib.request.Request(url, body, {'X-Trino-User': 'test', 'X-Trino-Catalog': CATALOG,
			'X-Trino-Schema': 'default', 'X-Trino-Time-Zone': 'UTC'}, method=method)
		with urllib.request.urlopen(request) as answer:
			return json.loads(answer.read() or b'null')

	def run(self, sql):
		"""Columns as (name, type), and rows."""
		answer = self.call('POST', self.url + '/v1/statement', sql.encode())
		columns, rows = None, []
		while True:
			if 'error' in answer:
				raise Failed(f"{answer['error']['errorName']}: {answer['error']['message']}")
			columns = columns or [(one['name'], one['type']) for one in answer.get('columns', [])]
			rows += answer.get('data', [])
			if 'nextUri' not in answer:
				return columns, rows
			answer = self.call('GET', answer['nextUri'])

	def queries(self):
		return self.call('GET', self.url + '/v1/query')
