"""What the tests of IAM and STS share: a server of its own, boto3 and the AWS CLI on it, and cases.
Skipped (77) where the clients are not: tools/install-dependencies --tests fetches them.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '.deps', 'clients')
PYTHON = os.path.join(CLIENTS, 'bin', 'python')
if not os.path.exists(PYTHON):
	print('skipped: no .deps/clients; tools/install-dependencies --tests makes it')
	sys.exit(77)
if os.path.realpath(sys.prefix) != os.path.realpath(CLIENTS):
	os.execv(PYTHON, [PYTHON, '-B', *sys.argv])

import boto3
import botocore.config
import botocore.exceptions

AWS = [PYTHON, '-m', 'awscli'] # a script would name the place where it was installed
READ_ONLY = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'


def policy(effect, action, resource='*', **more):
	return {'Effect': effect, 'Action': action, 'Resource': resource, **more}


def document(*statements):
	return json.dumps({'Version': '2012-10-17', 'Statement': list(statements)})


def trust(principal, **more):
	return document({'Effect': 'Allow', 'Principal': principal, 'Action': 'sts:AssumeRole', **more})


def read(path):
	with open(path, 'rb') as file:
		return file.read()


class Server:
	def __init__(self, nagare, options=()):
		self.nagare, self.folder, self.process = nagare, tempfile.mkdtemp(), None
		self.options = [option.replace('FOLDER', self.folder) for option in options]
		self.start()

	def start(self):
		profile = os.path.join(self.folder, 'credentials')
		if os.path.exists(profile):
			os.remove(profile)
		self.log = open(os.path.join(self.folder, 'log'), 'ab')
		self.process = subprocess.Popen([self.nagare, 'server', '--data-dir', self.folder, '--listen',
			'127.0.0.1:0', *self.options], stdout=self.log, stderr=self.log)
		for _ in range(600):
			if os.path.exists(profile):
				break
			if self.process.poll() is not None:
				sys.exit(read(self.log.name).decode())
			time.sleep(0.05)
		self.root = dict(line.split(' = ', 1) for line in read(profile).decode().splitlines()[1:])
		self.endpoint = self.root['endpoint_url']

	def stop(self):
		self.process.terminate()
		status = self.process.wait(60)
		self.log.close()
		if status != 0:
			raise AssertionError(f'the server ended with {status}: {read(self.log.name).decode()[-4000:]}')

	def remove(self):
		self.stop()
		shutil.rmtree(self.folder)

	def client(self, service, key=None, **config):
		"""key: what CreateAccessKey or AssumeRole gave; None: root."""
		key = key or {'AccessKeyId': self.root['aws_access_key_id'],
			'SecretAccessKey': self.root['aws_secret_access_key']}
		return boto3.client(service, endpoint_url=self.endpoint, region_name='us-east-1',
			aws_access_key_id=key['AccessKeyId'], aws_secret_access_key=key['SecretAccessKey'],
			aws_session_token=key.get('SessionToken'),
			config=botocore.config.Config(retries={'total_max_attempts': 1}, **config))

	def aws(self, *arguments, key=None, status=0):
		"""The AWS CLI: its output from JSON, or with status what it complains."""
		key = key or {'AccessKeyId': self.root['aws_access_key_id'],
			'SecretAccessKey': self.root['aws_secret_access_key']}
		environment = {'PATH': os.environ['PATH'], 'HOME': self.folder,
			'AWS_ACCESS_KEY_ID': key['AccessKeyId'],
			'AWS_SECRET_ACCESS_KEY': key['SecretAccessKey'], 'AWS_DEFAULT_REGION': 'us-east-1',
			'AWS_ENDPOINT_URL': self.endpoint, 'AWS_MAX_ATTEMPTS': '1',
			'AWS_EC2_METADATA_DISABLED': 'true'}
		if 'SessionToken' in key:
			environment['AWS_SESSION_TOKEN'] = key['SessionToken']
		ran = subprocess.run([*AWS, '--output', 'json', *arguments], env=environment,
			capture_output=True, text=True)
		if (ran.returncode != 0) != (status != 0):
			raise AssertionError(f'aws {" ".join(arguments)}: {ran.returncode}\n{ran.stderr}')
		return ran.stderr if status else json.loads(ran.stdout) if ran.stdout.strip() else None


class Case(unittest.TestCase):
	nagare = None
	options = () # FOLDER is the data folder

	@classmethod
	def setUpClass(cls):
		cls.server = Server(cls.nagare, cls.options)
		cls.iam, cls.sts = cls.server.client('iam'), cls.server.client('sts')
		cls.account = cls.sts.get_caller_identity()['Account']

	@classmethod
	def tearDownClass(cls):
		cls.server.remove()

	def refused(self, code, text, call, *arguments, status=None, **named):
		with self.assertRaises(botocore.exceptions.ClientError) as caught:
			call(*arguments, **named)
		error = caught.exception.response
		self.assertEqual(error['Error']['Code'], code, error['Error'])
		self.assertIn(text, error['Error'].get('Message', ''))
		if status:
			self.assertEqual(error['ResponseMetadata']['HTTPStatusCode'], status)

	def denied(self, call, *arguments, text='is not authorized to perform', **named):
		self.refused('AccessDenied', text, call, *arguments, status=403, **named)

	def user(self, name, *statements, **more):
		"""A user with an inline policy and a key; its key."""
		self.iam.create_user(UserName=name, **more)
		if statements:
			self.iam.put_user_policy(UserName=name, PolicyName='inline',
				PolicyDocument=document(*statements))
		return self.iam.create_access_key(UserName=name)['AccessKey']

	def role(self, name, principal, *statements, **more):
		role = self.iam.create_role(RoleName=name,
			AssumeRolePolicyDocument=trust(principal), **more)['Role']
		if statements:
			self.iam.put_role_policy(RoleName=name, PolicyName='inline',
				PolicyDocument=document(*statements))
		return role

	def assume(self, name, key=None, **more):
		sts = self.server.client('sts', key)
		return sts.assume_role(RoleArn=f'arn:aws:iam::{self.account}:role/{name}',
			RoleSessionName='session', **more)


def main(usage):
	if len(sys.argv) < 2:
		sys.exit(usage)
	Case.nagare = os.path.abspath(sys.argv.pop(1))
	unittest.main(verbosity=1)
