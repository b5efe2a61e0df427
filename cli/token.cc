#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "daemon/security/certificates.h"
#include "daemon/security/errors.h"
#include "daemon/security/tokens.h"

namespace weir {
namespace {

struct TokenArguments {
  std::string name;
  std::string role;
  std::string output = "text";
};

Status New(const TokenArguments& arguments) {
  const std::optional<Access> access = AccessNamed(arguments.role);
  if (!IsPlainName(arguments.name) || !access) {
    return Status(errors::kBadNaming, fmt::format("'{}' cannot name a token", arguments.name),
                  "letters, digits, '.', '-' and '_', 64 at most");
  }
  const NewToken made = MakeToken(arguments.name, *access);
  if (arguments.output == "json") {
    const nlohmann::ordered_json json = {{"token", made.token}, {"line", made.line}};
    fmt::print("{}\n", json.dump(2));
    return Status::Ok();
  }
  fmt::print("the token, shown this once:\n{}\nthe line for the manager's tokens_file:\n{}\n",
             made.token, made.line);
  return Status::Ok();
}

}  // namespace

std::function<int()> AddToken(CLI::App& app) {
  auto arguments = std::make_shared<TokenArguments>();
  app.require_subcommand(1);
  CLI::App* made = app.add_subcommand("new", "Make one; it is kept nowhere.");
  made->add_option("--name", arguments->name, "Whose it is, for the audit log.")->required();
  made->add_option("--role", arguments->role, "What he may do: view, operate or admin.")
      ->required()
      ->check(CLI::IsMember({"view", "operate", "admin"}));
  made->add_option("--output", arguments->output, "How it is told: text or json.")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  return [arguments] { return Report(New(*arguments)); };
}

}  // namespace weir
