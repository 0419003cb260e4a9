import type { TokenView } from '@torchpass/controller/api';
import type { Page } from '../print/page.ts';
import { labelText, listText, stateText } from '../print/words.ts';

/** What a token allows, as names and values. */
export function tokenFields(token: TokenView, page: Page): [string, string][] {
  return [
    ['id', token.id],
    ['state', stateText(token.state, page.colors)],
    ['uses', `${token.uses} of ${token.maxUses}`],
    ['expires', page.absolute(token.expiresAt)],
    ['job', token.job ?? "each exporter's name"],
    ['labels', labelText(token.labels)],
    ['host name', hostText(token)],
    ['addresses', listText(['the one it connects from', ...token.addresses])],
    ['networks', listText(token.networks, ', ', 'any')],
    ['exporters', listText(token.exporters, ', ', 'any')],
    ['approval', token.approval ? 'a person has to approve each host' : 'not needed'],
    ...(token.note === '' ? [] : [['note', token.note] satisfies [string, string]]),
  ];
}

function hostText({ hostName, replaces }: TokenView): string {
  if (hostName === null) return 'as the host asks';
  return replaces ? `${hostName}, replacing the machine that has it now` : hostName;
}
