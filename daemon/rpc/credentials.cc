#include "daemon/rpc/credentials.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <fmt/format.h>

#include "daemon/security/peer_check.h"

namespace weir {
namespace {

namespace tls = grpc::experimental;

constexpr unsigned kReloadSeconds = 1;

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

grpc::Status Refused(Refusals& refusals, Refusal why, const std::string& who,
                     const std::string& reason) {
  refusals.Add(why, who, reason);
  return grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                      fmt::format("the certificate {} is refused: {}", who, reason));
}

/// Judges those who dial this process. TLS has proved that they hold their certificate's key, and
/// leaves the rest to this: only so can it be told and counted who was refused and why.
class DiallerCheck final : public tls::ExternalCertificateVerifier {
 public:
  DiallerCheck(std::shared_ptr<PeerCheck> check, std::shared_ptr<Refusals> refusals)
      : check_(std::move(check)), refusals_(std::move(refusals)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* outcome) override {
    const std::vector<Owned<X509>> shown = CertificatesIn(View(request->peer_cert()));
    const std::vector<Owned<X509>> chain = CertificatesIn(View(request->peer_cert_full_chain()));
    std::vector<X509*> others;
    for (const Owned<X509>& certificate : chain) others.push_back(certificate.get());
    const PeerCheck::Verdict verdict =
        check_->Judge(shown.empty() ? nullptr : shown[0].get(), others, PeerRole::kWorker);
    if (verdict.refusal) {
      *outcome = Refused(*refusals_, *verdict.refusal, verdict.who, verdict.reason);
    }
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::shared_ptr<PeerCheck> check_;
  const std::shared_ptr<Refusals> refusals_;
};

/// Judges those whom this process dials. That an authority vouches for them, TLS has found.
class DialledCheck final : public tls::ExternalCertificateVerifier {
 public:
  DialledCheck(PeerRole wanted, std::shared_ptr<Refusals> refusals)
      : wanted_(wanted), refusals_(std::move(refusals)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> later, grpc::Status* outcome) override {
    if (!host_.Verify(request, std::move(later), outcome)) return false;
    if (!outcome->ok()) return true;
    const std::vector<Owned<X509>> shown = CertificatesIn(View(request->peer_cert()));
    if (!shown.empty() && HasRole(*shown[0], wanted_)) return true;
    *outcome = Refused(*refusals_, Refusal::kWrongRole,
                       shown.empty() ? "somebody" : DescribeCertificate(*shown[0]),
                       fmt::format("its roles are {}, {} is wanted",
                                   shown.empty() ? "none" : RolesOf(*shown[0]), NameOf(wanted_)));
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest* request) override { host_.Cancel(request); }

 private:
  const PeerRole wanted_;
  const std::shared_ptr<Refusals> refusals_;
  tls::HostNameCertificateVerifier host_;
};

}  // namespace

Transport Transport::Plain() {
  Transport transport;
  transport.to_manager_ = transport.to_worker_ = grpc::InsecureChannelCredentials();
  transport.server_ = grpc::InsecureServerCredentials();
  return transport;
}

Result<Transport> Transport::MutualTls(const TlsFiles& files, PeerRole self,
                                       std::shared_ptr<Refusals> refusals) {
  WEIR_TRY(CheckTlsFiles(files, self, SystemClock().Now()));
  std::shared_ptr<PeerCheck> check = WEIR_TRY(PeerCheck::Open(files.ca));
  const auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, kReloadSeconds);

  const auto dialling = [&](PeerRole peer) {
    tls::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(provider);
    options.watch_root_certs();
    options.watch_identity_key_cert_pairs();
    options.set_certificate_verifier(
        tls::ExternalCertificateVerifier::Create<DialledCheck>(peer, refusals));
    return tls::TlsCredentials(options);
  };

  tls::TlsServerCredentialsOptions serving(provider);
  serving.watch_root_certs();
  serving.watch_identity_key_cert_pairs();
  serving.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  serving.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<DiallerCheck>(std::move(check), refusals));

  Transport transport;
  transport.secure_ = true;
  transport.to_manager_ = dialling(PeerRole::kManager);
  transport.to_worker_ = dialling(PeerRole::kWorker);
  transport.server_ = tls::TlsServerCredentials(serving);
  return transport;
}

}  // namespace weir
