#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/spec.h"

namespace weir::kafka {

/// How a connection's bytes are secured, and how weir says who it is.
enum class Security { kPlaintext, kTls, kMtls, kScram, kIam };
std::vector<Choice<Security>> ChoicesOf(Security);

/// `tls: {…}` of a connection. Paths count from the folder of the file that they stand in.
struct TlsOptions {
  std::string ca;           ///< File of certificates to trust, empty: the system's.
  std::string certificate;  ///< File: weir's own, followed by its chain.
  Secret key;
  Secret key_password;
  bool verify_names = true;
  static const Spec<TlsOptions>& Describe();
};

/// `connections: { NAME: { kafka: {…} } }`: how a cluster is reached.
struct ConnectionOptions {
  std::string bootstrap_servers;
  Security security = Security::kPlaintext;
  TlsOptions tls;
  std::string user;
  Secret password;
  std::string region;
  std::string profile;
  std::string role;
  std::string external_id;
  std::string session_name = "weir";
  /// A file as Java's clients have it; stands for all of the above but the addresses.
  std::string client_properties;
  /// Settings of the client library, by its own names, as the allow-list below lets them through.
  std::map<std::string, std::string> properties;
  /// Not written by a user: the folder of the file that the connection stands in.
  std::string folder;
  static const Spec<ConnectionOptions>& Describe();
};

/// Which settings a connection may hand to the client library: none that names a file, a program or
/// a URL, and none that weir's own correctness hangs on.
enum class PropertyUse { kRefused, kConsumer, kProducer, kBoth };
PropertyUse UseOfProperty(std::string_view name);
std::vector<std::string> AllowedProperties();

/// The mechanism that Amazon MSK has at this port, none where it is not one of MSK's. TLS and
/// mutual TLS share theirs: kTls.
std::optional<Security> SecurityOfPort(int port);
/// The port at the end of `host:port`, none where there is none.
std::optional<int> PortOf(std::string_view address);
/// The addresses of a list separated by commas.
std::vector<std::string> AddressesOf(std::string_view bootstrap_servers);

/// What the Spec cannot say: options that do not belong together, properties off the list. A port
/// of MSK's with another mechanism is only a warning. False where there was a fault.
bool CheckConnection(const ConnectionOptions& options, const YamlNode& node,
                     Diagnostics& diagnostics);

}  // namespace weir::kafka
