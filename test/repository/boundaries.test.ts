import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './files.ts';

const CONFIG = '.dependency-cruiser.mjs';

interface Module {
  source: string;
  dependencies: { resolved: string }[];
}

interface Cruise {
  modules: Module[];
  summary: { totalCruised: number; violations: { from: string; to: string; rule: { name: string } }[] };
}

function cruise(folder: string, ...paths: string[]): Cruise {
  const { stdout, stderr } = spawnSync(
    join(ROOT, 'node_modules/.bin/depcruise'),
    ['--config', CONFIG, '--output-type', 'json', ...paths],
    { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (!stdout.startsWith('{')) throw new Error(stderr);
  return JSON.parse(stdout) as Cruise;
}

/** A file that breaks one rule, and its content; what it imports is made too. */
interface Plant {
  file: string;
  content: string;
}

const value = (from: string) => `import { x } from '${from}';\nexport const y = x;\n`;
const type = (from: string) => `import type { x } from '${from}';\nexport type Y = typeof x;\n`;

const API_TYPES = '../../controller/src/api/types.ts';

/** For each rule what breaks it. A rule that nothing here breaks is a rule that nobody has seen work. */
const PLANTS: Record<string, Plant[]> = {
  'core-imports': [{ file: 'packages/core/src/bad.ts', content: value('../../controller/src/leaf.ts') }],
  'pki-imports': [{ file: 'packages/pki/src/bad.ts', content: value('../../protocol/src/leaf.ts') }],
  'protocol-imports': [{ file: 'packages/protocol/src/bad.ts', content: value('../../pki/src/leaf.ts') }],
  'prometheus-imports': [{ file: 'packages/prometheus/src/bad.ts', content: type('../../agent/src/leaf.ts') }],
  'controller-imports': [{ file: 'packages/controller/src/bad.ts', content: value('../../agent/src/leaf.ts') }],
  'agent-imports': [{ file: 'packages/agent/src/bad.ts', content: value('../../controller/src/leaf.ts') }],
  'cli-imports': [
    { file: 'packages/cli/src/bad.ts', content: value('../../pki/src/leaf.ts') },
    { file: 'packages/cli/src/bad-type.ts', content: type('../../controller/src/leaf.ts') },
  ],
  'cli-takes-types-only': [{ file: 'packages/cli/src/bad-value.ts', content: value(API_TYPES) }],
  'product-imports-no-tests': [{ file: 'packages/core/src/bad-test.ts', content: value('../../../test/leaf.ts') }],
  'features-know-no-edges': [
    { file: 'packages/controller/src/hosts/bad.ts', content: value('../grpc/leaf.ts') },
    { file: 'packages/controller/src/store/bad.ts', content: type('../http/leaf.ts') },
  ],
  'only-context-composes': [
    { file: 'packages/agent/src/identity/bad.ts', content: value('../context.ts') },
    { file: 'packages/controller/src/bad-composer.ts', content: value('./context.ts') },
  ],
  'x509-library-in-the-checker-only': [
    { file: 'packages/controller/src/bad-x509.ts', content: value('@peculiar/x509') },
    { file: 'packages/pki/src/bad-x509.ts', content: value('@peculiar/x509') },
  ],
  'agent-stays-light': [
    { file: 'packages/agent/src/bad-fastify.ts', content: value('fastify') },
    { file: 'packages/core/src/bad-sqlite.ts', content: value('better-sqlite3') },
    { file: 'packages/agent/src/bad-koffi.ts', content: value('koffi') },
  ],
  'foreign-functions-in-one-file': [
    { file: 'packages/controller/src/bad-koffi.ts', content: value('koffi') },
    { file: 'packages/controller/src/issuance/pkcs11/bad-koffi.ts', content: value('koffi') },
  ],
  'no-cycles': [{ file: 'packages/core/src/bad-cycle.ts', content: value('./z-cycle.ts') }],
  'everything-resolves': [{ file: 'packages/core/src/bad-path.ts', content: value('./nowhere.ts') }],
};

/** What is next to a rule and allowed. */
const ALLOWED: Plant[] = [
  { file: 'packages/pki/src/good.ts', content: value('../../core/src/leaf.ts') },
  { file: 'packages/cli/src/good.ts', content: type(API_TYPES) },
  { file: 'packages/controller/src/grpc/good.ts', content: value('../hosts/leaf.ts') },
  { file: 'packages/controller/src/commands/good.ts', content: value('../context.ts') },
  { file: 'packages/pki/src/good.test.ts', content: value('@peculiar/x509') },
  { file: 'packages/controller/src/good.ts', content: value('fastify') },
  { file: 'test/good.ts', content: value('../packages/agent/src/leaf.ts') },
];

const LEAVES = [
  ...['core', 'pki', 'protocol', 'prometheus', 'controller', 'agent'].map((name) => `packages/${name}/src/leaf.ts`),
  ...['grpc', 'http', 'hosts'].map((name) => `packages/controller/src/${name}/leaf.ts`),
  'packages/controller/src/api/types.ts',
  'packages/controller/src/context.ts',
  'packages/agent/src/context.ts',
  'test/leaf.ts',
  ...['@peculiar/x509', 'fastify', 'better-sqlite3', 'koffi'].map((name) => `node_modules/${name}/index.js`),
];

describe('the dependency rules', () => {
  let found: Cruise;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'torchpass-boundaries-'));
    try {
      const leaves = LEAVES.map((file) => ({ file, content: 'export const x = 1;\n' }));
      // A cycle is reported once, of its first file.
      const cycle = { file: 'packages/core/src/z-cycle.ts', content: value('./bad-cycle.ts') };
      for (const { file, content } of [cycle, ...leaves, ...ALLOWED, ...Object.values(PLANTS).flat()]) {
        mkdirSync(join(folder, dirname(file)), { recursive: true });
        writeFileSync(join(folder, file), content);
      }
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      cpSync(join(ROOT, CONFIG), join(folder, CONFIG));
      found = cruise(folder, 'packages', 'test');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);

  it('are all tried here, and no others', async () => {
    const { default: config } = (await import(join(ROOT, CONFIG))) as {
      default: { forbidden: { name: string; severity: string }[] };
    };
    expect(config.forbidden.map(({ name }) => name).toSorted()).toEqual(Object.keys(PLANTS).toSorted());
    expect(new Set(config.forbidden.map(({ severity }) => severity))).toEqual(new Set(['error']));
  });

  const rulesAgainst = (file: string) => [
    ...new Set(found.summary.violations.filter(({ from }) => from === file).map(({ rule }) => rule.name)),
  ];

  it.each(Object.entries(PLANTS).flatMap(([rule, plants]) => plants.map(({ file }) => [rule, file] as const)))(
    '%s, and only that, is reported of %s',
    (rule, file) => {
      expect(rulesAgainst(file)).toEqual([rule]);
    },
  );

  it.each(ALLOWED)('$file is as it should be, and was read', ({ file }) => {
    expect(rulesAgainst(file)).toEqual([]);
    expect(found.modules.find(({ source }) => source === file)?.dependencies).toHaveLength(1);
  });
});

it('the tool reads every source of ours, with what it imports', { timeout: 120_000 }, () => {
  const { modules } = cruise(ROOT, 'packages');
  const seen = new Map(modules.map(({ source, dependencies }) => [source, dependencies.length]));
  const sources = readdirSync(join(ROOT, 'packages'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^[a-z]+\/src\/.*\.ts$/.test(path))
    .map((path) => `packages/${path}`);
  expect(sources.filter((path) => !seen.has(path))).toEqual([]);
  for (const name of ['core', 'pki', 'protocol', 'prometheus', 'controller']) {
    expect(seen.get(`packages/${name}/src/index.ts`)).toBeGreaterThan(0);
  }
});
