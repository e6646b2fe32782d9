// onnxruntime as an engine of the comparison: model.onnx on its CPU provider.
//
// Usage: node onnx_engine.mjs --model FOLDER --threads N --prepack on|off
//          --peers FOLDER
// Speaks what compare/README.md calls the protocol.
//
// Nothing is copied between steps: past and present keys and values are the
// same buffers, and so are the logits of all calls.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

const options = {};
for (let i = 2; i + 1 < process.argv.length; i += 2) {
  options[process.argv[i].slice(2)] = process.argv[i + 1];
}
const require = createRequire(join(options.peers, 'package.json'));
const { InferenceSession, Tensor } = require('onnxruntime-node');

const config = JSON.parse(
  readFileSync(join(options.model, 'config.json'), 'utf8'));
const headDim = config.n_embd / config.n_head;

const session = await InferenceSession.create(
  join(options.model, 'model.onnx'), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: Number(options.threads),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableCpuMemArena: true,
    extra: {
      session: {
        disable_prepacking: options.prepack === 'off' ? '1' : '0',
        intra_op: { allow_spinning: '1' },
        // Spinning helps within a turn and would disturb others between turns.
        force_spinning_stop: '1',
      },
    },
  });

const logits = new Float32Array(config.vocab_size);
const fixedFeeds = {};
const fetches = { logits: new Tensor('float32', logits, [1, logits.length]) };
for (let layer = 0; layer < config.n_layer; ++layer) {
  for (const what of ['key', 'value']) {
    const cache = new Tensor(
      'float32', new Float32Array(config.n_positions * config.n_embd),
      [1, config.n_head, config.n_positions, headDim]);
    fixedFeeds[`past_${what}.${layer}`] = cache;
    fetches[`present_${what}.${layer}`] = cache;
  }
}

// Seconds until the logits of the last token can be read.
async function forward(tokens, pastLen) {
  const start = process.hrtime.bigint();
  const size = [1, tokens.length];
  const totalLen = pastLen + tokens.length;
  await session.run({
    ...fixedFeeds,
    input_ids: new Tensor('int64', BigInt64Array.from(tokens, BigInt), size),
    position_ids: new Tensor(
      'int64', BigInt64Array.from(tokens, (_, i) => BigInt(pastLen + i)), size),
    last_position: new Tensor('int32', Int32Array.of(totalLen - 1), [1]),
    total_len: new Tensor('int32', Int32Array.of(totalLen), []),
  }, fetches);
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function best() {
  let id = 0;
  for (let i = 1; i < logits.length; ++i) if (logits[i] > logits[id]) id = i;
  return id;
}

async function answer({ prompt, forced }) {
  const reply = { prefill_s: await forward(prompt, 0), step_s: [], argmax: [] };
  reply.argmax.push(best());
  for (const [i, token] of forced.entries()) {
    reply.step_s.push(await forward([token], prompt.length + i));
    reply.argmax.push(best());
  }
  return reply;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
