#include "connectors/kafka/login.h"

#include <librdkafka/rdkafka.h>

#include <fmt/format.h>

#include "base/pem.h"
#include "batch/time_text.h"
#include "clients/secrets_manager.h"
#include "config/errors.h"
#include "connectors/kafka/client_properties.h"
#include "connectors/kafka/errors.h"
#include "state/files.h"

namespace weir::kafka {
namespace {

constexpr uint64_t kMostFileBytes = 1 << 20;

std::string PathOf(const std::string& path, const std::string& folder) {
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

Result<std::string> ReadFile(const std::string& path, const std::string& folder) {
  if (path.empty()) return std::string();
  return files::Read(errors::kConnectionFile, PathOf(path, folder), kMostFileBytes);
}

Result<Login> ReadOptions(const ConnectionOptions& options, const SecretFetcher& fetch) {
  Login login;
  login.security = options.security;
  login.ca = WEIR_TRY(ReadFile(options.tls.ca, options.folder));
  login.certificate = WEIR_TRY(ReadFile(options.tls.certificate, options.folder));
  login.key = WEIR_TRY(options.tls.key.Resolve(options.folder));
  login.key_password = WEIR_TRY(options.tls.key_password.Resolve(options.folder));
  login.verify_names = options.tls.verify_names;
  login.user = options.user;
  login.region = options.region;
  login.profile = options.profile;
  login.role = options.role;
  login.external_id = options.external_id;
  login.session_name = options.session_name;
  login.properties = options.properties;
  if (options.password.from() == Secret::From::kSecretsManager) {
    const std::string& id = options.password.name();
    const std::string secret = WEIR_TRY(fetch(login, id));
    UserAndPassword read = WEIR_TRY(ReadUserAndPassword(secret, id));
    if (login.user.empty()) login.user = std::move(read.user);
    login.password = std::move(read.password);
  } else {
    login.password = WEIR_TRY(options.password.Resolve(options.folder));
  }
  return login;
}

bool Says(std::string_view reason, std::string_view words) {
  return reason.find(words) != std::string_view::npos;
}

/// The part of the library's reason that tells the cause, without where it was in its own steps.
std::string Shorten(std::string_view reason) {
  if (const size_t after = reason.find(" (after "); after != std::string_view::npos) {
    reason = reason.substr(0, after);
  }
  return std::string(reason);
}

Status TlsRefused(std::string_view what, std::string_view reason, std::string cure) {
  return Status(errors::kTlsRefused, fmt::format("{} ({})", what, Shorten(reason)),
                std::move(cure));
}

Status ExplainBrokersCertificate(int certificate, std::string_view reason,
                                 const std::string& address) {
  switch (certificate) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TlsRefused(
          fmt::format("the certificate of the broker at {} is for another name", address), reason,
          "dial it by the name that its certificate has; through a tunnel, where that name cannot "
          "be had: tls: { verify_names: false }");
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsRefused(
          fmt::format("the time of the certificate of the broker at {} is over, or has not come",
                      address),
          reason,
          "see that this machine's clock is right; otherwise the broker's is to be renewed");
    default:
      return TlsRefused(
          fmt::format("the certificate of the broker at {} is not by an authority that is trusted",
                      address),
          reason,
          "name its authority's certificate: tls: { ca: ca.pem }; Amazon's are known to the system "
          "(package ca-certificates)");
  }
}

/// What ended in the library's TLS; `sure` as in LoginTrouble.
LoginTrouble ExplainTls(Security security, std::string_view reason, int certificate,
                        const std::string& address) {
  if (Says(reason, "certificate verify failed")) {
    return {ExplainBrokersCertificate(certificate, reason, address), true};
  }
  if (Says(reason, "PLAINTEXT broker listener") || Says(reason, "isconnected") ||
      Says(reason, "wrong version number") || Says(reason, "packet length too long") ||
      Says(reason, "http request")) {
    return {TlsRefused(fmt::format("what listens at {} does not speak TLS", address), reason,
                       "take the port of the TLS listener, or say security: plaintext"),
            false};
  }
  if (!Says(reason, " alert ")) {
    return {TlsRefused(fmt::format("TLS with {} cannot be set up", address), reason,
                       "'weir doctor' looks at each step"),
            false};
  }
  if (security == Security::kMtls) {
    return {TlsRefused(fmt::format("the broker at {} does not take weir's certificate", address),
                       reason,
                       "see which authorities the listener trusts, and that the file holds the "
                       "whole chain"),
            true};
  }
  return {
      TlsRefused(fmt::format("the broker at {} wants a certificate of weir's own", address), reason,
                 "say security: mtls with certificate and key, or take another listener's "
                 "port"),
      true};
}

Status ExplainSasl(Security security, std::string_view reason, const std::string& address) {
  const auto refused = [&](std::string what, std::string cure) {
    return Status(errors::kLoginRefused, fmt::format("{} ({})", what, Shorten(reason)),
                  std::move(cure));
  };
  if (Says(reason, "Unsupported SASL mechanism") || Says(reason, "mechanism handshake failed")) {
    return refused(fmt::format("the listener at {} does not take security: {}", address,
                               weir::ShowValue(security)),
                   "Amazon MSK has scram at port 9096 and iam at 9098 (9196 and 9198 from the "
                   "internet); the broker's own mechanisms stand in its answer");
  }
  if (security == Security::kIam) {
    return refused(fmt::format("the broker at {} does not take the token", address),
                   "see region, clock and identity with 'weir doctor', and that the identity may "
                   "kafka-cluster:Connect");
  }
  return refused(fmt::format("the broker at {} does not take user and password", address),
                 "see both; Amazon MSK knows them once the secret is associated with the cluster");
}

}  // namespace

Result<Login> ReadLogin(const ConnectionOptions& options, const SecretFetcher& fetch) {
  if (options.client_properties.empty()) return ReadOptions(options, fetch);
  const std::string path = PathOf(options.client_properties, options.folder);
  const std::string text = WEIR_TRY(ReadFile(path, ""));
  TranslatedProperties said = WEIR_TRY(TranslateProperties(text, path));
  const size_t slash = path.rfind('/');
  said.options.folder = slash == std::string::npos ? "" : path.substr(0, slash);
  if (!options.region.empty()) said.options.region = options.region;
  Login login = WEIR_TRY(ReadOptions(said.options, fetch));
  const auto overlay = [](std::string& to, const std::string& from) {
    if (!from.empty()) to = from;
  };
  overlay(login.ca, said.ca);
  overlay(login.certificate, said.certificate);
  overlay(login.key, said.key);
  overlay(login.key_password, said.key_password);
  overlay(login.password, said.password);
  for (const auto& [name, value] : options.properties) login.properties[name] = value;
  return login;
}

Status CheckOwnCertificate(const Login& login, EventTime now) {
  if (login.certificate.empty() && login.security != Security::kMtls) return Status::Ok();
  const auto fault = [](std::string what, std::string cure) {
    return Status(errors::kOwnCertificate, std::move(what), std::move(cure));
  };
  const auto chain = CertificatesIn(login.certificate);
  if (chain.empty()) {
    return fault("there is no certificate (PEM) in the file that 'certificate' names",
                 "it begins with -----BEGIN CERTIFICATE-----");
  }
  X509& own = *chain.front();
  const std::string name = DescribeCertificate(own);
  const Owned<EVP_PKEY> key = KeyIn(login.key, login.key_password);
  if (!key) {
    return fault(fmt::format("there is no private key (PEM) for the certificate {}, or its "
                             "password is another",
                             name),
                 "see 'key' and 'key_password'");
  }
  if (X509_check_private_key(&own, key.get()) != 1) {
    return fault(fmt::format("the key is not that of the certificate {}", name),
                 "the file begins with weir's own certificate, and the chain follows");
  }
  if (EndOf(own) < now) {
    return fault(
        fmt::format("weir's certificate {} has expired at {}", name, FormatIso8601(EndOf(own))),
        "put a new one in its place: it is taken up without a restart");
  }
  if (now < BeginOf(own)) {
    return fault(fmt::format("weir's certificate {} counts from {} on only", name,
                             FormatIso8601(BeginOf(own))),
                 "see that this machine's clock is right");
  }
  return Status::Ok();
}

std::vector<std::pair<std::string, std::string>> LibrarySettings(const Login& login) {
  std::vector<std::pair<std::string, std::string>> settings;
  const auto set = [&](std::string name, const std::string& value) {
    if (!value.empty()) settings.emplace_back(std::move(name), value);
  };
  if (login.security == Security::kPlaintext) return settings;
  const bool sasl = login.security == Security::kScram || login.security == Security::kIam;
  set("security.protocol", sasl ? "sasl_ssl" : "ssl");
  set("ssl.ca.pem", login.ca);
  set("ssl.endpoint.identification.algorithm", login.verify_names ? "https" : "none");
  if (login.security == Security::kMtls) {
    set("ssl.certificate.pem", login.certificate);
    set("ssl.key.pem", login.key);
    set("ssl.key.password", login.key_password);
  } else if (login.security == Security::kScram) {
    set("sasl.mechanism", "SCRAM-SHA-512");
    set("sasl.username", login.user);
    set("sasl.password", login.password);
  } else if (login.security == Security::kIam) {
    set("sasl.mechanism", "OAUTHBEARER");
    // Amazon closes what comes too fast: four new connections a second on its smallest brokers.
    set("reconnect.backoff.ms", "1000");
    set("reconnect.backoff.max.ms", "10000");
  }
  return settings;
}

LoginTrouble ExplainLogin(Security security, int code, std::string_view reason, int certificate,
                          const std::string& address) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__SSL:
      return ExplainTls(security, reason, certificate, address);
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      return {ExplainSasl(security, reason, address), true};
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      if (Says(reason, "imed out")) return {};
      if (Says(reason, "in state SSL_HANDSHAKE") || Says(reason, "SSL handshake failed") ||
          Says(reason, "SSL routines")) {
        return ExplainTls(security, reason, certificate, address);
      }
      if (security == Security::kPlaintext && Says(reason, "in state APIVERSION_QUERY")) {
        return {TlsRefused(
                    fmt::format("what listens at {} hangs up on who speaks plaintext", address),
                    reason, "it may be a listener with TLS: say security: tls, mtls, scram or iam"),
                false};
      }
      return {};
    default:
      return {};
  }
}

}  // namespace weir::kafka
