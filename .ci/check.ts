import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Everything that is checked without running the product: format, lint, types, boundaries, dead code, and the
 * protocol with its generated code. Ends with `N passed, N failed`. Names as arguments choose some.
 */

interface Check {
  name: string;
  run: () => Outcome;
}

interface Outcome {
  passed: boolean;
  output: string;
}

const root = join(import.meta.dirname, '..');

function command(words: string[], cwd = root): Outcome {
  const [program = '', ...args] = words;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  return { passed: status === 0, output: `${stdout}${stderr}${error?.message ?? ''}` };
}

/** The tool passes on an empty tree too: it has to have seen our modules. */
const FEWEST_MODULES = 150;

function boundaries(): Outcome {
  const result = command(['depcruise', '--config', '.dependency-cruiser.mjs', 'packages', 'deploy', 'test']);
  const modules = Number(/\((\d+) modules/.exec(result.output)?.[1] ?? 0);
  if (!result.passed || modules >= FEWEST_MODULES) return result;
  return {
    passed: false,
    output: `${result.output}\nOnly ${modules} modules were read; at least ${FEWEST_MODULES} were expected.`,
  };
}

function generatedCode(): Outcome {
  const scratch = mkdtempSync(join(tmpdir(), 'torchpass-generated-'));
  try {
    // The template's paths go through the output folder's parent, so the same layout is made there.
    const generated = command(['node', 'proto/generate.ts', '--output', join(scratch, 'proto')]);
    if (!generated.passed) return generated;
    return command(['diff', '--recursive', join(scratch, 'packages/protocol/src/gen'), 'packages/protocol/src/gen']);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const CHECKS: Check[] = [
  { name: 'format', run: () => command(['oxfmt', '--check']) },
  { name: 'lint', run: () => command(['oxlint', '--type-aware', '--deny-warnings']) },
  { name: 'types', run: () => command(['node', 'node_modules/typescript-native/bin/tsc', '-p', '.']) },
  { name: 'boundaries', run: boundaries },
  { name: 'dead code', run: () => command(['knip']) },
  { name: 'protocol lint', run: () => command(['buf', 'lint'], join(root, 'proto')) },
  {
    name: 'protocol compatibility',
    run: () => command(['buf', 'breaking', '--against', 'released.binpb'], join(root, 'proto')),
  },
  { name: 'generated code', run: generatedCode },
];

const only = process.argv.slice(2);
const chosen = only.length === 0 ? CHECKS : CHECKS.filter(({ name }) => only.includes(name));
if (chosen.length === 0)
  throw new TypeError(`There is no check ${only.join(', ')}; there are ${CHECKS.map(({ name }) => name).join(', ')}.`);

let failed = 0;
for (const { name, run } of chosen) {
  const started = performance.now();
  const { passed, output } = run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (passed) continue;
  failed += 1;
  process.stdout.write(`${output.trim()}\n\n`);
}
process.stdout.write(`${chosen.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
