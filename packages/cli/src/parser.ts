import { Argument, Command as Parser, CommanderError, Option } from 'commander';
import { nearest, TorchpassError } from '@torchpass/core';
import type { Command, Given } from './command.ts';
import type { ArgumentSpec, OptionSpec } from './option.ts';
import { VERSION } from './version.ts';

/** What every command has besides its own. */
export interface Shared {
  socket: string | undefined;
  format: string;
  yes: boolean;
}

export type Parsed = { command: Command; given: Given; shared: Shared } | { help: string; exitCode: 0 | 2 };

/** Reads a command line, without the program's name. @throws USAGE */
export function parse(
  argv: readonly string[],
  commands: readonly Command[],
  groups: Readonly<Record<string, string>>,
): Parsed {
  let found: Parsed | undefined;
  const shown: string[] = [];
  const root = new Parser('torchpass')
    .description('Servers join with a token and are scraped by Prometheus over mutual TLS.')
    .version(`torchpass ${VERSION}`, '--version', 'show the version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => shown.push(text), writeErr: (text) => shown.push(text) })
    .enablePositionalOptions();
  root
    .helpOption('--help', 'show help')
    .helpCommand(false)
    .configureHelp({
      visibleCommands: (parser) =>
        parser.commands.flatMap((child) => (child.commands.length > 0 ? child.commands : child)),
      subcommandTerm: (child) => [...pathOf(child), ...child.registeredArguments.map(argumentTerm)].join(' '),
    });
  share(root, ['text', 'json']);
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ');
    const parent =
      second === undefined
        ? root
        : (root.commands.find((known) => known.name() === first) ??
          root
            .command(first)
            .summary(groups[first] ?? '')
            .description(sentence(groups[first] ?? '')));
    const leaf = describe(parent.command(second ?? first), command);
    leaf.action(() => {
      found = { command, given: givenTo(leaf, command), shared: sharedOf(leaf, command) };
    });
  }
  try {
    root.parse(argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { help: shown.join(''), exitCode: 0 };
    if (error.code === 'commander.help') return { help: shown.join(''), exitCode: 2 };
    throw usageError(error, argv, commands);
  }
  if (found === undefined) throw new Error('the parser found no command');
  return found;
}

function pathOf(parser: Parser): string[] {
  return parser.parent === null ? [] : [...pathOf(parser.parent), parser.name()];
}

function argumentTerm(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

function describe(leaf: Parser, command: Command): Parser {
  leaf.summary(command.summary).description([sentence(command.summary), command.details ?? ''].join('\n').trim());
  for (const { placeholder, summary, required } of Object.values(command.arguments)) {
    leaf.addArgument(new Argument(required ? `<${placeholder}>` : `[${placeholder}]`, summary));
  }
  for (const option of Object.values(command.options)) leaf.addOption(toOption(option));
  if (command.confirms) leaf.option('--yes', 'do not ask');
  share(leaf, command.formats);
  const examples = command.examples.map(({ line, shows }) => `  ${line}\n      ${shows}\n`);
  return leaf.addHelpText('after', `\nExamples:\n${examples.join('')}`);
}

function share(parser: Parser, formats: readonly string[]): void {
  parser
    .option('--output <FORMAT>', `${anyOf(formats)} (default: ${formats[0]})`)
    .option(
      '--socket <PATH>',
      "the controller's socket (default: TORCHPASS_SOCKET or /var/lib/torchpass/controller.sock)",
    );
}

/** Commander collects the texts; the option itself reads them. */
function toOption({ flags, summary }: OptionSpec<unknown>): Option {
  return new Option(flags.replace(/ (\S+)$/, ' <$1>'), summary).argParser((value: string, before: unknown) => [
    ...(Array.isArray(before) ? before : []),
    value,
  ]);
}

function givenTo(leaf: Parser, { options, arguments: specs }: Command): Given {
  const read = (flags: string): string[] => {
    const value: unknown = leaf.getOptionValue(new Option(flags.replace(/ .*/, '')).attributeName());
    return Array.isArray(value) ? value.map(String) : value === true ? ['true'] : [];
  };
  return {
    options: Object.fromEntries(Object.entries(options).map(([key, { flags }]) => [key, read(flags)])),
    arguments: Object.fromEntries(
      Object.entries<ArgumentSpec<unknown>>(specs).map(([key, { placeholder }], index) => [
        key,
        placeholder.endsWith('...') ? leaf.args.slice(index).join(' ') : leaf.args[index],
      ]),
    ),
  };
}

/** These may stand before the command as well as after it. */
function sharedOf(leaf: Parser, { formats }: Command): Shared {
  const read = (name: string): string | undefined => {
    for (let parser: Parser | null = leaf; parser !== null; parser = parser.parent) {
      const value: unknown = parser.getOptionValue(name);
      if (typeof value === 'string') return value;
    }
    return undefined;
  };
  const format = read('output') ?? 'text';
  if (!formats.includes(format)) {
    throw new TorchpassError('USAGE', `Option --output: ${JSON.stringify(format)} is not ${anyOf(formats)}.`);
  }
  return { socket: read('socket'), format, yes: leaf.getOptionValue('yes') === true };
}

function usageError(error: CommanderError, argv: readonly string[], commands: readonly Command[]): TorchpassError {
  const [problem = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const unknown = /^unknown command '(.*)'$/.exec(problem)?.[1];
  const meantWord =
    unknown === undefined
      ? /^\(Did you mean (.+)\?\)$/.exec(suggestion ?? '')?.[1]
      : nearCommand(unknown, argv, commands);
  const words = argv.filter((word) => !word.startsWith('-'));
  const meant = commands.find(({ name }) => words.join(' ').startsWith(name));
  const help = `See "torchpass ${meant === undefined ? '' : `${meant.name} `}--help".`;
  return new TorchpassError('USAGE', sentence(problem), {
    hint: meantWord === undefined ? help : `Did you mean ${meantWord}? ${help}`,
  });
}

/** The command that a slip of the hand was meant for: one of the group named before it, or a first word. */
function nearCommand(unknown: string, argv: readonly string[], commands: readonly Command[]): string | undefined {
  const paths = commands.map(({ name }) => name.split(' '));
  const before = argv[argv.indexOf(unknown) - 1];
  const inGroup = paths.flatMap(([first, second]) => (first === before && second !== undefined ? [second] : []));
  return nearest(unknown, inGroup.length > 0 ? inGroup : paths.map(([first = '']) => first));
}

function anyOf(formats: readonly string[]): string {
  return `${formats.slice(0, -1).join(', ')} or ${formats.at(-1) ?? ''}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
