"""Network namespaces for the integration tests, joined by veth; everything goes with the object.

A client (c0), a router (r0, r1) and a server (s0). No address is learnt and none is made up: static
neighbours, no router advertisements, no autoconfiguration, so that the interfaces carry nothing but
what the test sends. Offloads are off unless a test asks for them: then what the interface counts
and what is on the wire are the same packets.
"""
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ETHERNET_HEADER = 14


def skip(why):
	print('skipped:', why)
	sys.exit(77)


def need(*tools):
	if os.geteuid() != 0:
		skip('needs root')
	for tool in ('ip', 'ethtool') + tools:
		if not shutil.which(tool):
			skip(tool + ' is not installed')
	probe = subprocess.run(['ip', 'netns', 'list'], capture_output=True)
	if probe.returncode:
		skip('no network namespaces here')


def command(*words, check=True, **options):
	done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, **options)
	if check and done.returncode:
		raise AssertionError(f'{" ".join(map(str, words))}: {done.stderr.strip() or done.stdout}')
	return done


def enter(path):
	fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
	try:
		if libc.setns(fd, CLONE_NEWNET):
			raise OSError(ctypes.get_errno(), 'setns ' + path)
	finally:
		os.close(fd)


class Namespace:
	def __init__(self, name):
		self.name = name
		command('ip', 'netns', 'add', name)
		self.path = '/run/netns/' + name
		self.run('ip', 'link', 'set', 'lo', 'up')
		for where in ('all', 'default'):
			self.set(f'net.ipv6.conf.{where}.accept_ra', 0)
			self.set(f'net.ipv6.conf.{where}.router_solicitations', 0)
			self.set(f'net.ipv6.conf.{where}.addr_gen_mode', 1)
			self.set(f'net.ipv4.conf.{where}.rp_filter', 0)

	def set(self, key, value):
		with self.inside(), open('/proc/sys/' + key.replace('.', '/'), 'w') as file:
			file.write(str(value))

	@contextlib.contextmanager
	def inside(self):
		enter(self.path)
		try:
			yield
		finally:
			enter('/proc/1/ns/net' if HOME is None else HOME)

	def run(self, *words, **options):
		return command(*words, preexec_fn=lambda: enter(self.path), **options)

	def start(self, *words, **options):
		return subprocess.Popen([str(word) for word in words], preexec_fn=lambda: enter(self.path), **options)

	def socket(self, *kind):
		with self.inside():
			made = socket.socket(*kind)
		made.settimeout(10)
		return made

	def nft(self, rules):
		self.run('nft', '-f', '-', input=rules)

	def nft_counter(self, name):
		"""Packets and bytes of a named counter in table inet t or netdev t."""
		for item in json.loads(self.run('nft', '-j', 'list', 'counters').stdout)['nftables']:
			if item.get('counter', {}).get('name') == name:
				return item['counter']['packets'], item['counter']['bytes']
		raise AssertionError('no counter ' + name)

	def counters(self, device):
		"""IP packets and bytes that the device itself counted: ingress, egress."""
		found = json.loads(self.run('ip', '-j', '-s', 'link', 'show', 'dev', device).stdout)[0]['stats64']
		return {direction: (found[way]['packets'], found[way]['bytes'] - ETHERNET_HEADER * found[way]['packets'])
			for direction, way in (('ingress', 'rx'), ('egress', 'tx'))}


HOME = None


class Network:
	"""with Network('name') as n: n.client, n.router, n.server."""

	def __init__(self, name, ipv6=False, offloads=False):
		self.prefix = f'nagare-{name}-{os.getpid()}'
		self.ipv6, self.offloads = ipv6, offloads
		self.namespaces = []

	def __enter__(self):
		global HOME
		HOME = f'/proc/{os.getpid()}/fd/{os.open("/proc/self/ns/net", os.O_RDONLY)}'
		signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
		try:
			self.build()
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *_):
		for space in self.namespaces:
			command('ip', 'netns', 'del', space.name, check=False)

	def build(self):
		for role in ('client', 'router', 'server'):
			space = Namespace(f'{self.prefix}-{role}')
			self.namespaces.append(space)
			setattr(self, role, space)
		self.join(self.client, 'c0', self.router, 'r0', 1)
		self.join(self.router, 'r1', self.server, 's0', 2)
		self.router.set('net.ipv4.ip_forward', 1)
		self.router.set('net.ipv4.icmp_ratelimit', 0)
		self.router.set('net.ipv6.conf.all.forwarding', 1)
		self.client.run('ip', 'route', 'add', '10.0.2.0/24', 'via', '10.0.1.2')
		self.server.run('ip', 'route', 'add', '10.0.1.0/24', 'via', '10.0.2.1')
		if self.ipv6:
			self.client.run('ip', '-6', 'route', 'add', 'fd00:2::/64', 'via', 'fd00:1::2')
			self.server.run('ip', '-6', 'route', 'add', 'fd00:1::/64', 'via', 'fd00:2::1')
			self.quiet()

	def join(self, left, left_device, right, right_device, number):
		left.run('ip', 'link', 'add', left_device, 'address', f'02:00:00:00:0{number}:01', 'type', 'veth',
			'peer', 'name', right_device, 'address', f'02:00:00:00:0{number}:02', 'netns', right.name)
		for space, device, host, other in ((left, left_device, 1, 2), (right, right_device, 2, 1)):
			if not self.ipv6:
				space.set(f'net.ipv6.conf.{device}.disable_ipv6', 1)
			if not self.offloads:
				space.run('ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'gro', 'off', 'tx', 'off',
					'tx-udp-segmentation', 'off', check=False)
			space.run('ip', 'address', 'add', f'10.0.{number}.{host}/24', 'dev', device)
			if self.ipv6:
				space.run('ip', 'address', 'add', f'fd00:{number}::{host}/64', 'dev', device, 'nodad')
			space.run('ip', 'link', 'set', device, 'up')
			space.run('ip', 'neigh', 'replace', f'10.0.{number}.{other}', 'dev', device, 'nud', 'permanent',
				'lladdr', f'02:00:00:00:0{number}:0{other}')
			if self.ipv6:
				space.run('ip', 'neigh', 'replace', f'fd00:{number}::{other}', 'dev', device, 'nud', 'permanent',
					'lladdr', f'02:00:00:00:0{number}:0{other}')

	def all_counters(self):
		return [(space.name, device, space.counters(device)) for space, device in self.devices()]

	def devices(self):
		return [(self.client, 'c0'), (self.router, 'r0'), (self.router, 'r1'), (self.server, 's0')]

	def quiet(self):
		"""Waits until the multicast reports of new IPv6 addresses are over."""
		deadline = time.monotonic() + 30
		before, since = self.all_counters(), time.monotonic()
		while time.monotonic() < deadline:
			time.sleep(0.1)
			now = self.all_counters()
			if now != before:
				before, since = now, time.monotonic()
			elif time.monotonic() - since > 3:
				return
		raise AssertionError('the network does not become quiet')


class Live:
	"""live-flows on devices of a namespace; stop() gives its rows."""

	def __init__(self, program, space, *devices, options=()):
		self.space, self.devices = space, devices
		for _ in range(5):
			before = self.counters()
			self.process = space.start(program, *options, *devices, stdout=subprocess.PIPE,
				stderr=subprocess.PIPE, text=True)
			line = self.process.stdout.readline()
			if line != 'ready\n':
				why = self.process.communicate()[1].strip()
				if self.process.returncode in (3, 5):
					skip(why)
				raise AssertionError('live-flows: ' + why)
			self.before = self.counters()
			if self.before == before:
				return
			self.stop()
		raise AssertionError('the devices are never quiet')

	def counters(self):
		return {device: self.space.counters(device) for device in self.devices}

	def drain(self):
		self.process.send_signal(signal.SIGUSR1)
		assert self.process.stdout.readline().startswith('drained')

	def stop(self):
		self.process.send_signal(signal.SIGTERM)
		output, errors = self.process.communicate(timeout=30)
		assert self.process.returncode == 0, errors
		self.after = self.counters()
		self.rows, self.missed = [], []
		for line in output.splitlines():
			words = line.split()
			if words[0] == 'missed':
				self.missed.append(words[1:])
				continue
			names = ('device', 'direction', 'action', 'protocol', 'src', 'src_port', 'dst', 'dst_port',
				'packets', 'bytes', 'flags')
			self.rows.append({name: int(word) if word.isdigit() else word for name, word in zip(names, words)})
		return self

	def sum(self, **want):
		"""Packets and bytes of the rows that are like this."""
		rows = [row for row in self.rows if all(row[key] == value for key, value in want.items())]
		return sum(row['packets'] for row in rows), sum(row['bytes'] for row in rows)

	def expect(self, packets, bytes, **want):
		found = self.sum(**want)
		assert found == (packets, bytes), f"{want}: {found}, not {(packets, bytes)}, missed {self.missed}\n{self.table()}"

	def expect_exact(self, unseen=(), verdicts=0):
		"""Everything the devices counted is in the rows, once. unseen: (device, direction, packets,
		bytes) that were dropped before (egress) or after (never) the device counted them. verdicts: that many
		are told as missed, and nothing else is."""
		for device in self.devices:
			for direction in ('ingress', 'egress'):
				counted = [after - before for after, before in
					zip(self.after[device][direction], self.before[device][direction])]
				for where, way, packets, bytes in unseen:
					if (where, way) == (device, direction):
						counted[0] += packets
						counted[1] += bytes
				self.expect(*counted, device=device, direction=direction)
		assert verdicts or not self.missed, self.missed
		assert all(packets == bytes == '0' for _, packets, bytes, _ in self.missed), self.missed
		assert sum(int(count) for *_, count in self.missed) == verdicts, self.missed

	def table(self):
		return '\n'.join(' '.join(str(value) for value in row.values()) for row in self.rows)


def udp(space, destination, port, sizes, source_port=40000):
	"""Sends datagrams of these sizes. Refusals (ICMP) and local drops (EPERM) are the test's aim."""
	family = socket.AF_INET6 if ':' in destination else socket.AF_INET
	with space.socket(family, socket.SOCK_DGRAM) as sender:
		sender.bind(('', source_port))
		for size in sizes:
			for _ in range(3):
				try:
					sender.sendto(bytes(size), (destination, port))
					break
				except PermissionError:
					break
				except ConnectionRefusedError:
					continue
	# veth hands over in softirq: once another packet has been through, these have been too.
	time.sleep(0.05)
	return len(sizes), sum(size + 28 + (20 if ':' in destination else 0) for size in sizes)


def main(scenarios):
	"""usage: SCRIPT SCENARIO [ARGUMENTS]"""
	if len(sys.argv) < 2 or sys.argv[1] not in scenarios:
		sys.exit('usage: %s %s' % (sys.argv[0], '|'.join(scenarios)))
	signal.alarm(120)
	scenarios[sys.argv[1]](*sys.argv[2:])
