import type { CreateTokenInput } from '@torchpass/controller/api';
import { parseDuration, TorchpassError } from '@torchpass/core';
import { command } from '../command.ts';
import { listOption, switchOption, textOption, valueOption, wholeNumber } from '../option.ts';
import { hostName } from './host-name.ts';
import { tokenFields } from './token-fields.ts';

export const tokenCreate = command({
  name: 'token create',
  summary: 'make a join token for new servers',
  details: 'The token is shown once; the controller keeps only a hash of it. Treat it like a password.',
  examples: [
    { line: 'torchpass token create --job node --label env=prod', shows: 'for one server, within an hour' },
    { line: 'torchpass token create --uses 20 --expires-in 1d --network 198.51.100.0/24', shows: 'for a batch' },
    { line: 'torchpass token create --approval', shows: 'the host waits until you have compared its key' },
    { line: 'torchpass token create --host-name web-1 --output token > web-1.token', shows: 'only the token' },
    { line: 'torchpass token create --replace web-1', shows: 'for a server that was reinstalled' },
    { line: 'torchpass token create --output json | jq -r .token', shows: 'the same with jq' },
  ],
  arguments: {},
  options: {
    job: textOption('--job JOB', "job that all the host's exporters join (default: each exporter's own name)"),
    labels: listOption('--label NAME=VALUE', 'label that the targets get'),
    expiresIn: valueOption('--expires-in DURATION', 'how long it may be used (default: 1h)', duration),
    uses: valueOption('--uses NUMBER', 'how many servers may use it (default: 1)', wholeNumber),
    replace: valueOption('--replace HOST', 'host whose place the server takes, after it was reinstalled', hostName),
    hostName: textOption('--host-name NAME', 'name that the host gets, whatever it asks for'),
    addresses: listOption('--address ADDRESS', 'address or DNS name that targets may have besides the observed one'),
    networks: listOption('--network CIDR', 'network from which it may be used (default: any)'),
    exporters: listOption('--exporter NAME', 'exporter that the host may have (default: any)'),
    approval: switchOption('--approval', 'a person has to approve each host, with "torchpass host approve"'),
    note: textOption('--note TEXT', 'for your memory'),
  },

  run({ api }, { labels, approval, ...rest }) {
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    const request: CreateTokenInput = { ...Object.fromEntries(given), labels: parseLabels(labels) };
    if (approval) request.approval = true;
    return api.createToken(request);
  },

  formats: { token: (created) => created.token },

  print({ token, controller, details }, page) {
    const { bold, cyan } = page.colors;
    page.line(`Join token ${bold(details.id)}, shown this once:`);
    page.line();
    page.line(`  ${bold(token)}`);
    page.line();
    page.line('On the server, as root:');
    page.line();
    page.line(`  ${cyan(`torchpass-agent enroll --controller ${controller}`)}`);
    page.line();
    page.line('Paste the token when asked, or give a file with --token-file FILE; never as an argument.');
    page.line();
    page.fields(tokenFields(details, page));
    if (!details.replaces) return;
    page.line();
    page.line(
      `When it is used, every certificate that "${details.hostName ?? ''}" has now is revoked; its targets stay.`,
    );
  },
});

/** Each is NAME=VALUE; what a name or value may be is for the controller to say. */
function parseLabels(given: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const text of given) {
    const at = text.indexOf('=');
    const name = text.slice(0, at);
    if (at < 1) {
      throw new TorchpassError('USAGE', `Option --label: ${JSON.stringify(text)} is not NAME=VALUE.`, {
        hint: 'Write it like --label env=prod.',
      });
    }
    if (labels.has(name)) throw new TorchpassError('USAGE', `Option --label: "${name}" is given more than once.`);
    labels.set(name, text.slice(at + 1));
  }
  return Object.fromEntries(labels);
}

function duration(text: string): string {
  parseDuration(text);
  return text;
}
