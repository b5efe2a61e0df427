#pragma once

#include "engine/element_frame.h"

namespace google::protobuf {
class MessageLite;
}
namespace grpc {
class ByteBuffer;
class Slice;
}  // namespace grpc

namespace weir {

/// Small messages to and from the bytes that a call of the exchange sends.
grpc::ByteBuffer ToBuffer(const google::protobuf::MessageLite& message);
/// False where the bytes are another message, or more than a small one has.
bool FromBuffer(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite& message);

/// A frame's bytes for gRPC. Long buffers are those of the batch, which lives until gRPC is done
/// with them; short ones are copied together, since each slice has its cost.
std::vector<grpc::Slice> ToSlices(ElementFrame frame);

/// What came: views into `slices`, which hold `buffer`'s bytes alive.
std::vector<FrameBytes::Piece> ToPieces(const grpc::ByteBuffer& buffer,
                                        std::vector<grpc::Slice>& slices);

}  // namespace weir
