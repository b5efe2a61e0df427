#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cstdlib>
#include <istream>
#include <streambuf>
#include <unordered_set>

#include "config/errors.h"
#include "config/yaml_data.h"
#include "config/yaml_scalar.h"

namespace weir {
namespace {

constexpr size_t kMostBytes = 1 << 20;
constexpr size_t kMostNodes = 10000;
constexpr size_t kMostDepth = 64;

/// Reads a string_view without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // Only read from: the buffer has no put area.
    setg(begin, begin, begin + text.size());
  }
};

/// Ends the parse from inside an event; the fault is told already.
struct Stop {};

using Data = YamlNode::Data;

/// Builds the tree from yaml-cpp's events, which alone tell of aliases, duplicates and depth before
/// anything has been expanded.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const SourceIndex> index, size_t begin, const Variables& variables,
              Diagnostics& diagnostics)
      : index_(std::move(index)), begin_(begin), variables_(variables), diagnostics_(diagnostics) {}

  /// The tree, after the last event.
  YamlNode Take() {
    if (root_.place().source == nullptr) Attach(NewData(YamlNode::Kind::kNull, begin_));
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    diagnostics_.Error(errors::kRefusedYaml, index_->At(Offset(mark)),
                       "a second YAML document begins here; a file holds one");
    throw Stop{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const size_t at = Offset(mark);
    if (AtKey()) {
      Fault(errors::kNotYaml, at, "a value without a key");
      key_pending_ = true;
      key_ = {};
      key_dropped_ = true;
      return;
    }
    RefuseDecoration(at, anchor);
    auto data = NewData(YamlNode::Kind::kNull, at);
    if (index_->text().substr(std::min(at, index_->text().size())).starts_with("null")) {
      data->text = "null";
      data->map.Add(0, at, true);
      data->length = 4;
    } else if (!frames_.empty() && frames_.back().data->kind == YamlNode::Kind::kMap) {
      data->place = key_.key_place;
      data->map.Add(0, key_offset_, false);
      data->length = std::max<size_t>(CharacterCount(key_.key), 1);
    } else {
      data->map.Add(0, at, false);
    }
    Attach(std::move(data));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    CountNode(Offset(mark));
    Fault(errors::kRefusedYaml, Offset(mark), "aliases (*name) are not taken",
          "an expression that begins with '*' must stand in quotes");
    if (AtKey()) {
      key_pending_ = true;
      key_ = {};
      key_dropped_ = true;
      return;
    }
    auto data = NewData(YamlNode::Kind::kNull, Offset(mark));
    data->faulty = true;
    Attach(std::move(data));
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    const size_t at = Offset(mark);
    CountNode(at);
    RefuseDecoration(at, anchor);
    ScalarPlace found = LocateScalar(index_->text(), at, value);
    CheckText(found, value);
    if (AtKey()) {
      TakeKey(found, value);
      return;
    }
    auto data = NewData(YamlNode::Kind::kScalar, at);
    data->quoted = found.quoted;
    data->place = index_->At(found.begin);
    const size_t last = std::min(std::max(found.end, found.begin), index_->LineEnd(found.begin));
    data->length =
        std::max<size_t>(CharacterCount(index_->text().substr(found.begin, last - found.begin)), 1);
    if (DropAfterCut(value)) return;
    if (!found.quoted) {
      if (const auto cut = FindCut(index_->text(), found, value, InFlow())) {
        diagnostics_.Error(errors::kCutOff, data->place,
                           "cut off by YAML: put the expression in quotes", {}, data->length);
        data->faulty = true;
        MarkFaulty();
        if (InFlow()) frames_.back().cut = *cut;
      }
    }
    FilledText filled =
        FillVariables(value, found.map, *index_, variables_, most_filled_, diagnostics_);
    if (filled.faulty) {
      data->faulty = true;
      MarkFaulty();
    }
    data->text = std::move(filled.text);
    data->map = std::move(filled.map);
    Attach(std::move(data));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(YamlNode::Kind::kList, Offset(mark), anchor, style);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(YamlNode::Kind::kMap, Offset(mark), anchor, style);
  }
  void OnMapEnd() override { Close(); }

 private:
  /// A list or map that has begun, with what its parent knew of the key it is the value of.
  struct Frame {
    std::shared_ptr<Data> data;
    bool flow = false;
    std::unordered_set<std::string> keys;
    OpenState cut;  ///< What a cut-off expression has left open.
    YamlNode::Entry parent_key;
    bool parent_dropped = false;
  };

  size_t Offset(const YAML::Mark& mark) const {
    return mark.pos < 0 ? begin_
                        : std::min(begin_ + static_cast<size_t>(mark.pos), index_->text().size());
  }
  bool AtKey() const {
    return !frames_.empty() && frames_.back().data->kind == YamlNode::Kind::kMap && !key_pending_;
  }
  bool InFlow() const { return !frames_.empty() && frames_.back().flow; }

  void Fault(const ErrorCode& code, size_t offset, std::string message, std::string cure = {}) {
    diagnostics_.Error(code, index_->At(offset), std::move(message), std::move(cure));
    MarkFaulty();
  }

  /// What is open now holds a fault.
  void MarkFaulty() {
    for (Frame& frame : frames_) frame.data->faulty = true;
  }

  void CountNode(size_t at) {
    if (++nodes_ <= kMostNodes) return;
    Fault(errors::kTooMuchYaml, at, "more than 10,000 values and keys; a file holds no more");
    throw Stop{};
  }

  /// Anchors and tags stand before the value, where the mark points.
  void RefuseDecoration(size_t at, YAML::anchor_t anchor) {
    const std::string_view rest = index_->text().substr(at);
    if (anchor != 0 || rest.starts_with('&')) {
      Fault(errors::kRefusedYaml, at, "anchors (&name) are not taken");
    }
    if (rest.starts_with('!')) Fault(errors::kRefusedYaml, at, "tags (!name) are not taken");
  }

  void CheckText(const ScalarPlace& found, const std::string& value) {
    for (size_t i = 0; i < value.size();) {
      const size_t length = Utf8Length(std::string_view(value).substr(i));
      if (length == 0 || value[i] == '\0') {
        Fault(errors::kRefusedYaml, found.map.SourceAt(i),
              length == 0 ? "an escape that is not UTF-8 text" : "a NUL character");
        return;
      }
      i += length;
    }
  }

  std::shared_ptr<Data> NewData(YamlNode::Kind kind, size_t at) {
    auto data = std::make_shared<Data>();
    data->kind = kind;
    data->place = index_->At(at);
    data->index = index_;
    return data;
  }

  void TakeKey(const ScalarPlace& found, const std::string& value) {
    key_ = {value, index_->At(found.begin), YamlNode()};
    key_offset_ = found.begin;
    key_pending_ = true;
    Frame& frame = frames_.back();
    key_dropped_ = false;
    if (frame.cut.open()) {  // The rest of an expression that was cut off at a comma.
      frame.cut.Scan(value);
      key_dropped_ = true;
      return;
    }
    if (!frame.keys.insert(value).second) {
      diagnostics_.Error(errors::kDuplicateKey, key_.key_place,
                         "the key " + Quoted(value) + " stands here a second time", {},
                         CharacterCount(value));
      MarkFaulty();
      key_dropped_ = true;
    }
  }

  /// In a list, the rest of an expression that was cut off at a comma.
  bool DropAfterCut(const std::string& value) {
    if (frames_.empty()) return false;
    Frame& frame = frames_.back();
    if (!frame.cut.open() || frame.data->kind != YamlNode::Kind::kList) return false;
    frame.cut.Scan(value);
    return true;
  }

  void Open(YamlNode::Kind kind, size_t at, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    CountNode(at);
    RefuseDecoration(at, anchor);
    if (AtKey()) {
      Fault(errors::kNotYaml, at, "a list or map can't be a key",
            "or is a bracket missing that closes this one?");
      throw Stop{};
    }
    if (frames_.size() >= kMostDepth) {
      Fault(errors::kTooMuchYaml, at, "nested deeper than 64");
      throw Stop{};
    }
    Frame frame;
    frame.data = NewData(kind, at);
    frame.data->map.Add(0, at, false);
    frame.flow = style == YAML::EmitterStyle::Flow || InFlow();
    frame.parent_key = std::move(key_);
    frame.parent_dropped = key_dropped_;
    key_pending_ = false;
    key_dropped_ = false;
    frames_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    key_ = std::move(frame.parent_key);
    key_dropped_ = frame.parent_dropped;
    key_pending_ = true;
    Attach(std::move(frame.data));
  }

  void Attach(std::shared_ptr<Data> data) {
    YamlNode node{std::shared_ptr<const Data>(std::move(data))};
    if (frames_.empty()) {
      root_ = std::move(node);
    } else if (Data& parent = *frames_.back().data; parent.kind == YamlNode::Kind::kList) {
      parent.items.push_back(std::move(node));
    } else if (!key_dropped_) {
      key_.value = std::move(node);
      parent.entries.push_back(std::move(key_));
    }
    key_pending_ = false;
    key_dropped_ = false;
  }

  const std::shared_ptr<const SourceIndex> index_;
  const size_t begin_;
  const Variables& variables_;
  Diagnostics& diagnostics_;
  size_t most_filled_ = kMostBytes;
  std::vector<Frame> frames_;
  YamlNode root_;
  YamlNode::Entry key_;
  size_t key_offset_ = 0;
  bool key_pending_ = false;
  bool key_dropped_ = false;
  size_t documents_ = 0;
  size_t nodes_ = 0;
};

size_t LineBegin(std::string_view text, size_t at) {
  return at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
}

/// What yaml-cpp complained of, in words that say what to do.
void TellSyntax(const YAML::Exception& fault, const SourceIndex& index, size_t begin,
                Diagnostics& diagnostics) {
  const std::string_view text = index.text();
  const size_t at =
      fault.mark.pos < 0 ? text.size() : std::min(begin + fault.mark.pos, text.size());
  const std::string_view rest = text.substr(at);
  if (rest.starts_with('*') || (at > 0 && text[at - 1] == '*')) {
    const size_t star = rest.starts_with('*') ? at : at - 1;
    diagnostics.Error(errors::kRefusedYaml, index.At(star), "aliases (*name) are not taken",
                      "an expression that begins with '*' must stand in quotes");
    return;
  }
  std::string message = "this is not YAML: " + fault.msg;
  std::string cure;
  const size_t line = LineBegin(text, at);
  const size_t first = text.find_first_not_of(' ', line);
  if (first != std::string_view::npos && text[first] == '\t') {
    diagnostics.Error(errors::kNotYaml, index.At(first), "a tab in the indentation",
                      "indent with spaces");
    return;
  }
  const size_t before = line == 0 ? 0 : LineBegin(text, line - 1);
  if (QuoteThenMore(text.substr(line, index.LineEnd(line) - line)) ||
      QuoteThenMore(text.substr(before, index.LineEnd(before) - before))) {
    message = "this is not YAML: a text goes on behind its closing quote";
    cure = "an expression that begins with a quote must itself stand in quotes, or in a block (|)";
  } else if (fault.msg == "illegal map value") {
    cure = "a text that holds ': ' must stand in quotes";
  } else if (fault.msg.starts_with("end of map flow") || fault.msg.starts_with("end of sequence")) {
    cure =
        "inside { } and [ ] a text that holds ': ' or ', ' must stand in quotes; or is a bracket "
        "missing?";
  } else if (!rest.empty() && std::string_view("%@`>|").find(rest[0]) != std::string_view::npos) {
    cure = "a text that begins with this character must stand in quotes";
  }
  diagnostics.Error(errors::kNotYaml, index.At(at), std::move(message), std::move(cure));
}

/// What must not reach the parser at all; true if the text may.
bool CheckBytes(const SourceIndex& index, size_t begin, Diagnostics& diagnostics) {
  const std::string_view text = index.text();
  if (text.size() > kMostBytes) {
    diagnostics.Error(errors::kTooMuchYaml, index.At(0), "longer than 1 MiB");
    return false;
  }
  size_t brackets = 0;  // In a row: yaml-cpp would walk over all of them before it says a word.
  for (size_t i = begin; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool bare_return = byte == '\r' && !text.substr(i + 1).starts_with('\n');
    const bool blank = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
    brackets = byte == '[' || byte == '{' ? brackets + 1 : blank ? brackets : 0;
    if (brackets > kMostDepth) {
      diagnostics.Error(errors::kTooMuchYaml, index.At(i), "nested deeper than 64");
      return false;
    }
    if (length == 0) {
      diagnostics.Error(errors::kNotYaml, index.At(i), "a byte that is not UTF-8 text");
      return false;
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F ||
        bare_return) {
      diagnostics.Error(errors::kNotYaml, index.At(i),
                        byte == 0 ? "a NUL character" : "a control character");
      return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

YamlNode ReadYamlPart(std::shared_ptr<const SourceText> source, size_t begin,
                      const Variables& variables, Diagnostics& diagnostics) {
  const auto index = std::make_shared<const SourceIndex>(std::move(source));
  if (!CheckBytes(*index, begin, diagnostics)) return {};
  TreeBuilder builder(index, begin, variables, diagnostics);
  ViewBuffer buffer(index->text().substr(begin));
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.Take();
  } catch (const Stop&) {
    return {};
  } catch (const YAML::Exception& fault) {
    TellSyntax(fault, *index, begin, diagnostics);
  } catch (const std::exception&) {
    diagnostics.Error(errors::kNotYaml, index->At(begin), "this is not YAML that can be read");
  }
  return {};
}

YamlNode ReadYaml(std::string name, std::string text, const Variables& variables,
                  Diagnostics& diagnostics) {
  auto source = std::make_shared<SourceText>();
  source->name = std::move(name);
  source->text = std::move(text);
  if (source->text.starts_with("\xEF\xBB\xBF")) source->text.erase(0, 3);
  return ReadYamlPart(std::move(source), 0, variables, diagnostics);
}

}  // namespace weir
