#include "daemon/rpc/byte_buffer.h"

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

namespace weir {
namespace {

constexpr size_t kMostSmallBytes = 64 << 10;
/// Below it a copy is cheaper than a slice.
constexpr size_t kLeastBorrowedBytes = 2048;

void ReleaseText(void* text) { delete static_cast<std::string*>(text); }
void ReleaseBatch(void* batch) { delete static_cast<BatchPtr*>(batch); }

}  // namespace

grpc::ByteBuffer ToBuffer(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

bool FromBuffer(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite& message) {
  grpc::Slice slice;
  if (buffer.Length() > kMostSmallBytes || !buffer.DumpToSingleSlice(&slice).ok()) return false;
  return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

std::vector<grpc::Slice> ToSlices(ElementFrame frame) {
  std::vector<grpc::Slice> slices;
  std::string copied = std::move(frame.header);
  const auto flush = [&] {
    if (copied.empty()) return;
    if (copied.size() < kLeastBorrowedBytes) {
      slices.emplace_back(copied);
    } else {
      auto* text = new std::string(std::move(copied));
      slices.emplace_back(text->data(), text->size(), ReleaseText, text);
    }
    copied.clear();
  };
  for (const std::span<const std::byte>& buffer : frame.buffers) {
    if (buffer.size() < kLeastBorrowedBytes) {
      copied.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
      continue;
    }
    flush();
    // The library does not write to it.
    slices.emplace_back(const_cast<std::byte*>(buffer.data()), buffer.size(), ReleaseBatch,
                        new BatchPtr(frame.batch));
  }
  flush();
  return slices;
}

std::vector<FrameBytes::Piece> ToPieces(const grpc::ByteBuffer& buffer,
                                        std::vector<grpc::Slice>& slices) {
  std::vector<FrameBytes::Piece> pieces;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return pieces;
  for (const grpc::Slice& slice : slices) {
    pieces.emplace_back(reinterpret_cast<const std::byte*>(slice.begin()), slice.size());
  }
  return pieces;
}

}  // namespace weir
