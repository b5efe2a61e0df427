#include "cli/command.h"

namespace weir {

std::function<int()> AddRun(CLI::App& app);
std::function<int()> AddValidate(CLI::App& app);
std::function<int()> AddExplain(CLI::App& app);
std::function<int()> AddSchema(CLI::App& app);
std::function<int()> AddSettings(CLI::App& app);
std::function<int()> AddRights(CLI::App& app);
std::function<int()> AddFunctions(CLI::App& app);
std::function<int()> AddCheckpoint(CLI::App& app);
std::function<int()> AddTxn(CLI::App& app);
std::function<int()> AddDlq(CLI::App& app);
std::function<int()> AddDoctor(CLI::App& app);
std::function<int()> AddManager(CLI::App& app);
std::function<int()> AddWorker(CLI::App& app);
std::function<int()> AddBackup(CLI::App& app);
std::function<int()> AddSubmit(CLI::App& app);
std::function<int()> AddList(CLI::App& app);
std::function<int()> AddStatus(CLI::App& app);
std::function<int()> AddWhy(CLI::App& app);
std::function<int()> AddLogs(CLI::App& app);
std::function<int()> AddStop(CLI::App& app);
std::function<int()> AddCancel(CLI::App& app);
std::function<int()> AddRemove(CLI::App& app);
std::function<int()> AddSavepoint(CLI::App& app);
std::function<int()> AddRescale(CLI::App& app);
std::function<int()> AddDiff(CLI::App& app);
std::function<int()> AddUpgrade(CLI::App& app);
std::function<int()> AddRestart(CLI::App& app);
std::function<int()> AddWorkers(CLI::App& app);
std::function<int()> AddDrain(CLI::App& app);
std::function<int()> AddCompletion(CLI::App& app);
std::function<int()> AddContext(CLI::App& app);
std::function<int()> AddCerts(CLI::App& app);
std::function<int()> AddToken(CLI::App& app);

std::span<const Command> AllCommands() {
  static constexpr Command kCommands[] = {
      {"run", "Run a job here, until it ends or is stopped; goes on where it was.", AddRun},
      {"validate", "Check a job file: all faults at once. Nothing is run.", AddValidate},
      {"explain", "Show how a job would run: fragments, exchanges, what is decoded.", AddExplain},
      {"schema", "Print the JSON Schema of job files, for editors.", AddSchema},
      {"settings", "Print a commented file of all settings of a process.", AddSettings},
      {"rights", "List what weir may ask of AWS, and what for: rights for policies.", AddRights},
      {"functions", "List the functions of expressions, or tell about one.", AddFunctions},
      {"checkpoint", "List or verify the checkpoints and savepoints of a job.", AddCheckpoint},
      {"txn", "List or resolve results that are sealed and not yet published.", AddTxn},
      {"dlq", "Show dead letters of a job, or send their records back.", AddDlq},
      {"doctor", "Look at a connection step by step, and tell what to do.", AddDoctor},
      {"manager", "Keep jobs and place their tasks on workers.", AddManager},
      {"worker", "Run tasks of jobs as the manager places them.", AddWorker},
      {"backup", "Copy what a running manager keeps, or restore it.", AddBackup},
      {"submit", "Give a job to the manager.", AddSubmit},
      {"list", "Show the manager's jobs.", AddList},
      {"status", "Show how a job stands, and why.", AddStatus},
      {"why", "Tell what holds a job, with evidence and what to do.", AddWhy},
      {"logs", "Show what the workers' logs have of a job.", AddLogs},
      {"stop", "End a job with a last checkpoint.", AddStop},
      {"cancel", "End a job at once.", AddCancel},
      {"remove", "Forget a job that is at rest; its checkpoints stay.", AddRemove},
      {"savepoint", "Keep the state of a job, apart from its checkpoints.", AddSavepoint},
      {"rescale", "Go on with more tasks, or with fewer.", AddRescale},
      {"diff", "Tell what becomes of a job's state when another file takes over.", AddDiff},
      {"upgrade", "Go on with a changed job file.", AddUpgrade},
      {"restart", "Go on with a job that is at rest.", AddRestart},
      {"workers", "Show the manager's workers.", AddWorkers},
      {"drain", "Move a worker's tasks away.", AddDrain},
      {"completion", "Print a script by which a shell completes weir's commands.", AddCompletion},
      {"context", "Choose the manager that commands are for.", AddContext},
      {"certs", "Make certificates for a cluster's processes.", AddCerts},
      {"token", "Make a token for a manager's API.", AddToken},
  };
  return kCommands;
}

}  // namespace weir
