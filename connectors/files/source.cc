#include "connectors/files/source.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "base/failure_log.h"
#include "base/log.h"
#include "batch/time_text.h"
#include "connectors/errors.h"
#include "connectors/files/file_names.h"
#include "connectors/files/pace.h"
#include "connectors/files/record_file.h"

namespace weir {

const Spec<ReplaySpec>& ReplaySpec::Describe() {
  static const Spec<ReplaySpec> spec(
      "replay", "Gives stored rows in the pace of a column; they must be sorted by it.",
      {Required("column", &ReplaySpec::column, "A timestamp, or an int64 in epoch milliseconds.",
                NotEmpty),
       Optional("speedup", &ReplaySpec::speedup, 1.0, "How many times faster than it was.",
                Positive)},
      "replay: { column: dropoff_datetime, speedup: 3600 }");
  return spec;
}

const Spec<FileSourceSpec>& FileSourceSpec::Describe() {
  static const Spec<FileSourceSpec> spec(
      "files", "Reads files record by record.",
      {Optional("connection", &FileSourceSpec::connection,
                "Name of a connection to S3. Left out: files of the machine."),
       Required("path", &FileSourceSpec::path,
                "A file, a pattern such as clicks/*.json.gz, or a folder.", NotEmpty),
       Optional("compression", &FileSourceSpec::compression,
                "none, gzip or zstd; by the end of each file's name (.gz, .zst) if not given."),
       Optional("replay", &FileSourceSpec::replay,
                "Gives the rows in the pace of a column, by one reader.")},
      "files: { path: clicks/*.json.gz }");
  return spec;
}

namespace {

struct FilesPlanned {
  std::string folder;
  std::optional<S3Connection> bucket;
  FileSourceSpec spec;
  const Format* format = nullptr;
  std::shared_ptr<const DecodingPlan> decoding;
  SchemaPtr schema;
  int replay_column = -1;
};

/// What a split's position holds.
struct SplitPosition {
  FilePosition file;
  ReplayPace pace;

  std::string ToText() const {
    std::string text = fmt::format("{} {} {}", file.offset, file.record, file.tail_hash);
    if (pace.begun) {
      text += fmt::format(" {} {} {}", pace.wall.us, pace.base.us, pace.last.us);
    }
    return text;
  }
  static Result<SplitPosition> Parse(std::string_view text) {
    SplitPosition position;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    bool good = true;
    const auto number = [&](auto& value) {
      if (good && at != text.data() && (at == end || *at++ != ' ')) good = false;
      const auto [next, fault] = std::from_chars(at, end, value);
      good = good && fault == std::errc();
      at = next;
    };
    number(position.file.offset);
    number(position.file.record);
    number(position.file.tail_hash);
    if (good && at != end) {
      position.pace.begun = true;
      number(position.pace.wall.us);
      number(position.pace.base.us);
      number(position.pace.last.us);
    }
    if (good && at == end) return position;
    return Status(errors::kDamagedPosition, fmt::format("'{}' is no position in a file", text));
  }
};

/// A file of the reader: closed until its turn comes.
struct FileSplit {
  std::string id;
  int32_t ordinal = 0;
  uint64_t size = 0;
  std::string tag;        // Of an object.
  FilePosition position;  // While it is not open.
  std::unique_ptr<RecordSplitter> splitter;
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<RecordFile> file;
  bool opened = false;  // And stands where the last reader stood.
  bool ended = false;
};

/// Records that were decoded and are given as their time comes; without replay at once.
struct Chunk {
  BatchPtr batch;                   // Of the decoder's columns.
  std::vector<uint64_t> ends;       // Offset behind each record.
  std::vector<uint32_t> record_of;  // Of each row.
  std::vector<RejectedRecord> rejected;
  std::vector<uint32_t> rejected_at;  // Their records.
  size_t rows_given = 0;
  size_t records_given = 0;
  size_t rejected_given = 0;
  int64_t first_number = 0;  // Number of the first record in its file.
  bool empty() const { return records_given == ends.size(); }
};

class FileReader final : public SourceReader {
 public:
  FileReader(const FilesPlanned& plan, const ConnectorContext& context, std::vector<int> wanted,
             bool origins, std::shared_ptr<S3Access> access)
      : plan_(plan),
        access_(std::move(access)),
        clock_(*context.clock),
        codec_(context.Codec()),
        given_columns_(wanted.size()),
        decoded_(std::move(wanted)),
        origins_(origins) {
    std::vector<Field> fields;
    for (int index : decoded_) fields.push_back((*plan.schema)[static_cast<size_t>(index)]);
    schema_ = std::make_shared<const Schema>(std::move(fields));
    if (plan.replay_column < 0) return;
    const auto at = std::find(decoded_.begin(), decoded_.end(), plan.replay_column);
    time_column_ = static_cast<size_t>(at - decoded_.begin());
    if (at == decoded_.end()) decoded_.push_back(plan.replay_column);
  }

  Status Add(const Split& split) override {
    const SplitPosition position = WEIR_TRY(SplitPosition::Parse(split.position));
    if (position.pace.begun && (!pace_.begun || position.pace.last > pace_.last)) {
      pace_ = position.pace;
    }
    auto added = std::make_unique<FileSplit>();
    added->id = split.id;
    added->ordinal = split.ordinal;
    added->position = position.file;
    const char* const end = split.stop.data() + split.stop.size();
    const auto [at, fault] = std::from_chars(split.stop.data(), end, added->size);
    const bool with_tag = at != end && *at == ' ';
    if (fault != std::errc() || (access_ != nullptr) != with_tag || (at != end && !with_tag)) {
      return Status(errors::kDamagedPosition,
                    fmt::format("'{}' is no length of file '{}'", split.stop, split.id));
    }
    if (with_tag) added->tag.assign(at + 1, end);
    splits_.push_back(std::move(added));
    std::stable_sort(splits_.begin(), splits_.end(),
                     [](const auto& a, const auto& b) { return a->ordinal < b->ordinal; });
    return Status::Ok();
  }

  Result<Polled> Poll(const PollRequest& request) override {
    if (plan_.replay_column >= 0) TellStatistics();
    if (current_ == nullptr || chunk_.empty()) {
      FileSplit* next = Next(request);
      if (next == nullptr) {
        std::this_thread::sleep_for(request.wait.ToChrono());
        return Polled{};
      }
      current_ = next;
      if (Status decoded = Decode(*next, request.max_rows); !decoded.ok()) {
        if (decoded.kind() != ErrorKind::kRetry) return decoded;
        return Away(*next, request, decoded);
      }
      if (const auto failures = failures_.OnSuccess()) {
        log::Info("files can be read again", {{"failures", *failures}});
      }
      if (chunk_.ends.empty()) return Finish(*next);
    }
    return Give(request);
  }

  std::map<std::string, std::string> Positions() const override {
    std::map<std::string, std::string> positions;
    for (const auto& split : splits_) {
      positions[split->id] =
          SplitPosition{split->file && split->opened ? split->file->Position() : split->position,
                        pace_}
              .ToText();
    }
    return positions;
  }

 private:
  /// The first file that is not at its end and may be read.
  FileSplit* Next(const PollRequest& request) {
    for (const auto& split : splits_) {
      if (split->ended) continue;
      // A replay keeps its order, whatever is paused.
      if (plan_.replay_column >= 0 || request.paused == nullptr ||
          !std::binary_search(request.paused->begin(), request.paused->end(), split->id)) {
        return split.get();
      }
    }
    return nullptr;
  }

  /// The service does not answer just now: the file stands where it stood.
  Polled Away(FileSplit& split, const PollRequest& request, const Status& reason) {
    if (const auto failures = failures_.OnFailure(clock_.Monotonic())) {
      log::Warn("files wait to be read", {{"failures", *failures}, {"reason", reason.ToString()}});
    }
    if (split.file && !split.opened) split.file.reset();
    current_ = nullptr;
    std::this_thread::sleep_for(request.wait.ToChrono());
    Polled polled;
    polled.split = split.id;
    polled.activity = SplitActivity::kHeld;
    return polled;
  }

  std::unique_ptr<FileBytes> BytesOf(const FileSplit& split) const {
    if (access_) return BytesOfObject(*access_, split.id, split.size, split.tag);
    return BytesOfFile(PathIn(plan_.folder, split.id), split.id, split.size);
  }

  Status Open(FileSplit& split) {
    split.opened = false;
    split.splitter = plan_.decoding->MakeSplitter();
    split.decoder = WEIR_TRY(plan_.decoding->MakeDecoder(codec_, decoded_));
    split.file =
        std::make_unique<RecordFile>(BytesOf(split), split.id, split.size,
                                     plan_.spec.compression.value_or(CompressionOfName(split.id)),
                                     *split.splitter, *split.decoder);
    WEIR_TRY(split.file->Open(split.position));
    split.opened = true;
    return Status::Ok();
  }

  Polled Finish(FileSplit& split) {
    split.position = split.file->Position();
    split.file.reset();
    split.decoder.reset();
    split.splitter.reset();
    split.ended = true;
    current_ = nullptr;
    Polled polled;
    polled.split = split.id;
    polled.activity = SplitActivity::kFinished;
    return polled;
  }

  Status Decode(FileSplit& split, size_t most) {
    chunk_ = {};
    if (!split.file) WEIR_TRY(Open(split));
    chunk_.first_number = split.file->Position().record;
    WEIR_TRY(split.file->Next(most, records_, chunk_.ends));
    if (records_.empty()) return Status::Ok();
    BatchBuilder builder(split.decoder->schema());
    std::vector<Rejection> rejections;
    WEIR_TRY(split.decoder->Decode(records_, builder, rejections));
    size_t next = 0;
    for (uint32_t i = 0; i < records_.size(); i++) {
      if (next < rejections.size() && rejections[next].record == i) {
        RejectedRecord rejected{};
        rejected.code = rejections[next].code;
        rejected.reason = std::move(rejections[next].reason);
        rejected.topic = split.id;
        rejected.offset = chunk_.first_number + i;
        rejected.value = std::string(records_[i]);
        chunk_.rejected.push_back(std::move(rejected));
        chunk_.rejected_at.push_back(i);
        next++;
      } else {
        chunk_.record_of.push_back(i);
      }
    }
    chunk_.batch = builder.Finish();
    return Status::Ok();
  }

  /// Rows of the chunk that are due, and the rejected records before and among them.
  Result<Polled> Give(const PollRequest& request) {
    size_t rows = chunk_.record_of.size();
    EventTime due = EventTime::Min();
    if (plan_.replay_column >= 0) {
      rows = WEIR_TRY(DueRows(due));
      if (rows == chunk_.rows_given && rows < chunk_.record_of.size()) {
        const Duration wait{std::min(request.wait.us, due.us - clock_.Now().us)};
        if (wait.us > 0) std::this_thread::sleep_for(wait.ToChrono());
        return Polled{};
      }
    }
    const size_t records =
        rows == chunk_.record_of.size() ? chunk_.ends.size() : chunk_.record_of[rows - 1] + 1;
    Polled polled;
    polled.split = current_->id;
    polled.records = static_cast<int64_t>(records - chunk_.records_given);
    polled.batch = Rows(chunk_.rows_given, rows);
    while (chunk_.rejected_given < chunk_.rejected.size() &&
           chunk_.rejected_at[chunk_.rejected_given] < records) {
      polled.rejected.push_back(std::move(chunk_.rejected[chunk_.rejected_given++]));
    }
    current_->file->Taken(polled.records, chunk_.ends[records - 1]);
    events_ += polled.records;
    chunk_.rows_given = rows;
    chunk_.records_given = records;
    return polled;
  }

  BatchPtr Rows(size_t begin, size_t end) {
    std::shared_ptr<std::vector<Origin>> origins;
    if (origins_) {
      origins = std::make_shared<std::vector<Origin>>();
      origins->reserve(end - begin);
      for (size_t r = begin; r < end; r++) {
        origins->push_back({current_->ordinal, chunk_.first_number + chunk_.record_of[r]});
      }
    }
    BatchPtr part = chunk_.batch;
    if (end - begin != chunk_.record_of.size()) {
      std::vector<uint32_t> rows;
      for (size_t r = begin; r < end; r++) rows.push_back(static_cast<uint32_t>(r));
      part = chunk_.batch->Take(rows);
    }
    std::vector<ColumnPtr> columns(
        part->columns().begin(),
        part->columns().begin() + static_cast<std::ptrdiff_t>(given_columns_));
    return std::make_shared<const Batch>(schema_, end - begin, std::move(columns), nullptr,
                                         std::move(origins));
  }

  /// How many rows of the chunk may have been given by now; `due` is when the next one may.
  Result<size_t> DueRows(EventTime& due) {
    const Column& times = chunk_.batch->column(time_column_);
    const bool millis = times.type().Is(TypeKind::kInt64);
    const EventTime now = clock_.Now();
    size_t r = chunk_.rows_given;
    for (; r < chunk_.record_of.size(); r++) {
      if (times.IsNull(r)) continue;
      int64_t us = times.values<int64_t>()[r];
      if (millis && __builtin_mul_overflow(us, 1000, &us)) us = std::numeric_limits<int64_t>::max();
      const EventTime time{us};
      pace_.Begin(now, time);
      if (time < pace_.last) {
        return Status(
            errors::kUnsortedReplay,
            fmt::format("file '{}', record {}: '{}' goes back from {} to {}", current_->id,
                        chunk_.first_number + chunk_.record_of[r], plan_.spec.replay->column,
                        FormatIso8601(pace_.last), FormatIso8601(time)),
            "a replay needs rows sorted by its column; sort the files first");
      }
      due = pace_.Due(time, plan_.spec.replay->speedup);
      if (due > now) return r;
      pace_.last = time;
      late_us_ = now.us - due.us;
    }
    return r;
  }

  void TellStatistics() {
    const Duration now = clock_.Monotonic();
    if (!told_) told_ = now;
    const int64_t passed = now.us - told_->us;
    if (passed < Duration::Seconds(1).us) return;
    log::Info("replay", {{"events", events_},
                         {"events_per_second", (events_ - told_events_) * 1000000 / passed},
                         {"lag_ms", late_us_ / 1000}});
    told_ = now;
    told_events_ = events_;
  }

  const FilesPlanned& plan_;
  const std::shared_ptr<S3Access> access_;  // Null: files of the machine.
  const Clock& clock_;
  const CodecContext codec_;
  const size_t given_columns_;
  std::vector<int> decoded_;
  const bool origins_;
  SchemaPtr schema_;
  size_t time_column_ = 0;
  std::vector<std::unique_ptr<FileSplit>> splits_;
  FileSplit* current_ = nullptr;
  Chunk chunk_;
  std::vector<std::string_view> records_;
  ReplayPace pace_;
  int64_t events_ = 0;
  int64_t late_us_ = 0;
  std::optional<Duration> told_;
  int64_t told_events_ = 0;
  FailureLog failures_{Duration::Seconds(10)};
};

class FileFinder final : public SplitFinder {
 public:
  explicit FileFinder(const FilesPlanned& plan) : plan_(plan) {}
  Result<std::vector<Split>> Find(const std::vector<Split>& known) override {
    if (!known.empty()) return known;
    if (plan_.bucket) return FindObjects();
    const std::vector<std::string> files = WEIR_TRY(FindFiles(plan_.folder, plan_.spec.path));
    std::vector<Split> splits;
    for (const std::string& file : files) {
      struct stat facts = {};
      if (stat(PathIn(plan_.folder, file).c_str(), &facts) != 0) {
        return Status(errors::kFileGone, fmt::format("file '{}' went away", file));
      }
      // The hash of nothing: what stands before the first record.
      splits.push_back({file, SplitPosition{}.ToText(), std::to_string(facts.st_size),
                        static_cast<int32_t>(splits.size())});
    }
    return splits;
  }

 private:
  Result<std::vector<Split>> FindObjects() const {
    const std::shared_ptr<S3Access> access = WEIR_TRY(plan_.bucket->Open());
    std::vector<Split> splits;
    for (const S3Object& object : WEIR_TRY(weir::FindObjects(*access->client, plan_.spec.path))) {
      splits.push_back({object.key, SplitPosition{}.ToText(),
                        fmt::format("{} {}", object.size, object.tag),
                        static_cast<int32_t>(splits.size())});
    }
    return splits;
  }

  const FilesPlanned& plan_;
};

class FileSourcePlan final : public SourcePlan {
 public:
  explicit FileSourcePlan(FilesPlanned plan) : plan_(std::move(plan)) {}
  const SchemaPtr& columns() const override { return plan_.schema; }
  size_t visible() const override { return plan_.schema->size(); }
  bool bounded() const override { return true; }
  std::string Describe() const override {
    std::string text = fmt::format(
        "files {}{} ({})", plan_.bucket ? fmt::format("s3://{}/", plan_.bucket->bucket) : "",
        plan_.spec.path, plan_.format->name());
    if (plan_.spec.replay) {
      text += fmt::format(", replayed by {} {} times as fast", plan_.spec.replay->column,
                          plan_.spec.replay->speedup);
    }
    return text;
  }
  Result<std::unique_ptr<SplitFinder>> MakeFinder(const ConnectorContext&) const override {
    return std::unique_ptr<SplitFinder>(std::make_unique<FileFinder>(plan_));
  }
  Result<std::unique_ptr<SourceReader>> MakeReader(const ConnectorContext& context,
                                                   const std::vector<int>& wanted,
                                                   bool origins) const override {
    std::shared_ptr<S3Access> access;
    if (plan_.bucket) access = WEIR_TRY(plan_.bucket->Open());
    return std::unique_ptr<SourceReader>(
        std::make_unique<FileReader>(plan_, context, wanted, origins, std::move(access)));
  }
  uint32_t MostTasks() const override { return plan_.spec.replay ? 1 : 0; }

 private:
  const FilesPlanned plan_;
};

}  // namespace

std::shared_ptr<const SourcePlan> PlanFileSource(const NodeContext& node,
                                                 Diagnostics& diagnostics) {
  FilesPlanned plan;
  const bool good = FileSourceSpec::Describe().Read(*node.options, diagnostics, plan.spec);
  const ChosenFormat chosen = ChooseFormat(node.format, diagnostics);
  if (chosen.format == nullptr) return nullptr;
  plan.format = chosen.format;
  FormatRequest request = node.RequestTo(chosen);
  request.stream = true;
  plan.decoding = plan.format->PlanDecoding(request, diagnostics);
  if (!good || !plan.decoding) return nullptr;
  plan.schema = plan.decoding->columns();
  plan.folder = node.folder;
  if (!plan.spec.connection.empty()) {
    plan.bucket = ReadS3Connection(node, plan.spec.connection, diagnostics);
    if (!plan.bucket) return nullptr;
  }
  if (plan.spec.replay) {
    plan.replay_column = plan.schema->Find(plan.spec.replay->column);
    const YamlNode* at = node.options->Find("replay");
    const YamlNode* name = at != nullptr ? at->Find("column") : nullptr;
    const Place& place = (name != nullptr ? *name : *node.options).place();
    if (plan.replay_column < 0) {
      diagnostics.Error(errors::kConnectorOption, place,
                        fmt::format("no column '{}' in '{}'; it has {}", plan.spec.replay->column,
                                    node.name, plan.schema->ToString()));
      return nullptr;
    }
    const Type& type = (*plan.schema)[static_cast<size_t>(plan.replay_column)].type;
    if (!type.Is(TypeKind::kTimestamp) && !type.Is(TypeKind::kInt64)) {
      diagnostics.Error(errors::kConnectorOption, place,
                        fmt::format("'{}' is {}, and a replay goes by a timestamp or an int64 in "
                                    "epoch milliseconds",
                                    plan.spec.replay->column, type.ToString()));
      return nullptr;
    }
  }
  return std::make_shared<FileSourcePlan>(std::move(plan));
}

std::shared_ptr<const SourcePlan> FilesBelow(const std::string& root,
                                             std::optional<S3Connection> bucket,
                                             const Format& format,
                                             std::shared_ptr<const DecodingPlan> decoding) {
  FilesPlanned plan;
  plan.spec.path = root;
  plan.bucket = std::move(bucket);
  plan.format = &format;
  plan.schema = decoding->columns();
  plan.decoding = std::move(decoding);
  return std::make_shared<FileSourcePlan>(std::move(plan));
}

}  // namespace weir
