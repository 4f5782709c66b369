// T5 1.1 (Raffel et al., 2020; Shazeer, 2020) in TensorFlow.js, as far as a training step needs it: what the page's
// own training is compared with. Pre-norm blocks, relative position bias shared by a stack, gated GELU, no biases.
// Sizes under the names of Hugging Face's `config.json`.

const EPSILON = 1e-6;

/** The model's variables and its loss for a batch of token ids. */
export class T5 {
  constructor(tf, config) {
    this.tf = tf;
    this.config = config;
    this.weights = {};
    const { vocab_size: words, d_model: width, num_heads: heads } = config;
    this.add('shared', [words, width], 1);
    this.add('head', [words, width], width ** -0.5);
    for (const stack of ['encoder', 'decoder']) {
      this.add(`${stack}.bias`, [config.relative_attention_num_buckets ?? 32, heads], 0.1);
      this.ones(`${stack}.norm`);
      for (let layer = 0; layer < config.num_layers; layer += 1) {
        this.attention(`${stack}.${layer}.self`);
        if (stack === 'decoder') this.attention(`${stack}.${layer}.cross`);
        this.ones(`${stack}.${layer}.ff.norm`);
        this.add(`${stack}.${layer}.ff.gate`, [width, config.d_ff], width ** -0.5);
        this.add(`${stack}.${layer}.ff.up`, [width, config.d_ff], width ** -0.5);
        this.add(`${stack}.${layer}.ff.down`, [config.d_ff, width], config.d_ff ** -0.5);
      }
    }
  }

  get variables() {
    return Object.values(this.weights);
  }

  add(name, shape, deviation) {
    this.weights[name] = this.tf.variable(this.tf.randomNormal(shape, 0, deviation));
  }

  ones(name) {
    this.weights[name] = this.tf.variable(this.tf.ones([this.config.d_model]));
  }

  attention(name) {
    const { d_model: width, num_heads: heads, d_kv: inner } = this.config;
    this.ones(`${name}.norm`);
    this.add(`${name}.q`, [width, heads * inner], (width * inner) ** -0.5);
    for (const part of ['k', 'v']) this.add(`${name}.${part}`, [width, heads * inner], width ** -0.5);
    this.add(`${name}.o`, [heads * inner, width], (heads * inner) ** -0.5);
  }

  /** Rows of a table. The wasm back end lacks the kernel of tf.gather's own gradient: here it is a scatter. */
  rows(table, ids) {
    const { tf } = this;
    const flat = ids.flatten();
    const gathered = tf.customGrad((weight, save) => {
      save([flat]);
      const gradFunc = (grad, [places]) => tf.scatterND(places.expandDims(1), grad, table.shape);
      return { value: tf.gather(weight, flat), gradFunc };
    })(table);
    return gathered.reshape([...ids.shape, table.shape[1]]);
  }

  norm(x, name) {
    const scale = x.square().mean(-1, true).add(EPSILON).rsqrt();
    return x.mul(scale).mul(this.weights[name]);
  }

  /** A product with a matrix, all leading dimensions as one. */
  linear(x, name) {
    const weight = this.weights[name];
    const [batch, length, width] = x.shape;
    return x.reshape([batch * length, width]).matMul(weight).reshape([batch, length, weight.shape[1]]);
  }

  heads(x) {
    const { num_heads: heads, d_kv: inner } = this.config;
    return x.reshape([x.shape[0], x.shape[1], heads, inner]).transpose([0, 2, 1, 3]);
  }

  /** `x` reads from `memory`; without one from itself. `bias`: [1, heads, queries, keys], or nothing. */
  attend(x, memory, name, bias) {
    const { tf } = this;
    const inputs = this.norm(x, `${name}.norm`);
    const source = memory ?? inputs;
    const queries = this.heads(this.linear(inputs, `${name}.q`));
    const keys = this.heads(this.linear(source, `${name}.k`));
    const values = this.heads(this.linear(source, `${name}.v`));
    const scores = tf.matMul(queries, keys, false, true);
    const weights = tf.softmax(bias ? scores.add(bias) : scores);
    const mixed = tf.matMul(weights, values).transpose([0, 2, 1, 3]);
    const [batch, length] = mixed.shape;
    return x.add(this.linear(mixed.reshape([batch, length, -1]), `${name}.o`));
  }

  gelu(x) {
    const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return x.mul(0.5).mul(inner.tanh().add(1));
  }

  forward(x, name) {
    const inputs = this.norm(x, `${name}.norm`);
    const gated = this.gelu(this.linear(inputs, `${name}.gate`)).mul(this.linear(inputs, `${name}.up`));
    return x.add(this.linear(gated, `${name}.down`));
  }

  /** [1, heads, length, length]; the decoder's is minus infinity where a later token would be seen. */
  bias(stack, length) {
    const { tf } = this;
    const causal = stack === 'decoder';
    const buckets = this.config.relative_attention_num_buckets ?? 32;
    const most = this.config.relative_attention_max_distance ?? 128;
    const ids = [];
    const hidden = [];
    for (let query = 0; query < length; query += 1) {
      for (let key = 0; key < length; key += 1) {
        ids.push(bucket(key - query, causal, buckets, most));
        hidden.push(causal && key > query ? -1e9 : 0);
      }
    }
    const table = this.rows(this.weights[`${stack}.bias`], tf.tensor1d(ids, 'int32'));
    const bias = table.reshape([length, length, -1]).transpose([2, 0, 1]).expandDims(0);
    return bias.add(tf.tensor4d(hidden, [1, 1, length, length]));
  }

  stack(stack, x, memory) {
    const bias = this.bias(stack, x.shape[1]);
    let states = x;
    for (let layer = 0; layer < this.config.num_layers; layer += 1) {
      states = this.attend(states, undefined, `${stack}.${layer}.self`, bias);
      if (memory) states = this.attend(states, memory, `${stack}.${layer}.cross`);
      states = this.forward(states, `${stack}.${layer}.ff`);
    }
    return this.norm(states, `${stack}.norm`);
  }

  /** Mean cross entropy with label smoothing. All `int32` of [batch, length]. */
  loss(inputs, shifted, labels, smoothing) {
    const { tf, config } = this;
    const memory = this.stack('encoder', this.rows(this.weights.shared, inputs));
    const states = this.stack('decoder', this.rows(this.weights.shared, shifted), memory);
    const flat = states.reshape([-1, config.d_model]);
    const logits = tf.matMul(flat, this.weights.head, false, true);
    const wanted = tf.oneHot(labels.flatten(), config.vocab_size);
    return tf.losses.softmaxCrossEntropy(wanted, logits, undefined, smoothing);
  }
}

/** T5's bucket of a distance: exact when it is small, logarithmic up to `most`. */
function bucket(distance, causal, buckets, most) {
  let first = 0;
  let count = buckets;
  let far = causal ? Math.max(-distance, 0) : Math.abs(distance);
  if (!causal) {
    count /= 2;
    if (distance > 0) first = count;
  }
  const exact = count / 2;
  if (far >= exact) {
    const share = Math.log(far / exact) / Math.log(most / exact);
    far = Math.min(exact + Math.floor(share * (count - exact)), count - 1);
  }
  return first + far;
}

/**
 * Trains on one made-up batch with Adam and gives the seconds of each step, the first one (in which kernels are
 * compiled) left out, and the first and the last loss.
 */
export async function measure(tf, { backend, config, batch, input, target, steps, smoothing, rate }) {
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no back end ${backend} here`);
  await tf.ready();
  const model = new T5(tf, config);
  const ids = (row, length) => Array.from({ length }, (_, at) => 3 + ((row * 131 + at * 17) % (config.vocab_size - 3)));
  const rows = (length, first) => Array.from({ length: batch }, (_, row) => ids(row + first, length));
  const labels = rows(target, 7);
  const inputs = tf.tensor2d(rows(input, 0), [batch, input], 'int32');
  const wanted = tf.tensor2d(labels, [batch, target], 'int32');
  const shifted = tf.tensor2d(labels.map((row) => [0, ...row.slice(0, -1)]), [batch, target], 'int32');
  const optimizer = tf.train.adam(rate);
  const seconds = [];
  const losses = [];
  for (let step = 0; step <= steps; step += 1) {
    const began = performance.now();
    const cost = optimizer.minimize(() => model.loss(inputs, shifted, wanted, smoothing), true, model.variables);
    losses.push((await cost.data())[0]);
    cost.dispose();
    seconds.push((performance.now() - began) / 1000);
  }
  if (!losses.every(Number.isFinite)) throw new Error(`a loss is not finite: ${losses}`);
  return { backend: tf.getBackend(), seconds: seconds.slice(1), losses };
}
