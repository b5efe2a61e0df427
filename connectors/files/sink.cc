#include "connectors/files/sink.h"

#include <fmt/format.h>

#include "connectors/errors.h"
#include "connectors/files/bucket.h"
#include "connectors/files/file_names.h"
#include "connectors/files/folder.h"
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

const Spec<PackingSpec>& PackingSpec::Describe() {
  static const Spec<PackingSpec> spec(
      "compression", "How files are packed: none, gzip, zstd, or one of these with its level.",
      {Bare(&PackingSpec::kind, "The kind alone."),
       Optional("gzip", &PackingSpec::gzip, "Level: 1 (fast) to 9 (small).", InRange(1, 9)),
       Optional("zstd", &PackingSpec::zstd, "Level: 1 (fast) to 19 (small).", InRange(1, 19))},
      "compression: { gzip: 1 }");
  return spec;
}

bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, PackingSpec& out) {
  if (!PackingSpec::Describe().Read(node, diagnostics, out)) return false;
  if (out.gzip > 0 && out.zstd > 0) {
    diagnostics.Error(errors::kConnectorOption, node.place(),
                      "files are packed as gzip or as zstd, not as both", "take one of them out");
    return false;
  }
  if (out.gzip > 0) out.kind = Compression::kGzip;
  if (out.zstd > 0) out.kind = Compression::kZstd;
  return true;
}

const Spec<FileSinkSpec>& FileSinkSpec::Describe() {
  static const Spec<FileSinkSpec> spec(
      "files", "Writes files. Each appears whole with the checkpoint after it is done.",
      {Optional("connection", &FileSinkSpec::connection,
                "Name of a connection to S3. Left out: a folder of the machine."),
       Required("path", &FileSinkSpec::path, "The folder of the files, or what keys begin with.",
                NotEmpty),
       Optional("partition_by", &FileSinkSpec::partition_by,
                "Columns that name folders (name=value) and leave the files."),
       Optional("roll", &FileSinkSpec::roll, "When a file is done."),
       Optional("compression", &FileSinkSpec::compression,
                "How files are packed: none, gzip or zstd, or { gzip: LEVEL }.")},
      "files: { path: out, partition_by: [dt], roll: { every: 1m }, compression: gzip }");
  return spec;
}

Result<std::unique_ptr<Landing>> MakeLanding(const FileSinkPlanned& plan) {
  if (!plan.bucket) {
    return std::unique_ptr<Landing>(std::make_unique<FolderLanding>(plan.root, LocalDisk()));
  }
  return std::unique_ptr<Landing>(std::make_unique<BucketLanding>(
      WEIR_TRY(plan.bucket->Open()), plan.root, static_cast<uint64_t>(plan.spec.roll.size.bytes)));
}

namespace {

/// Where files land, for people.
std::string PlaceOf(const FileSinkPlanned& plan) {
  return plan.bucket ? fmt::format("s3://{}/{}", plan.bucket->bucket, plan.root) : plan.root;
}

class FileSinkPlan final : public SinkPlan {
 public:
  explicit FileSinkPlan(FileSinkPlanned plan) : plan_(std::move(plan)) {}

  std::string Describe() const override {
    std::string text = fmt::format(
        "files in {} ({})", plan_.bucket ? PlaceOf(plan_) : plan_.spec.path, plan_.format->name());
    if (!plan_.spec.partition_by.empty()) {
      text += fmt::format(", by {}", fmt::join(plan_.spec.partition_by, ", "));
    }
    return text;
  }

  Status Check(const ConnectorContext& context) const override {
    const std::string name = NameBegin(plan_, context) + "probe-" + std::string(RandomId(), 0, 12);
    if (plan_.bucket) {
      return WEIR_TRY(MakeLanding(plan_))
          ->Check(name)
          .WithContext(fmt::format("sink '{}' cannot write to {}", plan_.sink, PlaceOf(plan_)));
    }
    const Status usable = WEIR_TRY(MakeLanding(plan_))->Check(name);
    if (usable.ok()) return usable;
    return Status(
        errors::kFolderUnusable,
        fmt::format("sink '{}' cannot write to '{}': {}", plan_.sink, plan_.root, usable.message()),
        "check the path and the rights; relative paths count from the job's folder");
  }
  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext& context,
                                                 uint32_t task) const override {
    std::unique_ptr<Encoder> encoder = WEIR_TRY(plan_.encoding->MakeEncoder(context.Codec()));
    return std::unique_ptr<SinkWriter>(std::make_unique<FileSinkWriter>(
        plan_, context, task, std::move(encoder), WEIR_TRY(MakeLanding(plan_))));
  }
  std::shared_ptr<const SourcePlan> Readback() const override {
    // What stands in folders' names only is in no record.
    auto decoding = plan_.encoding->Readback();
    if (!plan_.partition_columns.empty() || decoding == nullptr) return nullptr;
    return FilesBelow(plan_.root, plan_.bucket, *plan_.format, std::move(decoding));
  }
  Result<std::unique_ptr<SinkPublisher>> MakePublisher(const ConnectorContext& context,
                                                       uint32_t lane) const override {
    return std::unique_ptr<SinkPublisher>(
        std::make_unique<FileSinkPublisher>(plan_, context, lane, WEIR_TRY(MakeLanding(plan_))));
  }

 private:
  const FileSinkPlanned plan_;
};

/// Whether a prefix of keys is one that others see the same way: no empty, `.` or `..` names.
bool IsPrefix(std::string_view path) {
  return !path.empty() && ("/" + std::string(path) + "/").find("//") == std::string::npos &&
         ("/" + std::string(path) + "/").find("/./") == std::string::npos &&
         ("/" + std::string(path) + "/").find("/../") == std::string::npos;
}

bool ChoosePlace(const NodeContext& node, FileSinkPlanned& plan, Diagnostics& diagnostics) {
  std::string path = plan.spec.path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (plan.spec.connection.empty()) {
    plan.root = PathIn(node.folder, path);
    return true;
  }
  plan.bucket = ReadS3Connection(node, plan.spec.connection, diagnostics);
  if (!plan.bucket) return false;
  plan.root = path;
  if (IsPrefix(path)) return true;
  diagnostics.Error(errors::kConnectorOption, node.options->Find("path")->place(),
                    fmt::format("'{}' is no place in a bucket", plan.spec.path),
                    "write names with '/' between them: raw/clicks");
  return false;
}

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
  if (!ChoosePlace(node, plan, diagnostics)) return nullptr;
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
