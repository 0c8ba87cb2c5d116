"""Signature Version 4 from its description (IAM user guide), for the tests of the server."""
import datetime
import hashlib
import hmac
import urllib.parse

SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
ROOT = 'AKIAIOSFODNN7EXAMPLE'
READER = 'AKIAI44QH8DHBEXAMPLE'
SESSION = 'ASIAI44QH8DHBEXAMPLE'
REGION = 'us-east-1'


def sha256(data):
	return hashlib.sha256(data).hexdigest()


def mac(key, text):
	return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(day, service, secret=SECRET):
	key = ('AWS4' + secret).encode()
	for part in (day, REGION, service, 'aws4_request'):
		key = mac(key, part)
	return key


def now(minutes=0):
	moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
	return moment.strftime('%Y%m%dT%H%M%SZ')


def canonical_query(query):
	pairs = [pair.partition('=')[::2] for pair in query.split('&') if pair]
	return '&'.join('='.join(pair) for pair in sorted(pairs))


def canonical_path(path, service):
	return path if service == 's3' else urllib.parse.quote(path, safe='/-_.~')


def signature(method, target, headers, payload, date, service, secret=SECRET):
	path, _, query = target.partition('?')
	names = sorted(name.lower() for name in headers)
	values = {name.lower(): ' '.join(value.split()) for name, value in headers.items()}
	request = '\n'.join([method, canonical_path(path, service), canonical_query(query)]
		+ [f'{name}:{values[name]}' for name in names] + ['', ';'.join(names), payload])
	scope = f'{date[:8]}/{REGION}/{service}/aws4_request'
	text = f'AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(request.encode())}'
	return scope, ';'.join(names), mac(signing_key(date[:8], service, secret), text).hex()


def sign(method, target, host, body=b'', service='s3', key=ROOT, secret=SECRET, payload=None,
		date=None, token=None, **more):
	"""The headers of a signed request; more: x_amz_thing for x-amz-thing."""
	date = date or now()
	headers = {'Host': host, 'X-Amz-Date': date}
	headers.update((name.replace('_', '-'), value) for name, value in more.items())
	if token:
		headers['X-Amz-Security-Token'] = token
	payload = payload or sha256(body)
	if service == 's3':
		headers['X-Amz-Content-Sha256'] = payload
	scope, names, signed = signature(method, target, headers, payload, date, service, secret)
	headers['Authorization'] = (f'AWS4-HMAC-SHA256 Credential={key}/{scope}, '
		f'SignedHeaders={names}, Signature={signed}')
	return headers


def presign(method, path, host, seconds=60, key=ROOT, date=None, secret=SECRET):
	date = date or now()
	scope = f'{key}/{date[:8]}/{REGION}/s3/aws4_request'
	query = urllib.parse.urlencode({'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': scope,
		'X-Amz-Date': date, 'X-Amz-Expires': seconds, 'X-Amz-SignedHeaders': 'host'},
		quote_via=urllib.parse.quote, safe='')
	_, _, signed = signature(method, f'{path}?{query}', {'Host': host}, 'UNSIGNED-PAYLOAD', date, 's3',
		secret)
	return f'{path}?{query}&X-Amz-Signature={signed}'


def signed_chunks(chunks, seed, date, secret=SECRET):
	"""An aws-chunked body, each chunk signed; the last one is added."""
	key = signing_key(date[:8], 's3', secret)
	scope = f'{date[:8]}/{REGION}/s3/aws4_request'
	body, previous = b'', seed
	for chunk in chunks + [b'']:
		text = '\n'.join(['AWS4-HMAC-SHA256-PAYLOAD', date, scope, previous, sha256(b''), sha256(chunk)])
		previous = mac(key, text).hex()
		body += f'{len(chunk):x};chunk-signature={previous}\r\n'.encode() + chunk + b'\r\n'
	return body
