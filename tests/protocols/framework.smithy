// The error that the validation tests are answered with; the models of the tests use it from
// Smithy's own library, which their artifact does not carry.
$version: "2"

namespace smithy.framework

@error("client")
structure ValidationException {
	@required
	message: String
}
