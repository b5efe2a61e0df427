#include "formats/avro_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "batch/utf8.h"
#include "formats/avro_number.h"
#include "formats/avro_sinks.h"
#include "formats/avro_uuid.h"
#include "formats/errors.h"

namespace weir {
namespace {

/// Columns of a batch.
struct Row {
  BatchBuilder* out;
  ColumnBuilder& column(size_t i) const { return out->column(i); }
};
/// Fields of a struct.
struct Fields {
  ColumnBuilder* out;
  ColumnBuilder& column(size_t i) const { return out->child(i); }
};

/// Most texts are short and plain.
[[gnu::always_inline]] inline bool IsText(std::string_view text) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  const size_t size = text.size();
  if (size >= 8) {
    uint64_t all = 0;
    uint64_t word = 0;
    std::memcpy(&all, text.data() + size - 8, 8);
    for (size_t i = 0; i + 8 < size; i += 8) {
      std::memcpy(&word, text.data() + i, 8);
      all |= word;
    }
    return (all & kHigh) == 0 || IsUtf8(text);
  }
  char all = 0;
  for (char c : text) all = static_cast<char>(all | c);
  return all >= 0 || IsUtf8(text);
}

}  // namespace

void AvroRun::Begin(std::string_view payload) {
  cursor_ = AvroCursor(payload);
  depth_ = 0;
  empty_elements_ = 0;
}

bool AvroRun::End() {
  if (cursor_.left() == 0) return true;
  path_.clear();
  return Refuse(errors::kMalformedRecord,
                fmt::format("not a record of this schema: {} bytes are left behind its last field",
                            cursor_.left()));
}

bool AvroRun::Record(const std::vector<AvroStep>& steps, std::string_view payload,
                     BatchBuilder& out) {
  Begin(payload);
  return Steps(steps, Row{&out}) && End();
}
bool AvroRun::Value(const AvroNode& node, std::string_view payload, ColumnBuilder& out) {
  Begin(payload);
  return Read(node, out) && End();
}
bool AvroRun::Json(const AvroNode& node, std::string_view payload, std::string& out) {
  Begin(payload);
  return ReadJson(node, out) && End();
}

bool AvroRun::Refuse(const ErrorCode& code, std::string reason) {
  path_.clear();
  code_ = &code;
  reason_ = std::move(reason);
  return false;
}
bool AvroRun::Torn() {
  return Refuse(errors::kMalformedRecord,
                fmt::format("not a record of this schema: {}", cursor_.fault()));
}
bool AvroRun::Wrong(std::string reason) { return Refuse(errors::kWrongValue, std::move(reason)); }
bool AvroRun::Within(std::string_view name) {
  const bool joined = path_.empty() || path_[0] == '[';
  path_.insert(0, joined ? std::string(name) : std::string(name) + ".");
  return false;
}

bool AvroRun::Branch(size_t count, size_t& branch) {
  int64_t number = 0;
  if (!cursor_.ReadLong(number)) return Torn();
  branch = static_cast<size_t>(number);
  return branch < count || Refuse(errors::kMalformedRecord,
                                  fmt::format("not a record of this schema: branch {} of a union "
                                              "of {}",
                                              number, count));
}

template <typename Target>
bool AvroRun::Steps(const std::vector<AvroStep>& steps, Target target) {
  using Do = AvroStep::Do;
  for (const AvroStep& step : steps) {
    bool good = true;
    switch (step.what) {
      case Do::kSkipLongs:
        for (size_t i = 0; i < step.count && good; i++) good = cursor_.SkipLong();
        good = good || Torn();
        break;
      case Do::kSkipBytes:
        good = cursor_.SkipBytes(step.count) || Torn();
        break;
      case Do::kSkipText:
        good = cursor_.SkipText() || Torn();
        break;
      case Do::kSkipNullableText: {
        size_t branch = 0;
        good = Branch(2, branch);
        if (good && branch != step.count) good = cursor_.SkipText() || Torn();
        break;
      }
      case Do::kReadNullableText: {
        size_t branch = 0;
        good = Branch(2, branch);
        if (!good) break;
        if (branch == step.count) {
          target.column(step.column).AppendNull();
          break;
        }
      }
        [[fallthrough]];
      case Do::kReadText: {
        std::string_view text;
        good = cursor_.ReadText(text) || Torn();
        if (!good) break;
        good = IsText(text) || Wrong("expected a string, got what is not UTF-8");
        if (good) target.column(step.column).AppendText(text);
        break;
      }
      case Do::kReadLong: {
        int64_t value = 0;
        good = cursor_.ReadLong(value) || Torn();
        if (good) target.column(step.column).Append(value);
        break;
      }
      case Do::kReadInt: {
        int64_t value = 0;
        good = cursor_.ReadInt(value) || Torn();
        if (good) target.column(step.column).Append(static_cast<int32_t>(value));
        break;
      }
      case Do::kRead:
        good = Read(*step.node, target.column(step.column));
        break;
      default:
        if (!Rare(step, target)) return false;
    }
    if (!good) [[unlikely]]
      return Within(step.name);
  }
  return true;
}

template <typename Target>
bool AvroRun::Rare(const AvroStep& step, Target target) {
  using Do = AvroStep::Do;
  switch (step.what) {
    case Do::kSkip:
      return Skip(*step.writer) || Within(step.name);
    case Do::kPeek: {
      const char* const begin = cursor_.position();
      if (!Steps(step.branches[0], target)) return false;
      cursor_.Rewind(begin);
      return true;
    }
    case Do::kBranch: {
      size_t branch = 0;
      if (!Branch(step.branches.size(), branch)) return Within(step.name);
      return Steps(step.branches[branch], target);
    }
    case Do::kNull:
      target.column(step.column).AppendNull();
      return true;
    case Do::kDefault:
      target.column(step.column).AppendFrom(*step.value, 0);
      return true;
    case Do::kFault:
      Refuse(errors::kAvroResolution, step.node->fault);
      return Within(step.name);
    default:
      WEIR_CHECK(false, "a step that is not rare");
  }
}

template <typename Each>
bool AvroRun::Items(bool empty, const Each& each) {
  uint64_t count = 0;
  int64_t size = 0;
  size_t place = 0;
  for (;;) {
    if (!cursor_.ReadBlock(count, size)) return Torn();
    if (count == 0) return true;
    if (empty) {
      empty_elements_ += std::min(count, kMostEmptyElements + 1);
      if (empty_elements_ > kMostEmptyElements) {
        return Refuse(errors::kMalformedRecord,
                      fmt::format("more than {} elements of no bytes", kMostEmptyElements));
      }
    }
    // Every other element takes a byte at least, so this ends with the bytes.
    for (; count > 0; count--, place++) {
      if (!each()) return Within(fmt::format("[{}]", place));
    }
  }
}

bool AvroRun::Read(const AvroNode& node, ColumnBuilder& out) {
  switch (node.source) {
    case AvroSource::kNull:
      out.AppendNull();
      return true;
    case AvroSource::kUnion: {
      size_t branch = 0;
      return Branch(node.parts.size(), branch) && Read(*node.parts[branch], out);
    }
    case AvroSource::kArray:
      return ReadArray(node, out);
    case AvroSource::kMap:
      return ReadMap(node, out);
    case AvroSource::kRecord:
      if (!Steps(node.steps, Fields{&out})) return false;
      out.AppendNested();
      return true;
    case AvroSource::kJson: {
      std::string text;
      if (!ReadJson(*node.parts[0], text)) return false;
      if (text == "null") {
        out.AppendNull();
      } else {
        out.AppendText(text);
      }
      return true;
    }
    default: {
      AvroColumnSink sink{out};
      return Scalar(node, sink);
    }
  }
}

bool AvroRun::ReadArray(const AvroNode& node, ColumnBuilder& out) {
  ColumnBuilder& elements = out.child(0);
  if (!Items(node.writer->parts[0]->empty, [&] { return Read(*node.parts[0], elements); })) {
    return false;
  }
  out.AppendNested();
  return true;
}

bool AvroRun::ReadMap(const AvroNode& node, ColumnBuilder& out) {
  const auto entry = [&] {
    std::string_view key;
    if (!cursor_.ReadText(key)) return Torn();
    if (!IsText(key)) return Wrong("expected a string, got what is not UTF-8");
    out.child(0).AppendText(key);
    return Read(*node.parts[0], out.child(1));
  };
  if (!Items(false, entry)) return false;
  out.AppendNested();
  return true;
}

bool AvroRun::ReadJson(const AvroNode& node, std::string& out) {
  if (out.size() > kLongestAvroJson) {
    return Wrong(fmt::format("longer than {} bytes as json", kLongestAvroJson));
  }
  switch (node.source) {
    case AvroSource::kNull:
      out += "null";
      return true;
    case AvroSource::kUnion: {
      size_t branch = 0;
      return Branch(node.parts.size(), branch) && ReadJson(*node.parts[branch], out);
    }
    case AvroSource::kArray:
    case AvroSource::kMap:
    case AvroSource::kRecord: {
      if (++depth_ > kDeepestAvroRecord) {
        return Refuse(errors::kDeepRecord,
                      fmt::format("nested deeper than {} levels", kDeepestAvroRecord));
      }
      const bool good =
          node.source == AvroSource::kRecord ? ReadJsonRecord(node, out) : ReadJsonItems(node, out);
      depth_--;
      return good;
    }
    default: {
      AvroJsonSink sink{out};
      return Scalar(node, sink);
    }
  }
}

bool AvroRun::ReadJsonItems(const AvroNode& node, std::string& out) {
  const bool is_map = node.source == AvroSource::kMap;
  char before = is_map ? '{' : '[';
  const auto item = [&] {
    out += before;
    before = ',';
    if (is_map) {
      std::string_view key;
      if (!cursor_.ReadText(key)) return Torn();
      if (!IsText(key)) return Wrong("expected a string, got what is not UTF-8");
      AppendJsonString(out, key);
      out += ':';
    }
    return ReadJson(*node.parts[0], out);
  };
  if (!Items(!is_map && node.writer->parts[0]->empty, item)) return false;
  if (before != ',') out += before;
  out += is_map ? '}' : ']';
  return true;
}

/// In the reader's order, whatever the writer's was: equal values are equal texts.
bool AvroRun::ReadJsonRecord(const AvroNode& node, std::string& out) {
  std::vector<const char*> begins;
  begins.reserve(node.writer->fields.size());
  for (const AvroField& field : node.writer->fields) {
    begins.push_back(cursor_.position());
    if (!Skip(*field.type)) return Within(field.name);
  }
  const char* const end = cursor_.position();
  char before = '{';
  for (const AvroNode::JsonField& field : node.json_fields) {
    out += before;
    before = ',';
    out += field.name;
    if (field.written < 0) {
      out += field.otherwise;
      continue;
    }
    const auto place = static_cast<size_t>(field.written);
    cursor_.Rewind(begins[place]);
    if (!ReadJson(*field.node, out)) return Within(node.writer->fields[place].name);
  }
  if (before != ',') out += before;
  out += '}';
  cursor_.Rewind(end);
  return true;
}

template <typename Sink>
bool AvroRun::Scalar(const AvroNode& node, Sink& sink) {
  int64_t value = 0;
  std::string_view text;
  switch (node.source) {
    case AvroSource::kBoolean:
      if (!cursor_.ReadBytes(1, text)) return Torn();
      if (static_cast<uint8_t>(text[0]) > 1) {
        return Refuse(errors::kMalformedRecord,
                      "not a record of this schema: a boolean that is neither 0 nor 1");
      }
      sink.Boolean(text[0] == 1);
      return true;
    case AvroSource::kInt:
      return cursor_.ReadInt(value) ? PutNumber(node, value, sink) : Torn();
    case AvroSource::kLong:
      return cursor_.ReadLong(value) ? PutNumber(node, value, sink) : Torn();
    case AvroSource::kFloat: {
      float floating = 0;
      return cursor_.ReadFloating(floating) ? PutFloating(node, floating, sink) : Torn();
    }
    case AvroSource::kDouble: {
      double floating = 0;
      return cursor_.ReadFloating(floating) ? PutFloating(node, floating, sink) : Torn();
    }
    case AvroSource::kText:
      return cursor_.ReadText(text) ? PutText(node, text, sink) : Torn();
    case AvroSource::kFixed:
      return cursor_.ReadBytes(node.size, text) ? PutText(node, text, sink) : Torn();
    case AvroSource::kEnum: {
      if (!cursor_.ReadLong(value)) return Torn();
      const auto symbol = static_cast<size_t>(value);
      if (symbol >= node.symbols.size()) {
        return Refuse(errors::kMalformedRecord,
                      fmt::format("not a record of this schema: symbol {} of {} of {}", value,
                                  node.symbols.size(), Describe(*node.writer)));
      }
      if (!node.symbols[symbol].empty()) return PutText(node, node.symbols[symbol], sink);
      return Refuse(errors::kAvroResolution,
                    fmt::format("the reader's {} has no symbol '{}', and no default",
                                Describe(*node.writer), node.writer->symbols[symbol]));
    }
    case AvroSource::kFault:
      return Refuse(errors::kAvroResolution, node.fault);
    default:
      WEIR_CHECK(false, "a nested value is no scalar");
  }
}

template <typename Sink>
bool AvroRun::PutNumber(const AvroNode& node, int64_t value, Sink& sink) {
  switch (node.store) {
    case AvroStore::kFloat:
      return PutFloating(node, static_cast<float>(value), sink);
    case AvroStore::kDouble:
      return PutFloating(node,
                         node.through_float ? static_cast<double>(static_cast<float>(value))
                                            : static_cast<double>(value),
                         sink);
    case AvroStore::kTimeOfNumber: {
      const std::optional<EventTime> time = node.times->FromNumber(value);
      if (!time) return Wrong(fmt::format("expected a timestamp, got {}", value));
      sink.Timestamp(time->us);
      return true;
    }
    default:
      break;
  }
  const int64_t told = value;
  if (__builtin_mul_overflow(value, node.multiply, &value)) {
    return Wrong(fmt::format("expected a timestamp, got {}", told));
  }
  if (node.divide != 1) value = FloorDivide(value, node.divide);
  switch (node.store) {
    case AvroStore::kInt32:
      sink.Int32(static_cast<int32_t>(value));
      return true;
    case AvroStore::kDate:
      sink.Date(static_cast<int32_t>(value));
      return true;
    case AvroStore::kTimestamp:
      sink.Timestamp(value);
      return true;
    default:
      sink.Int64(value);
      return true;
  }
}

template <typename Sink>
bool AvroRun::PutFloating(const AvroNode& node, double value, Sink& sink) {
  if (node.store == AvroStore::kFloat) {
    sink.Float(static_cast<float>(value));
  } else {
    sink.Double(value);
  }
  return true;
}

template <typename Sink>
bool AvroRun::PutText(const AvroNode& node, std::string_view text, Sink& sink) {
  switch (node.store) {
    case AvroStore::kBytes:
      sink.Bytes(text);
      return true;
    case AvroStore::kUuid:
      text_.clear();
      AppendUuid(text_, text);
      sink.String(text_);
      return true;
    case AvroStore::kDecimal: {
      Int128 value = 0;
      if (!ReadAvroDecimal(text, value) || value >= node.bound || value <= -node.bound) {
        return Wrong("expected a decimal, got one with more digits than its type has");
      }
      sink.Decimal(value, node.scale);
      return true;
    }
    case AvroStore::kTimeOfText: {
      const std::optional<EventTime> time = node.times->FromText(text);
      if (!time) return Wrong(fmt::format("expected a timestamp, got '{}'", ForMessage(text)));
      sink.Timestamp(time->us);
      return true;
    }
    case AvroStore::kDateOfText: {
      const std::optional<int32_t> days = node.times->DateFromText(text);
      if (!days) return Wrong(fmt::format("expected a date, got '{}'", ForMessage(text)));
      sink.Date(*days);
      return true;
    }
    default:
      if (!IsText(text)) return Wrong("expected a string, got what is not UTF-8");
      sink.String(text);
      return true;
  }
}

bool AvroRun::SkipItems(const AvroType& type) {
  const AvroType& item = *type.parts[0];
  const bool is_map = type.Is(AvroKind::kMap);
  uint64_t count = 0;
  int64_t size = 0;
  for (;;) {
    if (!cursor_.ReadBlock(count, size)) return Torn();
    if (count == 0) return true;
    if (size >= 0) {
      if (!cursor_.SkipBytes(static_cast<size_t>(size))) return Torn();
      continue;
    }
    if (item.empty && !is_map) continue;
    for (; count > 0; count--) {
      if (is_map && !cursor_.SkipText()) return Torn();
      if (!Skip(item)) return false;
    }
  }
}

bool AvroRun::Skip(const AvroType& type) {
  if (type.empty) return true;
  bool good = true;
  switch (type.kind) {
    case AvroKind::kNull:
      return true;
    case AvroKind::kBoolean:
      return cursor_.SkipBytes(1) || Torn();
    case AvroKind::kInt:
    case AvroKind::kLong:
    case AvroKind::kEnum:
      return cursor_.SkipLong() || Torn();
    case AvroKind::kFloat:
      return cursor_.SkipBytes(sizeof(float)) || Torn();
    case AvroKind::kDouble:
      return cursor_.SkipBytes(sizeof(double)) || Torn();
    case AvroKind::kBytes:
    case AvroKind::kString:
      return cursor_.SkipText() || Torn();
    case AvroKind::kFixed:
      return cursor_.SkipBytes(type.size) || Torn();
    case AvroKind::kUnion: {
      size_t branch = 0;
      return Branch(type.parts.size(), branch) && Skip(*type.parts[branch]);
    }
    case AvroKind::kArray:
    case AvroKind::kMap:
    case AvroKind::kRecord:
      break;
  }
  if (++depth_ > kDeepestAvroRecord) {
    return Refuse(errors::kDeepRecord,
                  fmt::format("nested deeper than {} levels", kDeepestAvroRecord));
  }
  if (type.Is(AvroKind::kRecord)) {
    for (const AvroField& field : type.fields) {
      good = Skip(*field.type);
      if (!good) return Within(field.name);
    }
  } else {
    good = SkipItems(type);
  }
  depth_--;
  return good;
}

}  // namespace weir
