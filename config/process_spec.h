#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/node_spec.h"
#include "config/spec.h"
#include "config/store_location.h"
#include "config/vocabulary.h"
#include "config/yaml.h"

namespace weir {

struct JobSpec;

/// Files in PEM with which the processes of a cluster know each other.
struct TlsSpec {
  std::string ca;
  std::string certificate;
  std::string key;
  static const Spec<TlsSpec>& Describe();
};

/// Where a manager keeps its jobs.
enum class JobStoreKind { kEmbedded, kEtcd };
std::vector<Choice<JobStoreKind>> ChoicesOf(JobStoreKind);

/// How managers reach the etcd that they share.
struct EtcdSpec {
  std::vector<std::string> endpoints = {"http://127.0.0.1:2379"};
  std::string prefix = "/weir/";
  Duration lease = Duration::Seconds(5);
  std::string ca;
  std::string certificate;
  std::string key;
  std::string user;
  Secret password;
  std::string folder;  ///< A path of the password's counts from here.
  static const Spec<EtcdSpec>& Describe();
};

/// What the HTTP API shows of itself, where that is not `tls`: browsers may want another authority.
struct HttpTlsSpec {
  std::string certificate;
  std::string key;
  std::string client_ca;  ///< Empty: whoever asks shows no certificate, only a token.
  static const Spec<HttpTlsSpec>& Describe();
};

/// A program that jobs may call.
struct ProgramSpec {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  static const Spec<ProgramSpec>& Describe();
};

/// Where a process serves /metrics alone.
struct MetricsSpec {
  std::string listen;
  bool insecure = false;
  static const Spec<MetricsSpec>& Describe();
};

/// What a weir process is told about itself: by the file that `--config` names, by variables of the
/// environment (`state_dir` is WEIR_STATE_DIR), and by flags (`--state-dir`); the later wins. The
/// declaration of its keys is all that file, variables, flags and their help are made from.
struct ProcessSpec {
  std::vector<std::string> manager = {"127.0.0.1:9281"};
  std::string listen;
  std::string advertise;
  std::string http;
  std::string state_dir = "weir-state";
  std::string worker_id;
  uint32_t slots = 2;
  ByteSize memory = {512 << 20};
  std::map<std::string, std::string> labels;
  Duration worker_timeout = Duration::Seconds(5);
  std::optional<TlsSpec> tls;
  JobStoreKind store = JobStoreKind::kEmbedded;
  EtcdSpec etcd;
  std::optional<HttpTlsSpec> http_tls;
  std::string tokens_file;
  std::optional<MetricsSpec> metrics;
  std::map<std::string, ProgramSpec> programs;
  std::optional<StoreLocation> checkpoint_store;  ///< None: the state directory.
  YamlNode connection_nodes;
  std::vector<ConnectionSpec> connections;  ///< Read from `connection_nodes`.

  static const Spec<ProcessSpec>& Describe();
};

/// What a command line and the environment say of a process: each `PATH=VALUE` as SetValue takes
/// it.
using ProcessSettings = std::vector<std::string>;

/// The settings that variables of the environment make, `WEIR_` and the key in capitals.
ProcessSettings SettingsOfEnvironment();

ProcessSpec ReadProcess(const YamlNode& root, const Vocabulary& vocabulary,
                        Diagnostics& diagnostics);
/// `path` may be empty: then the settings are all there is.
ProcessSpec ReadProcessFile(const std::string& path, const ProcessSettings& settings,
                            const Variables& variables, const Vocabulary& vocabulary,
                            Diagnostics& diagnostics);

/// Adds the process's connections to the job's; where both have a name, the job's is meant.
void AddConnections(const ProcessSpec& process, JobSpec& job);

}  // namespace weir
