"""What the tests of Athena share: a server of its own with a bucket `results`, statements run to their end, and
what they gave.
"""
import time

from iam_server import Case


class AthenaCase(Case):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		cls.connect()
		cls.s3.create_bucket(Bucket='results')

	@classmethod
	def connect(cls):
		cls.athena, cls.s3, cls.glue, cls.iam = (cls.server.client(name) for name in ('athena', 's3', 'glue', 'iam'))

	@classmethod
	def finish(cls, text, client=None, **more):
		client = client or cls.athena
		more.setdefault('ResultConfiguration', {'OutputLocation': 's3://results/out/'})
		one = client.start_query_execution(QueryString=text, **more)['QueryExecutionId']
		for _ in range(3000):
			execution = client.get_query_execution(QueryExecutionId=one)['QueryExecution']
			if execution['Status']['State'] not in ('QUEUED', 'RUNNING'):
				return execution
			time.sleep(0.005)
		raise AssertionError(f'{text} does not end')

	@classmethod
	def run_all(cls, text, **more):
		execution = cls.finish(text, **more)
		if execution['Status']['State'] != 'SUCCEEDED':
			raise AssertionError(f'{text}: {execution["Status"]}')
		return execution

	def values(self, execution, **more):
		pages = self.athena.get_paginator('get_query_results').paginate(
			QueryExecutionId=execution['QueryExecutionId'], **more)
		return [[one.get('VarCharValue') for one in row['Data']] for page in pages for row in page['ResultSet']['Rows']]

	def rows(self, text, **more):
		return self.values(self.run_all(text, **more))[1:]

	def fails(self, text, message, **more):
		execution = self.finish(text, **more)
		self.assertEqual(execution['Status']['State'], 'FAILED', execution)
		self.assertIn(message, execution['Status']['StateChangeReason'])
		self.assertEqual(execution['Status']['AthenaError']['ErrorMessage'], execution['Status']['StateChangeReason'])
		return execution

	def body(self, location):
		bucket, key = location[5:].split('/', 1)
		return self.s3.get_object(Bucket=bucket, Key=key)['Body'].read()

	def state(self, one):
		return self.athena.get_query_execution(QueryExecutionId=one)['QueryExecution']['Status']['State']
