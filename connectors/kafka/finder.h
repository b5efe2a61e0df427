#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/kafka/admin.h"
#include "connectors/kafka/options.h"

namespace weir::kafka {

/// Finds the partitions of a source's topics.
///
/// At the first Find every start and stop becomes an offset, so that a restart before the first
/// checkpoint, and the end of a bounded run, mean the same records (rule 7). With read_committed an
/// end is the last stable offset: what lies behind somebody's open transaction is not waited for.
class Finder final : public SplitFinder {
 public:
  Finder(ConnectionPtr connection, SourceOptions options);

  Result<std::vector<Split>> Find(const std::vector<Split>& known) override;
  bool Grows() const override { return !options_.stop.bounded(); }

 private:
  Result<std::vector<std::string>> TopicNames();
  Result<std::vector<Split>> First(const std::vector<TopicFacts>& topics);
  Result<std::vector<Split>> Again(const std::vector<TopicFacts>& topics,
                                   const std::vector<Split>& known);
  Result<std::vector<int64_t>> Offsets(const std::vector<TopicPartition>& partitions, int64_t spec);
  Result<std::vector<int64_t>> Starts(const std::vector<TopicPartition>& partitions);
  Result<std::vector<int64_t>> GroupStarts(const std::vector<TopicPartition>& partitions);
  Result<std::vector<int64_t>> Stops(const std::vector<TopicPartition>& partitions);

  const ConnectionPtr connection_;
  const SourceOptions options_;
  std::unique_ptr<Client> client_;
};

/// Whether all of `name` matches the regular expression; the error tells where it is wrong.
Result<bool> MatchesPattern(const std::string& pattern, std::string_view name);

/// The error of a topic that is not the one whose positions are held.
Status RemadeTopic(const std::string& topic);

}  // namespace weir::kafka
