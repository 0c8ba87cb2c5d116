"""A model as C: static const tables of src/api/protocol/shape.h."""
import os

from model import ModelError, default_json

TYPES = {'structure': 'STRUCTURE', 'union': 'UNION', 'list': 'LIST', 'set': 'LIST', 'map': 'MAP',
	'string': 'STRING', 'enum': 'STRING', 'intEnum': 'INTEGER', 'blob': 'BLOB', 'boolean': 'BOOLEAN',
	'byte': 'BYTE', 'short': 'SHORT', 'integer': 'INTEGER', 'long': 'LONG', 'float': 'FLOAT',
	'double': 'DOUBLE', 'timestamp': 'TIMESTAMP', 'document': 'DOCUMENT'}
TIMES = {'date-time': 'DATE_TIME', 'http-date': 'HTTP_DATE', 'epoch-seconds': 'EPOCH_SECONDS'}
LOCATIONS = {'httpLabel': 'LABEL', 'httpQuery': 'QUERY', 'httpQueryParams': 'QUERY_PARAMS',
	'httpHeader': 'HEADER', 'httpPrefixHeaders': 'PREFIX_HEADERS', 'httpPayload': 'PAYLOAD',
	'httpResponseCode': 'RESPONSE_CODE', 'eventHeader': 'EVENT_HEADER',
	'eventPayload': 'EVENT_PAYLOAD'}


def string(text):
	if text is None:
		return 'NULL'
	result = ''
	for byte in text.encode():
		if chr(byte) in '"\\':
			result += '\\' + chr(byte)
		elif 32 <= byte < 127 and byte != ord('?'):
			result += chr(byte)
		else:
			result += f'\\{byte:03o}'
	return f'"{result}"'


class Emitter:
	def __init__(self, model, symbol):
		self.model, self.symbol = model, symbol
		self.numbers = {}                # shape id: its row
		self.rows, self.members, self.limits, self.values = [], [], {}, []

	def number(self, place, identity):
		"""The row of a shape; those that it leads to follow later, so no recursion."""
		if identity not in self.numbers:
			shape = self.model.get(place, identity)
			if shape.kind not in TYPES:
				raise ModelError(place, f'a {shape.kind} cannot be on the wire here')
			self.numbers[identity] = len(self.numbers)
			self.rows.append(shape)
		return self.numbers[identity]

	def limit(self, traits):
		"""Row of the limits, or None."""
		length, bounds = traits.get('length', {}), traits.get('range', {})
		pattern, values = traits.get('pattern'), traits.get('values')
		if not length and not bounds and pattern is None and not values and 'uniqueItems' not in traits:
			return 'NULL'
		fields = []
		for name, pair in (('length', length), ('range', bounds)):
			for end in ('min', 'max'):
				if end in pair:
					fields.append(f'.has_{name}_{end} = true, .{name}_{end} = {pair[end]}')
		if pattern is not None:
			fields.append(f'.pattern = &(struct shape_pattern){{.text = {string(pattern)}}}')
		if values:
			fields.append(f'.values = (const char *const[]){{{", ".join(string(str(value)) for value in values)}'
				', NULL}')
		if 'uniqueItems' in traits:
			fields.append('.is_unique = true')
		if 'sensitive' in traits:
			fields.append('.is_sensitive = true')
		row = '{' + ', '.join(fields) + '}'
		self.limits.setdefault(row, len(self.limits))
		return f'&limits[{self.limits[row]}]'

	def member(self, shape, member, is_key=False):
		target = self.model.get(member.place, member.target)
		number = self.number(member.place, member.target)
		both = target.traits | member.traits
		values = self.model.enum_values(target)
		if values:
			both['values'] = values
		fields = [f'.name = {string(member.name)}', f'.shape = &shapes[{number}]']
		fields += self.names(shape, member, target)
		limit = self.limit(both)
		if limit != 'NULL':
			fields.append(f'.limits = {limit}')
		if target.kind == 'timestamp' and 'timestampFormat' in both:
			fields.append(f'.time = SHAPE_TIME_{TIMES[both["timestampFormat"]]}')
		for trait, location in LOCATIONS.items():
			if trait in member.traits:
				value = member.traits[trait]
				fields.append(f'.location = SHAPE_AT_{location}')
				fields.append(f'.location_name = '
					f'{string(value if isinstance(value, str) else member.name)}')
		default = default_json(target.kind, both['default']) if self.has_default(member, target) else None
		if default is not None:
			fields.append(f'.default_json = {string(default)}')
		for trait, flag in (('required', 'is_required'), ('xmlFlattened', 'is_flattened'),
				('xmlAttribute', 'is_attribute'), ('idempotencyToken', 'is_idempotency_token')):
			if trait in member.traits:
				fields.append(f'.{flag} = true')
		if 'mediaType' in both:
			fields.append(f'.media_type = {string(both["mediaType"])}')
		return '{' + ', '.join(fields) + '}'

	def has_default(self, member, target):
		return 'default' in member.traits and 'streaming' not in target.traits

	def names(self, shape, member, target):
		"""The member's name on each wire."""
		traits, name = member.traits, member.name
		xml = traits.get('xmlName')
		in_list = shape.kind in ('list', 'set', 'map')
		ec2 = traits.get('ec2QueryName', traits.get('aws.protocols#ec2QueryName'))
		if ec2 is None:
			ec2 = xml or name
			ec2 = ec2[0].upper() + ec2[1:]
		if 'httpPayload' in traits and xml is None and target.kind in ('structure', 'union'):
			xml = target.traits.get('xmlName', target.name)
		fields = [f'.json = {string(traits.get("jsonName", name))}', f'.xml = {string(xml or name)}']
		if not in_list:
			fields.append(f'.ec2 = {string(ec2)}')
		space = traits.get('xmlNamespace') or ('httpPayload' in traits and
			target.traits.get('xmlNamespace')) or None
		return fields + self.space(space)

	def space(self, space):
		if not space:
			return []
		fields = [f'.space = {string(space["uri"])}']
		return fields + ([f'.prefix = {string(space["prefix"])}'] if 'prefix' in space else [])

	def shape(self, shape):
		fields = [f'.name = {string(shape.name)}', f'.type = SHAPE_{TYPES[shape.kind]}']
		if self.model.is_aggregate(shape) and shape.members:
			fields.append(f'.members = &members[{len(self.members)}]')
			fields.append(f'.member_count = {len(shape.members)}')
			members = shape.members.values()
			if shape.kind == 'map':
				members = [shape.members['key'], shape.members['value']]
			self.members += [self.member(shape, member) for member in members]
		fields.append(f'.xml = {string(shape.traits.get("xmlName", shape.name))}')
		fields += self.space(shape.traits.get('xmlNamespace'))
		for trait, flag in (('sparse', 'is_sparse'), ('streaming', 'is_streaming'),
				('requiresLength', 'is_length_required')):
			if trait in shape.traits:
				fields.append(f'.{flag} = true')
		if shape.kind == 'enum' or self.model.enum_values(shape):
			fields.append('.is_enum = true')
		if 'error' in shape.traits:
			client = shape.traits['error'] == 'client'
			query = shape.traits.get('aws.protocols#awsQueryError', {})
			fields.append(f'.id = {string(shape.id)}')
			fields.append(f'.is_error = true, .is_client_fault = {"true" if client else "false"}')
			fields.append(f'.status = {shape.traits.get("httpError", 400 if client else 500)}')
			if query:
				fields.append(f'.query_code = {string(query["code"])}, '
					f'.query_status = {query["httpResponseCode"]}')
		return '{' + ', '.join(fields) + '}'

	def operation(self, operation):
		fields = [f'.name = {string(operation.name)}']
		for key in ('input', 'output'):
			target = operation.properties.get(key)
			if target and not target.startswith('smithy.api#'):
				fields.append(f'.{key} = &shapes[{self.number(operation.place, target)}]')
		errors = [f'&shapes[{self.number(operation.place, name)}]'
			for name in operation.properties.get('errors', [])]
		if errors:
			fields.append(f'.errors = (const struct shape *const[]){{{", ".join(errors)}}}, '
				f'.error_count = {len(errors)}')
		http = operation.traits.get('http')
		if http:
			fields.append(f'.method = {string(http["method"])}, .uri = {string(http["uri"])}, '
				f'.status = {http.get("code", 200)}')
		return '{' + ', '.join(fields) + '}'

	def service(self, service):
		"""Text of the C file."""
		operations = self.model.operations(service)
		rows = [self.operation(operation) for operation in operations]
		common = [f'&shapes[{self.number(service.place, name)}]'
			for name in service.properties.get('errors', [])]
		shapes, done = [], 0
		while done < len(self.rows):
			shapes.append(self.shape(self.rows[done]))
			done += 1
		protocols = self.model.protocols(service)
		if not protocols:
			raise ModelError(service.place, f'{service.name} has no protocol this compiler knows')
		rest = service.traits.get('aws.protocols#restXml', {})
		fields = [f'.name = {string(service.name)}',
			f'.version = {string(service.properties.get("version", ""))}',
			'.protocols = ' + ' | '.join('1 << SHAPE_' + name for name in protocols),
			f'.space = {string(service.traits.get("xmlNamespace", {}).get("uri"))}',
			f'.operations = operations, .operation_count = {len(rows)}']
		if 'prefix' in service.traits.get('xmlNamespace', {}):
			fields.append(f'.prefix = {string(service.traits["xmlNamespace"]["prefix"])}')
		if common:
			fields.append(f'.errors = (const struct shape *const[]){{{", ".join(common)}}}, '
				f'.error_count = {len(common)}')
		if 'aws.protocols#awsQueryCompatible' in service.traits:
			fields.append('.is_query_compatible = true')
		if rest.get('noErrorWrapping'):
			fields.append('.is_error_bare = true')
		return '\n'.join([
			f'/* Made from {os.path.basename(service.place.path)} by tools/smithy. */',
			'#include "api/protocol/shape.h"', '',
			f'extern const struct shape_service {self.symbol};', '',
			f'static const struct shape shapes[{len(shapes)}];' if shapes else '', '',
			*self.table('shape_limits', 'limits', list(self.limits)),
			*self.table('shape_member', 'members', self.members),
			*self.table('shape', 'shapes', shapes),
			*self.table('shape_operation', 'operations', rows),
			f'const struct shape_service {self.symbol} = {{', '\t' + ', '.join(fields), '};', ''])

	def table(self, kind, name, rows):
		"""Nothing where there are no rows: an unused table would be a warning."""
		return [f'static const struct {kind} {name}[] = {{' if name != 'shapes' else
			f'static const struct {kind} {name}[{len(rows)}] = {{',
			*(f'\t{row},' for row in rows), '};', ''] if rows else []


HEADER = '''/* {file}: the shapes of {name}, made from {source} by tools/smithy. */
#pragma once

#include "api/protocol/shape.h"

extern const struct shape_service {symbol};
'''


def header(service, symbol, path):
	return HEADER.format(file=os.path.basename(path)[:-2], name=service.name,
		source=os.path.basename(service.place.path), symbol=symbol)
