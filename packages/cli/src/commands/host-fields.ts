import type { HostView } from '@torchpass/controller/api';
import type { Page } from '../print/page.ts';
import { stateText } from '../print/words.ts';

/** A host in full. */
export function printHost(host: HostView, page: Page): void {
  page.fields([
    ['name', page.colors.bold(host.name)],
    ['state', stateText(host.state, page.colors)],
    ['address', host.address],
    ['agent', host.agentVersion],
    ['key', host.fingerprint ?? '-'],
    [host.state === 'pending' ? 'asked' : 'enrolled', page.absolute(host.enrolledAt)],
    ['last seen', page.absolute(host.lastSeenAt)],
    ['identity', host.identity?.serial ?? '-'],
    ['identity ends', page.absolute(host.identity?.notAfter ?? null)],
    ...(host.quarantine === null ? [] : ([['quarantined', page.absolute(host.quarantine.at)]] as const)),
  ]);
  if (host.quarantine === null) return;
  page.line(page.colors.red(host.quarantine.reason));
  page.line(`When one machine is left that uses it: torchpass host release ${host.name}`);
}
