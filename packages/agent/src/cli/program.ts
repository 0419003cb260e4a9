import { Command, Option } from 'commander';
import { LOG_FORMATS, LOG_LEVELS } from '@torchpass/core';
import { AGENT_VERSION } from '../version.ts';
import { DEFAULT_CONFIG_FILE, DEFAULT_STORAGE_PATH } from '../config/settings.ts';
import { enrollCommand, leaveCommand, runCommand, statusCommand, syncCommand } from './commands.ts';
import type { Io } from './io.ts';

const EXIT_CODES = `
Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 refused by policy or authentication, 4 cannot reach the controller.`;

/** The command line. `finish` is told the exit code of the command that ran. */
export function createProgram(io: Io, finish: (exitCode: number) => void): Command {
  const program = new Command('torchpass-agent')
    .description('Keeps the exporters of this host reachable for Prometheus over mutual TLS, and for nobody else.')
    .version(AGENT_VERSION)
    .option('--config.file <path>', `configuration, YAML (default: ${DEFAULT_CONFIG_FILE} when it exists)`)
    .option('--storage.path <path>', `where keys and certificates are kept (default: ${DEFAULT_STORAGE_PATH})`)
    .option('--controller <host:port>', 'where the controller is')
    .addOption(new Option('--log.level <level>', 'log lines of this level and above').choices([...LOG_LEVELS]))
    .addOption(new Option('--log.format <format>', 'how log lines look').choices([...LOG_FORMATS]).default('logfmt'))
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) })
    .showSuggestionAfterError()
    .exitOverride();
  for (const make of [enrollCommand, syncCommand, runCommand, statusCommand, leaveCommand]) {
    const command = make(io, finish).copyInheritedSettings(program);
    program.addCommand(command.addHelpText('after', EXIT_CODES));
  }
  return program.addHelpText(
    'after',
    `
Examples:
  $ torchpass-agent enroll --controller monitor.example.org:7443 --token-file /root/join-token
  $ torchpass-agent status
${EXIT_CODES}`,
  );
}
