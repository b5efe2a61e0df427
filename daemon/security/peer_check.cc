#include "daemon/security/peer_check.h"

#include <openssl/err.h>

#include <fmt/format.h>

#include "daemon/rpc/errors.h"
#include "state/files.h"

namespace weir {
namespace {

constexpr uint64_t kMostFileBytes = 1 << 20;

Result<std::shared_ptr<const Owned<X509_STORE>>> ReadStore(const std::string& ca_file) {
  const std::string text = WEIR_TRY(files::Read(errors::kBadTlsFiles, ca_file, kMostFileBytes));
  const std::vector<Owned<X509>> authorities = CertificatesIn(text);
  if (authorities.empty()) {
    return Status(errors::kBadTlsFiles, fmt::format("there is no certificate in '{}'", ca_file),
                  "give the certificates of the authorities to believe, in PEM");
  }
  Owned<X509_STORE> store(X509_STORE_new());
  for (const Owned<X509>& authority : authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  return std::make_shared<const Owned<X509_STORE>>(std::move(store));
}

}  // namespace

Result<std::shared_ptr<PeerCheck>> PeerCheck::Open(const std::string& ca_file) {
  auto store = WEIR_TRY(
      WatchedFiles<Owned<X509_STORE>>::Open({ca_file}, [ca_file] { return ReadStore(ca_file); }));
  return std::shared_ptr<PeerCheck>(new PeerCheck(std::move(store)));
}

PeerCheck::Verdict PeerCheck::Judge(X509* certificate, const std::vector<X509*>& chain,
                                    PeerRole wanted) const {
  if (!certificate) return {Refusal::kNoCertificate, "somebody", "no certificate was shown"};
  const std::string who = DescribeCertificate(*certificate);
  const std::shared_ptr<const Owned<X509_STORE>> store = store_->Get();
  STACK_OF(X509)* others = sk_X509_new_null();
  for (X509* other : chain) sk_X509_push(others, other);
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  bool trusted = X509_STORE_CTX_init(context.get(), store->get(), certificate, others) == 1 &&
                 X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT) == 1;
  trusted = trusted && X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  sk_X509_free(others);
  ERR_clear_error();
  if (!trusted) {
    const bool time =
        error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
    return {time ? Refusal::kExpired : Refusal::kNotTrusted, who,
            X509_verify_cert_error_string(error)};
  }
  if (!HasRole(*certificate, wanted)) {
    return {Refusal::kWrongRole, who,
            fmt::format("its roles are {}, {} is wanted", RolesOf(*certificate), NameOf(wanted))};
  }
  return {std::nullopt, who, {}};
}

}  // namespace weir
