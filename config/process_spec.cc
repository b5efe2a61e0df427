#include "config/process_spec.h"

#include <filesystem>

#include "config/errors.h"
#include "config/job_spec.h"
#include "config/node_reader.h"

namespace weir {
namespace {

struct ProcessKeys {
  YamlNode connections;
  std::optional<StoreLocation> checkpoint_store;
  static const Spec<ProcessKeys>& Describe();
};

const Spec<ProcessKeys>& ProcessKeys::Describe() {
  static const Spec<ProcessKeys> spec(
      "process", "What a weir process knows, so that its jobs need not.",
      {Optional("connections", &ProcessKeys::connections,
                "Brokers, registries and stores by name, for all jobs."),
       NotYet("manager", "Address of the manager."), NotYet("listen", "Address to listen at."),
       NotYet("tls", "Certificates between processes."),
       NotYet("state_dir", "Where tasks keep their state."),
       Optional("checkpoint_store", &ProcessKeys::checkpoint_store,
                "Where checkpoints are kept. Left out: in the state directory."),
       NotYet("memory", "Memory for all tasks."), NotYet("slots", "Tasks that run at once."),
       NotYet("programs", "Programs that jobs may call."),
       NotYet("file_roots", "Directories that jobs may read and write."),
       NotYet("metrics", "How metrics are served.")},
      "connections: { msk: { kafka: { bootstrap_servers: \"broker:9092\" } } }");
  return spec;
}

}  // namespace

ProcessSpec ReadProcess(const YamlNode& root, const Vocabulary& vocabulary,
                        Diagnostics& diagnostics) {
  ProcessSpec process;
  ProcessKeys keys;
  ProcessKeys::Describe().Read(root, diagnostics, keys);
  process.connections = NodeReader(vocabulary, diagnostics).ReadConnections(keys.connections);
  process.checkpoint_store = std::move(keys.checkpoint_store);
  return process;
}

ProcessSpec ReadProcessFile(const std::string& path, const Variables& variables,
                            const Vocabulary& vocabulary, Diagnostics& diagnostics) {
  ProcessSpec process =
      ReadProcess(ReadYamlFile(path, variables, diagnostics), vocabulary, diagnostics);
  if (process.checkpoint_store) {
    process.checkpoint_store->folder = std::filesystem::path(path).parent_path().string();
  }
  return process;
}

void AddConnections(const ProcessSpec& process, JobSpec& job) {
  for (const ConnectionSpec& connection : process.connections) {
    if (job.FindConnection(connection.name) == nullptr) job.connections.push_back(connection);
  }
}

}  // namespace weir
