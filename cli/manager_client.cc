#include "cli/manager_client.h"

#include <httplib.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/foreign_status.h"
#include "cli/contexts.h"
#include "cli/errors.h"
#include "daemon/manager/errors.h"
#include "daemon/rpc/errors.h"
#include "daemon/security/errors.h"
#include "daemon/security/listener.h"
#include "daemon/security/watched_files.h"
#include "state/files.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kConnectPatience = Duration::Seconds(5);
constexpr uint64_t kMostTokenBytes = 4096;
constexpr const char* kUsualManager = "127.0.0.1:9280";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Result<ManagerContext> ContextOf(const ClientArguments& arguments) {
  ManagerContext given;
  given.manager = arguments.manager;
  if (!given.manager.empty()) return given;
  std::string name = arguments.context;
  if (name.empty()) {
    given.manager = Variable("WEIR_HTTP");
    if (!given.manager.empty()) return given;
    name = Variable("WEIR_CONTEXT");
  }
  const Contexts contexts = WEIR_TRY(Contexts::Read());
  if (name.empty()) name = contexts.current;
  if (!name.empty()) return contexts.Find(name);
  given.manager = kUsualManager;
  return given;
}

Result<std::string> ReadToken(const std::string& file) {
  WEIR_TRY(CheckPrivate(file));
  std::string token = WEIR_TRY(files::Read(errors::kCantKeepFile, file, kMostTokenBytes));
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  return token;
}

/// `https://weir.example:9280`: with its scheme, and nothing behind the port.
Result<std::string> UrlOf(std::string manager) {
  while (manager.ends_with('/')) manager.pop_back();
  if (manager.find("://") == std::string::npos) manager = "http://" + manager;
  const size_t host = manager.find("://") + 3;
  const bool known = manager.starts_with("http://") || manager.starts_with("https://");
  if (known && host < manager.size() && manager.find_first_of("/@?# ", host) == std::string::npos) {
    return manager;
  }
  return Status(errors::kBadFlag, fmt::format("{} is not where a manager can be", manager),
                "write https://HOST:PORT, or HOST:PORT where there is no TLS");
}

/// Those of a list with commas.
Result<std::vector<std::string>> UrlsOf(const std::string& managers) {
  std::vector<std::string> urls;
  for (size_t begin = 0; begin <= managers.size();) {
    const size_t end = std::min(managers.find(',', begin), managers.size());
    urls.push_back(WEIR_TRY(UrlOf(managers.substr(begin, end - begin))));
    begin = end + 1;
  }
  return urls;
}

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

Status NoAnswer(httplib::Error error, const std::string& url) {
  const std::string reason = httplib::to_string(error);
  if (error == httplib::Error::SSLServerVerification || error == httplib::Error::SSLLoadingCerts) {
    return Status(
        errors::kManagerNotTrusted,
        fmt::format("what answers at {} is not believed to be the manager: {}", url, reason),
        "give its authority's certificate with --ca or in the context, and ask by a name "
        "that its own certificate holds");
  }
  return Status(errors::kNoManager, fmt::format("no manager answers at {}: {}", url, reason),
                "start one with 'weir manager', or name it with --manager; one that has TLS is "
                "asked by https://");
}

Result<Json> Answer(const httplib::Result& result, const std::string& url) {
  if (!result) return NoAnswer(result.error(), url);
  Json json = Json::parse(result->body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Status(errors::kNoManager, fmt::format("what answers at {} is no manager of weir", url),
                  "--manager takes the address of its API, 127.0.0.1:9280 where nothing else is "
                  "said");
  }
  if (json.contains("error")) return ErrorOf(json["error"]);
  return json;
}

using Call = std::function<httplib::Result(httplib::Client&)>;

/// Asks the one at `url`. `another`: it was not asked, or did nothing, and another may lead.
Result<Json> AskOne(const ManagerEndpoint& endpoint, const std::string& url, Duration patience,
                    const Call& ask, bool& another) {
  httplib::Client client(url, endpoint.certificate, endpoint.key);
  if (!client.is_valid()) {
    return Status(errors::kBadTlsFiles,
                  fmt::format("the certificate '{}' and the key '{}' cannot be used",
                              endpoint.certificate, endpoint.key),
                  "both in PEM, the key without a passphrase and of that certificate");
  }
  if (!endpoint.ca.empty()) client.set_ca_cert_path(endpoint.ca);
  if (!endpoint.token.empty()) client.set_bearer_token_auth(endpoint.token);
  client.set_connection_timeout(std::min(patience, kConnectPatience).ToChrono());
  client.set_read_timeout(patience.ToChrono());
  const httplib::Result result = ask(client);
  Result<Json> answer = Answer(result, url);
  another = !answer.ok() && (result.error() == httplib::Error::Connection ||
                             answer.status().code().id == errors::kNotLeading.id);
  return answer;
}

/// Asks those that there are until one leads. The answer of one that stands by says more than that
/// another is not there.
Result<Json> Ask(const ClientArguments& arguments, Duration patience, const Call& ask) {
  const ManagerEndpoint endpoint = WEIR_TRY(EndpointOf(arguments));
  std::optional<Result<Json>> told;
  for (const std::string& url : endpoint.urls) {
    bool another = false;
    Result<Json> answer = AskOne(endpoint, url, patience, ask, another);
    if (!another) return answer;
    if (!told || answer.status().code().id == errors::kNotLeading.id) told = std::move(answer);
  }
  return *std::move(told);
}

}  // namespace

void AddClientArguments(CLI::App& app, ClientArguments& arguments) {
  CLI::Option* manager =
      app.add_option("--manager", arguments.manager,
                     "Where the manager's API is (WEIR_HTTP): https://HOST:PORT, or HOST:PORT "
                     "without TLS; several with commas, of which the one that leads is asked. "
                     "Default: the context in use, or 127.0.0.1:9280.")
          ->type_name("URL");
  app.add_option("--context", arguments.context,
                 "The manager of that name in the contexts file (WEIR_CONTEXT).")
      ->type_name("NAME")
      ->excludes(manager);
  app.add_option("--ca", arguments.ca, "The authority that vouches for the manager, in PEM.")
      ->type_name("FILE");
  app.add_option("--token-file", arguments.token_file,
                 "The file that holds the API token alone; or give it in WEIR_TOKEN.")
      ->type_name("FILE");
  CLI::Option* certificate =
      app.add_option("--certificate", arguments.certificate,
                     "A certificate of role client, where the manager wants one.")
          ->type_name("FILE");
  app.add_option("--key", arguments.key, "The key of the certificate.")
      ->type_name("FILE")
      ->needs(certificate);
  app.add_option("--output", arguments.output, "How it is told: text or json.")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

Result<ManagerEndpoint> EndpointOf(const ClientArguments& arguments) {
  const ManagerContext context = WEIR_TRY(ContextOf(arguments));
  const auto first = [](const std::string& one, const std::string& other) {
    return one.empty() ? other : one;
  };
  ManagerEndpoint endpoint;
  endpoint.urls = WEIR_TRY(UrlsOf(context.manager));
  endpoint.ca = first(arguments.ca, context.ca);
  endpoint.certificate = first(arguments.certificate, context.certificate);
  endpoint.key = first(arguments.key, context.key);
  const std::string token_file = first(arguments.token_file, context.token_file);
  endpoint.token = token_file.empty() ? Variable("WEIR_TOKEN") : WEIR_TRY(ReadToken(token_file));
  if (endpoint.token.find_first_of("\r\n") != std::string::npos) {
    return Status(errors::kBadFlag, "a token is one word on one line",
                  "put nothing but the token that 'weir token new' showed there");
  }
  for (const std::string& url : endpoint.urls) {
    const std::string host = url.substr(url.find("://") + 3);
    if (!endpoint.token.empty() && url.starts_with("http://") &&
        !IsLoopback(host.substr(0, host.rfind(':')))) {
      return Status(errors::kBadFlag, fmt::format("the token would go to {} in the clear", url),
                    "write https://, and give the manager a certificate");
    }
  }
  return endpoint;
}

Result<Json> ManagerClient::Get(const std::string& path) const {
  return Ask(arguments_, patience_, [&](httplib::Client& client) { return client.Get(path); });
}

Result<Json> ManagerClient::Post(const std::string& path, const Json& body) const {
  return Ask(arguments_, patience_, [&](httplib::Client& client) {
    return client.Post(path, body.dump(), "application/json");
  });
}

}  // namespace weir
