// SPDX-License-Identifier: Apache-2.0
#include "agents/contract/wire.h"

#include <algorithm>

namespace blackstart {

void to_wire(const Prefix& prefix, contract::Prefix* out) {
  out->set_address(prefix.base.bytes.data(), prefix.base.size());
  out->set_length(prefix.length);
}

Result<Prefix> from_wire(const contract::Prefix& prefix) {
  const std::string& bytes = prefix.address();
  Prefix out;
  out.base.v6 = bytes.size() == 16;
  if ((bytes.size() != 4 && bytes.size() != 16) || prefix.length() > static_cast<uint32_t>(out.base.bits()))
    return fail(ErrorKind::kInvalid, "read prefix",
                std::to_string(bytes.size()) + " bytes/" + std::to_string(prefix.length()));
  std::copy(bytes.begin(), bytes.end(), out.base.bytes.begin());
  out.length = static_cast<uint8_t>(prefix.length());
  for (int bit = out.length; bit < out.base.bits(); ++bit)
    if (out.base.bytes[bit / 8] & (0x80 >> (bit % 8)))
      return fail(ErrorKind::kInvalid, "read prefix", out.text(), 0, "bits behind its length are set");
  return out;
}

void to_wire(const Error& error, contract::Failure* out) {
  out->set_kind(static_cast<uint32_t>(error.kind));
  out->set_operation(error.operation);
  out->set_object(error.object);
  out->set_code(error.code);
  out->set_hint(error.hint);
}

Error from_wire(const contract::Failure& failure) {
  const auto kind = failure.kind() <= static_cast<uint32_t>(ErrorKind::kInternal)
                        ? static_cast<ErrorKind>(failure.kind())
                        : ErrorKind::kInternal;
  return {kind, failure.operation(), failure.object(), failure.code(), failure.hint()};
}

}  // namespace blackstart
