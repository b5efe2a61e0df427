#include "connectors/files/sink.h"

#include <fmt/format.h>

#include "connectors/errors.h"
#include "connectors/files/file_names.h"
#include "connectors/files/source.h"

namespace weir {

const Spec<RollSpec>& RollSpec::Describe() {
  static const Spec<RollSpec> spec(
      "roll", "When a file is done: at its size or age, whichever comes first, and at the end.",
      {Optional("size", &RollSpec::size, ByteSize::MiB(128), "Bytes of a file, as packed.",
                Positive),
       Optional("every", &RollSpec::every, Duration::Seconds(300), "Age of a file.", Positive)},
      "roll: { size: 128MiB, every: 1m }");
  return spec;
}

const Spec<FileSinkSpec>& FileSinkSpec::Describe() {
  static const Spec<FileSinkSpec> spec(
      "files", "Writes files. Each appears whole with the checkpoint after it is done.",
      {Required("path", &FileSinkSpec::path, "The folder of the files.", NotEmpty),
       Optional("partition_by", &FileSinkSpec::partition_by,
                "Columns that name folders (name=value) and leave the files."),
       Optional("roll", &FileSinkSpec::roll, "When a file is done."),
       Optional("compression", &FileSinkSpec::compression, Compression::kNone,
                "How files are packed."),
       NotYet("connection", "Writes to S3.")},
      "files: { path: out, partition_by: [dt], roll: { every: 1m }, compression: gzip }");
  return spec;
}

namespace {

class FileSinkPlan final : public SinkPlan {
 public:
  explicit FileSinkPlan(FileSinkPlanned plan) : plan_(std::move(plan)) {}

  std::string Describe() const override {
    std::string text = fmt::format("files in {} ({})", plan_.spec.path, plan_.format->name());
    if (!plan_.spec.partition_by.empty()) {
      text += fmt::format(", by {}", fmt::join(plan_.spec.partition_by, ", "));
    }
    return text;
  }

  Status Check(const ConnectorContext& context) const override {
    Disk& disk = LocalDisk();
    const auto unusable = [&](const Status& status) {
      return Status(errors::kFolderUnusable,
                    fmt::format("sink '{}' cannot write to '{}': {}", plan_.sink, plan_.root,
                                status.message()),
                    "check the path and the rights; relative paths count from the job's folder");
    };
    Status made = disk.MakeFolders(plan_.root);
    if (!made.ok()) return unusable(made);
    const std::string probe = fmt::format("{}/_{}-{}-probe-{}.open", plan_.root, plan_.sink,
                                          context.instance.substr(0, 16), RandomId().substr(0, 12));
    const Result<int> file = disk.Create(probe);
    if (!file.ok()) return unusable(file.status());
    disk.Close(*file);
    return disk.Remove(probe);
  }

  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext& context,
                                                 uint32_t task) const override {
    std::unique_ptr<Encoder> encoder = WEIR_TRY(plan_.encoding->MakeEncoder(context.Codec()));
    return std::unique_ptr<SinkWriter>(
        std::make_unique<FileSinkWriter>(plan_, context, task, std::move(encoder), LocalDisk()));
  }
  std::shared_ptr<const SourcePlan> Readback() const override {
    // What stands in folders' names only is in no record.
    auto decoding = plan_.encoding->Readback();
    if (!plan_.partition_columns.empty() || decoding == nullptr) return nullptr;
    return FilesBelow(plan_.root, *plan_.format, std::move(decoding));
  }
  Result<std::unique_ptr<SinkPublisher>> MakePublisher(const ConnectorContext& context,
                                                       uint32_t) const override {
    return std::unique_ptr<SinkPublisher>(
        std::make_unique<FileSinkPublisher>(plan_, context, LocalDisk()));
  }

 private:
  const FileSinkPlanned plan_;
};

/// Splits the input's columns into those of folders and those of files.
bool SplitColumns(const NodeContext& node, FileSinkPlanned& plan, Diagnostics& diagnostics) {
  const YamlNode* at = node.options->Find("partition_by");
  const Place& place = (at != nullptr ? *at : *node.options).place();
  for (const std::string& name : plan.spec.partition_by) {
    const int column = node.input->Find(name);
    if (column < 0) {
      diagnostics.Error(errors::kConnectorOption, place,
                        fmt::format("no column '{}' in the input of '{}'; it has {}", name,
                                    node.name, node.input->ToString()));
      return false;
    }
    const auto index = static_cast<size_t>(column);
    if ((*node.input)[index].type.IsNested()) {
      diagnostics.Error(errors::kConnectorOption, place,
                        fmt::format("'{}' is {}, which names no folder", name,
                                    (*node.input)[index].type.ToString()));
      return false;
    }
    if (std::find(plan.partition_columns.begin(), plan.partition_columns.end(), index) !=
        plan.partition_columns.end()) {
      diagnostics.Error(errors::kConnectorOption, place, fmt::format("'{}' is there twice", name));
      return false;
    }
    plan.partition_columns.push_back(index);
  }
  std::vector<Field> fields;
  for (size_t c = 0; c < node.input->size(); c++) {
    if (std::find(plan.partition_columns.begin(), plan.partition_columns.end(), c) !=
        plan.partition_columns.end()) {
      continue;
    }
    plan.file_columns.push_back(c);
    fields.push_back((*node.input)[c]);
  }
  if (fields.empty()) {
    diagnostics.Error(errors::kConnectorOption, place,
                      "every column names a folder, so nothing is left for the files");
    return false;
  }
  plan.file_schema = std::make_shared<const Schema>(std::move(fields));
  return true;
}

}  // namespace

std::shared_ptr<const SinkPlan> PlanFileSink(const NodeContext& node, Diagnostics& diagnostics) {
  FileSinkPlanned plan;
  const bool good = FileSinkSpec::Describe().Read(*node.options, diagnostics, plan.spec);
  const ChosenFormat chosen = ChooseFormat(node.format, diagnostics);
  if (!good || chosen.format == nullptr) return nullptr;
  plan.sink = node.name;
  plan.root = PathIn(node.folder, plan.spec.path);
  while (plan.root.size() > 1 && plan.root.back() == '/') plan.root.pop_back();
  plan.format = chosen.format;
  plan.input = node.input;
  if (!SplitColumns(node, plan, diagnostics)) return nullptr;
  FormatRequest request = node.RequestTo(chosen);
  request.stream = true;
  plan.encoding = plan.format->PlanEncoding(request, *plan.file_schema, diagnostics);
  if (!plan.encoding) return nullptr;
  return std::make_shared<FileSinkPlan>(std::move(plan));
}

}  // namespace weir
