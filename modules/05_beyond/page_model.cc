#include "modules/05_beyond/page_model.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace kvlab {

PageModel::Sequence PageModel::StartWithTable(std::vector<Block> table) {
  lens_[started_] = table.size() * sizes_.block_size;
  tables_[started_] = std::move(table);
  return started_++;
}

PageModel::Block PageModel::NewBlock(std::vector<Row> rows) {
  blocks_.push_back(std::move(rows));
  return blocks_.size() - 1;
}

std::size_t PageModel::OwnersOf(Block block) const {
  std::size_t owners = 0;
  for (const auto& [sequence, table] : tables_) {
    owners += static_cast<std::size_t>(std::ranges::count(table, block));
  }
  for (const auto& [tokens, kept] : kept_) owners += kept == block ? 1 : 0;
  return owners;
}

std::vector<std::size_t> PageModel::Owners(Sequence sequence) const {
  std::vector<std::size_t> owners;
  for (const Block block : tables_.at(sequence)) {
    owners.push_back(OwnersOf(block));
  }
  return owners;
}

std::size_t PageModel::BlocksInUse() const {
  std::set<Block> used;
  for (const auto& [sequence, table] : tables_) {
    used.insert(table.begin(), table.end());
  }
  for (const auto& [tokens, block] : kept_) used.insert(block);
  return used.size();
}

bool PageModel::Extend(
    const std::vector<std::pair<Sequence, std::size_t>>& extensions) {
  PageModel after = *this;
  for (const auto& [sequence, new_len] : extensions) {
    std::vector<Block>& table = after.tables_.at(sequence);
    std::size_t& len = after.lens_.at(sequence);
    for (std::size_t i = 0; i < new_len; ++i, ++len) {
      const std::size_t held = len % sizes_.block_size;
      if (held == 0) {
        table.push_back(after.NewBlock({}));
      } else if (after.OwnersOf(table.back()) > 1) {
        std::vector<Row> rows = after.blocks_[table.back()];
        table.back() = after.NewBlock(std::move(rows));
        ++after.copied_;
      }
      std::vector<Row>& rows = after.blocks_[table.back()];
      rows.resize(held);
      rows.push_back(after.appended_++);
    }
  }
  if (after.BlocksInUse() > sizes_.num_blocks) return false;
  *this = std::move(after);
  return true;
}

void PageModel::Truncate(Sequence sequence, std::size_t end) {
  lens_.at(sequence) = end;
  const std::size_t partly = end % sizes_.block_size == 0 ? 0 : 1;
  tables_.at(sequence).resize(end / sizes_.block_size + partly);
}

PageModel::Sequence PageModel::Fork(Sequence sequence) {
  const Sequence fork = StartWithTable(tables_.at(sequence));
  lens_[fork] = lens_.at(sequence);
  return fork;
}

PageModel::Sequence PageModel::StartWith(std::span<const TokenId> prompt) {
  std::vector<Block> table;
  for (std::size_t end = sizes_.block_size; end <= prompt.size();
       end += sizes_.block_size) {
    const std::span<const TokenId> prefix = prompt.first(end);
    const auto found = kept_.find({prefix.begin(), prefix.end()});
    if (found == kept_.end()) break;
    table.push_back(found->second);
  }
  return StartWithTable(std::move(table));
}

void PageModel::Keep(Sequence sequence, std::span<const TokenId> tokens) {
  const std::vector<Block>& table = tables_.at(sequence);
  for (std::size_t i = 0; i < tokens.size() / sizes_.block_size; ++i) {
    const std::span<const TokenId> prefix =
        tokens.first((i + 1) * sizes_.block_size);
    kept_.try_emplace({prefix.begin(), prefix.end()}, table[i]);
  }
}

std::vector<PageModel::Row> PageModel::Rows(Sequence sequence) const {
  std::vector<Row> rows;
  for (const Block block : tables_.at(sequence)) {
    rows.insert(rows.end(), blocks_[block].begin(), blocks_[block].end());
  }
  rows.resize(lens_.at(sequence));
  return rows;
}

std::vector<PageModel::Sequence> PageModel::Sequences() const {
  std::vector<Sequence> sequences;
  for (const auto& [sequence, table] : tables_) sequences.push_back(sequence);
  return sequences;
}

}  // namespace kvlab
