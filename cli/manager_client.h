#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/time.h"

namespace CLI {
class App;
}

namespace weir {

/// What a command that asks a manager is told.
struct ClientArguments {
  std::string manager = "127.0.0.1:9280";
  std::string output = "text";
  bool json() const { return output == "json"; }
};
/// --manager (WEIR_HTTP stands for it) and --output.
void AddClientArguments(CLI::App& app, ClientArguments& arguments);

/// Asks the manager's API; an error of its is given as it was, with code and cure.
class ManagerClient {
 public:
  /// `patience`: how long the manager may say nothing; a savepoint may take its time.
  explicit ManagerClient(std::string address, Duration patience = Duration::Minutes(11))
      : address_(std::move(address)), patience_(patience) {}
  Result<nlohmann::ordered_json> Get(const std::string& path) const;
  Result<nlohmann::ordered_json> Post(const std::string& path,
                                      const nlohmann::ordered_json& body) const;

 private:
  const std::string address_;
  const Duration patience_;
};

}  // namespace weir
