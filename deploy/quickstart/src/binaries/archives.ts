import type { AptSource } from './apt-sources.ts';

/** An archive of a distribution that one suite can be had from. */
export interface Archive {
  uri: string;
  components: string[];
  trust: Record<string, string>;
}

/** Every mirror of Debian holds all of these, so a machine of one can get the packages of another. */
const DEBIAN_SUITES = [
  'bullseye',
  'bookworm',
  'trixie',
  'forky',
  'duke',
  'sid',
  'oldstable',
  'stable',
  'testing',
  'unstable',
];
/** Debian keeps Prometheus in the first, Ubuntu in the second. */
const WANTED_COMPONENTS = new Set(['main', 'universe']);

/** Whether `suite` is one of Debian's own. */
export function isDebianSuite(suite: string): boolean {
  return DEBIAN_SUITES.includes(suite);
}

/**
 * Where the machine's own sources would get `suite` from, best first. Repositories of other vendors name their suites after
 * Debian's too: what has the distribution's keyring or its `-updates` comes before them.
 */
export function archivesOf(suite: string, sources: readonly AptSource[]): Archive[] {
  const wanted = isDebianSuite(suite) ? DEBIAN_SUITES : [suite];
  const updated = new Set(sources.filter((source) => source.suites.some(isUpdates)).flatMap(({ uris }) => uris));
  const likeness = (uri: string, { trust }: AptSource) =>
    Number(updated.has(uri)) + Number(/\/[\w-]*-archive-/.test(trust['Signed-By'] ?? ''));
  return sources
    .map((source) => ({ source, components: source.components.filter((name) => WANTED_COMPONENTS.has(name)) }))
    .filter(({ source, components }) => components.length > 0 && source.suites.some((name) => wanted.includes(name)))
    .flatMap(({ source, components }) =>
      source.uris.map((uri) => ({ archive: { uri, components, trust: source.trust }, rank: likeness(uri, source) })),
    )
    .toSorted((a, b) => b.rank - a.rank)
    .map(({ archive }) => archive);
}

function isUpdates(suite: string): boolean {
  return suite.endsWith('-updates');
}
