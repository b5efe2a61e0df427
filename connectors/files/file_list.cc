#include "connectors/files/file_list.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "batch/time_text.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

Json PartitionOf(std::string_view folder) {
  Json partition = Json::object();
  while (!folder.empty()) {
    const size_t slash = std::min(folder.find('/'), folder.size());
    const std::string_view one = folder.substr(0, slash);
    folder.remove_prefix(std::min(slash + 1, folder.size()));
    const size_t equals = std::min(one.find('='), one.size());
    const std::string name = PercentDecoded(one.substr(0, equals));
    const std::string_view value = one.substr(std::min(equals + 1, one.size()));
    partition[name] = value == kNullPartition ? Json() : Json(PercentDecoded(value));
  }
  return partition;
}

}  // namespace

std::string FileListName(const std::string& name_begin, uint32_t lane, Epoch epoch,
                         bool recovered) {
  return fmt::format("_{}{}-{:012}{}.ndjson", name_begin, lane, epoch.value,
                     recovered ? "-recovered" : "");
}

std::string FileListLine(const PublishedFile& published, std::string_view job,
                         std::string_view sink) {
  const SealedFile& file = published.file;
  const bool timed = file.first <= file.last;
  const Json line = {{"file", file.Path()},
                     {"partition", PartitionOf(file.folder)},
                     {"rows", file.rows},
                     {"bytes", file.length},
                     {"min_event_time", timed ? Json(FormatIso8601(file.first)) : Json()},
                     {"max_event_time", timed ? Json(FormatIso8601(file.last)) : Json()},
                     {"epoch", published.epoch.value},
                     {"job", job},
                     {"sink", sink}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weir
