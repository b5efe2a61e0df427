#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/base64.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/manager_client.h"
#include "daemon/manager/embedded_store.h"
#include "daemon/security/errors.h"
#include "state/directory_lock.h"
#include "state/files.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct BackupArguments {
  std::string file;
  std::string state_dir = "weir-state";
  ClientArguments client;
  std::string output = "text";  ///< Of what asks no manager.
};

Status Take(const BackupArguments& arguments) {
  const Json answer = WEIR_TRY(ManagerClient(arguments.client).Get("/api/v1/backup"));
  std::string bytes;
  if (!DecodeBase64(answer.value("backup", ""), bytes) || bytes.empty()) {
    return Status(errors::kNoManager, "what answers sends no backup",
                  "see that weir is of one version here and there");
  }
  WEIR_TRY(files::Replace(errors::kCantKeepFile, arguments.file, bytes));
  const uint64_t jobs = answer.value("jobs", uint64_t{0});
  if (arguments.client.json()) {
    const Json told = {{"file", arguments.file}, {"jobs", jobs}, {"bytes", bytes.size()}};
    fmt::print("{}\n", told.dump(2));
  } else {
    fmt::print("{}: {} job{}, {} bytes\n", arguments.file, jobs, jobs == 1 ? "" : "s",
               bytes.size());
  }
  return Status::Ok();
}

Status Restore(const BackupArguments& arguments) {
  const std::unique_ptr<DirectoryLock> lock = WEIR_TRY(DirectoryLock::Take(
      arguments.state_dir, "stop the manager that runs there, or name another directory"));
  const std::string store = manager::EmbeddedStore::In(arguments.state_dir);
  WEIR_TRY(manager::EmbeddedStore::Restore(arguments.file, store));
  if (arguments.output == "json") {
    const Json told = {{"file", arguments.file}, {"state_dir", arguments.state_dir}};
    fmt::print("{}\n", told.dump(2));
  } else {
    fmt::print("restored into {}: start the manager with --state-dir {}\n", store,
               arguments.state_dir);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddBackup(CLI::App& app) {
  auto arguments = std::make_shared<BackupArguments>();
  app.require_subcommand(1);
  CLI::App* take = app.add_subcommand("take", "Copy all that the running manager keeps.");
  CLI::App* restore =
      app.add_subcommand("restore", "Make a manager's state of such a copy; none runs there.");
  for (CLI::App* sub : {take, restore}) {
    sub->add_option("file", arguments->file, "The copy; an older one is replaced.")
        ->required()
        ->type_name("FILE");
  }
  AddClientArguments(*take, arguments->client);
  restore->add_option("--state-dir", arguments->state_dir, "Of the manager that is to go on.")
      ->type_name("DIR")
      ->capture_default_str();
  restore->add_option("--output", arguments->output, "How it is told: text or json.")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  return
      [arguments, take] { return Report(take->parsed() ? Take(*arguments) : Restore(*arguments)); };
}

}  // namespace weir
