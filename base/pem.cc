#include "base/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace weir {
namespace {

Owned<BIO> Open(std::string_view bytes) {
  return Owned<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::string TextOf(BIO& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(&bio, &bytes);
  return std::string(bytes, static_cast<size_t>(std::max(size, 0L)));
}

/// What a certificate's maker chose must not move a terminal's cursor, nor forge fields of a log.
std::string Printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.substr(0, 120);
}

EventTime TimeOf(const ASN1_TIME* asn1) {
  std::tm time = {};
  if (ASN1_TIME_to_tm(asn1, &time) != 1) return EventTime::Min();
  return {static_cast<int64_t>(timegm(&time)) * 1'000'000};
}

}  // namespace

std::vector<Owned<X509>> CertificatesIn(std::string_view pem) {
  const Owned<BIO> bio = Open(pem);
  std::vector<Owned<X509>> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // The end of the text is one to OpenSSL.
  return certificates;
}

Owned<EVP_PKEY> KeyIn(std::string_view pem, const std::string& passphrase) {
  const auto tell = [](char* to, int room, int, void* passphrase_given) {
    const auto& text = *static_cast<const std::string*>(passphrase_given);
    if (text.empty() || text.size() > static_cast<size_t>(room)) return -1;
    std::copy(text.begin(), text.end(), to);
    return static_cast<int>(text.size());
  };
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Open(pem).get(), nullptr, tell,
                                              const_cast<std::string*>(&passphrase)));
  ERR_clear_error();
  return key;
}

std::string ToPem(X509& certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), &certificate);
  return TextOf(*bio);
}

std::string ToPem(EVP_PKEY& key) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(*bio);
}

std::string DescribeCertificate(X509& certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(&certificate), 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ);
  const Owned<BIGNUM> serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  char* digits = serial ? BN_bn2hex(serial.get()) : nullptr;
  std::string text = fmt::format("{}, serial {}", Printable(TextOf(*bio)), digits ? digits : "?");
  OPENSSL_free(digits);
  return text;
}

EventTime BeginOf(X509& certificate) { return TimeOf(X509_get0_notBefore(&certificate)); }
EventTime EndOf(X509& certificate) { return TimeOf(X509_get0_notAfter(&certificate)); }

}  // namespace weir
