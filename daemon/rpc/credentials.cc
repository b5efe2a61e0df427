#include "daemon/rpc/credentials.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fmt/format.h>

#include "daemon/rpc/errors.h"

namespace weir {
namespace {

constexpr unsigned kReloadSeconds = 10;

struct Freer {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Freer>;

Status Fault(std::string_view what, const std::string& file) {
  ERR_clear_error();
  return Status(errors::kBadTlsFiles, fmt::format("{} '{}'", what, file),
                "three files in PEM are needed: the CA's certificate, this process's own one, and "
                "its key without a passphrase");
}

Result<Owned<X509>> ReadCertificate(const std::string& file) {
  const Owned<BIO> bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) return Fault("cannot read the TLS file", file);
  Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return Fault("there is no certificate in", file);
  return certificate;
}

Result<Owned<EVP_PKEY>> ReadKey(const std::string& file) {
  const Owned<BIO> bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) return Fault("cannot read the TLS file", file);
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return Fault("there is no plain private key in", file);
  return key;
}

Status Check(const TlsFiles& files) {
  WEIR_TRY(ReadCertificate(files.ca));
  const Owned<X509> certificate = WEIR_TRY(ReadCertificate(files.certificate));
  const Owned<EVP_PKEY> key = WEIR_TRY(ReadKey(files.key));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Fault("the key is not that of the certificate", files.certificate);
  }
  return Status::Ok();
}

}  // namespace

Transport Transport::Plain() {
  Transport transport;
  transport.channel_ = grpc::InsecureChannelCredentials();
  transport.server_ = grpc::InsecureServerCredentials();
  return transport;
}

Result<Transport> Transport::MutualTls(const TlsFiles& files) {
  WEIR_TRY(Check(files));
  const auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, kReloadSeconds);

  grpc::experimental::TlsChannelCredentialsOptions dialling;
  dialling.set_certificate_provider(provider);
  dialling.watch_root_certs();
  dialling.watch_identity_key_cert_pairs();
  dialling.set_certificate_verifier(
      std::make_shared<grpc::experimental::HostNameCertificateVerifier>());

  grpc::experimental::TlsServerCredentialsOptions serving(provider);
  serving.watch_root_certs();
  serving.watch_identity_key_cert_pairs();
  serving.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  // The one who dials has no name to check; that its CA vouches for it is checked always.
  serving.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());

  Transport transport;
  transport.secure_ = true;
  transport.channel_ = grpc::experimental::TlsCredentials(dialling);
  transport.server_ = grpc::experimental::TlsServerCredentials(serving);
  return transport;
}

}  // namespace weir
