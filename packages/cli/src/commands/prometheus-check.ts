import { resolve } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { command, type Context } from '../command.ts';
import { requiredArgument, textOption } from '../option.ts';
import { count } from '../print/words.ts';

const DEFAULT_PATH = '/etc/prometheus/prometheus.yml';
const LARGEST_BYTES = 1024 * 1024;

export const prometheusCheck = command({
  name: 'prometheus check',
  summary: 'look at a prometheus.yml and say what is wrong with it',
  details: 'Nothing is changed. Fails (exit code 1) when it finds an error.',
  examples: [
    { line: 'torchpass prometheus check /etc/prometheus/prometheus.yml', shows: 'a file' },
    {
      line: 'ssh prometheus cat /etc/prometheus/prometheus.yml | torchpass prometheus check -',
      shows: 'standard input',
    },
  ],
  arguments: { file: requiredArgument('FILE', 'the file; - for standard input') },
  options: {
    path: textOption(
      '--path PATH',
      `where standard input comes from, for its relative paths (default: ${DEFAULT_PATH})`,
    ),
  },
  async run(context, { file, path = DEFAULT_PATH }) {
    const { content, name } =
      file === '-'
        ? { content: await context.readInput(), name: resolve(context.folder, path) }
        : await readFile(context, file);
    return context.api.checkPrometheus({ path: name, text: decode(content, file === '-' ? 'standard input' : name) });
  },
  failed: ({ findings }) => findings.some(({ severity }) => severity === 'error'),
  print({ findings }, page) {
    const { green, red, yellow, bold } = page.colors;
    if (findings.length === 0) return page.line(green('Nothing wrong was found.'));
    for (const { severity, where, problem, remedy } of findings) {
      page.line(`${severity === 'error' ? red('error  ') : yellow('warning')}  ${bold(where)}`);
      page.line(`         ${problem}`);
      page.line(`         ${remedy}`);
      page.line();
    }
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    page.line(`${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}.`);
  },
});

async function readFile({ files, folder }: Context, file: string): Promise<{ content: Buffer; name: string }> {
  const name = resolve(folder, file);
  const content = await files.read(name);
  if (content !== undefined) return { content, name };
  throw new TorchpassError('FILE_UNREADABLE', `There is no file ${name}.`, {
    hint: `Name the prometheus.yml; on Debian it is ${DEFAULT_PATH}.`,
  });
}

function decode(content: Buffer, name: string): string {
  if (content.length > LARGEST_BYTES) {
    throw new TorchpassError(
      'FILE_UNREADABLE',
      `${name} is larger than 1 MiB: it does not look like a prometheus.yml.`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw new TorchpassError('FILE_UNREADABLE', `${name} is not UTF-8 text.`, { cause: error });
  }
}
