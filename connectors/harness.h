#pragma once

#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "batch/render.h"
#include "connectors/connector.h"
#include "connectors/errors.h"
#include "formats/json.h"
#include "tests/catch.h"

namespace weir::testing {

/// A folder that goes away with it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The node that `text` (a flow map) is.
inline YamlNode Yaml(const std::string& text) {
  Diagnostics diagnostics;
  const YamlNode root = ReadYaml("test", text, {}, diagnostics);
  INFO(diagnostics.Render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return root;
}

inline std::string RowText(const Batch& batch, size_t row) {
  std::string text;
  REQUIRE(MakeJsonEncoder(*batch.schema(), {})->Encode(batch, row, text).ok());
  return text;
}

inline nlohmann::json ParseRow(const std::string& line) { return nlohmann::json::parse(line); }

/// A source planned from its options, with all that its readers need.
struct PlannedSource {
  explicit PlannedSource(const std::string& options_text, const char* connector = "generator",
                         std::vector<ColumnDeclaration> columns = {},
                         const std::string& format_text = "", const std::string& folder = "")
      : options(Yaml(options_text)), format(Yaml(format_text.empty() ? "json" : format_text)) {
    NodeContext node;
    node.name = "rows";
    node.options = &options;
    node.format = format_text.empty() ? nullptr : &format;
    node.columns = std::move(columns);
    node.folder = folder;
    Diagnostics diagnostics;
    plan = FindConnector(connector)->PlanSource(node, diagnostics);
    INFO(diagnostics.Render());
    REQUIRE(plan);
    context.job = "test";
    context.instance = "0123456789abcdef";
    context.clock = &clock;
  }

  std::unique_ptr<SourceReader> Reader() const {
    std::vector<int> wanted;
    for (size_t i = 0; i < plan->columns()->size(); i++) wanted.push_back(static_cast<int>(i));
    return plan->MakeReader(context, wanted, /*origins=*/true).value();
  }

  YamlNode options;
  YamlNode format;
  std::shared_ptr<const SourcePlan> plan;
  ManualClock clock;
  ConnectorContext context;
};

/// The splits of a source's first start.
inline std::vector<Split> Splits(const PlannedSource& source) {
  const auto finder = source.plan->MakeFinder(source.context).value();
  return finder->Find({}).value();
}

/// Rows of a bounded source that needs no clock, as JSON lines, one list for each split.
inline std::vector<std::vector<std::string>> RowsBySplit(const PlannedSource& source) {
  const std::vector<Split> splits = Splits(source);
  const auto reader = source.Reader();
  std::map<std::string, std::vector<std::string>> rows;
  for (const Split& split : splits) {
    REQUIRE(reader->Add(split).ok());
    rows[split.id];
  }
  for (size_t finished = 0; finished < splits.size();) {
    const Polled polled = reader->Poll({}).value();
    if (polled.activity == SplitActivity::kFinished) finished++;
    if (!polled.batch) continue;
    for (size_t r = 0; r < polled.batch->rows(); r++) {
      rows[polled.split].push_back(RowText(*polled.batch, r));
    }
  }
  std::vector<std::vector<std::string>> lists;
  for (auto& [split, lines] : rows) lists.push_back(std::move(lines));
  return lists;
}

/// The first fault of a source's options, as `message (cure)`.
inline std::string SourceFault(const std::string& options_text, const char* connector = "generator",
                               std::vector<ColumnDeclaration> columns = {}) {
  const YamlNode options = Yaml(options_text);
  NodeContext node;
  node.name = "rows";
  node.options = &options;
  node.format = nullptr;
  node.columns = std::move(columns);
  Diagnostics diagnostics;
  CHECK(FindConnector(connector)->PlanSource(node, diagnostics) == nullptr);
  REQUIRE_FALSE(diagnostics.items().empty());
  const Diagnostics::Item& item = diagnostics.items()[0];
  return item.cure.empty() ? item.message : item.message + " (" + item.cure + ")";
}

}  // namespace weir::testing
