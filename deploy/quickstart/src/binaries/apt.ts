import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from './archives.ts';
import type { Architecture } from './machine.ts';
import { run } from './run.ts';

export interface Apt {
  update(): Promise<void>;
  /** Downloads the packages' newest versions; paths of the .deb files. */
  download(packages: readonly string[]): Promise<string[]>;
}

/**
 * An apt of its own inside `folder`: its own sources, lists, and state. The machine's apt is neither asked nor
 * changed, no package counts as installed, and any user may run it. What the administrator set for the
 * network (proxies, certificates, credentials) still holds.
 */
export async function isolatedApt(
  folder: string,
  {
    archive,
    suite,
    architecture,
    signal,
  }: { archive: Archive; suite: string; architecture: Architecture; signal?: AbortSignal },
): Promise<Apt> {
  const sources = join(folder, 'torchpass.sources');
  const config = join(folder, 'apt.conf');
  const debs = join(folder, 'debs');
  for (const part of ['lists/partial', 'archives/partial', 'debs'])
    await mkdir(join(folder, part), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  await writeFile(sources, stanza(archive, suite, architecture));
  await writeFile(config, configuration(folder, sources, architecture));
  const apt = (...args: string[]) => run('apt-get', ['-q', '-c', config, ...args], { cwd: debs, signal });
  return {
    // Without the mode, lists that could not be fetched are only a warning.
    update: async () => void (await apt('-o', 'APT::Update::Error-Mode=any', 'update')),
    async download(packages) {
      await apt('download', ...packages);
      return (await readdir(debs)).filter((name) => name.endsWith('.deb')).map((name) => join(debs, name));
    },
  };
}

function stanza({ uri, components, trust }: Archive, suite: string, architecture: Architecture): string {
  const fields = {
    Types: 'deb',
    URIs: uri,
    Suites: suite,
    Components: components.join(' '),
    Architectures: architecture,
  };
  return Object.entries({ ...fields, ...trust })
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/** Read after the machine's own configuration, so that these win; see apt.conf(5). */
function configuration(folder: string, sources: string, architecture: Architecture): string {
  const settings = {
    'Dir::State': folder,
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': folder,
    'Dir::Cache::archives': join(folder, 'archives'),
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'APT::Architecture': architecture,
    // The folder is the caller's; apt's own user could not enter it.
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::PDiffs': 'false',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '30',
    'Acquire::https::Timeout': '30',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  };
  // Hooks of the machine clean or refresh the machine's own apt after an update.
  const hooks = ['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'].map((hook) => `#clear APT::Update::${hook};\n`);
  return [...hooks, ...Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)].join('');
}
