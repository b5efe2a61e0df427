#include "connectors/kafka/doctor.h"

#include <librdkafka/rdkafka.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "connectors/kafka/admin.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/group_offsets.h"
#include "connectors/kafka/rights.h"

namespace weir::kafka {
namespace {

using Verdict = Observation::Verdict;

constexpr Duration kPatience = Duration::Seconds(10);
constexpr int kDialMillis = 3'000;
constexpr Duration kSkewAllowed = Duration::Minutes(4);
/// Group and transactional id: jobs' own begin in the same way, so that one rule covers both.
constexpr const char* kName = "weir-doctor";

/// The examination of one connection: each step tells what it found, and says whether it is of use
/// to go on.
class Doctor {
 public:
  Doctor(ConnectionPtr connection, const Examination& examination)
      : connection_(std::move(connection)), examination_(examination) {}

  void Run() {
    if (!Dial()) return;
    if (!Open()) return;
    AskAws();
    if (!LogIn()) return;
    LookAtPartitions();
    LookAtLimits();
    for (const std::string& topic : examination_.topics) LookAtTopic(topic);
    examination_.tell(LookAtGroup(*client_, kName));
    const auto& topics = examination_.topics;
    examination_.tell(
        LookAtTransactions(connection_, kName, topics.empty() ? kName : topics.front()));
  }

 private:
  void Tell(Verdict verdict, std::string what, std::string found, std::string cure = {}) const {
    examination_.tell({verdict, std::move(what), std::move(found), std::move(cure)});
  }
  void Bad(std::string what, const Status& status) const {
    Tell(Verdict::kBad, std::move(what), fmt::format("{}: {}", status.code().id, status.message()),
         status.cure());
  }

  /// Whether somebody listens at one address at least.
  bool Dial() const {
    bool any = false;
    for (const std::string& address : AddressesOf(connection_->address())) {
      any = DialOne(address) || any;
    }
    return any;
  }

  bool DialOne(const std::string& address) const {
    const std::optional<int> port = PortOf(address);
    if (!port) {
      Tell(Verdict::kBad, "address", fmt::format("'{}' has no port", address), "write host:port");
      return false;
    }
    const std::string host = address.substr(0, address.rfind(':'));
    addrinfo wanted = {};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error =
            getaddrinfo(host.c_str(), std::to_string(*port).c_str(), &wanted, &found)) {
      Tell(Verdict::kBad, "name", fmt::format("'{}' is not known: {}", host, gai_strerror(error)),
           "mend the name; names of MSK are known inside its VPC, and outside of it where that "
           "is set up");
      return false;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
    int error = 0;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
      error = Connect(*at);
      if (error == 0) break;
    }
    if (error == 0) {
      Tell(Verdict::kGood, "port", fmt::format("{} is open", address));
      return true;
    }
    Tell(Verdict::kBad, "port", fmt::format("{}: {}", address, std::strerror(error)),
         error == ETIMEDOUT ? "nothing answers: security groups, network ACLs and routes decide "
                              "who may come"
                            : "see that the brokers run, and that the port is one of theirs");
    return false;
  }

  /// 0, or why not.
  static int Connect(const addrinfo& at) {
    const int socket_made = socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_made < 0) return errno;
    int error = connect(socket_made, at.ai_addr, at.ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      pollfd waiting{socket_made, POLLOUT, 0};
      socklen_t size = sizeof error;
      if (poll(&waiting, 1, kDialMillis) == 0) {
        error = ETIMEDOUT;
      } else {
        getsockopt(socket_made, SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    close(socket_made);
    return error;
  }

  bool Open() {
    const auto opened = connection_->Open();
    if (!opened.ok()) {
      Bad("files and secrets", opened.status());
      return false;
    }
    if (connection_->options().security != Security::kPlaintext) {
      Tell(Verdict::kGood, "files and secrets",
           fmt::format("in order, for security: {}", weir::ShowValue(opened->login.security)));
    }
    iam_ = opened->login.security == Security::kIam;
    return true;
  }

  void AskAws() const {
    if (!iam_) return;
    const auto caller = connection_->AskCaller();
    if (!caller.ok()) {
      Tell(Verdict::kDoubtful, "identity", caller.status().message(), caller.status().cure());
      return;
    }
    Tell(Verdict::kGood, "identity", caller->arn);
    if (!caller->clock_ahead) return;
    const int64_t seconds = caller->clock_ahead->us / 1'000'000;
    const bool close = std::abs(seconds) < kSkewAllowed.us / 1'000'000;
    Tell(close ? Verdict::kGood : Verdict::kBad, "clock",
         fmt::format("that of AWS is {} s ahead of this machine's", seconds),
         close ? "" : "set this machine's clock: a token counts from when it was signed");
  }

  bool LogIn() {
    // Of the group, so that the rights on it can be asked for.
    auto made = GroupClient(connection_, kName);
    if (!made.ok()) {
      Bad("login", made.status());
      return false;
    }
    client_ = std::move(made).value();
    const auto topics = ListTopics(*client_, kPatience);
    if (!topics.ok()) {
      Bad("login", topics.status());
      return false;
    }
    client_->Answered();
    Tell(Verdict::kGood, "login", fmt::format("let in, and sees {} topics", topics->size()));
    return true;
  }

  void LookAtPartitions() const {
    const rd_kafka_metadata_t* found = nullptr;
    const auto error = rd_kafka_metadata(client_->get(), /*all_topics=*/1, nullptr, &found,
                                         static_cast<int>(kPatience.us / 1000));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Bad("partitions", client_->Failure(error, "", "listing partitions"));
      return;
    }
    const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> owned(
        found, rd_kafka_metadata_destroy);
    int partitions = 0;
    int leaderless = 0;
    int short_of_copies = 0;
    std::string first;
    for (int t = 0; t < found->topic_cnt; t++) {
      const rd_kafka_metadata_topic_t& topic = found->topics[t];
      for (int p = 0; p < topic.partition_cnt; p++) {
        const rd_kafka_metadata_partition_t& partition = topic.partitions[p];
        const bool led = partition.leader >= 0;
        const bool whole = partition.isr_cnt >= partition.replica_cnt;
        partitions++;
        if (!led) leaderless++;
        if (!whole) short_of_copies++;
        if ((!led || !whole) && first.empty()) {
          first = fmt::format("{}/{}", topic.topic, partition.id);
        }
      }
    }
    Tell(Verdict::kGood, "brokers", fmt::format("{}", found->broker_cnt));
    if (leaderless > 0) {
      Tell(Verdict::kBad, "partitions",
           fmt::format("{} of {} have no leader, the first is {}", leaderless, partitions, first),
           "see that the brokers that hold them run");
    } else if (short_of_copies > 0) {
      Tell(Verdict::kDoubtful, "partitions",
           fmt::format("{} of {} have fewer copies in step than they should, the first is {}",
                       short_of_copies, partitions, first),
           "a broker is away or behind: what is confirmed now may be lost with the next one");
    } else {
      Tell(Verdict::kGood, "partitions",
           fmt::format("{}, all led and with all copies", partitions));
    }
  }

  void LookAtLimits() const {
    const auto settings = BrokerSettings(*client_, kPatience);
    if (!settings.ok()) {
      Tell(Verdict::kDoubtful, "limits", settings.status().message(),
           "with the right to describe the cluster's settings weir knows them; without, it takes "
           "Kafka's defaults for granted");
      return;
    }
    const auto value = [&](const char* name) {
      const auto it = settings->find(name);
      return it == settings->end() ? std::string("unknown") : it->second;
    };
    Tell(Verdict::kGood, "limits",
         fmt::format("transactions of {} ms, positions kept for {} minutes",
                     value("transaction.max.timeout.ms"), value("offsets.retention.minutes")));
  }

  void LookAtTopic(const std::string& topic) const {
    const std::string what = fmt::format("topic '{}'", topic);
    const auto facts = DescribeTopics(*client_, {topic}, kPatience);
    if (!facts.ok()) return Bad(what, facts.status());
    if (facts->size() != 1 || facts->front().error != 0) {
      return Bad(
          what, client_->Failure(facts->empty() ? RD_KAFKA_RESP_ERR__BAD_MSG : facts->front().error,
                                 "", what));
    }
    std::vector<OffsetQuery> queries;
    for (int32_t p = 0; p < facts->front().partitions; p++) {
      queries.push_back({{topic, p}, OffsetQuery::kEarliest});
    }
    const auto first = ListOffsets(*client_, queries, Isolation::kReadCommitted, kPatience);
    if (!first.ok()) return Bad(what, first.status());
    for (OffsetQuery& query : queries) query.spec = OffsetQuery::kLatest;
    const auto last = ListOffsets(*client_, queries, Isolation::kReadCommitted, kPatience);
    if (!last.ok()) return Bad(what, last.status());
    int64_t records = 0;
    for (const OffsetFacts& one : *last) records += one.offset;
    for (const OffsetFacts& one : *first) {
      if (one.error != 0) return Bad(what, client_->Failure(one.error, "", what));
      records -= one.offset;
    }
    Tell(Verdict::kGood, what,
         fmt::format("{} partitions with offsets for {} records", facts->front().partitions,
                     records));
  }

  const ConnectionPtr connection_;
  const Examination& examination_;
  std::unique_ptr<Client> client_;
  bool iam_ = false;
};

}  // namespace

void ExamineConnection(const ConnectionPtr& connection, const Examination& examination) {
  Doctor(connection, examination).Run();
}

}  // namespace weir::kafka
