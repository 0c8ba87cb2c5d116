"""nagare server for the tests of queries and conversions over buckets."""
import configparser
import http.client
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'server'))
from signing import sign


class Server:
	"""nagare server with an access log, over a folder of its own."""

	def __init__(self, nagare, *options):
		self.home = tempfile.TemporaryDirectory()
		self.log = self.home.name + '/access.log'
		self.process = subprocess.Popen([nagare, 'server', '--data-dir', self.home.name + '/data', '--listen',
			'127.0.0.1:0', '--access-log', self.log, *options], stdout=subprocess.PIPE,
			stderr=subprocess.DEVNULL, text=True)
		line = self.process.stdout.readline()
		self.endpoint, self.host = re.search(r'https?://([0-9.:]+)', line).group(0, 1)
		profile = configparser.ConfigParser()
		profile.read(self.home.name + '/data/credentials')
		self.key = profile['nagare']['aws_access_key_id']
		self.secret = profile['nagare']['aws_secret_access_key']
		self.local = threading.local()

	def stop(self):
		self.process.terminate()
		self.process.wait()
		self.process.stdout.close()
		self.home.cleanup()

	def connect(self):
		return http.client.HTTPSConnection(self.host, context=ssl._create_unverified_context()) \
			if self.endpoint.startswith('https') else http.client.HTTPConnection(self.host)

	def put(self, target, body=b''):
		self.request('PUT', target, body)

	def request(self, method, target, body=b'', query=''):
		"""The body of the answer; target and query: the path decoded, the rest encoded."""
		target = urllib.parse.quote(target) + ('?' + query if query else '')
		for _ in range(2): # a connection that was idle for long may be closed
			if not hasattr(self.local, 'connection'):
				self.local.connection = self.connect()
			headers = sign(method, target, self.host, body, key=self.key, secret=self.secret)
			try:
				self.local.connection.request(method, target, body, headers)
				answer = self.local.connection.getresponse()
				break
			except (http.client.RemoteDisconnected, ConnectionError):
				del self.local.connection
		said = answer.read()
		if answer.status not in (200, 204):
			raise AssertionError(f'{target}: {answer.status} {said}')
		return said

	def asked(self, since=0):
		"""(method, path) of every request in the log from byte since on, and the place behind."""
		with open(self.log, 'rb') as file:
			file.seek(since)
			text = file.read()
		found = re.findall(r'method=(\S+).*?path="?(/[^\s"]*)', text.decode())
		return [(method, urllib.parse.unquote(path)) for method, path in found], since + len(text)
