"""S3 as boto3 uses it: resource, client, paginators, waiters, transfer manager; any version of boto3."""
import hashlib
import os
import sys
import urllib.request

import boto3
import botocore.exceptions
from boto3.s3.transfer import TransferConfig

endpoint, folder = sys.argv[1:]
client = boto3.client('s3', endpoint_url=endpoint)
resource = boto3.resource('s3', endpoint_url=endpoint)
name = 'boto-' + boto3.__version__.replace('.', '-')
bucket = resource.create_bucket(Bucket=name)
client.get_waiter('bucket_exists').wait(Bucket=name)
for i in range(25):
	bucket.put_object(Key='p/%02d' % i, Body=b'x' * i, Metadata={'n': str(i)})
pages = list(client.get_paginator('list_objects_v2').paginate(Bucket=name, PaginationConfig={'PageSize': 10}))
assert [len(page['Contents']) for page in pages] == [10, 10, 5], pages
assert resource.Object(name, 'p/07').metadata == {'n': '7'}
path = os.path.join(folder, 'large')
client.upload_file(path, name, 'large', Config=TransferConfig(
	multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=10))
client.get_waiter('object_exists').wait(Bucket=name, Key='large')
client.download_file(name, 'large', path + '.back', Config=TransferConfig(max_concurrency=10))
with open(path, 'rb') as sent, open(path + '.back', 'rb') as back:
	assert hashlib.sha256(sent.read()).digest() == hashlib.sha256(back.read()).digest()
assert client.head_object(Bucket=name, Key='large')['ETag'].endswith('-13"')
client.copy({'Bucket': name, 'Key': 'large'}, name, 'copy')
url = client.generate_presigned_url('get_object', Params={'Bucket': name, 'Key': 'p/05'})
assert urllib.request.urlopen(url).read() == b'xxxxx'
for key, code in (('none', '404'),):
	try:
		client.head_object(Bucket=name, Key=key)
		raise AssertionError(key)
	except botocore.exceptions.ClientError as error:
		assert error.response['Error']['Code'] == code
bucket.Versioning().enable()
client.delete_object(Bucket=name, Key='p/01')
assert client.list_object_versions(Bucket=name, Prefix='p/01')['DeleteMarkers'][0]['IsLatest']
bucket.object_versions.delete()
bucket.delete()
client.get_waiter('bucket_not_exists').wait(Bucket=name)
print('boto3', boto3.__version__)
