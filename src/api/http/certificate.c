/* A certificate of our own making: a P-256 key that signs itself (RFC 5280), for localhost, the
 * loopback addresses and the machine's name. */
#include "api/certificate.h"

#include "base/file.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define SECONDS_VALID (398L * 86400) /* what browsers still take */
#define PEM_MAX       (1u << 20)

MEM_DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
MEM_DEFINE_CLEANUP(X509, X509_free)

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static int fail(struct err *err, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	return err_set(err, ERR_SYSTEM, "%s: %s", what, text);
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	bool is_added = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return is_added;
}

static bool is_host_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			    (*p >= '0' && *p <= '9') || *p == '-' || *p == '.'))
			return false;
	return name[0] != '\0';
}

static bool fill(X509 *certificate, EVP_PKEY *key)
{
	unsigned char serial[16];
	char host[256] = "";
	X509_NAME *name = X509_get_subject_name(certificate);

	gethostname(host, sizeof(host) - 1);
	_cleanup_free_ char *names =
		mem_printf("DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1%s%s",
			is_host_name(host) ? ",DNS:" : "", is_host_name(host) ? host : "");
	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	serial[0] &= 0x7f; /* positive */
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	bool is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return is_set && X509_set_version(certificate, X509_VERSION_3) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), SECONDS_VALID) &&
	       X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC, (const unsigned char *)"nagare", -1, -1, 0) &&
	       X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key) &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	       add_extension(certificate, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, NID_subject_alt_name, names) &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* One file of both, so that they are of one pair whatever happens; mode 0600. */
static int write_pair(const char *path, X509 *certificate, EVP_PKEY *key, struct err *err)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	char *text;

	if (!bio || !PEM_write_bio_X509(bio, certificate) ||
		!PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return fail(err, "cannot write a certificate");
	long n = BIO_get_mem_data(bio, &text);
	if (file_draft_open(&draft, path, err) < 0)
		return -1;
	if (fchmod(draft.fd, 0600) < 0)
		return err_set_errno(err, errno, "%s", path);
	if (file_draft_write(&draft, (struct str){text, (size_t)n}, err) < 0)
		return -1;
	return file_draft_commit(&draft, true, err);
}

static int make(const char *path, struct err *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(X509_freep) X509 *certificate = X509_new();

	if (!key || !certificate || !fill(certificate, key))
		return fail(err, "cannot make a certificate");
	return write_pair(path, certificate, key, err);
}

/* A week before its end a new one is made. */
static bool is_good(const struct buf *pem)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem->p, (int)pem->n);
	_cleanup_(X509_freep) X509 *certificate =
		bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	time_t soon = time(NULL) + 7 * 86400;

	return certificate && X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0;
}

int api_certificate_own(const char *path, struct buf *ret_pem, struct err *err)
{
	struct err missing = ERR_INIT;

	int result = file_read(path, PEM_MAX, ret_pem, &missing);
	if (result == 0 && is_good(ret_pem))
		return 0;
	if (result < 0 && missing.code != ERR_NOT_FOUND) {
		*err = missing;
		return result;
	}
	buf_done(ret_pem);
	if (make(path, err) < 0)
		return -1;
	return file_read(path, PEM_MAX, ret_pem, err);
}
