// bench-import: subscribers through Bento's import into a sandbox without limits: is memory flat, and who is the bottleneck?
//
//   bench-import [ROWS]    default 100000

#include "support/Measure.h"
#include "support/SandboxProcess.h"

#include "tollgate/providers/Bento.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

using namespace tollgate;

bento::SubscriberRow makeRow(std::size_t number)
{
    const std::string text = std::to_string(number);
    bento::SubscriberRow row;
    row.email = "subscriber" + text + "@example.com";
    row.firstName = "J\xC3\xBCrgen"; // not ASCII
    row.lastName = "Example " + text;
    row.tags = {"customer", "imported"};
    row.fields = {{"company", std::string("Acme")}, {"visits", static_cast<std::int64_t>(number % 100)}};
    return row;
}

void print(const char* measure, std::size_t rows, double value, const char* unit)
{
    bench::Row row;
    row.measure = measure;
    row.kind = std::to_string(rows) + " subscribers";
    row.value = value;
    row.unit = unit;
    bench::print(row);
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const auto rows = argc > 1 ? static_cast<std::size_t>(std::atol(argv[1])) : 100'000;
        const bench::SandboxProcess sandbox({"--bento-limit", "0", "--max-recorded", "0"});

        BentoOptions options;
        options.userAgent = "bench/1.0";
        options.baseUrl = sandbox.get("bento", "baseUrl");
        options.publishableKey = fixedSource(Secret(sandbox.get("bento", "publishableKey")));
        options.secretKey = fixedSource(Secret(sandbox.get("bento", "secretKey")));
        options.siteUuid = fixedSource(Secret(sandbox.get("bento", "siteUuid")));
        options.limits = BentoLimits::off();
        const Bento bento(options);

        const auto cpuBefore = bench::cpuTime();
        const auto start = std::chrono::steady_clock::now();
        std::size_t next = 0;
        const auto report = bento
                                .importSubscribers([&]() -> std::optional<bento::SubscriberRow> {
                                    if (next == rows) return std::nullopt;
                                    return makeRow(next++);
                                })
                                .run();
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
        const std::chrono::duration<double> cpu = bench::cpuTime() - cpuBefore;
        report.orThrow();
        if (report.imported != rows) throw std::runtime_error("imported " + std::to_string(report.imported) + " rows");

        print("import rate", rows, static_cast<double>(rows) / wall.count(), "rows/s");
        print("client CPU share of an import", rows, 100.0 * cpu.count() / wall.count(), "%");
        print("peak memory of an import", rows, static_cast<double>(bench::peakResidentKiB()) / 1024.0, "MiB");
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench-import: " << error.what() << '\n';
        return 1;
    }
}
