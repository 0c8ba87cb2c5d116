#include "cli/pcap_output.h"

#include "base/buf.h"
#include "base/file.h"
#include "record/line.h"
#include "record/parquet.h"
#include "record/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)256 << 10)
#define LINES_BITS  6 /* of interfaces whose lines are ready at a time */

struct ready_line {
	const struct record_interface *interface;
	struct record_line line;
};

struct pcap_output {
	struct pcap_output_options options;
	struct file_draft draft; /* path NULL: standard output */
	struct buf buf;
	struct record_parquet *parquet;
	uint64_t count;
	struct ready_line lines[1 << LINES_BITS]; /* by interface; the last one of a place stays */
};

int pcap_output_open(
	struct pcap_output **ret_output, const struct pcap_output_options *options, struct err *err)
{
	_cleanup_(pcap_output_freep) struct pcap_output *output = mem_new(1, sizeof(*output));

	output->options = *options;
	output->draft = (struct file_draft)FILE_DRAFT_INIT;
	bool standard = !options->path || strcmp(options->path, "-") == 0;
	if (options->form == PCAP_OUTPUT_PARQUET) {
		if (standard && isatty(STDOUT_FILENO)) {
			err_set(err, ERR_USAGE, "Parquet is not for terminals");
			return err_hint(err, "name a file with --output-file, or redirect");
		}
		if (record_parquet_new(&output->parquet, &options->format, err) < 0)
			return -1;
	}
	if (!standard && file_draft_open(&output->draft, options->path, err) < 0)
		return -1;
	if (options->form == PCAP_OUTPUT_CSV)
		record_csv_header(&output->buf, &options->format);
	else if (options->form == PCAP_OUTPUT_TEXT && options->header)
		record_format_header(&output->buf, &options->format);
	*ret_output = take(output);
	return 0;
}

static int write_all(struct str bytes, struct err *err)
{
	while (bytes.n) {
		ssize_t n = write(STDOUT_FILENO, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "cannot write to standard output");
		bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
	}
	return 0;
}

static int write_buffer(struct pcap_output *output, struct err *err)
{
	int status = output->draft.path
			     ? file_draft_write(&output->draft, buf_str(&output->buf), err)
			     : write_all(buf_str(&output->buf), err);
	output->buf.n = 0;
	return status;
}

static struct record_line *line_of(
	struct pcap_output *output, const struct record_interface *interface)
{
	/* Fibonacci hashing, Knuth, volume 3, 6.4. */
	uint64_t hash = (uintptr_t)interface * UINT64_C(0x9e3779b97f4a7c15);
	struct ready_line *ready = &output->lines[hash >> (64 - LINES_BITS)];

	if (ready->interface != interface) {
		ready->interface = interface;
		record_line_prepare(&ready->line, &output->options.format, interface);
	}
	return &ready->line;
}

int pcap_output_record(struct pcap_output *output, const struct record *record, struct err *err)
{
	const struct record_format *format = &output->options.format;

	output->count++;
	switch (output->options.form) {
	case PCAP_OUTPUT_PARQUET:
		return record_parquet_add(output->parquet, record, err);
	case PCAP_OUTPUT_JSON:
		record_json_line(&output->buf, format, record);
		break;
	case PCAP_OUTPUT_CSV:
		record_csv_line(&output->buf, format, record);
		break;
	case PCAP_OUTPUT_TEXT:
		record_line_add(line_of(output, record->interface), &output->buf, record);
		break;
	}
	return output->buf.n < BUFFER_SIZE ? 0 : write_buffer(output, err);
}

/* DuckDB writes Parquet to a name: a temporary one that is then copied to standard output. */
static int copy_parquet(struct pcap_output *output, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	_cleanup_free_ char *path =
		mem_printf("%s/nagare-pcap-XXXXXX", folder && *folder ? folder : "/tmp");
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, errno, "cannot create %s", path);
	int status = record_parquet_write(output->parquet, path, err);
	/* Opened again by name: whether the writer kept the file of that name is its own affair. */
	_cleanup_close_ int written = status == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	unlink(path);
	if (status < 0)
		return -1;
	if (written < 0)
		return err_set_errno(err, errno, "cannot read %s", path);
	char *bytes = buf_reserve(&output->buf, BUFFER_SIZE);
	for (;;) {
		ssize_t n = read(written, bytes, BUFFER_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "cannot read %s", path);
		if (n == 0)
			return 0;
		if (write_all((struct str){bytes, (size_t)n}, err) < 0)
			return -1;
	}
}

int pcap_output_finish(struct pcap_output *output, struct err *err)
{
	int status;

	if (!output->parquet)
		status = write_buffer(output, err);
	else if (output->draft.path)
		status = record_parquet_write(output->parquet, output->draft.draft_path, err);
	else
		status = copy_parquet(output, err);
	if (status < 0 || !output->draft.path)
		return status;
	return file_draft_commit(&output->draft, true, err);
}

uint64_t pcap_output_count(const struct pcap_output *output)
{
	return output->count;
}

void pcap_output_free(struct pcap_output *output)
{
	if (!output)
		return;
	file_draft_done(&output->draft);
	record_parquet_free(output->parquet);
	for (size_t i = 0; i < ARRAY_SIZE(output->lines); i++)
		record_line_done(&output->lines[i].line);
	buf_done(&output->buf);
	free(output);
}
