import { dirname } from 'node:path';
import { type Files, isTorchpassError, type Owner, TorchpassError } from '@torchpass/core';
import { readWebConfig, renderWebConfig, webConfigProblems } from '@torchpass/prometheus';
import { type Generation, generationFiles, readableBy } from './generation.ts';

/** The first line of every web configuration that Torchpass writes. */
const [MANAGED_HEADER = ''] = renderWebConfig({
  clientCaFile: '/a',
  certFile: '/b',
  keyFile: '/c',
  clientAuthType: 'RequireAndVerifyClientCert',
}).split('\n', 1);

/** The web configuration as it is on disk. */
export interface InstalledWebConfig {
  text: string;
  /** The folder of the generation that it names; undefined when it is damaged. */
  generation: string | undefined;
}

/**
 * Reads the web configuration at `path`; undefined when there is none.
 *
 * Errors: WEB_CONFIG_FOREIGN for a file that Torchpass did not write. It is never overwritten: somebody's passwords or
 * another authority's certificates may be in it.
 */
export async function readInstalled(
  path: string,
  exporter: string,
  files: Files,
): Promise<InstalledWebConfig | undefined> {
  const text = (await files.read(path))?.toString('utf8');
  // An exporter that starts with an empty file is open to everybody; there is nothing of anybody's in it to keep.
  if (text === undefined || text.trim() === '') return undefined;
  if (!text.startsWith(MANAGED_HEADER)) {
    throw new TorchpassError(
      'WEB_CONFIG_FOREIGN',
      `The web configuration ${path} of the exporter "${exporter}" was not written by Torchpass and is left alone.`,
      {
        hint: 'Move it away, or set web_config to another path and start the exporter with that one; then run "torchpass-agent sync".',
      },
    );
  }
  try {
    return { text, generation: dirname(readWebConfig(text).certFile) };
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    return { text, generation: undefined };
  }
}

/** The web configuration that makes an exporter use `generation`. */
export function webConfigFor(generation: Generation, allowedSans: readonly string[] | undefined): string {
  const { clientCa, certificate, key } = generationFiles(generation.folder);
  return renderWebConfig({
    clientCaFile: clientCa,
    certFile: certificate,
    keyFile: key,
    clientAuthType: 'RequireAndVerifyClientCert',
    clientAllowedSans: allowedSans,
  });
}

/** Puts a web configuration in place with one rename. What would open the exporter is not written. */
export async function install(path: string, text: string, owner: Owner | undefined, files: Files): Promise<void> {
  refuseUnsafe(path, text);
  await files.write(path, { data: text, ...readableBy(owner) });
}

/** Looks at what an exporter is about to read. Errors: WEB_CONFIG_UNSAFE. */
export async function checkInstalled(path: string, files: Files): Promise<void> {
  refuseUnsafe(path, (await files.read(path))?.toString('utf8') ?? '');
}

function refuseUnsafe(path: string, text: string): void {
  const [problem] = webConfigProblems(text);
  if (problem === undefined) return;
  throw new TorchpassError(
    'WEB_CONFIG_UNSAFE',
    `The web configuration ${path} would not protect the exporter: ${problem}`,
  );
}
