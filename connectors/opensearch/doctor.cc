#include "connectors/opensearch/doctor.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "clients/errors.h"
#include "connectors/opensearch/bulk.h"

namespace weir::opensearch {
namespace {

using Verdict = Observation::Verdict;
using nlohmann::json;

std::string TextAt(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : std::string();
}

/// The examination of one connection.
class Doctor {
 public:
  Doctor(Connection& connection, const Examination& examination)
      : connection_(connection), examination_(examination) {}

  void Run() {
    // A serverless collection has no cluster that could be asked.
    const auto& signing = connection_.options().signing;
    const bool serverless = signing && signing->service == AwsSearch::kServerless;
    if (!LogIn(serverless ? "/_cat/indices" : "/")) return;
    if (!serverless) LookAtHealth();
  }

 private:
  void Tell(Verdict verdict, std::string what, std::string found, std::string cure = {}) const {
    examination_.tell({verdict, std::move(what), std::move(found), std::move(cure)});
  }
  void Bad(std::string what, const Status& status) const {
    Tell(Verdict::kBad, std::move(what), fmt::format("{}: {}", status.code().id, status.message()),
         status.cure());
  }

  bool LogIn(const std::string& path) const {
    Connection::Call call;
    call.path = path;
    const auto answer = connection_.Send(call);
    if (!answer.ok()) {
      const Status& status = answer.status();
      Bad(status.Is(errors::kServiceAway)  ? "port"
          : status.Is(errors::kNotTrusted) ? "tls"
                                           : "files and secrets",
          status);
      return false;
    }
    Tell(Verdict::kGood, "port", fmt::format("{} answers", connection_.address()));
    const Status status = JudgeAnswer(*answer, "asking who it is");
    if (!status.ok()) {
      Bad("login", status);
      return false;
    }
    Tell(Verdict::kGood, "login", "let in");
    if (path == "/") TellVersion(answer->body);
    return true;
  }

  void TellVersion(const std::string& body) const {
    const json root = json::parse(body, nullptr, /*allow_exceptions=*/false);
    const json version =
        root.is_object() && root.contains("version") ? root["version"] : json::object();
    const std::string number = TextAt(version, "number");
    if (number.empty()) {
      Tell(Verdict::kDoubtful, "server", "it does not say which it is",
           "see that the address is that of an OpenSearch or Elasticsearch server");
      return;
    }
    std::string name = TextAt(version, "distribution");
    if (name.empty()) name = "elasticsearch";
    Tell(Verdict::kGood, "server",
         fmt::format("{} {}, cluster '{}'", name, number, TextAt(root, "cluster_name")));
  }

  void LookAtHealth() const {
    Connection::Call call;
    call.path = "/_cluster/health";
    const auto answer = connection_.Send(call);
    if (!answer.ok()) return Bad("health", answer.status());
    if (const Status status = JudgeAnswer(*answer, "asking for its health"); !status.ok()) {
      Tell(Verdict::kDoubtful, "health", status.message(),
           "jobs do not need the right to see it (cluster:monitor/health)");
      return;
    }
    const json health = json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
    const std::string colour = TextAt(health, "status");
    if (colour == "green") return Tell(Verdict::kGood, "health", "green");
    if (colour == "yellow") {
      return Tell(Verdict::kDoubtful, "health", "yellow: copies of some shards have no node",
                  "one node alone is always yellow where indices want copies; otherwise see that "
                  "all nodes run");
    }
    Tell(Verdict::kBad, "health", colour.empty() ? "unknown" : colour + ": some shards are away",
         "see that all nodes run, and that their disks have room");
  }

  Connection& connection_;
  const Examination& examination_;
};

}  // namespace

void ExamineServer(Connection& connection, const Examination& examination) {
  Doctor(connection, examination).Run();
}

}  // namespace weir::opensearch
