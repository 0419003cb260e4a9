import { LOG_FORMATS, LOG_LEVELS, TorchpassError } from '@torchpass/core';
import { Command, Option, type CommanderError } from 'commander';
import { DEFAULT_CONFIG_PATH } from '../config/load.ts';
import { VERSION } from '../version.ts';
import { backup } from './backup.ts';
import { caExportRoot, caImport, caRequest, caSign } from './ca.ts';
import { check } from './check.ts';
import { EXPLAIN_OPTIONS } from './explain.ts';
import type { Flags } from './flags.ts';
import { init } from './init.ts';
import { passphraseChange } from './passphrase-change.ts';
import { restore } from './restore.ts';
import { run } from './run.ts';

const OUT = ['--out <path>', 'the file to write'] as const;
const KEY_PASSPHRASE = [
  '--key-passphrase-file <path>',
  "file of mode 0600 with the passphrase of the root's file",
] as const;

const COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'init',
    summary: 'make the authorities, the database and the files for Prometheus',
    description:
      'Makes a root and four issuing authorities, the database, and the folder that Prometheus reads, and prints what to paste into prometheus.yml. Run again, it changes nothing.',
    examples: [
      'torchpass-controller init --storage.path=/var/lib/torchpass --advertise-address=monitor.example.org:7443',
    ],
    action: init,
  },
  {
    name: 'run',
    summary: "serve agents and keep Prometheus's files up to date",
    description: 'Serves until it gets SIGTERM or SIGINT; then it finishes what is in flight.',
    examples: [
      'torchpass-controller run',
      'torchpass-controller run --config.file=/etc/torchpass/controller.yml --log.format=json',
    ],
    action: run,
  },
  {
    name: 'check',
    summary: 'check configuration and state without starting',
    description:
      'Reads the configuration, opens the database and the authorities, and reads authorities and every issued certificate back against their profiles, hosts, targets, audit log and the permissions of files. Works beside a running controller; ends with 1 when there are errors. With --explain it says what policy and token allow instead: exit code 3 when the request is refused.',
    examples: [
      'torchpass-controller check',
      'torchpass-controller check --output json',
      'torchpass-controller check --explain --host web-1',
      'torchpass-controller check --explain --host web-9 --from 198.51.100.7 --exporter node --token m5xw6zdpnrsw2ylt',
    ],
    options: EXPLAIN_OPTIONS,
    action: check,
  },
  {
    name: 'ca export-root',
    summary: "take the root's key off this machine",
    description:
      'Writes the root\'s key into a file under a passphrase of its own, reads it back, and removes the key from the database. Stop the controller first. From then on rotations wait for "ca sign" on the machine that has the file.',
    examples: ['torchpass-controller ca export-root /media/stick/root.json'],
    argument: ['<file>', 'the file to write'],
    options: [KEY_PASSPHRASE],
    action: caExportRoot,
  },
  {
    name: 'ca request',
    summary: 'write down what a rotation asks of a root that is elsewhere',
    description:
      'Works beside a running controller, once "torchpass ca list" says that the rotation waits for a signature.',
    examples: ['torchpass-controller ca request exporter --out exporter-request.json'],
    argument: ['<authority>', 'controller, agent, exporter or scraper'],
    options: [OUT],
    action: caRequest,
  },
  {
    name: 'ca sign',
    summary: "sign such a request, on the machine that has the root's key",
    description: 'Needs no database and no network. Shows the fingerprint of the key that it signed for: compare it.',
    examples: ['torchpass-controller ca sign --root-key root.json --request exporter-request.json --out exporter.pem'],
    options: [
      ['--root-key <path>', 'what "ca export-root" wrote'],
      ['--request <path>', 'what "ca request" wrote'],
      OUT,
      KEY_PASSPHRASE,
    ],
    action: caSign,
  },
  {
    name: 'ca import',
    summary: 'take the certificate that was signed elsewhere',
    description: 'Works beside a running controller, which then goes on with the rotation.',
    examples: ['torchpass-controller ca import exporter.pem'],
    argument: ['<file>', 'what "ca sign" wrote'],
    action: caImport,
  },
  {
    name: 'passphrase change',
    summary: 'put the authorities under another passphrase',
    description:
      'Takes the passphrase of now from where the controller takes it, and the new one from a file, the systemd credential torchpass-new-passphrase, the file that TORCHPASS_NEW_PASSPHRASE_FILE names, or from you. Stop the controller first. Nothing else changes: keys, certificates and the audit log stay as they are.',
    examples: ['torchpass-controller passphrase change --new-passphrase-file=/etc/torchpass/passphrase.new'],
    options: [['--new-passphrase-file <path>', 'file of mode 0600 with the new passphrase']],
    action: passphraseChange,
  },
  {
    name: 'backup',
    summary: 'put everything that must not be lost into one encrypted file',
    description:
      'Makes a backup of a controller that runs or does not: database and sealed keys at one moment, under a passphrase. The passphrase of the authorities is not in it.',
    examples: [
      'torchpass-controller backup --out /srv/backup/torchpass-$(date +%F).tpbackup',
      'torchpass-controller backup --out - | ssh backup.example.org "cat > torchpass.tpbackup"',
      'torchpass-controller backup --verify /srv/backup/torchpass-2026-01-31.tpbackup',
    ],
    options: [
      ['--out <file>', 'where to, by one rename; - is standard output'],
      ['--verify <file>', 'look whether a backup is whole and opens, instead of making one'],
      ['--passphrase-file <file>', 'passphrase of the backup (default: that of the authorities)'],
    ],
    action: backup,
  },
  {
    name: 'restore',
    argument: ['<file>', 'the backup; - is standard input'],
    summary: 'put an installation back from a backup, where there is none',
    description:
      'Prepares and checks everything beside, then puts it in place at once; an existing installation is never overwritten. Join tokens of the backup die, and hosts that renewed since then go on. See docs/operations.md.',
    examples: [
      'torchpass-controller restore torchpass-2026-01-31.tpbackup --storage.path=/var/lib/torchpass',
      'torchpass-controller restore torchpass.tpbackup --revoke web-3 --revoke-file revoked-since.txt',
    ],
    options: [
      ['--passphrase-file <file>', 'passphrase of the backup (default: that of the authorities)'],
      ['--revoke <host...>', 'hosts that were revoked after the backup was made'],
      ['--revoke-file <file>', 'the same, one name a line'],
    ],
    action: restore,
  },
];

interface CommandDefinition {
  name: string;
  summary: string;
  description: string;
  examples: readonly string[];
  argument?: readonly [placeholder: string, description: string];
  options?: readonly (readonly [flags: string, description: string])[];
  action: (flags: Flags, argument: string) => Promise<void>;
}

export function program(): Command {
  const root = new Command('torchpass-controller')
    .description('Certificate authority and target publisher beside Prometheus.')
    .version(VERSION)
    .showSuggestionAfterError()
    .exitOverride(exitOrThrow)
    .configureOutput({ outputError: () => undefined });
  for (const { name, summary, description, examples, argument, options = [], action } of COMMANDS) {
    const [word, ...rest] = name.split(' ').toReversed();
    const command = rest.reduceRight(groupOf, root).command(word ?? '');
    for (const [option, meaning] of options) command.option(option, meaning);
    if (argument !== undefined) command.argument(...argument);
    command
      .summary(summary)
      .description(description)
      .option('--config.file <path>', `configuration file (default: ${DEFAULT_CONFIG_PATH}, if it exists)`)
      .option('--storage.path <path>', 'where the database and the sealed keys are')
      .option('--listen-address <host:port>', 'where agents connect')
      .option('--advertise-address <host:port>', 'what agents dial')
      .option('--web.listen-address <host:port>', 'where health and metrics are served')
      .addOption(new Option('--log.level <level>', 'how much to log').choices(LOG_LEVELS))
      .addOption(new Option('--log.format <format>', 'how to log').choices(LOG_FORMATS))
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
      .exitOverride(exitOrThrow)
      .configureOutput({ outputError: () => undefined })
      .action((first: unknown, second: unknown) =>
        argument === undefined ? action(first as Flags, '') : action(second as Flags, String(first)),
      );
  }
  return root;
}

/** The command that others are below, made when it is not there. */
function groupOf(parent: Command, word: string): Command {
  const known = parent.commands.find((command) => command.name() === word);
  return (
    known ??
    parent
      .command(word)
      .exitOverride(exitOrThrow)
      .configureOutput({ outputError: () => undefined })
  );
}

/** Help and version end well; everything else that commander finds is a mistake in the command line. */
function exitOrThrow(error: CommanderError): void {
  if (error.exitCode === 0) return;
  if (error.code === 'commander.help')
    throw new TorchpassError('USAGE', `Say what to do: ${COMMANDS.map((command) => command.name).join(', ')}.`, {
      hint: 'See: torchpass-controller --help',
    });
  throw new TorchpassError('USAGE', error.message.replace(/^error: /, ''), {
    hint: 'See: torchpass-controller --help',
  });
}
