"""usage: python3 tools/smithy [--service NAME] [--symbol SYMBOL] MODEL.smithy... X_shape.c X_shape.h

Compiles the service of these models into the tables of src/api/protocol/shape.h, `const struct
shape_service X_shape`. docs/models.md says what of Smithy it knows.
"""
import argparse
import os
import sys

from emit import Emitter, header
from model import Model, ModelError


def main():
	parser = argparse.ArgumentParser(prog='tools/smithy')
	parser.add_argument('--service', help='which, when the models have several')
	parser.add_argument('--symbol', help='name of the C object; otherwise that of the file')
	parser.add_argument('files', nargs='+')
	options = parser.parse_args()
	models = [path for path in options.files if path.endswith('.smithy')]
	outputs = [path for path in options.files if not path.endswith('.smithy')]
	if not models or [os.path.splitext(path)[1] for path in outputs] != ['.c', '.h']:
		parser.error('models, then X.c and X.h')
	model = Model(models)
	services = [service for service in model.services()
		if options.service in (None, service.name, service.id)]
	if len(services) != 1:
		parser.error(f'{len(services)} services: ' + ' '.join(shape.id for shape in model.services()))
	symbol = options.symbol or os.path.basename(outputs[0])[:-2]
	for path, text in ((outputs[0], Emitter(model, symbol).service(services[0])),
			(outputs[1], header(services[0], symbol, outputs[1]))):
		with open(path, 'w', encoding='ascii') as file:
			file.write(text)


if __name__ == '__main__':
	try:
		main()
	except (ModelError, OSError) as error:
		sys.exit(f'tools/smithy: {error}' if isinstance(error, OSError) else str(error))
