import { Command, Option } from 'commander';
import { createLogger, type LogLevel, nodeFiles, parseDuration, systemClock, TorchpassError } from '@torchpass/core';
import { outcomeLine, reportJson, type SyncReport } from '../commands/report.ts';
import { statusLines } from '../commands/status-text.ts';
import { readTokenText } from '../config/join-token.ts';
import { loadSettings } from '../config/load.ts';
import type { Agent } from '../agent.ts';
import type { CommonOptions, Io } from './io.ts';

type Output = { output: 'text' | 'json' };
type Finish = (exitCode: number) => void;

const outputOption = () =>
  new Option('--output <form>', 'how the result looks').choices(['text', 'json']).default('text');

export function enrollCommand(io: Io, finish: Finish): Command {
  return new Command('enroll')
    .description(
      'Make this host a member with a join token, lock its exporters down, and wait until they are published.',
    )
    .option(
      '--token-file <path>',
      'file that holds the join token (default: systemd credential "torchpass-token", or standard input)',
    )
    .option('--host-name <name>', "the name to ask for (default: this machine's)")
    .option('--wait <duration>', 'how long to wait when a person has to approve this host; 0: not at all', '1h')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The token is never an argument: other users can read arguments. Running it twice is safe, and goes on where it was:
a host that a person has to approve keeps its key, and asks again with the same token.

Examples:
  $ torchpass-agent enroll --controller monitor.example.org:7443 --token-file /root/join-token
  $ torchpass-agent enroll --controller '[2001:db8::1]:7443' < /root/join-token
  $ torchpass-agent enroll --wait 0 --token-file /root/join-token`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & Output & { tokenFile?: string; wait: string }>();
      const waitMs = waitFrom(options.wait);
      const agent = await prepare(options, io, { resident: false, json: options.output === 'json' });
      const { credentialsDirectory, readInput, err: warn } = io;
      const token = await readTokenText(
        { file: options.tokenFile, credentialsDirectory, readInput, warn },
        nodeFiles(),
      );
      finish(tell(await agent.enroll(token, { waitMs, signal: io.signal }), options.output, io));
    });
}

export function syncCommand(io: Io, finish: Finish): Command {
  return new Command('sync')
    .description(
      'Make one pass: renew what is due, repair what is wrong, check in. Ends 0 when every exporter is published.',
    )
    .option('--if-due', 'only when a pass is due: for a timer that comes every minute', false)
    .option('--renew', 'renew every certificate, whatever its age', false)
    .option('--restarted', 'exporters without a restart command were just restarted by hand', false)
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ torchpass-agent sync\n  $ torchpass-agent sync --if-due\n  $ torchpass-agent sync --renew --output json',
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        CommonOptions & Output & { renew: boolean; restarted: boolean; ifDue: boolean }
      >();
      const agent = await prepare(options, io, { resident: false, json: options.output === 'json' });
      if (options.ifDue && !options.renew && !options.restarted) {
        const outcome = await agent.syncIfDue(io.signal);
        return finish(
          outcome instanceof Date ? notDue(outcome, options.output, io) : tell(outcome, options.output, io),
        );
      }
      finish(
        tell(
          await agent.sync({ renew: options.renew, restarted: options.restarted, signal: io.signal }),
          options.output,
          io,
        ),
      );
    });
}

export function runCommand(io: Io, finish: Finish): Command {
  return new Command('run')
    .description('Stay, and keep everything renewed, until SIGTERM.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ torchpass-agent run --config.file /etc/torchpass/agent.yml --log.format json',
    )
    .action(async (_options: unknown, command: Command) => {
      const agent = await prepare(command.optsWithGlobals<CommonOptions>(), io, { resident: true, json: false });
      await agent.run(io.signal);
      finish(0);
    });
}

export function statusCommand(io: Io, finish: Finish): Command {
  return new Command('status')
    .description(
      'Say what is installed, until when, what the exporters serve right now, and what happens next. Ends 1 when something is wrong.',
    )
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  $ torchpass-agent status\n  $ torchpass-agent status --output json')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & Output>();
      const agent = await prepare(options, io, { resident: false, json: true });
      const status = await agent.status(io.signal);
      if (options.output === 'json') io.out(JSON.stringify(status, undefined, 2));
      else for (const line of statusLines(status, systemClock.now())) io.out(line);
      finish(status.healthy ? 0 : 1);
    });
}

export function leaveCommand(io: Io, finish: Finish): Command {
  return new Command('leave')
    .description('End the membership: the targets go, the identity is removed. The exporters stay locked.')
    .addHelpText('after', '\nExamples:\n  $ torchpass-agent leave')
    .action(async (_options: unknown, command: Command) => {
      const agent = await prepare(command.optsWithGlobals<CommonOptions>(), io, { resident: false, json: false });
      await agent.leave(io.signal);
      finish(0);
    });
}

function notDue(at: Date, output: Output['output'], io: Io): number {
  io.out(
    output === 'json' ? JSON.stringify({ due_at: at.toISOString() }) : `Nothing is due before ${at.toISOString()}.`,
  );
  return 0;
}

function waitFrom(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new TorchpassError('USAGE', `--wait: ${JSON.stringify(text.slice(0, 80))} is not a duration.`, {
      cause: error,
      hint: 'Write it like 30s, 10m or 24h, or 0 to not wait.',
    });
  }
}

/** A resident agent tells everything in its log; the others tell the user, and log only what went wrong. */
async function prepare(
  options: CommonOptions,
  io: Io,
  { resident, json }: { resident: boolean; json: boolean },
): Promise<Agent> {
  const level: LogLevel = options['log.level'] ?? (resident ? 'info' : 'error');
  const logger = createLogger({ level, format: options['log.format'], write: (line) => io.err(line.trimEnd()) });
  const settings = await loadSettings(
    {
      configFile: options['config.file'],
      storagePath: options['storage.path'],
      controller: options.controller,
      hostName: options.hostName,
    },
    nodeFiles(),
  );
  return io.createAgent({ settings, logger, ...(resident ? {} : { say: json ? io.err : io.out }) });
}

/** Prints how a pass ended and gives the exit code. */
function tell(report: SyncReport, output: Output['output'], io: Io): number {
  if (output === 'json') io.out(JSON.stringify(reportJson(report), undefined, 2));
  else for (const exporter of report.exporters) io.out(outcomeLine(exporter));
  for (const sentence of report.missing) io.err(`torchpass-agent: ${sentence}`);
  return report.complete ? 0 : 1;
}
