// SPDX-License-Identifier: Apache-2.0
#include "injector/report/redact.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "injector/record/outcome_json.h"

namespace blackstart::report {
namespace {

using nlohmann::json;

bool in_address(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':';
}

// A dash may join an address to a name: "door-198.18.1.11".
bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_mac(const std::string& text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (i % 3 == 2 ? text[i] != ':' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  return true;
}

bool is_address(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  if (text == "::") return false;  // no host's
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1 ||
         is_mac(text);
}

class Redactor {
 public:
  std::string text(const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      // Where it does not begin an address, a word ("host:") may stand before one.
      const bool starts = in_address(text[at]) && (at == 0 || !in_word(text[at - 1]));
      size_t end = at;
      while (end < text.size() && in_address(text[end])) ++end;
      const size_t length = starts ? address_at(text, at, end) : 0;
      if (length == 0) {
        out += text[at++];
        continue;
      }
      out += name_of(text.substr(at, length));
      at += length;
      at += prefix_at(text, at);
    }
    return out;
  }

  void document(json& node) {
    if (node.is_string()) {
      node = text(node.get<std::string>());
    } else if (node.is_array()) {
      for (json& each : node) document(each);
    } else if (node.is_object()) {
      json fresh = json::object();
      for (auto& [key, value] : node.items()) {
        document(value);
        fresh[text(key)] = std::move(value);
      }
      node = std::move(fresh);
    }
  }

 private:
  // The longest address within [at, end): what follows it is a port or the end of a sentence.
  static size_t address_at(const std::string& text, size_t at, size_t end) {
    for (size_t length = end - at; length >= 3; --length) {
      const bool whole = at + length == end ? end == text.size() || !in_word(text[end])
                                            : text[at + length] == ':' || text[at + length] == '.';
      if (whole && is_address(text.substr(at, length))) return length;
    }
    return 0;
  }

  // The length of "/24" at `at`; 0: there is none.
  static size_t prefix_at(const std::string& text, size_t at) {
    if (at >= text.size() || text[at] != '/') return 0;
    size_t end = at + 1;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    const bool digits = end > at + 1 && end <= at + 4;
    return digits && (end == text.size() || !in_word(text[end])) ? end - at : 0;
  }

  std::string name_of(const std::string& address) {
    const auto [known, fresh] = names_.try_emplace(address, "address-" + std::to_string(names_.size() + 1));
    return known->second;
  }

  std::map<std::string, std::string> names_;
};

}  // namespace

Outcome redacted(const Outcome& outcome) {
  json document = outcome_json(outcome);
  // A moment is no address, however much its digits and colons look like one.
  const json t0 = document["t0"];
  Redactor().document(document);
  document["t0"] = t0;
  return read_outcome(document).value();
}

}  // namespace blackstart::report
