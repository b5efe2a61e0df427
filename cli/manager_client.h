#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/time.h"

namespace CLI {
class App;
}

namespace weir {

/// What a command that asks a manager is told.
struct ClientArguments {
  std::string manager;  ///< Empty: as the context says.
  std::string context;
  std::string ca;
  std::string token_file;
  std::string certificate;
  std::string key;
  std::string output = "text";
  bool json() const { return output == "json"; }
};
/// --manager, --context, what goes with them, and --output.
void AddClientArguments(CLI::App& app, ClientArguments& arguments);

/// A manager, and how it is asked.
struct ManagerEndpoint {
  std::vector<std::string> urls;  ///< `https://weir.example:9280`; several share a cluster.
  std::string ca;
  std::string token;
  std::string certificate;
  std::string key;
};

/// Which manager is meant: --manager, --context, WEIR_HTTP, WEIR_CONTEXT, the context in use, this
/// machine's; the first that is there. A context counts as a whole: its token goes to its manager
/// and to no other. WEIR_TOKEN stands for a --token-file where no context says one.
Result<ManagerEndpoint> EndpointOf(const ClientArguments& arguments);

/// Asks the manager's API; an error of its is given as it was, with code and cure.
class ManagerClient {
 public:
  /// `patience`: how long the manager may say nothing; a savepoint may take its time.
  explicit ManagerClient(ClientArguments arguments, Duration patience = Duration::Minutes(11))
      : arguments_(std::move(arguments)), patience_(patience) {}
  Result<nlohmann::ordered_json> Get(const std::string& path) const;
  Result<nlohmann::ordered_json> Post(const std::string& path,
                                      const nlohmann::ordered_json& body) const;

 private:
  const ClientArguments arguments_;
  const Duration patience_;
};

}  // namespace weir
