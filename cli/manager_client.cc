#include "cli/manager_client.h"

#include <httplib.h>

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/foreign_status.h"
#include "cli/errors.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kConnectPatience = Duration::Seconds(5);

/// The manager's error, under its own code: commands exit by its kind.
Status ErrorOf(const Json& error) {
  const std::string name = error.value("kind", "");
  ErrorKind kind = ErrorKind::kFailed;
  for (ErrorKind one : kErrorKinds) {
    if (NameOf(one) == name) kind = one;
  }
  return ForeignStatus(error.value("code", ""), kind, error.value("message", ""),
                       error.value("cure", ""));
}

Result<Json> Answer(const httplib::Result& result, const std::string& address) {
  if (!result) {
    return Status(
        errors::kNoManager,
        fmt::format("no manager answers at {}: {}", address, httplib::to_string(result.error())),
        "start one with 'weir manager', or name it with --manager ADDR:PORT");
  }
  Json json = Json::parse(result->body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Status(errors::kNoManager,
                  fmt::format("what answers at {} is no manager of weir", address),
                  "--manager takes the address of its API, 127.0.0.1:9280 where nothing else is "
                  "said");
  }
  if (json.contains("error")) return ErrorOf(json["error"]);
  return json;
}

httplib::Client ClientOf(const std::string& address, Duration patience) {
  httplib::Client client("http://" + address);
  client.set_connection_timeout(std::min(patience, kConnectPatience).ToChrono());
  client.set_read_timeout(patience.ToChrono());
  return client;
}

}  // namespace

void AddClientArguments(CLI::App& app, ClientArguments& arguments) {
  app.add_option("--manager", arguments.manager, "Where the manager's API is.")
      ->envname("WEIR_HTTP")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  app.add_option("--output", arguments.output, "How it is told: text or json.")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

Result<Json> ManagerClient::Get(const std::string& path) const {
  httplib::Client client = ClientOf(address_, patience_);
  return Answer(client.Get(path), address_);
}

Result<Json> ManagerClient::Post(const std::string& path, const Json& body) const {
  httplib::Client client = ClientOf(address_, patience_);
  return Answer(client.Post(path, body.dump(), "application/json"), address_);
}

}  // namespace weir
