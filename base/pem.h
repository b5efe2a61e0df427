#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace weir {

struct OpenSslFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(ASN1_OCTET_STRING* text) const { ASN1_OCTET_STRING_free(text); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
/// What OpenSSL made and its owner lets go of.
template <typename T>
using Owned = std::unique_ptr<T, OpenSslFree>;

/// Certificates of a PEM text, in their order; none where there is none.
std::vector<Owned<X509>> CertificatesIn(std::string_view pem);
/// A private key; null where there is none, or one that the passphrase does not open.
Owned<EVP_PKEY> KeyIn(std::string_view pem, const std::string& passphrase = {});

std::string ToPem(X509& certificate);
std::string ToPem(EVP_PKEY& key);

/// `CN=w1, serial 4f2a…`: how a certificate is named in logs and errors.
std::string DescribeCertificate(X509& certificate);
/// From when on it counts, and until when.
EventTime BeginOf(X509& certificate);
EventTime EndOf(X509& certificate);

}  // namespace weir
