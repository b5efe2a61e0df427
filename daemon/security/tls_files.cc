#include "daemon/security/tls_files.h"

#include <openssl/err.h>

#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "batch/time_text.h"
#include "daemon/rpc/errors.h"
#include "daemon/security/errors.h"
#include "state/files.h"

namespace weir {
namespace {

constexpr uint64_t kMostFileBytes = 1 << 20;
constexpr int64_t kWarnDays = 14;

Status Fault(std::string_view what, const std::string& file) {
  ERR_clear_error();
  return Status(errors::kBadTlsFiles, fmt::format("{} '{}'", what, file),
                "three files in PEM are needed: the CA's certificate, this process's own one, and "
                "its key without a passphrase");
}

Result<std::vector<Owned<X509>>> ReadCertificates(const std::string& file) {
  const Result<std::string> text = files::Read(errors::kBadTlsFiles, file, kMostFileBytes);
  if (!text.ok()) return Fault("cannot read the TLS file", file);
  std::vector<Owned<X509>> certificates = CertificatesIn(*text);
  if (certificates.empty()) return Fault("there is no certificate in", file);
  return certificates;
}

}  // namespace

Result<std::shared_ptr<const TlsIdentity>> ReadIdentity(const std::string& certificate,
                                                        const std::string& key) {
  auto identity = std::make_shared<TlsIdentity>();
  identity->chain = WEIR_TRY(ReadCertificates(certificate));
  identity->certificate = std::move(identity->chain.front());
  identity->chain.erase(identity->chain.begin());
  const Result<std::string> text = files::Read(errors::kBadTlsFiles, key, kMostFileBytes);
  if (!text.ok()) return Fault("cannot read the TLS file", key);
  identity->key = KeyIn(*text);
  if (!identity->key) return Fault("there is no plain private key in", key);
  if (X509_check_private_key(identity->certificate.get(), identity->key.get()) != 1) {
    return Fault("the key is not that of the certificate", certificate);
  }
  return std::shared_ptr<const TlsIdentity>(std::move(identity));
}

Result<std::unique_ptr<WatchedFiles<TlsIdentity>>> WatchIdentity(const std::string& certificate,
                                                                 const std::string& key) {
  return WatchedFiles<TlsIdentity>::Open(
      {certificate, key}, [certificate, key] { return ReadIdentity(certificate, key); });
}

Status CheckTlsFiles(const TlsFiles& files, PeerRole self, EventTime now) {
  WEIR_TRY(ReadCertificates(files.ca));
  const std::shared_ptr<const TlsIdentity> identity =
      WEIR_TRY(ReadIdentity(files.certificate, files.key));
  X509& own = *identity->certificate;
  if (!HasRole(own, self)) {
    return Status(
        errors::kWrongOwnCertificate,
        fmt::format("the certificate {} ({}) is not one of a {}: its roles are {}",
                    files.certificate, DescribeCertificate(own), NameOf(self), RolesOf(own)),
        fmt::format(
            "'weir certs issue NAME --role {}' makes one; in one from elsewhere, the URI {} "
            "stands among the subject's alternative names",
            NameOf(self), UriOf(self)));
  }
  const EventTime end = EndOf(own);
  const int64_t days = (end.us - now.us) / 86'400'000'000;
  if (end < now) {
    return Status(errors::kWrongOwnCertificate,
                  fmt::format("the certificate {} ({}) has expired at {}", files.certificate,
                              DescribeCertificate(own), FormatIso8601(end)),
                  fmt::format("'weir certs issue NAME --role {}' makes a new one", NameOf(self)));
  }
  if (days < kWarnDays) {
    log::Warn("the certificate ends soon", {{"file", files.certificate}, {"days", days}});
  }
  return Status::Ok();
}

}  // namespace weir
