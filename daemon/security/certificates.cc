#include "daemon/security/certificates.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>

#include <fmt/format.h>

#include "batch/time_text.h"
#include "daemon/security/certificate_roles.h"
#include "daemon/security/errors.h"

namespace weir {
namespace {

// Clocks of a cluster differ a little; a certificate counts at once all the same.
constexpr int64_t kBackdateSeconds = 3600;
constexpr int64_t kDaySeconds = 86'400;
constexpr int kSerialBytes = 16;

Status OpenSslFailed(std::string_view what) {
  char text[256] = "no reason was given";
  if (const unsigned long error = ERR_get_error()) ERR_error_string_n(error, text, sizeof text);
  ERR_clear_error();
  return Status(errors::kBadAuthority, fmt::format("{}: {}", what, text),
                "see that the authority's files are those that 'weir certs init' made");
}

Status CheckDays(int days) {
  if (days >= 1 && days <= kMostDays) return Status::Ok();
  return Status(errors::kBadNaming, fmt::format("a certificate cannot count for {} days", days),
                fmt::format("give 1 to {}", kMostDays));
}

/// `DNS:w1.example`, `IP:10.0.0.5`; an error where the host is neither.
Result<std::string> AlternativeName(const std::string& host) {
  const Owned<ASN1_OCTET_STRING> ip(a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  if (ip) return "IP:" + host;
  const bool plain = !host.empty() && host.size() <= 253 && host.front() != '.' &&
                     host.front() != '-' &&
                     std::all_of(host.begin(), host.end(), [](unsigned char c) {
                       return c < 0x80 && (std::isalnum(c) || c == '.' || c == '-' || c == '_');
                     });
  if (plain) return "DNS:" + host;
  return Status(errors::kBadNaming, fmt::format("'{}' is neither a host name nor an address", host),
                "write --host w1.example or --host 10.0.0.5, one for each");
}

Status AddExtension(X509& certificate, X509& issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1) {
    return OpenSslFailed(fmt::format("cannot put '{}' into the certificate", value));
  }
  return Status::Ok();
}

/// A certificate of `key` without extensions and signature.
Result<Owned<X509>> Begin(const std::string& name, EVP_PKEY& key, int64_t begin_s, int64_t end_s) {
  Owned<X509> certificate(X509_new());
  unsigned char random[kSerialBytes];
  if (RAND_bytes(random, sizeof random) != 1) return OpenSslFailed("no random numbers");
  random[0] &= 0x7f;  // Serial numbers are positive.
  const Owned<BIGNUM> serial(BN_bin2bn(random, sizeof random, nullptr));
  X509_set_version(certificate.get(), X509_VERSION_3);
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), begin_s);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), end_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  if (X509_set_pubkey(certificate.get(), &key) != 1) return OpenSslFailed("no public key");
  return certificate;
}

}  // namespace

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' &&
         name.front() != '_' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) || c == '.' || c == '-' || c == '_');
         });
}

Result<CertifiedKey> MakeAuthority(const std::string& name, int days, EventTime now) {
  WEIR_TRY(CheckDays(days));
  if (!IsPlainName(name)) {
    return Status(errors::kBadNaming, fmt::format("'{}' cannot name an authority", name),
                  "letters, digits, '.', '-' and '_', 64 at most");
  }
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (!key) return OpenSslFailed("cannot make a key");
  const int64_t now_s = now.us / 1'000'000;
  const Owned<X509> certificate =
      WEIR_TRY(Begin(name, *key, now_s - kBackdateSeconds, now_s + days * kDaySeconds));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  for (const auto& [kind, value] : {std::pair(NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                                    {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                    {NID_subject_key_identifier, "hash"}}) {
    WEIR_TRY(AddExtension(*certificate, *certificate, kind, value));
  }
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return OpenSslFailed("signing");
  return CertifiedKey{ToPem(*certificate), ToPem(*key)};
}

Result<CertifiedKey> Issue(const CertifiedKey& authority, const IssueRequest& request,
                           EventTime now) {
  WEIR_TRY(CheckDays(request.days));
  if (!IsPlainName(request.name)) {
    return Status(errors::kBadNaming, fmt::format("'{}' cannot name a certificate", request.name),
                  "letters, digits, '.', '-' and '_', 64 at most");
  }
  const std::vector<Owned<X509>> issuers = CertificatesIn(authority.certificate);
  const Owned<EVP_PKEY> issuer_key = KeyIn(authority.key);
  if (issuers.empty() || !issuer_key ||
      X509_check_private_key(issuers[0].get(), issuer_key.get()) != 1) {
    ERR_clear_error();
    return Status(errors::kBadAuthority,
                  "ca.pem and ca.key are not a certificate and its key without a passphrase",
                  "use the files that 'weir certs init' made");
  }
  X509& issuer = *issuers[0];
  const int64_t now_s = now.us / 1'000'000;
  const int64_t end_s = now_s + request.days * kDaySeconds;
  if (EndOf(issuer).us / 1'000'000 < end_s) {
    return Status(errors::kBadAuthority,
                  fmt::format("the authority itself counts until {} only, less than {} days",
                              FormatIso8601(EndOf(issuer)), request.days),
                  "give fewer --days, or make a new authority");
  }
  std::string names = "URI:" + UriOf(request.role);
  for (const std::string& host : request.hosts) names += "," + WEIR_TRY(AlternativeName(host));

  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (!key) return OpenSslFailed("cannot make a key");
  const Owned<X509> certificate =
      WEIR_TRY(Begin(request.name, *key, now_s - kBackdateSeconds, end_s));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(&issuer));
  const char* uses = request.role == PeerRole::kManager  ? "serverAuth"
                     : request.role == PeerRole::kClient ? "clientAuth"
                                                         : "serverAuth,clientAuth";
  for (const auto& [kind, value] :
       {std::pair<int, std::string>(NID_basic_constraints, "critical,CA:FALSE"),
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, uses},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, names}}) {
    WEIR_TRY(AddExtension(*certificate, issuer, kind, value));
  }
  if (X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) == 0) {
    return OpenSslFailed("signing");
  }
  return CertifiedKey{ToPem(*certificate), ToPem(*key)};
}

}  // namespace weir
