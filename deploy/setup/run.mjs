// Sets the checkout up, then runs a command in it:  node deploy/setup/run.mjs COMMAND [ARG ...]
//
// Plain JavaScript without dependencies, because it runs before anything is installed and on whatever
// Node.js the machine has. It puts pnpm and, where the machine's Node.js is older than 24, Node.js 24 into
// .tools/, installs the workspace's packages, and starts COMMAND with those first on the PATH. Versions and
// checksums are in the lock files beside this file. Each step is skipped when its inputs have not changed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE_FOR_SETUP = 20;
const NODE_FOR_TORCHPASS = 24;

const NETWORK_ADVICE = "Check the network, and npm's proxy and registry settings, and run the command again.";

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const tools = join(root, '.tools');
const started = Date.now();
let quiet = true;

function say(sentence) {
  quiet = false;
  process.stderr.write(`[setup ${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${sentence}\n`);
}

function fail(sentence) {
  process.stderr.write(`torchpass setup: ${sentence}\n`);
  process.exit(1);
}

function checkMachine() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE_FOR_SETUP) {
    fail(
      `this is Node.js ${process.versions.node} (${process.execPath}); the set-up needs ${OLDEST_NODE_FOR_SETUP} or later. ` +
        'Install a newer Node.js, for example with your distribution or from nodejs.org, and run the command again.',
    );
  }
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    fail(`this is ${process.platform}/${process.arch}; Torchpass runs on Linux, x64 and arm64.`);
  }
  return major;
}

/** Fingerprint of the files that decide the outcome of a step. */
function fingerprint(files) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\0`);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** Runs `work`, which makes `product`, unless it already succeeded with the same inputs. */
function once(name, product, files, work) {
  const stamp = join(tools, `${name}.stamp`);
  const wanted = fingerprint(files);
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  work();
  writeFileSync(`${stamp}.new`, wanted);
  renameSync(`${stamp}.new`, stamp);
}

function runStep(what, command, args, options, advice) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-12).join('\n');
  if (output) process.stderr.write(`${output}\n`);
  fail(`${what} failed (${result.error?.message ?? `exit status ${result.status ?? result.signal}`}). ${advice}`);
}

/** Installs one pinned tool with npm, without running anything of it, and moves it into place at once. Gives its program. */
function installTool(name, what, file) {
  once(name, join(tools, name), [`deploy/setup/${name}/package.json`, `deploy/setup/${name}/package-lock.json`], () => {
    say(`fetching ${what} into .tools/${name} …`);
    const staging = join(tools, `${name}.new`);
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) {
      writeFileSync(join(staging, file), readFileSync(join(root, 'deploy', 'setup', name, file)));
    }
    const npmCli = process.env.npm_execpath;
    const viaNode = npmCli?.endsWith('.js') && npmCli.includes('npm-cli');
    runStep(
      `fetching ${what}`,
      viaNode ? process.execPath : 'npm',
      [
        ...(viaNode ? [npmCli] : []),
        'ci',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        '--fetch-retries=1',
        '--fetch-retry-mintimeout=1000',
      ],
      { cwd: staging },
      NETWORK_ADVICE,
    );
    // npm passes over an optional package that it cannot fetch, and says nothing.
    if (!existsSync(join(staging, 'node_modules', file))) {
      fail(`fetching ${what} failed: the npm registry did not give it. ${NETWORK_ADVICE}`);
    }
    const target = join(tools, name);
    rmSync(target, { recursive: true, force: true });
    renameSync(staging, target);
  });
  return join(tools, name, 'node_modules', file);
}

function toolPath(major) {
  const pnpm = installTool('pnpm', 'pnpm', join('@pnpm', `exe.linux-${process.arch}`, 'pnpm'));
  const node =
    major < NODE_FOR_TORCHPASS
      ? installTool(
          'node',
          `Node.js ${NODE_FOR_TORCHPASS} (this machine has ${process.versions.node})`,
          join(`node-linux-${process.arch}`, 'bin', 'node'),
        )
      : process.execPath;
  const folders = [join(root, 'node_modules', '.bin'), dirname(node), dirname(pnpm)];
  return [...folders, process.env.PATH ?? ''].join(delimiter);
}

function manifests() {
  const list = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*package.json'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (list.status !== 0)
    fail(
      `git could not list the checkout (${list.error?.message ?? list.stderr.trim()}). Install git and run the command in a clone.`,
    );
  return list.stdout
    .split('\n')
    .filter((file) => file && existsSync(join(root, file)))
    .toSorted();
}

function installPackages(env) {
  once(
    'packages',
    join(root, 'node_modules', '.pnpm'),
    ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests()],
    () => {
      say("installing the workspace's packages …");
      runStep(
        'installing packages',
        'pnpm',
        ['install', '--frozen-lockfile', '--reporter=append-only'],
        { cwd: root, env },
        NETWORK_ADVICE,
      );
    },
  );
}

/** The process in a lock file; undefined when the file is gone. */
function readLock(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') fail(`cannot read ${file}: ${error.message}`);
    return undefined;
  }
}

/**
 * Removes the lock that `holder` left behind. Only one of several can rename it; who is slower may get hold of the
 * lock that the quicker one has taken since, sees that by its content, and puts it back.
 */
function takeAway(lock, holder) {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (error.code !== 'ENOENT') fail(`cannot remove ${lock}: ${error.message}`);
    return;
  }
  if (readLock(aside) === holder) rmSync(aside, { force: true });
  else renameSync(aside, lock);
}

/** One set-up at a time: a second one waits for the first instead of writing over it. */
function withLock(work) {
  mkdirSync(tools, { recursive: true });
  const lock = join(tools, 'lock');
  let emptySince;
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`cannot write ${lock}: ${error.message}`);
    }
    const holder = readLock(lock);
    if (holder === undefined) continue;
    // Written in two steps: for a moment the lock of a set-up that just begins is empty.
    if (holder !== '') emptySince = undefined;
    else emptySince ??= Date.now();
    const abandoned = emptySince === undefined ? !existsSync(`/proc/${holder}`) : Date.now() - emptySince > 10_000;
    if (abandoned) {
      takeAway(lock, holder);
      continue;
    }
    if (!waited) say(`another set-up (process ${holder || 'unknown'}) is at work here; waiting for it …`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const release = () => {
    if (readLock(lock) === String(process.pid)) rmSync(lock, { force: true });
  };
  process.on('exit', release);
  const value = work();
  release();
  process.off('exit', release);
  return value;
}

const [command, ...args] = process.argv.slice(2);
const major = checkMachine();
const env = withLock(() => {
  const environment = { ...process.env, PATH: toolPath(major) };
  installPackages(environment);
  return environment;
});
if (!quiet) say('ready');
if (command) {
  const child = spawn(command, args, {
    cwd: process.env.INIT_CWD && command.startsWith('torchpass') ? process.env.INIT_CWD : root,
    env,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`cannot start ${command}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
