"""Agents as the tests of EC2 play them: SyncAgent and ListAgents, signed by botocore, and a network to
tell of: a host with two devices in a subnet of each family, a container, two security groups."""
import copy
import json
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

HOST, CONTAINER = 'i-0000000000000000a', 'i-0000000000000000b'
VPC, OTHER_VPC = 'vpc-00000000000000001', 'vpc-00000000000000002'
SUBNET, SUBNET6 = 'subnet-00000000000000001', 'subnet-00000000000000002'
ETH0, VETH0, ETH1 = 'eni-00000000000000001', 'eni-00000000000000002', 'eni-00000000000000003'
GROUP, OTHER_GROUP = 'sg-00000000000000001', 'sg-00000000000000002'

INVENTORY = {
	'Instances': [
		{'InstanceId': HOST, 'Title': 'host-a', 'Kind': 'host', 'LaunchTime': 1790000000,
			'Architecture': 'x86_64'},
		{'InstanceId': CONTAINER, 'Title': 'web', 'Kind': 'container', 'Architecture': 'x86_64',
			'Tags': [{'Key': 'app', 'Value': 'shop'}]},
	],
	'Vpcs': [
		{'VpcId': VPC, 'Title': 'host-a', 'CidrBlocks': ['10.0.0.0/24', '192.168.7.0/24'],
			'Ipv6CidrBlocks': ['2001:db8::/64'], 'Tags': [{'Key': 'env', 'Value': 'test'}]},
		{'VpcId': OTHER_VPC, 'Title': 'lab', 'CidrBlocks': ['172.16.0.0/16']},
	],
	'Subnets': [
		{'SubnetId': SUBNET, 'VpcId': VPC, 'CidrBlock': '10.0.0.0/24', 'AvailabilityZoneId': 'use1-az2'},
		{'SubnetId': SUBNET6, 'VpcId': VPC, 'CidrBlock': '', 'Ipv6CidrBlocks': ['2001:db8::/64'],
			'AvailabilityZoneId': 'use1-az1'},
	],
	'SecurityGroups': [
		{'GroupId': GROUP, 'GroupName': 'input', 'VpcId': VPC, 'Description': 'nftables', 'Permissions': [
			{'IsEgress': False, 'IpProtocol': '6', 'FromPort': 22, 'ToPort': 22, 'Cidrs': ['10.0.0.0/8']},
			{'IsEgress': False, 'IpProtocol': '6', 'FromPort': 22, 'ToPort': 22,
				'Cidrs': ['192.168.0.0/16'], 'Description': 'office'},
			{'IsEgress': True, 'IpProtocol': '-1', 'Cidrs': ['0.0.0.0/0'], 'Ipv6Cidrs': ['::/0']},
		]},
		{'GroupId': OTHER_GROUP, 'GroupName': 'default', 'VpcId': OTHER_VPC, 'Permissions': []},
	],
	'NetworkInterfaces': [
		{'NetworkInterfaceId': ETH0, 'DeviceName': 'eth0', 'Kind': 'ether', 'MacAddress': '02:00:00:00:00:01',
			'Addresses': ['10.0.0.5/24', '10.0.0.6/24'], 'Ipv6Addresses': ['2001:db8::5/64'],
			'SubnetId': SUBNET, 'VpcId': VPC, 'InstanceId': HOST, 'IsUp': True,
			'GroupIds': [GROUP], 'AvailabilityZoneId': 'use1-az2', 'DeviceIndex': 0,
			'AttachTime': 1790000001, 'Tags': [{'Key': 'role', 'Value': 'uplink'}]},
		{'NetworkInterfaceId': VETH0, 'DeviceName': 'veth0', 'Kind': 'veth', 'MacAddress': '02:00:00:00:00:02',
			'Addresses': ['10.0.0.7/24'], 'SubnetId': SUBNET, 'VpcId': VPC, 'InstanceId': CONTAINER,
			'IsUp': True, 'Description': 'container web', 'AvailabilityZoneId': 'use1-az2', 'DeviceIndex': 1},
		{'NetworkInterfaceId': ETH1, 'DeviceName': 'eth1', 'Kind': 'ether', 'VpcId': OTHER_VPC,
			'InstanceId': HOST, 'IsUp': False},
	],
}


def inventory():
	return copy.deepcopy(INVENTORY)


def call(server, operation, members, key=None):
	"""What the server answers; of an error (status, what it says)."""
	key = key or {'AccessKeyId': server.root['aws_access_key_id'],
		'SecretAccessKey': server.root['aws_secret_access_key']}
	request = botocore.awsrequest.AWSRequest('POST', server.endpoint + '/', data=json.dumps(members),
		headers={'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': f'NagareAgents.{operation}'})
	botocore.auth.SigV4Auth(botocore.credentials.Credentials(key['AccessKeyId'], key['SecretAccessKey'],
		key.get('SessionToken')), 'nagare', 'us-east-1').add_auth(request)
	try:
		with urllib.request.urlopen(urllib.request.Request(request.url, request.data.encode(),
			dict(request.headers))) as answer:
			return json.load(answer)
	except urllib.error.HTTPError as error:
		return error.code, json.load(error)


def sync(server, told=None, agent=HOST, key=None, **more):
	members = {'AgentId': agent, 'Hostname': 'host-a', 'AgentVersion': '1.0', **more}
	if told is not None:
		members['Inventory'] = told
	return call(server, 'SyncAgent', members, key)


def delivery(flow_log, fault=None, **more):
	return {'FlowLogId': flow_log, 'Records': 1, 'Batches': 1, 'Retries': 0, 'GivenUp': 0, 'SpoolBatches': 0,
		'SpoolBytes': 0, **({'Fault': fault} if fault else {}), **more}
