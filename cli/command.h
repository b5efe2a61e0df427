#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "config/process_spec.h"
#include "config/store_location.h"
#include "config/yaml.h"
#include "connectors/link.h"
#include "engine/plan.h"
#include "state/checkpoint_store.h"

namespace CLI {
class App;
}

namespace weir {

/// Exit codes of every command.
enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitInvalid = 2,
  kExitDecision = 3,
  kExitGaveUp = 4,
  kExitKilled = 130,
};

/// The exit code of an error, by its kind.
int ExitCodeOf(const Status& status);

/// Prints `error WEIR-…: …` to standard error, and the cure on a line of its own. The exit code.
int Report(const Status& status);

/// `ok`, `doubtful` or `bad`.
std::string_view WordOf(Observation::Verdict verdict);
/// Prints what was seen on a line, and below it what to do.
void Print(const Observation& seen);

/// A command of the command line: adds its options to `app`, and gives what it does.
/// One file and one line in all.cc each.
struct Command {
  std::string_view name;
  std::string_view help;
  std::function<int()> (*add)(CLI::App& app);
};

std::span<const Command> AllCommands();

/// What names a job on the command line: shared by run, validate and explain.
struct JobArguments {
  std::string path;
  std::string config;
  std::vector<std::string> sets;
  std::vector<std::string> variables;
};
void AddJobArguments(CLI::App& app, JobArguments& arguments);

/// `--drop-state NAME,…`: may be given again.
void AddDropState(CLI::App& app, std::vector<std::string>& names);
/// `--from`, of the commands that begin an attempt.
void AddFrom(CLI::App& app, std::string& from);

/// Reads, checks and plans the job. Warnings are printed; faults are the error, all of them.
/// `before` gives what PlanContext has of that name, by the job's name.
Result<JobPlan> LoadJob(const JobArguments& arguments,
                        const std::function<std::string(const std::string& job)>& before = {});
Result<Variables> GivenVariables(const std::vector<std::string>& variables);

/// What names the checkpoints of a job on the command line.
struct StoreArguments {
  std::string job;
  std::string state_dir = "weir-state";
  std::string config;
  std::vector<std::string> variables;
};
void AddStoreArguments(CLI::App& app, StoreArguments& arguments);
/// A process's file, with the variables of a command line; `config` may be empty.
Result<ProcessSpec> ReadConfig(const std::string& config,
                               const std::vector<std::string>& variables);
/// Where checkpoints are: as the process's file says, else in the state directory.
Result<StoreLocation> LocateStore(const std::string& config,
                                  const std::vector<std::string>& variables,
                                  const std::string& state_dir);
/// The store of a job that has checkpoints; kNothingThere where it has none.
Result<std::unique_ptr<CheckpointStore>> OpenStoreOf(const StoreArguments& arguments, StoreUse use);
/// A savepoint by its address, to be looked at.
Result<std::unique_ptr<CheckpointStore>> OpenSavepointOf(const StoreArguments& arguments,
                                                         const std::string& address);

/// The job's text with overrides and variables filled in, as a manager takes it, and its name. Its
/// structure is checked; what needs the process's connections, the manager checks.
Result<std::string> ReadJobText(const JobArguments& arguments, std::string* name = nullptr);

}  // namespace weir
