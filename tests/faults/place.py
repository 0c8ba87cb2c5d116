"""What the cases of tests/faults/server share: the server as a process, and the state of an object as a
client saw it. Skipped (77) where boto3 is not."""
import hashlib
import os
import signal
import subprocess
import sys
import time

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '.deps', 'clients')
PYTHON = os.path.join(CLIENTS, 'bin', 'python')
if not os.path.exists(PYTHON):
	print('skipped: no .deps/clients; tools/install-dependencies --tests makes it')
	sys.exit(77)
if os.path.realpath(sys.prefix) != os.path.realpath(CLIENTS):
	os.execv(PYTHON, [PYTHON, '-B', *sys.argv])

import boto3
import botocore.config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

NO_ANSWER = (ConnectionError, HTTPClientError, IncompleteReadError)
THREADS = 4
PART = 5 << 20


def check(condition, *what):
	if not condition:
		raise AssertionError(' '.join(str(word) for word in what))


def digest(content):
	return hashlib.sha256(content).hexdigest()


def code(error):
	return error.response['Error']['Code']


class Server:
	def __init__(self, nagare, folder):
		self.nagare, self.folder = nagare, folder
		self.log = os.path.join(os.path.dirname(folder), 'log')
		self.start()

	def command(self):
		return [self.nagare, 'server', '--data-dir', self.folder, '--listen', '127.0.0.1:0']

	def start(self):
		with open(self.log, 'ab') as log:
			self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=log)
		line = self.process.stdout.readline().decode()
		check(line.startswith('Serving '), 'the server does not start:', self.said())
		self.endpoint = line.split()[1]
		with open(os.path.join(self.folder, 'credentials')) as file:
			profile = dict(line.strip().split(' = ', 1) for line in file if ' = ' in line)
		self.key = (profile['aws_access_key_id'], profile['aws_secret_access_key'])

	def kill_start(self, seconds):
		"""Killed while it starts, and clears up."""
		process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		time.sleep(seconds)
		process.kill()
		process.wait()

	def said(self):
		with open(self.log, 'rb') as file:
			return file.read().decode(errors='replace')[-3000:]

	def kill(self):
		self.process.send_signal(signal.SIGKILL)
		self.process.wait()
		self.process.stdout.close()

	def stop(self):
		self.process.terminate()
		status = self.process.wait(120)
		self.process.stdout.close()
		check(status == 0, 'the server ended with', status, self.said())

	def starts(self):
		"""False: it refuses, with a hint."""
		try:
			self.start()
			return True
		except AssertionError:
			self.process.stdout.close()
			check(self.process.wait() == 1 and 'nagare fsck --repair' in self.said()[-1000:],
				'the server does not start and gives no hint:', self.said())
			return False

	def fsck(self, *options, status=0):
		ran = subprocess.run([self.nagare, 'fsck', '--data-dir', self.folder, *options],
			capture_output=True, text=True, timeout=300)
		check(ran.returncode == status, 'fsck', *options, 'ends with', ran.returncode, ran.stdout,
			ran.stderr)
		return ran.stdout

	def client(self, service='s3'):
		return boto3.client(service, endpoint_url=self.endpoint, region_name='us-east-1',
			aws_access_key_id=self.key[0], aws_secret_access_key=self.key[1],
			config=botocore.config.Config(retries={'total_max_attempts': 1}, read_timeout=60,
				s3={'addressing_style': 'path'}))


# ---- what a thread knows ----

class State:
	"""A version of an object as it was written. No State (None): nothing, or a delete marker."""
	def __init__(self, content, tags=None, meta=None):
		self.size, self.digest = len(content), digest(content)
		self.tags, self.meta = tags or {}, meta or {}

	def with_tags(self, tags):
		state = State(b'', tags, self.meta)
		state.size, state.digest = self.size, self.digest
		return state

	def same(self, other):
		return other is not None and vars(self) == vars(other)

	def __repr__(self):
		return f'{self.size} bytes {self.digest[:8]} {str(self.tags)[:60]} {str(self.meta)[:40]}'


def tag_text(tags):
	return '&'.join(f'{key}={value}' for key, value in tags.items())


def read_state(s3, bucket, key, version=None):
	"""A State as the server shows it, each way of asking agreeing with the others; None: not there."""
	which = {'Bucket': bucket, 'Key': key, **({'VersionId': version} if version else {})}
	try:
		answer = s3.get_object(**which)
	except ClientError as error:
		check(code(error) in ('NoSuchKey', 'NoSuchVersion'), bucket, key, version, error)
		return None
	content = answer['Body'].read()
	check(len(content) == answer['ContentLength'], bucket, key, 'is cut')
	etag = answer['ETag'].strip('"')
	check('-' in etag or etag == hashlib.md5(content).hexdigest(), bucket, key, 'ETag', etag)
	tags = {tag['Key']: tag['Value'] for tag in s3.get_object_tagging(**which)['TagSet']}
	return State(content, tags, answer['Metadata'])
