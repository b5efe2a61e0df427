#include "clients/schema_registry.h"

#include "tests/catch.h"

namespace weir {
namespace {

using std::string_literals::operator""s;

TEST_CASE("ids are numbers or UUIDs") {
  const SchemaId number = SchemaId::OfNumber(0x01020304);
  CHECK(number.ToString() == "16909060");
  CHECK(number.bytes() == "\x01\x02\x03\x04");
  const char* text = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63";
  const auto uuid = SchemaId::FromText(text);
  REQUIRE(uuid);
  CHECK(uuid->ToString() == text);
  CHECK(uuid->bytes().substr(0, 4) == "\xb7\xb4\xa7\xf0");
  CHECK(SchemaId::FromText("16909060") == number);
  CHECK(SchemaId::FromText("4294967295")->ToString() == "4294967295");
  for (const char* wrong :
       {"", "-1", "4294967296", "1x", "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c6",
        "b7b4a7f009c96-4e4a-a687-fb5de9ef0c63", "g7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"}) {
    INFO(wrong);
    CHECK_FALSE(SchemaId::FromText(wrong).has_value());
  }
  CHECK(SchemaId() != SchemaId::OfNumber(0));
}

TEST_CASE("Confluent's frame") {
  const std::string record = "\0\0\0\x01\x02payload"s;
  const FrameSplit split = SplitConfluentFrame(record);
  REQUIRE(split.frame);
  CHECK(split.frame->id == SchemaId::OfNumber(258));
  CHECK(split.frame->payload == "payload");
  CHECK_FALSE(split.frame->zlib);
  CHECK(SplitConfluentFrame("\0\0\0\0\x07"s).frame->payload.empty());
  CHECK(SplitConfluentFrame("\0\xff\xff\xff\xff"s).frame->id.ToString() == "4294967295");
  const auto fault = [](const std::string& bytes) {
    CHECK_FALSE(SplitConfluentFrame(bytes).frame.has_value());
    return SplitConfluentFrame(bytes).fault;
  };
  CHECK_FALSE(fault("").empty());
  CHECK_FALSE(fault("\0\0\0\1"s).empty());
  CHECK(fault("{\"a\":1}").find("JSON") != std::string::npos);
  CHECK(fault("Obj\x01").find("Avro file") != std::string::npos);
  CHECK(fault("\x01" + std::string(20, 'g')).find("GUID") != std::string::npos);
  CHECK(fault("\x03\0"s + std::string(16, 'x')).find("AWS Glue") != std::string::npos);
  CHECK(fault("\x07 else").find("looks like") == std::string::npos);
}

TEST_CASE("Glue's frame") {
  const auto id = SchemaId::FromText("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63");
  const std::string bytes(id->bytes());
  const std::string record = "\x03\0"s + bytes + "x";
  const FrameSplit plain = SplitGlueFrame(record);
  REQUIRE(plain.frame);
  CHECK(plain.frame->id == *id);
  CHECK(plain.frame->payload == "x");
  CHECK_FALSE(plain.frame->zlib);
  CHECK(SplitGlueFrame("\x03\x05"s + bytes).frame->zlib);
  CHECK(SplitGlueFrame("\x03\x07"s + bytes).fault.find("compression 7") != std::string::npos);
  CHECK_FALSE(SplitGlueFrame("\x03\0"s + bytes.substr(1)).frame.has_value());
  CHECK_FALSE(SplitGlueFrame("").frame.has_value());
  CHECK(SplitGlueFrame("\0\0\0\0\1x"s).fault.find("Confluent") != std::string::npos);
}

TEST_CASE("kinds of schemas have one name in both registries") {
  for (const SchemaKind kind : {SchemaKind::kAvro, SchemaKind::kJson, SchemaKind::kProtobuf}) {
    CHECK(SchemaKindOf(NameOf(kind)) == kind);
  }
  CHECK_FALSE(SchemaKindOf("XML").has_value());
}

}  // namespace
}  // namespace weir
