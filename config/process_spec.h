#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/node_spec.h"
#include "config/store_location.h"
#include "config/vocabulary.h"
#include "config/yaml.h"

namespace weir {

struct JobSpec;

/// The file `--config` names: what a process knows so that its jobs need not.
struct ProcessSpec {
  std::vector<ConnectionSpec> connections;
  std::optional<StoreLocation> checkpoint_store;  ///< None: the state directory.
};

ProcessSpec ReadProcess(const YamlNode& root, const Vocabulary& vocabulary,
                        Diagnostics& diagnostics);
ProcessSpec ReadProcessFile(const std::string& path, const Variables& variables,
                            const Vocabulary& vocabulary, Diagnostics& diagnostics);

/// Adds the process's connections to the job's; where both have a name, the job's is meant.
void AddConnections(const ProcessSpec& process, JobSpec& job);

}  // namespace weir
