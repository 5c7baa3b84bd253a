// The main function of a fuzzer in builds without libFuzzer: runs the inputs of a folder, once each. What is wrong with
// one ends the process, and the last name on the standard output says which it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " folder\n";
        return EXIT_FAILURE;
    }
    std::vector<std::filesystem::path> inputs;
    for (const auto& entry : std::filesystem::directory_iterator{argv[1]}) inputs.push_back(entry.path());
    std::sort(inputs.begin(), inputs.end());
    for (const auto& input : inputs) {
        std::cout << input.filename().string() << std::endl;
        std::ifstream file{input, std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
        // In memory of exactly its size, as libFuzzer gives it.
        const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
        LLVMFuzzerTestOneInput(exact.data(), exact.size());
    }
    return inputs.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
}
