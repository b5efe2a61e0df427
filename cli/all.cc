#include "cli/command.h"

namespace weir {

std::function<int()> AddRun(CLI::App& app);
std::function<int()> AddValidate(CLI::App& app);
std::function<int()> AddExplain(CLI::App& app);
std::function<int()> AddSchema(CLI::App& app);
std::function<int()> AddFunctions(CLI::App& app);
std::function<int()> AddCheckpoint(CLI::App& app);
std::function<int()> AddTxn(CLI::App& app);

std::span<const Command> AllCommands() {
  static constexpr Command kCommands[] = {
      {"run", "Run a job here, until it ends or is stopped; goes on where it was.", AddRun},
      {"validate", "Check a job file: all faults at once. Nothing is run.", AddValidate},
      {"explain", "Show how a job would run: fragments, exchanges, what is decoded.", AddExplain},
      {"schema", "Print the JSON Schema of job files, for editors.", AddSchema},
      {"functions", "List the functions of expressions, or tell about one.", AddFunctions},
      {"checkpoint", "List or verify the checkpoints of a job.", AddCheckpoint},
      {"txn", "List or resolve results that are sealed and not yet published.", AddTxn},
  };
  return kCommands;
}

}  // namespace weir
