import { fileURLToPath } from 'node:url';
import { debianBinaries, type Binaries, type Suite } from '@torchpass/quickstart';

/** The releases of Debian whose Prometheus and node_exporter everything is tested against. */
export const SUITES = ['bookworm', 'trixie', 'sid'] as const satisfies readonly Suite[];

/** The checkout's cache, which `npm start` uses too. */
const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));

/** The programs of a suite; from the network only when the cache does not have them. */
export function binariesOf(suite: Suite, report: (sentence: string) => void = () => undefined): Promise<Binaries> {
  return debianBinaries(suite, { cache: CACHE, report });
}
