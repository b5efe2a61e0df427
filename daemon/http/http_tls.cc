#include "daemon/http/http_tls.h"

namespace weir {

Result<std::unique_ptr<HttpTls>> HttpTls::Open(const std::string& certificate,
                                               const std::string& key, const std::string& client_ca,
                                               std::shared_ptr<Refusals> refusals) {
  std::unique_ptr<HttpTls> tls(new HttpTls());
  tls->identity_ = WEIR_TRY(WatchIdentity(certificate, key));
  if (!client_ca.empty()) tls->clients_ = WEIR_TRY(PeerCheck::Open(client_ca));
  tls->refusals_ = std::move(refusals);
  return tls;
}

void HttpTls::PutInto(SSL_CTX& context) const {
  void* self = const_cast<HttpTls*>(this);
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  // A session that is taken up again is not judged again: there are none.
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(&context, 0);
  SSL_CTX_set_cert_cb(&context, Show, self);
  if (!clients_) return;
  // Who shows none gets as far as the gate, which lets him see what is public.
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(&context, Judge, self);
}

int HttpTls::Show(SSL* connection, void* self) {
  const std::shared_ptr<const TlsIdentity> identity = static_cast<HttpTls*>(self)->identity_->Get();
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const Owned<X509>& certificate : identity->chain) sk_X509_push(chain, certificate.get());
  const int taken = SSL_use_cert_and_key(connection, identity->certificate.get(),
                                         identity->key.get(), chain, /*override=*/1);
  sk_X509_free(chain);
  return taken;
}

int HttpTls::Judge(X509_STORE_CTX* shown, void* self) {
  const HttpTls& tls = *static_cast<HttpTls*>(self);
  std::vector<X509*> chain;
  STACK_OF(X509)* others = X509_STORE_CTX_get0_untrusted(shown);
  for (int i = 0; i < sk_X509_num(others); i++) chain.push_back(sk_X509_value(others, i));
  const PeerCheck::Verdict verdict =
      tls.clients_->Judge(X509_STORE_CTX_get0_cert(shown), chain, PeerRole::kClient);
  if (!verdict.refusal) return 1;
  tls.refusals_->Add(*verdict.refusal, verdict.who, verdict.reason);
  X509_STORE_CTX_set_error(shown, X509_V_ERR_CERT_REJECTED);
  return 0;
}

}  // namespace weir
