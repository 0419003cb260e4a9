import type { AuditEntryView, AuditPage } from '@torchpass/controller/api';
import { parseDuration } from '@torchpass/core';
import { command, type Context } from '../command.ts';
import { textOption, valueOption, wholeNumber } from '../option.ts';
import { count } from '../print/words.ts';

const PAGE = 500;
const MOST = 100_000;
const USUAL = 50;

export const auditLog = command({
  name: 'audit log',
  summary: 'show what was done and refused, the newest first',
  details: 'docs/audit.md explains every event. Whether the log is whole says "torchpass audit verify".',
  examples: [
    { line: 'torchpass audit log --since 1d', shows: 'the last day' },
    { line: 'torchpass audit log --subject web-1 --limit 10', shows: 'the last of a host' },
    {
      line: 'torchpass audit log --event token.rejected',
      shows: 'join tokens that were refused, with the true reason',
    },
    { line: 'torchpass audit log --limit 10000 --output json > audit.json', shows: 'for another program' },
  ],
  arguments: {},
  options: {
    since: valueOption('--since DURATION', 'only what is not older, such as 1d', (text) => (parseDuration(text), text)),
    event: textOption('--event EVENT', 'only this event, such as host.revoked'),
    subject: textOption('--subject SUBJECT', 'only what is about this host, serial number, token, …'),
    before: valueOption('--before NUMBER', 'only entries before this one', wholeNumber),
    limit: valueOption('--limit NUMBER', `how many at most (default: ${USUAL})`, limit),
  },
  run: ({ api }, { limit = USUAL, ...filter }) => readPages(api, filter, limit),
  print({ entries, next }, page) {
    if (entries.length === 0) return page.line('There is no such entry.');
    page.table(
      [
        { title: 'number', value: ({ number }) => String(number), align: 'right' },
        { title: 'time', value: ({ at }) => at.replace(/\.\d+Z$/, 'Z') },
        { title: 'event', value: ({ event }) => event },
        { title: 'subject', value: ({ subject }) => (subject === '' ? '-' : subject) },
        { title: 'by', value: actorText },
        { title: 'details', value: ({ details }) => detailsText(details) },
      ],
      entries,
    );
    if (next === null) return;
    page.line();
    page.line(
      `${count(entries.length, 'entry', 'entries')}; there are more: repeat with --before ${next}, or a larger --limit.`,
    );
  },
});

/** The API gives a bounded page at a time. */
async function readPages(
  api: Context['api'],
  filter: {
    since?: string | undefined;
    event?: string | undefined;
    subject?: string | undefined;
    before?: number | undefined;
  },
  limit: number,
): Promise<AuditPage> {
  const entries: AuditEntryView[] = [];
  for (let before = filter.before; ;) {
    const page = await api.readAudit({ ...filter, before, limit: Math.min(PAGE, limit - entries.length) });
    entries.push(...page.entries);
    if (page.next === null || entries.length >= limit) return { entries, next: page.next };
    before = page.next;
  }
}

function actorText({ by: { kind, name, from } }: AuditEntryView): string {
  return [kind, name, from === '' ? '' : `from ${from}`].filter((part) => part !== '').join(' ');
}

function detailsText(details: AuditEntryView['details']): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== '')
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(' ');
}

function limit(text: string): number {
  return Math.max(1, Math.min(MOST, wholeNumber(text)));
}
