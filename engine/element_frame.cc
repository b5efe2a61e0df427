#include "engine/element_frame.h"

#include <fmt/format.h>

#include "batch/errors.h"

namespace weir {
namespace {

enum Kind : uint8_t { kRows = 1, kWatermark = 2, kBarrier = 3 };

template <typename T>
void Append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

std::string Header(size_t body_bytes, uint64_t number, Kind kind) {
  const size_t size = sizeof(number) + sizeof(Kind) + body_bytes;
  std::string header;
  Append(header, static_cast<uint32_t>(size));
  Append(header, number);
  Append<uint8_t>(header, kind);
  return header;
}

ElementFrame Whole(std::string header) {
  ElementFrame frame;
  frame.bytes = header.size();
  frame.header = std::move(header);
  return frame;
}

Status Fault(std::string_view what) {
  return Status(errors::kBadFrame,
                fmt::format("an element from another worker cannot be read: {}", what),
                "the job restarts from its last checkpoint; if this comes again, see that all "
                "workers are of one version, and report it");
}

Result<Element> ReadWatermark(FrameBytes body) {
  Watermark watermark;
  uint8_t idle = 0;
  if (!body.Read(watermark.time.us) || !body.Read(idle) || idle > 1 || body.left() > 0) {
    return Fault("a watermark has another form");
  }
  watermark.idle = idle == 1;
  return Element(watermark);
}

Result<Element> ReadBarrier(FrameBytes body) {
  Barrier barrier;
  uint8_t last = 0;
  if (!body.Read(barrier.id.epoch.value) || !body.Read(barrier.id.attempt_try) ||
      !body.Read(last) || last > 1 || body.left() > 0) {
    return Fault("a barrier has another form");
  }
  barrier.last = last == 1;
  return Element(barrier);
}

Result<Element> ReadBody(uint8_t kind, FrameBytes body, const SchemaPtr& schema) {
  switch (kind) {
    case kRows:
      return Element(Rows{WEIR_TRY(DecodeBatch(body, schema))});
    case kWatermark:
      return ReadWatermark(body);
    case kBarrier:
      return ReadBarrier(body);
    default:
      return Fault(fmt::format("there is no kind {}", kind));
  }
}

}  // namespace

ElementFrame EncodeRows(const BatchPtr& batch, RowRange rows, uint64_t number) {
  BatchFrame encoded = EncodeBatch(*batch, rows.begin, rows.end);
  ElementFrame frame = Whole(Header(encoded.bytes(), number, kRows) + encoded.header);
  for (const auto& buffer : encoded.buffers) frame.bytes += buffer.size();
  frame.buffers = std::move(encoded.buffers);
  frame.batch = batch;
  return frame;
}

ElementFrame EncodeWatermark(const Watermark& watermark, uint64_t number) {
  std::string body;
  Append(body, watermark.time.us);
  Append<uint8_t>(body, watermark.idle);
  return Whole(Header(body.size(), number, kWatermark) + body);
}

ElementFrame EncodeBarrier(const Barrier& barrier, uint64_t number) {
  std::string body;
  Append(body, barrier.id.epoch.value);
  Append(body, barrier.id.attempt_try);
  Append<uint8_t>(body, barrier.last);
  return Whole(Header(body.size(), number, kBarrier) + body);
}

Result<ReceivedElement> DecodeElement(FrameBytes& message, const SchemaPtr& schema) {
  ReceivedElement received;
  uint32_t size = 0;
  uint8_t kind = 0;
  if (!message.Read(size) || size > message.left()) return Fault("it ends early");
  received.bytes = sizeof(size) + size;
  FrameBytes frame = message.Cut(size);
  if (!frame.Read(received.number) || !frame.Read(kind)) return Fault("it ends early");
  received.element = WEIR_TRY(ReadBody(kind, frame, schema));
  return received;
}

}  // namespace weir
