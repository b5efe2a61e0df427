#include "config/yaml_text.h"

#include "config/yaml_data.h"

namespace weir {
namespace {

/// Whether YAML takes `text` for the same text without quotes, wherever it stands.
bool IsPlain(std::string_view text) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
  return !text.empty() && text.find_first_not_of(kSafe) == std::string_view::npos &&
         !text.starts_with('-') && !text.starts_with('.');
}

void AppendQuoted(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '$') {
      out += "$$";  // Variables were filled in: what is left is a dollar.
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendText(std::string_view text, bool quoted, std::string& out) {
  if (!quoted && IsPlain(text)) {
    out += text;
  } else {
    AppendQuoted(text, out);
  }
}

void AppendNode(const YamlNode& node, size_t indent, std::string& out) {
  const std::string begin = "\n" + std::string(indent, ' ');
  switch (node.kind()) {
    case YamlNode::Kind::kNull:
      return;
    case YamlNode::Kind::kScalar:
      out += ' ';
      AppendText(node.text(), node.quoted(), out);
      return;
    case YamlNode::Kind::kList:
      if (node.items().empty()) out += " []";
      for (const YamlNode& item : node.items()) {
        out += begin + "-";
        AppendNode(item, indent + 2, out);
      }
      return;
    case YamlNode::Kind::kMap:
      if (node.entries().empty()) out += " {}";
      for (const YamlNode::Entry& entry : node.entries()) {
        out += begin;
        AppendText(entry.key, /*quoted=*/false, out);
        out += ':';
        AppendNode(entry.value, indent + 2, out);
      }
      return;
  }
}

}  // namespace

std::string ToYaml(const YamlNode& root) {
  std::string out;
  AppendNode(root, 0, out);
  if (out.starts_with('\n') || out.starts_with(' ')) out.erase(0, 1);
  return out + "\n";
}

YamlNode WithText(const YamlNode& root, const std::vector<std::string>& path, std::string text) {
  auto copy = std::make_shared<YamlNode::Data>();
  copy->place = root.place();
  copy->length = root.length();
  if (path.empty()) {
    copy->kind = YamlNode::Kind::kScalar;
    copy->text = std::move(text);
    copy->quoted = true;
    return YamlNode(std::move(copy));
  }
  copy->kind = YamlNode::Kind::kMap;
  copy->faulty = root.faulty();
  copy->entries = root.entries();
  YamlNode::Entry* entry = nullptr;
  for (YamlNode::Entry& each : copy->entries) {
    if (each.key == path.front()) entry = &each;
  }
  if (entry == nullptr) {
    entry = &copy->entries.emplace_back();
    entry->key = path.front();
    entry->key_place = root.place();
  }
  entry->value = WithText(entry->value, {path.begin() + 1, path.end()}, std::move(text));
  return YamlNode(std::move(copy));
}

}  // namespace weir
