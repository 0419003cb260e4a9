import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One entry of apt's sources, of either format (sources.list(5)). */
export interface AptSource {
  uris: string[];
  suites: string[];
  components: string[];
  /** How the archive is authenticated, as fields of a deb822 entry; an inline key keeps its lines. */
  trust: Record<string, string>;
}

const TRUST_FIELDS = ['Signed-By', 'Trusted'];

/** The machine's enabled binary sources; none when there is no apt. */
export async function readAptSources(folder: string): Promise<AptSource[]> {
  const parts = join(folder, 'sources.list.d');
  const names: string[] = await readdir(parts).catch(() => []);
  const files = [join(folder, 'sources.list'), ...names.toSorted().map((name) => join(parts, name))];
  const sources = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8').catch(() => '');
      if (file.endsWith('.sources')) return parseStanzas(text);
      return file.endsWith('.list') ? parseLines(text) : [];
    }),
  );
  return sources.flat().filter(({ uris }) => uris.length > 0);
}

/** The deb822 format: fields in stanzas that an empty line parts. */
export function parseStanzas(text: string): AptSource[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines
    .join('\n')
    .split(/\n[ \t]*\n/)
    .map(fieldsOf)
    .filter(
      (fields) => words(fields, 'types').includes('deb') && !/^(?:no|false|off|0)$/i.test(fields.get('enabled') ?? ''),
    )
    .map((fields) => ({
      uris: words(fields, 'uris').filter(isNetworkOrFile),
      suites: words(fields, 'suites'),
      components: words(fields, 'components'),
      trust: trustOf((name) => fields.get(name)),
    }));
}

/** The one-line format: `deb [signed-by=FILE] URI SUITE COMPONENT …`. */
export function parseLines(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) return [];
    const [, bracket = '', uri = '', suite = '', components = ''] = match;
    const options = new Map(
      bracket
        .split(/\s+/)
        .map((option) => option.split('=', 2))
        .map(([name = '', value = '']) => [name.toLowerCase(), value.replaceAll(',', ' ')] as const),
    );
    return {
      uris: [uri].filter(isNetworkOrFile),
      suites: [suite],
      components: components.split(/\s+/).filter(Boolean),
      trust: trustOf((name) => options.get(name)),
    };
  });
}

function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last = '';
  for (const line of stanza.split('\n')) {
    const [, name, value = ''] = /^([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields.set((last = name.toLowerCase()), value.trim());
    else if (/^\s+\S/.test(line) && last !== '') fields.set(last, `${fields.get(last) ?? ''}\n${line}`);
  }
  return fields;
}

function words(fields: Map<string, string>, name: string): string[] {
  return (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
}

function trustOf(get: (name: string) => string | undefined): Record<string, string> {
  return Object.fromEntries(
    TRUST_FIELDS.flatMap((name) => {
      const value = get(name.toLowerCase());
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

/** A disc in a drive has one release and may not be there. */
function isNetworkOrFile(uri: string): boolean {
  return !uri.startsWith('cdrom:');
}
