"""Smithy IDL 2.0 (smithy.io/2.0/spec/idl.html) read into shapes. All of the grammar is taken; what traits
mean is model.py's. Errors are ModelError, with file and line."""
import re


class ModelError(Exception):
	def __init__(self, place, message):
		super().__init__(f'{place}: {message}')


class Place:
	__slots__ = ('path', 'line')

	def __init__(self, path, line):
		self.path, self.line = path, line

	def __str__(self):
		return f'{self.path}:{self.line}'


class Name(str):
	"""A shape id as it stands in a file, before it is resolved."""


class Member:
	def __init__(self, place, name, target, traits):
		self.place, self.name, self.target, self.traits = place, name, target, traits
		self.documentation = None


class Shape:
	def __init__(self, place, kind, identity, traits):
		self.place, self.kind, self.id, self.traits = place, kind, identity, traits
		self.members = {}      # name: Member
		self.mixins = []       # ids
		self.properties = {}   # service, resource, operation

	@property
	def name(self):
		return self.id.split('#')[1]


AGGREGATES = ('structure', 'union', 'list', 'set', 'map', 'enum', 'intEnum')
SIMPLE = ('blob boolean document string byte short integer long float double bigInteger bigDecimal '
	'timestamp').split()
PRELUDE = {name[0].upper() + name[1:]: name for name in SIMPLE}
PRELUDE |= {'Primitive' + name: PRELUDE[name] for name in
	'Boolean Byte Short Integer Long Float Double'.split()}
PRELUDE['Unit'] = 'structure'

TOKEN = re.compile(r'''
	(?P<space>[\s,]+) | (?P<comment>//[^\n]*)
	| (?P<block>"""\r?\n(?:\\.|(?!""")[^\\])*""") | (?P<string>"(?:\\.|[^"\\])*")
	| (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
	| (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*
		(?:\#[A-Za-z_][A-Za-z0-9_]*)?(?:\$[A-Za-z_][A-Za-z0-9_]*)?)
	| (?P<mark>:=|[{}\[\]()=:@])
	''', re.X | re.S)
ESCAPES = {'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '\n': ''}


def unescape(text):
	def one(match):
		if match[1][0] == 'u':
			return chr(int(match[1][1:], 16))
		return ESCAPES.get(match[1], match[1])
	text = re.sub(r'\\(u[0-9a-fA-F]{4}|.)', one, text, flags=re.S)
	return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')


def unindent(text):
	"""Of a text block: the lines less their common indentation, where the last, with the closing
	quotes, counts too."""
	lines = text[3:-3].replace('\r\n', '\n').split('\n')[1:]
	common = min((len(line) - len(line.lstrip(' ')) for number, line in enumerate(lines)
		if line.strip() or number == len(lines) - 1), default=0)
	return '\n'.join(line[common:].rstrip(' ') for line in lines)


class Parser:
	"""One file. shapes is filled; applies are (place, target id, traits), for when all files are read."""

	def __init__(self, path, shapes, applies):
		self.path, self.shapes, self.applies = path, shapes, applies
		self.namespace, self.uses = None, {}
		self.suffix = {'input': 'Input', 'output': 'Output'}
		with open(path, encoding='utf-8') as file:
			self.tokens = self.split(file.read())
		self.next = 0

	def split(self, text):
		tokens, at, line = [], 0, 1
		while at < len(text):
			match = TOKEN.match(text, at)
			if not match:
				raise ModelError(Place(self.path, line), f'unexpected {text[at]!r}')
			kind = match.lastgroup
			if kind not in ('space', 'comment'):
				tokens.append((kind, match[0], line))
			line += match[0].count('\n')
			at = match.end()
		tokens.append(('end', 'the end of the file', line))
		return tokens

	# -- tokens

	def place(self):
		return Place(self.path, self.tokens[self.next][2])

	def peek(self):
		return self.tokens[self.next][1]

	def fail(self, expected):
		raise ModelError(self.place(), f'{expected} expected instead of {self.peek()}')

	def accept(self, text):
		if self.tokens[self.next][0] in ('mark', 'name') and self.peek() == text:
			self.next += 1
			return True
		return False

	def expect(self, text):
		if not self.accept(text):
			self.fail(f"'{text}'")

	def name(self, what='a name'):
		kind, text, _ = self.tokens[self.next]
		if kind != 'name':
			self.fail(what)
		self.next += 1
		return text

	def resolve(self, name):
		"""The whole id of a name as it is seen from this file; model.py checks that it is there."""
		if '#' in name:
			return name
		base, _, member = name.partition('$')
		if base in self.uses:
			base = self.uses[base]
		elif base in PRELUDE:
			# A shape of the namespace hides one of the prelude: known only at the end.
			base = f'?{self.namespace}#{base}'
		else:
			base = f'{self.namespace}#{base}'
		return base + (f'${member}' if member else '')

	def identity(self, what='a shape'):
		return self.resolve(self.name(what))

	# -- values

	def value(self):
		kind, text, _ = self.tokens[self.next]
		if kind == 'string':
			self.next += 1
			return unescape(text[1:-1].replace('\r\n', '\n'))
		if kind == 'block':
			self.next += 1
			return unescape(unindent(text))
		if kind == 'number':
			self.next += 1
			return float(text) if re.search('[.eE]', text) else int(text)
		if kind == 'name':
			self.next += 1
			known = {'true': True, 'false': False, 'null': None}
			return known[text] if text in known else Name(self.resolve(text))
		if self.accept('['):
			items = []
			while not self.accept(']'):
				items.append(self.value())
			return items
		if self.accept('{'):
			return self.pairs('}')
		return self.fail('a value')

	def pairs(self, end):
		result = {}
		while not self.accept(end):
			kind, text, _ = self.tokens[self.next]
			if kind not in ('string', 'name'):
				self.fail('a key')
			self.next += 1
			key = unescape(text[1:-1]) if kind == 'string' else text
			self.expect(':')
			result[key] = self.value()
		return result

	# -- traits

	def traits(self):
		"""{id without prelude's namespace: value}; a trait without a value is {}."""
		traits = {}
		while self.peek() == '@':
			traits |= self.trait()
		return traits

	def trait(self):
		self.expect('@')
		name = self.name('a trait')
		name = self.uses.get(name, name).removeprefix('smithy.api#')
		return {name: self.trait_body() if self.accept('(') else {}}

	def trait_body(self):
		kind = self.tokens[self.next][0]
		if self.accept(')'):
			return {}
		if kind in ('string', 'name') and self.tokens[self.next + 1][1] == ':':
			return self.pairs(')')
		value = self.value()
		self.expect(')')
		return value

	# -- statements

	def parse(self):
		while self.peek().startswith('$'):
			key = self.name()
			self.expect(':')
			value = self.value()
			if key == '$version' and str(value)[0] not in '12':
				raise ModelError(self.place(), f'version {value} of the language is not known here')
			if key in ('$operationInputSuffix', '$operationOutputSuffix'):
				self.suffix[key[10:].removesuffix('Suffix').lower()] = value
		while self.accept('metadata'):
			self.next += 1
			self.expect('=')
			self.value()
		self.expect('namespace')
		self.namespace = self.name('a namespace')
		while self.accept('use'):
			identity = self.name('a shape id')
			self.uses[identity.split('#')[1]] = identity
		while self.tokens[self.next][0] != 'end':
			if self.accept('apply'):
				self.apply()
			else:
				self.shape()

	def apply(self):
		place, target = self.place(), self.identity()
		if self.accept('{'):
			traits = {}
			while not self.accept('}'):
				traits |= self.trait()
		else:
			traits = self.trait()
		self.applies.append((place, target, traits))

	def shape(self):
		traits, place = self.traits(), self.place()
		kind = self.name('a shape')
		if kind not in AGGREGATES and kind not in SIMPLE and kind not in (
				'service', 'resource', 'operation'):
			raise ModelError(place, f"'{kind}' is not a kind of shape")
		self.rest_of_shape(place, kind, self.name(f'the name of the {kind}'), traits)

	def rest_of_shape(self, place, kind, name, traits):
		shape = Shape(place, kind, f'{self.namespace}#{name}', traits)
		if shape.id in self.shapes:
			raise ModelError(place, f'{name} is already defined at {self.shapes[shape.id].place}')
		self.shapes[shape.id] = shape
		if self.accept('for'):
			shape.properties['for'] = self.identity()
		if self.accept('with'):
			self.expect('[')
			while not self.accept(']'):
				shape.mixins.append(self.identity('a mixin'))
		if kind in AGGREGATES:
			self.members(shape)
		elif kind in ('service', 'resource', 'operation'):
			self.properties(shape)
		return shape.id

	def members(self, shape):
		self.expect('{')
		while not self.accept('}'):
			traits, place = self.traits(), self.place()
			if traits and self.peek() == '}':
				self.fail('a member')
			name = self.name('a member')
			member = Member(place, name.lstrip('$'), None, traits)
			if name.startswith('$'):
				member.target = (shape.properties.get('for'), name[1:])
			elif shape.kind not in ('enum', 'intEnum'):
				self.expect(':')
				member.target = self.identity()
			if self.accept('='):
				value = self.value()
				traits['enumValue' if shape.kind in ('enum', 'intEnum') else 'default'] = value
			if member.name in shape.members:
				raise ModelError(place, f'{shape.name} has a member {member.name} already')
			shape.members[member.name] = member

	def properties(self, shape):
		self.expect('{')
		while not self.accept('}'):
			place, key = self.place(), self.name('a property')
			if self.accept(':='):
				if shape.kind != 'operation' or key not in self.suffix:
					raise ModelError(place, "':=' is for the input and output of an operation")
				traits = self.traits()
				shape.properties[key] = Name(self.rest_of_shape(place, 'structure',
					shape.name + self.suffix[key], traits))
			else:
				self.expect(':')
				shape.properties[key] = self.value()
