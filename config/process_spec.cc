#include "config/process_spec.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "config/errors.h"
#include "config/job_spec.h"
#include "config/node_reader.h"

namespace weir {

const Spec<TlsSpec>& TlsSpec::Describe() {
  static const Spec<TlsSpec> spec(
      "tls", "Certificates between the processes of a cluster, as files in PEM.",
      {Required("ca", &TlsSpec::ca, "The authority whose certificates are believed.", NotEmpty),
       Required("certificate", &TlsSpec::certificate, "This process's own, with its chain.",
                NotEmpty),
       Required("key", &TlsSpec::key, "The key of the certificate.", NotEmpty)},
      "tls: { ca: ca.pem, certificate: worker.pem, key: worker.key }");
  return spec;
}

std::vector<Choice<JobStoreKind>> ChoicesOf(JobStoreKind) {
  return {{"embedded", JobStoreKind::kEmbedded}, {"etcd", JobStoreKind::kEtcd}};
}

const Spec<EtcdSpec>& EtcdSpec::Describe() {
  static const EtcdSpec defaults;
  static const Spec<EtcdSpec> spec(
      "etcd", "How managers reach the etcd that they share (3.4 or later).",
      {Optional("endpoints", &EtcdSpec::endpoints, defaults.endpoints,
                "Addresses of its members; any of them is asked."),
       Optional("prefix", &EtcdSpec::prefix, defaults.prefix,
                "Before all keys: another one for each cluster of weir's.", NotEmpty),
       Optional("lease", &EtcdSpec::lease, defaults.lease,
                "How long after a manager's death another takes its place.",
                AtLeast(Duration::Seconds(2))),
       Optional("ca", &EtcdSpec::ca, defaults.ca,
                "The authority of its certificates, as a file in PEM. Left out: the system's."),
       Optional("certificate", &EtcdSpec::certificate, defaults.certificate,
                "What managers show of themselves where etcd wants it (client-cert-auth), in PEM."),
       Optional("key", &EtcdSpec::key, defaults.key, "The key of the certificate."),
       Optional("user", &EtcdSpec::user, defaults.user,
                "Where etcd has authentication: a user whose role may read and write all keys "
                "below the prefix."),
       Optional("password", &EtcdSpec::password, "Of the user: { env: NAME } or { file: PATH }.")},
      "etcd: { endpoints: [\"http://10.0.0.1:2379\"] }");
  return spec;
}

const Spec<HttpTlsSpec>& HttpTlsSpec::Describe() {
  static const Spec<HttpTlsSpec> spec(
      "http_tls", "The certificate of the HTTP API, where it is not that of `tls`.",
      {Required("certificate", &HttpTlsSpec::certificate, "With its chain, in PEM.", NotEmpty),
       Required("key", &HttpTlsSpec::key, "The key of the certificate.", NotEmpty),
       Optional("client_ca", &HttpTlsSpec::client_ca,
                "Whoever asks must show a certificate of this authority, of role client; beside a "
                "token, not in place of it. Left out: a token is enough.")},
      "http_tls: { certificate: api.pem, key: api.key }");
  return spec;
}

const Spec<ProgramSpec>& ProgramSpec::Describe() {
  static const Spec<ProgramSpec> spec(
      "programs", "A program that jobs may call.",
      {Required("command", &ProgramSpec::command, "It and its arguments.",
                Condition("not empty",
                          [](const std::vector<std::string>& words) {
                            return !words.empty() && !words.front().empty();
                          })),
       Optional("environment", &ProgramSpec::environment,
                "Variables that it gets; of the process's own only PATH, HOME, USER, LANG, LC_ALL, "
                "TZ and TMPDIR.")},
      "handler: { command: [python3, /opt/handler.py] }");
  return spec;
}

const Spec<MetricsSpec>& MetricsSpec::Describe() {
  static const Spec<MetricsSpec> spec(
      "metrics", "An address of its own for /metrics.",
      {Required("listen", &MetricsSpec::listen,
                "Where /metrics is served, and nothing else but /healthz.", NotEmpty),
       Optional("insecure", &MetricsSpec::insecure, false,
                "Whether that is without TLS and for everybody, off loopback too.")},
      "metrics: { listen: \"10.0.0.5:9400\", insecure: true }");
  return spec;
}

const Spec<ProcessSpec>& ProcessSpec::Describe() {
  static const ProcessSpec defaults;
  static const Spec<ProcessSpec> spec(
      "process", "What a weir process knows, so that its jobs need not.",
      {Optional("connections", &ProcessSpec::connection_nodes,
                "Brokers, registries and stores by name, for all jobs."),
       Optional("manager", &ProcessSpec::manager, defaults.manager,
                "Where workers reach the manager; several where there are several."),
       Optional(
           "listen", &ProcessSpec::listen, defaults.listen,
           "Where this process takes others of its cluster. Left out: a manager 127.0.0.1:9281, "
           "a worker a free port of 127.0.0.1."),
       Optional("advertise", &ProcessSpec::advertise, defaults.advertise,
                "The address that others are told to reach it at, where it is not `listen`."),
       Optional("http", &ProcessSpec::http, defaults.http,
                "Where API, page and metrics are served. Left out: a manager 127.0.0.1:9280, a "
                "worker nowhere."),
       Optional(
           "state_dir", &ProcessSpec::state_dir, defaults.state_dir,
           "Where it keeps what must outlive it; a manager its jobs, a worker its tasks' state.",
           NotEmpty),
       Optional("worker_id", &ProcessSpec::worker_id, defaults.worker_id,
                "A worker's name, the same over restarts. Left out: the host's name."),
       Optional("slots", &ProcessSpec::slots, defaults.slots,
                "Worker slots: tasks of each step that a worker runs at once.", Positive),
       Optional("memory", &ProcessSpec::memory, defaults.memory,
                "Memory for state and source buffers of all tasks of a worker.", Positive),
       Optional("labels", &ProcessSpec::labels, "Words about a worker, for those who look."),
       Optional("worker_timeout", &ProcessSpec::worker_timeout, defaults.worker_timeout,
                "How long a worker may be silent before its tasks are started elsewhere.",
                Positive),
       Optional("store", &ProcessSpec::store, defaults.store,
                "Where a manager keeps its jobs: embedded, in its state directory, or etcd, which "
                "several managers share, of which one leads."),
       Optional("etcd", &ProcessSpec::etcd, "How that etcd is reached, for store: etcd."),
       Optional("tls", &ProcessSpec::tls, "Certificates between processes, and of the API."),
       Optional("http_tls", &ProcessSpec::http_tls,
                "The API's own certificate. Left out: that of `tls`."),
       Optional("tokens_file", &ProcessSpec::tokens_file,
                "Who may use the manager's API, a line for each token. Left out: everybody on "
                "this machine."),
       Optional("checkpoint_store", &ProcessSpec::checkpoint_store,
                "Where checkpoints are kept; the same for all workers. Left out: in the state "
                "directory."),
       Optional("programs", &ProcessSpec::programs,
                "Programs that jobs may call, by the names that jobs give; others they may not."),
       NotYet("file_roots", "Directories that jobs may read and write."),
       Optional("metrics", &ProcessSpec::metrics, "Where /metrics is served by itself.")},
      // Each key once, on a line: the file that `weir settings` prints takes them from here.
      R"(connections: { msk: { kafka: { bootstrap_servers: "broker-1:9092,broker-2:9092" } } }
manager: 10.0.0.5:9281
listen: 10.0.0.6:9281
advertise: worker-1.example.com:9281
http: 127.0.0.1:9280
state_dir: /var/lib/weir-worker
worker_id: worker-1
slots: 4
memory: 2GiB
labels: { zone: a }
worker_timeout: 5s
store: etcd
etcd: { endpoints: ["http://10.0.0.11:2379", "http://10.0.0.12:2379"], prefix: /weir/ }
tls: { ca: /etc/weir/ca.pem, certificate: /etc/weir/worker.pem, key: /etc/weir/worker.key }
http_tls: { certificate: /etc/weir/api.pem, key: /etc/weir/api.key }
tokens_file: /etc/weir/tokens
metrics: { listen: "10.0.0.5:9400", insecure: true }
programs: { handler: { command: [python3, /opt/handler.py], environment: { MODE: plain } } }
checkpoint_store: { url: s3://bucket/weir, region: eu-central-1 }
)");
  return spec;
}

ProcessSettings SettingsOfEnvironment() {
  ProcessSettings settings;
  for (const FieldInfo& field : ProcessSpec::Describe().fields()) {
    if (field.not_yet) continue;
    std::string variable = "WEIR_";
    for (char c : field.name) variable += static_cast<char>(std::toupper(c));
    if (const char* value = std::getenv(variable.c_str())) {
      settings.push_back(field.name + "=" + value);
    }
  }
  return settings;
}

namespace {

void CheckEtcd(const EtcdSpec& etcd, const YamlNode& root, Diagnostics& diagnostics) {
  if (etcd.user.empty() == etcd.password.given()) {
    diagnostics.Error(errors::kMissingKey, root.Find("etcd")->place(),
                      "'user' and 'password' of etcd go together");
  }
  if (etcd.certificate.empty() != etcd.key.empty()) {
    diagnostics.Error(errors::kMissingKey, root.Find("etcd")->place(),
                      "'certificate' and 'key' of etcd go together");
  }
}

}  // namespace

ProcessSpec ReadProcess(const YamlNode& root, const Vocabulary& vocabulary,
                        Diagnostics& diagnostics) {
  ProcessSpec process;
  ProcessSpec::Describe().Read(root, diagnostics, process);
  process.connections =
      NodeReader(vocabulary, diagnostics).ReadConnections(process.connection_nodes);
  CheckEtcd(process.etcd, root, diagnostics);
  return process;
}

ProcessSpec ReadProcessFile(const std::string& path, const ProcessSettings& settings,
                            const Variables& variables, const Vocabulary& vocabulary,
                            Diagnostics& diagnostics) {
  YamlNode root = path.empty() ? ReadYaml("the command line", "{}", variables, diagnostics)
                               : ReadYamlFile(path, variables, diagnostics);
  for (const std::string& setting : settings) {
    root = SetValue(root, setting, variables, diagnostics);
  }
  ProcessSpec process = ReadProcess(root, vocabulary, diagnostics);
  if (process.checkpoint_store) {
    process.checkpoint_store->folder = std::filesystem::path(path).parent_path().string();
  }
  process.etcd.folder = std::filesystem::path(path).parent_path().string();
  return process;
}

void AddConnections(const ProcessSpec& process, JobSpec& job) {
  for (const ConnectionSpec& connection : process.connections) {
    if (job.FindConnection(connection.name) == nullptr) job.connections.push_back(connection);
  }
}

}  // namespace weir
