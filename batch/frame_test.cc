#include "batch/frame.h"

#include <numeric>
#include <optional>
#include <random>

#include "batch/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Random = std::mt19937_64;

Type RandomType(Random& random, int depth) {
  const uint64_t kinds = depth > 0 ? 16 : 13;
  switch (const uint64_t kind = random() % kinds) {
    case 6:
      return Type::Decimal(38, 4);
    case 13:
      return Type::List(RandomType(random, depth - 1));
    case 14: {
      std::vector<Field> fields;
      for (uint64_t n = 1 + random() % 3; n > 0; n--) {
        fields.push_back({"f" + std::to_string(n), RandomType(random, depth - 1)});
      }
      return Type::Struct(std::move(fields));
    }
    case 15:
      return Type::Map(RandomType(random, depth - 1));
    default:
      return Type(static_cast<TypeKind>(kind));
  }
}

void AppendRandom(Random& random, ColumnBuilder& builder, uint64_t null_in) {
  const Type type = builder.type();
  if (type.Is(TypeKind::kNull) || (null_in > 0 && random() % null_in == 0)) {
    builder.AppendNull();
    return;
  }
  if (type.IsText()) {
    builder.AppendText(std::string(random() % 30, static_cast<char>(random())));
    return;
  }
  if (type.IsNested()) {
    const uint64_t count = type.Is(TypeKind::kStruct) ? 1 : random() % 4;
    for (size_t c = 0; c < type.children().size(); c++) {
      for (uint64_t i = 0; i < count; i++) AppendRandom(random, builder.child(c), null_in);
    }
    builder.AppendNested();
    return;
  }
  switch (type.width()) {
    case 1:
      return builder.AppendBool(random() % 2 == 0);
    case 4:
      return builder.Append(static_cast<uint32_t>(random()));
    case 8:
      return builder.Append(static_cast<uint64_t>(random()));
    default:
      return builder.Append(static_cast<Int128>(random()) * static_cast<int64_t>(random()));
  }
}

SchemaPtr RandomSchema(Random& random) {
  std::vector<Field> fields;
  for (uint64_t n = random() % 6; n > 0; n--) {
    fields.push_back({"c" + std::to_string(n), RandomType(random, 3)});
  }
  return std::make_shared<const Schema>(std::move(fields));
}

BatchPtr RandomBatch(Random& random, const SchemaPtr& schema, size_t rows) {
  BatchBuilder builder(schema);
  const uint64_t null_in = random() % 4;
  for (size_t row = 0; row < rows; row++) {
    for (size_t c = 0; c < schema->size(); c++) AppendRandom(random, builder.column(c), null_in);
  }
  if (schema->size() == 0) builder.AddBareRows(rows);
  std::shared_ptr<std::vector<EventTime>> times;
  if (random() % 2 == 0) {
    times = std::make_shared<std::vector<EventTime>>();
    for (size_t row = 0; row < rows; row++) times->push_back({static_cast<int64_t>(random())});
  }
  std::shared_ptr<std::vector<Origin>> origins;
  if (random() % 2 == 0) {
    origins = std::make_shared<std::vector<Origin>>();
    for (size_t row = 0; row < rows; row++) {
      origins->push_back({static_cast<int32_t>(random()), static_cast<int64_t>(random())});
    }
  }
  return builder.Finish(std::move(times), std::move(origins));
}

bool Same(const Column& a, const Column& b) {
  if (!(a.type() == b.type()) || a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (a.IsNull(i) != b.IsNull(i)) return false;
  }
  if (a.type().width() > 0) {
    const auto value = [width = a.type().width()](const Column& column, size_t i) {
      const void* values = width == 1   ? static_cast<const void*>(column.values<uint8_t>().data())
                           : width == 4 ? static_cast<const void*>(column.values<uint32_t>().data())
                           : width == 8 ? static_cast<const void*>(column.values<uint64_t>().data())
                                        : static_cast<const void*>(column.values<Int128>().data());
      return std::string(static_cast<const char*>(values) + i * width, width);
    };
    for (size_t i = 0; i < a.size(); i++) {
      if (!a.IsNull(i) && value(a, i) != value(b, i)) return false;
    }
  }
  if (!std::equal(a.offsets().begin(), a.offsets().end(), b.offsets().begin(), b.offsets().end()) ||
      a.bytes() != b.bytes() || a.children().size() != b.children().size()) {
    return false;
  }
  for (size_t c = 0; c < a.children().size(); c++) {
    if (!Same(*a.child(c), *b.child(c))) return false;
  }
  return true;
}

bool Same(const Batch& a, const Batch& b) {
  if (a.rows() != b.rows() || a.columns().size() != b.columns().size()) return false;
  if (!a.times() != !b.times() || (a.times() && *a.times() != *b.times())) return false;
  if (!a.origins() != !b.origins() || (a.origins() && *a.origins() != *b.origins())) return false;
  for (size_t c = 0; c < a.columns().size(); c++) {
    if (!Same(a.column(c), b.column(c))) return false;
  }
  return true;
}

std::string Flat(const BatchFrame& frame) {
  std::string bytes = frame.header;
  for (const auto& buffer : frame.buffers) {
    bytes.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
  }
  return bytes;
}

/// Decodes from pieces of random lengths, each a buffer of its own so that a sanitizer sees its
/// ends.
Result<BatchPtr> Decode(Random& random, std::string_view bytes, const SchemaPtr& schema) {
  std::vector<std::vector<std::byte>> owned;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), random() % 200);
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    owned.emplace_back(data, data + size);
    bytes.remove_prefix(size);
  }
  const std::vector<FrameBytes::Piece> pieces(owned.begin(), owned.end());
  return DecodeBatch(FrameBytes(pieces), schema);
}

/// Reads every value of a column: a sanitizer sees where it is not sound.
size_t Touch(const ColumnPtr& column) {
  std::vector<uint32_t> rows(column->size());
  std::iota(rows.begin(), rows.end(), 0);
  return Take(column, rows)->MemoryBytes();
}

/// Soundness of what was decoded from anything.
void RequireSound(const Batch& batch, size_t frame_bytes) {
  size_t touched = 0;
  for (const ColumnPtr& column : batch.columns()) touched += Touch(column);
  REQUIRE(touched <= 4 * frame_bytes + 64);
}

TEST_CASE("a batch of any type comes out of a frame as it went in") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 400; round++) {
    const SchemaPtr schema = RandomSchema(random);
    const size_t rows = round % 8 == 0 ? 0 : random() % 60;
    const BatchPtr batch = RandomBatch(random, schema, rows);
    INFO(schema->ToString());
    const size_t begin = random() % 2 == 0 ? 0 : random() % (rows + 1);
    const size_t end = random() % 2 == 0 ? rows : begin + random() % (rows - begin + 1);
    const BatchFrame frame = EncodeBatch(*batch, begin, end);
    const std::string bytes = Flat(frame);
    REQUIRE(bytes.size() == frame.bytes());
    const Result<BatchPtr> decoded = Decode(random, bytes, schema);
    if (!decoded.ok()) FAIL(decoded.status().ToString());
    std::vector<uint32_t> range(end - begin);
    std::iota(range.begin(), range.end(), static_cast<uint32_t>(begin));
    REQUIRE(Same(**decoded, *batch->Take(range)));
    REQUIRE((*decoded)->schema() == schema);
  }
}

TEST_CASE("a frame copies nothing of a batch's columns") {
  const auto schema = std::make_shared<const Schema>(
      std::vector<Field>{{"n", TypeKind::kInt64}, {"s", TypeKind::kString}});
  BatchBuilder builder(schema);
  for (int64_t i = 0; i < 10; i++) {
    builder.column(0).Append(i);
    builder.column(1).AppendText("abc");
  }
  const BatchPtr batch = builder.Finish();
  const BatchFrame frame = EncodeBatch(*batch, 2, 9);
  REQUIRE(frame.buffers.size() == 3);
  const auto* numbers =
      reinterpret_cast<const std::byte*>(batch->column(0).values<int64_t>().data());
  CHECK(frame.buffers[0].data() == numbers + 2 * 8);
  CHECK(frame.buffers[1].data() ==
        reinterpret_cast<const std::byte*>(batch->column(1).offsets().data() + 2));
  CHECK(frame.buffers[2].data() ==
        reinterpret_cast<const std::byte*>(batch->column(1).bytes().data()) + 6);
  CHECK(frame.buffers[2].size() == 21);
  CHECK(frame.header.size() == 6 + 1 + 5);
}

TEST_CASE("a frame that was cut short is refused at every length") {
  Random random(7);
  for (int round = 0; round < 20; round++) {
    const SchemaPtr schema = RandomSchema(random);
    const std::string bytes = Flat(EncodeBatch(*RandomBatch(random, schema, 9), 0, 9));
    for (size_t length = 0; length < bytes.size(); length++) {
      const Result<BatchPtr> decoded =
          Decode(random, std::string_view(bytes).substr(0, length), schema);
      REQUIRE(!decoded.ok());
      REQUIRE(decoded.status().Is(errors::kBadFrame));
    }
    CHECK_FALSE(Decode(random, bytes + "x", schema).ok());
  }
}

TEST_CASE("no damage to a frame makes a batch that is not sound") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  int refused = 0;
  for (int round = 0; round < 300; round++) {
    const SchemaPtr schema = RandomSchema(random);
    const std::string whole = Flat(EncodeBatch(*RandomBatch(random, schema, 20), 0, 20));
    for (int damage = 0; damage < 40; damage++) {
      std::string bytes = whole;
      for (uint64_t n = 1 + random() % 3; n > 0; n--) {
        // Mostly where counts and offsets are.
        const size_t at = random() % (random() % 2 == 0 ? bytes.size() : 40 % bytes.size() + 1);
        bytes[at] =
            static_cast<char>(random() % 2 == 0 ? bytes[at] ^ (1 << random() % 8) : random());
      }
      // Against another schema too, as if the workers had planned differently.
      const Result<BatchPtr> decoded =
          Decode(random, bytes, random() % 4 == 0 ? RandomSchema(random) : schema);
      if (decoded.ok()) {
        RequireSound(**decoded, bytes.size());
      } else {
        REQUIRE(decoded.status().Is(errors::kBadFrame));
        refused++;
      }
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("a frame cannot claim more than it has") {
  Random random(1);
  const auto bare = std::make_shared<const Schema>();
  const auto texts = std::make_shared<const Schema>(std::vector<Field>{{"s", TypeKind::kString}});
  const std::string many_rows("\x01\x00\xff\xff\xff\xff", 6);
  CHECK_FALSE(Decode(random, many_rows, bare).ok());
  CHECK_FALSE(Decode(random, many_rows, texts).ok());
  // 2^24 rows of a schema without columns take no memory; texts of that many rows must be there.
  const std::string most_rows("\x01\x00\x00\x00\x00\x01", 6);
  CHECK(Decode(random, most_rows, bare).ok());
  const std::string no_bytes = most_rows + std::string("\x00\x00\x00\x00\x00", 5);
  CHECK_FALSE(Decode(random, no_bytes, texts).ok());
  const std::string long_text("\x01\x00\x01\x00\x00\x00\x00\xff\xff\xff\x7f", 11);
  const Result<BatchPtr> decoded = Decode(random, long_text, texts);
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.status().message() ==
        "column 's' of a batch from another worker cannot be read: it claims more than it has");
}

TEST_CASE("a batch is cut so that its frames are not too long") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 50; round++) {
    const auto schema = std::make_shared<const Schema>(
        std::vector<Field>{{"n", TypeKind::kInt64}, {"s", TypeKind::kString}});
    BatchBuilder builder(schema);
    const size_t rows = random() % 400;
    for (size_t row = 0; row < rows; row++) {
      builder.column(0).Append<int64_t>(1);
      builder.column(1).AppendText(std::string(random() % 50 == 0 ? 3000 : random() % 9, 'x'));
    }
    const BatchPtr batch = builder.Finish();
    size_t next = 0;
    for (const RowRange& range : CutForFrames(*batch, 1000)) {
      REQUIRE(range.begin == next);
      REQUIRE((range.end > range.begin || rows == 0));
      next = range.end;
      const size_t bytes = EncodeBatch(*batch, range.begin, range.end).bytes();
      REQUIRE((bytes <= 1000 || range.end - range.begin == 1));
    }
    REQUIRE(next == rows);
  }
}

TEST_CASE("schemas that differ have different fingerprints") {
  const auto print = [](std::vector<Field> fields) {
    return Fingerprint(Schema(std::move(fields)));
  };
  CHECK(print({{"a", TypeKind::kInt64}}) == print({{"a", TypeKind::kInt64}}));
  CHECK(print({{"a", TypeKind::kInt64}}) != print({{"a", TypeKind::kTimestamp}}));
  CHECK(print({{"a", TypeKind::kInt64}}) != print({{"b", TypeKind::kInt64}}));
  CHECK(print({{"a", Type::Decimal(9, 2)}}) != print({{"a", Type::Decimal(9, 3)}}));
}

}  // namespace
}  // namespace weir
