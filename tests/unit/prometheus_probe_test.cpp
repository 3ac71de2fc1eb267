// SPDX-License-Identifier: Apache-2.0
// prometheus probes against a server on loopback that answers as Prometheus does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/support/probing.h"
#include "tests/support/tcp_server.h"

namespace blackstart {
namespace {

using contract::Probe;
using contract::Sample;
using namespace test;

Probe asking(const std::string& url, contract::Comparison op = contract::COMPARISON_GREATER,
             double value = 0.99, const std::string& query = "up") {
  Probe probe = once();
  probe.mutable_prometheus()->set_url(url);
  probe.mutable_prometheus()->set_query(query);
  probe.mutable_prometheus()->set_op(op);
  probe.mutable_prometheus()->set_value(value);
  return probe;
}

std::string answer(const std::string& type, const std::string& result) {
  return R"({"status":"success","data":{"resultType":")" + type + R"(","result":)" + result + "}}";
}

std::string vector_of(const std::vector<std::string>& values) {
  std::string samples;
  for (const std::string& value : values)
    samples += std::string(samples.empty() ? "" : ",") +
               R"({"metric":{"__name__":"up","job":"a"},"value":[1665801240.5,")" + value + R"("]})";
  return answer("vector", "[" + samples + "]");
}

std::string scalar_of(const std::string& value) {
  return answer("scalar", "[1665801240.5,\"" + value + "\"]");
}

// What "> 0.99", or another comparison, makes of this answer.
Sample judged(const std::string& body, int status = 200,
              contract::Comparison op = contract::COMPARISON_GREATER, double value = 0.99) {
  TcpServer server = TcpServer::answering(http_answer(status, body));
  return first_sample(asking(server.url(), op, value));
}

TEST(PrometheusProbe, EverySampleOfAVectorMustHold) {
  const Sample good = judged(vector_of({"1"}));
  EXPECT_SUCCESS(good);
  EXPECT_EQ(good.reason(), "");
  EXPECT_SUCCESS(judged(vector_of({"1", "0.995", "+Inf", "1.5e+06"})));
  EXPECT_EQ(judged(vector_of({"1", "0.93", "1"})).reason(), "value 0.93 is not > 0.99");
  EXPECT_FAILED(judged(vector_of({"-Inf"})), "value -Inf is not > 0.99");
}

TEST(PrometheusProbe, AScalarIsOneValue) {
  EXPECT_SUCCESS(judged(scalar_of("1")));
  EXPECT_FAILED(judged(scalar_of("0.99")), "value 0.99 is not > 0.99");
}

TEST(PrometheusProbe, EveryComparison) {
  struct Case {
    contract::Comparison op;
    bool below, same, above;
    std::string sign;
  };
  for (const Case& c : {Case{contract::COMPARISON_LESS, true, false, false, "<"},
                        Case{contract::COMPARISON_LESS_EQUAL, true, true, false, "<="},
                        Case{contract::COMPARISON_GREATER, false, false, true, ">"},
                        Case{contract::COMPARISON_GREATER_EQUAL, false, true, true, ">="},
                        Case{contract::COMPARISON_EQUAL, false, true, false, "=="}}) {
    for (const auto& [value, wanted] :
         {std::pair{std::string("-1"), c.below}, {"2", c.same}, {"2.5", c.above}}) {
      const Sample sample = judged(scalar_of(value), 200, c.op, 2);
      if (wanted) {
        EXPECT_SUCCESS(sample);
      } else {
        EXPECT_EQ(sample.outcome(), Sample::FAILURE);
        EXPECT_EQ(sample.reason(), "value " + value + " is not " + c.sign + " 2");
      }
    }
  }
}

TEST(PrometheusProbe, NoSampleIsAFailure) {
  const Sample sample = judged(vector_of({}));
  EXPECT_EQ(sample.outcome(), Sample::FAILURE);
  EXPECT_EQ(sample.reason(), "empty no sample");
}

TEST(PrometheusProbe, NotANumberHoldsForNothing) {
  for (const contract::Comparison op : {contract::COMPARISON_GREATER, contract::COMPARISON_LESS}) {
    const Sample sample = judged(vector_of({"NaN"}), 200, op);
    EXPECT_EQ(sample.outcome(), Sample::FAILURE);
    EXPECT_EQ(sample.reason(), "value NaN");
  }
}

TEST(PrometheusProbe, ARefusedQuerySaysWhy) {
  EXPECT_FAILED(judged(R"({"status":"error","errorType":"bad_data","error":"unclosed left brace"})", 400),
                "status 400 unclosed left brace");
  EXPECT_FAILED(judged("<html>busy</html>", 503), "status 503");
  EXPECT_FAILED(judged(vector_of({"1"}), 204), "status 204");
}

TEST(PrometheusProbe, AnythingButAnInstantAnswerIsABadBody) {
  for (const std::string& body :
       {std::string("<html>welcome</html>"), std::string(), std::string("[]"), std::string("{}"),
        vector_of({"1"}).substr(0, 60), std::string(R"({"status":"error","error":"late"})"),
        std::string(R"({"status":"success"})"), std::string(R"({"status":"success","data":7})"),
        std::string(R"({"status":"success","data":{"resultType":"vector"}})"),
        answer("vector", R"({"value":[1,"1"]})"), answer("vector", R"([{"histogram":[1,{}]}])"),
        answer("vector", R"([7])"), answer("scalar", R"([1,1])"), answer("scalar", R"(["1"])"),
        answer("string", R"([1,"1"])"), answer("matrix", R"([{"metric":{},"values":[[1,"1"]]}])"),
        scalar_of("one"), scalar_of("1 "), scalar_of("")}) {
    SCOPED_TRACE(body);
    EXPECT_FAILED(judged(body), "body ");
  }
}

TEST(PrometheusProbe, AnAnswerNestedWithoutEndIsABadBody) {
  const std::string deep = std::string(400'000, '[') + std::string(400'000, ']');
  for (const std::string& body : {answer("vector", "[{\"value\":" + deep + "}]"), answer("vector", deep),
                                  answer("scalar", deep), std::string(1'000'000, '[')})
    EXPECT_FAILED(judged(body), "body ");
}

TEST(PrometheusProbe, ALongVectorIsReadUpToAMebibyte) {
  EXPECT_SUCCESS(judged(vector_of(std::vector<std::string>(5'000, "1"))));
  EXPECT_FAILED(judged(vector_of(std::vector<std::string>(20'000, "1"))), "body 1 MiB or more");
}

TEST(PrometheusProbe, AsksForTheQueryBelowTheServersPath) {
  std::string request;
  TcpServer server([&](int fd) {
    char text[4096];
    const ssize_t size = read(fd, text, sizeof text);
    request.assign(text, size > 0 ? static_cast<size_t>(size) : 0);
    const std::string reply = http_answer(200, scalar_of("1"));
    [[maybe_unused]] const ssize_t sent = send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
  });
  EXPECT_SUCCESS(first_sample(
      asking(server.url("/metrics/"), contract::COMPARISON_GREATER, 0, "sum(rate(x{a=\"b&c\"}[1m])) + 1")));
  EXPECT_THAT(request, testing::StartsWith("GET /metrics/api/v1/query?query=sum%28rate%28x%7Ba%3D%22b%26c%22%"
                                           "7D%5B1m%5D%29%29%20%2B%201 HTTP/1.1\r\n"));
}

TEST(PrometheusProbe, AClosedPortIsRefused) {
  EXPECT_FAILED(first_sample(asking("http://127.0.0.1:" + std::to_string(closed_port()))), "refused");
}

TEST(PrometheusProbe, WhatCannotBeAskedIsRefusedAtTheStart) {
  const auto asker = prober();
  const std::string url = "http://127.0.0.1:9090";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Probe& bad :
       {asking("127.0.0.1"), asking("ftp://127.0.0.1/"), asking(url + "/?tenant=a"),
        asking(url, contract::COMPARISON_UNSPECIFIED), asking(url, static_cast<contract::Comparison>(77)),
        asking(url, contract::COMPARISON_LESS, nan), asking(url, contract::COMPARISON_LESS, 1, "")}) {
    const auto started = asker->start({bad});
    ASSERT_FALSE(started) << bad.ShortDebugString();
    EXPECT_EQ(started.error().kind, ErrorKind::kInvalid);
  }
}

}  // namespace
}  // namespace blackstart
