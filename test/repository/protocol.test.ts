import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ROOT } from './files.ts';

const BIN = join(ROOT, 'node_modules/.bin');
const PROTO = 'torchpass/v1/agent.proto';
const GENERATED = 'packages/protocol/src/gen';

// Each test starts the protocol's tools several times.
vi.setConfig({ testTimeout: 180_000 });

/** A checkout with nothing but the protocol and its generated code. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'torchpass-protocol-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(ROOT, 'proto'), join(folder, 'proto'), { recursive: true });
  mkdirSync(join(folder, 'packages/protocol/src'), { recursive: true });
  return folder;
}

function buf(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(join(BIN, 'buf'), args, {
    cwd: join(folder, 'proto'),
    encoding: 'utf8',
  });
  return { passed: status === 0, output: `${stdout}${stderr}` };
}

function change(folder: string, from: string, to: string): void {
  const path = join(folder, 'proto', PROTO);
  const before = readFileSync(path, 'utf8');
  expect(before).toContain(from);
  writeFileSync(path, before.replace(from, to));
}

const breaking = (folder: string) => buf(folder, 'breaking', '--against', 'released.binpb');

describe('compatibility with the released protocol', () => {
  it('holds as it is', () => {
    expect(breaking(checkout())).toEqual({ passed: true, output: '' });
  });

  it.each([
    [
      'a field with another type',
      '  uint32 port = 2;',
      '  string port = 2;',
      /"port" on message "ExporterReport" changed type/,
    ],
    ['a field taken away', '  bytes serving_serial = 6;\n', '', /field "6".*"ExporterReport".*deleted/],
    ['a field with another number', '  bool renew = 4;', '  bool renew = 14;', /field "4".*"DesiredExporter".*deleted/],
    [
      'a field made repeated',
      '  string host_name = 4;',
      '  repeated string host_name = 4;',
      /"host_name".*cardinality/,
    ],
    [
      'a call with another request',
      '  rpc Leave(LeaveRequest)',
      '  rpc Leave(CheckInRequest)',
      /RPC "Leave".*request type/,
    ],
    ['a call with another name', '  rpc Enroll(', '  rpc Join(', /RPC "Enroll".*deleted/],
    [
      'a value of an enum with another number',
      'TARGET_STATE_PENDING = 2;',
      'TARGET_STATE_PENDING = 5;',
      /enum value "2"/i,
    ],
  ])('is broken by %s', (_, from, to, complaint) => {
    const folder = checkout();
    change(folder, from, to);
    const { passed, output } = breaking(folder);
    expect(output).toMatch(complaint);
    expect(passed).toBe(false);
  });

  it('is kept by a new field, a new call and a new value', () => {
    const folder = checkout();
    change(folder, 'message LeaveRequest {}', 'message LeaveRequest {\n  // Why.\n  string reason = 1;\n}');
    change(
      folder,
      '  rpc Leave(',
      '  // Says nothing.\n  rpc Ping(PingRequest) returns (PingResponse);\n\n  rpc Leave(',
    );
    change(
      folder,
      'message LeaveResponse {}',
      'message LeaveResponse {}\n\nmessage PingRequest {}\n\nmessage PingResponse {}',
    );
    change(folder, 'TARGET_STATE_PUBLISHED = 3;', 'TARGET_STATE_PUBLISHED = 3;\n  // Gone.\n  TARGET_STATE_GONE = 4;');
    expect(breaking(folder)).toEqual({ passed: true, output: '' });
    expect(buf(folder, 'lint')).toEqual({ passed: true, output: '' });
  });
});

describe('the generated code', () => {
  /** Every generated file with its content. */
  function contents(folder: string): Record<string, string> {
    const names = readdirSync(join(folder, GENERATED), { recursive: true, encoding: 'utf8' }).toSorted();
    const files = names.filter((name) => name.endsWith('.ts'));
    return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, GENERATED, name), 'utf8')]));
  }

  it('is what the generator makes of the protocol, so that an edit by hand is seen', () => {
    const folder = checkout();
    expect(buf(folder, 'generate')).toEqual({ passed: true, output: '' });
    const [anew, committed] = [contents(folder), contents(ROOT)];
    expect(Object.keys(anew)).toContain('torchpass/v1/agent.ts');
    expect(committed).toEqual(anew);
    change(folder, '  string host_name = 4;', '  string wished_name = 4;');
    expect(buf(folder, 'generate').passed).toBe(true);
    expect(contents(folder)).not.toEqual(committed);
  });
});

it('the check of the repository sees generated code that was edited', () => {
  const folder = checkout();
  cpSync(join(ROOT, '.ci'), join(folder, '.ci'), { recursive: true });
  cpSync(join(ROOT, GENERATED), join(folder, GENERATED), { recursive: true });
  // Of the tools of the other checks none can be found, so those fail at once.
  const tools = join(folder, 'tools');
  mkdirSync(tools);
  symlinkSync(join(BIN, 'buf'), join(tools, 'buf'));
  symlinkSync(process.execPath, join(tools, 'node'));
  const check = () => {
    const { stdout } = spawnSync(process.execPath, [join(folder, '.ci/check.ts'), 'generated code'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${tools}:/usr/bin:/bin`, HOME: folder },
    });
    return /^(.*) generated code \(/m.exec(stdout)?.[1]?.trim() ?? stdout;
  };
  expect(check()).toBe('ok');
  const path = join(folder, GENERATED, 'torchpass/v1/agent.ts');
  writeFileSync(path, `${readFileSync(path, 'utf8')}\n// by hand\n`);
  expect(check()).toBe('FAILED');
});
