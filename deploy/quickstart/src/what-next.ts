import { controllerAddress, type Layout } from './layout.ts';

/** What to look at, and what to do next; texts to copy are on lines of their own. */
export function whatNext(layout: Layout, checkout: string, prometheusUrl: string): string[] {
  const socket = `--socket ${quoted(layout.socket)}`;
  return [
    '',
    `Prometheus             ${prometheusUrl}/api/v1/query?query=up`,
    `Controller, agents     ${controllerAddress(layout.ports)}`,
    `Controller, metrics    http://127.0.0.1:${layout.ports.operations}/metrics`,
    `State and logs         ${layout.dataDir}`,
    '',
    `Look around, in another terminal, in ${checkout}:`,
    `  npm run -s torchpass -- target list ${socket}`,
    `  npm run -s torchpass -- target check ${socket}`,
    `  curl -k https://${layout.hosts[0]?.address}:${layout.ports.exporter}/metrics     (refused: you have no certificate)`,
    '',
    'To add a real server: this controller listens on 127.0.0.1 only, so run one on an address that the server reaches',
    '(advertise_address in its configuration, see docs/operations.md), and make a token beside it:',
    '  npm run -s torchpass -- token create --job node --socket FOLDER/controller.sock     (FOLDER: its storage_path)',
    'There are no packages to install yet, so the server needs a checkout too. There, as root, in the checkout:',
    '  npm run -s torchpass-agent -- enroll --controller HOST:7443     and paste the token when asked',
    '',
    'Ctrl-C stops everything. Run again, it resumes.',
  ];
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
