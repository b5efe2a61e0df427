#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "daemon/security/peer_check.h"
#include "daemon/security/refusals.h"
#include "daemon/security/tls_files.h"

namespace weir {

/// What an HTTP server shows of itself, and whom it believes: each connection gets the certificate
/// that is in the files then. Outlives the contexts that it was put into. Thread safe.
class HttpTls {
 public:
  /// `client_ca` may be empty: nobody is asked for a certificate.
  static Result<std::unique_ptr<HttpTls>> Open(const std::string& certificate,
                                               const std::string& key, const std::string& client_ca,
                                               std::shared_ptr<Refusals> refusals);
  void PutInto(SSL_CTX& context) const;
  bool wants_certificates() const { return clients_ != nullptr; }

 private:
  HttpTls() = default;
  static int Show(SSL* connection, void* self);
  static int Judge(X509_STORE_CTX* shown, void* self);

  std::unique_ptr<WatchedFiles<TlsIdentity>> identity_;
  std::shared_ptr<PeerCheck> clients_;
  std::shared_ptr<Refusals> refusals_;
};

}  // namespace weir
