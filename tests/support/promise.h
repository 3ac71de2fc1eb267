// SPDX-License-Identifier: Apache-2.0
// Which of the promises of docs/safety.md a test proves; `./dev attest` lists them with their tests.
#pragma once

#include <gtest/gtest.h>

namespace blackstart {

// "S1", or several: "S1,S3". First line of the test.
inline void proves(const char* promises) {
  ::testing::Test::RecordProperty("promise", promises);
}

}  // namespace blackstart
