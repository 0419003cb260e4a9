import { command } from '../command.ts';
import { requiredArgument } from '../option.ts';
import { labelText, stateText } from '../print/words.ts';
import { printHost } from './host-fields.ts';
import { hostName } from './host-name.ts';

export const hostShow = command({
  name: 'host show',
  summary: 'show a host, its certificates and its exporters',
  examples: [{ line: 'torchpass host show web-1', shows: 'what it serves, and until when its certificates are valid' }],
  arguments: { name: requiredArgument('NAME', 'name of the host', hostName) },
  options: {},
  run: ({ api }, { name }) => api.showHost(name),
  print(host, page) {
    printHost(host, page);
    for (const exporter of host.exporters) {
      page.line();
      page.fields([
        ['exporter', page.colors.bold(exporter.exporter)],
        ['state', stateText(exporter.state, page.colors)],
        ['target', exporter.target ?? 'not decided yet'],
        ['job', exporter.job],
        ['labels', labelText(exporter.labels)],
        ['certificate', exporter.serial ?? '-'],
        ['certificate ends', page.absolute(exporter.notAfter)],
        ['last checked', page.absolute(exporter.checkedAt)],
      ]);
      if (exporter.problem !== null) page.line(page.colors.red(exporter.problem));
    }
  },
});
