#include "engine/element_frame.h"

#include <random>

#include "batch/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

SchemaPtr Numbers() {
  static const auto schema =
      std::make_shared<const Schema>(std::vector<Field>{{"n", TypeKind::kInt64}});
  return schema;
}

BatchPtr Batch100() {
  BatchBuilder builder(Numbers());
  for (int64_t i = 0; i < 100; i++) builder.column(0).Append(i);
  return builder.Finish();
}

std::string Flat(const ElementFrame& frame) {
  std::string bytes = frame.header;
  for (const auto& buffer : frame.buffers) {
    bytes.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
  }
  REQUIRE(bytes.size() == frame.bytes);
  return bytes;
}

Result<std::vector<ReceivedElement>> DecodeAll(const std::string& bytes) {
  const FrameBytes::Piece piece = std::as_bytes(std::span(bytes));
  FrameBytes message(std::span(&piece, 1));
  std::vector<ReceivedElement> all;
  while (message.left() > 0) all.push_back(WEIR_TRY(DecodeElement(message, Numbers())));
  return all;
}

TEST_CASE("elements of every kind travel in one message") {
  const Watermark watermark{EventTime::Max(), true};
  const Barrier barrier{{Epoch{7}, 3}, true};
  const std::string bytes = Flat(EncodeRows(Batch100(), {10, 20}, 1)) +
                            Flat(EncodeWatermark(watermark, 2)) + Flat(EncodeBarrier(barrier, 3)) +
                            Flat(EncodeRows(Batch100(), {0, 0}, 4));
  const auto decoded = DecodeAll(bytes);
  REQUIRE(decoded.ok());
  const std::vector<ReceivedElement>& all = *decoded;
  REQUIRE(all.size() == 4);
  size_t sum = 0;
  for (size_t i = 0; i < all.size(); i++) {
    CHECK(all[i].number == i + 1);
    sum += all[i].bytes;
  }
  CHECK(sum == bytes.size());
  const BatchPtr rows = std::get<Rows>(all[0].element).batch;
  REQUIRE(rows->rows() == 10);
  CHECK(rows->column(0).values<int64_t>()[9] == 19);
  CHECK(std::get<Watermark>(all[1].element) == watermark);
  CHECK(std::get<Barrier>(all[2].element) == barrier);
  CHECK(std::get<Rows>(all[3].element).batch->rows() == 0);
}

TEST_CASE("a damaged message is an error, whatever is damaged") {
  std::mt19937_64 random(5);
  const std::string whole = Flat(EncodeWatermark({{5}, false}, 1)) +
                            Flat(EncodeRows(Batch100(), {0, 3}, 2)) +
                            Flat(EncodeBarrier({{Epoch{7}, 3}, true}, 3));
  for (size_t length = 1; length < whole.size(); length++) {
    const auto decoded = DecodeAll(whole.substr(0, length));
    // Frames that are whole are read.
    if (!decoded.ok()) CHECK(decoded.status().Is(errors::kBadFrame));
  }
  for (int round = 0; round < 20000; round++) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto decoded = DecodeAll(bytes);
    if (!decoded.ok()) REQUIRE(decoded.status().Is(errors::kBadFrame));
  }
  CHECK_FALSE(DecodeAll(std::string(100, 'x')).ok());
}

}  // namespace
}  // namespace weir
