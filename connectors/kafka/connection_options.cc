#include "connectors/kafka/connection_options.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

struct Property {
  std::string_view name;
  PropertyUse use;
};

constexpr std::array kProperties{
    Property{"broker.address.family", PropertyUse::kBoth},
    Property{"client.id", PropertyUse::kBoth},
    Property{"client.rack", PropertyUse::kConsumer},
    Property{"connections.max.idle.ms", PropertyUse::kBoth},
    Property{"fetch.error.backoff.ms", PropertyUse::kConsumer},
    Property{"fetch.min.bytes", PropertyUse::kConsumer},
    Property{"fetch.wait.max.ms", PropertyUse::kConsumer},
    Property{"linger.ms", PropertyUse::kProducer},
    Property{"metadata.max.age.ms", PropertyUse::kBoth},
    Property{"reconnect.backoff.max.ms", PropertyUse::kBoth},
    Property{"reconnect.backoff.ms", PropertyUse::kBoth},
    Property{"retry.backoff.max.ms", PropertyUse::kBoth},
    Property{"retry.backoff.ms", PropertyUse::kBoth},
    Property{"socket.connection.setup.timeout.ms", PropertyUse::kBoth},
    Property{"socket.keepalive.enable", PropertyUse::kBoth},
    Property{"socket.nagle.disable", PropertyUse::kBoth},
    Property{"socket.receive.buffer.bytes", PropertyUse::kBoth},
    Property{"socket.send.buffer.bytes", PropertyUse::kBoth},
    Property{"socket.timeout.ms", PropertyUse::kBoth},
    Property{"topic.metadata.refresh.interval.ms", PropertyUse::kBoth},
};

struct WellKnownPort {
  int port;
  Security security;
};

/// Inside a VPC, and from the internet.
constexpr std::array kPortsOfMsk{
    WellKnownPort{9092, Security::kPlaintext}, WellKnownPort{9094, Security::kTls},
    WellKnownPort{9096, Security::kScram},     WellKnownPort{9098, Security::kIam},
    WellKnownPort{9194, Security::kTls},       WellKnownPort{9196, Security::kScram},
    WellKnownPort{9198, Security::kIam},
};

Security AsPort(Security security) {
  return security == Security::kMtls ? Security::kTls : security;
}

/// Tells faults of one connection at the places of its keys.
class Checker {
 public:
  Checker(const ConnectionOptions& options, const YamlNode& node, Diagnostics& diagnostics)
      : options_(options), node_(node), diagnostics_(diagnostics) {}

  bool Run() {
    const auto before = faults_;
    CheckFile();
    CheckTls();
    CheckLogin();
    CheckProperties();
    WarnOfPorts();
    return faults_ == before;
  }

 private:
  bool Given(std::string_view key) const { return node_.Find(key) != nullptr; }
  Place PlaceOfKey(std::string_view key) const {
    for (const YamlNode::Entry& entry : node_.entries()) {
      if (entry.key == key) return entry.key_place;
    }
    return node_.place();
  }
  void Fault(std::string_view key, std::string message, std::string cure) {
    faults_++;
    diagnostics_.Error(errors::kConnectionOption, PlaceOfKey(key), std::move(message),
                       std::move(cure), key.size());
  }
  void OnlyWith(std::string_view key, bool fits, std::string_view where) {
    if (!Given(key) || fits) return;
    Fault(key,
          fmt::format("'{}' has no meaning with security: {}", key,
                      weir::ShowValue(options_.security)),
          fmt::format("it belongs to {}", where));
  }

  void CheckFile() {
    if (options_.client_properties.empty()) return;
    for (const std::string_view key : {"security", "tls", "user", "password", "profile", "role",
                                       "external_id", "session_name"}) {
      if (!Given(key)) continue;
      Fault(key, fmt::format("'{}' is said by the file of 'client_properties' already", key),
            "leave one of the two out");
    }
  }

  void CheckTls() {
    const Security security = options_.security;
    if (!options_.client_properties.empty()) return;
    OnlyWith("tls", security != Security::kPlaintext, "tls, mtls, scram and iam");
    const TlsOptions& tls = options_.tls;
    const bool certificate = !tls.certificate.empty();
    if (security == Security::kMtls) {
      if (!certificate || !tls.key.given()) {
        Fault(Given("tls") ? "tls" : "security",
              "security: mtls needs weir's own certificate and its key",
              "tls: { certificate: client.pem, key: { file: client.key } }");
      }
    } else if (certificate || tls.key.given()) {
      Fault("tls",
            fmt::format("a certificate of weir's own has no meaning with security: {}",
                        weir::ShowValue(security)),
            "say security: mtls, or leave certificate and key out");
    }
    if (tls.key_password.given() && !tls.key.given()) {
      Fault("tls", "'key_password' is there, and no key", "name the key");
    }
  }

  void CheckLogin() {
    if (!options_.client_properties.empty()) return;
    const bool scram = options_.security == Security::kScram;
    const bool iam = options_.security == Security::kIam;
    OnlyWith("user", scram, "scram");
    OnlyWith("password", scram, "scram");
    const bool managed = options_.password.from() == Secret::From::kSecretsManager;
    if (scram && !options_.password.given()) {
      Fault("security", "security: scram needs a password",
            "password: { env: KAFKA_PASSWORD }, { file: NAME } or { secrets_manager: "
            "AmazonMSK_NAME }");
    } else if (scram && options_.user.empty() && !managed) {
      Fault("security", "security: scram needs a user", "user: NAME");
    }
    const bool asks_aws = iam || (scram && managed);
    for (const std::string_view key :
         {"region", "profile", "role", "external_id", "session_name"}) {
      OnlyWith(key, asks_aws, "iam, and scram with a password in Secrets Manager");
    }
    if (!options_.external_id.empty() && options_.role.empty()) {
      Fault("external_id", "'external_id' is there, and no role", "name the role to take on");
    }
  }

  void CheckProperties() {
    const YamlNode* properties = node_.Find("properties");
    for (const auto& [name, value] : options_.properties) {
      if (UseOfProperty(name) != PropertyUse::kRefused) continue;
      faults_++;
      Place place = node_.place();
      if (properties != nullptr) {
        for (const YamlNode::Entry& entry : properties->entries()) {
          if (entry.key == name) place = entry.key_place;
        }
      }
      const std::string near = NearestName(name, AllowedProperties());
      diagnostics_.Error(errors::kConnectionOption, place,
                         fmt::format("property '{}' cannot be set by a job", name),
                         near.empty() ? "properties may only tune connections and time-outs"
                                      : fmt::format("did you mean '{}'?", near),
                         name.size());
    }
  }

  /// Tunnels and private links have ports of their own, so this is never more than a word.
  void WarnOfPorts() {
    if (!options_.client_properties.empty()) return;
    for (const std::string& address : AddressesOf(options_.bootstrap_servers)) {
      const auto port = PortOf(address);
      const auto usual = port ? SecurityOfPort(*port) : std::nullopt;
      // 9092 is everybody's port, not just that of MSK's plaintext.
      const bool common = port && *port == 9092 && address.find("amazonaws") == std::string::npos;
      if (!usual || common || *usual == AsPort(options_.security)) continue;
      diagnostics_.Warn(
          errors::kUnlikelyPort, PlaceOfKey("bootstrap_servers"),
          fmt::format("port {} of {} is where Amazon MSK has {}, and security is {}", *port,
                      address, weir::ShowValue(*usual), weir::ShowValue(options_.security)),
          "where it is neither a tunnel nor a private link, one of the two is wrong",
          std::string_view("bootstrap_servers").size());
      return;
    }
  }

  const ConnectionOptions& options_;
  const YamlNode& node_;
  Diagnostics& diagnostics_;
  int faults_ = 0;
};

}  // namespace

std::vector<Choice<Security>> ChoicesOf(Security) {
  return {{"plaintext", Security::kPlaintext},
          {"tls", Security::kTls},
          {"mtls", Security::kMtls},
          {"scram", Security::kScram},
          {"iam", Security::kIam}};
}

const Spec<TlsOptions>& TlsOptions::Describe() {
  static const Spec<TlsOptions> spec(
      "tls", "Certificates of a connection, PEM files.",
      {Optional("ca", &TlsOptions::ca,
                "File of the authorities to trust. Left out: the system's, which know Amazon's."),
       Optional("certificate", &TlsOptions::certificate,
                "mtls: file of weir's own certificate, followed by its chain."),
       Optional("key", &TlsOptions::key, "mtls: the key of that certificate."),
       Optional("key_password", &TlsOptions::key_password, "Opens the key."),
       Optional("verify_names", &TlsOptions::verify_names, true,
                "Whether the broker's certificate must name the host that was dialled.")},
      "tls: { ca: ca.pem, certificate: client.pem, key: { file: client.key } }");
  return spec;
}

const Spec<ConnectionOptions>& ConnectionOptions::Describe() {
  static const Spec<ConnectionOptions> spec(
      "kafka", "A Kafka cluster.",
      {Required("bootstrap_servers", &ConnectionOptions::bootstrap_servers,
                "Addresses to begin with, host:port, separated by commas.", NotEmpty),
       Optional("security", &ConnectionOptions::security, Security::kPlaintext,
                "How the connection is secured: plaintext, tls, mtls (tls with weir's own "
                "certificate), scram (SCRAM-SHA-512 over TLS) or iam (Amazon MSK, over TLS)."),
       Optional("tls", &ConnectionOptions::tls, "Certificates."),
       Optional("user", &ConnectionOptions::user,
                "scram: the user. Left out with a password in Secrets Manager: the secret's."),
       Optional("password", &ConnectionOptions::password,
                "scram: the password, or a secret of Secrets Manager that holds username and "
                "password as Amazon MSK has it."),
       Optional("region", &ConnectionOptions::region,
                "iam: the cluster's region. Left out: the one in the brokers' names, AWS_REGION, "
                "the profile's, or that of the machine."),
       Optional("profile", &ConnectionOptions::profile,
                "iam: profile of ~/.aws that holds the keys. Left out: the usual chain."),
       Optional("role", &ConnectionOptions::role, "iam: ARN of a role to take on first."),
       Optional("external_id", &ConnectionOptions::external_id,
                "iam: what that role's owner wants to be told."),
       Optional("session_name", &ConnectionOptions::session_name, std::string("weir"),
                "iam: name of the session with that role; part of who weir is to the brokers.",
                NotEmpty),
       Optional("client_properties", &ConnectionOptions::client_properties,
                "A file of settings as Java's clients have it, in place of 'security' and what "
                "belongs to it."),
       Optional("properties", &ConnectionOptions::properties,
                "Settings of the client library by its own names; those that tune connections, "
                "none that names a file or changes what is guaranteed.")},
      "kafka: { bootstrap_servers: \"localhost:9092\" }");
  return spec;
}

PropertyUse UseOfProperty(std::string_view name) {
  for (const Property& property : kProperties) {
    if (property.name == name) return property.use;
  }
  return PropertyUse::kRefused;
}

std::vector<std::string> AllowedProperties() {
  std::vector<std::string> names;
  for (const Property& property : kProperties) names.emplace_back(property.name);
  return names;
}

std::optional<Security> SecurityOfPort(int port) {
  for (const WellKnownPort& known : kPortsOfMsk) {
    if (known.port == port) return known.security;
  }
  return std::nullopt;
}

std::optional<int> PortOf(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = address.substr(colon + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
  const bool whole = error == std::errc() && end == digits.end();
  return whole && port > 0 && port < 65536 ? std::optional(port) : std::nullopt;
}

std::vector<std::string> AddressesOf(std::string_view bootstrap_servers) {
  std::vector<std::string> addresses;
  while (!bootstrap_servers.empty()) {
    const size_t comma = bootstrap_servers.find(',');
    std::string_view address = bootstrap_servers.substr(0, comma);
    bootstrap_servers =
        comma == std::string_view::npos ? std::string_view() : bootstrap_servers.substr(comma + 1);
    while (address.starts_with(' ')) address.remove_prefix(1);
    while (address.ends_with(' ')) address.remove_suffix(1);
    if (!address.empty()) addresses.emplace_back(address);
  }
  return addresses;
}

bool CheckConnection(const ConnectionOptions& options, const YamlNode& node,
                     Diagnostics& diagnostics) {
  return Checker(options, node, diagnostics).Run();
}

}  // namespace weir::kafka
