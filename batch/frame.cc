#include "batch/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "batch/errors.h"
#include "batch/key.h"

namespace weir {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are what lies in memory");

constexpr uint8_t kVersion = 1;
constexpr uint8_t kHasTimes = 1;
constexpr uint8_t kHasOrigins = 2;

bool HasOffsets(const Type& type) {
  return type.IsText() || type.Is(TypeKind::kList) || type.Is(TypeKind::kMap);
}

template <typename T>
void Append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

/// Writes the rows [begin, end) of columns.
class Encoder {
 public:
  void AddColumn(const Column& column, size_t begin, size_t end) {
    const bool nulls = HasNull(column, begin, end);
    Append<uint8_t>(frame_.header, nulls);
    if (nulls) Add(column.validity().subspan(begin, end - begin));
    if (const size_t width = column.type().width(); width > 0) AddValues(column, width, begin, end);
    if (!HasOffsets(column.type())) {
      for (const ColumnPtr& child : column.children()) AddColumn(*child, begin, end);
      return;
    }
    const std::span<const uint32_t> offsets = column.offsets().subspan(begin, end - begin + 1);
    const uint32_t first = offsets.front();
    const uint32_t last = offsets.back();
    Append<uint32_t>(frame_.header, last - first);
    Add(offsets);
    if (column.type().IsText()) Add(column.bytes().substr(first, last - first));
    for (const ColumnPtr& child : column.children()) AddColumn(*child, first, last);
  }

  template <typename T>
  void Add(std::span<const T> values) {
    if (!values.empty()) frame_.buffers.push_back(std::as_bytes(values));
  }
  void Add(std::string_view text) { Add(std::span<const char>(text.data(), text.size())); }

  BatchFrame& frame() { return frame_; }

 private:
  static bool HasNull(const Column& column, size_t begin, size_t end) {
    return column.has_nulls() && begin < end &&
           std::memchr(column.validity().data() + begin, 0, end - begin) != nullptr;
  }
  void AddValues(const Column& column, size_t width, size_t begin, size_t end) {
    const auto add = [&](auto values) { Add(values.subspan(begin, end - begin)); };
    switch (width) {
      case 1:
        return add(column.values<uint8_t>());
      case 4:
        return add(column.values<uint32_t>());
      case 8:
        return add(column.values<uint64_t>());
      default:
        return add(column.values<Int128>());
    }
  }

  BatchFrame frame_;
};

/// What the header says of a column.
struct Shape {
  size_t rows = 0;
  bool nulls = false;
  uint32_t extent = 0;  ///< Bytes of a text's values, elements of a list or map.
  std::vector<Shape> children;
};

class Decoder {
 public:
  Decoder(FrameBytes bytes, const SchemaPtr& schema)
      : whole_(bytes.left()), bytes_(bytes), schema_(schema) {}

  Result<BatchPtr> ReadBatch() {
    uint8_t version = 0;
    uint8_t flags = 0;
    uint32_t rows = 0;
    if (!bytes_.Read(version) || !bytes_.Read(flags) || !bytes_.Read(rows))
      return Fault("it ends early");
    if (version != kVersion) return Fault(fmt::format("its version is {}", version));
    if ((flags & ~(kHasTimes | kHasOrigins)) != 0) return Fault("it has flags that nobody sets");
    if (rows > kMostFrameRows) return Fault(fmt::format("it claims {} rows", rows));
    std::vector<Shape> shapes(schema_->size());
    for (size_t i = 0; i < shapes.size(); i++) {
      field_ = &(*schema_)[i].name;
      WEIR_TRY(ReadShape((*schema_)[i].type, rows, shapes[i]));
    }
    field_ = nullptr;
    Batch::Origins origins;
    if ((flags & kHasOrigins) != 0) origins = WEIR_TRY(ReadOrigins(rows));
    Batch::Times times;
    if ((flags & kHasTimes) != 0) times = WEIR_TRY(ReadTimes(rows));
    std::vector<ColumnPtr> columns;
    columns.reserve(shapes.size());
    for (size_t i = 0; i < shapes.size(); i++) {
      field_ = &(*schema_)[i].name;
      columns.push_back(WEIR_TRY(ReadColumn((*schema_)[i].type, shapes[i])));
    }
    field_ = nullptr;
    if (bytes_.left() > 0) return Fault("bytes follow its last column");
    return {std::make_shared<const Batch>(schema_, rows, std::move(columns), std::move(times),
                                          std::move(origins))};
  }

 private:
  Status Fault(std::string_view what) const {
    const std::string place = field_ ? fmt::format("column '{}' of ", *field_) : "";
    return Status(errors::kBadFrame,
                  fmt::format("{}a batch from another worker cannot be read: {}", place, what),
                  "the job restarts from its last checkpoint; if this comes again, see that all "
                  "workers are of one version, and report it");
  }

  Status ReadShape(const Type& type, size_t rows, Shape& shape) {
    uint8_t nulls = 0;
    shape.rows = rows;
    if (!bytes_.Read(nulls)) return Fault("it ends early");
    if (nulls > 1) return Fault("a flag is neither 0 nor 1");
    shape.nulls = nulls == 1;
    size_t inside = rows;
    if (HasOffsets(type)) {
      if (!bytes_.Read(shape.extent)) return Fault("it ends early");
      // Each byte and each element takes a byte of the frame at least.
      if (shape.extent > whole_) return Fault("it claims more than it has");
      inside = shape.extent;
    }
    shape.children.resize(type.children().size());
    for (size_t i = 0; i < shape.children.size(); i++) {
      WEIR_TRY(ReadShape(type.children()[i].type, inside, shape.children[i]));
    }
    return Status::Ok();
  }

  Result<Batch::Origins> ReadOrigins(size_t rows) {
    if (bytes_.left() / (sizeof(int32_t) + sizeof(int64_t)) < rows) return Fault("it ends early");
    auto origins = std::make_shared<std::vector<Origin>>(rows);
    for (Origin& origin : *origins) (void)bytes_.Read(origin.partition);
    for (Origin& origin : *origins) (void)bytes_.Read(origin.offset);
    return Batch::Origins(std::move(origins));
  }

  Result<Batch::Times> ReadTimes(size_t rows) {
    if (bytes_.left() / sizeof(EventTime) < rows) return Fault("it ends early");
    auto times = std::make_shared<std::vector<EventTime>>(rows);
    (void)bytes_.Read(times->data(), rows * sizeof(EventTime));
    return Batch::Times(std::move(times));
  }

  Result<ColumnPtr> ReadColumn(const Type& type, const Shape& shape) {
    Column::Parts parts;
    parts.type = type;
    parts.size = shape.rows;
    if (shape.nulls && !bytes_.AppendTo(parts.validity, shape.rows)) return Fault("it ends early");
    if (!bytes_.AppendTo(parts.values, shape.rows * type.width())) return Fault("it ends early");
    WEIR_TRY(CheckFlags(type, parts));
    if (HasOffsets(type)) WEIR_TRY(ReadOffsets(shape, parts.offsets));
    if (type.IsText() && !bytes_.AppendTo(parts.bytes, shape.extent)) return Fault("it ends early");
    for (size_t i = 0; i < shape.children.size(); i++) {
      parts.children.push_back(WEIR_TRY(ReadColumn(type.children()[i].type, shape.children[i])));
    }
    return ColumnPtr(std::make_shared<const Column>(std::move(parts)));
  }

  /// Validity and booleans are 0 or 1, and a column of nulls has nothing else.
  Status CheckFlags(const Type& type, const Column::Parts& parts) const {
    uint8_t seen = 0;
    for (const uint8_t there : parts.validity) seen |= there;
    if (seen > 1) return Fault("its validity is neither 0 nor 1");
    if (type.Is(TypeKind::kNull) && parts.size > 0 && (parts.validity.empty() || seen != 0)) {
      return Fault("a value of type null is there");
    }
    if (type.Is(TypeKind::kBool)) {
      // What stands at a null is anything.
      seen = 0;
      for (size_t i = 0; i < parts.size; i++) {
        const auto value = static_cast<uint8_t>(parts.values[i]);
        seen |= parts.validity.empty() || parts.validity[i] != 0 ? value : 0;
      }
      if (seen > 1) return Fault("a bool is neither 0 nor 1");
    }
    return Status::Ok();
  }

  Status ReadOffsets(const Shape& shape, std::vector<uint32_t>& offsets) {
    const size_t count = shape.rows + 1;
    if (bytes_.left() / sizeof(uint32_t) < count) return Fault("it ends early");
    offsets.resize(count);
    (void)bytes_.Read(offsets.data(), count * sizeof(uint32_t));
    bool falls = false;
    for (size_t i = 1; i < count; i++) falls |= offsets[i] < offsets[i - 1];
    if (falls) return Fault("its offsets fall");
    const uint32_t first = offsets.front();
    if (offsets.back() - first != shape.extent) {
      return Fault("its offsets do not end where its values do");
    }
    if (first != 0) {
      for (uint32_t& offset : offsets) offset -= first;
    }
    return Status::Ok();
  }

  const size_t whole_;
  FrameBytes bytes_;
  const SchemaPtr& schema_;
  const std::string* field_ = nullptr;
};

}  // namespace

size_t BatchFrame::bytes() const {
  size_t sum = header.size();
  for (const std::span<const std::byte>& buffer : buffers) sum += buffer.size();
  return sum;
}

BatchFrame EncodeBatch(const Batch& batch, size_t begin, size_t end) {
  WEIR_CHECK(begin <= end && end <= batch.rows() && end - begin <= kMostFrameRows);
  const size_t rows = end - begin;
  Encoder encoder;
  std::string& header = encoder.frame().header;
  Append<uint8_t>(header, kVersion);
  Append<uint8_t>(header, static_cast<uint8_t>((batch.times() ? kHasTimes : 0) |
                                               (batch.origins() ? kHasOrigins : 0)));
  Append(header, static_cast<uint32_t>(rows));
  if (batch.times()) encoder.Add(std::span<const EventTime>(*batch.times()).subspan(begin, rows));
  for (const ColumnPtr& column : batch.columns()) encoder.AddColumn(*column, begin, end);
  if (batch.origins()) {
    // Copied: in memory there is a hole in each, with whatever lies in it.
    const auto origins = std::span<const Origin>(*batch.origins()).subspan(begin, rows);
    header.reserve(header.size() + rows * (sizeof(int32_t) + sizeof(int64_t)));
    for (const Origin& origin : origins) Append(header, origin.partition);
    for (const Origin& origin : origins) Append(header, origin.offset);
  }
  return std::move(encoder.frame());
}

std::vector<RowRange> CutForFrames(const Batch& batch, size_t most_bytes) {
  std::vector<RowRange> ranges;
  if (batch.rows() == 0) return {RowRange{}};
  const size_t parts = batch.MemoryBytes() / most_bytes + 1;
  const size_t step = std::min(kMostFrameRows, (batch.rows() + parts - 1) / parts);
  std::vector<RowRange> open;  // The next one last.
  for (size_t begin = 0; begin < batch.rows(); begin += step) {
    open.push_back({begin, std::min(begin + step, batch.rows())});
    while (!open.empty()) {
      const RowRange range = open.back();
      open.pop_back();
      const size_t rows = range.end - range.begin;
      if (rows == 1 || EncodeBatch(batch, range.begin, range.end).bytes() <= most_bytes) {
        ranges.push_back(range);
        continue;
      }
      open.push_back({range.begin + rows / 2, range.end});
      open.push_back({range.begin, range.begin + rows / 2});
    }
  }
  return ranges;
}

FrameBytes::FrameBytes(std::span<const Piece> pieces) : pieces_(pieces) {
  for (const Piece& piece : pieces) left_ += piece.size();
  Skip(0);
}

FrameBytes::Piece FrameBytes::Front(size_t most) const {
  return pieces_.front().subspan(at_, std::min(most, pieces_.front().size() - at_));
}

void FrameBytes::Skip(size_t size) {
  // The first piece is never an empty one.
  left_ -= size;
  at_ += size;
  while (!pieces_.empty() && at_ >= pieces_.front().size()) {
    at_ -= pieces_.front().size();
    pieces_ = pieces_.subspan(1);
  }
}

bool FrameBytes::Read(void* to, size_t size) {
  if (size > left_) return false;
  auto* out = static_cast<std::byte*>(to);
  while (size > 0) {
    const Piece piece = Front(size);
    std::memcpy(out, piece.data(), piece.size());
    out += piece.size();
    Skip(piece.size());
    size -= piece.size();
  }
  return true;
}

FrameBytes FrameBytes::Cut(size_t size) {
  WEIR_CHECK(size <= left_);
  FrameBytes cut = *this;
  cut.left_ = size;
  Skip(size);
  return cut;
}

Result<BatchPtr> DecodeBatch(FrameBytes bytes, const SchemaPtr& schema) {
  return Decoder(bytes, schema).ReadBatch();
}

uint64_t Fingerprint(const Schema& schema) { return HashBytes(schema.ToString()); }

}  // namespace weir
