// A made-up report, in the format of report.json, for tests and pictures of the recorded results.

const TASKS = [
  'cb-mini',
  'wic-mini',
  'triviaqa-mini',
  'web_questions-mini',
  'wmt_ende-mini',
  'wmt_enro-mini',
  'xsum-mini',
  'wikilingua-mini',
];

const score = (task, value, rate) => ({
  task,
  shots: 1,
  prompt: false,
  metric: 'accuracy',
  score: value,
  n: 50,
  target_format_rate: rate,
  signature: 'made up',
});

const run = (method, target, unseen, rate) => ({
  method,
  seed: 0,
  target: score('rte-mini', target, 100),
  unseen: TASKS.map((task, at) => score(task, unseen[at], rate)),
  norm_avg: { 1: unseen.reduce((sum, value) => sum + value, 0) / unseen.length },
  steps: [],
  seconds: {},
});

export const RECORDED = {
  version: 1,
  spec: { name: 'made-up', target: { task: 'rte-mini' }, eval: { tasks: TASKS, shots: [1] } },
  device: { name: 'flex (CPU)', reason: 'made up' },
  model: { name: 'mini', model_type: 't5', parameters: 2345678, sha256: '' },
  runs: [
    run('pretrained', 48.5, [52, 50, 31, 28, 22.5, 20.1, 18, 15.2], 25),
    run('fine-tuning', 93, [61, 52, 2, 1, 0.4, 0.2, 0, 0.3], 97),
    run('promot', 92.5, [66, 53, 33, 27, 23, 19.8, 17.1, 15.9], 28),
  ],
  examples: [
    {
      task: 'triviaqa-mini',
      input: 'Q: Who mends clocks? A: Wilma Q: What does Otto collect? A:',
      reference: 'stamps',
      outputs: { pretrained: 'stamps', 'fine-tuning': 'True', promot: 'stamps' },
    },
  ],
};
