import { buffer } from 'node:stream/consumers';
import { exitCodeOf, toTorchpassError } from '@torchpass/core';
import pico from 'picocolors';
import { createApi } from './api/api.ts';
import { overUnixSocket } from './api/unix-socket.ts';
import type { Context, Outcome } from './command.ts';
import { commands, groups } from './commands/index.ts';
import { confirm } from './confirm.ts';
import { readEnvironment, type Environment } from './environment.ts';
import { parse, type Parsed } from './parser.ts';
import { failureJson, failureText } from './print/failure.ts';
import { jsonText } from './print/json.ts';
import { createPage } from './print/page.ts';
import type { Output, World } from './world.ts';

/** 0 ok, 1 failed, 2 wrong usage, 3 refused by policy or authentication, 4 cannot reach the controller. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** Runs one command line, without the program's name. Everything that goes wrong ends up as text and exit code. */
export async function runProgram(argv: readonly string[], world: World): Promise<ExitCode> {
  const environment = readEnvironment(world.environment);
  const colorsOn = (output: Output) => pico.createColors(output.isTTY === true && !environment.plain);
  let format = 'text';
  try {
    const parsed = parse(argv, commands, groups);
    if ('help' in parsed) {
      (parsed.exitCode === 0 ? world.output : world.errors).write(parsed.help);
      return parsed.exitCode;
    }
    format = parsed.shared.format;
    const outcome = await runCommand(parsed, environment, world);
    if (outcome === undefined) return 1;
    const page = createPage({
      now: world.clock.now(),
      colors: colorsOn(world.output),
      write: (text) => void world.output.write(text),
    });
    if (format === 'text') outcome.print(page);
    else world.output.write(format === 'json' ? jsonText(outcome.data) : `${outcome.formatted(format) ?? ''}\n`);
    return outcome.failed ? 1 : 0;
  } catch (error) {
    const known = toTorchpassError(error);
    world.errors.write(format === 'json' ? failureJson(known) : failureText(known, colorsOn(world.errors)));
    return exitCodeOf(known);
  }
}

/** Undefined when the user did not confirm. */
async function runCommand(
  { command, given, shared }: Exclude<Parsed, { help: string }>,
  { socket, operator }: Environment,
  world: World,
): Promise<Outcome | undefined> {
  const task = command.prepare(given);
  if (task.confirm !== undefined && !shared.yes && !(await confirm(task.confirm, world.input, world.errors))) {
    world.errors.write('Nothing was changed.\n');
    return undefined;
  }
  const context: Context = {
    api: createApi(overUnixSocket(shared.socket ?? socket, operator)),
    clock: world.clock,
    files: world.files,
    folder: world.folder,
    readInput: () => buffer(world.input),
    progress: (sentence) => {
      if (world.errors.isTTY === true) world.errors.write(`${sentence}\n`);
    },
  };
  return task.run(context);
}
