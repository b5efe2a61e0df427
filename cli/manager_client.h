#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/status.h"

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
  explicit ManagerClient(std::string address) : address_(std::move(address)) {}
  Result<nlohmann::ordered_json> Get(const std::string& path) const;
  Result<nlohmann::ordered_json> Post(const std::string& path,
                                      const nlohmann::ordered_json& body) const;

 private:
  const std::string address_;
};

}  // namespace weir
