#include "connectors/kafka/rights.h"

#include <fmt/format.h>

#include "connectors/kafka/group_offsets.h"
#include "connectors/kafka/transaction.h"

namespace weir::kafka {
namespace {

constexpr Duration kPatience = Duration::Seconds(10);

Observation Judge(const char* what, const std::string& name, const Status& status,
                  std::string cure) {
  if (status.ok()) {
    return {Observation::Verdict::kGood, what, fmt::format("'{}' may be used", name), {}};
  }
  return {Observation::Verdict::kBad, what,
          fmt::format("{}: {}", status.code().id, status.message()), std::move(cure)};
}

}  // namespace

Observation LookAtGroup(Client& client, const std::string& group) {
  const auto members = GroupMembers(client, group, kPatience);
  return Judge("groups", group, members.ok() ? Status::Ok() : members.status(),
               "allow to read and describe groups that begin with 'weir-' (IAM: DescribeGroup, "
               "AlterGroup)");
}

Observation LookAtTransactions(const ConnectionPtr& connection, const std::string& id,
                               const std::string& topic) {
  Transaction::Target target;
  target.connection = connection;
  target.lane = id;
  target.topic = topic;
  target.timeout_ms = 10'000;
  const auto made = Transaction::Make(target);
  return Judge("transactions", id, made.ok() ? (*made)->Init() : made.status(),
               "allow to write and describe transactional ids that begin with 'weir-' (IAM: "
               "DescribeTransactionalId, AlterTransactionalId, WriteDataIdempotently)");
}

}  // namespace weir::kafka
