"""A whole model of parsed files: names resolved, mixins mixed in, traits applied, and the traits that
the tables know checked. What else a trait may say is ignored, as Smithy's own tools do."""
import datetime
import json
import re

from parse import AGGREGATES, PRELUDE, ModelError, Member, Name, Parser, Place, Shape

PROTOCOLS = {'aws.protocols#awsJson1_0': 'AWS_JSON_1_0', 'aws.protocols#awsJson1_1': 'AWS_JSON_1_1',
	'aws.protocols#awsQuery': 'AWS_QUERY', 'aws.protocols#ec2Query': 'EC2_QUERY',
	'aws.protocols#restJson1': 'REST_JSON_1', 'aws.protocols#restXml': 'REST_XML',
	'smithy.protocols#rpcv2Cbor': 'RPC_V2_CBOR'}
NUMBERS = 'byte short integer long float double bigInteger bigDecimal intEnum'.split()
# Which kinds of shape (or of a member's target) a trait may stand on.
ALLOWED = {'length': 'string enum blob list set map', 'pattern': 'string enum', 'range': ' '.join(NUMBERS),
	'uniqueItems': 'list set', 'sparse': 'list set map', 'timestampFormat': 'timestamp',
	'xmlFlattened': 'list set map', 'error': 'structure', 'httpError': 'structure'}
TIMES = ('date-time', 'http-date', 'epoch-seconds')


class Model:
	def __init__(self, paths):
		self.shapes, applies = {}, []
		for path in paths:
			Parser(path, self.shapes, applies).parse()
		here = Place('prelude', 0)
		for name, kind in PRELUDE.items():
			self.shapes[f'smithy.api#{name}'] = Shape(here, kind, f'smithy.api#{name}', {})
		for shape in self.shapes.values():
			self.resolve_shape(shape)
		self.mixed = set()
		for shape in self.shapes.values():
			self.mix(shape, ())
		for place, target, traits in applies:
			self.apply(place, self.resolve(target), traits)
		for shape in self.shapes.values():
			self.check(shape)

	def resolve(self, name):
		"""'?ns#String' is ns#String where there is one, else the prelude's."""
		if name.startswith('?'):
			name = name[1:]
			if name.partition('$')[0] not in self.shapes:
				name = 'smithy.api#' + name.split('#')[1]
		return name

	def get(self, place, name):
		name = self.resolve(name)
		if name not in self.shapes:
			raise ModelError(place, f"there is no shape '{name.split('#')[-1]}'")
		return self.shapes[name]

	def resolve_shape(self, shape):
		def deep(value):
			if isinstance(value, Name):
				return Name(self.resolve(value))
			if isinstance(value, list):
				return [deep(item) for item in value]
			return {k: deep(v) for k, v in value.items()} if isinstance(value, dict) else value

		shape.mixins = [self.resolve(name) for name in shape.mixins]
		shape.properties = deep(shape.properties)
		for member in shape.members.values():
			if isinstance(member.target, tuple):
				resource, name = member.target
				if not resource and shape.mixins:
					member.target = None  # the mixin's, see mix()
					continue
				if not resource:
					raise ModelError(member.place, f"'${name}' needs 'for RESOURCE'")
				properties = self.get(member.place, resource).properties
				found = {**properties.get('identifiers', {}), **properties.get('properties', {})}
				if name not in found:
					raise ModelError(member.place, f"the resource has no '{name}'")
				member.target = found[name]
			if member.target:
				member.target = self.get(member.place, member.target).id

	def mix(self, shape, above):
		if shape.id in above:
			raise ModelError(shape.place, f'{shape.name} mixes itself in')
		if shape.id in self.mixed:
			return
		members, traits = {}, {}
		for name in shape.mixins:
			mixin = self.get(shape.place, name)
			if 'mixin' not in mixin.traits:
				raise ModelError(shape.place, f'{mixin.name} is not a @mixin')
			self.mix(mixin, (*above, shape.id))
			local = [str(item) for item in mixin.traits['mixin'].get('localTraits', [])]
			traits |= {key: value for key, value in mixin.traits.items() if key != 'mixin' and
				not any(key == item.removeprefix('smithy.api#') for item in local)}
			members |= {key: Member(member.place, key, member.target, dict(member.traits))
				for key, member in mixin.members.items()}
			for key, value in mixin.properties.items():
				if isinstance(value, list):
					shape.properties[key] = value + shape.properties.get(key, [])
		for key, member in shape.members.items():
			if key in members:
				member.traits = members[key].traits | member.traits
				member.target = member.target or members[key].target
			members[key] = member
			if not member.target and shape.kind not in ('enum', 'intEnum'):
				raise ModelError(member.place, f"no mixin has '{key}'")
		shape.members, shape.traits = members, traits | shape.traits
		self.mixed.add(shape.id)

	def apply(self, place, target, traits):
		name, _, member = target.partition('$')
		shape = self.get(place, name)
		if member and member not in shape.members:
			raise ModelError(place, f'{shape.name} has no member {member}')
		(shape.members[member] if member else shape).traits.update(traits)

	# -- checks

	def check(self, shape):
		self.check_traits(shape.place, shape.name, shape.kind, shape.traits)
		want = {'list': ['member'], 'set': ['member'], 'map': ['key', 'value']}.get(shape.kind)
		if want and sorted(shape.members) != want:
			raise ModelError(shape.place, f'a {shape.kind} has exactly: {" ".join(want)}')
		if shape.kind == 'map' and self.kind(shape.members['key'].target) not in ('string', 'enum'):
			raise ModelError(shape.members['key'].place, 'the key of a map is a string')
		for member in shape.members.values() if shape.kind not in ('enum', 'intEnum') else ():
			self.check_traits(member.place, member.name, self.kind(member.target), member.traits)
			if 'httpLabel' in member.traits and 'required' not in member.traits:
				raise ModelError(member.place, f'{member.name} is in the path and so @required')

	def kind(self, identity):
		return self.shapes[identity].kind

	def check_traits(self, place, name, kind, traits):
		for trait, kinds in ALLOWED.items():
			if trait in traits and kind not in kinds.split():
				raise ModelError(place, f'@{trait} is not for a {kind} ({name})')
		for trait in ('length', 'range'):
			bounds = traits.get(trait, {})
			if trait in traits and (not isinstance(bounds, dict) or not bounds or
					set(bounds) - {'min', 'max'} or bounds.get('min', 0) > bounds.get(
						'max', bounds.get('min', 0))):
				raise ModelError(place, f'@{trait} is (min: N, max: N), one of them at least')
		if 'pattern' in traits and not isinstance(traits['pattern'], str):
			raise ModelError(place, '@pattern is a string')
		if 'timestampFormat' in traits and traits['timestampFormat'] not in TIMES:
			raise ModelError(place, f'@timestampFormat is one of {", ".join(TIMES)}')
		if 'error' in traits and traits['error'] not in ('client', 'server'):
			raise ModelError(place, '@error is "client" or "server"')
		if 'http' in traits and not re.match('/', str(traits['http'].get('uri', ''))):
			raise ModelError(place, '@http is (method: "GET", uri: "/...", code: 200)')

	# -- what the tables are made of

	def services(self):
		return [shape for shape in self.shapes.values() if shape.kind == 'service']

	def operations(self, owner, seen=None):
		"""Of a service and of the resources below it, in the order of the file, each once."""
		seen = {} if seen is None else seen
		names = list(owner.properties.get('operations', []))
		for key in ('create', 'put', 'read', 'update', 'delete', 'list'):
			names += [owner.properties[key]] if key in owner.properties else []
		names += owner.properties.get('collectionOperations', [])
		for name in names:
			operation = self.get(owner.place, name)
			if operation.kind != 'operation':
				raise ModelError(owner.place, f'{operation.name} is not an operation')
			seen.setdefault(operation.id, operation)
		for name in owner.properties.get('resources', []):
			self.operations(self.get(owner.place, name), seen)
		return list(seen.values())

	def protocols(self, service):
		return [PROTOCOLS[trait] for trait in service.traits if trait in PROTOCOLS]

	def enum_values(self, shape):
		if shape.kind in ('enum', 'intEnum'):
			return [member.traits.get('enumValue', name) for name, member in shape.members.items()]
		return [row['value'] for row in shape.traits.get('enum', [])]

	def is_aggregate(self, shape):
		return shape.kind in AGGREGATES and shape.kind not in ('enum', 'intEnum')


def default_json(kind, value):
	"""A default as the value that it is between protocol and handler; a moment in milliseconds."""
	if value is None:
		return None
	if kind == 'timestamp':
		if isinstance(value, str):
			value = datetime.datetime.fromisoformat(value.replace('Z', '+00:00')).timestamp()
		value = round(value * 1000)
	return json.dumps(value)
