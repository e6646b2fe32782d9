#include "kit/model/checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/checkpoint_testing.h"
#include "kit/testing/testing.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

TEST(LoadCheckpointTest, LoadsTheShippedModel) {
  const Checkpoint checkpoint =
      LoadCheckpoint(TestData("models/shakespeare-gpt2"));
  const Gpt2Weights& weights = *checkpoint.weights;
  EXPECT_EQ(weights.config.num_layers, 4U);
  EXPECT_EQ(weights.config.num_heads, 4U);
  EXPECT_EQ(weights.config.d_model, 256U);
  EXPECT_EQ(weights.config.d_mlp, 1024U);
  EXPECT_EQ(weights.config.max_positions, 1024U);
  EXPECT_EQ(weights.config.vocab_size, 1024U);
  EXPECT_EQ(weights.blocks.size(), 4U);
  EXPECT_EQ(weights.wte.Type(), DType::kF16);
  EXPECT_EQ(checkpoint.tokenizer.VocabSize(), 1024U);
}

TEST(LoadGpt2Test, LoadsARandomModelFromElsewhere) {
  const Gpt2Weights weights =
      LoadGpt2(TestData("kit/testdata/tiny-gpt2-random"));
  EXPECT_EQ(weights.config.d_model, 2U);
  EXPECT_EQ(weights.config.d_mlp, 8U);
  EXPECT_EQ(weights.blocks.size(), 1U);
}

// Every type, with and without "transformer." before the names.
struct Storage {
  std::string name;
  std::string dtype;
  DType type;
  std::string prefix;
};

void PrintTo(const Storage& storage, std::ostream* out) {
  *out << storage.name;
}

class LoadGpt2StorageTest : public ::testing::TestWithParam<Storage> {};

// The element of a tensor `offset` elements after its first.
float Element(const TinyCheckpoint& tiny, const std::string& name,
              std::size_t offset) {
  const auto first = static_cast<std::size_t>(tiny.FirstElement(name));
  return static_cast<float>((first + offset) % 256);
}

TEST_P(LoadGpt2StorageTest, PutsEveryElementInItsPlace) {
  const Storage& storage = GetParam();
  const TinyCheckpoint tiny(storage.dtype, storage.prefix);
  const Gpt2Weights weights = LoadGpt2(tiny.Write());
  const std::string h1 = storage.prefix + "h.1.";

  // Embeddings, stored [rows, d_model], are maps d_model -> rows.
  EXPECT_EQ(weights.wte.Type(), storage.type);
  EXPECT_EQ(weights.wte.At(1, 3),
            Element(tiny, storage.prefix + "wte.weight", 3 * 4 + 1));
  EXPECT_EQ(weights.wpe.At(2, 5),
            Element(tiny, storage.prefix + "wpe.weight", 5 * 4 + 2));
  // Conv1D is stored [in, out].
  const MlpWeights& mlp = weights.blocks[1].mlp;
  EXPECT_EQ(mlp.c_fc.weight.At(2, 7),
            Element(tiny, h1 + "mlp.c_fc.weight", 2 * 16 + 7));
  EXPECT_EQ(mlp.c_proj.weight.At(7, 2),
            Element(tiny, h1 + "mlp.c_proj.weight", 7 * 4 + 2));
  // One axis becomes float32.
  const Tensor1& bias = weights.blocks[1].attn.c_attn.bias;
  ASSERT_EQ(bias.size(), 12U);
  EXPECT_EQ(bias(11), Element(tiny, h1 + "attn.c_attn.bias", 11));
  EXPECT_EQ(weights.ln_f.bias(3),
            Element(tiny, storage.prefix + "ln_f.bias", 3));
}

INSTANTIATE_TEST_SUITE_P(
    DTypesAndNames, LoadGpt2StorageTest,
    ::testing::Values(
        Storage{"F32", "F32", DType::kF32, ""},
        Storage{"F16", "F16", DType::kF16, ""},
        Storage{"BF16", "BF16", DType::kBF16, ""},
        Storage{"F32Prefixed", "F32", DType::kF32, "transformer."},
        Storage{"F16Prefixed", "F16", DType::kF16, "transformer."},
        Storage{"BF16Prefixed", "BF16", DType::kBF16, "transformer."}),
    [](const auto& test) { return test.param.name; });

// Matrices stay in the mapped file, which is laid out as it was written.
TEST(LoadGpt2Test, DoesNotCopyMatrices) {
  const Gpt2Weights weights = LoadGpt2(TinyCheckpoint().Write());
  EXPECT_EQ(weights.wpe.Data() - weights.wte.Data(), 5 * 4 * 4);
}

// Weights keep the file mapped, even after it is deleted.
TEST(LoadGpt2Test, WeightsOutliveTheFolder) {
  const TinyCheckpoint tiny;
  const std::filesystem::path folder = tiny.Write();
  const Gpt2Weights weights = LoadGpt2(folder);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(weights.wte.At(0, 1), Element(tiny, "wte.weight", 4));
}

// One byte before the rest: no float32 is aligned.
TEST(LoadGpt2Test, CopiesMatricesThatAreNotAligned) {
  TinyCheckpoint tiny;
  tiny.data.insert(0, 1, '!');
  for (auto& [name, entry] : tiny.header.items()) {
    for (auto& offset : entry["data_offsets"]) {
      offset = offset.get<std::size_t>() + 1;
    }
  }
  tiny.header["h.0.attn.pad"] = {
      {"dtype", "U8"}, {"shape", {1}}, {"data_offsets", {0, 1}}};
  const Gpt2Weights weights = LoadGpt2(tiny.Write());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(weights.wte.Data()) % 4, 0U);
  EXPECT_EQ(weights.wte.At(1, 3), Element(tiny, "wte.weight", 3 * 4 + 1));
  EXPECT_EQ(weights.ln_f.bias(3), Element(tiny, "ln_f.bias", 3));
}

TEST(LoadGpt2Test, TiedHeadSharesTheBytesOfWte) {
  const Gpt2Weights weights = LoadGpt2(TinyCheckpoint().Write());
  EXPECT_EQ(weights.lm_head.Data(), weights.wte.Data());
  EXPECT_EQ(weights.lm_head.Out(), 5U);
}

TEST(LoadGpt2Test, UntiedHeadHasItsOwnWeights) {
  TinyCheckpoint tiny;
  tiny.AddTensor("lm_head.weight", "F32", {5, 4});
  tiny.config["tie_word_embeddings"] = false;
  const Gpt2Weights weights = LoadGpt2(tiny.Write());
  EXPECT_EQ(weights.lm_head.At(1, 3),
            Element(tiny, "lm_head.weight", 3 * 4 + 1));
}

// safetensors stores a tied matrix once, under the name that comes first in the
// alphabet, and says so in the metadata.
TEST(LoadGpt2Test, TiedMatrixMayBeStoredAsTheHeadAlone) {
  for (const bool told : {true, false}) {
    TinyCheckpoint tiny("F32", "transformer.");
    tiny.Rename("transformer.wte.weight", "lm_head.weight");
    if (told) {
      tiny.header["__metadata__"] = {
          {"format", "pt"}, {"transformer.wte.weight", "lm_head.weight"}};
    }
    const Gpt2Weights weights = LoadGpt2(tiny.Write());
    EXPECT_EQ(weights.lm_head.Data(), weights.wte.Data());
    EXPECT_EQ(weights.wte.At(1, 3), Element(tiny, "lm_head.weight", 3 * 4 + 1));
  }
}

// The same happens to any two names of one tensor.
TEST(LoadGpt2Test, ATensorHasAlsoTheNamesThatTheMetadataTells) {
  TinyCheckpoint shared;
  shared.Rename("h.1.ln_1.weight", "shared");
  shared.header["__metadata__"] = {{"h.1.ln_1.weight", "shared"}};
  EXPECT_EQ(LoadGpt2(shared.Write()).blocks[1].ln_1.weight(2),
            Element(shared, "shared", 2));
}

TEST(LoadGpt2Test, UntiedHeadMayBeStoredAsTheEmbedding) {
  TinyCheckpoint tiny;
  tiny.config["tie_word_embeddings"] = false;
  tiny.header["__metadata__"] = {{"lm_head.weight", "wte.weight"}};
  const Gpt2Weights weights = LoadGpt2(tiny.Write());
  EXPECT_EQ(weights.lm_head.At(1, 3), weights.wte.At(1, 3));
}

TEST(LoadGpt2Test, ReadsTheNamesOfTheTanhFormula) {
  for (const char* name : {"gelu_new", "gelu_fast", "gelu_accurate",
                           "gelu_pytorch_tanh", "gelu_python_tanh"}) {
    TinyCheckpoint tiny;
    tiny.config["activation_function"] = name;
    EXPECT_EQ(LoadGpt2(tiny.Write()).blocks.size(), 2U) << name;
  }
}

// It orders products and widens to float32, which kvlab computes in anyway.
TEST(LoadGpt2Test, UpcastAttentionIsTheSameModel) {
  TinyCheckpoint tiny;
  tiny.config["reorder_and_upcast_attn"] = true;
  EXPECT_EQ(LoadGpt2(tiny.Write()).blocks.size(), 2U);
}

TEST(LoadGpt2Test, ReadsShards) {
  const TinyCheckpoint tiny("F32", "transformer.");
  const Gpt2Weights weights = LoadGpt2(tiny.WriteShards());
  EXPECT_EQ(weights.wte.At(1, 3),
            Element(tiny, "transformer.wte.weight", 3 * 4 + 1));
  EXPECT_EQ(weights.blocks[1].mlp.c_proj.weight.At(7, 2),
            Element(tiny, "transformer.h.1.mlp.c_proj.weight", 7 * 4 + 2));
  EXPECT_EQ(weights.ln_f.bias(3), Element(tiny, "transformer.ln_f.bias", 3));
}

// As save_model writes a tied model, cut into shards.
TEST(LoadGpt2Test, AShardMayHoldTheTiedMatrixAsTheHead) {
  TinyCheckpoint tiny("F32", "transformer.");
  tiny.Rename("transformer.wte.weight", "lm_head.weight");
  const Gpt2Weights weights = LoadGpt2(tiny.WriteShards());
  EXPECT_EQ(weights.lm_head.Data(), weights.wte.Data());
  EXPECT_EQ(weights.wte.At(1, 3), Element(tiny, "lm_head.weight", 3 * 4 + 1));
}

TEST(LoadGpt2Test, OneFileComesBeforeShards) {
  const TinyCheckpoint tiny;
  const std::filesystem::path folder = tiny.WriteShards();
  WriteFile(folder / "model.safetensors", tiny.Safetensors());
  WriteFile(folder / "model.safetensors.index.json", "{}");
  EXPECT_EQ(LoadGpt2(folder).blocks.size(), 2U);
}

// One defect in the index, and the error's text.
TEST(LoadGpt2Test, NamesWhatIsWrongWithAnIndex) {
  const std::filesystem::path folder = TinyCheckpoint().WriteShards();
  const std::filesystem::path path = folder / "model.safetensors.index.json";
  const auto expect = [&](const std::string& index, const std::string& words) {
    WriteFile(path, index);
    const std::string message = MessageOf<DataError>([&] { LoadGpt2(folder); });
    EXPECT_THAT(message, HasSubstr(path.string())) << index;
    EXPECT_THAT(message, HasSubstr(words)) << index;
  };
  const std::string second = "model-00002-of-00002.safetensors";
  expect("{}", "has no 'weight_map'");
  expect(R"({"weight_map": {}})", "has no 'weight_map'");
  expect(R"({"weight_map": []})", "has no 'weight_map'");
  expect(R"({"weight_map": {"wte.weight": 3}})", "is not a file's name");
  for (const std::string name :
       {"../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".", "",
        "a\\\\b", "model-00001-of-00002.safetensors\\u0000"}) {
    expect(R"({"weight_map": {"wte.weight": ")" + name + R"("}})",
           "is not a file's name");
  }
  expect(R"({"weight_map": {"wte.weight": ")" + second + R"("}})",
         "'wte.weight' is missing from its shard");
  expect(R"({"weight_map": {"ln_f.bias": ")" + second + R"("}})",
         "'wte.weight' is missing");
  expect(R"({"weight_map": {"ln_f.bias": ")" + second + R"("}})" +
             std::string(1, '\0') + "x",
         "has a NUL byte");
}

TEST(LoadGpt2Test, NamesTheShardsThatAreMissing) {
  const std::filesystem::path folder = TinyCheckpoint().WriteShards();
  std::filesystem::remove(folder / "model-00002-of-00002.safetensors");
  const std::string message = MessageOf<DataError>([&] { LoadGpt2(folder); });
  EXPECT_THAT(message, HasSubstr("1 of 2 shards are missing"));
  EXPECT_THAT(message, HasSubstr("no model-00002-of-00002.safetensors"));
}

TEST(LoadGpt2Test, NamesWeightsInAnotherFormat) {
  for (const auto& [name, words] :
       {std::pair{"pytorch_model.bin", "has pytorch_model.bin"},
        std::pair{"pytorch_model-00001-of-00002.bin", "safetensors only"},
        std::pair{"tf_model.h5", "has tf_model.h5"},
        std::pair{"gpt2.Q8_0.gguf", "has gpt2.Q8_0.gguf"},
        std::pair{"gpt2.safetensors", "rename it to model.safetensors"}}) {
    const std::filesystem::path folder = TinyCheckpoint().Write();
    std::filesystem::remove(folder / "model.safetensors");
    WriteFile(folder / name, "");
    EXPECT_THAT(MessageOf<DataError>([&] { LoadGpt2(folder); }),
                HasSubstr(words));
  }
}

// The leftovers of a clone without git-lfs and of a wrong download, in every
// file.
TEST(LoadCheckpointTest, NamesWhatLiesInAFilesPlace) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\n"
      "oid sha256:" +
      std::string(64, '0') + "\nsize 548105171\n";
  for (const std::string name :
       {"config.json", "model.safetensors", "vocab.json", "merges.txt"}) {
    const std::filesystem::path folder = TinyCheckpoint().Write();
    WriteFile(folder / name, pointer);
    const std::string message =
        MessageOf<DataError>([&] { LoadCheckpoint(folder); });
    EXPECT_THAT(message,
                HasSubstr((folder / name).string() + ": is a Git LFS pointer"));
    EXPECT_THAT(message, HasSubstr("548105171 bytes"));
    EXPECT_THAT(message, HasSubstr("git lfs pull"));
    WriteFile(folder / name, "<!DOCTYPE html>\n<html>");
    EXPECT_THAT(MessageOf<DataError>([&] { LoadCheckpoint(folder); }),
                HasSubstr(": is a web page"));
  }
  // The files that other checkpoints have instead, or beside those.
  const std::string shard = "model-00002-of-00002.safetensors";
  for (const std::string& name :
       {std::string("model.safetensors.index.json"), shard,
        std::string("tokenizer.json"), std::string("added_tokens.json")}) {
    const TinyCheckpoint tiny;
    const std::filesystem::path folder = tiny.WriteShards();
    if (name == "tokenizer.json") {
      std::filesystem::remove(folder / "vocab.json");
    }
    WriteFile(folder / name, pointer);
    const std::string message =
        MessageOf<DataError>([&] { LoadCheckpoint(folder); });
    EXPECT_THAT(message,
                HasSubstr((folder / name).string() + ": is a Git LFS pointer"));
    EXPECT_THAT(message, HasSubstr("git lfs pull"));
  }
  const std::filesystem::path folder = TinyCheckpoint().Write();
  WriteFile(folder / "model.safetensors", "PK\x03\x04 and the rest");
  EXPECT_THAT(MessageOf<DataError>([&] { LoadCheckpoint(folder); }),
              HasSubstr("as torch.save writes"));
}

// A header of 0x280 bytes more begins like a pickle, but is not one.
TEST(LoadGpt2Test, AHeaderMayHaveAnyLength) {
  TinyCheckpoint tiny;
  const std::filesystem::path folder = tiny.Write();
  std::string header = tiny.header.dump();
  header.resize((header.size() / 0x10000 + 1) * 0x10000 + 0x280, ' ');
  WriteFile(folder / "model.safetensors", SafetensorsBytes(header, tiny.data));
  EXPECT_EQ(LoadGpt2(folder).blocks.size(), 2U);
}

// Vocabularies are padded; rows without a token are not valid ids.
TEST(LoadCheckpointTest, LeavesOutRowsWithoutAToken) {
  TinyCheckpoint tiny;
  tiny.vocab_json = R"({"a": 0, "b": 1, "ab": 2})";
  tiny.merges_txt = "a b\n";
  for (const bool tied : {true, false}) {
    if (!tied) {
      tiny.config["tie_word_embeddings"] = false;
      tiny.AddTensor("lm_head.weight", "F32", {5, 4});
    }
    const Checkpoint checkpoint = LoadCheckpoint(tiny.Write());
    EXPECT_EQ(checkpoint.rows_without_token, 2U);
    EXPECT_EQ(checkpoint.tokenizer.VocabSize(), 3U);
    EXPECT_EQ(checkpoint.weights->config.vocab_size, 3U);
    EXPECT_EQ(checkpoint.weights->lm_head.Out(), 3U);
    EXPECT_EQ(checkpoint.weights->wte.Out(), 3U);
    EXPECT_EQ(checkpoint.weights->wte.At(1, 2),
              Element(tiny, "wte.weight", 2 * 4 + 1));
    EXPECT_EQ(
        checkpoint.weights->lm_head.Data() == checkpoint.weights->wte.Data(),
        tied);
    EXPECT_EQ(LoadGpt2(tiny.Write()).lm_head.Out(), 5U);
  }
}

TEST(LoadCheckpointTest, TakesAddedTokens) {
  TinyCheckpoint tiny;
  tiny.vocab_json = R"({"a": 0, "b": 1, "ab": 2, "c": 3})";
  tiny.merges_txt = "a b\n";
  const std::filesystem::path folder = tiny.Write();
  WriteFile(folder / "added_tokens.json", R"({"\u00e9 |pad|": 4})");
  const Checkpoint checkpoint = LoadCheckpoint(folder);
  EXPECT_EQ(checkpoint.rows_without_token, 0U);
  EXPECT_EQ(checkpoint.tokenizer.Decode(std::vector<TokenId>{4, 3}),
            "\xc3\xa9 |pad|c");
}

// nlohmann's parser takes NUL for the end, and would not see what follows.
TEST(LoadCheckpointTest, JsonThatGoesOnAfterANulIsRefused) {
  for (const std::string name :
       {"config.json", "vocab.json", "tokenizer.json", "added_tokens.json"}) {
    const TinyCheckpoint tiny;
    const std::filesystem::path folder = tiny.Write();
    std::string text = R"({"[PAD]": 5})";
    if (name == "config.json") text = tiny.config.dump();
    if (name == "vocab.json") text = tiny.vocab_json;
    if (name == "tokenizer.json") {
      text = tiny.TokenizerJson().dump();
      std::filesystem::remove(folder / "vocab.json");
    }
    WriteFile(folder / name, text);
    EXPECT_NO_THROW(LoadCheckpoint(folder)) << name;
    WriteFile(folder / name, text + '\0' + "{}");
    const std::string message =
        MessageOf<DataError>([&] { LoadCheckpoint(folder); });
    EXPECT_THAT(message, HasSubstr((folder / name).string()));
    EXPECT_THAT(message, HasSubstr("has a NUL byte"));
  }
}

// A padding token that was added without making the embedding larger.
TEST(LoadCheckpointTest, DropsAddedTokensThatTheModelDoesNotKnow) {
  const TinyCheckpoint tiny;
  const std::filesystem::path folder = tiny.Write();
  WriteFile(folder / "added_tokens.json", R"({"[PAD]": 5})");
  const Checkpoint checkpoint = LoadCheckpoint(folder);
  EXPECT_EQ(checkpoint.tokenizer.VocabSize(), 5U);
  EXPECT_EQ(checkpoint.rows_without_token, 0U);
}

TEST(LoadCheckpointTest, ReadsTokenizerJsonAlone) {
  const TinyCheckpoint tiny;
  for (const char* missing : {"vocab.json", "merges.txt"}) {
    const std::filesystem::path folder = tiny.Write();
    WriteFile(folder / "tokenizer.json", tiny.TokenizerJson().dump());
    std::filesystem::remove(folder / missing);
    const Checkpoint checkpoint = LoadCheckpoint(folder);
    EXPECT_EQ(checkpoint.tokenizer.VocabSize(), 5U);
    EXPECT_EQ(checkpoint.tokenizer.Encode("abc"), std::vector<TokenId>{4});
  }
}

TEST(LoadGpt2Test, ReadsTheWidthOfTheMlp) {
  TinyCheckpoint tiny;
  tiny.config["n_inner"] = 16;  // 4 * n_embd, as without it
  EXPECT_EQ(LoadGpt2(tiny.Write()).config.d_mlp, 16U);
  tiny.config["n_inner"] = nullptr;
  EXPECT_EQ(LoadGpt2(tiny.Write()).config.d_mlp, 16U);
  tiny.config["n_inner"] = 8;
  EXPECT_THAT(MessageOf<DataError>([&] { LoadGpt2(tiny.Write()); }),
              HasSubstr("h.0.mlp.c_fc.weight"));
}

TEST(LoadGpt2Test, LoadsAnMlpOfAnyWidth) {
  TinyCheckpoint tiny;
  tiny.config["n_inner"] = 6;
  for (const std::string mlp : {"h.0.mlp.", "h.1.mlp."}) {
    for (const std::string name :
         {"c_fc.weight", "c_fc.bias", "c_proj.weight"}) {
      tiny.Rename(mlp + name, "unused." + mlp + name);
    }
    tiny.AddTensor(mlp + "c_fc.weight", "F32", {4, 6});
    tiny.AddTensor(mlp + "c_fc.bias", "F32", {6});
    tiny.AddTensor(mlp + "c_proj.weight", "F32", {6, 4});
  }
  const Gpt2Weights weights = LoadGpt2(tiny.Write());
  EXPECT_EQ(weights.config.d_mlp, 6U);
  const MlpWeights& mlp = weights.blocks[1].mlp;
  EXPECT_EQ(mlp.c_fc.weight.At(3, 5),
            Element(tiny, "h.1.mlp.c_fc.weight", 3 * 6 + 5));
  EXPECT_EQ(mlp.c_fc.bias(5), Element(tiny, "h.1.mlp.c_fc.bias", 5));
  EXPECT_EQ(mlp.c_proj.weight.At(5, 3),
            Element(tiny, "h.1.mlp.c_proj.weight", 5 * 4 + 3));
}

TEST(LoadGpt2Test, ReadsTheEpsilonOfLayerNorm) {
  TinyCheckpoint tiny;
  EXPECT_EQ(LoadGpt2(tiny.Write()).config.layer_norm_epsilon, 1e-5F);
  tiny.config["layer_norm_epsilon"] = 1e-6;
  EXPECT_EQ(LoadGpt2(tiny.Write()).config.layer_norm_epsilon, 1e-6F);
}

// The config.json and the extra tensors of GPT-2 and DistilGPT2 as Hugging Face
// publishes them, with small sizes.
nlohmann::ordered_json PublishedConfig() {
  return nlohmann::ordered_json::parse(R"({
    "_num_labels": 1,
    "activation_function": "gelu_new",
    "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1,
    "bos_token_id": 4,
    "embd_pdrop": 0.1,
    "eos_token_id": 4,
    "id2label": {"0": "LABEL_0"},
    "initializer_range": 0.02,
    "label2id": {"LABEL_0": 0},
    "layer_norm_epsilon": 1e-05,
    "model_type": "gpt2",
    "n_ctx": 6,
    "n_embd": 4,
    "n_head": 2,
    "n_layer": 2,
    "n_positions": 6,
    "resid_pdrop": 0.1,
    "summary_activation": null,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": true,
    "summary_type": "cls_index",
    "summary_use_proj": true,
    "task_specific_params": {
      "text-generation": {"do_sample": true, "max_length": 50}
    },
    "vocab_size": 5
  })");
}

TEST(LoadGpt2Test, LoadsGpt2AsPublished) {
  TinyCheckpoint tiny("F32", "");
  tiny.config = PublishedConfig();
  tiny.AddTensor("h.0.attn.bias", "F32", {1, 1, 6, 6});
  tiny.AddTensor("h.1.attn.bias", "F32", {1, 1, 6, 6});
  EXPECT_EQ(LoadGpt2(tiny.Write()).blocks.size(), 2U);
}

TEST(LoadGpt2Test, LoadsDistilGpt2AsPublished) {
  TinyCheckpoint tiny("F32", "transformer.");
  tiny.config = PublishedConfig();
  for (const std::string layer : {"0", "1"}) {
    const std::string attn = "transformer.h." + layer + ".attn.";
    tiny.AddTensor(attn + "bias", "BOOL", {1, 1, 6, 6});
    tiny.AddTensor(attn + "masked_bias", "F32", {});
  }
  tiny.CopyTensor("transformer.wte.weight", "lm_head.weight");
  tiny.header["__metadata__"] = {{"format", "pt"}};
  const Gpt2Weights weights = LoadGpt2(tiny.Write());
  EXPECT_EQ(weights.blocks.size(), 2U);
  EXPECT_EQ(weights.lm_head.Data(), weights.wte.Data());
}

// One defect in a valid checkpoint, and the error's text.
struct Damage {
  std::string name;
  std::function<void(TinyCheckpoint&)> edit;
  std::string file;
  std::string message;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

Damage BadConfig(const std::string& name, const std::string& key,
                 const nlohmann::ordered_json& value,
                 const std::string& message) {
  return {name, [=](TinyCheckpoint& tiny) { tiny.config[key] = value; },
          "config.json", "'" + key + "' " + message};
}

Damage NoConfig(const std::string& name, const std::string& key) {
  return {name, [=](TinyCheckpoint& tiny) { tiny.config.erase(key); },
          "config.json", "'" + key + "' is missing"};
}

Damage BadTensor(const std::string& name,
                 const std::function<void(TinyCheckpoint&)>& edit,
                 const std::string& message) {
  return {name, edit, "model.safetensors", message};
}

// Another shape of as many bytes.
Damage BadShape(const std::string& name, const std::string& tensor,
                const std::vector<std::size_t>& shape) {
  return BadTensor(
      name, [=](TinyCheckpoint& tiny) { tiny.header[tensor]["shape"] = shape; },
      "'" + tensor + "' has a wrong shape");
}

std::vector<Damage> ConfigDamages() {
  return {
      NoConfig("NoLayers", "n_layer"),
      NoConfig("NoHeads", "n_head"),
      NoConfig("NoWidth", "n_embd"),
      NoConfig("NoPositions", "n_positions"),
      NoConfig("NoVocabSize", "vocab_size"),
      BadConfig("NullLayers", "n_layer", nullptr, "is missing"),
      BadConfig("NegativeLayers", "n_layer", -2, "is out of range"),
      BadConfig("ZeroHeads", "n_head", 0, "is out of range"),
      BadConfig("FractionalWidth", "n_embd", 4.0, "is out of range"),
      BadConfig("TextWidth", "n_embd", "4", "is out of range"),
      BadConfig("HugeVocabSize", "vocab_size", std::uint64_t{1} << 31U,
                "is out of range"),
      BadConfig("HugePositions", "n_positions", ~std::uint64_t{0},
                "is out of range"),
      BadConfig("NegativeInner", "n_inner", -16, "is out of range"),
      BadConfig("HeadsDoNotDivide", "n_head", 3, "does not divide n_embd"),
      BadConfig("OtherModel", "model_type", "llama", "is not supported"),
      BadConfig("OtherActivation", "activation_function", "relu",
                "is not supported"),
      BadConfig("ExactGelu", "activation_function", "gelu", "is not supported"),
      BadConfig("ActivationIsNoText", "activation_function", 1, "is malformed"),
      BadConfig("UnscaledAttention", "scale_attn_weights", false,
                "is not supported"),
      BadConfig("ScaledByLayer", "scale_attn_by_inverse_layer_idx", true,
                "is not supported"),
      BadConfig("CrossAttention", "add_cross_attention", true,
                "is not supported"),
      BadConfig("PrunedHeads", "pruned_heads", {{"0", {1}}},
                "is not supported"),
      BadConfig("Quantised", "quantization_config", {{"bits", 4}},
                "is not supported"),
      BadConfig("ErfByAnotherName", "activation_function", "gelu_python",
                "is not supported"),
      BadConfig("SigmoidForGelu", "activation_function", "quick_gelu",
                "is not supported"),
      BadConfig("UpcastIsNoFlag", "reorder_and_upcast_attn", 1, "is malformed"),
      BadConfig("FlagIsNoFlag", "scale_attn_weights", "no", "is malformed"),
      BadConfig("ZeroEpsilon", "layer_norm_epsilon", 0.0, "is out of range"),
      BadConfig("LargeEpsilon", "layer_norm_epsilon", 1.5, "is out of range"),
      BadConfig("EpsilonIsText", "layer_norm_epsilon", "1e-5",
                "is out of range"),
  };
}

std::vector<Damage> TensorDamages() {
  return {
      BadTensor(
          "NoEmbedding",
          [](TinyCheckpoint& tiny) { tiny.Rename("wte.weight", "wtf"); },
          "'wte.weight' is missing"),
      BadTensor(
          "NoBias",
          [](TinyCheckpoint& tiny) { tiny.Rename("h.1.ln_2.bias", "gone"); },
          "'h.1.ln_2.bias' is missing"),
      BadTensor(
          "MoreLayersThanTensors",
          [](TinyCheckpoint& tiny) { tiny.config["n_layer"] = 3; },
          "'h.2.ln_1.weight' is missing"),
      // Must not reserve memory for them.
      BadTensor(
          "BillionsOfLayers",
          [](TinyCheckpoint& tiny) { tiny.config["n_layer"] = 2147483647; },
          "'h.2.ln_1.weight' is missing"),
      BadTensor(
          "NoHeadAlthoughUntied",
          [](TinyCheckpoint& tiny) {
            tiny.config["tie_word_embeddings"] = false;
          },
          "'lm_head.weight' is missing"),
      BadTensor(
          "WithAndWithoutPrefix",
          [](TinyCheckpoint& tiny) {
            tiny.AddTensor("transformer.wpe.weight", "F32", {6, 4});
          },
          "'wpe.weight' appears twice"),
      BadTensor(
          "TwoHeadsAlthoughTied",
          [](TinyCheckpoint& tiny) {
            tiny.AddTensor("lm_head.weight", "F32", {5, 4});
          },
          "'lm_head.weight' is not the same as 'wte.weight'"),
      BadTensor(
          "NamesOfAWrapper",
          [](TinyCheckpoint& tiny) {
            tiny.Rename("wte.weight", "_orig_mod.transformer.wte.weight");
          },
          "there is '_orig_mod.transformer.wte.weight'"),
      BadTensor(
          "LayersOfNnLinear",
          [](TinyCheckpoint& tiny) {
            tiny.header["h.0.attn.c_attn.weight"]["shape"] = {12, 4};
          },
          "the other way round"),
      BadTensor(
          "DoublePrecision",
          [](TinyCheckpoint& tiny) {
            tiny.header.erase("ln_f.bias");
            tiny.data.resize(tiny.data.size() - 16);
            tiny.data += std::string(32, '\0');
            tiny.header["ln_f.bias"] = {
                {"dtype", "F64"},
                {"shape", {4}},
                {"data_offsets", {tiny.data.size() - 32, tiny.data.size()}}};
          },
          "'ln_f.bias' has a wrong dtype"),
      BadTensor(
          "WholeNumbers",
          [](TinyCheckpoint& tiny) {
            tiny.header["ln_f.weight"]["dtype"] = "I32";
          },
          "'ln_f.weight' has a wrong dtype"),
      BadShape("Transposed", "h.0.mlp.c_fc.weight", {16, 4}),
      BadShape("OneAxisTooMany", "h.0.ln_1.weight", {1, 4}),
      BadShape("Flat", "wte.weight", {20}),
      // A config of another model.
      BadTensor(
          "OtherVocabSize",
          [](TinyCheckpoint& tiny) { tiny.config["vocab_size"] = 6; },
          "'wte.weight' has a wrong shape"),
      BadTensor(
          "OtherContext",
          [](TinyCheckpoint& tiny) { tiny.config["n_positions"] = 7; },
          "'wpe.weight' has a wrong shape"),
      BadTensor(
          "OtherWidth",
          [](TinyCheckpoint& tiny) { tiny.config["n_embd"] = 2147483646; },
          "'wte.weight' has a wrong shape"),
  };
}

std::vector<Damage> VocabularyDamages() {
  return {
      {"TooManyTokens",
       [](TinyCheckpoint& tiny) {
         tiny.vocab_json =
             R"({"a": 0, "b": 1, "ab": 2, "c": 3, "abc": 4, "d": 5})";
       },
       "vocab.json", "does not match the model"},
      {"TooFewTokens",
       [](TinyCheckpoint& tiny) {
         tiny.vocab_json = R"({"a": 0, "b": 1})";
         tiny.merges_txt = "";
       },
       "vocab.json", "does not match the model"},
  };
}

class LoadCheckpointDamageTest : public ::testing::TestWithParam<Damage> {};

TEST_P(LoadCheckpointDamageTest, IsAnErrorThatNamesFileAndTensor) {
  TinyCheckpoint tiny;
  GetParam().edit(tiny);
  const std::filesystem::path folder = tiny.Write();
  const std::string message =
      MessageOf<DataError>([&] { LoadCheckpoint(folder); });
  EXPECT_THAT(message, HasSubstr((folder / GetParam().file).string()));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

constexpr auto kDamageName = [](const auto& test) { return test.param.name; };
INSTANTIATE_TEST_SUITE_P(Config, LoadCheckpointDamageTest,
                         ::testing::ValuesIn(ConfigDamages()), kDamageName);
INSTANTIATE_TEST_SUITE_P(Tensors, LoadCheckpointDamageTest,
                         ::testing::ValuesIn(TensorDamages()), kDamageName);
INSTANTIATE_TEST_SUITE_P(Vocabulary, LoadCheckpointDamageTest,
                         ::testing::ValuesIn(VocabularyDamages()), kDamageName);

TEST(LoadCheckpointTest, NamesEachFileThatIsMissing) {
  for (const std::string name :
       {"config.json", "model.safetensors", "vocab.json", "merges.txt"}) {
    const std::filesystem::path folder = TinyCheckpoint().Write();
    std::filesystem::remove(folder / name);
    EXPECT_THAT(MessageOf<DataError>([&] { LoadCheckpoint(folder); }),
                HasSubstr((folder / name).string() + ": cannot be opened"));
  }
}

}  // namespace
}  // namespace kvlab
