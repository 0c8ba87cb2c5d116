/* The table of EC2's operations. */
#include "api/ec2/ec2_priv.h"

#include "api/ec2/ec2_shape.h"
#include "base/clock.h"

static void done(struct ec2 *ec2)
{
	for (size_t i = 0; i < STORE_RESOURCES; i++)
		json_decref(ec2->views[i]);
	json_decref(ec2->tags);
	json_decref(ec2->flow_logs);
	json_decref(ec2->rules);
	json_decref(ec2->by_instance);
	json_decref(ec2->used);
}

/* Who may not is told so; then a dry run ends. */
static int ask_and_run(
	struct ec2 *ec2, int (*handler)(struct ec2 *ec2), int (*ask)(struct ec2 *ec2))
{
	if (ask(ec2) < 0)
		return -1;
	if (json_is_true(ec2_input(ec2, "DryRun")))
		return aws_error_default(ec2->error, AWS_ERROR_DRY_RUN_OPERATION);
	return handler(ec2);
}

static int run(struct api_call *call, struct aws_error *error, int (*handler)(struct ec2 *ec2),
	int (*ask)(struct ec2 *ec2))
{
	struct ec2 ec2 = {.call = call,
		.context = call->context,
		.output = call->output,
		.error = error,
		.err = &call->exchange->err,
		.region = api_server_region(call->exchange->server),
		.account = api_server_account(call->exchange->server),
		.now_ms = clock_wall_ns() / 1000000};
	int result = ask_and_run(&ec2, handler, ask);

	done(&ec2);
	return result;
}

#define X(name, handler, ask)                                                                      \
	static int run_##name(struct api_call *call, struct aws_error *error)                      \
	{                                                                                          \
		return run(call, error, handler, ask);                                             \
	}
#include "api/ec2/operations.def"
#undef X

/* Open, because each asks for itself: several resources have keys of their own each. */
static const struct api_operation operations[] = {
#define X(operation, handler, ask) {.name = #operation, .run = run_##operation, .is_open = true},
#include "api/ec2/operations.def"
#undef X
	{NULL},
};

static const char *const signing_names[] = {"ec2", NULL};

const struct api_service api_ec2 = {
	.name = "ec2",
	.signing_names = signing_names,
	.style = AWS_STYLE_EC2,
	.shape = &ec2_shape,
	.operations = operations,
};
